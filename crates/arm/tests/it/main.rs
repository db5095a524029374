//! Templates and plans in, resources out.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod foundry;
mod hostile;
mod template;
mod terraform;

use castellan_arm::{DeploymentContext, Expansion, expand_template};
use castellan_base::{Limits, Node, Sources, json};

/// Reads a JSON text.
fn document(text: &str) -> Node {
    let mut sources = Sources::default();
    let source = sources.add("test.json", text);
    json::parse(text, source, &Limits::default()).unwrap_or_else(|error| panic!("{}: {text}", error.message))
}

/// A context in which everything is known.
fn context() -> DeploymentContext {
    DeploymentContext {
        subscription_id: Some("S".into()),
        resource_group: Some("rg".into()),
        location: Some("swedencentral".into()),
        tenant_id: Some("T".into()),
        management_group: Some("M".into()),
        deployment_name: Some("main".into()),
        now: "2026-11-21T10:00:00Z".parse().ok(),
    }
}

/// Expands the body of a template (`parameters`, `variables`, `resources`, ...) where everything is known.
fn expand(body: &str) -> Expansion {
    let schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
    let text = format!("{{\"$schema\": \"{schema}\", \"contentVersion\": \"1.0.0.0\", {body}}}");
    expand_template(&document(&text), None, &context())
}
