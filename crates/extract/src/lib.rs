//! Text out of files: the bytes of one file go in, its texts come out, each with the place where it stands.
//!
//! [`extract`] works out what a file is - by its content first, by its name where the content could be several things -
//! and gives every text in it to a [`Sink`], chunk by chunk: cells of tables, members of JSON, pages, headers, comments,
//! hidden passages, and all of that again for files within files. What it does not read it says, with the reason, in the
//! [`Outcome`].
//!
//! ```
//! use castellan_extract::{Limits, Part, Reason, extract};
//!
//! let csv = "name,mail\nAda,ada@example.org\n";
//! let mut found = Vec::new();
//! let mut sink = |part: &Part<'_>| {
//!     if part.text.contains('@') {
//!         found.push(format!("{}: {} at byte {:?}", part.location, part.text, part.byte_at(0)));
//!     }
//! };
//! let outcome = extract("people.csv", &mut std::io::Cursor::new(csv), &Limits::default(), &mut sink);
//! assert_eq!(found, ["row 2 column 2 (mail): ada@example.org at byte Some(14)"]);
//! assert!(outcome.is_complete());
//!
//! let program = b"\x7FELF\x02\x01\x01\0\0\0\0\0";
//! let outcome = extract("people.csv", &mut std::io::Cursor::new(program), &Limits::default(), &mut |_: &Part<'_>| {});
//! assert_eq!(outcome.skipped[0].reason, Reason::NoText("program"));
//! ```
//!
//! *Invariant (unscanned is a verdict):* every byte of a file was read as text, has no text, or is under a
//! [`Skipped`]. A format that turns out to be broken is given as plain text from there on, with a [`Note`].
//!
//! *Invariant (bounded):* hostile files cost no more than [`Limits`] allow. Text, CSV, JSON, JSON Lines, tar, mailboxes,
//! SQLite and compressed files are streamed whatever their size; of Parquet one column of a row group is in memory, of
//! Arrow one batch; what has to be in memory whole is refused beyond [`Limits::memory`]. Decompression is measured by
//! ratio and in total. Depth is counted, not recursed into. A panic in a decoder of somebody else's is contained and
//! becomes [`Reason::Corrupt`] (so the build must not abort on panic).
//!
//! Deliberately absent: disk, network, clock, threads; what pictures show; macros; rows that a database deleted.
//! Names of entries are part of the location and are not given as text.
//!
//! # Speed
//!
//! Megabytes of the file for a second of one core, by `cargo bench -p castellan-extract --bench formats` (CPU time, with
//! the making of the file; 50,000 rows or lines each, on a shared machine):
//!
//! | text | legacy text | CSV | JSON Lines | XML | HTML | RTF | mailbox of tiny mails | Arrow | PDF |
//! |---|---|---|---|---|---|---|---|---|---|
//! | 4,000 | 100 | 200 | 100 | 100 | 38 | 110 | 29 | 600 | 41 |
//!
//! Of packed formats, megabytes of what is inside: gzip of text 600, Word 140, Excel 60.
//!
//! # Formats
//!
#![doc = include_str!("../FORMATS.md")]

mod decode;
mod detect;
mod format;
mod input;
mod limits;
mod location;
mod outcome;
mod part;
mod readers;
mod walk;

pub use format::{FORMATS, Format, FormatInfo, markdown_table};
pub use input::Source;
pub use limits::Limits;
pub use location::{Location, Place};
pub use outcome::{Coverage, Limit, Note, Oddity, Outcome, Reason, Skipped};
pub use part::{Mapping, Origin, Part, Sink};

use crate::input::{Input, Outermost};
use crate::walk::{Fault, Walk};

/// Gives every text of a file to `sink`, within `limits`.
///
/// `name` is what the file is called; only its last extension is looked at, and only where the content could be several
/// things. The source is read from its start wherever it stands.
pub fn extract(name: &str, source: &mut dyn Source, limits: &Limits<'_>, sink: &mut dyn Sink) -> Outcome {
    let mut walk = Walk::new(limits, sink);
    let outermost = Outermost::new(source, &walk);
    let result = Input::seekable(name, Box::new(outermost)).and_then(|input| walk.file(input));
    if let Err(Fault::Failed(reason) | Fault::Halt(reason)) = result {
        walk.end(reason);
    }
    walk.finish()
}
