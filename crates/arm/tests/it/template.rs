//! Each feature of templates, one small template each.

use castellan_arm::{DeploymentContext, expand_template};
use castellan_base::{Existence, UnresolvedReason};
use serde_json::{Value, json};

use crate::{context, document, expand};

/// Ids (without the group's part) and properties of all resources.
fn summary(body: &str) -> Value {
    let expansion = expand(body);
    let strip = |id: &str| id.replace("/subscriptions/S/resourceGroups/rg/providers/", "");
    let row = |resource: &castellan_base::Resource| {
        json!([
            strip(resource.id.as_str()),
            resource.at_path("properties").map_or(Value::Null, |node| node.to_json())
        ])
    };
    expansion.resources.iter().map(row).collect()
}

fn check(body: &str, expected: Value) {
    assert_eq!(summary(body), expected, "{body}");
}

#[test]
fn parameters_variables_and_expressions() {
    check(
        r#""parameters": {"n": {"type": "string", "defaultValue": "[toLower('ABC')]"}, "o": {"type": "object", "nullable": true}},
           "variables": {"v": "[concat(parameters('n'), '-x')]", "list": {"copy": [{"name": "items", "count": 2, "input": "[copyIndex('items', 1)]"}]},
                         "copy": [{"name": "top", "count": 2, "input": "[format('t{0}', copyIndex('top'))]"}]},
           "resources": [{"type": "P.X/a", "name": "[variables('v')]", "properties": {"l": "[variables('list').items]", "t": "[variables('top')]",
                          "o": "[coalesce(tryGet(parameters('o'), 'z'), 'none')]", "lit": "[[x]", "[format('k{0}', 1)]": 1}}]"#,
        json!([["P.X/a/abc-x", {"l": [1, 2], "t": ["t0", "t1"], "o": "none", "lit": "[x]", "k1": 1}]]),
    );
}

#[test]
fn copies_and_conditions() {
    check(
        r#""parameters": {"names": {"type": "array", "defaultValue": ["a", "b"]}},
           "resources": [
             {"type": "P.X/a", "name": "[parameters('names')[copyIndex()]]", "copy": {"name": "c", "count": "[length(parameters('names'))]"},
              "properties": {"copy": [{"name": "rules", "count": 2, "input": {"n": "[format('{0}{1}', copyIndex(), copyIndex('rules'))]"}}]}},
             {"type": "P.X/b", "name": "off", "condition": "[equals(1, 2)]"},
             {"type": "P.X/b", "name": "zero", "copy": {"name": "z", "count": 0}}]"#,
        json!([
            ["P.X/a/a", {"rules": [{"n": "00"}, {"n": "11"}]}],
            ["P.X/a/b", {"rules": [{"n": "00"}, {"n": "11"}]}],
        ]),
    );
}

#[test]
fn children_in_all_three_notations_and_extensions() {
    check(
        r#""resources": [
             {"type": "P.X/a", "name": "p", "resources": [
                {"type": "b", "name": "inner", "resources": [{"type": "c", "name": "deep"}]},
                {"type": "M.Locks/locks", "name": "l"}]},
             {"type": "P.X/a/b", "name": "p/outer"},
             {"type": "M.Insights/diagnosticSettings", "name": "d", "scope": "[resourceId('P.X/a', 'p')]"},
             {"type": "P.X/a/providers/locks", "name": "p/M.Locks/old"},
             {"type": "M.Insights/diagnosticSettings", "name": "r", "scope": "P.X/a/p"}]"#,
        json!([
            ["P.X/a/p", null],
            ["P.X/a/p/b/inner", null],
            ["P.X/a/p/b/inner/c/deep", null],
            ["P.X/a/p/providers/M.Locks/locks/l", null],
            ["P.X/a/p/b/outer", null],
            ["P.X/a/p/providers/M.Insights/diagnosticSettings/d", null],
            ["P.X/a/p/providers/M.Locks/locks/old", null],
            ["P.X/a/p/providers/M.Insights/diagnosticSettings/r", null],
        ]),
    );
    let expansion = expand(r#""resources": [{"type": "P.X/a/providers/locks", "name": "p/M.Locks/old"}]"#);
    assert_eq!(&*expansion.resources[0].resource_type, "M.Locks/locks");
}

#[test]
fn symbolic_names_existing_and_references() {
    let body = r#""languageVersion": "2.0", "resources": {
        "vault": {"existing": true, "type": "P.X/vaults", "name": "kv"},
        "acc": {"type": "P.X/accounts", "name": "acc", "location": "eu", "properties": {"sku": {"tier": "S"}, "uri": "[reference('vault').vaultUri]"}},
        "use": {"type": "P.X/users", "name": "u", "dependsOn": ["acc"], "properties": {
            "tier": "[reference('acc').sku.tier]", "loc": "[reference('acc', '2020-01-01', 'full').location]",
            "id": "[resourceId('P.X/accounts', 'acc')]", "runtime": "[reference('acc').endpoint]"}}}"#;
    let expansion = expand(body);
    assert_eq!(expansion.resources[0].existence, Existence::Referenced);
    let user = &expansion.resources[2];
    let text = |path: &str| user.at_path(path).unwrap().text_or_symbol().unwrap().to_owned();
    let account = "/subscriptions/S/resourceGroups/rg/providers/P.X/accounts/acc";
    assert_eq!((text("properties.tier"), text("properties.loc")), ("S".to_owned(), "eu".to_owned()));
    assert_eq!(text("properties.id"), account);
    assert_eq!(text("properties.runtime"), format!("{{reference('{account}').properties.endpoint}}"));
    assert_eq!(expansion.dependencies[0].1.as_str(), account);
}

#[test]
fn nested_deployments_inner_and_outer() {
    let nested = |scope: &str| {
        format!(
            r#""variables": {{"where": "outer"}}, "resources": [
                {{"type": "Microsoft.Resources/deployments", "name": "n", "properties": {{"mode": "Incremental",
                  "expressionEvaluationOptions": {{"scope": "{scope}"}}, "parameters": {{"p": {{"value": "[variables('where')]"}}}},
                  "template": {{"parameters": {{"p": {{"type": "string", "defaultValue": "none"}}}}, "variables": {{"where": "inner"}},
                    "resources": [{{"type": "P.X/a", "name": "[variables('where')]"}}],
                    "outputs": {{"o": {{"type": "string", "value": "[concat(variables('where'), '!')]"}}}}}}}}}},
                {{"type": "P.X/b", "name": "[reference('n').outputs.o.value]"}}]"#
        )
    };
    // The head of a resource is worked out before any output, so its name stays unknown; its body is not.
    let expansion = expand(&nested("inner").replace(
        "\"name\": \"[reference('n').outputs.o.value]\"",
        "\"name\": \"b\", \"properties\": {\"o\": \"[reference('n').outputs.o.value]\"}",
    ));
    assert_eq!(expansion.resources[0].name(), "inner");
    assert_eq!(expansion.resources[1].at_path("properties.o").unwrap().as_str(), Some("inner!"));
    assert_eq!(expand(&nested("outer")).resources[0].name(), "outer");
}

#[test]
fn nested_deployments_move_and_pass_conditions_on() {
    let expansion = expand(
        r#""parameters": {"c": {"type": "bool"}}, "resources": [{"type": "Microsoft.Resources/deployments", "name": "n", "condition": "[parameters('c')]",
            "subscriptionId": "S2", "resourceGroup": "other", "properties": {"mode": "Incremental", "template": {"resources": [{"type": "P.X/a", "name": "a"}]}}},
            {"type": "Microsoft.Resources/deployments", "name": "l", "properties": {"templateLink": {"uri": "https://x"}}}]"#,
    );
    assert_eq!(
        expansion.resources[0].id.as_str(),
        "/subscriptions/S2/resourceGroups/other/providers/P.X/a/a"
    );
    assert!(matches!(expansion.resources[0].existence, Existence::Conditional(_)));
    assert!(expansion.diagnostics.iter().any(|diagnostic| diagnostic.message.contains("not followed")));
}

#[test]
fn user_defined_functions_and_scopes() {
    check(
        r#""functions": [{"namespace": "my", "members": {"name": {"parameters": [{"name": "p", "type": "string"}],
             "output": {"type": "string", "value": "[concat('f-', parameters('p'))]"}}}}],
           "resources": [{"type": "P.X/a", "name": "[my.name('a')]", "properties": {
             "sub": "[subscription().subscriptionId]", "rg": "[resourceGroup().location]", "ext": "[extensionResourceId('/s', 'M.L/locks', 'l')]",
             "subId": "[subscriptionResourceId('M.A/roles', 'r')]", "tenantId": "[tenantResourceId('M.A/b', 'c')]", "suffix": "[environment().suffixes.storage]",
             "other": "[resourceId('g2', 'P.X/a/b', 'x', 'y')]", "now": "[utcNow('yyyy')]"}}]"#,
        json!([["P.X/a/f-a", {
            "sub": "S", "rg": "swedencentral", "ext": "/s/providers/M.L/locks/l", "subId": "/subscriptions/S/providers/M.A/roles/r",
            "tenantId": "/providers/M.A/b/c", "suffix": "core.windows.net",
            "other": "/subscriptions/S/resourceGroups/g2/providers/P.X/a/x/b/y", "now": "2026"
        }]]),
    );
}

#[test]
fn what_is_not_known_is_unresolved_and_keeps_its_expression() {
    let text = r#"{"$schema": "x/deploymentTemplate.json#", "parameters": {"name": {"type": "string"}, "key": {"type": "securestring", "defaultValue": "hunter2"}},
        "resources": [{"type": "P.X/a", "name": "[format('{0}-pe', parameters('name'))]", "properties": {
            "k": "[listKeys('x', '1').keys[0].value]", "s": "[parameters('key')]", "id": "[resourceId('P.X/b', parameters('name'))]"}}]}"#;
    let expansion = expand_template(&document(text), None, &DeploymentContext::default());
    let resource = &expansion.resources[0];
    let group = "/subscriptions/{subscription().subscriptionId}/resourceGroups/{resourceGroup().name}";
    assert_eq!(resource.id.as_str(), format!("{group}/providers/P.X/a/{{parameters('name')}}-pe"));
    let reason = |path: &str| resource.at_path(path).unwrap().as_unresolved().unwrap().reason;
    assert_eq!(reason("properties.k"), UnresolvedReason::Runtime);
    assert_eq!(reason("properties.s"), UnresolvedReason::Sensitive);
    assert_eq!(
        resource.at_path("properties.id").unwrap().text_or_symbol().unwrap(),
        format!("{group}/providers/P.X/b/{{parameters('name')}}")
    );
    assert!(!resource.body.to_json().to_string().contains("hunter2"));
}

#[test]
fn parameters_files_are_applied_and_checked() {
    let template = document(
        r#"{"$schema": "x/deploymentTemplate.json#", "parameters": {"a": {"type": "string", "allowedValues": ["x", "y"]}, "v": {"type": "string"}},
            "resources": [{"type": "P.X/a", "name": "[parameters('a')]", "properties": {"v": "[parameters('v')]"}}]}"#,
    );
    let parameters = document(
        r#"{"parameters": {"a": {"value": "z"}, "v": {"reference": {"keyVault": {"id": "k"}, "secretName": "s"}}, "typo": {"value": 1}}}"#,
    );
    let expansion = expand_template(&template, Some(&parameters), &context());
    assert_eq!(expansion.resources[0].name(), "z");
    let messages: Vec<&str> =
        expansion.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert!(messages.iter().any(|message| message.contains("no parameter `typo`")), "{messages:?}");
    assert!(messages.iter().any(|message| message.contains("allowedValues")), "{messages:?}");
}
