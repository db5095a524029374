//! The lattice of decoded views: what a text says in any encoding, and in encodings within those.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use super::{Map, Options, View, WhiteSpace, english, normalise_with};
use crate::codec::{self, Codec, Found, Scan};

/// How much [`decode`] may do. The work is linear in the bytes that it looks at: those of the text and the decoded ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How deep encodings may lie within one another; at least 1 is used.
    pub depth: usize,
    /// The most decoded bytes in all for each byte of the text.
    pub bytes_per_byte: usize,
    /// The most decoded bytes for the shortest text.
    pub bytes: usize,
    /// The most payloads.
    pub payloads: usize,
}

impl Default for Budget {
    /// Depth 3; 4 KiB and twice the text's length of decoded bytes; 1,024 payloads.
    fn default() -> Self {
        Self { depth: 3, bytes_per_byte: 2, bytes: 4096, payloads: 1024 }
    }
}

/// A stretch of a text that says something else once it is decoded.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// Where it stands in the original.
    pub span: Range<usize>,
    /// The encodings, the outermost first.
    pub chain: Vec<&'static Codec>,
    /// What it says, as a view of the original.
    pub view: View<'static>,
    /// From 0 to 1: how sure it is that somebody encoded this text. Harmless text can be encoded too.
    pub confidence: f32,
}

/// What [`decode`] found, and what it left.
#[derive(Clone, Debug, Default)]
pub struct Decodings {
    /// What was decoded: first what is encoded once, then what lies deeper; each by its place.
    pub payloads: Vec<Decoded>,
    /// What was not looked into.
    pub unscanned: Vec<Unscanned>,
}

/// A stretch of the original that was not decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unscanned {
    /// Where it stands.
    pub span: Range<usize>,
    /// Why it was left.
    pub reason: UnscannedReason,
}

/// Why a stretch was left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnscannedReason {
    /// It lies deeper than [`Budget::depth`].
    Depth,
    /// Decoding it would have passed [`Budget::bytes`] and [`Budget::bytes_per_byte`].
    Bytes,
    /// There are [`Budget::payloads`] already.
    Payloads,
}

/// All that `text` says in some encoding, down to the depth of `budget`.
///
/// What no codec takes for its own - a tag of HTML of more than 4 KiB, say, or a label of a host name that is longer than any
/// can be - is not decoded and stays where it was: in the text itself, which is looked at as it stands as well.
///
/// *Invariant (unscanned is a verdict):* what the budget did not allow for is in [`Decodings::unscanned`].
pub fn decode(text: &str, budget: &Budget) -> Decodings {
    let mut lattice = Lattice {
        budget: *budget,
        bytes_left: text.len().saturating_mul(budget.bytes_per_byte).max(budget.bytes),
        seen: HashSet::new(),
        open: VecDeque::new(),
        out: Decodings::default(),
    };
    lattice.look_into(text, &[], &Map::identity(text.len()), 1.0);
    while let Some(index) = lattice.open.pop_front() {
        let Some(payload) = lattice.out.payloads.get(index).cloned() else { break };
        lattice.look_into(payload.view.text(), &payload.chain, payload.view.map(), payload.confidence);
    }
    lattice.out
}

/// How sure it has to be that a stretch is in one encoding for others to be found within it by chance.
const SURE: f32 = 0.95;
/// Bits a letter below which a text is no English.
const NO_ENGLISH: f32 = 0.55;

/// True for what was found within a stretch that surely is in another encoding, and says nothing: dense encodings use
/// all signs, those of escapes too.
fn is_chance(one: &Found, sure: &[Range<usize>]) -> bool {
    let within = |span: &Range<usize>| span.start <= one.span.start && one.span.end <= span.end;
    one.confidence < SURE && sure.iter().any(within) && english::score(one.view.text()).bits() < NO_ENGLISH
}

struct Lattice {
    budget: Budget,
    bytes_left: usize,
    /// Hashes of what was decoded, with its place: two ways to the same text give one payload.
    seen: HashSet<u64>,
    /// Payloads that were not looked into yet.
    open: VecDeque<usize>,
    out: Decodings,
}

impl Lattice {
    fn look_into(&mut self, text: &str, chain: &[&'static Codec], map: &Map, confidence: f32) {
        let mut found = Vec::new();
        codec::find_in_raw(text, &mut found);
        // Letters in disguise can spell an encoding too.
        let keep = Options { fold_case: false, white_space: WhiteSpace::Keep };
        let plain = normalise_with(text, &keep);
        let first_plain = found.len();
        codec::find_in_plain(&Scan::new(plain.text()), &mut found);
        let in_text = |(index, mut one): (usize, Found)| {
            if index >= first_plain && !plain.map().is_identity() {
                one.span = plain.origin(one.span);
                one.view = one.view.through(plain.map());
            }
            one
        };
        let found: Vec<Found> = found.into_iter().enumerate().map(in_text).collect();
        let sure: Vec<Range<usize>> =
            found.iter().filter(|one| one.confidence >= SURE).map(|one| one.span.clone()).collect();
        for one in found.into_iter().filter(|one| !is_chance(one, &sure)) {
            self.add(one, chain, map, confidence);
        }
    }

    fn add(&mut self, found: Found, chain: &[&'static Codec], map: &Map, confidence: f32) {
        let span = map.origin(found.span);
        let reason = if chain.len() >= self.budget.depth.max(1) {
            Some(UnscannedReason::Depth)
        } else if found.view.text().len() > self.bytes_left {
            Some(UnscannedReason::Bytes)
        } else if self.out.payloads.len() >= self.budget.payloads {
            Some(UnscannedReason::Payloads)
        } else {
            None
        };
        if let Some(reason) = reason {
            return self.leave(span, reason);
        }
        let mut hasher = DefaultHasher::new();
        (span.start, span.end, found.view.text()).hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        self.bytes_left -= found.view.text().len();
        let mut whole_chain = chain.to_vec();
        whole_chain.push(found.codec);
        self.open.push_back(self.out.payloads.len());
        self.out.payloads.push(Decoded {
            span,
            chain: whole_chain,
            view: found.view.through(map),
            confidence: found.confidence.min(confidence),
        });
    }

    /// Tells what is left; stretches with the same reason that touch are one.
    fn leave(&mut self, span: Range<usize>, reason: UnscannedReason) {
        match self.out.unscanned.last_mut() {
            Some(last)
                if last.reason == reason && span.start <= last.span.end && last.span.start <= span.end =>
            {
                last.span = last.span.start.min(span.start)..last.span.end.max(span.end);
            }
            _ => self.out.unscanned.push(Unscanned { span, reason }),
        }
    }
}
