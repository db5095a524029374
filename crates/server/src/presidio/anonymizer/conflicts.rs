//! Which results are left where several overlap, as Presidio settles it when nothing else is asked.
//!
//! 1. Results of one type that overlap become one, with the best score of them.
//! 2. A result within another is dropped; of results for the same stretch the best is left, the later one of equals.
//! 3. Neighbours of one type with nothing but blanks between them become one.
//!
//! Results of different types that overlap in part are both left.

use std::collections::HashMap;

use crate::presidio::anonymizer::request::Span;
use crate::presidio::characters::Characters;

pub(super) fn resolve(text: &Characters<'_>, mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, span.end));
    joined(text, uncontained(merged(spans)))
}

/// Overlapping results of one type as one. The spans are sorted; what was merged stands where its last part stood.
fn merged(spans: Vec<Span>) -> Vec<Span> {
    let mut open: HashMap<String, (usize, Span)> = HashMap::new();
    let mut done: Vec<(usize, Span)> = Vec::new();
    for (position, span) in spans.into_iter().enumerate() {
        match open.get_mut(&span.entity) {
            Some((last, current)) if overlap(current, &span) => {
                *last = position;
                current.end = current.end.max(span.end);
                if span.weight() > current.weight() {
                    current.score = span.score;
                }
            }
            Some(other) => done.push(std::mem::replace(other, (position, span))),
            None => {
                open.insert(span.entity.clone(), (position, span));
            }
        }
    }
    done.extend(open.into_values());
    done.sort_by_key(|(position, _)| *position);
    done.into_iter().map(|(_, span)| span).collect()
}

/// Whether two results share at least one character.
fn overlap(left: &Span, right: &Span) -> bool {
    left.end.min(right.end) > left.start.max(right.start)
}

fn uncontained(spans: Vec<Span>) -> Vec<Span> {
    let mut order: Vec<(usize, &Span)> = spans.iter().enumerate().collect();
    order.sort_by_key(|(_, span)| (span.start, std::cmp::Reverse(span.end)));
    let mut kept = vec![false; spans.len()];
    let mut furthest: Option<usize> = None;
    for group in order.chunk_by(|(_, left), (_, right)| (left.start, left.end) == (right.start, right.end)) {
        let Some((_, first)) = group.first() else { continue };
        if furthest.is_some_and(|end| end >= first.end) {
            continue;
        }
        furthest = Some(first.end);
        let better = |left: &&(usize, &Span), right: &&(usize, &Span)| {
            left.1.weight().total_cmp(&right.1.weight()).then(left.0.cmp(&right.0))
        };
        let best = group.iter().max_by(better).and_then(|(index, _)| kept.get_mut(*index));
        if let Some(flag) = best {
            *flag = true;
        }
    }
    spans.into_iter().zip(kept).filter_map(|(span, keep)| keep.then_some(span)).collect()
}

fn joined(text: &Characters<'_>, spans: Vec<Span>) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for mut span in spans {
        let neighbour = joined
            .last()
            .filter(|last| last.entity == span.entity && is_blank(text.between(last.end, span.start)));
        if let Some(start) = neighbour.map(|last| last.start) {
            span.start = start;
            joined.pop();
        }
        joined.push(span);
    }
    joined
}

/// One blank or more, and perhaps a line end after them: what `^( )+$` matches in Python.
fn is_blank(between: &str) -> bool {
    let blanks = between.strip_suffix('\n').unwrap_or(between);
    !blanks.is_empty() && blanks.bytes().all(|byte| byte == b' ')
}
