//! Texts in another form: each transform as changes, so that every other byte stays as it came.

use std::sync::Arc;

use castellan_mcp::hidden;
use castellan_shield::view;
use castellan_wire::active::{self, Hosts};
use castellan_wire::edit::{Edit, applied};

use super::change::{composed, merged};
use super::profile::Transform;

/// Where a text stands in a longer one of which it is the part that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Characters before it.
    pub(super) before: usize,
    /// Its bytes that were looked at before.
    pub(super) seen: usize,
    /// Whether nothing comes after it.
    pub(super) is_over: bool,
    /// Whether the whole is JSON.
    pub(super) is_json: bool,
}

impl Part {
    /// All of a text.
    pub(super) fn whole(text: &str) -> Part {
        Part { before: 0, seen: 0, is_over: true, is_json: looks_like_json(text) }
    }
}

/// Whether a text begins as JSON does.
pub(super) fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// A transform made ready.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    what: Transform,
    hosts: Hosts,
}

impl Prepared {
    pub(super) fn new(what: &Transform) -> Prepared {
        let hosts = match what {
            Transform::StripActive { hosts, .. } => Hosts::new(hosts),
            _ => Hosts::default(),
        };
        Prepared { what: what.clone(), hosts }
    }

    /// Whether it can be done only once the text is whole.
    pub(super) fn needs_whole(&self) -> bool {
        matches!(self.what, Transform::Normalise)
    }

    /// What it changes, and from where on more may come to be changed.
    fn edits(&self, text: &str, part: Part) -> (Vec<Edit>, Option<usize>) {
        match &self.what {
            Transform::Normalise => (difference(text, view::plain(text).text()), None),
            Transform::StripInvisible => {
                let gone = |hidden: hidden::Hidden| Edit { range: hidden.range, replacement: String::new() };
                (merged(hidden::find(text).into_iter().map(gone).collect()), None)
            }
            Transform::StripActive { bare, .. } => {
                let found = active::find(text, &self.hosts, *bare, part.is_over);
                (found.edits, found.open)
            }
            Transform::Truncate { characters, mark } => (truncated(text, *characters, mark, part), None),
        }
    }
}

/// What transforms make of a text.
#[derive(Debug, Default)]
pub(super) struct Transformed {
    pub(super) edits: Vec<Edit>,
    pub(super) open: Option<usize>,
    /// Which rule's transform changed how many places that were not seen before.
    pub(super) told: Vec<(Arc<str>, &'static str, usize)>,
}

/// Does transforms one after the other.
pub(super) fn transformed(transforms: &[(Arc<str>, Prepared)], text: &str, part: Part) -> Transformed {
    let mut all = Transformed::default();
    let mut current = text.to_owned();
    for (rule, transform) in transforms {
        let (edits, open) = transform.edits(&current, part);
        if let Some(open) = open {
            // A place of what the text has become is no later in the text than what has gone before it.
            let open = if all.edits.is_empty() { open } else { 0 };
            all.open = Some(all.open.map_or(open, |known| known.min(open)));
        }
        if edits.is_empty() {
            continue;
        }
        let new = edits.iter().filter(|edit| edit.range.end > part.seen || part.seen == 0).count();
        if new > 0 {
            all.told.push((Arc::clone(rule), transform.what.as_str(), new));
        }
        current = applied(&current, edits.clone()).unwrap_or_default();
        all.edits = if all.edits.is_empty() { edits } else { composed(&all.edits, &edits) };
    }
    all
}

/// One text made another by one change.
fn difference(text: &str, other: &str) -> Vec<Edit> {
    if text == other {
        return Vec::new();
    }
    let same = |one: &str, two: &str| {
        one.chars().zip(two.chars()).take_while(|(one, two)| one == two).map(|(one, _)| one.len_utf8()).sum()
    };
    let front: usize = same(text, other);
    let (old, new) = (text.get(front..).unwrap_or_default(), other.get(front..).unwrap_or_default());
    let back: usize = old
        .chars()
        .rev()
        .zip(new.chars().rev())
        .take_while(|(one, two)| one == two)
        .map(|(one, _)| one.len_utf8())
        .sum();
    let replacement = new.get(..new.len() - back).unwrap_or_default().to_owned();
    vec![Edit { range: front..text.len() - back, replacement }]
}

fn truncated(text: &str, characters: usize, mark: &str, part: Part) -> Vec<Edit> {
    let left = characters.saturating_sub(part.before);
    // A text has no more characters than bytes.
    if text.len() <= left {
        return Vec::new();
    }
    let Some((start, _)) = text.char_indices().nth(left) else { return Vec::new() };
    let replacement = if part.before <= characters { mark.to_owned() } else { String::new() };
    vec![Edit { range: start..text.len(), replacement }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(transforms: &[Transform], text: &str, expected: &str) {
        let prepared: Vec<_> = transforms.iter().map(|one| ("t".into(), Prepared::new(one))).collect();
        let done = transformed(&prepared, text, Part::whole(text));
        assert_eq!(applied(text, done.edits).unwrap(), expected);
        assert_eq!(done.told.is_empty(), text == expected);
    }

    #[test]
    fn texts_become_what_is_asked_for() {
        let active = Transform::StripActive { hosts: Vec::new(), bare: false };
        let short = Transform::Truncate { characters: 12, mark: "~".to_owned() };
        check(&[Transform::StripInvisible], "pl\u{200b}ain\u{e0041}\u{e0042} \u{202e}x", "plain x");
        check(&[Transform::Normalise], "\u{ff49}gnore caf\u{e9} now", "ignore cafe now");
        check(
            &[Transform::StripInvisible, active.clone()],
            "![a\u{200b}](ht\u{200b}tps://e.example)",
            "![a](link removed)",
        );
        check(&[active, short.clone()], "[a](https://e.example/very/long) and more", "[a](link rem~");
        check(&[short], "exactly twel", "exactly twel");
    }
}
