//! Who asks, and whether a page of somebody else has a browser ask for them.
//!
//! A cookie is sent by the browser whoever wrote the page, so that a request with one has to show that a page of this
//! server made it. *Invariant (three walls)*: the cookie is `SameSite=Strict`; a request that the browser says comes from another
//! site or another port, by `Sec-Fetch-Site` or by `Origin`, is refused; and whatever changes something needs the value that
//! `GET /api/v1/session` tells, which other pages cannot read.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::Request;
use axum::http::header::{COOKIE as COOKIES, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};

use super::Inner;
use super::attempts::Attempts;
use super::failure::Failure;
use super::operation::Operation;
use super::request::Caller;
use super::session::{COOKIE, Secret, Way};
use crate::access::{is_local, shown};
use crate::queries::no_other_site;

/// The header that shows that a page of this server made a request.
pub(super) const CSRF: &str = "x-castellan-csrf";
/// What its value is derived for.
const PURPOSE: &str = "castellan console 2026 csrf";

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The value that shows that a page of this server made a request of a session.
pub(super) fn csrf(secret: &Secret) -> Secret {
    secret.derived(PURPOSE)
}

/// Where a request comes from.
pub(super) fn peer(request: &Request) -> IpAddr {
    request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
}

impl Inner {
    /// Refuses what nobody may ask, whoever they are.
    pub(super) fn admit(&self, operation: Option<Operation>, request: &Request) -> Result<(), Failure> {
        if self.token.is_none() && !is_local(request) {
            return Err(Failure::new(
                StatusCode::MISDIRECTED_REQUEST,
                "without a token, only `localhost` and addresses are answered; ask by one of them, or set a token",
            ));
        }
        if operation.is_some_and(Operation::is_led_to) && request.method() == Method::GET {
            return Ok(());
        }
        no_other_site(request.headers())?;
        own_origin(request)
    }

    /// Who asks.
    ///
    /// Errors: nobody that is known, or a request that a page of somebody else may have made.
    pub(super) fn caller(&self, request: &Request) -> Result<Caller, Failure> {
        let now = self.now();
        if let Some(shown) = shown(request) {
            let Some(token) = &self.token else {
                // Nothing is asked for, so that nothing can be wrong.
                return Ok(Caller::administrator(Way::Local));
            };
            self.may_try(&self.shown, request)?;
            if token.is(shown) {
                return Ok(Caller::administrator(Way::Bearer));
            }
            self.shown.failed(peer(request), now);
            return Err(unknown("the token is wrong"));
        }
        let secret = cookie(request.headers(), COOKIE).and_then(Secret::shown);
        let session = secret.and_then(|secret| {
            let session = self.sessions.used(&secret, now)?;
            Some((secret, session))
        });
        let Some((secret, session)) = session else {
            return match self.token {
                None => Ok(Caller::administrator(Way::Local)),
                Some(_) => Err(unknown("nobody is signed in, or the session has ended; sign in")),
            };
        };
        if !is_safe(request.method()) {
            let value =
                request.headers().get(CSRF).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
            if !csrf(&secret).is(value) {
                let message = format!(
                    "the header `{CSRF}` is missing or wrong; its value is `csrf` of GET /api/v1/session"
                );
                return Err(Failure::new(StatusCode::FORBIDDEN, message).coded("csrf"));
            }
        }
        let (name, role, way) = (session.name.clone(), session.role, session.way);
        Ok(Caller { name, role, way, session: Some((secret, session)) })
    }

    /// Whether whoever asks may show a token now.
    pub(super) fn may_try(&self, attempts: &Attempts, request: &Request) -> Result<(), Failure> {
        attempts.may(peer(request), self.now()).map_err(|seconds| {
            let message = format!("too many attempts failed; wait {seconds} seconds");
            Failure::new(StatusCode::TOO_MANY_REQUESTS, message).again_after(seconds)
        })
    }
}

/// 401, with what to do.
pub(super) fn unknown(message: &str) -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, message)
}

/// Whether a method changes nothing.
fn is_safe(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Refuses a request that a page of another origin made. Browsers name it with whatever could change something.
fn own_origin(request: &Request) -> Result<(), Failure> {
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    match (origin, host) {
        (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(Failure::new(StatusCode::FORBIDDEN, "pages of other origins are not answered")),
    }
}

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIES).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    cookies.find(|(known, _)| *known == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;

    use super::{cookie, own_origin};

    #[test]
    fn origins() {
        let check = |origin: Option<&str>, host: Option<&str>| {
            let mut request = Request::builder().method("POST");
            for (name, value) in [("origin", origin), ("host", host)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            own_origin(&request.body(Body::empty()).unwrap()).is_ok()
        };
        assert!(check(None, Some("127.0.0.1:8700")) && check(None, None));
        assert!(check(Some("http://127.0.0.1:8700"), Some("127.0.0.1:8700")));
        assert!(check(Some("https://Castellan.example"), Some("castellan.example")));
        for origin in
            ["null", "http://evil.example", "http://127.0.0.1:9000", "http://127.0.0.1", "", "\u{fc}"]
        {
            assert!(!check(Some(origin), Some("127.0.0.1:8700")), "{origin}");
        }
        assert!(!check(Some("http://127.0.0.1:8700"), None));
    }

    #[test]
    fn cookies() {
        let request =
            Request::builder().header("cookie", "a=1; castellan_session=xyz").header("cookie", "b=2");
        let headers = request.body(Body::empty()).unwrap().headers().clone();
        assert_eq!(cookie(&headers, "castellan_session"), Some("xyz"));
        assert_eq!((cookie(&headers, "b"), cookie(&headers, "c")), (Some("2"), None));
    }
}
