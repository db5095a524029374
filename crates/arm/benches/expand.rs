//! Expansion of a large template: 1.5 MB, 77 nested deployments with inner scope, symbolic names, parameters that lead
//! through outputs of other deployments. The generator is seeded by position alone, so every run has the same input.

use std::fmt::Write as _;

use castellan_arm::{DeploymentContext, expand_template};
use castellan_base::{Limits, Node, Sources, json};

fn main() {
    divan::main();
}

const DEPLOYMENTS: usize = 77;
const RESOURCES: usize = 14;

/// One module as compiled Bicep writes it: typed parameters with descriptions, variables, resources, outputs.
fn module(index: usize) -> String {
    let mut resources = String::new();
    for resource in 0..RESOURCES {
        let _ = write!(
            resources,
            r#""r{resource}": {{"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2025-01-01",
               "name": "[format('{{0}}{resource}', variables('base'))]", "location": "[parameters('location')]",
               "condition": "[or(parameters('enabled'), equals({resource}, 0))]",
               "tags": "[union(parameters('tags'), createObject('module', '{index}', 'part', '{resource}'))]",
               "properties": {{"publicNetworkAccess": "[if(empty(parameters('endpoints')), 'Enabled', 'Disabled')]",
                 "minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": false,
                 "networkAcls": {{"defaultAction": "[coalesce(tryGet(parameters('rules'), 'defaultAction'), 'Deny')]",
                   "copy": [{{"name": "ipRules", "count": "[length(parameters('addresses'))]",
                     "input": {{"value": "[parameters('addresses')[copyIndex('ipRules')]]", "action": "Allow"}}}}]}},
                 "description": "{}"}}}},"#,
            "the description of a property as the module's author wrote it; ".repeat(8)
        );
    }
    let resources = resources.trim_end_matches(',');
    format!(
        r#"{{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "languageVersion": "2.0", "contentVersion": "1.0.0.0",
        "parameters": {{"name": {{"type": "string"}}, "location": {{"type": "string", "defaultValue": "[resourceGroup().location]"}},
          "enabled": {{"type": "bool", "defaultValue": true}}, "tags": {{"type": "object", "defaultValue": {{}}}},
          "endpoints": {{"type": "array", "defaultValue": []}}, "rules": {{"type": "object", "nullable": true}},
          "addresses": {{"type": "array", "defaultValue": ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"]}}}},
        "variables": {{"base": "[toLower(replace(parameters('name'), '-', ''))]",
          "upper": "[map(parameters('addresses'), lambda('a', toUpper(lambdaVariables('a'))))]"}},
        "resources": {{{resources}}},
        "outputs": {{"name": {{"type": "string", "value": "[variables('base')]"}},
          "id": {{"type": "string", "value": "[resourceId('Microsoft.Storage/storageAccounts', variables('base'))]"}}}}}}"#
    )
}

fn template() -> String {
    let mut resources = String::new();
    for index in 0..DEPLOYMENTS {
        let name = match index {
            0 => "first".to_owned(),
            _ => format!("[format('{{0}}-m{index}', reference('d{}').outputs.name.value)]", index / 2),
        };
        let _ = write!(
            resources,
            r#""d{index}": {{"type": "Microsoft.Resources/deployments", "apiVersion": "2025-04-01", "name": "d{index}",
               "properties": {{"mode": "Incremental", "expressionEvaluationOptions": {{"scope": "inner"}},
               "parameters": {{"name": {{"value": "{name}"}}, "tags": {{"value": "[variables('tags')]"}}}}, "template": {}}}}},"#,
            module(index)
        );
    }
    format!(
        r#"{{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "languageVersion": "2.0", "contentVersion": "1.0.0.0", "variables": {{"tags": {{"team": "ai"}}}},
        "resources": {{{}}}}}"#,
        resources.trim_end_matches(',')
    )
}

fn parse(text: &str) -> Node {
    let mut sources = Sources::default();
    let source = sources.add("bench.json", text);
    json::parse(text, source, &Limits::default()).unwrap_or(Node::NULL)
}

#[divan::bench]
fn parse_1_5_mb(bencher: divan::Bencher<'_, '_>) {
    let text = template();
    bencher.counter(divan::counter::BytesCount::new(text.len())).bench(|| parse(&text));
}

#[divan::bench]
fn expand_77_deployments(bencher: divan::Bencher<'_, '_>) {
    let text = template();
    let template = parse(&text);
    let context = DeploymentContext::default();
    let expected = DEPLOYMENTS * RESOURCES;
    assert_eq!(expand_template(&template, None, &context).resources.len(), expected);
    assert!((1_400_000..1_700_000).contains(&text.len()), "{} bytes", text.len());
    bencher.bench(|| expand_template(&template, None, &context).resources.len());
}

#[divan::bench]
fn read_and_expand(bencher: divan::Bencher<'_, '_>) {
    let text = template();
    let context = DeploymentContext::default();
    bencher.bench(|| expand_template(&parse(&text), None, &context).resources.len());
}
