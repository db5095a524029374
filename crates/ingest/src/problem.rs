//! What is told beside the rows.

use std::fmt;

/// Most kinds of problems that are told of one request; the rest is counted.
const MAX_PROBLEMS: usize = 64;

/// One kind of problem, where it was met first and how often.
///
/// Names of attributes, columns and categories may be part of it; values never are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// The record that it was met in first, counted from 0.
    pub place: String,
    /// How often it was met.
    pub times: u64,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.kind)?;
        if self.times > 1 { write!(f, " ({} times)", self.times) } else { Ok(()) }
    }
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// Two attributes of one name.
    #[error("an attribute stands twice and its last value counts; send each key once")]
    DuplicateKey,
    /// An attribute without a name.
    #[error("an attribute has no key and is kept under the empty one; give it a key")]
    EmptyKey,
    /// More than [`crate::MAX_ATTRIBUTES`].
    #[error("attributes beyond {} of one record were left out; send fewer", crate::MAX_ATTRIBUTES)]
    TooManyAttributes,
    /// Deeper than [`crate::MAX_DEPTH`].
    #[error("a value nests deeper than {} and what is below was left out; flatten it", crate::MAX_DEPTH)]
    TooDeep,
    /// Longer than [`crate::MAX_TEXT`].
    #[error("a text is longer than {} bytes and was cut there", crate::MAX_TEXT)]
    TextCut,
    /// A trace id of a wrong length, or all zeros. Source: OTLP, `trace_id`.
    #[error("a trace id is not 16 bytes, or all zeros, and was left empty")]
    TraceId,
    /// A span id of a wrong length, or all zeros. Source: OTLP, `span_id`.
    #[error("a span id is not 8 bytes, or all zeros, and was left empty")]
    SpanId,
    /// A record without a time.
    #[error("a record has no time and got that of its receipt")]
    NoTime,
    /// A record of the future.
    #[error(
        "a record is more than a day later than its receipt and keeps its time; check the sender's clock"
    )]
    FutureTime,
    /// A text that should be a time.
    #[error("`{0}` is no time that can be read and was left out; write it after RFC 3339")]
    BadTime(String),
    /// A span that ends before it starts.
    #[error("a span ends before it starts, and its duration was left empty; check the sender's clock")]
    EndsBeforeStart,
    /// A number that JSON and a column cannot hold.
    #[error("`{0}` is not a finite number, and was left empty")]
    NotFinite(&'static str),
    /// A count beyond 63 bits.
    #[error("`{0}` is beyond 9223372036854775807 and was lowered to that")]
    TooLarge(&'static str),
    /// A metric without any kind of data.
    #[error(
        "a metric has no data points of a known kind; send gauge, sum, histogram, exponential histogram or summary"
    )]
    NoData,
    /// A record of a JSON request that is not in OTLP's form.
    #[error("rejected: not in the form of OTLP/JSON; compare it with the protobuf definition of its message")]
    BadRecord,
    /// A resource or scope of a JSON request that is not in OTLP's form.
    #[error("a resource or scope is not in the form of OTLP/JSON and was left empty; its records were taken")]
    BadOrigin,
    /// An id of a JSON request that is not hexadecimal.
    #[error("`{0}` is not hexadecimal and was left empty")]
    BadHex(String),
    /// A message of syslog that neither RFC describes.
    #[error("not in the form of RFC 5424 or RFC 3164; the whole text became the message")]
    NotSyslog,
    /// A message of syslog longer than the reader's bound.
    #[error("a message is longer than the bound and was cut; raise the bound or send less")]
    MessageCut,
    /// A message that is not UTF-8.
    #[error("a message is not UTF-8; what could not be read became U+FFFD")]
    NotUtf8,
    /// A message that begins as CEF and is not.
    #[error("begins with `CEF:` but lacks fields of the header; it became text in `Syslog`")]
    NotCef,
    /// A value that does not fit its column's type.
    #[error("`{0}` does not fit the type of its column and was kept beside it")]
    WrongType(String),
    /// A value that does not fit its column's type, in a table that has no room beside it.
    #[error("`{0}` has a value that does not fit the type of the column, and was left out")]
    Misfit(String),
    /// A line or entry that is no JSON object.
    #[error("rejected: not a JSON object")]
    NotAnObject,
    /// A diagnostic record without a category.
    #[error("has no `category` and went to AzureDiagnostics")]
    NoCategory,
    /// A category that nothing is known about.
    #[error("category `{0}` is in no table of its own and went to AzureDiagnostics")]
    UnknownCategory(String),
    /// A table that the schema lacks.
    #[error(
        "table `{0}` is not declared, so its records went to AzureDiagnostics; declare it in content/tables"
    )]
    UnknownTable(String),
    /// A member that the table has no column for.
    #[error("member `{0}` has no column and was left out")]
    NoColumn(String),
    /// More columns than a row may have.
    #[error("columns beyond {0} of one row were left out")]
    TooManyColumns(usize),
    /// More than [`crate::MAX_ROWS`].
    #[error(
        "rejected: the rows of one request would have more than {} bytes; send fewer records at once",
        crate::MAX_ROWS
    )]
    TooMuch,
    /// More kinds of problems than are told.
    #[error("problems of further kinds were met; mend these first")]
    More,
}

impl ProblemKind {
    /// Cuts a name that data chose to what a message can bear.
    pub(crate) fn name(name: &str) -> String {
        const LONGEST: usize = 64;
        match name.char_indices().nth(LONGEST) {
            None => name.to_owned(),
            Some((end, _)) => format!("{}...", name.get(..end).unwrap_or_default()),
        }
    }
}

/// Gathers problems, each kind once.
#[derive(Default)]
pub(crate) struct Problems {
    found: Vec<Problem>,
    place: Place,
}

/// Where the reader stands: `a` and `b` are levels around the record, where the format has such.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) outer: Option<(usize, usize)>,
    pub(crate) record: usize,
}

impl Problems {
    pub(crate) fn at(&mut self, place: Place) {
        self.place = place;
    }

    pub(crate) fn tell(&mut self, kind: ProblemKind) {
        if let Some(known) = self.found.iter_mut().find(|problem| problem.kind == kind) {
            known.times += 1;
            return;
        }
        if self.found.len() + 1 < MAX_PROBLEMS {
            self.found.push(Problem { kind, place: self.place.to_string(), times: 1 });
        } else if kind != ProblemKind::More
            && !self.found.iter().any(|problem| problem.kind == ProblemKind::More)
        {
            self.found.push(Problem { kind: ProblemKind::More, place: self.place.to_string(), times: 1 });
        }
    }

    pub(crate) fn finish(self) -> Vec<Problem> {
        self.found
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outer {
            Some((resource, scope)) => {
                write!(f, "resource {resource}, scope {scope}, record {}", self.record)
            }
            None => write!(f, "record {}", self.record),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_once_and_counted() {
        let mut problems = Problems::default();
        problems.at(Place { outer: None, record: 7 });
        problems.tell(ProblemKind::NoTime);
        problems.tell(ProblemKind::NoTime);
        let told = problems.finish();
        assert_eq!(told.len(), 1);
        assert_eq!(
            told[0].to_string(),
            "record 7: a record has no time and got that of its receipt (2 times)"
        );
    }

    #[test]
    fn kinds_are_bounded() {
        let mut problems = Problems::default();
        for name in 0..1_000 {
            problems.tell(ProblemKind::NoColumn(name.to_string()));
        }
        let told = problems.finish();
        assert_eq!(told.len(), MAX_PROBLEMS);
        assert_eq!(told.last().map(|problem| &problem.kind), Some(&ProblemKind::More));
    }
}
