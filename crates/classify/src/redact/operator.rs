//! What is done to a value.

use crate::redact::format::Format;

/// What is done to what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Leaves it as it is.
    Keep,
    /// Overwrites characters.
    Mask(Mask),
    /// Puts a token in its place that the key turns back into the value.
    Token(TokenOptions),
    /// Puts the sealed value in its place: `[[enc:v1:TYPE:KEY:BASE64URL]]`.
    Encrypt,
    /// Puts a keyed hash in its place: `<TYPE:3f2a...>`.
    Hash(HashOptions),
    /// Puts a text in its place.
    Replace(Replacement),
    /// Takes it away.
    Remove,
}

impl Operator {
    /// The name, as in a policy.
    pub fn as_str(&self) -> &'static str {
        match self {
            Operator::Keep => "keep",
            Operator::Mask(_) => "mask",
            Operator::Token(_) => "token",
            Operator::Encrypt => "encrypt",
            Operator::Hash(_) => "hash",
            Operator::Replace(_) => "replace",
            Operator::Remove => "remove",
        }
    }

    /// Whether it needs a key.
    pub fn is_keyed(&self) -> bool {
        matches!(self, Operator::Token(_) | Operator::Encrypt | Operator::Hash(_))
    }

    /// How little it tells; of overlapping findings, the greatest decides.
    pub(crate) fn restriction(&self) -> (u8, u16) {
        match self {
            Operator::Keep => (0, 0),
            Operator::Mask(Mask { hidden: Hidden::Count { count, .. }, .. }) => (1, *count),
            Operator::Mask(Mask { hidden: Hidden::AllBut { shown, .. }, .. }) => (2, u16::MAX - shown),
            Operator::Token(options) if options.form != TokenForm::Sealed => (3, 0),
            Operator::Token(_) => (4, 0),
            Operator::Encrypt => (5, 0),
            Operator::Hash(_) => (6, 0),
            Operator::Mask(Mask { hidden: Hidden::All, .. }) => (7, 0),
            Operator::Replace(Replacement::Numbered) => (8, 0),
            Operator::Replace(_) => (9, 0),
            Operator::Remove => (10, 0),
        }
    }
}

/// How characters are overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// What is written in place of each.
    pub character: char,
    /// Which are.
    pub hidden: Hidden,
}

/// Which characters are overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// All of them.
    All,
    /// So many.
    Count {
        /// How many.
        count: u16,
        /// Whether they are counted from the end.
        from_end: bool,
    },
    /// All but so many. A value that has fewer than twice as many is overwritten as a whole.
    AllBut {
        /// How many.
        shown: u16,
        /// Whether they stand at the end.
        at_end: bool,
    },
}

impl Mask {
    /// The overwritten text. `whole` overwrites all of it.
    pub(crate) fn apply(&self, value: &str, whole: bool) -> String {
        let length = value.chars().count();
        let hidden = match self.hidden {
            Hidden::Count { count, from_end } if !whole => {
                let count = usize::from(count).min(length);
                if from_end { length - count..length } else { 0..count }
            }
            Hidden::AllBut { shown, at_end } if !whole && length >= 2 * usize::from(shown) => {
                let shown = usize::from(shown);
                if at_end { 0..length - shown } else { shown..length }
            }
            _ => 0..length,
        };
        let character = |(at, character)| if hidden.contains(&at) { self.character } else { character };
        value.chars().enumerate().map(character).collect()
    }
}

/// What stands in the place of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// The type: `<PERSON>`.
    Type,
    /// The type with a number that one value has throughout a session: `<PERSON_1>`.
    Numbered,
    /// This text.
    Text(String),
}

/// Which keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashOptions {
    /// The function.
    pub algorithm: HashAlgorithm,
    /// How many bytes are kept, 8 to 32. Each is two hexadecimal digits.
    pub bytes: u8,
}

/// Keyed hash functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// BLAKE3 in its keyed mode.
    Blake3,
    /// HMAC (RFC 2104) with SHA-256.
    HmacSha256,
}

/// Which tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenOptions {
    /// Whether they keep the form of the value.
    pub form: TokenForm,
    /// Whether check digits are made wrong on purpose.
    pub invalid: bool,
    /// How many letters and digits at the beginning stay.
    pub keep_first: u8,
}

/// Whether tokens keep the form of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenForm {
    /// Where at least half of the letters and digits are digits: numbers do, names and secrets do not.
    Auto,
    /// Wherever that is safe.
    Format,
    /// Never: `[[tok:v1:TYPE:KEY:BASE64URL]]`.
    Sealed,
}

/// What stands in the place of a value, as it turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Something that cannot be turned back.
    Final,
    /// A token that keeps the form of the value. It cannot be told from a value: only this says how to read it.
    Format(Format),
    /// A sealed value, which says itself what it is.
    Sealed,
    /// A sealed value where one that keeps the form was asked for, but would not have been safe.
    Fallback,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_show_no_more_than_asked() {
        let check = |hidden, value: &str, expected: &str| {
            assert_eq!(Mask { character: '*', hidden }.apply(value, false), expected);
        };
        check(Hidden::All, "Ren\u{e9}", "****");
        check(Hidden::AllBut { shown: 4, at_end: true }, "4111 1111", "*****1111");
        check(Hidden::AllBut { shown: 4, at_end: true }, "1234567", "*******");
        check(Hidden::AllBut { shown: 1, at_end: false }, "Ren\u{e9}", "R***");
        check(Hidden::Count { count: 2, from_end: true }, "Ren\u{e9}", "Re**");
        check(Hidden::Count { count: 9, from_end: false }, "Ren\u{e9}", "****");
        check(Hidden::AllBut { shown: 0, at_end: true }, "", "");
        assert_eq!(
            Mask { character: '#', hidden: Hidden::Count { count: 1, from_end: true } }.apply("ab", true),
            "##"
        );
    }
}
