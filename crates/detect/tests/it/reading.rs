//! Rules of all forms, and what is said about them.

use castellan_base::{Level, OsSystem, Sources};
use castellan_detect::rule::read::{Loaded, read, read_folder};
use castellan_detect::rule::{Grouping, Kind, Operator, Severity, Tactic, duration};
use proptest::prelude::*;

fn told(loaded: &Loaded) -> Vec<&str> {
    loaded.diagnostics.iter().map(|found| found.message.as_str()).collect()
}

fn of(name: &str, text: &str) -> Loaded {
    read(name, text, &mut Sources::default())
}

#[test]
fn a_rule_in_yaml() {
    let text = r#"
id: 1b7e3c1c-0000-4000-8000-000000000001
name: Sign-ins from a new country
description: |
  'Somebody signs in from where nobody did.'
kind: Scheduled
severity: High
requiredDataConnectors:
  - connectorId: AzureActiveDirectory
    datatypes: [SigninLogs]
queryFrequency: 5m
queryPeriod: P1D
triggerOperator: GreaterThan
triggerThreshold: 3
tactics: [InitialAccess, CommandandControl]
relevantTechniques: [T1078]
query: |
  SigninLogs
entityMappings:
  - entityType: Account
    fieldMappings:
      - identifier: FullName
        columnName: UserPrincipalName
customDetails:
  Country: Location
alertDetailsOverride:
  alertDisplayNameFormat: New country {{Location}}
  alertTacticsColumnName: null
eventGroupingSettings:
  aggregationKind: AlertPerResult
incidentConfiguration:
  createIncident: true
  groupingConfiguration: { enabled: true, lookbackDuration: 3d, matchingMethod: Selected, groupByEntities: [Account] }
suppressionEnabled: true
suppressionDuration: PT2H
colour: red
version: 1.0
"#;
    let loaded = of("a.yaml", text);
    assert_eq!(
        told(&loaded),
        [
            "`colour` is no known member of a rule",
            "`CommandandControl` is taken for the tactic `CommandAndControl`",
            "`datatypes` is taken for `dataTypes`",
        ]
    );
    let rule = &loaded.rules[0];
    assert_eq!(
        (rule.kind, rule.severity, rule.grouping),
        (Kind::Scheduled, Severity::High, Grouping::AlertPerResult)
    );
    assert_eq!((rule.frequency, rule.period), (5 * duration::MINUTE, 24 * 60 * duration::MINUTE));
    assert_eq!((rule.trigger.operator, rule.trigger.threshold), (Operator::GreaterThan, 3));
    assert_eq!(rule.tactics, [Tactic::InitialAccess, Tactic::CommandAndControl]);
    assert_eq!(&*rule.description, "Somebody signs in from where nobody did.");
    assert_eq!(&*rule.version, "1.0");
    assert_eq!(rule.suppression, Some(120 * duration::MINUTE));
    assert_eq!(rule.incident.lookback, 3 * 24 * 60 * duration::MINUTE);
    assert_eq!(&*rule.connectors[0].tables[0], "SigninLogs");
    assert_eq!(&*rule.entities[0].fields[0].column.text, "UserPrincipalName");
    assert!(rule.overrides.tactics.is_none() && rule.overrides.name.is_some());
}

const PROPERTIES: &str = r#"{ "displayName": "[parameters('title')]", "severity": "Low", "enabled": false,
    "query": "SigninLogs | where ['a b'] == 1", "queryFrequency": "PT1H", "queryPeriod": "PT2H",
    "triggerOperator": "GreaterThan", "triggerThreshold": 0, "tactics": ["Impact"], "techniques": ["T1485"],
    "suppressionDuration": "PT5H", "suppressionEnabled": false }"#;

#[test]
fn a_rule_in_a_template() {
    let resource = format!(
        r#"{{ "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
            "name": "[concat(parameters('workspace'),'/Microsoft.SecurityInsights/5db427b2-f406-4274-b413-e9fcb29412f8')]",
            "kind": "Scheduled", "properties": {PROPERTIES} }}"#
    );
    let parameters =
        r#""parameters": { "workspace": { "type": "string" }, "title": { "defaultValue": "Wiped" } }"#;
    let content = format!(
        r#"{{ {parameters}, "resources": [ {{ "type": "Microsoft.OperationalInsights/workspaces/providers/contentTemplates",
            "properties": {{ "mainTemplate": {{ {parameters}, "resources": [ {resource} ] }} }} }} ] }}"#
    );
    for text in [format!("{{ {parameters}, \"resources\": [ {resource} ] }}"), content] {
        let loaded = of("a.json", &text);
        assert_eq!(told(&loaded), [""; 0]);
        let rule = &loaded.rules[0];
        assert_eq!((&*rule.id, &*rule.name), ("5db427b2-f406-4274-b413-e9fcb29412f8", "Wiped"));
        assert_eq!((rule.enabled, rule.suppression), (false, None));
        assert_eq!(rule.period, 120 * duration::MINUTE);
        assert_eq!(&*rule.techniques[0].text, "T1485");
    }
}

#[test]
fn a_list_of_the_api() {
    let text = r#"{ "value": [ { "id": "/subscriptions/x/alertRules/mine", "name": "mine", "kind": "NRT",
        "properties": { "displayName": "n", "severity": "Low", "query": "A" } },
        { "name": "f", "kind": "Fusion", "properties": { "enabled": true } } ] }"#;
    let text = text
        .replace("\"name\": \"f\"", "\"name\": \"f\", \"type\": \"Microsoft.SecurityInsights/alertRules\"");
    let loaded = of("a.json", &text);
    assert_eq!(told(&loaded), ["a rule of the kind `Fusion` has no query of its own"]);
    assert_eq!(
        (loaded.rules.len(), loaded.rules[0].kind, &*loaded.rules[0].id),
        (1, Kind::NearRealTime, "mine")
    );
}

#[test]
fn what_cannot_be_used_is_told() {
    for (text, message) in [
        ("name: x", "the rule has no query"),
        ("name: x\nquery: [a]", "`query` has to be a text, not array"),
        ("[]", "there is no analytics rule among the resources"),
        ("resources: []", "there is no analytics rule among the resources"),
        ("", "the file holds no analytics rule"),
        ("a: [", "while parsing a flow node, expected a node content"),
    ] {
        let loaded = of("a.yaml", text);
        assert!(loaded.rules.is_empty());
        let errors: Vec<&str> = told(&loaded);
        assert!(
            errors.iter().any(|found| found.contains(message) || message.contains("flow")),
            "{text}: {errors:?}"
        );
    }
}

#[test]
fn a_fixture_that_cannot_run_is_an_error() {
    let rule = "name: x\nquery: A\nseverity: Low\nkind: NRT\nfixtures:\n";
    let text = format!(
        "{rule}  - {{ name: a, tables: {{ A: [ {{ x: 1 }} ] }}, alerts: [ {{ severity: High }} ] }}\n"
    );
    let loaded = of("a.yaml", &text);
    assert_eq!((loaded.rules[0].fixtures[0].count, told(&loaded).len()), (1, 0));
    for wrong in
        ["{ name: a }", "{ alerts: x }", "{ alerts: [ { severity: Bad } ] }", "{ now: x, alerts: 0 }"]
    {
        let loaded = of("a.yaml", &format!("{rule}  - {wrong}\n"));
        assert!(loaded.rules[0].fixtures.is_empty());
        assert!(loaded.diagnostics.iter().any(|found| found.level == Level::Error), "{wrong}");
    }
}

#[test]
fn every_rule_of_the_corpus_is_read() {
    let Some(folder) = crate::corpus("sentinel/rules") else { return };
    let mut sources = Sources::default();
    let loaded = read_folder(&folder, &OsSystem, &mut sources);
    let errors: Vec<String> = loaded
        .diagnostics
        .iter()
        .filter(|found| found.level == Level::Error)
        .map(|found| {
            format!("{:?} {}", sources.locate(found.span).map(|place| place.to_string()), found.message)
        })
        .collect();
    if std::env::var("CASTELLAN_SHOW").is_ok() {
        for found in &loaded.diagnostics {
            eprintln!("{:?} {}", sources.locate(found.span).map(|place| place.to_string()), found.message);
        }
    }
    eprintln!("{} rules, {} warnings", loaded.rules.len(), loaded.diagnostics.len() - errors.len());
    // Six files say where their rule went, and have no query.
    assert_eq!((loaded.rules.len(), errors.len()), (738, 6), "{errors:#?}");
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "(query|id|kind|tactics|fixtures|properties|resources|[:\\[\\]{}\n|,\" a-])*") {
        let _ = of("a.yaml", &text);
        let _ = of("a.json", &text);
    }
}
