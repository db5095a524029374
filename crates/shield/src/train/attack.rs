//! Trains what finds attacks: n-gram weights, the language model, the judge of salads, and their combinations.

use std::collections::BTreeMap;

use super::combine::judge;
use super::corpus::Text;
use super::folds;
use super::generate::pools::clipped;
use super::generate::suffix;
use super::salad;
use super::sentences::{self, Sentence};
use super::windows::{self, Window};
use crate::attack::{Encoded, Engine, Model, SUBTYPES, Subtype};
use crate::model::dense::Dense;
use crate::model::learn::{Sample, Settings, learn};
use crate::model::linear::Linear;
use crate::model::random::Random;
use crate::model::tokens::Features;
use crate::rules::Rules;
use crate::view;

/// Longest beginning of a text that is learnt from, in bytes.
const LONGEST: usize = 8000;
/// Texts of one origin and label weigh together as much as this many texts.
const FULL_WEIGHT: f32 = 1000.0;

/// How the n-gram weights are learnt.
pub fn settings() -> Settings {
    Settings { right: 0.004, looks: 8, ..Settings::default() }
}

/// A text with what is read of it once.
#[derive(Debug)]
pub struct Prepared {
    /// The text, normalised.
    pub text: Text,
    pub(super) encoded: Encoded,
    features: Features,
    windows: Vec<Window>,
    /// Sentences that put tasks, and others.
    tasks: Vec<Window>,
}

/// Normalises texts and reads their features.
pub fn prepare(texts: Vec<Text>) -> Vec<Prepared> {
    let mut random = Random::named(1, "windows");
    texts.into_iter().map(|text| prepared(text, &mut random)).collect()
}

fn prepared(mut text: Text, random: &mut Random) -> Prepared {
    let kept = clipped(&text.text, LONGEST).len();
    text.span = text.span.filter(|(_, end)| *end <= kept);
    text.text.truncate(kept);
    // As a text is judged, so it is learnt from: what is encoded is not odd, and a text that is all encoded says nothing.
    let encoded = Encoded::of(&view::decode(&text.text, &view::Budget::default()));
    let visible = encoded.without(&text.text).into_owned();
    let plain = view::plain(&visible);
    // Where normalising moved bytes, the place of a part is found again by its own normal form.
    if let Some((start, end)) = text.span {
        let part = view::plain(text.text.get(start..end).unwrap_or_default()).text().to_owned();
        text.span = plain.text().find(&part).map(|start| (start, start + part.len()));
    }
    let encoded = encoded.within(&plain);
    text.text = plain.text().to_owned();
    let features = Features::of(&text.text);
    let windows = windows::of(&text, &features, random);
    let tasks = windows::tasks(&text, &features, random);
    Prepared { text, encoded, features, windows, tasks }
}

/// What counts for more than its number: cases that were written to be hard, documents, which are what instructions are
/// hidden in, and a source of few but long texts that all are different.
pub(super) fn emphasis(origin: &str) -> f32 {
    match origin {
        "castellan cases" | "bipia/train/embedded" | "bipia/train/clean" => 2.0,
        "embedded instructions" | "made documents" => 2.0,
        "gptfuzz" => 3.0,
        _ => 1.0,
    }
}

/// The weight of each text such that no origin dominates.
pub fn weights<'a>(texts: impl Iterator<Item = &'a Text> + Clone) -> impl Fn(&Text) -> f32 {
    let mut counts: BTreeMap<(String, Option<bool>, Option<bool>), f32> = BTreeMap::new();
    for text in texts {
        *counts.entry((text.origin.clone(), text.user, text.document)).or_default() += 1.0;
    }
    move |text| {
        let count = counts.get(&(text.origin.clone(), text.user, text.document)).copied().unwrap_or(1.0);
        (FULL_WEIGHT / count).sqrt().min(2.0)
    }
}

/// Trains the parts that signals come from, on the texts that `wanted` lets through.
pub fn engine(prepared: &[Prepared], wanted: impl Fn(&Text) -> bool, settings: &Settings) -> Option<Engine> {
    let chosen: Vec<&Prepared> = prepared.iter().filter(|item| wanted(&item.text)).collect();
    let weight = weights(chosen.iter().map(|item| &item.text));
    let mut origins: Vec<&str> = chosen.iter().map(|item| item.text.origin.as_str()).collect();
    origins.sort_unstable();
    origins.dedup();
    let source_of = |item: &Prepared| {
        u32::try_from(origins.binary_search(&item.text.origin.as_str()).unwrap_or(0)).unwrap_or(0)
    };
    let mut samples = Vec::new();
    for item in &chosen {
        for windows in [&item.windows, &item.tasks] {
            let weight = share(item, windows, &weight);
            samples.extend(windows::samples(windows, &item.features, weight, source_of(item)));
        }
    }
    // A first model shows which windows of harmless texts look most like attacks, and where in a document an attack must
    // be; the second one learns from them.
    let first = learn(&samples, &Settings { epochs: settings.epochs.min(2), ..*settings })?;
    let hard: Vec<(&Prepared, Vec<Window>)> =
        chosen.iter().map(|item| (*item, windows::second_look(&item.text, &item.features, &first))).collect();
    for (item, windows) in &hard {
        let weight = share(item, &item.windows, &weight);
        samples.extend(windows::samples(windows, &item.features, weight, source_of(item)));
    }
    let linear = learn(&samples, settings)?;
    let (language, salad) = salad::learn(&chosen);
    Some(Engine { linear, language, salad, sentences: Dense::default() })
}

/// The weight of each window of a text.
#[allow(clippy::cast_precision_loss)] // At most some ten windows.
fn share(item: &Prepared, windows: &[Window], weight: impl Fn(&Text) -> f32) -> f32 {
    weight(&item.text) * emphasis(&item.text.origin) / (windows.len().max(1) as f32).sqrt()
}

/// A text's signals: as a user's text and as content, where something is known about it there.
pub(super) type Seen = [Vec<f32>; 2];

fn see(engine: &Engine, rules: &Rules, item: &Prepared) -> Seen {
    let text = &item.text;
    let explained = |start: usize, end: usize| item.encoded.explains(&(start..end));
    let signals = |label: Option<bool>, content: bool| {
        let seen = label.map(|_| engine.see_unexplained(&text.text, rules, content, explained));
        seen.map(|signals| signals.values).unwrap_or_default()
    };
    [signals(text.user, false), signals(text.document, true)]
}

/// What training gives.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// For each text its logits as a user's text and as content, by models that have not seen its sources; those of
    /// held out texts are by the whole model.
    pub logits: Vec<[Option<f32>; 2]>,
    /// The area under the ROC curve of both, over sources that were left out.
    pub areas: [f64; 2],
}

/// Trains everything that finds attacks.
pub fn train(
    prepared: &[Prepared],
    rules: &Rules,
    settings: &Settings,
    tell: &mut dyn FnMut(&str),
) -> Option<Trained> {
    let (engine, seen) = look(prepared, rules, settings, tell)?;
    let mut logits = vec![[None; 2]; prepared.len()];
    let (user, user_area) = judge(prepared, &seen, 0, &mut logits);
    let (content, content_area) = judge(prepared, &seen, 1, &mut logits);
    let subtypes = subtypes(prepared)?;
    Some(Trained {
        model: Model { engine, user, content, subtypes },
        logits,
        areas: [user_area, content_area],
    })
}

/// An engine from all texts, and what is seen of each text by an engine that was not trained on its source; of held out
/// texts by the engine from all.
fn look(
    prepared: &[Prepared],
    rules: &Rules,
    settings: &Settings,
    tell: &mut dyn FnMut(&str),
) -> Option<(Engine, Vec<Seen>)> {
    tell("attacks: training on all, and leaving out each fold");
    let mut engines = engines(prepared, settings)?;
    let mut sentences: Vec<Sentence> = Vec::new();
    for (fold, engine) in engines.iter().enumerate() {
        for item in prepared.iter().filter(|item| item.text.fold == fold && !item.text.held_out) {
            sentences.extend(sentences::of(engine, &item.text));
        }
    }
    for (fold, engine) in engines.iter_mut().enumerate() {
        engine.sentences = sentences::judge(&sentences, |sentence| sentence.fold != fold);
    }
    tell("attacks: judging texts that were left out");
    let engine_of = |text: &Text| if text.held_out { folds::FOLDS } else { text.fold };
    let seen = shared_out(prepared, |item| {
        engines.get(engine_of(&item.text)).map(|engine| see(engine, rules, item)).unwrap_or_default()
    });
    engines.pop().map(|engine| (engine, seen))
}

/// One engine for each fold, from all other folds, and one from all.
fn engines(prepared: &[Prepared], settings: &Settings) -> Option<Vec<Engine>> {
    let folds: Vec<usize> = (0..=folds::FOLDS).collect();
    let wanted =
        |text: &Text, fold: usize| !text.held_out && text.fold != fold && !suffix::is_left_out(text, fold);
    shared_out(&folds, |fold| engine(prepared, |text| wanted(text, *fold), settings)).into_iter().collect()
}

/// What `work` makes of each item, in order, by two threads: items do not depend on each other, so neither do results.
fn shared_out<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (first, second) = items.split_at(items.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| second.iter().map(&work).collect::<Vec<R>>());
        let mut made: Vec<R> = first.iter().map(&work).collect();
        made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        made
    })
}

/// What is known about a text as a user's text (0) or as content (1).
pub fn label(text: &Text, head: usize) -> Option<bool> {
    if head == 0 { text.user } else { text.document }
}

/// Trains what tells kinds of attack apart.
fn subtypes(prepared: &[Prepared]) -> Option<Linear<SUBTYPES>> {
    let known = prepared.iter().filter(|item| !item.text.held_out).filter_map(|item| {
        let subtype = item.text.subtype.as_deref().and_then(Subtype::from_name)?;
        let place = Subtype::ALL.iter().position(|other| *other == subtype)?;
        Some((item, place))
    });
    let rows: Vec<(&Prepared, usize)> = known.collect();
    let weight = weights(rows.iter().map(|row| &row.0.text));
    let samples: Vec<Sample<'_, SUBTYPES>> = rows
        .iter()
        .map(|(item, place)| {
            let mut labels = [Some(false); SUBTYPES];
            if let Some(label) = labels.get_mut(*place) {
                *label = Some(true);
            }
            let features = &item.features;
            let attack = item
                .text
                .span
                .map_or((0, features.len()), |(start, end)| windows::tokens_within(features, start, end));
            Sample {
                hashes: features.window(attack.0, attack.1),
                labels,
                weight: weight(&item.text),
                source: 0,
            }
        })
        .collect();
    learn(&samples, &Settings { bits: 15, sources: 1, epochs: 5, ..Settings::default() })
}
