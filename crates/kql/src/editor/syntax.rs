//! The words and options of an operator, out of its grammar in the registry.

use crate::registry::Row;

/// An option, `kind=`.
pub(super) struct Choice<'r> {
    pub(super) name: &'r str,
    /// The values that it may have, where they are words.
    pub(super) values: Vec<&'r str>,
}

/// The words of an operator's grammar, without its own name and its options.
pub(super) fn keywords(row: &Row) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for (word, behind) in words(row) {
        let is_keyword = is_word(word) && word != row.name && !behind.starts_with('=');
        if is_keyword && !found.contains(&word) && !option_value(row, word) {
            found.push(word);
        }
    }
    found
}

/// The options of an operator.
pub(super) fn options(row: &Row) -> Vec<Choice<'static>> {
    let mut found: Vec<Choice<'static>> = Vec::new();
    for (name, behind) in words(row) {
        let Some(value) = behind.strip_prefix('=') else { continue };
        if !is_word(name) || found.iter().any(|known| known.name == name) {
            continue;
        }
        let end = value
            .find(|c: char| !c.is_alphanumeric() && !matches!(c, '|' | '_' | '-'))
            .unwrap_or(value.len());
        let values = value.get(..end).unwrap_or_default();
        let values = match values {
            "BOOL" => vec!["true", "false"],
            _ => values.split('|').filter(|value| is_word(value)).collect(),
        };
        found.push(Choice { name, values });
    }
    found
}

fn option_value(row: &Row, word: &str) -> bool {
    options(row).iter().any(|option| option.values.contains(&word))
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'))
}

/// Each word of the grammar with what stands behind it.
fn words(row: &Row) -> impl Iterator<Item = (&'static str, &'static str)> {
    let syntax = row.syntax.unwrap_or_default();
    let mut at = 0;
    std::iter::from_fn(move || {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
        let rest = syntax.get(at..)?;
        let start = at + rest.find(is_part)?;
        let rest = syntax.get(start..)?;
        let end = start + rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        at = end;
        Some((syntax.get(start..end)?, syntax.get(end..)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Kind, find_kind};

    #[test]
    fn a_grammar_has_words_and_options() {
        let row = find_kind("mv-expand", Kind::Operator).unwrap();
        assert_eq!(keywords(row), ["to", "typeof", "limit"]);
        let options = options(row);
        assert_eq!(options[0].name, "kind");
        assert_eq!(options[0].values, ["array", "bag"]);
        assert_eq!(options[1].name, "with_itemindex");
        let sort = find_kind("sort", Kind::Operator).unwrap();
        assert_eq!(keywords(sort), ["by", "asc", "desc", "nulls", "first", "last"]);
    }
}
