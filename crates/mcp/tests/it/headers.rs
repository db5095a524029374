//! Headers against bodies, for every method of 2026-07-28, and the eras.

use castellan_mcp::message::{Method, Sender};
use castellan_mcp::transport::{
    self, Accepted, Config, Reason, Refusal, Version, annotations, check, decode, encode,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method as HttpMethod};
use serde_json::json;

const MODERN: &str = "2026-07-28";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in
        [("content-type", "application/json"), ("accept", "application/json, text/event-stream")]
            .iter()
            .chain(pairs)
    {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

fn body(method: &str, params: serde_json::Value) -> String {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

fn post(pairs: &[(&str, &str)], body: &str) -> Result<Accepted, Refusal> {
    check(&Config::default(), &HttpMethod::POST, &headers(pairs), body.as_bytes())
}

fn reason(outcome: Result<Accepted, Refusal>) -> Option<(Reason, u16)> {
    outcome.err().map(|refusal| (refusal.reason, refusal.status))
}

#[test]
fn every_method_of_a_client_needs_its_headers() {
    let mismatch = Some((Reason::HeaderMismatch, 400));
    let mut count = 0;
    for method in
        Method::ALL.iter().filter(|method| method.sender() != Sender::Server && !method.is_notification())
    {
        let name = method.name();
        let params = json!({"name": "a b", "uri": "file:///a b", "taskId": "t"});
        let subject = method.name_source().map(|source| params[source.member()].as_str().unwrap().to_owned());
        let text = body(name, params.clone());
        let base = vec![("mcp-protocol-version", MODERN)];
        let mut right = base.clone();
        right.push(("mcp-method", name));
        let subject = subject.unwrap_or_default();
        if !subject.is_empty() {
            right.push(("mcp-name", &subject));
        }
        if !method.exists_in(Version::V2026_07_28) {
            assert_eq!(reason(post(&right, &text)), Some((Reason::UnknownMethod, 404)), "{name}");
            continue;
        }
        count += 1;
        assert_eq!(reason(post(&right, &text)), None, "{name}");
        assert_eq!(reason(post(&base, &text)), mismatch, "{name}: no Mcp-Method");
        assert_eq!(reason(post(&[base[0], ("mcp-method", "ping")], &text)), mismatch, "{name}: other method");
        assert_eq!(
            reason(post(&[base[0], ("mcp-method", &name.to_uppercase())], &text)),
            mismatch,
            "{name}: case"
        );
        let twice: Vec<_> = right.iter().chain([&("mcp-method", name)]).copied().collect();
        assert_eq!(reason(post(&twice, &text)), mismatch, "{name}: twice");
        assert_eq!(reason(post(&right[1..], &text)), mismatch, "{name}: no version header");
        let old: Vec<_> =
            [("mcp-protocol-version", "2025-11-25")].iter().chain(&right[1..]).copied().collect();
        assert_eq!(reason(post(&old, &text)), mismatch, "{name}: other version");
        let named: Vec<_> = right[..2].iter().chain([&("mcp-name", "other")]).copied().collect();
        assert_eq!(reason(post(&named, &text)), mismatch, "{name}: other name");
        if method.requires_name() {
            assert_eq!(reason(post(&right[..2], &text)), mismatch, "{name}: no name");
            let coded = encode(&format!("{subject} "));
            let coded: Vec<_> = right[..2].iter().chain([&("mcp-name", coded.as_str())]).copied().collect();
            assert_eq!(reason(post(&coded, &text)), mismatch, "{name}: other coded name");
        }
        let bare = json!({"jsonrpc": "2.0", "id": 1, "method": name, "params": params}).to_string();
        assert_eq!(reason(post(&right, &bare)), mismatch, "{name}: no version in the body");
    }
    assert_eq!(count, 13);
}

#[test]
fn eras() {
    let text = body("tools/list", json!({}));
    let unknown = [("mcp-protocol-version", "1900-01-01"), ("mcp-method", "tools/list")];
    let refusal = post(&unknown, &text).unwrap_err();
    assert_eq!((refusal.reason, refusal.status), (Reason::UnsupportedVersion, 400));
    let said: serde_json::Value = serde_json::from_str(&refusal.body).unwrap();
    assert_eq!(said["error"]["code"], -32022);
    assert_eq!(said["error"]["data"]["requested"], "1900-01-01");
    assert_eq!(said["error"]["data"]["supported"][0], MODERN);
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(reason(post(&[("mcp-protocol-version", MODERN)], answer)), Some((Reason::NotAMessage, 400)));
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#;
    for (version, taken) in
        [(MODERN, false), ("2025-11-25", false), ("2025-06-18", false), ("2025-03-26", true)]
    {
        assert_eq!(post(&[("mcp-protocol-version", version)], batch).is_ok(), taken, "{version}");
    }
    let Ok(Accepted::Post(posted)) =
        post(&[("mcp-session-id", "x")], r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
    else {
        panic!()
    };
    assert_eq!((posted.version, posted.session.as_deref()), (None, Some("x")));
}

#[test]
fn the_rest_of_http() {
    let text = body("tools/list", json!({}));
    let right = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")];
    let with = |more: &[(&str, &str)]| {
        let all: Vec<_> = right.iter().chain(more).copied().collect();
        reason(post(&all, &text))
    };
    assert_eq!(with(&[("origin", "https://evil.example")]), Some((Reason::Origin, 403)));
    assert_eq!(with(&[("content-encoding", "gzip")]), Some((Reason::MediaType, 415)));
    let config = Config { origins: vec!["https://ok.example".to_owned()], ..Config::default() };
    let mut map = headers(&right);
    map.insert("origin", HeaderValue::from_static("https://ok.example"));
    assert!(check(&config, &HttpMethod::POST, &map, text.as_bytes()).is_ok());
    map.insert("accept", HeaderValue::from_static("application/json"));
    let refusal = check(&config, &HttpMethod::POST, &map, text.as_bytes()).unwrap_err();
    assert_eq!(refusal.status, 406);
    let small = Config { body_bytes: 10, ..Config::default() };
    assert_eq!(check(&small, &HttpMethod::POST, &headers(&right), text.as_bytes()).unwrap_err().status, 413);
    let modern = Config { versions: vec![Version::V2026_07_28], ..Config::default() };
    for method in [HttpMethod::GET, HttpMethod::DELETE] {
        let refusal = check(&modern, &method, &headers(&[]), b"").unwrap_err();
        assert_eq!((refusal.status, refusal.headers[0].1.as_str()), (405, "POST"));
        assert!(check(&Config::default(), &method, &headers(&[("mcp-session-id", "s")]), b"").is_ok());
    }
}

/// The table of the specification, "Value Encoding".
#[test]
fn values_are_coded() {
    for (plain, coded) in [
        ("us-west1", "us-west1"),
        ("Hello, \u{4e16}\u{754c}", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
    ] {
        assert_eq!(encode(plain), coded);
        assert_eq!(decode(coded.as_bytes()).as_deref(), Some(plain));
    }
    assert_eq!(decode(b"=?base64?%%?="), None);
    assert_eq!(decode(b"a\x80"), None);
}

#[test]
fn annotations_follow_the_rules() {
    let read = |schema: serde_json::Value| {
        let text = schema.to_string();
        annotations(&castellan_mcp::json::parse(text.as_bytes(), &Default::default()).unwrap())
    };
    let property = |annotation: serde_json::Value| json!({"properties": {"a": annotation}});
    let good = read(
        json!({"properties": {"a": {"properties": {"b": {"type": "string", "x-mcp-header": "Region"}}}}}),
    );
    assert_eq!(good.unwrap()[0].path, ["a", "b"]);
    // A property that is called so is no annotation.
    assert!(read(json!({"properties": {"x-mcp-header": {"type": "string"}}})).unwrap().is_empty());
    for bad in [
        property(json!({"type": "number", "x-mcp-header": "N"})),
        property(json!({"type": "string", "x-mcp-header": ""})),
        property(json!({"type": "string", "x-mcp-header": "a b"})),
        property(json!({"type": "array", "items": {"type": "string", "x-mcp-header": "I"}})),
        json!({"anyOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}]}),
        json!({"properties": {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}}),
    ] {
        assert!(read(bad.clone()).is_err(), "{bad}");
    }
    let found = read(property(json!({"type": "integer", "x-mcp-header": "N"}))).unwrap();
    let call = |value: serde_json::Value| {
        let text = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {"a": value}}});
        castellan_mcp::message::Message::parse(text.to_string().as_bytes(), &Default::default()).unwrap()
    };
    let agrees = |said: &[(&str, &str)], value| {
        transport::check_parameters(&headers(said), &found, &call(value)).is_ok()
    };
    assert!(agrees(&[("mcp-param-n", "42")], json!(42)));
    assert!(agrees(&[("mcp-param-n", "42.0")], json!(42)));
    assert!(agrees(&[], json!(null)));
    assert!(!agrees(&[("mcp-param-n", "43")], json!(42)));
    assert!(!agrees(&[], json!(42)));
    assert!(!agrees(&[("mcp-param-n", "42")], json!(null)));
    assert!(!agrees(&[("mcp-param-n", "9007199254740993")], json!(9_007_199_254_740_992_i64)));
}
