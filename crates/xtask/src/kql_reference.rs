//! `docs/kql-reference.md`: the registry of the query language as a page.

use std::fmt::Write;

use castellan_kql::registry::{self, Kind, Row};

/// Families with their headings.
const HEADINGS: [(&str, &str); 23] = [
    ("statements", "Statements"),
    ("operators", "Operators on rows"),
    ("joins", "Kinds of join"),
    ("types", "Types"),
    ("infix", "Operators between values"),
    ("general", "Conditions, nulls, tables as values"),
    ("conversion", "Conversion"),
    ("strings", "Text"),
    ("parse", "Taking text apart"),
    ("datetime", "Date and time"),
    ("math", "Numbers"),
    ("dynamic", "Arrays and bags"),
    ("network", "Network addresses"),
    ("hash", "Hashes and encodings"),
    ("aggregates", "Aggregates"),
    ("sketch", "Sketches and digests"),
    ("window", "Window functions"),
    ("series", "Series"),
    ("graph", "Graph functions"),
    ("plugins", "Plugins"),
    ("session", "Other tables, the session, storage"),
    ("units", "Units"),
    ("geo", "Geography"),
];

/// The page.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "# The query language\n\n\
         <!-- Derived from crates/kql/data/registry by `cargo xtask generate`; do not edit. -->\n\n\
         Everything that the language has by name. Arguments in brackets may be left out, `...` repeats what stands \
         before it. `number` is int, long, real or decimal; `summable` a number or a timespan; `ordered` anything but \
         dynamic; `scalar` and `any` a value of any type. Names are case-sensitive. An asterisk marks what Azure Monitor \
         and Microsoft Sentinel do not offer. The right side of `=>` is what the example gives.\n",
    );
    for (family, rows) in registry::families() {
        let heading =
            HEADINGS.iter().find(|(name, _)| *name == family).map_or(family, |(_, heading)| heading);
        let _ =
            write!(page, "\n## {heading}\n\n| form | gives | what it does | example |\n|---|---|---|---|\n");
        for row in rows {
            let _ = writeln!(page, "{}", line(row));
        }
    }
    page
}

fn line(row: &Row) -> String {
    let forms: Vec<String> = row.usage().lines().map(code).collect();
    let mark = if row.azure_monitor { "" } else { " \\*" };
    let mut doc = row.doc.to_owned();
    if !row.legacy.is_empty() {
        let names: Vec<String> = row.legacy.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(doc, " Also {}.", names.join(", "));
    }
    if let Some(column) = row.column {
        let _ = write!(doc, " Column `{column}`.");
    }
    let example = match row.result {
        Some(result) => format!("{} => {}", code(row.example), code(result)),
        None => code(row.example),
    };
    let doc = doc.replace('|', "\\|");
    format!("| {}{mark} | {} | {doc} | {example} |", forms.join("<br>"), gives(row))
}

/// Return types, once each; a plugin's columns.
fn gives(row: &Row) -> String {
    if let Some(schema) = row.schema {
        return schema.replace('|', "\\|");
    }
    let mut words: Vec<&str> = row.signatures.iter().map(|signature| signature.returns.as_str()).collect();
    words.dedup();
    match row.kind {
        Kind::Operator | Kind::Statement | Kind::Join | Kind::Type => String::new(),
        _ if row.columns.is_empty() => words.join(", "),
        _ => row.columns.iter().map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", "),
    }
}

/// Code in a cell of a table.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let pad = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_a_heading() {
        for (family, _) in registry::families() {
            assert!(HEADINGS.iter().any(|(name, _)| *name == family), "{family}");
        }
    }

    #[test]
    fn cells_hold_what_tables_would_break() {
        assert_eq!(code("T | count"), "`T \\| count`");
        assert_eq!(code("a`b"), "``a`b``");
    }
}
