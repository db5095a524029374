//! Terraform plans and state as `terraform show -json` (or `tofu show -json`) prints them.
//!
//! A plan says three things about every attribute: its value (`planned_values`), whether it is known only after apply
//! (`after_unknown`) and whether it is a secret (`after_sensitive`). The way from there to resources is:
//!
//! 1. `document`: every instance of every resource with its values; what is unknown or secret becomes an
//!    unresolved value. State files, printed or raw, give the same instances without unknowns.
//! 2. `configuration`: which resource an expression refers to, through modules, variables and outputs.
//! 3. `ids`: the id of every instance, taken from the plan where it is known and built from its parts where not.
//! 4. `references`: an unknown `..._id` gets the id of the resource it refers to as its symbol, so that relations hold
//!    before anything is deployed.
//! 5. `azapi` takes `azapi_resource` over as it is; `mapping` moves the attributes of `azurerm_*` resources to
//!    where Resource Manager has them, by the tables that `catalogue` reads from `data/terraform`;
//!    `template_deployment` expands the ARM templates that a plan carries along.
//!
//! What the tables do not cover is said in a diagnostic and never guessed at: a note for an attribute, a warning for a
//! type, which stays unscanned: a state that knows its id only tells that it exists.
//!
//! ```
//! use castellan_arm::{DeploymentContext, terraform};
//! use castellan_base::{Limits, Sources, json};
//!
//! let mut sources = Sources::default();
//! let text = r#"{ "format_version": "1.2", "terraform_version": "1.13.4", "planned_values": { "root_module": { "resources": [{
//!   "address": "azurerm_cognitive_account.ai", "mode": "managed", "type": "azurerm_cognitive_account", "name": "ai",
//!   "values": { "name": "contoso-ai", "resource_group_name": "rg", "location": "swedencentral",
//!               "kind": "OpenAI", "sku_name": "S0", "local_auth_enabled": false }
//! }] } } }"#;
//! let source = sources.add("plan.json", text);
//! let plan = json::parse(text, source, &Limits::default()).unwrap();
//! assert!(terraform::is_terraform(&plan));
//! let expansion = terraform::expand(&plan, &DeploymentContext::default());
//! let account = &expansion.resources[0];
//! assert_eq!(account.at_path("properties.disableLocalAuth").unwrap().as_bool(), Some(true));
//! // The provider leaves public network access on unless told otherwise.
//! assert_eq!(account.at_path("properties.publicNetworkAccess").unwrap().as_str(), Some("Enabled"));
//! ```

mod azapi;
mod catalogue;
mod configuration;
mod document;
mod ids;
mod mapping;
mod notes;
mod references;
mod template_deployment;
mod transform;

use std::collections::HashMap;

use castellan_base::{Existence, Node, Object, Resource, ResourceId, Value};

use crate::context::{DeploymentContext, Expansion};
use document::{Document, Instance};
use ids::Ids;
use notes::Notes;

pub use catalogue::{Example, examples};

/// True for what `terraform show -json` prints of a plan or a state, and for a raw state file of version 4.
///
/// ```
/// # use castellan_base::Node;
/// let state = Node::from_json(&serde_json::json!({"version": 4, "lineage": "x", "serial": 1, "resources": []}));
/// assert!(castellan_arm::terraform::is_terraform(&state));
/// ```
pub fn is_terraform(doc: &Node) -> bool {
    document::is_printed(doc) || document::is_raw_state(doc)
}

/// The Azure resources that a plan leaves in place or that a state knows.
///
/// Resources that the plan deletes are left out; data sources are [`Existence::Referenced`]. Never fails: what
/// cannot be used is said in the diagnostics.
pub fn expand(doc: &Node, context: &DeploymentContext) -> Expansion {
    let document = Document::read(doc);
    let ids = Ids::new(&document, context);
    let mut notes = Notes::default();
    let (mut resources, mut patches) = (Vec::new(), Vec::new());
    let mut diagnostics = document.diagnostics.clone();
    for (index, instance) in document.instances.iter().enumerate() {
        if template_deployment::is_deployment(instance)
            && let Some(expansion) =
                template_deployment::expand(instance, &ids, context, document.origin, resources.len())
        {
            resources.extend(expansion.resources);
            diagnostics.extend(expansion.diagnostics);
            continue;
        }
        if let Some(resource) = resource(&document, &ids, index, instance, &mut notes) {
            if is_patch(instance) { patches.push((instance, resource)) } else { resources.push(resource) }
        }
    }
    apply_patches(&mut resources, patches, &mut notes);
    diagnostics.extend(notes.into_diagnostics());
    Expansion { resources, diagnostics, ..Expansion::default() }
}

fn is_patch(instance: &Instance) -> bool {
    azapi::is_patch(instance)
        || catalogue::find(&instance.resource_type).is_some_and(catalogue::Entry::is_patch)
}

/// Changes become part of the resource that they change. One that changes a resource of another file says too little
/// to judge that by, so that it only refers to it.
fn apply_patches(resources: &mut Vec<Resource>, patches: Vec<(&Instance, Resource)>, notes: &mut Notes) {
    let positions: HashMap<ResourceId, usize> = resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| resource.existence == Existence::Certain)
        .map(|(position, resource)| (resource.id.clone(), position))
        .collect();
    for (instance, patch) in patches {
        let base = positions.get(&patch.id).and_then(|position| resources.get_mut(*position));
        if let Some(base) = base {
            base.body = transform::patched(&base.body, &patch.body);
        } else {
            notes.patch(instance, &patch.id);
            resources.push(Resource { existence: Existence::Referenced, ..patch });
        }
    }
}

fn resource(
    document: &Document,
    ids: &Ids<'_>,
    index: usize,
    instance: &Instance,
    notes: &mut Notes,
) -> Option<Resource> {
    let provider = instance.provider();
    if provider != "azurerm" && provider != "azapi" {
        notes.other_provider(instance);
        return None;
    }
    let Some(id) = ids.id_of(index) else {
        notes.unusable(instance);
        return None;
    };
    let values = references::with_symbols(document, ids, instance);
    let mapped = catalogue::find(&instance.resource_type);
    let (resource_type, api_version, members) = if provider == "azapi" {
        azapi::body(instance, &values, &id, notes)?
    } else if let Some(entry) = mapped {
        let members =
            if instance.is_data { Object::new() } else { mapping::body(entry, instance, &values, notes) };
        (entry.arm_type.clone(), Some(entry.api_version.clone()), members)
    } else {
        (id.resource_type().into(), None, Object::new())
    };
    let named = |text: &str| Value::string(text).at(instance.span);
    let mut body = Object::new();
    body.insert("id", named(id.as_str()));
    body.insert("name", named(id.name()));
    body.insert("type", named(&resource_type));
    let location = values.get("location").filter(|location| !location.is_null() && !is_patch(instance));
    if let Some(location) = location {
        body.insert("location", transform::location(location));
    }
    for member in &members {
        body.insert(member.key.clone(), member.value.clone());
    }
    // Nothing is known of a type without a table but that the resource exists: an empty body must not be judged.
    let is_unmapped = provider == "azurerm" && mapped.is_none();
    if is_unmapped && !instance.is_data {
        notes.unusable(instance);
    }
    let existence = if instance.is_data || is_unmapped { Existence::Referenced } else { Existence::Certain };
    let (body, span) = (Value::object(body).at(instance.span), instance.span);
    Some(Resource { id, resource_type, api_version, body, span, origin: document.origin, existence })
}
