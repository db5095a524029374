//! Asking the second tier about the forms of one text.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Allowance, Fault, Second};

/// What a second tier was asked about a text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Asked {
    /// How many forms of the text were in the grey band and asked about.
    pub forms: usize,
    /// The highest probability that it gave; `None` when it gave none.
    pub probability: Option<f32>,
    /// Why it could not say anything about a form; the first tier's answer stands for that one.
    pub failed: Option<String>,
}

/// What was decided about one form of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    pub(crate) detected: bool,
    pub(crate) probability: f32,
    pub(crate) is_second: bool,
}

/// A second tier while one text is judged.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    second: &'a Second,
    allowance: Option<&'a Allowance>,
    spent: Duration,
    asked: Asked,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(second: &'a Second) -> Asking<'a> {
        Asking { second, allowance: None, spent: Duration::ZERO, asked: Asked::default() }
    }

    /// Within the time for several texts.
    pub(crate) fn within(self, allowance: &'a Allowance) -> Asking<'a> {
        Asking { allowance: Some(allowance), ..self }
    }

    /// What holds for a form: the answer of the second tier where the first one's is grey and the second has one.
    pub(crate) fn decide(&mut self, first: Decision, point: f32, text: &str) -> Decision {
        if !self.second.grey.holds(first.probability, point) {
            return first;
        }
        self.asked.forms += 1;
        match self.ask(text) {
            Ok(probability) => {
                let highest = self.asked.probability.unwrap_or(0.0).max(probability);
                self.asked.probability = Some(highest);
                Decision { detected: probability >= self.second.least, probability, is_second: true }
            }
            Err(fault) => {
                self.asked.failed.get_or_insert(fault.to_string());
                first
            }
        }
    }

    fn ask(&mut self, text: &str) -> Result<f32, Fault> {
        let own = self.second.time.saturating_sub(self.spent);
        let left = self.allowance.map_or(own, |allowance| allowance.left().min(own));
        if left.is_zero() {
            return Err(Fault::Time);
        }
        let begun = Instant::now();
        let said = self.second.classifier.probability(text, left);
        let spent = begun.elapsed();
        self.spent += spent;
        if let Some(allowance) = self.allowance {
            allowance.spend(spent);
        }
        let probability = said?;
        // An answer that comes late counts: it is there, and it is what was asked for.
        if (0.0..=1.0).contains(&probability) {
            Ok(probability)
        } else {
            Err(Fault::Failed(format!("`{probability}` is no probability")))
        }
    }

    /// What was asked; nothing where all was clear.
    pub(crate) fn finish(self) -> Option<Asked> {
        (self.asked.forms > 0).then_some(self.asked)
    }
}
