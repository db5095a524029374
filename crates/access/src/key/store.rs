//! Keys in a file.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

use super::record::{KeyRecord, Revocation, Scopes};
use super::written::{Pepper, SecretKey, id_of, is_same};
use crate::durable::{Durable, Form, Refresh, StoreError};
use crate::principal::Verified;
use crate::time::later;
use crate::token::Refusal;

/// The most keys of a file.
const MOST: usize = 100_000;
/// The longest text of a record, in bytes.
const LONGEST_TEXT: usize = 1024;
/// The most patterns, groups and labels of a record.
const MOST_NAMES: usize = 1000;
/// The longest overlap of a rotation, in seconds: 30 days.
const LONGEST_OVERLAP: i64 = 30 * 86_400;

/// A key cannot be issued or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such key.
    #[error("there is no key `{0}`")]
    Unknown(String),
    /// It ended already.
    #[error("key `{0}` has ended already; issue a new one")]
    Ended(String),
    /// A text or a list is too long, or a time is wrong.
    #[error("the key cannot be issued: {0}")]
    Unfit(&'static str),
    /// There are too many.
    #[error("there are {MOST} keys already; remove some that ended")]
    TooMany,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// What a new key is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issue {
    /// Who answers for it.
    pub owner: String,
    /// What it is for, to people.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Groups that it counts as a member of.
    pub groups: Vec<String>,
    /// The budget that pays.
    pub budget: Option<String>,
    /// From when on it counts.
    pub not_before: Option<Ticks>,
    /// Until when it counts.
    pub expires: Option<Ticks>,
    /// Who issues it.
    pub by: String,
}

/// A key that was issued.
#[derive(Debug)]
pub struct Issued {
    /// The key, which is never shown again.
    pub key: SecretKey,
    /// What is stored of it.
    pub record: KeyRecord,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    keys: Vec<KeyRecord>,
}

#[derive(Debug)]
struct Known {
    digest: [u8; 32],
    record: KeyRecord,
    verified: Arc<Verified>,
}

type Index = HashMap<String, Known>;

/// Virtual keys in a file.
#[derive(Debug)]
pub struct KeyStore {
    file: Durable<Content>,
    pepper: Pepper,
    index: RwLock<Arc<Index>>,
    uses: Mutex<HashMap<String, Ticks>>,
}

impl KeyStore {
    /// Opens a file of keys, which is made with the first key.
    pub fn open(path: impl Into<PathBuf>, pepper: Pepper) -> Result<KeyStore, StoreError> {
        let file = Durable::open(path, Form { name: "castellan-keys", version: 1 })?;
        let store = KeyStore { file, pepper, index: RwLock::default(), uses: Mutex::default() };
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
        // Under the lock, so that of two changes the later one's index stays.
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let content = self.file.held();
        let known = content.keys.iter().filter_map(|record| {
            // A record whose digest is no digest never fits any key.
            let digest = *blake3::Hash::from_hex(&record.digest).ok()?.as_bytes();
            let verified = Arc::new(Verified::new(record.principal()));
            Some((record.id.clone(), Known { digest, record: record.clone(), verified }))
        });
        *index = Arc::new(known.collect());
    }

    /// The principal of a key that counts now.
    pub fn recognise(&self, key: &str, now: Ticks) -> Result<Arc<Verified>, Refusal> {
        let id = id_of(key)?;
        let index = Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner));
        let known = index.get(id);
        // Unknown ids take as long as wrong secrets.
        let expected = known.map_or([0; 32], |known| known.digest);
        let is_right = is_same(&self.pepper.digest(key), &expected);
        let known = known.filter(|_| is_right).ok_or(Refusal::UnknownVirtualKey)?;
        known.record.check(now)?;
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), now);
        Ok(Arc::clone(&known.verified))
    }

    /// Writes down when keys were last used. Call it every few minutes; it is a write only when there is something new.
    pub fn flush_uses(&self) -> Result<(), StoreError> {
        let uses = std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner));
        if uses.is_empty() {
            return Ok(());
        }
        self.change(|content| {
            for record in &mut content.keys {
                record.last_used = record.last_used.max(uses.get(&record.id).copied());
            }
            Ok::<_, StoreError>((true, ()))
        })
    }

    fn change<R, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut Content) -> Result<(bool, R), E>,
    ) -> Result<R, E> {
        let result = self.file.change(change)?;
        self.make_index();
        Ok(result)
    }

    /// Issues a key.
    pub fn issue(&self, issue: Issue, now: Ticks) -> Result<Issued, KeyError> {
        check(&issue, now)?;
        let (key, id) = SecretKey::random().map_err(KeyError::Random)?;
        let record = KeyRecord {
            lineage: id.clone(),
            digest: blake3::Hash::from_bytes(self.pepper.digest(key.reveal())).to_hex().to_string(),
            id,
            owner: issue.owner,
            name: issue.name,
            labels: issue.labels,
            scopes: issue.scopes,
            groups: issue.groups,
            budget: issue.budget,
            issued: now,
            issued_by: issue.by,
            not_before: issue.not_before,
            expires: issue.expires,
            revoked: None,
            replaced_by: None,
            last_used: None,
        };
        self.change(|content| add(content, record.clone()))?;
        Ok(Issued { key, record })
    }

    /// Issues a key in the place of another one, which counts for so many seconds more. The new one is the same
    /// principal with the same rights.
    pub fn rotate(&self, id: &str, overlap_seconds: u32, by: &str, now: Ticks) -> Result<Issued, KeyError> {
        let overlap = i64::from(overlap_seconds);
        if overlap > LONGEST_OVERLAP {
            return Err(KeyError::Unfit("keys overlap for 30 days at most"));
        }
        let (key, new_id) = SecretKey::random().map_err(KeyError::Random)?;
        let digest = blake3::Hash::from_bytes(self.pepper.digest(key.reveal())).to_hex().to_string();
        let record = self.change(|content| {
            let old = content.keys.iter_mut().find(|record| record.id == id);
            let old = old.ok_or_else(|| KeyError::Unknown(id.to_owned()))?;
            let has_ended = old.revoked.is_some() || old.expires.is_some_and(|until| now >= until);
            if has_ended || old.replaced_by.is_some() {
                return Err(KeyError::Ended(id.to_owned()));
            }
            let record = KeyRecord {
                id: new_id.clone(),
                digest,
                issued: now,
                issued_by: by.to_owned(),
                not_before: None,
                last_used: None,
                ..old.clone()
            };
            let end = later(now, overlap);
            old.expires = Some(old.expires.map_or(end, |expires| expires.min(end)));
            old.replaced_by = Some(new_id);
            add(content, record.clone())?;
            Ok((true, record))
        })?;
        Ok(Issued { key, record })
    }

    /// Ends a key at once, with all that it was rotated to when `lineage` is true. Says how many ended.
    pub fn revoke(
        &self,
        id: &str,
        lineage: bool,
        by: &str,
        reason: &str,
        now: Ticks,
    ) -> Result<usize, KeyError> {
        self.change(|content| {
            let origin =
                content.keys.iter().find(|record| record.id == id).map(|record| record.lineage.clone());
            let origin = origin.ok_or_else(|| KeyError::Unknown(id.to_owned()))?;
            let mut count = 0;
            for record in &mut content.keys {
                let is_meant = record.id == id || (lineage && record.lineage == origin);
                if is_meant && record.revoked.is_none() {
                    let reason = reason.chars().take(LONGEST_TEXT / 4).collect();
                    record.revoked = Some(Revocation { at: now, by: by.to_owned(), reason });
                    count += 1;
                }
            }
            Ok((count > 0, count))
        })
    }

    /// Forgets keys that ended before a time. Says how many.
    pub fn forget_ended(&self, before: Ticks) -> Result<usize, StoreError> {
        self.change(|content| {
            let count = content.keys.len();
            content.keys.retain(|record| {
                let revoked = record.revoked.as_ref().map(|revocation| revocation.at);
                let end = [revoked, record.expires].into_iter().flatten().min();
                end.is_none_or(|end| end >= before)
            });
            let gone = count - content.keys.len();
            Ok((gone > 0, gone))
        })
    }

    /// All keys without their secrets.
    pub fn list(&self) -> Vec<KeyRecord> {
        self.file.held().keys.clone()
    }
}

fn add(content: &mut Content, record: KeyRecord) -> Result<(bool, ()), KeyError> {
    if content.keys.len() >= MOST {
        return Err(KeyError::TooMany);
    }
    content.keys.push(record);
    Ok((true, ()))
}

fn check(issue: &Issue, now: Ticks) -> Result<(), KeyError> {
    if issue.owner.is_empty() || issue.by.is_empty() {
        return Err(KeyError::Unfit("it needs an owner and somebody who issues it"));
    }
    let labels = issue.labels.iter().flat_map(|(name, value)| [name, value]);
    let texts = [&issue.owner, &issue.name, &issue.by].into_iter().chain(&issue.budget).chain(&issue.groups);
    if texts.chain(labels).any(|text| !crate::text::is_plain(text, LONGEST_TEXT)) {
        return Err(KeyError::Unfit("a text is longer than 1024 bytes or has control characters"));
    }
    let Scopes { models, tools, servers, profiles } = &issue.scopes;
    let mut patterns = [models, tools, servers, profiles].into_iter().flatten();
    if patterns.any(|pattern| !crate::text::is_plain(pattern.as_str(), LONGEST_TEXT)) {
        return Err(KeyError::Unfit("a scope is longer than 1024 bytes or has control characters"));
    }
    let counts =
        [models.len(), tools.len(), servers.len(), profiles.len(), issue.groups.len(), issue.labels.len()];
    if counts.into_iter().any(|count| count > MOST_NAMES) {
        return Err(KeyError::Unfit("a list has more than 1000 entries"));
    }
    let start = issue.not_before.unwrap_or(now).max(now);
    if issue.expires.is_some_and(|expires| expires <= start) {
        return Err(KeyError::Unfit("it would end before it begins"));
    }
    Ok(())
}
