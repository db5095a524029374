//! `castellan classify restore`: tokens turned back, and who asked written down.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use castellan_base::System;
use castellan_classify::redact::{Audit, Item, Tokeniser};
use serde_json::{Value as Json, json};

use crate::arguments::RestoreArguments;
use crate::output::{complain, read_text, stdin_text, to_stdout};
use crate::{Ending, keys};

/// The largest text, and the largest file of items, in bytes.
const LARGEST: u64 = 1 << 30;

pub(super) fn run(arguments: &RestoreArguments, system: &dyn System) -> Result<Ending> {
    let Some(path) = &arguments.keys.keys else { bail!("name the file of keys with `--keys`") };
    let keys = keys::read(path, system)?;
    let text = match arguments.file == Path::new("-") {
        true => stdin_text(LARGEST)?,
        false => read_text(&arguments.file, LARGEST, system)?,
    };
    let items = match &arguments.items {
        Some(path) => items(path, system)?,
        None => Vec::new(),
    };
    let by = arguments.by.clone().or_else(|| system.env("USER"));
    let tokeniser = Tokeniser::new(keys, arguments.keys.scope.as_str());
    let restored = tokeniser.restore(&text, &items, by.as_deref());
    // Nothing is given out that is not written down.
    record(&arguments.audit, &restored.audit, system)?;
    to_stdout(restored.text.as_bytes())?;
    for (place, why) in &restored.refused {
        complain(&format!("warning: bytes {} to {} stay as they are: {why}", place.start, place.end));
    }
    Ok(if restored.refused.is_empty() { Ending::Fine } else { Ending::Findings })
}

fn items(path: &Path, system: &dyn System) -> Result<Vec<Item>> {
    let lines = read_text(path, LARGEST, system)?;
    let read = |(number, line): (usize, &str)| {
        let place = || format!("{}:{number}", path.display());
        let json: Json = serde_json::from_str(line).with_context(place)?;
        Item::read(&json).map_err(|name| anyhow!("{}: the member `{name}` is missing or wrong", place()))
    };
    (1..).zip(lines.lines()).filter(|(_, line)| !line.trim().is_empty()).map(read).collect()
}

fn record(path: &Path, audit: &Audit, system: &dyn System) -> Result<()> {
    let keys: serde_json::Map<String, Json> =
        audit.keys.iter().map(|(key, count)| (key.to_string(), json!(count))).collect();
    let line = json!({
        "time": system.now().to_string(), "action": "restore", "by": audit.by, "scope": audit.scope,
        "keys": keys, "values": audit.values, "refused": audit.refused,
    });
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| {
        writeln!(file, "{line}")?;
        file.sync_all()
    })
    .with_context(|| format!("cannot write the audit `{}`, so nothing is turned back", path.display()))
}
