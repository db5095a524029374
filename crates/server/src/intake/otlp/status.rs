//! The few messages of answers, written here since their fields are the same for all three signals.

use axum::http::StatusCode;

/// `ExportLogsServiceResponse` and its siblings, which differ in the names of their fields alone.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Success {
    #[prost(message, optional, tag = "1")]
    pub(super) partial: Option<Partial>,
}

/// `ExportLogsPartialSuccess` and its siblings.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(in crate::intake) struct Partial {
    /// Records that were not taken.
    #[prost(int64, tag = "1")]
    pub(in crate::intake) rejected: i64,
    #[prost(string, tag = "2")]
    pub(in crate::intake) message: String,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Status {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(super) retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Delay {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
}

impl Status {
    pub(super) fn new(code: i32, message: &str) -> Status {
        Status { code, message: message.to_owned(), details: Vec::new() }
    }
}

/// The code of gRPC for a status of HTTP. Source: `google/rpc/code.proto`.
pub(super) fn code(status: StatusCode) -> i32 {
    let code = match status {
        StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE => tonic::Code::InvalidArgument,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => tonic::Code::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE => tonic::Code::Unavailable,
        StatusCode::REQUEST_TIMEOUT => tonic::Code::DeadlineExceeded,
        _ => tonic::Code::Internal,
    };
    i32::from(code)
}
