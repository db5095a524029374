//! Access tokens of Microsoft Entra and of any OpenID Connect issuer.
//!
//! [`Issuers`] is made of [`IssuerConfig`]s. [`Issuers::verify`] says who a token stands for, why it is refused, or which
//! keys have to be fetched first; whoever has a network fetches them and gives them to [`Issuers::take_keys`]. Sources:
//! RFC 7515 to 7519, 8725 (best current practices), 9068 (JWT access tokens), 8705 (certificate-bound tokens), 6750
//! (bearer tokens), and the documentation of Microsoft's identity platform for the claims of Entra.
//!
//! The order of checks: size and form; a header without any trick; the issuer, which must be configured; the algorithm,
//! which that issuer must allow; the key, by its id; the signature; and only then what the claims say. Nothing of a token
//! is believed before its signature is verified, but the issuer's name and the key's, which only choose what it is
//! verified with.

mod cache;
mod claims;
mod config;
mod entra;
mod header;
mod keys;
mod oidc;
mod refusal;
mod replay;
mod slot;
mod verify;

pub use config::{Algorithm, Cloud, ConfigError, IssuerConfig, IssuerKind, TokenType};
pub use keys::{KeySet, KeysError, KeysTaken};
pub use refusal::{Challenge, Refusal};
pub use slot::FetchPlan;
pub use verify::{Issuers, Outcome};

pub use crate::principal::Verified;

/// The `nonce` of a token. It is to be believed once [`Issuers::verify`] has verified the same text.
pub fn nonce_of(token: &str) -> Option<String> {
    let parts = header::take_apart(token).ok()?;
    claims::Claims(&parts.claims).text("nonce").ok().flatten().map(str::to_owned)
}

/// The largest token, in bytes.
pub const LONGEST_TOKEN: usize = 16 << 10;
