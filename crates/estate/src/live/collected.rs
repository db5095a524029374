//! The outcome of a collection.

use castellan_base::{Diagnostic, Limits, Node, ResourceId, Sources, Span, json};
use serde_json::Value;

use super::failure::Failure;
use crate::Coverage;

/// What was collected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// Resources as a GET of Resource Manager returns them, each with `id`, `name` (the last segment) and `type`,
    /// sorted by id without repetition. Subscriptions, resource groups, role assignments and definitions, policy
    /// assignments, definitions and exemptions are among them.
    pub documents: Vec<Value>,
    /// What is known to be complete and what is not, sorted by parent and type: children and extension resources of a
    /// resource, `*` for everything at the top level of a subscription, and a resource's own type for its properties.
    pub coverage: Vec<Coverage>,
    /// What could not be read.
    pub failures: Vec<Failure>,
}

impl Collected {
    /// Whether all resources of a type below `parent` are among the documents; `None` when nobody asked.
    pub fn is_complete(&self, parent: &ResourceId, resource_type: &str) -> Option<bool> {
        let start = self.coverage.partition_point(|record| record.parent < *parent);
        let mut records = self.coverage.iter().skip(start).take_while(|record| record.parent == *parent);
        let found = records.find(|record| record.resource_type.eq_ignore_ascii_case(resource_type));
        found.map(|record| record.complete)
    }

    /// Records whether all subscriptions of the tenant could be listed.
    pub(super) fn note_subscriptions(&mut self, failure: Option<Failure>) {
        let Ok(tenant) = "/".parse() else { return };
        let record = Coverage {
            parent: tenant,
            resource_type: "Microsoft.Resources/subscriptions".into(),
            complete: failure.is_none(),
            reason: failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default(),
        };
        // The tenant's id sorts before every other.
        self.coverage.insert(0, record);
        self.failures.extend(failure);
    }

    /// The documents with positions. Each gets a source of its own, named by its id, so that evidence can point into it;
    /// one that exceeds the limits becomes a diagnostic.
    pub fn nodes(&self, sources: &mut Sources, limits: &Limits) -> (Vec<Node>, Vec<Diagnostic>) {
        let mut nodes = Vec::with_capacity(self.documents.len());
        let mut diagnostics = Vec::new();
        for document in &self.documents {
            let id = document.get("id").and_then(Value::as_str).unwrap_or_default();
            let text = format!("{document:#}");
            let source = sources.add(format!("azure:{id}"), text.as_str());
            match json::parse(&text, source, limits) {
                Ok(node) => nodes.push(node),
                Err(diagnostic) => diagnostics.push(diagnostic),
            }
        }
        (nodes, diagnostics)
    }

    /// The failures as warnings with their next steps.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let warning = |failure: &Failure| {
            let message = format!("`{}` could not be read: {}", failure.what, failure.message);
            Diagnostic::warning(Span::NONE, message).with_help(failure.next_step.as_str())
        };
        self.failures.iter().map(warning).collect()
    }
}
