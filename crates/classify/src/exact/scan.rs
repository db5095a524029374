//! A text against an index.

use std::ops::Range;

use super::{
    column::Shape,
    index::Index,
    keyed::Rolling,
    reading::{LONGEST, Normalisation, Reading, Token},
};

/// Text that is read at once, in bytes, so that memory does not grow with the text.
pub(super) const PIECE: usize = 128 << 10;

/// What counts as a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Fields of the same row that have to stand near the primary value.
    pub fields: usize,
    /// How near, in characters between the two; at most 10,000.
    pub proximity: usize,
    /// Matches after which the scan stops.
    pub most_matches: usize,
    /// Comparisons of words near a primary value with fields of its row after which the scan stops, so that no text
    /// can make it slow. A million are some 20 ms.
    pub most_comparisons: usize,
}

impl Default for Options {
    /// One field within 300 characters, 10,000 matches, 100 million comparisons.
    fn default() -> Options {
        Options { fields: 1, proximity: 300, most_matches: 10_000, most_comparisons: 100_000_000 }
    }
}

impl Options {
    /// The same within what can be asked for.
    pub(super) fn bounded(&self) -> Options {
        Options { proximity: self.proximity.min(10_000), ..*self }
    }
}

/// A value of the table that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Where the primary value stands, in bytes.
    pub span: Range<usize>,
    /// Its column.
    pub column: usize,
    /// The digest of the cells of its row. It names the row for whoever has the key and the table.
    pub row: u64,
    /// Fields of the row that stand near it, by column. No two of them and none of them and the primary value overlap.
    pub fields: Vec<Field>,
}

/// A field that was found near a primary value of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its column.
    pub column: usize,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// Characters between it and the primary value.
    pub distance: usize,
}

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// The matches, by place, column and row.
    pub found: Vec<Match>,
    /// Whether all of the text was looked at. Otherwise a bound of [`Options`] was met, and there may be more.
    pub complete: bool,
}

impl<B: AsRef<[u8]>> Index<B> {
    /// Finds the values of the table in a text.
    pub fn scan(&self, text: &str, options: &Options) -> Matches {
        self.scan_in_pieces(text, options, PIECE)
    }

    pub(super) fn scan_in_pieces(&self, text: &str, options: &Options, piece: usize) -> Matches {
        let mut scan = Scan::new(self, options.bounded());
        let mut start = 0;
        while start < text.len() && !scan.stopped {
            let end = text.ceil_char_boundary(start.saturating_add(piece));
            scan.piece(text, start..end);
            start = end;
        }
        scan.found.sort_by_key(key);
        Matches { found: scan.found, complete: !scan.stopped }
    }
}

pub(super) fn key(found: &Match) -> (usize, usize, usize, u64) {
    (found.span.start, found.span.end, found.column, found.row)
}

/// A way to read the text, and the columns whose values are read that way.
struct Form {
    normalisation: Normalisation,
    /// What primary values look like, if there are any.
    primary: Option<Shape>,
}

pub(super) struct Scan<'i, B> {
    index: &'i Index<B>,
    options: Options,
    forms: Vec<Form>,
    powers: Vec<u64>,
    margin: usize,
    comparisons: usize,
    stopped: bool,
    pub(super) found: Vec<Match>,
}

/// A primary value that was found, before its row is looked at.
struct Candidate {
    first: Token,
    last: Token,
    column: usize,
    row: u32,
}

/// A part of the text with all its readings.
struct View {
    start: usize,
    readings: Vec<Reading>,
}

impl<'i, B: AsRef<[u8]>> Scan<'i, B> {
    pub(super) fn new(index: &'i Index<B>, options: Options) -> Self {
        let mut forms: Vec<Form> = Vec::new();
        let mut widest = Shape::default();
        for described in &index.header.columns {
            let normalisation = described.column.normalisation;
            widest.union(described.shape);
            let at = forms.iter().position(|form| form.normalisation == normalisation).unwrap_or(forms.len());
            if at == forms.len() {
                forms.push(Form { normalisation, primary: None });
            }
            if let Some(form) = forms.get_mut(at).filter(|_| described.column.primary) {
                form.primary.get_or_insert_default().union(described.shape);
            }
        }
        // A character of a normal form comes of three characters at most, each of four bytes at most.
        let value = 12 * widest.longest() + usize::from(widest.tokens) * usize::from(widest.gap);
        let margin = 2 * value + 4 * options.proximity + 64;
        let powers = index.secrets.rolling.powers(LONGEST);
        Scan { index, options, forms, powers, margin, comparisons: 0, stopped: false, found: Vec::new() }
    }

    /// How far around a piece the text is looked at, in bytes.
    pub(super) fn margin(&self) -> usize {
        self.margin
    }

    /// Whether a bound was met.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Finds the values that start in `core`, which is read with what is around it.
    pub(super) fn piece(&mut self, text: &str, core: Range<usize>) {
        let start = text.floor_char_boundary(core.start.saturating_sub(self.margin));
        let end = text.ceil_char_boundary(core.end.saturating_add(self.margin));
        let part = text.get(start..end).unwrap_or_default();
        let rolling = self.index.secrets.rolling;
        let read =
            |form: &Form| whole_tokens(Reading::new(part, form.normalisation, rolling), part, start, text);
        let view = View { start, readings: self.forms.iter().map(read).collect() };
        let mut candidates = Vec::new();
        for (form, reading) in self.forms.iter().zip(&view.readings) {
            self.candidates(form, reading, &mut candidates);
        }
        candidates.retain(|candidate| core.contains(&(start + candidate.first.start)));
        for candidate in &candidates {
            self.judge(candidate, &view);
            if self.stopped {
                return;
            }
        }
    }

    fn candidates(&self, form: &Form, reading: &Reading, candidates: &mut Vec<Candidate>) {
        let Some(shape) = form.primary else { return };
        let flags = form.normalisation.flags();
        let longest = shape.longest();
        let mut entries = Vec::new();
        for at in 0..reading.tokens.len() {
            for (first, last, hash) in runs(reading, at, shape, longest, &self.powers) {
                let fingerprint = self.index.secrets.fingerprint(flags, hash);
                if !self.index.may_hold(fingerprint) {
                    continue;
                }
                self.index.find(fingerprint, flags, || reading.normal_of(first, last), &mut entries);
                for (column, row) in entries.drain(..) {
                    candidates.push(Candidate { first: *first, last: *last, column, row });
                }
            }
        }
    }

    fn judge(&mut self, candidate: &Candidate, view: &View) {
        let row = self.index.row_id(candidate.row);
        let absolute = |span: Range<usize>| view.start + span.start..view.start + span.end;
        let primary = candidate.first.start..candidate.last.end;
        let mut taken = vec![primary.clone()];
        let mut fields = Vec::new();
        for column in 0..self.index.header.columns.len() {
            let digest = self.index.field(candidate.row, column);
            if column == candidate.column || digest == 0 {
                continue;
            }
            if let Some((distance, span)) = self.nearest(candidate, view, (column, digest, row), &taken) {
                taken.push(span.clone());
                fields.push(Field { column, span: absolute(span), distance });
            }
        }
        if fields.len() < self.options.fields {
            return;
        }
        if self.found.len() >= self.options.most_matches {
            self.stopped = true;
            return;
        }
        self.found.push(Match { span: absolute(primary), column: candidate.column, row, fields });
    }

    /// The place nearest to a primary value at which a field of its row stands, the earlier of two, with its distance.
    fn nearest(
        &mut self,
        candidate: &Candidate,
        view: &View,
        (column, digest, row): (usize, u32, u64),
        taken: &[Range<usize>],
    ) -> Option<(usize, Range<usize>)> {
        let described = self.index.header.columns.get(column)?;
        let form = self.forms.iter().position(|form| form.normalisation == described.column.normalisation)?;
        let reading = view.readings.get(form)?;
        let lowest = candidate.first.first_character.saturating_sub(self.options.proximity);
        let highest = candidate.last.end_character + self.options.proximity;
        let start = reading.tokens.partition_point(|token| token.end_character < lowest);
        let longest = described.shape.longest();
        let mut best: Option<(usize, Range<usize>)> = None;
        for at in start..reading.tokens.len() {
            if reading.tokens.get(at).is_none_or(|token| token.first_character > highest) {
                break;
            }
            for (first, last, hash) in runs(reading, at, described.shape, longest, &self.powers) {
                self.comparisons += 1;
                let span = first.start..last.end;
                let away = distance(candidate, first, last);
                let nearer = best.as_ref().is_none_or(|(nearest, _)| away < *nearest);
                let free = || taken.iter().all(|taken| span.end <= taken.start || taken.end <= span.start);
                if nearer
                    && away <= self.options.proximity
                    && self.index.secrets.field(column, row, hash) == digest
                    && free()
                {
                    best = Some((away, span));
                }
            }
        }
        self.stopped |= self.comparisons > self.options.most_comparisons;
        best
    }
}

/// Characters between a primary value and a run of tokens.
fn distance(candidate: &Candidate, first: &Token, last: &Token) -> usize {
    let before = candidate.first.first_character.saturating_sub(last.end_character);
    let after = first.first_character.saturating_sub(candidate.last.end_character);
    before.max(after)
}

/// The runs of tokens from one on that may be a value of this shape, each with its hash.
fn runs<'r>(
    reading: &'r Reading,
    at: usize,
    shape: Shape,
    longest: usize,
    powers: &'r [u64],
) -> impl Iterator<Item = (&'r Token, &'r Token, u64)> {
    let tokens = reading.tokens.get(at..).unwrap_or_default();
    let first = tokens.first();
    let mut end = first.map_or(0, |first| first.start);
    let lasts = tokens.iter().take(usize::from(shape.tokens)).take_while(move |last| {
        let joined = last.start - end <= usize::from(shape.gap);
        end = last.end;
        joined && first.is_some_and(|first| last.length_after - first.length_before <= longest)
    });
    lasts.filter_map(move |last| {
        let first = first?;
        let length = last.length_after - first.length_before;
        let power = powers.get(length).filter(|_| shape.has_length(length))?;
        Some((first, last, Rolling::between(first.hash_before, last.hash_after, *power)))
    })
}

/// A reading without tokens that the edges of the part may have cut.
fn whole_tokens(mut reading: Reading, part: &str, start: usize, text: &str) -> Reading {
    let cut_after = start + part.len() < text.len();
    if cut_after && reading.tokens.last().is_some_and(|last| last.end == part.len()) {
        reading.tokens.pop();
    }
    if start > 0 && reading.tokens.first().is_some_and(|first| first.start == 0) {
        reading.tokens.remove(0);
    }
    reading
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Builder, Column, Key};
    use super::*;

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            text in "([ab1\u{301}\u{5c71}]{1,4}[ -]{1,2}){0,400}",
            piece in 1_usize..3000,
        ) {
            let key = Key::new(b"0123456789abcdef0123456789abcdef").unwrap();
            let columns = vec![
                Column::primary("a", Normalisation::IDENTIFIER).accept_guessable(),
                Column::primary("b", Normalisation { compatibility: true, ..Normalisation::TEXT }).accept_guessable(),
            ];
            let mut builder = Builder::new(columns, &key, [0; 16]).unwrap();
            for row in [["ab1", "b a"], ["a-b-a", "\u{e1} 1"], ["11", "b\u{5c71}a"], ["aa bb", "1"]] {
                builder.add(&row).unwrap();
            }
            let index = Index::open(builder.finish().unwrap().bytes, &key).unwrap();
            let options = Options { proximity: 20, most_matches: usize::MAX, ..Options::default() };
            let whole = index.scan_in_pieces(&text, &options, usize::MAX);
            prop_assert_eq!(&index.scan_in_pieces(&text, &options, piece), &whole);
            let mut scanner = index.scanner(&options);
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (chunk, others) = rest.split_at(rest.ceil_char_boundary(piece.min(rest.len())));
                scanner.push(chunk);
                rest = others;
            }
            prop_assert_eq!(scanner.finish(), whole);
        }
    }
}
