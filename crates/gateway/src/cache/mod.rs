//! Answers that are kept, for requests that are the same again. Off unless it is configured.
//!
//! *Invariant (the same request):* an answer is given again for a request that is the same to the byte but for white space and the
//! order of members, of the same principal, for the same model at the same upstreams, under the same policies, profiles and block
//! lists. Whatever of these changes, the answer is another one.
//! *Invariant (looked at):* only answers that passed unchanged, whole and without a finding are kept.
//! *Invariant (bounded):* what is kept has never more bytes than the configuration says; what was asked for least recently goes first.
//!
//! Who asks is identified and authorised, orders of playbooks hold, and the request is looked at and counted, before anything is
//! looked up here.

mod key;
mod metrics;
mod rules;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use castellan_access::Pattern;
use castellan_access::principal::Principal;
use castellan_wire::Point;
use http::HeaderValue;
use serde::Deserialize;

pub(crate) use key::{Key, Subject, of};
pub use metrics::Metrics;
pub(crate) use rules::{bypass, is_finished, may_be_kept, wish};

/// What the configuration says of answers that are kept: `[gate.cache]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    /// How long an answer is given again, in seconds; 600.
    pub seconds: u64,
    /// Most bytes of all answers; 64 MiB.
    pub bytes: usize,
    /// Most bytes of one answer; 1 MiB. Larger ones are not kept.
    pub entry_bytes: usize,
    /// Only for models with these aliases, with a star at the end for all that begin so; all models where it is empty.
    pub models: Vec<Pattern>,
    /// Applications, by their client ids, all of whose users share answers. Everybody else gets only what was answered to them.
    pub shared: Vec<String>,
}

impl Default for CacheConfig {
    fn default() -> CacheConfig {
        CacheConfig {
            seconds: 600,
            bytes: 64 << 20,
            entry_bytes: 1 << 20,
            models: Vec::new(),
            shared: Vec::new(),
        }
    }
}

impl CacheConfig {
    /// What is wrong with it.
    fn fault(&self) -> Option<&'static str> {
        if self.seconds == 0 || self.entry_bytes == 0 {
            return Some(
                "`cache.seconds` and `cache.entry_bytes` have to be above 0; leave `[gate.cache]` out to turn it off",
            );
        }
        if self.entry_bytes > self.bytes {
            return Some(
                "`cache.entry_bytes` is more than `cache.bytes`: no answer of that size would ever be kept",
            );
        }
        None
    }
}

/// Bytes that an entry takes beside its answer, about.
const BESIDE: usize = 512;

/// An answer as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// Its `Content-Type`.
    pub(crate) kind: Option<HeaderValue>,
    /// Its body; all of it, where it was a stream.
    pub(crate) body: Bytes,
    /// Whether it was a stream.
    pub(crate) is_stream: bool,
    /// Why it ended.
    pub(crate) finish: Option<String>,
    /// Its id at the provider.
    pub(crate) id: Option<String>,
    /// Its texts, as far as they are recorded.
    pub(crate) texts: Vec<(Point, String)>,
}

impl Kept {
    fn size(&self) -> usize {
        let texts: usize = self.texts.iter().map(|(_, text)| text.len()).sum();
        BESIDE + self.body.len() + texts
    }
}

/// The answers that are kept.
#[derive(Debug)]
pub(crate) struct Cache {
    config: CacheConfig,
    /// What upstreams there are, as a hash: a configuration with others answers otherwise.
    upstreams: [u8; 32],
    /// Grows whenever profiles or block lists change.
    generation: AtomicU64,
    held: Mutex<Held>,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Held {
    entries: HashMap<Key, Entry>,
    /// Keys by when they were last asked for.
    order: BTreeMap<u64, Key>,
    clock: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    answer: Arc<Kept>,
    size: usize,
    used: u64,
    since: Instant,
}

impl Cache {
    /// An empty one.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub(crate) fn new(
        config: CacheConfig,
        upstreams: [u8; 32],
        metrics: Metrics,
    ) -> Result<Cache, &'static str> {
        match config.fault() {
            Some(fault) => Err(fault),
            None => Ok(Cache {
                config,
                upstreams,
                generation: AtomicU64::new(0),
                held: Mutex::default(),
                metrics,
            }),
        }
    }

    /// The generation of profiles and block lists. It is asked for before they are, so that what was looked at with older ones
    /// never counts as looked at with newer ones.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Profiles or block lists have changed: nothing that was kept counts any more.
    pub(crate) fn turn(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        let mut held = self.held();
        *held = Held { clock: held.clock, ..Held::default() };
        self.metrics.show(0, 0);
    }

    /// Whether answers of a model are kept.
    pub(crate) fn is_for(&self, model: &str) -> bool {
        self.config.models.is_empty() || self.config.models.iter().any(|pattern| pattern.matches(model))
    }

    /// Among whom answers are shared: those of an application that says so, else the principal's own.
    pub(crate) fn scope(&self, principal: &Principal) -> (bool, String) {
        match principal.client.as_ref().filter(|client| self.config.shared.contains(*client)) {
            Some(client) => (true, format!("{}/{client}", principal.tenant)),
            None => (false, principal.id()),
        }
    }

    pub(crate) fn upstreams(&self) -> &[u8; 32] {
        &self.upstreams
    }

    /// Most bytes of an answer.
    pub(crate) fn entry_bytes(&self) -> usize {
        self.config.entry_bytes
    }

    pub(crate) fn count(&self, result: &'static str) {
        self.metrics.count(result);
    }

    /// An answer that is not older than this and may still be given, with its age.
    pub(crate) fn get(&self, key: &Key, oldest: Duration, now: Instant) -> Option<(Arc<Kept>, Duration)> {
        let mut held = self.held();
        let age = now.saturating_duration_since(held.entries.get(key)?.since);
        if age >= Duration::from_secs(self.config.seconds) {
            held.remove(key);
            self.metrics.show(held.entries.len(), held.bytes);
            return None;
        }
        if age > oldest {
            return None;
        }
        held.touch(key).map(|answer| (answer, age))
    }

    /// Keeps an answer. What is too large is not kept, and takes what was kept in its place with it.
    pub(crate) fn put(&self, key: Key, answer: Kept, now: Instant) {
        let size = answer.size();
        let mut held = self.held();
        held.remove(&key);
        if answer.body.len() > self.config.entry_bytes || size > self.config.bytes {
            return self.metrics.show(held.entries.len(), held.bytes);
        }
        while held.bytes + size > self.config.bytes {
            let Some((_, oldest)) = held.order.first_key_value() else { break };
            let oldest = *oldest;
            held.remove(&oldest);
            self.metrics.evicted();
        }
        held.clock += 1;
        let used = held.clock;
        held.order.insert(used, key);
        held.bytes += size;
        held.entries.insert(key, Entry { answer: Arc::new(answer), size, used, since: now });
        self.metrics.show(held.entries.len(), held.bytes);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.used);
            self.bytes -= entry.size;
        }
    }

    /// The answer, which is asked for now.
    fn touch(&mut self, key: &Key) -> Option<Arc<Kept>> {
        self.clock += 1;
        let clock = self.clock;
        let entry = self.entries.get_mut(key)?;
        self.order.remove(&entry.used);
        entry.used = clock;
        self.order.insert(clock, *key);
        Some(Arc::clone(&entry.answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Kept {
        Kept {
            kind: None,
            body: Bytes::copy_from_slice(body.as_bytes()),
            is_stream: false,
            finish: None,
            id: None,
            texts: vec![(Point::Output, "x".repeat(88))],
        }
    }

    fn cache(bytes: usize) -> Cache {
        let config = CacheConfig { seconds: 10, bytes, entry_bytes: 1_000, ..CacheConfig::default() };
        Cache::new(config, [0; 32], Metrics::default()).unwrap()
    }

    /// Answers, places in their order, and bytes.
    fn sizes(cache: &Cache) -> (usize, usize, usize) {
        let held = cache.held();
        (held.entries.len(), held.order.len(), held.bytes)
    }

    const EVER: Duration = Duration::MAX;

    #[test]
    fn an_answer_is_given_until_it_is_too_old() {
        let cache = cache(10_000);
        let began = Instant::now();
        cache.put([1; 32], answer("a"), began);
        let found = |key: u8, oldest, after| {
            cache
                .get(&[key; 32], oldest, began + Duration::from_secs(after))
                .map(|(kept, age)| (kept.body.clone(), age))
        };
        assert_eq!(found(1, EVER, 9), Some(("a".into(), Duration::from_secs(9))));
        assert_eq!(found(2, EVER, 9), None);
        assert_eq!(found(1, Duration::from_secs(8), 9), None, "younger was wanted");
        assert!(found(1, EVER, 9).is_some(), "it stays for others");
        assert_eq!(found(1, EVER, 10), None);
        assert_eq!(sizes(&cache), (0, 0, 0));
    }

    #[test]
    fn what_was_asked_for_least_recently_goes_first() {
        // Each takes 512 + 300 + 88 bytes: three fit.
        let cache = cache(2_700);
        let now = Instant::now();
        for key in 1..=3 {
            cache.put([key; 32], answer(&"y".repeat(300)), now);
        }
        assert!(cache.get(&[1; 32], EVER, now).is_some());
        cache.put([4; 32], answer(&"y".repeat(300)), now);
        let held: Vec<bool> = (1..=4).map(|key| cache.get(&[key; 32], EVER, now).is_some()).collect();
        assert_eq!(held, [true, false, true, true]);
        assert_eq!(cache.held().bytes, 2_700);
        cache.put([1; 32], answer("y"), now);
        assert_eq!(sizes(&cache), (3, 3, 2_700 - 299), "one takes the place of another");
        cache.put([9; 32], answer(&"y".repeat(1_001)), now);
        assert!(cache.get(&[9; 32], EVER, now).is_none(), "too large");
        cache.turn();
        assert!(cache.get(&[1; 32], EVER, now).is_none());
        assert_eq!((cache.generation(), sizes(&cache)), (1, (0, 0, 0)));
    }

    #[test]
    fn configurations_that_keep_nothing_are_refused() {
        for config in [
            CacheConfig { seconds: 0, ..CacheConfig::default() },
            CacheConfig { bytes: 10, ..CacheConfig::default() },
            CacheConfig { entry_bytes: 0, ..CacheConfig::default() },
        ] {
            assert!(Cache::new(config, [0; 32], Metrics::default()).is_err());
        }
    }

    #[test]
    fn only_applications_that_are_named_share() {
        let config = CacheConfig { shared: vec!["app".to_owned()], ..CacheConfig::default() };
        let cache = Cache::new(config, [0; 32], Metrics::default()).unwrap();
        let of = |object: &str, client: Option<&str>| {
            use castellan_access::principal::{Kind, Method};
            let mut principal = Principal::new(Kind::User, Method::Token, "t", object);
            principal.client = client.map(str::to_owned);
            cache.scope(&principal)
        };
        assert_eq!(of("ann", Some("app")), of("bob", Some("app")));
        assert_ne!(of("ann", Some("other")), of("bob", Some("other")));
        assert_ne!(of("ann", None), of("bob", None));
    }
}
