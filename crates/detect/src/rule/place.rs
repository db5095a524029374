//! Where a part of a rule's query stands in its file.

use castellan_base::{Sources, Span};

use super::Placed;

impl Placed {
    /// The place in the file of bytes of this text, as far as it can be told; the whole text's place otherwise.
    pub fn part(&self, sources: &Sources, start: usize, end: usize) -> Span {
        match sources.text(self.span.source) {
            Some(file) => place_in_file(&file, self, start, end),
            None => self.span,
        }
    }
}

/// Where a place in the text of a query stands in its file.
///
/// A block of YAML is indented, so its lines are looked for in the file, one by one.
fn place_in_file(source: &str, query: &Placed, start: usize, end: usize) -> Span {
    let whole = query.span;
    let (from, to) = (whole.start as usize, whole.end as usize);
    let Some(raw) = source.get(from..to).filter(|_| start <= query.text.len()) else { return whole };
    let line_of = |offset: usize| query.text.get(..offset).map_or(0, |before| before.matches('\n').count());
    let number = line_of(start);
    let Some(line) = query.text.split('\n').nth(number) else { return whole };
    let line_start = query.text.split('\n').take(number).map(|line| line.len() + 1).sum::<usize>();
    let raw_lines = raw.split('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len() + 1;
        Some((start, line))
    });
    // The head of a block (`|`) may or may not be part of it.
    let wanted = line.trim_end();
    let mut near = raw_lines.skip(number).take(3);
    let Some((at, column)) = near.find_map(|(at, raw)| raw.find(wanted).map(|column| (at, column))) else {
        return whole;
    };
    let shift = from + at + column;
    let until = end.min(line_start + line.len()).max(start);
    Span::new(whole.source, shift + (start - line_start), shift + (until - line_start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_block_are_found_in_the_file() {
        let text = "name: x\nquery: |\n    SigninLogs\n    | where Usr == 1\nseverity: Low\n";
        let mut sources = Sources::default();
        let loaded = crate::rule::read::read("r.yaml", text, &mut sources);
        let query = &loaded.rules[0].query;
        let at = query.text.find("Usr").unwrap();
        let place = query.part(&sources, at, at + 3);
        assert_eq!(sources.snippet(place), Some("Usr"));
        assert_eq!(sources.locate(place).unwrap().to_string(), "r.yaml:4:13");
        assert_eq!(query.part(&sources, 90_000, 90_001), query.span);
    }
}
