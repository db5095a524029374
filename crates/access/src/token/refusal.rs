//! Why a credential is refused, and how a client is told.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::principal::Principal;

/// Why a credential is refused. No message holds any part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is none.
    #[error("there is no credential; send an access token, or a virtual key")]
    NoCredential,
    /// A token is longer than any honest one.
    #[error("the token is longer than {} bytes", super::LONGEST_TOKEN)]
    TooLong,
    /// It is not three parts in base64url, or a part is not JSON.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// It is encrypted.
    #[error("the token is encrypted; let the issuer sign it and nothing else")]
    Encrypted,
    /// It holds another token.
    #[error("the token holds another token (`cty`), which is not accepted")]
    Nested,
    /// A name comes twice.
    #[error("an object in the token has a member twice")]
    DuplicateMember,
    /// It nests too deep or has too many values.
    #[error("the token nests too deep or has too many values")]
    TooDeep,
    /// `alg` is `none`.
    #[error("the token is not signed (`alg` is `none`)")]
    AlgorithmNone,
    /// `alg` is not one that the issuer may use.
    #[error("the token's algorithm is none that this issuer is allowed to sign with")]
    Algorithm,
    /// The header brings a key or says where one is.
    #[error("the token's header brings its own key (`jwk`, `jku`, `x5u` or `x5c`)")]
    KeyInHeader,
    /// The header has something that must be understood and is not.
    #[error("the token's header has a critical extension, none of which are supported")]
    CriticalHeader,
    /// `typ` is not an access token's.
    #[error("the token's type (`typ`) is not that of an access token")]
    Type,
    /// There is no usable `kid`.
    #[error("the token has no usable key id (`kid`)")]
    KeyId,
    /// The issuer is not configured.
    #[error("the token's issuer is none of those that are configured")]
    Issuer,
    /// The issuer has no such key.
    #[error("the issuer has no key with the token's key id")]
    UnknownKey,
    /// The key does not fit.
    #[error("the issuer's key is not for the token's algorithm or issuer")]
    KeyUnfit,
    /// The issuer's keys are not there.
    #[error("the issuer's keys cannot be fetched at the moment; try again")]
    KeysUnavailable,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim is missing.
    #[error("the token has no claim `{0}`")]
    MissingClaim(&'static str),
    /// A claim has a type or form that it must not have.
    #[error("the token's claim `{0}` has a wrong form")]
    BadClaim(&'static str),
    /// It is for somebody else.
    #[error("the token is for another audience; ask for one for this gate")]
    Audience,
    /// It is for an interface of Microsoft's, such as Microsoft Graph.
    #[error("the token is for an interface of Microsoft's own; ask for one for this gate")]
    ForeignAudience,
    /// The tenant may not use the gate.
    #[error("the token's tenant may not use this gate")]
    Tenant,
    /// The tenant is not that of the issuer.
    #[error("the token's tenant is not its issuer's")]
    TenantMismatch,
    /// The version is not accepted.
    #[error("the token's version (`ver`) is not accepted")]
    Version,
    /// The application may not use the gate.
    #[error("the application that the token was issued to may not use this gate")]
    Client,
    /// It is an ID token or something else that is no access token.
    #[error("the token is no access token")]
    NotAnAccessToken,
    /// Its time has passed.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet; check the clocks")]
    NotYetValid,
    /// It was issued in the future.
    #[error("the token was issued in the future; check the clocks")]
    IssuedInFuture,
    /// It lives longer than the issuer may say.
    #[error("the token's lifetime is longer than this issuer is allowed to give")]
    Lifetime,
    /// It is bound to a key or certificate that was not shown.
    #[error("the token is bound to a certificate that the client did not show")]
    Proof,
    /// It was used before.
    #[error("the token may be used once, and was used before")]
    Replayed,
    /// No more tokens for one use can be remembered.
    #[error("no more tokens for one use can be remembered at the moment; try again")]
    ReplayMemory,
    /// A virtual key is none of ours.
    #[error("the virtual key is not known")]
    UnknownVirtualKey,
    /// A virtual key was typed wrongly.
    #[error("the virtual key is not complete or was typed wrongly: its checksum does not fit")]
    Checksum,
    /// A virtual key was revoked.
    #[error("the virtual key was revoked")]
    Revoked,
    /// No mapping knows a certificate.
    #[error("no mapping knows the client's certificate")]
    UnknownCertificate,
    /// A certificate cannot be used.
    #[error("the client's certificate is refused: {0}")]
    Certificate(&'static str),
}

impl Refusal {
    /// The stable word for logs, tables and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Refusal::NoCredential => "no-credential",
            Refusal::TooLong => "too-long",
            Refusal::Malformed(_) => "malformed",
            Refusal::Encrypted => "encrypted",
            Refusal::Nested => "nested",
            Refusal::DuplicateMember => "duplicate-member",
            Refusal::TooDeep => "too-deep",
            Refusal::AlgorithmNone => "algorithm-none",
            Refusal::Algorithm => "algorithm",
            Refusal::KeyInHeader => "key-in-header",
            Refusal::CriticalHeader => "critical-header",
            Refusal::Type => "type",
            Refusal::KeyId => "key-id",
            Refusal::Issuer => "issuer",
            Refusal::UnknownKey => "unknown-key",
            Refusal::KeyUnfit => "key-unfit",
            Refusal::KeysUnavailable => "keys-unavailable",
            Refusal::Signature => "signature",
            Refusal::MissingClaim(_) => "missing-claim",
            Refusal::BadClaim(_) => "bad-claim",
            Refusal::Audience => "audience",
            Refusal::ForeignAudience => "foreign-audience",
            Refusal::Tenant => "tenant",
            Refusal::TenantMismatch => "tenant-mismatch",
            Refusal::Version => "version",
            Refusal::Client => "client",
            Refusal::NotAnAccessToken => "not-an-access-token",
            Refusal::Expired => "expired",
            Refusal::NotYetValid => "not-yet-valid",
            Refusal::IssuedInFuture => "issued-in-future",
            Refusal::Lifetime => "lifetime",
            Refusal::Proof => "proof",
            Refusal::Replayed => "replayed",
            Refusal::ReplayMemory => "replay-memory",
            Refusal::UnknownVirtualKey => "unknown-virtual-key",
            Refusal::Checksum => "checksum",
            Refusal::Revoked => "revoked",
            Refusal::UnknownCertificate => "unknown-certificate",
            Refusal::Certificate(_) => "certificate",
        }
    }

    /// The status of HTTP: 401, or 503 when the gate lacks something and the credential may be fine.
    pub fn status(&self) -> u16 {
        match self {
            Refusal::KeysUnavailable | Refusal::ReplayMemory => 503,
            _ => 401,
        }
    }

    /// The value of `WWW-Authenticate` after RFC 6750, 3 and RFC 9728, 5.1.
    ///
    /// ```
    /// use castellan_access::token::{Challenge, Refusal};
    ///
    /// let challenge = Challenge { realm: "gate", ..Challenge::default() };
    /// assert_eq!(Refusal::NoCredential.www_authenticate(&challenge), "Bearer realm=\"gate\"");
    /// let value = Refusal::Expired.www_authenticate(&challenge);
    /// assert!(value.ends_with("error=\"invalid_token\", error_description=\"the token has expired\""));
    /// ```
    pub fn www_authenticate(&self, challenge: &Challenge<'_>) -> String {
        // RFC 6750, 3.1: a request without any credential is told no error.
        match self {
            Refusal::NoCredential => challenge.value(None),
            _ => challenge.value(Some(("invalid_token", &self.to_string()))),
        }
    }
}

/// What a challenge says beside the error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Challenge<'a> {
    /// The protected space.
    pub realm: &'a str,
    /// Where the metadata of the protected resource is (RFC 9728).
    pub resource_metadata: Option<&'a str>,
    /// The scopes that a token needs, separated by spaces.
    pub scope: Option<&'a str>,
}

impl Challenge<'_> {
    /// For 403: the token is good and lacks a scope (RFC 6750, 3.1).
    pub fn insufficient_scope(&self) -> String {
        self.value(Some(("insufficient_scope", "the token does not carry what this request needs")))
    }

    /// For 401: the client is to come back with a token that satisfies `claims` (JSON after OpenID Connect Core 5.5),
    /// as Entra's clients expect it. `None` when the principal's client has not said that it can (`cp1`).
    pub fn claims(&self, principal: &Principal, claims: &str) -> Option<String> {
        principal.takes_claims_challenge.then(|| {
            let description = "the token has to satisfy the claims";
            let mut value = self.value(Some(("insufficient_claims", description)));
            let _ = write!(value, ", claims=\"{}\"", STANDARD.encode(claims));
            value
        })
    }

    fn value(&self, error: Option<(&str, &str)>) -> String {
        let mut parts = Vec::new();
        parts.push(format!("realm=\"{}\"", quoted(self.realm)));
        let members = [("resource_metadata", self.resource_metadata), ("scope", self.scope)];
        for (name, value) in members {
            parts.extend(value.map(|value| format!("{name}=\"{}\"", quoted(value))));
        }
        if let Some((error, description)) = error {
            parts.push(format!("error=\"{error}\""));
            parts.push(format!("error_description=\"{}\"", quoted(description)));
        }
        format!("Bearer {}", parts.join(", "))
    }
}

/// What may stand between quotes: RFC 6750 allows neither quotes nor back slashes, and a header no control characters.
fn quoted(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '"' | '\\' | '`' => '\'',
            ' '..='~' => letter,
            _ => '?',
        })
        .collect()
}
