//! Patterns come apart into words.

use castellan_base::Ticks;

use super::{Literal, PatternError};

/// A word of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a word of the language; hyphens are parts of it.
    Word(String),
    /// A value.
    Literal(Literal),
    /// A sign: `[`, `]`, `(`, `)`, `:`, `.`, `,`, `*`.
    Sign(char),
    /// A comparison, in its usual form.
    Compare(&'static str),
}

/// A word and where it begins, in characters from 1.
pub(super) type Placed = (Token, usize);

pub(super) struct Lexer {
    characters: Vec<char>,
    at: usize,
}

impl Lexer {
    pub(super) fn new(text: &str) -> Lexer {
        Lexer { characters: text.chars().collect(), at: 0 }
    }

    pub(super) fn tokens(mut self) -> Result<Vec<Placed>, PatternError> {
        let mut found = Vec::new();
        loop {
            self.skip()?;
            let begin = self.at;
            let Some(next) = self.peek(0) else { return Ok(found) };
            let token = self.token(next)?;
            found.push((token, begin + 1));
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn error(&self, message: impl Into<String>) -> PatternError {
        PatternError { at: self.at + 1, message: message.into() }
    }

    /// Blanks and comments.
    fn skip(&mut self) -> Result<(), PatternError> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(blank), _) if blank.is_whitespace() || blank == '\u{feff}' => self.at += 1,
                (Some('/'), Some('/')) => {
                    while self.peek(0).is_some_and(|next| next != '\n' && next != '\r') {
                        self.at += 1;
                    }
                }
                (Some('/'), Some('*')) => {
                    let rest = self.characters.get(self.at + 2..).unwrap_or_default();
                    let end = rest.windows(2).position(|pair| pair == ['*', '/']);
                    let end = end.ok_or_else(|| self.error("a comment that does not end; write `*/`"))?;
                    self.at += end + 4;
                }
                _ => return Ok(()),
            }
        }
    }

    fn token(&mut self, next: char) -> Result<Token, PatternError> {
        match next {
            '[' | ']' | '(' | ')' | ':' | ',' | '*' => {
                self.at += 1;
                Ok(Token::Sign(next))
            }
            '.' if !self.peek(1).is_some_and(|digit| digit.is_ascii_digit()) => {
                self.at += 1;
                Ok(Token::Sign('.'))
            }
            '=' | '!' | '<' | '>' => self.comparison(),
            '\'' => Ok(Token::Literal(Literal::Text(self.quoted()?))),
            'h' | 'b' | 't' if self.peek(1) == Some('\'') => self.prefixed(next),
            '0'..='9' | '+' | '-' | '.' => self.number(),
            letter if letter.is_ascii_alphabetic() || letter == '_' => Ok(Token::Word(self.word())),
            other => Err(self.error(format!("`{other}` has no meaning here"))),
        }
    }

    fn comparison(&mut self) -> Result<Token, PatternError> {
        let (sign, length) = match (self.peek(0), self.peek(1)) {
            (Some('='), Some('=')) => ("=", 2),
            (Some('='), _) => ("=", 1),
            (Some('!'), Some('=')) | (Some('<'), Some('>')) => ("!=", 2),
            (Some('<'), Some('=')) => ("<=", 2),
            (Some('>'), Some('=')) => (">=", 2),
            (Some('<'), _) => ("<", 1),
            (Some('>'), _) => (">", 1),
            _ => return Err(self.error("`!` needs `=` behind it")),
        };
        self.at += length;
        Ok(Token::Compare(sign))
    }

    /// A text between quotes, of which `\'` and `\\` are parts.
    fn quoted(&mut self) -> Result<String, PatternError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('\''), _) => {
                    self.at += 1;
                    return Ok(text);
                }
                (Some('\\'), Some(escaped @ ('\'' | '\\'))) => {
                    text.push(escaped);
                    self.at += 2;
                }
                (Some('\\'), _) => {
                    return Err(self.error("`\\` stands only before `'` and `\\`; write `\\\\`"));
                }
                (Some(other), _) => {
                    text.push(other);
                    self.at += 1;
                }
                (None, _) => return Err(self.error("a text that does not end; write `'`")),
            }
        }
    }

    fn prefixed(&mut self, prefix: char) -> Result<Token, PatternError> {
        let place = self.at;
        self.at += 1;
        let text = self.quoted()?;
        let wrong = |message: &str| Err(PatternError { at: place + 1, message: message.to_owned() });
        Ok(Token::Literal(match prefix {
            'h' if text.len() % 2 != 0 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                return wrong("bytes in hexadecimal have two digits each");
            }
            'h' => Literal::Hex(text),
            'b' if !is_base64(&text) => return wrong("the bytes are no Base64"),
            'b' => Literal::Binary(text),
            _ if text.parse::<Ticks>().is_err() => {
                return wrong("the time is none; write t'2026-11-21T10:00:00Z'");
            }
            _ => Literal::Time(text),
        }))
    }

    fn number(&mut self) -> Result<Token, PatternError> {
        let begin = self.at;
        if matches!(self.peek(0), Some('+' | '-')) {
            self.at += 1;
        }
        while self.peek(0).is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
        }
        let is_float = self.peek(0) == Some('.') && self.peek(1).is_some_and(|next| next.is_ascii_digit());
        if is_float {
            self.at += 1;
            while self.peek(0).is_some_and(|next| next.is_ascii_digit()) {
                self.at += 1;
            }
        }
        let text: String = self.characters.get(begin..self.at).unwrap_or_default().iter().collect();
        let wrong =
            || PatternError { at: begin + 1, message: format!("`{text}` is no number that is known here") };
        Ok(Token::Literal(if is_float {
            Literal::Float(text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(wrong)?)
        } else {
            Literal::Integer(text.parse().map_err(|_| wrong())?)
        }))
    }

    fn word(&mut self) -> String {
        let begin = self.at;
        while self.peek(0).is_some_and(|next| next.is_ascii_alphanumeric() || next == '_' || next == '-') {
            self.at += 1;
        }
        self.characters.get(begin..self.at).unwrap_or_default().iter().collect()
    }
}

fn is_base64(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len().is_multiple_of(4) && padding <= 2 && bare.bytes().all(is_digit)
}
