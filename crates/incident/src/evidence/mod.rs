//! Prompts, answers and other texts that alerts are about: redacted in the open, the original sealed.
//!
//! A text goes through the detectors of secrets and personal data first; what is left of it is what everybody sees. The
//! original is sealed to a public key (RFC 9180), whose private key no server has. Without a key the original is not kept,
//! and the [`Exhibit`] says so.
//!
//! *Invariant (nothing in the open):* what is written to a disk, to a row or to a log is the redacted text and the sealed
//! one, never the original. *Invariant (bound):* a sealed text opens as what it is alone: its incident, its alert and the
//! commitment to its text are authenticated with it, so that one cannot be put in the place of another.
//!
//! ```
//! use castellan_incident::evidence::{Original, PrivateKey, Sealer};
//!
//! let key = PrivateKey::generate()?;
//! let sealer = Sealer::new(Some(key.public_key().clone()))?;
//! let original = Original {
//!     kind: "prompt", source: "AppGenAIContent.InputMessages", incident: "i1", alert: "a1", by: "castellan",
//!     text: "my card is 4111 1111 1111 1111", at: 0, kept: 0,
//! };
//! let (exhibit, sealed) = sealer.keep(&original)?;
//! assert!(!exhibit.redacted.contains("4111"));
//! assert!(exhibit.redacted.starts_with("my card is "));
//! let text = key.open(&exhibit, &sealed.unwrap())?;
//! assert_eq!(text.as_str(), "my card is 4111 1111 1111 1111");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod hpke;
mod keys;
mod redact;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

pub use crate::case::Exhibit;
pub use keys::{KeyError, PrivateKey, PublicKey};

/// The longest text that is kept, in bytes.
pub const LONGEST: usize = 8 << 20;
/// Bytes of a redacted text that are kept in the open. The sealed original is whole.
pub const SHOWN: usize = 16 << 10;

/// What sealing is for (RFC 9180 calls it `info`).
const PURPOSE: &[u8] = b"castellan/evidence/1";
/// What a sealed text begins with.
const MAGIC: &[u8; 8] = b"CSTEVID1";
/// Bytes of the salt of a commitment.
const SALT: usize = 32;

/// A text as it was.
#[derive(Clone, Copy)]
pub struct Original<'t> {
    /// What it is: `prompt`, `answer`, ...
    pub kind: &'t str,
    /// Where it comes from, as a table and a column.
    pub source: &'t str,
    /// The id of its incident.
    pub incident: &'t str,
    /// The id of its alert; empty where it has none.
    pub alert: &'t str,
    /// Who keeps it.
    pub by: &'t str,
    /// The text.
    pub text: &'t str,
    /// The time of its event, in ticks.
    pub at: i64,
    /// The time now, in ticks.
    pub kept: i64,
}

/// Evidence cannot be kept or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EvidenceError {
    /// It is too long.
    #[error("the text has {0} bytes, and at most {LONGEST} are kept; keep the part that matters")]
    TooLong(usize),
    /// The detectors cannot be used.
    #[error("the text cannot be redacted, so nothing of it is kept: {0}")]
    Redaction(String),
    /// Cryptography refuses.
    #[error("the text cannot be sealed, so nothing of it is kept; look at the public key")]
    Sealing,
    /// It is no sealed text.
    #[error("this is no sealed text; restore the file of the evidence from a backup")]
    NotSealed,
    /// It is sealed to another key.
    #[error("it is sealed to the key {sealed}, and this is the key {own}; use the file of that key")]
    OtherKey {
        /// The id of the key that it is sealed to.
        sealed: String,
        /// The id of the key that was given.
        own: String,
    },
    /// It was changed, or is of another incident.
    #[error("the sealed text was changed, or belongs to something else; restore it from a backup")]
    Changed,
    /// Only the redacted text was kept.
    #[error(
        "the original of this evidence was not kept, since no key was configured then (`--evidence-key`)"
    )]
    NotKept,
}

/// Keeps texts: redacts them, and seals the originals where there is a key.
#[derive(Clone, Debug)]
pub struct Sealer {
    open: redact::Open,
    key: Option<PublicKey>,
}

impl Sealer {
    /// With the detectors of the product.
    ///
    /// # Errors
    /// The detectors cannot be used.
    pub fn new(key: Option<PublicKey>) -> Result<Sealer, EvidenceError> {
        Ok(Sealer { open: redact::Open::new()?, key })
    }

    /// The key that originals are sealed to.
    pub fn key(&self) -> Option<&PublicKey> {
        self.key.as_ref()
    }

    /// What is kept of a text: in the open, and sealed where there is a key.
    ///
    /// # Errors
    /// It is too long, or cannot be redacted or sealed. Nothing is kept then.
    pub fn keep(&self, original: &Original<'_>) -> Result<(Exhibit, Option<Vec<u8>>), EvidenceError> {
        if original.text.len() > LONGEST {
            return Err(EvidenceError::TooLong(original.text.len()));
        }
        let redacted = self.open.redact(original.text)?;
        let mut salt = Zeroizing::new([0; SALT]);
        rand::fill(salt.as_mut_slice()).map_err(|_| EvidenceError::Sealing)?;
        let commitment = commitment(&salt, original.text.as_bytes());
        let size = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let mut exhibit = Exhibit {
            id: String::new(),
            kind: original.kind.to_owned(),
            source: original.source.to_owned(),
            incident: original.incident.to_owned(),
            alert: original.alert.to_owned(),
            at: original.at,
            kept: original.kept,
            by: original.by.to_owned(),
            redacted: redacted.text,
            removed: redacted.removed,
            size: size(original.text.len()),
            cut: size(redacted.cut),
            commitment,
            sealed_to: self.key.as_ref().map(PublicKey::id),
        };
        let sealed = self.key.as_ref().map(|key| seal(key, &exhibit, &salt, original.text)).transpose()?;
        exhibit.id = match &sealed {
            Some(sealed) => blake3::hash(sealed).to_hex().to_string(),
            None => blake3::hash(&bound(&exhibit)).to_hex().to_string(),
        };
        Ok((exhibit, sealed))
    }
}

/// A commitment that can be checked by whoever has the salt, and tells nothing to others.
fn commitment(salt: &[u8; SALT], text: &[u8]) -> String {
    blake3::keyed_hash(salt, text).to_hex().to_string()
}

/// What is authenticated with a sealed text.
fn bound(exhibit: &Exhibit) -> Vec<u8> {
    let parts = [&exhibit.incident, &exhibit.alert, &exhibit.kind, &exhibit.source, &exhibit.commitment];
    let mut bound = Vec::new();
    for part in parts {
        // Lengths keep parts apart that hold whatever their source wrote.
        bound.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        bound.extend_from_slice(part.as_bytes());
    }
    bound
}

fn seal(key: &PublicKey, exhibit: &Exhibit, salt: &[u8; SALT], text: &str) -> Result<Vec<u8>, EvidenceError> {
    let plain = Zeroizing::new([salt.as_slice(), text.as_bytes()].concat());
    let sealed = hpke::seal(&key.0, PURPOSE, &bound(exhibit), &plain).map_err(|_| EvidenceError::Sealing)?;
    Ok([MAGIC.as_slice(), key.id().as_bytes(), &sealed.ephemeral, &sealed.text].concat())
}

impl PrivateKey {
    /// The original of an exhibit.
    ///
    /// # Errors
    /// It was not kept, is sealed to another key, or was changed.
    pub fn open(&self, exhibit: &Exhibit, sealed: &[u8]) -> Result<Zeroizing<String>, EvidenceError> {
        let Some(sealed_to) = &exhibit.sealed_to else { return Err(EvidenceError::NotKept) };
        let rest = sealed.strip_prefix(MAGIC.as_slice()).ok_or(EvidenceError::NotSealed)?;
        let (id, rest) = rest.split_at_checked(16).ok_or(EvidenceError::NotSealed)?;
        let own = self.public_key().id();
        if id != own.as_bytes() {
            return Err(EvidenceError::OtherKey { sealed: sealed_to.clone(), own });
        }
        let (ephemeral, text) = rest.split_first_chunk().ok_or(EvidenceError::NotSealed)?;
        let sealed = hpke::Sealed { ephemeral: *ephemeral, text: text.to_vec() };
        let plain = hpke::open(&self.own, &sealed, PURPOSE, &bound(exhibit));
        let plain = plain.map_err(|_| EvidenceError::Changed)?;
        let (salt, text) = plain.split_first_chunk::<SALT>().ok_or(EvidenceError::Changed)?;
        if commitment(salt, text) != exhibit.commitment {
            return Err(EvidenceError::Changed);
        }
        let text = std::str::from_utf8(text).map_err(|_| EvidenceError::Changed)?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Ann's card is 4111 1111 1111 1111, her mail ann.smith@contoso.com";

    fn original<'t>(text: &'t str, incident: &'t str) -> Original<'t> {
        Original {
            kind: "prompt",
            source: "AppGenAIContent.InputMessages",
            incident,
            alert: "a1",
            by: "castellan",
            text,
            at: 1,
            kept: 2,
        }
    }

    #[test]
    fn the_original_is_nowhere_in_the_open() {
        let key = PrivateKey::generate().unwrap();
        let sealer = Sealer::new(Some(key.public_key().clone())).unwrap();
        let (exhibit, sealed) = sealer.keep(&original(TEXT, "i1")).unwrap();
        let sealed = sealed.unwrap();
        let open = serde_json::to_string(&exhibit).unwrap();
        for secret in ["4111", "ann.smith"] {
            assert!(!open.contains(secret), "{open}");
            assert!(!sealed.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
        assert!(!exhibit.removed.is_empty());
        assert_eq!(exhibit.id, blake3::hash(&sealed).to_hex().to_string());
        assert_eq!(key.open(&exhibit, &sealed).unwrap().as_str(), TEXT);
    }

    #[test]
    fn one_is_not_taken_for_another() {
        let key = PrivateKey::generate().unwrap();
        let sealer = Sealer::new(Some(key.public_key().clone())).unwrap();
        let (one, sealed) = sealer.keep(&original(TEXT, "i1")).unwrap();
        let (other, _) = sealer.keep(&original(TEXT, "i2")).unwrap();
        let sealed = sealed.unwrap();
        assert_ne!(one.commitment, other.commitment, "the same text twice tells nothing");
        assert_eq!(key.open(&other, &sealed), Err(EvidenceError::Changed));
        let moved = Exhibit { alert: "a2".to_owned(), ..one.clone() };
        assert_eq!(key.open(&moved, &sealed), Err(EvidenceError::Changed));
        let stranger = PrivateKey::generate().unwrap();
        assert!(matches!(stranger.open(&one, &sealed), Err(EvidenceError::OtherKey { .. })));
        for length in 0..sealed.len() {
            assert!(key.open(&one, &sealed[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn without_a_key_the_original_is_not_kept() {
        let sealer = Sealer::new(None).unwrap();
        let (exhibit, sealed) = sealer.keep(&original(TEXT, "i1")).unwrap();
        assert_eq!((sealed, &exhibit.sealed_to), (None, &None));
        assert_eq!(PrivateKey::generate().unwrap().open(&exhibit, b""), Err(EvidenceError::NotKept));
    }

    #[test]
    fn long_texts_are_shown_in_part_and_sealed_whole() {
        let key = PrivateKey::generate().unwrap();
        let sealer = Sealer::new(Some(key.public_key().clone())).unwrap();
        let long = "a long story \u{e9} ".repeat(4_000);
        let (exhibit, sealed) = sealer.keep(&original(&long, "i1")).unwrap();
        assert!(exhibit.redacted.len() <= SHOWN && exhibit.cut > 0);
        assert_eq!(key.open(&exhibit, &sealed.unwrap()).unwrap().as_str(), long);
        let longer = "x".repeat(LONGEST + 1);
        assert_eq!(sealer.keep(&original(&longer, "i1")), Err(EvidenceError::TooLong(LONGEST + 1)));
    }
}
