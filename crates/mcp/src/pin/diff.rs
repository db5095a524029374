//! What changed between two definitions, for people to read.

use std::fmt::Write;

use crate::hidden;
use crate::json::{Kind, Value, push_step, write};

/// Most changes that are listed.
const MOST: usize = 100;
/// Longest shown side of a change, in characters.
const LONGEST: usize = 600;
/// How much that stays is shown beside what changes, in characters.
const CONTEXT: usize = 30;

/// One member that is another, new or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// JSON pointer to it.
    pub path: String,
    /// What stood there.
    pub before: Option<String>,
    /// What stands there.
    pub after: Option<String>,
    /// Whether characters came that no screen shows.
    pub hides: bool,
}

/// Every change, member by member. Hidden characters are written out. The last one says so if there are more than 100.
#[must_use]
pub fn diff(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    walk(before, after, &mut String::new(), &mut changes);
    if changes.len() > MOST {
        let more = changes.len() - MOST;
        changes.truncate(MOST);
        let after = Some(format!("and {more} more changes"));
        changes.push(Change { path: String::new(), before: None, after, hides: false });
    }
    changes
}

fn walk(before: &Value, after: &Value, path: &mut String, changes: &mut Vec<Change>) {
    match (&before.kind, &after.kind) {
        (Kind::Object(old), Kind::Object(new)) => {
            for member in old {
                step(path, &member.key, |path| match after.get(&member.key) {
                    Some(value) => walk(&member.value, value, path, changes),
                    None => changes.push(change(path, Some(&member.value), None)),
                });
            }
            for member in new.iter().filter(|member| before.get(&member.key).is_none()) {
                step(path, &member.key, |path| changes.push(change(path, None, Some(&member.value))));
            }
        }
        (Kind::Array(old), Kind::Array(new)) => {
            for place in 0..old.len().max(new.len()) {
                step(path, &place.to_string(), |path| match (old.get(place), new.get(place)) {
                    (Some(one), Some(two)) => walk(one, two, path, changes),
                    (one, two) => changes.push(change(path, one, two)),
                });
            }
        }
        (Kind::String(old), Kind::String(new)) if old != new => {
            let (old, new) = trimmed(old, new);
            let hides = !hidden::find(&new).is_empty();
            let before = Some(shown(&format!("{old:?}"), &old));
            let after = Some(shown(&format!("{new:?}"), &new));
            changes.push(Change { path: path.clone(), before, after, hides });
        }
        _ if !before.same(after) => changes.push(change(path, Some(before), Some(after))),
        _ => {}
    }
}

fn step(path: &mut String, key: &str, inner: impl FnOnce(&mut String)) {
    let length = path.len();
    push_step(path, key);
    inner(path);
    path.truncate(length);
}

fn change(path: &str, before: Option<&Value>, after: Option<&Value>) -> Change {
    let text = |value: &Value| {
        let written = write(value);
        shown(&written, &written)
    };
    let hides = after.is_some_and(|value| !hidden::find(&write(value)).is_empty());
    Change { path: hidden::reveal(path), before: before.map(text), after: after.map(text), hides }
}

/// The text with what is hidden written out, within the bound. Texts without anything hidden are shown quoted.
fn shown(quoted: &str, text: &str) -> String {
    let has_hidden = !hidden::find(text).is_empty();
    let revealed = if has_hidden { hidden::reveal(text) } else { quoted.to_owned() };
    if revealed.chars().count() <= LONGEST {
        return revealed;
    }
    let head: String = revealed.chars().take(LONGEST).collect();
    format!("{head}... ({} characters)", revealed.chars().count())
}

/// Two long texts without what they have in common at both ends, but for a little of it.
fn trimmed(old: &str, new: &str) -> (String, String) {
    let old: Vec<char> = old.chars().collect();
    let new: Vec<char> = new.chars().collect();
    let head = old.iter().zip(&new).take_while(|(one, two)| one == two).count();
    let room = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(one, two)| one == two).count();
    let start = head.saturating_sub(CONTEXT);
    let part = |text: &[char]| {
        let end = (text.len() - tail + CONTEXT).min(text.len());
        let middle: String = text.get(start..end).unwrap_or_default().iter().collect();
        let before = if start > 0 { "[...]" } else { "" };
        let after = if end < text.len() { "[...]" } else { "" };
        format!("{before}{middle}{after}")
    };
    (part(&old), part(&new))
}

/// The changes as lines: the member, then what stood there after `-` and what stands there after `+`.
#[must_use]
pub fn render(changes: &[Change]) -> String {
    let mut out = String::new();
    for change in changes {
        let mark = match (&change.before, &change.after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let warning = if change.hides { ", with hidden characters" } else { "" };
        let path = if change.path.is_empty() { "/" } else { &change.path };
        let _ = writeln!(out, "{path} {mark}{warning}");
        for (sign, side) in [('-', &change.before), ('+', &change.after)] {
            if let Some(text) = side {
                let _ = writeln!(out, "  {sign} {text}");
            }
        }
    }
    out
}
