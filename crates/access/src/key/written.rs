//! A key as it is written.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::text::{base32, is_base32};
use crate::token::Refusal;

/// What all keys begin with.
const PREFIX: &str = "cst-";
/// Letters of an id: 60 bits.
const ID: usize = 12;
/// Letters of a secret: 256 bits.
const SECRET: usize = 52;
/// Letters of a checksum: 30 bits.
const CHECK: usize = 6;

/// True for a text that means to be a virtual key.
pub fn is_virtual_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// The key that digests of virtual keys are made with. It comes from outside (a secret by reference) and is not stored
/// beside the digests.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pepper([u8; 32]);

impl Pepper {
    /// A pepper of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Pepper {
        Pepper(bytes)
    }

    /// The digest of a key.
    pub(super) fn digest(&self, key: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, key.as_bytes()).as_bytes()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper")
    }
}

/// A virtual key in the open, which is shown once, when it is issued.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretKey(String);

impl SecretKey {
    /// The key, to give to whom it is for.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A new key and its id.
    pub(super) fn random() -> Result<(SecretKey, String), getrandom::Error> {
        let mut bytes = Zeroizing::new([0_u8; 40]);
        getrandom::fill(bytes.as_mut_slice())?;
        let (id, secret) = bytes.split_at(8);
        let id: String = base32(id).chars().take(ID).collect();
        let secret = Zeroizing::new(base32(secret));
        let mut text = format!("{PREFIX}{id}-{}", secret.as_str());
        let check = checksum(&text);
        text.push_str(&check);
        Ok((SecretKey(text), id))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

fn checksum(text: &str) -> String {
    let digest = blake3::derive_key("castellan 2026-11 checksum of a virtual key", text.as_bytes());
    base32(&digest).chars().take(CHECK).collect()
}

/// The id of a key whose form and checksum are right.
pub(super) fn id_of(key: &str) -> Result<&str, Refusal> {
    let rest = key.strip_prefix(PREFIX).ok_or(Refusal::UnknownVirtualKey)?;
    let (id, secret) = rest.split_once('-').ok_or(Refusal::Checksum)?;
    if id.len() != ID || secret.len() != SECRET + CHECK || !is_base32(id) || !is_base32(secret) {
        return Err(Refusal::Checksum);
    }
    let (text, check) = key.split_at_checked(key.len() - CHECK).ok_or(Refusal::Checksum)?;
    if checksum(text) == check { Ok(id) } else { Err(Refusal::Checksum) }
}

/// Compares digests in a time that does not depend on where they differ.
pub(super) fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_has_its_form_and_tells_typing_errors() {
        let (key, id) = SecretKey::random().unwrap();
        assert_eq!(key.reveal().len(), 4 + 12 + 1 + 52 + 6);
        assert_eq!(id_of(key.reveal()), Ok(id.as_str()));
        for at in 4..key.reveal().len() {
            let mut wrong = key.reveal().as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(id_of(&wrong), Err(Refusal::Checksum), "{at}");
        }
        assert_eq!(id_of("sk-1"), Err(Refusal::UnknownVirtualKey));
        assert_eq!(format!("{key:?} {:?}", Pepper::new([1; 32])), "SecretKey Pepper");
    }

    #[test]
    fn digests_depend_on_the_pepper() {
        assert_ne!(Pepper::new([1; 32]).digest("k"), Pepper::new([2; 32]).digest("k"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,100}") {
            let _ = id_of(&text);
            let _ = id_of(&format!("cst-{text}"));
        }
    }
}
