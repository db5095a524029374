//! Trains the model of language and what judges salads of letters and words.

use super::attack::Prepared;
use super::corpus::Text;
use super::generate::pools::clipped;
use crate::model::dense::{Dense, Example, Shape};
use crate::model::language::{Language, Salad, WINDOWS, Window};
use crate::model::random::Random;

/// Most windows of each size that one text gives to the judge of salads.
const MOST_WINDOWS: usize = 6;
/// Every so many'th harmless text teaches the judge of salads, the others the language model: of the texts that it was
/// trained on it knows every pair of words.
const SALADS: usize = 3;

/// The language model and the judge of salads.
pub(super) fn learn(chosen: &[&Prepared]) -> (Language, Salad) {
    let is_clean = |item: &&Prepared| {
        item.text.user == Some(false)
            && !item.text.origin.starts_with("odd")
            && !item.text.origin.starts_with("encoded")
    };
    let clean: Vec<&Prepared> = chosen.iter().copied().filter(is_clean).collect();
    let known = clean.iter().enumerate().filter(|(index, _)| index % SALADS != 0);
    let language = Language::learn(known.map(|(_, item)| clipped(&item.text.text, 3000)));
    let mut random = Random::named(2, "salad");
    let mut examples: Vec<Vec<Example>> = WINDOWS.iter().map(|_| Vec::new()).collect();
    let others = clean.into_iter().step_by(SALADS);
    let made = chosen.iter().copied().filter(|item| {
        is_salad(&item.text) || item.text.origin.starts_with("odd") || item.text.origin.starts_with("encoded")
    });
    for item in others.chain(made) {
        salad_examples(item, &language, &mut random, &mut examples);
    }
    let by_size =
        examples.iter().map(|list| Dense::learn(&balanced(list), Shape::Products, 1e-4, 6, &[])).collect();
    (language, Salad { by_size })
}

pub(super) fn is_salad(text: &Text) -> bool {
    text.origin.starts_with("suffix")
}

fn salad_examples(item: &Prepared, language: &Language, random: &mut Random, examples: &mut [Vec<Example>]) {
    let reading = language.read(clipped(&item.text.text, 3000));
    let salad = item.text.span.filter(|_| is_salad(&item.text));
    for (list, size) in examples.iter_mut().zip(WINDOWS) {
        let odd =
            |window: &Window| !window.says_nothing() && !item.encoded.explains(&(window.start..window.end));
        let all: Vec<_> = reading.windows(size).filter(odd).collect();
        for _ in 0..MOST_WINDOWS.min(all.len()) {
            let Some(window) = random.pick(&all) else { continue };
            let inside =
                salad.map_or(0, |(start, end)| window.end.min(end).saturating_sub(window.start.max(start)));
            let part = inside * 100 / (window.end - window.start).max(1);
            // What is half salad is neither.
            if (20..60).contains(&part) {
                continue;
            }
            let doubled = !item.text.origin.contains('/') || salad.is_some();
            let weight = if doubled { 2.0 } else { 1.0 };
            list.push(Example { signals: window.measures.to_vec(), label: part >= 60, weight });
        }
    }
}

/// The same with the weights of positives and negatives summing to the same.
pub(super) fn balanced(examples: &[Example]) -> Vec<Example> {
    let sum =
        |label: bool| examples.iter().filter(|item| item.label == label).map(|item| item.weight).sum::<f32>();
    let factor = sum(false) / sum(true).max(1.0);
    examples
        .iter()
        .map(|item| Example {
            weight: item.weight * if item.label { factor.min(8.0) } else { 1.0 },
            ..item.clone()
        })
        .collect()
}
