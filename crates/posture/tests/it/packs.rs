use std::path::{Path, PathBuf};

use castellan_base::{OsSystem, Severity};
use castellan_policy::AliasTable;
use castellan_posture::pack::Basis;
use castellan_posture::{Content, Format, PolicyPack, assess};
use castellan_testkit::MemorySystem;

use crate::support::{TEMPLATE, options, read, render};

const DEFINITION: &str = r#"{
  "name": "11111111-1111-1111-1111-111111111111",
  "id": "/providers/Microsoft.Authorization/policyDefinitions/11111111-1111-1111-1111-111111111111",
  "properties": {
    "displayName": "No keys",
    "mode": "Indexed",
    "metadata": { "category": "AI", "severity": "High" },
    "policyRule": {
      "if": { "allOf": [
        { "field": "type", "equals": "Microsoft.CognitiveServices/accounts" },
        { "field": "Microsoft.CognitiveServices/accounts/disableLocalAuth", "notEquals": true }
      ] },
      "then": { "effect": "audit" }
    }
  }
}"#;

const STATES: &str = r#"[
  { "policyDefinitionId": "/providers/microsoft.authorization/policydefinitions/11111111-1111-1111-1111-111111111111",
    "policyAssignmentId": "/subscriptions/s/providers/microsoft.authorization/policyassignments/a",
    "resourceId": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/one",
    "complianceState": "NonCompliant" },
  { "policyDefinitionId": "/providers/microsoft.authorization/policydefinitions/11111111-1111-1111-1111-111111111111",
    "policyAssignmentId": "/subscriptions/s/providers/microsoft.authorization/policyassignments/a",
    "resourceId": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/two",
    "complianceState": "NonCompliant" }
]"#;

const RESOURCES: &str = r#"[
  { "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/one", "name": "one",
    "type": "microsoft.cognitiveservices/accounts", "location": "westeurope", "properties": { "disableLocalAuth": false } },
  { "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/two", "name": "two",
    "type": "microsoft.cognitiveservices/accounts", "location": "westeurope", "properties": { "disableLocalAuth": true } }
]"#;

fn system() -> MemorySystem {
    MemorySystem::default()
        .with_file("pack/policyDefinitions/AI/keys.json", DEFINITION)
        .with_file("pack/policyDefinitions/AI/broken.json", "{\n  \"properties\": {,\n}")
        .with_file(
            "pack/policySetDefinitions/set.json",
            r#"{"name":"set","properties":{"policyDefinitions":[]}}"#,
        )
        .with_file("pack/notes.json", r#"{"hello": 1}"#)
        .with_file("infra/main.json", TEMPLATE)
        .with_file("exports/resources.json", RESOURCES)
        .with_file("exports/states.json", STATES)
}

fn pack(system: &MemorySystem) -> PolicyPack {
    PolicyPack::load_dir(system, Path::new("pack"), &AliasTable::builtin()).unwrap()
}

#[test]
fn a_folder_is_read_and_what_is_unusable_is_named() {
    let system = system();
    let pack = pack(&system);
    assert_eq!((pack.len(), pack.initiatives()), (1, 1));
    let unusable = pack.unusable();
    assert_eq!(unusable.len(), 1);
    assert!(
        unusable[0].file.ends_with("broken.json") && unusable[0].message.starts_with("line 2"),
        "{unusable:?}"
    );
    assert!(PolicyPack::load_dir(&system, Path::new("nowhere"), &AliasTable::builtin()).is_err());
}

#[test]
fn violations_of_a_pack_are_counted_and_listed() {
    let system = system();
    let estate = read(&system, &["infra"]);
    let assessment = assess(&estate, &Content::default(), Some(&pack(&system)), &options());
    let result = assessment.policies.as_ref().unwrap();
    assert_eq!(result.basis, Basis::Defaults);
    let policy = &result.policies[0];
    assert_eq!((policy.counts.non_compliant, policy.counts.unknown, policy.counts.compliant), (2, 1, 1));
    assert_eq!(policy.severity, Severity::High);
    assert_eq!(policy.violations[0].location.as_ref().unwrap().file.as_ref(), "infra/main.json");
    assert!(assessment.fails(Severity::High));
    for format in Format::ALL {
        assert!(!render(format, &assessment, &estate).is_empty());
    }
    assert!(render(Format::Csv, &assessment, &estate).contains("No keys"));
}

#[test]
fn exported_states_are_compared_with_our_verdicts() {
    let system = system();
    let estate = read(&system, &["exports"]);
    let assessment = assess(&estate, &Content::default(), Some(&pack(&system)), &options());
    let one = &assessment.conformance.definitions[0];
    assert_eq!((one.compared, one.agreed), (2, 1));
    assert_eq!(one.disagreements[0].resource.name(), "two");
    assert_eq!(assessment.conformance.agreement_percent(), Some(50.0));
}

#[test]
fn assignments_of_the_estate_decide_when_there_are_any() {
    let assignment = r#"[{
      "id": "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a", "name": "a",
      "type": "Microsoft.Authorization/policyAssignments",
      "properties": {
        "scope": "/subscriptions/s",
        "notScopes": ["/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/two"],
        "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/11111111-1111-1111-1111-111111111111"
      }
    }]"#;
    let system = system().with_file("exports/assignments.json", assignment);
    let estate = read(&system, &["exports"]);
    let assessment = assess(&estate, &Content::default(), Some(&pack(&system)), &options());
    let result = assessment.policies.as_ref().unwrap();
    assert_eq!(result.basis, Basis::Assignments);
    let counts = result.policies[0].counts;
    assert_eq!((counts.non_compliant, counts.assessed()), (1, 1), "the excluded account has no state");
}

#[test]
fn the_public_definitions_load() {
    let corpora = std::env::var("CASTELLAN_CORPORA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")),
        PathBuf::from,
    );
    let folder = corpora.join("azure-policy");
    if !folder.is_dir() {
        eprintln!("skipped: corpora not found");
        return;
    }
    let pack = PolicyPack::load_dir(&OsSystem, &folder, &AliasTable::builtin()).unwrap();
    assert_eq!(
        (pack.len() + pack.unusable().len(), pack.initiatives()),
        (2762, 181),
        "{:?}",
        pack.unusable()
    );
    assert!(pack.unusable().len() <= 10, "{:?}", pack.unusable());
}
