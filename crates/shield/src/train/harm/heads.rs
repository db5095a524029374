//! The heads over n-grams, and what texts weigh.

use std::collections::BTreeMap;

use super::Graded;
use super::texts::{any, is_harmful};
use crate::harm::Terms;
use crate::harm::windows::{features, sentences};
use crate::model::learn::{Sample, Settings, learn};
use crate::model::linear::Linear;
use crate::model::random::Random;
use crate::model::tokens::Features;

/// Texts of one origin weigh together as much as the square root of their number times that of this many.
const FULL_WEIGHT: f32 = 1000.0;

/// How many windows of a harmless text are learnt from, beside the whole and what is hard in it.
const WINDOWS: usize = 4;
/// Longest of these windows, in sentences.
const LONGEST_WINDOW: usize = 4;
/// The least logit of a sentence of a harmless text that is hard, which is to be learnt from.
const HARD: f32 = -1.0;

/// A text, ready to be learnt from.
struct Row<'a> {
    text: &'a Graded,
    features: Features,
    /// The number of the token after the last of each sentence.
    ends: Vec<usize>,
    source: u32,
    /// The first and the last token of the sentence that is taken for harmful first, though the text is harmless.
    hard: Option<(usize, usize)>,
}

/// Texts, ready to be learnt from.
pub(super) struct Learning<'a> {
    rows: Vec<Row<'a>>,
}

impl<'a> Learning<'a> {
    /// Reads texts.
    pub(super) fn new(texts: &'a [Graded], terms: &Terms) -> Learning<'a> {
        let mut origins: Vec<&str> = texts.iter().map(|text| text.origin.as_str()).collect();
        origins.sort_unstable();
        origins.dedup();
        let row = |text: &'a Graded| {
            let features = features(terms, &text.text);
            let ends = sentences(&text.text, &features.places);
            let source = origins.binary_search(&text.origin.as_str()).unwrap_or(0);
            Row { text, features, ends, source: u32::try_from(source).unwrap_or(0), hard: None }
        };
        Learning { rows: texts.iter().map(row).collect() }
    }

    /// Looks for the hardest sentence of each harmless text of a fold, by heads that have not learnt from it.
    pub(super) fn look_again(&mut self, fold: usize, linear: &Linear<4>) {
        for row in self.rows.iter_mut().filter(|row| row.text.fold == fold && any(row.text) == Some(false)) {
            row.hard = row.hardest(linear);
        }
    }

    /// Trains the heads on the texts that `wanted` lets through.
    pub(super) fn heads(&self, wanted: impl Fn(&Graded) -> bool, settings: &Settings) -> Option<Linear<4>> {
        let rows: Vec<&Row<'_>> = self.rows.iter().filter(|row| wanted(row.text)).collect();
        let texts: Vec<&Graded> = rows.iter().map(|row| row.text).collect();
        let weight = weights(&texts);
        let mut random = Random::named(5, "harm windows");
        let mut samples = Vec::new();
        for row in rows {
            row.samples(weight(row.text), &mut random, &mut samples);
        }
        learn(&samples, settings)
    }
}

impl Row<'_> {
    /// The whole text and, since harmless texts are harmless in every part, some of its windows and the hard one.
    fn samples<'a>(&'a self, weight: f32, random: &mut Random, samples: &mut Vec<Sample<'a, 4>>) {
        let Row { text, features, ends, source, hard } = self;
        samples.push(Sample { hashes: &features.hashes, labels: text.labels, weight, source: *source });
        let labels = text.labels.map(|label| label.filter(|label| !label));
        for _ in 0..WINDOWS.min(ends.len() / 2) {
            let index = random.below(ends.len());
            let start = index.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
            let end = ends.get(index + random.below(LONGEST_WINDOW)).or(ends.last()).copied().unwrap_or(0);
            let hashes = features.window(start, end);
            samples.push(Sample { hashes, labels, weight: weight / 2.0, source: *source });
        }
        if let Some((start, end)) = hard {
            samples.push(Sample { hashes: features.window(*start, *end), labels, weight, source: *source });
        }
    }

    fn hardest(&self, linear: &Linear<4>) -> Option<(usize, usize)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let scored = starts.zip(&self.ends).map(|(start, end)| {
            let logits = linear.logits(self.features.window(start, *end));
            let known = logits.iter().zip(&self.text.labels).filter(|(_, label)| **label == Some(false));
            (known.map(|(logit, _)| *logit).fold(f32::MIN, f32::max), (start, *end))
        });
        let hardest = scored.max_by(|first, second| first.0.total_cmp(&second.0))?;
        (hardest.0 >= HARD).then_some(hardest.1)
    }
}

/// The weight of a text: no origin dominates, and harmful texts, which are few for some harms, count more.
pub(super) fn weights(texts: &[&Graded]) -> impl Fn(&Graded) -> f32 + use<> {
    let mut counts: BTreeMap<(String, bool), f32> = BTreeMap::new();
    for text in texts {
        *counts.entry((text.origin.clone(), is_harmful(text))).or_default() += 1.0;
    }
    move |text| {
        let count = counts.get(&(text.origin.clone(), is_harmful(text))).copied().unwrap_or(1.0);
        let rare = [false, true, true, true]
            .iter()
            .zip(&text.labels)
            .any(|(rare, label)| *rare && *label == Some(true));
        (FULL_WEIGHT / count).sqrt().min(2.0) * trust(text) * if rare { 1.5 } else { 1.0 }
    }
}

/// How far the labels of a source say what is meant here. Ours are graded along the scale of severity; the posts of
/// some sources are labelled by one kind of hate alone, and insults beside it count as none.
fn trust(text: &Graded) -> f32 {
    let of_source = match text.origin.as_str() {
        "castellan cases" => 3.0,
        "davidson" => 0.3,
        "edos" => 0.6,
        _ => 1.0,
    };
    of_source * if is_doubtful(text) { 0.2 } else { 1.0 }
}

/// True for a post that is said to be no hate and of which nothing else is known but that it is not about self-harm:
/// among such posts are those that insult without the one kind of hate that was looked for.
fn is_doubtful(text: &Graded) -> bool {
    text.labels == [Some(false), None, None, Some(false)]
}
