//! Exact match and fingerprints: `cargo bench -p castellan-classify --bench exact`.
//!
//! The tables have a number of 12 digits to search for, and a name, a town and a date beside it. With
//! `CASTELLAN_ROWS=10000000` (or any other number) in the environment it builds one table of so many rows instead, and
//! says how large it is and how long that took.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::{fmt::Write, sync::LazyLock, time::Instant};

use castellan_classify::exact::{Builder, Column, Index, Key, Normalisation, Options};
use castellan_classify::fingerprint;
use divan::counter::{BytesCount, ItemsCount};

const TOWNS: [&str; 8] = ["Lund", "Malmo", "Uppsala", "Orebro", "Umea", "Kalmar", "Visby", "Lulea"];
const NAMES: [&str; 8] =
    ["Anna Ek", "Bo Berg", "Cy Lind", "Dan Holm", "Eva Lund", "Fia Dahl", "Gun Strand", "Hans Ny"];
/// Bytes of the texts.
const TEXT: usize = 4 << 20;

static TABLE: LazyLock<Index<Vec<u8>>> = LazyLock::new(|| Index::open(build(1_000_000), &key()).unwrap());
static PROSE: LazyLock<String> = LazyLock::new(|| text(0));
static LEAK: LazyLock<String> = LazyLock::new(|| text(2));

fn main() {
    let Some(rows) = std::env::var("CASTELLAN_ROWS").ok().and_then(|rows| rows.parse().ok()) else {
        return divan::main();
    };
    let start = Instant::now();
    let bytes = build(rows);
    println!(
        "{rows} rows built in {:.1} s: {} bytes, {:.1} a row",
        start.elapsed().as_secs_f64(),
        bytes.len(),
        bytes.len() as f64 / rows as f64
    );
    let start = Instant::now();
    let index = Index::open(bytes, &key()).unwrap();
    println!("opened in {:.2} s", start.elapsed().as_secs_f64());
    for (name, text) in [("prose", &*PROSE), ("a row in two lines", &*LEAK)] {
        let start = Instant::now();
        let found = index.scan(text, &Options { most_matches: usize::MAX, ..Options::default() }).found.len();
        let speed = text.len() as f64 / 1e6 / start.elapsed().as_secs_f64();
        println!("scanned {name} at {speed:.0} MB/s, {found} found");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
}

fn key() -> Key {
    Key::new(b"0123456789abcdef0123456789abcdef").unwrap()
}

fn number(row: usize) -> String {
    format!("{:012}", (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1_000_000_000_000)
}

fn build(rows: usize) -> Vec<u8> {
    let columns = vec![
        Column::primary("number", Normalisation::DIGITS),
        Column::secondary("name", Normalisation::TEXT),
        Column::secondary("town", Normalisation::TEXT),
        Column::secondary("born", Normalisation::TEXT),
    ];
    let mut builder = Builder::new(columns, &key(), [7; 16]).unwrap();
    for row in 0..rows {
        let born = format!("19{:02}-{:02}-{:02}", row % 100, row % 12 + 1, row % 28 + 1);
        builder.add(&[&number(row), NAMES[row % 8], TOWNS[row / 8 % 8], &born]).unwrap();
    }
    builder.finish().unwrap().bytes
}

/// Lines with words, prices and phone numbers; in each other one, `rows` of two, a number of the table and a name.
fn text(rows: usize) -> String {
    let mut text = String::with_capacity(TEXT + 200);
    let mut line = 0;
    while text.len() < TEXT {
        let order = line * 7919 % 100_003;
        write!(text, "The order {order} of the third was paid with 149.50 and sent on to the customer, ")
            .unwrap();
        writeln!(text, "who can be reached at +46 8 {:03} {:04} on weekdays.", line % 1000, order % 10_000)
            .unwrap();
        if rows > 0 && line % 2 == 0 {
            let row = line * 31 % 100_000;
            writeln!(text, "Account {} of {} in {}", number(row), NAMES[row % 8], TOWNS[row / 8 % 8])
                .unwrap();
        }
        line += 1;
    }
    text
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn build_100_000_rows(bencher: divan::Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(100_000_usize)).bench(|| build(100_000));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn scan_prose(bencher: divan::Bencher<'_, '_>) {
    let (index, text) = (&*TABLE, &*PROSE);
    bencher.counter(BytesCount::of_str(text)).bench(|| index.scan(text, &Options::default()));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn scan_a_row_in_two_lines(bencher: divan::Bencher<'_, '_>) {
    let (index, text) = (&*TABLE, &*LEAK);
    let options = Options { most_matches: usize::MAX, ..Options::default() };
    bencher.counter(BytesCount::of_str(text)).bench(|| index.scan(text, &options));
}

/// Documents of 1,000 words each, of which none is the text.
fn documents() -> Vec<String> {
    let word = |document: usize, word: usize| format!("w{}", (document * 7919 + word * word * 31) % 5003);
    (0..1000).map(|at| (0..1000).map(|next| word(at, next)).collect::<Vec<_>>().join(" ")).collect()
}

fn fingerprints(documents: &[String]) -> Vec<u8> {
    let mut builder = fingerprint::Builder::new(&key(), [7; 16]);
    for (number, document) in documents.iter().enumerate() {
        builder.add(&number.to_string(), document).unwrap();
    }
    builder.finish().unwrap().bytes
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn fingerprint_documents(bencher: divan::Bencher<'_, '_>) {
    let documents = documents();
    let bytes: usize = documents.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| fingerprints(&documents));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn compare_prose(bencher: divan::Bencher<'_, '_>) {
    let index = fingerprint::Index::open(fingerprints(&documents()), &key()).unwrap();
    let text = &*PROSE;
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| index.compare(text, &fingerprint::Thresholds::default()));
}
