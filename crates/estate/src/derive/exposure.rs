//! How far a service's network reaches, from the settings that each service names differently.

use castellan_base::{Node, Resource, Value};

use crate::shape::items;

/// Where a type keeps what decides its exposure.
pub(super) struct Service {
    pub(super) resource_type: &'static str,
    /// The switch for the public endpoint and the value it has when it is not set, by the service's documentation.
    pub(super) public_access: (&'static str, &'static str),
    /// The rule for traffic that no other rule names; absent where a service has none.
    pub(super) default_action: Option<&'static str>,
    /// The list of address rules and the member that holds the range.
    pub(super) ip_rules: Option<(&'static str, &'static str)>,
    /// Whether keys are accepted.
    pub(super) keys: Keys,
    /// What restricts traffic out of the service: a path and the value that means "restricted".
    pub(super) egress: Option<(&'static str, &'static str)>,
    /// True for services that count only when an AI workload uses them.
    pub(super) supporting: bool,
}

/// How a service says whether keys are accepted.
pub(super) enum Keys {
    /// `true` switches keys off; keys are accepted when it is not set.
    Disabled(&'static str),
    /// `false` switches keys off; keys are accepted when it is not set.
    Enabled(&'static str),
    /// Keys are accepted when it is `true` only.
    OptIn(&'static str),
    /// Keys are accepted when the mode is `Key`.
    Mode(&'static str),
    /// The service has no keys of this kind.
    None,
}

/// The services, with the defaults that their REST API documents.
pub(super) const SERVICES: &[Service] = &[
    Service {
        resource_type: "Microsoft.CognitiveServices/accounts",
        public_access: ("properties.publicNetworkAccess", "Enabled"),
        default_action: Some("properties.networkAcls.defaultAction"),
        ip_rules: Some(("properties.networkAcls.ipRules", "value")),
        keys: Keys::Disabled("properties.disableLocalAuth"),
        egress: Some(("properties.restrictOutboundNetworkAccess", "true")),
        supporting: false,
    },
    Service {
        resource_type: "Microsoft.Search/searchServices",
        public_access: ("properties.publicNetworkAccess", "Enabled"),
        default_action: None,
        ip_rules: Some(("properties.networkRuleSet.ipRules", "value")),
        keys: Keys::Disabled("properties.disableLocalAuth"),
        egress: None,
        supporting: false,
    },
    Service {
        resource_type: "Microsoft.MachineLearningServices/workspaces",
        public_access: ("properties.publicNetworkAccess", "Enabled"),
        default_action: None,
        ip_rules: Some(("properties.ipAllowlist", "")),
        keys: Keys::None,
        egress: Some(("properties.managedNetwork.isolationMode", "AllowOnlyApprovedOutbound")),
        supporting: false,
    },
    Service {
        resource_type: "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        public_access: ("properties.publicNetworkAccess", "Enabled"),
        default_action: None,
        ip_rules: None,
        keys: Keys::Mode("properties.authMode"),
        egress: None,
        supporting: false,
    },
    Service {
        resource_type: "Microsoft.Storage/storageAccounts",
        public_access: ("properties.publicNetworkAccess", "Enabled"),
        default_action: Some("properties.networkAcls.defaultAction"),
        ip_rules: Some(("properties.networkAcls.ipRules", "value")),
        keys: Keys::Enabled("properties.allowSharedKeyAccess"),
        egress: None,
        supporting: true,
    },
    Service {
        resource_type: "Microsoft.DocumentDB/databaseAccounts",
        public_access: ("properties.publicNetworkAccess", "Enabled"),
        default_action: None,
        ip_rules: Some(("properties.ipRules", "ipAddressOrRange")),
        keys: Keys::Disabled("properties.disableLocalAuth"),
        egress: None,
        supporting: true,
    },
    Service {
        resource_type: "Microsoft.KeyVault/vaults",
        public_access: ("properties.publicNetworkAccess", "Enabled"),
        default_action: Some("properties.networkAcls.defaultAction"),
        ip_rules: Some(("properties.networkAcls.ipRules", "value")),
        keys: Keys::None,
        egress: None,
        supporting: true,
    },
    Service {
        resource_type: "Microsoft.ContainerRegistry/registries",
        public_access: ("properties.publicNetworkAccess", "Enabled"),
        default_action: Some("properties.networkRuleSet.defaultAction"),
        ip_rules: Some(("properties.networkRuleSet.ipRules", "value")),
        keys: Keys::OptIn("properties.adminUserEnabled"),
        egress: None,
        supporting: true,
    },
    Service {
        resource_type: "Microsoft.App/containerApps",
        public_access: ("properties.configuration.ingress.external", "false"),
        default_action: None,
        ip_rules: Some(("properties.configuration.ingress.ipSecurityRestrictions", "ipAddressRange")),
        keys: Keys::None,
        egress: None,
        supporting: true,
    },
];

/// The network of a service as it is in effect.
pub(super) struct Exposure {
    pub(super) public_access: Node,
    pub(super) default_action: Option<Node>,
    pub(super) ip_rules: Vec<Node>,
    pub(super) open_to_all: Node,
    pub(super) level: Node,
}

/// Works out who can reach the public endpoint.
pub(super) fn exposure(service: &Service, resource: &Resource) -> Exposure {
    let (path, default) = service.public_access;
    let written = resource.at_path(path).filter(|node| !node.is_null());
    let public_access = match written {
        Some(node) if node.as_unresolved().is_some() => node.clone(),
        Some(node) => Value::string(switch(node)).at(node.span),
        None => Value::string(if default == "false" { "Disabled" } else { default }).at(resource.span),
    };
    let default_action =
        service.default_action.map(|path| match resource.at_path(path).filter(|node| !node.is_null()) {
            Some(node) => node.clone(),
            None => Value::string("Allow").at(public_access.span),
        });
    let ip_rules: Vec<Node> = service.ip_rules.map_or_else(Vec::new, |(list, member)| {
        let range =
            |rule: &Node| if member.is_empty() { Some(rule.clone()) } else { rule.get(member).cloned() };
        items(resource_or_null(resource), list).iter().filter_map(range).collect()
    });
    let unresolved_rules = service.ip_rules.and_then(|(list, _)| resource.at_path(list));
    let unresolved_rules = unresolved_rules.filter(|node| node.as_unresolved().is_some()).cloned();
    let open_rule = ip_rules.iter().find(|rule| rule.as_str().is_some_and(is_everything)).cloned();
    let restricted = match &default_action {
        Some(action) if action.as_unresolved().is_some() => Err(action.clone()),
        Some(action) => Ok(action.as_str().is_some_and(|action| action.eq_ignore_ascii_case("Deny"))),
        // Services without a default action restrict as soon as there is a rule.
        None => match unresolved_rules.clone() {
            Some(unknown) => Err(unknown),
            None => Ok(!ip_rules.is_empty()),
        },
    };
    let (open_to_all, level) = conclude(&public_access, restricted, open_rule, unresolved_rules);
    Exposure { public_access, default_action, ip_rules, open_to_all, level }
}

fn resource_or_null(resource: &Resource) -> &Node {
    &resource.body
}

fn conclude(
    public_access: &Node,
    restricted: Result<bool, Node>,
    open_rule: Option<Node>,
    unresolved_rules: Option<Node>,
) -> (Node, Node) {
    let flag = |flag: bool, node: &Node| Value::Bool(flag).at(node.span);
    let level = |level: &str, node: &Node| Value::string(level).at(node.span);
    match public_access.as_str() {
        None => (public_access.clone(), public_access.clone()),
        Some("Disabled") => (flag(false, public_access), level("private", public_access)),
        // A network security perimeter decides; its rules are not part of the service.
        Some("SecuredByPerimeter") => (flag(false, public_access), level("selected-networks", public_access)),
        Some(_) => match (restricted, open_rule, unresolved_rules) {
            (Err(unknown), _, _) => (unknown.clone(), unknown),
            (Ok(false), _, _) => (flag(true, public_access), level("internet", public_access)),
            (Ok(true), Some(rule), _) => (flag(true, &rule), level("internet", &rule)),
            (Ok(true), None, Some(unknown)) => (unknown.clone(), unknown),
            (Ok(true), None, None) => (flag(false, public_access), level("selected-networks", public_access)),
        },
    }
}

/// The switch's value: some services write booleans or lower case.
fn switch(node: &Node) -> &'static str {
    match (node.as_bool(), node.as_str().map(str::to_ascii_lowercase).as_deref()) {
        (Some(true), _) | (_, Some("enabled" | "true")) => "Enabled",
        (Some(false), _) | (_, Some("disabled" | "false")) => "Disabled",
        (_, Some("securedbyperimeter")) => "SecuredByPerimeter",
        _ => "Enabled",
    }
}

/// Ranges that stand for every address.
fn is_everything(range: &str) -> bool {
    let range = range.trim();
    matches!(range, "0.0.0.0/0" | "::/0" | "*")
        || range.eq_ignore_ascii_case("any")
        || range.eq_ignore_ascii_case("Internet")
}
