//! Files of keys: a name and 64 hexadecimal digits a line, `#` begins a remark, the last key makes tokens.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use castellan_base::System;
use castellan_classify::exact::Key;
use castellan_classify::redact::{KeyId, Keyring};
use zeroize::Zeroizing;

use crate::Ending;
use crate::output::{read_text, to_stdout};

/// The largest file of keys, in bytes.
const LARGEST: u64 = 1 << 20;

/// Prints a line with a new key.
pub(crate) fn make(name: &str) -> Result<Ending> {
    let name = KeyId::new(name)?;
    to_stdout(format!("{name} {}\n", digits()?).as_bytes())?;
    Ok(Ending::Fine)
}

/// 32 random bytes as hexadecimal digits.
///
/// Errors: the system gives none.
pub(crate) fn digits() -> Result<String> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(secret.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a private key into a new file that nobody else may read.
///
/// Errors: there is a file already, or it cannot be written.
pub(crate) fn write_new(file: &Path, text: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(file).and_then(|mut made| {
        made.write_all(text.as_bytes())?;
        made.sync_all()
    });
    made.with_context(|| {
        format!("cannot make `{}`; a key is never written over another file", file.display())
    })
}

/// The key of indexes: the last one of a file.
pub(crate) fn newest(path: &Path, system: &dyn System) -> Result<Key> {
    let keys = secrets(path, system)?;
    let (_, secret) = keys.last().context("the file of keys is empty")?;
    Ok(Key::new(secret.as_slice())?)
}

/// The bytes of that key.
pub(crate) fn newest_secret(path: &Path, system: &dyn System) -> Result<Zeroizing<[u8; 32]>> {
    secrets(path, system)?.pop().map(|(_, secret)| secret).context("the file of keys is empty")
}

/// Reads a file of keys.
pub(crate) fn read(path: &Path, system: &dyn System) -> Result<Arc<Keyring>> {
    let mut ring: Option<Keyring> = None;
    for (name, secret) in secrets(path, system)? {
        let added = match &mut ring {
            Some(ring) => ring.rotate(&name, &secret),
            None => Keyring::new(&name, &secret).map(|new| ring = Some(new)),
        };
        added.with_context(|| path.display().to_string())?;
    }
    ring.map(Arc::new).context("the file of keys is empty")
}

/// Names and secrets, in order; at least one.
fn secrets(path: &Path, system: &dyn System) -> Result<Vec<(String, Zeroizing<[u8; 32]>)>> {
    let shown = path.display();
    refuse_if_shared(path)?;
    let text = read_text(path, LARGEST, system)?;
    let mut keys = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = line
            .split_once(char::is_whitespace)
            .and_then(|(name, digits)| Some((name, secret(digits.trim())?)));
        // The line itself is not shown: it is a secret.
        let (name, secret) = key.with_context(|| {
            format!("{shown}:{number}: a line is a name and 64 hexadecimal digits; `castellan classify key NAME` makes one")
        })?;
        keys.push((name.to_owned(), secret));
    }
    if keys.is_empty() {
        bail!("`{shown}` holds no key; `castellan classify key NAME` makes one");
    }
    Ok(keys)
}

fn secret(digits: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut secret = Zeroizing::new([0; 32]);
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, at) in secret.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some(secret)
}

/// Keys that others can read are none, as `ssh` has it.
#[cfg(unix)]
pub(crate) fn refuse_if_shared(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = std::fs::File::open(path).and_then(|file| file.metadata()) else { return Ok(()) };
    if metadata.permissions().mode() & 0o077 != 0 {
        bail!(
            "`{0}` can be read by others; run `chmod 600 {0}`, and make new keys if somebody may have",
            path.display()
        );
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn refuse_if_shared(_: &Path) -> Result<()> {
    Ok(())
}
