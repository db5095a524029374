//! Collects resources from files and live subscriptions, derives what rules cannot reach by themselves, and relates
//! everything.
//!
//! The pipeline, in the order of the modules' names in [`EstateBuilder`]:
//!
//! 1. **find** files below the given paths; **decode** UTF-8 and UTF-16; **parse** JSON, JSON Lines and YAML with
//!    positions, within bounds;
//! 2. **recognise** each document by its content: templates, parameters, plans, states, exports of every shape, role
//!    assignments, documents of Azure Policy, Kubernetes manifests, agent definitions, MCP configurations;
//! 3. **expand** templates and plans ([`castellan_arm`]), pairing templates with their parameters;
//! 4. **merge** repeated descriptions of one resource, and infer parents that nobody described;
//! 5. **derive** `Castellan.AI/...` resources, which join what lies apart: a deployment with its content filter, an agent
//!    with its tools, a service with its network;
//! 6. **relate**: typed edges between resources, the matter of the [bill of materials](bom).
//!
//! *Invariant (closed and open worlds):* a template or a plan says all that will exist of what it declares; an export
//! says only what it holds. [`Estate::related`] never reports as absent what was merely not collected.
//!
//! *Invariant (one bad file):* whatever a file holds, the others are read. Each file ends as an [`Input`], and what could
//! not be used has a [`castellan_base::Diagnostic`].
//!
//! ```
//! use castellan_estate::{ScanOptions, Silent, read};
//! use castellan_testkit::MemorySystem;
//!
//! let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat}\nspec:\n  template:\n    spec:\n      \
//!                 containers: [{name: llm, image: 'vllm/vllm-openai:latest'}]\n";
//! let system = MemorySystem::default().with_file("k8s/chat.yaml", manifest).with_file("k8s/notes.txt", "x");
//! let estate = read(&system, &["k8s".into()], &ScanOptions::default(), &Silent);
//! let workload = estate.of_type("Castellan.AI/workloads").next().unwrap();
//! assert_eq!(workload.at_path("properties.runtime").unwrap().as_str(), Some("vllm"));
//! assert_eq!(workload.at_path("properties.imagePinned").unwrap().as_bool(), Some(false));
//! assert_eq!(estate.inputs.len(), 2);
//! ```

mod agents;
pub mod bom;
mod builder;
mod catalogue;
mod decode;
mod derive;
mod estate;
mod index;
mod kubernetes;
pub mod live;
mod mcp;
mod merge;
mod options;
mod parameters;
mod recognise;
mod related;
mod relations;
mod rows;
mod shape;
mod sniff;
mod walk;

use std::path::PathBuf;

use castellan_base::{Node, System};

pub use builder::EstateBuilder;
pub use catalogue::{CatalogueModel, ModelCatalogue};
pub use derive::host_names;
pub use estate::{
    Coverage, Estate, GovernanceDocument, GovernanceKind, Input, InputKind, Related, RelatedQuery,
    RelatedScope, World,
};
pub use options::{Progress, ScanOptions, Silent};
pub use relations::{Relation, RelationKind};

/// Where resources that stand in a file and nowhere in Azure have their ids.
pub(crate) const FILES: &str = "/providers/Castellan.Files";

/// Reads files and folders.
pub fn read(
    system: &dyn System,
    paths: &[PathBuf],
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Estate {
    let mut builder = EstateBuilder::new(options);
    builder.read(system, paths, progress);
    builder.finish()
}

impl Estate {
    /// An estate of documents that were collected by other means, each as Resource Manager returns it, with what is
    /// known about the completeness of lists.
    pub fn from_documents(
        name: &str,
        documents: &[Node],
        coverage: Vec<Coverage>,
        options: &ScanOptions,
    ) -> Estate {
        let mut builder = EstateBuilder::new(options);
        builder.add_documents(name, documents, coverage);
        builder.finish()
    }
}
