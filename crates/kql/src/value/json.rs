//! JSON as it stands in a text: checked and passed over, without a tree.
//!
//! The grammar is RFC 8259's, held to `serde_json` by property tests, except that numbers are the nearest ones whatever
//! their length. Beside it, marks can be allowed for values that JSON has no word for: words that begin with `@`, which
//! an engine that keeps dynamic values as text may write.
//!
//! ```
//! use castellan_kql::value::json::{Part, Scanner};
//!
//! let text = r#"{"a": [1, {"b": "x"}]}"#;
//! let path = [Part::Key("a".into()), Part::Item(-1), Part::Key("b".into())];
//! assert_eq!(Scanner::new(text).find(&path), Some(Some(r#""x""#)));
//! assert_eq!(Scanner::new("{").find(&path), None, "no JSON");
//! ```

use std::borrow::Cow;
use std::fmt::Write as _;

/// Arrays and bags that may stand in one another; deeper text is no JSON.
const MAX_DEPTH: usize = 127;

/// Reads a text from the front. Its functions give `None` where the text is no JSON.
pub struct Scanner<'t> {
    text: &'t str,
    at: usize,
    is_mark: fn(&str) -> bool,
}

/// A string in a text: what is between the quotes, and whether something in it is escaped.
#[derive(Clone, Copy)]
pub struct Quoted<'t> {
    /// What is between the quotes.
    pub raw: &'t str,
    /// Where that begins, in bytes.
    pub start: usize,
    has_escapes: bool,
}

impl<'t> Quoted<'t> {
    /// The text without escapes.
    pub fn text(self) -> Cow<'t, str> {
        if self.has_escapes { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }

    fn is(self, text: &str) -> bool {
        if self.has_escapes { unescape(self.raw) == text } else { self.raw == text }
    }
}

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The member of a bag.
    Key(std::sync::Arc<str>),
    /// The item of an array; from the end when negative.
    Item(i64),
}

/// Appends a text as JSON has it.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    let is_plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(is_plain) {
        out.push_str(text);
    } else {
        text.chars().for_each(|character| escape(character, out));
    }
    out.push('"');
}

fn escape(character: char, out: &mut String) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        control if control < ' ' => {
            let _ = write!(out, "\\u{:04x}", u32::from(control));
        }
        other => out.push(other),
    }
}

/// Whether a text is JSON.
pub fn is_json(text: &str) -> bool {
    Scanner::new(text).find(&[]).is_some()
}

impl<'t> Scanner<'t> {
    /// From the front of a text.
    pub fn new(text: &'t str) -> Scanner<'t> {
        Scanner::with_marks(text, |_| false)
    }

    /// The same where words that begin with `@` may be values: `is_mark` tells which, by what stands behind the sign.
    pub fn with_marks(text: &'t str, is_mark: fn(&str) -> bool) -> Scanner<'t> {
        Scanner { text, at: 0, is_mark }
    }

    /// What is at the end of a path, for a text that is one value and no more. The last of two equal keys counts.
    pub fn find(mut self, path: &[Part]) -> Option<Option<&'t str>> {
        self.blank();
        let found = self.lookup(path, 0)?;
        self.is_at_end().then_some(found)
    }

    /// Whether nothing but blanks is left.
    pub fn is_at_end(&mut self) -> bool {
        self.blank();
        self.at == self.text.len()
    }

    /// Where it stands, in bytes.
    pub fn place(&self) -> usize {
        self.at
    }

    /// The next byte.
    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// Passes over blanks.
    pub fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Passes over a value and gives what is at the end of a path in it.
    fn lookup(&mut self, path: &[Part], depth: usize) -> Option<Option<&'t str>> {
        let start = self.at;
        let found = match (path.split_first(), self.peek()?) {
            (Some((Part::Key(key), rest)), b'{') => {
                let mut found = None;
                self.bag(depth, |scanner, name, depth| {
                    if name.is(key) {
                        found = scanner.lookup(rest, depth)?;
                        return Some(());
                    }
                    scanner.pass(depth)
                })?;
                found
            }
            (Some((Part::Item(item), rest)), b'[') if *item >= 0 => {
                let (mut left, mut found) = (*item, None);
                self.array(depth, |scanner, depth| {
                    left -= 1;
                    if left == -1 {
                        found = scanner.lookup(rest, depth)?;
                        return Some(());
                    }
                    scanner.pass(depth)
                })?;
                found
            }
            (Some((Part::Item(item), rest)), b'[') => {
                let mut items = Vec::new();
                self.array(depth, |scanner, depth| {
                    items.push(scanner.slice(depth)?);
                    Some(())
                })?;
                let from_end = usize::try_from(item.unsigned_abs()).ok();
                let at = from_end.and_then(|back| items.len().checked_sub(back));
                let inner = |text: &&'t str| Scanner::with_marks(text, self.is_mark).find(rest).flatten();
                at.and_then(|at| items.get(at)).and_then(inner)
            }
            (Some(_), _) => {
                self.pass(depth)?;
                None
            }
            (None, _) => {
                self.pass(depth)?;
                self.text.get(start..self.at)
            }
        };
        Some(found)
    }

    /// Passes over a value.
    fn pass(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => self.bag(depth, |scanner, _, depth| scanner.pass(depth)),
            b'[' => self.array(depth, |scanner, depth| scanner.pass(depth)),
            _ => {
                let word = self.word();
                let is_mark = || word.strip_prefix('@').is_some_and(self.is_mark);
                (is_word(word) || is_mark()).then_some(())
            }
        }
    }

    /// The text of a value, which is passed over.
    pub fn slice(&mut self, depth: usize) -> Option<&'t str> {
        let start = self.at;
        self.pass(depth)?;
        self.text.get(start..self.at)
    }

    /// The members of a bag. `each` passes over the value of one; it is told how deep that stands.
    pub fn bag(
        &mut self,
        depth: usize,
        mut each: impl FnMut(&mut Scanner<'t>, Quoted<'t>, usize) -> Option<()>,
    ) -> Option<()> {
        self.list(depth, b'{', b'}', |scanner, depth| {
            let name = scanner.string()?;
            scanner.blank();
            scanner.take(b':')?;
            scanner.blank();
            each(scanner, name, depth)
        })
    }

    /// The items of an array. `each` passes over one; it is told how deep that stands.
    pub fn array(
        &mut self,
        depth: usize,
        each: impl FnMut(&mut Scanner<'t>, usize) -> Option<()>,
    ) -> Option<()> {
        self.list(depth, b'[', b']', each)
    }

    fn list(
        &mut self,
        depth: usize,
        open: u8,
        close: u8,
        mut each: impl FnMut(&mut Scanner<'t>, usize) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        self.blank();
        if depth >= MAX_DEPTH {
            return None;
        }
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            self.blank();
            each(self, depth + 1)?;
            self.blank();
            if self.take(b',').is_none() {
                return self.take(close);
            }
        }
    }

    /// A string.
    pub fn string(&mut self) -> Option<Quoted<'t>> {
        self.take(b'"')?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            self.at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
            match self.peek()? {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return None,
            }
            has_escapes = true;
        }
        let raw = self.text.get(start..self.at)?;
        self.at += 1;
        Some(Quoted { raw, start, has_escapes })
    }

    fn escape(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let length = match rest.as_bytes().get(1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => match (hex(rest.get(2..)?)?, rest.get(6..).and_then(|rest| rest.strip_prefix("\\u"))) {
                // Half of a pair is no character.
                (0xDC00..0xE000, _) | (0xD800..0xDC00, None) => return None,
                (0xD800..0xDC00, Some(low)) => {
                    hex(low).filter(|low| (0xDC00..0xE000).contains(low)).map(|_| 12)?
                }
                _ => 6,
            },
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    /// What stands without quotes, up to the next sign.
    pub fn word(&mut self) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_end =
            |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' | b':' | b'"');
        let end = rest.as_bytes().iter().position(is_end).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }
}

fn is_word(word: &str) -> bool {
    matches!(word, "true" | "false" | "null") || number(word).is_some()
}

/// A number in a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Of 64 bits.
    Whole(i64),
    /// Any other.
    Real(f64),
}

/// The number that a word is.
pub fn number(word: &str) -> Option<Number> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let end = |text: &str| text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let whole = end(digits);
    if whole == 0 || whole > 1 && digits.starts_with('0') {
        return None;
    }
    let mut rest = digits.get(whole..)?;
    let is_whole = rest.is_empty();
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = end(fraction);
        rest = (length > 0).then(|| fraction.get(length..))??;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let length = end(exponent);
        rest = (length > 0).then(|| exponent.get(length..))??;
    }
    if !rest.is_empty() {
        return None;
    }
    // There is no negative zero among the whole numbers.
    if is_whole
        && word != "-0"
        && let Ok(number) = word.parse()
    {
        return Some(Number::Whole(number));
    }
    word.parse().ok().filter(|number: &f64| number.is_finite()).map(Number::Real)
}

/// A string that was checked, without its escapes.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut characters = after.chars();
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let (character, length) = code_point(characters.as_str());
                out.push(character);
                rest = characters.as_str().get(length..).unwrap_or_default();
                continue;
            }
            Some(itself) => out.push(itself),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}

/// The character of the digits behind `\u`, and how long they are, the second half of a pair included.
fn code_point(digits: &str) -> (char, usize) {
    let first = hex(digits).unwrap_or(0xFFFD);
    let second = digits.get(4..).and_then(|rest| rest.strip_prefix("\\u")).and_then(hex);
    let (code, length) = match (first, second) {
        (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) => {
            (0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00), 10)
        }
        _ => (first, 4),
    };
    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), length)
}

fn hex(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    // A sign is no digit.
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str, path: &[Part]) -> Option<String> {
        Scanner::new(text).find(path).flatten().map(str::to_owned)
    }

    fn key(name: &str) -> Part {
        Part::Key(name.into())
    }

    #[test]
    fn members_and_items_are_found_without_a_tree() {
        let text = r#" {"a": {"b": [1, {"c": "x\"y"}, null]}, "a\u0062": true, "z": {}} "#;
        assert_eq!(found(text, &[key("a"), key("b"), Part::Item(1), key("c")]).as_deref(), Some(r#""x\"y""#));
        assert_eq!(found(text, &[key("a"), key("b"), Part::Item(-3)]).as_deref(), Some("1"));
        assert_eq!(found(text, &[key("a"), key("b"), Part::Item(-4)]), None);
        assert_eq!(found(text, &[key("a"), key("b"), Part::Item(3)]), None);
        assert_eq!(found(text, &[key("ab")]).as_deref(), Some("true"));
        assert_eq!(found(text, &[key("z")]).as_deref(), Some("{}"));
        assert_eq!(found(text, &[key("none")]), None);
        assert_eq!(found(r#"{"a":1,"a":2}"#, &[key("a")]).as_deref(), Some("2"));
        assert_eq!(found(r#"{"a":1,"b":[1,}"#, &[key("a")]), None, "the rest is no JSON");
        assert_eq!(found(r#"{"a":1} 2"#, &[key("a")]), None, "more than one value");
        assert_eq!(found("no json", &[key("a")]), None);
    }

    #[test]
    fn depth_is_that_of_the_plain_engine() {
        for depth in [1, 126, 127, 128, 129, 4_000] {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(is_json(&text), serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{depth}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn json_is_what_the_plain_engine_takes_for_it(
            text in r#"( |\{|\}|\[|\]|,|:|"|"a"|"\u{e9}"|\\u00e9|\\ud83d|\\ude00|\\n|\\x|0|-|1|9|\.|e|E|\+|true|false|null|nul|@|	){0,12}"#
        ) {
            let read = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert_eq!(is_json(&text), read.is_ok(), "{}", text);
            if let (Ok(serde_json::Value::String(read)), Some(quoted)) = (read, Scanner::new(text.trim()).string()) {
                prop_assert_eq!(quoted.text().into_owned(), read);
            }
        }

        #[test]
        fn words_are_numbers_as_in_the_plain_engine(word in r"-?[0-9]{0,21}(\.[0-9]{0,3})?([eE][+-]?[0-9]{0,3})?") {
            let read = serde_json::from_str::<serde_json::Number>(&word).ok();
            match (number(&word), read) {
                (Some(Number::Whole(number)), Some(read)) => prop_assert_eq!(Some(number), read.as_i64()),
                (Some(Number::Real(number)), Some(read)) => {
                    prop_assert_eq!(read.as_i64(), None);
                    prop_assert!((number / read.as_f64().unwrap() - 1.0).abs() < 1e-12 || number == 0.0);
                }
                (number, read) => prop_assert!(number.is_none() && read.is_none(), "{word}"),
            }
        }
    }
}
