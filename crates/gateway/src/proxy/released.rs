//! Policies over the data that was found in an answer, asked before it is released.
//!
//! They are the policies that let the request through, asked again with `context.answerLabels`. Where no policy speaks of
//! those, or an answer has no such data, nothing is asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_access::grant::Held;
use castellan_access::policy::{Action, Asked as Question, Circumstances, Resource};
use castellan_access::principal::Verified;
use castellan_classify::Engine;

use super::exchange::Exchange;
use crate::gate::Gate;
use crate::guard::{Action as Follows, Hit, Judgement, Ruling};

/// What was asked, as policies were told.
#[derive(Clone)]
pub(super) struct Releasing {
    pub(super) gate: Arc<Gate>,
    pub(super) verified: Arc<Verified>,
    pub(super) action: Action,
    pub(super) resource: Resource,
    pub(super) circumstances: Circumstances,
    pub(super) held: Held,
    /// Arguments of a call.
    pub(super) arguments: Option<serde_json::Value>,
}

impl Releasing {
    /// What stops an answer with these findings; nothing where policies let it pass.
    pub(super) fn rule(&self, judgement: &Judgement) -> Option<Hit> {
        let labels = labels(self.gate.inspector.engine(), &judgement.hits);
        if labels.is_empty() {
            return None;
        }
        let mut question = Question::by(&self.verified, self.action, self.resource.clone(), self.gate.now());
        question.held = self.held.clone();
        question.arguments = self.arguments.as_ref();
        question.circumstances = Circumstances { answer_labels: labels, ..self.circumstances.clone() };
        let decided = self.gate.policies.decide(&question);
        let needs = decided.obligations.require_approval && self.held.ids.is_empty();
        if decided.allow && !needs {
            return None;
        }
        let of = judgement.hits.iter().find(|hit| hit.check == "sensitive")?;
        let policy =
            decided.policies.first().map_or_else(|| "none".to_owned(), |policy| policy.id.to_string());
        Some(Hit {
            rule: format!("policy/{policy}").into(),
            check: "policy",
            action: if decided.allow { Follows::RequireApproval } else { Follows::Block },
            point: of.point,
            path: of.path.clone(),
            what: decided.reason(),
            score: 1.0,
            count: 1,
            decoded: None,
            failed: false,
        })
    }
}

/// Labels of data: the categories and ids of detectors that found something.
pub(super) fn labels(engine: &Engine, hits: &[Hit]) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for hit in hits.iter().filter(|hit| hit.check == "sensitive" && !hit.failed) {
        let detector = engine.rules().detector(&hit.what);
        labels.extend(detector.map(|detector| detector.category.as_str().to_owned()));
        labels.insert(hit.what.clone());
    }
    labels
}

impl Exchange {
    /// Has policies decide about what was found in an answer.
    pub(super) fn rule(&mut self, judgement: &mut Judgement) {
        let Some(hit) = self.releasing.as_ref().and_then(|releasing| releasing.rule(judgement)) else {
            return;
        };
        self.decision.action = self.decision.action.max(hit.action);
        self.decision.word = format!("policy:{}", hit.rule);
        self.decision.reason = format!("the answer was not released: {}", hit.what);
        self.decision.hits.push(hit.clone());
        judgement.hit(hit);
    }

    /// The same for a stream.
    pub(super) fn ruling(&self) -> Option<Ruling> {
        let releasing = self.releasing.clone()?;
        Some(Box::new(move |judgement| releasing.rule(judgement)))
    }
}
