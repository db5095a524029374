//! What a configuration says of a second tier.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use castellan_base::System;
use castellan_shield::second::{Grey, Second};
use serde::Deserialize;

use crate::{Encoder, EncoderError, Options};

/// A model of the user's own, and when it is asked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The folder with `model.onnx`, `tokenizer.json` and `config.json`.
    pub model: PathBuf,
    /// In which band of probabilities of the first tier it is asked, as `0.2..0.9`. Around the operating point unless it is said.
    #[serde(default)]
    pub grey: Grey,
    /// Labels that mean an attack. By their names where there are none.
    #[serde(default)]
    pub attack_labels: Vec<String>,
    /// The least probability of its own that is an attack: 0.5.
    #[serde(default = "half")]
    pub least: f32,
    /// How long it may take for all of one text, in milliseconds: 2,000.
    #[serde(default = "two_seconds")]
    pub time_ms: u64,
    /// How long it may take for all texts of one request, in milliseconds: 10,000.
    #[serde(default = "ten_seconds")]
    pub request_ms: u64,
}

fn half() -> f32 {
    0.5
}

fn two_seconds() -> u64 {
    2_000
}

fn ten_seconds() -> u64 {
    10_000
}

impl Setting {
    /// A model with what is usual.
    pub fn new(model: impl Into<PathBuf>) -> Setting {
        Setting {
            model: model.into(),
            grey: Grey::default(),
            attack_labels: Vec::new(),
            least: half(),
            time_ms: two_seconds(),
            request_ms: ten_seconds(),
        }
    }

    /// Opens the model.
    ///
    /// # Errors
    /// What of it is missing or cannot be used.
    pub fn second(&self, system: &dyn System) -> Result<Second, EncoderError> {
        // Everything grey would be an attack, or nothing; a percentage is taken for a probability easily.
        if !(self.least > 0.0 && self.least <= 1.0) {
            let why = format!("`least` is {}; it is a probability above 0 and at most 1", self.least);
            return Err(EncoderError::Setting { why });
        }
        let time = Duration::from_millis(self.time_ms);
        let together = Duration::from_millis(self.request_ms);
        let options = Options { attack_labels: self.attack_labels.clone(), time, ..Options::default() };
        let encoder = Encoder::open(system, &self.model, &options)?;
        Ok(Second::new(Arc::new(encoder)).grey(self.grey).least(self.least).time(time).together(together))
    }
}
