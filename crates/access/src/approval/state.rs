//! An approval, and where it stands.

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

/// Where an approval stands at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for people.
    Pending,
    /// The request may be made, once.
    Approved,
    /// It was made.
    Used,
    /// It was approved, and not made in time.
    Expired,
    /// Nobody decided in time.
    Lapsed,
    /// Somebody said no.
    Denied,
}

impl Stage {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Pending => "pending",
            Stage::Approved => "approved",
            Stage::Used => "used",
            Stage::Expired => "expired",
            Stage::Lapsed => "lapsed",
            Stage::Denied => "denied",
        }
    }
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// When.
    #[serde(with = "crate::time")]
    pub at: Ticks,
    /// The id of the principal.
    pub by: String,
    /// The same, for people.
    pub by_shown: String,
    /// Whether it was yes.
    pub yes: bool,
    /// Why.
    pub reason: String,
}

/// An approval of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Its id.
    pub id: String,
    /// The id of the principal that asks.
    pub who: String,
    /// The same, for people.
    pub who_shown: String,
    /// What is asked, for people: `model gpt-5`, `tool bank/transfer`.
    pub what: String,
    /// Why a person has to agree: rules of guardrails, policies.
    pub why: String,
    /// The digest of the request.
    pub digest: String,
    /// The gate's id of the request that asked first: what it says stands in the records of that.
    pub request: String,
    /// When it was asked for.
    #[serde(with = "crate::time")]
    pub asked: Ticks,
    /// Until when it has to be decided.
    #[serde(with = "crate::time")]
    pub decide_by: Ticks,
    /// How many have to approve.
    pub approvals: u32,
    /// Who may, by their ids; all whom policies let approve when empty.
    pub approvers: Vec<String>,
    /// For how many seconds the request may be made from the last approval on.
    pub seconds: u32,
    /// What people said.
    pub said: Vec<Said>,
    /// Whether the request was made.
    pub used: bool,
}

impl Approval {
    /// Who has said yes, each once. What must not count, in a file that somebody edited, does not.
    pub fn approved_by(&self) -> Vec<&Said> {
        let mut counted: Vec<&Said> = Vec::new();
        for said in self.said.iter().filter(|said| said.yes && self.may_decide(&said.by)) {
            if said.at < self.decide_by && !counted.iter().any(|known| known.by == said.by) {
                counted.push(said);
            }
        }
        counted
    }

    /// True for who is not who asked, and is on the list where there is one.
    pub(super) fn may_decide(&self, by: &str) -> bool {
        by != self.who && (self.approvers.is_empty() || self.approvers.iter().any(|known| known == by))
    }

    /// From when until when the request may be made.
    pub fn usable(&self) -> Option<(Ticks, Ticks)> {
        let counted = self.approved_by();
        let enough = usize::try_from(self.approvals.max(1)).unwrap_or(usize::MAX);
        let last = counted.get(enough - 1)?;
        Some((last.at, crate::time::later(last.at, i64::from(self.seconds))))
    }

    /// Where it stands at a time.
    pub fn stage(&self, now: Ticks) -> Stage {
        if self.said.iter().any(|said| !said.yes) {
            return Stage::Denied;
        }
        match self.usable() {
            _ if self.used => Stage::Used,
            Some((_, until)) if now >= until => Stage::Expired,
            // A clock that went back does not make it count before it was approved.
            Some((from, _)) if now < from => Stage::Pending,
            Some(_) => Stage::Approved,
            None if now >= self.decide_by => Stage::Lapsed,
            None => Stage::Pending,
        }
    }

    /// When it ended or will end.
    pub fn end(&self) -> Ticks {
        self.usable().map_or(self.decide_by, |(_, until)| until)
    }
}
