//! `azurerm_*_template_deployment`: ARM templates that a plan carries along as JSON text.

use castellan_base::{Node, Origin, ResourceId, Value};

use super::document::Instance;
use super::ids::Ids;
use super::transform;
use crate::context::{DeploymentContext, Expansion};
use crate::expand_template;

/// One template may give many resources, and a plan may hold many templates: past this many no more are expanded.
const MAX_RESOURCES: usize = 100_000;

/// True for a deployment of a template, at whatever scope.
pub(super) fn is_deployment(instance: &Instance) -> bool {
    let scope = instance
        .resource_type
        .strip_prefix("azurerm_")
        .and_then(|name| name.strip_suffix("_template_deployment"));
    !instance.is_data
        && matches!(scope, Some("resource_group" | "subscription" | "management_group" | "tenant"))
}

/// What the template declares; `None` when its text is not known (a template spec, say), or when `so_far` resources are
/// as many as are read.
pub(super) fn expand(
    instance: &Instance,
    ids: &Ids<'_>,
    context: &DeploymentContext,
    origin: Origin,
    so_far: usize,
) -> Option<Expansion> {
    if so_far >= MAX_RESOURCES {
        return None;
    }
    let template = json_attribute(instance, "template_content")?;
    let parameters = json_attribute(instance, "parameters_content");
    let context = placed(instance, ids, context);
    let mut expansion = expand_template(&template, parameters.as_ref(), &context);
    for resource in &mut expansion.resources {
        resource.origin = origin;
    }
    Some(expansion)
}

fn json_attribute(instance: &Instance, name: &str) -> Option<Node> {
    let node = instance.attribute(name)?;
    let read = transform::read_json(node.as_str()?, node)?;
    matches!(read.value, Value::Object(_)).then_some(read)
}

/// The context of the whole file, with the place of this deployment as far as it is known.
fn placed(instance: &Instance, ids: &Ids<'_>, context: &DeploymentContext) -> DeploymentContext {
    let known = |text: Option<&str>| text.filter(|text| !text.contains('{')).map(str::to_owned);
    let scope: Option<ResourceId> = ids.group_scope(instance, 0).parse().ok();
    let group: Option<ResourceId> =
        instance.attribute("management_group_id").and_then(Node::as_str).and_then(|id| id.parse().ok());
    DeploymentContext {
        subscription_id: known(scope.as_ref().and_then(ResourceId::subscription)),
        resource_group: known(scope.as_ref().and_then(ResourceId::resource_group)),
        management_group: group.map(|id| id.name().to_owned()).or_else(|| context.management_group.clone()),
        deployment_name: known(instance.attribute("name").and_then(Node::as_str)),
        ..context.clone()
    }
}
