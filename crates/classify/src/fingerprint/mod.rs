//! Document fingerprints: which documents a text is made of, without having the documents.
//!
//! A [`Builder`] makes an index of documents - contracts, filled-in forms, source files, the texts of a training set.
//! An [`Index`] says which share of a text stands in which document, which share of a document stands in the text, and
//! where the longest passages are.
//!
//! ```
//! use castellan_classify::exact::Key;
//! use castellan_classify::fingerprint::{Builder, Index, Membership, Thresholds};
//!
//! let key = Key::new(b"32 random bytes that stay here..").unwrap();
//! let contract = "The supplier delivers the goods to the place that the buyer has named in the order, at its own \
//!                 cost and risk, within thirty days. A later delivery entitles the buyer to withdraw.";
//! let mut builder = Builder::new(&key, *b"16 random bytes.");
//! builder.add("contract", contract).unwrap();
//! let index = Index::open(builder.finish().unwrap().bytes, &key).unwrap();
//!
//! let mail = "Hi, they write: the supplier delivers the goods to the place that the buyer has named in the order, at \
//!             its own cost and risk, within thirty days! Is that so?";
//! let comparison = index.compare(mail, &Thresholds::default());
//! let similar = &comparison.documents[0];
//! assert_eq!(index.name(similar.document), Some("contract"));
//! assert!(similar.of_document > 0.5 && similar.passages[0].words >= 20);
//! assert_eq!(index.compare(contract, &Thresholds::default()).membership(), Membership::Whole(0));
//! ```
//!
//! # How it compares
//!
//! Runs of six words (*shingles*), without case and punctuation, are hashed by a rolling hash at a secret point and
//! SipHash under a secret key. Of each window of six shingles the least is kept as a *mark* (winnowing: Schleimer,
//! Wilkerson and Aiken, SIGMOD 2003), which are about two marks for seven words. From this follows:
//!
//! * whatever two texts share in **eleven words** in a row is found, and nothing that is shorter than **six**;
//! * the marks of a part of a document are marks of the document, so a whole part counts as 100%;
//! * neighbouring marks touch, since the window is not longer than a shingle: each word of a [`Passage`] was compared.
//!
//! *Why six and six.* Unrelated texts of one language share many runs of three or four words and few of six, and those
//! are idiom. Longer shingles would lose more to each changed word: one change breaks six shingles here. A longer window
//! would make the index smaller and leave words between marks unseen.
//!
//! *False positives.* That another shingle has the same hash has, for each lookup, a chance below 10^-9 (`n` marks and
//! `b` bytes of hash give `n / 2^8b`; `b` is the smallest, from 4). What remains is what really stands in both: phrases.
//! [`Thresholds`] therefore ask for 24 words in a row or for a share and some marks. Marks that more than 64 documents
//! have are left out, as are those of a letterhead, and counted in [`Built`].
//!
//! *Shares are of marks.* They are estimates of the share of shingles: with `m` marks, within about `1 / sqrt(m)`.
//! Words that are changed everywhere (one in six) leave no shingle as it was: such a text is not found. Nor is a
//! paraphrase or a translation. Characters of scripts without spaces count as words.
//!
//! # What the file tells
//!
//! *Invariant (nothing can be read back):* hashes are pseudorandom functions of shingles under keys that are derived
//! from the [`Key`](crate::exact::Key) and the salt. Without the key the file tells the names (choose them so), the
//! number of words of each document, and which documents share marks. With the key, six words that somebody guesses can
//! be tested.
//!
//! *Figures*, on a shared and loaded machine, one thread (`cargo bench -p castellan-classify --bench exact`): documents
//! are read at 16 MB/s and texts compared with a thousand documents at 7 MB/s; a mark takes 15 bytes with 7 bytes of
//! hash (up to 72 million marks), which is about 4 bytes a word.
//!
//! *Bounds:* a text may come in chunks; a [`Matcher`] holds one bit for each mark of the index, and 64 passages at most
//! for each document that has something in common with the text.

mod build;
mod compare;
mod format;
mod index;
mod shingle;

pub use build::{BuildError, Builder, Built, Document};
pub use compare::{Comparison, Matcher, Membership, Passage, Similar, Thresholds};
pub use index::Index;
