//! Categories of one's own, trained in seconds from a few examples.

use crate::model::calibration::Platt;
use crate::model::learn::{Sample, Settings, learn};
use crate::model::linear::Linear;
use crate::model::tokens::Features;
use crate::view;

/// Fewest examples of each kind.
const FEWEST: usize = 10;
/// Most examples together.
const MOST: usize = 5000;
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

/// A trained category.
///
/// ```
/// use castellan_shield::harm::Category;
///
/// let yes: Vec<String> = (1..30).map(|n| format!("please refund order {n}, it arrived broken")).collect();
/// let no: Vec<String> = (1..30).map(|n| format!("what is the weather on day {n} of the month")).collect();
/// let refunds = Category::train(&yes, &no).unwrap();
/// assert!(refunds.probability("my order came broken, refund it") > 0.5);
/// assert!(refunds.probability("will the weather be fine today") < 0.5);
/// ```
#[derive(Clone, Debug)]
pub struct Category {
    linear: Linear<1>,
    platt: Platt,
}

impl Category {
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
        Ok(Category { platt: calibrated(&samples, &settings), linear })
    }

    /// How likely a text belongs to the category.
    pub fn probability(&self, text: &str) -> f32 {
        let profile = self.linear.profile(view::plain(text).text());
        let [whole] = profile.logits(0, profile.len());
        self.platt.probability(whole)
    }
}

/// Calibrates on logits of models that have not seen the text.
fn calibrated(samples: &[Sample<'_, 1>], settings: &Settings) -> Platt {
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
    Platt::fit(&scored)
}
