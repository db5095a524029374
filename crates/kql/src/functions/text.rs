//! Functions on text. Lengths and positions count characters.

use super::{
    MANY, MAX_SIZE, ScalarFunction, array, at, function, items_at, long_at, or_null, string_array, text_at,
};
use crate::value::{Dynamic, Value};

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn length(text: &str) -> Value {
    Value::Long(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
}

/// A negative start counts from the end.
fn substring(arguments: &[Value]) -> Value {
    let text = characters(&text_at(arguments, 0));
    let count = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let Some(start) = long_at(arguments, 1) else { return Value::string("") };
    let start = if start < 0 { start.saturating_add(count) } else { start }.clamp(0, count);
    let wanted = long_at(arguments, 2).unwrap_or(i64::MAX).max(0);
    let end = start.saturating_add(wanted).min(count);
    let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    Value::string(text.get(start..end).unwrap_or_default().iter().collect::<String>())
}

fn indexof(arguments: &[Value]) -> Value {
    let (text, wanted) = (text_at(arguments, 0), text_at(arguments, 1));
    let characters = characters(&text);
    let count = i64::try_from(characters.len()).unwrap_or(i64::MAX);
    let start = long_at(arguments, 2).unwrap_or(0);
    let start = if start < 0 { (start + count).max(0) } else { start };
    if start > count {
        return Value::Long(-1);
    }
    let limit = long_at(arguments, 3).unwrap_or(-1);
    let end = if limit < 0 { count } else { start.saturating_add(limit).min(count) };
    let occurrence = long_at(arguments, 4).unwrap_or(1);
    let wanted: Vec<char> = wanted.chars().collect();
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    let window = characters.get(range.clone()).unwrap_or_default();
    if wanted.is_empty() {
        return Value::Long(start);
    }
    let hits = window.windows(wanted.len()).enumerate().filter(|(_, part)| *part == wanted.as_slice());
    let nth = usize::try_from(occurrence.max(1) - 1).unwrap_or(0);
    hits.map(|(at, _)| at)
        .nth(nth)
        .map_or(Value::Long(-1), |at| Value::Long(i64::try_from(range.start + at).unwrap_or(-1)))
}

/// `split(text, delimiter, index)`; an index gives an array of one.
fn split(arguments: &[Value]) -> Value {
    let (text, delimiter) = (text_at(arguments, 0), text_at(arguments, 1));
    let parts: Vec<String> = if delimiter.is_empty() {
        vec![text]
    } else {
        text.split(delimiter.as_str()).map(str::to_owned).collect()
    };
    let Some(index) = long_at(arguments, 2) else { return string_array(parts) };
    let index = if index < 0 { index + i64::try_from(parts.len()).unwrap_or(0) } else { index };
    let part = usize::try_from(index).ok().and_then(|index| parts.into_iter().nth(index));
    string_array(part)
}

fn joined(parts: impl Iterator<Item = String>, delimiter: &str) -> Value {
    let mut text = String::new();
    for (number, part) in parts.enumerate() {
        if number > 0 {
            text.push_str(delimiter);
        }
        text.push_str(&part);
        if text.len() > MAX_SIZE {
            return Value::string("");
        }
    }
    Value::string(text)
}

fn repeat(arguments: &[Value]) -> Value {
    let (text, delimiter) = (text_at(arguments, 0), text_at(arguments, 2));
    // Kusto repeats at most 1,024 times.
    let count = usize::try_from(long_at(arguments, 1).unwrap_or(0).clamp(0, 1024)).unwrap_or(0);
    if count.saturating_mul(text.len() + delimiter.len()) > MAX_SIZE {
        return Value::string("");
    }
    joined(std::iter::repeat_n(text, count), &delimiter)
}

fn translate(arguments: &[Value]) -> Value {
    let (from, to) = (characters(&text_at(arguments, 0)), characters(&text_at(arguments, 1)));
    let text = text_at(arguments, 2);
    let mapped =
        text.chars().filter_map(|character| match from.iter().position(|known| *known == character) {
            // The last character stands in for those that are missing; none deletes.
            Some(position) => to.get(position).or(to.last()).copied(),
            None => Some(character),
        });
    Value::string(mapped.collect::<String>())
}

fn replace(arguments: &[Value]) -> Value {
    let (text, from, to) = (text_at(arguments, 0), text_at(arguments, 1), text_at(arguments, 2));
    if from.is_empty() {
        return Value::string(text);
    }
    let grown = to.len().saturating_sub(from.len());
    if grown > 0 && text.matches(from.as_str()).count().saturating_mul(grown) > MAX_SIZE {
        return Value::string("");
    }
    Value::string(text.replace(from.as_str(), &to))
}

fn replace_all(arguments: &[Value]) -> Value {
    let (Some(from), Some(to)) = (items_at(arguments, 1), items_at(arguments, 2)) else { return Value::Null };
    let texts =
        |items: Vec<Dynamic>| items.iter().map(|item| item.to_value().to_text()).collect::<Vec<String>>();
    let (from, to) = (texts(from), texts(to));
    let text = text_at(arguments, 0);
    // In one pass: what was put in is not replaced again.
    let (mut replaced, mut rest) = (String::new(), text.as_str());
    while let Some(character) = rest.chars().next() {
        let found =
            from.iter().zip(&to).find(|(from, _)| !from.is_empty() && rest.starts_with(from.as_str()));
        let taken = match found {
            Some((from, to)) => {
                replaced.push_str(to);
                from.len()
            }
            None => {
                replaced.push(character);
                character.len_utf8()
            }
        };
        if replaced.len() > MAX_SIZE {
            return Value::string("");
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    Value::string(replaced)
}

fn code_points(arguments: &[Value]) -> Value {
    let points = text_at(arguments, 0).chars().map(|c| Dynamic::Long(i64::from(u32::from(c)))).collect();
    array(points)
}

fn from_code_points(arguments: &[Value]) -> Value {
    let each = arguments.iter().flat_map(|argument| match argument {
        Value::Dynamic(dynamic) => {
            dynamic.as_array().unwrap_or_default().iter().map(Dynamic::to_value).collect()
        }
        other => vec![other.clone()],
    });
    let character = |value: Value| u32::try_from(value.to_i64()?).ok().and_then(char::from_u32);
    Value::string(each.filter_map(character).collect::<String>())
}

fn compare(arguments: &[Value]) -> Value {
    Value::Long(match text_at(arguments, 0).cmp(&text_at(arguments, 1)) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    })
}

fn has_any_index(arguments: &[Value]) -> Value {
    let Some(items) = items_at(arguments, 1) else { return Value::Long(-1) };
    let text = text_at(arguments, 0);
    let has = |item: &Dynamic| {
        super::operators::text_test(crate::ast::BinaryKind::Has, false, &text, &item.to_value().to_text())
    };
    items.iter().position(has).map_or(Value::Long(-1), |at| Value::Long(i64::try_from(at).unwrap_or(-1)))
}

/// Bytes in a unit of 1024, or of another base: `1.5 MB`.
fn format_bytes(arguments: &[Value]) -> Value {
    const UNITS: [&str; 6] = ["Bytes", "KB", "MB", "GB", "TB", "PB"];
    let Some(bytes) = super::real_at(arguments, 0) else { return Value::string("") };
    let precision = usize::try_from(long_at(arguments, 1).unwrap_or(0).clamp(0, 15)).unwrap_or(0);
    let named = text_at(arguments, 2);
    let base = super::real_at(arguments, 3).filter(|base| *base > 1.0).unwrap_or(1024.0);
    let (mut size, mut unit) = (bytes, 0);
    let is_done = |size: f64, unit: usize| match UNITS.iter().position(|known| *known == named) {
        Some(wanted) => unit >= wanted,
        None => size.abs() < base || unit + 1 >= UNITS.len(),
    };
    while !is_done(size, unit) {
        size /= base;
        unit += 1;
    }
    let text = format!("{size:.precision$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    Value::string(format!("{text} {}", UNITS.get(unit).copied().unwrap_or_default()))
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("strlen", 1, 1, |a| length(&text_at(a, 0))),
    function("string_size", 1, 1, |a| Value::Long(i64::try_from(text_at(a, 0).len()).unwrap_or(i64::MAX))),
    function("substring", 2, 3, substring),
    function("indexof", 2, 5, indexof),
    function("toupper", 1, 1, |a| Value::string(text_at(a, 0).to_uppercase())),
    function("tolower", 1, 1, |a| Value::string(text_at(a, 0).to_lowercase())),
    function("strcat", 1, MANY, |a| joined(a.iter().map(Value::to_text), "")),
    function("strcat_delim", 2, MANY, |a| joined(a.iter().skip(1).map(Value::to_text), &text_at(a, 0))),
    function("strcat_array", 2, 2, |a| match items_at(a, 0) {
        Some(items) => joined(items.iter().map(|item| item.to_value().to_text()), &text_at(a, 1)),
        None => Value::string(""),
    }),
    function("strrep", 2, 3, repeat),
    function("strcmp", 2, 2, compare),
    function("reverse", 1, 1, |a| Value::string(text_at(a, 0).chars().rev().collect::<String>())),
    function("split", 2, 3, split),
    function("translate", 3, 3, translate),
    function("replace_string", 3, 3, replace),
    function("replace_strings", 3, 3, replace_all),
    function("to_utf8", 1, 1, code_points),
    function("unicode_codepoints_from_string", 1, 1, code_points),
    function("make_string", 1, MANY, from_code_points),
    function("unicode_codepoints_to_string", 1, MANY, from_code_points),
    function("has_any_index", 2, 2, has_any_index),
    function("format_bytes", 1, 4, format_bytes),
    function("isascii", 1, 1, |a| Value::Bool(text_at(a, 0).is_ascii())),
    function("isutf8", 1, 1, |a| Value::Bool(at(a, 0).as_str().is_some())),
    function("parse_version", 1, 1, parse_version),
    function("parse_csv", 1, 1, parse_csv),
    function("parse_command_line", 2, 2, parse_command_line),
];

/// `a.b.c.d`, at most four parts of at most eight digits, as one number that sorts as versions do.
fn parse_version(arguments: &[Value]) -> Value {
    let text = text_at(arguments, 0);
    let parts: Vec<&str> = text.split('.').collect();
    let numbers: Option<Vec<u64>> = parts
        .iter()
        .map(|part| (part.len() <= 8 && !part.is_empty()).then(|| part.parse().ok()).flatten())
        .collect();
    let numbers = numbers.filter(|numbers| (1..=4).contains(&numbers.len()));
    or_null(numbers, |numbers| {
        let mut text = String::new();
        for position in 0..4 {
            text.push_str(&format!("{:08}", numbers.get(position).copied().unwrap_or(0)));
        }
        crate::value::read_decimal(&text).map_or(Value::Null, Value::decimal)
    })
}

/// The words of a command line by the rules of Windows: blanks separate, quotes join, a backslash before a quote keeps it.
fn parse_command_line(arguments: &[Value]) -> Value {
    let text = text_at(arguments, 0);
    if !text_at(arguments, 1).eq_ignore_ascii_case("windows") || text.trim().is_empty() {
        return Value::Null;
    }
    let (mut words, mut word, mut has_word, mut is_quoted) = (Vec::new(), String::new(), false, false);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                let mut count = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let before_quote = rest.peek() == Some(&'"');
                word.extend(std::iter::repeat_n('\\', if before_quote { count / 2 } else { count }));
                if before_quote && count % 2 == 1 {
                    word.push('"');
                    rest.next();
                }
                has_word = true;
            }
            '"' => {
                is_quoted = !is_quoted;
                has_word = true;
            }
            ' ' | '\t' if !is_quoted => {
                if std::mem::take(&mut has_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => {
                word.push(other);
                has_word = true;
            }
        }
    }
    if has_word {
        words.push(word);
    }
    string_array(words)
}

/// The fields of the first record.
fn parse_csv(arguments: &[Value]) -> Value {
    let text = text_at(arguments, 0);
    let (mut fields, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if is_quoted && rest.peek() == Some(&'"') => {
                field.push('"');
                rest.next();
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            '\r' | '\n' if !is_quoted => break,
            other => field.push(other),
        }
    }
    fields.push(field);
    string_array(fields)
}
