//! The outcome of a collection.

use castellan_base::{Diagnostic, Existence, Limits, Origin, Resource, ResourceId, Sources, json};
use serde::Serialize;
use serde_json::Value;

use super::failure::Failure;

/// Whether everything of a type below a resource is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The resource or subscription that was asked about.
    pub parent: ResourceId,
    /// The full type of what was looked for below it, extension resources included. `*`, for subscriptions: every type
    /// that Resource Manager tracks at the top level. The parent's own type: the parent's properties.
    pub child_type: String,
    /// True when what was not found does not exist.
    pub complete: bool,
    /// Why it is not complete, or why nothing had to be asked; empty otherwise.
    pub reason: String,
}

/// What was collected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// Resources as a GET of Resource Manager returns them, each with `id`, `name` (the last segment) and `type`,
    /// sorted by id without repetition. Subscriptions, resource groups, role assignments and definitions, policy
    /// assignments, definitions and exemptions are among them.
    pub documents: Vec<Value>,
    /// What is known to be complete and what is not, sorted by parent and type.
    pub coverage: Vec<Coverage>,
    /// What could not be read.
    pub failures: Vec<Failure>,
}

impl Collected {
    /// Whether all resources of a type below `parent` are among the documents; `None` when nobody asked.
    pub fn is_complete(&self, parent: &ResourceId, child_type: &str) -> Option<bool> {
        let start = self.coverage.partition_point(|record| record.parent < *parent);
        let mut records = self.coverage.iter().skip(start).take_while(|record| record.parent == *parent);
        let found = records.find(|record| record.child_type.eq_ignore_ascii_case(child_type));
        found.map(|record| record.complete)
    }

    /// The documents as resources. Each gets a source of its own, named by its id, so that evidence can point into it.
    pub fn resources(&self, sources: &mut Sources, limits: &Limits) -> (Vec<Resource>, Vec<Diagnostic>) {
        let mut resources = Vec::with_capacity(self.documents.len());
        let mut diagnostics = Vec::new();
        for document in &self.documents {
            let text_of = |key: &str| document.get(key).and_then(Value::as_str);
            let (Some(id_text), Some(resource_type)) = (text_of("id"), text_of("type")) else { continue };
            let Ok(id) = id_text.parse::<ResourceId>() else { continue };
            let text = format!("{document:#}");
            let source = sources.add(format!("azure:{id_text}"), text.as_str());
            match json::parse(&text, source, limits) {
                Ok(body) => resources.push(Resource {
                    id,
                    resource_type: resource_type.into(),
                    api_version: None,
                    span: body.span,
                    body,
                    origin: Origin::Live,
                    existence: Existence::Certain,
                }),
                Err(diagnostic) => diagnostics.push(diagnostic),
            }
        }
        (resources, diagnostics)
    }
}
