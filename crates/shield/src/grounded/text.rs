//! A text as sentences, clauses and tokens.

use std::collections::HashSet;
use std::ops::Range;

use super::language::{Language, folded};
use super::quantity::{Quantity, is_number, read_number};
use crate::view::{Options, View, WhiteSpace, normalise_with};

/// What a token is to a claim.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Says nothing by itself.
    Function,
    /// Has a meaning, which its term stands for.
    Content,
    /// A name, or a word with digits in it.
    Name,
    Quantity(Quantity),
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    /// The bytes of the text.
    pub(super) span: Range<usize>,
    pub(super) word: String,
    /// What stands for the word and its forms.
    pub(super) term: String,
    pub(super) kind: Kind,
    pub(super) capital: bool,
    /// Written in capital letters alone.
    pub(super) shouted: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Clause {
    /// Which tokens.
    pub(super) tokens: Range<usize>,
    /// The bytes of the text.
    pub(super) span: Range<usize>,
    pub(super) negated: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Sentence {
    pub(super) clauses: Range<usize>,
    /// The bytes of the text.
    pub(super) span: Range<usize>,
    pub(super) is_question: bool,
}

/// A text that was taken apart.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) tokens: Vec<Token>,
    pub(super) clauses: Vec<Clause>,
    pub(super) sentences: Vec<Sentence>,
}

/// Something that is written without a space.
#[derive(Debug)]
struct Piece {
    /// The bytes of the normalised text.
    at: Range<usize>,
    /// Otherwise a sign.
    is_word: bool,
}

impl Text {
    pub(super) fn new(text: &str, language: &Language) -> Text {
        let view =
            normalise_with(text, &Options { white_space: WhiteSpace::KeepLines, ..Options::default() });
        let pieces = pieces(view.text());
        let mut reader = Reader {
            view: &view,
            language,
            text: Text { tokens: Vec::new(), clauses: Vec::new(), sentences: Vec::new() },
            clause_start: 0,
            sentence_start: 0,
        };
        reader.read(&pieces);
        let mut read = reader.text;
        read.name(language);
        read
    }

    pub(super) fn tokens_of(&self, clause: &Clause) -> &[Token] {
        self.tokens.get(clause.tokens.clone()).unwrap_or_default()
    }

    pub(super) fn clauses_of(&self, sentence: &Sentence) -> &[Clause] {
        self.clauses.get(sentence.clauses.clone()).unwrap_or_default()
    }

    /// The tokens of all clauses of a sentence.
    pub(super) fn sentence_tokens(&self, sentence: &Sentence) -> &[Token] {
        let clauses = self.clauses_of(sentence);
        let (Some(first), Some(last)) = (clauses.first(), clauses.last()) else { return &[] };
        self.tokens.get(first.tokens.start..last.tokens.end).unwrap_or_default()
    }

    /// Finds out which content words are names: those with a capital letter that do not begin a sentence, and those that
    /// begin one and are followed by such a word.
    fn name(&mut self, language: &Language) {
        let starts: Vec<usize> = self
            .sentences
            .iter()
            .filter_map(|sentence| Some(self.clauses_of(sentence).first()?.tokens.start))
            .collect();
        let is_capital = |index: usize| {
            self.tokens.get(index).is_some_and(|token| token.capital && token.kind == Kind::Content)
        };
        let mut names = Vec::new();
        for (index, token) in self.tokens.iter().enumerate() {
            let is_start = starts.binary_search(&index).is_ok();
            let named = match (language.nouns_capitalised, is_start) {
                (false, false) => true,
                (false, true) => is_capital(index + 1),
                (true, _) => {
                    index.checked_sub(1).and_then(|before| self.tokens.get(before)).is_some_and(|before| {
                        language.name_before.contains(&before.word)
                            || (before.capital && before.kind == Kind::Name)
                    })
                }
            };
            if is_capital(index) && (named || token.shouted) {
                names.push(index);
            }
        }
        self.set_names(&names);
    }

    /// The words that are names somewhere in the text.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter(|token| token.kind == Kind::Name).map(|token| token.word.as_str())
    }

    /// Makes names of the words that are names elsewhere, where they begin a sentence.
    pub(super) fn promote(&mut self, names: &HashSet<String>) {
        let is_name =
            |token: &Token| token.capital && token.kind == Kind::Content && names.contains(&token.word);
        let found: Vec<usize> =
            (0..).zip(&self.tokens).filter(|(_, token)| is_name(token)).map(|(index, _)| index).collect();
        self.set_names(&found);
    }

    fn set_names(&mut self, places: &[usize]) {
        for &index in places {
            if let Some(token) = self.tokens.get_mut(index) {
                token.kind = Kind::Name;
            }
        }
    }
}

/// Words, and signs one by one.
fn pieces(text: &str) -> Vec<Piece> {
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let at = |index: usize| characters.get(index).map(|(_, character)| *character);
    let mut pieces = Vec::new();
    let mut index = 0;
    while let (Some(&(start, first)), here) = (characters.get(index), index) {
        index += 1;
        if !first.is_alphanumeric() {
            if first != ' ' {
                pieces.push(Piece { at: start..start + first.len_utf8(), is_word: false });
            }
            continue;
        }
        while let Some(next) = at(index) {
            let joins =
                at(index - 1).zip(at(index + 1)).is_some_and(|(left, right)| joins(left, next, right));
            if !next.is_alphanumeric() && !joins {
                break;
            }
            index += 1;
        }
        let end = characters.get(index).map_or(text.len(), |(end, _)| *end);
        debug_assert!(here < index);
        pieces.push(Piece { at: start..end, is_word: true });
    }
    pieces
}

/// Whether `sign` belongs to the word around it.
fn joins(left: char, sign: char, right: char) -> bool {
    let digits = left.is_numeric() && right.is_numeric();
    match sign {
        '.' | ',' | ':' | '/' => digits,
        '-' => left.is_alphanumeric() && right.is_alphanumeric(),
        '\'' | '\u{2019}' => left.is_alphabetic() && right.is_alphabetic(),
        _ => false,
    }
}

struct Reader<'a> {
    view: &'a View<'a>,
    language: &'a Language,
    text: Text,
    /// Tokens before are of clauses that ended.
    clause_start: usize,
    /// Clauses before are of sentences that ended.
    sentence_start: usize,
}

impl Reader<'_> {
    fn read(&mut self, pieces: &[Piece]) {
        for (index, piece) in pieces.iter().enumerate() {
            let shown = self.view.text().get(piece.at.clone()).unwrap_or_default();
            if piece.is_word {
                self.word(shown, &piece.at);
                continue;
            }
            match shown {
                "." if !self.ends_sentence(pieces, index) => {}
                "." | "!" | "?" | ";" | "\n" | "\u{3002}" => self.end_sentence(shown == "?"),
                "," if self.begins_clause(pieces, index) => self.end_clause(),
                "(" | ")" | "\u{2013}" | "\u{2014}" | ":" => self.end_clause(),
                "-" if self.is_dash(piece) => self.end_clause(),
                _ if self.language.units.contains_key(shown) => self.push(shown, piece.at.clone(), false),
                _ => {}
            }
        }
        self.end_sentence(false);
    }

    fn is_dash(&self, piece: &Piece) -> bool {
        let text = self.view.text();
        text.get(..piece.at.start).is_some_and(|before| before.ends_with(' '))
            && text.get(piece.at.end..).is_some_and(|after| after.starts_with(' '))
    }

    /// Whether the full stop `index` ends a sentence: no abbreviation, no initial, and no small letter follows.
    fn ends_sentence(&self, pieces: &[Piece], index: usize) -> bool {
        let Some(stop) = pieces.get(index) else { return true };
        let rest = self.view.text().get(stop.at.end..).unwrap_or_default();
        if !rest.starts_with([' ', '\n', '"', '\'', ')']) && !rest.is_empty() {
            return false;
        }
        let follows = rest.chars().find(|character| character.is_alphanumeric());
        if follows.is_some_and(char::is_lowercase) && !rest.starts_with('\n') {
            return false;
        }
        let Some(last) =
            self.text.tokens.last().filter(|last| last.span.end <= self.view.origin(stop.at.clone()).start)
        else {
            return true;
        };
        let is_initial = last.capital && last.word.chars().count() == 1;
        // A number with a full stop is an ordinal in German.
        let is_ordinal = self.language.nouns_capitalised && is_number(&last.word) && last.word.len() <= 2;
        !(is_initial || is_ordinal || self.language.abbreviations.contains(&last.word))
    }

    /// Whether a word that begins a clause follows the comma, and the clause before has something to it.
    fn begins_clause(&self, pieces: &[Piece], index: usize) -> bool {
        let next = pieces.get(index + 1).filter(|next| next.is_word);
        let next = next.and_then(|next| self.view.text().get(next.at.clone())).map(folded);
        next.is_some_and(|next| self.language.clause.contains(&next))
    }

    fn word(&mut self, shown: &str, at: &Range<usize>) {
        let Some(place) = shown.find(['\'', '\u{2019}']) else { return self.push(shown, at.clone(), true) };
        let (front, back) = (shown.get(..place).unwrap_or_default(), shown.get(place..).unwrap_or_default());
        let mark = back.chars().next().map_or(1, char::len_utf8);
        let tail = back.get(mark..).unwrap_or_default();
        match tail.to_lowercase().as_str() {
            // A possessive.
            "s" if self.language.code == "en" => self.push(front, at.start..at.start + place, true),
            "t" | "re" | "ve" | "ll" | "d" | "m" if self.language.code == "en" => {
                self.push(shown, at.clone(), true);
            }
            // An article or pronoun that has lost its vowel.
            _ => {
                self.push(front, at.start..at.start + place, true);
                self.push(tail, at.start + place + mark..at.end, true);
            }
        }
    }

    fn push(&mut self, shown: &str, at: Range<usize>, is_word: bool) {
        let word = folded(shown).replace('\u{2019}', "'");
        if word.is_empty() {
            return;
        }
        let mut letters = shown.chars().filter(|character| character.is_alphabetic());
        let shouted = is_word && shown.chars().nth(1).is_some() && letters.clone().all(char::is_uppercase);
        let mixed = shown.chars().any(char::is_numeric) && letters.clone().next().is_some();
        let language = self.language;
        let kind = if let Some(value) = read_number(&word, language) {
            Kind::Quantity(value)
        } else if mixed && is_word {
            Kind::Name
        } else if language.function.contains(&word) || !is_word || word.ends_with("n't") {
            Kind::Function
        } else {
            Kind::Content
        };
        let capital = letters.next().is_some_and(char::is_uppercase);
        // An acronym is no form of another word.
        let term = if shouted || kind == Kind::Name { word.clone() } else { language.term(&word) };
        self.text.tokens.push(Token { span: self.view.origin(at), word, term, kind, capital, shouted });
    }

    fn end_clause(&mut self) {
        let tokens = self.clause_start..self.text.tokens.len();
        let parts = self.text.tokens.get(tokens.clone()).unwrap_or_default();
        let meaningful = parts.iter().filter(|token| token.kind != Kind::Function).count();
        let is_first = self.text.clauses.len() == self.sentence_start;
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
        let span = first.span.start..last.span.end;
        if meaningful < 2 && !is_first {
            // Too little to stand by itself.
            if let Some(before) = self.text.clauses.last_mut() {
                before.tokens.end = tokens.end;
                before.span.end = span.end;
            }
        } else {
            self.text.clauses.push(Clause { tokens: tokens.clone(), span, negated: false });
        }
        self.clause_start = tokens.end;
    }

    fn end_sentence(&mut self, is_question: bool) {
        self.end_clause();
        let clauses = self.sentence_start..self.text.clauses.len();
        let parts = self.text.clauses.get(clauses.clone()).unwrap_or_default();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
        let span = first.span.start..last.span.end;
        let (tokens, language) = (&mut self.text.tokens, self.language);
        for clause in self.text.clauses.get_mut(clauses.clone()).unwrap_or_default() {
            let words = tokens.get_mut(clause.tokens.clone()).unwrap_or_default();
            super::quantity::join(words, language);
            clause.negated = is_negated(words, language);
        }
        self.text.sentences.push(Sentence { clauses: clauses.clone(), span, is_question });
        self.sentence_start = clauses.end;
    }
}

/// Whether a clause is denied.
fn is_negated(tokens: &[Token], language: &Language) -> bool {
    tokens.iter().enumerate().any(|(index, token)| {
        let is_cue = language.negation.contains(&token.word) || token.word.ends_with("n't");
        let next = tokens.get(index + 1).map(|next| next.word.as_str());
        let is_exempt = language.not_negation.iter().any(|pair| match pair.as_slice() {
            [first, second] => *first == token.word && Some(second.as_str()) == next,
            _ => false,
        });
        is_cue && !is_exempt
    })
}

/// How many function words of each language are in the first part of `text`.
pub(super) fn function_words(text: &str, languages: &[Language]) -> Vec<usize> {
    let folded = folded(text.get(..text.floor_char_boundary(20_000)).unwrap_or_default());
    let words: Vec<&str> = folded.split(|character: char| !character.is_alphanumeric()).collect();
    let count = |language: &Language| words.iter().filter(|word| language.function.contains(**word)).count();
    languages.iter().map(count).collect()
}
