//! Which headers pass, in both directions.
//!
//! *Invariant (no credential of a client passes):* what authenticates a client, what selects an account, and what speaks
//! about the connection is taken out before a member's own credential is put in.

use http::HeaderMap;
use http::header::{
    ACCEPT_ENCODING, ALT_SVC, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST,
    HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
};

/// Headers about one connection (RFC 9110, 7.6.1) besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers that authenticate a client or choose the account that pays, and those that are written anew.
const NOT_FORWARDED: [HeaderName; 16] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    HOST,
    CONTENT_LENGTH,
    EXPECT,
    FORWARDED,
    ACCEPT_ENCODING,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("ocp-apim-subscription-key"),
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
    HeaderName::from_static("via"),
    HeaderName::from_static("dpop"),
];

/// Beginnings of names that speak about the client or to the gate.
const NOT_FORWARDED_PREFIXES: [&str; 10] = [
    "x-forwarded-",
    "x-real-ip",
    "x-castellan-",
    "x-ms-client-principal",
    "x-original-",
    "x-ms-token-",
    // With these some servers take a request for another one than was looked at.
    "x-http-method",
    "x-method-override",
    "x-rewrite-",
    "x-host",
];

/// Headers of answers that speak about the upstream's own host or connection.
const NOT_RETURNED: [HeaderName; 4] = [SET_COOKIE, ALT_SVC, STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE];

/// The client's headers that an upstream may see. Answers are asked for without compression, so that they can be read.
pub(crate) fn forwarded(mut headers: HeaderMap) -> HeaderMap {
    remove_hop_by_hop(&mut headers);
    for name in &NOT_FORWARDED {
        headers.remove(name);
    }
    let is_unwanted =
        |name: &HeaderName| NOT_FORWARDED_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix));
    let unwanted: Vec<HeaderName> = headers.keys().filter(|name| is_unwanted(name)).cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
}

/// An upstream's headers that a client may see.
pub(super) fn returned(mut headers: HeaderMap) -> HeaderMap {
    remove_hop_by_hop(&mut headers);
    for name in &NOT_RETURNED {
        headers.remove(name);
    }
    headers
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    #[test]
    fn credentials_and_connections_stay() {
        let headers = map(&[
            ("Authorization", "Bearer secret"),
            ("api-key", "secret"),
            ("X-Api-Key", "secret"),
            ("Cookie", "secret"),
            ("OpenAI-Organization", "org"),
            ("X-Forwarded-For", "1.2.3.4"),
            ("X-Castellan-Grant", "g"),
            ("Connection", "close, X-Secret"),
            ("X-Secret", "secret"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Type", "application/json"),
            ("anthropic-beta", "b"),
        ]);
        let names: Vec<String> = forwarded(headers).keys().map(|name| name.as_str().to_owned()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        for name in ["content-type", "anthropic-beta", "accept-encoding"] {
            assert!(names.contains(&name.to_owned()), "{name}");
        }
    }

    #[test]
    fn answers_lose_cookies() {
        let kept =
            returned(map(&[("set-cookie", "a"), ("connection", "x-a"), ("x-a", "1"), ("x-request-id", "1")]));
        assert_eq!(kept.len(), 1);
    }
}
