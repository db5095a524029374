//! Requests by hand, with what each row must say.

use castellan_ingest::otlp::{self, Encoding};
use castellan_ingest::{ProblemKind, Taken};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::{Value, json};

use crate::check::{received, rows};

fn logs(body: &Value) -> Taken {
    otlp::logs(body.to_string().as_bytes(), Encoding::Json, received()).unwrap()
}

fn traces(body: &Value) -> Taken {
    otlp::traces(body.to_string().as_bytes(), Encoding::Json, received()).unwrap()
}

fn metrics(body: &Value) -> Taken {
    otlp::metrics(body.to_string().as_bytes(), Encoding::Json, received()).unwrap()
}

fn log_request(record: &Value) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "service.namespace", "value": {"stringValue": "contoso"}},
            {"key": "k8s.pod.name", "value": {"stringValue": "shop-1"}},
            {"key": "telemetry.sdk.language", "value": {"stringValue": "python"}},
            {"key": "cloud.resource_id", "value": {"stringValue": "/subscriptions/S1/resourceGroups/RG/providers/P/t/n"}},
        ]},
        "scopeLogs": [{"scope": {"name": "s", "version": "1"}, "logRecords": [record]}],
    }]})
}

fn span_request(span: &Value) -> Value {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
}

fn kinds(taken: &Taken) -> Vec<&ProblemKind> {
    taken.problems.iter().map(|problem| &problem.kind).collect()
}

const TRACE: &str = "5B8EFFF798038103D269B633813FC60C";
const SPAN: &str = "EEE19B7EC3C1B174";

#[test]
fn a_log_record() {
    let taken = logs(&log_request(&json!({
        "timeUnixNano": "1795219200123456789", "observedTimeUnixNano": 1795219260000000000_u64,
        "severityNumber": 17, "severityText": "ERROR",
        "body": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}},
        "attributes": [{"key": "session.id", "value": {"stringValue": "s1"}},
            {"key": "deep", "value": {"arrayValue": {"values": [{"doubleValue": 1.5}, {"bytesValue": "AQI="}]}}}],
        "droppedAttributesCount": 2, "flags": 1, "traceId": TRACE, "spanId": SPAN, "eventName": "order.failed",
    })));
    assert_eq!(taken.problems, [], "{:?}", taken.problems);
    let row = &rows(&taken, "OTelLogs")[0];
    assert_eq!(row["TimeGenerated"], "2026-11-21T00:00:00.1234567Z");
    assert_eq!(row["Body"], r#"{"a":1}"#);
    assert_eq!((&row["SeverityNumber"], &row["SeverityLevel"]), (&json!(17), &json!(3)));
    assert_eq!(row["TraceId"], TRACE.to_lowercase());
    assert_eq!(row["SpanId"], SPAN.to_lowercase());
    assert_eq!((&row["RoleName"], &row["K8sPodName"]), (&json!("contoso.shop"), &json!("shop-1")));
    assert_eq!((&row["ScopeName"], &row["SDKVersion"]), (&json!("s"), &json!("python")));
    assert_eq!(row["_ResourceId"], "/subscriptions/s1/resourcegroups/rg/providers/p/t/n");
    assert_eq!(row["_SubscriptionId"], "s1");
    assert_eq!(row["SessionId"], "s1");
    assert_eq!(row["DroppedAttributesCount"], 2);
    assert_eq!(
        row["Attributes"],
        json!({"session.id": "s1", "deep": [1.5, "AQI="], "event.name": "order.failed", "otel.flags": 1,
            "otel.observed_time": "2026-11-21T00:01:00.0000000Z"})
    );
}

#[test]
fn times_that_are_missing_or_absurd_are_told() {
    let taken = logs(&log_request(&json!({"body": {"stringValue": "x"}})));
    assert_eq!(rows(&taken, "OTelLogs")[0]["TimeGenerated"], "2026-11-22T12:00:00.0000000Z");
    assert_eq!(kinds(&taken), [&ProblemKind::NoTime]);
    let taken = logs(&log_request(&json!({"timeUnixNano": u64::MAX.to_string()})));
    assert_eq!(rows(&taken, "OTelLogs")[0]["TimeGenerated"], "2554-07-21T23:34:33.7095516Z");
    assert_eq!(kinds(&taken), [&ProblemKind::FutureTime]);
    let taken = logs(&log_request(&json!({"observedTimeUnixNano": "1795219200000000000"})));
    assert_eq!(rows(&taken, "OTelLogs")[0]["TimeGenerated"], "2026-11-21T00:00:00.0000000Z");
    assert!(taken.problems.is_empty());
}

#[test]
fn a_span_with_events_and_links() {
    let taken = traces(&span_request(&json!({
        "traceId": TRACE, "spanId": SPAN, "parentSpanId": "EEE19B7EC3C1B173", "name": "GET /a", "kind": 3,
        "startTimeUnixNano": "1795219200000000000", "endTimeUnixNano": "1795219200300000000", "traceState": "a=b",
        "flags": 257, "droppedEventsCount": 1,
        "attributes": [{"key": "http.request.method", "value": {"stringValue": "GET"}},
            {"key": "http.response.status_code", "value": {"intValue": 500}},
            {"key": "server.address", "value": {"stringValue": "example.com"}},
            {"key": "server.port", "value": {"intValue": "443"}},
            {"key": "url.full", "value": {"stringValue": "https://example.com/a"}}],
        "events": [{"timeUnixNano": "1795219200100000000", "name": "exception", "attributes": [
            {"key": "exception.type", "value": {"stringValue": "E"}},
            {"key": "exception.message", "value": {"stringValue": "m"}}]}],
        "links": [{"traceId": TRACE, "spanId": SPAN, "attributes": [{"key": "k", "value": {"boolValue": true}}]}],
        "status": {"code": 2, "message": "boom"},
    })));
    assert_eq!(taken.problems, []);
    let row = &rows(&taken, "OTelSpans")[0];
    let expected = json!({
        "TimeGenerated": "2026-11-21T00:00:00.0000000Z", "Name": "GET /a", "TraceId": TRACE.to_lowercase(),
        "SpanId": SPAN.to_lowercase(), "ParentSpanId": "eee19b7ec3c1b173", "TraceState": "a=b", "Kind": "Client",
        "EndTime": "2026-11-21T00:00:00.3000000Z", "DurationMs": 300.0, "PerformanceBucket": "250ms-500ms",
        "StatusCode": "Error", "StatusMessage": "boom", "Success": false, "ResultCode": "500",
        "Target": "example.com:443", "Data": "https://example.com/a", "DependencyType": "HTTP",
        "DroppedAttributesCount": 0, "DroppedEventsCount": 1, "DroppedLinksCount": 0, "ItemCount": 1,
        "Links": [{"TraceId": TRACE.to_lowercase(), "SpanId": SPAN.to_lowercase(), "DroppedAttributesCount": 0,
            "Attributes": {"k": true}}],
        "Attributes": {"http.request.method": "GET", "http.response.status_code": 500, "otel.flags": 257,
            "server.address": "example.com", "server.port": 443, "url.full": "https://example.com/a"},
    });
    assert_eq!(row, &expected);
    let event = &rows(&taken, "OTelEvents")[0];
    assert_eq!((&event["Name"], &event["ExceptionType"]), (&json!("exception"), &json!("E")));
    assert_eq!(event["SpanId"], row["SpanId"]);
    assert_eq!(event["TimeGenerated"], "2026-11-21T00:00:00.1000000Z");
    assert_eq!(taken.count("ASimAgentEventLogs") + taken.count("AppGenAIContent"), 0);
}

#[test]
fn wrong_ids_and_ends_are_told_and_the_span_is_kept() {
    let taken = traces(&span_request(&json!({
        "traceId": "00000000000000000000000000000000", "spanId": "ab", "startTimeUnixNano": "2", "endTimeUnixNano": "1",
        "attributes": [{"key": "a", "value": {"intValue": 1}}, {"key": "a", "value": {"intValue": 2}},
            {"key": "", "value": {"stringValue": "x"}}],
    })));
    let row = &rows(&taken, "OTelSpans")[0];
    assert_eq!((row.get("TraceId"), row.get("SpanId"), row.get("DurationMs")), (None, None, None));
    assert_eq!(row["Attributes"], json!({"a": 2, "": "x"}));
    let expected = [
        &ProblemKind::DuplicateKey,
        &ProblemKind::EmptyKey,
        &ProblemKind::TraceId,
        &ProblemKind::SpanId,
        &ProblemKind::EndsBeforeStart,
    ];
    assert_eq!(kinds(&taken), expected);
    assert_eq!(taken.rejected, 0);
}

#[test]
fn one_bad_record_of_json_is_rejected_alone() {
    let good = json!({"traceId": TRACE, "spanId": SPAN, "startTimeUnixNano": "1795219200000000000"});
    let mended = json!({"traceId": "xyz", "spanId": SPAN, "kind": "SPAN_KIND_SERVER", "flags": "1", "name": null,
        "startTimeUnixNano": 1795219200000000000_u64, "attributes": [{"key": "e", "value": {"arrayValue": {}}}]});
    let bad = json!({"name": {"a": "secret"}});
    let body = json!({"resourceSpans": [{"resource": 7, "scopeSpans": [{"spans": [good, mended, bad, 5]}]}], "new": 1});
    let taken = traces(&body);
    let spans = rows(&taken, "OTelSpans");
    assert_eq!((spans.len(), taken.rejected), (2, 2));
    assert_eq!((&spans[1]["Kind"], &spans[1]["Attributes"]["e"]), (&json!("Server"), &json!([])));
    assert!(kinds(&taken).contains(&&ProblemKind::BadHex("traceId".into())));
    let message = taken.message().unwrap();
    assert!(message.contains("resource 0, scope 0, record 2: rejected"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn what_is_no_request_is_an_error() {
    assert!(matches!(otlp::logs(b"[1", Encoding::Json, received()), Err(otlp::Error::Json { line: 1, .. })));
    assert!(matches!(otlp::logs(b"[]", Encoding::Json, received()), Err(otlp::Error::Form("resourceLogs"))));
    assert!(matches!(otlp::logs(b"{}x", Encoding::Json, received()), Err(otlp::Error::Json { .. })));
    assert!(matches!(otlp::logs(b"\xff\xff", Encoding::Protobuf, received()), Err(otlp::Error::Protobuf(_))));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(otlp::traces(deep.as_bytes(), Encoding::Json, received()).is_err());
    for empty in ["{}", r#"{"resourceLogs":[]}"#, r#"{"resourceLogs":[{"scopeLogs":[{}]}]}"#] {
        assert_eq!(otlp::logs(empty.as_bytes(), Encoding::Json, received()).unwrap(), Taken::default());
    }
}

#[test]
fn protobuf_and_json_give_the_same() {
    let body = span_request(
        &json!({"traceId": TRACE, "spanId": SPAN, "name": "n", "startTimeUnixNano": "1795219200000000000"}),
    );
    let request: ExportTraceServiceRequest = serde_json::from_value(body.clone()).unwrap();
    let taken = otlp::traces(&request.encode_to_vec(), Encoding::Protobuf, received()).unwrap();
    assert_eq!(taken, traces(&body));
    assert_eq!(taken, otlp::decoded_traces(&request, received()));
}

#[test]
fn metrics_of_every_kind() {
    let point = json!({"timeUnixNano": "1795219200000000000", "startTimeUnixNano": "1795219100000000000",
        "attributes": [{"key": "a", "value": {"stringValue": "b"}}]});
    let with = |more: Value| {
        let mut point = point.clone();
        point.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        point
    };
    let taken = metrics(&json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "g", "unit": "1", "gauge": {"dataPoints": [with(json!({"asInt": "9007199254740993"})), with(json!({"asDouble": 0.5}))]}},
        {"name": "s", "sum": {"isMonotonic": true, "aggregationTemporality": 2, "dataPoints": [with(json!({"asInt": 3,
            "exemplars": [{"timeUnixNano": "1795219200000000000", "asDouble": 2.5, "traceId": TRACE, "spanId": SPAN}]}))]}},
        {"name": "h", "histogram": {"aggregationTemporality": 1, "dataPoints": [with(json!({"count": "3", "sum": 4.5,
            "bucketCounts": ["1", "2"], "explicitBounds": [1.0], "min": 0.5, "max": 2.0}))]}},
        {"name": "e", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [with(json!({"count": "3", "sum": 4.5,
            "scale": 2, "zeroCount": "1", "positive": {"offset": -1, "bucketCounts": ["1", "1"]}}))]}},
        {"name": "q", "summary": {"dataPoints": [with(json!({"count": "3", "sum": 4.5,
            "quantileValues": [{"quantile": 0.5, "value": 1.5}]}))]}},
        {"name": "none"},
    ]}]}]}));
    let rows = rows(&taken, "OTelMetrics");
    assert_eq!(rows.len(), 6);
    assert_eq!((&rows[0]["IntegerValue"], &rows[0]["Kind"]), (&json!(9007199254740993_i64), &json!("Gauge")));
    assert_eq!((&rows[1]["Value"], rows[1].get("IntegerValue")), (&json!(0.5), None));
    assert_eq!((&rows[2]["IsMonotonic"], &rows[2]["Temporality"]), (&json!(true), &json!("Cumulative")));
    assert_eq!(rows[2]["Exemplars"][0]["TraceId"], TRACE.to_lowercase());
    assert_eq!((&rows[3]["BucketCounts"], &rows[3]["ExplicitBounds"]), (&json!([1, 2]), &json!([1.0])));
    assert_eq!((&rows[3]["Min"], &rows[3]["Count"]), (&json!(0.5), &json!(3)));
    assert_eq!((&rows[4]["PositiveOffset"], &rows[4]["PositiveBucketCounts"]), (&json!(-1), &json!([1, 1])));
    assert_eq!(rows[5]["Quantiles"], json!([{"Quantile": 0.5, "Value": 1.5}]));
    assert_eq!(rows[5]["Attributes"], json!({"a": "b"}));
    assert_eq!(kinds(&taken), [&ProblemKind::NoData]);
}

#[test]
fn numbers_that_no_column_holds_are_told() {
    let taken = metrics(&json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "h", "histogram": {"dataPoints": [{"timeUnixNano": "1", "count": u64::MAX.to_string(), "sum": "NaN"}]}},
    ]}]}]}));
    let row = &rows(&taken, "OTelMetrics")[0];
    assert_eq!((row["Count"].as_i64(), row.get("Sum")), (Some(i64::MAX), None));
    assert!(kinds(&taken).contains(&&ProblemKind::TooLarge("Count")));
    assert!(taken.problems.iter().any(|problem| matches!(problem.kind, ProblemKind::NotFinite(_))));
}
