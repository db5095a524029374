//! ArcSight's Common Event Format, to `CommonSecurityLog`.
//!
//! Source: "ArcSight Common Event Format (CEF) Implementation Standard", version 26, and the mapping of its keys that
//! Microsoft Sentinel documents, which is data in `content/syslog/cef.csv`.
//!
//! `CEF:VERSION|VENDOR|PRODUCT|VERSION|CLASS ID|NAME|SEVERITY|EXTENSION`: in the header `\` escapes `|` and itself, in
//! the extension `=`, itself and line breaks. A value of the extension reaches to the blank before the next key.

use std::collections::HashMap;
use std::sync::OnceLock;

use castellan_base::Ticks;

use crate::json::{self, Object};
use crate::problem::{ProblemKind, Problems};
use crate::syslog::{Header, Peer};
use crate::{MAX_TEXT, times};

const KEYS: &str = include_str!("../../../content/syslog/cef.csv");
/// Fields of a header behind `CEF:`, before the extension.
const FIELDS: usize = 7;
/// Most keys of an extension that are read.
const MAX_KEYS: usize = 1_024;

/// How a value becomes one of its column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Int,
    Long,
    Real,
    Time,
}

fn keys() -> &'static HashMap<&'static str, (&'static str, Form)> {
    static READ: OnceLock<HashMap<&str, (&str, Form)>> = OnceLock::new();
    READ.get_or_init(|| {
        let lines = KEYS.lines().skip(1).filter_map(|line| {
            let mut cells = line.split(',');
            let (key, column, form) = (cells.next()?, cells.next()?, cells.next()?);
            let form = match form {
                "text" => Form::Text,
                "int" => Form::Int,
                "long" => Form::Long,
                "real" => Form::Real,
                "time" => Form::Time,
                _ => return None,
            };
            Some((key, (column, form)))
        });
        lines.collect()
    })
}

/// Writes a row; false where the text is no CEF.
pub(crate) fn write(
    out: &mut Vec<u8>,
    text: &str,
    header: Option<&Header<'_>>,
    peer: Peer<'_>,
    received: Ticks,
    problems: &mut Problems,
) -> bool {
    let Some((fields, extension)) = split(text) else { return false };
    let [_, vendor, product, version, class, name, severity] = &fields;
    let pairs = extension_pairs(extension);
    let value =
        |key: &str| pairs.iter().rev().find(|(found, _)| *found == key).map(|(_, value)| value.as_str());
    let said = header.and_then(|header| header.time);
    let own = said.or_else(|| value("rt").and_then(|text| time(text, received)));
    let time = own.map_or(received, |own| times::of_record(Some(own), received, problems));

    let mut row = Object::begin(out);
    row.time("TimeGenerated", time);
    for (column, text) in [
        ("DeviceVendor", vendor),
        ("DeviceProduct", product),
        ("DeviceVersion", version),
        ("DeviceEventClassID", class),
        ("Activity", name),
        ("LogSeverity", severity),
    ] {
        row.text(column, json::cut(text, MAX_TEXT));
    }
    row.text("OriginalLogSeverity", json::cut(severity, MAX_TEXT));
    let host = header.map(|header| header.host).filter(|host| !host.is_empty()).unwrap_or(peer.address);
    row.text("Computer", json::cut(host, MAX_TEXT));
    row.text("CollectorHostName", peer.collector);
    row.text("SourceSystem", "Linux");
    extension_columns(&mut row, &pairs, received, problems);
    row.end();
    true
}

fn extension_columns(
    row: &mut Object<'_>,
    pairs: &[(&str, String)],
    received: Ticks,
    problems: &mut Problems,
) {
    let mut rest = String::new();
    for (place, (key, value)) in pairs.iter().enumerate() {
        let later = pairs.get(place + 1..).unwrap_or_default();
        let is_last = later.iter().all(|(other, _)| other != key);
        let column = keys().get(key).filter(|_| is_last);
        if column.is_some_and(|(column, form)| cell(row, column, *form, value, received)) {
            continue;
        }
        if let Some((_, form)) = column
            && *form != Form::Text
            && !value.is_empty()
        {
            problems.tell(ProblemKind::WrongType(ProblemKind::name(key)));
        }
        if rest.len() < MAX_TEXT {
            if !rest.is_empty() {
                rest.push(';');
            }
            rest.push_str(key);
            rest.push('=');
            rest.push_str(value);
        }
    }
    row.text("AdditionalExtensions", json::cut(&rest, MAX_TEXT));
}

/// Writes a column; false where the value does not fit it.
fn cell(row: &mut Object<'_>, column: &str, form: Form, value: &str, received: Ticks) -> bool {
    match form {
        Form::Text => row.text(column, json::cut(value, MAX_TEXT)),
        Form::Int => match value.trim().parse::<i32>() {
            Ok(number) => row.integer(column, i64::from(number)),
            Err(_) => return false,
        },
        Form::Long => match value.trim().parse::<i64>() {
            Ok(number) => {
                row.integer(column, number);
                // The older column holds what fits 32 bits.
                if let (Some(older), Ok(_)) = (column.strip_prefix("Field"), i32::try_from(number)) {
                    row.integer(older, number);
                }
            }
            Err(_) => return false,
        },
        Form::Real => match value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => row.real(column, number),
            _ => return false,
        },
        Form::Time => match time(value, received) {
            Some(time) => row.time(column, time),
            None => return false,
        },
    }
    true
}

/// Milliseconds since 1970, or one of the forms of the standard's table "Date formats".
fn time(text: &str, received: Ticks) -> Option<Ticks> {
    let text = text.trim();
    if text.len() >= 11 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ticks::from_unix_nanos(text.parse::<i128>().ok()?.checked_mul(1_000_000)?);
    }
    crate::syslog::written_time(text, received)
}

/// The fields of the header, unescaped, and the extension.
fn split(text: &str) -> Option<([String; FIELDS], &str)> {
    let mut rest = text.strip_prefix("CEF:")?;
    let mut fields: [String; FIELDS] = Default::default();
    for (place, field) in fields.iter_mut().enumerate() {
        let (read, behind) = header_field(rest, place + 1 == FIELDS)?;
        *field = read;
        rest = behind;
    }
    Some((fields, rest.trim()))
}

/// A field up to a bar that is not escaped. The last may end the text, for a message without extension.
fn header_field(text: &str, is_last: bool) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '|' => return Some((field.trim().to_owned(), text.get(place + 1..)?)),
            '\\' => match characters.next() {
                Some((_, escaped @ ('|' | '\\'))) => field.push(escaped),
                Some((_, other)) => field.extend(['\\', other]),
                None => field.push('\\'),
            },
            other => field.push(other),
        }
    }
    is_last.then(|| (field.trim().to_owned(), ""))
}

/// Keys and values. A key is a word before an equals sign that is not escaped.
fn extension_pairs(text: &str) -> Vec<(&str, String)> {
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let (mut word, mut is_escaped) = (0, false);
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b' ' => word = place + 1,
            b'=' if place > word && starts.len() < MAX_KEYS && is_key(text.get(word..place)) => {
                starts.push((word, place));
                // A further sign within this word belongs to the value.
                word = text.len();
            }
            _ => {}
        }
    }
    let ends = starts.iter().skip(1).map(|(word, _)| *word).chain([text.len()]);
    let pairs = starts.iter().zip(ends).filter_map(|((word, sign), end)| {
        let value = text.get(sign + 1..end)?.trim_end_matches(' ');
        Some((text.get(*word..*sign)?, unescaped(value)))
    });
    pairs.collect()
}

/// Vendors put dots, dashes, brackets and the like into the names of their own keys.
fn is_key(word: Option<&str>) -> bool {
    word.is_some_and(|word| {
        word.len() <= 128
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-[]:/@".contains(&byte))
    })
}

fn unescaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next() {
            Some(escaped @ ('=' | '\\' | '|')) => value.push(escaped),
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some(other) => value.extend(['\\', other]),
            None => value.push('\\'),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let (fields, extension) = split(r"CEF:0|Sec\|urity|a\\b|1.0|100|name \x|10|src=10.0.0.1").unwrap();
        assert_eq!(fields, ["0", "Sec|urity", r"a\b", "1.0", "100", r"name \x", "10"].map(str::to_owned));
        assert_eq!(extension, "src=10.0.0.1");
        assert!(split("CEF:0|a|b|c|d|e").is_none());
        assert_eq!(split("CEF:0|a|b|c|d|e|5").unwrap().1, "");
    }

    #[test]
    fn extensions() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let pairs = extension_pairs(text);
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
            assert_eq!(pairs, expected, "{text}");
        };
        check(
            "src=10.0.0.1 msg=two words  spt=1",
            &[("src", "10.0.0.1"), ("msg", "two words"), ("spt", "1")],
        );
        check(r"msg=a\=b c\\d\ne act=x", &[("msg", "a=b c\\d\ne"), ("act", "x")]);
        check("request=https://a/?b=c&d=e f=g", &[("request", "https://a/?b=c&d=e"), ("f", "g")]);
        check("a= b=c", &[("a", ""), ("b", "c")]);
        check("no keys at all", &[]);
        check("ad.x[0]=1 =2", &[("ad.x[0]", "1 =2")]);
    }

    #[test]
    fn every_line_of_the_data_is_read() {
        assert_eq!(keys().len(), KEYS.lines().count() - 1);
    }
}
