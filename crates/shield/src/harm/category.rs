//! Categories of one's own, trained in seconds from a few examples.

use serde::{Deserialize, Serialize};

use crate::model::bytes::{Reader, WeightsError, Writer};
use crate::model::calibration::Platt;
use crate::model::learn::{Sample, Settings, learn};
use crate::model::linear::Linear;
use crate::model::tokens::Features;
use crate::view;

/// Fewest examples of each kind.
pub const FEWEST: usize = 10;
/// Most examples together.
pub const MOST: usize = 5000;
/// Most of an example that is read, in bytes.
const LONGEST: usize = 8000;
/// Parts that are left out in turn to calibrate on.
const PARTS: usize = 5;

/// Why a category was not trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CategoryError {
    /// There are too few examples.
    #[error(
        "a category needs at least {FEWEST} texts that belong to it and {FEWEST} that do not; there are {0} and {1}"
    )]
    TooFew(usize, usize),
    /// There are too many examples.
    #[error("a category takes at most {MOST} examples; there are {0}")]
    TooMany(usize),
}

/// How examples were judged by models that had not seen them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Examples that belong to the category.
    pub positive: u32,
    /// Examples that do not.
    pub negative: u32,
    /// Of those that belong, how many were found.
    pub found: u32,
    /// Of those that do not, how many were taken for the category.
    pub mistaken: u32,
}

/// A trained category.
///
/// ```
/// use castellan_shield::harm::Category;
///
/// let yes: Vec<String> = (1..30).map(|n| format!("please refund order {n}, it arrived broken")).collect();
/// let no: Vec<String> = (1..30).map(|n| format!("what is the weather on day {n} of the month")).collect();
/// let refunds = Category::train(&yes, &no).unwrap();
/// assert!(refunds.has("my order came broken, refund it"));
/// assert!(refunds.probability("will the weather be fine today") < 0.5);
/// assert_eq!(refunds.held_out().found, 29);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    linear: Linear<1>,
    platt: Platt,
    held_out: HeldOut,
}

impl Category {
    /// The least probability of a text that belongs to a category: more likely than not.
    pub const BELONGS: f32 = 0.5;

    /// Trains from texts that belong to the category and texts that do not.
    pub fn train<T: AsRef<str>>(positive: &[T], negative: &[T]) -> Result<Category, CategoryError> {
        let count = positive.len() + negative.len();
        if positive.len() < FEWEST || negative.len() < FEWEST {
            return Err(CategoryError::TooFew(positive.len(), negative.len()));
        }
        if count > MOST {
            return Err(CategoryError::TooMany(count));
        }
        let features = |text: &T| {
            Features::of(view::plain(crate::train::generate::pools::clipped(text.as_ref(), LONGEST)).text())
        };
        let mut rows: Vec<(Features, bool)> = positive.iter().map(|text| (features(text), true)).collect();
        rows.extend(negative.iter().map(|text| (features(text), false)));
        #[allow(clippy::cast_precision_loss)] // At most some thousands.
        let balance = negative.len() as f32 / positive.len() as f32;
        let samples: Vec<Sample<'_, 1>> = rows
            .iter()
            .map(|(features, label)| Sample {
                hashes: &features.hashes,
                labels: [Some(*label)],
                weight: if *label { balance } else { 1.0 },
                source: 0,
            })
            .collect();
        let settings = Settings { bits: 16, epochs: 10, rate: 0.5, sources: 1, ..Settings::default() };
        let linear = learn(&samples, &settings).ok_or(CategoryError::TooMany(count))?;
        let scored = cross_validated(&samples, &settings);
        let platt = Platt::fit(&scored);
        Ok(Category { linear, held_out: held_out(&scored, &platt), platt })
    }

    /// How likely a text belongs to the category.
    pub fn probability(&self, text: &str) -> f32 {
        let profile = self.linear.profile(view::plain(text).text());
        let [whole] = profile.logits(0, profile.len());
        self.platt.probability(whole)
    }

    /// Whether a text belongs to the category.
    pub fn has(&self, text: &str) -> bool {
        self.probability(text) >= Category::BELONGS
    }

    /// How well the examples were told apart by models that had not seen them.
    pub fn held_out(&self) -> HeldOut {
        self.held_out
    }

    pub(super) fn weights(&self) -> Result<Vec<u8>, WeightsError> {
        let mut writer = Writer::default();
        writer.linear(&self.linear);
        writer.platt(&self.platt);
        writer.file()
    }

    pub(super) fn of_weights(weights: &[u8], held_out: HeldOut) -> Result<Category, WeightsError> {
        let mut reader = Reader::open(weights)?;
        let (linear, platt) = (reader.linear()?, reader.platt()?);
        reader.end()?;
        Ok(Category { linear, platt, held_out })
    }
}

/// Logits of models that have not seen the text, whether it belongs, and what it weighs.
fn cross_validated(samples: &[Sample<'_, 1>], settings: &Settings) -> Vec<(f32, bool, f32)> {
    let mut scored = Vec::new();
    for part in 0..PARTS {
        let others: Vec<Sample<'_, 1>> = samples
            .iter()
            .enumerate()
            .filter(|(index, _)| index % PARTS != part)
            .map(|(_, sample)| *sample)
            .collect();
        let Some(model) = learn(&others, settings) else { continue };
        for sample in samples.iter().skip(part).step_by(PARTS) {
            let [logit] = model.logits(sample.hashes);
            scored.push((logit, sample.labels == [Some(true)], 1.0));
        }
    }
    scored
}

fn held_out(scored: &[(f32, bool, f32)], platt: &Platt) -> HeldOut {
    let mut counts = HeldOut::default();
    for (logit, belongs, _) in scored {
        let taken = u32::from(platt.probability(*logit) >= Category::BELONGS);
        match belongs {
            true => (counts.positive, counts.found) = (counts.positive + 1, counts.found + taken),
            false => (counts.negative, counts.mistaken) = (counts.negative + 1, counts.mistaken + taken),
        }
    }
    counts
}
