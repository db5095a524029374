//! A request of OTLP over HTTP (OpenTelemetry Protocol 1.x, "OTLP/HTTP").

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use tokio::time::timeout;

use super::span::named;
use super::{Encoding, TracesConfig};
use crate::upstream::{Credential, HttpClient};

/// Largest answer of a collector that is read, in bytes.
const LARGEST: usize = 64 << 10;

/// Where spans go.
pub(super) struct Target {
    pub(super) http: HttpClient,
    pub(super) headers: HeaderMap,
    /// Headers whose values are secrets, and whether those are tokens.
    pub(super) secrets: Vec<(HeaderName, Arc<Credential>, bool)>,
    pub(super) config: TracesConfig,
}

/// What became of a request.
pub(super) enum Sent {
    /// The collector has taken it, but for so many spans.
    Taken { rejected: usize },
    /// It will never take it.
    Refused(String),
    /// It may take it later; perhaps it says when.
    Later(String, Option<Duration>),
}

impl Target {
    /// A batch as a request's body.
    pub(super) fn written(&self, spans: Vec<Span>) -> Bytes {
        let mut attributes = vec![
            named("service.name", &self.config.service),
            named("service.version", env!("CARGO_PKG_VERSION")),
            named("telemetry.sdk.name", "castellan"),
            named("telemetry.sdk.language", "rust"),
            named("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        attributes.extend(self.config.resource.iter().map(|(name, value)| named(name, value)));
        let scope = InstrumentationScope {
            name: "castellan.gate".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
        let resource = Some(Resource { attributes, ..Resource::default() });
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
        };
        match self.config.encoding {
            Encoding::Protobuf => request.encode_to_vec().into(),
            // What is made of texts and numbers alone can be written.
            Encoding::Json => serde_json::to_vec(&request).unwrap_or_default().into(),
        }
    }

    /// Sends a body.
    pub(super) async fn send(&self, bytes: &Bytes) -> Sent {
        let limit = Duration::from_millis(self.config.timeout_ms);
        timeout(limit, self.sent(bytes))
            .await
            .unwrap_or_else(|_| Sent::Later("it took too long".to_owned(), None))
    }

    async fn sent(&self, bytes: &Bytes) -> Sent {
        let kind = match self.config.encoding {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        let mut request = Request::new(Full::new(bytes.clone()));
        *request.method_mut() = http::Method::POST;
        match self.config.endpoint.parse() {
            Ok(uri) => *request.uri_mut() = uri,
            Err(_) => return Sent::Refused("its address cannot be used".to_owned()),
        }
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        for (name, credential, is_token) in &self.secrets {
            match credential.secret().await {
                Ok(Some(secret)) if *is_token && *name == AUTHORIZATION => {
                    headers.insert(name, secret.bearer)
                }
                Ok(Some(secret)) => headers.insert(name, secret.plain),
                Ok(None) => None,
                Err(why) => return Sent::Later(format!("the secret `{name}`: {why}"), None),
            };
        }
        match self.http.request(request).await {
            Ok(answer) => self.answered(answer).await,
            Err(error) => Sent::Later(crate::upstream::reason(&error), None),
        }
    }

    async fn answered(&self, answer: http::Response<hyper::body::Incoming>) -> Sent {
        let (head, body) = answer.into_parts();
        if head.status.is_success() {
            // What cannot be read says nothing of spans that were rejected.
            let body =
                Limited::new(body, LARGEST).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            return Sent::Taken { rejected: self.rejected(&body) };
        }
        let why = format!("it answers {}", head.status);
        match head.status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                let seconds =
                    head.headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
                Sent::Later(why, seconds.map(Duration::from_secs))
            }
            _ => Sent::Refused(why),
        }
    }

    /// How many spans a collector did not take (`partial_success`).
    fn rejected(&self, body: &[u8]) -> usize {
        let response: Option<ExportTraceServiceResponse> = match self.config.encoding {
            Encoding::Protobuf => ExportTraceServiceResponse::decode(body).ok(),
            Encoding::Json => {
                // Numbers of 64 bits are texts in JSON of protobuf, and numbers in that of some collectors.
                let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
                let told = value.as_ref().and_then(|value| value.pointer("/partialSuccess/rejectedSpans"));
                let count = told.and_then(|told| told.as_u64().or_else(|| told.as_str()?.parse().ok()));
                return usize::try_from(count.unwrap_or_default()).unwrap_or(usize::MAX);
            }
        };
        let rejected =
            response.and_then(|response| response.partial_success).map(|partial| partial.rejected_spans);
        usize::try_from(rejected.unwrap_or_default()).unwrap_or_default()
    }
}
