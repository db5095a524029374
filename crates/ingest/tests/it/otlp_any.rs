//! Any request: nothing panics, rows fit their schemas, and each record is a row or rejected.

use castellan_ingest::otlp::{self, Encoding};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value::{AsDouble, AsInt};
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use proptest::prelude::*;
use prost::Message;

use crate::check::{fits, received};

fn value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        any::<String>().prop_map(|text| Some(Value::StringValue(text))),
        any::<bool>().prop_map(|truth| Some(Value::BoolValue(truth))),
        any::<i64>().prop_map(|number| Some(Value::IntValue(number))),
        any::<f64>().prop_map(|number| Some(Value::DoubleValue(number))),
        any::<Vec<u8>>().prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ];
    let of = |value| AnyValue { value };
    leaf.prop_map(of).prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(move |values| of(Some(Value::ArrayValue(ArrayValue { values })))),
            prop::collection::vec((key(), inner), 0..4).prop_map(move |pairs| {
                let values = pairs.into_iter().map(pair).collect();
                of(Some(Value::KvlistValue(KeyValueList { values })))
            }),
        ]
    })
}

fn pair((key, value): (String, AnyValue)) -> KeyValue {
    KeyValue { key, value: Some(value), ..KeyValue::default() }
}

/// Names that rules look at, and others.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("gen_ai.operation.name".to_owned()),
        Just("gen_ai.input.messages".to_owned()),
        Just("gen_ai.usage.input_tokens".to_owned()),
        Just("gen_ai.request.temperature".to_owned()),
        Just("gen_ai.response.finish_reasons".to_owned()),
        Just("openinference.span.kind".to_owned()),
        Just("input.value".to_owned()),
        Just("traceloop.entity.input".to_owned()),
        Just("llm.invocation_parameters".to_owned()),
        Just("otel.flags".to_owned()),
        Just("event.name".to_owned()),
        Just("mcp.session.id".to_owned()),
        Just("gen_ai.prompt".to_owned()),
        Just("gen_ai.event.content".to_owned()),
        "(gen_ai\\.prompt|llm\\.input_messages|retrieval\\.documents)\\.[0-9]{1,2}(\\.[a-z]{1,3}){0,3}",
        "[a-z.]{0,6}",
        any::<String>(),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    prop::collection::vec((key(), value()).prop_map(pair), 0..8)
}

fn id() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 16),
        prop::collection::vec(any::<u8>(), 8),
        any::<Vec<u8>>()
    ]
}

fn span() -> impl Strategy<Value = Span> {
    let event = (any::<u64>(), prop_oneof![Just("gen_ai.choice".to_owned()), any::<String>()], attributes());
    let event = event.prop_map(|(time_unix_nano, name, attributes)| span::Event {
        time_unix_nano,
        name,
        attributes,
        ..span::Event::default()
    });
    let ids = (id(), id(), id());
    let rest =
        (any::<String>(), any::<i32>(), any::<[u64; 2]>(), attributes(), prop::collection::vec(event, 0..3));
    (ids, rest, any::<(u32, i32, String)>()).prop_map(|(ids, rest, (count, code, message))| {
        let (name, kind, [start, end], attributes, events) = rest;
        Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            name,
            kind,
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes,
            events,
            dropped_links_count: count,
            status: Some(Status { message, code }),
            ..Span::default()
        }
    })
}

fn record() -> impl Strategy<Value = LogRecord> {
    let name =
        prop_oneof![Just("gen_ai.user.message".to_owned()), Just("gen_ai.new".to_owned()), any::<String>()];
    (any::<[u64; 2]>(), any::<i32>(), prop::option::of(value()), attributes(), id(), id(), name).prop_map(
        |([time, observed], severity_number, body, attributes, trace_id, span_id, event_name)| LogRecord {
            flags: 1,
            time_unix_nano: time,
            observed_time_unix_nano: observed,
            severity_number,
            body,
            attributes,
            trace_id,
            span_id,
            event_name,
            ..LogRecord::default()
        },
    )
}

fn points(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        _ => 0,
    }
}

fn metric() -> impl Strategy<Value = Metric> {
    let number = (
        any::<u64>(),
        prop_oneof![any::<f64>().prop_map(AsDouble), any::<i64>().prop_map(AsInt)],
        attributes(),
    );
    let number = number.prop_map(|(time_unix_nano, value, attributes)| NumberDataPoint {
        time_unix_nano,
        value: Some(value),
        attributes,
        ..Default::default()
    });
    let histogram = (any::<u64>(), any::<u64>(), any::<Option<f64>>(), any::<Vec<u64>>(), any::<Vec<f64>>())
        .prop_map(|(time_unix_nano, count, sum, bucket_counts, explicit_bounds)| HistogramDataPoint {
            time_unix_nano,
            count,
            sum,
            bucket_counts,
            explicit_bounds,
            ..Default::default()
        });
    let exponential = (any::<[u64; 3]>(), any::<[i32; 2]>(), any::<f64>(), any::<Vec<u64>>()).prop_map(
        |([time_unix_nano, count, zero_count], [scale, offset], zero_threshold, bucket_counts)| {
            ExponentialHistogramDataPoint {
                time_unix_nano,
                count,
                zero_count,
                scale,
                zero_threshold,
                negative: Some(Buckets { offset, bucket_counts }),
                ..Default::default()
            }
        },
    );
    let data = prop_oneof![
        (prop::collection::vec(number, 0..3), any::<(i32, bool)>()).prop_map(
            |(data_points, (temporality, is_monotonic))| {
                Data::Sum(Sum { data_points, aggregation_temporality: temporality, is_monotonic })
            }
        ),
        prop::collection::vec(histogram, 0..3)
            .prop_map(|data_points| Data::Histogram(Histogram { data_points, ..Default::default() })),
        prop::collection::vec(exponential, 0..3).prop_map(|data_points| {
            Data::ExponentialHistogram(ExponentialHistogram { data_points, ..Default::default() })
        }),
    ];
    (any::<String>(), prop::option::of(data)).prop_map(|(name, data)| Metric {
        name,
        data,
        ..Metric::default()
    })
}

proptest! {
    #[test]
    fn every_span_is_a_row(spans in prop::collection::vec(span(), 0..4)) {
        let (count, events) = (spans.len(), spans.iter().map(|span| span.events.len()).sum::<usize>());
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { scope_spans: vec![ScopeSpans { spans, ..Default::default() }], ..Default::default() }],
        };
        let taken = otlp::traces(&request.encode_to_vec(), Encoding::Protobuf, received()).unwrap();
        fits(&taken);
        prop_assert_eq!(taken.count("OTelSpans") as u64 + taken.rejected, count as u64);
        prop_assert_eq!(taken.count("OTelEvents"), events);
    }

    #[test]
    fn every_log_record_is_a_row(log_records in prop::collection::vec(record(), 0..4)) {
        let count = log_records.len();
        let request = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs { scope_logs: vec![ScopeLogs { log_records, ..Default::default() }], ..Default::default() }],
        };
        let taken = otlp::logs(&request.encode_to_vec(), Encoding::Protobuf, received()).unwrap();
        fits(&taken);
        prop_assert_eq!(taken.count("OTelLogs"), count);
    }

    #[test]
    fn every_data_point_is_a_row(metrics in prop::collection::vec(metric(), 0..4)) {
        let count: usize = metrics.iter().map(points).sum();
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics { scope_metrics: vec![ScopeMetrics { metrics, ..Default::default() }], ..Default::default() }],
        };
        let taken = otlp::metrics(&request.encode_to_vec(), Encoding::Protobuf, received()).unwrap();
        fits(&taken);
        prop_assert_eq!(taken.count("OTelMetrics"), count);
        // What the crate of the messages writes as JSON is read again, but for numbers that JSON cannot hold.
        if let Ok(taken) = otlp::metrics(&serde_json::to_vec(&request).unwrap(), Encoding::Json, received()) {
            fits(&taken);
            prop_assert_eq!(taken.count("OTelMetrics") as u64 + taken.rejected, count as u64);
        }
    }

    #[test]
    fn any_bytes(bytes in any::<Vec<u8>>()) {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            for read in [otlp::logs, otlp::traces, otlp::metrics] {
                if let Ok(taken) = read(&bytes, encoding, received()) {
                    fits(&taken);
                }
            }
        }
    }

    /// JSON that is nearly a request: each entry of the innermost list is a row or rejected.
    #[test]
    fn nearly_json(records in prop::collection::vec(nearly(), 0..5)) {
        let count = records.len() as u64;
        let body = serde_json::json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string();
        let taken = otlp::logs(body.as_bytes(), Encoding::Json, received()).unwrap();
        fits(&taken);
        prop_assert_eq!(taken.count("OTelLogs") as u64 + taken.rejected, count);
    }
}

fn nearly() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::{Value, json};
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!({"stringValue": "x"})),
        Just(json!([{"key": "a", "value": {"intValue": "1"}}])),
    ];
    let name = prop::sample::select(vec![
        "timeUnixNano",
        "severityNumber",
        "body",
        "attributes",
        "flags",
        "traceId",
        "spanId",
        "eventName",
        "droppedAttributesCount",
        "other",
    ]);
    prop_oneof![
        leaf.clone(),
        prop::collection::vec((name, leaf), 0..5)
            .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
    ]
}
