//! The services of OTLP over gRPC.
//!
//! They stand on a listener of their own, since gRPC speaks HTTP/2 from its first byte. Source: OpenTelemetry Protocol
//! 1.x, "OTLP/gRPC": `UNAVAILABLE` with `RetryInfo` asks for another try.

use axum::Router;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::time::timeout;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};

use castellan_base::Ticks;
use castellan_ingest::{Taken, otlp};

use super::status::{Any, Delay, Partial, RetryInfo, Status as RpcStatus};
use super::{Origin, Signal, kept, refusal, retry_after};
use crate::intake::{Intake, now};
use crate::{Gate, Refusal};

/// The three services. What is beyond `largest_body` bytes, packed or not, is refused.
pub(in crate::intake) fn routes(intake: Intake) -> Router {
    let most = intake.gate.largest_body();
    let (gate, gzip) = (intake.gate.clone(), CompressionEncoding::Gzip);
    let services = Services { intake };
    let logs = LogsServiceServer::new(services.clone());
    let traces = TraceServiceServer::new(services.clone());
    let metrics = MetricsServiceServer::new(services);
    Routes::new(logs.max_decoding_message_size(most).accept_compressed(gzip).send_compressed(gzip))
        .add_service(traces.max_decoding_message_size(most).accept_compressed(gzip).send_compressed(gzip))
        .add_service(metrics.max_decoding_message_size(most).accept_compressed(gzip).send_compressed(gzip))
        .into_axum_router()
        .layer(from_fn_with_state(gate, bounded))
}

/// Has a request wait for a place before its body is read, and bounds how long that may take.
async fn bounded(
    State(gate): State<Gate>,
    request: axum::extract::Request,
    next: Next,
) -> axum::response::Response {
    let place = match gate.place().await {
        Ok(place) => place,
        Err(refused) => return unavailable(&refused, Some(1)).into_http(),
    };
    let response = timeout(gate.body_time(), next.run(request)).await;
    drop(place);
    response.unwrap_or_else(|_| {
        Status::deadline_exceeded("the request took too long; send less at once").into_http()
    })
}

#[derive(Clone)]
struct Services {
    intake: Intake,
}

impl Services {
    /// Maps and keeps a request.
    async fn taken<Asked: Message + Send + 'static>(
        &self,
        signal: Signal,
        asked: Asked,
        read: fn(&Asked, Ticks) -> Taken,
    ) -> Result<Partial, Status> {
        let mapped = self.intake.gate.aside(move || {
            // The request was decoded before it came here; written again, it is the same whenever it is repeated.
            let origin = Origin::of_body(signal.path(), &asked.encode_to_vec());
            Ok::<_, Refusal>((read(&asked, now()), origin))
        });
        let (read, origin) = mapped.await.map_err(|refused| unavailable(&refused, Some(1)))?;
        let done = kept(&self.intake, read, origin).await;
        done.map_err(|error| {
            let refused = refusal(&error);
            match retry_after(&error) {
                Some(seconds) => unavailable(&refused, Some(seconds)),
                None if refused.status().is_server_error() => unavailable(&refused, None),
                None => Status::invalid_argument(refused.message()),
            }
        })
    }
}

/// A failure after which it may be tried again.
fn unavailable(refused: &Refusal, seconds: Option<u64>) -> Status {
    let Some(seconds) = seconds else { return Status::unavailable(refused.message()) };
    let delay = Delay { seconds: i64::try_from(seconds).unwrap_or(60) };
    let info = Any {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
        value: RetryInfo { retry_delay: Some(delay) }.encode_to_vec(),
    };
    let mut status = RpcStatus::new(i32::from(Code::Unavailable), refused.message());
    status.details.push(info);
    Status::with_details(Code::Unavailable, refused.message(), status.encode_to_vec().into())
}

/// `None` where everything was kept as it came.
fn told(partial: Partial) -> Option<Partial> {
    (partial != Partial::default()).then_some(partial)
}

#[tonic::async_trait]
impl LogsService for Services {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let partial = self.taken(Signal::Logs, request.into_inner(), otlp::decoded_logs).await?;
        let partial_success = told(partial).map(|partial| ExportLogsPartialSuccess {
            rejected_log_records: partial.rejected,
            error_message: partial.message,
        });
        Ok(Response::new(ExportLogsServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl TraceService for Services {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let partial = self.taken(Signal::Traces, request.into_inner(), otlp::decoded_traces).await?;
        let partial_success = told(partial).map(|partial| ExportTracePartialSuccess {
            rejected_spans: partial.rejected,
            error_message: partial.message,
        });
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl MetricsService for Services {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let partial = self.taken(Signal::Metrics, request.into_inner(), otlp::decoded_metrics).await?;
        let partial_success = told(partial).map(|partial| ExportMetricsPartialSuccess {
            rejected_data_points: partial.rejected,
            error_message: partial.message,
        });
        Ok(Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}
