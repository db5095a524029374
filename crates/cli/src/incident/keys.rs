//! `castellan incident keys` and `reveal`.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use castellan_base::System;
use castellan_incident::evidence::{Exhibit, PrivateKey};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::place::Place;
use crate::Ending;
use crate::arguments::OrderArguments;
use crate::keys::{refuse_if_shared, write_new};
use crate::output::{complain, read_text, to_stdout};

/// The largest file of a key, in bytes.
const KEY: u64 = 64 << 10;

fn passphrase(system: &dyn System) -> Option<Zeroizing<String>> {
    system.env("CASTELLAN_PASSPHRASE").map(Zeroizing::new)
}

/// Makes a pair of keys.
pub(super) fn new(file: &Path, is_protected: bool, system: &dyn System) -> Result<Ending> {
    let passphrase = passphrase(system).filter(|_| is_protected);
    if is_protected && passphrase.is_none() {
        return Err(anyhow!("there is no passphrase; put it into the environment as CASTELLAN_PASSPHRASE"));
    }
    let key = PrivateKey::generate()?;
    let text = key.to_text(passphrase.as_ref().map(|text| text.as_str()))?;
    write_new(file, &text)?;
    complain(&format!(
        "the private key is in `{}`: keep it away from the server, and a copy of it in a safe; without it, no evidence is opened",
        file.display()
    ));
    to_stdout(format!("{}\n", key.public_key().to_text()).as_bytes())?;
    Ok(Ending::Fine)
}

fn read(file: &Path, system: &dyn System) -> Result<PrivateKey> {
    refuse_if_shared(file)?;
    let text = Zeroizing::new(read_text(file, KEY, system)?);
    let passphrase = passphrase(system);
    PrivateKey::from_text(&text, passphrase.as_ref().map(|text| text.as_str()))
        .with_context(|| format!("`{}`", file.display()))
}

/// Prints the public key of a private one.
pub(super) fn show(file: &Path, system: &dyn System) -> Result<Ending> {
    let key = read(file, system)?;
    to_stdout(format!("{}\n", key.public_key().to_text()).as_bytes())?;
    Ok(Ending::Fine)
}

/// Opens a piece of evidence here, once the audit log has it.
pub(super) fn reveal(
    of: &OrderArguments,
    evidence: &str,
    key: &Path,
    reason: &str,
    system: &dyn System,
) -> Result<Ending> {
    // A key that cannot be used is told before anything is written.
    let key = read(key, system)?;
    let place = Place::of(&of.place, system)?;
    let told = place.get(&[&of.incident, "evidence", evidence], &[])?;
    let exhibit: Exhibit = serde_json::from_value(told).context("this is no evidence")?;
    let own = key.public_key().id();
    if exhibit.sealed_to.as_ref().is_some_and(|sealed| *sealed != own) {
        return Err(anyhow!(
            "it is sealed to the key {}, and this is the key {own}; use the file of that key",
            exhibit.sealed_to.unwrap_or_default()
        ));
    }
    let body = json!({ "by": of.by, "reason": reason });
    let told = place.post(&[&of.incident, "evidence", &exhibit.id, "reveal"], body)?;
    let sealed = told.get("sealed").and_then(Value::as_str).unwrap_or_default();
    let sealed = STANDARD.decode(sealed).context("the sealed original is no base64")?;
    let text = key.open(&exhibit, &sealed)?;
    complain("the audit log has who opened this and why");
    to_stdout(text.as_bytes())?;
    if !text.ends_with('\n') {
        to_stdout(b"\n")?;
    }
    Ok(Ending::Fine)
}
