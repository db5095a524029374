//! Every query of the corpora parses.

use serde_json::Value;

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

/// How many queries of each file do not parse. The rest are management commands, several queries put together, prose,
/// and expressions of Logic Apps.
const MALFORMED: [(&str, usize); 3] =
    [("kql/doc_cases.jsonl", 6), ("kql/handwritten_cases.jsonl", 1), ("kql/sentinel_queries.jsonl", 78)];

#[test]
fn real_queries_parse() {
    for (name, most) in MALFORMED {
        let queries = queries(name);
        let mut malformed = Vec::new();
        for (id, query) in &queries {
            let query = &crate::placeholders::filled(query);
            let parsed = castellan_kql::parse(query);
            if let Some(first) = parsed.diagnostics.first() {
                let (line, column) = first.span.line_and_column(query);
                malformed.push(format!("{id} {line}:{column} {first}"));
            }
        }
        assert!(malformed.len() <= most, "{name}: {malformed:#?}");
    }
}
