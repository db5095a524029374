//! Sessions: who is signed in.
//!
//! A session is known by 32 random bytes, which only the browser keeps; here is their hash. *Invariant (no secret is kept):*
//! whoever reads the memory that this module holds can use no session. *Invariant (bounded):* there are at most so many
//! sessions, and each ends: 8 hours after it was used last, and 24 hours after it began.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use castellan_base::Ticks;
use serde::Serialize;

use super::role::Role;

/// The cookie of a session.
pub(super) const COOKIE: &str = "castellan_session";
/// How long a session lasts that is not used, and one that is.
pub(super) const IDLE: i64 = 8 * 3_600 * Ticks::PER_SECOND;
pub(super) const LONGEST: i64 = 24 * 3_600 * Ticks::PER_SECOND;
/// The most sessions. When there are more, those that were not used for the longest time end.
const MOST: usize = 10_000;

/// How somebody showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    /// The administrator token, typed in.
    Token,
    /// A one-time code.
    Code,
    /// An identity provider.
    Oidc,
    /// The administrator token in a header.
    Bearer,
    /// Being on this machine, where there is no token.
    Local,
}

impl Way {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Way::Token => "token",
            Way::Code => "code",
            Way::Oidc => "oidc",
            Way::Bearer => "bearer",
            Way::Local => "local",
        }
    }
}

/// How to sign in at an identity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OidcWay {
    pub(super) enabled: bool,
    pub(super) label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role_claim: Option<String>,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) way: Way,
    pub(super) since: Ticks,
    pub(super) used: Ticks,
}

impl Session {
    /// When it ends whatever happens, and when it ends if it is not used.
    pub(super) fn ends(&self) -> (Ticks, Ticks) {
        let after = |from: Ticks, span: i64| from.checked_add(span).unwrap_or(Ticks::MAX);
        let end = after(self.since, LONGEST);
        (end, after(self.used, IDLE).min(end))
    }

    fn is_over(&self, now: Ticks) -> bool {
        // A clock that was set back must not make a session longer.
        now >= self.ends().1 || now < self.since
    }
}

/// A session as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionState {
    name: String,
    role: Role,
    way: Way,
    since: Ticks,
    last_used: Ticks,
}

/// What a browser keeps: 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// The hash by which something secret is known.
pub(super) type Hash = [u8; 32];

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(super) fn random() -> Result<Secret, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Secret(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// One that somebody shows; none where it cannot be one.
    pub(super) fn shown(text: &str) -> Option<Secret> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 64 && text.bytes().all(is_hex)).then(|| Secret(text.to_owned()))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> Hash {
        *blake3::hash(self.0.as_bytes()).as_bytes()
    }

    /// What is derived from it for a purpose, which tells nothing about it.
    pub(super) fn derived(&self, purpose: &str) -> Secret {
        Secret(blake3::Hash::from_bytes(blake3::derive_key(purpose, self.0.as_bytes())).to_hex().to_string())
    }

    /// Whether a text is this. How long that takes depends on the length alone.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.0.as_bytes(), shown).into()
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    known: Mutex<HashMap<Hash, Session>>,
}

impl Sessions {
    fn known(&self) -> MutexGuard<'_, HashMap<Hash, Session>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(super) fn begin(
        &self,
        name: &str,
        role: Role,
        way: Way,
        now: Ticks,
    ) -> Result<Secret, getrandom::Error> {
        let secret = Secret::random()?;
        let session = Session { name: name.to_owned(), role, way, since: now, used: now };
        let mut known = self.known();
        known.retain(|_, session| !session.is_over(now));
        if known.len() >= MOST {
            let oldest = known.iter().min_by_key(|(_, session)| session.used).map(|(hash, _)| *hash);
            oldest.and_then(|hash| known.remove(&hash));
        }
        known.insert(secret.hash(), session);
        Ok(secret)
    }

    /// The session of a secret, which is thereby used.
    pub(super) fn used(&self, secret: &Secret, now: Ticks) -> Option<Session> {
        let hash = secret.hash();
        let mut known = self.known();
        let session = known.get_mut(&hash)?;
        if session.is_over(now) {
            known.remove(&hash);
            return None;
        }
        session.used = session.used.max(now);
        Some(session.clone())
    }

    /// Whether a session still is, without using it.
    pub(super) fn is_on(&self, hash: &Hash, now: Ticks) -> bool {
        self.known().get(hash).is_some_and(|session| !session.is_over(now))
    }

    pub(super) fn end(&self, secret: &Secret) {
        self.known().remove(&secret.hash());
    }

    /// All that are on, the last used first; at most 200.
    pub(super) fn list(&self, now: Ticks) -> Vec<SessionState> {
        let known = self.known();
        let mut told: Vec<SessionState> = known
            .values()
            .filter(|session| !session.is_over(now))
            .map(|session| SessionState {
                name: session.name.clone(),
                role: session.role,
                way: session.way,
                since: session.since,
                last_used: session.used,
            })
            .collect();
        drop(known);
        told.sort_by(|one, other| {
            other.last_used.cmp(&one.last_used).then_with(|| one.name.cmp(&other.name))
        });
        told.truncate(200);
        told
    }
}

#[cfg(test)]
mod tests {
    use castellan_base::Ticks;

    use super::{IDLE, LONGEST, MOST, Role, Secret, Sessions, Way};

    fn at(ticks: i64) -> Ticks {
        Ticks::new(1_000_000_000_000 + ticks).unwrap()
    }

    fn begin(sessions: &Sessions, name: &str, now: Ticks) -> Secret {
        sessions.begin(name, Role::Reader, Way::Oidc, now).unwrap()
    }

    #[test]
    fn sessions_end() {
        let sessions = Sessions::default();
        let one = begin(&sessions, "ann", at(0));
        assert_eq!(sessions.used(&one, at(IDLE - 1)).unwrap().name, "ann");
        assert_eq!(sessions.used(&one, at(2 * IDLE - 2)).unwrap().role, Role::Reader);
        assert!(sessions.is_on(&one.hash(), at(3 * IDLE - 3)));
        // It was used, and still ends.
        assert!(
            sessions.used(&one, at(3 * IDLE - 3)).is_some() && sessions.used(&one, at(LONGEST)).is_none()
        );
        let idle = begin(&sessions, "ben", at(0));
        assert!(sessions.used(&idle, at(IDLE)).is_none());
        assert!(sessions.used(&idle, at(1)).is_none(), "one that ended stays ended");
        let out = begin(&sessions, "cem", at(0));
        sessions.end(&out);
        assert!(sessions.used(&out, at(1)).is_none() && !sessions.is_on(&out.hash(), at(1)));
        let back = begin(&sessions, "dan", at(10));
        assert!(sessions.used(&back, at(9)).is_none());
    }

    #[test]
    fn there_are_at_most_so_many() {
        let sessions = Sessions::default();
        let first = begin(&sessions, "first", at(0));
        let kept = begin(&sessions, "kept", at(0));
        for number in 0..MOST {
            let now = at(1 + i64::try_from(number).unwrap());
            let _ = sessions.used(&kept, now);
            begin(&sessions, "other", now);
        }
        assert_eq!(sessions.known().len(), MOST);
        let now = at(1 + i64::try_from(MOST).unwrap());
        assert!(sessions.used(&first, now).is_none() && sessions.used(&kept, now).is_some());
        assert_eq!(sessions.list(now).len(), 200);
    }

    #[test]
    fn secrets() {
        let secret = Secret::random().unwrap();
        assert_eq!(Secret::shown(secret.reveal()), Some(secret.clone()));
        assert!(secret.is(secret.reveal().as_bytes()) && !secret.is(b"") && !secret.is(&[b'0'; 64]));
        assert_ne!(secret.derived("a"), secret.derived("b"));
        for wrong in ["", "00", &"G".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
            assert!(Secret::shown(wrong).is_none());
        }
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
