//! Incidents: worked on through a server and in its folder, and no file that tells a secret.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use castellan_base::{OsSystem, System};
use serde_json::Value;

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
query: SigninLogs | where ResultType == '50126' | summarize Failed = count() by UserPrincipalName
eventGroupingSettings: { aggregationKind: AlertPerResult }
entityMappings:
  - entityType: Account
    fieldMappings: [ { identifier: FullName, columnName: UserPrincipalName } ]
";

const TOKEN: &str = "a-token-for-tests-0123456789";

fn desk() -> Desk {
    let desk = Desk::new()
        .with_env("CASTELLAN_TOKEN", TOKEN)
        .with_env("CASTELLAN_REVEAL_TOKEN", "another-token-for-tests-01")
        .with_env("CASTELLAN_USER", "ann@contoso.com");
    desk.file("rules/failed.yaml", RULE);
    let time = OsSystem.now().checked_add(-30 * 600_000_000).unwrap();
    let rows: String = ["ann", "bob", "eve"]
        .iter()
        .map(|user| {
            format!("{{\"TimeGenerated\":\"{time}\",\"UserPrincipalName\":\"{user}@contoso.com\",\"ResultType\":\"50126\"}}\n")
        })
        .collect();
    desk.file("a.jsonl", &rows);
    assert_eq!(desk.run(&["ingest", "SigninLogs", "a.jsonl", "--lake", "l"]).code, 0);
    // Rows are seen once nobody can be writing any that were taken in before.
    std::thread::sleep(Duration::from_secs(6));
    desk
}

/// A server, and where it is.
struct Up(Child, String);

impl Drop for Up {
    fn drop(&mut self) {
        // As a crash does: nothing is closed.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn up(desk: &Desk) -> Up {
    let arguments = [
        "up",
        "--listen",
        "127.0.0.1:0",
        "--lake",
        "l",
        "--analytics",
        "rules",
        "--evidence-key",
        "evidence.pub",
    ];
    let child = desk.command(&arguments).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut server = Up(child, String::new());
    let mut lines = BufReader::new(server.0.stderr.take().unwrap()).lines();
    let mut told = Vec::new();
    while let Some(Ok(line)) = lines.next() {
        let url = line.strip_prefix("castellan is up at ").and_then(|rest| rest.split(';').next());
        if let Some(url) = url.map(str::to_owned) {
            std::thread::spawn(move || lines.for_each(drop));
            server.1 = url;
            return server;
        }
        told.push(line);
    }
    panic!("{told:?}");
}

fn incident(desk: &Desk, arguments: &[&str], place: &[&str]) -> Ran {
    desk.run(&[&["incident"][..], arguments, place].concat())
}

fn fine(desk: &Desk, arguments: &[&str], place: &[&str]) -> Value {
    let ran = incident(desk, arguments, place);
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    serde_json::from_str(&ran.out).unwrap_or(Value::String(ran.out))
}

fn wait_for_three(desk: &Desk, place: &[&str]) {
    let begun = Instant::now();
    while fine(desk, &["list"], place).as_array().unwrap().len() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no incidents came");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn incidents_are_worked_on_through_a_server_and_in_its_folder() {
    let desk = desk();
    let made = incident(&desk, &["keys", "new", "evidence.key"], &[]);
    assert!(made.code == 0 && made.out.starts_with("castellan-evidence-key:"), "{made:?}");
    desk.file("evidence.pub", &made.out);
    assert_eq!(incident(&desk, &["keys", "new", "evidence.key"], &[]).code, 2, "no key is written over");
    assert_eq!(incident(&desk, &["keys", "show", "evidence.key"], &[]).out, made.out);
    let server = up(&desk);
    let at = ["--url", server.1.as_str()];
    wait_for_three(&desk, &at);
    let one = fine(&desk, &["assign", "1", "ben@contoso.com"], &at);
    assert_eq!((&one["owner"], &one["version"]), (&"ben@contoso.com".into(), &2.into()));
    fine(&desk, &["comment", "1", "the card is in evidence"], &at);
    fine(&desk, &["tag", "1", "claims", "agents"], &at);
    fine(&desk, &["task", "1", "rotate the keys"], &at);
    assert_eq!(fine(&desk, &["task", "1", "--done", "1"], &at)["tasksDone"], 1);
    assert_eq!(fine(&desk, &["status", "1", "active", "--severity", "high"], &at)["severity"], "High");
    assert_eq!(fine(&desk, &["merge", "1", "2"], &at)["alerts"], 2);
    desk.file("prompt.txt", "my card is 4111 1111 1111 1111");
    fine(&desk, &["evidence", "1", "--add", "prompt.txt", "--kind", "prompt"], &at);
    let kept = fine(&desk, &["evidence", "1"], &at);
    let id = kept[0]["id"].as_str().unwrap();
    assert!(kept[0]["redacted"].as_str().unwrap().starts_with("my card is <"));
    let reveal = ["reveal", "1", &id[..10], "--key", "evidence.key", "--reason", "the owner asks"];
    let ran = incident(&desk, &reveal, &at);
    assert_eq!((ran.code, ran.out.as_str()), (0, "my card is 4111 1111 1111 1111\n"), "{ran:?}");
    assert_eq!(incident(&desk, &["comment", "1", "x", "--seen", "1"], &at).code, 2);
    let locked = incident(&desk, &["list"], &["--lake", "l"]);
    assert!(locked.code == 2 && locked.err.contains("--url"), "{locked:?}");
    drop(server);
    in_the_folder(&desk, id);
}

fn in_the_folder(desk: &Desk, id: &str) {
    let at = ["--lake", "l"];
    assert_eq!(fine(desk, &["list"], &at).as_array().unwrap().len(), 2);
    let alert = fine(desk, &["show", "1"], &at)["alerts"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(fine(desk, &["split", "1", &alert], &at)["alerts"], 1);
    let reveal = ["reveal", "1", id, "--key", "evidence.key", "--reason", "once more"];
    assert_eq!(incident(desk, &reveal, &at).out, "my card is 4111 1111 1111 1111\n");
    assert_eq!(
        incident(desk, &["close", "1", "--as", "true-positive", "--reason", "inaccurate-data"], &at).code,
        2
    );
    let closed =
        ["close", "1", "--as", "true-positive", "--reason", "suspicious-activity", "--comment", "rotated"];
    assert_eq!(fine(desk, &closed, &at)["classification"], "TruePositive");
    for (form, begins) in [("ocsf", "["), ("stix", "{"), ("json", "{")] {
        assert!(incident(desk, &["export", "1", "--as", form], &at).out.starts_with(begins), "{form}");
    }
    assert!(incident(desk, &["graph", "1", "--as", "dot"], &at).out.starts_with("graph incident {"));
    assert_eq!(incident(desk, &["report", "1", "-o", "report.html"], &at).code, 0);
    let report = String::from_utf8(OsSystem.read(&desk.path("report.html"), 1 << 20).unwrap()).unwrap();
    assert!(report.contains("rotate the keys") && report.contains("revealed") && !tells(report.as_bytes()));
    let trail = fine(desk, &["audit", "1"], &at);
    let what: Vec<&str> = trail.as_array().unwrap().iter().filter_map(|step| step["what"].as_str()).collect();
    for step in [
        "opened",
        "assigned",
        "commented",
        "tagged",
        "task done",
        "merged",
        "evidence",
        "revealed",
        "split",
        "classified",
    ] {
        assert!(what.contains(&step), "{step}: {what:?}");
    }
    let log = fine(desk, &["audit"], &at);
    assert_eq!(log.as_array().unwrap().iter().filter(|entry| entry["act"] == "revealed").count(), 2);
    let tables = ["show", "1", "--format", "table"];
    let shown = incident(desk, &tables, &at).out;
    assert!(shown.contains("Failed logons") && shown.contains("ann@contoso.com"), "{shown}");
    assert!(incident(desk, &["timeline", "1", "--format", "table"], &at).out.contains("assigned"));
    // Each change has its row, each row is there once.
    let rows = desk.run(&[
        "query",
        "SecurityIncident | summarize Rows = count(), Versions = dcount(tolong(AdditionalData.version)) by IncidentNumber | where Rows != Versions",
        "--lake",
        "l",
        "--format",
        "jsonl",
    ]);
    assert_eq!((rows.code, rows.out.as_str()), (0, ""), "{rows:?}");
    assert_eq!(incident(desk, &["audit", "--verify"], &at).code, 0);
    nothing_tells(desk);
    let log = desk.path("l/incidents/audit.jsonl");
    let text = String::from_utf8(OsSystem.read(&log, 1 << 20).unwrap()).unwrap();
    OsSystem.write(&log, text.replace("once more", "by chance").as_bytes()).unwrap();
    let ran = incident(desk, &["audit", "--verify"], &at);
    assert!(ran.code == 1 && ran.err.contains("is not what was written"), "{ran:?}");
}

/// Whether bytes hold the card's number, or four digits of its beginning by themselves. Ids and hashes have such digits by chance,
/// between others.
fn tells(bytes: &[u8]) -> bool {
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let beginning = b"4111";
    let is_inside = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let mut starts = bytes.windows(beginning.len()).enumerate().filter(|(_, window)| *window == beginning);
    let stands_alone = starts.any(|(at, _)| {
        let before = at.checked_sub(1).is_some_and(is_inside);
        !before && !is_inside(at + beginning.len())
    });
    stands_alone || holds(b"1111 1111") || holds(b"41111111")
}

/// No file of the lake holds the card's number.
fn nothing_tells(desk: &Desk) {
    let mut folders = vec![desk.path("l")];
    while let Some(folder) = folders.pop() {
        for entry in OsSystem.read_dir(&folder).unwrap() {
            if entry.is_dir {
                folders.push(entry.path);
                continue;
            }
            let bytes = OsSystem.read(&entry.path, 1 << 30).unwrap();
            assert!(!tells(&bytes), "{}", entry.path.display());
        }
    }
}

#[test]
fn a_number_is_told_in_each_of_its_forms() {
    for text in ["card 4111 1111", "\"4111\"", "x41111111x", "4111", " 1111 1111"] {
        assert!(tells(text.as_bytes()), "{text}");
    }
    for text in ["9f4111ab", "2026-11-22T16:44:12.5411132Z", "no number"] {
        assert!(!tells(text.as_bytes()), "{text}");
    }
}

#[test]
fn what_cannot_be_done_is_told() {
    let desk = Desk::new();
    for (arguments, words) in [
        (vec!["list"], "there are no incidents in `castellan-lake`"),
        (vec!["list", "--url", "127.0.0.1:1"], "write it as http://"),
        (vec!["list", "--url", "http://127.0.0.1:1"], "see that `castellan up` runs there"),
        (vec!["comment", "1", "x"], "--by"),
        (vec!["keys", "show", "nothing.key"], "cannot read `nothing.key`"),
    ] {
        let ran = incident(&desk, &arguments, &[]);
        assert!(ran.code == 2 && ran.err.contains(words), "{arguments:?}: {ran:?}");
    }
}
