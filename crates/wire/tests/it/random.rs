//! Bytes that are nearly right: seeds with pieces changed, doubled, cut out and put in.

use std::time::{Duration, Instant};

use castellan_base::{OsSystem, System as _};

use crate::invariants;

/// How many are tried, unless `CASTELLAN_FUZZ_SECONDS` says for how long.
const TRIED: usize = 3_000;

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

fn changed(bytes: &mut Vec<u8>, words: &[&str], numbers: &mut Numbers) {
    let at = numbers.below(bytes.len() + 1);
    match numbers.below(6) {
        0 if at < bytes.len() => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
        1 if at < bytes.len() => drop(bytes.drain(at..(at + 1 + numbers.below(8)).min(bytes.len()))),
        2 => {
            let end = (at + numbers.below(40)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            let to = numbers.below(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        3 => bytes.truncate(at),
        _ => {
            let word = words[numbers.below(words.len())];
            bytes.splice(at..at, word.bytes());
        }
    }
}

/// Tries an invariant on seeds and on what comes of them.
fn check(seeds: &[&str], words: &[&str], holds: fn(&[u8])) {
    let seconds = OsSystem.env("CASTELLAN_FUZZ_SECONDS").and_then(|text| text.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    seeds.iter().for_each(|seed| holds(seed.as_bytes()));
    let mut tried = 0;
    while until.map_or(tried < TRIED, |until| Instant::now() < until) {
        let mut bytes = seeds[numbers.below(seeds.len())].as_bytes().to_vec();
        for _ in 0..=numbers.below(6) {
            changed(&mut bytes, words, &mut numbers);
        }
        let told = bytes.clone();
        if std::panic::catch_unwind(|| holds(&bytes)).is_err() {
            panic!("it does not hold for {:?}", String::from_utf8_lossy(&told));
        }
        tried += 1;
    }
    eprintln!("{tried} were tried");
}

#[test]
fn bodies() {
    let seeds = [
        r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"tool","tool_call_id":"c","content":"{\"a\":\"x\\ny\"}"}]}"#,
        r#"{"model":"m","system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r s"},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"}}]}]}"#,
        r#"{"model":"m","instructions":null,"input":[{"type":"function_call_output","call_id":"c","output":"caf\u00e9 4111111111111111"},{"type":"reasoning","summary":[{"type":"summary_text","text":"t"}]}]}"#,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"x","tool_calls":[{"function":{"name":"f","arguments":"{\"q\":\"a\\tb\"}"}}]},"logprobs":{"content":[{"token":"x"}]}}],"usage":{"total_tokens":1}}"#,
        r#"{"metadata":{"a sentence as a name":123456789},"tools":[{"type":"mcp"}],"documents":[{"text":"a b"}],"user":"\ud83d\ude00"}"#,
    ];
    let words = [
        "\"content\":",
        "\"role\":\"system\",",
        "\"type\":\"tool_result\",",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\"",
        "\\",
        "\\u0041",
        "null",
        "\"text\":\"x\"",
        "12345678",
        "\u{e000}",
        "\"system\":{},",
    ];
    check(&seeds, &words, invariants::json);
}

#[test]
fn streams() {
    let seeds = [
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n",
        "event: message_start\r\ndata: {\"type\":\"message_start\",\r\ndata: \"message\":{}}\r\n\r\n: ping\r\n\r\n",
        "\u{feff}data: {\"a\":1}\rid: 7\r\rretry: 3\ndata\n\n",
        "{\"message\":{\"content\":\"a\"},\"done\":false}\n{\"done\":true}\n",
    ];
    let words =
        ["\n", "\r", "\r\n", "\n\n", "data:", "data", "event: x", ":", "\u{feff}", "{}", " ", "\u{0}"];
    check(&seeds, &words, invariants::sse);
}

#[test]
fn forms() {
    let seeds = [
        "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--B--\r\n",
        "--B\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n--B\r\ncontent-disposition: form-data; name=\"b[]\"\r\n\r\nx\r\ny\r\n--B--",
    ];
    let words = ["\r\n", "--B", "--", "; ", "name=", "filename*=utf-8''x", "\"", "\r\n\r\n", ":", "[]"];
    check(&seeds, &words, invariants::form);
}

#[test]
fn paths() {
    let seeds = [
        "POST /v1/chat/completions",
        "POST /openai/deployments/gpt-4o/chat/completions",
        "GET /openai/v1/responses/resp_1/input_items",
        "POST /anthropic/v1/messages/count_tokens",
        "GET /v1/models/gpt-4o",
        "POST /api/chat/",
    ];
    let words = ["/", "..", ".", "//", "%2f", ";", "\\", "models", "openai/", "v1/", "responses", "?", "#"];
    check(&seeds, &words, invariants::path);
}
