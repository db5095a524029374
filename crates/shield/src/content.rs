//! What is built into the program: rules, terms and weights of `content/shield`.

use rust_embed::RustEmbed;

use crate::harm::Terms;
use crate::rules::{self, Rules};
use crate::shield::ShieldError;

#[derive(RustEmbed)]
#[folder = "../../content/shield/rules"]
struct RuleFiles;

/// The terms of harms.
const TERMS: &str = include_str!("../../../content/shield/terms/terms.yaml");
/// What `cargo xtask train-shield` wrote.
pub(crate) const WEIGHTS: &[u8] = include_bytes!("../../../content/shield/weights.bin");

pub(crate) fn rules() -> Result<Rules, ShieldError> {
    let mut names: Vec<String> = RuleFiles::iter().map(|name| name.into_owned()).collect();
    names.retain(|name| name.ends_with(".yaml"));
    names.sort();
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let bytes = RuleFiles::get(&name).map(|file| file.data.into_owned()).unwrap_or_default();
        let text =
            String::from_utf8(bytes).map_err(|error| ShieldError::File(name.clone(), error.to_string()))?;
        files.push((name, text));
    }
    rules::read(&files).map_err(|faults| ShieldError::Content(faults.join("; ")))
}

pub(crate) fn terms() -> Result<Terms, ShieldError> {
    Terms::read("terms.yaml", TERMS).map_err(ShieldError::Content)
}
