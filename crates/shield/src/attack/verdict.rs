//! What is said about a text.

use std::ops::Range;

use serde::Serialize;

use super::Subtype;
use crate::second::Asked;
use crate::view::UnscannedReason;

/// Whether a text is an attack on the prompt, and what says so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// True when the probability reaches the operating point.
    pub detected: bool,
    /// How likely the text is an attack, from 0 to 1, calibrated on sources that were not trained on.
    pub probability: f32,
    /// What kind of attack; `None` when nothing was detected.
    pub subtype: Option<Subtype>,
    /// Where the evidence stands, in bytes of the text, by place. Empty when nothing was detected.
    pub spans: Vec<Evidence>,
    /// Decoded payloads that are attacks.
    pub decoded: Vec<Payload>,
    /// Which part decided.
    pub tier: Tier,
    /// What the second tier was asked; `None` where there is none, or where the first one was sure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<Asked>,
    /// What was not looked at, and why.
    pub unscanned: Vec<Left>,
}

impl Verdict {
    /// Whether nothing was detected, but the first tier was not sure and the second could not say: to be taken for
    /// unknown, not for harmless.
    pub fn is_undecided(&self) -> bool {
        !self.detected && self.failure().is_some()
    }

    /// Why the second tier could not say anything about a part of the text that it was asked about.
    pub fn failure(&self) -> Option<&str> {
        self.second.as_ref()?.failed.as_deref()
    }
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The source is trusted: instructions belong there, so nothing was judged.
    Provenance,
    /// The linear models and rules.
    Linear,
    /// The same, on a decoded payload.
    Decoded,
    /// The [second tier](crate::second), where the first one was not sure.
    Second,
}

/// A stretch of the text that speaks for an attack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// What speaks for it: `rule ID`, `window`, `machine-made text` or `decoded`.
    pub reason: String,
}

/// A stretch that says something else once it is decoded, and that is an attack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Payload {
    /// First byte of what was encoded.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The encodings, the outermost first.
    pub chain: Vec<&'static str>,
    /// What it says, at most 2,000 bytes of it.
    pub text: String,
    /// How likely it is an attack.
    pub probability: f32,
}

/// A stretch that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// Why.
    pub reason: &'static str,
}

impl Left {
    pub(super) fn new(span: Range<usize>, reason: UnscannedReason) -> Left {
        let reason = match reason {
            UnscannedReason::Depth => "encodings lie too deep within one another",
            UnscannedReason::Bytes => "decoding would take too many bytes",
            UnscannedReason::Payloads => "too many encoded stretches",
        };
        Left { start: span.start, end: span.end, reason }
    }
}
