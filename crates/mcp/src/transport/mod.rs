//! How messages travel: which era a request is of, what its headers have to say, and the answers to what is refused.

mod header;
mod http;
mod refusal;
mod session;
mod sse;
mod stdio;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use header::{HeaderAnnotation, annotations, decode, encode};
pub use http::{Accepted, Config, Posted, check, check_parameters, known_method};
pub use refusal::{Reason, Refusal, error_body};
pub use session::{Pending, Session, SessionLimits, Sessions};
pub use sse::{Event, Item, Reader as SseReader, SseError, write_event};
pub use stdio::{LineError, Reader as LineReader, line};

/// A revision of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// Sessions, HTTP with a stream beside it.
    #[serde(rename = "2024-11-05")]
    V2024_11_05,
    /// Streamable HTTP; the one revision with batches.
    #[serde(rename = "2025-03-26")]
    V2025_03_26,
    /// The header with the version, elicitation, structured results.
    #[serde(rename = "2025-06-18")]
    V2025_06_18,
    /// Tasks, elicitation by address.
    #[serde(rename = "2025-11-25")]
    V2025_11_25,
    /// No sessions: every request says all of itself.
    #[serde(rename = "2026-07-28")]
    V2026_07_28,
}

impl Version {
    /// Every revision, the newest first.
    pub const ALL: [Version; 5] = [
        Version::V2026_07_28,
        Version::V2025_11_25,
        Version::V2025_06_18,
        Version::V2025_03_26,
        Version::V2024_11_05,
    ];

    /// The revision of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Version> {
        Version::ALL.into_iter().find(|version| version.as_str() == name)
    }

    /// Its name: a date.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V2024_11_05 => "2024-11-05",
            Version::V2025_03_26 => "2025-03-26",
            Version::V2025_06_18 => "2025-06-18",
            Version::V2025_11_25 => "2025-11-25",
            Version::V2026_07_28 => "2026-07-28",
        }
    }

    /// Whether requests carry version and capabilities themselves, and there are no sessions.
    #[must_use]
    pub fn is_modern(self) -> bool {
        self >= Version::V2026_07_28
    }

    /// Whether several messages may stand in one body.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Version::V2025_03_26
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
