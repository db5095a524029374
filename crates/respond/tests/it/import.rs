//! Logic Apps of Sentinel, turned into playbooks that run.

use std::collections::BTreeMap;

use castellan_base::{Limits, Sources, json};
use castellan_respond::import::{self, Fate, Imported};
use castellan_respond::run::{Start, Status, Wait};
use castellan_testkit::MemorySystem;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Outcome, catalogue, library, runner};

fn import(document: &Value) -> Result<Imported, String> {
    let text = document.to_string();
    let mut sources = Sources::default();
    let source = sources.add("app.json", text.as_str());
    let node = json::parse(&text, source, &Limits::default()).map_err(|error| error.message)?;
    Ok(import::logic_app(&node, "Imported", castellan_base::Ticks::MIN))
}

fn connection(name: &str) -> Value {
    json!({"connection": {"name": format!("@parameters('$connections')['{name}']['connectionId']")}})
}

/// An app as people write them: a comment, a secret, a condition, a loop, a chat, a request, a switch, a wait for a value.
fn app() -> Value {
    let after = |name: &str| json!({(name): ["Succeeded"]});
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "resources": [{"type": "Microsoft.Web/connections"}, {"type": "Microsoft.Logic/workflows", "properties": {"definition": {
            "triggers": {"Microsoft_Sentinel_incident": {"type": "ApiConnectionWebhook", "inputs": {"host": connection("azuresentinel"), "path": "/incident-creation"}}},
            "actions": {
                "Init": {"type": "InitializeVariable", "runAfter": {}, "inputs": {"variables": [{"name": "state", "type": "string", "value": "open"}]}},
                "Get_secret": {"type": "ApiConnection", "runAfter": after("Init"), "inputs": {"host": connection("keyvault"), "method": "get", "path": "/secrets/@{encodeURIComponent('fw-token')}/value"}},
                "Entities": {"type": "ApiConnection", "runAfter": after("Init"), "inputs": {"host": connection("azuresentinel"), "path": "/entities/ip"}},
                "High": {"type": "If", "runAfter": {"Get_secret": ["Succeeded"], "Entities": ["Succeeded"]},
                    "expression": {"and": [{"equals": ["@triggerBody()?['object']?['properties']?['severity']", "High"]}, {"not": {"equals": ["@variables('state')", "closed"]}}]},
                    "actions": {"Post": {"type": "ApiConnection", "inputs": {"host": connection("teams"), "body": {"messageBody": "<p>Look at @{triggerBody()?['object']?['properties']?['title']}</p>"}, "path": "/beta/teams/conversation/message"}}},
                    "else": {"actions": {}}},
                "Each": {"type": "Foreach", "runAfter": after("High"), "foreach": "@body('Entities')?['IPs']", "actions": {
                    "Block": {"type": "Http", "inputs": {"method": "POST", "uri": "https://fw.example.com/block/@{items('Each')}", "headers": {"Authorization": "Bearer @{body('Get_secret')?['value']}"}, "body": {"ip": "@items('Each')"}}}}},
                "Disable": {"type": "Http", "runAfter": after("Each"), "inputs": {"method": "PATCH", "uri": "https://graph.microsoft.com/v1.0/users/@{parameters('user')}", "body": {"accountEnabled": "@false"}, "authentication": {"type": "ManagedServiceIdentity"}}},
                "Comment": {"type": "ApiConnection", "runAfter": after("Disable"), "inputs": {"host": connection("azuresentinel_1"), "path": "/Incidents/Comment"}},
                "Close": {"type": "SetVariable", "runAfter": after("Comment"), "inputs": {"name": "state", "value": "closed"}},
                "Wait": {"type": "Until", "runAfter": after("Close"), "expression": "@equals(variables('state'), 'closed')", "limit": {"count": 5}, "actions": {}},
                "Which": {"type": "Switch", "runAfter": after("Wait"), "expression": "@variables('state')", "cases": {"A": {"case": "closed", "actions": {"Note": {"type": "Compose", "inputs": "done"}}}}, "default": {"actions": {}}},
                "Failed": {"type": "Compose", "runAfter": {"Which": ["Failed"]}, "inputs": "x"},
                "Odd": {"type": "Table", "runAfter": after("Which"), "inputs": {}},
            }
        }}}],
    })
}

#[test]
fn every_action_has_its_fate() -> Outcome {
    let imported = import(&app())?;
    assert_eq!(imported.problems, Vec::<String>::new());
    let fates: BTreeMap<&str, &str> = imported
        .lines
        .iter()
        .map(|line| {
            let fate = match line.fate {
                Fate::Mapped(_) => "mapped",
                Fate::ByHand(_) => "by hand",
                Fate::LeftOut(_) => "left out",
            };
            (line.action.as_str(), fate)
        })
        .collect();
    let expected = BTreeMap::from([
        ("Microsoft_Sentinel_incident", "mapped"),
        ("Init", "left out"),
        ("Get_secret", "left out"),
        ("Entities", "left out"),
        ("High", "mapped"),
        ("Post", "mapped"),
        ("Each", "mapped"),
        ("Block", "mapped"),
        ("Disable", "mapped"),
        ("Comment", "by hand"),
        ("Close", "mapped"),
        ("Wait", "mapped"),
        ("Which", "mapped"),
        ("Note", "mapped"),
        ("Failed", "left out"),
        ("Odd", "by hand"),
    ]);
    assert_eq!(fates, expected);
    let text = imported.document.to_string();
    for wanted in [
        "__incident_severity__:value = 'High'",
        "Bearer __secret_fw_token__:value",
        "secret:env:FW_TOKEN",
        "Look at __incident_title__:value",
        "entra.disable-user",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    Ok(())
}

/// Without what is outside, the app runs: variables, conditions, loops, switches and what people do.
#[test]
fn what_was_imported_runs() -> Outcome {
    let mut app = app();
    let actions = &mut app["resources"][1]["properties"]["definition"]["actions"];
    for name in ["Each", "Disable"] {
        actions[name] = json!({"type": "Compose", "runAfter": actions[name]["runAfter"], "inputs": name});
    }
    let imported = import(&app)?;
    let (library, catalogue) = (library(std::slice::from_ref(&imported.document))?, catalogue("127.0.0.1:1"));
    let (folder, system) = (tempfile::tempdir()?, MemorySystem::default());
    let runner = runner(&system, &library, &catalogue, folder.path());
    let id = imported.document["id"].as_str().unwrap_or_default();
    let variables = [("__incident_severity__", "Low"), ("__incident_title__", "t")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut report = runner.start(id, &Start { variables, ..Start::default() })?;
    for wanted in ["Comment", "Odd"] {
        let [Wait::Task { path, instruction, .. }] = report.waits.as_slice() else {
            return Err(format!("{report:?}").into());
        };
        assert!(instruction.contains(wanted), "{instruction}");
        report = runner.complete(&report.run, path, "ann", Ok(BTreeMap::new()))?;
    }
    assert_eq!(report.status, Status::Completed, "{report:?}");
    Ok(())
}

/// A function that is dropped changes what is compared or sent, and a result that nothing sets stops the run.
#[test]
fn functions_and_results_are_not_lost() -> Outcome {
    let after = |name: &str| json!({(name): ["Succeeded"]});
    let imported = import(&json!({"definition": {"actions": {
        "Ask": {"type": "Http", "inputs": {"method": "GET", "uri": "https://a.example.com/x"}},
        "Keep": {"type": "Compose", "runAfter": after("Ask"), "inputs": "@body('Ask')"},
        "Lower": {"type": "Compose", "runAfter": after("Keep"), "inputs": "@toLower(variables('x'))"},
        "Parse": {"type": "ParseJson", "runAfter": after("Lower"), "inputs": {}},
        "Use": {"type": "Compose", "runAfter": after("Parse"), "inputs": "@body('Parse')"},
    }}}))?;
    assert_eq!(imported.problems, Vec::<String>::new());
    let by_hand = |line: &import::Line| line.action == "Lower" && matches!(line.fate, Fate::ByHand(_));
    assert!(imported.lines.iter().any(by_hand), "{:?}", imported.lines);
    let steps = imported.document["workflow"].as_object().ok_or("no steps")?;
    let ask = steps.values().find(|step| step["name"] == "Ask").ok_or("no step")?;
    assert_eq!(ask["out_args"], json!(["__result_Ask__"]));
    assert_eq!(imported.document["playbook_variables"]["__result_Parse__"]["external"], json!(true));
    Ok(())
}

#[test]
fn what_is_no_logic_app_is_told() -> Outcome {
    for document in [json!({}), json!([]), json!({"resources": [{"properties": {}}]}), json!("x")] {
        assert_eq!(import(&document)?.problems.len(), 1, "{document}");
    }
    Ok(())
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = "(@variables\\('x'\\)|@equals\\(1,2\\)|If|Foreach|Until|Switch|Http|Scope|SetVariable|ApiConnection|https://a.example/@\\{items\\('a'\\)\\}|x)";
    let leaf =
        prop_oneof![words.prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(Value::Null)];
    leaf.prop_recursive(6, 64, 5, |inner| {
        let keys = "(type|inputs|actions|runAfter|expression|foreach|a|b|and|equals|not|cases|default|else|uri|body|variables|name|value)";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_workflow_gives_a_playbook_or_says_why(actions in any_json()) {
        let imported = import(&json!({"definition": {"actions": {"first": actions}}}));
        let imported = imported.map_err(TestCaseError::fail)?;
        prop_assert_eq!(imported.problems, Vec::<String>::new(), "{}", imported.document);
    }
}
