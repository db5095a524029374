//! Words that several forms share.

use castellan_base::{Evidence, Node, Ticks, Value, Verdict};

use crate::assessment::AssessedFinding;

/// One line without control characters, of at most `limit` characters.
pub(super) fn line(text: &str, limit: usize) -> String {
    let mut shown: String = text
        .chars()
        .map(|character| if character.is_control() || is_bidirectional(character) { ' ' } else { character })
        .take(limit.saturating_add(1))
        .collect();
    if shown.chars().count() > limit {
        shown = shown.chars().take(limit.saturating_sub(3)).collect();
        shown.push_str("...");
    }
    shown
}

/// Characters that reorder the text around them, by which a name could pass for another.
fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A value in a few words.
pub(super) fn value(node: &Node) -> String {
    match &node.value {
        Value::String(text) => format!("`{}`", line(text, 120)),
        Value::Unresolved(unresolved) => format!("not known ({})", line(&unresolved.expression, 120)),
        _ => line(&node.to_json().to_string(), 160),
    }
}

/// A piece of evidence as a sentence.
pub(super) fn evidence(evidence: &Evidence) -> String {
    let path = line(&evidence.path, 120);
    let actual = evidence.actual.as_ref().map_or_else(|| "not set".to_owned(), value);
    let expected =
        if evidence.expected.is_null() { String::new() } else { format!(" {}", value(&evidence.expected)) };
    format!("{path} is {actual} (condition: {}{expected})", evidence.operator)
}

/// Why a finding is what it is, in one line.
pub(super) fn reason(found: &AssessedFinding) -> String {
    if let Verdict::Unknown(unknown) = &found.finding.verdict {
        return line(&unknown.message, 300);
    }
    // Rules narrow down first and decide last.
    found.finding.evidence.last().map(evidence).unwrap_or_default()
}

/// The name with those of the parents, of the resource that people know, and which part of it is meant: one file can
/// configure several servers.
pub(super) fn short_name(found: &AssessedFinding) -> String {
    let part = found.finding.resource.name();
    if part == found.source.name() {
        return found.source.full_name();
    }
    format!("{}/{part}", found.source.full_name())
}

/// A time to the minute.
pub(super) fn time(ticks: Ticks) -> String {
    let full = ticks.to_string();
    match (full.get(..10), full.get(11..16)) {
        (Some(date), Some(clock)) => format!("{date} {clock} UTC"),
        _ => full,
    }
}

/// `1 resource`, `2 resources`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_on_its_line() {
        assert_eq!(line("a\u{1b}[31m\nb\u{202e}c", 40), "a [31m b c");
        assert_eq!(line("abcdefgh", 6), "abc...");
        assert_eq!((count(1, "check"), count(2, "check")), ("1 check".to_owned(), "2 checks".to_owned()));
    }
}
