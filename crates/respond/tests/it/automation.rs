//! Automation rules as Sentinel exports them.

use castellan_base::{Limits, Sources, json};
use castellan_respond::automation::{Effect, Evaluation, Happening, Rule, Subject, Trigger, evaluate};
use serde_json::{Value, json};

use crate::support::Outcome;

fn rule(
    id: &str,
    order: u64,
    trigger: (&str, &str),
    conditions: Value,
    actions: Value,
) -> Result<Rule, String> {
    let document = json!({"name": id, "properties": {
        "displayName": id, "order": order,
        "triggeringLogic": {"isEnabled": true, "triggersOn": trigger.0, "triggersWhen": trigger.1, "conditions": conditions},
        "actions": actions,
    }});
    let text = document.to_string();
    let mut sources = Sources::default();
    let source = sources.add(id, text.as_str());
    let node = json::parse(&text, source, &Limits::default()).map_err(|error| error.message)?;
    let (rule, diagnostics) = Rule::read(&node);
    rule.ok_or_else(|| {
        diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect::<Vec<_>>().join("; ")
    })
}

fn property(name: &str, operator: &str, values: &[&str]) -> Value {
    json!({"conditionType": "Property", "conditionProperties":
        {"propertyName": name, "operator": operator, "propertyValues": values}})
}

fn changed(name: &str, how: &str, values: &[&str]) -> Value {
    json!({"conditionType": "PropertyChanged", "conditionProperties":
        {"propertyName": name, "changeType": how, "operator": "Equals", "propertyValues": values}})
}

const CREATED: (&str, &str) = ("Incidents", "Created");
const UPDATED: (&str, &str) = ("Incidents", "Updated");

fn modify(with: Value) -> Value {
    json!([{"order": 1, "actionType": "ModifyProperties", "actionConfiguration": with}])
}

fn judge(
    rules: &[Rule],
    trigger: Trigger,
    subject: Subject,
    before: Option<Subject>,
) -> Result<Evaluation, Box<dyn std::error::Error>> {
    let added = vec!["Alerts".to_owned()];
    let happening = Happening { trigger, subject, before, added };
    Ok(evaluate(rules, &happening, "2026-11-21T00:00:00Z".parse()?))
}

fn incident() -> Subject {
    Subject::default()
        .with("IncidentTitle", ["Jailbreak of berth-desk"])
        .with("IncidentSeverity", ["High"])
        .with("IPAddress", ["10.0.0.1", "203.0.113.9"])
        .with("IncidentLabel", ["ai", "triage"])
        .with_detail("Model", ["gpt-4.1"])
}

/// Whether one condition holds for the incident.
fn holds(condition: Value) -> Result<bool, Box<dyn std::error::Error>> {
    let rule = rule("r", 1, CREATED, json!([condition]), json!([]))?;
    let evaluation = judge(&[rule], Trigger::IncidentCreated, incident(), None)?;
    Ok(evaluation.rules.iter().all(|judged| judged.applies))
}

#[test]
fn operators_and_their_negations() -> Outcome {
    let cases = [
        (property("IncidentTitle", "Contains", &["JAILBREAK"]), true),
        (property("IncidentTitle", "NotContains", &["jailbreak", "x"]), false),
        (property("IncidentTitle", "StartsWith", &["berth", "jail"]), true),
        (property("IncidentTitle", "NotEndsWith", &["desk"]), false),
        (property("IPAddress", "Equals", &["203.0.113.9"]), true),
        (property("IPAddress", "NotEquals", &["203.0.113.9"]), false),
        (property("IPAddress", "NotEquals", &["192.0.2.1"]), true),
        (property("HostName", "Equals", &["h"]), false),
        (property("HostName", "NotEquals", &["h"]), true),
        (
            json!({"conditionType": "Boolean", "conditionProperties": {"operator": "Or", "innerConditions": [
            property("HostName", "Equals", &["h"]), property("IncidentSeverity", "Equals", &["High"])]}}),
            true,
        ),
        (
            json!({"conditionType": "PropertyArray", "conditionProperties": {"arrayType": "Labels",
            "arrayConditionType": "AllItems", "itemConditions": [property("IncidentLabel", "Equals", &["ai"])]}}),
            false,
        ),
        (
            json!({"conditionType": "PropertyArray", "conditionProperties": {"arrayType": "Labels",
            "arrayConditionType": "AnyItem", "itemConditions": [property("IncidentLabel", "Equals", &["ai"])]}}),
            true,
        ),
        (
            json!({"conditionType": "PropertyArray", "conditionProperties": {"arrayType": "CustomDetails",
            "key": "model", "operator": "StartsWith", "propertyValues": ["gpt"]}}),
            true,
        ),
    ];
    for (condition, expected) in cases {
        assert_eq!(holds(condition.clone())?, expected, "{condition}");
    }
    Ok(())
}

#[test]
fn changes_compare_with_what_was() -> Outcome {
    let before = incident().with("IncidentSeverity", ["Low"]);
    let cases = [
        (changed("IncidentSeverity", "ChangedTo", &["High"]), true),
        (changed("IncidentSeverity", "ChangedFrom", &["Low"]), true),
        (changed("IncidentSeverity", "ChangedFrom", &["High"]), false),
        (changed("IncidentTitle", "ChangedTo", &["Jailbreak of berth-desk"]), false),
        (
            json!({"conditionType": "PropertyChanged", "conditionProperties": {"propertyName": "IncidentSeverity"}}),
            true,
        ),
        (
            json!({"conditionType": "PropertyArrayChanged", "conditionProperties": {"arrayType": "Alerts", "changeType": "Added"}}),
            true,
        ),
        (
            json!({"conditionType": "PropertyArrayChanged", "conditionProperties": {"arrayType": "Labels", "changeType": "Added"}}),
            false,
        ),
    ];
    for (condition, expected) in cases {
        let rule = rule("r", 1, UPDATED, json!([condition]), json!([]))?;
        let evaluation = judge(&[rule], Trigger::IncidentUpdated, incident(), Some(before.clone()))?;
        assert_eq!(evaluation.rules.iter().all(|judged| judged.applies), expected, "{condition}");
    }
    Ok(())
}

#[test]
fn rules_run_in_order_and_see_what_was_changed() -> Outcome {
    let last = rule(
        "last",
        9,
        CREATED,
        json!([
            property("IncidentSeverity", "Equals", &["Low"]),
            property("IncidentLabel", "Contains", &["seen"])
        ]),
        json!([
            {"order": 2, "actionType": "RunPlaybook", "actionConfiguration": {"logicAppResourceId": "playbook--1"}},
            {"order": 1, "actionType": "AddIncidentTask", "actionConfiguration": {"title": "look"}},
        ]),
    )?;
    let first = rule(
        "first",
        1,
        CREATED,
        json!([]),
        modify(json!({
            "severity": "Low", "labels": [{"labelName": "seen"}], "owner": {"email": "ann@example.com"}, "status": null,
        })),
    )?;
    let evaluation = judge(&[last, first], Trigger::IncidentCreated, incident(), None)?;
    let effects: Vec<Effect> = evaluation.effects.iter().map(|applied| applied.effect.clone()).collect();
    assert_eq!(
        effects,
        [
            Effect::Severity("Low".to_owned()),
            Effect::Owner("ann@example.com".to_owned()),
            Effect::Tags(vec!["seen".to_owned()]),
            Effect::Task { title: "look".to_owned(), description: String::new() },
            Effect::RunPlaybook("playbook--1".to_owned()),
        ]
    );
    assert_eq!(evaluation.subject.values("incidentlabel"), ["ai", "triage", "seen"]);
    Ok(())
}

#[test]
fn rules_that_are_off_expired_or_wrong_do_nothing() -> Outcome {
    let mut off = rule("off", 1, CREATED, json!([]), modify(json!({"severity": "Low"})))?;
    off.is_enabled = false;
    let mut expired = rule("expired", 1, CREATED, json!([]), modify(json!({"severity": "Low"})))?;
    expired.expires = Some("2026-11-20T00:00:00Z".parse()?);
    let evaluation = judge(&[off, expired], Trigger::IncidentCreated, incident(), None)?;
    assert_eq!(evaluation.effects, []);
    for (conditions, told) in [
        (json!([property("IncidentTitel", "Equals", &["x"])]), "IncidentTitel"),
        (json!([property("IncidentTitle", "Like", &["x"])]), "Like"),
        (json!([{"conditionType": "Novel", "conditionProperties": {}}]), "Novel"),
    ] {
        let error = rule("r", 1, CREATED, conditions, json!([])).err().unwrap_or_default();
        assert!(error.contains(told), "{error}");
    }
    assert!(rule("r", 1, ("Alerts", "Updated"), json!([]), json!([])).is_err());
    Ok(())
}

/// A condition that is missing or not known must not make a rule apply to everything.
#[test]
fn rules_that_are_half_read_are_refused() {
    let of = |kind: &str, with: Value| json!([{"conditionType": kind, "conditionProperties": with}]);
    let conditions = [
        of("Boolean", json!({"operator": "And"})),
        of("Boolean", json!({"operator": "Or", "innerConditions": []})),
        of("Property", json!({"propertyName": "IncidentTitle", "operator": "NotEquals"})),
        of(
            "Property",
            json!({"propertyName": "IncidentTitle", "operator": "NotEquals", "propertyValues": []}),
        ),
        of("PropertyArray", json!({"arrayType": "Labels", "arrayConditionType": "AllItems"})),
        of(
            "PropertyArray",
            json!({"arrayType": "Labels", "arrayConditionType": "Most",
            "itemConditions": [property("IncidentLabel", "Equals", &["ai"])]}),
        ),
        of(
            "PropertyArray",
            json!({"arrayType": "Others", "arrayConditionType": "AnyItem",
            "itemConditions": [property("IncidentLabel", "Equals", &["ai"])]}),
        ),
        of("PropertyArrayChanged", json!({"arrayType": "Others", "changeType": "Added"})),
    ];
    for condition in conditions {
        assert!(rule("r", 1, UPDATED, condition.clone(), json!([])).is_err(), "{condition}");
    }
    for (owner, is_read) in [
        (json!({"name": "ann"}), false),
        (json!({}), false),
        (json!({"objectId": 7}), false),
        (json!({"objectId": null}), true),
        (json!({"userPrincipalName": "ann@example.com"}), true),
    ] {
        let read = rule("r", 1, CREATED, json!([]), modify(json!({"owner": owner})));
        assert_eq!(read.is_ok(), is_read, "{owner}");
    }
}
