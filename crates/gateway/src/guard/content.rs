//! The profiles that are built into the program.

use castellan_base::{Diagnostic, SourceId};
use rust_embed::RustEmbed;

use super::profile::{Profile, read};

#[derive(RustEmbed)]
#[folder = "../../content/guardrails"]
struct Files;

/// `content/guardrails`, by the files' names.
pub(super) fn profiles() -> Vec<(String, Result<Profile, Diagnostic>)> {
    let mut names: Vec<String> = Files::iter().map(|name| name.into_owned()).collect();
    names.retain(|name| name.ends_with(".yaml"));
    names.sort();
    let text = |name: &str| Files::get(name).map(|file| String::from_utf8_lossy(&file.data).into_owned());
    names
        .into_iter()
        .map(|name| (name.clone(), read(&text(&name).unwrap_or_default(), SourceId::NONE)))
        .collect()
}
