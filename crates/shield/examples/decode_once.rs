//! Normalises and decodes a text some times, for counting instructions: `valgrind --tool=callgrind decode_once TIMES FILE`.
//! Without a file it is 2 kB of an English prompt.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use castellan_shield::view::{Budget, decode, normalise};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let times = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(1);
    let file = arguments.next().map(|file| std::fs::read_to_string(file).unwrap());
    let text = file.as_deref().unwrap_or(include_str!("../benches/prompt.txt"));
    let mut seen = 0;
    for _ in 0..times {
        let view = normalise(std::hint::black_box(text));
        seen += view.text().len() + decode(std::hint::black_box(text), &Budget::default()).payloads.len();
    }
    println!("{seen}");
}
