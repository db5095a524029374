//! How a file is written.

use std::sync::Arc;

use castellan_kql::Value;

use super::refused;
use crate::Error;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) kind: Kind,
    /// Whether the first record is a header.
    pub(super) skips_first: bool,
}

/// The kinds of files. Source: Kusto documentation, "Data formats supported for ingestion".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Records with this between their values.
    Separated(u8),
    /// A line is a value.
    Lines,
    /// Objects, one behind another or in an array.
    Json,
    /// Parquet.
    Parquet,
}

const NAMES: [(&str, Kind); 11] = [
    ("csv", Kind::Separated(b',')),
    ("tsv", Kind::Separated(b'\t')),
    ("psv", Kind::Separated(b'|')),
    ("scsv", Kind::Separated(b';')),
    ("sohsv", Kind::Separated(1)),
    ("txt", Kind::Lines),
    ("json", Kind::Json),
    ("multijson", Kind::Json),
    ("jsonl", Kind::Json),
    ("ndjson", Kind::Json),
    ("parquet", Kind::Parquet),
];

impl Format {
    /// As the properties say, else by the end of the address, else CSV.
    ///
    /// Errors: a format that is not known, and a property that would change what is read.
    pub(super) fn of(source: &str, properties: &[(Arc<str>, Value)]) -> Result<Format, Error> {
        let (mut kind, mut skips_first) = (None, false);
        for (name, value) in properties {
            match name.to_ascii_lowercase().as_str() {
                "format" => kind = Some(named(&value.to_text())?),
                "ignorefirstrecord" => {
                    skips_first = value.convert(castellan_kql::ScalarType::Bool) == Value::Bool(true)
                }
                _ => return Err(refused(format!("`externaldata` has no property `{name}` here"))),
            }
        }
        let kind = kind.or_else(|| by_ending(source)).unwrap_or(Kind::Separated(b','));
        Ok(Format { kind, skips_first })
    }
}

fn named(name: &str) -> Result<Kind, Error> {
    let found = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, kind)| *kind).ok_or_else(|| Error {
        help: "formats are csv, tsv, psv, scsv, sohsv, txt, json, multijson and parquet".to_owned(),
        ..refused(format!("`externaldata` does not read the format `{name}`"))
    })
}

fn by_ending(source: &str) -> Option<Kind> {
    let path = source.split(['?', '#']).next()?.to_ascii_lowercase();
    let (_, ending) = path.strip_suffix(".gz").unwrap_or(&path).rsplit_once('.')?;
    NAMES.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind)
}
