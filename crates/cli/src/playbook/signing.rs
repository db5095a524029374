//! `castellan playbook key`, `sign` and `verify`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use castellan_base::{Sources, System};
use castellan_respond::playbook::{read, to_yaml};
use castellan_respond::sign::{SigningKey, Verdict, sign as add, verify as hold};
use zeroize::Zeroizing;

use super::LARGEST;
use super::configured::Configured;
use crate::Ending;
use crate::arguments::ConfiguredArguments;
use crate::estate::report;
use crate::keys::{refuse_if_shared, write_new};
use crate::output::{inert_lines, read_text, to_stdout};

/// The largest file of a key, in bytes.
const KEY: u64 = 64 << 10;

/// Makes a key in a file that nobody else may read.
pub(super) fn key(file: &Path) -> Result<Ending> {
    let key = SigningKey::generate()?;
    let text = Zeroizing::new(key.to_pem());
    write_new(file, &text)?;
    to_stdout(format!("{}\n", key.public_key().to_text()).as_bytes())?;
    Ok(Ending::Fine)
}

pub(super) fn sign(file: &Path, key: &Path, signee: &str, system: &dyn System) -> Result<Ending> {
    refuse_if_shared(key)?;
    let text = Zeroizing::new(read_text(key, KEY, system)?);
    let key = SigningKey::from_pem(&text).with_context(|| format!("`{}`", key.display()))?;
    let text = read_text(file, LARGEST, system)?;
    let Some(mut document) = document(file, &text) else { return Ok(Ending::Findings) };
    add(&mut document, &key, signee, system.now())?;
    let is_json = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
    let signed = if is_json { serde_json::to_string_pretty(&document)? + "\n" } else { to_yaml(&document) };
    to_stdout(signed.as_bytes())?;
    Ok(Ending::Fine)
}

/// The document of a playbook; nothing where it is wrong, which is told. What is wrong is not signed.
fn document(file: &Path, text: &str) -> Option<serde_json::Value> {
    let mut sources = Sources::default();
    let reading = read(&file.display().to_string(), text, &mut sources);
    report(&reading.diagnostics, &sources);
    reading.playbook.map(|playbook| playbook.document().clone())
}

pub(super) fn verify(
    files: &[PathBuf],
    configured: &ConfiguredArguments,
    system: &dyn System,
) -> Result<Ending> {
    let trusted = Configured::read(configured, system)?.trusted;
    let mut is_wrong = false;
    for path in files {
        let text = read_text(path, LARGEST, system)?;
        let told = match document(path, &text).map(|document| hold(&document, &trusted, system.now())) {
            Some(Verdict::Trusted { by }) => format!("signed by {by}"),
            other => {
                is_wrong = true;
                not_trusted(other)
            }
        };
        to_stdout(format!("{}\n", inert_lines(&format!("{}: {told}", path.display()))).as_bytes())?;
    }
    Ok(if is_wrong { Ending::Findings } else { Ending::Fine })
}

fn not_trusted(verdict: Option<Verdict>) -> String {
    match verdict {
        None => "no playbook".to_owned(),
        Some(Verdict::Unknown { claimed }) => {
            format!(
                "unknown: its signature names `{claimed}`, whose key is not trusted; trust it with --trust or [trusted]"
            )
        }
        Some(Verdict::Broken(reason)) => format!("broken: {reason}"),
        Some(Verdict::Unsupported(reason)) => format!("unknown: {reason}"),
        Some(Verdict::Unsigned | Verdict::Trusted { .. }) => {
            "not signed; sign it with `castellan playbook sign`".to_owned()
        }
    }
}
