//! What one object of an export is: a resource, a role assignment, a document of Azure Policy, ...

use castellan_base::{Node, Origin, Resource, ResourceId, Value};

use crate::estate::{GovernanceDocument, GovernanceKind};
use crate::shape::{self, ObjectBuilder, text};

/// One object of an export.
pub(crate) enum Row {
    /// A resource with its properties.
    Resource(Box<Resource>),
    /// A resource of which only the head is known.
    Bare(Box<Resource>),
    /// A resource as a flattening `az` command prints it: its members cannot be told apart from renamed ones.
    Flattened(Box<Resource>),
    /// A role assignment or a role definition.
    Role(Box<Resource>),
    /// A document of Azure Policy.
    Governance(Box<GovernanceDocument>),
    /// None of these.
    Other,
}

/// Works out what an object is.
pub(crate) fn row(node: &Node, origin: Origin) -> Row {
    if node.as_object().is_none() {
        return Row::Other;
    }
    if let Some(document) = governance(node) {
        return Row::Governance(Box::new(document));
    }
    let id = text(node, "id").and_then(|id| id.parse::<ResourceId>().ok());
    let Some(id) = id.filter(|id| is_arm_id(id.as_str())) else {
        return Row::Other;
    };
    let inferred_type = id.resource_type();
    let resource_type = match text(node, "type") {
        // Resource Graph writes types in lower case; the id keeps the spelling.
        Some(written) if is_other_type(written, &inferred_type) => written.to_owned(),
        _ => inferred_type,
    };
    if is_one_of(&resource_type, &["Microsoft.Authorization/roleAssignments"]) {
        return Row::Role(Box::new(role(node, id, &resource_type, &ROLE_ASSIGNMENT, origin)));
    }
    if is_one_of(&resource_type, &["Microsoft.Authorization/roleDefinitions"]) {
        return Row::Role(Box::new(role(node, id, &resource_type, &ROLE_DEFINITION, origin)));
    }
    resource_row(node, id, &resource_type, origin)
}

/// True when a row's type tells more than its id. Containers are named differently by `az` and by policies, which follow
/// the id.
fn is_other_type(written: &str, inferred: &str) -> bool {
    written.contains('/')
        && !written.eq_ignore_ascii_case(inferred)
        && !inferred.starts_with("Microsoft.Resources/subscriptions")
}

fn is_arm_id(id: &str) -> bool {
    let lower = id.get(..id.len().min(40)).unwrap_or(id).to_ascii_lowercase();
    lower.starts_with("/subscriptions/") || lower.starts_with("/providers/")
}

fn is_one_of(resource_type: &str, types: &[&str]) -> bool {
    types.iter().any(|known| known.eq_ignore_ascii_case(resource_type))
}

/// Members that Resource Graph and `az` add to what Resource Manager returns.
const ADDED_COLUMNS: [&str; 4] = ["resourceGroup", "subscriptionId", "tenantId", "apiVersion"];

/// Members that a resource has at its top in Resource Manager.
const TOP_LEVEL: [&str; 22] = [
    "id",
    "name",
    "type",
    "location",
    "kind",
    "sku",
    "plan",
    "identity",
    "managedBy",
    "managedByExtended",
    "tags",
    "zones",
    "properties",
    "etag",
    "systemData",
    "extendedLocation",
    "resourceGroup",
    "subscriptionId",
    "tenantId",
    "apiVersion",
    "changedTime",
    "createdTime",
];

fn resource_row(node: &Node, id: ResourceId, resource_type: &str, origin: Origin) -> Row {
    let api_version = text(node, "apiVersion").map(Into::into);
    let hint = format!("az resource show --ids {}", id.as_str());
    let properties = node.get("properties").filter(|properties| !properties.is_null());
    let extra = node.as_object().into_iter().flatten().any(|member| {
        let known = TOP_LEVEL.iter().any(|name| member.key.eq_ignore_ascii_case(name));
        !known && !member.value.is_null() && member.key.as_ref() != "provisioningState"
    });
    let flattened = properties.is_none() && extra;
    let properties = match properties {
        Some(properties) => properties.clone(),
        None if keeps_names_when_flat(resource_type) => shape::without(node, &TOP_LEVEL),
        None if has_no_properties(resource_type) => ObjectBuilder::at(node.span).build(),
        None => shape::not_collected("properties", &hint, node.span),
    };
    let known = properties.as_unresolved().is_none();
    let span = node.span;
    let members = vec![
        ("id", Value::string(id.as_str()).at(node.get("id").map_or(span, |id| id.span))),
        ("name", Value::string(id.name()).at(node.get("name").map_or(span, |name| name.span))),
        ("type", Value::string(resource_type).at(node.get("type").map_or(span, |kind| kind.span))),
        ("properties", properties),
    ];
    let head = if known && !flattened {
        shape::without(node, &ADDED_COLUMNS)
    } else {
        let mut head = ObjectBuilder::at(span);
        for key in ["id", "name", "type", "location", "kind", "sku", "identity", "tags", "zones", "managedBy"]
        {
            head = head.copy(key, node.get(key));
        }
        head.build()
    };
    let resource = Box::new(Resource {
        resource_type: resource_type.into(),
        api_version,
        body: shape::with_members(&head, members),
        span,
        origin,
        existence: castellan_base::Existence::Certain,
        id,
    });
    match (known, flattened) {
        (true, _) => Row::Resource(resource),
        (false, true) => Row::Flattened(resource),
        (false, false) => Row::Bare(resource),
    }
}

/// Types whose flattened output in `az` keeps the property names of the REST API.
fn keeps_names_when_flat(resource_type: &str) -> bool {
    is_one_of(resource_type, &["Microsoft.Insights/diagnosticSettings", "Microsoft.Authorization/locks"])
}

/// Containers have no properties worth collecting.
fn has_no_properties(resource_type: &str) -> bool {
    is_one_of(
        resource_type,
        &["Microsoft.Resources/subscriptions/resourceGroups", "Microsoft.Resources/subscriptions"],
    )
}

const ROLE_ASSIGNMENT: [&str; 10] = [
    "principalId",
    "principalType",
    "roleDefinitionId",
    "scope",
    "condition",
    "conditionVersion",
    "description",
    "delegatedManagedIdentityResourceId",
    "principalName",
    "roleDefinitionName",
];

const ROLE_DEFINITION: [&str; 5] = ["roleName", "roleType", "description", "assignableScopes", "permissions"];

/// Role assignments and definitions come in the shape of Resource Manager or flat, as `az role` prints them.
fn role(node: &Node, id: ResourceId, resource_type: &str, members: &[&str], origin: Origin) -> Resource {
    let source = node.get("properties").filter(|inner| inner.as_object().is_some()).unwrap_or(node);
    let mut properties = ObjectBuilder::at(source.span);
    for member in members {
        properties = properties.copy(member, source.get(member));
    }
    let mut resource = shape::resource(id, resource_type, properties.build(), origin);
    resource.span = node.span;
    resource
}

/// A document of Azure Policy, in the shape of Resource Manager or flat, as `az policy` prints it.
pub(crate) fn governance(node: &Node) -> Option<GovernanceDocument> {
    let id = text(node, "id").and_then(|id| id.parse::<ResourceId>().ok());
    let kind = governance_kind(node, id.as_ref())?;
    let document = match kind {
        GovernanceKind::ComplianceState => node.get("properties").unwrap_or(node).clone(),
        _ if node.get("properties").is_some_and(|inner| inner.as_object().is_some()) => node.clone(),
        _ => nested(node),
    };
    Some(GovernanceDocument { kind, id, document })
}

fn governance_kind(node: &Node, id: Option<&ResourceId>) -> Option<GovernanceKind> {
    let inner = node.get("properties").unwrap_or(node);
    let by_type = text(node, "type").map(str::to_owned).or_else(|| id.map(ResourceId::resource_type));
    let word = by_type
        .as_deref()
        .and_then(|kind| kind.rsplit_once('/'))
        .map(|(provider, word)| (provider.to_ascii_lowercase(), word.to_ascii_lowercase()));
    if let Some((provider, word)) = &word {
        let kind = match (provider.as_str(), word.as_str()) {
            ("microsoft.authorization", "policydefinitions") => Some(GovernanceKind::Definition),
            ("microsoft.authorization", "policysetdefinitions") => Some(GovernanceKind::Initiative),
            ("microsoft.authorization", "policyassignments") => Some(GovernanceKind::Assignment),
            ("microsoft.authorization", "policyexemptions") => Some(GovernanceKind::Exemption),
            ("microsoft.policyinsights", "policystates") => Some(GovernanceKind::ComplianceState),
            _ => None,
        };
        if kind.is_some() {
            return kind;
        }
    }
    if inner.get("complianceState").is_some() && inner.get("policyAssignmentId").is_some() {
        return Some(GovernanceKind::ComplianceState);
    }
    // Files in a repository of policies have neither id nor type.
    if id.is_none() && inner.get("policyRule").and_then(|rule| rule.get("if")).is_some() {
        return Some(GovernanceKind::Definition);
    }
    if id.is_none() && inner.get("policyDefinitions").is_some_and(|list| list.as_array().is_some()) {
        return Some(GovernanceKind::Initiative);
    }
    None
}

/// Puts everything but the head under `properties`.
fn nested(node: &Node) -> Node {
    const HEAD: [&str; 7] = ["id", "name", "type", "location", "identity", "systemData", "resourceGroup"];
    let mut document = ObjectBuilder::at(node.span);
    for key in HEAD.iter().take(6) {
        document = document.copy(key, node.get(key));
    }
    document.set("properties", shape::without(node, &HEAD)).build()
}
