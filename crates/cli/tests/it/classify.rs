//! `castellan classify`.

use serde_json::{Value, json};

use crate::Desk;

const CARD: &str = "My visa card is 4111 1111 1111 1111.\nNothing here.\n";

#[test]
fn findings_say_where_they_stand_and_what_they_passed() {
    let desk = Desk::new();
    desk.file("data/note.txt", CARD);
    desk.file("data/people.csv", "name,card number\nann,4111111111111111\nbob,4111111111111112\n");
    let found = desk.run(&["classify", "data", "--types", "payment-card", "-q"]);
    assert_eq!(found.code, 0, "{}", found.err);
    let told = found.json();
    let places: Vec<(&str, Option<u64>, &str)> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["path"].as_str().unwrap(), it["line"].as_u64(), it["location"].as_str().unwrap()))
        .collect();
    assert_eq!(
        places,
        [("data/note.txt", Some(1), "text"), ("data/people.csv", Some(2), "row 2 column 2 (card number)")]
    );
    assert_eq!(told["findings"][0]["start"], 16);
    assert_eq!(told["findings"][1]["start"], 0);
    let certificate = &told["certificate"];
    assert_eq!((&certificate["files"], &certificate["files_complete"]), (&json!(2), &json!(2)));
    // With the one that names the columns, in which something may stand too.
    assert_eq!(certificate["rows"], 3);
}

#[test]
fn what_is_not_read_is_said() {
    let desk = Desk::new();
    desk.file("data/note.txt", CARD);
    std::fs::write(desk.path("data/program"), b"\x7FELF\x02\x01\x01\0\0\0\0\0").unwrap();
    std::fs::write(desk.path("data/broken.zip"), b"PK\x03\x04 and nothing more").unwrap();
    let told = desk.run(&["classify", "data", "missing", "-q"]).json();
    let skipped = told["certificate"]["skipped"].as_array().unwrap();
    let paths: Vec<&str> = skipped.iter().map(|it| it["path"].as_str().unwrap()).collect();
    for path in ["missing", "data/program", "data/broken.zip"] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
}

#[test]
fn exit_codes_tell_findings_and_bad_input() {
    let desk = Desk::new();
    desk.file("note.txt", CARD);
    assert_eq!(desk.run(&["classify", "note.txt", "-q", "--fail-on", "85"]).code, 1);
    assert_eq!(desk.run(&["classify", "note.txt", "-q", "--fail-on", "100"]).code, 0);
    assert_eq!(desk.run(&["classify", "missing", "-q"]).code, 2);
    let unknown = desk.run(&["classify", "note.txt", "--types", "no-such-type"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("no-such-type"), "{}", unknown.err);
    assert_eq!(desk.run(&["classify"]).code, 2);
}

#[test]
fn unchanged_files_are_known_from_the_state() {
    let desk = Desk::new();
    desk.file("a.txt", CARD);
    desk.file("b.txt", "nothing");
    let arguments = ["classify", "a.txt", "b.txt", "-q", "--state", "state.jsonl"];
    let first = desk.run(&arguments).json();
    assert_eq!(first["certificate"]["files_reused"], 0);
    desk.file("b.txt", "something else");
    let second = desk.run(&arguments).json();
    assert_eq!(second["certificate"]["files_reused"], 1);
    assert_eq!(first["findings"], second["findings"]);
    let state = std::fs::read_to_string(desk.path("state.jsonl")).unwrap();
    assert!(!state.contains("4111"), "the state holds what was found");
    // A line that was cut off counts for nothing.
    std::fs::write(desk.path("state.jsonl"), &state[..state.len() / 3]).unwrap();
    assert_eq!(desk.run(&arguments).json()["findings"], first["findings"]);
}

#[test]
fn lines_are_answered_one_by_one() {
    let desk = Desk::new();
    desk.file(
        "lines.jsonl",
        "{\"id\": 1, \"text\": \"\u{1f600} visa 4111 1111 1111 1111\"}\nno json\n{\"id\": 2, \"text\": \"x\", \"types\": [\"nothing\"]}\n",
    );
    let answers = |offsets: &str| -> Vec<Value> {
        let told = desk.run(&["classify", "--batch", "lines.jsonl", "--offsets", offsets]);
        assert_eq!(told.code, 0, "{}", told.err);
        told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    for (offsets, start) in [("codepoint", 7), ("byte", 10), ("utf16", 8)] {
        let answers = answers(offsets);
        let finding = &answers[0]["findings"][0];
        assert_eq!((&finding["start"], &finding["validated"]), (&json!(start), &json!(true)), "{offsets}");
        assert_eq!(answers[1]["error"]["code"], "invalid-json");
        assert_eq!(answers[2]["error"]["code"], "unknown-type");
    }
}

#[test]
fn numbers_are_validated() {
    let desk = Desk::new();
    desk.file(
        "numbers.jsonl",
        "{\"id\": 1, \"format\": \"iban\", \"text\": \"DE89 3704 0044 0532 0130 00\"}\n{\"id\": 2, \"format\": \"us.ssn\", \"text\": \"666-00-0000\"}\n{\"id\": 3, \"format\": \"none\", \"text\": \"\"}\n",
    );
    let told = desk.run(&["classify", "validate", "--batch", "numbers.jsonl"]);
    let answers: Vec<Value> = told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0], json!({ "id": 1, "valid": true }));
    assert_eq!(answers[1], json!({ "id": 2, "valid": false }));
    assert_eq!(answers[2]["error"]["code"], "unknown-format");
}

#[test]
fn all_types_are_listed() {
    let desk = Desk::new();
    let listed = desk.run(&["classify", "--list", "--format", "json"]).json();
    assert!(listed.as_array().unwrap().iter().any(|it| it["id"] == "payment-card"));
}
