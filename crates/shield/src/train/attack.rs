//! Trains what finds attacks: n-gram weights, the language model, the judge of salads, and their combinations.

use std::collections::BTreeMap;

use super::corpus::Text;
use super::generate::pools::clipped;
use super::sentences::{self, Sentence};
use super::windows::{self, Window};
use super::{folds, measure};
use crate::attack::signals::NAMES;
use crate::attack::{Engine, Judge, Model, Part, SUBTYPES, Subtype, strongest};
use crate::model::calibration::{OperatingPoints, Platt};
use crate::model::dense::{Dense, Example, Shape};
use crate::model::language::{Language, Salad, WINDOWS};
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
/// Most windows of each size that one text gives to the judge of salads.
const MOST_WINDOWS: usize = 4;

/// A text with what is read of it once.
#[derive(Debug)]
pub struct Prepared {
    /// The text, normalised.
    pub text: Text,
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
    let plain = view::plain(&text.text);
    // Where normalising moved bytes, the place of a part is found again by its own normal form.
    if let Some((start, end)) = text.span {
        let part = view::plain(text.text.get(start..end).unwrap_or_default()).text().to_owned();
        text.span = plain.text().find(&part).map(|start| (start, start + part.len()));
    }
    text.text = plain.text().to_owned();
    let features = Features::of(&text.text);
    let windows = windows::of(&text, &features, random);
    let tasks = windows::tasks(&text, &features, random);
    Prepared { text, features, windows, tasks }
}

/// What counts for more than its number: cases that were written to be hard, and documents, which are what instructions
/// are hidden in.
fn emphasis(origin: &str) -> f32 {
    match origin {
        "castellan cases" | "bipia/train/embedded" | "bipia/train/clean" => 2.0,
        "embedded instructions" | "made documents" => 2.0,
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
    let (language, salad) = language(&chosen);
    Some(Engine { linear, language, salad, sentences: Dense::default() })
}

/// The weight of each window of a text.
#[allow(clippy::cast_precision_loss)] // At most some ten windows.
fn share(item: &Prepared, windows: &[Window], weight: impl Fn(&Text) -> f32) -> f32 {
    weight(&item.text) * emphasis(&item.text.origin) / (windows.len().max(1) as f32).sqrt()
}

/// The language model from one half of the harmless texts, the judge of salads from the other half: for the texts that
/// it was trained on, the language model knows every pair of words.
fn language(chosen: &[&Prepared]) -> (Language, Salad) {
    let is_clean = |item: &&&Prepared| {
        item.text.user == Some(false)
            && !item.text.origin.starts_with("odd")
            && !item.text.origin.starts_with("encoded")
    };
    let clean: Vec<&&Prepared> = chosen.iter().filter(is_clean).collect();
    let language = Language::learn(clean.iter().step_by(2).map(|item| clipped(&item.text.text, 3000)));
    let mut random = Random::named(2, "salad");
    let mut examples: Vec<Vec<Example>> = WINDOWS.iter().map(|_| Vec::new()).collect();
    let others = clean.into_iter().skip(1).step_by(2);
    let made = chosen.iter().filter(|item| {
        is_salad(&item.text) || item.text.origin.starts_with("odd") || item.text.origin.starts_with("encoded")
    });
    for item in others.chain(made) {
        salad_examples(item, &language, &mut random, &mut examples);
    }
    let by_size =
        examples.iter().map(|list| Dense::learn(&balanced(list), Shape::Products, 1e-4, 6, &[])).collect();
    (language, Salad { by_size })
}

fn is_salad(text: &Text) -> bool {
    text.origin.starts_with("suffix")
}

fn salad_examples(item: &Prepared, language: &Language, random: &mut Random, examples: &mut [Vec<Example>]) {
    let reading = language.read(clipped(&item.text.text, 3000));
    let salad = item.text.span.filter(|_| is_salad(&item.text));
    for (list, size) in examples.iter_mut().zip(WINDOWS) {
        let all: Vec<_> = reading.windows(size).collect();
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
fn balanced(examples: &[Example]) -> Vec<Example> {
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

/// A text's signals: as a user's text and as content, where something is known about it there.
type Seen = [Vec<f32>; 2];

fn see(engine: &Engine, rules: &Rules, text: &Text) -> Seen {
    let signals = |label: Option<bool>, content: bool| {
        label.map(|_| engine.see(&text.text, rules, content).values).unwrap_or_default()
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
    let mut engines = Vec::new();
    let mut sentences: Vec<Sentence> = Vec::new();
    for fold in 0..folds::FOLDS {
        tell(&format!("attacks: leaving out fold {} of {}", fold + 1, folds::FOLDS));
        let engine = engine(prepared, |text| text.fold != fold && !text.held_out, settings)?;
        for item in prepared.iter().filter(|item| item.text.fold == fold && !item.text.held_out) {
            sentences.extend(sentences::of(&engine, &item.text));
        }
        engines.push(engine);
    }
    let mut seen: Vec<Seen> = vec![Seen::default(); prepared.len()];
    for (fold, engine) in engines.iter_mut().enumerate() {
        engine.sentences = sentences::judge(&sentences, |sentence| sentence.fold != fold);
        for (place, item) in seen.iter_mut().zip(prepared) {
            if item.text.fold == fold && !item.text.held_out {
                *place = see(engine, rules, &item.text);
            }
        }
    }
    tell("attacks: training on all");
    let mut engine = engine(prepared, |text| !text.held_out, settings)?;
    engine.sentences = sentences::judge(&sentences, |_| true);
    for (place, item) in seen.iter_mut().zip(prepared) {
        if item.text.held_out {
            *place = see(&engine, rules, &item.text);
        }
    }
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

/// What is known about a text as a user's text (0) or as content (1).
pub fn label(text: &Text, head: usize) -> Option<bool> {
    if head == 0 { text.user } else { text.document }
}

/// The combination of one head, calibrated and with its operating points; writes logits of texts by combinations that
/// have not seen their fold.
fn judge(prepared: &[Prepared], seen: &[Seen], head: usize, logits: &mut [[Option<f32>; 2]]) -> (Judge, f64) {
    let rows = |wanted: &dyn Fn(&Text) -> bool| -> Vec<(&Text, &[f32], bool)> {
        let all = prepared.iter().zip(seen).filter(|(item, _)| !item.text.held_out && wanted(&item.text));
        all.filter_map(|(item, seen)| {
            let signals = seen.get(head).map(Vec::as_slice)?;
            label(&item.text, head).map(|label| (&item.text, signals, label))
        })
        .collect()
    };
    let whole = parts(&rows(&|_| true), head);
    for fold in 0..folds::FOLDS {
        let without = parts(&rows(&|text| text.fold != fold), head);
        for ((item, seen), logits) in prepared.iter().zip(seen).zip(logits.iter_mut()) {
            let parts = if item.text.held_out { &whole } else { &without };
            if let (true, Some(_), Some(signals), Some(place)) =
                (item.text.fold == fold, label(&item.text, head), seen.get(head), logits.get_mut(head))
            {
                *place = Some(strongest(parts, signals));
            }
        }
    }
    let weight = weights(prepared.iter().map(|item| &item.text));
    let scored: Vec<(f32, bool, f32)> = prepared
        .iter()
        .zip(logits.iter())
        .filter(|(item, _)| !item.text.held_out && counts(&item.text))
        .filter_map(|(item, logits)| {
            let logit = logits.get(head).copied().flatten()?;
            label(&item.text, head).map(|label| (logit, label, weight(&item.text)))
        })
        .collect();
    let platt = Platt::fit(&scored);
    let negatives: Vec<(f32, f32)> =
        scored.iter().filter(|item| !item.1).map(|item| (item.0, item.2)).collect();
    let point = |rate: f64| platt.probability(measure::threshold(&negatives, rate));
    let points = OperatingPoints {
        released: point(released(head)),
        percent: point(0.01),
        half_percent: point(0.005),
        tenth_percent: point(0.001),
    };
    let area = measure::area_under_roc(&scored.iter().map(|item| (item.0, item.1)).collect::<Vec<_>>());
    (Judge { parts: whole, platt, points }, area)
}

/// The part of harmless texts that may be taken for attacks where nothing else is asked for. An attack inside of content
/// is quieter than one that is typed, and what it is hidden in disturbs nobody when it is held back.
fn released(head: usize) -> f64 {
    if head == 0 { 0.01 } else { 0.02 }
}

/// True for texts that count for thresholds: system prompts come from trusted sources, which are not judged at all.
pub fn counts(text: &Text) -> bool {
    text.kind != "system prompt" && text.kind != "agent-instructions"
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

/// One way in which a text can be an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It says so in words that users of attacks have.
    Open,
    /// It has a machine-made suffix.
    Machine,
    /// It is content with an instruction hidden in it.
    Hidden,
    /// It is content with a sentence that does not belong there.
    Foreign,
}

/// The ways of a head.
fn ways(head: usize) -> &'static [Way] {
    if head == 0 { &[Way::Open, Way::Machine] } else { &[Way::Open, Way::Hidden, Way::Foreign] }
}

/// The ways of a head, each from the attacks of that way and all harmless texts.
fn parts(rows: &[(&Text, &[f32], bool)], head: usize) -> Vec<Part> {
    ways(head)
        .iter()
        .map(|way| {
            let of_way: Vec<&(&Text, &[f32], bool)> =
                rows.iter().filter(|row| !row.2 || goes(row.0, *way, head)).collect();
            // A string is odd for a reason or for none: which, is told by several signals at once.
            let shape = if *way == Way::Machine { Shape::Products } else { Shape::Plain };
            combine(&of_way, |place| says_nothing(*way, place), shape)
        })
        .collect()
}

fn goes(text: &Text, way: Way, head: usize) -> bool {
    let closed = if head == 0 { is_salad(text) } else { text.is_hidden() };
    match way {
        Way::Open => !closed,
        Way::Machine | Way::Hidden => closed,
        // Those of our own cases mostly say whom they are for, which their words tell.
        Way::Foreign => closed && text.span.is_some() && text.origin != "castellan cases",
    }
}

/// True for a signal that says nothing about a way. What is hidden is told by its loudest sentences, whatever the rest of
/// the document says; what does not belong is told by that alone, however harmless its words.
fn says_nothing(way: Way, signal: usize) -> bool {
    let name = NAMES.get(signal).copied().unwrap_or_default();
    match way {
        Way::Open => OPEN.contains(&name),
        Way::Machine => name == "other alphabets",
        Way::Hidden => HIDES.contains(&name),
        Way::Foreign => !name.starts_with("foreign"),
    }
}

/// How odd letters are says nothing about an open attack, and that nearly all texts in other alphabets that one source
/// has are attacks says nothing about the next.
const OPEN: [&str; 5] = ["salad, most", "salad, last", "salad, mean", "salad, part", "other alphabets"];

/// Signals of a whole document, which something hidden in it hardly changes.
const HIDES: [&str; 18] = [
    "both, best sentence",
    "user, whole",
    "user, best page",
    "user, best paragraph",
    "user, mean sentence",
    "user, last pair",
    "content, whole",
    "content, best page",
    "content, mean sentence",
    "content, first pair",
    "content, last pair",
    "salad, most",
    "salad, last",
    "salad, mean",
    "salad, part",
    "length",
    "other alphabets",
    "user, best pair",
];

/// A combination of signals from texts, their signals and labels, brought to the scale of probabilities.
fn combine(rows: &[&(&Text, &[f32], bool)], masked: impl Fn(usize) -> bool, shape: Shape) -> Part {
    let weight = weights(rows.iter().map(|row| row.0));
    let signals_of = |signals: &[f32]| {
        let mut signals = signals.to_vec();
        for (place, signal) in signals.iter_mut().enumerate() {
            if masked(place) {
                *signal = 0.0;
            }
        }
        signals
    };
    let examples: Vec<Example> = rows
        .iter()
        .map(|(text, signals, label)| Example {
            signals: signals_of(signals),
            label: *label,
            weight: weight(text) * emphasis(&text.origin),
        })
        .collect();
    let examples = balanced(&examples);
    let signals = examples.first().map_or(0, |example| example.signals.len());
    // What rules find never speaks against an attack.
    let rising: Vec<usize> = (NAMES.len()..signals).collect();
    let dense = Dense::learn(&examples, shape, 1e-3, 8, &rising);
    let scored: Vec<(f32, bool, f32)> = examples
        .iter()
        .map(|example| (dense.logit(&example.signals), example.label, example.weight))
        .collect();
    Part { platt: Platt::fit(&scored), dense }
}
