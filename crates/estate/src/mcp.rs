//! Configurations of MCP servers as resources.
//!
//! A configuration becomes `Castellan.Files/files/mcpConfigurations`; one `Castellan.AI/mcpServers` is derived for each
//! server in it.

use castellan_base::{Node, Origin, Resource, ResourceId};

use crate::shape;

/// The type of a configuration in a file.
pub(crate) const CONFIGURATION: &str = "Castellan.Files/files/mcpConfigurations";

/// The resource for the configuration in the file of this name.
pub(crate) fn configuration(document: &Node, file: &str) -> Resource {
    let id = ResourceId::build("", CONFIGURATION, &[file, "servers"]);
    shape::resource(id, CONFIGURATION, document.clone(), Origin::AgentDefinition)
}
