//! Combines signals to verdicts: the ways in which a text can be an attack, calibrated and with operating points.

use super::attack::{Prepared, Seen, emphasis, label, weights};
use super::corpus::Text;
use super::generate::suffix;
use super::salad::{balanced, is_salad};
use super::{folds, measure};
use crate::attack::signals::NAMES;
use crate::attack::{Judge, Part, strongest};
use crate::model::calibration::{OperatingPoints, Platt};
use crate::model::dense::{Dense, Example, Shape};

/// The combination of one head, calibrated and with its operating points; writes logits of texts by combinations that
/// have not seen their fold.
pub(super) fn judge(
    prepared: &[Prepared],
    seen: &[Seen],
    head: usize,
    logits: &mut [[Option<f32>; 2]],
) -> (Judge, f64) {
    let rows = |wanted: &dyn Fn(&Text) -> bool| -> Vec<(&Text, &[f32], bool)> {
        // What nothing like it was learnt from is judged, and teaches nothing: it would say that signals mean little.
        // System prompts come from trusted sources and are not judged; what tells attacks from them tells little else.
        let known =
            |text: &Text| !text.held_out && text.kind != suffix::NEW_KIND && text.kind != "system prompt";
        let all = prepared.iter().zip(seen).filter(|(item, _)| known(&item.text) && wanted(&item.text));
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
        .filter(|(item, _)| !item.text.held_out && counts(&item.text) && item.text.kind != suffix::NEW_KIND)
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
fn counts(text: &Text) -> bool {
    text.kind != "system prompt" && text.kind != "agent-instructions"
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
    // Each of many products says little: held back as much as signals, they would say nothing.
    let decay = if shape == Shape::Products { 1e-4 } else { 1e-3 };
    let dense = Dense::learn(&examples, shape, decay, 8, &rising);
    let scored: Vec<(f32, bool, f32)> = examples
        .iter()
        .map(|example| (dense.logit(&example.signals), example.label, example.weight))
        .collect();
    Part { platt: Platt::fit(&scored), dense }
}
