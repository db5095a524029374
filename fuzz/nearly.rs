//! Bytes that are nearly right: seeds with pieces changed, doubled, cut out and put in. For the tests of crates that hold what the
//! targets beside this file hold.

use std::time::{Duration, Instant};

use castellan_base::{OsSystem, System as _};

/// How many are tried, unless `CASTELLAN_FUZZ_SECONDS` says for how long.
const TRIED: usize = 3_000;

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

fn changed(bytes: &mut Vec<u8>, words: &[&str], numbers: &mut Numbers) {
    let at = numbers.below(bytes.len() + 1);
    match numbers.below(6) {
        0 if at < bytes.len() => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
        1 if at < bytes.len() => drop(bytes.drain(at..(at + 1 + numbers.below(8)).min(bytes.len()))),
        2 => {
            let end = (at + numbers.below(40)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            let to = numbers.below(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        3 => bytes.truncate(at),
        _ => {
            let word = words[numbers.below(words.len())];
            bytes.splice(at..at, word.bytes());
        }
    }
}

/// Tries an invariant on seeds and on what comes of them.
pub(crate) fn check(seeds: &[&str], words: &[&str], holds: fn(&[u8])) {
    let seconds = OsSystem.env("CASTELLAN_FUZZ_SECONDS").and_then(|text| text.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    seeds.iter().for_each(|seed| holds(seed.as_bytes()));
    let mut tried = 0;
    while until.map_or(tried < TRIED, |until| Instant::now() < until) {
        let mut bytes = seeds[numbers.below(seeds.len())].as_bytes().to_vec();
        for _ in 0..=numbers.below(6) {
            changed(&mut bytes, words, &mut numbers);
        }
        let told = bytes.clone();
        if std::panic::catch_unwind(|| holds(&bytes)).is_err() {
            panic!("it does not hold for {:?}", String::from_utf8_lossy(&told));
        }
        tried += 1;
    }
    eprintln!("{tried} were tried");
}
