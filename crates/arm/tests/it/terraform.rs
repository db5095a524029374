//! Terraform plans and state in, resources out.

use castellan_arm::{DeploymentContext, Expansion, terraform};
use castellan_base::{Existence, Origin, Resource, UnresolvedReason};
use serde_json::{Value as Json, json};

use crate::document;

mod hostile;

fn expand(doc: &Json) -> Expansion {
    let doc = document(&doc.to_string());
    assert!(terraform::is_terraform(&doc));
    terraform::expand(&doc, &DeploymentContext::default())
}

/// A plan with these planned resources (`type.name`, values).
fn plan(resources: &[(&str, Json)]) -> Json {
    let resources: Vec<Json> = resources
        .iter()
        .map(|(address, values)| {
            let (kind, name) = address.split_once('.').unwrap();
            json!({"address": address, "mode": "managed", "type": kind, "name": name, "values": values})
        })
        .collect();
    json!({"format_version": "1.2", "planned_values": {"root_module": {"resources": resources}}})
}

/// The resource without the members that every resource has.
fn rest(resource: &Resource) -> Json {
    let mut body = resource.body.to_json();
    for key in ["id", "name", "type"] {
        body.as_object_mut().unwrap().remove(key);
    }
    body
}

#[test]
fn every_mapped_type_keeps_its_example() {
    let examples = terraform::examples().unwrap_or_else(|problems| panic!("{problems:#?}"));
    let mut problems = Vec::new();
    for example in examples {
        let address = format!("{}.x", example.terraform_type);
        let expansion = expand(&plan(&[(&address, example.input.to_json())]));
        // An example is written out of what the table knows.
        let notes = expansion.diagnostics.iter().filter(|note| note.message.contains("not mapped"));
        problems.extend(notes.map(|note| format!("{address}: {}", note.message)));
        let (got, wanted) = match expansion.resources.as_slice() {
            [resource] => (rest(resource), example.output.to_json()),
            other => (json!(other.len()), json!(1)),
        };
        if got != wanted {
            problems.push(format!("{address}\n     got {got}\n  wanted {wanted}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(examples.len() >= 100, "{}", examples.len());
}

/// A plan with a configuration: values, what is unknown after them, and what their expressions refer to.
fn planned(resources: &[(&str, Json, Json, Json)]) -> Json {
    let (mut values, mut changes, mut configured) = (Vec::new(), Vec::new(), Vec::new());
    for (address, known, unknown, expressions) in resources {
        let plain = address.split('[').next().unwrap();
        let (kind, name) = plain.split_once('.').unwrap();
        values.push(
            json!({"address": address, "mode": "managed", "type": kind, "name": name, "values": known}),
        );
        changes.push(json!({"address": address, "mode": "managed", "type": kind, "name": name,
            "change": {"actions": ["create"], "after": known, "after_unknown": unknown}}));
        configured.push(json!({"address": plain, "mode": "managed", "type": kind, "name": name,
            "expressions": expressions}));
    }
    json!({
        "format_version": "1.2", "terraform_version": "1.13.4",
        "planned_values": {"root_module": {"resources": values}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}}
    })
}

fn find<'e>(expansion: &'e Expansion, resource_type: &str) -> &'e Resource {
    let found = expansion.resources.iter().find(|resource| resource.is_type(resource_type));
    found.unwrap_or_else(|| panic!("no {resource_type}: {expansion:#?}"))
}

#[test]
fn unknown_ids_carry_the_id_that_they_will_be() {
    let plan = planned(&[
        (
            "azurerm_cognitive_account.ai",
            json!({"name": "ai", "resource_group_name": "rg", "kind": "OpenAI", "sku_name": "S0"}),
            json!({"id": true, "endpoint": true}),
            json!({}),
        ),
        (
            "azurerm_cognitive_deployment.gpt",
            json!({"name": "gpt", "model": [{"format": "OpenAI", "name": "gpt-4o"}]}),
            json!({"id": true, "cognitive_account_id": true}),
            json!({"cognitive_account_id": {"references":
                ["azurerm_cognitive_account.ai.id", "azurerm_cognitive_account.ai"]}}),
        ),
        (
            "azurerm_private_endpoint.pe",
            json!({"name": "pe", "resource_group_name": "rg",
                "private_service_connection": [{"name": "c", "is_manual_connection": false}]}),
            json!({"id": true, "private_service_connection": [{"private_connection_resource_id": true}]}),
            json!({"private_service_connection": [{"private_connection_resource_id": {"references":
                ["azurerm_cognitive_account.ai.id", "azurerm_cognitive_account.ai"]}}]}),
        ),
    ]);
    let expansion = expand(&plan);
    let account = find(&expansion, "Microsoft.CognitiveServices/accounts");
    let deployment = find(&expansion, "Microsoft.CognitiveServices/accounts/deployments");
    assert_eq!(deployment.id.parent().unwrap(), account.id);
    assert_eq!(account.origin, Origin::TerraformPlan);
    let endpoint = account.at_path("properties.endpoint").unwrap().as_unresolved().unwrap();
    assert_eq!(endpoint.reason, UnresolvedReason::AfterApply);
    let pe = find(&expansion, "Microsoft.Network/privateEndpoints");
    let connections = pe.at_path("properties.privateLinkServiceConnections").unwrap().as_array().unwrap();
    let target = connections[0].at_path("properties.privateLinkServiceId").unwrap();
    assert_eq!(target.as_unresolved().unwrap().reason, UnresolvedReason::AfterApply);
    assert_eq!(target.text_or_symbol(), Some(account.id.as_str()));
}

#[test]
fn references_lead_through_modules_and_keys() {
    let account = |key: &str| {
        json!({"address": format!("module.ai.azurerm_cognitive_account.this[\"{key}\"]"), "mode": "managed",
            "type": "azurerm_cognitive_account", "name": "this", "index": key,
            "values": {"name": format!("ai-{key}"), "resource_group_name": "rg", "kind": "OpenAI", "sku_name": "S0"}})
    };
    let setting = |key: &str| {
        json!({"address": format!("module.logs.azurerm_monitor_diagnostic_setting.this[\"{key}\"]"),
            "mode": "managed", "type": "azurerm_monitor_diagnostic_setting", "name": "this", "index": key,
            "values": {"name": "all", "enabled_log": [{"category_group": "allLogs"}]}})
    };
    let change = |resource: &Json, unknown: Json, module: &str| {
        json!({"address": resource["address"], "module_address": module, "mode": "managed", "type": resource["type"],
            "name": "this", "index": resource["index"],
            "change": {"actions": ["create"], "after": resource["values"], "after_unknown": unknown}})
    };
    let (accounts, settings) = (vec![account("eu"), account("us")], vec![setting("eu")]);
    let plan = json!({
        "format_version": "1.2",
        "planned_values": {"root_module": {"child_modules": [
            {"address": "module.ai", "resources": accounts},
            {"address": "module.logs", "resources": settings}]}},
        "resource_changes": [
            change(&accounts[0], json!({"id": true}), "module.ai"),
            change(&accounts[1], json!({"id": true}), "module.ai"),
            change(&settings[0], json!({"id": true, "target_resource_id": true}), "module.logs")],
        "configuration": {"root_module": {"module_calls": {
            "ai": {"module": {
                "outputs": {"eu": {"expression": {"references":
                    ["azurerm_cognitive_account.this[\"eu\"].id", "azurerm_cognitive_account.this[\"eu\"]",
                     "azurerm_cognitive_account.this"]}}},
                "resources": [{"address": "azurerm_cognitive_account.this", "mode": "managed",
                    "type": "azurerm_cognitive_account", "name": "this", "expressions": {}}]}},
            "logs": {
                "expressions": {"target": {"references": ["module.ai.eu", "module.ai"]}},
                "module": {
                    "variables": {"target": {}},
                    "resources": [{"address": "azurerm_monitor_diagnostic_setting.this", "mode": "managed",
                        "type": "azurerm_monitor_diagnostic_setting", "name": "this",
                        "expressions": {"target_resource_id": {"references": ["var.target"]}}}]}}
        }}}
    });
    let expansion = expand(&plan);
    let setting = find(&expansion, "Microsoft.Insights/diagnosticSettings");
    assert_eq!(setting.id.parent().unwrap().name(), "ai-eu", "{}", setting.id);
}

#[test]
fn secrets_occur_nowhere() {
    let secret = "correct-horse-battery-staple";
    let values = json!({"name": "c", "workspace_id": "/subscriptions/s/resourceGroups/rg/providers/\
        Microsoft.MachineLearningServices/workspaces/ml", "storage_container_id": "/c", "account_key": secret});
    let mut plan = plan(&[("azurerm_machine_learning_datastore_blobstorage.b", values)]);
    plan["planned_values"]["root_module"]["resources"][0]["sensitive_values"] = json!({"account_key": true});
    let expansion = expand(&plan);
    let key = expansion.resources[0].at_path("properties.credentials.secrets.key").unwrap();
    assert_eq!(key.as_unresolved().unwrap().reason, UnresolvedReason::Sensitive);
    assert!(!format!("{expansion:?}").contains(secret));
}

#[test]
fn what_is_deleted_is_left_out_and_what_is_replaced_is_kept() {
    let vault = |name: &str, actions: Json| {
        json!({"address": format!("azurerm_key_vault.{name}"), "mode": "managed", "type": "azurerm_key_vault", "name": name,
            "change": {"actions": actions, "after": {"name": name, "resource_group_name": "rg"}}})
    };
    let expansion = expand(&json!({"format_version": "1.2", "resource_changes": [
        vault("old", json!(["delete"])), vault("left", json!(["forget"])),
        vault("new", json!(["delete", "create"])), vault("same", json!(["no-op"]))]}));
    let names: Vec<&str> = expansion.resources.iter().map(Resource::name).collect();
    assert_eq!(names, ["new", "same"]);
}

#[test]
fn printed_and_raw_state_say_the_same() {
    let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv";
    let values =
        json!({"id": id, "name": "kv", "location": "westeurope", "rbac_authorization_enabled": true});
    let printed = expand(
        &json!({"format_version": "1.0", "terraform_version": "1.13.4", "values": {"root_module": {
        "resources": [
            {"address": "azurerm_key_vault.a[0]", "mode": "managed", "type": "azurerm_key_vault", "name": "a", "index": 0,
             "values": values},
            {"address": "data.azurerm_storage_account.s", "mode": "data", "type": "azurerm_storage_account", "name": "s",
             "values": {"id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st"}}]}}}),
    );
    let raw = expand(
        &json!({"version": 4, "terraform_version": "1.13.4", "serial": 3, "lineage": "l", "resources": [
            {"mode": "managed", "type": "azurerm_key_vault", "name": "a", "instances": [
                {"index_key": 0, "attributes": values}, {"deposed": "1", "attributes": values}]},
            {"mode": "data", "type": "azurerm_storage_account", "name": "s", "instances": [
                {"attributes": {"id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st"}}]}
        ]}),
    );
    for expansion in [&printed, &raw] {
        assert_eq!(expansion.resources.len(), 2, "{expansion:#?}");
        let vault = find(expansion, "Microsoft.KeyVault/vaults");
        assert_eq!((vault.id.as_str(), vault.origin), (id, Origin::TerraformState));
        assert_eq!(vault.at_path("properties.enableRbacAuthorization").unwrap().as_bool(), Some(true));
        let referenced = find(expansion, "Microsoft.Storage/storageAccounts");
        assert_eq!(referenced.existence, Existence::Referenced);
    }
    assert_eq!(rest(&printed.resources[0]), rest(&raw.resources[0]));
}

#[test]
fn azapi_is_taken_as_it_is_written() {
    let parent = "/subscriptions/s/resourceGroups/rg";
    let account = format!("{parent}/providers/Microsoft.CognitiveServices/accounts/ai");
    let expansion = expand(&plan(&[
        (
            "azapi_resource.ai",
            json!({"type": "Microsoft.CognitiveServices/accounts@2025-06-01", "name": "ai", "parent_id": parent,
                "location": "Sweden Central", "identity": [{"type": "SystemAssigned"}],
                "body": {"kind": "AIServices", "properties": {"disableLocalAuth": false}}}),
        ),
        (
            "azapi_resource.gpt",
            json!({"type": "Microsoft.CognitiveServices/accounts/deployments@2025-06-01", "name": "gpt",
                "parent_id": account, "body": "{\"properties\": {\"raiPolicyName\": \"strict\"}}"}),
        ),
        (
            "azapi_update_resource.harden",
            json!({"type": "Microsoft.CognitiveServices/accounts@2025-06-01", "resource_id": account,
                "body": {"properties": {"disableLocalAuth": true}}}),
        ),
        ("azapi_resource_action.list", json!({"type": "Microsoft.CognitiveServices/accounts@2025-06-01"})),
    ]));
    let ai = find(&expansion, "Microsoft.CognitiveServices/accounts");
    assert_eq!((ai.id.as_str(), ai.api_version.as_deref()), (account.as_str(), Some("2025-06-01")));
    assert_eq!(ai.at_path("properties.disableLocalAuth").unwrap().as_bool(), Some(true));
    assert_eq!(ai.body.get("kind").unwrap().as_str(), Some("AIServices"));
    let gpt = find(&expansion, "Microsoft.CognitiveServices/accounts/deployments");
    assert_eq!(gpt.id.parent().unwrap(), ai.id);
    assert_eq!(gpt.at_path("properties.raiPolicyName").unwrap().as_str(), Some("strict"));
    assert_eq!(expansion.resources.len(), 2);
    assert_eq!(expansion.diagnostics.len(), 1, "{:?}", expansion.diagnostics);
}

#[test]
fn changes_land_on_the_resource_that_they_change() {
    let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st";
    let expansion = expand(&plan(&[
        (
            "azurerm_storage_account.st",
            json!({"id": id, "name": "st", "account_tier": "Standard", "account_replication_type": "LRS"}),
        ),
        (
            "azurerm_storage_account_network_rules.st",
            json!({"storage_account_id": id, "default_action": "Deny", "bypass": ["None"]}),
        ),
    ]));
    let [account] = expansion.resources.as_slice() else { panic!("{expansion:#?}") };
    assert_eq!(account.at_path("properties.networkAcls.defaultAction").unwrap().as_str(), Some("Deny"));
    assert_eq!(account.at_path("sku.name").unwrap().as_str(), Some("Standard_LRS"));
}

#[test]
fn what_no_table_knows_is_said_and_not_judged() {
    let expansion = expand(&plan(&[
        ("azurerm_quantum_workspace.q", json!({"id": "/subscriptions/s", "name": "q"})),
        ("aws_s3_bucket.b", json!({"bucket": "b"})),
        (
            "azurerm_role_assignment.custom",
            json!({"name": "n", "scope": "/subscriptions/s", "role_definition_name": "Our own role"}),
        ),
        (
            "azurerm_key_vault.kv",
            json!({"name": "kv", "resource_group_name": "rg", "invented_by_a_later_provider": "x"}),
        ),
    ]));
    let said: Vec<&str> = expansion.diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect();
    for part in ["azurerm_quantum_workspace", "provider `aws`", "`invented_by_a_later_provider`"] {
        assert!(said.iter().any(|message| message.contains(part)), "{part}: {said:#?}");
    }
    assert_eq!(expansion.resources.len(), 2);
    let role = find(&expansion, "Microsoft.Authorization/roleAssignments");
    let definition = role.at_path("properties.roleDefinitionId").unwrap().as_unresolved().unwrap();
    assert_eq!(definition.reason, UnresolvedReason::NotMapped);
}

#[test]
fn an_errored_plan_says_so() {
    let mut plan = plan(&[]);
    plan["errored"] = json!(true);
    assert!(expand(&plan).diagnostics[0].message.contains("ended with an error"));
}

#[test]
fn the_bundled_plan_is_read_whole() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/harbour-mutual/terraform/plan.json");
    let expansion = expand(&serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap());
    assert!(expansion.diagnostics.is_empty(), "{:#?}", expansion.diagnostics);
    assert!(expansion.resources.len() >= 4, "{:#?}", expansion.resources);
}

/// The instances of a `for_each` or `count`, each of which refers to the one with the same key of another.
fn pairs(keys: impl Iterator<Item = Json> + Clone, own_key: &str) -> Json {
    let instance = |kind: &str, name: &str, key: &Json, values: Json, unknown: Json| {
        let address = format!("{kind}.{name}[{key}]");
        json!({"address": address, "mode": "managed", "type": kind, "name": name, "index": key, "values": values,
            "change": {"actions": ["create"], "after": values, "after_unknown": unknown}})
    };
    let mut instances = Vec::new();
    for key in keys.clone() {
        let values =
            json!({"name": format!("ai-{}", key.to_string().trim_matches('"')), "resource_group_name": "rg"});
        instances.push(instance("azurerm_cognitive_account", "ai", &key, values, json!({"id": true})));
    }
    for key in keys {
        let unknown = json!({"id": true, "target_resource_id": true});
        instances.push(instance(
            "azurerm_monitor_diagnostic_setting",
            "all",
            &key,
            json!({"name": "all"}),
            unknown,
        ));
    }
    json!({"format_version": "1.2", "planned_values": {"root_module": {"resources": instances}},
        "resource_changes": instances,
        "configuration": {"root_module": {"resources": [
            {"address": "azurerm_cognitive_account.ai", "expressions": {}},
            {"address": "azurerm_monitor_diagnostic_setting.all", "expressions": {"target_resource_id":
                {"references": ["azurerm_cognitive_account.ai", own_key]}}}]}}})
}

fn targets(expansion: &Expansion) -> Vec<String> {
    let settings = expansion
        .resources
        .iter()
        .filter(|resource| resource.is_type("Microsoft.Insights/diagnosticSettings"));
    settings.map(|setting| setting.id.parent().unwrap().name().to_owned()).collect()
}

#[test]
fn each_instance_refers_to_the_one_with_its_own_key() {
    let keys = ["eu", "us"].into_iter().map(Json::from);
    assert_eq!(targets(&expand(&pairs(keys, "each.key"))), ["ai-eu", "ai-us"]);
    let keys = (0..3).map(Json::from);
    assert_eq!(targets(&expand(&pairs(keys, "count.index"))), ["ai-0", "ai-1", "ai-2"]);
    // Which of several is meant cannot be told from `local.x`.
    let vague = expand(&pairs(["eu", "us"].into_iter().map(Json::from), "local.x"));
    assert!(targets(&vague).iter().all(|name| name.contains('{')), "{:?}", targets(&vague));
}

#[test]
fn two_unknown_ids_of_one_resource_are_the_same() {
    let to_logs = json!({"references": ["azurerm_log_analytics_workspace.logs.id", "azurerm_log_analytics_workspace.logs"]});
    let plan = planned(&[
        (
            "azurerm_log_analytics_workspace.logs",
            json!({"name": "logs"}),
            json!({"id": true, "resource_group_name": true}),
            json!({}),
        ),
        (
            "azurerm_application_insights.a",
            json!({"name": "a", "resource_group_name": "rg"}),
            json!({"id": true, "workspace_id": true}),
            json!({"workspace_id": to_logs}),
        ),
        (
            "azurerm_application_insights.b",
            json!({"name": "b", "resource_group_name": "rg"}),
            json!({"id": true, "workspace_id": true}),
            json!({"workspace_id": to_logs}),
        ),
    ]);
    let expansion = expand(&plan);
    let logs = find(&expansion, "Microsoft.OperationalInsights/workspaces").id.as_str().to_owned();
    for component in
        expansion.resources.iter().filter(|resource| resource.is_type("Microsoft.Insights/components"))
    {
        let workspace = component.at_path("properties.WorkspaceResourceId").unwrap();
        assert_eq!(workspace.as_unresolved().unwrap().reason, UnresolvedReason::AfterApply);
        assert_eq!(workspace.text_or_symbol(), Some(logs.as_str()));
    }
    assert!(logs.contains("{resourceGroup().name}"), "{logs}");
}

#[test]
fn data_sources_of_a_plan_are_referenced_and_can_be_referred_to() {
    let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/ai";
    let mut plan = planned(&[(
        "azurerm_cognitive_deployment.gpt",
        json!({"name": "gpt"}),
        json!({"id": true, "cognitive_account_id": true}),
        json!({"cognitive_account_id": {"references": ["data.azurerm_cognitive_account.ai.id", "data.azurerm_cognitive_account.ai"]}}),
    )]);
    plan["prior_state"] = json!({"values": {"root_module": {"resources": [
        {"address": "data.azurerm_cognitive_account.ai", "mode": "data", "type": "azurerm_cognitive_account", "name": "ai",
         "values": {"id": id, "name": "ai"}},
        {"address": "azurerm_key_vault.gone", "mode": "managed", "type": "azurerm_key_vault", "name": "gone",
         "values": {"name": "gone", "resource_group_name": "rg"}}]}}});
    let expansion = expand(&plan);
    let account = find(&expansion, "Microsoft.CognitiveServices/accounts");
    assert_eq!((account.id.as_str(), account.existence.clone()), (id, Existence::Referenced));
    let deployment = find(&expansion, "Microsoft.CognitiveServices/accounts/deployments");
    assert_eq!(deployment.id.parent().unwrap(), account.id);
    assert_eq!(expansion.resources.len(), 2, "what only the prior state has is not planned");
}

#[test]
fn what_a_plan_or_a_state_hides_stays_hidden() {
    let secret = "correct-horse-battery-staple";
    let named = json!({"name": "key", "display_name": "key", "resource_group_name": "rg", "api_management_name": "gate",
        "secret": true, "value": secret, "value_from_key_vault": []});
    let mut by_plan =
        planned(&[("azurerm_api_management_named_value.k", named.clone(), json!({"id": true}), json!({}))]);
    by_plan["resource_changes"][0]["change"]["after_sensitive"] = json!({"value": true});
    // A block may be marked whole; switches in it are no secrets.
    let container = json!({"name": "app", "resource_group_name": "rg", "secret": [{"name": "s", "value": secret}],
        "ingress": [{"external_enabled": true}]});
    let mut by_block = plan(&[("azurerm_container_app.a", container.clone())]);
    by_block["planned_values"]["root_module"]["resources"][0]["sensitive_values"] = json!({"secret": true});
    // A raw state marks nothing of what the provider alone declares as secret.
    let raw = json!({"version": 4, "terraform_version": "1.9.0", "lineage": "l", "resources": [
        {"mode": "managed", "type": "azurerm_api_management_named_value", "name": "k",
         "instances": [{"attributes": named, "sensitive_attributes": []}]},
        {"mode": "managed", "type": "azurerm_container_app", "name": "a", "instances": [{"attributes": container}]},
        {"mode": "managed", "type": "azurerm_machine_learning_datastore_blobstorage", "name": "d", "instances": [
            {"attributes": {"name": "d", "account_key": secret, "shared_access_signature": ""}}]}]});
    let mut by_marks = raw.clone();
    by_marks["resources"][0]["instances"][0]["sensitive_attributes"] =
        json!([[{"type": "get_attr", "value": "value"}]]);
    for doc in [by_plan, by_block, raw, by_marks] {
        let expansion = expand(&doc);
        assert!(!expansion.resources.is_empty());
        assert!(!format!("{expansion:?}").contains(secret), "{expansion:#?}");
        if let Some(value) = expansion.resources[0].at_path("properties.value") {
            assert_eq!(value.as_unresolved().unwrap().reason, UnresolvedReason::Sensitive);
        }
    }
}

#[test]
fn what_only_a_state_knows_of_an_unmapped_type_is_that_it_exists() {
    let resource = |kind: &str, id: &str| json!({"address": format!("{kind}.x"), "mode": "managed", "type": kind, "name": "x", "values": {"id": id, "name": "x"}});
    let quantum = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Quantum/workspaces/x";
    let expansion = expand(&json!({"format_version": "1.0", "values": {"root_module": {"resources": [
        resource("azurerm_quantum_workspace", quantum),
        resource("azurerm_security_center_auto_provisioning", "/subscriptions/s"),
        resource("azapi_data_plane_resource", "/x")]}}}));
    let [known] = expansion.resources.as_slice() else { panic!("{expansion:#?}") };
    assert_eq!((known.id.as_str(), known.existence.clone()), (quantum, Existence::Referenced));
    assert!(known.is_type("Microsoft.Quantum/workspaces"));
    for kind in [
        "azurerm_quantum_workspace",
        "azurerm_security_center_auto_provisioning",
        "azapi_data_plane_resource",
    ] {
        let told =
            expansion.diagnostics.iter().filter(|diagnostic| diagnostic.message.contains(kind)).count();
        assert_eq!(told, 1, "{kind}: {:#?}", expansion.diagnostics);
    }
}

#[test]
fn changes_to_what_is_not_declared_only_refer_to_it() {
    let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/ai";
    let account =
        ("azurerm_cognitive_account.ai", json!({"id": id, "name": "ai", "kind": "OpenAI", "sku_name": "S0"}));
    let key = (
        "azurerm_cognitive_account_customer_managed_key.k",
        json!({"id": id, "cognitive_account_id": id, "key_vault_key_id": "https://v.vault.azure.net/keys/k/1a"}),
    );
    let update = (
        "azapi_update_resource.u",
        json!({"type": "Microsoft.CognitiveServices/accounts@2025-06-01",
        "resource_id": id, "body": "{\"properties\": {\"disableLocalAuth\": true}}"}),
    );
    let expansion = expand(&plan(&[update.clone(), key.clone(), account]));
    let [account] = expansion.resources.as_slice() else { panic!("{expansion:#?}") };
    assert_eq!(
        account.at_path("properties.encryption.keySource").unwrap().as_str(),
        Some("Microsoft.KeyVault")
    );
    assert_eq!(
        account.at_path("properties.encryption.keyVaultProperties.keyName").unwrap().as_str(),
        Some("k")
    );
    assert_eq!(account.at_path("properties.disableLocalAuth").unwrap().as_bool(), Some(true));
    assert!(expansion.diagnostics.is_empty(), "{:#?}", expansion.diagnostics);
    let alone = expand(&plan(&[update, key]));
    assert!(alone.resources.iter().all(|resource| resource.existence == Existence::Referenced));
    assert_eq!(alone.diagnostics.iter().filter(|note| note.message.contains("is not judged")).count(), 2);
}

#[test]
fn templates_that_a_plan_deploys_are_expanded() {
    let template = json!({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "parameters": {"name": {"type": "string"}},
        "resources": [{"type": "Microsoft.CognitiveServices/accounts", "apiVersion": "2025-06-01",
            "name": "[parameters('name')]", "kind": "OpenAI", "location": "westeurope", "properties": {"disableLocalAuth": true}}]});
    let expansion = expand(&plan(&[
        (
            "azurerm_resource_group_template_deployment.d",
            json!({"name": "d", "resource_group_name": "rg",
            "template_content": template.to_string(), "parameters_content": "{\"name\": {\"value\": \"ai\"}}"}),
        ),
        (
            "azurerm_subscription_template_deployment.spec",
            json!({"name": "s", "template_spec_version_id": "/x"}),
        ),
    ]));
    let [account] = expansion.resources.as_slice() else { panic!("{expansion:#?}") };
    let id = "/subscriptions/{subscription().subscriptionId}/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/ai";
    assert_eq!((account.id.as_str(), account.origin), (id, Origin::TerraformPlan));
    assert_eq!(account.at_path("properties.disableLocalAuth").unwrap().as_bool(), Some(true));
    let [told] = expansion.diagnostics.as_slice() else { panic!("{:#?}", expansion.diagnostics) };
    assert!(told.message.contains("azurerm_subscription_template_deployment"));
}

#[test]
fn empty_texts_of_a_state_are_not_set() {
    let product =
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ApiManagement/service/gate/products/ai";
    let expansion = expand(&plan(&[(
        "azurerm_api_management_subscription.s",
        json!({"subscription_id": "app",
        "resource_group_name": "rg", "api_management_name": "gate", "product_id": product, "api_id": "", "state": ""}),
    )]));
    let subscription = &expansion.resources[0];
    assert_eq!(subscription.at_path("properties.scope").unwrap().as_str(), Some(product));
    assert_eq!(subscription.at_path("properties.state").unwrap().as_str(), Some("submitted"));
}

#[test]
fn policies_stand_where_they_are_defined() {
    let group = "/providers/Microsoft.Management/managementGroups/mg";
    let expansion = expand(&plan(&[
        (
            "azurerm_policy_definition.mg",
            json!({"name": "a", "management_group_id": group, "policy_rule": "{}"}),
        ),
        ("azurerm_policy_set_definition.sub", json!({"name": "b", "management_group_id": null})),
    ]));
    let ids: Vec<&str> = expansion.resources.iter().map(|resource| resource.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            format!("{group}/providers/Microsoft.Authorization/policyDefinitions/a").as_str(),
            "/subscriptions/{subscription().subscriptionId}/providers/Microsoft.Authorization/policySetDefinitions/b",
        ]
    );
}
