//! Models that are opened, run, asked by the shield, and refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use castellan_base::OsSystem;
use castellan_encoder::{Classifier, Encoder, EncoderError, Options};

mod hostile;
mod models;
mod shield;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn open(folder: &Path, options: &Options) -> Result<Encoder, EncoderError> {
    Encoder::open(&OsSystem, folder, options)
}

fn probability(encoder: &Encoder, text: &str) -> f32 {
    encoder.probability(text, Duration::from_secs(60)).unwrap()
}

/// The folder `bag` with one file changed, or taken away.
fn changed(name: &str, bytes: Option<&[u8]>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["model.onnx", "tokenizer.json", "config.json"] {
        std::fs::copy(fixtures().join("bag").join(file), folder.path().join(file)).unwrap();
    }
    let path = folder.path().join(name);
    match bytes {
        Some(bytes) => std::fs::write(path, bytes).unwrap(),
        None => std::fs::remove_file(path).unwrap(),
    }
    folder
}
