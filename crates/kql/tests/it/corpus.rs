//! Every query of the corpora parses.

use serde_json::Value;

use crate::malformed::MALFORMED;

/// The queries of a file with their ids.
pub(crate) fn queries(name: &str) -> Vec<(String, String)> {
    let Some(path) = crate::corpus(name) else { return Vec::new() };
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .enumerate()
        .map(|(number, line)| {
            let id = line["id"].as_str().map_or_else(|| number.to_string(), str::to_owned);
            (id, line["query"].as_str().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn real_queries_parse() {
    for name in ["kql/doc_cases.jsonl", "kql/handwritten_cases.jsonl", "kql/sentinel_queries.jsonl"] {
        let queries = queries(name);
        if queries.is_empty() {
            return;
        }
        let known: Vec<&str> = MALFORMED
            .iter()
            .filter(|(_, file, _)| *file == name)
            .flat_map(|(.., ids)| ids.iter().copied())
            .collect();
        let (mut told, mut surprises) = (0, Vec::new());
        for (id, query) in &queries {
            let query = &crate::placeholders::filled(query);
            let parsed = castellan_kql::parse(query);
            told += usize::from(!parsed.diagnostics.is_empty());
            match (parsed.diagnostics.first(), known.contains(&id.as_str())) {
                (Some(first), false) => {
                    let (line, column) = first.span.line_and_column(query);
                    surprises.push(format!("{id} {line}:{column} {first}"));
                }
                (None, true) => surprises.push(format!("{id} has no diagnostics any more")),
                _ => {}
            }
        }
        eprintln!("{name}: {} of {} parse", queries.len() - told, queries.len());
        assert!(surprises.is_empty(), "{name}: {surprises:#?}");
    }
}
