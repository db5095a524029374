//! `azapi_*`: resources that are written as Resource Manager has them.

use std::sync::Arc;

use castellan_base::{Node, Object, ResourceId, Value};

use super::document::Instance;
use super::ids::RESOURCE_GROUPS;
use super::notes::Notes;
use super::transform;

/// The type and the version in `Provider/type@version`.
pub(super) fn split_type(instance: &Instance) -> Option<(Arc<str>, Option<Arc<str>>)> {
    let text = instance.attribute("type")?.as_str()?;
    let (arm_type, version) = match text.split_once('@') {
        Some((arm_type, version)) => (arm_type, Some(version.into())),
        None => (text, None),
    };
    arm_type.contains('/').then(|| (arm_type.into(), version))
}

/// True for the kinds that describe a resource; the others run an action or read something.
fn describes(instance: &Instance) -> bool {
    matches!(&*instance.resource_type, "azapi_resource" | "azapi_update_resource")
}

/// True for a change to a resource that is declared elsewhere.
pub(super) fn is_patch(instance: &Instance) -> bool {
    &*instance.resource_type == "azapi_update_resource"
}

/// The type, the version and the members of the body beside `id`, `name` and `type`.
pub(super) fn body(
    instance: &Instance,
    values: &Node,
    id: &ResourceId,
    notes: &mut Notes,
) -> Option<(Arc<str>, Option<Arc<str>>, Object)> {
    if !describes(instance) {
        if !instance.is_data {
            notes.action(instance);
        }
        return None;
    }
    let Some((mut arm_type, version)) = split_type(instance) else {
        notes.unusable(instance);
        return None;
    };
    if id.resource_type() == RESOURCE_GROUPS {
        arm_type = RESOURCE_GROUPS.into();
    }
    if instance.is_data {
        return Some((arm_type, version, Object::new()));
    }
    let mut body = Object::new();
    if let Some(identity) = values.get("identity").and_then(transform::identity) {
        body.insert("identity", identity);
    }
    if let Some(tags) = values.get("tags").filter(|tags| !tags.is_null()) {
        body.insert("tags", tags.clone());
    }
    if let Some(written) = values.get("body").filter(|written| !written.is_null()) {
        let written = match written.as_str() {
            // Version 1 of the provider takes the body as JSON text.
            Some(text) => transform::read_json(text, written).unwrap_or_else(|| written.clone()),
            None => written.clone(),
        };
        match &written.value {
            Value::Object(members) => transform::merge(&mut body, Some(members)),
            Value::Unresolved(_) => body.insert("properties", written),
            _ => notes.unreadable_body(instance),
        }
    }
    if let Some(secret) = values.get("sensitive_body").and_then(Node::as_object) {
        transform::merge(&mut body, Some(secret));
    }
    Some((arm_type, version, body))
}
