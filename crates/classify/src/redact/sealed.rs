//! Values sealed by authenticated encryption, in a form that says what it is: `[[tok:v1:TYPE:KEY:BASE64URL]]`.
//!
//! The cipher is AES-256-GCM-SIV (RFC 8452). The nonce is a keyed hash of the value, its type and its scope, so that one
//! value always gives one token there, and nothing random is needed; the cipher stays safe when a nonce repeats.

use std::ops::Range;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::redact::keys::{Key, KeyId, Keyring};

const NONCE: usize = 12;

/// Why a sealed value was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The ring has no key of this name.
    #[error("there is no key `{0}`; add it to the ring to read its tokens")]
    UnknownKey(String),
    /// It was changed, made with another secret, or made for another type or scope.
    #[error("the token was changed, or made with another key, type or scope")]
    Refused,
}

/// What sealed values are for: an operator of its own each, so that one never passes for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `encrypt`
    Encrypt,
    /// `token`
    Token,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Purpose::Encrypt => "enc",
            Purpose::Token => "tok",
        }
    }
}

/// Seals a value; nothing when it is too long for the cipher.
pub(crate) fn seal(key: &Key, purpose: Purpose, kind: &str, scope: &str, value: &[u8]) -> Option<String> {
    let bound = bound(purpose, kind, key.id.as_str(), scope);
    let mut hasher = blake3::Hasher::new_keyed(&key.nonce);
    hasher.update(&(bound.len() as u64).to_le_bytes());
    hasher.update(&bound);
    hasher.update(value);
    let hash = hasher.finalize();
    let mut nonce = [0; NONCE];
    nonce.copy_from_slice(hash.as_bytes().get(..NONCE)?);
    let cipher = Aes256GcmSiv::new_from_slice(key.seal.as_slice()).ok()?;
    let sealed = cipher.encrypt(&Nonce::from(nonce), Payload { msg: value, aad: &bound }).ok()?;
    let body = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
    Some(format!("[[{}:v1:{kind}:{}:{body}]]", purpose.label(), key.id))
}

/// A sealed value found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed<'a> {
    pub(crate) place: Range<usize>,
    pub(crate) purpose: Purpose,
    pub(crate) kind: &'a str,
    pub(crate) key: &'a str,
    pub(crate) body: &'a str,
}

impl Sealed<'_> {
    pub(crate) fn open<'k>(
        &self,
        keys: &'k Keyring,
        scope: &str,
    ) -> Result<(Zeroizing<Vec<u8>>, &'k KeyId), OpenError> {
        let key = keys.find(self.key).ok_or_else(|| OpenError::UnknownKey(self.key.to_owned()))?;
        let bytes = URL_SAFE_NO_PAD.decode(self.body).map_err(|_| OpenError::Refused)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(OpenError::Refused)?;
        let aad = bound(self.purpose, self.kind, self.key, scope);
        let cipher = Aes256GcmSiv::new_from_slice(key.seal.as_slice()).map_err(|_| OpenError::Refused)?;
        let opened = cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &aad });
        let value = opened.map_err(|_| OpenError::Refused)?;
        Ok((Zeroizing::new(value), &key.id))
    }
}

/// What a sealed value is bound to beside its key.
fn bound(purpose: Purpose, kind: &str, key: &str, scope: &str) -> Vec<u8> {
    // Neither kinds nor names of keys have a colon, so different parts never give the same text.
    format!("{}:v1:{kind}:{key}:{scope}", purpose.label()).into_bytes()
}

/// Every text of the form of a sealed value, in time linear to the text.
pub(crate) fn find(text: &str) -> Vec<Sealed<'_>> {
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(at) = text.get(place..).and_then(|rest| rest.find("[[")) {
        let start = place + at;
        place = start + 1;
        if let Some(sealed) = at_place(text, start) {
            place = sealed.place.end;
            found.push(sealed);
        }
    }
    found
}

fn at_place(text: &str, start: usize) -> Option<Sealed<'_>> {
    let rest = text.get(start..)?.strip_prefix("[[")?;
    let purpose =
        [Purpose::Encrypt, Purpose::Token].into_iter().find(|purpose| rest.starts_with(purpose.label()))?;
    let rest = rest.get(3..)?.strip_prefix(":v1:")?;
    let (kind, rest) = part(rest, ":", |byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))?;
    let (key, rest) = part(rest, ":", |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))?;
    let (body, rest) = part(rest, "]]", |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))?;
    Some(Sealed { place: start..text.len() - rest.len(), purpose, kind, key, body })
}

fn part<'a>(text: &'a str, end: &str, is_part: impl Fn(u8) -> bool) -> Option<(&'a str, &'a str)> {
    let length = text.bytes().take_while(|byte| is_part(*byte)).count();
    let (part, rest) = text.split_at_checked(length)?;
    Some((part, rest.strip_prefix(end)?)).filter(|(part, _)| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Keyring {
        Keyring::new("k1", &std::array::from_fn(|at| at as u8)).unwrap()
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let keys = ring();
        let token = seal(keys.making(), Purpose::Token, "PERSON", "a", "Ren\u{e9}e".as_bytes()).unwrap();
        let text = format!("[[ [[tok:v1:X [[[{token}]] [[enc:v1:A:b:]]");
        let found = find(&text);
        assert_eq!(found.len(), 1);
        assert_eq!(&text[found[0].place.clone()], token);
        assert_eq!(**found[0].open(&keys, "a").unwrap().0, *"Ren\u{e9}e".as_bytes());
        assert_eq!(found[0].open(&keys, "b").unwrap_err(), OpenError::Refused);
        for (from, to) in [("tok", "enc"), ("PERSON", "PERSONS")] {
            let changed = token.replace(from, to);
            assert_eq!(find(&changed)[0].open(&keys, "a").unwrap_err(), OpenError::Refused);
        }
        let other = token.replace(":k1:", ":k2:");
        assert_eq!(find(&other)[0].open(&keys, "a").unwrap_err(), OpenError::UnknownKey("k2".into()));
    }

    #[test]
    fn every_changed_character_is_refused() {
        let keys = ring();
        let token = seal(keys.making(), Purpose::Encrypt, "T", "a", b"secret").unwrap();
        let body = token.rfind(':').unwrap() + 1;
        for at in body..token.len() - 2 {
            let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            assert_eq!(find(&changed)[0].open(&keys, "a").unwrap_err(), OpenError::Refused, "{changed}");
        }
    }
}
