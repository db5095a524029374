//! Judgements per second: `cargo bench -p castellan-shield --bench judge`.
#![allow(missing_docs, clippy::unwrap_used)]

use castellan_shield::{Shield, Source};
use divan::{Bencher, counter::BytesCount};

fn main() {
    divan::main();
}

/// 2 kB of an English prompt, with lines, quotes and some numbers.
const PROMPT: &str = include_str!("prompt.txt");
const SIZES: [usize; 3] = [1, 32, 512];

#[divan::bench(args = SIZES)]
fn attack_by_user(bencher: Bencher<'_, '_>, times: usize) {
    attack(bencher, times, Source::User);
}

#[divan::bench(args = SIZES)]
fn attack_in_document(bencher: Bencher<'_, '_>, times: usize) {
    attack(bencher, times, Source::Document);
}

fn attack(bencher: Bencher<'_, '_>, times: usize, source: Source) {
    let shield = Shield::builtin().unwrap();
    let text = PROMPT.repeat(times);
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| shield.attack(divan::black_box(&text), source).probability);
}

#[divan::bench(args = SIZES)]
fn harm(bencher: Bencher<'_, '_>, times: usize) {
    let shield = Shield::builtin().unwrap();
    let text = PROMPT.repeat(times);
    bencher.counter(BytesCount::new(text.len())).bench(|| shield.harm(divan::black_box(&text)).any());
}

#[divan::bench]
fn features(bencher: Bencher<'_, '_>) {
    let shield = Shield::builtin().unwrap();
    let linear = &shield.attack_model().engine.linear;
    bencher.counter(BytesCount::new(PROMPT.len())).bench(|| linear.profile(divan::black_box(PROMPT)).len());
}

#[divan::bench]
fn language(bencher: Bencher<'_, '_>) {
    let shield = Shield::builtin().unwrap();
    let engine = &shield.attack_model().engine;
    bencher
        .counter(BytesCount::new(PROMPT.len()))
        .bench(|| engine.salad.judge(&engine.language.read(divan::black_box(PROMPT)), |_, _| false).most);
}

#[divan::bench]
fn rules(bencher: Bencher<'_, '_>) {
    let shield = Shield::builtin().unwrap();
    bencher
        .counter(BytesCount::new(PROMPT.len()))
        .bench(|| shield.rules().find(divan::black_box(PROMPT), false).hits.len());
}

/// From nothing to the first judgement: reading weights, compiling rules.
#[divan::bench]
fn start(bencher: Bencher<'_, '_>) {
    bencher.bench(|| Shield::builtin().unwrap());
}
