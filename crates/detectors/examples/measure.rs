//! How fast all detectors of the product scan a text, for `docs/performance.md`:
//!
//! ```text
//! cargo run --release -p castellan-detectors --example measure            every kind of text, from confidence 65
//! cargo run --release -p castellan-detectors --example measure logs 75    one kind, from confidence 75
//! cargo run --release -p castellan-detectors --example measure FILE 65    a text of one's own
//! cargo run --release -p castellan-detectors --example measure redact     redaction of a prompt and of personal data
//! ```
//!
//! Speeds are the fastest of many scans. On a machine that does other things too, only instructions can be compared;
//! a number of scans, after as many as it takes until the automata are built that are used most, is counted with
//!
//! ```text
//! valgrind --tool=callgrind --collect-atstart=no --toggle-collect='measure::counted*' target/release/examples/measure logs 65 2
//! ```
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "../../classify/benches/scan/texts.rs"]
mod texts;

use std::error::Error;
use std::time::{Duration, Instant};

use castellan_classify::redact::{HoldBack, Policy, Redactor, Session};
use castellan_classify::{Engine, Overlap, Selection};

/// The kinds of text that are promised something.
const KINDS: [&str; 8] = ["code", "logs", "personal", "prose", "base64", "hex", "json", "prompt"];
/// What the command asks for where nothing is said.
const LEAST: u8 = 65;
/// Bytes of a text, but for source code, of which a quarter of a megabyte would be of one crate alone.
const SIZE: usize = 256 << 10;
/// Scans after which the automata that the text needs most are built as a whole: fewest, and bytes, of a short text.
const WARM: (usize, usize) = (66, 64 << 20);
/// Bytes that are read to know what the machine has to give.
const READ: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let kinds: Vec<String> = match arguments.next().filter(|kind| kind != "all") {
        Some(kind) => vec![kind],
        None => KINDS.map(str::to_owned).to_vec(),
    };
    let least: u8 = arguments.next().map_or(Ok(LEAST), |least| least.parse())?;
    let scans: Option<usize> = arguments.next().map(|scans| scans.parse()).transpose()?;
    let usual = Selection { min_confidence: least, ..Selection::default() };
    let engine = castellan_detectors::engine().select(&usual)?;
    if kinds.iter().any(|kind| kind == "redact") {
        return redaction(&engine);
    }
    for kind in kinds {
        let text = text(&kind)?;
        match scans {
            Some(scans) => count(&engine, &kind, &text, scans),
            None => time(&engine, &kind, &text),
        }
    }
    Ok(())
}

fn text(kind: &str) -> Result<String, Box<dyn Error>> {
    Ok(match kind {
        "code" => texts::source_code().chars().take(1 << 20).collect(),
        "logs" => texts::logs(SIZE),
        "personal" => texts::personal_data(SIZE),
        "prose" => texts::prose(SIZE),
        "base64" => texts::base64(SIZE),
        "hex" => texts::hex(SIZE),
        "json" => texts::minified_json(SIZE),
        "prompt" => texts::prompt(4_096),
        path => std::fs::read_to_string(path)?,
    })
}

fn count(engine: &Engine, kind: &str, text: &str, scans: usize) {
    warm(engine, text);
    let findings = counted(engine, text, scans);
    println!("{kind}: {} bytes, {scans} scans, {findings} findings", text.len());
}

/// Scans until what is built when it is needed has been built.
fn warm(engine: &Engine, text: &str) {
    let scans = if text.len() < SIZE { WARM.1 / text.len().max(1) } else { WARM.0 };
    (0..scans.clamp(WARM.0, 1 << 16)).for_each(|_| _ = engine.scan(text));
}

/// The scans whose instructions are counted, and nothing else.
#[inline(never)]
fn counted(engine: &Engine, text: &str, scans: usize) -> usize {
    (0..scans).map(|_| engine.scan(text).len()).max().unwrap_or(0)
}

fn time(engine: &Engine, kind: &str, text: &str) {
    warm(engine, text);
    let scan = fastest(|| engine.scan(text).len());
    // A pass over a megabyte that finds nothing, in the same minute: what the machine had to give.
    let zeroes = vec![0_u8; READ];
    let pass = fastest(|| std::hint::black_box(&zeroes).iter().filter(|byte| **byte == 1).count());
    let speed = |bytes: usize, time: Duration| bytes as f64 / time.as_secs_f64() / 1e6;
    println!(
        "{kind:9} {:7.1} MB/s, {:7.1} us a scan, {} findings; a pass over memory {:.0} MB/s",
        speed(text.len(), scan),
        scan.as_secs_f64() * 1e6,
        engine.scan(text).len(),
        speed(READ, pass),
    );
}

/// Redaction with the usual policy, alone where findings are known, and with the scan that finds them.
fn redaction(usual: &Engine) -> Result<(), Box<dyn Error>> {
    let all = Selection { overlap: Overlap::All, ..usual.selection().clone() };
    let engine = usual.select(&all)?;
    let redactor = Redactor::new(&engine, &Policy::default(), None).map_err(|_| "the policy needs keys")?;
    for kind in ["prompt", "personal"] {
        let text = text(kind)?;
        warm(&engine, &text);
        let findings = engine.scan(&text);
        let session = || Session::new("measure");
        let alone = fastest(|| redactor.redact(&text, &findings, &mut session()).is_ok().into());
        let both = fastest(|| {
            let found = engine.scan(&text);
            redactor.redact(&text, &found, &mut session()).is_ok().into()
        });
        let stream = fastest(|| redacted_in_chunks(&redactor, &text).unwrap_or_default().len());
        let speed = |time: Duration| text.len() as f64 / time.as_secs_f64() / 1e6;
        println!(
            "{kind:9} {} findings; redaction alone {:.1} MB/s, scan and redaction {:.1} MB/s, as a stream {:.1} MB/s",
            findings.len(),
            speed(alone),
            speed(both),
            speed(stream),
        );
    }
    Ok(())
}

/// What a stream of the text leaves, which comes in pieces of 4 KB.
fn redacted_in_chunks(redactor: &Redactor, text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut output = Vec::with_capacity(text.len());
    let mut stream = redactor.stream(Session::new("measure"), HoldBack::Exact)?;
    for chunk in text.as_bytes().chunks(4_096) {
        stream.push(chunk, &mut output)?;
    }
    stream.finish(&mut output)?;
    Ok(output)
}

/// The least that it takes, of what fits in a second and a half.
fn fastest(mut work: impl FnMut() -> usize) -> Duration {
    let begin = Instant::now();
    let mut least = Duration::MAX;
    while begin.elapsed() < Duration::from_millis(1_500) {
        let start = Instant::now();
        std::hint::black_box(work());
        least = least.min(start.elapsed());
    }
    least
}
