//! Changes of single bytes ranges that carry a message from one side to the other.

use crate::json::{Span, Value, quote};
use crate::message::{Id, META_CAPABILITIES, META_CLIENT, META_VERSION, Message};
use crate::names::expose_uri;
use crate::transport::Version;

/// An insertion or replacement in the bytes of a message.
pub(super) struct Patch {
    pub(super) span: Span,
    pub(super) with: String,
}

/// Makes patches, which must not overlap; those that do are left out, which `None` tells.
pub(super) fn patch(bytes: &[u8], mut patches: Vec<Patch>) -> Option<Vec<u8>> {
    patches.sort_by_key(|patch| patch.span);
    let mut out = Vec::with_capacity(bytes.len() + 256);
    let mut at = 0;
    for patch in &patches {
        out.extend_from_slice(bytes.get(at..patch.span.start)?);
        out.extend_from_slice(patch.with.as_bytes());
        at = patch.span.end;
    }
    out.extend_from_slice(bytes.get(at..)?);
    Some(out)
}

/// The source of a value.
pub(super) fn source<'a>(message: &'a Message, value: &Value) -> &'a str {
    let bytes = message.bytes().get(value.span.start..value.span.end).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// Another id in the place of a message's own.
pub(super) fn other_id(message: &Message, id: &Id) -> Option<Patch> {
    let span = message.root().get("id")?.span;
    Some(Patch { span, with: id.to_json() })
}

/// Another string in the place of one.
pub(super) fn other_text(value: &Value, text: &str) -> Patch {
    let mut with = String::new();
    quote(text, &mut with);
    Patch { span: value.span, with }
}

/// Members put at the start of an object.
fn insert(object: &Value, members: &str) -> Patch {
    let at = object.span.start + 1;
    let comma = if object.members().is_empty() { "" } else { "," };
    Patch { span: Span { start: at, end: at }, with: format!("{members}{comma}") }
}

/// What a request of an earlier revision lacks for 2026-07-28. A session's client said these things when it began.
pub(super) fn modern_meta(message: &Message, capabilities: &str, client: &str) -> Vec<Patch> {
    let version = Version::V2026_07_28;
    let said = |key: &str| message.meta(key).is_some();
    let mut members = Vec::new();
    for (key, value) in [
        (META_VERSION, format!("\"{version}\"")),
        (META_CAPABILITIES, capabilities.to_owned()),
        (META_CLIENT, client.to_owned()),
    ] {
        if !said(key) {
            members.push(format!("\"{key}\":{value}"));
        }
    }
    if members.is_empty() {
        return Vec::new();
    }
    let members = members.join(",");
    let patch = match (message.params(), message.param("_meta")) {
        (_, Some(meta)) => insert(meta, &members),
        (Some(params), None) => insert(params, &format!("\"_meta\":{{{members}}}")),
        (None, None) => insert(message.root(), &format!("\"params\":{{\"_meta\":{{{members}}}}}")),
    };
    vec![patch]
}

/// What a result of an earlier revision lacks for 2026-07-28.
pub(super) fn modern_result(message: &Message, cacheable: bool) -> Vec<Patch> {
    let Some(result) = message.result().filter(|result| result.get("resultType").is_none()) else {
        return Vec::new();
    };
    let mut members = "\"resultType\":\"complete\"".to_owned();
    if cacheable {
        for (key, value) in [("ttlMs", "0"), ("cacheScope", "\"private\"")] {
            if result.get(key).is_none() {
                members.push_str(&format!(",\"{key}\":{value}"));
            }
        }
    }
    vec![insert(result, &members)]
}

/// URIs of resources in an answer or notification, as clients see them when several servers share an address.
pub(super) fn exposed_uris(message: &Message, server: &str) -> Vec<Patch> {
    let mut patches = Vec::new();
    if let Some(uri) = message.param("uri").filter(|_| !message.is_answer()) {
        expose_at(uri, server, &mut patches);
    }
    let result = message.result();
    let lists = ["content", "contents", "messages"].iter().filter_map(|key| result?.get(key));
    for item in lists.flat_map(Value::items) {
        contents(item, server, &mut patches);
        if let Some(content) = item.get("content") {
            contents(content, server, &mut patches);
        }
    }
    patches
}

fn contents(item: &Value, server: &str, patches: &mut Vec<Patch>) {
    let places = [item.get("uri"), item.at(&["resource", "uri"])];
    places.into_iter().flatten().for_each(|uri| expose_at(uri, server, patches));
}

fn expose_at(uri: &Value, server: &str, patches: &mut Vec<Patch>) {
    if let Some(text) = uri.as_str() {
        patches.push(other_text(uri, &expose_uri(server, text)));
    }
}

/// A message's bytes with patches, or as they are.
pub(super) fn patched(message: &Message, patches: Vec<Patch>) -> Option<Vec<u8>> {
    if patches.is_empty() {
        return Some(message.bytes().to_vec());
    }
    patch(message.bytes(), patches)
}
