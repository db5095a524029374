//! A grant, worked out from its events.

use std::collections::BTreeSet;

use castellan_base::Ticks;

use super::event::{Ask, Event, EventKind};
use crate::time::later;

/// Where a grant stands at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for approvals.
    Pending,
    /// It counts.
    Active,
    /// It counted, and is over.
    Expired,
    /// Nobody decided in time.
    Lapsed,
    /// Somebody said no.
    Denied,
    /// Who asked took it back.
    Withdrawn,
    /// Somebody ended it before its time.
    Revoked,
}

impl Stage {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Pending => "pending",
            Stage::Active => "active",
            Stage::Expired => "expired",
            Stage::Lapsed => "lapsed",
            Stage::Denied => "denied",
            Stage::Withdrawn => "withdrawn",
            Stage::Revoked => "revoked",
        }
    }
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: String,
    /// The id of the principal that asked.
    pub who: String,
    /// The same, for people.
    pub who_shown: String,
    /// What it is for.
    pub ask: Ask,
    /// When it was asked for.
    pub asked: Ticks,
    /// How many have to approve.
    pub approvals: u32,
    /// Who may.
    pub approvers: Vec<String>,
    /// Who did.
    pub approved_by: BTreeSet<String>,
    /// Until when it has to be decided.
    pub decide_by: Ticks,
    /// From when until when it counts, once enough have approved.
    pub active: Option<(Ticks, Ticks)>,
    /// How it ended other than by itself, and when.
    pub ended: Option<(Stage, Ticks)>,
}

impl Grant {
    /// A grant that was asked for; `None` for any other event.
    pub(super) fn begin(event: &Event) -> Option<Grant> {
        let EventKind::Asked { ask, approvals, approvers, decide_by } = &event.what else { return None };
        Some(Grant {
            id: event.grant.clone(),
            who: event.by.clone(),
            who_shown: event.by_shown.clone(),
            ask: ask.clone(),
            asked: event.at,
            approvals: *approvals,
            approvers: approvers.clone(),
            approved_by: BTreeSet::new(),
            decide_by: *decide_by,
            active: None,
            ended: None,
        })
    }

    /// Lets an event happen. One that must not happen, in a file that somebody edited, changes nothing.
    pub(super) fn apply(&mut self, event: &Event) {
        let stage = self.stage(event.at);
        match &event.what {
            EventKind::Approved { .. } if stage == Stage::Pending && self.may_approve(&event.by) => {
                self.approved_by.insert(event.by.clone());
                let enough =
                    u32::try_from(self.approved_by.len()).is_ok_and(|count| count >= self.approvals.max(1));
                if enough {
                    self.active = Some((event.at, later(event.at, i64::from(self.ask.seconds))));
                }
            }
            EventKind::Denied { .. } if stage == Stage::Pending => {
                self.ended = Some((Stage::Denied, event.at))
            }
            EventKind::Withdrawn if matches!(stage, Stage::Pending | Stage::Active) => {
                self.ended = Some((Stage::Withdrawn, event.at));
            }
            EventKind::Revoked { .. } if matches!(stage, Stage::Pending | Stage::Active) => {
                self.ended = Some((Stage::Revoked, event.at));
            }
            _ => {}
        }
    }

    /// True for an approver who is not who asked, is on the list, and has not approved yet.
    pub(super) fn may_approve(&self, by: &str) -> bool {
        let is_listed = self.approvers.is_empty() || self.approvers.iter().any(|approver| approver == by);
        by != self.who && is_listed && !self.approved_by.contains(by)
    }

    /// Where it stands at a time.
    pub fn stage(&self, now: Ticks) -> Stage {
        if let Some((stage, _)) = self.ended {
            return stage;
        }
        match self.active {
            Some((_, until)) if now >= until => Stage::Expired,
            // A clock that went back does not make it count before it was approved.
            Some((from, _)) if now < from => Stage::Pending,
            Some(_) => Stage::Active,
            None if now >= self.decide_by => Stage::Lapsed,
            None => Stage::Pending,
        }
    }

    /// When it ended or will end.
    pub fn end(&self) -> Ticks {
        let by_itself = self.active.map_or(self.decide_by, |(_, until)| until);
        self.ended.map_or(by_itself, |(_, at)| at.min(by_itself))
    }
}
