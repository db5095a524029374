//! Agent definitions as resources.
//!
//! A definition becomes `Castellan.Files/files/agentDefinitions` under the file it stands in; its `properties` are the
//! document as written. What it means is derived from it: `Castellan.AI/agents`.

use castellan_base::{Node, Origin, Resource, ResourceId};

use crate::shape::{self, segment, text};

/// The type of an agent definition in a file.
pub(crate) const DEFINITION: &str = "Castellan.Files/files/agentDefinitions";

/// The resource for one definition in the file of this name.
pub(crate) fn definition(document: &Node, file: &str) -> Resource {
    let name = name(document).unwrap_or("agent");
    let id = ResourceId::build("", DEFINITION, &[file, &segment(name)]);
    shape::resource(id, DEFINITION, document.clone(), Origin::AgentDefinition)
}

/// What a definition calls itself.
pub(crate) fn name(document: &Node) -> Option<&str> {
    let paths = ["name", "definition.name", "template.name", "id"];
    paths.iter().find_map(|path| text(document, path)).filter(|name| !name.is_empty())
}
