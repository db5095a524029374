//! Rows by table, as they come.

use std::borrow::Cow;

use crate::MAX_ROWS;
use crate::problem::{Problem, ProblemKind, Problems};

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The name of the table.
    pub table: Cow<'static, str>,
    /// JSON objects, one a line, each line ended by a line feed.
    pub lines: Vec<u8>,
    /// How many lines there are.
    pub count: usize,
}

/// What a request, a message or a file gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Rows, one entry for each table.
    pub rows: Vec<Rows>,
    /// Records that could not be taken; each has a problem that says why. This is the count of OTLP's partial success.
    pub rejected: u64,
    /// What was left out, cut or replaced, and why records were rejected.
    pub problems: Vec<Problem>,
}

impl Taken {
    /// The number of rows of a table.
    #[must_use]
    pub fn count(&self, table: &str) -> usize {
        self.rows.iter().find(|rows| rows.table == table).map_or(0, |rows| rows.count)
    }

    /// All problems as one text, as OTLP's partial success tells them; `None` where there are none.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let lines: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

/// Rows and problems while they are gathered.
#[derive(Default)]
pub(crate) struct Sheet {
    rows: Vec<Rows>,
    /// Bytes of all rows.
    bytes: usize,
    pub(crate) rejected: u64,
    pub(crate) problems: Problems,
}

impl Sheet {
    /// Adds a row, which is a JSON object without a line end.
    pub(crate) fn push(&mut self, table: &'static str, row: &[u8]) {
        self.push_to(Cow::Borrowed(table), row);
    }

    /// The same for a table that data named.
    pub(crate) fn push_to(&mut self, table: Cow<'static, str>, row: &[u8]) {
        let place = self.rows.iter().position(|rows| rows.table == table);
        let rows = match place.and_then(|place| self.rows.get_mut(place)) {
            Some(rows) => rows,
            None => self.rows.push_mut(Rows { table, lines: Vec::new(), count: 0 }),
        };
        rows.lines.extend_from_slice(row);
        rows.lines.push(b'\n');
        rows.count += 1;
        self.bytes += row.len() + 1;
    }

    /// Whether there is room for rows of another record; tells where there is none.
    pub(crate) fn has_room(&mut self) -> bool {
        let has_room = self.bytes <= MAX_ROWS;
        if !has_room {
            self.problems.tell(ProblemKind::TooMuch);
        }
        has_room
    }

    /// The same, where a record is rejected without it.
    pub(crate) fn admits(&mut self) -> bool {
        let has_room = self.has_room();
        self.rejected += u64::from(!has_room);
        has_room
    }

    /// How many rows a table has so far.
    pub(crate) fn count(&self, table: &str) -> usize {
        self.rows.iter().find(|rows| rows.table == table).map_or(0, |rows| rows.count)
    }

    pub(crate) fn finish(self) -> Taken {
        Taken { rows: self.rows, rejected: self.rejected, problems: self.problems.finish() }
    }
}
