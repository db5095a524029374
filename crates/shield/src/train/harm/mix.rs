//! Short texts between harmless sentences, so that a harm is told wherever it stands.

use super::{FOLDS, Graded};
use crate::model::random::Random;

/// What a mixed text counts, beside the text itself.
pub(super) const WEIGHT: f32 = 0.5;
/// How many are made in each fold.
const COUNT: usize = 4000;
/// Longest text that is put between others, in bytes.
const LONGEST: usize = 300;
/// Most sentences around it.
const MOST_AROUND: usize = 30;
/// Longest sentence around it, in bytes.
const LONGEST_SENTENCE: usize = 300;

/// Mixed texts of all folds; the harmless sentences are of the fold of the text.
pub(super) fn mixed(texts: &[Graded]) -> Vec<Graded> {
    let mut random = Random::named(9, "harm mixed");
    let mut mixed = Vec::new();
    for fold in 0..FOLDS {
        let own: Vec<&Graded> = texts.iter().filter(|text| text.fold == fold && !text.held_out).collect();
        let around: Vec<Vec<&str>> =
            own.iter().filter(|text| text.kind == "harmless").map(|text| sentences(&text.text)).collect();
        let short: Vec<&Graded> = own
            .iter()
            .filter(|text| text.text.len() <= LONGEST && text.kind != "harmless")
            .copied()
            .collect();
        for _ in 0..COUNT.min(short.len()) {
            if let Some(text) = random.pick(&short) {
                mixed.push(between(text, &around, &mut random));
            }
        }
    }
    mixed
}

/// One text between harmless sentences, some before and some after it, of several texts or of one.
fn between(text: &Graded, around: &[Vec<&str>], random: &mut Random) -> Graded {
    let count = random.between(1, MOST_AROUND);
    let scattered = random.percent(50);
    let mut sentences: Vec<&str> = Vec::with_capacity(count + 1);
    for _ in 0..count {
        let Some(source) = random.pick(around) else { break };
        if scattered {
            sentences.extend(random.pick(source));
        } else {
            sentences.extend(source.iter().take(count));
        }
        if sentences.len() >= count {
            break;
        }
    }
    sentences.truncate(count);
    let place = random.below(sentences.len() + 1);
    sentences.insert(place, text.text.trim());
    let parts: Vec<String> = sentences.iter().map(|sentence| closed(sentence)).collect();
    Graded { text: parts.join(" "), grades: [None; 4], ..text.clone() }
}

/// The sentences of a text that can stand by themselves.
fn sentences(text: &str) -> Vec<&str> {
    let parts = text.lines().flat_map(|line| line.split_inclusive(". ")).map(str::trim);
    parts.filter(|part| part.len() < LONGEST_SENTENCE && part.split_whitespace().count() >= 4).collect()
}

/// With a mark at its end.
fn closed(sentence: &str) -> String {
    let ends = ['.', '?', '!', ';', '\u{3002}'];
    if sentence.ends_with(ends) { sentence.to_owned() } else { format!("{sentence}.") }
}
