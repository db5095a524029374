//! What was seen, and what was not and why.

use std::fmt;

use crate::format::Format;
use crate::location::Location;

/// The account of one extraction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the file is, by its content first and its name second.
    pub format: Option<Format>,
    /// What was seen.
    pub coverage: Coverage,
    /// What was not, in the order of discovery, up to [`Limits::listed`](crate::Limits::listed).
    pub skipped: Vec<Skipped>,
    /// What is odd but was read: a name that disagrees with the content, bytes that are no valid text.
    pub notes: Vec<Note>,
    /// How many skips and notes were left out of the lists.
    pub unlisted: u64,
}

impl Outcome {
    /// Whether all text of the file was given: nothing was skipped but what has no text.
    pub fn is_complete(&self) -> bool {
        self.unlisted == 0 && self.skipped.iter().all(|skipped| matches!(skipped.reason, Reason::NoText(_)))
    }
}

/// Counts of what was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Bytes taken from the source. A format that seeks may take some more than once.
    pub bytes_read: u64,
    /// Bytes that came out of decompression, at every depth.
    pub bytes_expanded: u64,
    /// Bytes of text given, in UTF-8.
    pub text_bytes: u64,
    /// Texts given; one that came in several chunks counts once.
    pub parts: u64,
    /// Rows of tables and records of JSON Lines.
    pub rows: u64,
    /// Files within the file that were opened.
    pub entries: u64,
}

/// Something that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands.
    pub location: Location,
    /// Why it was not read.
    pub reason: Reason,
    /// How many bytes it has, where that is known.
    pub bytes: Option<u64>,
}

/// Why something was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is encrypted.
    Encrypted,
    /// It is not what it says it is, or is damaged; the text says how.
    Corrupt(String),
    /// It is larger than a limit: memory for formats that are read whole, text or expanded bytes in all.
    TooLarge(Limit),
    /// It is nested more deeply than [`Limits::depth`](crate::Limits::depth) allows.
    TooDeep,
    /// It expands beyond [`Limits::ratio`](crate::Limits::ratio), as decompression bombs do.
    BombRatio,
    /// It lies in an archive over bytes that belong to another entry, as decompression bombs do.
    Overlapping,
    /// There are more entries than [`Limits::entries`](crate::Limits::entries).
    TooManyEntries,
    /// The format, or a feature of it, is recognised but not read; the text says which.
    Unsupported(&'static str),
    /// It has no text: an image, a recording, a program; the text says what it is.
    NoText(&'static str),
    /// The file ends before it should.
    Truncated,
    /// The source could not be read; the text is the system's.
    Unreadable(String),
    /// [`Limits::stop`](crate::Limits::stop) said so.
    Stopped,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::text_bytes`](crate::Limits::text_bytes).
    TextBytes,
    /// [`Limits::expanded_bytes`](crate::Limits::expanded_bytes).
    ExpandedBytes,
    /// [`Limits::memory`](crate::Limits::memory).
    Memory,
    /// [`Limits::nesting`](crate::Limits::nesting).
    Nesting,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => formatter.write_str("encrypted"),
            Self::Corrupt(how) => write!(formatter, "corrupt: {how}"),
            Self::TooLarge(Limit::TextBytes) => formatter.write_str("beyond the limit of text"),
            Self::TooLarge(Limit::ExpandedBytes) => formatter.write_str("beyond the limit of expanded bytes"),
            Self::TooLarge(Limit::Memory) => formatter.write_str("too large to be read whole"),
            Self::TooLarge(Limit::Nesting) => formatter.write_str("elements nested too deeply"),
            Self::TooDeep => formatter.write_str("files nested too deeply"),
            Self::BombRatio => formatter.write_str("expands like a decompression bomb"),
            Self::Overlapping => formatter.write_str("overlaps another entry"),
            Self::TooManyEntries => formatter.write_str("beyond the limit of entries"),
            Self::Unsupported(what) => write!(formatter, "not supported: {what}"),
            Self::NoText(what) => write!(formatter, "no text: {what}"),
            Self::Truncated => formatter.write_str("ends too early"),
            Self::Unreadable(error) => write!(formatter, "unreadable: {error}"),
            Self::Stopped => formatter.write_str("stopped"),
        }
    }
}

/// Something odd about what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub location: Location,
    /// What.
    pub what: Oddity,
}

/// What is odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// The name's extension promises another format than the content has.
    ExtensionMismatch {
        /// What the extension stands for.
        named: Format,
        /// What the content is.
        found: Format,
    },
    /// It breaks the rules of its format from this byte on, and was read as plain text from there.
    ReadAsText {
        /// The byte of the innermost file, from zero, where it is known.
        byte: Option<u64>,
    },
    /// Bytes that are no valid text in the encoding were replaced by U+FFFD.
    InvalidText {
        /// The encoding's name in the Encoding Standard.
        encoding: &'static str,
    },
    /// The encoding was guessed from the frequency of letters.
    GuessedEncoding {
        /// The encoding's name in the Encoding Standard.
        encoding: &'static str,
    },
}
