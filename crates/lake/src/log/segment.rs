//! The bytes of a segment.

use std::path::{Path, PathBuf};

use super::Position;

/// What segments begin with.
const MAGIC: &[u8; 8] = b"CSTLLOG1";
/// Bytes before the first record.
pub(super) const HEADER: usize = 28;
/// Bytes before the body of a record.
pub(super) const RECORD_HEADER: usize = 16;
/// Longest body, in bytes.
pub(super) const MAX_BODY: usize = 256 << 20;
/// Says that all of the segment before counts.
pub(super) const ALL: u64 = u64::MAX;

/// The path of the segment that begins with a position.
pub(super) fn path(folder: &Path, first: Position) -> PathBuf {
    folder.join(format!("{first:020}.log"))
}

/// The first position of a segment, by its name.
pub(super) fn first_of(path: &Path) -> Option<Position> {
    let name = path.file_name()?.to_str()?.strip_suffix(".log")?;
    (name.len() == 20).then(|| name.parse().ok())?
}

/// What a segment begins with.
pub(super) fn header(first: Position, before: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(&before.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// The first position and how much of the segment before counts; `None` for bytes that are no header.
pub(super) fn read_header(bytes: &[u8]) -> Option<(Position, u64)> {
    let signed = bytes.get(..24)?;
    if signed.get(..8)? != MAGIC || crc32c::crc32c(signed) != u32_at(bytes, 24)? {
        return None;
    }
    Some((u64_at(bytes, 8)?, u64_at(bytes, 16)?))
}

/// Appends a record.
pub(super) fn write(position: Position, body: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(position, body).to_le_bytes());
    out.extend_from_slice(&position.to_le_bytes());
    out.extend_from_slice(body);
}

/// The record at a place, and where the next begins; `None` when there is no whole one.
pub(super) fn read(bytes: &[u8], at: usize) -> Option<(Position, &[u8], usize)> {
    let length = usize::try_from(u32_at(bytes, at)?).ok().filter(|length| *length <= MAX_BODY)?;
    let (sum, position) = (u32_at(bytes, at + 4)?, u64_at(bytes, at + 8)?);
    let start = at + RECORD_HEADER;
    let body = bytes.get(start..start.checked_add(length)?)?;
    (checksum(position, body) == sum).then_some((position, body, start + length))
}

fn checksum(position: Position, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&position.to_le_bytes()), body)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
