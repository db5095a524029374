//! Answers compared with sources, and conversations judged: `cargo bench -p castellan-shield --bench grounded`.
#![allow(missing_docs, clippy::unwrap_used)]

use castellan_shield::{adherence, grounded};
use divan::{Bencher, counter::BytesCount};

fn main() {
    divan::main();
}

const PROMPT: &str = include_str!("prompt.txt");

/// An answer of 2 kB and sources of so many kB.
#[divan::bench(args = [2, 64, 1_000])]
fn answer_against_sources(bencher: Bencher<'_, '_>, kilobytes: usize) {
    let source = PROMPT.repeat((kilobytes * 1_000 / PROMPT.len()).max(1));
    bencher
        .counter(BytesCount::new(source.len()))
        .bench(|| grounded::check(divan::black_box(PROMPT), &[&source], None).unwrap().claims);
}

/// Every word of the answer is in every sentence of the sources.
#[divan::bench(sample_count = 3)]
fn hostile_answer(bencher: Bencher<'_, '_>) {
    let answer = "Red cat met Blue dog 7 times. ".repeat(2_000);
    let source = "Red cat met Blue dog 8 times. ".repeat(34_000);
    bencher.bench(|| grounded::check(divan::black_box(&answer), &[&source], None).unwrap().claims);
}

/// A conversation of so many turns with a call each.
#[divan::bench(args = [1, 100])]
fn conversation(bencher: Bencher<'_, '_>, turns: usize) {
    let call = r#"{"source":"Completion","role":"Assistant","toolCalls":[{"function":{"name":"send_email","arguments":"{\"to\":\"x@example.com\"}"}}]}"#;
    let user = serde_json::json!({"source": "Prompt", "role": "User", "contents": PROMPT});
    let turn = format!("{user},{call}");
    let text = format!("{{\"tools\":[],\"messages\":[{}]}}", vec![turn; turns].join(","));
    let conversation: adherence::Conversation = serde_json::from_str(&text).unwrap();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| adherence::check(divan::black_box(&conversation)).unwrap().findings.len());
}

/// As many values and as much content as are allowed, and no value stands there.
#[divan::bench(sample_count = 3)]
fn hostile_conversation(bencher: Bencher<'_, '_>) {
    let values: Vec<String> = (0..adherence::MOST_VALUES)
        .map(|number| format!("http://a{}http", "-".repeat(number % 80 + 1)))
        .collect();
    let arguments = serde_json::json!({ "to": values }).to_string();
    let call = serde_json::json!({"function": {"name": "send", "arguments": arguments}});
    let message = serde_json::json!({"source": "Completion", "role": "Assistant", "toolCalls": vec![call; adherence::MOST_CALLS]});
    let result = serde_json::json!({"source": "Completion", "role": "Tool", "contents": "http://a http://".repeat(20_000)});
    let conversation = serde_json::json!({"messages": [result, message]});
    let conversation: adherence::Conversation = serde_json::from_value(conversation).unwrap();
    bencher.bench(|| adherence::check(divan::black_box(&conversation)).unwrap().findings.len());
}
