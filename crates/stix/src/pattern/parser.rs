//! Words become patterns.

use super::lexer::{Lexer, Placed, Token};
use super::{
    Comparison, Literal, ObjectPath, Observation, Operator, PathStep, Pattern, PatternError, Qualifier, Test,
};

/// The longest pattern, in bytes.
pub const MAX_LENGTH: usize = 1 << 20;
/// The deepest nesting of parentheses.
pub const MAX_DEPTH: usize = 64;
/// The most tests of one pattern.
pub const MAX_TESTS: usize = 20_000;

pub(super) fn parse(text: &str) -> Result<Pattern, PatternError> {
    if text.len() > MAX_LENGTH {
        let message = format!("it has {} bytes, of which {MAX_LENGTH} are read at most", text.len());
        return Err(PatternError { at: 1, message });
    }
    let mut parser = Parser { tokens: Lexer::new(text).tokens()?, at: 0, depth: 0, tests: 0 };
    let observation = parser.followed()?;
    match parser.tokens.get(parser.at) {
        None => Ok(Pattern { observation }),
        Some(_) => Err(parser.error("AND, OR, FOLLOWEDBY, a qualifier or the end is expected")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    tests: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn error(&self, message: impl Into<String>) -> PatternError {
        let last = self.tokens.last().map_or(1, |(_, at)| *at);
        let at = self.tokens.get(self.at).map_or(last, |(_, at)| *at);
        PatternError { at, message: message.into() }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    /// Takes a word of the language, where it stands next.
    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.is_word(word);
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_sign(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(is_next);
        is_next
    }

    fn sign(&mut self, sign: char) -> Result<(), PatternError> {
        if self.takes_sign(sign) { Ok(()) } else { Err(self.error(format!("`{sign}` is expected"))) }
    }

    fn word(&mut self, word: &str) -> Result<(), PatternError> {
        if self.takes(word) { Ok(()) } else { Err(self.error(format!("{word} is expected"))) }
    }

    fn deeper(&mut self) -> Result<(), PatternError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("it is nested deeper than {MAX_DEPTH}")));
        }
        Ok(())
    }

    fn followed(&mut self) -> Result<Observation, PatternError> {
        let mut parts = vec![self.observed_or()?];
        while self.takes("FOLLOWEDBY") {
            parts.push(self.observed_or()?);
        }
        Ok(joined(parts, Observation::FollowedBy))
    }

    fn observed_or(&mut self) -> Result<Observation, PatternError> {
        let mut parts = vec![self.observed_and()?];
        while self.takes("OR") {
            parts.push(self.observed_and()?);
        }
        Ok(joined(parts, Observation::Or))
    }

    fn observed_and(&mut self) -> Result<Observation, PatternError> {
        let mut parts = vec![self.observed()?];
        while self.takes("AND") {
            parts.push(self.observed()?);
        }
        Ok(joined(parts, Observation::And))
    }

    fn observed(&mut self) -> Result<Observation, PatternError> {
        let inner = if self.takes_sign('[') {
            let comparison = self.compared_or()?;
            self.sign(']')?;
            Observation::Of(comparison)
        } else if self.takes_sign('(') {
            self.deeper()?;
            let inner = self.followed()?;
            self.sign(')')?;
            self.depth -= 1;
            inner
        } else {
            return Err(self.error("`[` or `(` is expected"));
        };
        let mut qualifiers = Vec::new();
        while let Some(qualifier) = self.qualifier()? {
            qualifiers.push(qualifier);
        }
        if qualifiers.is_empty() {
            return Ok(inner);
        }
        // `([a] WITHIN 5 SECONDS) REPEATS 2 TIMES` is the same without its parentheses.
        Ok(match inner {
            Observation::Qualified(of, mut own) => {
                own.append(&mut qualifiers);
                Observation::Qualified(of, own)
            }
            other => Observation::Qualified(Box::new(other), qualifiers),
        })
    }

    fn qualifier(&mut self) -> Result<Option<Qualifier>, PatternError> {
        if self.takes("START") {
            let start = self.time()?;
            self.word("STOP")?;
            return Ok(Some(Qualifier::StartStop { start, stop: self.time()? }));
        }
        if self.takes("WITHIN") {
            let seconds = match self.literal()? {
                Literal::Float(number) if number > 0.0 => number,
                #[allow(clippy::cast_precision_loss, reason = "seconds beyond 2^53 are the same as for ever")]
                Literal::Integer(number) if number > 0 => number as f64,
                _ => return Err(self.error("WITHIN needs a number of seconds above 0 behind it")),
            };
            self.word("SECONDS")?;
            return Ok(Some(Qualifier::Within(seconds)));
        }
        if self.takes("REPEATS") {
            let Literal::Integer(times @ 1..) = self.literal()? else {
                return Err(self.error("REPEATS needs a whole number above 0 behind it"));
            };
            self.word("TIMES")?;
            return Ok(Some(Qualifier::Repeats(times.unsigned_abs())));
        }
        Ok(None)
    }

    /// A time; in STIX 2.0 it was a text.
    fn time(&mut self) -> Result<String, PatternError> {
        match self.literal()? {
            Literal::Time(text) => Ok(text),
            Literal::Text(text) if text.parse::<castellan_base::Ticks>().is_ok() => Ok(text),
            _ => Err(self.error("a time is expected: t'2026-11-21T10:00:00Z'")),
        }
    }

    fn compared_or(&mut self) -> Result<Comparison, PatternError> {
        let mut parts = vec![self.compared_and()?];
        while self.takes("OR") {
            parts.push(self.compared_and()?);
        }
        Ok(joined(parts, Comparison::Or))
    }

    fn compared_and(&mut self) -> Result<Comparison, PatternError> {
        let mut parts = vec![self.compared()?];
        while self.takes("AND") {
            parts.push(self.compared()?);
        }
        Ok(joined(parts, Comparison::And))
    }

    fn compared(&mut self) -> Result<Comparison, PatternError> {
        if self.takes_sign('(') {
            self.deeper()?;
            let inner = self.compared_or()?;
            self.sign(')')?;
            self.depth -= 1;
            return Ok(inner);
        }
        self.tests += 1;
        if self.tests > MAX_TESTS {
            return Err(self.error(format!("it has more than {MAX_TESTS} tests")));
        }
        let mut negated = self.takes("NOT");
        if self.takes("EXISTS") {
            return Ok(Comparison::Test(Test { path: self.path()?, negated, operator: Operator::Exists }));
        }
        if negated {
            return Err(self.error("NOT stands behind the property, or before EXISTS"));
        }
        let path = self.path()?;
        negated = self.takes("NOT");
        let operator = self.operator()?;
        Ok(Comparison::Test(Test { path, negated, operator }))
    }

    fn operator(&mut self) -> Result<Operator, PatternError> {
        if let Some(Token::Compare(sign)) = self.peek() {
            let sign = *sign;
            self.at += 1;
            let value = self.literal()?;
            if !matches!(sign, "=" | "!=") && matches!(value, Literal::Bool(_)) {
                return Err(self.error("true and false have no order"));
            }
            return Ok(match sign {
                "=" => Operator::Equal(value),
                "!=" => Operator::NotEqual(value),
                ">" => Operator::Greater(value),
                ">=" => Operator::GreaterOrEqual(value),
                "<" => Operator::Less(value),
                _ => Operator::LessOrEqual(value),
            });
        }
        if self.takes("IN") {
            return Ok(Operator::In(self.set()?));
        }
        type Make = fn(String) -> Operator;
        let words: [(&str, Make); 4] = [
            ("LIKE", Operator::Like),
            ("MATCHES", Operator::Matches),
            ("ISSUBSET", Operator::IsSubset),
            ("ISSUPERSET", Operator::IsSuperset),
        ];
        for (word, make) in words {
            if self.takes(word) {
                let Literal::Text(text) = self.literal()? else {
                    return Err(self.error(format!("{word} needs a text behind it")));
                };
                return Ok(make(text));
            }
        }
        Err(self
            .error("a comparison is expected: =, !=, <, <=, >, >=, IN, LIKE, MATCHES, ISSUBSET, ISSUPERSET"))
    }

    fn set(&mut self) -> Result<Vec<Literal>, PatternError> {
        self.sign('(')?;
        let mut values = Vec::new();
        if self.takes_sign(')') {
            return Ok(values);
        }
        loop {
            values.push(self.literal()?);
            self.tests += 1;
            if self.tests > MAX_TESTS {
                return Err(self.error(format!("it has more than {MAX_TESTS} values")));
            }
            if !self.takes_sign(',') {
                self.sign(')')?;
                return Ok(values);
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, PatternError> {
        let found = match self.peek() {
            Some(Token::Literal(literal)) => Some(literal.clone()),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Some(Literal::Bool(true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Some(Literal::Bool(false)),
            _ => None,
        };
        let found = found.ok_or_else(|| self.error("a value is expected; texts stand between `'`"))?;
        self.at += 1;
        Ok(found)
    }

    fn path(&mut self) -> Result<ObjectPath, PatternError> {
        let Some(Token::Word(object)) = self.peek().cloned() else {
            return Err(self.error("a property is expected, as `ipv4-addr:value`"));
        };
        self.at += 1;
        self.sign(':')?;
        let mut steps = vec![self.key()?];
        loop {
            if self.takes_sign('.') {
                steps.push(self.key()?);
            } else if self.takes_sign('[') {
                steps.push(self.item()?);
            } else {
                return Ok(ObjectPath { object, steps });
            }
        }
    }

    fn key(&mut self) -> Result<PathStep, PatternError> {
        let key = match self.peek() {
            Some(Token::Word(word)) if !word.contains('-') => word.clone(),
            Some(Token::Literal(Literal::Text(text))) => text.clone(),
            Some(Token::Word(_)) => return Err(self.error("a name with `-` stands between `'`")),
            _ => return Err(self.error("the name of a property is expected")),
        };
        self.at += 1;
        Ok(PathStep::Key(key))
    }

    fn item(&mut self) -> Result<PathStep, PatternError> {
        let step = match self.peek() {
            Some(Token::Sign('*')) => PathStep::Any,
            Some(Token::Literal(Literal::Integer(number))) => match u32::try_from(*number) {
                Ok(number) => PathStep::Index(number),
                Err(_) => return Err(self.error("the position in a list is 0 or above")),
            },
            _ => return Err(self.error("a position in a list or `*` is expected")),
        };
        self.at += 1;
        self.sign(']')?;
        Ok(step)
    }
}

/// One part alone stays what it is.
fn joined<T>(mut parts: Vec<T>, make: fn(Vec<T>) -> T) -> T {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            make(parts)
        }
        None => make(parts),
    }
}
