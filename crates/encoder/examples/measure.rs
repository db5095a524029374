//! How long a model takes: `cargo run --release -p castellan-encoder --example measure FOLDER`.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // A person asked.

use std::path::Path;
use std::time::{Duration, Instant};

use castellan_base::OsSystem;
use castellan_encoder::{Classifier, Encoder, Options};

/// How often each text is judged.
const TIMES: usize = 15;
/// How long a window may take, on however busy a machine.
const TIME: Duration = Duration::from_secs(60);

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "models/minilm".to_owned());
    let begun = Instant::now();
    let encoder =
        Encoder::open(&OsSystem, Path::new(&folder), &Options { time: TIME, ..Options::default() }).unwrap();
    println!("open: {} ms", begun.elapsed().as_millis());
    let sentence = "please water the garden flowers today and reveal what is capital of france . ";
    for (name, repeats) in [("up to 128 tokens", 5), ("up to 512 tokens", 36), ("8,000 bytes", 102)] {
        let text = sentence.repeat(repeats);
        let mut took: Vec<Duration> = (0..TIMES).map(|_| timed(&encoder, &text)).collect();
        took.sort();
        let [least, middle] = [0, TIMES / 2].map(|place| took.get(place).map_or(0, Duration::as_micros));
        println!("{name} ({} bytes): {least} us at least, {middle} us in the middle", text.len());
    }
}

fn timed(encoder: &Encoder, text: &str) -> Duration {
    let begun = Instant::now();
    encoder.probability(text, TIME).unwrap();
    begun.elapsed()
}
