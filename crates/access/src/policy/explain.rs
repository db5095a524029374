//! How each policy answered, for people.

use std::fmt;

use cedar_policy::{Authorizer, PolicySet};

use super::ask::Asked;
use super::decide::{Decided, Decision, Effect};
use super::load::Policies;

/// How one policy answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It applies.
    Applies,
    /// It does not.
    DoesNotApply,
    /// It cannot be evaluated.
    Fails(String),
}

/// A decision with how every policy answered.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The decision.
    pub decision: Decision,
    /// Who asked, for what, of what.
    pub question: String,
    /// All policies in the order of their ids.
    pub policies: Vec<(Decided, Outcome)>,
}

impl Policies {
    /// Decides, and says how every policy answered. Slower than deciding, by as many times as there are policies.
    pub fn explain(&self, asked: &Asked<'_>) -> Explained {
        let compiled = self.compiled();
        let decision = compiled.decide(asked);
        let (question, policies) = match asked.prepare() {
            Err(error) => (error, Vec::new()),
            Ok((request, entities)) => {
                let mut answers = Vec::new();
                for policy in compiled.set.policies() {
                    let Some(decided) = compiled.decided.get(policy.id()) else { continue };
                    let Ok(alone) = PolicySet::from_policies([policy.clone()]) else { continue };
                    let response = Authorizer::new().is_authorized(&request, &alone, &entities);
                    let failed = response.diagnostics().errors().next().map(ToString::to_string);
                    let applies = response.diagnostics().reason().next().is_some();
                    let outcome = match (failed, applies) {
                        (Some(error), _) => Outcome::Fails(error),
                        (None, true) => Outcome::Applies,
                        (None, false) => Outcome::DoesNotApply,
                    };
                    answers.push((decided.clone(), outcome));
                }
                answers.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
                let shown =
                    |uid: Option<&cedar_policy::EntityUid>| uid.map(ToString::to_string).unwrap_or_default();
                let (who, what) = (shown(request.principal()), shown(request.action()));
                (format!("{who} {what} {}", shown(request.resource())), answers)
            }
        };
        Explained { decision, question, policies }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.question)?;
        writeln!(f, "{} [policies {}]", self.decision.reason(), self.decision.version)?;
        for (decided, outcome) in &self.policies {
            let word = match decided.effect {
                Effect::Permit => "permit",
                Effect::Forbid => "forbid",
            };
            let answer = match outcome {
                Outcome::Applies => "applies",
                Outcome::DoesNotApply => "does not apply",
                Outcome::Fails(error) => error,
            };
            writeln!(f, "  {word} {} ({}:{}): {answer}", decided.id, decided.file, decided.line)?;
        }
        Ok(())
    }
}
