//! Literals that are searched everywhere, all of them in one pass where the processor can do that.

use aho_corasick::packed;
use memchr::memmem::Finder;

/// Finds literals.
#[derive(Debug, Default)]
pub(crate) struct Finders {
    /// Those that are searched together.
    together: Option<packed::Searcher>,
    patterns: Vec<Pattern>,
    /// Those that are searched one by one, with their places among all: those of one byte, and all where the rest cannot
    /// be searched together.
    alone: Vec<(usize, Finder<'static>)>,
}

#[derive(Debug)]
struct Pattern {
    bytes: Box<[u8]>,
    /// Their places among all literals.
    literals: Vec<usize>,
}

impl Finders {
    pub(crate) fn new<'a>(literals: impl Iterator<Item = &'a [u8]>) -> Finders {
        let mut finders = Finders::default();
        for (place, bytes) in literals.enumerate() {
            let known = finders.patterns.iter_mut().find(|known| *known.bytes == *bytes);
            match known {
                _ if bytes.len() < 2 => finders.alone.push((place, Finder::new(bytes).into_owned())),
                Some(known) => known.literals.push(place),
                None => finders.patterns.push(Pattern { bytes: bytes.into(), literals: vec![place] }),
            }
        }
        let bytes = finders.patterns.iter().map(|pattern| &pattern.bytes);
        finders.together = packed::Config::new().builder().extend(bytes).build();
        if finders.together.is_none() {
            for Pattern { bytes, literals } in finders.patterns.drain(..) {
                let finder = || Finder::new(&bytes).into_owned();
                finders.alone.extend(literals.iter().map(|place| (*place, finder())));
            }
        }
        finders
    }

    /// Tells each literal that begins in `text[from..to]`, by its place among all, and where. Those that overlap one of
    /// themselves are left out.
    pub(crate) fn find(&self, text: &[u8], (from, to): (usize, usize), mut tell: impl FnMut(usize, usize)) {
        for (literal, finder) in &self.alone {
            let end = (to + finder.needle().len() - 1).min(text.len());
            for found in finder.find_iter(text.get(from..end).unwrap_or_default()) {
                tell(*literal, from + found);
            }
        }
        let Some(together) = &self.together else { return };
        let longest = self.patterns.iter().map(|pattern| pattern.bytes.len()).max().unwrap_or(1);
        let window = text.get(..(to + longest - 1).min(text.len())).unwrap_or_default();
        let mut free = vec![from; self.patterns.len()];
        let mut place = from;
        while let Some(found) = together.find_in(window, (place..window.len()).into()) {
            let start = found.start();
            if start >= to {
                break;
            }
            let rest = window.get(start..).unwrap_or_default();
            let here = self
                .patterns
                .iter()
                .zip(&mut free)
                .filter(|(pattern, free)| **free <= start && rest.starts_with(&pattern.bytes));
            for (pattern, free) in here {
                *free = start + pattern.bytes.len();
                pattern.literals.iter().for_each(|literal| tell(*literal, start));
            }
            place = start + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Finders;

    fn check(literals: &[&str], text: &str, expected: &[(usize, usize)]) {
        let finders = Finders::new(literals.iter().map(|literal| literal.as_bytes()));
        for step in [3, 7, 1_000] {
            let mut all = Vec::new();
            for from in (0..text.len()).step_by(step) {
                finders.find(text.as_bytes(), (from, (from + step).min(text.len())), |literal, place| {
                    all.push((place, literal));
                });
            }
            all.sort_unstable();
            assert_eq!(all, expected, "{literals:?} in {text}, {step} bytes at a time");
        }
    }

    #[test]
    fn every_literal_is_found() {
        check(&["@", "://", "BEGIN"], "a@b http://x BEGIN", &[(1, 0), (8, 1), (13, 2)]);
        check(&["abc", "bcd", "abc"], "xabcdx", &[(1, 0), (1, 2), (2, 1)]);
        check(&["://"], "ht:/", &[]);
        check(&[], "anything", &[]);
    }
}
