//! How fast texts are scanned: `cargo bench -p castellan-classify --bench scan`.
//!
//! Bytes a second on one core for texts of different kinds, one prompt of 4 KB, and the time to read and compile rules;
//! for all detectors of the product as the command runs them (from confidence 65), and for 14, 100 and 600 made-up ones: what another detector costs. Those are in
//! the proportions of the families that exist: tokens with a prefix, numbers with keywords, random keys with keywords.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod rules;
mod texts;

use std::sync::OnceLock;

use castellan_classify::{Engine, Selection};
use divan::Bencher;
use divan::counter::BytesCount;

/// Numbers of made-up detectors.
const TIERS: [usize; 3] = [14, 100, 600];
/// All detectors of the product, and the made-up ones.
const ENGINES: [usize; 4] = [ALL, 14, 100, 600];
const ALL: usize = 0;

fn main() {
    divan::main();
}

fn engine(count: usize) -> &'static Engine {
    if count == ALL {
        static PRODUCT: OnceLock<Engine> = OnceLock::new();
        return PRODUCT.get_or_init(|| {
            let usual = Selection { min_confidence: 65, ..Selection::default() };
            castellan_detectors::engine().select(&usual).expect("a selection that names nobody")
        });
    }
    static ENGINES: OnceLock<Vec<Engine>> = OnceLock::new();
    let engines = ENGINES.get_or_init(|| TIERS.iter().map(|count| rules::engine(*count)).collect());
    let place = TIERS.iter().position(|tier| *tier == count).unwrap();
    engines.get(place).unwrap()
}

fn bench(bencher: Bencher, count: usize, text: &str) {
    let engine = engine(count);
    // Automata are built on first use; that is start-up, not scanning.
    engine.scan(text);
    bencher.counter(BytesCount::of_str(text)).bench(|| engine.scan(divan::black_box(text)).len());
}

#[divan::bench(args = ENGINES)]
fn source_code(bencher: Bencher, count: usize) {
    bench(bencher, count, &texts::source_code());
}

#[divan::bench(args = ENGINES)]
fn logs(bencher: Bencher, count: usize) {
    bench(bencher, count, &texts::logs(1 << 20));
}

#[divan::bench(args = ENGINES)]
fn personal_data(bencher: Bencher, count: usize) {
    bench(bencher, count, &texts::personal_data(1 << 20));
}

#[divan::bench(args = ENGINES)]
fn prose(bencher: Bencher, count: usize) {
    bench(bencher, count, &texts::prose(1 << 20));
}

#[divan::bench(args = ENGINES)]
fn base64(bencher: Bencher, count: usize) {
    bench(bencher, count, &texts::base64(1 << 20));
}

#[divan::bench(args = ENGINES)]
fn hex(bencher: Bencher, count: usize) {
    bench(bencher, count, &texts::hex(1 << 20));
}

#[divan::bench(args = ENGINES)]
fn minified_json(bencher: Bencher, count: usize) {
    bench(bencher, count, &texts::minified_json(1 << 20));
}

#[divan::bench(args = ENGINES)]
fn prompt_of_4_kb(bencher: Bencher, count: usize) {
    bench(bencher, count, &texts::prompt(4_096));
}

#[divan::bench(args = TIERS, sample_count = 20)]
fn read_rules(bencher: Bencher, count: usize) {
    let text = rules::yaml(count);
    bencher.bench(|| rules::read(divan::black_box(&text)));
}

#[divan::bench(args = TIERS, sample_count = 20)]
fn compile_rules(bencher: Bencher, count: usize) {
    let rules = rules::read(&rules::yaml(count));
    bencher.with_inputs(|| rules.clone()).bench_values(rules::compile);
}
