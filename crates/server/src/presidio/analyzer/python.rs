//! Regular expressions as Python's, run in linear time.
//!
//! The two dialects are close. What one of them would read otherwise than the other is refused: an expression means what
//! it means in Python, or is not run at all.

use regex::{Regex, RegexBuilder};

/// `re.IGNORECASE`, `re.MULTILINE`, `re.DOTALL`, `re.UNICODE`.
const IGNORE_CASE: u32 = 2;
const MULTI_LINE: u32 = 8;
const DOT_ALL: u32 = 16;
const UNICODE: u32 = 32;

/// What Presidio uses where nothing is said.
pub(super) const USUAL_FLAGS: u32 = DOT_ALL | MULTI_LINE | IGNORE_CASE;

/// Longest expression in bytes.
const LONGEST: usize = 16_384;

/// Most memory that a compiled expression may take, in bytes.
const LARGEST: usize = 4 << 20;

/// Compiles an expression with Python's flags.
///
/// # Errors
/// Why it cannot run.
pub(super) fn compile(pattern: &str, flags: u32) -> Result<Regex, String> {
    if pattern.len() > LONGEST {
        return Err(format!("an expression is longer than {LONGEST} bytes"));
    }
    if flags & !(IGNORE_CASE | MULTI_LINE | DOT_ALL | UNICODE) != 0 {
        return Err(format!("the flags {flags} hold others than IGNORECASE, MULTILINE, DOTALL and UNICODE"));
    }
    if let Some(difference) = difference(pattern, flags) {
        return Err(format!("the expression cannot run here: {difference}"));
    }
    let expression = compile_own(pattern, flags)?;
    if can_be_empty(pattern) {
        return Err("the expression cannot run here: it can match nothing at all".to_owned());
    }
    Ok(expression)
}

/// Where a match is empty, Python looks for another at the same place.
fn can_be_empty(pattern: &str) -> bool {
    regex_syntax::parse(pattern).map_or(true, |parsed| parsed.properties().minimum_len() == Some(0))
}

/// Compiles an expression that was written for this dialect, with Python's flags.
///
/// # Errors
/// Why it cannot run.
pub(super) fn compile_own(pattern: &str, flags: u32) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(flags & IGNORE_CASE != 0)
        .multi_line(flags & MULTI_LINE != 0)
        .dot_matches_new_line(flags & DOT_ALL != 0)
        .size_limit(LARGEST)
        .dfa_size_limit(LARGEST)
        .build()
        .map_err(|error| format!("the expression cannot run here: {}", shortened(&error)))
}

/// The last line of a message: the others draw the expression.
fn shortened(error: &regex::Error) -> String {
    let message = error.to_string();
    let last = message.lines().last().unwrap_or_default();
    let reason = last.trim_start_matches("error: ");
    match reason.contains("look-around") {
        true => "look-around is not supported; take what stands around into the expression".to_owned(),
        false => reason.to_owned(),
    }
}

/// What stands before a character of an expression, as far as repeating it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Something that can be repeated.
    Atom,
    /// `^`, `$`, `\b` and the like.
    Anchor,
    /// A repetition.
    Repetition,
    /// A repetition that prefers little.
    Lazy,
}

/// What Python reads otherwise.
fn difference(pattern: &str, flags: u32) -> Option<&'static str> {
    let mut rest = pattern;
    let mut before = Before::Atom;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        let is_first = rest.len() == pattern.len();
        (before, rest) = match character {
            '\\' => {
                let escaped = after.chars().next().unwrap_or(' ');
                let behind = after.get(escaped.len_utf8()..).unwrap_or_default();
                if let Some(difference) = escape(escaped, behind.chars().next()) {
                    return Some(difference);
                }
                (if "AbBZz".contains(escaped) { Before::Anchor } else { Before::Atom }, behind)
            }
            '[' => match class(after) {
                Ok(behind) => (Before::Atom, behind),
                Err(difference) => return Some(difference),
            },
            '(' if !are_flags_alike(after, is_first) => {
                return Some(
                    "flags are `i`, `m` and `s`, at the beginning or as `(?i:...)` before what they are for",
                );
            }
            '$' if flags & MULTI_LINE == 0 => return Some("without MULTILINE, `$` is not supported"),
            '^' | '$' => (Before::Anchor, after),
            '?' if before == Before::Repetition => (Before::Lazy, after),
            '*' | '+' | '?' | '{' if before != Before::Atom => {
                return Some("a repetition or an anchor cannot be repeated, nor a repetition be possessive");
            }
            '*' | '+' | '?' => (Before::Repetition, after),
            '{' => (Before::Repetition, after.split_once('}').map_or("", |(_, behind)| behind)),
            _ => (Before::Atom, after),
        };
    }
    None
}

/// Whether the flags with which a group begins, if it has any, are the same in both dialects. Without a `:` behind
/// them they hold for all that follows, which Python allows at the beginning alone.
fn are_flags_alike(group: &str, is_first: bool) -> bool {
    let Some(flags) = group.strip_prefix('?') else { return true };
    let end = flags.find(|flag: char| !flag.is_ascii_alphabetic() && flag != '-').unwrap_or(flags.len());
    let (flags, behind) = flags.split_at_checked(end).unwrap_or_default();
    let is_named = flags == "P" && behind.starts_with('<');
    if flags.is_empty() || is_named {
        return true;
    }
    let (set, unset) = flags.split_once('-').unwrap_or((flags, ""));
    let known = set.chars().all(|flag| "ims".contains(flag)) && unset.chars().all(|flag| "is".contains(flag));
    known && (behind.starts_with(':') || is_first && !flags.contains('-'))
}

/// What stands behind a class of characters, which begins after its `[`.
///
/// # Errors
/// What Python reads otherwise in it.
fn class(text: &str) -> Result<&str, &'static str> {
    let body = text.strip_prefix('^').unwrap_or(text);
    // A `]` that comes first stands for itself.
    let mut rest = body.strip_prefix(']').unwrap_or(body);
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        rest = match character {
            ']' => return Ok(after),
            '[' => return Err("`[` within a class has to be written `\\[`"),
            '&' | '~' | '-' | '|' if after.starts_with(character) => {
                return Err("two of `&`, `~`, `-` or `|` within a class have to be written with `\\`");
            }
            '\\' => {
                let escaped = after.chars().next().unwrap_or(' ');
                let behind = after.get(escaped.len_utf8()..).unwrap_or_default();
                if let Some(difference) = escape(escaped, behind.chars().next()) {
                    return Err(difference);
                }
                behind
            }
            _ => after,
        };
    }
    Ok("")
}

fn escape(escaped: char, next: Option<char>) -> Option<&'static str> {
    match escaped {
        '<' | '>' => Some("`\\<` and `\\>` have to be written without `\\`"),
        'b' | 'B' if next == Some('{') => Some("a boundary cannot be repeated"),
        'x' | 'u' | 'U' if next == Some('{') => Some("code points are written as `\\xHH` or `\\uHHHH`"),
        'p' | 'P' if next != Some('{') => Some("properties are written as `\\p{...}`"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{USUAL_FLAGS, compile};

    proptest! {
        /// Whatever is sent is compiled or refused, and what is compiled matches something.
        #[test]
        fn anything_can_be_sent(pattern in r"[a-z0-9()\[\]{}?*+|^$.,:<>=!&~#\\ \u{e9}-]{0,24}", flags in 0u32..512) {
            if let Ok(expression) = compile(&pattern, flags) {
                let is_some = expression.find_iter("a1 [b]\n\u{e9}-").all(|matched| !matched.is_empty());
                prop_assert!(is_some);
            }
        }
    }

    #[test]
    fn what_runs() {
        let check = |pattern: &str, text: &str, expected: Option<(usize, usize)>| {
            let found = compile(pattern, USUAL_FLAGS).unwrap().find(text).map(|it| (it.start(), it.end()));
            assert_eq!(found, expected, "{pattern}");
        };
        check(r"(\b\d{5}(?:\-\d{4})?\b)", "zip 10023", Some((4, 9)));
        check(r"a|ab", "ab", Some((0, 1)));
        check(r"[]a]+", "x]a", Some((1, 3)));
        check(r"[^]a]", "]b", Some((1, 2)));
        check(r"^b$", "a\nB\nc", Some((2, 3)));
        check(r"(?P<year>\d{4})", "in 1999", Some((3, 7)));
        check(r"[\[\-]+", "a[-", Some((1, 3)));
        check(r"a+?", "aa", Some((0, 1)));
        check(r"(?i)a{1,2}?b", "aAb", Some((0, 3)));
        check(r"(?-i:a)(?s:.)", "Aab", Some((1, 3)));
        check(r"\.com\b", ".COM", Some((0, 4)));
    }

    #[test]
    fn what_is_refused() {
        let check = |pattern: &str, flags: u32, expected: &str| {
            let reason = compile(pattern, flags).unwrap_err();
            assert!(reason.contains(expected), "{pattern}: {reason}");
        };
        check(r"(?<=a)b", USUAL_FLAGS, "look-around");
        check(r"(?!a)b", USUAL_FLAGS, "look-around");
        check(r"(a)\1", USUAL_FLAGS, "backreferences are not supported");
        check(r"a++b", USUAL_FLAGS, "repeated");
        check(r"\d{2}+", USUAL_FLAGS, "repeated");
        check(r"a{2}{3}", USUAL_FLAGS, "repeated");
        check(r"^*a", USUAL_FLAGS, "repeated");
        for flags in ["a(?i)b", "(?x)a", "(?x:a)", "(?-m:a)", "(?U)a", "(?-i)a", "(?a)b"] {
            check(flags, USUAL_FLAGS, "");
        }
        check(r"|a", USUAL_FLAGS, "match nothing");
        check(r"\d*", USUAL_FLAGS, "match nothing");
        check(r"[a[b]", USUAL_FLAGS, "within a class");
        check(r"[a&&b]", USUAL_FLAGS, "within a class");
        check(r"\<tag\>", USUAL_FLAGS, "without `\\`");
        check(r"(a", USUAL_FLAGS, "unclosed group");
        check(r"a{9999}{9999}", USUAL_FLAGS, "");
        check(r"a$", 2, "MULTILINE");
        check(r"a", 256, "flags");
        check(&"a".repeat(20_000), USUAL_FLAGS, "longer");
    }
}
