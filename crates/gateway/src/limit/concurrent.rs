//! Requests at once: who has many under way that never end keeps everybody else out, whatever rates allow.
//!
//! *Invariant (exact):* as many requests are under way under a rule as its limit says at most, however many come at once.
//! *Invariant (nothing leaks):* a place that is dropped is free.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use super::Subject;
use super::config::{ConfigError, Dimension};
use super::price::matches;

/// Most rules: a request keeps its places without asking for memory.
const MOST: usize = 8;
/// Parts of the table, each with a lock of its own.
const SHARDS: usize = 16;

/// How many requests may be under way at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concurrent {
    /// Its name, which refusals give.
    pub name: String,
    /// Counts apart for each value of these: `principal`, `key`, `application`. The model is not known yet when a request is counted.
    #[serde(default)]
    pub per: Vec<Dimension>,
    /// Applies only where each of these dimensions is one of the values, in which `*` stands for any text.
    #[serde(default)]
    pub only: BTreeMap<Dimension, Vec<String>>,
    /// How many.
    pub limit: u32,
}

impl Concurrent {
    /// What holds unless rules are named: no principal has more than an eighth of the connections that there are.
    pub(super) fn usual() -> Vec<Concurrent> {
        vec![Concurrent {
            name: "requests at once".to_owned(),
            per: vec![Dimension::Principal],
            only: BTreeMap::new(),
            limit: 1_024,
        }]
    }

    fn applies(&self, subject: &Subject<'_>) -> bool {
        self.only.iter().all(|(dimension, patterns)| {
            let value = dimension.of(subject);
            patterns.iter().any(|pattern| matches(pattern, value))
        })
    }

    fn check(&self) -> Result<(), ConfigError> {
        let fail = |reason: &str| Err(ConfigError { rule: self.name.clone(), reason: reason.to_owned() });
        if self.name.is_empty() {
            return fail("it has no name");
        }
        if self.limit == 0 {
            return fail("`limit` has to be above 0");
        }
        if self.per.contains(&Dimension::Model) || self.only.contains_key(&Dimension::Model) {
            return fail(
                "requests at once are counted before the model is known; use principal, key or application",
            );
        }
        Ok(())
    }
}

type Key = [u8; 16];

/// Counts requests that are under way. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct AtOnce(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Vec<Concurrent>,
    shards: [Mutex<HashMap<Key, u32>>; SHARDS],
}

/// A request's place among those that are under way.
#[derive(Debug)]
pub(crate) struct Place {
    counted: AtOnce,
    keys: [Key; MOST],
    count: usize,
}

impl AtOnce {
    /// Counts by rules; nothing where there are none.
    ///
    /// # Errors
    /// When a rule cannot be used.
    pub(crate) fn new(rules: Vec<Concurrent>) -> Result<Option<AtOnce>, ConfigError> {
        rules.iter().try_for_each(Concurrent::check)?;
        if let Some(rule) = rules.get(MOST) {
            let reason = format!("there are more than {MOST} rules for requests at once");
            return Err(ConfigError { rule: rule.name.clone(), reason });
        }
        let counted = || AtOnce(Arc::new(Inner { rules: rules.clone(), shards: Default::default() }));
        Ok((!rules.is_empty()).then(counted))
    }

    /// A place for a request.
    ///
    /// # Errors
    /// The rule that does not admit it; then none counts it.
    pub(crate) fn enter(&self, subject: &Subject<'_>) -> Result<Place, &Concurrent> {
        // Dropped on the way, it gives back what it has.
        let mut place = Place { counted: self.clone(), keys: [Key::default(); MOST], count: 0 };
        for rule in self.0.rules.iter().filter(|rule| rule.applies(subject)) {
            let key = key(rule, subject);
            let mut shard = self.shard(&key);
            let count = shard.entry(key).or_insert(0);
            if *count >= rule.limit {
                return Err(rule);
            }
            *count += 1;
            if let Some(own) = place.keys.get_mut(place.count) {
                *own = key;
                place.count += 1;
            }
        }
        Ok(place)
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, HashMap<Key, u32>> {
        let [first, ..] = *key;
        let [shard, ..] = &self.0.shards;
        let shard = self.0.shards.get(usize::from(first) % SHARDS).unwrap_or(shard);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for key in self.keys.iter().take(self.count) {
            let mut shard = self.counted.shard(key);
            if let Some(count) = shard.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    shard.remove(key);
                }
            }
        }
    }
}

/// The key of a rule's counter for a subject. Lengths go before values, so that no two lists of values are the same text.
fn key(rule: &Concurrent, subject: &Subject<'_>) -> Key {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    add(&rule.name);
    for dimension in &rule.per {
        add(dimension.of(subject));
    }
    let mut key = Key::default();
    hasher.finalize_xof().fill(&mut key);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rules: &str) -> Result<Option<AtOnce>, ConfigError> {
        #[derive(Deserialize)]
        struct Rules {
            rules: Vec<Concurrent>,
        }
        let rules: Rules = toml::from_str(rules).unwrap();
        AtOnce::new(rules.rules)
    }

    fn by(principal: &'static str, key: &'static str) -> Subject<'static> {
        Subject { principal, key, ..Subject::default() }
    }

    #[test]
    fn places_are_counted_apart_and_given_back() {
        let rules = "rules = [{ name = \"a\", per = [\"principal\"], limit = 2 }, { name = \"k\", only = { key = [\"k*\"] }, limit = 3 }]";
        let counted = of(rules).unwrap().unwrap();
        let enter = |principal, key| counted.enter(&by(principal, key)).map_err(|rule| rule.name.clone());
        let (one, two) = (enter("ann", "k1").unwrap(), enter("ann", "k1").unwrap());
        assert_eq!(enter("ann", "").unwrap_err(), "a");
        let three = enter("bob", "k2").unwrap();
        assert_eq!(enter("bob", "k2").unwrap_err(), "k", "the second rule counts all keys together");
        // What the second rule refused the first has not counted.
        let four = enter("bob", "").unwrap();
        assert_eq!(enter("bob", "").unwrap_err(), "a");
        drop((one, two, three, four));
        assert!(counted.0.shards.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }

    #[test]
    fn rules_that_cannot_be_used() {
        assert!(of("rules = []").unwrap().is_none());
        for rule in [
            "{ name = \"\", limit = 1 }",
            "{ name = \"a\", limit = 0 }",
            "{ name = \"a\", per = [\"model\"], limit = 1 }",
            "{ name = \"a\", only = { model = [\"m\"] }, limit = 1 }",
        ] {
            assert!(of(&format!("rules = [{rule}]")).is_err(), "{rule}");
        }
        let many = ["{ name = \"a\", limit = 1 }"; 9].join(",");
        assert!(of(&format!("rules = [{many}]")).is_err());
    }

    #[test]
    fn no_more_than_the_limit_at_once() {
        let counted = of("rules = [{ name = \"a\", limit = 5 }]").unwrap().unwrap();
        let most = std::sync::atomic::AtomicUsize::new(0);
        let now = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        if let Ok(place) = counted.enter(&by("ann", "")) {
                            let at = now.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                            most.fetch_max(at, std::sync::atomic::Ordering::SeqCst);
                            now.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                            drop(place);
                        }
                    }
                });
            }
        });
        assert!((1..=5).contains(&most.load(std::sync::atomic::Ordering::SeqCst)));
    }
}
