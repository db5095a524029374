//! The classifier.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use castellan_base::System;
use castellan_shield::second::{Classifier, Fault};

use crate::EncoderError;
use crate::config::{self, Config};
use crate::graph::Graph;
use crate::labels;
use crate::plan::Plan;
use crate::tokens::{Tokens, Window};
use crate::turns::Turns;

/// Largest model, in bytes.
const LARGEST_MODEL: u64 = 1 << 30;
/// Largest vocabulary, in bytes.
const LARGEST_TOKENIZER: u64 = 64 << 20;
/// Largest configuration, in bytes.
const LARGEST_CONFIG: u64 = 1 << 20;
/// Most tokens of a window, whatever a model could take: time grows with the square.
const LONGEST_WINDOW: usize = 512;
/// Fewest tokens of a window.
const SHORTEST_WINDOW: usize = 8;
/// Tokens of the windows of short texts, which are what is asked most.
const SHORT: usize = 128;
/// How often a model that is slow may try again when it is opened: the machine may have been busy.
const TRIES: usize = 3;

/// What is asked of a model beyond its files.
#[derive(Clone, Debug)]
pub struct Options {
    /// Labels that mean an attack; guessed from their names where there are none.
    pub attack_labels: Vec<String>,
    /// Most windows of one text.
    pub windows: usize,
    /// How long one window may take when the model is opened.
    pub time: Duration,
}

impl Default for Options {
    /// 64 windows - some 90,000 characters of English - and two seconds.
    fn default() -> Options {
        Options { attack_labels: Vec::new(), windows: 64, time: Duration::from_secs(2) }
    }
}

/// A model with its tokeniser, ready to judge texts on any number of threads.
pub struct Encoder {
    tokens: Tokens,
    /// By length, the shortest first.
    plans: Vec<Plan>,
    config: Config,
    attacks: Vec<usize>,
    turns: Turns,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths: Vec<usize> = self.plans.iter().map(|plan| plan.length).collect();
        formatter
            .debug_struct("Encoder")
            .field("labels", &self.config.labels)
            .field("attacks", &self.attacks)
            .field("lengths", &lengths)
            .finish_non_exhaustive()
    }
}

impl Encoder {
    /// Opens a folder with `model.onnx` (or `onnx/model.onnx`), `tokenizer.json`, `config.json` and, where it is there,
    /// `tokenizer_config.json`, and judges a word by it.
    ///
    /// # Errors
    /// What of it is missing or cannot be used.
    pub fn open(system: &dyn System, folder: &Path, options: &Options) -> Result<Encoder, EncoderError> {
        let file = |name: &str, limit: u64| {
            let path = folder.join(name);
            let fault = |error: std::io::Error| EncoderError::File {
                path: path.display().to_string(),
                why: error.to_string(),
            };
            system.read(&path, limit).map_err(fault)
        };
        let content = |name: &str, why: String| EncoderError::Content {
            path: folder.join(name).display().to_string(),
            why,
        };
        let beside = "tokenizer_config.json";
        let tokenizer_config =
            system.exists(&folder.join(beside)).then(|| file(beside, LARGEST_CONFIG)).transpose()?;
        let config = config::read(&file("config.json", LARGEST_CONFIG)?, tokenizer_config.as_deref())
            .map_err(|why| content("config.json", why))?;
        let attacks = labels::attacks(&config.labels, &options.attack_labels)?;
        let tokenizer = file("tokenizer.json", LARGEST_TOKENIZER)?;
        let nested = "onnx/model.onnx";
        let is_nested = !system.exists(&folder.join("model.onnx")) && system.exists(&folder.join(nested));
        let name = if is_nested { nested } else { "model.onnx" };
        let graph = Graph::read(&file(name, LARGEST_MODEL)?).map_err(|why| content(name, why))?;
        let length = length(&config, graph.fixed).map_err(|why| content("config.json", why))?;
        let tokens = Tokens::read(&tokenizer, length, options.windows.max(1))
            .map_err(|why| content("tokenizer.json", why))?;
        let lengths = match graph.fixed {
            Some(fixed) => vec![fixed],
            None if length > SHORT => vec![SHORT, length],
            None => vec![length],
        };
        let plan = |length: usize| Plan::new(&graph.model, &graph.inputs, length);
        let plans =
            lengths.into_iter().map(plan).collect::<Result<_, _>>().map_err(|why| content(name, why))?;
        let turns = Turns::new(std::thread::available_parallelism().map_or(1, usize::from));
        let encoder = Encoder { tokens, plans, config, attacks, turns };
        encoder.try_out(options.time).map_err(|fault| match fault {
            Tried::Slow(took) => {
                EncoderError::Slow { took: took.as_millis(), limit: options.time.as_millis() }
            }
            Tried::Fault(fault) => content(name, fault.to_string()),
        })?;
        Ok(encoder)
    }

    /// Which labels mean an attack.
    pub fn attack_labels(&self) -> Vec<&str> {
        self.attacks.iter().filter_map(|number| self.config.labels.get(*number)).map(String::as_str).collect()
    }

    /// Judges a text in each length, so that what cannot be run is known before it is needed.
    fn try_out(&self, time: Duration) -> Result<(), Tried> {
        let window = self.tokens.windows("hello").map_err(Tried::Fault)?.into_iter().next();
        let window = window.ok_or_else(|| Tried::Fault(Fault::Failed("it makes no tokens".to_owned())))?;
        for plan in &self.plans {
            let mut least = Duration::MAX;
            for _ in 0..TRIES {
                let begun = Instant::now();
                self.judged(plan, &window).map_err(Tried::Fault)?;
                least = least.min(begun.elapsed());
                if least <= time {
                    break;
                }
            }
            if least > time {
                return Err(Tried::Slow(least));
            }
        }
        Ok(())
    }

    fn judge(&self, window: &Window) -> Result<f32, Fault> {
        let fits = self.plans.iter().find(|plan| plan.length >= window.ids.len());
        let plan = fits.ok_or_else(|| Fault::Failed("a window is longer than the model takes".to_owned()))?;
        self.judged(plan, window)
    }

    fn judged(&self, plan: &Plan, window: &Window) -> Result<f32, Fault> {
        let logits = plan.run(window, self.config.pad)?;
        if logits.len() != self.config.labels.len() {
            let (made, named) = (logits.len(), self.config.labels.len());
            return Err(Fault::Failed(format!(
                "the model has {made} classes, its configuration names {named}"
            )));
        }
        Ok(probability(&logits, &self.attacks, self.config.is_multiple))
    }
}

/// Why a model that was read does not serve.
enum Tried {
    Slow(Duration),
    Fault(Fault),
}

impl Classifier for Encoder {
    fn probability(&self, text: &str, time: Duration) -> Result<f32, Fault> {
        let begun = Instant::now();
        let mut highest = 0.0_f32;
        let _turn = self.turns.take(time).ok_or(Fault::Time)?;
        for window in self.tokens.windows(text)? {
            // What runs is not interrupted: the last window may end late.
            if begun.elapsed() >= time {
                return Err(Fault::Time);
            }
            highest = highest.max(self.judge(&window)?);
        }
        Ok(highest)
    }
}

/// Most tokens of a window.
fn length(config: &Config, fixed: Option<usize>) -> Result<usize, String> {
    let length = match (fixed, config.length) {
        (Some(fixed), known) => fixed.min(known.unwrap_or(fixed)),
        (None, Some(known)) => known.min(LONGEST_WINDOW),
        (None, None) => {
            return Err(
                "it has no `max_position_embeddings`, so it is not known how long a text may be".to_owned()
            );
        }
    };
    let is_usable = length >= SHORTEST_WINDOW && fixed.unwrap_or(length) <= 4 * LONGEST_WINDOW;
    is_usable.then_some(length).ok_or_else(|| format!("windows of {length} tokens cannot be used"))
}

/// The probability that one of the classes of attacks holds.
fn probability(logits: &[f32], attacks: &[usize], is_multiple: bool) -> f32 {
    let of = |values: &[f32]| -> Vec<f32> {
        attacks.iter().filter_map(|number| values.get(*number)).copied().collect()
    };
    if is_multiple || logits.len() == 1 {
        return of(logits).into_iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).fold(0.0, f32::max);
    }
    let most = logits.iter().copied().fold(f32::MIN, f32::max);
    let scaled: Vec<f32> = logits.iter().map(|logit| (logit - most).exp()).collect();
    (of(&scaled).iter().sum::<f32>() / scaled.iter().sum::<f32>()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_those_of_all_classes_of_attacks() {
        let near = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        near(probability(&[0.0, 0.0], &[1], false), 0.5);
        near(probability(&[0.0, 0.0, 0.0], &[1, 2], false), 2.0 / 3.0);
        near(probability(&[0.0], &[0], false), 0.5);
        near(probability(&[2.0, 0.0, -9.0], &[1, 2], true), 0.5);
        near(probability(&[-900.0, 900.0], &[1], false), 1.0);
    }
}
