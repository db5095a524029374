//! Searches of block lists per second: `cargo bench -p castellan-shield --bench blocklist`.
#![allow(missing_docs, clippy::unwrap_used)]

use castellan_shield::blocklist::{Blocklists, Item};
use divan::{Bencher, counter::BytesCount};

fn main() {
    divan::main();
}

const PROMPT: &str = include_str!("prompt.txt");

fn filled(exact: usize, expressions: usize) -> Blocklists {
    let mut lists = Blocklists::default();
    lists.create("l", "").unwrap();
    for index in 0..exact {
        lists.put("l", Item::exact(format!("e{index}"), format!("forbidden word {index}"))).unwrap();
    }
    for index in 0..expressions {
        lists.put("l", Item::expression(format!("r{index}"), format!(r"\bcode-{index}-[0-9]+\b"))).unwrap();
    }
    lists
}

#[divan::bench(args = [(100, 0), (10_000, 0), (0, 100), (0, 1_000), (9_000, 1_000)])]
fn search_2_kb(bencher: Bencher<'_, '_>, (exact, expressions): (usize, usize)) {
    let lists = filled(exact, expressions);
    lists.find("warm", None);
    bencher
        .counter(BytesCount::new(PROMPT.len()))
        .bench(|| lists.find(divan::black_box(PROMPT), None).hits.len());
}

/// One more item and the search after it.
#[divan::bench(args = [100, 9_000])]
fn put_and_search(bencher: Bencher<'_, '_>, exact: usize) {
    let mut lists = filled(exact, 0);
    bencher.bench_local(|| {
        lists.put("l", Item::exact("again", "another word")).unwrap();
        lists.find(divan::black_box(PROMPT), None).hits.len()
    });
}

/// All items at once, as at a start.
#[divan::bench(args = [100, 10_000])]
fn fill(bencher: Bencher<'_, '_>, exact: usize) {
    bencher.bench_local(|| filled(exact, 0).find(divan::black_box(PROMPT), None).hits.len());
}
