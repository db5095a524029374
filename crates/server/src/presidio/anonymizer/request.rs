//! What is asked.

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::Refusal;

#[derive(Deserialize)]
pub(in crate::presidio) struct Anonymize {
    pub(super) text: Option<String>,
    pub(super) analyzer_results: Option<Vec<Place>>,
    pub(super) anonymizers: Option<Map<String, Value>>,
}

impl Anonymize {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_none() && self.analyzer_results.is_none() && self.anonymizers.is_none()
    }
}

#[derive(Deserialize)]
pub(in crate::presidio) struct Deanonymize {
    pub(super) text: Option<String>,
    pub(super) anonymizer_results: Option<Vec<Place>>,
    pub(super) deanonymizers: Option<Map<String, Value>>,
}

impl Deanonymize {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_none() && self.anonymizer_results.is_none() && self.deanonymizers.is_none()
    }
}

/// A result of the analyzer or an item of the anonymizer, as it was sent.
#[derive(Deserialize)]
pub(super) struct Place {
    start: Option<i64>,
    end: Option<i64>,
    entity_type: Option<String>,
    score: Option<Number>,
}

/// A stretch of the text, in code points, and what it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) entity: String,
    pub(super) score: Option<Number>,
}

impl Span {
    /// The score as a number to compare; nothing is less than any.
    pub(super) fn weight(&self) -> f64 {
        self.score.as_ref().and_then(Number::as_f64).unwrap_or(f64::NEG_INFINITY)
    }
}

impl Place {
    /// The stretch, which has a score.
    pub(super) fn scored(self) -> Result<Span, Refusal> {
        let span = self.span()?;
        if span.score.is_none() {
            return Err(Refusal::invalid("Invalid input, analyzer result must contain score"));
        }
        Ok(span)
    }

    pub(super) fn span(self) -> Result<Span, Refusal> {
        let lacks = |name: &str| Refusal::invalid(format!("Invalid input, result must contain {name}"));
        let start = self.start.ok_or_else(|| lacks("start"))?;
        let end = self.end.ok_or_else(|| lacks("end"))?;
        let entity = self.entity_type.filter(|name| !name.is_empty()).ok_or_else(|| lacks("entity_type"))?;
        if start > end {
            let message = format!("the result ends at {end}, before it starts at {start}");
            return Err(Refusal::invalid(message));
        }
        let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else {
            return Err(Refusal::invalid("Invalid input, result start and end must be positive"));
        };
        Ok(Span { start, end, entity, score: self.score })
    }
}
