//! How fast queries are read: `cargo bench -p castellan-kql --bench parse`.
//!
//! `corpus` reads all public queries in one iteration, so its byte count gives MB/s; `typical_rule` reads one rule of
//! about 2 KB, and the median over all queries is printed before the table.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

use std::path::PathBuf;
use std::time::Instant;

use castellan_kql::parse;
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    report_median();
    divan::main();
}

/// The public queries; none where the corpora are not there.
fn queries() -> Vec<String> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let corpora =
        named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"));
    let Ok(text) = std::fs::read_to_string(corpora.join("kql/sentinel_queries.jsonl")) else {
        eprintln!("skipped: no corpora at {}", corpora.display());
        return Vec::new();
    };
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter_map(|line| line.get("query").and_then(|query| query.as_str()).map(str::to_owned)).collect()
}

fn report_median() {
    let queries = queries();
    let mut times: Vec<u128> = queries
        .iter()
        .map(|query| {
            let start = Instant::now();
            divan::black_box(parse(query));
            start.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(0) / 1000;
    eprintln!(
        "{} queries: median {} us, 95th percentile {} us, 99th {} us",
        times.len(),
        at(50),
        at(95),
        at(99)
    );
}

#[divan::bench]
fn corpus(bencher: Bencher<'_, '_>) {
    let queries = queries();
    let bytes: usize = queries.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        for query in &queries {
            divan::black_box(parse(query));
        }
    });
}

#[divan::bench]
fn typical_rule(bencher: Bencher<'_, '_>) {
    let queries = queries();
    let Some(rule) = queries.iter().find(|query| (1950..2050).contains(&query.len())) else { return };
    bencher.counter(BytesCount::new(rule.len())).bench(|| parse(divan::black_box(rule)));
}
