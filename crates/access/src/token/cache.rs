//! Verified tokens, remembered by a digest until they expire.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::principal::Verified;

/// Parts of the cache, so that threads seldom wait for one another.
const SHARDS: usize = 16;

/// A digest of a token.
pub(super) type Digest = [u8; 32];

/// A verified token and what it was verified with.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) verified: Arc<Verified>,
    pub(super) slot: usize,
    pub(super) epoch: u64,
    /// From when until when it counts, in seconds since 1970, tolerance of clocks included.
    pub(super) from: i64,
    pub(super) until: i64,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<Digest, Entry>,
    /// Digests in the order in which they came, which is roughly that in which they expire.
    order: VecDeque<Digest>,
}

/// A bounded cache.
#[derive(Debug)]
pub(super) struct Cache {
    shards: Vec<Mutex<Shard>>,
    most: usize,
}

impl Cache {
    /// A cache of about so many tokens.
    pub(super) fn new(most: usize) -> Cache {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Cache { shards, most: most.div_ceil(SHARDS) }
    }

    fn shard(&self, digest: &Digest) -> Option<&Mutex<Shard>> {
        self.shards.get(usize::from(digest.first().copied().unwrap_or_default()) % SHARDS)
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<Entry> {
        let shard = self.shard(digest)?.lock().unwrap_or_else(PoisonError::into_inner);
        shard.entries.get(digest).cloned()
    }

    pub(super) fn insert(&self, digest: Digest, entry: Entry) {
        let Some(shard) = self.shard(&digest) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if self.most == 0 {
            return;
        }
        if shard.entries.insert(digest, entry).is_none() {
            shard.order.push_back(digest);
        }
        while shard.order.len() > self.most {
            if let Some(oldest) = shard.order.pop_front() {
                shard.entries.remove(&oldest);
            }
        }
    }

    pub(super) fn remove(&self, digest: &Digest) {
        let Some(shard) = self.shard(digest) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.entries.remove(digest).is_some() {
            shard.order.retain(|known| known != digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Principal;

    fn entry(until: i64) -> Entry {
        let verified = Arc::new(Verified::new(Principal::anonymous()));
        Entry { verified, slot: 0, epoch: 0, from: 0, until }
    }

    fn digest(number: u32) -> Digest {
        *blake3::hash(&number.to_le_bytes()).as_bytes()
    }

    fn held(cache: &Cache) -> usize {
        cache.shards.iter().map(|shard| shard.lock().unwrap().entries.len()).sum()
    }

    #[test]
    fn it_stays_within_its_bounds_and_forgets_the_oldest() {
        let cache = Cache::new(160);
        for number in 0..2000 {
            cache.insert(digest(number), entry(i64::from(number)));
            cache.insert(digest(number), entry(i64::from(number)));
        }
        assert!((100..=160).contains(&held(&cache)), "{}", held(&cache));
        assert!(cache.get(&digest(0)).is_none());
        assert_eq!(cache.get(&digest(1999)).map(|entry| entry.until), Some(1999));
        cache.remove(&digest(1999));
        assert!(cache.get(&digest(1999)).is_none());
        cache.remove(&digest(1999));
        for shard in &cache.shards {
            let shard = shard.lock().unwrap();
            assert_eq!(shard.entries.len(), shard.order.len());
        }
    }

    #[test]
    fn none_can_be_configured() {
        let cache = Cache::new(0);
        cache.insert(digest(1), entry(1));
        assert_eq!(held(&cache), 0);
    }
}
