//! Labels and flows: the rules' own examples, and what is forgotten.

use std::collections::BTreeSet;

use castellan_base::Ticks;
use castellan_mcp::taint::{
    Action, Config, Conversation, EGRESS, Flows, Hints, PRIVATE, Said, Step, Taints, ToolLabels, UNTRUSTED,
};

fn at(seconds: i64) -> Ticks {
    Ticks::new(seconds * Ticks::PER_SECOND).unwrap()
}

fn who(principal: &str, id: &str) -> Conversation {
    Conversation { principal: principal.to_owned(), id: id.to_owned() }
}

fn step() -> Step {
    Step { server: "s".to_owned(), subject: "t".to_owned(), why: "configured".to_owned(), at: 0 }
}

/// Whether the rule holds at any call of the steps.
fn holds(flows: &Flows, rule: &str, steps: &[Said]) -> bool {
    let mut taints = Taints::new(Config::default());
    let conversation = who("p", "c");
    steps.iter().any(|said| match said {
        Said::Gives(labels) => {
            labels.iter().for_each(|label| taints.add(&conversation, label, step(), at(0)));
            false
        }
        Said::Call(labels) => {
            let call: BTreeSet<String> = labels.iter().cloned().collect();
            flows.judge(&taints.of(&conversation, at(1)), &call).iter().any(|found| found.rule == rule)
        }
    })
}

#[test]
fn the_examples_of_every_rule() {
    let flows = Flows::built_in().unwrap();
    assert!(flows.rules().len() >= 6);
    for rule in flows.rules() {
        for example in &rule.examples.positive {
            assert!(holds(&flows, &rule.id, example), "{}: {example:?}", rule.id);
        }
        for example in &rule.examples.negative {
            assert!(!holds(&flows, &rule.id, example), "{}: {example:?}", rule.id);
        }
    }
}

#[test]
fn faults_are_told_with_their_place() {
    for (text, told) in [
        ("version: 2\nrules: []", "version"),
        ("version: 1\nrules:\n  - id: a\n    sen: [x]", "sen"),
        (
            "version: 1\nrules:\n  - id: a\n    seen: [x]\n    call: [y]\n    action: shout\n    title: t\n    reason: r",
            "shout",
        ),
        (
            "version: 1\nrules:\n  - {id: a, title: t, reason: r, seen: [x], call: [y], action: block}",
            "examples",
        ),
    ] {
        let error = Flows::read("x.yaml", text).unwrap_err().to_string();
        assert!(error.contains(told) && error.contains("x.yaml"), "{error}");
    }
}

#[test]
fn the_chain_says_where_labels_come_from() {
    let flows = Flows::built_in().unwrap();
    let mut taints = Taints::new(Config::default());
    let conversation = who("p", "c");
    for label in [PRIVATE, UNTRUSTED] {
        taints.add(&conversation, label, step(), at(0));
    }
    let call = BTreeSet::from([EGRESS.to_owned()]);
    let found = flows.judge(&taints.of(&conversation, at(1)), &call);
    assert_eq!(found[0].action, Action::Block);
    assert!(found[0].to_string().contains("private-data from s/t (configured)"));
    assert!(flows.judge(&taints.of(&who("p", "other"), at(1)), &call).is_empty());
    assert!(flows.judge(&taints.of(&conversation, at(20_000)), &call).is_empty());
}

#[test]
fn forgetting_never_opens() {
    let mut taints = Taints::new(Config { conversations: 2, ..Config::default() });
    taints.add(&who("p", "1"), PRIVATE, step(), at(0));
    for id in 2..50 {
        taints.add(&who("p", &id.to_string()), UNTRUSTED, step(), at(id));
    }
    // The first conversation had no room any more: its label is the principal's now.
    assert!(taints.of(&who("p", "1"), at(60)).steps.contains_key(PRIVATE));
    assert!(taints.of(&who("p", "new"), at(60)).steps.contains_key(PRIVATE));
    for other in 0..5 {
        taints.add(&who(&format!("q{other}"), ""), PRIVATE, step(), at(60));
        assert!(taints.of(&who(&format!("q{other}"), ""), at(61)).steps.contains_key(PRIVATE));
    }
}

#[test]
fn hints_add_and_never_take() {
    let entry = ToolLabels {
        server: "s".to_owned(),
        tool: Some("send".to_owned()),
        gives: Vec::new(),
        call: vec![EGRESS.to_owned()],
    };
    let config = Config { tools: vec![entry], ..Config::default() };
    let closed = Hints { read_only: Some(true), destructive: Some(false), open_world: Some(false) };
    assert!(config.call("s", "send", closed).contains(EGRESS));
    assert!(config.call("s", "unknown", Hints::default()).contains(EGRESS));
    assert!(!config.call("s", "unknown", closed).contains(EGRESS));
    assert!(config.gives("s", "unknown").contains(UNTRUSTED));
    assert!(config.gives("s", "send").is_empty());
}
