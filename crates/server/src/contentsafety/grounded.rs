//! `text:detectGroundedness`: what an answer claims that its sources do not say.

use castellan_shield::grounded;
use serde::{Deserialize, Serialize};

use crate::contentsafety::{Failure, Service, limits};

/// Most characters of an answer and of a question, where limits are kept.
const TEXT: usize = 7_500;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    text: String,
    grounding_sources: Vec<String>,
    qna: Option<Question>,
    /// Reasons are given in any case; a correction would need a model that writes.
    #[serde(default)]
    correction: bool,
}

#[derive(Debug, Deserialize)]
struct Question {
    query: String,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    ungrounded_detected: bool,
    ungrounded_percentage: f64,
    ungrounded_details: Vec<Detail>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Detail {
    text: String,
    reason: String,
}

pub(crate) fn answer(service: &Service, asked: Asked) -> Result<Answer, Failure> {
    limits::within(service, "text", &asked.text, (1, TEXT))?;
    if asked.correction {
        return Err(Failure::unsupported("texts are not corrected here; leave `correction` out"));
    }
    if asked.grounding_sources.iter().all(String::is_empty) {
        return Err(Failure::body("`groundingSources` is empty; send what the text is to be compared with"));
    }
    let sources: Vec<&str> = asked.grounding_sources.iter().map(String::as_str).collect();
    let query = asked.qna.as_ref().map(|question| question.query.as_str());
    let found =
        grounded::check(&asked.text, &sources, query).map_err(|error| Failure::body(error.to_string()))?;
    let details = found.ungrounded.iter().map(|claim| Detail {
        text: asked.text.get(claim.span.clone()).unwrap_or_default().to_owned(),
        reason: claim.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    });
    Ok(Answer {
        ungrounded_detected: !found.ungrounded.is_empty(),
        ungrounded_percentage: found.share,
        ungrounded_details: details.collect(),
    })
}
