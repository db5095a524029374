//! Texts compared with an index per second: `cargo bench -p castellan-shield --bench protected`.
#![allow(missing_docs, clippy::unwrap_used)]

use castellan_shield::protected::{Index, Kind, Options, Source};
use divan::{Bencher, counter::BytesCount};

fn main() {
    divan::main();
}

const PROMPT: &str = include_str!("prompt.txt");

/// Words without sense, always the same ones.
fn text(seed: u64, words: usize) -> String {
    let mut state = seed;
    let mut text = String::new();
    for _ in 0..words {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("word{} ", (state >> 40) % 5_000));
    }
    text
}

fn filled(texts: u64) -> Index {
    let source = |seed: u64| Source { name: seed.to_string(), licence: None, kind: Kind::Text };
    let mut index = Index::new(Options::default()).unwrap();
    for seed in 0..texts {
        index.add(source(seed), &text(seed, 1_000)).unwrap();
    }
    index
}

#[divan::bench(args = [10, 1_000])]
fn find_in_2_kb(bencher: Bencher<'_, '_>, texts: u64) {
    let index = filled(texts);
    bencher.counter(BytesCount::new(PROMPT.len())).bench(|| index.find(divan::black_box(PROMPT)).runs.len());
}

#[divan::bench]
fn find_what_is_there(bencher: Bencher<'_, '_>) {
    let (index, text) = (filled(1_000), text(77, 1_000));
    bencher.counter(BytesCount::new(text.len())).bench(|| index.find(divan::black_box(&text)).runs.len());
}

#[divan::bench]
fn build_of_1_000_words(bencher: Bencher<'_, '_>) {
    bencher.bench(|| filled(1).sources().len());
}

#[divan::bench]
fn repetitions_1_mb(bencher: Bencher<'_, '_>) {
    let chorus = "la ".repeat(350_000);
    let source = Source { name: "chorus".into(), licence: None, kind: Kind::Text };
    let index = Index::build(Options::default(), [(source, chorus.as_str())]).unwrap();
    bencher.counter(BytesCount::new(chorus.len())).bench(|| index.find(divan::black_box(&chorus)).runs.len());
}
