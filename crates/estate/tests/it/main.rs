//! The crate from outside: files in, an estate out.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod bill;
mod corpora;
mod derived;
mod hostile;
mod inputs;

use castellan_base::{Origin, Resource};
use castellan_estate::{Estate, ScanOptions, Silent, read};
use castellan_testkit::MemorySystem;

/// Reads these files from a folder in memory.
fn estate(files: &[(&str, &str)]) -> Estate {
    estate_with(files, &ScanOptions::default())
}

fn estate_with(files: &[(&str, &str)], options: &ScanOptions) -> Estate {
    let system = files
        .iter()
        .fold(MemorySystem::default(), |system, (path, text)| system.with_file(format!("in/{path}"), text));
    read(&system, &["in".into()], options, &Silent)
}

/// What was read, without what was derived.
fn plain(estate: &Estate) -> Vec<&Resource> {
    estate.resources.iter().filter(|resource| resource.origin != Origin::Derived).collect()
}

/// The only resource of a type.
fn only<'e>(estate: &'e Estate, resource_type: &str) -> &'e Resource {
    let found: Vec<&Resource> = estate.of_type(resource_type).collect();
    assert_eq!(found.len(), 1, "{resource_type}: {found:#?}");
    found[0]
}

/// The properties of the only resource of a type.
fn properties(estate: &Estate, resource_type: &str) -> serde_json::Value {
    only(estate, resource_type).at_path("properties").unwrap().to_json()
}

const ACCOUNT: &str = "/subscriptions/6f1c2f52-9a34-4f0e-8a53-0d6f9a1f5b10/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/ai";
