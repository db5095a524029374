//! Approvals in a file.

use std::path::PathBuf;

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

use super::state::{Approval, Said, Stage};
use crate::durable::{Durable, Form, Refresh, StoreError};
use crate::principal::{Kind, Principal};
use crate::text::base32;
use crate::time::later;

/// The most approvals of a file.
const MOST: usize = 20_000;
/// The most that a principal waits for.
const MOST_PENDING: usize = 20;
/// The longest text, in letters.
const LONGEST_TEXT: usize = 256;
/// How long those stay that somebody decided about, in seconds: 30 days.
const KEPT: i64 = 30 * 86_400;
/// How long those stay that nobody decided about, in seconds: a day.
const KEPT_LAPSED: i64 = 86_400;

/// Rules of approvals: the table `[gate.approval_rules]` of `castellan.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalRules {
    /// How many have to approve. 1 by default.
    pub approvals: u32,
    /// Who may, by the ids of their principals. All whom policies let `approve` when empty, which is the default.
    pub approvers: Vec<String>,
    /// How long a request waits to be decided, in seconds. An hour by default.
    pub decide_within_seconds: u32,
    /// How long an approved request may be made, in seconds. 15 minutes by default.
    pub use_within_seconds: u32,
}

impl Default for ApprovalRules {
    fn default() -> ApprovalRules {
        ApprovalRules {
            approvals: 1,
            approvers: Vec::new(),
            decide_within_seconds: 3_600,
            use_within_seconds: 900,
        }
    }
}

/// An approval cannot be asked for, decided about or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovalError {
    /// The file cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules make no sense.
    #[error("the rules of approvals cannot be used: {0}")]
    Rules(&'static str),
    /// There is no such approval.
    #[error("there is no approval `{0}`")]
    Unknown(String),
    /// It is not in a state for that.
    #[error("the approval is {}; this cannot be done to it any more", .0.as_str())]
    Stage(Stage),
    /// Who wants to decide may not.
    #[error("{0}")]
    MayNot(&'static str),
    /// There are too many.
    #[error("too many requests wait for approval already; have some decided first")]
    TooMany,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A request for which an approval is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// What, for people.
    pub what: &'a str,
    /// Why a person has to agree.
    pub why: &'a str,
    /// The digest of the request: of everything about it that matters.
    pub digest: &'a str,
    /// The gate's id of the request, under which its record stands.
    pub request: &'a str,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    approvals: Vec<Approval>,
}

impl Content {
    /// The one that counts for a request, or that says no.
    fn of(&self, who: &str, digest: &str, now: Ticks) -> Option<&Approval> {
        let counts = |approval: &&Approval| {
            let stands = match approval.stage(now) {
                Stage::Pending | Stage::Approved => true,
                // Asking again at once does not help.
                Stage::Denied => now < approval.decide_by,
                Stage::Used | Stage::Expired | Stage::Lapsed => false,
            };
            stands && approval.who == who && approval.digest == digest
        };
        self.approvals.iter().rev().find(counts)
    }
}

/// Approvals in a file.
#[derive(Debug)]
pub struct ApprovalStore {
    file: Durable<Content>,
    rules: ApprovalRules,
}

impl ApprovalStore {
    /// Opens a file of approvals, which is made with the first one.
    ///
    /// # Errors
    /// When it is damaged, or the rules make no sense.
    pub fn open(path: impl Into<PathBuf>, rules: ApprovalRules) -> Result<ApprovalStore, ApprovalError> {
        if rules.approvals == 0 || rules.decide_within_seconds == 0 || rules.use_within_seconds == 0 {
            return Err(ApprovalError::Rules("a number is 0"));
        }
        let mut listed = rules.approvers.clone();
        listed.sort();
        listed.dedup();
        let enough = u32::try_from(listed.len()).is_ok_and(|count| count >= rules.approvals);
        if !listed.is_empty() && !enough {
            return Err(ApprovalError::Rules("there are fewer `approvers` than `approvals`"));
        }
        let file = Durable::open(path, Form { name: "castellan-approvals", version: 1 })?;
        Ok(ApprovalStore { file, rules })
    }

    /// Reads the file again when somebody else changed it. When that fails, what was read last holds.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn refresh(&self) -> Result<Refresh, StoreError> {
        self.file.refresh()
    }

    /// The approval of a request: one that stands already, or a new one that waits.
    ///
    /// # Errors
    /// When too many wait, or the file cannot be kept.
    pub fn ask(&self, asking: Asking<'_>, now: Ticks) -> Result<Approval, ApprovalError> {
        let who = asking.principal.id();
        if let Some(known) = self.file.held().of(&who, asking.digest, now) {
            return Ok(known.clone());
        }
        let mut bytes = [0_u8; 10];
        getrandom::fill(&mut bytes).map_err(ApprovalError::Random)?;
        let approval = Approval {
            id: format!("a-{}", base32(&bytes)),
            who_shown: short(&asking.principal.to_string()),
            what: short(asking.what),
            why: short(asking.why),
            digest: asking.digest.to_owned(),
            request: asking.request.to_owned(),
            asked: now,
            decide_by: later(now, i64::from(self.rules.decide_within_seconds)),
            approvals: self.rules.approvals,
            approvers: self.rules.approvers.clone(),
            seconds: self.rules.use_within_seconds,
            said: Vec::new(),
            used: false,
            who,
        };
        self.file.change(|content| {
            // Another request may have asked meanwhile.
            if let Some(known) = content.of(&approval.who, &approval.digest, now) {
                return Ok((false, known.clone()));
            }
            content.approvals.retain(|known| is_kept(known, now));
            let waits = |known: &&Approval| known.who == approval.who && known.stage(now) == Stage::Pending;
            let waiting = content.approvals.iter().filter(waits).count();
            if content.approvals.len() >= MOST || waiting >= MOST_PENDING {
                return Err(ApprovalError::TooMany);
            }
            content.approvals.push(approval.clone());
            Ok((true, approval))
        })
    }

    /// Uses an approval up: what it is for may be done now, and never again by it.
    ///
    /// # Errors
    /// When it is not approved (any more), is for another request, or the file cannot be kept.
    pub fn use_up(
        &self,
        id: &str,
        principal: &Principal,
        digest: &str,
        now: Ticks,
    ) -> Result<Approval, ApprovalError> {
        let who = principal.id();
        self.change(id, |approval| {
            if approval.who != who || approval.digest != digest {
                return Err(ApprovalError::MayNot("the approval is for another request"));
            }
            match approval.stage(now) {
                Stage::Approved => {
                    approval.used = true;
                    Ok(())
                }
                stage => Err(ApprovalError::Stage(stage)),
            }
        })
    }

    /// Approves a request. Whether policies let the approver `approve` is asked before.
    ///
    /// # Errors
    /// When it does not wait any more, or the approver may not.
    pub fn approve(
        &self,
        id: &str,
        by: &Principal,
        reason: &str,
        now: Ticks,
    ) -> Result<Approval, ApprovalError> {
        self.say(id, by, true, reason, now)
    }

    /// Says no. Whoever may approve may.
    ///
    /// # Errors
    /// As for [`ApprovalStore::approve`].
    pub fn deny(
        &self,
        id: &str,
        by: &Principal,
        reason: &str,
        now: Ticks,
    ) -> Result<Approval, ApprovalError> {
        self.say(id, by, false, reason, now)
    }

    fn say(
        &self,
        id: &str,
        by: &Principal,
        yes: bool,
        reason: &str,
        at: Ticks,
    ) -> Result<Approval, ApprovalError> {
        let is_person = by.kind == Kind::User && !by.actors.iter().any(|actor| actor.is_agent);
        if !is_person {
            return Err(ApprovalError::MayNot("only a person decides, and not through an agent"));
        }
        let (own, by_shown) = (by.id(), short(&by.to_string()));
        self.change(id, |approval| {
            let stage = approval.stage(at);
            // What is approved and not used can still be stopped.
            if !(stage == Stage::Pending || stage == Stage::Approved && !yes) {
                return Err(ApprovalError::Stage(stage));
            }
            if own == approval.who {
                return Err(ApprovalError::MayNot("nobody decides about what they asked for themselves"));
            }
            if !approval.may_decide(&own) {
                return Err(ApprovalError::MayNot("the rules list other approvers"));
            }
            if yes && approval.said.iter().any(|said| said.by == own) {
                return Err(ApprovalError::MayNot("nobody approves twice"));
            }
            approval.said.push(Said { at, by: own, by_shown, yes, reason: short(reason) });
            Ok(())
        })
    }

    fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut Approval) -> Result<(), ApprovalError>,
    ) -> Result<Approval, ApprovalError> {
        self.file.change(|content| {
            let mut all = content.approvals.iter_mut();
            let approval =
                all.find(|known| known.id == id).ok_or_else(|| ApprovalError::Unknown(id.to_owned()))?;
            change(approval)?;
            Ok((true, approval.clone()))
        })
    }

    /// An approval by its id.
    pub fn get(&self, id: &str) -> Option<Approval> {
        self.file.held().approvals.iter().find(|known| known.id == id).cloned()
    }

    /// All approvals, the newest first.
    pub fn list(&self) -> Vec<Approval> {
        self.file.held().approvals.iter().rev().cloned().collect()
    }
}

fn is_kept(approval: &Approval, now: Ticks) -> bool {
    let kept = match approval.stage(now) {
        Stage::Pending | Stage::Approved => return true,
        Stage::Lapsed if approval.said.is_empty() => KEPT_LAPSED,
        _ => KEPT,
    };
    later(approval.end(), kept) > now
}

/// A text of at most 256 letters.
fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_TEXT).collect()
}
