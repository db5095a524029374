//! Texts in every encoding: harmless ones to learn that an encoding alone says nothing, and attacks to see how many are
//! still found.

use super::corpus::Text;
use super::generate::Pools;
use crate::Source;
use crate::codec::{self, Codec};
use crate::model::random::Random;
use crate::shield::Shield;

/// Harmless encoded texts that are made in each fold.
const HARMLESS: usize = 400;

/// Harmless requests with an encoded passage or word in them.
pub fn harmless(pools: &Pools, seed: u64) -> Vec<Text> {
    let mut random = Random::named(seed ^ u64::try_from(pools.fold).unwrap_or(0), "evade");
    let mut texts = Vec::new();
    for _ in 0..HARMLESS {
        let Some(codec) = random.pick(codec::ALL).copied() else { continue };
        let plain =
            if random.percent(50) { pools.a_request(&mut random) } else { pools.a_passage(&mut random) };
        let short: String = plain.chars().take(160).collect();
        let Some(encoded) = codec.encode(&short) else { continue };
        let lead = random.word(&[
            "",
            "What does this say: ",
            "Decode: ",
            "The file holds ",
            "Please translate: ",
            "data=",
        ]);
        texts.push(Text {
            text: format!("{lead}{encoded}"),
            origin: "encoded harmless texts".to_owned(),
            licence: "Apache-2.0".to_owned(),
            user: Some(false),
            document: random.percent(50).then_some(false).filter(|_| lead.len() < 2),
            kind: "harmless, encoded".to_owned(),
            subtype: None,
            span: None,
            fold: pools.fold,
            held_out: false,
        });
    }
    texts
}

/// How an encoding changes what is found.
#[derive(Clone, Debug)]
pub struct Retention {
    /// The encoding.
    pub codec: &'static str,
    /// How many attacks it could carry, of those that are found plainly.
    pub attacks: usize,
    /// How many of them are found when they are encoded.
    pub found: usize,
    /// How many harmless texts it could carry, and how many of them are taken for attacks.
    pub harmless: usize,
    /// How many of these are taken for attacks.
    pub flagged: usize,
}

/// Encodes texts in every way and judges them. `attacks` are those that are found plainly.
pub fn retention(shield: &Shield, attacks: &[&str], harmless: &[&str]) -> Vec<Retention> {
    codec::ALL.iter().map(|codec| retention_of(shield, codec, attacks, harmless)).collect()
}

fn retention_of(shield: &Shield, codec: &'static Codec, attacks: &[&str], harmless: &[&str]) -> Retention {
    let is_found = |text: &String| shield.attack(text, Source::User).detected;
    let attacks: Vec<String> = attacks
        .iter()
        .filter_map(|text| carried(codec, text))
        .filter(|(plain, _)| is_found(plain))
        .map(|both| both.1)
        .collect();
    let harmless: Vec<String> =
        harmless.iter().filter_map(|text| carried(codec, text)).map(|both| both.1).collect();
    Retention {
        codec: codec.name,
        attacks: attacks.len(),
        found: attacks.iter().filter(|text| is_found(text)).count(),
        harmless: harmless.len(),
        flagged: harmless.iter().filter(|text| is_found(text)).count(),
    }
}

/// A text and what it is in an encoding. Some encodings carry words alone: of a text that they can't carry, its words.
fn carried(codec: &Codec, text: &str) -> Option<(String, String)> {
    let words = || {
        let words: Vec<&str> =
            text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).collect();
        words.join(" ").to_ascii_lowercase()
    };
    codec.encode(text).map(|encoded| (text.to_owned(), encoded)).or_else(|| {
        let plain = words();
        codec.encode(&plain).map(|encoded| (plain, encoded))
    })
}
