//! Grants in a file.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

use super::event::{Ask, Event, EventKind, Subject};
use super::state::{Grant, Stage};
use crate::durable::{Durable, Form, Refresh, StoreError};
use crate::policy::Resource;
use crate::principal::{Kind, Principal};
use crate::text::{base32, is_plain};
use crate::time::later;

/// The most events of a file.
const MOST_EVENTS: usize = 100_000;
/// The most grants that a principal waits for.
const MOST_PENDING: usize = 20;
/// The longest text, in bytes.
const LONGEST_TEXT: usize = 1024;

/// Rules of grants: the table `[gate.grants]` of `castellan.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrantRules {
    /// How many have to approve. 1 by default.
    pub approvals: u32,
    /// Who may, by the ids of their principals. All whom policies let `approve` when empty, which is the default.
    pub approvers: Vec<String>,
    /// The longest grant, in seconds. 8 hours by default.
    pub longest_seconds: u32,
    /// How long a question waits, in seconds. 24 hours by default.
    pub decide_within_seconds: u32,
}

impl Default for GrantRules {
    fn default() -> GrantRules {
        GrantRules {
            approvals: 1,
            approvers: Vec::new(),
            longest_seconds: 8 * 3600,
            decide_within_seconds: 24 * 3600,
        }
    }
}

/// A grant cannot be asked for or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// The file cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules make no sense.
    #[error("the rules of grants cannot be used: {0}")]
    Rules(&'static str),
    /// There is no such grant.
    #[error("there is no grant `{0}`")]
    Unknown(String),
    /// It is not in a state for that.
    #[error("the grant is {}; this cannot be done to it any more", .0.as_str())]
    Stage(Stage),
    /// Who wants to approve may not.
    #[error("{0}")]
    MayNot(&'static str),
    /// What is asked for is out of bounds.
    #[error("the grant cannot be asked for: {0}")]
    Unfit(&'static str),
    /// There are too many.
    #[error("there are too many grants; forget those that ended")]
    TooMany,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// What a principal holds for a question to policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Ids of grants that are active for the resource.
    pub ids: BTreeSet<String>,
    /// Labels of data that are granted.
    pub labels: BTreeSet<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    events: Vec<Event>,
}

#[derive(Debug, Default)]
struct Index {
    grants: HashMap<String, Grant>,
    /// Ids of grants by who holds them.
    by_holder: HashMap<String, Vec<String>>,
}

impl Index {
    fn of(events: &[Event]) -> Index {
        let mut index = Index::default();
        for event in events {
            match index.grants.get_mut(&event.grant) {
                Some(grant) => grant.apply(event),
                None => {
                    let Some(grant) = Grant::begin(event) else { continue };
                    index.by_holder.entry(grant.who.clone()).or_default().push(grant.id.clone());
                    index.grants.insert(grant.id.clone(), grant);
                }
            }
        }
        index
    }

    fn of_holder(&self, who: &str) -> impl Iterator<Item = &Grant> {
        self.by_holder.get(who).into_iter().flatten().filter_map(|id| self.grants.get(id))
    }
}

/// Grants in a file.
#[derive(Debug)]
pub struct GrantStore {
    file: Durable<Content>,
    rules: GrantRules,
    index: RwLock<Arc<Index>>,
}

impl GrantStore {
    /// Opens a file of grants, which is made with the first one.
    pub fn open(path: impl Into<PathBuf>, rules: GrantRules) -> Result<GrantStore, GrantError> {
        let listed: BTreeSet<&String> = rules.approvers.iter().collect();
        if rules.approvals == 0 {
            return Err(GrantError::Rules("`approvals` is 0; somebody has to approve"));
        }
        let enough = u32::try_from(listed.len()).is_ok_and(|count| count >= rules.approvals);
        if !listed.is_empty() && !enough {
            return Err(GrantError::Rules("there are fewer `approvers` than `approvals`"));
        }
        if rules.longest_seconds == 0 || rules.decide_within_seconds == 0 {
            return Err(GrantError::Rules("a time is 0"));
        }
        let file = Durable::open(path, Form { name: "castellan-grants", version: 1 })?;
        let store = GrantStore { file, rules, index: RwLock::default() };
        store.make_index();
        Ok(store)
    }

    /// Reads the file again when somebody else changed it. When that fails, what was read last holds.
    pub fn refresh(&self) -> Result<Refresh, StoreError> {
        let refresh = self.file.refresh()?;
        if refresh == Refresh::Changed {
            self.make_index();
        }
        Ok(refresh)
    }

    fn make_index(&self) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        *index = Arc::new(Index::of(&self.file.held().events));
    }

    fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks for a grant.
    pub fn ask(&self, principal: &Principal, ask: Ask, now: Ticks) -> Result<Grant, GrantError> {
        if principal.kind == Kind::Anonymous {
            return Err(GrantError::Unfit("nobody in particular asks"));
        }
        if ask.seconds == 0 || ask.seconds > self.rules.longest_seconds {
            return Err(GrantError::Unfit("it is for no time at all, or for longer than the rules allow"));
        }
        let texts = ask.subject.texts();
        if texts.iter().any(|text| text.is_empty()) || !texts.iter().all(|text| is_plain(text, LONGEST_TEXT))
        {
            return Err(GrantError::Unfit("its subject is empty, too long or has control characters"));
        }
        if ask.reason.trim().is_empty() || ask.reason.len() > LONGEST_TEXT {
            return Err(GrantError::Unfit("its reason is missing, or longer than 1024 bytes"));
        }
        let mut bytes = [0_u8; 10];
        getrandom::fill(&mut bytes).map_err(GrantError::Random)?;
        let what = EventKind::Asked {
            ask,
            approvals: self.rules.approvals,
            approvers: self.rules.approvers.clone(),
            decide_by: later(now, i64::from(self.rules.decide_within_seconds)),
        };
        let event = happened(format!("g-{}", base32(&bytes)), principal, what, now);
        let who = event.by.clone();
        self.happen(event, |index| {
            let pending = index.of_holder(&who).filter(|grant| grant.stage(now) == Stage::Pending).count();
            if pending >= MOST_PENDING {
                return Err(GrantError::Unfit("too many others wait to be decided already"));
            }
            Ok(())
        })
    }

    /// Approves a grant. Whether policies let the approver `approve` is asked before.
    pub fn approve(
        &self,
        id: &str,
        approver: &Principal,
        reason: &str,
        now: Ticks,
    ) -> Result<Grant, GrantError> {
        let is_person = approver.kind == Kind::User && !approver.actors.iter().any(|actor| actor.is_agent);
        if !is_person {
            return Err(GrantError::MayNot("only a person approves, and not through an agent"));
        }
        let by = approver.id();
        self.happen_to(id, approver, EventKind::Approved { reason: short(reason) }, now, |grant| {
            match (grant.stage(now), grant.may_approve(&by)) {
                (Stage::Pending, true) => Ok(()),
                (Stage::Pending, false) if by == grant.who => {
                    Err(GrantError::MayNot("nobody approves what they asked for themselves"))
                }
                (Stage::Pending, false) if grant.approved_by.contains(&by) => {
                    Err(GrantError::MayNot("nobody approves twice"))
                }
                (Stage::Pending, false) => Err(GrantError::MayNot("the rules list other approvers")),
                (stage, _) => Err(GrantError::Stage(stage)),
            }
        })
    }

    /// Says no. Whoever may approve may.
    pub fn deny(&self, id: &str, by: &Principal, reason: &str, now: Ticks) -> Result<Grant, GrantError> {
        self.happen_to(id, by, EventKind::Denied { reason: short(reason) }, now, |grant| {
            match grant.stage(now) {
                Stage::Pending => Ok(()),
                stage => Err(GrantError::Stage(stage)),
            }
        })
    }

    /// Takes back what one asked for.
    pub fn withdraw(&self, id: &str, by: &Principal, now: Ticks) -> Result<Grant, GrantError> {
        let who = by.id();
        self.happen_to(id, by, EventKind::Withdrawn, now, |grant| match grant.stage(now) {
            Stage::Pending | Stage::Active if grant.who == who => Ok(()),
            Stage::Pending | Stage::Active => Err(GrantError::MayNot("only who asked withdraws; revoke it")),
            stage => Err(GrantError::Stage(stage)),
        })
    }

    /// Ends a grant before its time.
    pub fn revoke(&self, id: &str, by: &Principal, reason: &str, now: Ticks) -> Result<Grant, GrantError> {
        self.happen_to(id, by, EventKind::Revoked { reason: short(reason) }, now, |grant| {
            match grant.stage(now) {
                Stage::Pending | Stage::Active => Ok(()),
                stage => Err(GrantError::Stage(stage)),
            }
        })
    }

    fn happen_to(
        &self,
        id: &str,
        by: &Principal,
        what: EventKind,
        now: Ticks,
        check: impl FnOnce(&Grant) -> Result<(), GrantError>,
    ) -> Result<Grant, GrantError> {
        let event = happened(id.to_owned(), by, what, now);
        self.happen(event, |index| {
            check(index.grants.get(id).ok_or_else(|| GrantError::Unknown(id.to_owned()))?)
        })
    }

    /// Checks and writes an event while no other process does.
    fn happen(
        &self,
        event: Event,
        check: impl FnOnce(&Index) -> Result<(), GrantError>,
    ) -> Result<Grant, GrantError> {
        let id = event.grant.clone();
        self.file.change(|content| {
            if content.events.len() >= MOST_EVENTS {
                return Err(GrantError::TooMany);
            }
            check(&Index::of(&content.events))?;
            content.events.push(event);
            Ok((true, ()))
        })?;
        self.make_index();
        self.get(&id).ok_or(GrantError::Unknown(id))
    }

    /// What a principal holds for a resource at a time.
    pub fn held(&self, principal: &Principal, resource: &Resource, now: Ticks) -> Held {
        let index = self.index();
        if index.grants.is_empty() {
            return Held::default();
        }
        let mut held = Held::default();
        for grant in index.of_holder(&principal.id()).filter(|grant| grant.stage(now) == Stage::Active) {
            match &grant.ask.subject {
                Subject::Label { label } => {
                    held.labels.insert(label.clone());
                }
                subject if subject.covers(resource) => {
                    held.ids.insert(grant.id.clone());
                }
                _ => {}
            }
        }
        held
    }

    /// A grant by its id.
    pub fn get(&self, id: &str) -> Option<Grant> {
        self.index().grants.get(id).cloned()
    }

    /// All grants, the newest first.
    pub fn list(&self) -> Vec<Grant> {
        let mut grants: Vec<Grant> = self.index().grants.values().cloned().collect();
        grants.sort_by(|one, other| other.asked.cmp(&one.asked).then_with(|| one.id.cmp(&other.id)));
        grants
    }

    /// What happened to a grant, in order.
    pub fn trail(&self, id: &str) -> Vec<Event> {
        self.file.held().events.iter().filter(|event| event.grant == id).cloned().collect()
    }

    /// Forgets grants that ended before a time, with their events. Says how many; keep the trail elsewhere first.
    pub fn forget_ended(&self, before: Ticks, now: Ticks) -> Result<usize, GrantError> {
        let gone = self.file.change(|content| {
            let index = Index::of(&content.events);
            let has_ended = |grant: &Grant| {
                !matches!(grant.stage(now), Stage::Pending | Stage::Active) && grant.end() < before
            };
            let gone: BTreeSet<String> = index
                .grants
                .values()
                .filter(|grant| has_ended(grant))
                .map(|grant| grant.id.clone())
                .collect();
            content.events.retain(|event| !gone.contains(&event.grant));
            Ok::<_, GrantError>((!gone.is_empty(), gone.len()))
        })?;
        self.make_index();
        Ok(gone)
    }
}

fn happened(grant: String, by: &Principal, what: EventKind, at: Ticks) -> Event {
    Event { grant, at, by: by.id(), by_shown: short(&by.to_string()), what }
}

/// A text of at most 256 letters, which are 1024 bytes.
fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_TEXT / 4).collect()
}
