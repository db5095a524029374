//! Mail: messages with their parts and attachments, and mailboxes of them.

use std::io::{BufRead, BufReader, Read};

use super::mime::{Entity, in_charset, unencoded};
use super::{html, json};
use crate::input::Input;
use crate::location::Place;
use crate::outcome::{Limit, Reason};
use crate::walk::{Step, Walk};

/// Parts within parts.
const DEEPEST: usize = 32;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let bytes = input.bytes(walk)?;
    message(&bytes, walk)
}

/// Gives the headers of a message, and its body.
fn message(bytes: &[u8], walk: &mut Walk<'_>) -> Step {
    let entity = Entity::parse(bytes);
    for (name, value) in &entity.fields {
        let name = if name.is_empty() { "header" } else { name };
        walk.text(Place::field(name), &unencoded(value))?;
    }
    body(&entity, "", walk)
}

/// Gives the body of a message or of a part, which stands at `number`: `1.2`, empty for the message itself.
fn body(entity: &Entity<'_>, number: &str, walk: &mut Walk<'_>) -> Step {
    let kind = entity.content_type();
    if kind.value == "multipart/encrypted" || kind.get("smime-type").as_deref() == Some("enveloped-data") {
        walk.skip(Place::section("body"), Reason::Encrypted, Some(entity.body.len() as u64));
        return Ok(());
    }
    if kind.value.starts_with("multipart/")
        && let Some(boundary) = kind.get("boundary").filter(|boundary| !boundary.is_empty())
    {
        return parts(entity.body, &boundary, number, walk);
    }
    let is_message = kind.value == "message/rfc822" || kind.value == "message/global";
    let is_inline = number.is_empty() && entity.file_name().is_none();
    if is_inline && !is_message {
        return leaf(entity, "", walk);
    }
    let extension = if is_message { ".eml" } else { extension(&kind.value) };
    let name =
        entity.file_name().unwrap_or_else(|| format!("part {}{extension}", number.trim_start_matches('.')));
    walk.entry(&name, |walk| {
        if let Some(given) = entity.file_name() {
            walk.text(Place::field("filename"), &given)?;
        }
        // Those of the message itself were given before.
        let headers = if number.is_empty() { &[][..] } else { &entity.fields };
        for (field, value) in headers.iter().filter(|(field, _)| !is_structure(field)) {
            walk.text(Place::field(field), &unencoded(value))?;
        }
        if is_message { message(&entity.decoded(), walk) } else { leaf(entity, &name, walk) }
    })
}

/// Whether a header of a part says how it is built and not what it is about.
fn is_structure(field: &str) -> bool {
    let structure = ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version", ""];
    structure.iter().any(|known| field.eq_ignore_ascii_case(known))
}

/// Gives a part that has no parts.
fn leaf(entity: &Entity<'_>, name: &str, walk: &mut Walk<'_>) -> Step {
    let kind = entity.content_type();
    let bytes = entity.decoded();
    let charset = kind.get("charset").unwrap_or_default();
    let is_attachment = entity.file_name().is_some();
    match kind.value.as_str() {
        "text/html" => html::page_text(&in_charset(&bytes, &charset), walk),
        "text/plain" | "" if !is_attachment => walk.text(Place::Body, &in_charset(&bytes, &charset)),
        "application/json" if !is_attachment => json::embedded(&in_charset(&bytes, &charset), walk),
        _ => walk.file(Input::memory(name, &bytes)),
    }
}

/// What the name of a part without one ends in, so that its reader is found.
fn extension(kind: &str) -> &'static str {
    match kind {
        "text/html" => ".html",
        "text/csv" => ".csv",
        "application/json" => ".json",
        "text/xml" | "application/xml" => ".xml",
        _ => "",
    }
}

fn parts(body: &[u8], boundary: &str, number: &str, walk: &mut Walk<'_>) -> Step {
    let level = number.matches('.').count();
    if level >= DEEPEST {
        walk.skip(Place::section("body"), Reason::TooLarge(Limit::Nesting), Some(body.len() as u64));
        return Ok(());
    }
    let mut pieces = Pieces { rest: body, delimiter: format!("--{boundary}").into_bytes(), is_end: false };
    let preamble = pieces.next();
    outside("preamble", preamble.unwrap_or_default(), walk)?;
    let mut at = 0;
    let mut is_closed = false;
    for piece in pieces {
        // After the delimiter that ends in two hyphens nothing belongs to the message.
        is_closed = piece.starts_with(b"--");
        if is_closed {
            outside("epilogue", piece.get(2..).unwrap_or_default(), walk)?;
            continue;
        }
        at += 1;
        let start = memchr::memchr(b'\n', piece).map_or(piece.len(), |end| end + 1);
        let entity = Entity::parse(piece.get(start..).unwrap_or_default());
        self::body(&entity, &format!("{number}.{at}"), walk)?;
    }
    if !is_closed {
        walk.skip(Place::section("body"), Reason::Truncated, None);
    }
    Ok(())
}

/// Text before the first part and after the last, which mail programs do not show.
fn outside(name: &str, bytes: &[u8], walk: &mut Walk<'_>) -> Step {
    let text = String::from_utf8_lossy(bytes);
    if text.trim().is_empty() { Ok(()) } else { walk.hidden(Place::section(name), text.trim()) }
}

/// The stretches between lines that start with the delimiter.
struct Pieces<'a> {
    rest: &'a [u8],
    delimiter: Vec<u8>,
    is_end: bool,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.is_end {
            return None;
        }
        let rest = self.rest;
        // At the start of a line, and not the start of a longer boundary.
        let is_delimiter = |at: &usize| {
            let is_at_start = *at == 0 || rest.get(at - 1) == Some(&b'\n');
            let after = rest.get(at + self.delimiter.len());
            is_at_start && after.is_none_or(|byte| byte.is_ascii_whitespace() || *byte == b'-')
        };
        let Some(at) = memchr::memmem::find_iter(rest, &self.delimiter).find(is_delimiter) else {
            self.is_end = true;
            return Some(rest);
        };
        self.rest = rest.get(at + self.delimiter.len()..).unwrap_or_default();
        // The line end before a delimiter belongs to the delimiter.
        let piece = rest.get(..at).unwrap_or_default();
        let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
        Some(piece.strip_suffix(b"\r").unwrap_or(piece))
    }
}

/// Reads a mailbox a message at a time: each starts with a `From ` line after an empty one.
pub(super) fn read_mailbox(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let mut reader = BufReader::with_capacity(64 << 10, input.reader());
    let most = walk.limits.memory;
    let mut mailbox = Mailbox::default();
    loop {
        let mut line = Vec::new();
        let result = reader.by_ref().take(64 << 10).read_until(b'\n', &mut line);
        walk.ask(line.len())?;
        let is_end = line.is_empty();
        // An envelope has a time in it; a sentence that starts with the word has none as a rule.
        let is_start = line.starts_with(b"From ") && line.contains(&b':') && mailbox.is_after_empty;
        if is_end || is_start {
            mailbox.give(walk)?;
        }
        result?;
        if is_end {
            return Ok(());
        }
        mailbox.is_after_empty = matches!(line.as_slice(), b"\n" | b"\r\n");
        if is_start || mailbox.count == 0 {
            mailbox.count += 1;
            mailbox.envelope = line;
        } else if mailbox.message.len() + line.len() <= most {
            mailbox.message.extend(line);
        } else {
            mailbox.cut += line.len() as u64;
        }
    }
}

#[derive(Default)]
struct Mailbox {
    count: u64,
    envelope: Vec<u8>,
    message: Vec<u8>,
    /// Bytes of the message beyond the limit of memory.
    cut: u64,
    is_after_empty: bool,
}

impl Mailbox {
    fn give(&mut self, walk: &mut Walk<'_>) -> Step {
        if self.count == 0 {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.message);
        let cut = std::mem::take(&mut self.cut);
        let envelope = String::from_utf8_lossy(&self.envelope).into_owned();
        walk.count_row();
        walk.entry(&format!("message {}", self.count), |walk| {
            walk.text(Place::field("envelope"), envelope.trim_end())?;
            let result = message(&bytes, walk);
            if cut > 0 {
                walk.skip(Place::Body, Reason::TooLarge(Limit::Memory), Some(cut));
            }
            result
        })
    }
}
