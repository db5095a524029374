//! The estate that the fake server serves: what Resource Graph knows and what only the REST API lists.

use serde_json::{Value, json};

/// The subscription of [`harbour`].
pub const SUBSCRIPTION: &str = "5cab1e00-0000-4000-8000-00000000cafe";

/// A second subscription of the tenant, with a single resource.
pub const SECOND_SUBSCRIPTION: &str = "5cab1e00-0000-4000-8000-0000000000d0";

/// Resources by interface.
#[derive(Clone, Debug, Default)]
pub struct FakeEstate {
    /// The subscriptions that the identity sees.
    pub subscriptions: Vec<String>,
    /// Rows of Resource Graph by table, in lower case as the service writes types.
    pub rows: Vec<(&'static str, Value)>,
    /// What a GET of an id returns.
    pub resources: Vec<Value>,
    /// Lists by path.
    pub lists: Vec<(String, Vec<Value>)>,
}

impl FakeEstate {
    /// Adds a row to a table; its columns for subscription and resource group follow from the id.
    pub fn row(&mut self, table: &'static str, mut row: Value) {
        let id = row["id"].as_str().unwrap_or_default().to_owned();
        let segments: Vec<&str> = id.split('/').collect();
        row["tenantId"] = json!("7e000000-0000-4000-8000-000000000001");
        row["subscriptionId"] = json!(segments.get(2).copied().unwrap_or_default());
        row["resourceGroup"] = json!(segments.get(4).copied().unwrap_or_default().to_lowercase());
        row["type"] = json!(row["type"].as_str().unwrap_or_default().to_lowercase());
        row["plan"] = Value::Null;
        row["managedBy"] = json!("");
        self.rows.push((table, row));
    }

    /// Adds a resource that both interfaces know; Resource Graph's row lacks `left_out` of the properties.
    pub fn resource(&mut self, resource: &Value, left_out: &[&str]) {
        let mut row = resource.clone();
        if let Some(properties) = row["properties"].as_object_mut() {
            for key in left_out {
                properties.remove(*key);
            }
        }
        self.row("resources", row);
        self.resources.push(resource.clone());
    }

    /// Adds a list below a resource: `(name, properties)` each.
    pub fn list(&mut self, parent: &str, path: &str, child_type: &str, children: &[(&str, Value)]) {
        let item = |(name, properties): &(&str, Value)| {
            let id = format!("{parent}/{path}/{name}");
            json!({"id": id, "name": name, "type": child_type, "properties": properties})
        };
        self.lists.push((format!("{parent}/{path}"), children.iter().map(item).collect()));
    }
}

/// A harbour operator's estate: one Foundry account with two projects, one older Azure OpenAI account, a machine
/// learning workspace with an endpoint, a search service, a storage account, role and policy assignments.
pub fn harbour() -> FakeEstate {
    let mut estate = FakeEstate {
        subscriptions: vec![SUBSCRIPTION.to_owned(), SECOND_SUBSCRIPTION.to_owned()],
        ..FakeEstate::default()
    };
    containers(&mut estate);
    accounts(&mut estate);
    workspace(&mut estate);
    data(&mut estate);
    governance(&mut estate);
    estate
}

fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/Harbour-AI")
}

/// The id of the Foundry account of [`harbour`].
pub fn foundry_account() -> String {
    format!("{}/providers/Microsoft.CognitiveServices/accounts/pilot-foundry", group())
}

/// The id of the machine learning workspace of [`harbour`].
pub fn ml_workspace() -> String {
    format!("{}/providers/Microsoft.MachineLearningServices/workspaces/tide-ml", group())
}

fn containers(estate: &mut FakeEstate) {
    let subscription_type = "Microsoft.Resources/subscriptions";
    for (id, name) in [(SUBSCRIPTION, "Harbour"), (SECOND_SUBSCRIPTION, "Dock")] {
        let path = format!("/subscriptions/{id}");
        estate.row(
            "resourcecontainers",
            json!({"id": path, "name": name, "type": subscription_type, "properties": {"state": "Enabled"}}),
        );
        estate.resources.push(json!({
            "id": path, "subscriptionId": id, "displayName": name, "state": "Enabled",
            "tenantId": "7e000000-0000-4000-8000-000000000001",
        }));
        let plan = ("AI", json!({"pricingTier": "Free"}));
        estate.list(&path, "providers/Microsoft.Security/pricings", "Microsoft.Security/pricings", &[plan]);
    }
    let group_type = "Microsoft.Resources/subscriptions/resourceGroups";
    estate.row(
        "resourcecontainers",
        json!({"id": group(), "name": "Harbour-AI", "type": group_type, "location": "westeurope"}),
    );
    let vault = format!(
        "/subscriptions/{SECOND_SUBSCRIPTION}/resourceGroups/dock/providers/Microsoft.KeyVault/vaults/dock-kv"
    );
    estate.resource(
        &json!({"id": vault, "name": "dock-kv", "type": "Microsoft.KeyVault/vaults", "location": "westeurope",
                "properties": {"enableRbacAuthorization": true}}),
        &[],
    );
}

fn accounts(estate: &mut FakeEstate) {
    let account_type = "Microsoft.CognitiveServices/accounts";
    let foundry = foundry_account();
    estate.resource(
        &json!({"id": foundry, "name": "pilot-foundry", "type": account_type, "kind": "AIServices",
                "location": "swedencentral", "identity": {"type": "SystemAssigned"}, "sku": {"name": "S0"},
                "properties": {"disableLocalAuth": false, "publicNetworkAccess": "Enabled",
                               "allowProjectManagement": true}}),
        &["allowProjectManagement"],
    );
    let model = |name: &str| json!({"model": {"format": "OpenAI", "name": name}, "raiPolicyName": "harbour"});
    let child = |name: &str| format!("{account_type}/{name}");
    let deployments: Vec<(&str, Value)> =
        [("chat", "gpt-4.1"), ("chat-mini", "gpt-4.1-mini"), ("embed", "te-3")]
            .map(|(name, model_name)| (name, model(model_name)))
            .into();
    estate.list(&foundry, "deployments", &child("deployments"), &deployments);
    let filters = json!({"basePolicyName": "Microsoft.DefaultV2", "contentFilters": []});
    estate.list(&foundry, "raiPolicies", &child("raiPolicies"), &[("harbour", filters)]);
    let projects = [("pilots", json!({})), ("tugs", json!({}))];
    estate.list(&foundry, "projects", &child("projects"), &projects);
    let pilots = format!("{foundry}/projects/pilots");
    let connections = [
        ("tariffs", json!({"category": "CognitiveSearch", "authType": "AAD"})),
        ("ledger", json!({"category": "AzureBlob", "authType": "AccountKey"})),
        ("radar", json!({"category": "ApiKey", "authType": "ApiKey"})),
    ];
    estate.list(&pilots, "connections", &child("projects/connections"), &connections);
    estate.list(&pilots, "applications", &child("projects/applications"), &[("berth-desk", json!({}))]);
    estate.list(
        &foundry,
        "providers/Microsoft.Insights/diagnosticSettings",
        "Microsoft.Insights/diagnosticSettings",
        &[("to-workspace", json!({"logs": [{"categoryGroup": "allLogs", "enabled": true}]}))],
    );
    let older = add_openai_account(estate, "old-openai");
    estate.list(&older, "deployments", &child("deployments"), &[("legacy", model("gpt-35-turbo"))]);
}

/// Adds an Azure OpenAI account without children to the first subscription; returns its id.
pub fn add_openai_account(estate: &mut FakeEstate, name: &str) -> String {
    let id = format!("{}/providers/Microsoft.CognitiveServices/accounts/{name}", group());
    estate.resource(
        &json!({"id": id, "name": name, "type": "Microsoft.CognitiveServices/accounts", "kind": "OpenAI",
                "location": "westeurope", "properties": {"disableLocalAuth": true}}),
        &[],
    );
    id
}

fn workspace(estate: &mut FakeEstate) {
    let workspace_type = "Microsoft.MachineLearningServices/workspaces";
    let workspace = ml_workspace();
    estate.resource(
        &json!({"id": workspace, "name": "tide-ml", "type": workspace_type, "kind": "Default",
                "location": "westeurope", "properties": {"publicNetworkAccess": "Disabled"}}),
        &[],
    );
    let child = |name: &str| format!("{workspace_type}/{name}");
    estate.list(&workspace, "computes", &child("computes"), &[("gpu", json!({"computeType": "AmlCompute"}))]);
    let endpoint = ("tide-forecast", json!({"authMode": "Key", "publicNetworkAccess": "Enabled"}));
    estate.list(&workspace, "onlineEndpoints", &child("onlineEndpoints"), &[endpoint]);
    let deployments = [("blue", json!({"model": "tide:4"})), ("green", json!({"model": "tide:5"}))];
    estate.list(
        &format!("{workspace}/onlineEndpoints/tide-forecast"),
        "deployments",
        &child("onlineEndpoints/deployments"),
        &deployments,
    );
}

fn data(estate: &mut FakeEstate) {
    let search = format!("{}/providers/Microsoft.Search/searchServices/tariff-search", group());
    estate.resource(
        &json!({"id": search, "name": "tariff-search", "type": "Microsoft.Search/searchServices",
                "location": "westeurope", "properties": {"publicNetworkAccess": "enabled"}}),
        &[],
    );
    let storage = format!("{}/providers/Microsoft.Storage/storageAccounts/harbourdocs", group());
    estate.resource(
        &json!({"id": storage, "name": "harbourdocs", "type": "Microsoft.Storage/storageAccounts",
                "kind": "StorageV2", "location": "westeurope", "properties": {"allowSharedKeyAccess": true}}),
        &[],
    );
    estate.resources.push(json!({
        "id": format!("{storage}/blobServices/default"), "name": "default",
        "type": "Microsoft.Storage/storageAccounts/blobServices",
        "properties": {"deleteRetentionPolicy": {"enabled": false}},
    }));
    estate.list(
        &format!("{storage}/blobServices/default"),
        "containers",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        &[("manifests", json!({"publicAccess": "None"}))],
    );
}

fn governance(estate: &mut FakeEstate) {
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    let assignment = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/0a");
    estate.row(
        "authorizationresources",
        json!({"id": assignment, "name": "0a", "type": "Microsoft.Authorization/roleAssignments",
               "properties": {"principalId": "p", "principalType": "User", "scope": scope,
                              "roleDefinitionId": format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/o")}}),
    );
    for (kind, name) in [("policyAssignments", "no-keys"), ("policyExemptions", "radar-waiver")] {
        let id = format!("{scope}/providers/Microsoft.Authorization/{kind}/{name}");
        let resource_type = format!("Microsoft.Authorization/{kind}");
        estate
            .row("policyresources", json!({"id": id, "name": name, "type": resource_type, "properties": {}}));
    }
    let state = format!("{scope}/providers/Microsoft.PolicyInsights/policyStates/latest-1");
    estate.row(
        "policyresources",
        json!({"id": state, "name": "latest-1", "type": "Microsoft.PolicyInsights/policyStates",
               "properties": {"complianceState": "NonCompliant"}}),
    );
}
