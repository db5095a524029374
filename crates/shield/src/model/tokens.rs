//! A text as tokens, and the hashed features that end at each of them.
//!
//! A token is a word, a number, a run of one punctuation mark, a line break, or one character of a script that writes
//! no spaces. A feature *ends* at one token: the character 3- to 5-grams inside of it (2-grams too where a script packs
//! more into a letter), the token itself, the pair and the triple that it closes, and the pair with one token left out.
//! So the features of any window of tokens are one contiguous stretch, and a window's score is a difference of sums.
//!
//! Digits all look alike, letters are compared without case; case itself is seen as a mark of words in capitals.

/// Longest word that is looked at in whole, in characters; the rest of a longer one only counts as long.
const LONGEST_WORD: usize = 28;
/// Odd numbers with well-mixed bits, as in FxHash and Murmur3.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const MIXER: u64 = 0xFF51_AFD7_ED55_8CCD;

/// Stands for the token before the first one of a sentence.
const START: u64 = 0x51A7;
/// Longest segment, in tokens.
const LONGEST_SEGMENT: usize = 32;
/// A segment shorter than this goes on with the next one.
const SHORTEST_SEGMENT: usize = 3;

/// Where a token stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// First byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

/// What takes tokens and features as they come: all features of a token, then its [`Sink::token`].
pub trait Sink {
    /// A hashed feature that ends at the current token.
    fn feature(&mut self, hash: u32);
    /// The current token is complete.
    fn token(&mut self, place: Place);
    /// Takes the features inside of a word, where the sink remembers what they come to, and says so; they are not told then.
    fn remembered(&mut self, _word: Word) -> bool {
        false
    }
    /// All features inside of a word were told that was not remembered.
    fn remember(&mut self, _word: Word) {}
}

/// A word of up to 16 ASCII letters in lower case, a byte each. The features inside of a word depend on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(u128);

impl Word {
    /// Longest word, in letters.
    const LONGEST: usize = 16;

    fn of(codes: &[u32]) -> Option<Word> {
        let fits = (1..=Word::LONGEST).contains(&codes.len());
        let packed = codes.iter().try_fold(0_u128, |packed, code| {
            (1..0x80).contains(code).then(|| packed << 8 | u128::from(*code))
        });
        packed.filter(|_| fits).map(Word)
    }

    /// A number below 2^`bits` that spreads words evenly.
    #[allow(clippy::cast_possible_truncation)] // Both halves are taken.
    pub(super) fn slot(self, bits: u32) -> usize {
        let folded = (self.0 as u64).rotate_left(31) ^ ((self.0 >> 64) as u64).wrapping_mul(MIXER);
        usize::try_from(folded.wrapping_mul(MULTIPLIER) >> (64 - bits)).unwrap_or(0)
    }
}

/// What kind of character begins a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Break,
    Letter,
    Digit,
    Single,
    Mark,
}

fn kind(character: char) -> Kind {
    match character {
        'a'..='z' | 'A'..='Z' => Kind::Letter,
        '0'..='9' => Kind::Digit,
        '\n' | '\r' => Kind::Break,
        ' ' | '\t' => Kind::Space,
        _ if character.is_ascii() => Kind::Mark,
        _ if stands_alone(character) => Kind::Single,
        _ if character.is_alphabetic() || is_vowel_sign(character) => Kind::Letter,
        _ if character.is_numeric() => Kind::Digit,
        _ if character.is_whitespace() => Kind::Space,
        _ => Kind::Mark,
    }
}

/// Scripts that put no spaces between words (Thai to Khmer, kana, Han) and Hangul syllables, which hold several letters.
fn stands_alone(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x9FFF
        | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

/// Combining vowels of the Indic scripts, which are not alphabetic but belong to the word.
fn is_vowel_sign(character: char) -> bool {
    matches!(u32::from(character), 0x0300..=0x036F | 0x0900..=0x0DFF)
}

/// Cuts a text and tells its features.
pub fn read(text: &str, sink: &mut impl Sink) {
    let mut reader = Reader { word: Vec::with_capacity(LONGEST_WORD + 2), previous: [START; 2] };
    let mut characters = text.char_indices().peekable();
    while let Some((start, first)) = characters.next() {
        let kind = kind(first);
        if kind == Kind::Space {
            continue;
        }
        reader.word.clear();
        reader.word.push(u32::from('<'));
        let mut shape = Shape::default();
        reader.push(first, kind, &mut shape);
        let mut end = start + first.len_utf8();
        while let Some(&(place, next)) = characters.peek() {
            if !goes_on(kind, first, next) {
                break;
            }
            reader.push(next, kind, &mut shape);
            end = place + next.len_utf8();
            characters.next();
        }
        let next = characters.peek().map(|(_, next)| *next);
        reader.emit(kind, &shape, next, sink);
        sink.token(Place { start, end });
    }
}

/// True when a token that began with `first` takes `next` in.
fn goes_on(started: Kind, first: char, next: char) -> bool {
    match started {
        Kind::Letter => kind(next) == Kind::Letter || next == '\'',
        Kind::Digit => kind(next) == Kind::Digit,
        Kind::Break => matches!(kind(next), Kind::Break | Kind::Space),
        Kind::Mark => next == first,
        Kind::Single | Kind::Space => false,
    }
}

#[derive(Default)]
struct Shape {
    length: usize,
    capitals: usize,
    wide: bool,
}

struct Reader {
    /// The token's characters in lower case, after a mark of its beginning.
    word: Vec<u32>,
    /// Hashes of the two tokens before.
    previous: [u64; 2],
}

impl Reader {
    fn push(&mut self, character: char, kind: Kind, shape: &mut Shape) {
        shape.length += 1;
        if shape.length > LONGEST_WORD {
            return;
        }
        let code = if kind == Kind::Digit {
            u32::from('0')
        } else if character.is_ascii() {
            shape.capitals += usize::from(character.is_ascii_uppercase());
            u32::from(character.to_ascii_lowercase())
        } else {
            shape.wide = true;
            shape.capitals += usize::from(character.is_uppercase());
            character.to_lowercase().next().map_or(0, u32::from)
        };
        self.word.push(code);
    }

    fn emit(&mut self, kind: Kind, shape: &Shape, next: Option<char>, sink: &mut impl Sink) {
        if kind == Kind::Digit || kind == Kind::Mark || kind == Kind::Break {
            // Long runs say no more than runs of four.
            self.word.truncate(if kind == Kind::Break { 3 } else { 5 });
        }
        let whole = self.word.iter().fold(0, |hash, code| step(hash, *code));
        if kind == Kind::Letter {
            let word = self.word.get(1..).and_then(Word::of);
            if !word.is_some_and(|word| sink.remembered(word)) {
                self.inside(shape.wide, sink);
                word.into_iter().for_each(|word| sink.remember(word));
            }
            if shape.length > 2 && shape.capitals == shape.length {
                sink.feature(finish(step(whole, 0x10_0001)));
            }
        }
        let [before, last] = self.previous;
        sink.feature(finish(whole ^ 0x01));
        sink.feature(finish(join(last, whole)));
        sink.feature(finish(join(join(before, last), whole)));
        sink.feature(finish(join(before ^ 0x5D, whole)));
        let first = self.word.get(1).and_then(|code| char::from_u32(*code));
        self.previous = if ends_segment(kind, first, next) {
            [START; 2]
        } else if last == START && kind == Kind::Mark {
            // A quote or a bullet before the first word of a sentence does not hide that it is the first.
            [START; 2]
        } else {
            [last, whole]
        };
    }

    /// Character n-grams of a word between the marks of its ends.
    fn inside(&mut self, wide: bool, sink: &mut impl Sink) {
        self.word.push(u32::from('>'));
        let shortest = if wide { 2 } else { 3 };
        for start in 0..self.word.len() {
            let mut hash = 0x2F;
            for (index, code) in self.word.iter().skip(start).take(5).enumerate() {
                hash = step(hash, *code);
                if index + 1 >= shortest {
                    sink.feature(finish(hash));
                }
            }
        }
    }
}

/// True for what ends a sentence: a line break, a full stop, a question or exclamation mark, a semicolon. A mark inside
/// of an address, a number or a name (`example.com`, `3.5`) ends nothing: after one that does comes a space, or what
/// closes a quotation.
fn ends_segment(kind: Kind, first: Option<char>, next: Option<char>) -> bool {
    if kind == Kind::Break {
        return true;
    }
    let closes =
        |next: char| next.is_whitespace() || matches!(next, '"' | '\'' | ')' | ']' | '}' | '<' | '|' | '*');
    match first {
        Some('.' | '!' | '?' | ';') => {
            kind != Kind::Letter && next.is_none_or(|next| closes(next) || !next.is_ascii())
        }
        Some('\u{3002}' | '\u{ff01}' | '\u{ff1f}' | '\u{964}') => true,
        _ => false,
    }
}

/// Cuts tokens into sentences, or what stands for them: each ends with a token that ends a sentence, and none is longer
/// than 32 tokens. Gives the number of the token after the last for each.
pub fn segments(text: &str, places: &[Place]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    for (index, place) in places.iter().enumerate() {
        let character = |place: usize| text.get(place..).and_then(|rest| rest.chars().next());
        let first = character(place.start);
        let length = index + 1 - start;
        let ended = first.is_some_and(|first| ends_segment(kind(first), Some(first), character(place.end)));
        if (ended && length > SHORTEST_SEGMENT) || length >= LONGEST_SEGMENT {
            start = index + 1;
            ends.push(start);
        }
    }
    if start < places.len() {
        ends.push(places.len());
    }
    ends
}

fn step(hash: u64, code: u32) -> u64 {
    (hash.rotate_left(5) ^ u64::from(code)).wrapping_mul(MULTIPLIER)
}

fn join(first: u64, second: u64) -> u64 {
    (first.rotate_left(23) ^ second).wrapping_mul(MULTIPLIER)
}

/// The upper half of a mixed hash: tables take as many of its upper bits as they have.
#[allow(clippy::cast_possible_truncation)] // The upper half is what is wanted.
fn finish(hash: u64) -> u32 {
    ((hash ^ (hash >> 32)).wrapping_mul(MIXER) >> 32) as u32
}

/// All tokens and features of a text, kept: for training, where a text is read once and seen many times.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// Hashes in the order of their tokens.
    pub hashes: Vec<u32>,
    /// For each token, how many hashes there are up to and with it.
    pub ends: Vec<u32>,
    /// Where the tokens stand.
    pub places: Vec<Place>,
}

impl Features {
    /// Reads a text.
    pub fn of(text: &str) -> Features {
        let mut features = Features::default();
        read(text, &mut features);
        features
    }

    /// How many tokens.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True when there is no token.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The hashes of the tokens from `start` up to `end`.
    pub fn window(&self, start: usize, end: usize) -> &[u32] {
        let bound = |token: usize| match token.checked_sub(1) {
            None => 0,
            Some(last) => {
                self.ends.get(last).or(self.ends.last()).map_or(0, |end| usize::try_from(*end).unwrap_or(0))
            }
        };
        self.hashes.get(bound(start)..bound(end)).unwrap_or_default()
    }
}

impl Sink for Features {
    fn feature(&mut self, hash: u32) {
        self.hashes.push(hash);
    }

    fn token(&mut self, place: Place) {
        self.ends.push(u32::try_from(self.hashes.len()).unwrap_or(u32::MAX));
        self.places.push(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        Features::of(text).places.iter().map(|place| text.get(place.start..place.end).unwrap()).collect()
    }

    #[test]
    fn cuts_words_numbers_marks_and_single_characters() {
        assert_eq!(
            words("Don't stop!!! 12,5\n\n ok"),
            ["Don't", "stop", "!!!", "12", ",", "5", "\n\n ", "ok"]
        );
        assert_eq!(words("\u{5ffd}\u{7565} \u{e9}t\u{e9}"), ["\u{5ffd}", "\u{7565}", "\u{e9}t\u{e9}"]);
        assert_eq!(words(""), Vec::<&str>::new());
    }

    #[test]
    fn case_and_digits_are_alike_and_order_is_not() {
        assert_eq!(Features::of("Row 17").hashes, Features::of("row 42").hashes);
        assert_ne!(Features::of("forget all").hashes, Features::of("all forget").hashes);
    }

    #[test]
    fn segments_are_sentences() {
        let text = "Dear team,\nthe bill of example.com (3.5) is paid. Write it backwards! Ok";
        let features = Features::of(text);
        let ends = segments(text, &features.places);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let parts: Vec<&str> = starts
            .zip(&ends)
            .map(|(start, end)| text.get(features.places[start].start..features.places[end - 1].end).unwrap())
            .collect();
        assert_eq!(
            parts,
            ["Dear team,\n", "the bill of example.com (3.5) is paid.", "Write it backwards!", "Ok"]
        );
        let long = "word ".repeat(70);
        assert_eq!(segments(&long, &Features::of(&long).places), [32, 64, 70]);
    }

    #[test]
    fn a_window_holds_what_ends_in_it() {
        let features = Features::of("one two three");
        assert_eq!(features.window(0, 3), features.hashes);
        let parts: usize = (0..3).map(|token| features.window(token, token + 1).len()).sum();
        assert_eq!(parts, features.hashes.len());
        assert!(features.window(5, 9).is_empty());
    }
}
