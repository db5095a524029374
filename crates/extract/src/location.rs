//! Where a piece of text stands.

use std::fmt;
use std::sync::Arc;

/// Where a piece of text stands: through which files within the file, and where in the innermost one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Location {
    /// The names of the entries that lead from the file to the text, outermost first: `["backup.tar", "notes.txt"]`
    /// within `backup.tar.gz`. Empty for the file's own text.
    pub entries: Vec<Arc<str>>,
    /// The place within the innermost file.
    pub place: Place,
}

/// A place within one file. Numbers count from one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Place {
    /// The running text of the file; [`Origin`](crate::Origin) says at which byte and line.
    #[default]
    Body,
    /// The name of the file itself, which is no text of it; see [`Sink::entry`](crate::Sink::entry).
    Name,
    /// A cell of a table: CSV, a sheet, a table of a database, a column of Parquet or Arrow.
    Cell {
        /// The sheet or table, where a file has several.
        table: Option<Arc<str>>,
        /// The row, the header row included where the file has one.
        row: u64,
        /// The column.
        column: u32,
        /// What the column is called.
        name: Option<Arc<str>>,
    },
    /// A string or number of a JSON document, or a name of an object when `is_key`.
    Json {
        /// Which document, where a file holds several (JSON Lines).
        record: Option<u64>,
        /// The path in the notation of RFC 9535: `$.users[3].mail`; array indexes count from zero, as there.
        path: Arc<str>,
        /// Whether the text is the member's name.
        is_key: bool,
    },
    /// A cell of a notebook.
    Notebook {
        /// The cell.
        cell: u64,
        /// Whether it is what the cell gave, not what it says.
        is_output: bool,
    },
    /// Text directly within an XML element.
    Element {
        /// The names down to the element: `/order/customer`.
        path: Arc<str>,
    },
    /// The value of an attribute.
    Attribute {
        /// The names down to the element in XML, its name in HTML.
        path: Arc<str>,
        /// What the attribute is called.
        name: Arc<str>,
    },
    /// A comment, a processing instruction or a document type.
    Comment,
    /// A script or style sheet within a page.
    Script,
    /// A page.
    Page {
        /// The page.
        number: u32,
    },
    /// A part of a document: `document`, `header1`, `comments`, `slide 3`, `notes 3`.
    Section {
        /// What the part is called.
        name: Arc<str>,
    },
    /// A named value beside the text: a header of a mail, a property of a document, metadata of an image.
    Field {
        /// What the value is called.
        name: Arc<str>,
    },
}

impl Place {
    pub(crate) fn section(name: &str) -> Self {
        Self::Section { name: name.into() }
    }

    pub(crate) fn field(name: &str) -> Self {
        Self::Field { name: name.into() }
    }
}

/// For people: `mail.eml > report.xlsx > Sheet1 row 4 column 2 (mail)`, without the outermost file's own name.
impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, entry) in self.entries.iter().enumerate() {
            let separator = if at == 0 { "" } else { " > " };
            write!(formatter, "{separator}{entry}")?;
        }
        if self.place == Place::Body && !self.entries.is_empty() {
            return Ok(());
        }
        let separator = if self.entries.is_empty() { "" } else { " > " };
        write!(formatter, "{separator}{}", self.place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => formatter.write_str("text"),
            Self::Name => formatter.write_str("name"),
            Self::Cell { table, row, column, name } => {
                if let Some(table) = table {
                    write!(formatter, "{table} ")?;
                }
                write!(formatter, "row {row} column {column}")?;
                name.as_ref().map_or(Ok(()), |name| write!(formatter, " ({name})"))
            }
            Self::Json { record, path, is_key } => {
                if let Some(record) = record {
                    write!(formatter, "record {record} ")?;
                }
                write!(formatter, "{path}{}", if *is_key { " (name)" } else { "" })
            }
            Self::Notebook { cell, is_output: false } => write!(formatter, "cell {cell}"),
            Self::Notebook { cell, is_output: true } => write!(formatter, "cell {cell} output"),
            Self::Element { path } => formatter.write_str(path),
            Self::Attribute { path, name } => write!(formatter, "{path}/@{name}"),
            Self::Comment => formatter.write_str("comment"),
            Self::Script => formatter.write_str("script"),
            Self::Page { number } => write!(formatter, "page {number}"),
            Self::Section { name } | Self::Field { name } => formatter.write_str(name),
        }
    }
}
