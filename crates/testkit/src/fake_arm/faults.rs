//! What can go wrong between a client and Resource Manager.

use std::time::Duration;

/// One fault. Those with `times` strike that often and are used up; the others strike always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error status with the error object of Resource Manager.
    Status {
        /// The HTTP status.
        status: u16,
        /// Header and value of what the client shall wait, such as `("Retry-After", "1")`.
        wait: Option<(&'static str, String)>,
        /// How often.
        times: usize,
    },
    /// The answer comes late.
    Slow(Duration),
    /// The body breaks off in the middle; the length promises more.
    BrokenBody {
        /// How often.
        times: usize,
    },
    /// The body is whole, but its JSON is cut in half.
    TruncatedJson {
        /// How often.
        times: usize,
    },
    /// Every page names the first page token again.
    RepeatedPageToken,
    /// The next page is said to be on this other origin.
    NextLinkTo(String),
    /// The answer redirects to this other origin.
    RedirectTo(String),
    /// A body of this many bytes, sent in chunks without a length.
    HugeBody(usize),
    /// Resource Graph says that it cut the result off.
    ResultTruncated,
    /// The message of the error repeats the authorization header that the client sent.
    EchoToken,
}

impl Fault {
    /// A status for ever.
    pub fn always(status: u16) -> Fault {
        Fault::Status { status, wait: None, times: usize::MAX }
    }

    /// A status a number of times, without a word on when to come back.
    pub fn burst(status: u16, times: usize) -> Fault {
        Fault::Status { status, wait: None, times }
    }

    /// 429 a number of times with `Retry-After` as given.
    pub fn throttle(retry_after: impl Into<String>, times: usize) -> Fault {
        Fault::Status { status: 429, wait: Some(("Retry-After", retry_after.into())), times }
    }

    /// Counts one strike; false when the fault is used up.
    pub(crate) fn strike(&mut self) -> bool {
        match self {
            Fault::Status { times, .. } | Fault::BrokenBody { times } | Fault::TruncatedJson { times } => {
                let left = *times > 0;
                *times = times.saturating_sub(1);
                left
            }
            _ => true,
        }
    }
}
