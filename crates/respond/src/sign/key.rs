//! Keys that sign and keys that are trusted.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410 section 4).
const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("this is no Ed25519 key in {0}; make one with `castellan playbook key`")]
    Unreadable(&'static str),
    /// The system gives no randomness.
    #[error("no key can be made: the system gives no randomness")]
    NoRandomness,
}

/// The public half of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads the form that CACAO has: PEM without its first and last line.
    pub fn parse(text: &str) -> Result<PublicKey, KeyError> {
        let lines = text.lines().filter(|line| !line.starts_with("-----"));
        let bare: String = lines.flat_map(str::chars).filter(|letter| !letter.is_whitespace()).collect();
        let bytes = STANDARD.decode(bare).map_err(|_| KeyError::Unreadable("Base64"))?;
        let key = bytes.strip_prefix(PREFIX.as_slice()).and_then(|key| key.try_into().ok());
        key.map(PublicKey).ok_or(KeyError::Unreadable("SubjectPublicKeyInfo"))
    }

    /// The form that CACAO has.
    pub fn to_text(self) -> String {
        let mut bytes = PREFIX.to_vec();
        bytes.extend_from_slice(&self.0);
        STANDARD.encode(bytes)
    }

    pub(crate) fn has_signed(self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

/// A key that signs. It never shows itself.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    /// PKCS #8, as it is kept.
    document: Vec<u8>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

impl SigningKey {
    /// Makes a key.
    pub fn generate() -> Result<SigningKey, KeyError> {
        let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new());
        let document = document.map_err(|_| KeyError::NoRandomness)?;
        SigningKey::from_der(document.as_ref())
    }

    fn from_der(document: &[u8]) -> Result<SigningKey, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document);
        let pair = pair.map_err(|_| KeyError::Unreadable("PKCS #8"))?;
        Ok(SigningKey { pair, document: document.to_vec() })
    }

    /// Reads a key in PKCS #8, as PEM.
    pub fn from_pem(text: &str) -> Result<SigningKey, KeyError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        let bytes = STANDARD.decode(lines.collect::<String>()).map_err(|_| KeyError::Unreadable("PEM"))?;
        SigningKey::from_der(&bytes)
    }

    /// The key in PKCS #8, as PEM, to be kept where nobody else reads it.
    pub fn to_pem(&self) -> String {
        format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(&self.document)
        )
    }

    /// Its public half.
    pub fn public_key(&self) -> PublicKey {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(self.pair.public_key().as_ref()) {
            *to = *from;
        }
        PublicKey(bytes)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

/// Keys whose playbooks run.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys {
    keys: Vec<(String, PublicKey)>,
}

impl TrustedKeys {
    /// With a key, and whose it is.
    #[must_use]
    pub fn with(mut self, name: &str, key: PublicKey) -> TrustedKeys {
        self.keys.push((name.to_owned(), key));
        self
    }

    /// Whose key it is.
    pub fn owner(&self, key: PublicKey) -> Option<&str> {
        self.keys.iter().find(|(_, known)| *known == key).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip_and_do_not_show() -> Result<(), KeyError> {
        let key = SigningKey::generate()?;
        let again = SigningKey::from_pem(&key.to_pem())?;
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(PublicKey::parse(&key.public_key().to_text())?, key.public_key());
        assert_eq!(format!("{key:?}"), "SigningKey([redacted])");
        assert!(SigningKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n").is_err());
        assert!(PublicKey::parse("AAAA").is_err());
        Ok(())
    }
}
