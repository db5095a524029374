//! Which tokens for one use were used.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::Refusal;

/// Ids of tokens that were used and have not expired.
#[derive(Debug)]
pub(super) struct Replay {
    used: Mutex<Used>,
    most: usize,
}

#[derive(Debug, Default)]
struct Used {
    ids: HashSet<[u8; 32]>,
    /// When each may be forgotten. Tokens of an issuer live about as long as one another, so the front goes first.
    order: VecDeque<(i64, [u8; 32])>,
}

impl Replay {
    pub(super) fn new(most: usize) -> Replay {
        Replay { used: Mutex::default(), most }
    }

    /// Uses a token up. Where there is no room to remember it, it is refused: forgetting another one early would let
    /// that one in again.
    pub(super) fn use_up(&self, issuer: usize, id: &str, until: i64, now: i64) -> Result<(), Refusal> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&u64::try_from(issuer).unwrap_or(u64::MAX).to_le_bytes()).update(id.as_bytes());
        let digest = *hasher.finalize().as_bytes();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((_, oldest)) = used.order.front().copied().filter(|(ends, _)| *ends < now) {
            used.order.pop_front();
            used.ids.remove(&oldest);
        }
        if used.ids.contains(&digest) {
            return Err(Refusal::Replayed);
        }
        if used.ids.len() >= self.most {
            return Err(Refusal::ReplayMemory);
        }
        used.ids.insert(digest);
        used.order.push_back((until, digest));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_used_once_by_each_issuer_while_it_counts() {
        let replay = Replay::new(2);
        assert_eq!(replay.use_up(0, "a", 100, 1), Ok(()));
        assert_eq!(replay.use_up(0, "a", 100, 2), Err(Refusal::Replayed));
        assert_eq!(replay.use_up(1, "a", 100, 2), Ok(()));
        // There is no room, and none is made by letting an old token in again.
        assert_eq!(replay.use_up(0, "b", 200, 100), Err(Refusal::ReplayMemory));
        assert_eq!(replay.use_up(0, "b", 200, 101), Ok(()));
    }
}
