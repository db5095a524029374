//! Harmful content: hate, sexual, violence, self-harm, each with a probability and a severity from 0 to 7.
//!
//! A text is as harmful as the worst of its windows: each sentence, each run of up to four sentences, and the whole.
//! One linear model has a head for each harm, over n-grams and over what words stand for (`classes` of
//! `content/shield/terms`); with the terms in a window, and what speaks for other harms, a small combination makes the
//! window's score. The best score counts, less a little where the whole text says otherwise, but no less than a bound
//! allows: harmless text around a harm hides it no further. Severity is read off the same logit by thresholds that were
//! fitted to graded texts. Categories of one's own are trained from a few hundred examples: [`Category`].
//! What is worded like one of a few samples is found without training: [`Incident`].

mod category;
mod classes;
mod examples;
mod incident;
mod named;
mod terms;
pub(crate) mod windows;

use serde::Serialize;

use crate::model::bytes::{Reader, WeightsError, Writer};
use crate::model::calibration::Platt;
use crate::model::dense::Dense;
use crate::model::linear::Linear;
use crate::view;
use windows::{Reading, WINDOW_SIGNALS};

pub use category::{Category, CategoryError, FEWEST, HeldOut, MOST};
pub use examples::{Examples, ExamplesError};
pub use incident::{Incident, MOST_SAMPLES};
pub use named::{NamedCategory, NamedCategoryError, is_name};
pub use terms::{LISTS, Terms};

/// The harms, in the order of everything that has four.
pub const HARMS: [&str; 4] = ["hate", "sexual", "violence", "self_harm"];
/// Highest severity.
pub const HIGHEST: usize = 7;
/// Signals of one harm in a text: the score of its worst window, and how far that of the whole lies below it.
pub const TEXT_SIGNALS: usize = 2;
/// How far below its worst window a whole text is seen to lie, at most, in scores.
pub(crate) const LARGEST_GAP: f32 = 1.0;
/// The most that the whole text takes from the logit of its worst window, at [`LARGEST_GAP`].
///
/// *Invariant (harm is not hidden):* text around a harm lowers its logit no further than this, as long as its worst window
/// stays a window, and its severity by no more than 2. Training keeps the weights so.
pub(crate) const MOST_TAKEN: f32 = 1.0;

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
    /// Signals of a window to its score.
    pub window: Dense,
    /// Signals of a text to a logit.
    pub text: Dense,
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
        let mut scores = [Scores::default(); 4];
        for signals in Reading::new(&self.linear, terms, plain.text()).windows() {
            for ((scores, head), signals) in scores.iter_mut().zip(&self.heads).zip(&signals) {
                scores.take(head.window.logit(signals));
            }
        }
        let mut harms = self.heads.iter().zip(&scores).map(|(head, scores)| head.judge(scores));
        let mut next = || harms.next().unwrap_or_default();
        Harms { hate: next(), sexual: next(), violence: next(), self_harm: next() }
    }

    /// Writes the model.
    pub fn write(&self, writer: &mut Writer) {
        writer.linear(&self.linear);
        for head in &self.heads {
            writer.dense(&head.window);
            writer.dense(&head.text);
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
    fn judge(&self, scores: &Scores) -> Harm {
        let logit = self.text.logit(&scores.signals());
        let severity = self.severities.iter().take_while(|least| logit >= **least).count();
        Harm { probability: self.platt.probability(logit), severity: u8::try_from(severity).unwrap_or(7) }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Head, WeightsError> {
        let (window, text) = (reader.dense(WINDOW_SIGNALS)?, reader.dense(TEXT_SIGNALS)?);
        let platt = reader.platt()?;
        let severities = reader.fractions()?.try_into().map_err(|_| WeightsError::Content(0))?;
        Ok(Head { window, text, platt, severities })
    }
}

/// The scores of the windows of a text, for one harm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scores {
    most: f32,
    last: f32,
}

impl Default for Scores {
    fn default() -> Scores {
        Scores { most: f32::MIN, last: f32::MIN }
    }
}

impl Scores {
    /// Takes the next window in; the last one is the whole text.
    pub(crate) fn take(&mut self, score: f32) {
        self.most = self.most.max(score);
        self.last = score;
    }

    /// The signals of the text.
    pub(crate) fn signals(&self) -> [f32; TEXT_SIGNALS] {
        [self.most, (self.last - self.most).max(-LARGEST_GAP)]
    }
}
