//! Keeps the rows of a partition, once.
//!
//! *Invariant (once):* rows carry the offset of the last message that they come from as a mark of their table. Messages up
//! to the table's mark are left out before, so that it does not matter where batches were parted the last time.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use castellan_lake::{Append, Appended, Error, Form, Lake, Mark, Origin, rows};

use super::pause::Pause;
use super::shape::{Lines, Loss, Shape};
use crate::intake::keep::{Kept, is_own};
use crate::intake::received;

/// Losses that are told one by one of what one call brings.
const NAMED: usize = 100;

/// What keeps the rows of one partition.
pub(super) struct Keeper {
    lake: Arc<Lake>,
    source: Arc<str>,
    /// The marks of tables, as far as they were looked at.
    marks: BTreeMap<String, Option<i64>>,
}

/// What became of lines.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) kept: Kept,
    pub(super) losses: Vec<Loss>,
    /// Losses that are not among these.
    pub(super) further: u64,
}

impl Outcome {
    pub(super) fn lost(&mut self, loss: Loss) {
        if self.losses.len() < NAMED { self.losses.push(loss) } else { self.further += loss.count }
    }
}

/// Why lines were not kept.
enum Trouble {
    /// They never will be.
    Final(String),
    /// They may be later.
    Later(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        match error {
            Error::Busy { .. } | Error::Closed(_) => Trouble::Later(error),
            error if is_own(&error) => Trouble::Later(error),
            error => Trouble::Final(error.to_string()),
        }
    }
}

/// Lines to keep: which pieces of them, and the mark that they carry.
struct Part {
    pieces: Range<usize>,
    last: i64,
}

impl Keeper {
    pub(super) fn new(lake: Arc<Lake>, source: Arc<str>) -> Keeper {
        Keeper { lake, source, marks: BTreeMap::new() }
    }

    /// Keeps the lines of a table up to the message `last`; `None` when everything is to end before that is done.
    ///
    /// Where lines cannot be kept they are parted until it is known which message they come from.
    pub(super) async fn keep(
        &mut self,
        table: &str,
        lines: &Lines,
        last: i64,
        shape: &Shape,
        pause: &mut Pause,
        outcome: &mut Outcome,
    ) -> Option<()> {
        let mark = self.mark(table, pause).await?;
        let known = lines.pieces.partition_point(|piece| mark.is_some_and(|mark| piece.offset <= mark));
        let mut parts = VecDeque::from([Part { pieces: known..lines.pieces.len(), last }]);
        while let Some(part) = parts.pop_front() {
            if part.pieces.is_empty() {
                continue;
            }
            let text = text_of(lines, &part.pieces);
            let done = loop {
                match self.append(table, text, part.last, shape).await {
                    Err(Trouble::Later(error)) => pause.because(&later(&error), wait(&error)).await?,
                    Err(Trouble::Final(reason)) => break Err(reason),
                    Ok(done) => break Ok(done),
                }
            };
            pause.well();
            match done {
                Ok(done) => outcome.appended(lines, &part.pieces, &done),
                Err(reason) if part.pieces.len() == 1 => {
                    outcome.refused(lines, part.pieces.start, table, reason)
                }
                Err(_) => {
                    let middle = part.pieces.start + part.pieces.len() / 2;
                    let before = lines.pieces.get(middle - 1).map_or(part.last, |piece| piece.offset);
                    parts.push_front(Part { pieces: middle..part.pieces.end, last: part.last });
                    parts.push_front(Part { pieces: part.pieces.start..middle, last: before });
                }
            }
        }
        self.marks.insert(table.to_owned(), Some(last));
        Some(())
    }

    async fn mark(&mut self, table: &str, pause: &mut Pause) -> Option<Option<i64>> {
        if let Some(mark) = self.marks.get(table) {
            return Some(*mark);
        }
        let mark = loop {
            match self.lake.mark(table, &self.source).await {
                Ok(mark) => break mark,
                Err(error) => pause.because(&later(&error), wait(&error)).await?,
            }
        };
        self.marks.insert(table.to_owned(), mark);
        Some(mark)
    }

    async fn append(
        &self,
        table: &str,
        text: &[u8],
        last: i64,
        shape: &Shape,
    ) -> Result<Vec<Appended>, Trouble> {
        let is_custom = table.ends_with("_CL");
        let how = Append {
            mark: Some(Mark { source: Arc::clone(&self.source), offset: last }),
            // A topic may hold what is long past.
            keeps_times: true,
            adds_columns: is_custom,
            ..Append::default()
        };
        if let Shape::Json { flow: Some(flow), .. } = shape {
            let (stream, flow) = &**flow;
            let origin = Origin { received: received(), resource: None, keeps_times: true, longest: None };
            let read = rows::from_json(stream, text, Form::Lines, &origin)?;
            let batch = flow.transformed(stream, &read).await.map_err(Trouble::Final)?;
            let mut done = vec![Appended {
                rows: 0,
                misfits: read.misfits,
                refused: read.refused,
                is_repeated: false,
                position: 0,
            }];
            if let Some(batch) = batch {
                done.push(self.lake.append_batch(table, &batch, how).await?);
            }
            return Ok(done);
        }
        let done = match self.lake.append(table, text, Form::Lines, how.clone()).await {
            Err(Error::UnknownTable { .. }) if is_custom => {
                self.lake.create_table(table, Vec::new()).await?;
                self.lake.append(table, text, Form::Lines, how).await?
            }
            done => done?,
        };
        Ok(vec![done])
    }
}

fn text_of<'l>(lines: &'l Lines, pieces: &Range<usize>) -> &'l [u8] {
    let end =
        |count: usize| count.checked_sub(1).and_then(|at| lines.pieces.get(at)).map_or(0, |piece| piece.end);
    lines.text.get(end(pieces.start)..end(pieces.end)).unwrap_or_default()
}

impl Outcome {
    fn appended(&mut self, lines: &Lines, pieces: &Range<usize>, done: &[Appended]) {
        for appended in done {
            self.kept.rows += appended.rows;
            self.kept.misfit(&appended.misfits);
            for refused in &appended.refused {
                let offset = offset_of(lines, pieces, refused.row);
                self.lost(Loss { offset, count: 1, reason: refused.reason.to_owned() });
            }
        }
    }

    fn refused(&mut self, lines: &Lines, piece: usize, table: &str, reason: String) {
        let (offset, rows) = lines.pieces.get(piece).map_or((-1, 0), |piece| (piece.offset, piece.rows));
        self.lost(Loss { offset, count: rows as u64, reason: format!("{table} does not take it: {reason}") });
    }
}

/// The message that a row comes from; rows count from 1.
fn offset_of(lines: &Lines, pieces: &Range<usize>, row: usize) -> i64 {
    let mut before = 0;
    let mut found = lines.pieces.get(pieces.clone()).unwrap_or_default().iter();
    let piece = found.find(|piece| {
        before += piece.rows;
        row <= before
    });
    piece.map_or(-1, |piece| piece.offset)
}

fn later(error: &Error) -> String {
    format!("the lake does not take rows now: {error}")
}

/// How long to wait at most; a lake that is busy says so itself.
fn wait(error: &Error) -> Option<Duration> {
    match error {
        Error::Busy { retry_after, .. } => Some(*retry_after),
        _ => None,
    }
}
