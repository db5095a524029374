//! What guardrails would do with a text.

use std::time::Instant;

use axum::response::Response;
use castellan_gateway::guard::Action;
use castellan_gateway::view::Trial;
use castellan_wire::Point;
use serde::{Deserialize, Serialize};

use crate::console::failure::Failure;
use crate::console::place::{Place, Utf16};
use crate::console::request::Request;

/// The longest text, in characters.
const LONGEST: usize = 200_000;
/// Most profiles, and most places that are told.
const MOST: usize = 64;
const PLACES: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    text: String,
    point: Point,
    #[serde(default)]
    profiles: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    action: Action,
    findings: Vec<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    unscanned: Vec<String>,
    profiles: Vec<String>,
    took_ms: f64,
}

#[derive(Serialize)]
struct Found {
    rule: String,
    check: &'static str,
    kind: String,
    action: Action,
    probability: f32,
    count: usize,
    failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<Place>,
}

fn told(trial: Trial, text: &str, took_ms: f64) -> Told {
    let places = Utf16::of(text);
    let findings = trial.judgement.hits.into_iter().zip(trial.ranges).map(|(hit, ranges)| Found {
        rule: hit.rule.to_string(),
        check: hit.check,
        kind: hit.what,
        action: hit.action,
        probability: hit.score,
        count: hit.count,
        failed: hit.failed,
        decoded: hit.decoded,
        ranges: ranges.iter().take(PLACES).map(|range| places.range(range)).collect(),
    });
    Told {
        action: trial.judgement.action,
        findings: findings.collect(),
        changed: trial.changed,
        unscanned: trial.judgement.unscanned.iter().map(|left| left.matter.as_str().to_owned()).collect(),
        profiles: trial.profiles,
        took_ms,
    }
}

impl Request {
    pub(in crate::console) async fn try_gate(self) -> Result<Response, Failure> {
        let gate = self.opened()?;
        let (request, asked) = self.body::<Asked>().await?;
        if asked.text.chars().count() > LONGEST {
            return Err(Failure::bad(format!("`text` has more than {LONGEST} characters")));
        }
        if asked.profiles.as_ref().is_some_and(|names| names.len() > MOST) {
            return Err(Failure::bad(format!("there are more than {MOST} profiles")));
        }
        request
            .told(move || {
                let begun = Instant::now();
                let trial = gate.try_text(asked.point, &asked.text, asked.profiles.as_deref());
                let trial = trial.map_err(|error| Failure::bad(error.to_string()))?;
                Ok(told(trial, &asked.text, begun.elapsed().as_secs_f64() * 1_000.0))
            })
            .await
    }
}
