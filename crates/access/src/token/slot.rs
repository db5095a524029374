//! An issuer's keys over time: fetched, aged, fetched again, and not more often than is decent.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::keys::{KeySet, KeysTaken};

/// After so many seconds keys are not used any more.
const OLDEST: i64 = 24 * 3600;
/// After so many seconds keys should be fetched again, without anybody waiting for it.
const DUE: i64 = 6 * 3600;
/// A fetch that was asked for counts as under way for so many seconds.
const UNDER_WAY: i64 = 15;
/// The shortest time between the end of a fetch and the next one, in seconds.
const SHORTEST: i64 = 30;
/// The longest time that failures make of it.
const LONGEST: i64 = 300;

/// Which keys to fetch, from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchPlan {
    /// The issuer's configured name.
    pub issuer: String,
    /// Where the metadata is that says where the keys are. Its body goes to
    /// [`Issuers::take_metadata`](super::Issuers::take_metadata), which says where to go on.
    pub metadata_url: Option<String>,
    /// Where the keys are, when that is configured.
    pub jwks_url: Option<String>,
    pub(super) slot: usize,
}

/// What to do about keys that are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Fetch them.
    Fetch,
    /// Somebody does; wait for it.
    Wait,
    /// They were fetched, or failed to be, too short a time ago.
    TooSoon,
}

#[derive(Debug, Default)]
struct Fetching {
    since: Option<i64>,
    ended: Option<i64>,
    failures: u32,
}

/// One set of keys.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) plan: FetchPlan,
    keys: RwLock<Arc<KeySet>>,
    /// When the keys were fetched, in seconds since 1970.
    fetched: AtomicI64,
    /// Grows when a key goes away.
    epoch: AtomicU64,
    fetching: Mutex<Fetching>,
}

impl Slot {
    pub(super) fn new(plan: FetchPlan) -> Slot {
        Slot {
            plan,
            keys: RwLock::default(),
            fetched: AtomicI64::new(i64::MIN),
            epoch: AtomicU64::new(0),
            fetching: Mutex::default(),
        }
    }

    pub(super) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// True when there are keys that are young enough.
    pub(super) fn is_fresh(&self, now: i64) -> bool {
        self.age(now).is_some_and(|age| age <= OLDEST)
    }

    fn age(&self, now: i64) -> Option<i64> {
        let fetched = self.fetched.load(Ordering::Acquire);
        (fetched != i64::MIN).then(|| now.saturating_sub(fetched))
    }

    /// Says who fetches keys that are needed now.
    pub(super) fn need(&self, now: i64) -> Need {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if fetching.since.is_some_and(|since| (0..UNDER_WAY).contains(&now.saturating_sub(since))) {
            return Need::Wait;
        }
        let pause = match fetching.failures {
            0 => SHORTEST,
            // The first failure may be a hiccup; later ones wait longer and longer.
            failures => 2_i64.saturating_pow(failures.min(8)).min(LONGEST),
        };
        if fetching.ended.is_some_and(|ended| (0..pause).contains(&now.saturating_sub(ended))) {
            return Need::TooSoon;
        }
        fetching.since = Some(now);
        Need::Fetch
    }

    /// True when keys should be fetched ahead of time, and nobody does.
    pub(super) fn is_due(&self, now: i64) -> bool {
        self.age(now).is_none_or(|age| age >= DUE) && self.need(now) == Need::Fetch
    }

    pub(super) fn failed(&self, now: i64) {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        fetching.since = None;
        fetching.ended = Some(now);
        fetching.failures = fetching.failures.saturating_add(1);
    }

    /// Puts new keys in the place of the old ones.
    pub(super) fn take(&self, new: KeySet, skipped: Vec<String>, now: i64) -> KeysTaken {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let removed = keys.differences(&new);
        let added = new.differences(&keys);
        *keys = Arc::new(new);
        if !removed.is_empty() {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        self.fetched.store(now, Ordering::Release);
        drop(keys);
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        *fetching = Fetching { since: None, ended: Some(now), failures: 0 };
        KeysTaken { added, removed, skipped }
    }
}
