//! Protected texts - lyrics, articles, source code - found again where a model repeats them.
//!
//! The user builds an [`Index`] of texts. It keeps fingerprints: hashes of so many words in a row, of which one in each
//! four neighbours is kept (winnowing, after Schleimer, Wilkerson and Aiken, *Local Algorithms for Document
//! Fingerprinting*, 2003), each with the text and the place that it comes from. [`Index::find`] takes all hashes of a
//! text, and joins those that meet the same stretch of the same source to a *run*. Words are compared
//! [normalised](crate::view::normalise) and without regard to case, white space and punctuation; in code, signs count
//! and white space does not.
//!
//! A fingerprint also holds eight bits of a hash for each of the three words on either side. They say where between two
//! kept fingerprints a run begins and ends, so the least length of a run is exact but for one word in 256 at each end.
//!
//! *Invariant (no text within):* an index holds hashes, lengths, and the names and licences it was given, but no word.
//! That is not encryption: whoever guesses a passage can see whether it is there, and whoever has its beginning can
//! guess on. An index with a [`Options::key`] of its own tells nothing to those who do not have the key.
//!
//! *Limits:* words that were changed end a run; a translation, a paraphrase or renamed variables are not found. A stretch
//! that stands in an index more than [`MOST_PLACES`] times is known from the first of them.
//!
//! *Bounds:* [`MOST_FINGERPRINTS`] and [`MOST_SOURCES`] an index, [`MOST_RUNS`] runs an answer. Building and finding take
//! time linear in the text.
//!
//! ```
//! use castellan_shield::protected::{Index, Kind, Options, Source};
//!
//! let poem = "A lantern on the harbour wall was all the light we had that night, and still the boats came \
//!             in by one and one, as if they knew the way by heart.";
//! let source = Source { name: "Harbour".into(), licence: Some("all rights reserved".into()), kind: Kind::Text };
//! let index = Index::build(Options::default(), [(source, poem)]).unwrap();
//!
//! let answer = format!("Here it is: {}. Nice, is it not?", poem.to_uppercase());
//! let found = index.find(&answer);
//! assert_eq!(found.runs[0].source.name, "Harbour");
//! assert_eq!(found.runs[0].words, 32);
//! assert!(found.share > 0.7);
//! assert!(index.find("the boats came in by one and one").runs.is_empty());
//!
//! let kept = index.to_bytes().unwrap();
//! assert_eq!(Index::from_bytes(&kept, &Options::default().key).unwrap().find(&answer), found);
//! ```

mod bytes;
mod lines;
mod runs;
mod words;

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use words::{Hashed, Words};

pub use lines::read_line;
pub use runs::find_in;

/// Most fingerprints of an index: about 50 million words.
pub const MOST_FINGERPRINTS: usize = 20_000_000;
/// Most sources of an index.
pub const MOST_SOURCES: usize = 1_000_000;
/// Most characters of a name or a licence.
pub const MOST_NAME: usize = 1_024;
/// Most runs of one answer.
pub const MOST_RUNS: usize = 1_000;
/// Most places of one fingerprint.
pub const MOST_PLACES: u8 = 32;

/// Of so many neighbouring hashes one is kept.
const WINDOW: usize = 4;
/// For so many words on either side of a fingerprint there is a check.
const MARGIN: usize = WINDOW - 1;

/// How a text is cut into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Letters and digits make words.
    Text,
    /// Signs are words of their own.
    Code,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Text, Kind::Code];

    /// Words of one fingerprint.
    fn length(self) -> usize {
        match self {
            Kind::Text => 8,
            Kind::Code => 16,
        }
    }
}

/// A protected text, but for the text itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What to cite: a title, an address.
    pub name: String,
    /// The licence, where there is one.
    pub licence: Option<String>,
    /// How it is read.
    pub kind: Kind,
}

/// What counts, and the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// The least words of a run of text; at least 11, so that it cannot fall between fingerprints.
    pub least_words: usize,
    /// The least words and signs of a run of code; at least 19. The default is that of eight lines.
    pub least_code: usize,
    /// Words are hashed with it. An index can only be used with the key that it was built with.
    #[serde(skip)]
    pub key: [u8; 32],
}

impl Default for Options {
    fn default() -> Options {
        Options { least_words: 20, least_code: 80, key: [0; 32] }
    }
}

impl Options {
    fn least(&self, kind: Kind) -> usize {
        match kind {
            Kind::Text => self.least_words,
            Kind::Code => self.least_code,
        }
    }
}

/// Why an index was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtectedError {
    /// A run could fall between two fingerprints.
    #[error("a run of {0} words is too short to be found: ask for {1} or more")]
    Least(usize, usize),
    /// A text has fewer words than a run needs.
    #[error("`{name}` has {words} words, and a run needs {least}: it could never be found")]
    Short {
        /// Of the source.
        name: String,
        /// How many words it has.
        words: usize,
        /// How many words a run needs.
        least: usize,
    },
    /// A name or a licence is too long.
    #[error("the name or the licence of `{0}` has more than {MOST_NAME} characters: shorten it")]
    Name(String),
    /// The index is full.
    #[error("the index is full: build another one")]
    Full,
    /// Bytes are not those of an index.
    #[error("these bytes are not an index of protected texts: {0}")]
    Bytes(&'static str),
}

/// Words in a row that stand in a protected text too.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The bytes of the text.
    pub span: Range<usize>,
    /// How many words, or words and signs of code.
    pub words: usize,
    /// Where they come from.
    pub source: Source,
    /// How much of the source this is, from 0 to 1.
    pub share_of_source: f64,
}

/// What [`Index::find`] gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// In the order of the text. A run that lies within a longer one is left out; where several sources have the same
    /// words, the first that was added is told.
    pub runs: Vec<Run>,
    /// How much of the text's words are in runs, from 0 to 1; of text or of code, whichever is more.
    pub share: f64,
    /// Whether there are more runs than are told.
    pub more: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    source: Source,
    words: u32,
}

/// One kept hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    hash: u64,
    document: u32,
    /// Of its first word.
    place: u32,
    /// Checks of the words before it, the nearest first.
    before: [u8; MARGIN],
    /// Checks of the words after it.
    after: [u8; MARGIN],
}

/// Where a hash's fingerprints begin, and how many there are.
#[derive(Clone, Copy, Debug)]
struct Chain {
    last: u32,
    length: u8,
}

/// Fingerprints of protected texts.
#[derive(Clone, Debug)]
pub struct Index {
    options: Options,
    documents: Vec<Document>,
    fingerprints: Vec<Fingerprint>,
    /// For each fingerprint the one before with the same hash.
    previous: Vec<Option<u32>>,
    chains: HashMap<u64, Chain>,
}

impl Index {
    /// An index without texts.
    pub fn new(options: Options) -> Result<Index, ProtectedError> {
        for kind in Kind::ALL {
            let least = kind.length() + MARGIN;
            if options.least(kind) < least {
                return Err(ProtectedError::Least(options.least(kind), least));
            }
        }
        let (documents, fingerprints, previous) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Index { options, documents, fingerprints, previous, chains: HashMap::new() })
    }

    /// An index of `texts`.
    pub fn build<'a>(
        options: Options,
        texts: impl IntoIterator<Item = (Source, &'a str)>,
    ) -> Result<Index, ProtectedError> {
        let mut index = Index::new(options)?;
        for (source, text) in texts {
            index.add(source, text)?;
        }
        Ok(index)
    }

    /// Adds a text. Where it is refused, the index is as before.
    pub fn add(&mut self, source: Source, text: &str) -> Result<(), ProtectedError> {
        if [&source.name].into_iter().chain(&source.licence).any(|name| name.chars().nth(MOST_NAME).is_some())
        {
            return Err(ProtectedError::Name(source.name.chars().take(MOST_NAME).collect()));
        }
        let words = Words::new(text, source.kind, &self.options.key);
        let least = self.options.least(source.kind);
        if words.len() < least {
            return Err(ProtectedError::Short { name: source.name, words: words.len(), least });
        }
        let hashed = words.hashed(source.kind.length());
        let kept = hashed.winnowed(WINDOW);
        let (Ok(document), Ok(length)) = (u32::try_from(self.documents.len()), u32::try_from(words.len()))
        else {
            return Err(ProtectedError::Full);
        };
        if self.documents.len() >= MOST_SOURCES || self.fingerprints.len() + kept.len() > MOST_FINGERPRINTS {
            return Err(ProtectedError::Full);
        }
        for place in kept {
            self.insert(fingerprint(&words, &hashed, document, place));
        }
        self.documents.push(Document { source, words: length });
        Ok(())
    }

    /// The sources, in the order in which they were added.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = &Source> {
        self.documents.iter().map(|document| &document.source)
    }

    fn insert(&mut self, fingerprint: Fingerprint) {
        // `MOST_FINGERPRINTS` is within 32 bits.
        let Ok(number) = u32::try_from(self.fingerprints.len()) else { return };
        let chain = self.chains.get(&fingerprint.hash).copied();
        let length = chain.map_or(0, |chain| chain.length);
        if length >= MOST_PLACES {
            return;
        }
        self.chains.insert(fingerprint.hash, Chain { last: number, length: length + 1 });
        self.previous.push(chain.map(|chain| chain.last));
        self.fingerprints.push(fingerprint);
    }

    /// The fingerprints with this hash, the last one first.
    fn with_hash(&self, hash: u64) -> impl Iterator<Item = &Fingerprint> {
        let last = self.chains.get(&hash).map(|chain| chain.last);
        let numbers =
            std::iter::successors(last, |&number| *self.previous.get(usize::try_from(number).ok()?)?);
        numbers.filter_map(|number| self.fingerprints.get(usize::try_from(number).ok()?))
    }
}

fn fingerprint(words: &Words, hashed: &Hashed, document: u32, place: usize) -> Fingerprint {
    let hash = hashed.at(place);
    let last = place + hashed.length() - 1;
    let before = std::array::from_fn(|index| words.check_before(hash, place, index + 1));
    let after = std::array::from_fn(|index| words.check_after(hash, last, index + 1));
    Fingerprint { hash, document, place: u32::try_from(place).unwrap_or(u32::MAX), before, after }
}
