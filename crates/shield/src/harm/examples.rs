//! Examples to train a category from: JSON lines as Azure's custom categories take them.

use serde::{Deserialize, Serialize};

use super::category::MOST;

/// Texts that belong to a category, and texts that do not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examples {
    /// Those that belong to it.
    pub positive: Vec<String>,
    /// Those that do not.
    pub negative: Vec<String>,
}

/// Why examples were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ExamplesError {
    line: usize,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    text: String,
    is_positive: bool,
}

impl Examples {
    /// Reads lines `{"text", "isPositive"}`; empty ones are passed over. One that is wrong refuses all of them: a category
    /// that is trained from some of its examples would not be the one that was meant.
    ///
    /// # Errors
    /// The first line that is wrong, or one too many.
    pub fn read(lines: &str) -> Result<Examples, ExamplesError> {
        let mut examples = Examples::default();
        for (line, text) in (1..).zip(lines.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let fault = |reason: String| ExamplesError { line, reason };
            let read: Line = serde_json::from_str(text).map_err(|error| {
                fault(format!("{error}; write {{\"text\": \"...\", \"isPositive\": true}}"))
            })?;
            if read.text.trim().is_empty() {
                return Err(fault("`text` is empty".to_owned()));
            }
            if examples.positive.len() + examples.negative.len() >= MOST {
                return Err(fault(format!("a category takes at most {MOST} examples")));
            }
            examples.add(read.text, read.is_positive);
        }
        Ok(examples)
    }

    /// Adds an example.
    pub fn add(&mut self, text: String, is_positive: bool) {
        let side = if is_positive { &mut self.positive } else { &mut self.negative };
        side.push(text);
    }
}
