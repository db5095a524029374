//! What must hold for any bytes, on bytes that are nearly right.

use crate::invariants;
use crate::nearly::check;

const WORDS: [&str; 16] = [
    "{", "}", "[", "]", ",", ":", "\"", "\\u0041", "null", "1e9", "\"a\":", "\n", "\r\n", "true", "-",
    "\u{200b}",
];

#[test]
fn messages() {
    let seeds = [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"n","arguments":{"a":["b",4111111111111111]}}}"#,
        r#"{"jsonrpc":"2.0","id":"x","result":{"content":[{"type":"text","text":"key: s3cr\u0065t"},{"type":"image","data":"aGVsbG8gd29ybGQ=","mimeType":"image/png"}],"structuredContent":{"a":"b"}}}"#,
        r#"[{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"data:text/plain,x"}}]"#,
    ];
    check(&seeds, &WORDS, invariants::message);
    check(&seeds, &WORDS, invariants::jcs);
    check(&seeds, &WORDS, invariants::lines);
}

#[test]
fn streams() {
    let seeds = [
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\nid: 7\n\n",
        "\u{feff}data: a\r\ndata: b\r\n\r\n: comment\r\rretry: 3\n\n",
    ];
    check(
        &seeds,
        &["\n", "\r", "data:", "data", "id: ", "\u{0}", ":", "\u{feff}", "event: x"],
        invariants::sse,
    );
}

#[test]
fn requests() {
    let seeds = [
        "mcp-protocol-version:2026-07-28\nmcp-method:tools/call\nmcp-name:n\naccept:application/json, text/event-stream\ncontent-type:application/json\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"n\",\"arguments\":{},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
        "mcp-param-a:=?base64?w6k=?=\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}},\"params\":{\"arguments\":{\"a\":\"x\"}}}",
    ];
    check(&seeds, &WORDS, invariants::http);
}

#[test]
fn files() {
    let seeds = [
        include_str!("../../../../content/gate/flows.yaml"),
        r#"{"version":1,"servers":{}}"#,
        r#"{"s":{"tool":{"n":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}}"#,
        r#"{"name":"n","uri":"u","uriTemplate":"t","description":"d","inputSchema":{"type":"object"}}"#,
        "https://gate.example:443/mcp/x",
    ];
    check(&seeds, &WORDS, invariants::config);
}

#[test]
fn schemas() {
    let seeds = [
        r##"[{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"a":{"type":"string","pattern":"^[a-z]+$","minLength":1}},"required":["a"],"$defs":{"q":{"enum":[1,"x"]}},"allOf":[{"$ref":"#/$defs/q"}]},{"a":"b"}]"##,
        r#"["/srv/(shared)+",{"a":"/srv/shared/../x","b":[1,{"c":null}]}]"#,
    ];
    check(&seeds, &WORDS, invariants::schema);
}

#[test]
fn token_endpoints() {
    let seeds = [
        r#"{"access_token":"t","token_type":"Bearer","expires_in":3599,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}"#,
        r#"{"error":"interaction_required","error_description":"d","claims":"{\"access_token\":{}}"}"#,
    ];
    check(&seeds, &WORDS, invariants::oauth);
}
