//! Places in a query.

/// A byte range in the text of a query, half-open: `start..end`, both on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// From offsets; beyond 4 GiB they saturate, far above what [`crate::parse`] takes.
    pub fn new(start: usize, end: usize) -> Span {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: narrow(start), end: narrow(end) }
    }

    /// From the start of one to the end of another.
    #[must_use]
    pub fn to(self, end: Span) -> Span {
        Span { start: self.start, end: end.end.max(self.start) }
    }

    /// The text that it covers; empty where it covers none.
    pub fn text(self, query: &str) -> &str {
        let offset = |byte: u32| usize::try_from(byte).unwrap_or(usize::MAX);
        query.get(offset(self.start)..offset(self.end)).unwrap_or_default()
    }

    /// Line and column of the start, both from 1; columns count characters.
    pub fn line_and_column(self, query: &str) -> (usize, usize) {
        let before = Span { start: 0, end: self.start }.text(query);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).map_or(0, |text| text.chars().count());
        (before.matches('\n').count() + 1, column + 1)
    }
}
