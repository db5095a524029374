//! Which requests are the same.

use castellan_wire::json::{Item, Kind, Tree};
use http::{HeaderMap, HeaderName};

/// A hash of all that decides about an answer.
pub(crate) type Key = [u8; 32];

/// What decides about an answer beside its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// Whether answers are shared within an application, and the application or the principal.
    pub(crate) scope: &'a (bool, String),
    /// The path with its query.
    pub(crate) path: &'a str,
    /// The alias of the model.
    pub(crate) model: &'a str,
    /// The headers that an upstream gets.
    pub(crate) headers: &'a HeaderMap,
    /// The version of the policies that decided, and those that did.
    pub(crate) policies: (&'a str, &'a [String]),
    /// Profiles with their versions.
    pub(crate) profiles: &'a [String],
    /// From which severity on an order has harm blocked.
    pub(crate) tightened: Option<u8>,
    /// The generation of profiles and block lists.
    pub(crate) generation: u64,
    /// What upstreams there are.
    pub(crate) upstreams: &'a [u8; 32],
    /// What was found in the prompt, as answers tell it to clients of Azure's forms.
    pub(crate) told: &'a str,
}

/// Headers that say nothing about the answer. Of all others two requests have to have the same.
const BESIDE_THE_POINT: [&str; 22] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "baggage",
    "cache-control",
    "content-type",
    "date",
    "idempotency-key",
    "origin",
    "pragma",
    "priority",
    "referer",
    "sentry-trace",
    "session_id",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-client-request-id",
    "x-correlation-id",
    "x-ms-client-request-id",
    "x-request-id",
    "x-session-id",
];

fn matters(name: &HeaderName) -> bool {
    let name = name.as_str();
    BESIDE_THE_POINT.binary_search(&name).is_err()
        && !name.starts_with("x-stainless-")
        && !name.starts_with("sec-")
}

/// The key of a request.
pub(crate) fn of(subject: &Subject<'_>, body: &Tree<'_>) -> Key {
    let mut hasher = blake3::Hasher::new_derive_key("castellan 2026-11 kept answers of the gate");
    let (is_shared, scope) = subject.scope;
    hasher.update(&[
        u8::from(*is_shared),
        u8::from(subject.tightened.is_some()),
        subject.tightened.unwrap_or_default(),
    ]);
    hasher.update(&subject.generation.to_le_bytes());
    hasher.update(subject.upstreams);
    for text in [scope.as_str(), subject.path, subject.model, subject.policies.0, subject.told] {
        add(&mut hasher, text.as_bytes());
    }
    for list in [subject.policies.1, subject.profiles] {
        hasher.update(&length(list.len()));
        list.iter().for_each(|name| add(&mut hasher, name.as_bytes()));
    }
    let mut headers: Vec<(&str, &[u8])> = subject
        .headers
        .iter()
        .filter(|(name, _)| matters(name))
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    headers.sort_unstable();
    hasher.update(&length(headers.len()));
    for (name, value) in headers {
        add(&mut hasher, name.as_bytes());
        add(&mut hasher, value);
    }
    canonical(body.root(), &mut hasher);
    *hasher.finalize().as_bytes()
}

fn length(length: usize) -> [u8; 8] {
    u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes()
}

/// Lengths go before texts, so that no two lists of texts are the same bytes.
fn add(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&length(bytes.len()));
    hasher.update(bytes);
}

/// A value without white space, its members by their names and its texts without escapes. Numbers stay as they are written. Documents
/// are at most 64 values deep.
fn canonical(item: Item<'_>, hasher: &mut blake3::Hasher) {
    match item.kind() {
        Kind::Record => {
            let mut members: Vec<_> =
                item.items().map(|member| (member.name().unwrap_or_default(), member)).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            hasher.update(b"{");
            hasher.update(&length(members.len()));
            for (name, member) in members {
                add(hasher, name.as_bytes());
                canonical(member, hasher);
            }
        }
        Kind::List => {
            hasher.update(b"[");
            hasher.update(&length(item.items().count()));
            item.items().for_each(|inner| canonical(inner, hasher));
        }
        Kind::Text => {
            hasher.update(b"\"");
            add(hasher, item.text().unwrap_or_default().as_bytes());
        }
        Kind::Number | Kind::Bool | Kind::Null => {
            hasher.update(b"v");
            add(hasher, item.raw());
        }
    }
}

#[cfg(test)]
mod tests {
    use castellan_wire::json::Bounds;

    use super::*;

    static USUAL: std::sync::LazyLock<((bool, String), HeaderMap)> =
        std::sync::LazyLock::new(|| ((false, "ann".to_owned()), HeaderMap::new()));

    fn key<'a>(change: impl FnOnce(&mut Subject<'a>), body: &str) -> Key {
        let tree = Tree::read(body.as_bytes(), &Bounds::default()).unwrap();
        let mut subject = Subject {
            scope: &USUAL.0,
            path: "/v1/chat/completions",
            model: "m",
            headers: &USUAL.1,
            policies: ("v1", &[]),
            profiles: &[],
            tightened: None,
            generation: 0,
            upstreams: &[0; 32],
            told: "",
        };
        change(&mut subject);
        of(&subject, &tree)
    }

    fn body(body: &str) -> Key {
        key(|_| {}, body)
    }

    #[test]
    fn white_space_order_and_escapes_make_no_difference() {
        let one = body(r#"{"model":"m","messages":[{"role":"user","content":"caf\u00e9"}],"temperature":0}"#);
        let other = body(
            "{ \"temperature\": 0,\n\"messages\": [ {\"content\": \"caf\u{e9}\", \"role\": \"user\"} ], \"model\": \"m\" }",
        );
        assert_eq!(one, other);
    }

    #[test]
    fn everything_else_does() {
        let bodies = [
            r#"{"a":"b"}"#,
            r#"{"a":["b"]}"#,
            r#"{"ab":""}"#,
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":1.0}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":[1,2]}"#,
            r#"{"a":[2,1]}"#,
            r#"{"a":[[1],2]}"#,
            r#"{"a":[1,[2]]}"#,
            r#"{"a":null}"#,
            r#"{"a":true}"#,
            r#"{}"#,
            r#"[]"#,
        ];
        let keys: std::collections::HashSet<Key> = bodies.into_iter().map(body).collect();
        assert_eq!(keys.len(), bodies.len());
        let same = r#"{"model":"m"}"#;
        let names = ["p@1".to_owned()];
        let (shared, other) = ((true, "ann".to_owned()), (false, "bob".to_owned()));
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-beta", "x".parse().unwrap());
        let mut beside = HeaderMap::new();
        beside.insert("user-agent", "x".parse().unwrap());
        beside.insert("x-stainless-retry-count", "1".parse().unwrap());
        let changed: [Key; 12] = [
            key(|_| {}, same),
            key(|subject| subject.scope = &shared, same),
            key(|subject| subject.scope = &other, same),
            key(|subject| subject.path = "/v1/chat/completions?x=1", same),
            key(|subject| subject.model = "n", same),
            key(|subject| subject.headers = &headers, same),
            key(|subject| subject.policies.0 = "v2", same),
            key(|subject| subject.policies.1 = &names, same),
            key(|subject| subject.profiles = &names, same),
            key(|subject| subject.tightened = Some(0), same),
            key(|subject| subject.generation = 1, same),
            key(|subject| subject.upstreams = &[1; 32], same),
        ];
        let keys: std::collections::HashSet<Key> = changed.into_iter().collect();
        assert_eq!(keys.len(), changed.len());
        assert_eq!(key(|subject| subject.headers = &beside, same), key(|_| {}, same));
        assert!(BESIDE_THE_POINT.is_sorted());
    }

    proptest::proptest! {
        #[test]
        fn what_a_document_says_decides(one in document(), other in document()) {
            let written = (one.to_string(), serde_json::to_string_pretty(&one).unwrap());
            proptest::prop_assert_eq!(body(&written.0), body(&written.1));
            proptest::prop_assert_eq!(one == other, body(&one.to_string()) == body(&other.to_string()));
        }
    }

    fn document() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            "[a-c\"{}\\[\\]]{0,3}".prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
                prop::collection::btree_map("[a-c]{1,2}", inner, 0..3)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }
}
