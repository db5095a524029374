//! Relations that a resource of Azure states in its own properties.

use castellan_base::{Node, Resource, ResourceId};

use super::{Edges, RelationKind, external, id_in, id_within_symbol, roles};
use crate::estate::Estate;
use crate::shape::{items, text};

/// Properties that hold the id of another resource.
#[rustfmt::skip] // One line a property reads as the table it is.
const BY_ID: &[(&str, &str, RelationKind)] = &[
    ("Microsoft.MachineLearningServices/workspaces", "properties.storageAccount", RelationKind::StoresDataIn),
    ("Microsoft.MachineLearningServices/workspaces", "properties.keyVault", RelationKind::StoresDataIn),
    ("Microsoft.MachineLearningServices/workspaces", "properties.containerRegistry", RelationKind::StoresDataIn),
    ("Microsoft.MachineLearningServices/workspaces", "properties.applicationInsights", RelationKind::LogsTo),
    ("Microsoft.MachineLearningServices/workspaces", "properties.hubResourceId", RelationKind::ConnectsTo),
    ("Microsoft.MachineLearningServices/workspaces", "properties.encryption.keyVaultProperties.keyVaultArmId", RelationKind::EncryptedBy),
    ("Microsoft.CognitiveServices/accounts/projects/connections", "properties.metadata.ResourceId", RelationKind::ConnectsTo),
    ("Microsoft.CognitiveServices/accounts/connections", "properties.metadata.ResourceId", RelationKind::ConnectsTo),
    ("Microsoft.MachineLearningServices/workspaces/connections", "properties.metadata.ResourceId", RelationKind::ConnectsTo),
    ("Microsoft.CognitiveServices/accounts/projects/connections", "properties.target", RelationKind::ConnectsTo),
    ("Microsoft.CognitiveServices/accounts/connections", "properties.target", RelationKind::ConnectsTo),
    ("Microsoft.MachineLearningServices/workspaces/connections", "properties.target", RelationKind::ConnectsTo),
    ("Microsoft.Insights/diagnosticSettings", "properties.workspaceId", RelationKind::LogsTo),
    ("Microsoft.Insights/diagnosticSettings", "properties.storageAccountId", RelationKind::LogsTo),
    ("Microsoft.Insights/diagnosticSettings", "properties.eventHubAuthorizationRuleId", RelationKind::LogsTo),
    ("Microsoft.App/containerApps", "properties.managedEnvironmentId", RelationKind::ConnectsTo),
];

/// Properties that hold the address of a key vault.
const KEY_URIS: [&str; 5] = [
    "properties.encryption.keyVaultProperties.keyVaultUri",
    "properties.encryption.keyvaultproperties.keyvaulturi",
    "properties.encryptionWithCmk.keyVaultUri",
    "properties.encryption.keyVaultProperties.keyIdentifier",
    "properties.keyVaultKeyUri",
];

pub(super) fn edges(estate: &Estate, resource: &Resource, edges: &mut Edges) {
    let id = &resource.id;
    contains(estate, resource, edges);
    for (resource_type, path, kind) in BY_ID {
        if resource.is_type(resource_type) {
            let value = resource.at_path(path);
            // A setting belongs to the resource that it extends.
            let from = if *kind == RelationKind::LogsTo
                && resource.is_type("Microsoft.Insights/diagnosticSettings")
            {
                id.parent()
            } else {
                None
            };
            let from = from.as_ref().unwrap_or(id);
            if value.and_then(id_in).is_some() {
                edges.link_id(from, *kind, value);
            } else {
                edges.link_host(from, *kind, value);
            }
        }
    }
    for path in KEY_URIS {
        edges.link_host(id, RelationKind::EncryptedBy, resource.at_path(path));
    }
    storage_of_account(resource, edges);
    identities(resource, edges);
    private_endpoint(resource, edges);
    role_assignment(estate, resource, edges);
    capability_host(resource, edges);
    gateway(resource, edges);
    container_images(resource, edges);
}

fn contains(estate: &Estate, resource: &Resource, edges: &mut Edges) {
    let Some(parent) = resource.id.parent() else { return };
    if estate.get(&parent).is_some() {
        edges.add(&parent, RelationKind::Contains, resource.id.clone(), resource.span);
    }
}

fn storage_of_account(resource: &Resource, edges: &mut Edges) {
    if resource.is_type("Microsoft.CognitiveServices/accounts") {
        for storage in items(&resource.body, "properties.userOwnedStorage") {
            edges.link_id(&resource.id, RelationKind::StoresDataIn, storage.get("resourceId"));
        }
    }
}

/// System-assigned identities are the resource itself; user-assigned ones are named by their ids.
fn identities(resource: &Resource, edges: &mut Edges) {
    let assigned = resource.at_path("identity.userAssignedIdentities").and_then(Node::as_object);
    for member in assigned.into_iter().flatten() {
        if let Ok(identity) = member.key.parse::<ResourceId>() {
            edges.add(&resource.id, RelationKind::RunsAs, identity, member.value.span);
        }
    }
}

fn private_endpoint(resource: &Resource, edges: &mut Edges) {
    if !resource.is_type("Microsoft.Network/privateEndpoints") {
        return;
    }
    for list in ["properties.privateLinkServiceConnections", "properties.manualPrivateLinkServiceConnections"]
    {
        for connection in items(&resource.body, list) {
            let target = connection.at_path("properties.privateLinkServiceId");
            if let Some(target) = target.filter(|target| !target.is_null()) {
                let id = id_in(target).or_else(|| target.text_or_symbol().and_then(id_within_symbol));
                if let Some(id) = id {
                    edges.add(&id, RelationKind::ReachedThrough, resource.id.clone(), target.span);
                }
            }
        }
    }
}

fn role_assignment(estate: &Estate, resource: &Resource, edges: &mut Edges) {
    let cosmos = resource.is_type("Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments");
    if !cosmos && !resource.is_type("Microsoft.Authorization/roleAssignments") {
        return;
    }
    let Some(principal) = resource.at_path("properties.principalId").and_then(Node::text_or_symbol) else {
        return;
    };
    let from = edges.principal(principal);
    let written = resource.at_path("properties.scope");
    let Some(scope) = written.and_then(id_in).or_else(|| resource.id.parent()) else { return };
    let role = role_name(estate, resource);
    edges.add_with(&from, RelationKind::HasRoleOn, scope, &role, resource.span);
}

fn role_name(estate: &Estate, assignment: &Resource) -> String {
    if let Some(name) = text(&assignment.body, "properties.roleDefinitionName") {
        return name.to_owned();
    }
    let definition =
        assignment.at_path("properties.roleDefinitionId").and_then(Node::text_or_symbol).unwrap_or_default();
    let guid = definition.rsplit('/').next().unwrap_or(definition);
    if let Some(name) = roles::built_in_role(guid) {
        return name.to_owned();
    }
    // The data plane of Cosmos DB has two roles of its own.
    match guid {
        "00000000-0000-0000-0000-000000000001" => return "Cosmos DB Built-in Data Reader".to_owned(),
        "00000000-0000-0000-0000-000000000002" => return "Cosmos DB Built-in Data Contributor".to_owned(),
        _ => {}
    }
    let custom = definition.parse::<ResourceId>().ok().and_then(|id| estate.get(&id));
    let name = custom.and_then(|role| text(&role.body, "properties.roleName"));
    name.unwrap_or(guid).to_owned()
}

/// A capability host names, by connection, where agents keep threads, files and vectors.
fn capability_host(resource: &Resource, edges: &mut Edges) {
    const CONNECTIONS: [&str; 4] =
        ["threadStorageConnections", "storageConnections", "vectorStoreConnections", "aiServicesConnections"];
    let is_host = resource.is_type("Microsoft.CognitiveServices/accounts/projects/capabilityHosts")
        || resource.is_type("Microsoft.CognitiveServices/accounts/capabilityHosts");
    let Some(parent) = resource.id.parent().filter(|_| is_host) else { return };
    for list in CONNECTIONS {
        for name in items(&resource.body, &format!("properties.{list}")) {
            if let Some(name_text) = name.text_or_symbol() {
                edges.add(
                    &parent,
                    RelationKind::StoresDataIn,
                    parent.child("connections", name_text),
                    name.span,
                );
            }
        }
    }
}

/// A gateway's backend that is a service which was read puts the gateway in front of it.
fn gateway(resource: &Resource, edges: &mut Edges) {
    let target = if resource.is_type("Microsoft.ApiManagement/service/backends") {
        resource.at_path("properties.url")
    } else if resource.is_type("Microsoft.ApiManagement/service/apis") {
        resource.at_path("properties.serviceUrl")
    } else {
        return;
    };
    let Some(service) = resource.id.parent() else { return };
    let known = target.and_then(Node::text_or_symbol).and_then(|text| edges.host(text));
    if let (Some(known), Some(target)) = (known, target) {
        edges.add(&known, RelationKind::FrontedBy, service, target.span);
    }
}

fn container_images(resource: &Resource, edges: &mut Edges) {
    if !resource.is_type("Microsoft.App/containerApps") {
        return;
    }
    for container in items(&resource.body, "properties.template.containers") {
        if let Some(image) = text(container, "image") {
            edges.add(&resource.id, RelationKind::UsesImage, external("images", image), container.span);
        }
    }
}
