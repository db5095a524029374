//! States as bytes.

use super::State;

/// What a file begins with: the form and its version.
const MARK: &[u8; 8] = b"CBASE\0\0\x01";
/// Bytes of the digest behind it.
const DIGEST: usize = 32;

/// Bytes that are no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no state of a baseline: {0}; restore it from a backup, or remove it: it is learnt anew then"
)]
pub struct Damaged(String);

impl State {
    /// As bytes, with a digest.
    ///
    /// Errors: it cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, Damaged> {
        let body = postcard::to_allocvec(self).map_err(|error| Damaged(error.to_string()))?;
        let mut bytes = Vec::with_capacity(body.len() + MARK.len() + DIGEST);
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(blake3::hash(&body).as_bytes());
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }

    /// From bytes.
    ///
    /// Errors: they are none, or were changed.
    pub fn decode(bytes: &[u8]) -> Result<State, Damaged> {
        let wrong = |reason: &str| Damaged(reason.to_owned());
        let rest = bytes
            .strip_prefix(MARK)
            .ok_or_else(|| wrong("it begins with something else, or is of another version"))?;
        let (digest, body) = rest.split_at_checked(DIGEST).ok_or_else(|| wrong("it is cut off"))?;
        if blake3::hash(body).as_bytes() != digest {
            return Err(wrong("its digest is another one"));
        }
        let mut state: State = postcard::from_bytes(body).map_err(|error| Damaged(error.to_string()))?;
        state.restore();
        Ok(state)
    }
}
