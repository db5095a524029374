//! What is asked.

use axum::http::HeaderValue;
use serde::Deserialize;
use serde_json::Value;

use crate::Refusal;
use crate::presidio::analyzer::ad_hoc::Recognizer;

/// Most words of context, and the most bytes that they come to.
const WORDS: (usize, usize) = (256, 4_096);

/// The request. Members that are not here, as `correlation_id` and `trace`, steer what Presidio logs; nothing is logged
/// here, and they are passed over.
#[derive(Deserialize)]
pub(in crate::presidio) struct Analyze {
    pub(super) text: Option<Text>,
    pub(super) language: Option<String>,
    pub(super) entities: Option<Vec<String>>,
    pub(super) score_threshold: Option<f64>,
    pub(super) return_decision_process: Option<Value>,
    pub(super) ad_hoc_recognizers: Option<Vec<Recognizer>>,
    pub(super) context: Option<Vec<String>>,
    pub(super) allow_list: Option<Vec<String>>,
    pub(super) allow_list_match: Option<String>,
    pub(super) regex_flags: Option<u32>,
}

/// One text, or several, each of which has an answer of its own.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`text` is a string or a list of strings")]
pub(in crate::presidio) enum Text {
    One(String),
    Many(Vec<String>),
}

impl Text {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Text::One(text) => text.is_empty(),
            Text::Many(texts) => texts.is_empty(),
        }
    }
}

/// The words of a context, which count as standing near everything that is found.
pub(super) fn context(words: Vec<String>) -> Result<Vec<String>, Refusal> {
    let (most, bytes) = WORDS;
    if words.len() > most || words.iter().map(String::len).sum::<usize>() > bytes {
        return Err(Refusal::bad(format!(
            "`context` has more than {most} words or {bytes} bytes; send fewer"
        )));
    }
    Ok(words.into_iter().filter(|word| !word.trim().is_empty()).collect())
}

/// Names as the value of a header: those that one can hold, so many as have room.
pub(super) fn header(names: &[String]) -> Option<HeaderValue> {
    let plain =
        |name: &&String| name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    let shown: Vec<&str> = names.iter().filter(plain).map(String::as_str).take(32).collect();
    let more = names.len() - shown.len();
    let mut text = shown.join(", ");
    if more > 0 {
        text.push_str(&format!("{}and {more} more", if shown.is_empty() { "" } else { ", " }));
    }
    if names.is_empty() { None } else { HeaderValue::from_str(&text).ok() }
}
