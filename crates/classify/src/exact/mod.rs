//! Exact data match: finds the values of a table in texts without having the table.
//!
//! A [`Builder`] makes an index of the rows, where the table is. An [`Index`] finds in a text the values of *primary*
//! columns, and says which other fields of the same row stand near. Reading the table is the caller's.
//!
//! ```
//! use castellan_classify::exact::{Builder, Column, Index, Key, Normalisation, Options};
//!
//! let key = Key::new(b"32 random bytes that stay here..").unwrap();
//! let columns = vec![
//!     Column::primary("account", Normalisation::IDENTIFIER),
//!     Column::secondary("surname", Normalisation::TEXT),
//! ];
//! let mut builder = Builder::new(columns, &key, *b"16 random bytes.").unwrap();
//! builder.add(&["NL91 ABNA 0417 1643 00", "de Vries"]).unwrap();
//! builder.add(&["NL20 INGB 0001 2345 67", "Jansen"]).unwrap();
//! let built = builder.finish().unwrap();
//! assert_eq!(built.report.rows, 2);
//!
//! let index = Index::open(built.bytes, &key).unwrap();
//! let text = "Please pay to nl91abna0417164300 in the name of De  Vries.";
//! let matches = index.scan(text, &Options::default());
//! let found = &matches.found[0];
//! assert_eq!(&text[found.span.clone()], "nl91abna0417164300");
//! assert_eq!(&text[found.fields[0].span.clone()], "De  Vries");
//! // The other account stands alone, so one field more is not there.
//! assert!(index.scan("NL20INGB0001234567 of Mr de Vries", &Options::default()).found.is_empty());
//! ```
//!
//! # What the file tells
//!
//! *Invariant (nothing can be read back):* what is in the file of a value are pseudorandom functions of it under keys
//! that are derived from the [`Key`] and the salt. Whoever has the file but not the key learns the names and
//! kinds of the columns, how many rows and values there are, the set of lengths of each column, which rows share a
//! primary value, and which row ids stay from version to version; nothing of what a value is. Equal fields of different
//! rows have unrelated digests, so that frequent names do not show.
//!
//! Whoever has *both* can try guesses at some millions a second. So columns of dates, short numbers or repeating words
//! are refused as primary ([`Guessable`]) unless the caller accepts them. Secondary fields can be guessed that way too.
//!
//! # How it finds
//!
//! A text is read into tokens once for each [`Normalisation`] in use. A rolling hash at a secret point gives the hash of
//! any run of tokens by one multiplication; SipHash under a secret key makes of it a *fingerprint* of 32 bits, which a
//! blocked Bloom filter of one cache line a question tells from nearly all that are not in the table. What remains is
//! looked up in a sorted table, and a *tag*, a keyed BLAKE3 digest, decides.
//!
//! *False positives.* Something else than a value passes by chance if fingerprint and tag agree: with `n` values and `t`
//! bytes of tag, `n / 2^(32 + 8t)` for each lookup. `t` is the smallest number, from 3, that makes this less than
//! 10^-9: with 3 it is 1.4 * 10^-10 for ten million values and 10^-9 for 72 million. The rolling hash adds at
//! most 255 / 2^61 for each pair of texts. A field has 32 bits, compared with the few hundred runs of tokens that are
//! near: about 10^-7 for each field of each primary value found.
//!
//! *Bounds:* values of up to 255 characters, 64 tokens and gaps of 255 bytes; 64 columns; 2^31 - 1 rows; the rest is
//! refused or counted in the [`Report`]. A scan holds 128 KiB of text at a time and stops, and says so, at the bounds of
//! [`Options`].
//!
//! *Figures*, for one primary column of 12 digits and three other columns, on a shared and loaded machine, one thread
//! (`CASTELLAN_ROWS=10000000 cargo bench -p castellan-classify --bench exact`): ten million rows are a file of 379 MB,
//! 38 bytes a row, built at about 200,000 rows a second in 842 MB of memory at most and opened in 0.25 s. Prose with
//! prices and telephone numbers is scanned at 21 MB/s (55 MB/s with one million rows), a text with a row of the table in
//! every other line at 8 MB/s.
//!
//! # Versions
//!
//! [`Builder::update`] adds and removes rows without the rest of the table. The file has a format version, a key check
//! and a seal: a keyed digest of all of it, so that damage and tampering are refused alike.

mod build;
pub(crate) mod bytes;
mod column;
mod filter;
mod format;
mod index;
pub(crate) mod keyed;
pub(crate) mod reading;
mod scan;
mod stream;

pub use build::{BuildError, Builder, Built, Report};
pub use column::{Column, Guessable};
pub use index::{Index, OpenError};
pub use keyed::{Key, KeyError};
pub use reading::Normalisation;
pub use scan::{Field, Match, Matches, Options};
pub use stream::Scanner;
