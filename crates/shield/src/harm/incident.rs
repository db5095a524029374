//! Incidents: what is worded like one of a few samples, found without training.
//!
//! Samples and texts are compared by the n-grams of their words and letters: the cosine of the sets that they have, for a
//! text as a whole, for each of its sentences and for each four of them in a row. That finds a sample again with words
//! changed, added, left out or misspelt, in look-alike letters, and within a longer text. It does not find the same meaning
//! in other words: that takes a [`Category`](super::Category) and examples.

use std::collections::{HashMap, HashSet};

use crate::attack::signals::runs;
use crate::model::tokens::{Features, segments};
use crate::view;

/// Most samples of an incident.
pub const MOST_SAMPLES: usize = 1_000;
/// Most of a sample that is read, in bytes.
const LONGEST: usize = 8_000;
/// Sentences of a window.
const WINDOWS: [usize; 2] = [1, 4];

/// Samples, ready to be compared with texts.
///
/// ```
/// use castellan_shield::harm::Incident;
///
/// let incident = Incident::new(&["The blue powder from Harbour Street cures everything"]);
/// assert!(incident.matches("Good news. The blue powder of Harbour Street cures it all! Tell your friends."));
/// assert!(!incident.matches("The harbour is blue today."));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Incident {
    /// Which samples have an n-gram.
    having: HashMap<u32, Vec<u32>>,
    /// How many n-grams each sample has.
    sizes: Vec<f32>,
}

impl Incident {
    /// The least similarity of what matches.
    pub const ALIKE: f32 = 0.5;

    /// From samples; those after [`MOST_SAMPLES`] are not taken.
    pub fn new<T: AsRef<str>>(samples: &[T]) -> Incident {
        let mut incident = Incident::default();
        for (sample, number) in samples.iter().take(MOST_SAMPLES).zip(0_u32..) {
            let clipped = crate::train::generate::pools::clipped(sample.as_ref(), LONGEST);
            let hashes: HashSet<u32> = Features::of(&folded(clipped)).hashes.into_iter().collect();
            incident.sizes.push(count(hashes.len()));
            for hash in hashes {
                incident.having.entry(hash).or_default().push(number);
            }
        }
        incident
    }

    /// How alike a text and the nearest sample are, from 0 to 1.
    pub fn similarity(&self, text: &str) -> f32 {
        let folded = folded(text);
        let features = Features::of(&folded);
        let ends = segments(&folded, &features.places);
        let mut nearest = self.nearest(&features.hashes);
        for sentences in WINDOWS {
            for (start, end) in runs(&ends, sentences) {
                nearest = nearest.max(self.nearest(features.window(start, end)));
            }
        }
        nearest
    }

    /// Whether a text is worded like one of the samples.
    pub fn matches(&self, text: &str) -> bool {
        self.similarity(text) >= Incident::ALIKE
    }

    fn nearest(&self, hashes: &[u32]) -> f32 {
        let distinct: HashSet<u32> = hashes.iter().copied().collect();
        let mut common = vec![0_u32; self.sizes.len()];
        for sample in distinct.iter().filter_map(|hash| self.having.get(hash)).flatten() {
            if let Some(count) = usize::try_from(*sample).ok().and_then(|sample| common.get_mut(sample)) {
                *count += 1;
            }
        }
        let size = count(distinct.len());
        #[allow(clippy::cast_precision_loss)] // At most the n-grams of a sample.
        let cosine = |(common, own): (&u32, &f32)| *common as f32 / (size * own).sqrt().max(1.0);
        common.iter().zip(&self.sizes).map(cosine).fold(0.0, f32::max)
    }
}

/// The normal form, without capitals: shouted or not, it is the same incident.
fn folded(text: &str) -> String {
    view::plain(text).text().to_lowercase()
}

#[allow(clippy::cast_precision_loss)] // N-grams of a text.
fn count(length: usize) -> f32 {
    length as f32
}
