//! Requests of the OpenTelemetry protocol, as `POST /v1/logs`, `/v1/traces` and `/v1/metrics` and their gRPC services
//! carry them.
//!
//! Source: OpenTelemetry Protocol 1.x, "Binary Protobuf Encoding" and "JSON Protobuf Encoding". In JSON, ids are
//! hexadecimal, enumerations are numbers, 64-bit integers are numbers or texts, and unknown members count for nothing.
//! A JSON request that is not strictly so is read again with care: what has one meaning only (names of enumerations,
//! numbers in texts, `null`) is taken, and a record that has none is rejected alone.
//!
//! | signal | table | and |
//! |---|---|---|
//! | log records | `OTelLogs` | content of GenAI events to `AppGenAIContent` |
//! | spans | `OTelSpans`, their events `OTelEvents` | GenAI spans to `ASimAgentEventLogs` and `AppGenAIContent` |
//! | data points of metrics | `OTelMetrics` | |
//!
//! Resource attributes stand in each row. What has no column of its own stands in `Attributes` under a name that begins
//! with `otel.`: trace flags, scope attributes, observed times.

mod any;
mod lenient;
mod logs;
mod metrics;
mod origin;
mod spans;

use castellan_base::Ticks;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;

pub(crate) use any::{Attributes, Kept, value};
pub(crate) use origin::Origin;

use crate::rows::{Sheet, Taken};

/// How a request is written, which its `Content-Type` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`, and gRPC.
    Protobuf,
    /// `application/json`.
    Json,
}

/// A request that could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not protobuf of the expected message.
    #[error("the request is not OTLP as protobuf: {0}; check its Content-Type and that it is not compressed")]
    Protobuf(#[from] prost::DecodeError),
    /// Not JSON, or nested deeper than 128.
    #[error(
        "the request is not JSON at line {line}, column {column}; check its Content-Type and that it is whole"
    )]
    Json {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// JSON of another form.
    #[error("the request is JSON, but no object with `{0}`; send it to the path of its signal")]
    Form(&'static str),
}

/// Rows of an `ExportLogsServiceRequest`.
///
/// # Errors
///
/// Bytes that are no such request at all.
pub fn logs(bytes: &[u8], encoding: Encoding, received: Ticks) -> Result<Taken, Error> {
    let mut sheet = Sheet::default();
    let request: ExportLogsServiceRequest = match encoding {
        Encoding::Protobuf => ExportLogsServiceRequest::decode(bytes)?,
        Encoding::Json => lenient::read(bytes, &mut sheet)?,
    };
    Ok(logs_of(&request, received, sheet))
}

/// Rows of an `ExportTraceServiceRequest`.
///
/// # Errors
///
/// Bytes that are no such request at all.
pub fn traces(bytes: &[u8], encoding: Encoding, received: Ticks) -> Result<Taken, Error> {
    let mut sheet = Sheet::default();
    let request: ExportTraceServiceRequest = match encoding {
        Encoding::Protobuf => ExportTraceServiceRequest::decode(bytes)?,
        Encoding::Json => lenient::read(bytes, &mut sheet)?,
    };
    Ok(traces_of(&request, received, sheet))
}

/// Rows of an `ExportMetricsServiceRequest`, one for each data point.
///
/// # Errors
///
/// Bytes that are no such request at all.
pub fn metrics(bytes: &[u8], encoding: Encoding, received: Ticks) -> Result<Taken, Error> {
    let mut sheet = Sheet::default();
    let request: ExportMetricsServiceRequest = match encoding {
        Encoding::Protobuf => ExportMetricsServiceRequest::decode(bytes)?,
        Encoding::Json => lenient::read(bytes, &mut sheet)?,
    };
    Ok(metrics_of(&request, received, sheet))
}

/// Rows of a request that a gRPC service has decoded.
#[must_use]
pub fn decoded_logs(request: &ExportLogsServiceRequest, received: Ticks) -> Taken {
    logs_of(request, received, Sheet::default())
}

/// Rows of a request that a gRPC service has decoded.
#[must_use]
pub fn decoded_traces(request: &ExportTraceServiceRequest, received: Ticks) -> Taken {
    traces_of(request, received, Sheet::default())
}

/// Rows of a request that a gRPC service has decoded.
#[must_use]
pub fn decoded_metrics(request: &ExportMetricsServiceRequest, received: Ticks) -> Taken {
    metrics_of(request, received, Sheet::default())
}

fn logs_of(request: &ExportLogsServiceRequest, received: Ticks, mut sheet: Sheet) -> Taken {
    let mut writer = logs::Writer::new(received);
    for (outer, resource) in request.resource_logs.iter().enumerate() {
        for (inner, scope) in resource.scope_logs.iter().enumerate() {
            let origin = Origin::read(resource.resource.as_ref(), scope.scope.as_ref(), &mut sheet.problems);
            writer.scope(&origin, &scope.log_records, (outer, inner), &mut sheet);
        }
    }
    sheet.finish()
}

fn traces_of(request: &ExportTraceServiceRequest, received: Ticks, mut sheet: Sheet) -> Taken {
    let mut writer = spans::Writer::new(received);
    for (outer, resource) in request.resource_spans.iter().enumerate() {
        for (inner, scope) in resource.scope_spans.iter().enumerate() {
            let origin = Origin::read(resource.resource.as_ref(), scope.scope.as_ref(), &mut sheet.problems);
            writer.scope(&origin, &scope.spans, (outer, inner), &mut sheet);
        }
    }
    sheet.finish()
}

fn metrics_of(request: &ExportMetricsServiceRequest, received: Ticks, mut sheet: Sheet) -> Taken {
    let mut writer = metrics::Writer::new(received);
    for (outer, resource) in request.resource_metrics.iter().enumerate() {
        for (inner, scope) in resource.scope_metrics.iter().enumerate() {
            let origin = Origin::read(resource.resource.as_ref(), scope.scope.as_ref(), &mut sheet.problems);
            writer.scope(&origin, &scope.metrics, (outer, inner), &mut sheet);
        }
    }
    sheet.finish()
}
