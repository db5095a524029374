//! Texts and cells as runs of tokens in a normal form.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::keyed::Rolling;

/// Longest value that is kept, in characters of its normal form.
pub(super) const LONGEST: usize = 255;
/// Widest gap between two tokens of a value, in bytes.
pub(super) const WIDEST: usize = 255;

/// What does not matter when values of a column are compared.
///
/// Texts are taken as runs of *tokens*: letters, digits and their marks, or one ideograph each. What is before the
/// first and after the last token of a value never matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Normalisation {
    /// Upper and lower case are the same, character by character (so the sharp s is not `ss`).
    pub fold_case: bool,
    /// What is between tokens does not matter. Otherwise only the kind and amount of white space does not.
    pub ignore_delimiters: bool,
    /// Only decimal digits matter.
    pub digits_only: bool,
    /// Characters that Unicode's NFKC (UAX #15) makes equal are equal: full-width letters, ligatures, accents however
    /// they are composed.
    pub compatibility: bool,
}

impl Normalisation {
    /// For names and words: case does not matter.
    pub const TEXT: Normalisation =
        Normalisation { fold_case: true, ignore_delimiters: false, digits_only: false, compatibility: false };
    /// For identifiers that people group as they like: neither case nor delimiters matter.
    pub const IDENTIFIER: Normalisation = Normalisation { ignore_delimiters: true, ..Normalisation::TEXT };
    /// For numbers: only the digits matter.
    pub const DIGITS: Normalisation = Normalisation { digits_only: true, ..Normalisation::IDENTIFIER };

    pub(super) fn flags(self) -> u8 {
        let flags = [self.fold_case, self.ignore_delimiters, self.digits_only, self.compatibility];
        flags.iter().rev().fold(0, |byte, flag| (byte << 1) | u8::from(*flag))
    }

    pub(super) fn from_flags(flags: u8) -> Option<Normalisation> {
        (flags < 16).then_some(Normalisation {
            fold_case: flags & 1 != 0,
            ignore_delimiters: flags & 2 != 0,
            digits_only: flags & 4 != 0,
            compatibility: flags & 8 != 0,
        })
    }

    fn is_token(self, c: char) -> bool {
        if self.digits_only {
            return self.digit(c).is_some();
        }
        if c.is_ascii() {
            return c.is_ascii_alphanumeric();
        }
        let compatible = || self.compatibility && std::iter::once(c).nfkc().any(char::is_alphanumeric);
        c.is_alphanumeric() || is_mark(c) || compatible()
    }

    fn digit(self, c: char) -> Option<char> {
        if c.is_ascii() || !self.compatibility {
            return c.is_ascii_digit().then_some(c);
        }
        let mut forms = std::iter::once(c).nfkc();
        let form = forms.next()?;
        (form.is_ascii_digit() && forms.next().is_none()).then_some(form)
    }
}

/// Marks belong to the token before them, and so do the half-width voicing marks that NFKC joins to it.
pub(crate) fn is_mark(c: char) -> bool {
    !c.is_ascii() && (is_combining_mark(c) || matches!(c, '\u{ff9e}' | '\u{ff9f}'))
}

/// Characters of scripts that put no spaces between words; each is a token of its own.
pub(crate) fn stands_alone(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff        // Thai, Lao
        | 0x1000..=0x109f      // Myanmar
        | 0x1780..=0x17ff      // Khmer
        | 0x3005..=0x3007 | 0x3040..=0x30ff | 0x31f0..=0x31ff // kana
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff // ideographs
        | 0xff66..=0xff9d      // half-width kana
        | 0x2_0000..=0x3_ffff)
}

/// One token of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// Where it stands in the text, in bytes and in characters.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) first_character: usize,
    pub(super) end_character: usize,
    /// Where its normal form stands in [`Reading::normal`], in bytes and in characters.
    pub(super) normal_start: usize,
    pub(super) normal_end: usize,
    pub(super) length_before: usize,
    pub(super) length_after: usize,
    /// Hashes of the normal text before it and up to its end.
    pub(super) hash_before: u64,
    pub(super) hash_after: u64,
}

/// A text in a normal form.
pub(super) struct Reading {
    pub(super) normal: String,
    pub(super) tokens: Vec<Token>,
}

impl Reading {
    pub(super) fn new(text: &str, normalisation: Normalisation, rolling: Rolling) -> Reading {
        let mut reader = Reader::empty(text, normalisation, rolling);
        let mut characters = 0;
        for (at, c) in text.char_indices() {
            reader.character(at, characters, c);
            characters += 1;
        }
        reader.close(text.len(), characters);
        Reading { normal: reader.normal, tokens: reader.tokens }
    }

    /// The normal form of the tokens from `first` to `last`.
    pub(super) fn normal_of(&self, first: &Token, last: &Token) -> &str {
        self.normal.get(first.normal_start..last.normal_end).unwrap_or_default()
    }
}

struct Reader<'t> {
    normalisation: Normalisation,
    rolling: Rolling,
    text: &'t str,
    normal: String,
    tokens: Vec<Token>,
    hash: u64,
    length: usize,
    /// Byte and character at which the open token starts, and whether it ends at the next character that is no mark.
    open: Option<(usize, usize, bool)>,
}

impl<'t> Reader<'t> {
    fn empty(text: &'t str, normalisation: Normalisation, rolling: Rolling) -> Reader<'t> {
        let normal = String::with_capacity(text.len());
        Reader { normalisation, rolling, text, normal, tokens: Vec::new(), hash: 0, length: 0, open: None }
    }

    #[inline]
    fn character(&mut self, at: usize, characters: usize, c: char) {
        if !self.normalisation.is_token(c) {
            self.close(at, characters);
            return;
        }
        let alone = !c.is_ascii() && stands_alone(c);
        match self.open {
            Some(_) if is_mark(c) => {}
            Some((_, _, false)) if !alone => {}
            _ => {
                self.close(at, characters);
                self.open = Some((at, characters, alone));
            }
        }
    }

    fn close(&mut self, end: usize, end_character: usize) {
        let Some((start, first_character, _)) = self.open.take() else { return };
        self.gap(start);
        let (normal_start, length_before, hash_before) = (self.normal.len(), self.length, self.hash);
        self.token(self.text.get(start..end).unwrap_or_default());
        if self.length == length_before {
            return;
        }
        self.tokens.push(Token {
            start,
            end,
            first_character,
            end_character,
            normal_start,
            normal_end: self.normal.len(),
            length_before,
            length_after: self.length,
            hash_before,
            hash_after: self.hash,
        });
    }

    /// What stands between the last token and the one that starts here. No value reaches over a gap that is too wide.
    fn gap(&mut self, start: usize) {
        let Some(last) = self.tokens.last() else { return };
        if self.normalisation.ignore_delimiters || self.normalisation.digits_only || start - last.end > WIDEST
        {
            return;
        }
        let gap = self.text.get(last.end..start).unwrap_or_default();
        let mut after_space = false;
        for c in gap.chars() {
            let space = c.is_whitespace();
            match (space, c.is_ascii() || !self.normalisation.compatibility) {
                (true, _) if after_space => {}
                (true, _) => self.push(' '),
                (false, true) => self.push(c),
                (false, false) => std::iter::once(c).nfkc().for_each(|c| self.push(c)),
            }
            after_space = space;
        }
    }

    fn token(&mut self, raw: &str) {
        if self.normalisation.digits_only {
            let normalisation = self.normalisation;
            raw.chars().filter_map(|c| normalisation.digit(c)).for_each(|c| self.push(c));
        } else if raw.is_ascii() {
            raw.bytes().for_each(|byte| self.push_folded(char::from(byte)));
        } else if self.normalisation.compatibility {
            raw.nfkc().for_each(|c| self.push_folded(c));
        } else {
            raw.chars().for_each(|c| self.push_folded(c));
        }
    }

    fn push_folded(&mut self, c: char) {
        // NFKC makes `1/2` of one character; its slash is a delimiter as any other.
        if !c.is_ascii() && self.normalisation.ignore_delimiters && !c.is_alphanumeric() && !is_mark(c) {
            return;
        }
        match (self.normalisation.fold_case, c.is_ascii()) {
            (false, _) => self.push(c),
            (true, true) => self.push(c.to_ascii_lowercase()),
            (true, false) => c.to_lowercase().for_each(|lower| self.push(lower)),
        }
    }

    #[inline]
    fn push(&mut self, c: char) {
        self.normal.push(c);
        self.hash = self.rolling.push(self.hash, u64::from(u32::from(c)));
        self.length += 1;
    }
}

/// The value of a cell in its normal form.
pub(super) struct Value {
    pub(super) normal: String,
    pub(super) hash: u64,
    /// Characters of the normal form.
    pub(super) length: usize,
    pub(super) tokens: usize,
    /// The widest gap between tokens, in bytes.
    pub(super) gap: usize,
}

impl Value {
    /// `None` where the cell holds no token.
    pub(super) fn of(cell: &str, normalisation: Normalisation, rolling: Rolling) -> Option<Value> {
        let reading = Reading::new(cell, normalisation, rolling);
        let (first, last) = (reading.tokens.first()?, reading.tokens.last()?);
        let gaps = reading.tokens.iter().zip(reading.tokens.iter().skip(1));
        Some(Value {
            hash: last.hash_after,
            length: last.length_after - first.length_before,
            tokens: reading.tokens.len(),
            gap: gaps.map(|(left, right)| right.start - left.end).max().unwrap_or(0),
            normal: reading.normal,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, normalisation: Normalisation, expected: &str, tokens: usize) {
        let reading = Reading::new(text, normalisation, Rolling::new(&[3; 32]));
        let whole = reading.normal_of(reading.tokens.first().unwrap(), reading.tokens.last().unwrap());
        assert_eq!((whole, reading.tokens.len()), (expected, tokens), "{text}");
    }

    #[test]
    fn normal_forms() {
        let compatible = Normalisation { compatibility: true, ..Normalisation::TEXT };
        check(" Anna \t\n  O'Brien!", Normalisation::TEXT, "anna o'brien", 3);
        check("DE89-3704 0044", Normalisation::IDENTIFIER, "de8937040044", 3);
        check("Tel +1 (555) 010-9999 ext", Normalisation::DIGITS, "15550109999", 4);
        check("Rene\u{301}", compatible, "ren\u{e9}", 1);
        check("\u{ff21}\u{ff0d}\u{ff11}", compatible, "a-1", 2);
        check("\u{ff76}\u{ff9e}", compatible, "\u{30ac}", 1);
        check("\u{5c71}\u{7530}abc", Normalisation::TEXT, "\u{5c71}\u{7530}abc", 3);
        check("\u{bd} x", Normalisation { compatibility: true, ..Normalisation::IDENTIFIER }, "12x", 2);
    }

    #[test]
    fn flags_come_back() {
        for flags in 0..16 {
            assert_eq!(Normalisation::from_flags(flags).unwrap().flags(), flags);
        }
        assert_eq!(Normalisation::from_flags(16), None);
    }
}
