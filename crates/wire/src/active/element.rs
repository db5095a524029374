//! Elements of HTML, and addresses between angle brackets.

use super::{Hosts, LONGEST, Looks, REMOVED, Seen, floor};

/// Elements that do something by themselves. With any other, its addresses decide.
const ACTIVE: [&str; 18] = [
    "applet", "audio", "base", "embed", "form", "frame", "frameset", "iframe", "image", "link", "math",
    "meta", "object", "portal", "script", "style", "svg", "video",
];

/// `<https://...>`, and elements of HTML.
pub(super) fn element(text: &str, open: usize, hosts: &Hosts, looks: &mut Looks) -> Seen {
    let rest = text.get(open + 1..).unwrap_or_default();
    let is_beginning = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!' | b'?');
    match rest.as_bytes().first() {
        None => return Seen::Open(open, None),
        Some(first) if !is_beginning(first) => return Seen::Nothing,
        Some(_) => {}
    }
    let window = rest.get(..floor(rest, LONGEST)).unwrap_or_default();
    let is_cut = window.len() < rest.len();
    // Some readers end an element at the first bracket, others know that one within quotes is none.
    let plain = window.split('>').next().unwrap_or_default();
    let close = closing(window);
    looks.take(close.unwrap_or(window.len()));
    match close {
        Some(end) => {
            let inner = window.get(..end).unwrap_or_default();
            let is_bad = is_active(inner, hosts) || plain.len() < inner.len() && is_active(plain, hosts);
            if is_bad { Seen::Goes(open..open + end + 2, REMOVED.to_owned()) } else { Seen::Nothing }
        }
        None => {
            let is_bad = is_active(window, hosts) || plain.len() < window.len() && is_active(plain, hosts);
            match (is_cut, is_bad) {
                (true, true) => Seen::Goes(open..open + 1 + window.len(), REMOVED.to_owned()),
                // What it will do stands too far away: it begins no element then.
                (true, false) if has_attributes(window) => Seen::Goes(open..open + 1, "&lt;".to_owned()),
                (true, false) => Seen::Nothing,
                (false, _) => Seen::Open(open, is_bad.then_some(open..text.len())),
            }
        }
    }
}

/// Where an element ends: at a bracket that stands in no quoted value of an attribute.
fn closing(window: &str) -> Option<usize> {
    let mut quote = None;
    let mut is_value = false;
    window.bytes().position(|byte| {
        match (quote, byte) {
            (Some(mark), _) if byte == mark => quote = None,
            (Some(_), _) => {}
            (None, b'>') => return true,
            (None, b'"' | b'\'') if is_value => (quote, is_value) = (Some(byte), false),
            (None, _) => is_value = byte == b'=' || is_value && byte.is_ascii_whitespace(),
        }
        false
    })
}

/// Whether what follows a bracket looks like the name of an element with attributes.
fn has_attributes(window: &str) -> bool {
    let rest =
        window.trim_start_matches(|character: char| character.is_ascii_alphanumeric() || character == '-');
    rest.len() < window.len()
        && rest.starts_with(|character: char| character.is_whitespace() || character == '/')
}

/// Whether what stands between angle brackets does something that it may not.
fn is_active(inner: &str, hosts: &Hosts) -> bool {
    let name: String = inner
        .trim_start_matches('/')
        .chars()
        .take_while(|character| character.is_ascii_alphanumeric())
        .collect::<String>()
        .to_ascii_lowercase();
    let after = inner.trim_start_matches('/').get(name.len()..).unwrap_or_default();
    if after.starts_with([':', '+']) {
        // `<https://...>`, `<mailto:...>`; a name space of XML has no such address.
        return !hosts.allow(inner) || inner.contains(char::is_whitespace);
    }
    if ACTIVE.contains(&name.as_str()) && !inner.starts_with('/') {
        return true;
    }
    // Styles that fetch.
    if after.to_ascii_lowercase().contains("url(") {
        return true;
    }
    let mut attributes = after;
    // Bytes that are left where a value without quotes ended: what stands in one is a part of it.
    let mut value_ends = usize::MAX;
    while let Some((before, rest)) = attributes.split_once('=') {
        let name = before.trim_end().rsplit(|character: char| !character.is_ascii_alphanumeric()).next();
        if name.is_some_and(|name| name.len() > 2 && name.to_ascii_lowercase().starts_with("on")) {
            return true;
        }
        let rest = rest.trim_start();
        attributes = rest;
        if rest.len() > value_ends {
            continue;
        }
        let value = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest.get(1..).and_then(|rest| rest.split(quote).next()),
            _ => {
                let value = rest.split(char::is_whitespace).next();
                value_ends = rest.len() - value.unwrap_or_default().len();
                value
            }
        };
        let value = value.unwrap_or_default();
        // Readers leave line ends and the like out of addresses; one attribute may have several (`srcset`).
        let is_address = |part: &str| part.contains([':', '\\', '&']) || part.starts_with("//");
        let mut parts = value.split([',', ' ']);
        let has_controls = value.bytes().any(|byte| byte.is_ascii_control());
        if has_controls || parts.any(|part| is_address(part) && !hosts.allow(part)) {
            return true;
        }
    }
    false
}
