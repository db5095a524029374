//! What must hold of the wire for any bytes, on bytes that are nearly right.

use crate::invariants;
use crate::nearly::check;

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
fn shown_texts() {
    let seeds = [
        "\u{2}See ![a](https://evil.example/?q=S) and [b](https://docs.example.com/x \"t\")\n\n[1]: https://evil.example 'x'\n",
        "\u{3}<img src=\"//evil.example/a\" alt='>'> <b onx=1> [https://docs.example.com/](https://evil.example) <https://a.contoso.com>",
        "\u{0}![a](<https://evil.example/a b> 'x",
    ];
    let words = [
        "](",
        ")",
        "<",
        ">",
        "\"",
        "'",
        "=",
        "[1]:",
        "//evil.example",
        "https:",
        " ",
        "\n",
        "img src",
        "<script>",
        "&",
    ];
    check(&seeds, &words, invariants::shown);
}

#[test]
fn calls() {
    let seeds = [
        r#"{"choices":[{"index":0,"message":{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":1}}}"#,
        r#"{"type":"response.completed","response":{"id":"r","model":"m","created_at":7,"output":[{"type":"function_call","name":"f","arguments":"{}"}]},"sequence_number":3}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"g","input":{"b":2}}}"#,
        r#"{"model":"m","system":"s","messages":[{"role":"system","content":[{"type":"text","text":"x"}]},{"role":"user","content":"y"}],"instructions":"i","prompt":"p"}"#,
        r#"{"model":"m","message":{"tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":true,"eval_count":3}"#,
    ];
    let words = [
        "\"arguments\":",
        "\"input\":",
        "\"type\":\"tool_use\",",
        "\"choices\":[],",
        "{",
        "}",
        "[",
        "]",
        ",",
        "null",
        "1e9",
        "\"usage\":{},",
        "\"content_filter_results\":1,",
        "\"prompt_filter_results\":[],",
    ];
    check(&seeds, &words, invariants::calls);
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
