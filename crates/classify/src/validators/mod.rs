//! Whether a text is a number of a format: its shape, its parts and its check digits.
//!
//! A detector finds *candidates* in text; a [`Format`] tells which of them can be what they look like. It knows the
//! length and the alphabet of an identifier, the parts that name a date, a region or an issuer, and the arithmetic of
//! its check digits, and it says what is wrong with a candidate: [`Invalid`].
//!
//! ```
//! use castellan_classify::validators::{Invalid, find, validate};
//!
//! // By name, for configuration and for rules:
//! assert_eq!(validate("iban", "DE89 3704 0044 0532 0130 00"), Ok(Ok(())));
//! assert!(validate("no-such-format", "1").is_err());
//!
//! // By handle, for a scanner that asks a million times:
//! let ssn = find("us.ssn").unwrap();
//! assert_eq!(ssn.check("536-90-4399"), Ok(()));
//! assert_eq!(ssn.check("666-00-0000"), Err(Invalid::Component));
//! assert_eq!(ssn.country(), Some("us"));
//! ```
//!
//! Names follow those of the python-stdnum library, which many tools share: `nl.bsn`, `in_.aadhaar`, `iso7064.mod_11_2`.
//!
//! *Invariant (bounded):* a check looks at no more than [`LONGEST`] characters, allocates nothing and never panics.
//!
//! *Invariant (right or refused):* a format whose rule needs a table that is not here is not here either. Where a
//! coarser part of a table decides (the province of a Chinese resident number, the country of a mobile subscriber),
//! the format's [`Format::source`] says so.
//!
//! Separators are accepted anywhere: where a group ends is a matter of the detector's pattern, and people write the same
//! number in many ways. Deliberately absent: a clock. Dates must be of the calendar; where a
//! format's documents refuse dates of the future (Denmark, Korea, Norway), those beyond [`LAST_YEAR`] are refused.

mod africa;
mod americas;
mod asia;
mod checksum;
mod countries;
mod date;
mod europe;
mod format;
mod oceania;
mod text;
mod world;

use std::sync::LazyLock;

pub use date::LAST_YEAR;
pub use format::{Format, Invalid, Kind, UnknownFormat};
pub use text::LONGEST;

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let mut formats = Vec::new();
    for family in
        [africa::FORMATS, americas::FORMATS, asia::FORMATS, europe::FORMATS, oceania::FORMATS, world::FORMATS]
    {
        for table in family {
            formats.extend_from_slice(table);
        }
    }
    formats.sort_by_key(|format| format.name);
    formats
});

/// Every format, by name.
pub fn all() -> &'static [Format] {
    &FORMATS
}

/// The format of this name.
pub fn find(name: &str) -> Option<&'static Format> {
    let position = FORMATS.binary_search_by(|format| format.name.cmp(name)).ok()?;
    FORMATS.get(position)
}

/// Whether the text is a number of the format of this name, and if not, what is wrong with it.
///
/// # Errors
///
/// When no format has this name.
pub fn validate(name: &str, text: &str) -> Result<Result<(), Invalid>, UnknownFormat> {
    let format = find(name).ok_or_else(|| UnknownFormat::new(name))?;
    Ok(format.check(text))
}
