//! How fast queries are checked: `cargo bench -p castellan-kql --bench bind`.
//!
//! `typical_rule` reads and binds one rule of about 2 KB against the built-in catalog; the median over all queries that
//! bind is printed before the table.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

use std::path::PathBuf;
use std::time::Instant;

use castellan_kql::bind::{Options, bind};
use castellan_kql::parse;
use castellan_kql::schema::Catalog;
use divan::Bencher;

fn main() {
    report_median();
    divan::main();
}

/// The public queries that bind; none where the corpora are not there.
fn queries() -> Vec<String> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let corpora =
        named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"));
    let Ok(text) = std::fs::read_to_string(corpora.join("kql/sentinel_queries.jsonl")) else {
        eprintln!("skipped: no corpora at {}", corpora.display());
        return Vec::new();
    };
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let queries = lines.filter_map(|line| line.get("query")?.as_str().map(str::to_owned));
    queries.filter(|query| binds(query)).collect()
}

fn binds(query: &str) -> bool {
    bind(&parse(query).script, Catalog::built_in(), &Options::default()).is_ok()
}

fn report_median() {
    let mut times: Vec<u128> = queries()
        .iter()
        .map(|query| {
            let start = Instant::now();
            divan::black_box(binds(query));
            start.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(0) / 1000;
    eprintln!(
        "{} queries: median {} us, 95th percentile {} us, 99th {} us, worst {} us",
        times.len(),
        at(50),
        at(95),
        at(99),
        times.last().map_or(0, |worst| worst / 1000)
    );
}

#[divan::bench]
fn typical_rule(bencher: Bencher<'_, '_>) {
    let queries = queries();
    let Some(rule) = queries.iter().find(|query| (1950..2050).contains(&query.len())) else { return };
    bencher.bench(|| binds(divan::black_box(rule)));
}

#[divan::bench]
fn every_table(bencher: Bencher<'_, '_>) {
    bencher.bench(|| binds(divan::black_box("search 'x' | where TimeGenerated > ago(1d)")));
}
