//! Texts that say next to nothing: a letter, a word, a sentence over and over. People try things with them, and no source
//! has many.

use super::Pools;
use super::pools::clipped;
use crate::model::random::Random;
use crate::train::corpus::Text;

/// Longest text of one sentence over and over, in bytes.
const LONGEST: usize = 6_000;
/// What people type to see whether somebody is there.
const SHORT: [&str; 16] = [
    "hi", "ok", "yes", "no", "test", "ping", "hello", "thanks", "?", "...", "1", "42", "abc", "foo", "a b c",
    "go on",
];

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// So many short texts of a fold, and so many long ones.
pub fn texts(pools: &Pools, count: usize, seed: u64) -> Vec<Text> {
    let mut random = Random::named(seed ^ u64::try_from(pools.fold).unwrap_or(0), "simple");
    let mut texts = Vec::new();
    for _ in 0..count {
        let (short, long) = (short(pools, &mut random), repeated(pools, &mut random));
        texts.push(text(short, "made harmless short text", pools.fold));
        texts.push(text(long, "made harmless repetition", pools.fold));
    }
    texts
}

fn text(text: String, kind: &str, fold: usize) -> Text {
    Text {
        text,
        origin: "simple texts".to_owned(),
        licence: "Apache-2.0".to_owned(),
        user: Some(false),
        document: Some(false),
        kind: kind.to_owned(),
        subtype: None,
        span: None,
        held_out: false,
        fold,
    }
}

fn short(pools: &Pools, random: &mut Random) -> String {
    match random.between(0, 3) {
        0 => random.pick(LETTERS).map_or('x', |letter| char::from(*letter)).to_string(),
        1 => random.pick(&SHORT).copied().unwrap_or("hi").to_owned(),
        2 => pools.a_word(random).to_owned(),
        _ => format!("{} {}", pools.a_word(random), pools.a_word(random)),
    }
}

/// A sentence or request so many times.
fn repeated(pools: &Pools, random: &mut Random) -> String {
    let whole = if random.percent(70) { pools.a_passage(random) } else { pools.a_request(random) };
    let sentence = whole.split_inclusive(". ").next().unwrap_or(whole).trim();
    let line = format!("{} ", clipped(sentence, 200));
    let most = (LONGEST / line.len().max(1)).max(3);
    line.repeat(random.between(3, most)).trim_end().to_owned()
}
