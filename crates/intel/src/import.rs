//! Files of indicators: STIX, MISP's JSON, CSV and plain lists, told apart by what they hold.

use std::path::Path;

use castellan_base::System;
use castellan_stix::list::{self, Made};
use castellan_stix::read::{self, Outcome, ReadError};
use castellan_stix::{Object, misp};

/// The largest file, in bytes.
pub const LARGEST: u64 = 512 << 20;

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// Its objects.
    pub objects: Vec<Object>,
    /// How many, and what was left out.
    pub outcome: Outcome,
    /// Whether the file says when its indicators were changed. Lists do not: the same value is the same indicator.
    pub is_dated: bool,
    /// What it was taken for.
    pub form: &'static str,
}

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("`{path}`: {why}")]
pub struct ImportError {
    /// The file.
    pub path: String,
    /// What is wrong, and what to do.
    pub why: String,
}

/// Reads a file.
///
/// Errors: it is not there, too large, or holds nothing that is known.
pub fn file(path: &Path, made: &Made, system: &dyn System) -> Result<Imported, ImportError> {
    let wrong = |why: String| ImportError { path: path.display().to_string(), why };
    let bytes = system.read(path, LARGEST).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    text(&name, &bytes, made).map_err(wrong)
}

/// Reads the text of a file of a name.
///
/// Errors: it holds nothing that is known.
pub fn text(name: &str, bytes: &[u8], made: &Made) -> Result<Imported, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'{' | b'[')) {
        return json(bytes, made);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is neither JSON nor UTF-8".to_owned())?;
    let mut imported = Imported { form: "list", ..Imported::default() };
    if name.ends_with(".csv") {
        let mut objects = Vec::new();
        imported.outcome = list::csv(text, made, &mut |object| objects.push(object))?;
        return Ok(Imported { objects, form: "CSV", ..imported });
    }
    let mut objects = Vec::new();
    imported.outcome = list::plain(text, made, &mut |object| objects.push(object));
    if objects.is_empty() {
        return Err(
            "no line of it is an observable; STIX, MISP's JSON, CSV (named so) and lists are read".to_owned()
        );
    }
    Ok(Imported { objects, ..imported })
}

fn json(bytes: &[u8], made: &Made) -> Result<Imported, String> {
    let mut objects = Vec::new();
    let read = read::bundle(bytes, &mut |object| objects.push(object));
    let is_stix = matches!(&read, Ok(outcome) if outcome.objects > 0 || outcome.left_out == 0);
    if let (Ok(outcome), true) = (&read, is_stix) {
        return Ok(Imported { objects, outcome: outcome.clone(), is_dated: true, form: "STIX" });
    }
    // What breaks off is no export of anything.
    if let Err(error @ (ReadError::Json(_) | ReadError::TooLong(_))) = &read {
        return Err(error.to_string());
    }
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON: {error}"))?;
    if misp::is_export(&value) {
        let mut objects = Vec::new();
        let outcome = misp::read(&value, made, &mut |object| objects.push(object));
        return Ok(Imported { objects, outcome, is_dated: true, form: "MISP" });
    }
    match read {
        Ok(outcome) => Ok(Imported { objects, outcome, is_dated: true, form: "STIX" }),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, form: &str, objects: usize) {
        let at = "2026-11-21".parse().unwrap();
        let made = Made { source: "s".into(), at, until: None, confidence: None, tlp: None };
        let imported = super::text(name, text.as_bytes(), &made).unwrap();
        assert_eq!(
            (imported.form, imported.objects.len()),
            (form, objects),
            "{name}: {:?}",
            imported.outcome.told
        );
    }

    #[test]
    fn forms_are_told_apart() {
        check("a.json", r#"{"type":"bundle","objects":[{"type":"malware","id":"malware--1"}]}"#, "STIX", 1);
        check(
            "a.json",
            r#"[{"Event":{"Attribute":[{"type":"domain","value":"evil.example","to_ids":true}]}}]"#,
            "MISP",
            1,
        );
        check("a.csv", "\u{feff}value,type\nevil.example,domain\n", "CSV", 1);
        check("a.txt", "evil.example\n203.0.113.7\n", "list", 2);
        check("a.json", r#"[{"type":"x"}]"#, "STIX", 0);
    }
}
