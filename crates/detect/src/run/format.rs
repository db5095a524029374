//! Texts with columns in `{{` and `}}`.

use std::borrow::Cow;

/// The longest value that is put into a text, in bytes. Longer ones are cut, which three dots tell.
const MAX_VALUE: usize = 4_096;

/// A part of such a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'t> {
    /// As it is written.
    Text(&'t str),
    /// The value of a column.
    Column(&'t str),
    /// Braces that are not closed, which stay as they are written.
    Unclosed(&'t str),
}

/// The parts of a text.
///
/// ```
/// use castellan_detect::run::format::{Part, parts};
/// assert_eq!(parts("a {{ B }}!"), [Part::Text("a "), Part::Column("B"), Part::Text("!")]);
/// assert_eq!(parts("{{a} {{b}}")[0], Part::Unclosed("{{"));
/// ```
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        if !before.is_empty() {
            found.push(Part::Text(before));
        }
        match behind.split_once("}}") {
            Some((name, after)) if is_name(name) => {
                found.push(Part::Column(name.trim()));
                rest = after;
            }
            _ => {
                found.push(Part::Unclosed("{{"));
                rest = behind;
            }
        }
    }
    if !rest.is_empty() {
        found.push(Part::Text(rest));
    }
    found
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(['{', '}', '\n'])
}

/// The text with the values of columns; a column that is not there stays as it is written.
pub fn filled(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let fill = |part: Part<'_>| match part {
        Part::Text(text) | Part::Unclosed(text) => text.to_owned(),
        Part::Column(name) => match value(name) {
            Some(value) => shortened(&value).into_owned(),
            None => format!("{{{{{name}}}}}"),
        },
    };
    parts(text).into_iter().map(fill).collect()
}

/// A value that is not too long to be shown.
pub(crate) fn shortened(value: &str) -> Cow<'_, str> {
    if value.len() <= MAX_VALUE {
        return Cow::Borrowed(value);
    }
    let end = (0..=MAX_VALUE).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
    Cow::Owned(format!("{}...", value.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_take_the_place_of_columns() {
        let value = |name: &str| (name == "Ip").then(|| "10.0.0.5".to_owned());
        assert_eq!(filled("from {{Ip}} by {{User}}", value), "from 10.0.0.5 by {{User}}");
        assert_eq!(filled("{{Ip} and {{ Ip }}", value), "{{Ip} and 10.0.0.5");
        assert_eq!(filled("{{}} }} {", value), "{{}} }} {");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[a{} \n]{0,40}") {
            let same = filled(&text, |_| None);
            // Blanks around a name are no part of it.
            prop_assert_eq!(same.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
