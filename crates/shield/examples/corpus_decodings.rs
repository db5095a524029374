//! What is decoded of the corpora, which are plain texts for the most part: `corpus_decodings CORPORA`.
//!
//! One line for each codec: how many texts it was found in, and some of what it gave.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use castellan_shield::view::{Budget, decode};

fn main() {
    let corpora = PathBuf::from(std::env::args_os().nth(1).expect("the folder of corpora"));
    let rows = std::fs::read_to_string(corpora.join("shield/attack_train.jsonl")).unwrap();
    let mut found: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
    let (mut texts, mut with_any, mut bytes, mut unscanned) = (0, 0, 0, 0);
    let start = std::time::Instant::now();
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let text = row["text"].as_str().unwrap();
        let decodings = decode(text, &Budget::default());
        texts += 1;
        bytes += text.len();
        unscanned += usize::from(!decodings.unscanned.is_empty());
        with_any += usize::from(!decodings.payloads.is_empty());
        for payload in &decodings.payloads {
            let (count, samples) = found.entry(payload.chain.last().unwrap().name).or_default();
            *count += 1;
            if *count % 7 == 1 && samples.len() < 8 {
                let from: String = text[payload.span.clone()].chars().take(60).collect();
                let to: String = payload.view.text().chars().take(60).collect();
                samples.push(format!("    {:.2} {from:?} -> {to:?}", payload.confidence));
            }
        }
    }
    println!("{texts} texts, {bytes} bytes, {:.1} s", start.elapsed().as_secs_f64());
    println!("{with_any} with something decoded, {unscanned} with something left");
    for (name, (count, samples)) in &found {
        println!("{name} {count}\n{}", samples.join("\n"));
    }
}
