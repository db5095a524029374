//! Values of tables and parts of documents: indexes made, and files searched by them.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use castellan_base::System;
use castellan_classify::exact::{Builder, Column, Index, Key, Normalisation, Options, Report};
use castellan_classify::fingerprint::{self, Membership, Thresholds};
use serde_json::{Value as Json, json};

use crate::arguments::{FingerprintArguments, IndexArguments, MatchArguments};
use crate::output::{complain, to_stdout, write_file};
use crate::{Ending, keys, texts, walk};

/// The largest index, in bytes.
pub(super) const LARGEST: u64 = 4 << 30;

/// `castellan classify index`.
pub(super) fn index(arguments: &IndexArguments, system: &dyn System) -> Result<Ending> {
    let key = keys::newest(&arguments.keys, system)?;
    let (mut builder, names) = match &arguments.update {
        Some(path) => {
            let before = open(path, &key, system)?;
            let names = before.columns().map(|column| column.name().to_owned()).collect();
            (Builder::update(&before, &key), names)
        }
        None => {
            let names: Vec<String> = arguments.primary.iter().chain(&arguments.secondary).cloned().collect();
            (Builder::new(columns(arguments), &key, salt()?)?, names)
        }
    };
    if let Some(path) = &arguments.remove {
        rows(path, &names, |cells| Ok(builder.remove(cells)?))?;
    }
    rows(&arguments.table, &names, |cells| Ok(builder.add(cells)?))?;
    let built = builder.finish().map_err(|error| {
        anyhow!("{error}; `--accept-guessable` takes it all the same, for those who keep index and key apart")
    })?;
    write_file(system, &arguments.output, &built.bytes)?;
    tell(&built.report, built.bytes.len());
    Ok(Ending::Fine)
}

fn columns(arguments: &IndexArguments) -> Vec<Column> {
    let primary = |name: &String| {
        let column = Column::primary(name, Normalisation::IDENTIFIER);
        if arguments.accept_guessable { column.accept_guessable() } else { column }
    };
    let secondary = |name: &String| Column::secondary(name, Normalisation::TEXT);
    arguments.primary.iter().map(primary).chain(arguments.secondary.iter().map(secondary)).collect()
}

fn salt() -> Result<[u8; 16]> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(salt)
}

fn open(path: &Path, key: &Key, system: &dyn System) -> Result<Index<Vec<u8>>> {
    let bytes = system.read(path, LARGEST).with_context(|| format!("cannot read `{}`", path.display()))?;
    values_of(bytes, path, key)
}

/// The index of values in a file that was read.
pub(super) fn values_of(bytes: Vec<u8>, path: &Path, key: &Key) -> Result<Index<Vec<u8>>> {
    let make = "`castellan classify index` makes one";
    Index::open(bytes, key).with_context(|| format!("`{}` is no index of values; {make}", path.display()))
}

/// The index of documents in a file that was read.
pub(super) fn documents_of(bytes: Vec<u8>, path: &Path, key: &Key) -> Result<fingerprint::Index<Vec<u8>>> {
    let make = "`castellan classify fingerprint` makes one";
    let opened = fingerprint::Index::open(bytes, key);
    opened.with_context(|| format!("`{}` is no index of documents; {make}", path.display()))
}

/// Gives the cells of the named columns of every row.
fn rows(path: &Path, names: &[String], mut each: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    let shown = path.display();
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read `{shown}`"))?;
    let header = reader.headers().with_context(|| format!("`{shown}`"))?.clone();
    let place = |name: &String| {
        header.iter().position(|own| own == name).with_context(|| {
            format!(
                "`{shown}` has no column `{name}`; it has {}",
                header.iter().collect::<Vec<_>>().join(", ")
            )
        })
    };
    let places = names.iter().map(place).collect::<Result<Vec<usize>>>()?;
    for record in reader.records() {
        let record = record.with_context(|| format!("`{shown}`"))?;
        let cells: Vec<&str> = places.iter().map(|place| record.get(*place).unwrap_or_default()).collect();
        each(&cells)?;
    }
    Ok(())
}

fn tell(report: &Report, bytes: usize) {
    complain(&format!("{} rows, {} values, {bytes} bytes", report.rows, report.values));
    for (count, what) in [
        (report.rows_without_primary, "rows hold nothing that is looked for"),
        (report.too_short, "values are too short to be looked for"),
        (report.too_long, "values are too long to be looked for"),
        (report.too_common, "values stand in too many rows to be looked for"),
        (report.removed, "rows were removed"),
    ] {
        if count > 0 {
            complain(&format!("note: {count} {what}"));
        }
    }
}

/// `castellan classify fingerprint`.
pub(super) fn fingerprint(arguments: &FingerprintArguments, system: &dyn System) -> Result<Ending> {
    let key = keys::newest(&arguments.keys, system)?;
    let mut builder = fingerprint::Builder::new(&key, salt()?);
    let walk = walk::files(&arguments.paths, system);
    gaps(&walk.left_out, "file");
    for path in &walk.files {
        let read = texts::read(path);
        gaps(&read.gaps, path);
        let mut document = builder.begin(path)?;
        for (_, text) in &read.texts {
            document.push(text);
            document.push("\n");
        }
        document.finish()?;
    }
    let built = builder.finish()?;
    write_file(system, &arguments.output, &built.bytes)?;
    complain(&format!("{} documents, {} bytes", built.documents, built.bytes.len()));
    for name in &built.without_marks {
        complain(&format!("note: `{name}` has fewer than eleven words; it is known as a whole only"));
    }
    Ok(if walk.files.is_empty() { Ending::BadInput } else { Ending::Fine })
}

fn gaps(gaps: &[(String, String)], path: &str) {
    for (place, reason) in gaps {
        complain(&format!("note: not read: {path}, {place}: {reason}"));
    }
}

/// `castellan classify match`.
pub(super) fn find(arguments: &MatchArguments, system: &dyn System) -> Result<Ending> {
    let key = keys::newest(&arguments.keys, system)?;
    let index = arguments.index.as_deref().map(|path| open(path, &key, system)).transpose()?;
    let documents = match &arguments.fingerprints {
        Some(path) => {
            let bytes =
                system.read(path, LARGEST).with_context(|| format!("cannot read `{}`", path.display()))?;
            Some(documents_of(bytes, path, &key)?)
        }
        None => None,
    };
    let options = Options { fields: arguments.fields, proximity: arguments.proximity, ..Options::default() };
    let walk = walk::files(&arguments.paths, system);
    gaps(&walk.left_out, "file");
    let mut matches = 0;
    for path in &walk.files {
        let read = texts::read(path);
        gaps(&read.gaps, path);
        let mut lines = Vec::new();
        if let Some(index) = &index {
            lines.extend(values(path, &read, index, &options));
        }
        if let Some(documents) = &documents {
            lines.extend(parts(path, &read, documents));
        }
        matches += lines.len();
        let told: String = lines.iter().map(|line| format!("{line}\n")).collect();
        to_stdout(told.as_bytes())?;
    }
    Ok(match (walk.files.is_empty(), matches > 0 && arguments.fail_on_match) {
        (true, _) => Ending::BadInput,
        (false, true) => Ending::Findings,
        (false, false) => Ending::Fine,
    })
}

fn values(path: &str, read: &texts::Texts, index: &Index<Vec<u8>>, options: &Options) -> Vec<Json> {
    let names: Vec<&str> = index.columns().map(|column| column.name()).collect();
    let name = |column: usize| names.get(column).copied().unwrap_or_default();
    let mut lines = Vec::new();
    for (location, text) in &read.texts {
        let matches = index.scan(text, options);
        if !matches.complete {
            complain(&format!("note: {path}, {location}: the search met a bound, there may be more"));
        }
        lines.extend(matches.found.iter().map(|found| {
            let fields = found.fields.iter().map(|field| {
                json!({ "column": name(field.column), "start_byte": field.span.start, "end_byte": field.span.end })
            });
            json!({
                "path": path, "location": location, "column": name(found.column), "start_byte": found.span.start,
                "end_byte": found.span.end, "row": format!("{:016x}", found.row), "fields": fields.collect::<Vec<Json>>(),
            })
        }));
    }
    lines
}

fn parts(path: &str, read: &texts::Texts, index: &fingerprint::Index<Vec<u8>>) -> Vec<Json> {
    let mut matcher = index.matcher();
    for (_, text) in &read.texts {
        matcher.push(text);
        matcher.push("\n");
    }
    let comparison = matcher.finish(&Thresholds::default());
    let membership = match comparison.membership() {
        Membership::Whole(_) => "whole",
        Membership::Contained(_) => "contained",
        Membership::Partly(_) => "partly",
        Membership::NotFound => "not-found",
        Membership::TooShort => "too-short",
    };
    let whole = comparison.whole.and_then(|document| index.name(document));
    let similar = comparison.documents.iter().map(|similar| {
        let longest = similar.passages.iter().map(|passage| passage.words).max();
        json!({
            "path": path, "document": index.name(similar.document), "membership": membership,
            "share_of_text": similar.of_text, "share_of_document": similar.of_document, "longest_passage_words": longest,
        })
    });
    let mut lines: Vec<Json> = similar.collect();
    if let (true, Some(name)) = (lines.is_empty(), whole) {
        lines.push(json!({
            "path": path, "document": name, "membership": membership, "share_of_text": 1.0, "share_of_document": 1.0,
        }));
    }
    lines
}
