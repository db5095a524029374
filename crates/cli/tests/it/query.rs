//! `castellan query`.

use std::process::Stdio;

use serde_json::json;

use crate::Desk;

const EVENTS: &str = r#"{"TimeGenerated": "2026-11-20T10:00:00Z", "User": "ann", "Failed": 3, "Details": {"city": "Bremen"}}
{"TimeGenerated": "2026-11-20T11:00:00.1234567Z", "User": "bob", "Failed": 1}
{"TimeGenerated": "2026-11-21T10:00:00Z", "User": "ann", "Failed": 4, "Details": {"city": "Bergen"}}
"#;

#[test]
fn files_of_every_kind_give_the_same_answer() {
    let desk = Desk::new();
    desk.file("events.jsonl", EVENTS);
    let query = "Events | where TimeGenerated > datetime(2026-11-20T10:30) | summarize Failed = sum(Failed), \
                 City = take_any(tostring(Details.city)) by User | order by User asc";
    let expected = json!([
        { "User": "ann", "Failed": 4, "City": "Bergen" },
        { "User": "bob", "Failed": 1, "City": "" },
    ]);
    assert_eq!(desk.run(&["query", query, "--table", "Events=events.jsonl"]).json(), expected);
    for file in ["events.parquet", "events.csv", "copy.jsonl"] {
        let written = desk.run(&["query", "Events", "--table", "Events=events.jsonl", "-o", file]);
        assert_eq!(written.code, 0, "{file}: {}", written.err);
        let table = format!("Events={file}");
        assert_eq!(desk.run(&["query", query, "--table", &table]).json(), expected, "{file}");
    }
    std::fs::create_dir_all(desk.path("folder")).unwrap();
    std::fs::copy(desk.path("events.parquet"), desk.path("folder/a.parquet")).unwrap();
    std::fs::copy(desk.path("events.parquet"), desk.path("folder/b.parquet")).unwrap();
    let counted = desk.run(&["query", "Events | count", "--table", "Events=folder"]);
    assert_eq!(counted.json(), json!([{ "Count": 6 }]), "{}", counted.err);
}

#[test]
fn values_are_written_as_promised() {
    let desk = Desk::new();
    let query = "print t = datetime(2024-01-02T03:04:05.1234567), s = 1d + 2h + 3m + 4s + 123ms, r = real(nan), \
                 i = real(+inf), d = dynamic({'a': [1, null]}), m = decimal(1.5), \
                 g = guid(74be27de-1e4e-49d9-b579-fe0b331d3642), n = long(null), b = true";
    let expected = json!([{
        "t": "2024-01-02T03:04:05.1234567Z", "s": "1.02:03:04.1230000", "r": "NaN", "i": "Infinity",
        "d": { "a": [1, null] }, "m": "1.5", "g": "74be27de-1e4e-49d9-b579-fe0b331d3642", "n": null, "b": true,
    }]);
    assert_eq!(desk.run(&["query", query]).json(), expected);
}

#[test]
fn a_wrong_query_is_pointed_at() {
    let desk = Desk::new();
    desk.file("events.jsonl", EVENTS);
    let wrong = desk.run(&["query", "Events\n| where Usr == 'ann'", "--table", "Events=events.jsonl"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.err.contains("did you mean `User`?") && wrong.err.contains("    2 | | where Usr"),
        "{}",
        wrong.err
    );
    assert!(wrong.err.contains("      |         ^^^"), "{}", wrong.err);
    let unknown = desk.run(&["query", "Evnts | count", "--table", "Events=events.jsonl"]);
    assert!(unknown.err.contains("did you mean `Events`?"), "{}", unknown.err);
    let kind = desk.run(&["query", "T", "--table", "T=events.doc"]);
    assert_eq!(kind.code, 2);
}

#[test]
fn queries_are_checked_against_the_tables_of_azure_monitor() {
    let desk = Desk::new();
    let fine =
        desk.run(&["query", "--check", "SigninLogs | where ResultType == 0 | summarize count() by Identity"]);
    assert_eq!((fine.code, fine.err.as_str()), (0, ""));
    let wrong = desk.run(&["query", "--check", "SigninLogs | where ResultTyp == '0'"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("did you mean `ResultType`?"), "{}", wrong.err);
    desk.file(
        "queries.jsonl",
        "{\"id\": 7, \"query\": \"Heartbeat | cont\"}\n{\"id\": 8, \"query\": \"Heartbeat | count\"}\n",
    );
    let batch = desk.run(&["query", "--check", "--batch", "queries.jsonl"]);
    let lines: Vec<serde_json::Value> =
        batch.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(batch.code, 1);
    assert_eq!(
        (lines[0]["id"].as_i64(), lines[0]["diagnostics"][0]["code"].as_str()),
        (Some(7), Some("unknown-operator"))
    );
    assert_eq!(lines[1], json!({ "id": 8, "diagnostics": [] }));
}

#[test]
fn a_bad_line_of_a_batch_stops_nothing() {
    let desk = Desk::new();
    let lines = "{\"id\": 1, \"query\": \"print a = 1, b = 'x'\"}\nnonsense\n{\"id\": \"c\", \"query\": \"T | count\"}\n";
    desk.file("queries.jsonl", lines);
    let batch = desk.run(&["query", "--batch", "queries.jsonl"]);
    let answers: Vec<serde_json::Value> =
        batch.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(batch.code, 0, "{}", batch.err);
    let columns = json!([{ "name": "a", "type": "long" }, { "name": "b", "type": "string" }]);
    assert_eq!(answers[0], json!({ "id": 1, "columns": columns, "rows": [[1, "x"]] }));
    assert_eq!(answers[1]["error"]["code"], "bad-line");
    assert_eq!(answers[2]["error"]["code"], "unknown-table");
    assert_eq!(answers[2]["error"]["span"], json!({ "start": 0, "end": 1 }));
}

#[test]
fn what_a_scan_reads_can_be_asked() {
    let desk = Desk::new();
    desk.file("main.json", crate::OPEN_ACCOUNT);
    let query = "Resources | where type =~ 'Microsoft.CognitiveServices/accounts' | project name, \
                 open = tostring(properties.publicNetworkAccess)";
    let found = desk.run(&["query", query, "--scan", "main.json", "-q"]);
    assert_eq!(found.json().as_array().unwrap().len(), 1, "{}", found.err);
    let query = "SecurityResources | where type == 'microsoft.security/assessments' \
                 | where properties.status.code == 'Unhealthy' | count";
    let count = desk.run(&["query", query, "--scan", "main.json", "-q"]).json()[0]["Count"].as_i64().unwrap();
    assert!(count > 0);
}

#[test]
fn limits_end_a_query_and_not_the_program() {
    let desk = Desk::new();
    let rows = desk.run(&["query", "range x from 1 to 1000 step 1", "--rows", "10"]);
    assert_eq!(rows.code, 2);
    assert!(rows.err.contains("more than 10 rows"), "{}", rows.err);
    let points = desk.run(&["query", "range x from 1 to 1000000000000 step 1 | count"]);
    assert_eq!(points.code, 2);
    assert!(points.err.contains("too-many-rows"), "{}", points.err);
    let regex = desk.run(&["query", "print x = 'a' matches regex '(((a{1000}){1000}){1000})'"]);
    assert_ne!(regex.code, 101, "{}", regex.err);
}

#[test]
fn a_query_comes_from_standard_input_too() {
    use std::io::Write;
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_castellan"))
        .args(["query", "-", "--format", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"print a = 1, b = 'x,y'").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a,b\n1,\"x,y\"\n");
}
