//! Automation rules over incidents.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use castellan_base::OsSystem;
use castellan_detect::incident::Incidents;
use castellan_detect::incident::correlate::Correlation;
use castellan_detect::rule::read::read;
use castellan_detect::run::{Memory, once};
use castellan_respond::actions::{Catalogue, Hosts, HttpOptions};
use castellan_respond::{Library, Origin};
use serde_json::json;

use super::runs::Runs;
use super::*;

const RULE: &str = r#"
id: 1b7e3c1c-0000-4000-8000-000000000001
name: Jailbreak
kind: Scheduled
severity: Medium
queryFrequency: 1h
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
query: Prompts | summarize Attempts = count() by User
entityMappings: [ { entityType: Account, fieldMappings: [ { identifier: FullName, columnName: User } ] } ]
customDetails: { Attempts: Attempts }
"#;

fn rules() -> String {
    json!([
        {
            "name": "raise",
            "properties": {
                "displayName": "Raise", "order": 1,
                "triggeringLogic": {
                    "isEnabled": true, "triggersOn": "Incidents", "triggersWhen": "Created",
                    "conditions": [{ "conditionType": "Property", "conditionProperties":
                        { "propertyName": "AccountName", "operator": "Equals", "propertyValues": ["ann"] } }]
                },
                "actions": [
                    { "order": 1, "actionType": "ModifyProperties", "actionConfiguration": { "severity": "High", "labels": [{ "labelName": "ai" }] } },
                    { "order": 2, "actionType": "AddIncidentTask", "actionConfiguration": { "title": "Look at the prompts" } },
                    { "order": 3, "actionType": "RunPlaybook", "actionConfiguration": { "logicAppResourceId": "Ask somebody" } }
                ]
            }
        }
    ])
    .to_string()
}

/// The incident that prompts of a user make.
async fn incident(user: &str) -> Incident {
    let rule = read("rule.yaml", RULE, &mut Sources::default()).rules.remove(0);
    let mut events = Memory::default();
    let row = json!({ "TimeGenerated": "2026-11-21T09:50:00Z", "User": user });
    events.add_json("Prompts", Vec::new(), &vec![row.as_object().unwrap().clone(); 3]).unwrap();
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let (_, alerts) = once(&rule, &events, now).await.unwrap();
    let mut incidents = Incidents::default();
    incidents.take(&rule, &alerts[0], Correlation::built_in(), now);
    incidents.get(1).unwrap().clone()
}

fn automation() -> Automation {
    let (mut automation, mut told) = (Automation::default(), Vec::new());
    automation.read("rules.json", &rules(), &mut Sources::default(), &mut told);
    assert!(told.is_empty(), "{told:?}");
    automation
}

#[tokio::test]
async fn rules_change_incidents_that_fit() {
    let now = "2026-11-21T10:00:01Z".parse().unwrap();
    let ann = incident("ann@contoso.com").await;
    let answer = automation().answer(None, &ann, now);
    let orders: Vec<&Order> = answer.commands.iter().map(|command| &command.order).collect();
    assert!(
        matches!(orders.as_slice(), [Order::Update(_), Order::Tag { .. }, Order::AddTask { .. }]),
        "{orders:?}"
    );
    assert_eq!(answer.wanted.len(), 1);
    let bob = incident("bob@contoso.com").await;
    let answer = automation().answer(None, &bob, now);
    assert!(answer.commands.is_empty() && answer.wanted.is_empty());
}

#[tokio::test]
async fn what_is_so_already_is_not_asked_for_again() {
    let now = "2026-11-21T10:00:01Z".parse().unwrap();
    let mut ann = incident("ann@contoso.com").await;
    ann.severity = Severity::High;
    let orders: Vec<Order> =
        automation().answer(None, &ann, now).commands.into_iter().map(|command| command.order).collect();
    assert!(!orders.iter().any(|order| matches!(order, Order::Update(_))), "{orders:?}");
}

#[tokio::test]
async fn a_playbook_is_started_once_and_told() {
    const ASK: &str = r#"
type: playbook
spec_version: cacao-2.0
id: playbook--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4cff
name: Ask somebody
created_by: identity--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c00
created: "2026-11-21T00:00:00.000Z"
modified: "2026-11-21T00:00:00.000Z"
playbook_variables:
  __subject__: { type: string, external: true }
  __attempts__: { type: integer, external: true }
workflow_start: start--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c11
workflow:
  start--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c11:
    type: start
    on_completion: action--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c12
  action--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c12:
    type: action
    commands: [{ type: manual, command: "Ask __subject__:value about __attempts__:value prompts." }]
    agent: individual--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c14
    on_completion: end--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c13
  end--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c13: { type: end }
agent_definitions:
  individual--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c14: { type: individual, name: Analyst }
"#;
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::default();
    library.add("ask.yaml", ASK, Origin::BuiltIn);
    let catalogue =
        Catalogue::new(Hosts::default(), std::collections::BTreeMap::new(), HttpOptions::default());
    let runs = Runs::begin(library, catalogue, folder.path(), Arc::new(OsSystem)).unwrap();
    let ann = incident("ann@contoso.com").await;
    let now = "2026-11-21T10:00:01Z".parse().unwrap();
    for _ in 0..2 {
        // The same happening, told twice.
        automation().answer(None, &ann, now).wanted.into_iter().for_each(|wanted| runs.start(wanted));
    }
    let (begun, mut told) = (Instant::now(), Vec::new());
    while told.len() < 2 && begun.elapsed() < Duration::from_secs(20) {
        told.extend(runs.told());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let texts: BTreeSet<String> = told
        .iter()
        .map(|command| match &command.order {
            Order::Comment { text } => text.clone(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(texts.len(), 1, "one run: {texts:?}");
    assert!(texts.iter().all(|text| text.contains("waits for people")), "{texts:?}");
    drop(runs);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn rules_answer_an_incident_once_and_not_what_they_did_themselves() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("analytics")).unwrap();
    let now: Ticks = "2026-11-21T10:00:01Z".parse().unwrap();
    let desk = Arc::new(castellan_incident::Desk::open(folder.path(), None, now).unwrap());
    let catalogue =
        || Catalogue::new(Hosts::default(), std::collections::BTreeMap::new(), HttpOptions::default());
    let runs = || {
        Runs::begin(Library::default(), catalogue(), &folder.path().join("runs"), Arc::new(OsSystem)).unwrap()
    };
    let mut responder = Responder::of(automation(), runs(), folder.path(), Arc::clone(&desk)).unwrap();
    let rule = read("rule.yaml", RULE, &mut Sources::default()).rules.remove(0);
    let mut events = Memory::default();
    let row = json!({ "TimeGenerated": "2026-11-21T09:50:00Z", "User": "ann@contoso.com" });
    events.add_json("Prompts", Vec::new(), &vec![row.as_object().unwrap().clone()]).unwrap();
    let (_, alerts) = once(&rule, &events, now).await.unwrap();
    desk.take(&rule, &alerts, None, now).unwrap();
    responder.turn(now);
    let answered = desk.incident(1).unwrap();
    assert_eq!((answered.severity, answered.tasks.len()), (Severity::High, 1));
    responder.turn(now);
    let again = desk.incident(1).unwrap();
    assert_eq!(
        (again.severity, again.tasks.len(), again.labels.len()),
        (Severity::High, 1, 1),
        "its own changes are no news"
    );
    // The playbook is not there, and the incident says so.
    let begun = Instant::now();
    while desk.incident(1).unwrap().comments.is_empty() && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        responder.turn(now);
    }
    assert!(desk.incident(1).unwrap().comments[0].text.contains("was not started"));
    drop(responder);
    let version = desk.incident(1).unwrap().version;
    let mut again = Responder::of(automation(), runs(), folder.path(), Arc::clone(&desk)).unwrap();
    again.turn(now);
    assert_eq!(desk.incident(1).unwrap().version, version, "what was answered stays answered after a start");
}
