//! Analytics rules: checked, tested, run by hand and on their schedules.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use castellan_base::{OsSystem, System, Ticks};

use crate::{Desk, Ran};

const RULE: &str = "id: 1b7e3c1c-0000-4000-8000-000000000001
name: Failed logons
description: Somebody guesses passwords.
kind: Scheduled
severity: Medium
queryFrequency: 5m
queryPeriod: 1d
triggerOperator: gt
triggerThreshold: 0
tactics: [CredentialAccess]
relevantTechniques: [T1110]
owasp: ['owasp-llm:2025:LLM01']
query: SigninLogs | where ResultType == '50126' | summarize Failed = count() by UserPrincipalName
entityMappings:
  - entityType: Account
    fieldMappings: [ { identifier: FullName, columnName: UserPrincipalName } ]
fixtures:
  - name: a wrong password
    tables: { SigninLogs: [ { TimeGenerated: 2026-11-21T09:58:00Z, UserPrincipalName: ann@contoso.com, ResultType: '50126' } ] }
    alerts: 1
";

const SIGMA: &str = "title: Shadow copies deleted
id: 0b1c2d3e-0000-4000-8000-000000000002
logsource: { product: windows, category: process_creation }
level: high
detection:
  selection: { Image|endswith: '\\vssadmin.exe' }
  condition: selection
";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("rules/failed.yaml", RULE);
    desk.file("rules/shadow.yml", SIGMA);
    desk
}

/// The time some minutes ago.
fn ago(minutes: i64) -> Ticks {
    OsSystem.now().checked_add(-minutes * 600_000_000).unwrap()
}

fn ingest(desk: &Desk, time: &str) {
    let row = format!(
        "{{\"TimeGenerated\":\"{time}\",\"UserPrincipalName\":\"ann@contoso.com\",\"ResultType\":\"50126\"}}\n"
    );
    desk.file("a.jsonl", &row);
    let ran = desk.run(&["ingest", "SigninLogs", "a.jsonl", "--lake", "l"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn asked(desk: &Desk, query: &str) -> Ran {
    desk.run(&["query", query, "--lake", "l", "--format", "csv"])
}

#[test]
fn rules_are_checked_with_places() {
    let desk = desk();
    let ran = desk.run(&["detect", "check", "rules", "--format", "table"]);
    assert!(ran.code == 0 && ran.out.contains("2 rules: 2 sound, 0 wrong, 0 unknown, 0 broken"), "{ran:?}");
    desk.file("rules/wrong.yaml", &RULE.replace("columnName: UserPrincipalName", "columnName: Nobody"));
    desk.file("rules/broken.yaml", &RULE.replace("SigninLogs | where", "SigninLogs | were"));
    desk.file("rules/own.yaml", &RULE.replace("SigninLogs |", "Own_CL |"));
    let ran = desk.run(&["detect", "check", "rules", "--format", "json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = ran.json();
    assert_eq!(told["summary"]["sound"], 2);
    assert_eq!(told["summary"]["wrong"], 1);
    assert_eq!(told["summary"]["unknown"], 1);
    assert_eq!(told["summary"]["broken"], 1);
    let wrong = told["rules"].as_array().unwrap().iter().find(|rule| rule["verdict"] == "wrong").unwrap();
    let place = &wrong["diagnostics"][0]["place"];
    assert!(place["file"].as_str().unwrap().ends_with("wrong.yaml") && place["line"] == 16, "{wrong}");
    assert!(ran.out.contains("have the same id"), "{ran:?}");
    let ran = desk.run(&["detect", "check", "rules/own.yaml", "--format", "jsonl"]);
    assert!(ran.code == 0 && ran.out.lines().count() == 1 && ran.out.contains("\"unknown\""), "{ran:?}");
    assert_eq!(desk.run(&["detect", "check", "nowhere"]).code, 2);
    desk.file("empty/a.yaml", "a: 1\n");
    assert_eq!(desk.run(&["detect", "check", "empty"]).code, 2);
}

#[test]
fn fixtures_pass_and_fail() {
    let desk = desk();
    let ran = desk.run(&["detect", "test", "rules", "--format", "table"]);
    assert!(ran.code == 0 && ran.out.contains("1 passed, 0 failed; 1 of 2 rules have no fixture"), "{ran:?}");
    desk.file("rules/failed.yaml", &RULE.replace("alerts: 1", "alerts: 2"));
    let ran = desk.run(&["detect", "test", "rules", "--format", "json"]);
    assert_eq!((ran.code, &ran.json()["failed"]), (1, &1.into()), "{ran:?}");
    assert!(ran.out.contains("there are 1 alerts, and 2 were expected"), "{ran:?}");
    let ran = desk.run(&["detect", "test", "rules/shadow.yml"]);
    assert!(ran.code == 2 && ran.err.contains("nothing was tested"), "{ran:?}");
}

#[test]
fn coverage_and_sigma() {
    let desk = desk();
    let ran = desk.run(&["detect", "coverage", "rules", "--format", "table"]);
    assert!(ran.code == 0 && ran.out.contains("T1110 (1)") && ran.out.contains("LLM01"), "{ran:?}");
    let told = desk.run(&["detect", "coverage", "rules", "--format", "json"]).json();
    assert_eq!(told["rules"], 2);
    let ran = desk.run(&["detect", "sigma", "rules/shadow.yml"]);
    assert!(ran.code == 0 && ran.out.starts_with("DeviceProcessEvents\n| where"), "{ran:?}");
    desk.file("refused.yml", &SIGMA.replace("endswith", "frob"));
    assert_eq!(desk.run(&["detect", "sigma", "refused.yml"]).code, 2);
}

#[test]
fn a_run_by_hand_keeps_its_alerts_once() {
    let desk = desk();
    ingest(&desk, "2026-11-21T09:58:00Z");
    let run = ["detect", "run", "rules", "--lake", "l", "--at", "2026-11-21T10:00:00Z", "--format", "jsonl"];
    let ran = desk.run(&[&run[..], &["--dry-run"]].concat());
    assert!(ran.code == 0 && ran.out.lines().count() == 1, "{ran:?}");
    assert!(ran.out.contains("ann") && ran.out.contains("\"AlertSeverity\":\"Medium\""), "{ran:?}");
    let count = "SecurityAlert | summarize Alerts = count()";
    assert!(asked(&desk, count).out.ends_with("\n0\n"));
    for there in [0, 1] {
        let ran = desk.run(&run);
        let told = format!("{} alerts are kept in SecurityAlert; {there} were there already", 1 - there);
        assert!(ran.code == 0 && ran.err.contains(&told), "{ran:?}");
        assert!(asked(&desk, count).out.ends_with("\n1\n"));
    }
    let time = asked(&desk, "SecurityAlert | project TimeGenerated, DisplayName").out;
    assert!(time.contains("2026-11-21T10:00:00") && time.contains("Failed logons"), "{time}");
    desk.file("rules/broken.yaml", &RULE.replace("SigninLogs | where", "SigninLogs | were"));
    assert_eq!(desk.run(&run).code, 1);
    assert_eq!(desk.run(&["detect", "run", "rules", "--lake", "nowhere"]).code, 2);
}

#[test]
fn watchlists_and_functions_are_seen() {
    let desk = Desk::new();
    ingest(&desk, "2026-11-21T09:58:00Z");
    desk.file("lists/vips@User.csv", "User\nann@contoso.com\n");
    desk.file("functions/Failures.kql", "let Failures = () { SigninLogs | where ResultType != '0' };\n");
    let query = "Failures() | where UserPrincipalName in ((_GetWatchlist('vips') | project SearchKey))";
    let old = "SigninLogs | where ResultType == '50126'";
    desk.file("r.yaml", &RULE.replace(old, query).replace("queryPeriod: 1d", "queryPeriod: 14d"));
    let run = ["detect", "run", "r.yaml", "--lake", "l", "--at", "2026-11-21T10:00:00Z", "--dry-run"];
    let ran = desk.run(&[&run[..], &["--watchlists", "lists", "--functions", "functions"]].concat());
    assert!(ran.code == 0 && ran.json().as_array().unwrap().len() == 1, "{ran:?}");
    assert_eq!(desk.run(&run).code, 1);
}

#[test]
fn a_backtest_says_what_a_rule_would_have_raised() {
    let desk = desk();
    let time = ago(1);
    ingest(&desk, &time.to_string());
    let (from, to) = (ago(10).to_string(), OsSystem.now().checked_add(9_000_000_000).unwrap().to_string());
    let asked = ["detect", "backtest", "rules/failed.yaml", "--lake", "l", "--from", &from, "--to", &to];
    let ran = desk.run(&asked);
    let told = &ran.json()[0];
    assert!(ran.code == 0 && told["alerts"].as_array().unwrap().len() == 1, "{ran:?}");
    assert!(told["windows"].as_u64().unwrap() > 3 && told["rowsRead"].as_u64().unwrap() > 0, "{ran:?}");
    let ran = desk.run(&[&asked[..], &["--format", "table"]].concat());
    assert!(ran.out.contains("Failed logons") && ran.out.contains("seconds"), "{ran:?}");
    let ran = desk.run(&["detect", "backtest", "rules", "--lake", "l", "--from", &to, "--to", &from]);
    assert_eq!(ran.code, 2);
}

/// Serves until there are so many alerts, and is then killed; or for a while where there are to be no more.
fn up(desk: &Desk, more: &[&str], alerts: usize, at_least: Duration) {
    let arguments = ["up", "--listen", "127.0.0.1:0", "--lake", "l", "--analytics", "rules"];
    let mut child = desk
        .command(&[&arguments, more].concat())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let has = || {
        let out = asked(desk, "SecurityAlert | summarize Alerts = count()").out;
        out.lines().last().and_then(|line| line.parse::<usize>().ok()).unwrap_or_default()
    };
    while (has() < alerts || begun.elapsed() < at_least) && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(200));
    }
    child.kill().unwrap();
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    child.wait().unwrap();
    assert!(told.contains("analytics rules: 2 on their schedules, 0 turned off"), "{told}");
    assert_eq!(has(), alerts, "{told}");
}

#[test]
fn a_server_that_is_killed_raises_an_alert_once() {
    let desk = desk();
    ingest(&desk, &ago(30).to_string());
    // Rows are seen once nobody can be writing any that were taken in before.
    std::thread::sleep(Duration::from_secs(6));
    up(&desk, &[], 1, Duration::ZERO);
    up(&desk, &[], 1, Duration::from_secs(5));
    let out = asked(&desk, "SecurityIncident | project Title, Severity, AlertIds").out;
    assert!(out.lines().count() == 2 && out.contains("Failed logons,Medium"), "{out}");
    let ran = desk.run(&["up", "--no-data", "--analytics", "rules"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn weights_of_ones_own_decide_what_one_incident_is() {
    let traced = |id: char, name: &str| {
        let rule = RULE.replace("000000000001", &format!("00000000000{id}")).replace("Failed logons", name);
        rule.replace("fixtures:", "customDetails: { Traces: UserPrincipalName }\nfixtures:")
    };
    let own = include_str!("../../../../content/correlation.yaml").replace("join: 50", "join: 5000");
    for (more, incidents) in [(&[][..], 1), (&["--correlation", "own.yaml"], 2)] {
        let desk = Desk::new();
        desk.file("rules/one.yaml", &traced('3', "Failed logons"));
        desk.file("rules/two.yaml", &traced('4', "Wrong passwords"));
        desk.file("own.yaml", &own);
        ingest(&desk, &ago(30).to_string());
        std::thread::sleep(Duration::from_secs(6));
        up(&desk, more, 2, Duration::from_secs(3));
        let out = asked(&desk, "SecurityIncident | summarize Incidents = dcount(IncidentNumber)").out;
        assert!(out.ends_with(&format!("\n{incidents}\n")), "{more:?}: {out}");
    }
    let desk = desk();
    desk.file("own.yaml", &own.replace("merge: 80", "merge: often"));
    let asked = ["up", "--lake", "l", "--analytics", "rules", "--correlation", "own.yaml"];
    let ran = desk.run(&asked);
    assert!(ran.code == 2 && ran.err.contains("own.yaml:9:8") && ran.err.contains("merge"), "{ran:?}");
}
