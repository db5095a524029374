//! What is collected below a resource, as a table.
//!
//! Resource Graph knows top-level resources; what decides the safety of an AI workload - deployments, content filters,
//! connections, diagnostic settings - lies below them and is listed over the REST API. A new child type is one line
//! here. Versions are those of the Azure REST API specifications.

/// One kind of child resource that is listed below each parent of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildList {
    /// The full type of the parent.
    pub parent_type: &'static str,
    /// The path below the parent's id: a list (`{"value": [..]}`) or one resource.
    pub path: &'static str,
    /// The full type of the children.
    pub child_type: &'static str,
    /// The API version to ask with.
    pub api_version: &'static str,
    /// The kinds of parent that can have such children; empty for every kind.
    pub parent_kinds: &'static [&'static str],
}

/// A type that is read again over the REST API, because Resource Graph lags behind by minutes and leaves properties
/// out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullRead {
    /// The full type.
    pub resource_type: &'static str,
    /// The API version to ask with.
    pub api_version: &'static str,
}

/// The child lists of a resource type; ask [`ChildList::applies_to`] whether the parent can have them.
pub fn child_lists(resource_type: &str) -> impl Iterator<Item = &'static ChildList> {
    CHILD_LISTS.iter().filter(move |list| list.parent_type.eq_ignore_ascii_case(resource_type))
}

/// How to read a resource of this type in full, if Resource Graph's row is not enough.
pub fn full_read(resource_type: &str) -> Option<&'static FullRead> {
    FULL_READS.iter().find(|read| read.resource_type.eq_ignore_ascii_case(resource_type))
}

/// The spelling of a type as its provider documents it, where this table knows the type. Resource Graph writes types
/// in lower case.
pub fn spelling(resource_type: &str) -> Option<&'static str> {
    let parents = CHILD_LISTS.iter().map(|list| list.parent_type);
    let children = CHILD_LISTS.iter().map(|list| list.child_type);
    parents.chain(children).find(|known| known.eq_ignore_ascii_case(resource_type))
}

impl ChildList {
    /// True when a parent of this kind can have such children.
    pub fn applies_to(&self, kind: Option<&str>) -> bool {
        let Some(kind) = kind else { return true };
        self.parent_kinds.is_empty() || self.parent_kinds.iter().any(|known| known.eq_ignore_ascii_case(kind))
    }
}

const fn list(
    parent_type: &'static str,
    path: &'static str,
    child_type: &'static str,
    api_version: &'static str,
) -> ChildList {
    ChildList { parent_type, path, child_type, api_version, parent_kinds: &[] }
}

const fn of_kinds(parent_kinds: &'static [&'static str], list: ChildList) -> ChildList {
    ChildList { parent_kinds, ..list }
}

const fn diagnostics(parent_type: &'static str) -> ChildList {
    list(
        parent_type,
        "providers/Microsoft.Insights/diagnosticSettings",
        "Microsoft.Insights/diagnosticSettings",
        "2021-05-01-preview",
    )
}

const AI: &str = "2025-06-01";
const AI_PREVIEW: &str = "2025-10-01-preview";
const ML: &str = "2024-10-01";
const SEARCH: &str = "2025-05-01";
const STORAGE: &str = "2023-05-01";
const APIM: &str = "2024-05-01";

/// Types whose rows are replaced by what the REST API returns.
pub static FULL_READS: &[FullRead] = &[
    FullRead { resource_type: "Microsoft.CognitiveServices/accounts", api_version: AI },
    FullRead { resource_type: "Microsoft.MachineLearningServices/workspaces", api_version: ML },
    FullRead { resource_type: "Microsoft.Search/searchServices", api_version: SEARCH },
];

/// Every child list.
#[rustfmt::skip] // One line a list reads as the table it is.
pub static CHILD_LISTS: &[ChildList] = &[
    // The subscription: which Defender plans are on, the one for AI services among them.
    list("Microsoft.Resources/subscriptions", "providers/Microsoft.Security/pricings", "Microsoft.Security/pricings", "2024-01-01"),

    // Azure OpenAI, AI services and Foundry.
    list("Microsoft.CognitiveServices/accounts", "deployments", "Microsoft.CognitiveServices/accounts/deployments", AI),
    list("Microsoft.CognitiveServices/accounts", "raiPolicies", "Microsoft.CognitiveServices/accounts/raiPolicies", AI),
    list("Microsoft.CognitiveServices/accounts", "raiBlocklists", "Microsoft.CognitiveServices/accounts/raiBlocklists", AI),
    list("Microsoft.CognitiveServices/accounts", "connections", "Microsoft.CognitiveServices/accounts/connections", AI),
    list("Microsoft.CognitiveServices/accounts", "privateEndpointConnections", "Microsoft.CognitiveServices/accounts/privateEndpointConnections", AI),
    list("Microsoft.CognitiveServices/accounts", "defenderForAISettings", "Microsoft.CognitiveServices/accounts/defenderForAISettings", AI),
    of_kinds(&["AIServices"], list("Microsoft.CognitiveServices/accounts", "capabilityHosts", "Microsoft.CognitiveServices/accounts/capabilityHosts", AI)),
    of_kinds(&["AIServices"], list("Microsoft.CognitiveServices/accounts", "projects", "Microsoft.CognitiveServices/accounts/projects", AI)),
    list("Microsoft.CognitiveServices/accounts/projects", "connections", "Microsoft.CognitiveServices/accounts/projects/connections", AI),
    list("Microsoft.CognitiveServices/accounts/projects", "capabilityHosts", "Microsoft.CognitiveServices/accounts/projects/capabilityHosts", AI),
    list("Microsoft.CognitiveServices/accounts/projects", "applications", "Microsoft.CognitiveServices/accounts/projects/applications", AI_PREVIEW),
    list("Microsoft.CognitiveServices/accounts/projects/applications", "agentDeployments", "Microsoft.CognitiveServices/accounts/projects/applications/agentDeployments", AI_PREVIEW),
    diagnostics("Microsoft.CognitiveServices/accounts"),

    // Azure Machine Learning, hubs and their projects.
    list("Microsoft.MachineLearningServices/workspaces", "connections", "Microsoft.MachineLearningServices/workspaces/connections", ML),
    list("Microsoft.MachineLearningServices/workspaces", "computes", "Microsoft.MachineLearningServices/workspaces/computes", ML),
    list("Microsoft.MachineLearningServices/workspaces", "datastores", "Microsoft.MachineLearningServices/workspaces/datastores", ML),
    list("Microsoft.MachineLearningServices/workspaces", "models", "Microsoft.MachineLearningServices/workspaces/models", ML),
    list("Microsoft.MachineLearningServices/workspaces", "onlineEndpoints", "Microsoft.MachineLearningServices/workspaces/onlineEndpoints", ML),
    list("Microsoft.MachineLearningServices/workspaces/onlineEndpoints", "deployments", "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments", ML),
    list("Microsoft.MachineLearningServices/workspaces", "batchEndpoints", "Microsoft.MachineLearningServices/workspaces/batchEndpoints", ML),
    list("Microsoft.MachineLearningServices/workspaces/batchEndpoints", "deployments", "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments", ML),
    list("Microsoft.MachineLearningServices/workspaces", "serverlessEndpoints", "Microsoft.MachineLearningServices/workspaces/serverlessEndpoints", ML),
    list("Microsoft.MachineLearningServices/workspaces", "outboundRules", "Microsoft.MachineLearningServices/workspaces/outboundRules", ML),
    list("Microsoft.MachineLearningServices/workspaces", "privateEndpointConnections", "Microsoft.MachineLearningServices/workspaces/privateEndpointConnections", ML),
    diagnostics("Microsoft.MachineLearningServices/workspaces"),

    // Retrieval.
    list("Microsoft.Search/searchServices", "sharedPrivateLinkResources", "Microsoft.Search/searchServices/sharedPrivateLinkResources", SEARCH),
    list("Microsoft.Search/searchServices", "privateEndpointConnections", "Microsoft.Search/searchServices/privateEndpointConnections", SEARCH),
    diagnostics("Microsoft.Search/searchServices"),

    // The data that models read.
    of_kinds(&["BlobStorage", "BlockBlobStorage", "StorageV2", "Storage"], list("Microsoft.Storage/storageAccounts", "blobServices/default", "Microsoft.Storage/storageAccounts/blobServices", STORAGE)),
    list("Microsoft.Storage/storageAccounts/blobServices", "containers", "Microsoft.Storage/storageAccounts/blobServices/containers", STORAGE),
    diagnostics("Microsoft.Storage/storageAccounts/blobServices"),
    diagnostics("Microsoft.DocumentDB/databaseAccounts"),
    list("Microsoft.DocumentDB/databaseAccounts", "sqlRoleAssignments", "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments", "2024-05-15"),
    list("Microsoft.DBforPostgreSQL/flexibleServers", "firewallRules", "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules", "2024-08-01"),
    diagnostics("Microsoft.DBforPostgreSQL/flexibleServers"),
    list("Microsoft.Sql/servers", "firewallRules", "Microsoft.Sql/servers/firewallRules", "2021-11-01"),
    list("Microsoft.Sql/servers", "auditingSettings/default", "Microsoft.Sql/servers/auditingSettings", "2021-11-01"),

    // What stands in front of models and runs beside them.
    list("Microsoft.ApiManagement/service", "apis", "Microsoft.ApiManagement/service/apis", APIM),
    list("Microsoft.ApiManagement/service", "backends", "Microsoft.ApiManagement/service/backends", APIM),
    list("Microsoft.ApiManagement/service", "policies", "Microsoft.ApiManagement/service/policies", APIM),
    list("Microsoft.ApiManagement/service/apis", "policies", "Microsoft.ApiManagement/service/apis/policies", APIM),
    diagnostics("Microsoft.ApiManagement/service"),
    list("Microsoft.Web/sites", "config/web", "Microsoft.Web/sites/config", "2023-12-01"),
    diagnostics("Microsoft.Web/sites"),
    diagnostics("Microsoft.KeyVault/vaults"),
    diagnostics("Microsoft.ContainerRegistry/registries"),
    diagnostics("Microsoft.ContainerService/managedClusters"),
    diagnostics("Microsoft.App/managedEnvironments"),
    diagnostics("Microsoft.BotService/botServices"),
    list("Microsoft.BotService/botServices", "channels", "Microsoft.BotService/botServices/channels", "2022-09-15"),
    list("Microsoft.Network/privateEndpoints", "privateDnsZoneGroups", "Microsoft.Network/privateEndpoints/privateDnsZoneGroups", "2024-05-01"),
    list("Microsoft.ManagedIdentity/userAssignedIdentities", "federatedIdentityCredentials", "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials", "2023-01-31"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        for (index, row) in CHILD_LISTS.iter().enumerate() {
            let extension = row.path.starts_with("providers/");
            let below =
                row.child_type.strip_prefix(row.parent_type).is_some_and(|rest| rest.starts_with('/'));
            assert!(extension || below, "{row:?}");
            let repeated = |other: &ChildList| other.parent_type == row.parent_type && other.path == row.path;
            assert!(!CHILD_LISTS[index + 1..].iter().any(repeated), "{row:?} stands twice");
            let date = row.api_version.get(..10).unwrap();
            assert!(date.parse::<castellan_base::Ticks>().is_ok(), "{row:?}");
            // A parent that is itself a child has to be reached by another row.
            let reached = CHILD_LISTS.iter().any(|other| other.child_type == row.parent_type);
            assert!(reached || row.parent_type.matches('/').count() == 1, "{row:?} is never reached");
        }
    }

    #[test]
    fn kinds_limit_what_is_asked() {
        let projects =
            child_lists("microsoft.cognitiveservices/ACCOUNTS").find(|list| list.path == "projects").unwrap();
        assert!(projects.applies_to(Some("aiservices")) && projects.applies_to(None));
        assert!(!projects.applies_to(Some("OpenAI")));
        assert_eq!(
            spelling("microsoft.cognitiveservices/accounts"),
            Some("Microsoft.CognitiveServices/accounts")
        );
    }
}
