//! The same week under other names.

use serde_json::Value;

use crate::Week;

impl Week {
    /// The same week with texts replaced wherever they stand: in rows and in what is known of attacks. Names that are part of
    /// others come after those.
    #[must_use]
    pub fn renamed(mut self, names: &[(&str, &str)]) -> Week {
        for rows in self.tables.rows.values_mut() {
            for row in rows {
                row.values_mut().for_each(|value| rename(value, names));
            }
        }
        for chain in &mut self.chains {
            for text in chain.entities.iter_mut().chain(&mut chain.marks) {
                *text = replaced(text, names);
            }
        }
        self
    }
}

fn rename(value: &mut Value, names: &[(&str, &str)]) {
    match value {
        Value::String(text) => *text = replaced(text, names),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(members) => members.values_mut().for_each(|member| rename(member, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn replaced(text: &str, names: &[(&str, &str)]) -> String {
    let mut written = text.to_owned();
    for (from, to) in names {
        if written.contains(from) {
            written = written.replace(from, to);
        }
        // Entities are told in lower case too.
        let lower = from.to_lowercase();
        if lower != *from && written.contains(&lower) {
            written = written.replace(&lower, &to.to_lowercase());
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use crate::week;

    #[test]
    fn names_change_everywhere_and_nothing_else_does() {
        let begins = "2026-11-16".parse();
        let Ok(begins) = begins else { return };
        let plain = week(21, begins);
        let renamed = plain.clone().renamed(&[("contoso.com", "harbour-mutual.example")]);
        assert_eq!(plain.len(), renamed.len());
        let text = format!("{:?}{:?}", renamed.tables.rows, renamed.chains);
        assert!(!text.contains("contoso") && text.contains("harbour-mutual.example"));
    }
}
