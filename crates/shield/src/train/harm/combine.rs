//! The combination of one harm: windows to a score, scores to a logit, a probability and severities.

use super::severity::severities;
use super::{FOLDS, Seen};
use crate::harm::windows::WINDOW_SIGNALS;
use crate::harm::{Head, LARGEST_GAP, MOST_TAKEN, Scores};
use crate::model::calibration::Platt;
use crate::model::dense::{Dense, Example, Shape};

/// How often the worst windows are chosen anew.
const ROUNDS: usize = 2;
const DECAY: f32 = 1e-3;
const EPOCHS: u32 = 6;

/// Learns the combination of one harm; writes the logits of texts by combinations that have not seen their fold.
pub(super) fn head(harm: usize, seen: &[Seen<'_>], logits: &mut [[f32; 4]]) -> Head {
    for fold in 0..FOLDS {
        let rows: Vec<&Seen<'_>> =
            seen.iter().filter(|row| row.text.fold != fold && !row.text.held_out).collect();
        let (window, text) = combination(harm, &rows);
        for (row, logits) in seen.iter().zip(logits.iter_mut()) {
            if row.text.fold == fold
                && let Some(logit) = logits.get_mut(harm)
            {
                *logit = text.logit(&scores(harm, row, &window).signals());
            }
        }
    }
    let rows: Vec<&Seen<'_>> = seen.iter().filter(|row| !row.text.held_out).collect();
    let (window, text) = combination(harm, &rows);
    let of = |logits: &[f32; 4]| logits.get(harm).copied().unwrap_or_default();
    let known = seen.iter().zip(logits.iter()).filter(|(row, _)| !row.text.held_out);
    let scored: Vec<(f32, bool, f32)> = known
        .clone()
        .filter_map(|(row, logits)| label(harm, row).map(|label| (of(logits), label, row.weight)))
        .collect();
    let graded: Vec<(f32, u8)> = known
        .filter_map(|(row, logits)| {
            row.text.grades.get(harm).copied().flatten().map(|grade| (of(logits), grade))
        })
        .collect();
    let platt = Platt::fit(&scored);
    Head { window, text, platt, severities: severities(&graded, platt.inverse(0.5)) }
}

/// Learns from windows and from texts in turn: which window is the harmful one is not known, so it is taken to be the one
/// that scores highest so far.
fn combination(harm: usize, rows: &[&Seen<'_>]) -> (Dense, Dense) {
    let whole = |row: &Seen<'_>| row.windows.last().map(|signals| own(harm, signals));
    let mut window = learn_windows(harm, rows, whole);
    for _ in 0..ROUNDS {
        let worst = |row: &Seen<'_>| {
            let scored = row.windows.iter().map(|signals| own(harm, signals));
            scored.max_by(|first, second| window.logit(first).total_cmp(&window.logit(second)))
        };
        window = learn_windows(harm, rows, worst);
    }
    let examples: Vec<Example> = rows
        .iter()
        .filter_map(|row| {
            let signals = scores(harm, row, &window).signals().to_vec();
            label(harm, row).map(|label| Example { signals, label, weight: row.weight })
        })
        .collect();
    let mut text = Dense::learn(&examples, Shape::Plain, DECAY, EPOCHS, &[0, 1]);
    // Invariant (harm is not hidden).
    if let (Some(weight), Some(deviation)) = (text.weights.get_mut(1), text.deviations.get(1)) {
        *weight = weight.min(MOST_TAKEN / LARGEST_GAP * deviation);
    }
    (window, text)
}

fn learn_windows(
    harm: usize,
    rows: &[&Seen<'_>],
    choose: impl Fn(&Seen<'_>) -> Option<[f32; WINDOW_SIGNALS]>,
) -> Dense {
    let examples: Vec<Example> = rows
        .iter()
        .filter_map(|row| {
            let signals = choose(row)?.to_vec();
            label(harm, row).map(|label| Example { signals, label, weight: row.weight })
        })
        .collect();
    // The harm's own logit and terms never speak against it.
    Dense::learn(&examples, Shape::Plain, DECAY, EPOCHS, &[0, 2])
}

fn scores(harm: usize, row: &Seen<'_>, window: &Dense) -> Scores {
    let mut scores = Scores::default();
    for signals in &row.windows {
        scores.take(window.logit(&own(harm, signals)));
    }
    scores
}

fn label(harm: usize, row: &Seen<'_>) -> Option<bool> {
    row.text.labels.get(harm).copied().flatten()
}

fn own(harm: usize, signals: &[[f32; WINDOW_SIGNALS]; 4]) -> [f32; WINDOW_SIGNALS] {
    signals.get(harm).copied().unwrap_or_default()
}
