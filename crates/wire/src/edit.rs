//! Texts put back into a body that stays as it was in every other byte.

use std::ops::Range;

use crate::json::{self, Bounds, Tree, quoted};
use crate::passage::{Passage, Place, PlaceKind, Reading};

/// A change of a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes of the passage's text that go.
    pub range: Range<usize>,
    /// What comes instead.
    pub replacement: String,
}

/// Why a text cannot be changed where it stands. The body must not pass then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Names of members carry meaning for programs.
    #[error("what has to go stands in the name of a member")]
    Name,
    /// JSON inside of a string would be none any more.
    #[error("what has to go stands in JSON inside of a string, which would be broken without it")]
    Broken,
    /// A change is not of this body.
    #[error("a change is not of this body")]
    Foreign,
}

/// What happens to one place of a body.
pub(crate) struct Change {
    pub(crate) span: Range<usize>,
    pub(crate) text: String,
}

/// The body with changes: those of the passage at each place of `edits`. Where anything changes, `logprobs` go, since they
/// repeat the answer.
///
/// # Errors
/// Where a text cannot be changed; nothing is changed then.
pub fn rewrite(tree: &Tree<'_>, reading: &Reading, edits: &[Vec<Edit>]) -> Result<Vec<u8>, EditError> {
    rewrite_with(tree, reading, edits, false)
}

/// As [`rewrite`]; `logprobs` go in any case where `is_silent`, as in an event of a stream of which others change.
///
/// # Errors
/// Where a text cannot be changed; nothing is changed then.
pub fn rewrite_with(
    tree: &Tree<'_>,
    reading: &Reading,
    edits: &[Vec<Edit>],
    is_silent: bool,
) -> Result<Vec<u8>, EditError> {
    let body = tree.bytes();
    let mut places: Vec<(&Place, Vec<Edit>)> = Vec::new();
    for (passage, edits) in reading.passages.iter().zip(edits) {
        places.extend(by_segment(passage, edits));
    }
    places.retain(|(_, edits)| !edits.is_empty());
    let mut changes = Vec::new();
    places.sort_by_key(|(place, _)| place.span.start);
    for group in places.chunk_by(|(one, _), (other, _)| one.span == other.span) {
        changes.push(change(body, group)?);
    }
    if !changes.is_empty() || is_silent {
        let empty = |span: &Range<usize>| if body.get(span.start) == Some(&b'[') { "[]" } else { "null" };
        changes.extend(
            reading.logprobs.iter().map(|span| Change { span: span.clone(), text: empty(span).to_owned() }),
        );
    }
    changes.sort_by_key(|change| change.span.start);
    spliced(body, &changes)
}

/// Changes of a passage as changes of its strings: what replaces goes into the first string that it touches.
fn by_segment<'p>(passage: &'p Passage, edits: &[Edit]) -> Vec<(&'p Place, Vec<Edit>)> {
    let mut told = vec![false; edits.len()];
    let segments = passage.segments.iter().map(|segment| {
        let mut own = Vec::new();
        for (edit, told) in edits.iter().zip(told.iter_mut()) {
            let start = edit.range.start.max(segment.range.start);
            let end = edit.range.end.min(segment.range.end);
            if start < end {
                let replacement = if *told { String::new() } else { edit.replacement.clone() };
                *told = true;
                let base = segment.range.start;
                own.push(Edit { range: start - base..end - base, replacement });
            }
        }
        (&segment.place, own)
    });
    segments.collect()
}

/// All changes of one string of the body.
fn change(body: &[u8], group: &[(&Place, Vec<Edit>)]) -> Result<Change, EditError> {
    let Some((first, _)) = group.first() else { return Err(EditError::Foreign) };
    let raw = body.get(first.span.clone()).ok_or(EditError::Foreign)?;
    if first.kind == PlaceKind::Name {
        return Err(EditError::Name);
    }
    let outer = match first.kind {
        PlaceKind::Number => String::from_utf8_lossy(raw).into_owned(),
        _ => said(raw)?,
    };
    let mut edits = Vec::new();
    for (place, own) in group {
        match &place.within {
            None => edits.extend(own.iter().cloned()),
            Some(inner) => {
                let raw = outer.as_bytes().get(inner.clone()).ok_or(EditError::Foreign)?;
                let text = applied(&said(raw)?, own.clone())?;
                edits.push(Edit { range: inner.clone(), replacement: quoted(&text) });
            }
        }
    }
    let text = applied(&outer, edits)?;
    let is_json = |text: &str| text.trim_start().starts_with(['{', '[']) && read(text).is_some();
    if first.kind == PlaceKind::Text && is_json(&outer) && !is_json(&text) {
        return Err(EditError::Broken);
    }
    Ok(Change { span: first.span.clone(), text: quoted(&text) })
}

fn read(text: &str) -> Option<()> {
    Tree::read(text.as_bytes(), &Bounds::default()).ok().map(drop)
}

fn said(raw: &[u8]) -> Result<String, EditError> {
    let tree = Tree::read(raw, &Bounds::default()).map_err(|_| EditError::Foreign)?;
    tree.root().text().map(std::borrow::Cow::into_owned).ok_or(EditError::Foreign)
}

/// A text after its changes. Of changes that overlap, the first one's replacement stands for all.
pub fn applied(text: &str, mut edits: Vec<Edit>) -> Result<String, EditError> {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        if edit.range.start >= at {
            out.push_str(text.get(at..edit.range.start).ok_or(EditError::Foreign)?);
            out.push_str(&edit.replacement);
        }
        at = at.max(edit.range.end);
    }
    out.push_str(text.get(at..).ok_or(EditError::Foreign)?);
    Ok(out)
}

/// The body with changes, which are in order and do not overlap.
pub(crate) fn spliced(body: &[u8], changes: &[Change]) -> Result<Vec<u8>, EditError> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    for change in changes {
        out.extend_from_slice(body.get(at..change.span.start).ok_or(EditError::Foreign)?);
        out.extend_from_slice(change.text.as_bytes());
        at = change.span.end;
    }
    out.extend_from_slice(body.get(at..).ok_or(EditError::Foreign)?);
    Ok(out)
}

/// The body with a member added at the end of the record that ends there. `member` is `"name":value`.
///
/// # Errors
/// When the span is no record of the body.
pub fn with_member(body: &[u8], record: Range<usize>, member: &str) -> Result<Vec<u8>, EditError> {
    let raw = body.get(record.clone()).ok_or(EditError::Foreign)?;
    let tree = Tree::read(raw, &Bounds::default()).map_err(|_| EditError::Foreign)?;
    if tree.root().kind() != json::Kind::Record {
        return Err(EditError::Foreign);
    }
    let comma = if tree.root().items().next().is_some() { "," } else { "" };
    let close = record.end - 1;
    spliced(body, &[Change { span: close..close, text: format!("{comma}{member}") }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Api, Direction, passages};

    fn check(body: &str, old: &str, new: &str, expected: Result<&str, EditError>) {
        let tree = Tree::read(body.as_bytes(), &Bounds::default()).unwrap();
        let reading = passages(&tree, Api::Chat, Direction::Request);
        let edits: Vec<Vec<Edit>> = reading
            .passages
            .iter()
            .map(|passage| {
                let places = passage.text.match_indices(old);
                places.map(|(at, _)| Edit { range: at..at + old.len(), replacement: new.into() }).collect()
            })
            .collect();
        let got = rewrite(&tree, &reading, &edits).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(got.as_deref(), expected.as_deref(), "{body}");
    }

    #[test]
    fn one_text_changes_and_nothing_else() {
        check(
            r#"{ "model":"m" ,"x\u0041": [1.50], "messages":[{"role":"user","content":"a secret \u0041"}]}"#,
            "secret",
            "<S>",
            Ok(r#"{ "model":"m" ,"x\u0041": [1.50], "messages":[{"role":"user","content":"a <S> A"}]}"#),
        );
    }

    #[test]
    fn a_text_over_two_parts_goes_from_both() {
        check(
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"my sec"},{"type":"text","text":"ret is"}]}]}"#,
            "sec\nret",
            "<S>",
            Ok(
                r#"{"messages":[{"role":"user","content":[{"type":"text","text":"my <S>"},{"type":"text","text":" is"}]}]}"#,
            ),
        );
    }

    #[test]
    fn json_in_a_string_stays_json() {
        let body = r#"{"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"q\":\"a\\nsecret\"}"}}]}]}"#;
        let after = r#"{"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"q\":\"a\\n<S>\"}"}}]}]}"#;
        check(body, "secret", "<S>", Ok(after));
        let number = r#"{"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"q\":4111111}"}}]}]}"#;
        check(number, "4111111", "<N>", Err(EditError::Broken));
    }

    #[test]
    fn names_cannot_be_replaced() {
        check(r#"{"metadata":{"a secret name":"x"}}"#, "secret", "<S>", Err(EditError::Name));
    }

    #[test]
    fn members_are_added_at_the_end() {
        let body = br#"{"choices":[{}], "a":1 }"#;
        let tree = Tree::read(body, &Bounds::default()).unwrap();
        let choice = tree.root().get("choices").unwrap().items().next().unwrap().span();
        assert_eq!(with_member(body, choice, "\"b\":2").unwrap(), br#"{"choices":[{"b":2}], "a":1 }"#);
        assert_eq!(
            with_member(body, tree.root().span(), "\"b\":2").unwrap(),
            br#"{"choices":[{}], "a":1 ,"b":2}"#
        );
    }
}
