//! The filter `castellan classify --batch FILE` as a program of its own, without the rest of the product:
//! `cargo run --release -p castellan-detectors --example batch texts.jsonl`.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};

use castellan_classify::batch::{Filter, Unit};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().next_back().ok_or("name a file of JSON lines")?;
    let mut filter = Filter::new(castellan_detectors::engine(), Unit::CodePoint);
    let mut out = BufWriter::new(io::stdout().lock());
    for line in BufReader::new(File::open(path)?).lines() {
        writeln!(out, "{}", filter.line(&line?))?;
    }
    Ok(out.flush()?)
}
