//! Trains the judge of sentences that do not belong where they stand.

use super::corpus::Text;
use super::windows::before_code;
use crate::attack::Engine;
use crate::attack::sentence::Facts;
use crate::model::dense::{Dense, Example, Shape};
use crate::model::tokens::Place;

/// Most sentences of a text that are learnt from, beside those that somebody hid there.
const MOST: usize = 40;

/// A sentence of content and whether somebody hid it there.
#[derive(Clone, Debug)]
pub(super) struct Sentence {
    facts: Facts,
    foreign: bool,
    weight: f32,
    pub(super) fold: usize,
}

/// The sentences of a text about which it is known whether they belong.
pub(super) fn of(engine: &Engine, text: &Text) -> Vec<Sentence> {
    let hidden = match (text.document, text.span) {
        (Some(true), Some(span)) => Some(span),
        (Some(false), _) => None,
        _ => return Vec::new(),
    };
    let shared = |place: &Place, (start, end): (usize, usize)| {
        place.end.min(end).saturating_sub(place.start.max(start))
    };
    let sentence = |(facts, place): (Facts, Place)| {
        let within = hidden.map_or(0, |span| shared(&place, span));
        let said =
            hidden.map_or(0, |(start, end)| shared(&place, (start, before_code(&text.text, start, end))));
        let foreign = said * 2 >= place.end - place.start;
        // What holds a little of the attack, or is code that it hands over, is neither.
        (foreign || within == 0).then(|| Sentence { facts, foreign, weight: weight(text), fold: text.fold })
    };
    let all: Vec<Sentence> = engine.facts(&text.text).into_iter().filter_map(sentence).collect();
    // Of a long text some from everywhere: what is hidden often stands at the end.
    let step = all.len().div_ceil(MOST).max(1);
    let chosen = all.into_iter().enumerate().filter(|(index, one)| one.foreign || index % step == 0);
    chosen.map(|(_, one)| one).collect()
}

/// Documents that people wrote say more than those that were put together.
fn weight(text: &Text) -> f32 {
    match text.origin.as_str() {
        "castellan cases" | "bipia/train/embedded" | "bipia/train/clean" => 2.0,
        "embedded instructions" | "made documents" => 1.0,
        _ => 0.5,
    }
}

/// A judge from the sentences that `wanted` lets through.
pub(super) fn judge(sentences: &[Sentence], wanted: impl Fn(&Sentence) -> bool) -> Dense {
    let examples: Vec<Example> = sentences
        .iter()
        .filter(|sentence| wanted(sentence))
        .map(|sentence| Example {
            signals: sentence.facts.to_vec(),
            label: sentence.foreign,
            weight: sentence.weight,
        })
        .collect();
    Dense::learn(&examples, Shape::Products, 1e-4, 5, &[])
}
