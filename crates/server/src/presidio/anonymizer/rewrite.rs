//! Puts what the operators make into the text.

use serde::Serialize;
use serde_json::Number;

use crate::Refusal;
use crate::presidio::anonymizer::operators::Operators;
use crate::presidio::anonymizer::request::Span;
use crate::presidio::characters::Characters;

/// Most bytes that all replacements of one request may come to.
const LARGEST: usize = 64 << 20;

/// The new text, and what was put in where.
#[derive(Serialize)]
pub(super) struct Rewritten {
    text: String,
    items: Vec<Item>,
}

/// A replacement and its place in the new text.
#[derive(Serialize)]
struct Item {
    start: usize,
    end: usize,
    entity_type: String,
    text: String,
    operator: String,
    score: Option<Number>,
}

/// Replaces from the end to the beginning, so places before stay what they are. Of stretches that overlap, each is given
/// to its operator as a whole, and what they share is gone from the text once.
pub(super) fn rewrite(
    text: &Characters<'_>,
    spans: &[Span],
    operators: &Operators,
) -> Result<Rewritten, Refusal> {
    let length = text.count();
    let mut items = Vec::with_capacity(spans.len());
    // Pieces of the new text from its end to its beginning: what is kept, and what items replace.
    let mut kept: Vec<&str> = Vec::with_capacity(spans.len() + 1);
    let (mut last, mut behind, mut bytes) = (length, 0, 0);
    for span in spans {
        if span.start > length || span.end > length {
            return Err(beyond(span, length));
        }
        let (operator, made) = operators.operate(&span.entity, text.between(span.start, span.end))?;
        bytes += made.len();
        if bytes > LARGEST {
            let message = format!("the replacements come to more than {LARGEST} bytes; send less at once");
            return Err(Refusal::invalid(message));
        }
        let end = span.end.min(last);
        kept.push(text.between(end, last));
        behind += last - end + made.chars().count();
        last = span.start;
        items.push(Item {
            // Counted from the end until the length is known.
            start: behind,
            end: made.chars().count(),
            entity_type: span.entity.clone(),
            text: made,
            operator,
            score: span.score.clone(),
        });
    }
    let whole = last + behind;
    let mut new = text.between(0, last).to_owned();
    for (item, after) in items.iter_mut().zip(kept).rev() {
        new.push_str(&item.text);
        new.push_str(after);
        item.start = whole - item.start;
        item.end += item.start;
    }
    Ok(Rewritten { text: new, items })
}

fn beyond(span: &Span, length: usize) -> Refusal {
    let (start, end) = (span.start, span.end);
    Refusal::invalid(format!(
        "Invalid analyzer result, start: {start} and end: {end}, while text length is only {length}."
    ))
}
