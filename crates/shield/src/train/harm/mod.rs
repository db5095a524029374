//! Trains the harm model: heads, combinations, calibration, severities.

mod combine;
mod heads;
mod mix;
mod severity;
mod texts;

use crate::harm::windows::{Reading, Signals};
use crate::harm::{HARMS, Model, Terms};
use crate::model::learn::Settings;
use crate::model::linear::Linear;
use heads::Learning;

pub use texts::{Graded, any, read};

/// How many folds.
pub const FOLDS: usize = 5;

/// A text as the heads see it that have not learnt from its source.
#[derive(Clone, Debug)]
struct Seen<'a> {
    /// What is known of it.
    text: &'a Graded,
    /// Its windows, the whole at last.
    windows: Vec<Signals>,
    /// How much it counts.
    weight: f32,
}

/// Trains everything. Gives the model and, for each text, the logits by models that have not seen its source; texts
/// that are held out are scored by the whole model.
pub fn train(texts: &[Graded], terms: &Terms, settings: &Settings) -> Option<(Model, Vec<[f32; 4]>)> {
    let mut learning = Learning::new(texts, terms);
    // A first look at half the price, for what is hard.
    let first = Settings { epochs: (settings.epochs / 2).max(1), ..*settings };
    for (fold, linear) in folds_of(&learning, &first)?.iter().enumerate() {
        learning.look_again(fold, linear);
    }
    let linears = folds_of(&learning, settings)?;
    let linear = learning.heads(|text| !text.held_out, settings)?;
    let mixed = mix::mixed(texts);
    let weight = heads::weights(&texts.iter().collect::<Vec<_>>());
    let mut seen: Vec<Seen<'_>> = Vec::with_capacity(texts.len() + mixed.len());
    for (index, text) in texts.iter().chain(&mixed).enumerate() {
        let linear = if text.held_out { &linear } else { linears.get(text.fold).unwrap_or(&linear) };
        let windows = Reading::new(linear, terms, &text.text).windows().collect();
        let part = if index < texts.len() { 1.0 } else { mix::WEIGHT };
        seen.push(Seen { text, windows, weight: weight(text) * part });
    }
    let mut logits = vec![[0.0; 4]; seen.len()];
    let heads = (0..HARMS.len()).map(|harm| combine::head(harm, &seen, &mut logits)).collect();
    logits.truncate(texts.len());
    Some((Model { linear, heads }, logits))
}

/// The heads of each fold, which have not learnt from it.
fn folds_of(learning: &Learning<'_>, settings: &Settings) -> Option<Vec<Linear<4>>> {
    (0..FOLDS).map(|fold| learning.heads(|text| text.fold != fold && !text.held_out, settings)).collect()
}
