//! What must hold of the Model Context Protocol for any bytes, for the targets of `castellan-mcp` and for the tests of that crate.

use castellan_base::Ticks;
use castellan_mcp::arguments::{Must, Rule, Rules, Schema, record};
use castellan_mcp::hidden::Class;
use castellan_mcp::inspect::{Edit, Form, From, apply, inspect};
use castellan_mcp::jcs::{Integers, canonical};
use castellan_mcp::json::parse;
use castellan_mcp::message::{Message, Method, Payload};
use castellan_mcp::oauth::{Secret, canonical_resource, read_answer};
use castellan_mcp::pin::{Definition, Kind, Store};
use castellan_mcp::taint::Flows;
use castellan_mcp::transport::{
    Accepted, Config, Event, Item, LineReader, SseReader, annotations, check, check_parameters, decode,
    encode, line, write_event,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// A message: any bytes are read or told, every text can be edited, and what is edited is read.
pub(crate) fn message(bytes: &[u8]) {
    let Ok(payload) = Payload::parse(bytes, &Default::default()) else { return };
    for message in payload.messages() {
        for from in [From::Server, From::Client] {
            let inspection = inspect(message, from, Some(Method::ToolsCall));
            for part in &inspection.parts {
                assert!(message.bytes().get(part.span.start..part.span.end).is_some());
                if part.form != Form::Key {
                    apply(message.bytes(), &[part.replace("x\"y")], &Default::default()).unwrap();
                }
            }
            let hidden = inspection.strip(&Class::DENIED);
            let edits: Vec<Edit> = hidden.into_iter().filter(|edit| edit.form != Form::Key).collect();
            apply(message.bytes(), &edits, &Default::default()).unwrap();
        }
    }
}

fn bare(items: Vec<Item>) -> Vec<Item> {
    let one = |item| match item {
        Item::Event(event) => Item::Event(Event { raw: None, ..event }),
        other => other,
    };
    items.into_iter().map(one).collect()
}

/// A stream of events: chunks do not matter, and what is written is read again.
pub(crate) fn sse(bytes: &[u8]) {
    let whole = SseReader::new(4096).push(bytes);
    let mut reader = SseReader::new(4096);
    let mut pieces = Ok(Vec::new());
    for chunk in bytes.chunks(3) {
        pieces = pieces.and_then(|mut all: Vec<Item>| {
            all.extend(reader.push(chunk)?);
            Ok(all)
        });
    }
    assert_eq!(whole.clone().map(bare), pieces.map(bare));
    for item in whole.unwrap_or_default() {
        let Item::Event(event) = item else { continue };
        let again = SseReader::new(1 << 20).push(&write_event(&event)).unwrap();
        assert!(matches!(&again[..], [Item::Event(found)] if found.data == event.data));
    }
}

/// The canonical form: it is read again as the same value, and is its own canonical form.
pub(crate) fn jcs(bytes: &[u8]) {
    let Ok(value) = parse(bytes, &Default::default()) else { return };
    for integers in [Integers::EcmaScript, Integers::Exact] {
        let once = canonical(&value, integers);
        let again = parse(once.as_bytes(), &Default::default()).unwrap();
        assert_eq!(canonical(&again, integers), once);
        assert!(integers == Integers::EcmaScript || value.same(&again));
    }
}

/// Lines of a program: chunks do not matter, no line has an end in it, and a message is one line.
pub(crate) fn lines(bytes: &[u8]) {
    let whole = LineReader::new(4096).push(bytes);
    let mut reader = LineReader::new(4096);
    let mut pieces = Ok(Vec::new());
    for chunk in bytes.chunks(3) {
        pieces = pieces.and_then(|mut all: Vec<Vec<u8>>| {
            all.extend(reader.push(chunk)?);
            Ok(all)
        });
    }
    assert_eq!(whole, pieces);
    assert!(whole.unwrap_or_default().iter().all(|line| !line.contains(&b'\n')));
    if let Ok(message) = Message::parse(bytes, &Default::default()) {
        let read = LineReader::new(1 << 23).push(&line(message.bytes())).unwrap();
        let [one] = &read[..] else { panic!("a message is one line") };
        let again = Message::parse(one, &Default::default()).unwrap();
        assert!(message.root().same(again.root()));
    }
}

/// A request: headers are the lines before the first blank one. What is taken agrees with its headers.
pub(crate) fn http(bytes: &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(end);
    let body = body.get(2..).unwrap_or_default();
    let mut headers = HeaderMap::new();
    for header in head.split(|byte| *byte == b'\n').take(32) {
        let Some(colon) = header.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&header[..colon], &header[colon + 1..]);
        if let Some(text) = decode(value) {
            assert_eq!(decode(encode(&text).as_bytes()).as_deref(), Some(&*text));
        }
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) else {
            continue;
        };
        headers.append(name, value);
    }
    let config = Config::default();
    for method in [http::Method::POST, http::Method::GET, http::Method::DELETE] {
        if let Ok(Accepted::Post(posted)) = check(&config, &method, &headers, body) {
            assert!(headers.get("origin").is_none());
            let name = posted.payload.messages().iter().find_map(Message::method_name);
            let said = headers.get("mcp-method").and_then(|said| decode(said.as_bytes()));
            assert!(posted.version.is_none_or(|version| !version.is_modern()) || said.as_deref() == name);
        }
    }
    if let (Ok(schema), Ok(message)) =
        (parse(body, &Default::default()), Message::parse(body, &Default::default()))
    {
        let _ = annotations(&schema).map(|found| check_parameters(&headers, &found, &message));
    }
}

/// Flow rules, pins, presets, definitions: any text is read or told, and what is kept is read again.
pub(crate) fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(flows) = Flows::read("fuzz.yaml", text) {
        let seen = castellan_mcp::taint::Labels::default();
        let _ = flows.judge(&seen, &["egress".to_owned()].into());
    }
    let _ = canonical_resource(text);
    if let Ok(stored) = serde_json::from_str(text)
        && let Ok(store) = Store::from_json(stored)
    {
        assert_eq!(Store::from_json(store.to_json()).map(|again| again.to_json()), Ok(store.to_json()));
    }
    let Ok(value) = parse(bytes, &Default::default()) else { return };
    let mut store = Store::new();
    if store.preset(&value, Ticks::MIN).is_ok() {
        assert!(Store::from_json(store.to_json()).is_ok());
    }
    for kind in [Kind::Tool, Kind::Prompt, Kind::Resource, Kind::Template, Kind::Server] {
        let Ok(definition) = Definition::read(kind, &value, &[]) else { continue };
        let again = Definition::read(
            kind,
            &parse(definition.canonical.as_bytes(), &Default::default()).unwrap(),
            &[],
        );
        assert_eq!(again.map(|again| again.hash), Ok(definition.hash));
    }
}

/// A schema and a value, as `[schema, value]`: a schema is prepared or refused, and any value is held against it.
pub(crate) fn schema(bytes: &[u8]) {
    let Ok(pair) = parse(bytes, &Default::default()) else { return };
    let [of, value] = pair.items() else { return };
    let flat = record(value);
    assert!(flat.truncated || flat.facts.len() <= bytes.len());
    if let Ok(schema) = Schema::new(of) {
        assert_eq!(schema.check(value), schema.check(value));
    }
    if let Some(pattern) = of.as_str() {
        let must = Must {
            match_pattern: Some(pattern.to_owned()),
            be_within: Some(pattern.to_owned()),
            ..Must::default()
        };
        let rule = Rule {
            server: None,
            tool: None,
            argument: "a".to_owned(),
            must,
            required: false,
            reason: String::new(),
        };
        let _ = Rules::new(vec![rule]).map(|rules| rules.check("s", "t", value));
    }
}

/// An answer of a token endpoint: a token is another one than was sent, and fits into a header.
pub(crate) fn oauth(bytes: &[u8]) {
    for status in [200, 400, 429] {
        let Ok(answered) = read_answer(status, bytes, Some(&Secret::new("sent"))) else { continue };
        assert_eq!(status, 200);
        let token = answered.token.expose();
        assert!(token != "sent" && HeaderValue::from_str(token).is_ok());
        assert!((0..=24 * 3600).contains(&answered.seconds));
    }
}
