//! `session_count`: sessions that have an event in each window. An id's session ends when it is silent for longer than the
//! lookback.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::{Call, long};
use crate::interpret::{Result, Row};
use crate::value::Key;

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let lookback = super::length(call, "lookback")?;
    let (axis, groups) = super::read(call, rows, "bin", lookback)?;
    let mut found = Vec::new();
    for group in &groups {
        // When an id was seen last, and in which of its sessions.
        let mut last: HashMap<&Key, (i64, usize)> = HashMap::new();
        let mut sessions: BTreeMap<i64, HashSet<(&Key, usize)>> = BTreeMap::new();
        for event in &group.events {
            let session = match last.get(&event.id) {
                Some((seen, session)) if event.at.saturating_sub(*seen) <= lookback => *session,
                Some((_, session)) => session + 1,
                None => 0,
            };
            last.insert(&event.id, (event.at, session));
            if event.at >= axis.from {
                sessions.entry(axis.windows.start(event.at)).or_default().insert((&event.id, session));
            }
        }
        for (window, sessions) in sessions {
            found.push(axis.row(window, group, [long(sessions.len())]));
        }
    }
    Ok(found)
}
