//! Key sets of issuers (RFC 7517).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::config::Algorithm;
use crate::strict;
use crate::text;

/// The largest key set, in bytes.
pub(super) const LONGEST_SET: usize = 1 << 20;
/// The most keys of a set that are kept.
const MOST_KEYS: usize = 256;
/// The most keys with the same id that are tried.
const MOST_OF_AN_ID: usize = 4;

/// Keys of an issuer could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The text is too long.
    #[error("the answer of issuer `{issuer}` has more than {LONGEST_SET} bytes")]
    TooLong {
        /// Which issuer.
        issuer: String,
    },
    /// It is not what it should be.
    #[error("the answer of issuer `{issuer}` cannot be used: {reason}")]
    Unusable {
        /// Which issuer.
        issuer: String,
        /// What is wrong.
        reason: String,
    },
    /// The plan is from other issuers.
    #[error("the plan to fetch was not made by these issuers")]
    ForeignPlan,
}

/// What a new key set changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysTaken {
    /// Ids of keys that are new.
    pub added: Vec<String>,
    /// Ids of keys that are gone. What they signed is refused from now on.
    pub removed: Vec<String>,
    /// Keys that are not used, and why.
    pub skipped: Vec<String>,
}

/// What a public key can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    decoding: DecodingKey,
    shape: Shape,
    algorithm: Option<Algorithm>,
    /// The issuer that it is for; `{tenantid}` stands for any tenant.
    issuer: Option<String>,
    digest: blake3::Hash,
}

impl Key {
    /// True when the key may verify tokens of an algorithm: its type decides, not the token's header.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        let shape = match algorithm {
            Algorithm::Es256 => Shape::P256,
            Algorithm::Es384 => Shape::P384,
            Algorithm::EdDsa => Shape::Ed25519,
            _ => Shape::Rsa,
        };
        self.shape == shape && self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// True when the key may verify tokens of an issuer.
    pub(super) fn is_for(&self, issuer: &str, tenant: Option<&str>) -> bool {
        match (&self.issuer, tenant) {
            (None, _) => true,
            (Some(own), Some(tenant)) => own.replace("{tenantid}", tenant).eq_ignore_ascii_case(issuer),
            (Some(own), None) => own == issuer,
        }
    }

    /// True when the signature is the message's.
    pub(super) fn verifies(&self, message: &str, signature: &str, algorithm: Algorithm) -> bool {
        let result = jsonwebtoken::crypto::verify(
            signature,
            message.as_bytes(),
            &self.decoding,
            algorithm.of_library(),
        );
        result.unwrap_or(false)
    }
}

/// An issuer's public keys by their ids.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: BTreeMap<String, Vec<Key>>,
}

impl KeySet {
    /// Reads a key set. Keys that cannot verify are left out and named.
    pub fn read(bytes: &[u8]) -> Result<(KeySet, Vec<String>), String> {
        if bytes.len() > LONGEST_SET {
            return Err(format!("the key set has more than {LONGEST_SET} bytes"));
        }
        let document = strict::object(bytes, 8, 50_000)
            .map_err(|error| format!("the key set is not read: {error:?}"))?;
        let Some(listed) = document.get("keys").and_then(Value::as_array) else {
            return Err("the key set has no list `keys`".to_owned());
        };
        let mut set = KeySet::default();
        let mut skipped = Vec::new();
        for (at, value) in listed.iter().enumerate() {
            let outcome = if at < MOST_KEYS { set.take(value) } else { Err("there are too many".to_owned()) };
            if let Err(reason) = outcome {
                skipped.push(format!("key {at}: {reason}"));
            }
        }
        if set.keys.is_empty() {
            return Err(format!("the key set has no usable key ({})", skipped.join("; ")));
        }
        Ok((set, skipped))
    }

    fn take(&mut self, value: &Value) -> Result<(), String> {
        let (id, key) = read_key(value.as_object().ok_or("it is no object")?)?;
        let same = self.keys.entry(id).or_default();
        if same.len() >= MOST_OF_AN_ID {
            return Err("there are too many keys of its id".to_owned());
        }
        same.push(key);
        Ok(())
    }

    /// Keys of an id.
    pub(super) fn of_id(&self, id: &str) -> &[Key] {
        self.keys.get(id).map_or(&[], Vec::as_slice)
    }

    /// Ids of all keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Ids of keys that `other` lacks or has with other keys.
    pub(super) fn differences(&self, other: &KeySet) -> Vec<String> {
        let digests = |keys: &[Key]| keys.iter().map(|key| key.digest).collect::<Vec<_>>();
        let differ = |(id, keys): &(&String, &Vec<Key>)| digests(keys) != digests(other.of_id(id));
        self.keys.iter().filter(differ).map(|(id, _)| id.clone()).collect()
    }
}

fn read_key(key: &Map<String, Value>) -> Result<(String, Key), String> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return Err("it is not for signatures (`use`)".to_owned());
    }
    if let Some(operations) = key.get("key_ops").and_then(Value::as_array)
        && !operations.iter().any(|operation| operation == "verify")
    {
        return Err("it is not for signatures (`key_ops`)".to_owned());
    }
    if key.contains_key("d") || key.contains_key("k") {
        return Err("it is a secret, which the issuer must not publish".to_owned());
    }
    let id =
        text("kid").filter(|id| !id.is_empty() && text::is_plain(id, 256)).ok_or("it has no id (`kid`)")?;
    let algorithm = match text("alg") {
        None => None,
        Some(word) => Some(Algorithm::from_word(word).ok_or("its algorithm (`alg`) is not supported")?),
    };
    let (shape, decoding, bytes) = match text("kty") {
        Some("RSA") => rsa(key)?,
        Some("EC") => elliptic(key)?,
        Some("OKP") => edwards(key)?,
        _ => return Err("its type (`kty`) is not supported".to_owned()),
    };
    let issuer = text("issuer").map(str::to_owned);
    let mut digest = blake3::Hasher::new();
    digest.update(&bytes).update(format!("{algorithm:?} {issuer:?}").as_bytes());
    let key = Key { decoding, shape, algorithm, issuer, digest: digest.finalize() };
    Ok((id.to_owned(), key))
}

fn number(key: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let text = key.get(name).and_then(Value::as_str).ok_or_else(|| format!("it has no `{name}`"))?;
    // Some issuers pad, which RFC 7518 does not allow and nobody is hurt by.
    URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|_| format!("its `{name}` is not in base64url"))
}

type Material = (Shape, DecodingKey, Vec<u8>);

fn rsa(key: &Map<String, Value>) -> Result<Material, String> {
    let modulus = number(key, "n")?;
    let modulus = modulus.get(modulus.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default();
    let exponent = number(key, "e")?;
    if !(256..=1024).contains(&modulus.len()) {
        return Err("its modulus is shorter than 2048 bits or longer than 8192".to_owned());
    }
    let value = exponent.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    if exponent.len() > 4 || value < 3 || value % 2 == 0 {
        return Err("its exponent is out of the ordinary".to_owned());
    }
    let decoding = DecodingKey::from_rsa_raw_components(modulus, &exponent);
    Ok((Shape::Rsa, decoding, [modulus, &exponent].concat()))
}

fn elliptic(key: &Map<String, Value>) -> Result<Material, String> {
    let (shape, length) = match key.get("crv").and_then(Value::as_str) {
        Some("P-256") => (Shape::P256, 32),
        Some("P-384") => (Shape::P384, 48),
        _ => return Err("its curve (`crv`) is not supported; P-256 and P-384 are".to_owned()),
    };
    let (x, y) = (number(key, "x")?, number(key, "y")?);
    if x.len() != length || y.len() != length {
        return Err("its point has another length than its curve's".to_owned());
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    Ok((shape, DecodingKey::from_ec_der(&point), point))
}

fn edwards(key: &Map<String, Value>) -> Result<Material, String> {
    let x = number(key, "x")?;
    if key.get("crv").and_then(Value::as_str) != Some("Ed25519") || x.len() != 32 {
        return Err("its curve (`crv`) is not supported; Ed25519 is".to_owned());
    }
    Ok((Shape::Ed25519, DecodingKey::from_ed_der(&x), x))
}
