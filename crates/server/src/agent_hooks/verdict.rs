//! What is answered: the verdict of Agent Hooks 0.1, section 5.

use std::collections::BTreeMap;

use castellan_shield::harm::HARMS;
use serde::Serialize;
use serde_json::json;

use crate::agent_hooks::context::Point;
use crate::guard::Judged;
use crate::policy::Policy;

/// Most bytes of evidence that are sent; the specification allows 10,240.
const EVIDENCE: usize = 8_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Decision {
    Allow,
    Deny,
}

/// A verdict. It never rewrites: what is to be removed is the host's to decide.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    pub(crate) decision: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    result_labels: Vec<&'static str>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Warning {
    reason: &'static str,
    message: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct Evidence {
    artefact: String,
    verification_pointers: BTreeMap<String, String>,
}

impl Verdict {
    /// What a policy says of texts that were judged.
    pub(crate) fn new(policy: Policy, point: Point, judged: &Judged) -> Verdict {
        let warnings = judged
            .unscanned
            .iter()
            .map(|message| Warning { reason: "castellan:unscanned", message: message.clone() });
        let mut verdict = Verdict {
            decision: Decision::Allow,
            reason: None,
            message: None,
            warnings: warnings.collect(),
            evidence: None,
            // What a tool brought in was written by nobody who may instruct the agent.
            result_labels: if point == Point::PostToolCall {
                vec!["castellan:untrusted"]
            } else {
                Vec::new()
            },
        };
        // The end of a session cannot be prevented.
        if point != Point::AgentShutdown {
            verdict.judge(policy, judged);
        }
        verdict
    }

    /// What an order of a playbook says.
    pub(crate) fn ordered(point: Point, word: &str, message: String, order: String) -> Verdict {
        let judged = Judged::default();
        let policy = Policy { name: "order", severity: u8::MAX };
        let mut verdict = Verdict::new(policy, point, &judged);
        verdict.deny(format!("castellan:{word}"), message);
        let verification_pointers = BTreeMap::from([("order".to_owned(), order)]);
        verdict.evidence = Some(Evidence { artefact: String::new(), verification_pointers });
        verdict
    }

    fn judge(&mut self, policy: Policy, judged: &Judged) {
        if let Some((path, attack)) = judged.attack.as_ref().filter(|(_, attack)| attack.detected) {
            let message = format!("`{path}` holds an attack on the model");
            self.deny("castellan:prompt_attack".to_owned(), message);
            let artefact = json!({
                "path": path,
                "probability": attack.probability,
                "subtype": attack.subtype,
                "decoded": attack.decoded,
            });
            let artefact = artefact.to_string();
            let end = artefact.floor_char_boundary(EVIDENCE);
            let artefact = artefact.get(..end).unwrap_or_default().to_owned();
            self.evidence = Some(Evidence { artefact, verification_pointers: BTreeMap::new() });
            return;
        }
        let worst = HARMS.into_iter().zip(judged.harms.all()).max_by_key(|(_, harm)| harm.severity);
        if let Some((name, harm)) = worst.filter(|(_, harm)| harm.severity >= policy.severity) {
            let message =
                format!("severity {} of 7, where the policy blocks from {}", harm.severity, policy.severity);
            self.deny(format!("castellan:{name}"), message);
        }
    }

    fn deny(&mut self, reason: String, message: String) {
        (self.decision, self.reason, self.message) = (Decision::Deny, Some(reason), Some(message));
    }
}
