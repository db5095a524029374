//! The steps of a sign-in.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use castellan_access::token::{Outcome, Verified, nonce_of};
use castellan_base::Ticks;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::fetch::Metadata;
use super::{CALLBACK, NONCE, Oidc, Refused, STATE, VERIFIER};
use crate::console::role::Role;
use crate::console::session::Secret;

/// How often keys are asked for in one sign-in, and how long it waits where somebody else asks.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(400);
/// The longest code, in bytes.
const LONGEST_CODE: usize = 8 << 10;

/// What the provider sends by the browser.
pub(super) struct Answer {
    pub(super) state: String,
    pub(super) code: Option<String>,
    pub(super) error: Option<String>,
    pub(super) issuer: Option<String>,
}

impl Oidc {
    fn callback(&self) -> String {
        format!("{}{CALLBACK}", self.config.url)
    }

    /// Where the browser goes.
    pub(super) fn address(&self, metadata: &Metadata, secret: &Secret) -> String {
        let verifier = secret.derived(VERIFIER);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.reveal().as_bytes()));
        let mut scopes = vec!["openid"];
        scopes.extend(self.config.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
        let form = form(&[
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", &self.callback()),
            ("scope", &scopes.join(" ")),
            ("state", secret.derived(STATE).reveal()),
            ("nonce", secret.derived(NONCE).reveal()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let separator = if metadata.authorization_endpoint.contains('?') { '&' } else { '?' };
        format!("{}{separator}{form}", metadata.authorization_endpoint)
    }

    /// Who signed in, and as what.
    pub(super) async fn finish(
        &self,
        secret: Option<&Secret>,
        answer: Answer,
        now: Ticks,
    ) -> Result<(String, Role), Refused> {
        let expired =
            || Refused::new("expired", "the sign-in was not begun in this browser, or took too long");
        let secret = secret.ok_or_else(expired)?;
        if !secret.derived(STATE).is(answer.state.as_bytes()) {
            return Err(expired());
        }
        if !self.end(secret, now) {
            return Err(expired());
        }
        let metadata = self.metadata(now).await?;
        match &answer.issuer {
            Some(issuer) if *issuer != self.config.issuer => {
                return Err(Refused::new("refused", "the answer is that of another provider"));
            }
            None if metadata.authorization_response_iss_parameter_supported => {
                return Err(Refused::new("refused", "the answer does not say which provider it is of"));
            }
            _ => {}
        }
        if let Some(error) = answer.error {
            let error: String = error.chars().filter(|character| !character.is_control()).take(80).collect();
            return Err(Refused::new("denied", format!("the provider says `{error}`")));
        }
        let code = answer.code.filter(|code| !code.is_empty() && code.len() <= LONGEST_CODE);
        let code = code.ok_or_else(|| Refused::new("denied", "the provider sent no code"))?;
        let token = self.token(&metadata, &code, secret).await?;
        let verified = self.verified(&token, now).await?;
        let nonce = nonce_of(&token).unwrap_or_default();
        if !secret.derived(NONCE).is(nonce.as_bytes()) {
            return Err(Refused::new("refused", "the token was made for another sign-in"));
        }
        self.admitted(&verified)
    }

    /// The ID token for a code.
    async fn token(&self, metadata: &Metadata, code: &str, secret: &Secret) -> Result<String, Refused> {
        #[derive(Deserialize)]
        struct Tokens {
            id_token: String,
        }
        let verifier = secret.derived(VERIFIER);
        let callback = self.callback();
        let mut members = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback),
            ("code_verifier", verifier.reveal()),
        ];
        // RFC 6749, 2.3.1: each part is encoded as in a form before they are put together.
        let authorization = self.secret.as_ref().map(|secret| {
            let pair = format!("{}:{}", encoded(&self.config.client_id), encoded(secret));
            format!("Basic {}", STANDARD.encode(pair))
        });
        if authorization.is_none() {
            members.push(("client_id", &self.config.client_id));
        }
        let sent = self.fetcher.post(&metadata.token_endpoint, form(&members), authorization).await;
        let bytes =
            sent.map_err(|why| Refused::new("refused", format!("the provider gives no token: {why}")))?;
        let tokens: Result<Tokens, _> = serde_json::from_slice(&bytes);
        // The text of the error could hold a part of a token.
        tokens
            .map(|tokens| tokens.id_token)
            .map_err(|_| Refused::new("refused", "the provider gives no ID token"))
    }

    /// Whom a token speaks of, once it is verified.
    async fn verified(&self, token: &str, now: Ticks) -> Result<std::sync::Arc<Verified>, Refused> {
        for _ in 0..TRIES {
            match self.issuers.verify(token, None, now) {
                Outcome::Verified(verified) => return Ok(verified),
                Outcome::Refused(refusal) => {
                    return Err(Refused::new("refused", format!("the ID token is refused: {refusal}")));
                }
                Outcome::NeedsKeys { plan, lead: true } => self.fetch_keys(&plan, now).await?,
                Outcome::NeedsKeys { lead: false, .. } => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(Refused::new("unreachable", "the keys of the provider did not come in time"))
    }

    fn admitted(&self, verified: &Verified) -> Result<(String, Role), Refused> {
        let principal = &verified.principal;
        let display = &principal.display;
        let shown = [&display.user_name, &display.email, &display.name].into_iter().flatten().next();
        let name: String = shown.unwrap_or(&principal.object).chars().take(256).collect();
        let role = self.config.roles.role(&principal.roles);
        let nobody = || {
            let claim = &self.config.role_claim;
            Refused::new("role", format!("`{name}` has no value in `{claim}` that stands for a role"))
        };
        role.ok_or_else(nobody).map(|role| (name.clone(), role))
    }
}

/// Members as a form has them.
fn form(members: &[(&str, &str)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    members.join("&")
}

/// A text with everything encoded but letters, digits and `-._~`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{encoded, form};

    #[test]
    fn forms() {
        assert_eq!(encoded("a b&c=\u{e9}+/~"), "a%20b%26c%3D%C3%A9%2B%2F~");
        assert_eq!(form(&[("a", "1"), ("b", " ")]), "a=1&b=%20");
    }
}
