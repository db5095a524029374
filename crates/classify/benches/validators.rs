//! Checks per second: `cargo bench -p castellan-classify`.
//!
//! One iteration asks every format about its own right and wrong examples; the item count is the number of checks. The
//! single formats are those that a scanner asks most.
#![allow(missing_docs, clippy::unwrap_used)]

use castellan_classify::validators::{Format, find};
use divan::counter::ItemsCount;

const EXAMPLES: &str = include_str!("../src/validators/data/examples.tsv");

fn main() {
    divan::main();
}

#[divan::bench]
fn every_format(bencher: divan::Bencher<'_, '_>) {
    let cases: Vec<(&Format, &str)> = EXAMPLES
        .lines()
        .flat_map(|line| {
            let mut fields = line.split('\t');
            let format = find(fields.next().unwrap()).unwrap();
            fields.map(move |text| (format, text))
        })
        .collect();
    bencher
        .counter(ItemsCount::new(cases.len()))
        .bench(|| cases.iter().filter(|(format, text)| format.check(text).is_ok()).count());
}

#[divan::bench(args = ["luhn 4111111111111111", "credit-card 4111 1111 1111 1112", "us.ssn 536-90-4399", "iban DE89370400440532013000", "nl.bsn 111222333", "bitcoin 1KZcJBo5Mc2CaCTSzbRDLrPRPHMeXhnQGX", "bic DEUTDEFF500"])]
fn one_format(bencher: divan::Bencher<'_, '_>, case: &str) {
    let (name, text) = case.split_once(' ').unwrap();
    let format = find(name).unwrap();
    bencher.counter(ItemsCount::new(1_usize)).bench(|| format.check(divan::black_box(text)));
}
