//! Signing in at an identity provider: OpenID Connect's authorization code flow.
//!
//! Sources: OpenID Connect Core 1.0 (3.1), RFC 7636 (PKCE), RFC 9207 (`iss` in the answer), RFC 9700 (best current practice).
//! A sign-in begins with a cookie of 32 random bytes. `state`, `nonce` and the verifier of PKCE are derived from them, so
//! that the answer, the ID token and the code each count in the browser that began, once, and for ten minutes.
//! *Invariant (no role, no entry):* whoever the provider vouches for and no role is mapped to is not signed in.

mod config;
mod fetch;
mod flow;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use castellan_access::token::Issuers;
use castellan_base::{System, Ticks};

pub use config::{OidcConfig, RoleNames};
use fetch::Fetcher;

use super::failure::Failure;
use super::guard::cookie;
use super::request::Request;
use super::session::{Hash, Secret, Way};

/// The cookie of a sign-in that has begun, and where it is sent.
const COOKIE: &str = "castellan_oidc";
const PATH: &str = "/api/v1/session/oidc";
const CALLBACK: &str = "/api/v1/session/oidc/callback";
/// How long a sign-in may take, in seconds.
const MINUTES: i64 = 600;
/// Most sign-ins that have begun; more forget the oldest.
const MOST: usize = 1_000;
/// What is derived from the secret of a sign-in, and for what.
const STATE: &str = "castellan console 2026 oidc state";
const NONCE: &str = "castellan console 2026 oidc nonce";
const VERIFIER: &str = "castellan console 2026 oidc verifier";

/// Why nobody is signed in, in a word for the page and a sentence for whoever looks after the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    word: &'static str,
    why: String,
}

impl Refused {
    fn new(word: &'static str, why: impl Into<String>) -> Refused {
        Refused { word, why: why.into() }
    }
}

/// An identity provider.
pub(super) struct Oidc {
    pub(super) config: OidcConfig,
    /// The secret that the provider knows us by.
    secret: Option<zeroize::Zeroizing<String>>,
    fetcher: Fetcher,
    issuers: Issuers,
    begun: Mutex<HashMap<Hash, Ticks>>,
    metadata: tokio::sync::Mutex<fetch::Held>,
    /// What went wrong last, for whoever looks after the server.
    problem: Mutex<Option<String>>,
}

impl Oidc {
    /// Makes ready to sign in at a provider, which is asked when somebody does.
    ///
    /// # Errors
    /// What of the configuration cannot be used.
    pub(super) fn new(config: OidcConfig, system: &dyn System) -> Result<Oidc, String> {
        let secret = config.secret(system)?;
        let issuers = Issuers::new(vec![config.issuer_config()?]).map_err(|error| error.to_string())?;
        let fetcher = Fetcher::new()?;
        Ok(Oidc {
            config,
            secret,
            fetcher,
            issuers,
            begun: Mutex::default(),
            metadata: tokio::sync::Mutex::default(),
            problem: Mutex::default(),
        })
    }

    /// What went wrong last.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Begins a sign-in.
    fn begin(&self, now: Ticks) -> Result<Secret, getrandom::Error> {
        let secret = Secret::random()?;
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|_, until| now < *until);
        if begun.len() >= MOST {
            let oldest = begun.iter().min_by_key(|(_, until)| **until).map(|(hash, _)| *hash);
            oldest.and_then(|hash| begun.remove(&hash));
        }
        let until = now.checked_add(MINUTES * Ticks::PER_SECOND).unwrap_or(now);
        begun.insert(secret.hash(), until);
        Ok(secret)
    }

    /// Uses a sign-in up; false where it was not begun here, was used, or took too long.
    fn end(&self, secret: &Secret, now: Ticks) -> bool {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.remove(&secret.hash()).is_some_and(|until| now < until)
    }
}

fn nothing() -> Failure {
    Failure::missing(
        "nobody signs in at an identity provider here; see `[console.oidc]` in docs/console-api.md",
    )
}

/// To somewhere else, with cookies.
fn lead(to: &str, cookies: Vec<HeaderValue>) -> Result<Response, Failure> {
    let to = HeaderValue::from_str(to).map_err(|_| Failure::failed("the address cannot be written"))?;
    let cookies = AppendHeaders(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect::<Vec<_>>());
    let mut response = (StatusCode::FOUND, cookies).into_response();
    response.headers_mut().insert(LOCATION, to);
    Ok(response)
}

impl Request {
    pub(super) async fn begin_oidc(self) -> Result<Response, Failure> {
        let console = &self.console;
        let oidc = console.oidc.as_ref().ok_or_else(nothing)?;
        let metadata = match oidc.metadata(console.now()).await {
            Ok(metadata) => metadata,
            Err(refused) => {
                oidc.note(Some(refused.why));
                return lead(&format!("/#problem={}", refused.word), Vec::new());
            }
        };
        let no_random = |error| Failure::failed(format!("the system gives no random bytes: {error}"));
        let secret = oidc.begin(console.now()).map_err(no_random)?;
        // The provider sends the browser back from its own site, with which `Strict` cookies are not sent.
        let cookie = console.set_cookie(COOKIE, secret.reveal(), MINUTES, "Lax", PATH)?;
        lead(&oidc.address(&metadata, &secret), vec![cookie])
    }

    pub(super) async fn finish_oidc(self) -> Result<Response, Failure> {
        let console = &self.console;
        let oidc = console.oidc.as_ref().ok_or_else(nothing)?;
        let gone = console.set_cookie(COOKIE, "", 0, "Lax", PATH)?;
        let secret = cookie(self.headers(), COOKIE).and_then(Secret::shown);
        let answer = flow::Answer {
            state: self.parameter("state").unwrap_or_default(),
            code: self.parameter("code"),
            error: self.parameter("error"),
            issuer: self.parameter("iss"),
        };
        match oidc.finish(secret.as_ref(), answer, console.now()).await {
            Ok((name, role)) => {
                oidc.note(None);
                lead("/", vec![gone, console.begin(&name, role, Way::Oidc)?])
            }
            Err(refused) => {
                oidc.note(Some(format!("somebody could not sign in: {}", refused.why)));
                // An answer that is none of this browser's must not end what it has begun.
                let cookies = if refused.word == "expired" { Vec::new() } else { vec![gone] };
                lead(&format!("/#problem={}", refused.word), cookies)
            }
        }
    }
}
