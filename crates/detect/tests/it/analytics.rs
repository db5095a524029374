//! The rules of `content/analytics` and `content/health`: each is sound, passes its fixtures, and says what it is about and what it cannot see.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use castellan_base::{OsSystem, Sources};
use castellan_detect::check::{Schemas, Verdict, check, report};
use castellan_detect::fixtures::test;
use castellan_detect::rule::Rule;
use castellan_detect::rule::read::read_folder;

/// The alerts that Defender for Cloud gives for AI services and agents, by its ids. That for exposed services of
/// Kubernetes has none and is named by its title.
const DEFENDER: [&str; 57] = [
    "AI.AIModelScan_MalwareDetected",
    "AI.Azure_ASCIISmuggling",
    "AI.Azure_AccessAnomaly",
    "AI.Azure_AccessFromAnonymizedIP",
    "AI.Azure_AccessFromSuspiciousIP",
    "AI.Azure_AccessFromSuspiciousUserAgent",
    "AI.Azure_Agentic_ASCIISmuggling",
    "AI.Azure_Agentic_AccessFromAnonymizedIP",
    "AI.Azure_Agentic_AccessFromSuspiciousIP",
    "AI.Azure_Agentic_AccessFromSuspiciousUserAgent",
    "AI.Azure_Agentic_DOWVolumeAnomaly",
    "AI.Azure_Agentic_InstructionLeakage",
    "AI.Azure_Agentic_Jailbreak",
    "AI.Azure_Agentic_LLMReconnaissance",
    "AI.Azure_Agentic_MaliciousUrl.ModelResponse",
    "AI.Azure_Agentic_MaliciousUrl.ToolOutput",
    "AI.Azure_Agentic_MaliciousUrl.UserPrompt",
    "AI.Azure_AnomalousOperation.InitialAccess",
    "AI.Azure_AnomalousToolInvocation",
    "AI.Azure_CredentialTheftAttempt",
    "AI.Azure_DOWDuplicateRequests",
    "AI.Azure_DOWVolumeAnomaly",
    "AI.Azure_Jailbreak.ContentFiltering.BlockedAttempt",
    "AI.Azure_Jailbreak.ContentFiltering.DetectedAttempt",
    "AI.Azure_LLMReconnaissance",
    "AI.Azure_MaliciousUrl.ModelResponse",
    "AI.Azure_MaliciousUrl.UnknownSource",
    "AI.Azure_MaliciousUrl.UserPrompt",
    "ARM_AnomalousElevateAccess",
    "ARM_AnomalousOperation.CredentialAccess",
    "ARM_AnomalousOperation.DefenseEvasion",
    "ARM_AnomalousOperation.Impact",
    "ARM_AnomalousRBACRoleAssignment",
    "ARM_MicroBurst.AZStorageKeysREST",
    "ARM_OperationFromSuspiciousIP",
    "ARM_OperationFromSuspiciousProxyIP",
    "ARM_PowerZure.AzureElevatedPrivileges",
    "ARM_PrivilegedRoleDefinitionCreation",
    "ARM_SuspiciousComputeCreation",
    "Azure_Agentic_BlockedJailbreak",
    "Exposed Kubernetes service detected (AI applications on Kubernetes)",
    "KV_AccountVolumeAccessDeniedAnomaly",
    "KV_AccountVolumeAnomaly",
    "KV_ListGetAnomaly",
    "KV_OperationVolumeAnomaly",
    "KV_PutGetAnomaly",
    "KV_SuspiciousIPAccess",
    "KV_SuspiciousIPAccessDenied",
    "KV_TORAccess",
    "Storage.Blob_AccountSas.InternalSasUsedExternally",
    "Storage.Blob_AnonymousAccessAnomaly",
    "Storage.Blob_DeletionAnomaly",
    "Storage.Blob_OpenACL",
    "Storage.Blob_OpenContainersScanning.FailedAttempt",
    "Storage.Blob_OpenContainersScanning.SuccessfulDiscovery",
    "Storage.Blob_SuspiciousIp",
    "Storage.Blob_TorAnomaly",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn rules(sources: &mut Sources) -> Vec<Rule> {
    rules_of("content/analytics", sources)
}

/// Those about AI workloads, and those about the product itself.
fn all_rules(sources: &mut Sources) -> Vec<Rule> {
    let mut all = rules(sources);
    all.extend(rules_of("content/health", sources));
    all
}

fn rules_of(folder: &str, sources: &mut Sources) -> Vec<Rule> {
    let loaded = read_folder(&root().join(folder), &OsSystem, sources);
    let told: Vec<String> = loaded.diagnostics.iter().map(|found| describe(sources, found)).collect();
    assert!(told.is_empty(), "{told:#?}");
    assert!(!loaded.rules.is_empty());
    loaded.rules
}

fn describe(sources: &Sources, found: &castellan_base::Diagnostic) -> String {
    match sources.locate(found.span) {
        Some(place) => format!("{}:{}: {}", place.file, place.line, found.message),
        None => found.message.clone(),
    }
}

#[test]
fn every_rule_is_sound() {
    let mut sources = Sources::default();
    let rules = all_rules(&mut sources);
    let schemas = Schemas::default();
    let mut faults = Vec::new();
    for rule in &rules {
        let checked = check(rule, &schemas, &sources);
        if checked.verdict != Verdict::Sound || !checked.diagnostics.is_empty() {
            let told: Vec<String> =
                checked.diagnostics.iter().map(|found| describe(&sources, found)).collect();
            faults.push(format!("{}: {:?} {told:#?}", rule.name, checked.verdict));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(report(&rules, &schemas, &sources).diagnostics.is_empty(), "ids differ");
}

#[tokio::test]
async fn every_rule_passes_what_it_has_to_find_and_what_it_must_not() {
    let rules = all_rules(&mut Sources::default());
    let schemas = Schemas::default();
    let mut faults = Vec::new();
    for rule in &rules {
        let finds = rule.fixtures.iter().any(|fixture| fixture.count > 0);
        let near_misses = rule.fixtures.iter().filter(|fixture| fixture.count == 0);
        // An empty table proves nothing.
        let has_rows = |rows: &Vec<_>| !rows.is_empty();
        if !finds || !near_misses.into_iter().any(|fixture| fixture.tables.values().any(has_rows)) {
            faults.push(format!("{}: needs a fixture with alerts and a near miss without", rule.name));
        }
        for outcome in test(rule, &schemas).await {
            if !outcome.passed() {
                faults.push(format!("{}: {}: {}", rule.name, outcome.name, outcome.faults.join("; ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn fixtures_name_columns_that_tables_have() {
    use castellan_kql::bind::Database;
    let schemas = Schemas::default();
    for rule in all_rules(&mut Sources::default()) {
        for fixture in rule.fixtures.iter() {
            assert!(fixture.columns.is_empty(), "{}: columns of our own making", rule.name);
            for (table, rows) in &fixture.tables {
                let shape = schemas.table(table).unwrap_or_else(|| panic!("{}: no table {table}", rule.name));
                for name in rows.iter().flat_map(|row| row.keys()) {
                    let known = shape.columns.iter().any(|column| *column.name == **name);
                    assert!(known, "{}: {table} has no column {name}", rule.name);
                }
            }
        }
    }
}

#[test]
fn every_alert_of_defender_has_its_rule() {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for rule in rules(&mut Sources::default()) {
        for id in rule.tags.iter().filter_map(|tag| tag.strip_prefix("defender:")) {
            *found.entry(id.to_owned()).or_default() += 1;
        }
    }
    let ids: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(ids, DEFENDER);
    assert!(found.values().all(|count| *count == 1), "{found:?}");
}

#[test]
fn every_rule_says_what_it_is_about_and_what_to_do() {
    let playbooks = names_of("content/playbooks");
    for rule in rules(&mut Sources::default()) {
        let name = &rule.name;
        assert!(!rule.tactics.is_empty() && !rule.techniques.is_empty(), "{name}: ATT&CK");
        assert!(!rule.atlas.is_empty() || !rule.owasp.is_empty(), "{name}: ATLAS or OWASP");
        assert!(!rule.entities.is_empty() && !rule.triage.is_empty(), "{name}: entities and triage");
        assert!(
            rule.description.starts_with("Sees: ") && rule.description.contains("\nCannot see: "),
            "{name}: says what it sees and what it cannot"
        );
        assert!(rule.query.text.contains("//"), "{name}: its query says why");
        assert!(!rule.connectors.is_empty(), "{name}: tables");
        if let Some(playbook) = &rule.playbook {
            assert!(playbooks.contains(&**playbook), "{name}: no playbook {playbook}");
        }
    }
}

#[test]
fn the_page_about_rules_names_each() {
    let page = std::fs::read_to_string(root().join("docs/detect-content.md")).unwrap();
    let named: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let files = names_of("content/analytics");
    assert_eq!(named, files.iter().map(String::as_str).collect());
}

/// The names of the YAML files of a folder.
fn names_of(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}
