//! A text as windows of sentences, and what speaks for each harm in them.
//!
//! A sentence has the same signals wherever it stands: no feature looks over its bounds.

use super::classes::{Classed, ends_sentence};
use super::terms::{LISTS, Terms, density};
use crate::model::linear::{Linear, Profile};
use crate::model::tokens::{Features, Place, read};

/// Signals of one harm in a window: its logit, the largest logit of the others, how dense its terms and neutral terms are,
/// and the window's length.
pub(crate) const WINDOW_SIGNALS: usize = 5;
/// Logits are kept between this and its opposite.
const BOUND: f32 = 10.0;
/// Windows, in sentences.
const SIZES: [usize; 4] = [1, 2, 3, 4];
/// Longest sentence, in tokens; a longer one is cut.
const LONGEST_SENTENCE: usize = 32;
/// A sentence shorter than this, with its mark, goes on with the next one.
const SHORTEST_SENTENCE: usize = 2;

/// Signals of one window, by harm.
pub(crate) type Signals = [[f32; WINDOW_SIGNALS]; 4];

/// A normalised text, read once.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    profile: Profile<4>,
    /// For each sentence: the token after its last, and the counts of terms up to there.
    sentences: Vec<(usize, [f32; LISTS.len()])>,
}

impl Reading {
    /// Reads a normalised text.
    pub(crate) fn new(linear: &Linear<4>, terms: &Terms, text: &str) -> Reading {
        let profile =
            linear.profile_of(text, |sink| read(text, &mut Classed::new(&terms.classes, text, sink)));
        let ends = sentences(text, profile.places());
        let mut hits = terms.hits(text);
        hits.sort_unstable();
        let mut hits = hits.into_iter().peekable();
        let mut counts = [0.0; LISTS.len()];
        let mut sentences = Vec::with_capacity(ends.len());
        for end in ends {
            let last = profile.bytes(0, end).end;
            while let Some((_, list)) = hits.next_if(|(start, _)| *start < last) {
                if let Some(count) = counts.get_mut(list) {
                    *count += 1.0;
                }
            }
            sentences.push((end, counts));
        }
        Reading { profile, sentences }
    }

    /// The windows: each sentence, each run of two and of four, and the whole at last.
    pub(crate) fn windows(&self) -> impl Iterator<Item = Signals> + '_ {
        let count = self.sentences.len();
        let runs = SIZES.into_iter().flat_map(move |size| {
            (0..count.saturating_sub(size - 1))
                .map(move |first| (first, first + size))
                .filter(move |_| size < count)
        });
        runs.chain(std::iter::once((0, count))).map(|(first, after)| self.window(first, after))
    }

    /// The signals of the sentences from `first` up to `after`.
    fn window(&self, first: usize, after: usize) -> Signals {
        let up_to = |sentence: usize| {
            let last = sentence.checked_sub(1).and_then(|last| self.sentences.get(last));
            last.copied().unwrap_or_default()
        };
        let ((start, before), (end, until)) = (up_to(first), up_to(after));
        let logits = self.profile.logits(start, end).map(|logit| logit.clamp(-BOUND, BOUND));
        let bytes = self.profile.bytes(start, end);
        let length = bytes.end - bytes.start;
        let mut terms = until;
        for (count, before) in terms.iter_mut().zip(before) {
            *count = density(*count - before, length);
        }
        let [of_harms @ .., neutral] = terms;
        let mut signals = [[0.0; WINDOW_SIGNALS]; 4];
        for (harm, ((place, own), terms)) in signals.iter_mut().zip(logits).zip(of_harms).enumerate() {
            let others = logits.iter().enumerate().filter(|(other, _)| *other != harm);
            let other = others.map(|(_, logit)| *logit).fold(-BOUND, f32::max);
            *place = [own, other, terms, neutral, log_length(end - start)];
        }
        signals
    }
}

/// All tokens and features of a text, kept for training.
pub(crate) fn features(terms: &Terms, text: &str) -> Features {
    let mut features = Features::default();
    read(text, &mut Classed::new(&terms.classes, text, &mut features));
    features
}

/// Cuts tokens into sentences; gives the number of the token after the last for each.
pub(crate) fn sentences(text: &str, places: &[Place]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    for (index, place) in places.iter().enumerate() {
        let ended = ends_sentence(text.get(place.start..place.end).unwrap_or_default());
        let length = index + 1 - start;
        if (ended && length >= SHORTEST_SENTENCE) || length >= LONGEST_SENTENCE {
            start = index + 1;
            ends.push(start);
        }
    }
    if start < places.len() {
        ends.push(places.len());
    }
    ends
}

#[allow(clippy::cast_precision_loss)] // A count of tokens.
fn log_length(tokens: usize) -> f32 {
    crate::model::logistic::ln(tokens.max(1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::linear::Linear;

    fn reading(text: &str) -> Reading {
        let weights: Vec<[f32; 4]> =
            (0..4096_u16).map(|slot| [f32::from(slot % 97) / 50.0 - 1.0; 4]).collect();
        let linear = Linear::quantise(12, &weights, [0.0; 4]).unwrap();
        let lists = "hate: [vermin]\nsexual: []\nviolence: [kill]\nself_harm: []\nneutral: []\nclasses: {group: [women, men]}\n";
        Reading::new(&linear, &Terms::read("terms.yaml", lists).unwrap(), text)
    }

    #[test]
    fn a_sentence_has_the_same_signals_wherever_it_stands() {
        let threat = "I will kill all those women!";
        let alone: Vec<Signals> = reading(threat).windows().collect();
        let between = reading(&format!("The men wait for the train. {threat} Kill. Then restart it."));
        assert_eq!(alone.len(), 1);
        assert!(between.windows().any(|signals| signals == alone[0]));
    }

    #[test]
    fn windows_are_all_runs_of_up_to_four_sentences_and_the_whole_at_last() {
        for (sentences, windows) in [(0, 1), (1, 1), (2, 3), (3, 6), (4, 10), (5, 15), (10, 35)] {
            let text = "Water the roses. ".repeat(sentences);
            assert_eq!(reading(&text).windows().count(), windows, "{sentences}");
        }
    }

    #[test]
    fn terms_count_in_their_own_sentence() {
        let reading = reading("Water the roses. They kill the vermin. Go home now.");
        let found: Vec<bool> = reading.windows().take(3).map(|signals| signals[2][2] > 0.0).collect();
        assert_eq!(found, [false, true, false]);
    }
}
