//! Rows on their way to the lake.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_ingest::Rows;
use castellan_lake::{Append, Appended, Error, Form, Key, Lake, MisfitReason};
use futures_util::future::join_all;

use crate::Refusal;

/// Bytes of rows that go to the lake in one call.
const PART: usize = 16 << 20;

/// What was kept of a request, and what was not kept as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) rows: usize,
    /// Rows that could not be read.
    pub(super) refused: usize,
    /// How often a column had values for which something held.
    misfits: BTreeMap<(String, &'static str), usize>,
}

impl Kept {
    pub(super) fn add(&mut self, appended: &Appended) {
        self.rows += appended.rows;
        self.refused += appended.refused.len();
        self.misfit(&appended.misfits);
    }

    pub(super) fn misfit(&mut self, misfits: &[castellan_lake::Misfit]) {
        for misfit in misfits {
            let key = (misfit.column.clone(), reason(misfit.reason));
            *self.misfits.entry(key).or_default() += misfit.count;
        }
    }

    /// What was not kept as it came, in words; `None` where everything was. Names of columns are part of it, values not.
    pub(super) fn notes(&self) -> Option<String> {
        /// Names come from outside and may be many.
        const MOST: usize = 20;
        let mut notes: Vec<String> = Vec::new();
        if self.refused > 0 {
            notes.push(format!("{} rows could not be read", self.refused));
        }
        let named = self.misfits.iter().take(MOST);
        notes.extend(named.map(|((column, reason), count)| format!("{}: {count} {reason}", inert(column))));
        if self.misfits.len() > MOST {
            notes.push(format!("{} columns more", self.misfits.len() - MOST));
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

/// A name from outside, so that it harms neither a header nor a terminal.
fn inert(name: &str) -> String {
    let plain = |character: char| if character.is_ascii_graphic() { character } else { '?' };
    name.chars().take(64).map(plain).collect()
}

fn reason(reason: MisfitReason) -> &'static str {
    match reason {
        MisfitReason::NoColumn => "left out, there is no such column",
        MisfitReason::WrongType => "not of the column's type",
        MisfitReason::Twice => "named twice in a row",
        MisfitReason::FarTime => "too far from now",
        MisfitReason::Cut => "cut, they were too long",
    }
}

/// What tells a request from all others, before the table is known.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) key: [u8; 32],
    pub(super) how: Append,
}

impl Origin {
    /// Rows of a request that adds nothing when it is repeated: its face and its body tell it from others.
    pub(super) fn of_body(face: &str, body: &[u8]) -> Origin {
        let mut hasher = blake3::Hasher::new();
        hasher.update(face.as_bytes()).update(&[0]).update(body);
        Origin { key: *hasher.finalize().as_bytes(), how: Append::default() }
    }
}

/// Keeps rows of several tables; returns when they are durable. It goes on to its end even if nobody waits any more.
///
/// # Errors
/// What the lake says of the first table that it did not take. Rows of others may be kept then: a repeated request with
/// the same key adds only what is missing.
pub(super) async fn keep(lake: &Arc<Lake>, rows: Vec<Rows>, origin: Origin) -> Result<Kept, Error> {
    let lake = Arc::clone(lake);
    let work = tokio::spawn(async move {
        let each = rows.into_iter().map(|rows| table(&lake, rows, &origin));
        let mut kept = Kept::default();
        for done in join_all(each).await {
            for appended in done? {
                kept.add(&appended);
            }
        }
        Ok(kept)
    });
    work.await.unwrap_or(Err(Error::Closed("the work was broken off; try again")))
}

async fn table(lake: &Lake, rows: Rows, origin: &Origin) -> Result<Vec<Appended>, Error> {
    let mut done = Vec::new();
    for (place, part) in parts(&rows.lines, PART).enumerate() {
        let key = Key::of(&[&origin.key, rows.table.as_bytes(), &place.to_le_bytes()]);
        let how = Append { key: Some(key), ..origin.how.clone() };
        done.push(lake.append(&rows.table, part, Form::Lines, how).await?);
    }
    Ok(done)
}

/// Whole lines of about a part's size.
fn parts(lines: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let tail = rest.get(size..).unwrap_or_default();
        let end = tail.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| size + at + 1);
        let (part, after) = rest.split_at(end.min(rest.len()));
        rest = after;
        Some(part)
    })
}

/// Seconds after which a request may be tried again, where the lake says so.
pub(crate) fn retry_after(error: &Error) -> Option<u64> {
    match error {
        Error::Busy { retry_after, .. } => Some(retry_after.as_secs().max(1)),
        Error::Closed(_) => Some(5),
        _ => None,
    }
}

/// Whether an error is of the storage, and nothing that a client could mend.
pub(super) fn is_own(error: &Error) -> bool {
    !matches!(
        error,
        Error::Busy { .. }
            | Error::Closed(_)
            | Error::TooLarge { .. }
            | Error::UnknownTable { .. }
            | Error::Definition { .. }
            | Error::TypeChanged { .. }
            | Error::Condition { .. }
            | Error::Derived { .. }
            | Error::Rows { .. }
    )
}

/// Why rows of a request were not kept, as a status and words.
pub(crate) fn refusal(error: &Error) -> Refusal {
    use axum::http::StatusCode;
    let status = match error {
        Error::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Closed(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::UnknownTable { .. }
        | Error::Definition { .. }
        | Error::TypeChanged { .. }
        | Error::Rows { .. } => StatusCode::BAD_REQUEST,
        // What the storage says names files, which are nobody's business but the operator's.
        _ => {
            let message = "the rows could not be stored; the server says why where it runs";
            return Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
        }
    };
    Refusal::new(status, error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_are_whole_lines(text in "([a-z]{0,9}\n){0,30}[a-z]{0,3}", size in 1_usize..50) {
            let found: Vec<&[u8]> = parts(text.as_bytes(), size).collect();
            prop_assert_eq!(found.concat(), text.as_bytes());
            prop_assert!(found.iter().rev().skip(1).all(|part| part.ends_with(b"\n") && part.len() > size));
        }
    }

    #[test]
    fn notes_are_inert_and_bounded() {
        let mut kept = Kept::default();
        assert_eq!(kept.notes(), None);
        let misfit = |column: String| castellan_lake::Misfit { column, count: 2, reason: MisfitReason::Cut };
        kept.misfit(&[misfit("a\r\nb\u{e9}".to_owned())]);
        assert_eq!(kept.notes().unwrap(), "a??b?: 2 cut, they were too long");
        kept.misfit(&(0..100).map(|at| misfit(format!("c{at}"))).collect::<Vec<_>>());
        assert!(kept.notes().unwrap().ends_with("81 columns more"));
    }
}
