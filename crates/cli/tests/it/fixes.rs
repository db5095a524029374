//! `--fix-out`: patched input scans as fixed.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::{Desk, OPEN_ACCOUNT, repository};

fn violations(report: &Value) -> BTreeSet<(String, String)> {
    let findings = report["findings"].as_array().unwrap();
    let open = findings.iter().filter(|finding| finding["verdict"] == "non-compliant");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    open.map(|finding| (text(&finding["check"]), text(&finding["resource"]))).collect()
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn patched_copies_of_the_example_have_fewer_violations_and_no_new_ones() {
    let desk = Desk::new();
    copy(&repository().join("examples/harbour-mutual"), &desk.path("estate"));
    let before = violations(&desk.run(&["scan", "estate", "-q", "--fix-out", "fixes"]).json());
    copy(&desk.path("fixes/estate"), &desk.path("estate"));
    let after = violations(&desk.run(&["scan", "estate", "-q"]).json());
    let new: Vec<_> = after.difference(&before).collect();
    assert!(new.is_empty(), "{new:#?}");
    let fixed = before.difference(&after).count();
    assert!(fixed >= 15, "only {fixed} of {} are fixed; left: {after:#?}", before.len());
    assert!(desk.read("fixes/not-patched.md").contains("agent-lethal-trifecta"));
    let shell = Command::new("sh").arg("-n").arg(desk.path("fixes/fixes.sh")).output().unwrap();
    assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stderr));
}

#[test]
fn patched_copies_never_pass_for_input() {
    let desk = Desk::new();
    copy(&repository().join("examples/harbour-mutual"), &desk.path("estate"));
    let before = violations(&desk.run(&["scan", ".", "-q", "--fix-out", "fixes"]).json());
    let again = desk.run(&["scan", "."]);
    // The patched exports have the ids of the originals; what is wrong with those must not vanish.
    assert_eq!(violations(&again.json()), before);
    assert!(again.err.contains("fixes` holds what --fix-out wrote"), "{}", again.err);
    assert!(again.json()["diagnostics"].to_string().contains("--fix-out wrote"), "the report says it too");
    let named = violations(&desk.run(&["scan", "fixes/estate", "-q"]).json());
    assert!(!named.is_empty() && named.len() < before.len(), "a folder that is named is read");
    assert_eq!(
        desk.run(&["scan", ".", "-q", "--fix-out", "fixes"]).code,
        0,
        "our own folder is written again"
    );
}

#[test]
fn a_marker_hides_nothing_from_a_gate() {
    let desk = Desk::new();
    desk.file("infra/main.json", OPEN_ACCOUNT);
    desk.file("agents/mcp.json", r#"{"mcpServers": {}}"#);
    desk.file("infra/.castellan-fixes", "");
    let gate = desk.run(&["scan", ".", "-q", "--fail-on", "critical"]);
    assert_eq!(gate.code, 2, "{gate:#?}");
    assert!(gate.err.contains("left out"), "{}", gate.err);
    assert_eq!(desk.run(&["scan", ".", "-q"]).code, 0, "without a gate it is a warning");
    assert_eq!(desk.run(&["scan", "infra", "-q", "--fail-on", "medium"]).code, 1);
    assert_eq!(desk.run(&["scan", "infra", "-q", "--fail-on", "critical"]).code, 0);
}

#[test]
fn no_file_of_somebody_is_written_over() {
    let desk = Desk::new();
    desk.file("infra/main.json", OPEN_ACCOUNT);
    for folder in [".", "infra", "infra/main.json"] {
        let ran = desk.run(&["scan", "infra", "--fix-out", folder]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{folder}");
        assert!(ran.err.contains("new folder"), "{folder}: {}", ran.err);
    }
    assert_eq!(desk.read("infra/main.json"), OPEN_ACCOUNT);
    std::fs::create_dir(desk.path("empty")).unwrap();
    assert_eq!(desk.run(&["scan", "infra", "-q", "--fix-out", "empty"]).code, 0);
    assert_eq!(desk.read("infra/main.json"), OPEN_ACCOUNT);
}

#[test]
fn patches_apply_with_git() {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("skipped: git is missing");
        return;
    }
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    let before = violations(&desk.run(&["scan", "main.json", "-q", "--fix-out", "fixes"]).json());
    let patch = desk.path("fixes/main.json.patch");
    let applied =
        Command::new("git").arg("apply").arg(&patch).current_dir(desk.folder.path()).output().unwrap();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    assert_eq!(desk.read("main.json"), desk.read("fixes/main.json"));
    let after = violations(&desk.run(&["scan", "main.json", "-q"]).json());
    assert!(after.len() < before.len() && after.is_subset(&before), "{after:#?}");
    assert!(!after.iter().any(|(check, _)| check == "ai-services-key-access"));
}
