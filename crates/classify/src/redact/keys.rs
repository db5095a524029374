//! Keys by name, and the subkeys that each purpose has of its own.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Most keys that a ring holds.
const MOST_KEYS: usize = 1_024;
/// Longest name of a key.
const LONGEST_ID: usize = 32;

/// The name of a key, as it stands in tokens: lower-case letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The name of a key.
    ///
    /// # Errors
    /// When it is empty, too long or has other characters.
    pub fn new(name: &str) -> Result<KeyId, KeyError> {
        let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || name.len() > LONGEST_ID || !name.bytes().all(known) {
            return Err(KeyError::Name(name.to_owned()));
        }
        Ok(KeyId(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a key was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, too long or has other characters.
    #[error("`{0}` is no name for a key; use up to 32 lower-case letters, digits and hyphens")]
    Name(String),
    /// The ring has a key of this name.
    #[error("there is another key `{0}`; a new key needs a new name, since tokens are read by it")]
    Known(String),
    /// All bytes of the secret are the same.
    #[error("the secret of the key `{0}` is one byte repeated; use 32 random bytes")]
    Weak(String),
    /// The ring is full.
    #[error("a ring holds at most 1024 keys; leave out those whose tokens are gone")]
    Full,
}

type Subkey = Zeroizing<[u8; 32]>;

/// One key. Its secret is used for nothing itself: every purpose has a subkey, so that what one of them gives away
/// never helps with another.
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) format: Subkey,
    pub(crate) seal: Subkey,
    pub(crate) nonce: Subkey,
    pub(crate) hash: Subkey,
}

impl Key {
    fn new(id: KeyId, secret: &[u8; 32]) -> Key {
        let derive = |context| Zeroizing::new(blake3::derive_key(context, secret));
        Key {
            id,
            format: derive("castellan redaction v1: format-preserving tokens"),
            seal: derive("castellan redaction v1: sealed tokens"),
            nonce: derive("castellan redaction v1: nonces of sealed tokens"),
            hash: derive("castellan redaction v1: hashes"),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({})", self.id)
    }
}

/// Keys by name. The newest one makes tokens; every one reads those that it made.
///
/// Secrets are wiped from memory when the ring is dropped. A caller that keeps a copy has to wipe its own.
///
/// ```
/// use castellan_classify::redact::Keyring;
///
/// let mut keys = Keyring::new("2026-01", &[[1; 16], [2; 16]].concat().try_into().unwrap()).unwrap();
/// keys.rotate("2026-02", &[[3; 16], [4; 16]].concat().try_into().unwrap()).unwrap();
/// assert_eq!(keys.newest().as_str(), "2026-02");
/// assert!(keys.rotate("2026-01", &[[5; 16], [6; 16]].concat().try_into().unwrap()).is_err());
/// ```
#[derive(Debug)]
pub struct Keyring {
    older: Vec<Key>,
    newest: Key,
}

impl Keyring {
    /// A ring of one key.
    ///
    /// # Errors
    /// When the name or the secret cannot be used.
    pub fn new(id: &str, secret: &[u8; 32]) -> Result<Keyring, KeyError> {
        Ok(Keyring { older: Vec::new(), newest: key(id, secret)? })
    }

    /// Adds a key, which makes all tokens from now on. Those of older keys can still be read.
    ///
    /// # Errors
    /// When the name is taken, or the name or the secret cannot be used.
    pub fn rotate(&mut self, id: &str, secret: &[u8; 32]) -> Result<(), KeyError> {
        if self.find(id).is_some() {
            return Err(KeyError::Known(id.to_owned()));
        }
        if self.older.len() + 1 >= MOST_KEYS {
            return Err(KeyError::Full);
        }
        let before = std::mem::replace(&mut self.newest, key(id, secret)?);
        self.older.push(before);
        Ok(())
    }

    /// The name of the key that makes tokens.
    pub fn newest(&self) -> &KeyId {
        &self.newest.id
    }

    pub(crate) fn making(&self) -> &Key {
        &self.newest
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.newest).chain(&self.older).find(|key| key.id.as_str() == id)
    }
}

fn key(id: &str, secret: &[u8; 32]) -> Result<Key, KeyError> {
    let name = KeyId::new(id)?;
    if secret.iter().all(|byte| Some(byte) == secret.first()) {
        return Err(KeyError::Weak(id.to_owned()));
    }
    Ok(Key::new(name, secret))
}
