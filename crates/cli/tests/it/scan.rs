//! `castellan scan`: what is read, and how it ends.

use serde_json::Value;

use crate::{Desk, OPEN_ACCOUNT, corpora, harbour};

fn violations(report: &Value) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap();
    let open = findings.iter().filter(|finding| finding["verdict"] == "non-compliant");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    open.map(|finding| (text(&finding["check"]), text(&finding["resource"]))).collect()
}

#[test]
fn the_example_shows_what_its_story_tells() {
    let ran = Desk::new().run(&["scan", &harbour(), "-q"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let report = ran.json();
    let found = violations(&report);
    for (check, part) in [
        ("agent-lethal-trifecta", "claims-triage"),
        ("workload-internet-authentication", "damage-photos"),
        ("network-rules-open-to-all", "harbour-search"),
        ("deployment-jailbreak-shield", "harbour-assistant"),
        ("model-version-retired", "harbour-assistant"),
        ("diagnostic-setting-disabled", "harbour-assistant"),
        ("storage-public-blobs", "harbourscans"),
        ("cosmos-key-access", "harbour-threads"),
        ("key-vault-purge-protection", "harbour-doc-keys"),
        ("mcp-server-transport", "warehouse"),
    ] {
        let named = |(id, resource): &(String, String)| id == check && resource.contains(part);
        assert!(found.iter().any(named), "{check} on {part}: {found:#?}");
    }
    // The one that did it right: a warning or two, nothing high.
    let findings = report["findings"].as_array().unwrap();
    let bad = findings.iter().filter(|finding| {
        finding["location"]["file"].as_str().is_some_and(|file| file.ends_with("underwriting.json"))
            && finding["verdict"] == "non-compliant"
            && matches!(finding["severity"].as_str(), Some("high" | "critical"))
    });
    assert_eq!(bad.count(), 0);
    for finding in findings {
        let at = &finding["location"];
        assert!(at["line"].as_u64().is_some_and(|line| line > 0), "{finding:#}");
        assert!(finding["verdict"] != "unknown" || !finding["unknown"]["message"].is_null(), "{finding:#}");
    }
}

#[test]
fn exit_codes_tell_findings_from_wrong_input() {
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    desk.file("broken/a.json", "{\n  \"type\": \"x\",,\n}");
    desk.file("own/policies/mine.yaml", "id: [");
    for (arguments, code) in [
        (&["scan", "main.json"][..], 0),
        (&["scan", "main.json", "--fail-on", "medium"], 1),
        (&["scan", "main.json", "--fail-on", "critical"], 0),
        (&["scan", "broken"], 2),
        (&["scan", "main.json", "broken"], 0),
        (&["scan", "main.json", "broken", "--fail-on", "critical"], 2),
        (&["scan", "main.json", "broken", "--fail-on", "medium"], 1),
        (&["scan", "absent.json"], 2),
        (&["scan"], 2),
        (&["scan", "main.json", "--fail-on", "dreadful"], 2),
        (&["scan", "main.json", "--policies", "broken"], 2),
        (&["scan", "main.json", "--exemptions", "absent.yaml"], 2),
        (&["scan", "main.json", "--baseline", "absent.json"], 2),
        (&["scan", "main.json", "--parameters", "absent.json"], 2),
        (&["scan", "main.json", "--content", "absent"], 2),
        (&["scan", "main.json", "--content", "own"], 2),
        (&["scan", "main.json", "--policies", "absent"], 2),
        (&["scan", "main.json", "--aliases", "absent.json"], 2),
        (&["scan", "main.json", "--as-of", "yesterday"], 2),
        (&["scan", "main.json", "--fix-out", "."], 2),
        (&["scan", "main.json", "--fix-out", "main.json"], 2),
        (&["bom", "broken"], 2),
        (&["bom", "main.json"], 0),
        (&["scann"], 2),
        (&["--version"], 0),
    ] {
        let ran = desk.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:#?}");
        assert!(code != 2 || !ran.err.is_empty(), "{arguments:?} fails in silence");
    }
}

#[test]
fn what_is_broken_is_placed_and_the_rest_is_scanned() {
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    desk.file("broken.json", "{\n  \"resources\": [,]\n}");
    desk.file("deep.json", &"[".repeat(100_000));
    desk.file("bytes.json", "\u{0}\u{1}\u{2}");
    desk.file("main.tf", "resource \"azurerm_key_vault\" \"kv\" {}");
    let ran = desk.run(&["scan", "."]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.err.contains("broken.json:2:"), "{}", ran.err);
    assert!(ran.err.contains("deep.json:1:"), "{}", ran.err);
    let report = ran.json();
    assert!(violations(&report).iter().any(|(_, resource)| resource.ends_with("/accounts/open")));
    assert!(report["summary"]["errors"].as_u64().unwrap() >= 2, "{:#}", report["summary"]);
    let inputs = report["inputs"].as_array().unwrap();
    let plan = inputs.iter().find(|input| input["path"].as_str().unwrap().ends_with("main.tf")).unwrap();
    assert_eq!(plan["kind"], "not an input");
}

#[test]
fn standard_input_and_parameters_are_read() {
    let template = OPEN_ACCOUNT
        .replace("\"resources\"", "\"parameters\": { \"local\": { \"type\": \"bool\" } },\n  \"resources\"")
        .replace("\"disableLocalAuth\": false", "\"disableLocalAuth\": \"[parameters('local')]\"");
    let desk = Desk::new();
    let key_access = |report: &Value| {
        let findings = report["findings"].as_array().unwrap();
        let mine = findings.iter().find(|finding| finding["check"] == "ai-services-key-access");
        mine.map(|finding| finding["verdict"].as_str().unwrap().to_owned())
    };
    let unknown = desk.pipe(&["scan", "-", "-q"], &template).json();
    assert_eq!(key_access(&unknown).as_deref(), Some("unknown"));
    desk.file("main.json", &template);
    desk.file(
        "prod.parameters.json",
        r#"{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
        "contentVersion": "1.0.0.0", "parameters": {"local": {"value": true}}}"#,
    );
    let known = desk.run(&["scan", "main.json", "--parameters", "prod.parameters.json", "-q"]).json();
    assert_eq!(key_access(&known), None, "a key-less account is fine");
}

#[test]
fn a_baseline_leaves_only_what_is_new() {
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    let first = desk.run(&["scan", "main.json", "--write-baseline", "baseline.json", "--fail-on", "low"]);
    assert_eq!(first.code, 1);
    let again = desk.run(&["scan", "main.json", "--baseline", "baseline.json", "--fail-on", "low"]);
    assert_eq!(again.code, 0, "{}", again.err);
    let report = again.json();
    assert!(report["findings"].as_array().unwrap().iter().all(|finding| finding["inBaseline"] == true));
    // The resource moves down by lines and gets a neighbour: old findings stay old, its neighbour's are new.
    let (head, resource) = OPEN_ACCOUNT.split_once("    {\n      \"type\"").unwrap();
    let resource = format!("    {{\n      \"type\"{}", resource.split_once("\n  ]").unwrap().0);
    let two = format!("{head}\n\n{resource},\n{}\n  ]\n}}", resource.replace("\"open\"", "\"second\""));
    desk.file("main.json", &two);
    let third = desk.run(&["scan", "main.json", "--baseline", "baseline.json", "--fail-on", "low"]);
    assert_eq!(third.code, 1, "{}", third.err);
    let report = third.json();
    for finding in report["findings"].as_array().unwrap() {
        let is_old = finding["resource"].as_str().unwrap().contains("/accounts/open");
        assert_eq!(finding["inBaseline"], is_old, "{finding:#}");
    }
}

#[test]
fn exemptions_count_until_they_expire() {
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    let exemption = "exemptions:\n  - check: \"*\"\n    resource: \"*/accounts/open*\"\n    category: waiver\n    \
        reason: test\n    approver: me@example.com\n    expires: 2026-06-30\n";
    desk.file("exemptions.yaml", exemption);
    let run = |as_of: &str| {
        desk.run(&[
            "scan",
            "main.json",
            "--exemptions",
            "exemptions.yaml",
            "--as-of",
            as_of,
            "--fail-on",
            "info",
        ])
    };
    let before = run("2026-06-01");
    assert_eq!(before.code, 0, "{}", before.err);
    assert!(before.json()["summary"]["exempt"].as_u64().unwrap() > 0);
    assert_eq!(run("2026-07-01").code, 1);
    desk.file("exemptions.yaml", "exemptions:\n  - check: \"*\"\n    resource: \"*\"\n");
    let refused = run("2026-06-01");
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("exemptions.yaml:2:"), "{}", refused.err);
}

#[test]
fn public_definitions_are_judged_by_without_installing() {
    let Some(corpora) = corpora() else { return };
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    let folder = corpora.join("azure-policy").display().to_string();
    let ran = desk.run(&["scan", "main.json", "--policies", &folder]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let policies = ran.json()["policies"].clone();
    // "Azure AI Services resources should have key access disabled"
    assert!(policies.to_string().contains("71ef260a-8f18-47b7-abcb-62d0673d94dc"), "{policies:#}");
}
