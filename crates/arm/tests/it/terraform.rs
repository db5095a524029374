//! Terraform plans and state in, resources out.

use castellan_arm::{DeploymentContext, Expansion, terraform};
use castellan_base::{Existence, Origin, Resource, UnresolvedReason};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::document;

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
    for example in examples {
        let address = format!("{}.x", example.terraform_type);
        let expansion = expand(&plan(&[(&address, example.input.to_json())]));
        let [resource] = expansion.resources.as_slice() else { panic!("{address}: {expansion:?}") };
        assert_eq!(rest(resource), example.output.to_json(), "{address}");
    }
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

#[test]
fn ten_thousand_instances_and_deep_modules_are_no_trouble() {
    let many: Vec<(String, Json)> = (0..10_000)
        .map(|number| {
            let values =
                json!({"name": format!("ai{number}"), "resource_group_name": "rg", "kind": "OpenAI"});
            (format!("azurerm_cognitive_account.a{number}"), values)
        })
        .collect();
    let many: Vec<(&str, Json)> =
        many.iter().map(|(address, values)| (address.as_str(), values.clone())).collect();
    assert_eq!(expand(&plan(&many)).resources.len(), 10_000);
    let mut module = json!({"resources": []});
    for depth in 0..80 {
        module = json!({"address": format!("module.m{depth}"), "child_modules": [module]});
    }
    let deep = json!({"format_version": "1.2", "planned_values": {"root_module": module}});
    assert!(expand(&deep).diagnostics[0].message.contains("modules nested"));
}

/// Small JSON of any shape.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "[a-z./\\[\\]\"{}@_]{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// Puts `with` in place of the `position`th value of a tree, counted in preorder.
fn replace(tree: &mut Json, position: &mut usize, with: &Json) {
    if *position == 0 {
        *tree = with.clone();
    }
    *position = position.wrapping_sub(1);
    match tree {
        Json::Array(items) => items.iter_mut().for_each(|item| replace(item, position, with)),
        Json::Object(members) => members.iter_mut().for_each(|(_, value)| replace(value, position, with)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_plan_with_anything_anywhere_is_survived(position in 0_usize..400, with in any_json()) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/harbour-mutual/terraform/plan.json");
        let mut plan: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut position = position;
        replace(&mut plan, &mut position, &with);
        let _ = terraform::expand(&document(&plan.to_string()), &DeploymentContext::default());
    }
}
