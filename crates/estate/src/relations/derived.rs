//! Relations of derived resources: deployments, agents, workloads.

use castellan_base::{Node, Resource, ResourceId};

use super::{Edges, RelationKind, external, id_in};
use crate::estate::Estate;
use crate::shape::{first_text, items, text};

pub(super) fn edges(estate: &Estate, resource: &Resource, edges: &mut Edges) {
    match resource.resource_type.as_ref() {
        "Castellan.AI/modelDeployments" => deployment(resource, edges),
        "Castellan.AI/agents" => agent(estate, resource, edges),
        "Castellan.AI/workloads" => workload(resource, edges),
        "Castellan.AI/connections" => {
            edges.link_host(&resource.id, RelationKind::ConnectsTo, resource.at_path("properties.target"));
            edges.link_id(
                &resource.id,
                RelationKind::ConnectsTo,
                resource.at_path("properties.metadata.ResourceId"),
            );
        }
        _ => {}
    }
}

fn deployment(resource: &Resource, edges: &mut Edges) {
    let part =
        |key: &str| resource.at_path(&format!("properties.model.{key}")).and_then(Node::text_or_symbol);
    if let Some(name) = part("name") {
        let version = part("version").map(|version| format!("@{version}")).unwrap_or_default();
        let span = resource.at_path("properties.model").map_or(resource.span, |model| model.span);
        edges.add(
            &resource.id,
            RelationKind::DeploysModel,
            external("models", &format!("{name}{version}")),
            span,
        );
    }
    let filter = resource.at_path("properties.raiPolicy.name").filter(|name| !name.is_null());
    let account = resource.at_path("properties.account.id").and_then(id_in);
    if let (Some(filter), Some(account)) = (filter, account)
        && let Some(name) = filter.text_or_symbol()
    {
        edges.add(&resource.id, RelationKind::UsesFilter, account.child("raiPolicies", name), filter.span);
    }
}

fn agent(estate: &Estate, resource: &Resource, edges: &mut Edges) {
    if let Some(model) = resource.at_path("properties.model").filter(|model| model.text_or_symbol().is_some())
    {
        let name = model.text_or_symbol().unwrap_or_default();
        let target = deployment_named(estate, name).unwrap_or_else(|| external("models", name));
        edges.add(&resource.id, RelationKind::UsesModel, target, model.span);
    }
    for tool in items(&resource.body, "properties.tools") {
        let kind = text(tool, "kind").unwrap_or("other");
        let name = first_text(tool, &["name", "serverLabel"]).unwrap_or(kind);
        if kind == "connected_agent" {
            let target = agent_named(estate, name).unwrap_or_else(|| external("agents", name));
            edges.add(&resource.id, RelationKind::Calls, target, tool.span);
            continue;
        }
        let tool_id = tool_id(&resource.id, kind, name);
        edges.add(&resource.id, RelationKind::HasTool, tool_id.clone(), tool.span);
        let url = tool.get("serverUrl");
        if !edges.link_host(&tool_id, RelationKind::ConnectsTo, url)
            && let Some(url) = url.and_then(Node::as_str)
        {
            let host = crate::derive::host_of(url);
            edges.add(&tool_id, RelationKind::ConnectsTo, external("hosts", &host), tool.span);
        }
        if let Some(connection) = text(tool, "connection") {
            let target = connection_named(estate, connection);
            edges.add(&tool_id, RelationKind::ConnectsTo, target, tool.span);
        }
    }
}

/// The id of a tool of an agent. Tools are no resources of their own; this names them in relations.
pub(crate) fn tool_id(agent: &ResourceId, kind: &str, name: &str) -> ResourceId {
    let label = if kind == name { kind.to_owned() } else { format!("{kind}:{name}") };
    agent.child("tools", &crate::shape::segment(&label))
}

/// The only deployment of this name, if there is exactly one.
fn deployment_named(estate: &Estate, name: &str) -> Option<ResourceId> {
    only(
        estate
            .of_type("Castellan.AI/modelDeployments")
            .filter(|found| found.name().eq_ignore_ascii_case(name)),
    )
}

fn agent_named(estate: &Estate, name: &str) -> Option<ResourceId> {
    only(estate.of_type("Castellan.AI/agents").filter(|found| found.name().eq_ignore_ascii_case(name)))
}

fn connection_named(estate: &Estate, written: &str) -> ResourceId {
    if let Ok(id) = written.parse::<ResourceId>() {
        return id;
    }
    let found = only(
        estate.of_type("Castellan.AI/connections").filter(|found| found.name().eq_ignore_ascii_case(written)),
    );
    let source = found.and_then(|id| id.parent());
    source.unwrap_or_else(|| external("connections", written))
}

/// One resource, unless several have the name: then nobody can tell which is meant.
fn only<'e>(mut found: impl Iterator<Item = &'e Resource>) -> Option<ResourceId> {
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only.id.clone()),
        _ => None,
    }
}

fn workload(resource: &Resource, edges: &mut Edges) {
    let part =
        |key: &str| resource.at_path(&format!("properties.{key}")).filter(|node| node.as_str().is_some());
    if let Some((image, name)) = part("image").and_then(|image| Some((image, image.as_str()?))) {
        edges.add(&resource.id, RelationKind::UsesImage, external("images", name), image.span);
    }
    if let Some((model, name)) = part("model").and_then(|model| Some((model, model.as_str()?))) {
        edges.add(&resource.id, RelationKind::DeploysModel, external("models", name), model.span);
        edges.link_host(&resource.id, RelationKind::StoresDataIn, Some(model));
    }
    if let (Some(account), Some(namespace)) = (part("serviceAccount"), part("namespace")) {
        let names = [namespace.as_str().unwrap_or("default"), account.as_str().unwrap_or("default")];
        let id = ResourceId::build("", "Kubernetes/core/ServiceAccount", &names);
        edges.add(&resource.id, RelationKind::RunsAs, id, account.span);
    }
}
