//! Groundedness: whether what an answer claims stands in its sources.
//!
//! [`check`] cuts the answer into claims - sentences, and clauses that say something by themselves - and looks for the
//! sentences of the sources that share most with each: content words by their stems, weighed by how rare they are in
//! the sources, names, and numbers with their units. A claim is *ungrounded* when
//!
//! * a number, date or unit of it stands nowhere, or only in sentences that speak of something else;
//! * a name of it stands nowhere, or only where something else is said;
//! * most of its content words stand nowhere together;
//! * it is denied where its source is not, or the other way round, or says the opposite word.
//!
//! What claims nothing - greetings, refusals, offers of help, questions - is left out. What the question says counts as
//! said.
//!
//! Words of a language are data in `content/shield/grounded`: English, German, French and Spanish are there. An answer
//! in another language than its sources is refused, not guessed at.
//!
//! *Limits.* This compares words. It knows nothing of the world and infers nothing: a sum, a conversion of units, a
//! conclusion is ungrounded, however right. A paraphrase in other words than those that are known to be the same is
//! ungrounded; one wrong word among many right ones is not seen unless it is a number, a name, a denial or a known
//! opposite. Who did what to whom is not understood. Names are told by their capital letters, so hardly in German.
//!
//! *Bounds:* [`MOST_ANSWER`] and [`MOST_SOURCES`] bytes; no claim is compared with more than some thousand sentences for
//! each of its words.
//!
//! ```
//! use castellan_shield::grounded::{Reason, check};
//!
//! let source = "The bridge was opened in 1932 and is 503 metres long. It was designed by John Bradfield.";
//! let answer = "It was designed by John Bradfield. The bridge was opened in 1942.";
//! let result = check(answer, &[source], None).unwrap();
//! let claim = &result.ungrounded[0];
//! assert_eq!(&answer[claim.span.clone()], "The bridge was opened in 1942");
//! assert!(matches!(&claim.reasons[0], Reason::Number { text, .. } if text == "1942"));
//! assert_eq!(claim.nearest.as_ref().unwrap().span, 0..52);
//!
//! assert!(check("John Bradfield designed it.", &[source], None).unwrap().ungrounded.is_empty());
//! ```

mod index;
mod judge;
mod language;
mod quantity;
mod text;

use std::fmt;
use std::ops::Range;

use index::Index;
use language::{Language, languages};
use text::{Text, function_words};

/// Most bytes of an answer.
pub const MOST_ANSWER: usize = 64 << 10;
/// Most bytes of all sources and the question together.
pub const MOST_SOURCES: usize = 1 << 20;

/// So many function words tell a language.
const CLEAR: usize = 4;

/// Why nothing was judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroundedError {
    /// The answer is too long.
    #[error("the answer has {0} bytes; at most {MOST_ANSWER} are compared: cut it")]
    Answer(usize),
    /// The sources are too long.
    #[error("the sources have {0} bytes; at most {MOST_SOURCES} are compared: give those that matter")]
    Sources(usize),
    /// Words of different languages cannot be compared.
    #[error("the answer is in `{answer}` and no source is: give sources in its language")]
    Languages {
        /// The code of the answer's language.
        answer: String,
    },
}

/// Why a claim is ungrounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A number, with its unit, a month or a day of the week.
    Number {
        /// As it stands in the claim.
        text: String,
        /// What the nearest source sentence says in its place, where it says one such thing.
        source: Option<String>,
    },
    /// A name.
    Name {
        /// As it stands in the claim.
        text: String,
        /// Whether the sources have it, but not with the rest of the claim.
        is_elsewhere: bool,
    },
    /// Words of which most stand nowhere together.
    Words(Vec<String>),
    /// The claim is denied and its source is not, or the other way round.
    Negation,
    /// The claim says the opposite of a word of its source.
    Opposite {
        /// In the claim.
        claim: String,
        /// In the source.
        source: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Number { text, source: Some(source) } => write!(f, "`{text}`: the source has `{source}`"),
            Reason::Number { text, source: None } => write!(f, "`{text}` is not in the sources with this"),
            Reason::Name { text, is_elsewhere: false } => write!(f, "`{text}` is not in the sources"),
            Reason::Name { text, is_elsewhere: true } => write!(f, "the sources do not say this of `{text}`"),
            Reason::Words(words) => write!(f, "not in the sources: `{}`", words.join("`, `")),
            Reason::Negation => f.write_str("the source says the contrary"),
            Reason::Opposite { claim, source } => write!(f, "`{claim}`, where the source has `{source}`"),
        }
    }
}

/// A sentence of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which source.
    pub source: usize,
    /// Its bytes.
    pub span: Range<usize>,
}

/// A claim that the sources do not support.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The bytes of the answer.
    pub span: Range<usize>,
    /// At least one.
    pub reasons: Vec<Reason>,
    /// The sentence that has most in common with it.
    pub nearest: Option<Place>,
}

/// What [`check`] gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groundedness {
    /// In the order of the answer.
    pub ungrounded: Vec<Claim>,
    /// How many claims there are.
    pub claims: usize,
    /// How much of the answer's sentences is ungrounded, by bytes, from 0 to 1.
    pub share: f64,
}

/// Compares the claims of `answer` with `sources`. What `query` says, where there is one, counts as said.
pub fn check(answer: &str, sources: &[&str], query: Option<&str>) -> Result<Groundedness, GroundedError> {
    if answer.len() > MOST_ANSWER {
        return Err(GroundedError::Answer(answer.len()));
    }
    let bytes = sources.iter().chain(&query).map(|text| text.len()).sum();
    if bytes > MOST_SOURCES {
        return Err(GroundedError::Sources(bytes));
    }
    let Some(language) = common_language(answer, sources)? else { return Ok(Groundedness::default()) };
    let mut text = Text::new(answer, language);
    let index = Index::new(sources, query, language, &mut text);
    Ok(judge_all(&text, &index))
}

fn judge_all(text: &Text, index: &Index<'_>) -> Groundedness {
    let mut result = Groundedness::default();
    let (mut bytes, mut ungrounded_bytes) = (0, 0);
    for sentence in &text.sentences {
        bytes += sentence.span.len();
        for clause in text.clauses_of(sentence) {
            if sentence.is_question || !judge::is_claim(text, clause, index.language) {
                continue;
            }
            result.claims += 1;
            if let Some(claim) = judge::judge(text, sentence, clause, index) {
                ungrounded_bytes += claim.span.len();
                result.ungrounded.push(claim);
            }
        }
    }
    if bytes > 0 {
        #[allow(clippy::cast_precision_loss)] // At most `MOST_ANSWER`.
        let share = ungrounded_bytes as f64 / bytes as f64;
        result.share = share.min(1.0);
    }
    result
}

/// The language in which answer and sources are compared. A text is of the language of which it has most function words;
/// an answer that has some of a source's language, too, is taken to be in that.
fn common_language(answer: &str, sources: &[&str]) -> Result<Option<&'static Language>, GroundedError> {
    let of_answer = function_words(answer, languages());
    let of_sources: Vec<Vec<usize>> =
        sources.iter().map(|source| function_words(source, languages())).collect();
    let most = of_answer.iter().max().copied().unwrap_or_default();
    let mut best: Option<(usize, &Language)> = None;
    for (index, language) in languages().iter().enumerate() {
        let at = |counts: &[usize]| counts.get(index).copied().unwrap_or_default();
        // Sources without words of any language may be of this one.
        let is_source = of_sources.is_empty()
            || of_sources.iter().any(|counts| counts.iter().all(|count| *count <= at(counts)));
        if is_source && best.is_none_or(|(count, _)| at(&of_answer) > count) {
            best = Some((at(&of_answer), language));
        }
    }
    let differs = best.is_some_and(|(count, _)| most >= CLEAR && count * 2 < most);
    let answer =
        || of_answer.iter().position(|count| *count == most).and_then(|index| languages().get(index));
    match answer().filter(|_| differs) {
        Some(language) => Err(GroundedError::Languages { answer: language.code.clone() }),
        None => Ok(best.map(|(_, language)| language)),
    }
}
