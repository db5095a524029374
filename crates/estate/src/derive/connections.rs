//! `Castellan.AI/connections`: how a project reaches other services, and with which kind of credential.

use castellan_base::{Node, Resource, Value};

use crate::shape::{ObjectBuilder, derived, not_collected};

const TYPES: [&str; 3] = [
    "Microsoft.CognitiveServices/accounts/connections",
    "Microsoft.CognitiveServices/accounts/projects/connections",
    "Microsoft.MachineLearningServices/workspaces/connections",
];

/// True for a type of connections.
pub(crate) fn is_connection(resource: &Resource) -> bool {
    TYPES.iter().any(|known| resource.is_type(known))
}

pub(super) fn derive(resource: &Resource, into: &mut Vec<Resource>) {
    if !is_connection(resource) {
        return;
    }
    let parent_type = resource.resource_type.rsplit_once('/').map_or("", |(parent, _)| parent);
    let Some(source) = resource.at_path("properties").filter(|node| node.as_object().is_some()) else {
        let unknown = resource.at_path("properties").cloned();
        let unknown = unknown.unwrap_or_else(|| not_collected("properties", "", resource.span));
        let properties = ObjectBuilder::at(resource.span)
            .set("authType", unknown.clone())
            .set("storesCredential", unknown)
            .text("parentType", parent_type)
            .build();
        into.push(derived(resource, "connections", resource.name(), properties));
        return;
    };
    let auth = source.get("authType");
    let mut properties = ObjectBuilder::at(source.span)
        .copy("category", source.get("category"))
        .copy("target", source.get("target"))
        .copy("authType", auth)
        .set("storesCredential", stores_credential(auth, source))
        .text("parentType", parent_type)
        .copy("metadata", source.get("metadata"));
    properties = match source.get("isSharedToAll").filter(|shared| !shared.is_null()) {
        Some(shared) => properties.set("isSharedToAll", shared.clone()),
        None => properties.flag("isSharedToAll", false),
    };
    into.push(derived(resource, "connections", resource.name(), properties.build()));
}

/// By the kinds of the REST API's `ConnectionAuthType`.
fn stores_credential(auth: Option<&Node>, source: &Node) -> Node {
    let Some(auth) = auth.filter(|auth| !auth.is_null()) else {
        return Value::Bool(source.get("credentials").is_some_and(|node| !node.is_null())).at(source.span);
    };
    let Some(kind) = auth.as_str() else { return auth.clone() };
    let stored = [
        "ApiKey",
        "AccountKey",
        "SAS",
        "PAT",
        "UsernamePassword",
        "CustomKeys",
        "AccessKey",
        "ServicePrincipal",
    ];
    let held_elsewhere = [
        "AAD",
        "ManagedIdentity",
        "None",
        "OAuth2",
        "ProjectManagedIdentity",
        "AccountManagedIdentity",
        "UserEntraToken",
        "AgenticIdentityToken",
        "AgentUserImpersonation",
        "DelegatedSAS",
        "Anonymous",
    ];
    let is_in = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(kind));
    if is_in(&stored) {
        Value::Bool(true).at(auth.span)
    } else if is_in(&held_elsewhere) {
        Value::Bool(false).at(auth.span)
    } else {
        // A kind that is newer than this table.
        not_collected(&format!("what `{kind}` stores"), "", auth.span)
    }
}
