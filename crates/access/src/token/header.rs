//! A token's three parts, and its header without any trick.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::config::{Algorithm, TokenType};
use super::{LONGEST_TOKEN, Refusal};
use crate::strict::{self, StrictError};
use crate::text;

/// The deepest claims; chains of acting parties nest.
const DEPTH: u32 = 12;
/// The most values in the claims. A token holds 200 groups at most.
const VALUES: u32 = 2000;
/// The longest key id, in bytes.
const LONGEST_KEY_ID: usize = 256;

/// A token that was taken apart and not verified.
pub(super) struct Parts<'a> {
    /// What is signed.
    pub(super) message: &'a str,
    /// The signature, in base64url as it came.
    pub(super) signature: &'a str,
    pub(super) algorithm: Algorithm,
    pub(super) key_id: String,
    pub(super) token_type: Option<TokenType>,
    pub(super) claims: Map<String, Value>,
}

/// Takes a token apart.
pub(super) fn take_apart(token: &str) -> Result<Parts<'_>, Refusal> {
    if token.len() > LONGEST_TOKEN {
        return Err(Refusal::TooLong);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed("it has no parts"))?;
    let Some((header, claims)) = message.split_once('.') else {
        return Err(Refusal::Malformed("it has no three parts"));
    };
    match claims.matches('.').count() {
        0 => {}
        2 => return Err(Refusal::Encrypted),
        _ => return Err(Refusal::Malformed("it has no three parts")),
    }
    let header = part(header, 3, 64)?;
    let (algorithm, token_type, key_id) = read_header(&header)?;
    let bytes = decoded(signature)?;
    if bytes.is_empty() {
        return Err(Refusal::Malformed("it has no signature"));
    }
    Ok(Parts { message, signature, algorithm, key_id, token_type, claims: part(claims, DEPTH, VALUES)? })
}

fn decoded(text: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Malformed("a part is not in base64url"))
}

fn part(text: &str, depth: u32, values: u32) -> Result<Map<String, Value>, Refusal> {
    strict::object(&decoded(text)?, depth, values).map_err(|error| match error {
        StrictError::NotJson => Refusal::Malformed("a part is not JSON"),
        StrictError::NotAnObject => Refusal::Malformed("a part is not an object"),
        StrictError::Duplicate => Refusal::DuplicateMember,
        StrictError::TooDeep | StrictError::TooMany => Refusal::TooDeep,
    })
}

fn read_header(header: &Map<String, Value>) -> Result<(Algorithm, Option<TokenType>, String), Refusal> {
    let text = |name: &str| -> Result<Option<&str>, Refusal> {
        match header.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(Refusal::Malformed("its header has a wrong type")),
        }
    };
    let algorithm = text("alg")?.ok_or(Refusal::Malformed("its header has no `alg`"))?;
    if algorithm.eq_ignore_ascii_case("none") {
        return Err(Refusal::AlgorithmNone);
    }
    if ["jwk", "jku", "x5u", "x5c"].iter().any(|name| header.contains_key(*name)) {
        return Err(Refusal::KeyInHeader);
    }
    if header.contains_key("enc") || header.contains_key("zip") {
        return Err(Refusal::Encrypted);
    }
    // `b64` (RFC 7797) changes what is signed, and only counts when it is critical; both are refused.
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(Refusal::CriticalHeader);
    }
    if text("cty")?.is_some_and(|kind| is_type(kind, "jwt")) {
        return Err(Refusal::Nested);
    }
    let algorithm = Algorithm::from_word(algorithm).ok_or(Refusal::Algorithm)?;
    let token_type = match text("typ")? {
        None => None,
        Some(kind) if is_type(kind, "at+jwt") => Some(TokenType::AccessToken),
        Some(kind) if is_type(kind, "jwt") => Some(TokenType::Any),
        Some(_) => return Err(Refusal::Type),
    };
    let key_id = text("kid")?.filter(|id| !id.is_empty() && text::is_plain(id, LONGEST_KEY_ID));
    Ok((algorithm, token_type, key_id.ok_or(Refusal::KeyId)?.to_owned()))
}

/// Types compare without regard to case, and `application/` may be left out (RFC 7515, 4.1.9).
fn is_type(text: &str, expected: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.strip_prefix("application/").unwrap_or(&text) == expected
}
