//! What must hold of files for any bytes, on bytes that are nearly right.

use crate::invariants;
use crate::nearly::check;

#[test]
fn configurations() {
    let seeds = [
        include_str!("../../../../examples/gate/castellan.toml"),
        include_str!("../../../../examples/gate/serving.toml"),
    ];
    check(
        &seeds,
        &["\n", "[", "]", "[[", "=", "\"", "[gate.mcp]\n", "{", "}", "-1", "1e400", "#"],
        invariants::config,
    );
}

#[test]
fn profiles() {
    let seeds = [
        include_str!("../../../../content/guardrails/default.yaml"),
        include_str!("../../../../content/guardrails/strict.yaml"),
    ];
    let words =
        ["\n", "- ", ": ", "{", "}", "[", "]", "block", "transform", "restore: true", "&a ", "*a", "\u{0}"];
    check(&seeds, &words, invariants::profile);
}
