//! Task adherence over the cases in `content/shield/cases/adherence` and the examples of the rules.

use std::collections::BTreeSet;

use castellan_shield::adherence::{
    AdherenceError, Conversation, Example, Function, FunctionCall, MOST_CALLS, MOST_VALUES, Message, Reason,
    Role, Rules, Source, Tool, ToolCall, check,
};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    kind: String,
    reasons: BTreeSet<String>,
    #[serde(flatten)]
    conversation: Conversation,
}

fn name(reason: &Reason) -> &'static str {
    match reason {
        Reason::NotAsked => "not-asked",
        Reason::FromContent { .. } => "from-content",
        Reason::Restriction { .. } => "restriction",
        Reason::Undeclared => "undeclared",
    }
}

fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/shield/cases/adherence");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}.jsonl")).unwrap();
    let texts = ["cases", "more"].map(read);
    texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Requests that are judged wrongly, and why.
const EXCEPTIONS: [(&str, &str); 1] = [(
    "I'm hungry. Get me a pizza margherita from Da Gino.",
    "`get me` asks for information as often as for an order, so it asks for no action",
)];

#[test]
fn cases_are_judged() {
    let cases = cases();
    assert!(cases.len() >= 40);
    let (mut failures, mut excepted) = (Vec::new(), 0);
    for (number, case) in (1..).zip(&cases) {
        let result = check(&case.conversation).unwrap();
        let found: BTreeSet<String> =
            result.findings.iter().map(|finding| name(&finding.reason).to_owned()).collect();
        let request = &case.conversation.messages[0].contents;
        let is_exception = EXCEPTIONS.iter().any(|(exception, _)| exception == request);
        assert!(!is_exception || found != case.reasons, "`{request}` is no exception any more");
        excepted += usize::from(is_exception);
        if found != case.reasons && !is_exception {
            failures.push(format!("line {number} ({}): {}", case.kind, result.details()));
        }
    }
    eprintln!(
        "task adherence: {} of {} conversations judged right",
        cases.len() - failures.len() - excepted,
        cases.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(excepted, EXCEPTIONS.len());
}

/// A request and one call of a tool.
fn conversation(example: &Example) -> Conversation {
    let message = |source, role, contents: &str, tool_calls| Message {
        source,
        role,
        contents: contents.to_owned(),
        tool_calls,
        tool_call_id: None,
    };
    let function = FunctionCall { name: example.tool.clone(), arguments: example.arguments.clone() };
    let call = ToolCall { kind: "function".into(), function, id: String::new() };
    let tool = Function { name: example.tool.clone(), description: String::new() };
    Conversation {
        tools: vec![Tool { kind: "function".into(), function: tool }],
        messages: vec![
            message(Source::Prompt, Role::User, &example.request, Vec::new()),
            message(Source::Completion, Role::Assistant, "", vec![call]),
        ],
    }
}

#[test]
fn examples_of_rules_hold() {
    for action in &Rules::product().actions {
        let findings = |example: &Example| {
            let result = check(&conversation(example)).unwrap();
            result.findings.iter().filter(|finding| finding.action.as_ref() == Some(&action.id)).count()
        };
        for example in &action.examples {
            assert_eq!(findings(example), 1, "{}: {example:?}", action.id);
        }
        for example in &action.counterexamples {
            assert_eq!(findings(example), 0, "{}: {example:?}", action.id);
        }
    }
}

fn example(request: &str, tool: &str, arguments: &str) -> Conversation {
    conversation(&Example { request: request.into(), tool: tool.into(), arguments: arguments.into() })
}

#[test]
fn evidence_is_shown() {
    let told =
        check(&example("Do not send it to Bob.", "send_email", r#"{"to": "bob@example.com"}"#)).unwrap();
    let finding = &told.findings[0];
    assert_eq!(finding.to_string(), "`send_email` would send, but the user said `Do not send it to Bob.`");
    assert_eq!(
        finding.evidence.as_ref().map(|evidence| (evidence.message, evidence.span.clone())),
        Some((0, 0..22))
    );
    let mut cases = cases().into_iter();
    let case = cases.find(|case| case.reasons.contains("from-content")).unwrap();
    let told = check(&case.conversation).unwrap();
    for finding in told.findings {
        let evidence = finding.evidence.unwrap();
        assert!(
            case.conversation.messages[evidence.message].contents[evidence.span]
                .contains("audit@evil.example")
        );
    }
}

#[test]
fn rules_of_others_are_read_with_places() {
    let fault = Rules::read("mine.yaml", "actions:\n  - id: send\n").unwrap_err();
    assert!(fault.starts_with("mine.yaml:2:"), "{fault}");
}

#[test]
fn conversations_are_bounded() {
    let many = format!("[{}]", vec!["1"; MOST_VALUES + 1].join(","));
    let refused = check(&example("Hi.", "get_list", &many)).unwrap_err();
    assert_eq!(refused, AdherenceError::Large("101 values of one call".into(), MOST_VALUES));
    let mut calls = example("Hi.", "get_list", "{}");
    let call = calls.messages[1].tool_calls[0].clone();
    calls.messages[1].tool_calls = vec![call; MOST_CALLS + 1];
    assert!(check(&calls).is_err());
    assert!(check(&example(&"a".repeat(1 << 20), "get_list", "{}")).is_err());
    assert!(check(&example("Hi.", "get_list", &"[".repeat(100_000))).unwrap().findings.is_empty());
}

proptest! {
    #[test]
    fn no_text_panics(request in any::<String>(), result in any::<String>(), tool in "(send|delete|get)[_A-Z\\PC]{0,10}", arguments in "[\\[{\"a@.:,1}\\]]{0,30}") {
        let mut read = example(&request, &tool, &arguments);
        let said = Message { source: Source::Completion, role: Role::Tool, contents: result, tool_calls: Vec::new(), tool_call_id: None };
        read.messages.insert(1, said);
        for finding in check(&read).unwrap().findings {
            if let Some(evidence) = finding.evidence {
                prop_assert!(read.messages[evidence.message].contents.get(evidence.span).is_some());
            }
        }
    }
}
