//! `text:shieldPrompt`: whether a prompt, or a document that goes with it, attacks the model.

use castellan_shield::Source;
use castellan_shield::attack::{Subtype, Tier, Verdict};
use castellan_shield::second::Asked as AskedSecond;
use serde::{Deserialize, Serialize};

use crate::contentsafety::{Failure, Service, limits};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    user_prompt: Option<String>,
    documents: Option<Vec<String>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_prompt_analysis: Option<Analysis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    documents_analysis: Option<Vec<Analysis>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    attack_detected: bool,
    castellan: More,
}

/// What the service of the same shape does not say. Spans are counted in code points.
#[derive(Debug, PartialEq, Serialize)]
struct More {
    probability: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtype: Option<Subtype>,
    spans: Vec<Span>,
    decoded: Vec<Decoded>,
    tier: Tier,
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<AskedSecond>,
    unscanned: Vec<Left>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Span {
    start: usize,
    end: usize,
    reason: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct Decoded {
    start: usize,
    end: usize,
    chain: Vec<&'static str>,
    text: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct Left {
    start: usize,
    end: usize,
    reason: &'static str,
}

impl More {
    fn new(text: &str, verdict: Verdict) -> More {
        let at = |byte: usize| text.get(..byte).map_or(0, |before| before.chars().count());
        let spans = verdict.spans.into_iter().map(|evidence| Span {
            start: at(evidence.start),
            end: at(evidence.end),
            reason: evidence.reason,
        });
        let decoded = verdict.decoded.into_iter().map(|payload| Decoded {
            start: at(payload.start),
            end: at(payload.end),
            chain: payload.chain,
            text: payload.text,
        });
        let unscanned = verdict.unscanned.into_iter();
        More {
            probability: verdict.probability,
            subtype: verdict.subtype,
            spans: spans.collect(),
            decoded: decoded.collect(),
            tier: verdict.tier,
            second: verdict.second,
            unscanned: unscanned
                .map(|left| Left { start: at(left.start), end: at(left.end), reason: left.reason })
                .collect(),
        }
    }
}

pub(crate) fn answer(service: &Service, asked: Asked) -> Result<Answer, Failure> {
    let documents = asked.documents.unwrap_or_default();
    let prompt = asked.user_prompt.filter(|prompt| !prompt.is_empty());
    if prompt.is_none() && documents.is_empty() {
        return Err(Failure::body("there is neither a `userPrompt` nor a document; send one of them"));
    }
    if let Some(prompt) = &prompt {
        limits::text(service, "userPrompt", prompt)?;
    }
    limits::documents(service, &documents)?;
    let allowance = service.judge.allowance();
    let analysis = |text: &str, source: Source| {
        let verdict = service.judge.attack(text, source, &allowance);
        // Azure's answer has no word for what could not be decided, and it must not pass for harmless.
        if let Some(failure) = verdict.failure().filter(|_| verdict.is_undecided()) {
            return Err(Failure::internal(failure));
        }
        Ok(Analysis { attack_detected: verdict.detected, castellan: More::new(text, verdict) })
    };
    let of_documents = documents.iter().map(|document| analysis(document, Source::Document));
    let of_documents: Vec<Analysis> = of_documents.collect::<Result<_, Failure>>()?;
    Ok(Answer {
        user_prompt_analysis: prompt.map(|prompt| analysis(&prompt, Source::User)).transpose()?,
        documents_analysis: Some(of_documents).filter(|all| !all.is_empty()),
    })
}
