//! Regular expressions and `parse_...` of texts with a known shape. The dialect is RE2, which `regex` follows.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use super::{ScalarFunction, array, at, function, items_at, long_at, text_at};
use crate::value::{Dynamic, ScalarType, Value};

/// Bytes that a compiled expression may take: an expression that asks for more is a bomb.
const MAX_COMPILED: usize = 8 << 20;
/// Expressions that are kept.
const MAX_KEPT: usize = 256;

/// A regular expression in the syntax of RE2, within bounds on its size.
///
/// Errors: what is wrong with it, in words.
pub fn regex(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
    built.map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())
}

/// The compiled expression; `None` for one that is malformed or too large. The last ones are kept for each thread.
pub(crate) fn compiled(pattern: &str) -> Option<Regex> {
    thread_local! {
        static KEPT: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
    }
    KEPT.with_borrow_mut(|kept| {
        if let Some(known) = kept.get(pattern) {
            return known.clone();
        }
        let regex = regex(pattern).ok();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), regex.clone());
        regex
    })
}

/// `extract(regex, group, text, type)`
fn extract(arguments: &[Value]) -> Value {
    let group = long_at(arguments, 1).and_then(|group| usize::try_from(group).ok()).unwrap_or(0);
    let text = text_at(arguments, 2);
    let found = compiled(&text_at(arguments, 0))
        .and_then(|regex| Some(regex.captures(&text)?.get(group)?.as_str().to_owned()));
    let found = Value::string(found.unwrap_or_default());
    match at(arguments, 3).as_str().and_then(ScalarType::named) {
        Some(scalar_type) => found.convert(scalar_type),
        None => found,
    }
}

/// `extract_all(regex, groups, text)`: texts for one group, arrays for several.
fn extract_all(arguments: &[Value]) -> Value {
    let text = text_at(arguments, arguments.len() - 1);
    let Some(regex) = compiled(&text_at(arguments, 0)) else { return Value::Null };
    let wanted: Vec<usize> = match items_at(arguments, 1).filter(|_| arguments.len() == 3) {
        Some(groups) => {
            let by_position = |group: &Dynamic| usize::try_from(group.to_value().to_i64()?).ok();
            let by_name = |group: &Dynamic| {
                let name = group.to_value().to_text();
                regex.capture_names().position(|known| known == Some(name.as_str()))
            };
            groups.iter().filter_map(|group| by_position(group).or_else(|| by_name(group))).collect()
        }
        None => (1..regex.captures_len()).collect(),
    };
    let wanted = if wanted.is_empty() { vec![0] } else { wanted };
    let matches = regex.captures_iter(&text).map(|captures| {
        let group =
            |index: &usize| Dynamic::String(captures.get(*index).map_or("", |found| found.as_str()).into());
        match wanted.as_slice() {
            [only] => group(only),
            several => Dynamic::Array(several.iter().map(group).collect()),
        }
    });
    let matches: Vec<Dynamic> = matches.collect();
    if matches.is_empty() { Value::Null } else { array(matches) }
}

fn replace_regex(arguments: &[Value]) -> Value {
    let text = text_at(arguments, 0);
    match compiled(&text_at(arguments, 1)) {
        Some(regex) => {
            let replacement = rewrite(&text_at(arguments, 2));
            let mut grown = 0_usize;
            let put = |found: &regex::Captures<'_>| {
                let mut text = String::new();
                // What is beyond the longest text is left out, and the text is not given then.
                if grown <= super::MAX_SIZE {
                    found.expand(&replacement, &mut text);
                }
                grown = grown.saturating_add(text.len());
                text
            };
            let replaced = regex.replace_all(&text, put).into_owned();
            Value::string(if grown > super::MAX_SIZE { String::new() } else { replaced })
        }
        None => Value::string(text),
    }
}

/// RE2 writes `\1` where `regex` writes `${1}`, and takes `$` as it is.
fn rewrite(replacement: &str) -> String {
    let mut rewritten = String::new();
    let mut rest = replacement.chars().peekable();
    while let Some(character) = rest.next() {
        match (character, rest.peek()) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                rewritten.push_str(&format!("${{{digit}}}"));
                rest.next();
            }
            ('\\', Some('\\')) => {
                rewritten.push('\\');
                rest.next();
            }
            ('$', _) => rewritten.push_str("$$"),
            _ => rewritten.push(character),
        }
    }
    rewritten
}

/// What `trim` takes away: matches at the ends only.
fn trimmed(arguments: &[Value], start: bool, end: bool) -> Value {
    let (pattern, mut text) = (text_at(arguments, 0), text_at(arguments, 1));
    if start && let Some(regex) = compiled(&format!("^(?:{pattern})")) {
        text = regex.replace(&text, "").into_owned();
    }
    if end && let Some(regex) = compiled(&format!("(?:{pattern})$")) {
        text = regex.replace(&text, "").into_owned();
    }
    Value::string(text)
}

/// `countof(text, search, kind)`: overlapping matches of a text count, those of an expression do not.
fn countof(arguments: &[Value]) -> Value {
    let (text, wanted) = (text_at(arguments, 0), text_at(arguments, 1));
    let count = if at(arguments, 2).as_str() == Some("regex") {
        compiled(&wanted).map_or(0, |regex| regex.find_iter(&text).count())
    } else if wanted.is_empty() {
        0
    } else {
        text.char_indices()
            .filter(|(at, _)| text.get(*at..).is_some_and(|rest| rest.starts_with(&wanted)))
            .count()
    };
    Value::Long(i64::try_from(count).unwrap_or(i64::MAX))
}

fn indexof_regex(arguments: &[Value]) -> Value {
    let text = text_at(arguments, 0);
    let Some(regex) = compiled(&text_at(arguments, 1)) else { return Value::Long(-1) };
    let Ok(start) = usize::try_from(long_at(arguments, 2).unwrap_or(0)) else { return Value::Null };
    let length =
        long_at(arguments, 3).filter(|length| *length >= 0).and_then(|length| usize::try_from(length).ok());
    let nth = usize::try_from(long_at(arguments, 4).unwrap_or(1).max(1) - 1).unwrap_or(0);
    let window: String = text.chars().skip(start).take(length.unwrap_or(usize::MAX)).collect();
    let found = regex.find_iter(&window).nth(nth);
    found.map_or(Value::Long(-1), |found| {
        let before = window.get(..found.start()).map_or(0, |before| before.chars().count());
        Value::Long(i64::try_from(start + before).unwrap_or(-1))
    })
}

/// `extract_json(path, text, type)`
fn extract_json(arguments: &[Value]) -> Value {
    let path = text_at(arguments, 0);
    let found = match at(arguments, 1) {
        Value::Dynamic(dynamic) => Some((**dynamic).clone()),
        other => Dynamic::parse(&other.to_text()),
    };
    let found = found.and_then(|root| follow(&root, &path));
    let wanted = at(arguments, 2).as_str().and_then(ScalarType::named).unwrap_or(ScalarType::String);
    match found {
        Some(found) if wanted == ScalarType::Dynamic => Value::dynamic(found),
        Some(found) => Value::dynamic(found).convert(wanted),
        None => Value::empty(wanted),
    }
}

/// `$.a['b'][0]`
fn follow(root: &Dynamic, path: &str) -> Option<Dynamic> {
    let mut here = root;
    let mut rest = path.strip_prefix('$')?;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            here = here.get(after.get(..end)?)?;
            rest = after.get(end..)?;
        } else {
            let after = rest.strip_prefix('[')?;
            let end = after.find(']')?;
            let key = after.get(..end)?.trim();
            here = match key.trim_matches(['\'', '"']) {
                name if name.len() < key.len() => here.get(name)?,
                index => here.at(index.parse().ok()?)?,
            };
            rest = after.get(end + 1..)?;
        }
    }
    Some(here.clone())
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("extract", 3, 4, extract),
    function("extract_all", 2, 3, extract_all),
    function("extract_json", 2, 3, extract_json),
    function("extractjson", 2, 3, extract_json),
    function("replace_regex", 3, 3, replace_regex),
    // The legacy function has the expression before the text's other arguments.
    function("replace", 3, 3, |a| match a {
        [pattern, replacement, text] => replace_regex(&[text.clone(), pattern.clone(), replacement.clone()]),
        _ => Value::Null,
    }),
    function("trim", 2, 2, |a| trimmed(a, true, true)),
    function("trim_start", 2, 2, |a| trimmed(a, true, false)),
    function("trim_end", 2, 2, |a| trimmed(a, false, true)),
    function("countof", 2, 3, countof),
    function("indexof_regex", 2, 5, indexof_regex),
    function("regex_quote", 1, 1, |a| Value::string(regex::escape(&text_at(a, 0)))),
];
