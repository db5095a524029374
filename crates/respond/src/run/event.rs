//! What happens in a run, as it is written to the journal.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::playbook::Resolved;

/// Times as RFC 3339.
pub(crate) mod time {
    use castellan_base::Ticks;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(time: &Ticks, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ticks, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Times that may be absent.
pub(crate) mod optional_time {
    use castellan_base::Ticks;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(time: &Option<Ticks>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.collect_str(time),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Ticks>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counts up from 0.
    pub sequence: u64,
    /// When it was written.
    #[serde(with = "time")]
    pub at: Ticks,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// How a run is opened. The playbooks are kept as they were, so that a change to them changes no run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The run's id.
    pub run: String,
    /// The playbook's id.
    pub playbook: String,
    /// Every playbook that may be called, by id.
    pub playbooks: BTreeMap<String, Value>,
    /// The digest of the playbook.
    pub digest: String,
    /// On whose word it runs: who signed it, or why it may run unsigned.
    pub trust: String,
    /// Values given for variables. Secrets are references.
    pub variables: BTreeMap<String, String>,
    /// Who started it.
    pub by: String,
    /// What it is for: an incident, an alert.
    pub cause: String,
    /// What random waits are made of.
    pub seed: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run was opened.
    Opened(Opened),
    /// A condition, a loop or a list was decided.
    Chosen {
        /// The place in the run.
        path: String,
        /// What was decided.
        choice: Value,
    },
    /// A step waits before it starts.
    Delayed {
        /// The place in the run.
        path: String,
        /// Until when.
        #[serde(with = "time")]
        until: Ticks,
    },
    /// People are asked to approve.
    ApprovalAsked {
        /// The place in the run.
        path: String,
        /// Who may.
        approvers: Vec<String>,
        /// How many have to.
        required: usize,
        /// What they are asked.
        question: String,
        /// Until when.
        #[serde(with = "time")]
        deadline: Ticks,
        /// True when these are who it was escalated to.
        escalated: bool,
        /// Who may not, because they started the run; empty for nobody.
        excluded: String,
    },
    /// Somebody approved or refused.
    Decided {
        /// The place in the run.
        path: String,
        /// Who.
        who: String,
        /// What.
        approve: bool,
        /// Why.
        why: String,
    },
    /// A person is asked to do something.
    TaskAsked {
        /// The place in the run.
        path: String,
        /// What.
        instruction: String,
        /// Until when, if there is a limit.
        #[serde(with = "optional_time")]
        deadline: Option<Ticks>,
    },
    /// The person did it, or could not.
    TaskDone {
        /// The place in the run.
        path: String,
        /// Who.
        who: String,
        /// True when it is done.
        success: bool,
        /// What was found, or why it could not be done.
        why: String,
        /// Values for variables.
        outputs: BTreeMap<String, String>,
    },
    /// An action is about to be done. From here on it may have taken effect.
    Started {
        /// The place in the run.
        path: String,
        /// The action.
        action: String,
        /// The same for every attempt.
        key: String,
        /// What it is given. Secrets are references.
        inputs: BTreeMap<String, Resolved>,
        /// What was there before, for the undo.
        before: Value,
        /// True when it stays though the playbook fails.
        keep: bool,
    },
    /// The action says that it is done.
    Performed {
        /// The place in the run.
        path: String,
        /// What it gave.
        outputs: BTreeMap<String, String>,
    },
    /// The probe does not show the effect yet.
    Unproved {
        /// The place in the run.
        path: String,
        /// What the probe says.
        reason: String,
        /// When it is looked at again.
        #[serde(with = "time")]
        again_at: Ticks,
    },
    /// An attempt came to nothing.
    AttemptFailed {
        /// The place in the run.
        path: String,
        /// Why.
        reason: String,
        /// False when the attempt was interrupted and does not count.
        counts: bool,
        /// True when another attempt is pointless.
        last: bool,
        /// When it is tried again.
        #[serde(with = "time")]
        again_at: Ticks,
        /// True when the service may have got the request nevertheless, and do it late.
        #[serde(default)]
        perhaps: bool,
    },
    /// Nobody can tell whether the action took effect: a person has to look.
    Uncertain {
        /// The place in the run.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A person looked.
    Settled {
        /// The place in the run.
        path: String,
        /// Who.
        who: String,
        /// True when it took effect.
        took_effect: bool,
        /// What was seen.
        why: String,
    },
    /// A step is over.
    Ended {
        /// The place in the run.
        path: String,
        /// True when it is done.
        success: bool,
        /// How it is known, or why it failed.
        reason: String,
        /// Values for variables.
        outputs: BTreeMap<String, String>,
        /// Digest of what was done, on what, and what shows it.
        evidence: String,
    },
    /// A step is about to be undone.
    UndoStarted {
        /// The place in the run.
        path: String,
    },
    /// The undo is over.
    UndoEnded {
        /// The place in the run.
        path: String,
        /// True when it is as before, or corrected.
        success: bool,
        /// How it is known, or why not.
        reason: String,
        /// True when it failed and may have happened nevertheless; then it is looked at before it is tried again.
        #[serde(default)]
        perhaps: bool,
    },
    /// What was asked to be undone was gone through; it is not tried again until somebody asks again.
    UndoClosed,
    /// Somebody stops the run.
    CancelAsked {
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
    /// Somebody wants undone what was done.
    UndoAsked {
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
    /// The run is over.
    Closed {
        /// How.
        outcome: Outcome,
        /// Why, where it did not complete.
        reason: String,
    },
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It came to its end.
    Completed,
    /// A failure was handled nowhere.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}
