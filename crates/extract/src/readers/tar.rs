//! tar archives, streamed: the POSIX formats, GNU's long names, and the headers from before both.

use std::io::{self, Read};

use crate::detect::has_tar_sum;
use crate::input::Input;
use crate::location::Place;
use crate::outcome::Reason;
use crate::walk::{Fault, Step, Walk};

const BLOCK: usize = 512;
/// The longest name or extended header that is kept, in bytes.
const LONGEST_HEADER: u64 = 64 << 10;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let mut reader = input.reader();
    let mut long_name = None;
    while let Some(header) = next_header(&mut reader)? {
        let size = header.size;
        match header.kind {
            b'L' | b'x' => {
                let extended = extended(&mut reader, size)?;
                let name = if header.kind == b'x' { pax_path(&extended) } else { Some(gnu_name(&extended)) };
                long_name = name.or(long_name);
            }
            // The long target of a link, and headers for all files that follow.
            b'K' | b'g' => {
                let extended = extended(&mut reader, size)?;
                walk.text(Place::field("tar header"), &String::from_utf8_lossy(&extended))?;
            }
            kind => {
                let name = long_name.take().unwrap_or(header.name);
                file(&mut reader, &name, kind, size, walk)?;
            }
        }
    }
    Ok(())
}

fn file(reader: &mut dyn Read, name: &str, kind: u8, size: u64, walk: &mut Walk<'_>) -> Step {
    let mut content = reader.take(padded(size));
    match kind {
        b'0' | 0 | b'7' => {
            let mut bounded = content.by_ref().take(size);
            walk.entry(name, |walk| {
                let input = Input::once(name, Box::new(&mut bounded), Some(size))?;
                walk.file(input)
            })?;
        }
        b'S' => walk.skip_entry(name, Reason::Unsupported("sparse file"), Some(size)),
        b'1'..=b'6' => {}
        _ => walk.skip_entry(name, Reason::Unsupported("kind of tar entry"), Some(size)),
    }
    // What its reader left of the entry.
    io::copy(&mut content, &mut io::sink())?;
    if content.limit() > 0 {
        return Err(Fault::Failed(Reason::Truncated));
    }
    Ok(())
}

struct Header {
    name: String,
    kind: u8,
    size: u64,
}

fn next_header(reader: &mut dyn Read) -> Step<Option<Header>> {
    let mut block = Vec::new();
    reader.take(BLOCK as u64).read_to_end(&mut block)?;
    // Two blocks of zeros are the end; one is enough, and some writers leave both out.
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    if block.len() < BLOCK {
        return Err(Fault::Failed(Reason::Truncated));
    }
    if !has_tar_sum(&block) {
        return Err(Fault::corrupt("the sum of a tar header is wrong"));
    }
    let field = |from: usize, to: usize| block.get(from..to).unwrap_or_default();
    let name = until_zero(field(0, 100));
    let is_posix = field(257, 262) == b"ustar" && field(262, 264) != b"  ";
    let prefix = if is_posix { until_zero(field(345, 500)) } else { String::new() };
    let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    let size =
        number(field(124, 136)).ok_or_else(|| Fault::corrupt("the size of a tar entry is no number"))?;
    Ok(Some(Header { name, kind: field(156, 157).first().copied().unwrap_or(0), size }))
}

fn until_zero(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// An octal number, or a binary one where the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|byte| byte & 0x80 != 0) {
        let low = field.get(field.len().checked_sub(8)?..)?;
        let value = u64::from_be_bytes(low.try_into().ok()?);
        return (value < 1 << 60).then_some(value);
    }
    let text = until_zero(field);
    let digits = text.trim();
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64)
}

fn extended(reader: &mut dyn Read, size: u64) -> Step<Vec<u8>> {
    if size > LONGEST_HEADER {
        return Err(Fault::corrupt("an extended tar header is too long"));
    }
    let mut bytes = Vec::new();
    reader.take(padded(size)).read_to_end(&mut bytes)?;
    bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    Ok(bytes)
}

fn gnu_name(bytes: &[u8]) -> String {
    until_zero(bytes)
}

/// The `path` of an extended header: lines of a length, a key and a value.
fn pax_path(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().find_map(|line| line.split_once(' ')?.1.strip_prefix("path=").map(str::to_owned))
}
