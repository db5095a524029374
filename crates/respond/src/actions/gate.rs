//! Actions at the gate: block, throttle, force human approval, tighten a guardrail.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::Ticks;
use serde_json::{Value, json};

use super::catalogue::{ActionSpec, InputSpec, Undo, optional, required};
use super::orders::{Measure, Order, OrderError, OrderStore, SubjectKind};
use super::{Action, ActionError, Call, Outputs, Probe};

/// Whatever keeps orders for a gate. *Invariant (an id once):* giving an order twice is giving it once.
pub trait GateControl: Send + Sync {
    /// Gives an order.
    fn give(&self, order: &Order) -> Result<(), OrderError>;
    /// Takes an order back; false when it did not hold any more.
    fn lift(&self, id: &str) -> Result<bool, OrderError>;
    /// The orders that hold at a time.
    fn holding(&self, now: Ticks) -> Result<Vec<Order>, OrderError>;
}

impl GateControl for OrderStore {
    fn give(&self, order: &Order) -> Result<(), OrderError> {
        OrderStore::give(self, order)
    }

    fn lift(&self, id: &str) -> Result<bool, OrderError> {
        OrderStore::lift(self, id)
    }

    fn holding(&self, now: Ticks) -> Result<Vec<Order>, OrderError> {
        OrderStore::holding(self, now).map(|(_, orders)| orders)
    }
}

const KIND: InputSpec = required("kind", "principal, agent, key, tool, model or prompt");
const SUBJECT: InputSpec =
    required("subject", "which: an object id, an agent's id, a fingerprint of a key or prompt, a name");
const REASON: InputSpec = required("reason", "why, as the gate tells it");
const HOURS: InputSpec =
    optional("hours", "after how many hours it ends by itself; 0 is never; 24 when not given");
const UNDO: Undo = Undo::Restores("the order is lifted; other orders for the same subject stay");
const PROBE: &str = "the order is among those that hold";

const SPECS: [ActionSpec; 4] = [
    ActionSpec {
        name: "gate.block",
        summary: "lets nothing of a subject through the gate",
        inputs: &[KIND, SUBJECT, REASON, HOURS],
        outputs: &["order"],
        undo: UNDO,
        probe: PROBE,
        permission: "",
    },
    ActionSpec {
        name: "gate.throttle",
        summary: "lets so many requests of a subject a minute through the gate",
        inputs: &[KIND, SUBJECT, REASON, HOURS, required("per_minute", "how many requests")],
        outputs: &["order"],
        undo: UNDO,
        probe: PROBE,
        permission: "",
    },
    ActionSpec {
        name: "gate.require-approval",
        summary: "has a person say yes to each request of a subject",
        inputs: &[KIND, SUBJECT, REASON, HOURS],
        outputs: &["order"],
        undo: UNDO,
        probe: PROBE,
        permission: "",
    },
    ActionSpec {
        name: "gate.tighten",
        summary: "has a guardrail judge a subject more strictly",
        inputs: &[
            KIND,
            SUBJECT,
            REASON,
            HOURS,
            required("guardrail", "prompt-attacks, protected-texts, sensitive-data or all"),
            required("level", "from which severity on a request is stopped: low, medium or high"),
        ],
        outputs: &["order"],
        undo: UNDO,
        probe: PROBE,
        permission: "",
    },
];

/// The actions of a gate.
pub(super) fn actions(gate: &Arc<dyn GateControl>) -> Vec<Box<dyn Action>> {
    let action = |spec| Box::new(Command { spec, gate: Arc::clone(gate) }) as Box<dyn Action>;
    SPECS.into_iter().map(action).collect()
}

struct Command {
    spec: ActionSpec,
    gate: Arc<dyn GateControl>,
}

/// The longest an order holds, in hours: ten years.
const LONGEST_HOURS: u64 = 87_600;
/// The longest reason that an order has, in characters; the rest is in the journal.
const LONGEST_REASON: usize = 1000;

impl Command {
    fn measure(&self, call: &Call<'_>) -> Result<Measure, ActionError> {
        Ok(match self.spec.name {
            "gate.throttle" => Measure::Throttle { per_minute: call.number("per_minute", 0)? },
            "gate.require-approval" => Measure::RequireApproval,
            "gate.tighten" => {
                let (guardrail, level) = (call.text("guardrail")?, call.text("level")?);
                let is_known = ["prompt-attacks", "protected-texts", "sensitive-data", "all"]
                    .contains(&guardrail.as_str());
                if !is_known || !["low", "medium", "high"].contains(&level.as_str()) {
                    return Err(ActionError::refused(format!(
                        "no guardrail `{guardrail}` has a level `{level}`"
                    )));
                }
                Measure::Tighten { guardrail, level }
            }
            _ => Measure::Block,
        })
    }

    fn order(&self, call: &Call<'_>) -> Result<Order, ActionError> {
        let kind: SubjectKind = call.text("kind")?.parse().map_err(ActionError::refused)?;
        let subject = call.inputs.get("subject").and_then(crate::playbook::Resolved::as_plain);
        let subject = subject.filter(|subject| !subject.trim().is_empty() && subject.len() <= 1024);
        let subject = subject.ok_or_else(|| {
            ActionError::refused(
                "the subject has to be a plain text; of a key or a prompt give the fingerprint",
            )
        })?;
        let now = call.system.now();
        let hours = i64::try_from(call.number("hours", 24)?.min(LONGEST_HOURS)).unwrap_or(24);
        let expires =
            (hours > 0).then(|| now.checked_add(hours * 3600 * Ticks::PER_SECOND).unwrap_or(Ticks::MAX));
        Ok(Order {
            id: call.key.to_owned(),
            measure: self.measure(call)?,
            kind,
            subject,
            reason: call.shown("reason").chars().take(LONGEST_REASON).collect(),
            given: now,
            expires,
        })
    }
}

fn failed(error: &OrderError) -> ActionError {
    match error {
        OrderError::Storage { .. } => ActionError::perhaps(error.to_string()),
        other => ActionError::refused(other.to_string()),
    }
}

impl Action for Command {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn target(&self, call: &Call<'_>) -> String {
        format!("{} {}", call.shown("kind"), call.shown("subject"))
    }

    fn change(&self, call: &Call<'_>) -> String {
        let hours = call.shown("hours");
        let long = match hours.as_str() {
            "" => "for 24 hours".to_owned(),
            "0" => "until it is lifted".to_owned(),
            hours => format!("for {hours} hours"),
        };
        let how = match self.spec.name {
            "gate.throttle" => format!("at most {} requests a minute pass", call.shown("per_minute")),
            "gate.require-approval" => "a person approves each request".to_owned(),
            "gate.tighten" => format!("{} stops from `{}` on", call.shown("guardrail"), call.shown("level")),
            _ => "nothing passes".to_owned(),
        };
        format!("{how} {long}")
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        let order = self.order(call)?;
        let holding = self.gate.holding(call.system.now()).map_err(|error| failed(&error))?;
        let same = holding.iter().filter(|held| held.kind == order.kind && held.subject == order.subject);
        let same: Vec<&str> = same.map(|held| held.measure.as_str()).collect();
        // The order is made once, so that an attempt after a restart gives the same one.
        Ok(json!({"holding": same, "order": order}))
    }

    fn perform(&self, call: &Call<'_>, before: &Value) -> Result<Outputs, ActionError> {
        let order: Option<Order> =
            before.get("order").and_then(|order| serde_json::from_value(order.clone()).ok());
        let order =
            order.ok_or_else(|| ActionError::refused("the order that was prepared cannot be read"))?;
        self.gate.give(&order).map_err(|error| failed(&error))?;
        Ok(BTreeMap::from([("order".to_owned(), call.key.to_owned())]))
    }

    fn probe(&self, call: &Call<'_>, _: &Value) -> Result<Probe, ActionError> {
        let holding = self.gate.holding(call.system.now());
        let holding = holding.map_err(|error| ActionError::for_now(error.to_string()))?;
        if holding.iter().any(|order| order.id == call.key) {
            return Ok(Probe::InEffect(BTreeMap::from([("order".to_owned(), call.key.to_owned())])));
        }
        Ok(Probe::NotInEffect("the order does not hold".to_owned()))
    }

    fn undo(&self, call: &Call<'_>, _: &Value) -> Result<(), ActionError> {
        self.gate.lift(call.key).map_err(|error| failed(&error))?;
        Ok(())
    }
}
