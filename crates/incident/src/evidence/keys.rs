//! Keys of evidence: the public one seals, the private one opens and is no business of the server's.
//!
//! A public key is a line, `castellan-evidence-key:` and base64. A private key is a JSON document, which may be under a
//! passphrase: PBKDF2-HMAC-SHA256 makes the key of AES-256-GCM out of it.

use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey as Own, X25519};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::{pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::hpke::{KEY, Refused, public_of};

/// What a line of a public key begins with.
const PREFIX: &str = "castellan-evidence-key:";
/// What a document of a private key says that it is.
const FORMAT: &str = "castellan-evidence-private-key-1";
/// Rounds of PBKDF2 (OWASP's number for HMAC-SHA-256).
const ROUNDS: u32 = 600_000;
/// The most rounds that a document may ask for.
const MOST_ROUNDS: u32 = 10_000_000;
/// Digits of the id of a key.
const ID: usize = 16;

/// A key cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// It is no public key.
    #[error(
        "this is no public key of evidence; it is a line that begins with `castellan-evidence-key:`, which `castellan incident keys new` prints"
    )]
    NotPublic,
    /// It is no private key.
    #[error("this is no private key of evidence; `castellan incident keys new FILE` makes one")]
    NotPrivate,
    /// It is under a passphrase.
    #[error("the key is under a passphrase; put it into the environment as CASTELLAN_PASSPHRASE")]
    NeedsPassphrase,
    /// The passphrase is another.
    #[error("the passphrase is wrong, or the file of the key was changed")]
    WrongPassphrase,
    /// The system has no random bytes, or refuses keys.
    #[error("the system's cryptography refuses to make a key; look at its entropy source")]
    System,
}

/// Seals evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(pub(super) [u8; KEY]);

impl PublicKey {
    /// Reads the line of a public key.
    ///
    /// # Errors
    /// [`KeyError::NotPublic`].
    pub fn from_text(text: &str) -> Result<PublicKey, KeyError> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(KeyError::NotPublic)?;
        let bytes = STANDARD.decode(digits).map_err(|_| KeyError::NotPublic)?;
        let key: [u8; KEY] = bytes.try_into().map_err(|_| KeyError::NotPublic)?;
        // A key of zeros agrees with everybody on zeros.
        if key == [0; KEY] { Err(KeyError::NotPublic) } else { Ok(PublicKey(key)) }
    }

    /// The key as a line without its end.
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }

    /// What names it: the first digits of its digest.
    pub fn id(&self) -> String {
        let digest = blake3::hash(&self.0).to_hex();
        digest.as_str().get(..ID).unwrap_or_default().to_owned()
    }
}

/// Opens evidence.
pub struct PrivateKey {
    pub(super) own: Own,
    bytes: Zeroizing<[u8; KEY]>,
    public: PublicKey,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").field("id", &self.public.id()).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    id: String,
    public: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protected: Option<Protected>,
}

impl Drop for Document {
    fn drop(&mut self) {
        self.private.zeroize();
    }
}

#[derive(Serialize, Deserialize)]
struct Protected {
    derivation: String,
    rounds: u32,
    salt: String,
    cipher: String,
    nonce: String,
    text: String,
}

const DERIVATION: &str = "PBKDF2-HMAC-SHA256";
const CIPHER: &str = "AES-256-GCM";

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`KeyError::System`].
    pub fn generate() -> Result<PrivateKey, KeyError> {
        let mut bytes = Zeroizing::new([0; KEY]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| KeyError::System)?;
        PrivateKey::of(bytes).map_err(|_| KeyError::System)
    }

    fn of(bytes: Zeroizing<[u8; KEY]>) -> Result<PrivateKey, Refused> {
        let own = Own::from_private_key(&X25519, bytes.as_slice()).map_err(|_| Refused)?;
        let public = PublicKey(public_of(&own)?);
        Ok(PrivateKey { own, bytes, public })
    }

    /// The key that seals for this one.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The key as a document; under a passphrase where there is one.
    ///
    /// # Errors
    /// [`KeyError::System`].
    pub fn to_text(&self, passphrase: Option<&str>) -> Result<Zeroizing<String>, KeyError> {
        let protected = passphrase.map(|passphrase| self.protect(passphrase)).transpose()?;
        let document = Document {
            format: FORMAT.to_owned(),
            id: self.public.id(),
            public: self.public.to_text(),
            private: protected.is_none().then(|| STANDARD.encode(self.bytes.as_slice())),
            protected,
        };
        let text = serde_json::to_string_pretty(&document).map_err(|_| KeyError::System)?;
        Ok(Zeroizing::new(text + "\n"))
    }

    fn protect(&self, passphrase: &str) -> Result<Protected, KeyError> {
        let (mut salt, mut nonce) = ([0; 16], [0; NONCE_LEN]);
        let random = SystemRandom::new();
        random.fill(&mut salt).and_then(|()| random.fill(&mut nonce)).map_err(|_| KeyError::System)?;
        let key = derived(passphrase, &salt, ROUNDS)?;
        let mut text = Zeroizing::new(self.bytes.to_vec());
        let bound = Aad::from(self.public.0);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut *text)
            .map_err(|_| KeyError::System)?;
        Ok(Protected {
            derivation: DERIVATION.to_owned(),
            rounds: ROUNDS,
            salt: STANDARD.encode(salt),
            cipher: CIPHER.to_owned(),
            nonce: STANDARD.encode(nonce),
            text: STANDARD.encode(text.as_slice()),
        })
    }

    /// Reads a document of a private key.
    ///
    /// # Errors
    /// It is none, or the passphrase is missing or wrong.
    pub fn from_text(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
        let document: Document = serde_json::from_str(text).map_err(|_| KeyError::NotPrivate)?;
        if document.format != FORMAT {
            return Err(KeyError::NotPrivate);
        }
        let bytes = match (&document.private, &document.protected) {
            (Some(private), None) => {
                let decoded = STANDARD.decode(private.as_bytes()).map_err(|_| KeyError::NotPrivate)?;
                Zeroizing::new(decoded)
            }
            (None, Some(protected)) => {
                let public = PublicKey::from_text(&document.public).map_err(|_| KeyError::NotPrivate)?;
                opened(protected, passphrase.ok_or(KeyError::NeedsPassphrase)?, &public)?
            }
            _ => return Err(KeyError::NotPrivate),
        };
        let bytes: [u8; KEY] = bytes.as_slice().try_into().map_err(|_| KeyError::NotPrivate)?;
        let key = PrivateKey::of(Zeroizing::new(bytes)).map_err(|_| KeyError::NotPrivate)?;
        // A document that names another public key was put together by hand.
        if key.public.to_text() == document.public { Ok(key) } else { Err(KeyError::NotPrivate) }
    }
}

fn derived(passphrase: &str, salt: &[u8], rounds: u32) -> Result<LessSafeKey, KeyError> {
    let rounds = NonZeroU32::new(rounds).ok_or(KeyError::NotPrivate)?;
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, passphrase.as_bytes(), key.as_mut_slice());
    let key = UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| KeyError::System)?;
    Ok(LessSafeKey::new(key))
}

fn opened(
    protected: &Protected,
    passphrase: &str,
    public: &PublicKey,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| KeyError::NotPrivate);
    let is_ours = protected.derivation == DERIVATION && protected.cipher == CIPHER;
    if !is_ours || protected.rounds > MOST_ROUNDS {
        return Err(KeyError::NotPrivate);
    }
    let nonce: [u8; NONCE_LEN] = decode(&protected.nonce)?.try_into().map_err(|_| KeyError::NotPrivate)?;
    let key = derived(passphrase, &decode(&protected.salt)?, protected.rounds)?;
    let mut text = Zeroizing::new(decode(&protected.text)?);
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(public.0), &mut text)
        .map_err(|_| KeyError::WrongPassphrase)?
        .len();
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back() {
        let key = PrivateKey::generate().unwrap();
        let text = key.to_text(None).unwrap();
        let again = PrivateKey::from_text(&text, None).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(PublicKey::from_text(&key.public_key().to_text()).as_ref(), Ok(key.public_key()));
        assert_eq!(key.public_key().id().len(), ID);
        assert!(!format!("{key:?}").contains(&STANDARD.encode(key.bytes.as_slice())));
    }

    #[test]
    fn a_passphrase_protects() {
        let key = PrivateKey::generate().unwrap();
        let text = key.to_text(Some("correct horse")).unwrap();
        assert!(!text.contains(&STANDARD.encode(key.bytes.as_slice())));
        let read = |passphrase| PrivateKey::from_text(&text, passphrase).map(|key| key.public.clone());
        assert_eq!(read(Some("correct horse")).as_ref(), Ok(key.public_key()));
        assert_eq!(read(None), Err(KeyError::NeedsPassphrase));
        assert_eq!(read(Some("wrong")), Err(KeyError::WrongPassphrase));
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in ["", "castellan-evidence-key:", "castellan-evidence-key:AAAA", "x"] {
            assert_eq!(PublicKey::from_text(text), Err(KeyError::NotPublic), "{text}");
        }
        assert_eq!(
            PublicKey::from_text(&format!("{PREFIX}{}", STANDARD.encode([0; KEY]))),
            Err(KeyError::NotPublic)
        );
        for text in
            ["", "{}", "[]", "{\"format\":\"castellan-evidence-private-key-1\",\"id\":\"\",\"public\":\"\"}"]
        {
            assert!(PrivateKey::from_text(text, Some("x")).is_err(), "{text}");
        }
    }
}
