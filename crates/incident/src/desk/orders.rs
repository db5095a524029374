//! Parts of what a desk does while it holds the store.

use std::collections::BTreeSet;

use castellan_base::Ticks;
use castellan_detect::incident::{By, Command, Order};

use super::{DeskError, MAX_EXHIBITS};
use crate::case::Exhibit;
use crate::store::{Entry, Role, Said, Store};

/// The longest name or reason in the audit log, in characters.
const LONGEST: usize = 2_000;

/// A text of at most so many characters.
pub(super) fn bounded(text: &str) -> String {
    text.trim().chars().take(LONGEST).collect()
}

/// The name of the comment or task that is made next.
pub(super) fn said(store: &Store, incident: u32, role: Role, name: &str) -> Option<Said> {
    let known = store.incidents().get(incident)?;
    let last = match role {
        Role::Comment => known.comments.iter().map(|comment| comment.number).max(),
        Role::Task => known.tasks.iter().map(|task| task.number).max(),
    };
    let number = last.unwrap_or_default().saturating_add(1);
    Some(Said { incident, role, name: bounded(name), number })
}

/// Keeps exhibits: sealed originals first, then the record that speaks of them.
pub(super) fn keep(
    store: &mut Store,
    number: u32,
    kept: Vec<(Exhibit, Option<Vec<u8>>)>,
    by: &By,
) -> Result<Vec<Exhibit>, DeskError> {
    let known: BTreeSet<(String, String)> = store
        .state()
        .exhibits_of(number)
        .iter()
        .map(|exhibit| (exhibit.source.clone(), exhibit.alert.clone()))
        .collect();
    // What people add has no row that it comes from, and is never the same again.
    let is_new = |exhibit: &Exhibit| {
        exhibit.alert.is_empty() || !known.contains(&(exhibit.source.clone(), exhibit.alert.clone()))
    };
    let fresh: Vec<_> = kept.into_iter().filter(|(exhibit, _)| is_new(exhibit)).collect();
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    if known.len() + fresh.len() > MAX_EXHIBITS {
        return Err(DeskError::FullOfEvidence(number));
    }
    let (mut changes, mut exhibits) = (Vec::new(), Vec::new());
    for (exhibit, sealed) in fresh {
        let order = Order::AddEvidence {
            name: exhibit.source.clone(),
            digest: format!("blake3:{}", exhibit.id),
            kind: exhibit.kind.clone(),
        };
        let now = Ticks::new(exhibit.kept).unwrap_or(Ticks::MIN);
        let command = Command { incident: number, seen: None, by: by.clone(), order };
        changes.extend(store.incidents().decide(&command, now)?);
        if let Some(sealed) = sealed {
            store.keep_sealed(&exhibit, &sealed)?;
        }
        exhibits.push(exhibit);
    }
    let at = exhibits.first().map_or(0, |exhibit| exhibit.kept);
    let of = exhibits.iter().map(|exhibit| (number, exhibit.clone())).collect();
    let entry = Entry::Changed { changes, alerts: Vec::new(), note: None, exhibits: of, said: None };
    store.write(at, entry)?;
    Ok(exhibits)
}
