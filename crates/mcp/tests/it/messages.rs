//! Messages: what is read, what is refused, what is kept.

use castellan_mcp::inspect::{self, From, inspect};
use castellan_mcp::json::{self, ErrorKind, Limits};
use castellan_mcp::message::{Message, MessageError, Method, Payload, Shape};
use castellan_mcp::transport::Version;
use proptest::prelude::*;

fn read(text: &str) -> Result<Message, MessageError> {
    Message::parse(text.as_bytes(), &Limits::default())
}

#[test]
fn what_readers_disagree_about_is_refused() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"}"#,
        "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
        r#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#,
        r#"{"jsonrpc":"2.0","id":1,/**/"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1e999}}"#,
        r#"{"jsonrpc":"2.0","id":01,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"} {}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"notifications/progress"}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"id":1,"method":"ping"}"#,
        "[]",
        "",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn bounds_hold() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let error = json::parse(deep.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooDeep(64));
    let limits = Limits { bytes: 4, ..Limits::default() };
    assert_eq!(json::parse(b"12345", &limits).unwrap_err().kind, ErrorKind::TooLong(4));
    let limits = Limits { values: 3, ..Limits::default() };
    assert_eq!(json::parse(b"[1,2,3]", &limits).unwrap_err().kind, ErrorKind::TooMany(3));
}

#[test]
fn batches_are_messages_of_their_own() {
    let text = r#" [ {"jsonrpc":"2.0","method":"notifications/initialized"}, {"jsonrpc":"2.0","id":"a","method":"ping"} ]"#;
    let Ok(Payload::Batch(messages)) = Payload::parse(text.as_bytes(), &Limits::default()) else { panic!() };
    assert_eq!(*messages[0].shape(), Shape::Notification);
    assert_eq!(messages[1].method(), Some(Method::Ping));
    assert_eq!(messages[1].bytes(), br#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#);
}

#[test]
fn methods_know_their_revisions() {
    assert!(!Method::Initialize.exists_in(Version::V2026_07_28));
    assert!(Method::Discover.exists_in(Version::V2026_07_28));
    assert!(!Method::Elicit.exists_in(Version::V2025_03_26));
    for method in Method::ALL {
        assert_eq!(Method::of(method.name()), Some(*method));
    }
}

#[test]
fn edits_change_their_ranges_alone() {
    let text = r#"{ "jsonrpc":"2.0", "id":1 , "result": {"content":[{"type":"text","text":"a\u0062c\ud83d\ude00\/d"}],"extra":  1}}"#;
    let message = read(text).unwrap();
    let inspection = inspect(&message, From::Server, Some(Method::ToolsCall));
    let part = inspection.parts.iter().find(|part| part.path.ends_with("/text")).unwrap();
    assert_eq!(part.text, "abc\u{1f600}/d");
    let edit = part.edit(vec![(1..2, "\"".to_owned()), (3..7, String::new())]);
    let edited = inspect::apply(text.as_bytes(), &[edit], &Limits::default()).unwrap();
    assert_eq!(
        String::from_utf8(edited).unwrap(),
        text.replace(r"\u0062", "\\\"").replace(r"\ud83d\ude00", "")
    );
    // Into the middle of a character, backwards, beyond the end: nothing comes out.
    for range in [4..5, 8..20] {
        let edit = part.edit(vec![(range, String::new())]);
        assert!(inspect::apply(text.as_bytes(), &[edit], &Limits::default()).is_err());
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Payload::parse(&bytes, &Limits::default());
    }

    #[test]
    fn nothing_panics_on_json(text in r#"[\[\]{}",:0-9a-e\\u. -]{0,80}"#) {
        if let Ok(value) = json::parse(text.as_bytes(), &Limits::default()) {
            // What is read here, others read as the same.
            let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
            let ours: serde_json::Value = serde_json::from_str(&json::write(&value)).unwrap();
            prop_assert_eq!(theirs, ours);
        }
    }

    #[test]
    fn edits_never_break_a_message(texts in proptest::collection::vec(".{0,20}", 1..5), at in 0usize..20, length in 0usize..20) {
        let content: Vec<serde_json::Value> =
            texts.iter().map(|text| serde_json::json!({"type": "text", "text": text})).collect();
        let body = serde_json::json!({"jsonrpc": "2.0", "id": 1, "result": {"content": content}}).to_string();
        let message = read(&body).unwrap();
        let inspection = inspect(&message, From::Server, Some(Method::ToolsCall));
        let edits: Vec<_> = inspection.parts.iter().map(|part| {
            let bounds: Vec<usize> =
                part.text.char_indices().map(|(at, _)| at).chain([part.text.len()]).collect();
            let start = bounds[at.min(bounds.len() - 1)];
            let end = bounds[(at + length).min(bounds.len() - 1)];
            (part.edit(vec![(start..end, "\"\\\u{1}".to_owned())]), format!("{}\"\\\u{1}{}", &part.text[..start], &part.text[end..]))
        }).collect();
        let all: Vec<_> = edits.iter().map(|(edit, _)| edit.clone()).collect();
        let edited = inspect::apply(body.as_bytes(), &all, &Limits::default()).unwrap();
        let again = Message::parse(&edited, &Limits::default()).unwrap();
        let parts = inspect(&again, From::Server, Some(Method::ToolsCall));
        let found: Vec<String> = parts.parts.iter().map(|part| part.text.to_string()).collect();
        prop_assert_eq!(found, edits.into_iter().map(|(_, text)| text).collect::<Vec<_>>());
    }
}
