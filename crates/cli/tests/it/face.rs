//! Help, completion, messages.

use crate::Desk;

#[test]
fn every_command_helps_with_examples() {
    let desk = Desk::new();
    for command in [
        "scan",
        "policy",
        "bom",
        "content",
        "content list",
        "content show",
        "content add",
        "content remove",
        "completions",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let ran = desk.run(&words);
        assert_eq!(ran.code, 0);
        let examples = ran.out.split_once("Examples:").map(|(_, examples)| examples);
        let shows = examples.is_some_and(|examples| examples.contains(&format!("castellan {command}")));
        assert!(shows, "{command}: {}", ran.out);
    }
    for command in ["scan", "policy", "bom"] {
        assert!(desk.run(&[command, "--help"]).out.contains("Exit codes:"), "{command}");
    }
    assert!(desk.run(&["--help"]).out.contains("Exit codes"));
    let nothing = desk.run(&[]);
    assert_eq!(nothing.code, 2);
    assert!(nothing.err.contains("Usage"), "{}", nothing.err);
}

#[test]
fn shells_can_complete() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = desk.run(&["completions", shell]);
        assert!(ran.code == 0 && ran.out.contains("castellan") && ran.out.contains("fail-on"), "{shell}");
    }
}

#[test]
fn a_wrong_word_gets_the_right_one() {
    let ran = Desk::new().run(&["scna", "."]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("scan"), "{}", ran.err);
}
