//! Places in code points.

/// A text whose parts are named by code points, as in Python.
pub(super) struct Characters<'t> {
    text: &'t str,
    /// Where each character begins, in bytes; empty where every character is one byte.
    starts: Vec<usize>,
}

impl<'t> Characters<'t> {
    pub(super) fn new(text: &'t str) -> Characters<'t> {
        let starts = match text.is_ascii() {
            true => Vec::new(),
            false => text.char_indices().map(|(at, _)| at).collect(),
        };
        Characters { text, starts }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        if self.starts.is_empty() { self.text.len() } else { self.starts.len() }
    }

    /// The part between two places. What lies beyond the end is cut, and nothing lies between places in wrong order.
    pub(super) fn between(&self, start: usize, end: usize) -> &'t str {
        self.text.get(self.byte(start)..self.byte(end)).unwrap_or_default()
    }

    fn byte(&self, place: usize) -> usize {
        let beyond = self.text.len();
        if self.starts.is_empty() {
            place.min(beyond)
        } else {
            self.starts.get(place).copied().unwrap_or(beyond)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Characters;

    #[test]
    fn parts_are_counted_in_code_points() {
        let characters = Characters::new("a\u{e9}\u{1f600}b");
        assert_eq!(characters.count(), 4);
        assert_eq!(characters.between(1, 3), "\u{e9}\u{1f600}");
        assert_eq!(
            (characters.between(3, 9), characters.between(3, 1), characters.between(9, 12)),
            ("b", "", "")
        );
        let ascii = Characters::new("abc");
        assert_eq!((ascii.count(), ascii.between(1, 9), ascii.between(2, 1)), (3, "bc", ""));
        assert_eq!((Characters::new("").count(), Characters::new("").between(0, 1)), (0, ""));
    }
}
