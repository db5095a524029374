//! Workbooks put values in for `{parameter}` before they send a query; so do these tests.

/// The query with every placeholder outside of strings replaced: by a condition where a column stands before it
/// (`TimeGenerated {TimeRange}`, `bin(TimeGenerated,1h) {TimeRange}`), else by a name.
pub(crate) fn filled(query: &str) -> String {
    let mut filled = String::with_capacity(query.len());
    let mut rest = query;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        filled.push_str(before);
        let Some(length) = placeholder_length(after) else {
            filled.push('{');
            rest = &after[1..];
            continue;
        };
        let is_condition = filled.ends_with([' ', '\t']) && {
            let words = filled.trim_end();
            let word: String = words.chars().rev().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let word: String = word.chars().rev().collect();
            words.ends_with(",1h)") || !word.is_empty() && !WORDS.contains(&word.as_str())
        };
        let in_constant = filled.trim_end().ends_with("dynamic(") || filled.trim_end().ends_with("dynamic([");
        let behind_string = filled.ends_with("' ") || filled.ends_with("\" ");
        filled.push_str(match (is_condition, in_constant, behind_string) {
            (true, ..) => "!= ''",
            (_, true, _) => "null",
            (_, _, true) => ", placeholder",
            _ => "placeholder",
        });
        rest = &after[length..];
    }
    filled.push_str(rest);
    filled
}

/// Words behind which a value stands.
const WORDS: [&str; 23] = [
    "let",
    "and",
    "or",
    "by",
    "in",
    "has",
    "contains",
    "from",
    "to",
    "step",
    "take",
    "limit",
    "top",
    "where",
    "union",
    "on",
    "has_any",
    "of",
    "project",
    "extend",
    "startswith",
    "between",
    "search",
];

/// `{Name}` and `{Name:format}`, with its braces.
fn placeholder_length(text: &str) -> Option<usize> {
    let close = text.find('}')?;
    let inner = &text[1..close];
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.' | '$' | ' ' | '[' | ']');
    let starts = inner.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$');
    (starts && inner.chars().all(is_name) && inner.len() < 80).then_some(close + 1)
}
