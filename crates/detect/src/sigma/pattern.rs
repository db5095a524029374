//! Values with wildcards.
//!
//! Source: Sigma specification 2, "Wildcards" and "Modifiers".

use crate::literal::quoted;

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// As it is written.
    Text(String),
    /// `*`
    Any,
    /// `?`
    One,
    /// What begins an option of a command: one of several dashes, or a slash.
    Dash,
}

/// A value as parts. `\*` and `\?` are no wildcards, and `\\` is one backslash.
pub(super) fn parts(value: &str) -> Vec<Part> {
    let mut found = Vec::new();
    let mut text = String::new();
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let wildcard = match character {
            '\\' => {
                let escaped = characters.next_if(|next| matches!(next, '*' | '?' | '\\'));
                text.push(escaped.unwrap_or('\\'));
                continue;
            }
            '*' => Part::Any,
            '?' => Part::One,
            other => {
                text.push(other);
                continue;
            }
        };
        if !text.is_empty() {
            found.push(Part::Text(std::mem::take(&mut text)));
        }
        if found.last() != Some(&Part::Any) || wildcard != Part::Any {
            found.push(wildcard);
        }
    }
    if !text.is_empty() {
        found.push(Part::Text(text));
    }
    found
}

/// The same with each `-` or `/` that begins a word in place of any of them.
pub(super) fn with_dashes(parts: Vec<Part>) -> Vec<Part> {
    let mut found = Vec::new();
    let mut is_start = true;
    for part in parts {
        let Part::Text(text) = part else {
            // What stands behind a wildcard may begin a word.
            is_start = true;
            found.push(part);
            continue;
        };
        let mut own = String::new();
        for character in text.chars() {
            if is_start && matches!(character, '-' | '/') {
                if !own.is_empty() {
                    found.push(Part::Text(std::mem::take(&mut own)));
                }
                found.push(Part::Dash);
            } else {
                own.push(character);
            }
            is_start = character.is_whitespace();
        }
        if !own.is_empty() {
            found.push(Part::Text(own));
        }
    }
    found
}

/// What begins an option of a command.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// A text in each form that it has with one kind of dash at the beginnings of its words.
pub(super) fn dashed(text: &str) -> Vec<String> {
    let parts = with_dashes(vec![Part::Text(text.to_owned())]);
    let with = |dash: char| -> String {
        parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                _ => dash.to_string(),
            })
            .collect()
    };
    if parts.contains(&Part::Dash) { DASHES.into_iter().map(with).collect() } else { vec![text.to_owned()] }
}

/// Whether a text in KQL is what a pattern says.
pub(super) fn matches(field: &str, parts: &[Part], is_cased: bool) -> String {
    let suffix = if is_cased { "_cs" } else { "" };
    match parts {
        [] => format!("isempty({field})"),
        [Part::Any] => format!("isnotempty({field})"),
        [Part::Text(text)] => format!("{field} {} {}", if is_cased { "==" } else { "=~" }, quoted(text)),
        [Part::Text(text), Part::Any] => format!("{field} startswith{suffix} {}", quoted(text)),
        [Part::Any, Part::Text(text)] => format!("{field} endswith{suffix} {}", quoted(text)),
        [Part::Any, Part::Text(text), Part::Any] => format!("{field} contains{suffix} {}", quoted(text)),
        parts => format!("{field} matches regex {}", quoted(&expression(parts, is_cased))),
    }
}

/// The expression that a whole text has to be.
fn expression(parts: &[Part], is_cased: bool) -> String {
    let mut text = if is_cased { "(?s)^".to_owned() } else { "(?is)^".to_owned() };
    for part in parts {
        match part {
            Part::Any => text.push_str(".*"),
            Part::One => text.push('.'),
            Part::Dash => text.push_str("[-/\\x{2013}\\x{2014}\\x{2015}]"),
            Part::Text(own) => own.chars().for_each(|character| {
                if "\\.+*?()|[]{}^$#&-~/".contains(character) {
                    text.push('\\');
                }
                text.push(character);
            }),
        }
    }
    text.push('$');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str) {
        assert_eq!(matches("F", &parts(value), false), expected, "{value}");
    }

    #[test]
    fn wildcards_become_operators() {
        check("a", "F =~ 'a'");
        check("a*", "F startswith 'a'");
        check("*a", "F endswith 'a'");
        check("**a*", "F contains 'a'");
        check("*", "isnotempty(F)");
        check("", "isempty(F)");
        check(r"\\a\*b", r"F =~ '\\a*b'");
        check(r"C:\Windows\*", r"F =~ 'C:\\Windows*'");
        check(r"C:\Windows\\*", r"F startswith 'C:\\Windows\\'");
        check("a?c*d", "F matches regex '(?is)^a.c.*d$'");
        check("a.b?", r"F matches regex '(?is)^a\\.b.$'");
    }

    #[test]
    fn options_may_begin_with_any_dash() {
        let made = with_dashes(parts("*x -enc y-z*"));
        assert_eq!(
            matches("F", &made, false),
            r"F matches regex '(?is)^.*x [-/\\x{2013}\\x{2014}\\x{2015}]enc y\\-z.*$'"
        );
        let behind = with_dashes(parts("*-enc"));
        assert_eq!(behind, [Part::Any, Part::Dash, Part::Text("enc".to_owned())]);
        assert_eq!(dashed("a-b"), ["a-b"]);
        assert_eq!(dashed("a -b")[1], "a /b");
    }
}
