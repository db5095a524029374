//! Threat intelligence: taken in, listed, matched, hunted, and all of it while the server is up.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use castellan_base::{OsSystem, System, Ticks};
use serde_json::json;

use crate::{Desk, Ran};

fn ago(seconds: i64) -> Ticks {
    OsSystem.now().checked_add(-seconds * Ticks::PER_SECOND).unwrap()
}

fn bundle(modified: &str, pattern: &str) -> String {
    json!({"type": "bundle", "id": "bundle--1", "objects": [
        {"type": "indicator", "spec_version": "2.1", "id": "indicator--00000000-0000-4000-8000-000000000001", "created": "2026-01-01T00:00:00Z",
         "modified": modified, "valid_from": "2026-01-01T00:00:00Z", "name": "Campaign", "pattern_type": "stix", "pattern": pattern, "confidence": 90},
        {"type": "malware", "spec_version": "2.1", "id": "malware--00000000-0000-4000-8000-000000000001", "created": "2026-01-01T00:00:00Z",
         "modified": "2026-01-01T00:00:00Z", "name": "Dropper", "is_family": false},
        {"type": "indicator", "spec_version": "2.1", "id": "indicator--00000000-0000-4000-8000-000000000002", "created": "2026-01-01T00:00:00Z",
         "modified": "2026-01-01T00:00:00Z", "valid_from": "2026-01-01T00:00:00Z", "pattern_type": "stix", "pattern": "[file:name LIKE 'a%']"},
    ]})
    .to_string()
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("bundle.json", &bundle("2026-01-01T00:00:00Z", "[ipv4-addr:value = '203.0.113.7']"));
    desk.file("list.txt", "evil[.]example\n# nothing\nnonsense\n");
    desk
}

fn sign_in(time: Ticks, address: &str) -> String {
    format!(
        "{}\n",
        json!({"TimeGenerated": time.to_string(), "IPAddress": address, "UserPrincipalName": "ann@contoso.com"})
    )
}

fn ingest(desk: &Desk, row: &str) {
    desk.file("a.jsonl", row);
    let ran = desk.run(&["ingest", "SigninLogs", "a.jsonl", "--lake", "l"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn fine(desk: &Desk, arguments: &[&str]) -> Ran {
    let ran = desk.run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    ran
}

/// How many rows a query gives.
fn count(desk: &Desk, query: &str) -> usize {
    let out = desk.run(&["query", &format!("{query} | count"), "--lake", "l", "--format", "csv"]).out;
    out.lines().last().and_then(|line| line.parse().ok()).unwrap_or_default()
}

#[test]
fn indicators_are_taken_in_listed_and_expired() {
    let desk = desk();
    let ran = fine(&desk, &["intel", "import", "bundle.json", "--lake", "l", "--source", "partner"]);
    assert!(
        ran.err.contains("2 indicators and 1 other objects are new") && ran.err.contains("LIKE"),
        "{ran:?}"
    );
    let ran = fine(&desk, &["intel", "import", "bundle.json", "--lake", "l"]);
    assert!(
        ran.err.contains("0 indicators and 0 other objects are new or changed, 3 were there already"),
        "{ran:?}"
    );
    let ran =
        desk.run(&["intel", "import", "list.txt", "--lake", "l", "--source", "list", "--valid-for", "30d"]);
    assert!(ran.code == 1 && ran.err.contains("`nonsense` is no observable"), "{ran:?}");
    let ran =
        desk.run(&["intel", "import", "list.txt", "--lake", "l", "--source", "list", "--valid-for", "30d"]);
    assert!(ran.err.contains("1 were there already"), "{ran:?}");
    // A newer version takes the place of the older one.
    desk.file("bundle.json", &bundle("2026-02-01T00:00:00Z", "[ipv4-addr:value = '203.0.113.8']"));
    let ran = fine(&desk, &["intel", "import", "bundle.json", "--lake", "l", "--source", "partner"]);
    assert!(ran.err.contains("1 values do not count any more"), "{ran:?}");
    assert_eq!(
        count(
            &desk,
            "ThreatIntelIndicators | summarize arg_max(TimeGenerated, *) by Id, ObservableValue | where IsActive and isnotempty(ObservableValue)"
        ),
        2
    );
    assert_eq!(
        count(
            &desk,
            "ThreatIntelligenceIndicator | summarize arg_max(TimeGenerated, *) by IndicatorId | where Active and NetworkIP == '203.0.113.8'"
        ),
        1
    );
    let listed = fine(&desk, &["intel", "list", "--lake", "l", "--format", "json"]).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(3));
    let listed = fine(&desk, &["intel", "list", "203.0.113.8", "--lake", "l", "--format", "json"]).json();
    assert_eq!((&listed[0]["source"], &listed[0]["confidence"]), (&json!("partner"), &json!(90)));
    let table = fine(&desk, &["intel", "list", "--lake", "l", "--format", "table"]).out;
    assert!(table.contains("evil.example"), "{table}");
    let shown =
        fine(&desk, &["intel", "show", "malware--00000000-0000-4000-8000-000000000001", "--lake", "l"])
            .json();
    assert_eq!(shown["object"]["name"], "Dropper");
    assert_eq!(desk.run(&["intel", "show", "malware--2", "--lake", "l"]).code, 1);
    let id = "indicator--00000000-0000-4000-8000-000000000001";
    fine(&desk, &["intel", "expire", id, "--lake", "l"]);
    let listed = fine(&desk, &["intel", "list", "203.0.113.8", "--lake", "l", "--format", "json"]).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(0));
    // The same version does not bring it back.
    fine(&desk, &["intel", "import", "bundle.json", "--lake", "l", "--source", "partner"]);
    assert_eq!(
        fine(&desk, &["intel", "list", "203.0.113.8", "--lake", "l", "--format", "json"]).json(),
        json!([])
    );
    assert_eq!(desk.run(&["intel", "import", "missing.json", "--lake", "l"]).code, 2);
}

#[test]
fn events_are_matched_and_the_past_is_hunted_once() {
    let desk = desk();
    ingest(&desk, &sign_in(ago(86_400), "203.0.113.7"));
    // What was taken in within the last second is matched as it comes.
    std::thread::sleep(Duration::from_secs(2));
    fine(&desk, &["intel", "import", "bundle.json", "--lake", "l"]);
    let first = fine(&desk, &["intel", "match", "--lake", "l", "--format", "json"]);
    assert_eq!(first.json(), json!([]), "{first:?}");
    let hunted = fine(&desk, &["intel", "hunt", "--lake", "l", "--format", "json"]);
    assert_eq!(hunted.json().as_array().map(Vec::len), Some(1), "{hunted:?}");
    assert!(hunted.out.contains("in the past") && hunted.out.contains("ann"), "{hunted:?}");
    assert_eq!(fine(&desk, &["intel", "hunt", "--lake", "l", "--format", "json"]).json(), json!([]));
    ingest(&desk, &(sign_in(ago(1), "203.0.113.7") + &sign_in(ago(1), "203.0.113.9")));
    std::thread::sleep(Duration::from_secs(2));
    let matched = fine(&desk, &["intel", "match", "--lake", "l", "--format", "json"]);
    assert_eq!(matched.json().as_array().map(Vec::len), Some(1), "{matched:?}");
    assert_eq!(fine(&desk, &["intel", "match", "--lake", "l", "--format", "json"]).json(), json!([]));
    assert_eq!(fine(&desk, &["intel", "hunt", "--lake", "l", "--format", "json"]).json(), json!([]));
    assert_eq!(count(&desk, "SecurityAlert"), 2);
    // A time that is named shows alerts and keeps none.
    let from = ago(3_600).to_string();
    let shown = fine(&desk, &["intel", "match", "--lake", "l", "--from", &from, "--format", "json"]);
    assert_eq!(shown.json().as_array().map(Vec::len), Some(1), "{shown:?}");
    assert_eq!(count(&desk, "SecurityAlert"), 2);
}

#[test]
fn files_are_matched_without_a_lake() {
    let desk = desk();
    desk.file("signins.jsonl", &sign_in(ago(60), "203.0.113.7"));
    let ran = fine(
        &desk,
        &[
            "intel",
            "match",
            "--table",
            "SigninLogs=signins.jsonl",
            "--indicators",
            "bundle.json",
            "--format",
            "json",
        ],
    );
    assert_eq!(ran.json()[0]["AlertSeverity"], "High", "{ran:?}");
    let ran = fine(&desk, &["intel", "import", "bundle.json", "--dry-run"]);
    assert!(ran.err.contains("nothing was kept"), "{ran:?}");
    assert_eq!(desk.run(&["intel", "pull", "http://127.0.0.1:9/", "--collections"]).code, 2);
    assert_eq!(
        desk.run(&["intel", "pull", "https://t.example/", "--token", "my-secret", "--lake", "l"]).code,
        2
    );
}

fn up(desk: &Desk) -> Child {
    let arguments =
        ["up", "--listen", "127.0.0.1:0", "--lake", "l", "--intel", "intel.yaml", "--watch", "inbox"];
    desk.command(&arguments).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until there are so many alerts; how long that took.
fn wait(desk: &Desk, alerts: usize) -> Duration {
    let begun = Instant::now();
    while count(desk, "SecurityAlert") < alerts && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(200));
    }
    begun.elapsed()
}

fn end(mut child: Child) -> String {
    child.kill().unwrap();
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    child.wait().unwrap();
    told
}

#[test]
fn a_server_fetches_matches_and_hunts_each_once() {
    let desk = desk();
    ingest(&desk, &sign_in(ago(86_400), "203.0.113.7"));
    // What was taken in within the last second is matched as it comes.
    std::thread::sleep(Duration::from_secs(2));
    desk.file("feeds/bundle.json", &bundle("2026-01-01T00:00:00Z", "[ipv4-addr:value = '203.0.113.7']"));
    desk.file("intel.yaml", "feeds:\n  - { name: partner, files: feeds, every: 10s }\n");
    let child = up(&desk);
    // The past is hunted when the feed has come.
    wait(&desk, 1);
    desk.file("inbox/SigninLogs__a.jsonl", &sign_in(ago(0), "203.0.113.7"));
    let took = wait(&desk, 2);
    let told = end(child);
    assert_eq!(count(&desk, "SecurityAlert"), 2, "{told}");
    assert!(
        told.contains("1 feeds (partner)") && told.contains("1 indicators were hunted and raised 1 alerts"),
        "{told}"
    );
    eprintln!("from the file to the alert: {:.1} s", took.as_secs_f64());
    assert!(took < Duration::from_secs(20), "{took:?}: {told}");
    // Killed and started again, nothing is told twice.
    let child = up(&desk);
    std::thread::sleep(Duration::from_secs(6));
    let told = end(child);
    assert_eq!(count(&desk, "SecurityAlert"), 2, "{told}");
    assert_eq!(count(&desk, "SecurityAlert | where AlertName has 'past'"), 1);
}
