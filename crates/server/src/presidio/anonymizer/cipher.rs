//! AES-CBC as Presidio writes it: PKCS #7 padding, the initialisation vector before the text, in URL-safe base64.
//!
//! It has no authentication: who changes the text changes what comes out. It is here so that either side undoes what the
//! other did. `castellan_classify::redact` seals tokens, which is safer.

use aes::{Aes128, Aes192, Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use zeroize::Zeroizing;

use crate::Refusal;

/// The length of a block, and so of the initialisation vector.
const BLOCK: usize = 16;

/// A key of 128, 192 or 256 bits.
pub(super) struct Key(Zeroizing<Vec<u8>>);

impl Key {
    pub(super) fn new(bytes: &[u8]) -> Result<Key, Refusal> {
        match bytes.len() {
            16 | 24 | 32 => Ok(Key(Zeroizing::new(bytes.to_vec()))),
            _ => Err(Refusal::invalid("Invalid input, key must be of length 128, 192 or 256 bits")),
        }
    }
}

/// Random bytes of the system.
pub(super) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Refusal> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::failed("the system gives no random bytes"))?;
    Ok(bytes)
}

pub(super) fn encrypt(key: &Key, text: &str) -> Result<String, Refusal> {
    sealed(key, &random::<BLOCK>()?, text)
}

fn sealed(key: &Key, vector: &[u8; BLOCK], text: &str) -> Result<String, Refusal> {
    let unfit = |_| Refusal::failed("the key does not fit the cipher");
    let (key, text) = (key.0.as_slice(), text.as_bytes());
    let body = match key.len() {
        16 => Encryptor::<Aes128>::new_from_slices(key, vector)
            .map_err(unfit)?
            .encrypt_padded_vec::<Pkcs7>(text),
        24 => Encryptor::<Aes192>::new_from_slices(key, vector)
            .map_err(unfit)?
            .encrypt_padded_vec::<Pkcs7>(text),
        _ => Encryptor::<Aes256>::new_from_slices(key, vector)
            .map_err(unfit)?
            .encrypt_padded_vec::<Pkcs7>(text),
    };
    Ok(URL_SAFE.encode([vector.as_slice(), &body].concat()))
}

/// The text that was encrypted. Either alphabet of base64 is read.
pub(super) fn decrypt(key: &Key, text: &str) -> Result<String, Refusal> {
    let refused = || {
        let message = "the text cannot be decrypted: it is not what this key encrypted, or it was changed";
        Refusal::invalid(message)
    };
    let standard = text.trim().replace('-', "+").replace('_', "/");
    let bytes = STANDARD.decode(standard).map_err(|_| refused())?;
    let (vector, body) = bytes.split_at_checked(BLOCK).ok_or_else(refused)?;
    let plain = opened(key, vector, body).ok_or_else(refused)?;
    String::from_utf8(plain).map_err(|_| refused())
}

fn opened(key: &Key, vector: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let key = key.0.as_slice();
    match key.len() {
        16 => Decryptor::<Aes128>::new_from_slices(key, vector).ok()?.decrypt_padded_vec::<Pkcs7>(body).ok(),
        24 => Decryptor::<Aes192>::new_from_slices(key, vector).ok()?.decrypt_padded_vec::<Pkcs7>(body).ok(),
        _ => Decryptor::<Aes256>::new_from_slices(key, vector).ok()?.decrypt_padded_vec::<Pkcs7>(body).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, decrypt, encrypt, sealed};

    /// Vectors that another implementation (Python's `cryptography`) made, with the bytes from 200 on as the first block.
    #[test]
    fn known_answers() {
        let vector: [u8; 16] = std::array::from_fn(|index| 200 + u8::try_from(index).unwrap());
        let check = |key: &str, text: &str, expected: &str| {
            let key = Key::new(key.as_bytes()).unwrap();
            assert_eq!(sealed(&key, &vector, text).unwrap(), expected);
            assert_eq!(decrypt(&key, expected).unwrap(), text);
            assert_eq!(decrypt(&key, &expected.replace('-', "+").replace('_', "/")).unwrap(), text);
            assert_ne!(encrypt(&key, text).unwrap(), encrypt(&key, text).unwrap());
        };
        let short = "WmZq4t7w!z%C&F)J";
        check(short, "Jane Doe", "yMnKy8zNzs_Q0dLT1NXW1yH4Y6wd5wcMBX-qmN37SfI=");
        let long = "WmZq4t7w!z%C&F)J@NcRfUjXn2r5u8x/";
        check(long, "", "yMnKy8zNzs_Q0dLT1NXW184rW-ef6JXAMDqUewlS8hI=");
    }

    #[test]
    fn what_was_encrypted_comes_back() {
        for key in ["0123456789abcdef", "0123456789abcdef01234567", "0123456789abcdef0123456789abcdef"] {
            let key = Key::new(key.as_bytes()).unwrap();
            for text in ["", "a", "fifteen bytes..", "sixteen bytes...", "\u{e9}\u{1f600}"] {
                assert_eq!(decrypt(&key, &encrypt(&key, text).unwrap()).unwrap(), text);
            }
        }
    }

    #[test]
    fn what_was_not_encrypted_is_refused() {
        let key = Key::new(b"0123456789abcdef").unwrap();
        for text in ["", "a", "AAAA", "%%%%", "AAAAAAAAAAAAAAAAAAAAAA==", "\u{e9}"] {
            assert!(decrypt(&key, text).is_err(), "{text}");
        }
        assert!(Key::new(b"short").is_err());
    }
}
