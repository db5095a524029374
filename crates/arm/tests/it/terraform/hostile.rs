//! Plans and states that are large, deep or wrong: they end, with what can be read of them.

use castellan_arm::{DeploymentContext, terraform};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{expand, pairs, plan, planned, targets};
use crate::document;

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

#[test]
fn thousands_of_references_are_found_at_once() {
    let plan = pairs((0..5_000).map(Json::from), "count.index");
    let doc = document(&plan.to_string());
    let start = std::time::Instant::now();
    let expansion = terraform::expand(&doc, &DeploymentContext::default());
    assert_eq!(targets(&expansion).last().map(String::as_str), Some("ai-4999"));
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

/// Every attribute of every mapped type, with every shape that it should not have.
#[test]
fn attributes_of_any_shape_are_survived() {
    let shapes = [
        json!(null),
        json!(true),
        json!(-1.5),
        json!(""),
        json!("x"),
        json!([]),
        json!([null]),
        json!([[]]),
        json!(["x", 1]),
        json!({}),
        json!([{"a": {"b": []}}]),
        json!({"type": [1], "name": {}}),
    ];
    for example in terraform::examples().unwrap() {
        let (address, input) = (format!("{}.x", example.terraform_type), example.input.to_json());
        for name in input.as_object().unwrap().keys() {
            for shape in &shapes {
                let mut values = input.clone();
                values[name] = shape.clone();
                assert!(expand(&plan(&[(&address, values)])).resources.len() <= 1);
            }
            let mut unknown = planned(&[(&address, input.clone(), json!({}), json!({}))]);
            unknown["resource_changes"][0]["change"]["after_unknown"][name] = json!(true);
            let expansion = expand(&unknown);
            assert_eq!(expansion.resources.len(), 1, "{address} without {name}: {expansion:#?}");
        }
    }
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
    fn a_plan_with_anything_anywhere_is_survived(
        changes in prop::collection::vec((0_usize..400, any_json()), 1..4)
    ) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/harbour-mutual/terraform/plan.json");
        let mut plan: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        // The same resources as a raw state, so that its reader meets the same.
        let instances: Vec<Json> = plan["planned_values"]["root_module"]["resources"].as_array().into_iter().flatten()
            .map(|resource| json!({"mode": resource["mode"], "type": resource["type"], "name": resource["name"],
                "instances": [{"index_key": 0, "attributes": resource["values"],
                    "sensitive_attributes": [[{"type": "get_attr", "value": "name"}]]}]}))
            .collect();
        let mut state = json!({"version": 4, "lineage": "l", "resources": instances});
        for (position, with) in &changes {
            replace(&mut plan, &mut position.clone(), with);
            replace(&mut state, &mut position.clone(), with);
        }
        for doc in [plan, state] {
            let _ = terraform::expand(&document(&doc.to_string()), &DeploymentContext::default());
        }
    }
}
