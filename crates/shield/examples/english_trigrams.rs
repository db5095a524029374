//! Counts `data/english-trigrams.bin`: `cargo run -p castellan-shield --example english_trigrams CORPORA OUTPUT`.
//!
//! `CORPORA` is the folder of corpora. What counts is prose: paragraphs of the Rust book and of Microsoft's
//! documentation, without code, tables and links.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods
)]

use std::path::PathBuf;

const LETTERS: usize = 27;
/// How many times each letter is taken to have been seen after each two before counting.
const SMOOTHING: f64 = 0.05;

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let corpora = arguments.next().expect("the folder of corpora");
    let output = arguments.next().expect("the file to write");
    let rows = std::fs::read_to_string(corpora.join("shield/attack_train.jsonl")).unwrap();
    let table = table(&rows);
    std::fs::write(&output, &table).unwrap();
    println!("{} bytes in {}", table.len(), output.display());
}

/// Sixteenths of a bit by which each letter is likelier after each two than by chance.
pub(crate) fn table(rows: &str) -> Vec<u8> {
    let mut counts = vec![0_u32; LETTERS * LETTERS * LETTERS];
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let source = row["source"].as_str().unwrap();
        if source == "rust-lang/book paragraphs" || source.starts_with("MicrosoftDocs/") {
            row["text"]
                .as_str()
                .unwrap()
                .lines()
                .filter(|line| is_prose(line))
                .for_each(|line| count(line, &mut counts));
        }
    }
    let shares = counts.chunks(LETTERS).flat_map(|after| {
        let all: u32 = after.iter().sum();
        let all = f64::from(all) + SMOOTHING * LETTERS as f64;
        after.iter().map(move |&seen| (f64::from(seen) + SMOOTHING) / all)
    });
    shares
        .map(|share| ((share * LETTERS as f64).log2() * 16.0).round().clamp(-127.0, 127.0) as i8 as u8)
        .collect()
}

fn is_prose(line: &str) -> bool {
    let words = line.split_whitespace().count();
    let plain = line.bytes().filter(|byte| byte.is_ascii_alphabetic() || *byte == b' ').count();
    words >= 6 && plain * 100 >= line.len() * 90 && !line.contains(['`', '|', '{', '<', '/', '_'])
}

fn count(line: &str, counts: &mut [u32]) {
    let mut state = 0;
    for byte in line.bytes().chain([b' ']) {
        let class =
            if byte.is_ascii_alphabetic() { usize::from(byte.to_ascii_lowercase() - b'a') + 1 } else { 0 };
        if class == 0 && state % LETTERS == 0 {
            continue;
        }
        counts[state * LETTERS + class] += 1;
        state = (state * LETTERS + class) % (LETTERS * LETTERS);
    }
}
