//! The write-ahead log: what was acknowledged and is not yet in the tables' files.
//!
//! Records have positions that count up from 1 and never come again. They lie in segments, files of some tens of
//! megabytes that are named after their first position. One thread writes: it takes all records that wait, writes and
//! syncs them together, and only then are they acknowledged, so a sync is shared by all who wait for it.
//!
//! | bytes | of a segment |
//! |---|---|
//! | 8 | `CSTLLOG1` |
//! | 8 | position of its first record |
//! | 8 | how much of the segment before counts, in bytes; all of it when 2^64-1 |
//! | 4 | CRC-32C of those 24 |
//!
//! | bytes | of a record |
//! |---|---|
//! | 4 | length of its body |
//! | 4 | CRC-32C of position and body |
//! | 8 | position |
//! | ... | body: [`Record`] |
//!
//! All numbers are little-endian. A write or sync that failed leaves bytes behind of which nobody knows whether they are
//! there: the segment is cut to what was acknowledged, and a new one says how much of it counts. So a record whose
//! sender was told of a failure does not come back.

mod dropped;
mod keys;
mod mark;
mod record;
mod replay;
mod segment;
mod writer;

pub(crate) use dropped::Dropped;
pub use keys::Key;
pub(crate) use keys::Keys;
pub use mark::Mark;
pub(crate) use record::Record;
pub(crate) use replay::{Replayed, replay};
pub(crate) use writer::{KEYS, Log};

/// The place of a record in the log, from 1.
pub type Position = u64;

/// The folder of segments within that of a lake.
pub(crate) const FOLDER: &str = "log";
