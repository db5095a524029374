//! From documents to a file.

use crate::exact::Key;

use super::{
    format::{self, Header, Secrets},
    shingle::{Shingle, Shingler, Winnow},
};

/// Documents that may share a mark. What more share (a letterhead, a licence) tells none of them.
const MOST_DOCUMENTS_A_MARK: usize = 64;
/// Longest name, in bytes.
const LONGEST_NAME: usize = 1024;

/// Makes an index of documents.
pub struct Builder {
    secrets: Secrets,
    salt: [u8; 16],
    marks: Vec<Mark>,
    documents: Vec<Known>,
}

#[derive(Clone, Copy)]
struct Mark {
    hash: u64,
    document: u32,
    word: u32,
}

struct Known {
    name: String,
    digest: [u8; 16],
    words: u64,
    marks: u32,
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The file.
    pub bytes: Vec<u8>,
    /// Documents in the index.
    pub documents: usize,
    /// Marks in the index: about two for seven words.
    pub marks: usize,
    /// Marks that were left out because more than 64 documents have them.
    pub common_marks: usize,
    /// Documents that have no mark of their own, by name: shorter than six words, or made of what is common. They
    /// are known as a whole only.
    pub without_marks: Vec<String>,
}

/// Why there is no index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A name is too long.
    #[error("the name of a document has at most 1024 bytes, not {0}")]
    Name(usize),
    /// More than 2^32 - 1 documents, marks, words of one document or bytes of names.
    #[error("the documents are too many for one index; split them")]
    Size,
}

/// A document that is being added, chunk by chunk. Without [`Document::finish`] it is not added.
pub struct Document<'b> {
    builder: &'b mut Builder,
    name: String,
    shingler: Shingler,
    winnow: Winnow,
    marks: Vec<Shingle>,
}

impl Builder {
    /// A builder for a new index. The salt is 16 random bytes, new for each index. It is in the file.
    pub fn new(key: &Key, salt: [u8; 16]) -> Builder {
        Builder { secrets: Secrets::new(key, &salt), salt, marks: Vec::new(), documents: Vec::new() }
    }

    /// Adds a document. Its name is in the file as it is.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), BuildError> {
        let mut document = self.begin(name)?;
        document.push(text);
        document.finish()
    }

    /// Starts a document that comes in chunks.
    ///
    /// # Errors
    /// [`BuildError::Name`].
    pub fn begin(&mut self, name: &str) -> Result<Document<'_>, BuildError> {
        if name.len() > LONGEST_NAME {
            return Err(BuildError::Name(name.len()));
        }
        let shingler = Shingler::new(&self.secrets);
        Ok(Document {
            name: name.to_owned(),
            shingler,
            winnow: Winnow::default(),
            marks: Vec::new(),
            builder: self,
        })
    }

    /// The file.
    ///
    /// # Errors
    /// [`BuildError::Size`].
    pub fn finish(mut self) -> Result<Built, BuildError> {
        self.sort_documents()?;
        let common_marks = self.settle_marks();
        for mark in &self.marks {
            if let Some(document) = self.documents.get_mut(mark.document as usize) {
                document.marks += 1;
            }
        }
        let alone = self.documents.iter().filter(|document| document.marks == 0);
        let without_marks = alone.map(|document| document.name.clone()).collect();
        let (documents, marks) = (self.documents.len(), self.marks.len());
        Ok(Built { bytes: self.write()?, documents, marks, common_marks, without_marks })
    }

    /// Sorts the documents by digest, so that their order says nothing and a whole one is found fast.
    fn sort_documents(&mut self) -> Result<(), BuildError> {
        let mut order: Vec<usize> = (0..self.documents.len()).collect();
        order.sort_by_key(|at| {
            self.documents.get(*at).map(|document| (document.digest, document.name.clone()))
        });
        let mut places = vec![0; order.len()];
        for (place, at) in (0_u32..).zip(&order) {
            if let Some(entry) = places.get_mut(*at) {
                *entry = place;
            }
        }
        for mark in &mut self.marks {
            mark.document = places.get(mark.document as usize).copied().ok_or(BuildError::Size)?;
        }
        let mut sorted: Vec<(u32, Known)> = places.into_iter().zip(self.documents.drain(..)).collect();
        sorted.sort_by_key(|(place, _)| *place);
        self.documents = sorted.into_iter().map(|(_, document)| document).collect();
        Ok(())
    }

    /// Sorts the marks and leaves out what is common; of a mark that one document has often the first stays.
    fn settle_marks(&mut self) -> usize {
        self.marks.sort_unstable_by_key(|mark| (mark.hash, mark.document, mark.word));
        self.marks.dedup_by_key(|mark| (mark.hash, mark.document));
        let mut kept = Vec::with_capacity(self.marks.len());
        for group in self.marks.chunk_by(|left, right| left.hash == right.hash) {
            if group.len() <= MOST_DOCUMENTS_A_MARK {
                kept.extend_from_slice(group);
            }
        }
        let left_out = self.marks.len() - kept.len();
        self.marks = kept;
        left_out
    }

    fn write(self) -> Result<Vec<u8>, BuildError> {
        let size = |number: usize| u32::try_from(number).map_err(|_| BuildError::Size);
        let header = Header {
            salt: self.salt,
            check: self.secrets.check,
            documents: size(self.documents.len())?,
            marks: size(self.marks.len())?,
            name_bytes: size(self.documents.iter().map(|document| document.name.len()).sum())?,
            hash_bytes: format::hash_bytes(self.marks.len()),
            directory_bits: format::directory_bits(self.marks.len()),
        };
        let mut bytes = header.write();
        write_directory(&mut bytes, &self.marks, header.directory_bits);
        for mark in &self.marks {
            let hash = format::upper(mark.hash, header.hash_bytes).to_le_bytes();
            bytes.extend(hash.iter().take(usize::from(header.hash_bytes)));
            bytes.extend_from_slice(&mark.document.to_le_bytes());
            bytes.extend_from_slice(&mark.word.to_le_bytes());
        }
        let mut end = 0;
        for document in &self.documents {
            end += u32::try_from(document.name.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&document.digest);
            bytes.extend_from_slice(&document.words.to_le_bytes());
            bytes.extend_from_slice(&document.marks.to_le_bytes());
            bytes.extend_from_slice(&end.to_le_bytes());
        }
        self.documents.iter().for_each(|document| bytes.extend_from_slice(document.name.as_bytes()));
        let seal = blake3::keyed_hash(&self.secrets.seal, &bytes);
        bytes.extend_from_slice(seal.as_bytes());
        Ok(bytes)
    }
}

impl Document<'_> {
    /// The next chunk of the text, cut anywhere between two characters.
    pub fn push(&mut self, chunk: &str) {
        let (winnow, marks) = (&mut self.winnow, &mut self.marks);
        self.shingler.push(chunk, |shingle| marks.extend(winnow.push(shingle)));
    }

    /// The end of the text.
    ///
    /// # Errors
    /// [`BuildError::Size`].
    pub fn finish(mut self) -> Result<(), BuildError> {
        let (last, digest) = self.shingler.finish();
        let last = last.and_then(|shingle| self.winnow.push(shingle));
        self.marks.extend(last);
        self.marks.extend(self.winnow.finish());
        let document = u32::try_from(self.builder.documents.len()).map_err(|_| BuildError::Size)?;
        let words = self.shingler.count();
        if words > u64::from(u32::MAX) {
            return Err(BuildError::Size);
        }
        let marks =
            self.marks.iter().map(|shingle| Mark { hash: shingle.hash, document, word: shingle.word as u32 });
        self.builder.marks.extend(marks);
        self.builder.documents.push(Known { name: self.name, digest, words, marks: 0 });
        Ok(())
    }
}

fn write_directory(bytes: &mut Vec<u8>, marks: &[Mark], directory_bits: u8) {
    let mut at = 0;
    for number in 0..1_usize << directory_bits {
        bytes.extend_from_slice(&u32::try_from(at).unwrap_or(u32::MAX).to_le_bytes());
        let rest = marks.get(at..).unwrap_or_default();
        at += rest.iter().take_while(|mark| format::bucket(mark.hash, directory_bits) == number).count();
    }
    bytes.extend_from_slice(&u32::try_from(at).unwrap_or(u32::MAX).to_le_bytes());
}
