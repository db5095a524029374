//! Readers that leave early, and input that is no text.

use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::{Desk, OPEN_ACCOUNT, harbour};

#[test]
fn no_command_minds_a_reader_that_leaves() {
    let desk = Desk::new();
    let line = json!({"id": 1, "definition": {"if": {"field": "type", "exists": true}, "then": {"effect": "audit"}},
        "resource": {"type": "A.B/c", "name": "n", "properties": {"filler": "x".repeat(2000)}}});
    desk.file("cases.jsonl", &format!("{line}\n").repeat(500));
    let example = harbour();
    for arguments in [
        &["scan", &example, "-q"][..],
        &["scan", &example, "-q", "--format", "terminal"],
        &["scan", &example, "-q", "--format", "html"],
        &["scan", &example, "-q", "--format", "oscal"],
        &["bom", &example, "-q"],
        &["bom", &example, "-q", "--format", "table"],
        &["policy", "--batch", "cases.jsonl"],
        &["content", "list"],
        &["content", "list", "--json"],
        &["completions", "bash"],
        &["scan", "--help"],
    ] {
        let mut command = desk.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut few = [0_u8; 4];
        child.stdout.take().unwrap().read_exact(&mut few).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_broken_line_of_bytes_is_answered_in_its_place() {
    let desk = Desk::new();
    let good = json!({"id": "good", "definition": {"if": {"field": "name", "equals": "n"}, "then": {"effect": "audit"}},
        "resource": {"type": "A.B/c", "name": "n"}})
    .to_string();
    // The same request, but for one byte that is no UTF-8 in the name.
    let broken = good.replace("good", "broken").into_bytes();
    let at = broken.windows(4).rposition(|part| part == b":\"n\"").unwrap() + 2;
    let mut input = good.clone().into_bytes();
    input.push(b'\n');
    input.extend(broken.iter().enumerate().map(|(index, byte)| if index == at { 0xff } else { *byte }));
    input.extend(format!("\r\n{good}").bytes());
    std::fs::write(desk.path("cases.jsonl"), input).unwrap();
    let ran = desk.run(&["policy", "--batch", "cases.jsonl"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let answers: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["verdict"], "non-compliant");
    assert_eq!(answers[1]["error"]["code"], "invalid-utf-8");
    assert_eq!(answers[2]["verdict"], "non-compliant");
    let folder = desk.run(&["policy", "--batch", "."]);
    assert_eq!(folder.code, 2);
    assert!(folder.err.contains("`.`"), "{}", folder.err);
}

#[cfg(unix)] // Elsewhere no file can have such a name.
#[test]
fn names_do_not_steer_the_terminal_or_the_build_log() {
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    desk.file("a\u{1b}]0;owned\u{7}\n::error::b\u{202e}.json", "{ ,}");
    for command in ["scan", "bom"] {
        let ran = desk.run(&[command, "."]);
        assert!(ran.err.contains(".json:1:3: expected"), "{}", ran.err);
        let steering =
            |character: char| character != '\n' && (character.is_control() || character == '\u{202e}');
        assert!(!ran.err.contains(steering), "{:?}", ran.err);
        assert!(!ran.err.lines().any(|line| line.starts_with("::")), "{}", ran.err);
    }
}

#[test]
fn a_huge_file_is_scanned_beside_the_rest() {
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    // Five megabytes on one line, which end before the document does.
    desk.file("huge.json", &format!("{{\"resources\": [{}", "{\"a\": [1, 2, 3]},".repeat(300_000)));
    let ran = desk.run(&["scan", ".", "-q"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("huge.json:1:"), "{}", ran.err);
    let report = ran.json();
    assert!(
        report["findings"].as_array().unwrap().iter().any(|finding| finding["verdict"] == "non-compliant")
    );
}
