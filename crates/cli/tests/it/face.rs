//! Help, completion, messages.

use crate::Desk;

#[test]
fn every_command_helps_with_examples() {
    let desk = Desk::new();
    for command in ["scan", "policy", "bom"] {
        let ran = desk.run(&[command, "--help"]);
        assert_eq!(ran.code, 0);
        assert!(
            ran.out.contains("Examples:") && ran.out.contains(&format!("castellan {command}")),
            "{}",
            ran.out
        );
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
