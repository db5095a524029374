//! Why a request goes no further.

use std::time::Duration;

use castellan_wire::refusal::Refusal;

use crate::guard::Action;
use crate::record::Stage;
use crate::upstream::UpstreamError;

/// Why a request goes no further, and what its client is told.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) stage: Stage,
    pub(super) refusal: Refusal,
    pub(super) action: Action,
    /// The word for records; that of the refusal unless there is a finer one.
    pub(super) word: String,
    /// Headers of the answer.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The body, where it is not the refusal's.
    pub(super) body: Option<Box<str>>,
}

impl Stop {
    pub(super) fn new(stage: Stage, status: u16, code: &'static str, message: impl Into<String>) -> Stop {
        let refusal = Refusal::new(status, code, message);
        Stop { stage, word: code.to_owned(), refusal, action: Action::Block, headers: Vec::new(), body: None }
    }

    pub(super) fn with_word(mut self, word: impl Into<String>) -> Stop {
        self.word = word.into();
        self
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Stop {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn upstream(error: UpstreamError) -> Stop {
        let code = match &error {
            UpstreamError::UnknownModel(_) => "model_not_found",
            UpstreamError::Unavailable { .. } => "upstream_unavailable",
            UpstreamError::Timeout { .. } => "upstream_timeout",
            UpstreamError::Path(_) | UpstreamError::Body(_) => "invalid_request",
            _ => "upstream_failed",
        };
        let stop = Stop::new(Stage::Forward, error.status().as_u16(), code, error.to_string());
        match error.retry_after() {
            Some(wait) => stop.with_header("retry-after", seconds(wait)),
            None => stop,
        }
    }
}

fn seconds(wait: Duration) -> String {
    wait.as_secs().max(1).to_string()
}
