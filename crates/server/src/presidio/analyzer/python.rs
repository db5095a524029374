//! Regular expressions as Python's, run in linear time.
//!
//! The two dialects are close. What one of them would read otherwise than the other is refused: an expression means what
//! it means in Python, or is not run at all.

use regex::{Regex, RegexBuilder};

/// `re.IGNORECASE`, `re.MULTILINE`, `re.DOTALL`, `re.UNICODE`, `re.VERBOSE`.
const IGNORE_CASE: u32 = 2;
const MULTI_LINE: u32 = 8;
const DOT_ALL: u32 = 16;
const UNICODE: u32 = 32;
const VERBOSE: u32 = 64;

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
    if flags & !(IGNORE_CASE | MULTI_LINE | DOT_ALL | UNICODE | VERBOSE) != 0 {
        return Err(format!(
            "the flags {flags} hold others than IGNORECASE, MULTILINE, DOTALL, UNICODE and VERBOSE"
        ));
    }
    if let Some(difference) = difference(pattern, flags) {
        return Err(format!("the expression cannot run here: {difference}"));
    }
    compile_own(pattern, flags)
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
        .ignore_whitespace(flags & VERBOSE != 0)
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

/// What Python reads otherwise.
fn difference(pattern: &str, flags: u32) -> Option<&'static str> {
    let mut characters = pattern.chars().peekable();
    let (mut in_class, mut first, mut previous) = (false, false, ' ');
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        let at_start = std::mem::take(&mut first);
        match (character, in_class) {
            ('\\', _) => {
                let escaped = characters.next().unwrap_or(' ');
                if let Some(difference) = escape(escaped, characters.peek().copied()) {
                    return Some(difference);
                }
                previous = 'a';
                continue;
            }
            ('[', false) => {
                in_class = true;
                first = true;
                if next == '^' {
                    characters.next();
                }
            }
            (']', true) if !at_start => in_class = false,
            ('[', true) => return Some("`[` within a class has to be written `\\[`"),
            ('&' | '~' | '-' | '|', true) if next == character => {
                return Some("two of `&`, `~`, `-` or `|` within a class have to be written with `\\`");
            }
            ('+', false) if matches!(previous, '*' | '+' | '?' | '}') => {
                return Some("possessive repetition is not supported");
            }
            ('$', false) if flags & MULTI_LINE == 0 => {
                return Some("without MULTILINE, `$` is not supported");
            }
            _ => {}
        }
        previous = if in_class { 'a' } else { character };
    }
    None
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
    use super::{USUAL_FLAGS, compile};

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
        check(r"a++b", USUAL_FLAGS, "possessive");
        check(r"\d{2}+", USUAL_FLAGS, "possessive");
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
