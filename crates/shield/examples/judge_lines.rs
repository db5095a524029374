//! Judges JSON lines `{"id", "text"}` of a file so many times, and prints one JSON object: the seconds of each time, and
//! how many texts are attacks or harmful. `bench/shield` compares that with other programs.
//!
//! ```text
//! cargo run --release -p castellan-shield --example judge_lines -- texts.jsonl attack 3
//! ```

use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

use castellan_base::{OsSystem, System as _};
use castellan_shield::{Shield, Source};
use serde_json::{Value, json};

/// Largest file, in bytes.
const LARGEST: u64 = 256 << 20;
/// The least severity of a text that counts as harmful.
const HARMFUL: u8 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [file, what, times] = words.as_slice() else { return Err("give FILE attack|harm TIMES".into()) };
    let lines = String::from_utf8(OsSystem.read(file.as_ref(), LARGEST)?)?;
    let mut texts = Vec::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line)?;
        texts.push(line.get("text").and_then(Value::as_str).ok_or("a line has no `text`")?.to_owned());
    }
    let shield = Shield::builtin()?;
    let judge = |text: &String| match what.as_str() {
        "attack" => shield.attack(text, Source::User).detected,
        _ => shield.harm(text).all().iter().any(|harm| harm.severity >= HARMFUL),
    };
    let (mut seconds, mut findings) = (Vec::new(), 0);
    for _ in 0..times.parse::<usize>()? {
        let started = Instant::now();
        findings = texts.iter().filter(|text| judge(text)).count();
        seconds.push(started.elapsed().as_secs_f64());
    }
    writeln!(std::io::stdout(), "{}", json!({ "seconds": seconds, "findings": findings }))?;
    Ok(())
}
