//! Reads `tests/data/traps.txt`; the tests of every engine do.

/// A fact: a query and what it gives.
pub(crate) struct Trap<'t> {
    pub(crate) name: &'t str,
    pub(crate) query: String,
    /// `error CODE`, or the columns as `name:type|name:type`.
    pub(crate) columns: &'t str,
    pub(crate) rows: Vec<&'t str>,
}

impl Trap<'_> {
    /// The code that the query is refused with, where it is.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.columns.strip_prefix("error ")
    }
}

/// All facts of the text.
pub(crate) fn read(text: &str) -> Vec<Trap<'_>> {
    text.split("\n> ").skip(1).map(trap).collect()
}

fn trap(text: &str) -> Trap<'_> {
    let (text, _) = text.split_once("\n# ").unwrap_or((text, ""));
    let (head, tail) = text.split_once("\n---\n").unwrap();
    let (name, query) = head.split_once('\n').unwrap();
    // One empty line stands behind each fact; a further one is a row with an empty cell.
    let tail = tail.strip_suffix('\n').unwrap_or(tail);
    let mut lines = tail.split('\n');
    let columns = lines.next().unwrap();
    Trap { name, query: query.to_owned(), columns, rows: lines.collect() }
}
