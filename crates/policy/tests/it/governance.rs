use castellan_base::{Node, Ticks, Verdict};
use castellan_policy::governance::{Assignment, Exemption, Governance, Initiative, Rollup};
use serde_json::{Value as Json, json};

use crate::support::{corpora, files, read};

const SITE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Search/searchServices/x";

fn node(json: &Json) -> Node {
    Node::from_json(json)
}

fn initiative() -> Initiative {
    let document = json!({"id": "/providers/Microsoft.Authorization/policySetDefinitions/set", "properties": {
    "parameters": {"effect": {"type": "String", "defaultValue": "Audit"}},
    "policyDefinitions": [
        {"policyDefinitionReferenceId": "one", "policyDefinitionId": "/d/1",
         "parameters": {"effect": {"value": "[parameters('effect')]"}}, "groupNames": ["c1"]},
        {"policyDefinitionReferenceId": "two", "policyDefinitionId": "/d/2"}
    ]}});
    Initiative::parse(&node(&document)).unwrap()
}

fn assignment(extra: &Json) -> Assignment {
    let mut properties =
        json!({"policyDefinitionId": "/providers/Microsoft.Authorization/policySetDefinitions/SET"});
    for (key, value) in extra.as_object().unwrap() {
        properties[key] = value.clone();
    }
    let id = "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a";
    Assignment::parse(&node(&json!({"id": id, "properties": properties}))).unwrap()
}

fn resource() -> Node {
    node(&json!({"id": SITE, "type": "Microsoft.Search/searchServices", "location": "East US"}))
}

#[test]
fn initiatives_pass_their_parameters_on() {
    let given = assignment(&json!({"parameters": {"effect": {"value": "Deny"}}}));
    let governance =
        Governance { assignments: vec![given], initiatives: vec![initiative()], exemptions: vec![] };
    let resource = resource();
    let reached = governance.reaching(&resource, None);
    assert_eq!(reached.len(), 2);
    assert_eq!(reached[0].parameters.get("effect").unwrap().as_str(), Some("Deny"));
    assert_eq!(&*reached[0].reference.unwrap().groups[0], "c1");
    assert_eq!(reached[1].definition, "/d/2");
}

#[test]
fn scopes_selectors_and_overrides() {
    let with = |extra: Json| Governance {
        assignments: vec![assignment(&extra)],
        initiatives: vec![initiative()],
        exemptions: vec![],
    };
    let resource = resource();
    let count = |extra: Json| with(extra).reaching(&resource, None).len();
    assert_eq!(count(json!({})), 2);
    assert_eq!(count(json!({"notScopes": ["/subscriptions/s/resourceGroups/G"]})), 0);
    assert_eq!(count(json!({"notScopes": ["/subscriptions/s/resourceGroups/gg"]})), 2);
    assert_eq!(count(json!({"scope": "/subscriptions/other"})), 0);
    let by_place = |place: &str| json!({"resourceSelectors": [{"selectors": [{"kind": "resourceLocation", "in": [place]}]}]});
    assert_eq!(count(by_place("eastus")), 2);
    assert_eq!(count(by_place("westus")), 0);
    let governance = with(json!({"overrides": [{"kind": "policyEffect", "value": "disabled",
        "selectors": [{"kind": "policyDefinitionReferenceId", "in": ["two"]}]}]}));
    let effects: Vec<_> = governance.reaching(&resource, None).iter().map(|reached| reached.effect).collect();
    assert_eq!(effects, [None, Some("disabled")]);
}

#[test]
fn exemptions_end() {
    let exemption = json!({
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/policyExemptions/e",
        "properties": {
            "policyAssignmentId": "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/A",
            "exemptionCategory": "Waiver", "expiresOn": "2026-06-01T00:00:00Z",
            "policyDefinitionReferenceIds": ["one"]
        }
    });
    let governance = Governance {
        assignments: vec![assignment(&json!({}))],
        initiatives: vec![initiative()],
        exemptions: vec![Exemption::parse(&node(&exemption)).unwrap()],
    };
    let exempt = |now: Option<&str>| -> Vec<bool> {
        let now = now.map(|text| text.parse::<Ticks>().unwrap());
        governance.reaching(&resource(), now).iter().map(|reached| reached.exemption.is_some()).collect()
    };
    assert_eq!(exempt(Some("2026-05-01")), [true, false]);
    assert_eq!(exempt(Some("2026-06-01")), [false, false]);
    assert_eq!(exempt(None), [false, false]);
    let resource = resource();
    let reached = governance.reaching(&resource, Some("2026-05-01".parse().unwrap()));
    assert_eq!(reached[0].settle(Verdict::NonCompliant), Verdict::Exempt);
    assert_eq!(reached[0].settle(Verdict::Compliant), Verdict::Compliant);
}

#[test]
fn roll_up_ranks_and_counts() {
    let rollup =
        Rollup::of(&[Verdict::Compliant, Verdict::Exempt, Verdict::NonCompliant, Verdict::NotApplicable]);
    assert_eq!(rollup.state(), Some("non-compliant"));
    assert_eq!(rollup.azure_percentage().map(f64::round), Some(67.0));
    assert_eq!(Rollup::default().state(), None);
}

#[test]
fn every_built_in_initiative_is_read() {
    let Some(corpora) = corpora() else { return };
    let paths = files(corpora.join("azure-policy/policySetDefinitions"), "json");
    assert!(paths.len() > 150);
    for path in paths {
        let initiative = Initiative::parse(&read(&path)).unwrap();
        assert!(!initiative.references.is_empty(), "{}", path.display());
    }
}
