//! Which windows of a text are learnt from, and as what.

use crate::attack::signals::{PAGE, SENTENCES, runs};
use crate::model::learn::Sample;
use crate::model::linear::Linear;
use crate::model::random::Random;
use crate::model::tokens::{Features, segments};

use super::corpus::Text;

/// Longest text that is learnt from as a whole, in tokens.
const LONGEST_WHOLE: usize = 600;
/// Most windows that are drawn from one text.
const MOST: usize = 8;
/// Most windows of one text that are learnt from since an earlier model was wrong about them.
const MOST_HARD: usize = 3;

/// A stretch of tokens and its labels for the heads: a user's text, content.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// First token.
    pub start: usize,
    /// The token after the last.
    pub end: usize,
    /// Labels by head.
    pub labels: [Option<bool>; 2],
}

/// The windows of a text.
pub fn of(text: &Text, features: &Features, random: &mut Random) -> Vec<Window> {
    let length = features.len();
    let attack = text.span.map(|(start, end)| tokens_within(features, start, end));
    let mut windows = Vec::new();
    if length <= LONGEST_WHOLE {
        windows.push(Window {
            start: 0,
            end: length,
            labels: [text.user, text.document.filter(|_| attack.is_none())],
        });
    }
    let all = all(text, features);
    match attack {
        Some(attack) => around(attack, &all, text, random, &mut windows),
        // Which part is the attack is not known yet.
        None if text.document == Some(true) && text.is_hidden() => {}
        None => within(&all, length, text, random, &mut windows),
    }
    windows
}

/// All runs of sentences, and pages.
fn all(text: &Text, features: &Features) -> Vec<(usize, usize)> {
    let ends = segments(&text.text, &features.places);
    let mut all: Vec<(usize, usize)> = SENTENCES.iter().flat_map(|count| runs(&ends, *count)).collect();
    let pages = (0..features.len()).step_by(PAGE).map(|start| (start, (start + PAGE).min(features.len())));
    all.extend(pages);
    all
}

/// Windows of a text that is of one kind throughout.
fn within(
    all: &[(usize, usize)],
    length: usize,
    text: &Text,
    random: &mut Random,
    windows: &mut Vec<Window>,
) {
    for _ in 0..MOST.min(all.len()) {
        let Some((start, end)) = random.pick(all).copied() else { continue };
        // A part of an attack need not be one: only large parts are surely so.
        let sure = |label: Option<bool>| {
            label.filter(|attack| !attack || (end - start) * 3 >= length || end - start >= 100)
        };
        windows.push(Window { start, end, labels: [sure(text.user), sure(text.document)] });
    }
}

/// Windows over an attack inside of a text, and windows beside of it.
fn around(
    attack: (usize, usize),
    all: &[(usize, usize)],
    text: &Text,
    random: &mut Random,
    windows: &mut Vec<Window>,
) {
    let (start, end) = attack;
    windows.push(Window { start, end, labels: [text.user, text.document] });
    for _ in 0..MOST.min(all.len()) {
        let Some(window) = random.pick(all).copied() else { continue };
        let shared = window.1.min(end).saturating_sub(window.0.max(start));
        let labels = if shared == 0 {
            [None, text.document.map(|_| false)]
        } else if shared * 2 >= window.1 - window.0 || shared * 10 >= (end - start) * 9 {
            [text.user, text.document]
        } else {
            continue;
        };
        windows.push(Window { start: window.0, end: window.1, labels });
    }
}

/// What a first model makes of a text: the windows of a harmless one that it finds most like an attack, and the windows
/// of a document with an attack in it that it finds most likely to be that.
pub fn second_look(text: &Text, features: &Features, model: &Linear<2>) -> Vec<Window> {
    let hidden = text.is_hidden() && text.span.is_none();
    let mut windows = Vec::new();
    for (head, label) in [text.user, text.document].into_iter().enumerate() {
        let wanted = match label {
            Some(false) => false,
            Some(true) if hidden && head == 1 => true,
            _ => continue,
        };
        let logit = |window: &(usize, usize)| {
            model.logits(features.window(window.0, window.1)).get(head).copied().unwrap_or_default()
        };
        let mut scored: Vec<(f32, (usize, usize))> =
            all(text, features).into_iter().map(|window| (logit(&window), window)).collect();
        scored.sort_by(|first, second| second.0.total_cmp(&first.0).then(first.1.cmp(&second.1)));
        for (logit, (start, end)) in scored.into_iter().take(MOST_HARD) {
            if wanted || logit > -1.0 {
                let mut labels = [None; 2];
                if let Some(place) = labels.get_mut(head) {
                    *place = Some(wanted);
                }
                windows.push(Window { start, end, labels });
            }
        }
    }
    windows
}

/// The tokens that lie within some bytes.
pub fn tokens_within(features: &Features, start: usize, end: usize) -> (usize, usize) {
    let first = features.places.partition_point(|place| place.end <= start);
    let last = features.places.partition_point(|place| place.start < end);
    (first, last.max(first))
}

/// Windows as samples; `weight` is that of each.
pub fn samples<'a>(
    windows: &'a [Window],
    features: &'a Features,
    weight: f32,
    source: u32,
) -> impl Iterator<Item = Sample<'a, 2>> {
    windows.iter().map(move |window| Sample {
        hashes: features.window(window.start, window.end),
        labels: window.labels,
        weight,
        source,
    })
}
