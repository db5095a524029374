//! How long it takes until all detectors are ready: `cargo bench -p castellan-detectors`.
#![allow(missing_docs, clippy::unwrap_used)]

use castellan_classify::Engine;

fn main() {
    divan::main();
}

#[divan::bench]
fn all_detectors() -> Engine {
    Engine::prepared(castellan_detectors::PREPARED).unwrap()
}

#[divan::bench]
fn all_detectors_and_a_first_prompt() -> usize {
    let engine = Engine::prepared(castellan_detectors::PREPARED).unwrap();
    engine.scan("Please ask Ann (ann@example.com, card 4111 1111 1111 1111) about it.").len()
}
