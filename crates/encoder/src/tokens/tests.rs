//! Numbers of tokens as the Python package gives them: `tests/fixtures/make.py` wrote them down.

use serde_json::Value;

use super::Tokens;

fn check(tokenizer: &[u8], lines: &str) {
    let tokens = Tokens::read(tokenizer, 512, 4).unwrap();
    assert!(lines.lines().count() > 100);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = line["text"].as_str().unwrap();
        let expected: Vec<i64> =
            line["ids"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
        let found = tokens.windows(text).unwrap();
        assert_eq!((found.len(), &found[0].ids), (1, &expected), "{text:?}");
    }
}

#[test]
fn pieces_of_words_are_those_of_the_python_package() {
    check(
        include_bytes!("../../tests/fixtures/tokens/wordpiece.json"),
        include_str!("../../tests/fixtures/tokens/wordpiece.jsonl"),
    );
}

#[test]
fn pairs_of_bytes_are_those_of_the_python_package() {
    check(
        include_bytes!("../../tests/fixtures/tokens/byte-level.json"),
        include_str!("../../tests/fixtures/tokens/byte-level.jsonl"),
    );
}

#[test]
fn unigrams_are_those_of_the_python_package() {
    check(
        include_bytes!("../../tests/fixtures/tokens/unigram.json"),
        include_str!("../../tests/fixtures/tokens/unigram.jsonl"),
    );
}

#[test]
fn windows_overlap_and_hold_everything() {
    let bytes = include_bytes!("../../tests/fixtures/bag/tokenizer.json");
    let tokens = Tokens::read(bytes, 16, 64).unwrap();
    let text = "what is the capital of france ? ".repeat(20);
    let windows = tokens.windows(&text).unwrap();
    assert!(windows.iter().all(|window| window.ids.len() <= 16 && window.types.len() == window.ids.len()));
    let inner = |window: &super::Window| window.ids[1..window.ids.len() - 1].to_vec();
    let mut joined = inner(&windows[0]);
    for pair in windows.windows(2) {
        let (before, after) = (inner(&pair[0]), inner(&pair[1]));
        assert_eq!(before[before.len() - 3..], after[..3]);
        joined.extend_from_slice(&after[3..]);
    }
    let whole = Tokens::read(bytes, 512, 1).unwrap().windows(&text).unwrap();
    assert_eq!(joined, inner(&whole[0]));
}

#[test]
fn what_is_too_long_has_no_windows() {
    let bytes = include_bytes!("../../tests/fixtures/bag/tokenizer.json");
    let tokens = Tokens::read(bytes, 16, 2).unwrap();
    assert!(tokens.windows(&"rules ".repeat(30)).is_err());
    assert!(tokens.windows(&"x".repeat(2 << 20)).is_err());
    assert_eq!(tokens.windows("rules").unwrap().len(), 1);
}

#[test]
fn templates_that_leave_no_room_are_refused() {
    let text = include_str!("../../tests/fixtures/bag/tokenizer.json");
    let mut tokenizer: Value = serde_json::from_str(text).unwrap();
    let mark = tokenizer["post_processor"]["single"][0].clone();
    tokenizer["post_processor"]["single"] = Value::Array(vec![mark; 40]);
    assert!(Tokens::read(tokenizer.to_string().as_bytes(), 16, 4).is_err());
    for text in ["", "{}", "[]", r#"{"model": {"type": "WordPiece"}}"#] {
        assert!(Tokens::read(text.as_bytes(), 16, 4).is_err(), "{text}");
    }
}
