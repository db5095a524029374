//! `/anonymize` and `/deanonymize`: what was found is replaced, and what was encrypted comes back.

mod cipher;
mod conflicts;
mod operators;
mod request;
mod rewrite;

use axum::Json;
use axum::response::{IntoResponse, Response};

use crate::Refusal;
use crate::presidio::characters::Characters;
pub(super) use operators::is_nothing;
use operators::{Direction, Operators};
use request::{Anonymize, Deanonymize};

/// What `/anonymizers` names. `custom` is named and refused, as Presidio's service does: it is code, which no request
/// can carry.
pub(super) const ANONYMIZERS: [&str; 7] = ["custom", "encrypt", "hash", "keep", "mask", "redact", "replace"];

/// What `/deanonymizers` names.
pub(super) const DEANONYMIZERS: [&str; 2] = ["decrypt", "deanonymize_keep"];

pub(super) fn anonymize(asked: Anonymize) -> Result<Response, Refusal> {
    if asked.is_empty() {
        return Err(Refusal::bad("Invalid request json"));
    }
    let operators = Operators::read(asked.anonymizers.unwrap_or_default(), Direction::Anonymize)?;
    let Some(results) = asked.analyzer_results else {
        return Err(Refusal::invalid("Invalid input, request must contain analyzer results"));
    };
    let spans = results.into_iter().map(|result| result.scored()).collect::<Result<Vec<_>, Refusal>>()?;
    let text = asked.text.unwrap_or_default();
    let characters = Characters::new(&text);
    let mut spans = conflicts::resolve(&characters, spans);
    spans.sort_by_key(|span| std::cmp::Reverse((span.start, span.end)));
    Ok(Json(rewrite::rewrite(&characters, &spans, &operators)?).into_response())
}

pub(super) fn deanonymize(asked: Deanonymize) -> Result<Response, Refusal> {
    if asked.is_empty() {
        return Err(Refusal::bad("Invalid request json"));
    }
    let operators = Operators::read(asked.deanonymizers.unwrap_or_default(), Direction::Deanonymize)?;
    let items = asked.anonymizer_results.unwrap_or_default();
    let mut spans = items.into_iter().map(|item| item.span()).collect::<Result<Vec<_>, Refusal>>()?;
    spans.sort_by_key(|span| std::cmp::Reverse(span.start));
    let text = asked.text.unwrap_or_default();
    Ok(Json(rewrite::rewrite(&Characters::new(&text), &spans, &operators)?).into_response())
}
