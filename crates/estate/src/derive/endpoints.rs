//! `Castellan.AI/endpoints`: services that AI workloads consist of, with their network as it is in effect.

use castellan_base::{Node, Resource, ResourceId, Value};
use rustc_hash::FxHashSet;

use super::exposure::{Keys, SERVICES, Service, exposure};
use crate::estate::{Estate, World};
use crate::relations::RelationKind;
use crate::shape::{ObjectBuilder, derived, items, not_collected, text};

pub(super) fn derive(
    estate: &Estate,
    resource: &Resource,
    used: &FxHashSet<ResourceId>,
    facing: &Frontage,
    into: &mut Vec<Resource>,
) {
    let Some(service) = SERVICES.iter().find(|service| resource.is_type(service.resource_type)) else {
        return;
    };
    if service.supporting && !used.contains(&resource.id) && !is_ai_container(resource) {
        return;
    }
    let object = ObjectBuilder::at(resource.span).text("service", service.resource_type);
    if let Some(unknown) = resource.at_path("properties").filter(|node| node.as_unresolved().is_some()) {
        let mut object = object;
        for name in
            ["publicNetworkAccess", "exposure", "openToAll", "keyAccess", "fronted", "restrictsEgress"]
        {
            object = object.set(name, unknown.clone());
        }
        into.push(derived(resource, "endpoints", resource.name(), object.build()));
        return;
    }
    let network = exposure(service, resource);
    let mut object = object
        .set("publicNetworkAccess", network.public_access)
        .copy("defaultAction", network.default_action.as_ref())
        .list("ipRules", network.ip_rules)
        .set("openToAll", network.open_to_all)
        .set("exposure", network.level)
        .set("privateEndpoints", private_endpoints(estate, resource))
        .set("fronted", facing.fronts(resource));
    if let Some(keys) = key_access(service, resource) {
        object = object.set("keyAccess", keys);
    }
    if let Some(egress) = restricts_egress(service, resource) {
        object = object.set("restrictsEgress", egress);
    }
    into.push(derived(resource, "endpoints", resource.name(), object.build()));
}

fn key_access(service: &Service, resource: &Resource) -> Option<Node> {
    let (path, default, expected) = match service.keys {
        Keys::Disabled(path) => (path, true, false),
        Keys::Enabled(path) => (path, true, true),
        Keys::OptIn(path) => (path, false, true),
        Keys::Mode(path) => {
            let mode = resource.at_path(path).filter(|mode| !mode.is_null());
            return Some(match mode {
                Some(mode) if mode.as_unresolved().is_some() => mode.clone(),
                Some(mode) => Value::Bool(mode.as_str() == Some("Key")).at(mode.span),
                None => Value::Bool(true).at(resource.span),
            });
        }
        Keys::None => return None,
    };
    Some(match resource.at_path(path) {
        Some(flag) if flag.as_unresolved().is_some() => flag.clone(),
        Some(Node { value: Value::Bool(flag), span }) => Value::Bool(*flag == expected).at(*span),
        _ => Value::Bool(default).at(resource.span),
    })
}

fn restricts_egress(service: &Service, resource: &Resource) -> Option<Node> {
    let (path, wanted) = service.egress?;
    Some(match resource.at_path(path) {
        Some(node) if node.as_unresolved().is_some() => node.clone(),
        Some(Node { value: Value::Bool(flag), span }) => Value::Bool(*flag).at(*span),
        Some(node) => {
            Value::Bool(node.as_str().is_some_and(|text| text.eq_ignore_ascii_case(wanted))).at(node.span)
        }
        None => Value::Bool(false).at(resource.span),
    })
}

/// How many private endpoints lead to the service: those that were read, or those that the service itself lists.
fn private_endpoints(estate: &Estate, resource: &Resource) -> Node {
    let from = estate.relations_from(&resource.id);
    let read = from.filter(|relation| relation.kind == RelationKind::ReachedThrough).count();
    let listed = resource.at_path("properties.privateEndpointConnections");
    let listed_count = listed.and_then(Node::as_array).map(<[Node]>::len);
    let count = |count: usize| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let span = listed.map_or(resource.span, |listed| listed.span);
    match (read, listed_count) {
        (0, Some(listed)) => count(listed).at(span),
        (0, None) if !resource.origin.is_declared() => {
            let hint = format!("az network private-endpoint-connection list --id {}", resource.id.as_str());
            not_collected("privateEndpointConnections", &hint, resource.span)
        }
        (read, listed) => count(read.max(listed.unwrap_or(0))).at(span),
    }
}

/// Ids of what AI services and workloads use: their storage, vaults, registries and databases.
pub(crate) fn used_by_ai(estate: &Estate) -> FxHashSet<ResourceId> {
    const AI: [&str; 4] = [
        "microsoft.cognitiveservices/",
        "microsoft.machinelearningservices/",
        "microsoft.search/",
        "microsoft.botservice/",
    ];
    let mut used = FxHashSet::default();
    for relation in estate.relations() {
        let from = relation.from.key();
        let kinds = [
            RelationKind::ConnectsTo,
            RelationKind::StoresDataIn,
            RelationKind::EncryptedBy,
            RelationKind::UsesImage,
        ];
        if kinds.contains(&relation.kind) && AI.iter().any(|provider| from.contains(provider)) {
            used.insert(relation.to.clone());
        }
    }
    used
}

/// True for a container app that serves a model or calls one.
fn is_ai_container(resource: &Resource) -> bool {
    if !resource.is_type("Microsoft.App/containerApps") {
        return false;
    }
    let containers = items(&resource.body, "properties.template.containers");
    containers.iter().any(|container| {
        let serves =
            text(container, "image").is_some_and(|image| super::workloads::runtime_of_image(image).is_some());
        let calls = items(container, "env").iter().any(|variable| {
            let name = text(variable, "name").unwrap_or_default().to_ascii_uppercase();
            ["OPENAI", "AZURE_AI_", "FOUNDRY", "COGNITIVE"].iter().any(|word| name.contains(word))
        });
        serves || calls
    })
}

/// The host names that gateways forward to.
pub(super) struct Frontage {
    hosts: FxHashSet<String>,
    /// Host names that are known only in part.
    symbols: Vec<String>,
}

const BACKENDS: &[(&str, &[&str])] = &[
    ("Microsoft.ApiManagement/service/backends", &["properties.url"]),
    ("Microsoft.ApiManagement/service/apis", &["properties.serviceUrl"]),
    ("Microsoft.Cdn/profiles/originGroups/origins", &["properties.hostName"]),
];

impl Frontage {
    pub(super) fn of(estate: &Estate) -> Frontage {
        let mut frontage = Frontage { hosts: FxHashSet::default(), symbols: Vec::new() };
        for (resource_type, paths) in BACKENDS {
            for backend in estate.of_type(resource_type) {
                for target in paths.iter().filter_map(|path| backend.at_path(path)) {
                    frontage.add(target);
                }
            }
        }
        for gateway in estate.of_type("Microsoft.Network/applicationGateways") {
            for pool in items(&gateway.body, "properties.backendAddressPools") {
                items(pool, "properties.backendAddresses")
                    .iter()
                    .filter_map(|address| address.get("fqdn"))
                    .for_each(|target| frontage.add(target));
            }
        }
        frontage
    }

    fn add(&mut self, target: &Node) {
        let Some(target_text) = target.text_or_symbol() else { return };
        if target_text.contains('{') {
            self.symbols.push(target_text.to_ascii_lowercase());
        } else {
            self.hosts.insert(super::mcp::host(target_text));
        }
    }

    /// Whether a gateway forwards to the service. An export that holds no such gateway does not say that there is none.
    fn fronts(&self, resource: &Resource) -> Node {
        let names = host_names(resource);
        let by_host = names.iter().any(|name| self.hosts.contains(name));
        // A backend written as `reference(account).endpoint` carries the account's id in its symbol.
        let by_symbol = self.symbols.iter().any(|symbol| {
            symbol.contains(resource.id.key()) || names.iter().any(|name| symbol.contains(name.as_str()))
        });
        if by_host || by_symbol {
            return Value::Bool(true).at(resource.span);
        }
        if World::of(resource.origin) == World::Actual && resource.origin != castellan_base::Origin::Live {
            let hint = "az rest --method get --url APIM_ID/backends?api-version=2024-05-01";
            return not_collected("gateway backends", hint, resource.span);
        }
        Value::Bool(false).at(resource.span)
    }
}

/// The host names under which a service answers.
pub fn host_names(resource: &Resource) -> Vec<String> {
    let domain = resource.at_path("properties.customSubDomainName").and_then(Node::text_or_symbol);
    let name = domain.unwrap_or_else(|| resource.name()).to_ascii_lowercase();
    let own = resource.name().to_ascii_lowercase();
    let with = |name: &str, suffixes: &[&str]| -> Vec<String> {
        suffixes.iter().map(|suffix| format!("{name}.{suffix}")).collect()
    };
    match resource.resource_type.to_ascii_lowercase().as_str() {
        "microsoft.cognitiveservices/accounts" => {
            with(&name, &["openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"])
        }
        "microsoft.search/searchservices" => with(&own, &["search.windows.net"]),
        "microsoft.storage/storageaccounts" => with(
            &own,
            &[
                "blob.core.windows.net",
                "dfs.core.windows.net",
                "file.core.windows.net",
                "table.core.windows.net",
            ],
        ),
        "microsoft.documentdb/databaseaccounts" => with(&own, &["documents.azure.com"]),
        "microsoft.keyvault/vaults" => with(&own, &["vault.azure.net"]),
        "microsoft.containerregistry/registries" => with(&own, &["azurecr.io"]),
        "microsoft.machinelearningservices/workspaces/onlineendpoints" => {
            let place = resource.at_path("location").and_then(Node::as_str).unwrap_or_default();
            with(&own, &[&format!("{place}.inference.ml.azure.com")])
        }
        "microsoft.app/containerapps" => {
            let fqdn = resource.at_path("properties.configuration.ingress.fqdn").and_then(Node::as_str);
            fqdn.map(str::to_ascii_lowercase).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
