//! Signing in and out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

use super::Inner;
use super::failure::{Failure, Told};
use super::guard::{csrf, unknown};
use super::request::{Caller, Request};
use super::role::Role;
use super::session::{COOKIE, Hash, LONGEST, OidcWay, Secret, Way};

/// How long a one-time code holds.
const CODE_HOLDS: i64 = 5 * 60 * Ticks::PER_SECOND;
/// Most codes that hold at once; more forget the oldest.
const CODES: usize = 64;
/// Largest body of a sign-in, in bytes.
const BODY: usize = 16 << 10;

/// One-time codes by their hashes.
#[derive(Debug, Default)]
pub(super) struct Codes(Mutex<HashMap<Hash, Invited>>);

/// Who a code is for, and until when it holds.
#[derive(Debug)]
struct Invited {
    name: String,
    role: Role,
    until: Ticks,
}

impl Codes {
    /// A new code.
    ///
    /// Errors: the system gives no random bytes.
    pub(super) fn issue(&self, name: &str, role: Role, now: Ticks) -> Result<Secret, getrandom::Error> {
        let secret = Secret::random()?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, invited| now < invited.until);
        if known.len() >= CODES {
            let oldest = known.iter().min_by_key(|(_, invited)| invited.until).map(|(hash, _)| *hash);
            oldest.and_then(|hash| known.remove(&hash));
        }
        let until = now.checked_add(CODE_HOLDS).unwrap_or(now);
        known.insert(secret.hash(), Invited { name: name.to_owned(), role, until });
        Ok(secret)
    }

    /// Uses a code up: who it is for, where there is such a code.
    fn redeem(&self, code: &str, now: Ticks) -> Option<(String, Role)> {
        // They are found by their hash, which whoever tries cannot steer, so that the time tells nothing.
        let code = Secret::shown(code)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let invited = known.remove(&code.hash()).filter(|invited| now < invited.until)?;
        Some((invited.name, invited.role))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    name: String,
    role: Role,
    way: Way,
    csrf: Option<String>,
    expires: Option<Ticks>,
    idle_expires: Option<Ticks>,
    oidc: OidcWay,
    version: &'static str,
    demo: bool,
}

#[derive(Serialize)]
struct Nobody<'f> {
    error: &'f Told,
    oidc: OidcWay,
    version: &'static str,
    demo: bool,
}

impl Inner {
    /// What is told to whoever is not signed in and asks whether they are.
    pub(super) fn nobody(&self, failure: &Failure) -> Response {
        let told = Nobody {
            error: failure.told(),
            oidc: self.oidc_way(false),
            version: env!("CARGO_PKG_VERSION"),
            demo: self.is_demo,
        };
        (failure.status(), axum::Json(told)).into_response()
    }

    /// Begins a session, and gives its cookie.
    pub(super) fn begin(&self, name: &str, role: Role, way: Way) -> Result<HeaderValue, Failure> {
        let no_random = |error| Failure::failed(format!("the system gives no random bytes: {error}"));
        let secret = self.sessions.begin(name, role, way, self.now()).map_err(no_random)?;
        self.set_cookie(COOKIE, secret.reveal(), LONGEST / Ticks::PER_SECOND, "Strict", "/")
    }

    /// A cookie that scripts cannot read.
    pub(super) fn set_cookie(
        &self,
        name: &str,
        value: &str,
        seconds: i64,
        same_site: &str,
        path: &str,
    ) -> Result<HeaderValue, Failure> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}");
        HeaderValue::from_str(&text).map_err(|_| Failure::failed("the cookie cannot be written"))
    }
}

/// 204 with a cookie.
fn with_cookie(cookie: HeaderValue) -> Response {
    (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response()
}

impl Request {
    pub(super) fn get_session(self, caller: &Caller) -> Response {
        let ends = caller.session.as_ref().map(|(_, session)| session.ends());
        let told = Signed {
            name: caller.name.clone(),
            role: caller.role,
            way: caller.way,
            csrf: caller.session.as_ref().map(|(secret, _)| csrf(secret).reveal().to_owned()),
            expires: ends.map(|(end, _)| end),
            idle_expires: ends.map(|(_, idle)| idle),
            oidc: self.console.oidc_way(false),
            version: env!("CARGO_PKG_VERSION"),
            demo: self.console.is_demo,
        };
        axum::Json(told).into_response()
    }

    pub(super) async fn sign_in(self, address: std::net::IpAddr) -> Result<Response, Failure> {
        let console = std::sync::Arc::clone(&self.console);
        let now = console.now();
        let (_, said) = self.small(BODY).body::<SignIn>().await?;
        let admitted = match &said {
            SignIn { token: Some(shown), code: None } => {
                let is_right = console.token.as_ref().is_some_and(|token| token.is(shown.as_bytes()));
                is_right.then(|| ("administrator".to_owned(), Role::Administrator, Way::Token))
            }
            SignIn { token: None, code: Some(code) } => {
                console.codes.redeem(code, now).map(|(name, role)| (name, role, Way::Code))
            }
            _ => return Err(Failure::bad("the body has to hold either `token` or `code`")),
        };
        let Some((name, role, way)) = admitted else {
            console.attempts.failed(address, now);
            let message = match said.code {
                Some(_) => "the code was used already, or has ended; sign in with the token",
                None => "the token is wrong",
            };
            return Err(unknown(message));
        };
        Ok(with_cookie(console.begin(&name, role, way)?))
    }

    pub(super) fn sign_out(self, caller: &Caller) -> Result<Response, Failure> {
        if let Some((secret, _)) = &caller.session {
            self.console.sessions.end(secret);
        }
        Ok(with_cookie(self.console.set_cookie(COOKIE, "", 0, "Strict", "/")?))
    }
}

#[cfg(test)]
mod tests {
    use castellan_base::Ticks;

    use super::{CODE_HOLDS, CODES, Codes, Role};

    #[test]
    fn codes_hold_once_and_for_a_while() {
        let at = |ticks: i64| Ticks::new(1_000_000_000_000 + ticks).unwrap();
        let codes = Codes::default();
        let issue = |now: Ticks| codes.issue("ann", Role::Reader, now).unwrap();
        let code = issue(at(0));
        assert!(codes.redeem("", at(1)).is_none() && codes.redeem(&"0".repeat(64), at(1)).is_none());
        assert_eq!(codes.redeem(code.reveal(), at(1)), Some(("ann".to_owned(), Role::Reader)));
        assert!(codes.redeem(code.reveal(), at(1)).is_none());
        let late = issue(at(0));
        assert!(codes.redeem(late.reveal(), at(CODE_HOLDS)).is_none());
        let first = issue(at(0));
        for number in 0..CODES {
            issue(at(1 + i64::try_from(number).unwrap()));
        }
        assert!(codes.redeem(first.reveal(), at(100)).is_none());
    }
}
