//! Why a request goes no further.

use std::time::Duration;

use castellan_wire::refusal::Refusal;

use crate::guard::Action;
use crate::record::Stage;
use crate::upstream::UpstreamError;

/// Why a request goes no further. It is seldom made, so what it holds is apart.
#[derive(Clone, Debug)]
pub(super) struct Stop(Box<Why>);

/// What is told of a request that goes no further.
#[derive(Clone, Debug)]
pub(super) struct Why {
    pub(super) stage: Stage,
    pub(super) refusal: Refusal,
    pub(super) action: Action,
    /// The word for records; that of the refusal unless there is a finer one.
    pub(super) word: String,
    /// Headers of the answer.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The body, where it is not the refusal's.
    pub(super) body: Option<String>,
}

impl std::ops::Deref for Stop {
    type Target = Why;

    fn deref(&self) -> &Why {
        &self.0
    }
}

impl std::ops::DerefMut for Stop {
    fn deref_mut(&mut self) -> &mut Why {
        &mut self.0
    }
}

impl Stop {
    pub(super) fn new(stage: Stage, status: u16, code: &'static str, message: impl Into<String>) -> Stop {
        let refusal = Refusal::new(status, code, message);
        let (word, action) = (code.to_owned(), Action::Block);
        Stop(Box::new(Why { stage, refusal, action, word, headers: Vec::new(), body: None }))
    }

    pub(super) fn with_word(mut self, word: impl Into<String>) -> Stop {
        self.0.word = word.into();
        self
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Stop {
        self.0.headers.push((name, value.into()));
        self
    }

    pub(super) fn with_body(mut self, body: String) -> Stop {
        self.0.body = Some(body);
        self
    }

    pub(super) fn why(self) -> Why {
        *self.0
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
