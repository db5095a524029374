//! From text to tree: recursive descent within a bound on depth.

use std::sync::Arc;

use castellan_base::{Span, Value};

use crate::expr::{Expr, ExprKind};

/// Deepest nesting of calls and indexes. Compiled Bicep stays under 30.
const DEPTH: u32 = 64;
/// Longest expression in bytes. Resource Manager itself refuses more than 24,576 characters.
const LENGTH: usize = 128 * 1024;

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {offset} of the expression")]
pub struct ParseError {
    /// What is wrong.
    pub message: String,
    /// Byte offset in the expression, without the opening bracket.
    pub offset: usize,
}

/// Parses what stands between the square brackets. `span` is the JSON string that holds it.
pub fn parse(text: &str, span: Span) -> Result<Expr, ParseError> {
    let mut parser = Parser { text, bytes: text.as_bytes(), offset: 0, span };
    if text.len() > LENGTH {
        return Err(
            parser.error(format!("the expression has {} bytes; at most {LENGTH} are read", text.len()))
        );
    }
    let expression = parser.expression(0)?;
    parser.skip_blank();
    if parser.offset < text.len() {
        return Err(parser.error("unexpected text after the expression"));
    }
    Ok(expression)
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    offset: usize,
    span: Span,
}

impl Parser<'_> {
    fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError { message: message.into(), offset: self.offset }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.offset).copied()
    }

    fn skip_blank(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.offset += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.skip_blank();
        let found = self.peek() == Some(byte);
        if found {
            self.offset += 1;
        }
        found
    }

    fn make(&self, kind: ExprKind) -> Expr {
        Expr { kind, span: self.span }
    }

    fn expression(&mut self, depth: u32) -> Result<Expr, ParseError> {
        if depth > DEPTH {
            return Err(self.error(format!("nested more than {DEPTH} deep")));
        }
        self.skip_blank();
        let mut expression = match self.peek() {
            Some(b'\'') => {
                let text = self.string()?;
                self.make(ExprKind::Literal(Value::String(text)))
            }
            Some(b'-' | b'+' | b'0'..=b'9') => self.number()?,
            Some(byte) if is_name_start(byte) => self.call(depth)?,
            Some(_) => return Err(self.error("expected a function, a string in single quotes or a number")),
            None => return Err(self.error("the expression ends where a value is expected")),
        };
        let is_number = matches!(expression.kind, ExprKind::Literal(Value::Int(_)));
        let mut links = 0_u32;
        loop {
            expression = if self.eat(b'.') {
                self.member(expression)?
            } else if self.eat(b'[') {
                self.index(expression, depth)?
            } else {
                return Ok(expression);
            };
            if is_number {
                return Err(self.error("a number has no members"));
            }
            links += 1;
            if links > DEPTH {
                return Err(self.error(format!("more than {DEPTH} members in a row")));
            }
        }
    }

    fn member(&mut self, base: Expr) -> Result<Expr, ParseError> {
        let safe = self.eat(b'?');
        self.skip_blank();
        let name = self.name()?;
        Ok(self.make(ExprKind::Member { base: Box::new(base), name, safe }))
    }

    fn index(&mut self, base: Expr, depth: u32) -> Result<Expr, ParseError> {
        let safe = self.eat(b'?');
        let index = self.expression(depth + 1)?;
        if !self.eat(b']') {
            return Err(self.error("expected `]`"));
        }
        Ok(self.make(ExprKind::Index { base: Box::new(base), index: Box::new(index), safe }))
    }

    fn name(&mut self) -> Result<Arc<str>, ParseError> {
        let start = self.offset;
        if !self.peek().is_some_and(is_name_start) {
            return Err(self.error("expected a name"));
        }
        while self.peek().is_some_and(|byte| is_name_start(byte) || byte.is_ascii_digit()) {
            self.offset += 1;
        }
        Ok(self.text.get(start..self.offset).unwrap_or_default().into())
    }

    fn call(&mut self, depth: u32) -> Result<Expr, ParseError> {
        let first = self.name()?;
        let (namespace, name) = if self.peek() == Some(b'.') {
            self.offset += 1;
            (Some(first), self.name()?)
        } else {
            (None, first)
        };
        if !self.eat(b'(') {
            return Err(self.error(format!("expected `(` after `{name}`")));
        }
        let mut args = Vec::new();
        if !self.eat(b')') {
            loop {
                args.push(self.expression(depth + 1)?);
                if self.eat(b')') {
                    break;
                }
                if !self.eat(b',') {
                    return Err(self.error("expected `,` or `)`"));
                }
            }
        }
        Ok(self.make(ExprKind::Call { name, namespace, args }))
    }

    fn string(&mut self) -> Result<Arc<str>, ParseError> {
        let start = self.offset;
        self.offset += 1;
        let mut text = String::new();
        loop {
            let rest = self.text.get(self.offset..).unwrap_or_default();
            let Some(length) = rest.find('\'') else {
                self.offset = start;
                return Err(self.error("this string is never closed"));
            };
            text.push_str(rest.get(..length).unwrap_or_default());
            self.offset += length + 1;
            // Two quotes in a row stand for one.
            if self.peek() != Some(b'\'') {
                return Ok(text.into());
            }
            text.push('\'');
            self.offset += 1;
        }
    }

    fn number(&mut self) -> Result<Expr, ParseError> {
        let start = self.offset;
        self.offset += 1;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit() || byte == b'.') {
            self.offset += 1;
        }
        let text = self.text.get(start..self.offset).unwrap_or_default();
        match text.parse::<i64>() {
            Ok(number) => Ok(self.make(ExprKind::Literal(Value::Int(number)))),
            Err(_) => {
                self.offset = start;
                Err(self.error(format!("`{text}` is not a whole number")))
            }
        }
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$'
}
