//! A text against the documents of an index.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{
    index::Index,
    shingle::{CERTAIN, Shingle, Shingler, WINDOW, WORDS, Winnow},
};

/// Passages that are told of a document, the longest ones.
const MOST_PASSAGES: usize = 8;
/// Passages of a document that are followed at a time.
const MOST_OPEN: usize = 8;

/// What makes a document worth telling: a passage long enough, or a share large enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Words in a row that are the same. Shorter passages are often idiom, addresses or law.
    pub words: u64,
    /// Share of the text that is in the document, or of the document that is in the text, from 0 to 1.
    pub share: f64,
    /// Marks in common below which a share says nothing.
    pub marks: u32,
    /// Documents that are told, those with most in common first.
    pub most_documents: usize,
}

impl Default for Thresholds {
    /// 24 words in a row, or 30% of either and 4 marks; 100 documents.
    fn default() -> Thresholds {
        Thresholds { words: 24, share: 0.3, marks: 4, most_documents: 100 }
    }
}

/// What a text has in common with the documents.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Words of the text.
    pub words: u64,
    /// The document that has the same words and no others.
    pub whole: Option<usize>,
    /// Share of the marks of the text that are in any document, from 0 to 1.
    pub known: f64,
    /// Documents above a threshold, those with most in common first.
    pub documents: Vec<Similar>,
}

/// A document that has something in common with the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Similar {
    /// Its number in the index.
    pub document: usize,
    /// Share of the text that is in the document, from 0 to 1: of the marks of the text, those that it has too.
    pub of_text: f64,
    /// Share of the document that is in the text, from 0 to 1: of the marks of the document, those that the text has.
    pub of_document: f64,
    /// Marks of the document that are in the text.
    pub marks: u32,
    /// The longest passages that are in both, longest first, at most eight.
    pub passages: Vec<Passage>,
}

/// Words in a row that are in both. Up to five more on either side may be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Where it stands in the text, in bytes.
    pub span: Range<u64>,
    /// Its first word in the document, counted from 0.
    pub document_word: u64,
    /// How many words it has.
    pub words: u64,
}

/// Whether a text was among the documents, as a set that a model was trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Membership {
    /// It is a document, word for word.
    Whole(usize),
    /// At least nine tenths of it are in one document.
    Contained(usize),
    /// Parts of it are in documents: the share of its marks that are in any.
    Partly(f64),
    /// Nothing above the thresholds is in any document. It may still be there in other words.
    NotFound,
    /// Too short to tell: fewer than eleven words, and no document as a whole.
    TooShort,
}

/// A comparison of a text that comes in chunks. Memory grows with the index and not with the text.
pub struct Matcher<'i, B> {
    index: &'i Index<B>,
    shingler: Shingler,
    progress: Progress<'i, B>,
}

/// What is known so far.
struct Progress<'i, B> {
    index: &'i Index<B>,
    winnow: Winnow,
    /// A bit for each mark of the index that was found.
    seen: Vec<u64>,
    chosen: u64,
    chosen_known: u64,
    documents: FxHashMap<u32, Tally>,
}

#[derive(Default)]
struct Tally {
    marks: u32,
    chosen: u64,
    open: Vec<Run>,
    passages: Vec<Passage>,
}

/// Marks in a row with the same distance between text and document.
#[derive(Clone, Copy)]
struct Run {
    first: Shingle,
    last: Shingle,
    document_word: u64,
}

impl<B: AsRef<[u8]>> Index<B> {
    /// Compares a text with all documents.
    pub fn compare(&self, text: &str, thresholds: &Thresholds) -> Comparison {
        let mut matcher = self.matcher();
        matcher.push(text);
        matcher.finish(thresholds)
    }

    /// Starts a comparison of a text that comes in chunks.
    pub fn matcher(&self) -> Matcher<'_, B> {
        let progress = Progress {
            index: self,
            winnow: Winnow::default(),
            seen: vec![0; (self.header.marks as usize).div_ceil(64)],
            chosen: 0,
            chosen_known: 0,
            documents: FxHashMap::default(),
        };
        Matcher { index: self, shingler: Shingler::new(&self.secrets), progress }
    }
}

impl<B: AsRef<[u8]>> Matcher<'_, B> {
    /// The next chunk of the text, cut anywhere between two characters.
    pub fn push(&mut self, chunk: &str) {
        let progress = &mut self.progress;
        self.shingler.push(chunk, |shingle| progress.shingle(shingle));
    }

    /// The end of the text.
    pub fn finish(mut self, thresholds: &Thresholds) -> Comparison {
        let (last, digest) = self.shingler.finish();
        if let Some(shingle) = last {
            self.progress.shingle(shingle);
        }
        if let Some(shingle) = self.progress.winnow.finish() {
            self.progress.choose(shingle);
        }
        let words = self.shingler.count();
        let whole = self.index.whole(&digest).filter(|_| words > 0);
        let known = share(self.progress.chosen_known, self.progress.chosen);
        Comparison { words, whole, known, documents: self.progress.similar(thresholds) }
    }
}

impl<B: AsRef<[u8]>> Progress<'_, B> {
    /// Looks up every shingle, so that a mark of a document is found wherever its words are.
    fn shingle(&mut self, shingle: Shingle) {
        for (mark, document, word) in self.index.find(shingle.hash) {
            let tally = self.documents.entry(document).or_default();
            if let Some(bits) = self.seen.get_mut(mark / 64) {
                let bit = 1 << (mark % 64);
                tally.marks += u32::from(*bits & bit == 0);
                *bits |= bit;
            }
            tally.follow(shingle, u64::from(word));
        }
        if let Some(chosen) = self.winnow.push(shingle) {
            self.choose(chosen);
        }
    }

    /// Counts a mark of the text.
    fn choose(&mut self, shingle: Shingle) {
        let mut known = false;
        for (_, document, _) in self.index.find(shingle.hash) {
            known = true;
            self.documents.entry(document).or_default().chosen += 1;
        }
        self.chosen += 1;
        self.chosen_known += u64::from(known);
    }

    fn similar(self, thresholds: &Thresholds) -> Vec<Similar> {
        let mut similar: Vec<Similar> = Vec::new();
        for (document, tally) in self.documents {
            let marks = tally.marks;
            let of_text = share(tally.chosen, self.chosen);
            let of_document = share(u64::from(marks), u64::from(self.index.marks(document)));
            let passages = tally.passages();
            let longest = passages.first().map_or(0, |passage| passage.words);
            let shares = marks >= thresholds.marks && of_text.max(of_document) >= thresholds.share;
            if shares || longest >= thresholds.words {
                let document = document as usize;
                similar.push(Similar { document, of_text, of_document, marks, passages });
            }
        }
        similar.sort_by_key(|similar| (std::cmp::Reverse(similar.marks), similar.document));
        similar.truncate(thresholds.most_documents);
        similar
    }
}

impl Tally {
    /// Lengthens a passage by a mark, or starts one.
    ///
    /// Marks of a document are at most [`WINDOW`] words apart and cover [`WORDS`] words each, so every word of a
    /// passage is covered by a mark that was compared.
    fn follow(&mut self, shingle: Shingle, word: u64) {
        const { assert!(WINDOW <= WORDS) };
        let goes_on = |run: &&mut Run| {
            run.first.word + word == shingle.word + run.document_word
                && shingle.word - run.last.word <= WORDS as u64
        };
        if let Some(run) = self.open.iter_mut().find(goes_on) {
            run.last = shingle;
            return;
        }
        if self.open.len() == MOST_OPEN
            && let Some(oldest) = (0..MOST_OPEN).min_by_key(|at| self.open.get(*at).map(|run| run.last.word))
        {
            let run = self.open.swap_remove(oldest);
            self.close(run);
        }
        self.open.push(Run { first: shingle, last: shingle, document_word: word });
    }

    fn close(&mut self, run: Run) {
        let words = run.last.word - run.first.word + WORDS as u64;
        let span = run.first.start..run.last.end;
        self.passages.push(Passage { span, document_word: run.document_word, words });
        if self.passages.len() > 2 * MOST_PASSAGES {
            self.keep_longest();
        }
    }

    fn keep_longest(&mut self) {
        self.passages.sort_by_key(|passage| {
            (std::cmp::Reverse(passage.words), passage.span.start, passage.document_word)
        });
        self.passages.truncate(MOST_PASSAGES);
    }

    fn passages(mut self) -> Vec<Passage> {
        for run in std::mem::take(&mut self.open) {
            self.close(run);
        }
        self.keep_longest();
        self.passages
    }
}

impl Comparison {
    /// Whether the text was among the documents.
    pub fn membership(&self) -> Membership {
        if let Some(document) = self.whole {
            return Membership::Whole(document);
        }
        if self.words < CERTAIN as u64 {
            return Membership::TooShort;
        }
        let fullest = self.documents.iter().max_by(|left, right| left.of_text.total_cmp(&right.of_text));
        match fullest {
            Some(similar) if similar.of_text >= 0.9 => Membership::Contained(similar.document),
            Some(_) => Membership::Partly(self.known),
            None => Membership::NotFound,
        }
    }
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}
