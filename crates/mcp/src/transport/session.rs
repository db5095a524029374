//! Sessions of the revisions before 2026-07-28, each bound to the principal that began it.
//!
//! *Invariant (a session has one principal):* whoever else names it gets the answer that it would get for a session that
//! does not exist. Ids are made of randomness that the caller gives; ids of servers behind are never shown.

use std::collections::{BTreeMap, HashMap};

use castellan_base::Ticks;
use serde::Deserialize;

use crate::message::Id;

use super::Version;

/// How many sessions are kept, and for how long.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionLimits {
    /// Most sessions: 10,000 by default.
    pub sessions: usize,
    /// Most sessions of one principal: 100 by default; the one that was used longest ago makes room.
    pub per_principal: usize,
    /// Seconds without a request after which a session ends: 3,600 by default.
    pub idle_seconds: u32,
    /// Seconds after which a session ends: 86,400 by default.
    pub age_seconds: u32,
    /// Most requests of servers that a session has not answered yet: 64 by default.
    pub pending: usize,
}

impl Default for SessionLimits {
    fn default() -> SessionLimits {
        SessionLimits {
            sessions: 10_000,
            per_principal: 100,
            idle_seconds: 3_600,
            age_seconds: 86_400,
            pending: 64,
        }
    }
}

/// A request of a server that the client has not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The server that asks.
    pub server: String,
    /// The id that it gave its request.
    pub id: Id,
    /// What it asks for.
    pub method: String,
}

/// One session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who began it.
    pub principal: String,
    /// The revision that was agreed on.
    pub version: Version,
    /// The client's capabilities, as JSON.
    pub capabilities: String,
    /// The client's name and version, as JSON.
    pub client: String,
    began: Ticks,
    used: Ticks,
    next: u64,
    pending: BTreeMap<u64, Pending>,
}

/// All sessions.
#[derive(Debug)]
pub struct Sessions {
    limits: SessionLimits,
    all: HashMap<String, Session>,
}

impl Sessions {
    /// No session.
    #[must_use]
    pub fn new(limits: SessionLimits) -> Sessions {
        Sessions { limits, all: HashMap::new() }
    }

    /// Begins a session and gives its id. `None` if there is no room.
    ///
    /// `entropy` has to come from a cryptographic source and be used once.
    pub fn begin(
        &mut self,
        principal: &str,
        version: Version,
        entropy: [u8; 32],
        now: Ticks,
    ) -> Option<String> {
        self.expire(now);
        let own = self.all.iter().filter(|(_, session)| session.principal == principal);
        let (count, oldest) = own.fold((0, None::<(&String, Ticks)>), |(count, oldest), (id, session)| {
            let older = oldest.is_none_or(|(_, used)| session.used < used);
            (count + 1, if older { Some((id, session.used)) } else { oldest })
        });
        if count >= self.limits.per_principal {
            let id = oldest.map(|(id, _)| id.clone())?;
            self.all.remove(&id);
        }
        if self.all.len() >= self.limits.sessions {
            return None;
        }
        let id: String = entropy.iter().map(|byte| format!("{byte:02x}")).collect();
        let session = Session {
            principal: principal.to_owned(),
            version,
            capabilities: "{}".to_owned(),
            client: "{}".to_owned(),
            began: now,
            used: now,
            next: 0,
            pending: BTreeMap::new(),
        };
        self.all.insert(id.clone(), session);
        Some(id)
    }

    /// The session, if it is alive and this principal's.
    pub fn use_by(&mut self, id: &str, principal: &str, now: Ticks) -> Option<&mut Session> {
        self.expire_one(id, now);
        let session = self.all.get_mut(id).filter(|session| session.principal == principal)?;
        session.used = now;
        Some(session)
    }

    /// Ends a session; `false` if it is not this principal's.
    pub fn end(&mut self, id: &str, principal: &str) -> bool {
        let is_own = self.all.get(id).is_some_and(|session| session.principal == principal);
        is_own && self.all.remove(id).is_some()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Remembers a request of a server and gives the id under which the client sees it. `None` if too many wait.
    pub fn ask(&mut self, id: &str, pending: Pending) -> Option<Id> {
        let most = self.limits.pending;
        let session = self.all.get_mut(id)?;
        if session.pending.len() >= most {
            return None;
        }
        session.next += 1;
        session.pending.insert(session.next, pending);
        Some(Id::String(format!("castellan-{}", session.next).into()))
    }

    /// The request that a client's answer is for; it can be answered once.
    pub fn answered(&mut self, id: &str, answer: &Id) -> Option<Pending> {
        let Id::String(text) = answer else { return None };
        let number = text.strip_prefix("castellan-")?.parse().ok()?;
        self.all.get_mut(id)?.pending.remove(&number)
    }

    fn is_over(&self, session: &Session, now: Ticks) -> bool {
        let passed = |since: Ticks| now.get().saturating_sub(since.get()) / Ticks::PER_SECOND;
        passed(session.used) > i64::from(self.limits.idle_seconds)
            || passed(session.began) > i64::from(self.limits.age_seconds)
    }

    fn expire_one(&mut self, id: &str, now: Ticks) {
        if self.all.get(id).is_some_and(|session| self.is_over(session, now)) {
            self.all.remove(id);
        }
    }

    fn expire(&mut self, now: Ticks) {
        let over: Vec<String> = self
            .all
            .iter()
            .filter(|(_, session)| self.is_over(session, now))
            .map(|(id, _)| id.clone())
            .collect();
        over.iter().for_each(|id| drop(self.all.remove(id)));
    }
}
