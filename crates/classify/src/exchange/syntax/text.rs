//! Characters of an expression, and those that are written in other ways.

use crate::exchange::syntax::Dialect;

/// What is left of an expression.
pub(super) struct Cursor<'a> {
    rest: &'a str,
    place: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { rest: text, place: 0 }
    }

    pub(super) fn as_str(&self) -> &'a str {
        self.rest
    }

    /// How many characters have been taken.
    pub(super) fn place(&self) -> usize {
        self.place
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.rest = self.rest.get(character.len_utf8()..).unwrap_or_default();
        self.place += 1;
        Some(character)
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let taken = self.peek() == Some(wanted);
        if taken {
            self.next();
        }
        taken
    }

    /// The next characters, as long as they are wanted, at most so many.
    fn run(&mut self, most: usize, wanted: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while text.len() < most
            && let Some(character) = self.peek().filter(|character| wanted(*character))
        {
            text.push(character);
            self.next();
        }
        text
    }

    /// `pL`, `p{Greek}` or `P{^Greek}`, as a class with its backslash.
    pub(super) fn unicode_class(&mut self) -> Option<String> {
        let letter = self.next()?;
        if !self.take('{') {
            let name = self.next().filter(char::is_ascii_alphabetic)?;
            return Some(format!("\\{letter}{{{name}}}"));
        }
        let negated = self.take('^');
        let name = self.run(64, |character| character.is_ascii_alphanumeric() || character == '_');
        if name.is_empty() || !self.take('}') {
            return None;
        }
        let letter = if negated == (letter == 'P') { 'p' } else { 'P' };
        Some(format!("\\{letter}{{{name}}}"))
    }
}

/// A character that stands for itself, inside or outside of a class.
pub(super) fn literal(character: char, text: &mut String) {
    match character {
        control if control.is_ascii_control() => text.push_str(&format!("\\x{:02X}", u32::from(control))),
        meta if regex_syntax::is_meta_character(meta) => text.extend(['\\', meta]),
        other => text.push(other),
    }
}

/// The character that an escape stands for; the cursor is behind the backslash.
pub(super) fn escaped(rest: &mut Cursor<'_>, dialect: Dialect) -> Result<char, String> {
    let Some(character) = rest.next() else { return Err("it ends with a backslash".to_owned()) };
    let python = dialect == Dialect::Python;
    match character {
        'a' => Ok('\x07'),
        'f' => Ok('\x0C'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        'v' => Ok('\x0B'),
        'x' if rest.take('{') => {
            let digits = rest.run(8, |digit| digit.is_ascii_hexdigit());
            if rest.take('}') { number(&digits, 16) } else { Err("`\\x{` is not closed".to_owned()) }
        }
        'x' => digits(rest, 2),
        'u' if python => digits(rest, 4),
        'U' if python => digits(rest, 8),
        '0' => octal(rest, String::from("0")),
        '1'..='7' if !python && rest.peek().is_some_and(|next| matches!(next, '0'..='7')) => {
            octal(rest, character.to_string())
        }
        '1'..='9' => Err("back-references have no counterpart".to_owned()),
        other if other.is_ascii_alphanumeric() => Err(format!("`\\{other}` has no counterpart")),
        other => Ok(other),
    }
}

fn digits(rest: &mut Cursor<'_>, count: usize) -> Result<char, String> {
    let digits = rest.run(count, |digit| digit.is_ascii_hexdigit());
    if digits.len() == count { number(&digits, 16) } else { Err("an escape has too few digits".to_owned()) }
}

/// Up to three digits of base eight.
fn octal(rest: &mut Cursor<'_>, first: String) -> Result<char, String> {
    let more = rest.run(2, |digit| matches!(digit, '0'..='7'));
    number(&(first + &more), 8)
}

fn number(digits: &str, radix: u32) -> Result<char, String> {
    let code = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    code.ok_or_else(|| format!("`{digits}` is no character"))
}
