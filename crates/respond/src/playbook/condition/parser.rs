//! Reads conditions.

use super::{Comparison, ConditionError, Expression, Operand};
use crate::playbook::text::is_variable_name;

/// The deepest nesting of parentheses and negations.
const DEEPEST: usize = 32;

/// Goes through a condition from left to right.
pub(super) struct Parser<'t> {
    text: &'t str,
    offset: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Parser<'t> {
        Parser { text, offset: 0 }
    }

    /// True when nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.blank();
        self.offset >= self.text.len()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn blank(&mut self) {
        let rest = self.rest();
        self.offset += rest.len() - rest.trim_start().len();
    }

    pub(super) fn error(&mut self, message: &str) -> ConditionError {
        self.blank();
        ConditionError { offset: self.offset, message: message.to_owned() }
    }

    pub(super) fn take(&mut self, token: &str) -> bool {
        self.blank();
        let found = self.rest().starts_with(token);
        if found {
            self.offset += token.len();
        }
        found
    }

    /// A keyword in any case, not followed by more of a word.
    fn word(&mut self, word: &str) -> bool {
        self.blank();
        let next: String = self.rest().chars().take_while(|letter| letter.is_ascii_alphabetic()).collect();
        let found = next.eq_ignore_ascii_case(word);
        if found {
            self.offset += next.len();
        }
        found
    }

    pub(super) fn any(&mut self, depth: usize) -> Result<Expression, ConditionError> {
        let mut terms = vec![self.all(depth)?];
        while self.word("OR") {
            terms.push(self.all(depth)?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Expression::Any(terms) })
    }

    fn all(&mut self, depth: usize) -> Result<Expression, ConditionError> {
        let mut terms = vec![self.term(depth)?];
        while self.word("AND") {
            terms.push(self.term(depth)?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Expression::All(terms) })
    }

    fn term(&mut self, depth: usize) -> Result<Expression, ConditionError> {
        if depth >= DEEPEST {
            return Err(self.error("nested too deep"));
        }
        if self.word("NOT") {
            return Ok(Expression::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.any(depth + 1)?;
            if !self.take(")") {
                return Err(self.error("expected `)`"));
            }
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, ConditionError> {
        let left = self.operand()?;
        // STIX puts NOT behind the left side: `a NOT IN (...)`.
        let negated = self.word("NOT");
        let compared = if self.word("IN") {
            Expression::In(left, self.items()?)
        } else {
            let comparison = self.operator()?;
            Expression::Compare(left, comparison, self.operand()?)
        };
        Ok(if negated { Expression::Not(Box::new(compared)) } else { compared })
    }

    fn items(&mut self) -> Result<Vec<Operand>, ConditionError> {
        if !self.take("(") {
            return Err(self.error("expected `(` after IN"));
        }
        let mut items = vec![self.operand()?];
        while self.take(",") {
            items.push(self.operand()?);
        }
        if self.take(")") { Ok(items) } else { Err(self.error("expected `,` or `)`")) }
    }

    fn operator(&mut self) -> Result<Comparison, ConditionError> {
        let signs = [
            ("==", Comparison::Equal),
            ("=", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<>", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (sign, comparison) in signs {
            if self.take(sign) {
                return Ok(comparison);
            }
        }
        if self.word("LIKE") {
            return Ok(Comparison::Like);
        }
        Err(self.error(
            "expected =, !=, <, <=, >, >=, IN or LIKE; other operators of STIX cannot be decided here",
        ))
    }

    fn operand(&mut self) -> Result<Operand, ConditionError> {
        self.blank();
        if self.rest().starts_with('\'') {
            return self.text_literal();
        }
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-+.".contains(letter);
        let word: String = self.rest().chars().take_while(|letter| is_part(*letter)).collect();
        if is_variable_name(&word)
            && self.rest().get(word.len()..).is_some_and(|after| after.starts_with(":value"))
        {
            self.offset += word.len() + ":value".len();
            return Ok(Operand::Variable(word));
        }
        if let Ok(number) = word.parse::<f64>()
            && word.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        {
            self.offset += word.len();
            return Ok(Operand::Number(number));
        }
        let flag = ["true", "false"].iter().position(|flag| word.eq_ignore_ascii_case(flag));
        if let Some(index) = flag {
            self.offset += word.len();
            return Ok(Operand::Flag(index == 0));
        }
        Err(self.error(
            "expected a variable such as `__name__:value`, a text in single quotes, a number, true or false",
        ))
    }

    fn text_literal(&mut self) -> Result<Operand, ConditionError> {
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\'' => {
                    self.offset += at + 1;
                    return Ok(Operand::Text(text));
                }
                '\\' => match letters.next() {
                    Some((_, escaped)) => text.push(escaped),
                    None => break,
                },
                plain => text.push(plain),
            }
        }
        Err(self.error("this text has no closing quote"))
    }
}
