//! Views per second: `cargo bench -p castellan-shield --bench view`.
#![allow(missing_docs)]

use castellan_shield::view::{Budget, Options, WindowSize, decode, normalise, normalise_with, windows};
use divan::{Bencher, counter::BytesCount};

fn main() {
    divan::main();
}

/// 2 kB of an English prompt, with lines, quotes and some numbers.
const PROMPT: &str = include_str!("prompt.txt");
const SIZES: [usize; 3] = [1, 32, 512];

#[divan::bench(args = SIZES)]
fn normalised(bencher: Bencher<'_, '_>, times: usize) {
    let text = PROMPT.repeat(times);
    bencher.counter(BytesCount::new(text.len())).bench(|| normalise(divan::black_box(&text)).text().len());
}

#[divan::bench(args = SIZES)]
fn normalised_one_line(bencher: Bencher<'_, '_>, times: usize) {
    let text = PROMPT.replace('\n', " ").repeat(times);
    bencher.counter(BytesCount::new(text.len())).bench(|| normalise(divan::black_box(&text)).text().len());
}

#[divan::bench(args = SIZES)]
fn normalised_small_letters(bencher: Bencher<'_, '_>, times: usize) {
    let text = PROMPT.repeat(times);
    let options = Options { fold_case: true, ..Options::default() };
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| normalise_with(divan::black_box(&text), &options).text().len());
}

#[divan::bench(args = SIZES)]
fn decoded(bencher: Bencher<'_, '_>, times: usize) {
    let text = PROMPT.repeat(times);
    let budget = Budget::default();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| decode(divan::black_box(&text), &budget).payloads.len());
}

/// Sentences in other languages: words that are no English, and letters that are no ASCII.
#[divan::bench(args = ["german", "russian", "chinese", "accents"])]
fn other_languages(bencher: Bencher<'_, '_>, language: &str) {
    let sentence = match language {
        "german" => {
            "Bitte beantworte die folgende Frage so kurz wie moeglich und nenne dabei deine Quellen. "
        }
        "russian" => {
            "\u{41f}\u{43e}\u{436}\u{430}\u{43b}\u{443}\u{439}\u{441}\u{442}\u{430}, \u{43e}\u{442}\u{432}\u{435}\u{442}\u{44c} \u{43d}\u{430} \u{432}\u{43e}\u{43f}\u{440}\u{43e}\u{441}. "
        }
        "chinese" => {
            "\u{8bf7}\u{7528}\u{4e00}\u{53e5}\u{8bdd}\u{56de}\u{7b54}\u{4e0b}\u{9762}\u{7684}\u{95ee}\u{9898}\u{3002}"
        }
        _ => {
            "R\u{e9}ponds \u{e0} la question pos\u{e9}e ci-apr\u{e8}s, s'il te pla\u{ee}t, en citant tes sources. "
        }
    };
    let text = sentence.repeat((1 << 20) / sentence.len());
    let budget = Budget::default();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| (normalise(&text).text().len(), decode(divan::black_box(&text), &budget).payloads.len()));
}

/// What an attacker would send to keep the decoders busy.
#[divan::bench(args = ["aaaaaaaa", "QUJD", "%41", "61 ", "01100001 ", "&#65;", "\\u0041", "xq zj ", "\u{202e}\u{300}\u{200b}", "<!--", "[](", "a.", "\"+\"", "~", "-.", "1/"])]
fn hostile(bencher: Bencher<'_, '_>, piece: &str) {
    let text = piece.repeat((1 << 20) / piece.len());
    let budget = Budget::default();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| (normalise(&text).text().len(), decode(divan::black_box(&text), &budget).payloads.len()));
}

#[divan::bench(args = SIZES)]
fn in_windows(bencher: Bencher<'_, '_>, times: usize) {
    let text = PROMPT.repeat(times);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        windows(divan::black_box(&text), WindowSize::default()).map(|window| window.text.len()).sum::<usize>()
    });
}
