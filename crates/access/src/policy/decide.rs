//! What policies answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::{AuthorizationError, Authorizer};

use super::ask::Asked;
use super::load::{Compiled, Policies};

/// What a policy does when it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It permits.
    Permit,
    /// It forbids.
    Forbid,
}

/// A policy that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its id.
    pub id: Arc<str>,
    /// The file that it stands in.
    pub file: Arc<str>,
    /// The line that it begins in, from 1.
    pub line: usize,
    /// What it does.
    pub effect: Effect,
    /// Its annotations but the id.
    pub annotations: Arc<BTreeMap<String, String>>,
}

/// What the gate has to do when it lets a request through, or to say when it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obligations {
    /// Guardrail profiles that hold in addition (`@profile`).
    pub profiles: BTreeSet<String>,
    /// A person has to say yes first (`@require_approval`).
    pub require_approval: bool,
    /// What to log in addition (`@log`).
    pub log: BTreeSet<String>,
    /// What to tell whoever asks (`@message`).
    pub messages: BTreeSet<String>,
    /// Annotations of one's own (`@x_...`).
    pub others: BTreeMap<String, BTreeSet<String>>,
}

impl Obligations {
    fn add(&mut self, annotations: &BTreeMap<String, String>) {
        for (name, value) in annotations {
            match name.as_str() {
                "profile" => self.profiles.extend(value.split(',').map(|name| name.trim().to_owned())),
                "require_approval" => self.require_approval |= value != "false",
                "log" => self.log.extend(value.split(',').map(|name| name.trim().to_owned())),
                "message" => {
                    self.messages.insert(value.clone());
                }
                name if name.starts_with("x_") => {
                    self.others.entry(name.to_owned()).or_default().insert(value.clone());
                }
                _ => {}
            }
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// True when the request may go on, as the obligations say.
    pub allow: bool,
    /// Policies that decided: those that permit, or those that forbid. None when nothing permits.
    pub policies: Vec<Decided>,
    /// Policies that could not be evaluated, and why; and why the question could not be asked.
    pub errors: Vec<String>,
    /// What the deciding policies oblige to.
    pub obligations: Obligations,
    /// The version of the policies.
    pub version: Arc<str>,
}

impl Decision {
    /// One line for logs: `allow by keys-in-scope (default.cedar:5)`.
    pub fn reason(&self) -> String {
        let named = |decided: &Decided| format!("{} ({}:{})", decided.id, decided.file, decided.line);
        let names = self.policies.iter().map(named).collect::<Vec<_>>().join(", ");
        let word = if self.allow { "allow" } else { "deny" };
        match (names.is_empty(), self.errors.first()) {
            (false, _) => format!("{word} by {names}"),
            (true, Some(error)) => format!("{word}: {error}"),
            (true, None) => format!("{word}: no policy permits it"),
        }
    }
}

impl Policies {
    /// Decides.
    pub fn decide(&self, asked: &Asked<'_>) -> Decision {
        let compiled = self.compiled();
        compiled.memory.or(asked, || compiled.decide(asked))
    }
}

impl Compiled {
    pub(super) fn decide(&self, asked: &Asked<'_>) -> Decision {
        let mut decision = Decision {
            allow: false,
            policies: Vec::new(),
            errors: Vec::new(),
            obligations: Obligations::default(),
            version: Arc::clone(&self.version),
        };
        let (request, entities) = match asked.prepare() {
            Ok(prepared) => prepared,
            Err(error) => {
                decision.errors.push(format!("the question cannot be asked: {error}"));
                return decision;
            }
        };
        let response = Authorizer::new().is_authorized(&request, &self.set, &entities);
        decision.allow = response.decision() == cedar_policy::Decision::Allow;
        for error in response.diagnostics().errors() {
            let AuthorizationError::PolicyEvaluationError(inner) = error;
            decision.errors.push(format!(
                "policy `{}` cannot be evaluated: {}",
                inner.policy_id(),
                inner.inner()
            ));
            // Cedar leaves the policy out. Nobody knows whether it would have forbidden, so it does.
            let failed = self.decided.get(inner.policy_id());
            if let Some(decided) = failed.filter(|decided| decided.effect == Effect::Forbid) {
                if decision.allow {
                    decision.policies.clear();
                }
                decision.allow = false;
                decision.policies.push(decided.clone());
            }
        }
        let is_allowed = decision.allow;
        let reasons = response.diagnostics().reason().filter_map(|id| self.decided.get(id));
        // When a policy that failed turned a yes into a no, what permitted did not decide.
        let counts = |decided: &&Decided| (decided.effect == Effect::Permit) == is_allowed;
        decision.policies.extend(reasons.filter(counts).cloned());
        decision.policies.sort_by(|one, other| one.id.cmp(&other.id));
        for decided in &decision.policies {
            decision.obligations.add(&decided.annotations);
        }
        decision
    }
}
