//! Files that hold what clients have changed.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest file, in bytes.
const LARGEST: u64 = 256 << 20;

/// What a file holds; the empty value where it is not there yet.
pub(crate) fn read<Value: DeserializeOwned + Default>(file: &Path) -> io::Result<Value> {
    match fs::File::open(file) {
        Ok(open) => Ok(serde_json::from_reader(io::BufReader::new(open.take(LARGEST)))?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Value::default()),
        Err(error) => Err(error),
    }
}

/// Replaces a file by another, so that it is never there by half.
pub(crate) fn write(file: &Path, value: &impl Serialize) -> io::Result<()> {
    let bytes = serde_json::to_vec(value)?;
    let fresh = file.with_extension("new");
    fs::write(&fresh, bytes)?;
    fs::File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, file)
}
