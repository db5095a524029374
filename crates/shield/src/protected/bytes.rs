//! An index as bytes: a mark, a version, a digest of the rest under the key, and the rest.

use serde::{Deserialize, Serialize};

use super::{Document, Fingerprint, Index, MOST_FINGERPRINTS, MOST_SOURCES, Options, ProtectedError};

const MARK: &[u8; 8] = b"castprot";
/// Grows whenever words are cut or hashed in another way, or the form changes.
const VERSION: u8 = 1;
const DIGEST: usize = 32;

#[derive(Serialize)]
struct Written<'a> {
    options: &'a Options,
    documents: &'a [Document],
    fingerprints: &'a [Fingerprint],
}

#[derive(Deserialize)]
struct Read {
    options: Options,
    documents: Vec<Document>,
    fingerprints: Vec<Fingerprint>,
}

impl Index {
    /// The index as bytes, the same for the same texts in the same order. The key is not in them.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ProtectedError> {
        let written =
            Written { options: &self.options, documents: &self.documents, fingerprints: &self.fingerprints };
        let body = postcard::to_allocvec(&written).map_err(|_| ProtectedError::Full)?;
        let digest = blake3::keyed_hash(&self.options.key, &body);
        let mut bytes = MARK.to_vec();
        bytes.push(VERSION);
        bytes.extend_from_slice(digest.as_bytes());
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }

    /// The index that [`Index::to_bytes`] gave. Bytes that were changed, and another key than that of the index, are
    /// refused. What is allocated is bounded by the length of `bytes`.
    pub fn from_bytes(bytes: &[u8], key: &[u8; 32]) -> Result<Index, ProtectedError> {
        let rest = bytes.strip_prefix(MARK).ok_or(ProtectedError::Bytes("the mark is missing"))?;
        let (&version, rest) = rest.split_first().ok_or(ProtectedError::Bytes("the version is missing"))?;
        if version != VERSION {
            return Err(ProtectedError::Bytes("they are of another version: build the index anew"));
        }
        let (digest, body) =
            rest.split_first_chunk::<DIGEST>().ok_or(ProtectedError::Bytes("the digest is missing"))?;
        if blake3::keyed_hash(key, body) != *digest {
            return Err(ProtectedError::Bytes("they were changed, or the key is another one"));
        }
        let read: Read =
            postcard::from_bytes(body).map_err(|_| ProtectedError::Bytes("they cannot be read"))?;
        read.index(key)
    }
}

impl Read {
    /// Checks again what [`Index::add`] checks: whoever has the key can have made the digest.
    fn index(self, key: &[u8; 32]) -> Result<Index, ProtectedError> {
        let mut index = Index::new(Options { key: *key, ..self.options })?;
        if self.documents.len() > MOST_SOURCES || self.fingerprints.len() > MOST_FINGERPRINTS {
            return Err(ProtectedError::Full);
        }
        index.documents = self.documents;
        for fingerprint in self.fingerprints {
            let document =
                usize::try_from(fingerprint.document).ok().and_then(|number| index.documents.get(number));
            let is_within = document.is_some_and(|document| fingerprint.place < document.words);
            if !is_within {
                return Err(ProtectedError::Bytes("a fingerprint is of no text"));
            }
            index.insert(fingerprint);
        }
        Ok(index)
    }
}
