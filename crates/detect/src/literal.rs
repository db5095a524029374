//! Texts as literals of KQL.

use std::fmt::Write;

/// A text in single quotes, with escapes.
///
/// Source: Kusto documentation, "The string data type".
pub(crate) fn quoted(text: &str) -> String {
    let mut made = String::with_capacity(text.len() + 2);
    made.push('\'');
    for character in text.chars() {
        match character {
            '\'' => made.push_str("\\'"),
            '\\' => made.push_str("\\\\"),
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            '\t' => made.push_str("\\t"),
            other if other.is_control() => {
                // Writing to a text cannot fail.
                let _ = write!(made, "\\u{:04x}", u32::from(other));
            }
            other => made.push(other),
        }
    }
    made.push('\'');
    made
}

#[cfg(test)]
mod tests {
    use castellan_kql::bind::{Options, Tables, bind};
    use castellan_kql::interpret::{Limits, NoTables, run};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_literal_is_the_text(text in "(\\PC|[\\\\'\"\n\r\t\u{1}\u{7f}]){0,20}") {
            let script = castellan_kql::parse(&format!("print {}", quoted(&text))).script;
            let bound = bind(&script, &Tables::default(), &Options::default()).unwrap();
            let rows = run(&bound.results[0].plan, &NoTables, &Limits::default()).unwrap();
            prop_assert_eq!(rows[0][0].as_str(), Some(text.as_str()));
        }
    }
}
