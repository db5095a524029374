//! Sealing to a public key: RFC 9180 (HPKE) in base mode, one message a key schedule.
//!
//! The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. Whoever seals needs the public key alone and
//! forgets the ephemeral private one at once, so that not even he can open what he sealed.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// Bytes of a key of X25519.
pub(super) const KEY: usize = 32;
/// Bytes that a sealed text has beyond its own.
#[cfg(test)]
const TAG: usize = 16;

/// The identifier of DHKEM(X25519, HKDF-SHA256), as labels have it (RFC 9180, section 4.1).
const KEM: &[u8] = b"KEM\x00\x20";
/// The identifiers of the suite (section 5.1).
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";

/// Cryptography refused: a key is no key, or what is opened was changed or sealed to another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// What is sealed, and the ephemeral public key that goes with it.
pub(super) struct Sealed {
    pub(super) ephemeral: [u8; KEY],
    pub(super) text: Vec<u8>,
}

/// Seals a text to a public key.
pub(super) fn seal(public: &[u8; KEY], info: &[u8], bound: &[u8], text: &[u8]) -> Result<Sealed, Refused> {
    let ephemeral = PrivateKey::generate(&X25519).map_err(|_| Refused)?;
    seal_with(&ephemeral, public, info, bound, text)
}

fn seal_with(
    own: &PrivateKey,
    public: &[u8; KEY],
    info: &[u8],
    bound: &[u8],
    text: &[u8],
) -> Result<Sealed, Refused> {
    let ephemeral = public_of(own)?;
    let shared = shared_secret(own, public, &ephemeral, public)?;
    let (key, nonce) = schedule(&shared, info)?;
    let mut buffer = text.to_vec();
    let done = key.seal_in_place_append_tag(nonce, Aad::from(bound), &mut buffer);
    done.map_err(|_| Refused)?;
    Ok(Sealed { ephemeral, text: buffer })
}

/// Opens what was sealed to the public key of a private one.
pub(super) fn open(
    own: &PrivateKey,
    sealed: &Sealed,
    info: &[u8],
    bound: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let public = public_of(own)?;
    let shared = shared_secret(own, &sealed.ephemeral, &sealed.ephemeral, &public)?;
    let (key, nonce) = schedule(&shared, info)?;
    let mut buffer = Zeroizing::new(sealed.text.clone());
    let length = key.open_in_place(nonce, Aad::from(bound), &mut buffer).map_err(|_| Refused)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// The public key of a private one.
pub(super) fn public_of(own: &PrivateKey) -> Result<[u8; KEY], Refused> {
    let public = own.compute_public_key().map_err(|_| Refused)?;
    public.as_ref().try_into().map_err(|_| Refused)
}

/// `ExtractAndExpand` of section 4.1.
fn shared_secret(
    own: &PrivateKey,
    theirs: &[u8; KEY],
    ephemeral: &[u8; KEY],
    recipient: &[u8; KEY],
) -> Result<Zeroizing<[u8; 32]>, Refused> {
    agree(own, UnparsedPublicKey::new(&X25519, theirs.as_slice()), Refused, |raw| {
        let extracted = extract(KEM, &[], b"eae_prk", raw);
        expand(KEM, extracted.as_ref(), b"shared_secret", &[ephemeral.as_slice(), recipient].concat(), 32)
    })
}

/// The key and the nonce of the first message (section 5.1).
fn schedule(shared: &[u8; 32], info: &[u8]) -> Result<(LessSafeKey, Nonce), Refused> {
    let nothing = extract(SUITE, &[], b"psk_id_hash", &[]);
    let info = extract(SUITE, &[], b"info_hash", info);
    let context = [&[0], nothing.as_ref(), info.as_ref()].concat();
    let secret = extract(SUITE, shared, b"secret", &[]);
    let key = expand(SUITE, secret.as_ref(), b"key", &context, 32)?;
    let base = expand(SUITE, secret.as_ref(), b"base_nonce", &context, NONCE_LEN)?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).map_err(|_| Refused)?;
    let nonce = base.get(..NONCE_LEN).and_then(|bytes| Nonce::try_assume_unique_for_key(bytes).ok());
    Ok((LessSafeKey::new(key), nonce.ok_or(Refused)?))
}

/// `LabeledExtract` of section 4.
fn extract(suite: &[u8], salt: &[u8], label: &[u8], material: &[u8]) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt);
    hmac::sign(&key, &[b"HPKE-v1", suite, label, material].concat())
}

/// `LabeledExpand` of section 4, for at most one block of SHA-256. What is beyond the length is zero.
fn expand(
    suite: &[u8],
    secret: &[u8],
    label: &[u8],
    info: &[u8],
    length: usize,
) -> Result<Zeroizing<[u8; 32]>, Refused> {
    let size = u16::try_from(length).map_err(|_| Refused)?.to_be_bytes();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let block = hmac::sign(&key, &[&size, b"HPKE-v1".as_slice(), suite, label, info, &[1]].concat());
    let mut out = Zeroizing::new([0; 32]);
    let (to, from) = (out.get_mut(..length), block.as_ref().get(..length));
    to.zip(from).ok_or(Refused)?.0.copy_from_slice(from.ok_or(Refused)?);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(digits: &str) -> Vec<u8> {
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    fn private(digits: &str) -> PrivateKey {
        PrivateKey::from_private_key(&X25519, &bytes(digits)).unwrap()
    }

    /// RFC 9180, appendix A.2.1, the first message.
    #[test]
    fn the_vector_of_the_standard() {
        let sender = private("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600");
        let recipient = private("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let public = public_of(&recipient).unwrap();
        assert_eq!(
            public.to_vec(),
            bytes("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a")
        );
        let info = bytes("4f6465206f6e2061204772656369616e2055726e");
        let text = bytes("4265617574792069732074727574682c20747275746820626561757479");
        let sealed = seal_with(&sender, &public, &info, b"Count-0", &text).unwrap();
        assert_eq!(
            sealed.ephemeral.to_vec(),
            bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
        );
        assert_eq!(
            sealed.text,
            bytes(
                "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
            )
        );
        assert_eq!(open(&recipient, &sealed, &info, b"Count-0").unwrap().to_vec(), text);
    }

    #[test]
    fn nothing_else_opens_it() {
        let (own, other) = (PrivateKey::generate(&X25519).unwrap(), PrivateKey::generate(&X25519).unwrap());
        let mut sealed = seal(&public_of(&own).unwrap(), b"i", b"a", b"secret").unwrap();
        assert_eq!(sealed.text.len(), 6 + TAG);
        assert!(open(&own, &sealed, b"i", b"a").is_ok());
        assert!(open(&other, &sealed, b"i", b"a").is_err());
        assert!(open(&own, &sealed, b"i", b"b").is_err() && open(&own, &sealed, b"j", b"a").is_err());
        sealed.text[0] ^= 1;
        assert!(open(&own, &sealed, b"i", b"a").is_err());
        sealed.text.clear();
        assert!(open(&own, &sealed, b"i", b"a").is_err());
    }
}
