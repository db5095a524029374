use std::sync::LazyLock;

use castellan_shield::Shield;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::guard::Profiles;

static INSPECTOR: LazyLock<Arc<Inspector>> = LazyLock::new(|| {
    Arc::new(Inspector::new(Arc::new(Shield::builtin().unwrap()), &castellan_detectors::engine()).unwrap())
});

const KEY: &str = "AKIAQ3EGRZ5XVHW4KLM2";
const HARM: &str = "I will find you and kill you and your whole family, you filthy animal.";

fn selected(names: &[&str]) -> Arc<Selected> {
    Arc::new(Profiles::builtin().unwrap().select(names, INSPECTOR.engine()).unwrap())
}

fn chunk(text: &str) -> Vec<u8> {
    frame::event(None, &json!({"id": "c1", "created": 5, "model": "m", "choices": [{"index": 0, "delta": {"content": text}}]}).to_string())
}

fn end() -> Vec<u8> {
    let last =
        json!({"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string();
    [frame::event(None, &last), frame::event(None, "[DONE]")].concat()
}

/// What a client has got after each piece, and how it ended.
fn run(profiles: &Arc<Selected>, pieces: &[Vec<u8>]) -> (Vec<u8>, GuardedEnd) {
    let mut guarded = Guarded::new(Api::Chat, Arc::clone(&INSPECTOR), Arc::clone(profiles), Memory::new("t"));
    let mut out = Vec::new();
    for piece in pieces {
        out.extend(guarded.push(piece).bytes);
    }
    out.extend(guarded.finish().bytes);
    (out, guarded.into_end().0)
}

fn said(stream: &[u8]) -> (String, Vec<String>) {
    let (mut text, mut finishes) = (String::new(), Vec::new());
    for line in String::from_utf8_lossy(stream).lines().filter_map(|line| line.strip_prefix("data: ")) {
        let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
        text.push_str(value.pointer("/choices/0/delta/content").and_then(Value::as_str).unwrap_or_default());
        finishes.extend(value.pointer("/choices/0/finish_reason").and_then(Value::as_str).map(str::to_owned));
    }
    (text, finishes)
}

#[test]
fn what_is_harmless_passes_byte_for_byte() {
    let pieces = [chunk("The ware"), b": ping\n\n".to_vec(), chunk("house opens "), chunk("at nine."), end()];
    let (out, ended) = run(&selected(&["default"]), &pieces);
    assert_eq!(out, pieces.concat());
    assert_eq!((ended.judgement.action, ended.finish.as_deref()), (Action::Allow, Some("stop")));
    assert_eq!(ended.said.first().map(|(_, _, text)| text.as_str()), Some("The warehouse opens at nine."));
}

#[test]
fn a_credential_over_several_events_goes_from_all_of_them() {
    let text = format!("aws_access_key_id = {KEY} is the key");
    let pieces: Vec<Vec<u8>> =
        text.as_bytes().chunks(7).map(|part| chunk(&String::from_utf8_lossy(part))).chain([end()]).collect();
    let (out, ended) = run(&selected(&["default"]), &pieces);
    let (told, finishes) = said(&out);
    assert!(!told.contains("Q3EGRZ") && told.ends_with(" is the key"), "{told}");
    assert_eq!((ended.judgement.action, ended.late), (Action::Redact, 0));
    assert_eq!(finishes, ["stop"]);
}

#[test]
fn a_blocked_stream_ends_as_its_api_may() {
    for names in [&["default"] as &[&str], &["strict"], &["default", "strict"]] {
        let pieces = [chunk("Well. "), chunk(HARM), end()];
        let (out, ended) = run(&selected(names), &pieces);
        let (told, finishes) = said(&out);
        assert!(!told.contains("kill"), "{told}");
        assert_eq!(finishes, ["content_filter"]);
        assert!(out.ends_with(b"data: [DONE]\n\n"));
        assert_eq!(ended.judgement.action, Action::Block, "{:?}", ended.judgement);
    }
}

#[test]
fn nothing_of_an_answer_passes_before_it_is_whole_where_that_is_asked_for() {
    let profiles = selected(&["strict"]);
    let mut guarded =
        Guarded::new(Api::Chat, Arc::clone(&INSPECTOR), Arc::clone(&profiles), Memory::new("t"));
    for _ in 0..100 {
        assert!(guarded.push(&chunk("Quite harmless so far, and for a long time. ")).bytes.is_empty());
    }
    assert!(!guarded.push(&end()).bytes.is_empty());
}

#[test]
fn arguments_of_tools_pass_when_they_are_whole() {
    let call = |arguments: &str| {
        let delta = json!({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]});
        frame::event(None, &json!({"choices": [{"index": 0, "delta": delta}]}).to_string())
    };
    let profiles = selected(&["default"]);
    let mut guarded =
        Guarded::new(Api::Chat, Arc::clone(&INSPECTOR), Arc::clone(&profiles), Memory::new("t"));
    assert!(guarded.push(&call("{\"key\":\"")).bytes.is_empty());
    assert!(guarded.push(&call(&format!("aws {KEY}\"}}"))).bytes.is_empty());
    let out = guarded.push(&end()).bytes;
    let told = String::from_utf8_lossy(&out).into_owned();
    assert!(told.contains("tool_calls") && !told.contains("Q3EGRZ"), "{told}");
}

#[test]
fn what_cannot_be_read_ends_the_stream() {
    for bad in ["data: {\"choices\":\n\n", "data: {\"a\":1,\"a\":2}\n\n", "data: \"\\ud800\"\n\n"] {
        let (out, ended) =
            run(&selected(&["default"]), &[chunk("Fine. "), bad.as_bytes().to_vec(), chunk("more"), end()]);
        assert!(ended.fault.is_some(), "{bad}");
        assert_eq!(said(&out).1, ["content_filter"]);
    }
    let (_, torn) = run(&selected(&["default"]), &[chunk("Fine. "), b"data: {\"choi".to_vec()]);
    assert!(torn.fault.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn cuts_do_not_matter(cuts in prop::collection::vec(1_usize..60, 1..30), before in "[a-z ]{0,300}") {
        let text = format!("{before} aws_access_key_id = {KEY} and so on, for quite some time after that.");
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        for cut in cuts {
            let at = floor(rest, cut);
            pieces.push(chunk(&rest[..at]));
            rest = &rest[at..];
        }
        pieces.extend([chunk(rest), end()]);
        let profiles = selected(&["default"]);
        let (out, ended) = run(&profiles, &pieces);
        prop_assert!(!said(&out).0.contains("Q3EGRZ"));
        prop_assert_eq!(ended.late, 0);
        // The same bytes cut elsewhere.
        let whole = pieces.concat();
        let bytes: Vec<Vec<u8>> = whole.chunks(13).map(<[u8]>::to_vec).collect();
        prop_assert_eq!(said(&run(&profiles, &bytes).0).0, said(&out).0);
    }
}

#[test]
fn a_token_comes_back_whole_however_the_stream_is_cut() {
    let token = format!("[[tok:v1:NOTE:k1:{}]]", "Ab3_".repeat(120));
    let text = format!("Well, {token} is what you said, and {token}. {}", "More. ".repeat(80));
    for (names, cut) in [(&["default"] as &[&str], 7), (&["strict"], 40), (&["observe"], 300), (&[], 1_000)] {
        let profiles = selected(names);
        let mut memory = Memory::new("t");
        memory.keep(&token, "my \"own\" words", true);
        memory.keep("other", "never", false);
        let mut guarded = Guarded::new(Api::Chat, Arc::clone(&INSPECTOR), Arc::clone(&profiles), memory);
        let pieces = text.as_bytes().chunks(cut).map(|part| chunk(&String::from_utf8_lossy(part)));
        let mut out = Vec::new();
        for piece in pieces.chain([end()]) {
            out.extend(guarded.push(&piece).bytes);
            assert!(!said(&out).0.contains("[["), "{names:?}: no part of a token passes");
        }
        out.extend(guarded.finish().bytes);
        let (ended, memory) = guarded.into_end();
        assert_eq!(said(&out).0, text.replace(&token, "my \"own\" words"), "{names:?}");
        assert_eq!((memory.restored, ended.late), (2, 0));
        let recorded = ended.said.first().map(|(_, _, text)| text.as_str());
        assert_eq!(recorded, Some(text.as_str()), "values are not recorded");
    }
}

#[test]
fn what_else_decides_ends_a_stream_before_what_was_found_passes() {
    let ruling = |judgement: &Judgement| {
        let hit = judgement.hits.iter().find(|hit| hit.check == "sensitive")?;
        Some(Hit { check: "policy", action: Action::Block, ..hit.clone() })
    };
    let profiles = selected(&["default"]);
    let mut guarded =
        Guarded::new(Api::Chat, Arc::clone(&INSPECTOR), profiles, Memory::new("t")).ruled(Box::new(ruling));
    let mut out = guarded.push(&chunk("Fine so far. ")).bytes;
    out.extend(guarded.push(&chunk(&format!("aws_access_key_id = {KEY}"))).bytes);
    out.extend(guarded.push(&end()).bytes);
    let (told, finishes) = said(&out);
    assert!(!told.contains("AKIA") && finishes == ["content_filter"], "{told} {finishes:?}");
}
