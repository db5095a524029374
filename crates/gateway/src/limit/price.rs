//! Prices as data.

use std::sync::Arc;

use castellan_base::{Limits as Bounds, Sources, yaml};
use serde::Deserialize;

use super::Usage;

/// Parts of a US dollar in which cost is counted: millionths of a millionth, so that a token of the cheapest model is a
/// whole number.
pub(super) const PICO: f64 = 1e12;

/// Largest file of prices, in bytes.
const LARGEST: u64 = 8 << 20;

/// The built-in prices.
const BUILT_IN: &str = include_str!("../../../../content/gate/prices.yaml");

/// Prices of models.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    entries: Vec<Entry>,
}

/// The price of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// US dollars for a million tokens of a prompt.
    pub input: f64,
    /// The same where they come from a cache; the same as others when not given.
    pub cached: f64,
    /// US dollars for a million tokens of an answer.
    pub output: f64,
    /// As of when, `2026-11-22`.
    pub as_of: Arc<str>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// In lower case.
    pattern: String,
    price: Price,
}

/// Prices that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the prices cannot be used: {0}")]
pub struct PriceError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    as_of: String,
    #[serde(rename = "source")]
    _source: String,
    models: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    model: String,
    input: f64,
    #[serde(default)]
    cached: Option<f64>,
    #[serde(default)]
    output: f64,
    #[serde(default)]
    as_of: Option<String>,
    #[serde(default, rename = "source")]
    _source: Option<String>,
}

impl Prices {
    /// Reads prices from YAML; `content/gate/prices.yaml` shows the form.
    ///
    /// # Errors
    /// When the text is no YAML, has unknown fields, or a price is no number from 0 to 1,000,000.
    pub fn read(text: &str) -> Result<Prices, PriceError> {
        let mut sources = Sources::default();
        let source = sources.add("prices", text);
        let bounds = Bounds { bytes: LARGEST, depth: 8, values: 200_000 };
        let node = yaml::parse(text, source, &bounds).map_err(|problem| {
            let place = sources.locate(problem.span).map(|place| format!("{place}: ")).unwrap_or_default();
            PriceError(format!("{place}{}", problem.message))
        })?;
        let document: Document =
            serde_json::from_value(node.to_json()).map_err(|problem| PriceError(problem.to_string()))?;
        let mut entries = Vec::new();
        for line in document.models {
            let cached = line.cached.unwrap_or(line.input);
            if [line.input, cached, line.output].iter().any(|price| !(0.0..=1e6).contains(price)) {
                return Err(PriceError(format!("`{}` has a price that is none", line.model)));
            }
            let as_of = line.as_of.unwrap_or_else(|| document.as_of.clone()).into();
            let price = Price { input: line.input, cached, output: line.output, as_of };
            entries.push(Entry { pattern: line.model.to_ascii_lowercase(), price });
        }
        Ok(Prices { entries })
    }

    /// The prices that came with the program.
    ///
    /// # Errors
    /// Never, as a test shows; the content is compiled in.
    pub fn built_in() -> Result<Prices, PriceError> {
        Prices::read(BUILT_IN)
    }

    /// Puts these before those: the first that matches is the price.
    #[must_use]
    pub fn before(mut self, others: Prices) -> Prices {
        self.entries.extend(others.entries);
        self
    }

    /// The price of a model; `None` is unknown, which is not nothing.
    #[must_use]
    pub fn of(&self, model: &str) -> Option<&Price> {
        let model = model.to_ascii_lowercase();
        self.entries.iter().find(|entry| matches_lower(&entry.pattern, &model)).map(|entry| &entry.price)
    }
}

impl Price {
    /// What a usage costs, in millionths of a millionth of a US dollar, rounded up.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub fn cost(&self, usage: &Usage) -> u64 {
        let cached = usage.cached.min(usage.input);
        let each = |tokens: u64, price: f64| tokens as f64 * (price * (PICO / 1e6)).round();
        let sum = each(usage.input - cached, self.input)
            + each(cached, self.cached)
            + each(usage.output, self.output);
        // A cast of a float saturates.
        sum.ceil() as u64
    }
}

/// Whether a text is of a pattern, in which `*` stands for any text. Upper and lower case are the same.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    matches_lower(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

fn matches_lower(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

/// US dollars as they are counted.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Checked to be neither below 0 nor too many.
pub(crate) fn pico(dollars: f64) -> u64 {
    if dollars.is_finite() && dollars > 0.0 { (dollars.min(1e6) * PICO).round() as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }

    #[test]
    fn patterns() {
        check("gpt-5", "GPT-5", true);
        check("gpt-5", "gpt-5-mini", false);
        check("gpt-5*", "gpt-5-mini", true);
        check("*sonnet*", "anthropic.claude-sonnet-4", true);
        check("a*b*c", "abbc", true);
        check("a*b*c", "acb", false);
        check("ab*ba", "aba", false);
        check("*", "", true);
        check("", "", true);
        check("", "a", false);
    }

    #[test]
    fn built_in_prices_are_read_and_used() {
        let prices = Prices::built_in().unwrap();
        let price = prices.of("gpt-4o-mini-2024-07-18").unwrap();
        let usage = Usage { input: 1_000_000, cached: 500_000, output: 1_000_000 };
        // 0.5 M at 0.15, 0.5 M at 0.075, 1 M at 0.60.
        assert_eq!(price.cost(&usage), 712_500_000_000);
        assert_eq!(prices.of("a-model-nobody-knows"), None);
    }

    #[test]
    fn what_is_no_price_is_refused() {
        assert!(Prices::read("as_of: a\nsource: b\nmodels: [{ model: x, input: -1 }]").is_err());
        assert!(Prices::read("as_of: a\nsource: b\nmodels: [{ model: x, input: .nan }]").is_err());
        assert!(Prices::read("models: []").is_err());
    }
}
