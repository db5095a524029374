//! A small estate and a small content, so that tests hang on neither the built-in checks nor the examples.

use std::path::PathBuf;

use castellan_base::System;
use castellan_estate::{Estate, ScanOptions, Silent};
use castellan_posture::{AssessOptions, Assessment, Content, Format, Report, assess, report};
use castellan_testkit::MemorySystem;

pub(crate) const KEY_ACCESS: &str = "
id: key-access
version: 1
title: AI services refuse keys
severity: medium
category: identity
control: manage-access
risk: A key is a password that nobody owns.
remediation: Switch key access off.
frameworks: ['test-frame:1:A-1']
attack_surface: [credential]
policy:
  mode: Indexed
  policyRule:
    if:
      allOf:
        - { field: type, equals: Microsoft.CognitiveServices/accounts }
        - { field: Microsoft.CognitiveServices/accounts/disableLocalAuth, notEquals: true }
    then: { effect: audit }
fix:
  set: [{ path: properties.disableLocalAuth, value: true }]
  terraform: { resource: azurerm_cognitive_account, attribute: local_auth_enabled, value: false }
examples: []
";

pub(crate) const PUBLIC_NETWORK: &str = "
id: public-network
version: 1
title: AI services are not open to the internet
severity: high
category: network
control: network-access
risk: Whoever has a key can use it from anywhere.
remediation: Deny by default.
frameworks: ['test-frame:1:A-2', 'test-frame:1:A-1']
attack_surface: [internet-exposure]
policy:
  mode: Indexed
  policyRule:
    if:
      allOf:
        - { field: type, equals: Microsoft.CognitiveServices/accounts }
        - { field: Microsoft.CognitiveServices/accounts/networkAcls.defaultAction, notEquals: Deny }
    then: { effect: audit }
fix:
  set: [{ path: properties.networkAcls.defaultAction, value: Deny }]
examples: []
";

const FRAME: &str = "
id: test-frame
edition: '1'
title: A frame
publisher: Nobody
url: https://example.org
controls:
  - { id: A-1, title: Keys, summary: No keys. }
  - { id: A-2, title: Network, summary: No open network. }
  - { id: A-3, title: Culture, summary: Nothing can check this. }
";

const SCORE: &str = "
controls:
  - { id: manage-access, title: Access, max: 4 }
  - { id: network-access, title: Network, max: 4 }
  - { id: best-practices, title: Best practices, max: 0 }
";

pub(crate) const TEMPLATE: &str = r#"{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "open": { "type": "string", "defaultValue": "Allow" },
    "keys": { "type": "bool" }
  },
  "resources": [
    {
      "type": "Microsoft.CognitiveServices/accounts",
      "apiVersion": "2025-06-01",
      "name": "bad",
      "location": "westeurope",
      "kind": "AIServices",
      "properties": {
        "disableLocalAuth": false,
        "networkAcls": { "defaultAction": "[parameters('open')]" }
      }
    },
    {
      "type": "Microsoft.CognitiveServices/accounts",
      "apiVersion": "2025-06-01",
      "name": "bare",
      "location": "westeurope",
      "kind": "AIServices",
      "properties": {}
    },
    {
      "type": "Microsoft.CognitiveServices/accounts",
      "apiVersion": "2025-06-01",
      "name": "unclear",
      "location": "westeurope",
      "kind": "AIServices",
      "properties": {
        "disableLocalAuth": "[parameters('keys')]",
        "networkAcls": { "defaultAction": "Deny" }
      }
    },
    {
      "type": "Microsoft.CognitiveServices/accounts",
      "apiVersion": "2025-06-01",
      "name": "good",
      "location": "westeurope",
      "kind": "AIServices",
      "properties": { "disableLocalAuth": true, "networkAcls": { "defaultAction": "Deny" } }
    }
  ]
}
"#;

pub(crate) fn content() -> Content {
    let system = MemorySystem::default()
        .with_file("content/policies/key-access.yaml", KEY_ACCESS)
        .with_file("content/policies/public-network.yaml", PUBLIC_NETWORK)
        .with_file("content/frameworks/test-frame-1.yaml", FRAME)
        .with_file("content/score.yaml", SCORE);
    let mut content = Content::default();
    content.load_dir(&system, "content".as_ref());
    assert!(content.diagnostics.is_empty(), "{:?}", content.diagnostics);
    content
}

pub(crate) fn read(system: &dyn System, paths: &[&str]) -> Estate {
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    castellan_estate::read(system, &paths, &ScanOptions::default(), &Silent)
}

pub(crate) fn template_estate(text: &str) -> Estate {
    read(&MemorySystem::default().with_file("infra/main.json", text), &["infra"])
}

pub(crate) fn options() -> AssessOptions {
    AssessOptions::at("2026-11-21".parse().unwrap())
}

pub(crate) fn assess_template(text: &str) -> (Estate, Assessment) {
    let estate = template_estate(text);
    let assessment = assess(&estate, &content(), None, &options());
    (estate, assessment)
}

/// `check resource verdict` of every finding, in order.
pub(crate) fn verdicts(assessment: &Assessment) -> Vec<String> {
    let line = |found: &castellan_posture::AssessedFinding| {
        format!("{} {} {}", found.finding.check, found.finding.resource.name(), found.finding.verdict)
    };
    assessment.findings.iter().map(line).collect()
}

pub(crate) fn render(format: Format, assessment: &Assessment, estate: &Estate) -> String {
    let mut bytes = Vec::new();
    report::write(format, &Report::new(assessment, estate), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}
