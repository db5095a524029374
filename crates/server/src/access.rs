//! Who may ask.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::Token;
use crate::contentsafety;
use crate::gate::thrown_away;
use crate::intake;
use crate::kusto;
use crate::loganalytics;
use crate::moderations;
use crate::refusal::Refusal;
use crate::resourcegraph;
use crate::workspaces;

/// What is answered to anybody, so that an orchestrator can ask without the token.
const OPEN: &str = "/health";

/// Lets those through who show the token. Where there is none, those who ask this machine by its own name: a page
/// whose name was made to point here would have its browser send its own name.
pub(crate) async fn check(State(token): State<Option<Token>>, request: Request, next: Next) -> Response {
    let allowed = match &token {
        Some(token) => request.uri().path() == OPEN || shown(&request).is_some_and(|shown| token.is(shown)),
        None => return if is_local(&request) { next.run(request).await } else { misnamed() },
    };
    if allowed {
        return next.run(request).await;
    }
    let response = unknown(&request);
    thrown_away(request).await;
    response
}

/// Headers in which Azure's clients show a key.
const KEYS: [&str; 2] = ["ocp-apim-subscription-key", "api-key"];

/// The token that a request shows, as a bearer or as a key.
pub(crate) fn shown(request: &Request) -> Option<&[u8]> {
    let key = KEYS.iter().find_map(|name| request.headers().get(*name));
    if let Some(key) = key {
        return Some(key.as_bytes());
    }
    let header = request.headers().get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = header.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Whether a request asks this machine by its own name.
pub(crate) fn is_local(request: &Request) -> bool {
    let Some(host) = request.headers().get(HOST) else { return request.uri().host().is_none() };
    let Ok(host) = host.to_str() else { return false };
    let port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, end)| port(end)).map_or(host, |(name, _)| name);
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || literal.parse::<std::net::IpAddr>().is_ok()
}

fn unknown(request: &Request) -> Response {
    let message = "the token is missing or wrong; send `Authorization: Bearer TOKEN`";
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, message);
    // Each API's clients look for the reason where that API puts it.
    let path = request.uri().path();
    let mut response = intake::refused(path, &refusal).unwrap_or_else(|| match path {
        path if contentsafety::is_at(path) => contentsafety::Failure::from(refusal).into_response(),
        path if loganalytics::is_at(path) => loganalytics::refused(refusal),
        path if kusto::is_at(path) => kusto::refused(refusal),
        path if resourcegraph::is_at(path) => resourcegraph::refused(refusal),
        path if workspaces::is_at(path) => workspaces::refused(refusal),
        path if path.starts_with("/v1/") => moderations::failure(&refusal),
        _ => refusal.into_response(),
    });
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn misnamed() -> Response {
    let message =
        "without a token, only `localhost` and addresses are answered; ask by one of them, or set a token";
    Refusal::new(StatusCode::MISDIRECTED_REQUEST, message).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::{Request, is_local, shown};

    fn request(name: &str, value: &str) -> Request {
        Request::builder().header(name, value).body(Body::empty()).unwrap()
    }

    #[test]
    fn names_of_this_machine() {
        for host in ["localhost", "LOCALHOST:8700", "127.0.0.1:1", "[::1]:8700", "[::1]"] {
            assert!(is_local(&request("host", host)), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8700", "", "127.0.0.1.nip.io"] {
            assert!(!is_local(&request("host", host)), "{host}");
        }
    }

    #[test]
    fn tokens_are_shown_as_bearers() {
        assert_eq!(shown(&request("authorization", "bearer abc")), Some(&b"abc"[..]));
        assert_eq!(shown(&request("authorization", "Basic abc")), None);
        assert_eq!(shown(&request("authorization", "Bearer")), None);
        assert_eq!(shown(&request("host", "x")), None);
        assert_eq!(shown(&request("Ocp-Apim-Subscription-Key", "abc")), Some(&b"abc"[..]));
        assert_eq!(shown(&request("api-key", "abc")), Some(&b"abc"[..]));
    }
}
