//! Keys of calls that were taken in, so that a repeated call adds nothing.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use super::Position;
use crate::Error;
use crate::disk::{Disk, replace};

/// What tells a call from all others: its sender repeats it when it does not know whether the call arrived.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key(pub(crate) [u8; 16]);

impl Key {
    /// The key of the parts that tell a call from others: who sent it, to where, which.
    pub fn of(parts: &[&[u8]]) -> Key {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(part);
        }
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Key(bytes)
    }
}

/// How long a key is known, in microseconds: clients give up repeating a call long before.
const KEPT_FOR: i64 = 10 * 60 * 1_000_000;
/// The most keys that are known, so that they are bounded in memory (24 MiB).
const MOST: usize = 500_000;
/// What the file of keys begins with.
const MAGIC: &[u8; 8] = b"CSTLKEY1";
/// Bytes of a key in the file: key, position, time.
const LINE: usize = 32;

/// The keys of the last minutes.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    known: HashMap<Key, Position>,
    order: VecDeque<(Key, Position, i64)>,
}

impl Keys {
    /// The position of the record that came with a key.
    pub(crate) fn get(&self, key: Key) -> Option<Position> {
        self.known.get(&key).copied()
    }

    /// Remembers a key, and forgets those that are too old or too many.
    pub(crate) fn insert(&mut self, key: Key, position: Position, received: i64) {
        if self.known.insert(key, position).is_none() {
            self.order.push_back((key, position, received));
        }
        while let Some((oldest, _, time)) = self.order.front()
            && (received.saturating_sub(*time) > KEPT_FOR || self.order.len() > MOST)
        {
            self.known.remove(oldest);
            self.order.pop_front();
        }
    }

    /// Writes all keys to a file, since the records that hold them are about to be removed.
    ///
    /// Errors: as the system says.
    pub(crate) fn save(&self, disk: &dyn Disk, path: &Path) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(12 + self.order.len() * LINE);
        bytes.extend_from_slice(MAGIC);
        for (key, position, received) in &self.order {
            bytes.extend_from_slice(&key.0);
            bytes.extend_from_slice(&position.to_le_bytes());
            bytes.extend_from_slice(&received.to_le_bytes());
        }
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        replace(disk, path, &bytes).map_err(Error::storage("writing the keys of calls", path))
    }

    /// Reads the keys of a file; none when there is no whole one.
    pub(crate) fn load(disk: &dyn Disk, path: &Path) -> Keys {
        let mut keys = Keys::default();
        let bytes = disk.read(path).unwrap_or_default();
        let Some((signed, sum)) = bytes.split_last_chunk::<4>() else { return keys };
        if crc32c::crc32c(signed) != u32::from_le_bytes(*sum) {
            return keys;
        }
        let lines = signed.strip_prefix(MAGIC).unwrap_or_default();
        for line in lines.chunks_exact(LINE) {
            if let Some((key, rest)) = line.split_first_chunk::<16>()
                && let Some((position, rest)) = rest.split_first_chunk::<8>()
                && let Some(received) = rest.first_chunk::<8>()
            {
                keys.insert(Key(*key), u64::from_le_bytes(*position), i64::from_le_bytes(*received));
            }
        }
        keys
    }
}
