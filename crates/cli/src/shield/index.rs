//! `castellan shield index`: fingerprints of protected texts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_shield::protected::{Index, Kind, Options, ProtectedError, Source, read_line};
use serde_json::{Value as Json, json};

use super::file_text;
use crate::arguments::{ProtectedIndexArguments, ProtectedKind};
use crate::output::{complain, stdout_is_terminal, to_stdout, width, write_file};
use crate::tables::plain;
use crate::{Ending, keys, texts, walk};

/// The largest index, in bytes: that of twenty million fingerprints.
const LARGEST: u64 = 1 << 30;

/// Endings of names of programs' sources.
const CODE: [&str; 50] = [
    "asm", "bash", "bicep", "c", "cc", "clj", "cpp", "cs", "css", "cxx", "dart", "erl", "ex", "exs", "fs",
    "go", "groovy", "h", "hpp", "hs", "java", "jl", "js", "jsx", "kt", "kts", "lua", "m", "ml", "mm", "php",
    "pl", "ps1", "py", "r", "rb", "rs", "scala", "scss", "sh", "sol", "sql", "swift", "tf", "ts", "tsx",
    "vb", "vue", "zig", "zsh",
];

/// Texts that are added, and those that are not with the reason.
struct Building {
    index: Index,
    added: usize,
    left_out: Vec<String>,
}

pub(super) fn run(arguments: &ProtectedIndexArguments, system: &dyn System) -> Result<Ending> {
    if let Some(path) = &arguments.list {
        return list(path, arguments.keys.as_deref(), system);
    }
    let index = match &arguments.update {
        Some(path) => read(path, &key(arguments.keys.as_deref(), system)?, system)?,
        None => Index::new(Options {
            least_words: arguments.least_words,
            least_code: arguments.least_code,
            key: key(arguments.keys.as_deref(), system)?,
        })?,
    };
    let mut building = Building { index, added: 0, left_out: Vec::new() };
    if let Some(file) = &arguments.lines {
        lines(&mut building, file, system)?;
    }
    files(&mut building, arguments, system)?;
    for reason in &building.left_out {
        complain(&format!("note: not added: {reason}"));
    }
    if building.added == 0 {
        bail!(
            "no text was added, and no index is written; name texts of at least as many words as a run needs"
        );
    }
    let bytes = building.index.to_bytes()?;
    let output = arguments.output.as_deref().context("say where to write the index: `-o FILE`")?;
    write_file(system, output, &bytes)?;
    let all = building.index.sources().len();
    complain(&format!("{} texts added, {all} in the index, {} bytes", building.added, bytes.len()));
    Ok(Ending::Fine)
}

impl Building {
    /// Adds a text. One that could never be found is left out; anything else that is wrong ends the work.
    fn add(&mut self, source: Source, text: &str) -> Result<()> {
        match self.index.add(source, text) {
            Ok(()) => self.added += 1,
            Err(short @ ProtectedError::Short { .. }) => self.left_out.push(short.to_string()),
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }
}

fn lines(building: &mut Building, file: &Path, system: &dyn System) -> Result<()> {
    let shown = file.display();
    let text = file_text(file, system)?;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let (source, text) = read_line(line).with_context(|| {
            format!("{shown}:{number}: write {{\"name\", \"text\", \"licence\"?, \"kind\"?}}")
        })?;
        building.add(source, &text).with_context(|| format!("{shown}:{number}"))?;
    }
    Ok(())
}

fn files(building: &mut Building, arguments: &ProtectedIndexArguments, system: &dyn System) -> Result<()> {
    let walk = walk::files(&arguments.paths, system);
    let left_out = walk.left_out.iter().map(|(path, reason)| format!("{path}: {reason}"));
    building.left_out.extend(left_out);
    for path in &walk.files {
        let read = texts::read(path);
        let gaps = read.gaps.iter().map(|(place, reason)| format!("{path}, {place}: {reason}"));
        building.left_out.extend(gaps);
        let text: String = read.texts.iter().map(|(_, text)| format!("{text}\n")).collect();
        let source = Source {
            name: path.clone(),
            licence: arguments.licence.clone(),
            kind: kind(path, arguments.kind),
        };
        building.add(source, &text)?;
    }
    Ok(())
}

fn kind(path: &str, asked: ProtectedKind) -> Kind {
    let ending = Path::new(path).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match asked {
        ProtectedKind::Text => Kind::Text,
        ProtectedKind::Code => Kind::Code,
        ProtectedKind::Auto if CODE.contains(&ending.to_ascii_lowercase().as_str()) => Kind::Code,
        ProtectedKind::Auto => Kind::Text,
    }
}

/// The indexes of files.
pub(crate) fn open(files: &[PathBuf], keys: Option<&Path>, system: &dyn System) -> Result<Vec<Index>> {
    let key = key(keys, system)?;
    files.iter().map(|file| read(file, &key, system)).collect()
}

fn read(file: &Path, key: &[u8; 32], system: &dyn System) -> Result<Index> {
    let shown = file.display();
    let bytes = system.read(file, LARGEST).with_context(|| format!("cannot read `{shown}`"))?;
    Index::from_bytes(&bytes, key).with_context(|| format!("`{shown}`; `castellan shield index` makes one"))
}

/// The newest key of a file, or none.
fn key(keys: Option<&Path>, system: &dyn System) -> Result<[u8; 32]> {
    let secret = keys.map(|path| keys::newest_secret(path, system)).transpose()?;
    Ok(secret.map_or(Options::default().key, |secret| *secret))
}

fn list(path: &Path, keys: Option<&Path>, system: &dyn System) -> Result<Ending> {
    let index = read(path, &key(keys, system)?, system)?;
    let kind = |source: &Source| match source.kind {
        Kind::Text => "text",
        Kind::Code => "code",
    };
    if !stdout_is_terminal() {
        let shown: Vec<Json> = index
            .sources()
            .map(|source| json!({ "name": source.name, "licence": source.licence, "kind": kind(source) }))
            .collect();
        to_stdout(super::json(&shown.into())?.as_bytes())?;
        return Ok(Ending::Fine);
    }
    let row = |source: &Source| {
        let licence = source.licence.clone().unwrap_or_default();
        vec![source.name.clone(), kind(source).to_owned(), licence]
    };
    let table = plain(&["text", "read as", "licence"], index.sources().map(row), width(system));
    to_stdout(format!("{table}\n{} texts\n", index.sources().len()).as_bytes())?;
    Ok(Ending::Fine)
}
