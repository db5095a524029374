//! Requests as JSON: strictly first, which is fast, and with care where that fails.

use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, ResourceMetrics, ScopeMetrics, metric::Data,
};
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, span::SpanKind, status::StatusCode,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Error;
use crate::problem::{Place, ProblemKind, Problems};
use crate::rows::Sheet;

/// A request whose records can be read one by one.
pub(super) trait Request: DeserializeOwned {
    /// Names of the lists: of resources, of scopes, of records.
    const LISTS: [&'static str; 3];
    type Resource: DeserializeOwned + Default;
    type Scope: DeserializeOwned + Default;
    type Record: DeserializeOwned;

    fn of(resources: Vec<Self::Resource>) -> Self;
    fn scopes(resource: &mut Self::Resource) -> &mut Vec<Self::Scope>;
    fn records(scope: &mut Self::Scope) -> &mut Vec<Self::Record>;

    /// Whether the strict reader can have left out something that it should have refused.
    fn is_whole(&self) -> bool {
        true
    }

    /// Whether a record has what its text had.
    fn is_sound(_record: &Self::Record, _weight: u64) -> bool {
        true
    }

    /// How many records one entry of the innermost list stands for.
    fn weight(_record: &Value) -> u64 {
        1
    }
}

impl Request for ExportLogsServiceRequest {
    const LISTS: [&'static str; 3] = ["resourceLogs", "scopeLogs", "logRecords"];
    type Resource = ResourceLogs;
    type Scope = ScopeLogs;
    type Record = LogRecord;

    fn of(resource_logs: Vec<ResourceLogs>) -> Self {
        ExportLogsServiceRequest { resource_logs }
    }
    fn scopes(resource: &mut ResourceLogs) -> &mut Vec<ScopeLogs> {
        &mut resource.scope_logs
    }
    fn records(scope: &mut ScopeLogs) -> &mut Vec<LogRecord> {
        &mut scope.log_records
    }
}

impl Request for ExportTraceServiceRequest {
    const LISTS: [&'static str; 3] = ["resourceSpans", "scopeSpans", "spans"];
    type Resource = ResourceSpans;
    type Scope = ScopeSpans;
    type Record = Span;

    fn of(resource_spans: Vec<ResourceSpans>) -> Self {
        ExportTraceServiceRequest { resource_spans }
    }
    fn scopes(resource: &mut ResourceSpans) -> &mut Vec<ScopeSpans> {
        &mut resource.scope_spans
    }
    fn records(scope: &mut ScopeSpans) -> &mut Vec<Span> {
        &mut scope.spans
    }
}

impl Request for ExportMetricsServiceRequest {
    const LISTS: [&'static str; 3] = ["resourceMetrics", "scopeMetrics", "metrics"];
    type Resource = ResourceMetrics;
    type Scope = ScopeMetrics;
    type Record = Metric;

    fn of(resource_metrics: Vec<ResourceMetrics>) -> Self {
        ExportMetricsServiceRequest { resource_metrics }
    }
    fn scopes(resource: &mut ResourceMetrics) -> &mut Vec<ScopeMetrics> {
        &mut resource.scope_metrics
    }
    fn records(scope: &mut ScopeMetrics) -> &mut Vec<Metric> {
        &mut scope.metrics
    }
    /// Of members that are alternatives, a faulty one reads as none.
    fn is_whole(&self) -> bool {
        let scopes = self.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        scopes.flat_map(|scope| &scope.metrics).all(|metric| match &metric.data {
            None => false,
            Some(Data::Gauge(gauge)) => gauge.data_points.iter().all(|point| point.value.is_some()),
            Some(Data::Sum(sum)) => sum.data_points.iter().all(|point| point.value.is_some()),
            Some(_) => true,
        })
    }
    fn is_sound(metric: &Metric, weight: u64) -> bool {
        weight == 0 || metric.data.is_some()
    }
    /// OTLP counts the data points of metrics.
    fn weight(record: &Value) -> u64 {
        let points =
            record.as_object().into_iter().flat_map(Map::values).filter_map(|data| data.get("dataPoints"));
        points.filter_map(Value::as_array).map(|points| points.len() as u64).sum()
    }
}

pub(super) fn read<R: Request>(bytes: &[u8], sheet: &mut Sheet) -> Result<R, Error> {
    let is_object = bytes.trim_ascii_start().first() == Some(&b'{');
    if let Some(request) =
        serde_json::from_slice(bytes).ok().filter(|request: &R| is_object && request.is_whole())
    {
        return Ok(request);
    }
    let mut whole: Value = serde_json::from_slice(bytes)
        .map_err(|error| Error::Json { line: error.line(), column: error.column() })?;
    let [outer, inner, innermost] = R::LISTS;
    let resources = match whole.as_object_mut() {
        Some(object) => take(object, outer),
        None => return Err(Error::Form(outer)),
    };
    let mut read = Vec::new();
    for (place, mut resource) in resources.into_iter().enumerate() {
        let scopes = resource.as_object_mut().map(|resource| take(resource, inner)).unwrap_or_default();
        let mut scopes_read = Vec::new();
        for (scope_place, mut scope) in scopes.into_iter().enumerate() {
            let records = scope.as_object_mut().map(|scope| take(scope, innermost)).unwrap_or_default();
            let mut records_read = Vec::new();
            for (record_place, record) in records.into_iter().enumerate() {
                sheet.problems.at(Place { outer: Some((place, scope_place)), record: record_place });
                let weight = R::weight(&record);
                match mended(record, &mut sheet.problems).filter(|record| R::is_sound(record, weight)) {
                    Some(record) => records_read.push(record),
                    None => {
                        sheet.problems.tell(ProblemKind::BadRecord);
                        sheet.rejected += weight;
                    }
                }
            }
            let mut scope: R::Scope = origin(scope, &mut sheet.problems);
            *R::records(&mut scope) = records_read;
            scopes_read.push(scope);
        }
        let mut resource: R::Resource = origin(resource, &mut sheet.problems);
        *R::scopes(&mut resource) = scopes_read;
        read.push(resource);
    }
    Ok(R::of(read))
}

/// Takes a list out of an object; anything else than a list is none.
fn take(object: &mut Map<String, Value>, name: &str) -> Vec<Value> {
    match object.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => {
            object.remove(name);
            items
        }
        _ => {
            object.remove(name);
            Vec::new()
        }
    }
}

/// A resource or a scope; one that cannot be read is left empty, so that its records are not lost.
fn origin<T: DeserializeOwned + Default>(value: Value, problems: &mut Problems) -> T {
    let read = if value.is_object() { mended(value, problems) } else { None };
    read.unwrap_or_else(|| {
        problems.tell(ProblemKind::BadOrigin);
        T::default()
    })
}

fn mended<T: DeserializeOwned>(mut value: Value, problems: &mut Problems) -> Option<T> {
    mend(&mut value, problems);
    serde_json::from_value(value).ok()
}

/// Rewrites what has one meaning only. The depth was bounded when the text was read.
fn mend(value: &mut Value, problems: &mut Problems) {
    match value {
        Value::Array(items) => {
            for item in items {
                mend(item, problems);
            }
        }
        Value::Object(object) => {
            // ProtoJSON: `null` is the same as leaving a member out.
            object.retain(|_, member| !member.is_null());
            for (name, member) in object.iter_mut() {
                mend_member(name, member, problems);
                mend(member, problems);
            }
            object.retain(|_, member| !member.is_null());
            if object.contains_key("value") && !object.contains_key("key") && object.len() == 1 {
                object.insert("key".into(), Value::String(String::new()));
            }
        }
        _ => {}
    }
}

/// A member that becomes `null` here is left out.
fn mend_member(name: &str, member: &mut Value, problems: &mut Problems) {
    match name {
        "traceId" | "spanId" | "parentSpanId" => {
            let hexadecimal = member.as_str().is_some_and(|text| {
                text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            });
            if !hexadecimal {
                problems.tell(ProblemKind::BadHex(name.to_owned()));
                *member = Value::Null;
            }
        }
        "arrayValue" | "kvlistValue" => {
            if let Some(object) = member.as_object_mut() {
                object.entry("values").or_insert_with(|| Value::Array(Vec::new()));
            }
        }
        "severityNumber" | "kind" | "code" | "aggregationTemporality" => {
            if let Some(number) = member.as_str().and_then(|text| enumeration(name, text)) {
                *member = Value::from(number);
            }
        }
        "flags"
        | "droppedAttributesCount"
        | "droppedEventsCount"
        | "droppedLinksCount"
        | "scale"
        | "offset" => {
            if let Some(number) = member.as_str().and_then(|text| text.parse::<i64>().ok()) {
                *member = Value::from(number);
            }
        }
        "sum" | "min" | "max" | "asDouble" | "doubleValue" | "zeroThreshold" => {
            if let Some(text) = member.as_str() {
                // A number that is not finite has no place in a column: `from_f64` gives none.
                let number = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
                if number.is_none() {
                    problems.tell(ProblemKind::NotFinite("a number of the request"));
                }
                *member = number.map_or(Value::Null, Value::Number);
            }
        }
        _ => {}
    }
}

/// The number of a name, or of a number that stands in a text.
fn enumeration(name: &str, text: &str) -> Option<i32> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    match name {
        "severityNumber" => SeverityNumber::from_str_name(text).map(|value| value as i32),
        "kind" => SpanKind::from_str_name(text).map(|value| value as i32),
        "code" => StatusCode::from_str_name(text).map(|value| value as i32),
        _ => AggregationTemporality::from_str_name(text).map(|value| value as i32),
    }
}
