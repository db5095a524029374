//! Harmful content: hate, sexual, violence, self-harm, each with a probability and a severity from 0 to 7.
//!
//! One linear model has a head for each harm. A text is scored as a whole, by its worst sentences and by its worst
//! paragraphs, and the terms of `content/shield/terms` are counted; a small combination for each harm makes a calibrated
//! probability of that. Severity is read off the same logit by thresholds that were fitted to graded texts. Categories
//! of one's own are trained from a few hundred examples: [`Category`]. What is worded like one of a few samples is found
//! without training: [`Incident`].

mod category;
mod examples;
mod incident;
mod named;
mod terms;

use serde::Serialize;

use crate::attack::signals::runs;
use crate::model::bytes::{Reader, WeightsError, Writer};
use crate::model::calibration::Platt;
use crate::model::dense::Dense;
use crate::model::linear::{Linear, Profile};
use crate::model::tokens::segments;
use crate::view;

pub use category::{Category, CategoryError, FEWEST, HeldOut, MOST};
pub use examples::{Examples, ExamplesError};
pub use incident::{Incident, MOST_SAMPLES};
pub use named::{NamedCategory, NamedCategoryError, is_name};
pub use terms::{LISTS, Terms};

/// The harms, in the order of everything that has four.
pub const HARMS: [&str; 4] = ["hate", "sexual", "violence", "self_harm"];
/// Least probability of harm at which a text has a severity of more than 1.
const LIKELY: f32 = 0.5;
/// Highest severity.
pub const HIGHEST: usize = 7;
/// Signals of one harm: three levels of windows, the counts of its terms and of neutral ones, and the most of the other
/// harms.
pub const SIGNALS: usize = 6;
/// Logits are kept between this and its opposite.
const BOUND: f32 = 10.0;
/// Windows, in sentences.
const SENTENCE: usize = 1;
const PARAGRAPH: usize = 4;

/// What is said about one harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Harm {
    /// How likely the text is harmful in this way, from 0 to 1.
    pub probability: f32,
    /// From 0 to 7, as Azure AI Content Safety grades text.
    pub severity: u8,
}

impl Harm {
    /// The severity in four levels: 0, 2, 4, 6.
    pub fn four_levels(&self) -> u8 {
        self.severity / 2 * 2
    }
}

/// What is said about a text, by harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Harms {
    /// Attacks on people for what they are.
    pub hate: Harm,
    /// Sexual content.
    pub sexual: Harm,
    /// Violence and threats.
    pub violence: Harm,
    /// Harm to oneself.
    pub self_harm: Harm,
}

impl Harms {
    /// In the order of [`HARMS`].
    pub fn all(&self) -> [Harm; 4] {
        [self.hate, self.sexual, self.violence, self.self_harm]
    }

    /// How likely the text is harmful in any way: one less the product of the chances that it is not.
    pub fn any(&self) -> f32 {
        1.0 - self.all().iter().map(|harm| 1.0 - harm.probability).product::<f32>()
    }
}

/// What was trained for one harm.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Signals to a logit.
    pub dense: Dense,
    /// A logit to a probability.
    pub platt: Platt,
    /// The least logit of the severities 1 to 7; they do not fall.
    pub severities: [f32; HIGHEST],
}

/// The harm model.
#[derive(Clone, Debug)]
pub struct Model {
    /// N-gram weights, a head for each harm.
    pub linear: Linear<4>,
    /// One for each harm.
    pub heads: Vec<Head>,
}

impl Model {
    /// Judges a text.
    pub fn judge(&self, terms: &Terms, text: &str) -> Harms {
        let plain = view::plain(text);
        let signals = signals(&self.linear, terms, plain.text());
        let mut harms = self.heads.iter().zip(&signals).map(|(head, signals)| head.judge(signals));
        let mut next = || harms.next().unwrap_or_default();
        Harms { hate: next(), sexual: next(), violence: next(), self_harm: next() }
    }

    /// Writes the model.
    pub fn write(&self, writer: &mut Writer) {
        writer.linear(&self.linear);
        for head in &self.heads {
            writer.dense(&head.dense);
            writer.platt(&head.platt);
            writer.fractions(&head.severities);
        }
    }

    /// Reads a model.
    pub fn read(reader: &mut Reader<'_>) -> Result<Model, WeightsError> {
        let linear = reader.linear()?;
        let heads = HARMS.iter().map(|_| Head::read(reader)).collect::<Result<_, _>>()?;
        Ok(Model { linear, heads })
    }
}

impl Head {
    fn judge(&self, signals: &[f32]) -> Harm {
        let logit = self.dense.logit(signals);
        let probability = self.platt.probability(logit);
        let reached = self.severities.iter().take_while(|least| logit >= **least).count();
        // The graded texts are harmful far more often than what people write: of a text that is probably harmless, they
        // would have a grade of the middle said.
        let severity = if probability < LIKELY { reached.min(1) } else { reached };
        Harm { probability, severity: u8::try_from(severity).unwrap_or(7) }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Head, WeightsError> {
        let (dense, platt) = (reader.dense(SIGNALS)?, reader.platt()?);
        let severities = reader.fractions()?.try_into().map_err(|_| WeightsError::Content(0))?;
        Ok(Head { dense, platt, severities })
    }
}

/// The signals of a normalised text, by harm.
pub fn signals(linear: &Linear<4>, terms: &Terms, text: &str) -> [[f32; SIGNALS]; 4] {
    let profile = linear.profile(text);
    let ends = segments(text, profile.places());
    let whole = profile.logits(0, profile.len()).map(|logit| logit.clamp(-BOUND, BOUND));
    let [sentence, paragraph] = [SENTENCE, PARAGRAPH].map(|count| most(&profile, &runs(&ends, count)));
    let [counts @ .., neutral] = terms.count(text);
    let mut signals = [[0.0; SIGNALS]; 4];
    for (harm, place) in signals.iter_mut().enumerate() {
        let of = |levels: &[f32; 4]| levels.get(harm).copied().unwrap_or_default();
        let others = whole.iter().enumerate().filter(|(other, _)| *other != harm);
        let other = others.map(|(_, logit)| *logit).fold(-BOUND, f32::max);
        *place = [of(&whole), of(&sentence), of(&paragraph), of(&counts), neutral, other];
    }
    signals
}

/// The largest logit of each harm over some windows.
fn most(profile: &Profile<4>, windows: &[(usize, usize)]) -> [f32; 4] {
    let mut most = [-BOUND; 4];
    for (start, end) in windows {
        for (best, logit) in most.iter_mut().zip(profile.logits(*start, *end)) {
            *best = best.max(logit.min(BOUND));
        }
    }
    most
}
