//! Tokens: made from values, and turned back.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::redact::format::{self, CheckDigits, Format, FormatError};
use crate::redact::keys::{Key, KeyId, Keyring};
use crate::redact::operator::{Form, TokenForm, TokenOptions};
use crate::redact::redactor::Item;
use crate::redact::sealed::{self, OpenError, Purpose, Sealed};

/// Longest name of a type.
const LONGEST_KIND: usize = 64;

/// What stands in the place of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its text.
    pub text: String,
    /// Whether it keeps the form of the value, or why not.
    pub form: Form,
    /// The key that made it.
    pub key: KeyId,
}

/// Why a token was not made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The type is not written as tokens write it.
    #[error("`{0}` is no type of a token; use up to 64 capital letters, digits and underscores")]
    Kind(String),
    /// The value is longer than the cipher takes.
    #[error("the value is too long to be sealed")]
    TooLong,
    /// What is there cannot be turned back, or is no token.
    #[error("there is no token here that can be turned back")]
    NoToken,
    /// A token that keeps the form of its value could not be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A sealed one could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Makes tokens and turns them back, within one scope.
///
/// ```
/// use std::sync::Arc;
/// use castellan_classify::redact::{CheckDigits, Keyring, TokenForm, TokenOptions, Tokeniser};
///
/// let secret = std::array::from_fn(|at| at as u8); // 32 random bytes
/// let tokeniser = Tokeniser::new(Arc::new(Keyring::new("k1", &secret).unwrap()), "tenant");
/// let options = TokenOptions { form: TokenForm::Auto, invalid: false, keep_first: 6 };
/// let token = tokeniser.tokenise("CARD", CheckDigits::Luhn, options, "4111-1111-1111-1111").unwrap();
/// assert!(token.text.starts_with("4111-11") && token.text.len() == 19);
/// let value = tokeniser.untokenise("CARD", &token.text, token.form, token.key.as_str()).unwrap();
/// assert_eq!(*value, "4111-1111-1111-1111");
/// ```
#[derive(Clone, Debug)]
pub struct Tokeniser {
    keys: Arc<Keyring>,
    scope: String,
}

impl Tokeniser {
    /// Works with these keys in a scope (see [`super::Session::new`]).
    pub fn new(keys: Arc<Keyring>, scope: impl Into<String>) -> Tokeniser {
        Tokeniser { keys, scope: scope.into() }
    }

    /// A token for a value of a type, by the newest key. One value of a type always has the same one.
    ///
    /// # Errors
    /// When the type has other characters than `A-Z0-9_`, or the value is too long.
    pub fn tokenise(
        &self,
        kind: &str,
        check: CheckDigits,
        options: TokenOptions,
        value: &str,
    ) -> Result<Token, TokenError> {
        let known = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        if kind.is_empty() || kind.len() > LONGEST_KIND || !kind.bytes().all(known) {
            return Err(TokenError::Kind(kind.to_owned()));
        }
        let place = Place { kind, scope: &self.scope };
        make(self.keys.making(), place, Some(check), options, value.as_bytes()).ok_or(TokenError::TooLong)
    }

    /// The value of a token. `form` and `key` are those that it was made with.
    ///
    /// A sealed token is refused when it was changed or made with another secret, type or scope. One that keeps the form
    /// of its value cannot tell: another secret of the same name, type or scope gives another value.
    ///
    /// # Errors
    /// When the key is unknown, or the token is refused.
    pub fn untokenise(
        &self,
        kind: &str,
        token: &str,
        form: Form,
        key: &str,
    ) -> Result<Zeroizing<String>, TokenError> {
        match form {
            Form::Final => Err(TokenError::NoToken),
            Form::Format(format) => self.open_format(kind, token, format, key).map(|(value, _)| value),
            Form::Sealed | Form::Fallback => {
                let found = sealed::find(token);
                let sealed = found.first().filter(|it| it.place == (0..token.len()) && it.kind == kind);
                let sealed = sealed.filter(|it| it.key == key).ok_or(TokenError::NoToken)?;
                self.open(sealed).map(|(value, _)| value)
            }
        }
    }

    /// Turns back every token of a text: those that keep the form of their value where `items` say that they stand, and
    /// sealed ones wherever they are. What cannot be read stays as it is and is told.
    ///
    /// `by` is who asked; it goes into the audit record.
    pub fn restore(&self, text: &str, items: &[Item], by: Option<&str>) -> Restored {
        let mut opened = self.open_items(text, items);
        let sealed = sealed::find(text);
        let free = |place: &Range<usize>, opened: &[Opened<'_>]| {
            let next = opened.partition_point(|it| it.place.end <= place.start);
            opened.get(next).is_none_or(|it| it.place.start >= place.end)
        };
        let others: Vec<Opened<'_>> = sealed
            .iter()
            .filter(|it| free(&it.place, &opened))
            .map(|it| Opened { place: it.place.clone(), value: self.open(it) })
            .collect();
        opened.extend(others);
        opened.sort_by_key(|it| it.place.start);
        self.assemble(text, opened, by)
    }

    fn open_items(&self, text: &str, items: &[Item]) -> Vec<Opened<'_>> {
        let mut opened: Vec<Opened<'_>> = Vec::new();
        for item in items {
            let (Form::Format(format), Some(key)) = (item.form, &item.key) else { continue };
            let place = item.start..item.end;
            let after = opened.last().is_none_or(|last| last.place.end <= place.start);
            let token = text.get(place.clone()).filter(|_| after).ok_or(TokenError::NoToken);
            let value = token.and_then(|token| self.open_format(&item.kind, token, format, key.as_str()));
            // An item of another text gives a place that cannot be read; it is told without one of its own.
            let place = if after && text.get(place.clone()).is_some() { place } else { 0..0 };
            opened.push(Opened { place, value });
        }
        opened.sort_by_key(|it| it.place.start);
        opened
    }

    fn assemble(&self, text: &str, opened: Vec<Opened<'_>>, by: Option<&str>) -> Restored {
        let mut whole = Zeroizing::new(String::with_capacity(text.len()));
        let mut audit = Audit {
            by: by.map(str::to_owned),
            scope: self.scope.clone(),
            keys: BTreeMap::new(),
            values: 0,
            refused: 0,
        };
        let mut refused = Vec::new();
        let mut place = 0;
        for Opened { place: token, value } in opened {
            match value {
                Ok((value, key)) => {
                    whole.push_str(text.get(place..token.start).unwrap_or_default());
                    whole.push_str(&value);
                    place = token.end;
                    *audit.keys.entry(key.clone()).or_default() += 1;
                    audit.values += 1;
                }
                Err(error) => {
                    audit.refused += 1;
                    refused.push((token, error));
                }
            }
        }
        whole.push_str(text.get(place..).unwrap_or_default());
        Restored { text: whole, refused, audit }
    }

    fn open_format(
        &self,
        kind: &str,
        token: &str,
        format: Format,
        key: &str,
    ) -> Result<(Zeroizing<String>, &KeyId), TokenError> {
        let key = self.keys.find(key).ok_or_else(|| OpenError::UnknownKey(key.to_owned()))?;
        let tweak = Place { kind, scope: &self.scope }.tweak();
        Ok((format::decrypt(&key.format, &tweak, token, format)?, &key.id))
    }

    fn open(&self, sealed: &Sealed<'_>) -> Result<(Zeroizing<String>, &KeyId), TokenError> {
        let (value, key) = sealed.open(&self.keys, &self.scope)?;
        let text = std::str::from_utf8(&value).map_err(|_| OpenError::Refused)?;
        Ok((Zeroizing::new(text.to_owned()), key))
    }
}

struct Opened<'k> {
    place: Range<usize>,
    value: Result<(Zeroizing<String>, &'k KeyId), TokenError>,
}

/// A text with its tokens turned back.
#[derive(Debug)]
pub struct Restored {
    /// The text, which is wiped from memory when dropped.
    pub text: Zeroizing<String>,
    /// Tokens that were left, by their place in the text that was given.
    pub refused: Vec<(Range<usize>, TokenError)>,
    /// What to write into the log.
    pub audit: Audit,
}

/// Who turned back how many tokens of which keys. It holds no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Who asked, where the caller said so.
    pub by: Option<String>,
    /// In which scope.
    pub scope: String,
    /// How many values each key gave.
    pub keys: BTreeMap<KeyId, u64>,
    /// How many values were given out.
    pub values: u64,
    /// How many tokens were refused.
    pub refused: u64,
}

/// What tokens and hashes of a value are bound to beside the key.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) kind: &'a str,
    pub(crate) scope: &'a str,
}

impl Place<'_> {
    pub(crate) fn tweak(self) -> Vec<u8> {
        // Kinds have no colon, so different parts never give the same text.
        format!("{}:{}", self.kind, self.scope).into_bytes()
    }
}

/// Makes a token. Without check digits that are known, it is sealed; nothing when the value is too long for that.
pub(crate) fn make(
    key: &Key,
    place: Place<'_>,
    check: Option<CheckDigits>,
    options: TokenOptions,
    value: &[u8],
) -> Option<Token> {
    let text = std::str::from_utf8(value).ok();
    let wanted = match options.form {
        TokenForm::Auto => text.is_some_and(is_mostly_digits),
        TokenForm::Format => true,
        TokenForm::Sealed => false,
    };
    if let (true, Some(text), Some(check)) = (wanted, text, check) {
        let format = Format { check, invalid: options.invalid, keep_first: options.keep_first };
        if let Ok(text) = format::encrypt(&key.format, &place.tweak(), text, format) {
            return Some(Token { text, form: Form::Format(format), key: key.id.clone() });
        }
    }
    let text = sealed::seal(key, Purpose::Token, place.kind, place.scope, value)?;
    let form = if wanted { Form::Fallback } else { Form::Sealed };
    Some(Token { text, form, key: key.id.clone() })
}

fn is_mostly_digits(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let all = value.chars().filter(|character| character.is_alphanumeric()).count();
    digits > 0 && 2 * digits >= all
}
