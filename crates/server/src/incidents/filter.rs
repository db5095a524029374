//! `$filter`: the part of OData's language that the service documents, over the JSON of a resource.
//!
//! ```text
//! properties/status eq 'New' and (properties/severity eq 'High' or not contains(properties/title, 'test'))
//! properties/createdTimeUtc gt 2026-11-21T00:00:00Z and properties/labels/any(l: l/labelName eq 'claims')
//! ```

use std::cmp::Ordering;

use castellan_base::Ticks;
use serde_json::Value;

/// The longest text of a filter, in bytes.
const LONGEST: usize = 8_192;
/// How deep parentheses may go.
const DEEPEST: usize = 32;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(String, Operator, Value),
    /// `contains`, `startswith` or `endswith`.
    Within(Test, String, String),
    /// Whether an item of a list fits; paths in it begin with the name of the item.
    Any(String, String, Box<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Contains,
    Begins,
    Ends,
}

/// The value at a path of members: `properties/owner/assignedTo`. Names have no case.
pub(super) fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('/').filter(|part| !part.is_empty()).fold(value, |value, part| {
        let found = value.as_object().and_then(|members| {
            members.iter().find(|(name, _)| name.eq_ignore_ascii_case(part)).map(|(_, value)| value)
        });
        found.unwrap_or(&Value::Null)
    })
}

impl Filter {
    /// Reads a filter; what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Filter, String> {
        if text.len() > LONGEST {
            return Err(format!("it has {} bytes, and may have {LONGEST}", text.len()));
        }
        let mut reader = Reader { tokens: tokens(text)?, at: 0 };
        let filter = reader.or(0)?;
        match reader.next() {
            None => Ok(filter),
            Some(token) => Err(format!("nothing is expected at {token:?}")),
        }
    }

    /// Whether a resource fits.
    pub(super) fn fits(&self, value: &Value) -> bool {
        match self {
            Filter::And(one, other) => one.fits(value) && other.fits(value),
            Filter::Or(one, other) => one.fits(value) || other.fits(value),
            Filter::Not(inner) => !inner.fits(value),
            Filter::Compare(path, operator, wanted) => compare(at(value, path), *operator, wanted),
            Filter::Within(test, path, wanted) => {
                let (text, wanted) =
                    (at(value, path).as_str().unwrap_or_default().to_lowercase(), wanted.to_lowercase());
                match test {
                    Test::Contains => text.contains(&wanted),
                    Test::Begins => text.starts_with(&wanted),
                    Test::Ends => text.ends_with(&wanted),
                }
            }
            Filter::Any(path, name, inner) => {
                let items = at(value, path).as_array().map_or(&[][..], Vec::as_slice);
                items.iter().any(|item| inner.fits(&serde_json::json!({ name.as_str(): item })))
            }
        }
    }
}

fn compare(found: &Value, operator: Operator, wanted: &Value) -> bool {
    let order = match (found, wanted) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Number(one), Value::Number(other)) => one.as_f64().partial_cmp(&other.as_f64()),
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
        (Value::String(one), Value::String(other)) => match (one.parse::<Ticks>(), other.parse::<Ticks>()) {
            (Ok(one), Ok(other)) => Some(one.cmp(&other)),
            _ => Some(one.to_lowercase().cmp(&other.to_lowercase())),
        },
        _ => None,
    };
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessOrEqual => order.is_some_and(Ordering::is_le),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Colon,
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            // A colon follows the name of an item; within a word it is part of a time.
            ':' => tokens.push(Token::Colon),
            '\'' => {
                let mut said = String::new();
                loop {
                    match letters.next() {
                        // Two quotes are one.
                        Some('\'') if letters.peek() == Some(&'\'') => {
                            letters.next();
                            said.push('\'');
                        }
                        Some('\'') => break,
                        Some(other) => said.push(other),
                        None => return Err("a text does not end; close it with a quote".to_owned()),
                    }
                }
                tokens.push(Token::Text(said));
            }
            blank if blank.is_whitespace() => {}
            first => {
                let mut word = String::from(first);
                let is_time = first.is_ascii_digit();
                while let Some(next) = letters.next_if(|next| {
                    !next.is_whitespace() && !"(),'".contains(*next) && (*next != ':' || is_time)
                }) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn takes(&mut self, wanted: &Token) -> bool {
        let is_it = match (self.tokens.get(self.at), wanted) {
            (Some(Token::Word(word)), Token::Word(wanted)) => word.eq_ignore_ascii_case(wanted),
            (found, wanted) => found == Some(wanted),
        };
        self.at += usize::from(is_it);
        is_it
    }

    fn needs(&mut self, wanted: &Token) -> Result<(), String> {
        if self.takes(wanted) { Ok(()) } else { Err(format!("{wanted:?} is missing")) }
    }

    fn or(&mut self, depth: usize) -> Result<Filter, String> {
        let mut filter = self.and(depth)?;
        while self.takes(&Token::Word("or".to_owned())) {
            filter = Filter::Or(Box::new(filter), Box::new(self.and(depth)?));
        }
        Ok(filter)
    }

    fn and(&mut self, depth: usize) -> Result<Filter, String> {
        let mut filter = self.unary(depth)?;
        while self.takes(&Token::Word("and".to_owned())) {
            filter = Filter::And(Box::new(filter), Box::new(self.unary(depth)?));
        }
        Ok(filter)
    }

    fn unary(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEEPEST {
            return Err(format!("it goes deeper than {DEEPEST}"));
        }
        if self.takes(&Token::Word("not".to_owned())) {
            return Ok(Filter::Not(Box::new(self.unary(depth + 1)?)));
        }
        if self.takes(&Token::Open) {
            let inner = self.or(depth + 1)?;
            self.needs(&Token::Close)?;
            return Ok(inner);
        }
        let Some(Token::Word(word)) = self.next() else { return Err("a property is missing".to_owned()) };
        if self.takes(&Token::Open) {
            return self.call(&word, depth);
        }
        let operator = match self.next() {
            Some(Token::Word(operator)) => named(&operator)?,
            _ => return Err(format!("`{word}` is compared with nothing; write `{word} eq 'value'`")),
        };
        let value = match self.next() {
            Some(Token::Text(text)) => Value::String(text),
            Some(Token::Word(word)) => literal(&word),
            _ => return Err(format!("`{word}` is compared with nothing")),
        };
        Ok(Filter::Compare(word, operator, value))
    }

    /// A function behind its parenthesis.
    fn call(&mut self, word: &str, depth: usize) -> Result<Filter, String> {
        if let Some(path) = word.strip_suffix("/any") {
            let Some(Token::Word(name)) = self.next() else { return Err("`any` names no item".to_owned()) };
            self.needs(&Token::Colon)?;
            let inner = self.or(depth + 1)?;
            self.needs(&Token::Close)?;
            return Ok(Filter::Any(path.to_owned(), name, Box::new(inner)));
        }
        let test = match word.to_ascii_lowercase().as_str() {
            "contains" => Test::Contains,
            "startswith" => Test::Begins,
            "endswith" => Test::Ends,
            _ => {
                return Err(format!(
                    "there is no function `{word}`; there are contains, startswith, endswith and any"
                ));
            }
        };
        let Some(Token::Word(path)) = self.next() else { return Err(format!("`{word}` names no property")) };
        self.needs(&Token::Comma)?;
        let Some(Token::Text(text)) = self.next() else { return Err(format!("`{word}` has no text")) };
        self.needs(&Token::Close)?;
        Ok(Filter::Within(test, path, text))
    }
}

fn named(operator: &str) -> Result<Operator, String> {
    Ok(match operator.to_ascii_lowercase().as_str() {
        "eq" => Operator::Equal,
        "ne" => Operator::NotEqual,
        "gt" => Operator::Greater,
        "ge" => Operator::GreaterOrEqual,
        "lt" => Operator::Less,
        "le" => Operator::LessOrEqual,
        _ => return Err(format!("there is no operator `{operator}`; there are eq, ne, gt, ge, lt and le")),
    })
}

/// A value without quotes: a number, a truth value, nothing, a time or a word.
fn literal(word: &str) -> Value {
    match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        _ => word.parse::<i64>().map_or_else(|_| Value::String(word.to_owned()), Value::from),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(filter: &str, expected: bool) {
        let incident = json!({ "name": "i1", "properties": {
            "status": "New", "severity": "High", "incidentNumber": 7, "title": "Ann's leak",
            "createdTimeUtc": "2026-11-21T10:00:00.0000000Z", "owner": { "assignedTo": null },
            "labels": [{ "labelName": "claims" }, { "labelName": "agents" }],
        } });
        assert_eq!(Filter::read(filter).map(|filter| filter.fits(&incident)), Ok(expected), "{filter}");
    }

    #[test]
    fn filters() {
        check("properties/status eq 'New'", true);
        check("properties/Status ne 'new'", false);
        check(
            "(properties/status eq 'Closed' or properties/severity eq 'High') and properties/incidentNumber ge 7",
            true,
        );
        check("not (properties/status eq 'New')", false);
        check("properties/createdTimeUtc gt 2026-11-21T09:59:59Z", true);
        check("properties/createdTimeUtc gt '2026-11-21T10:00:01Z'", false);
        check("contains(properties/title, 'ann''s')", true);
        check("startswith(properties/title,'leak') or endswith(properties/title,'leak')", true);
        check("properties/owner/assignedTo eq null", true);
        check("properties/labels/any(l: l/labelName eq 'agents')", true);
        check("properties/labels/any(l:l/labelName eq 'x')", false);
        check("properties/nothing eq 'x'", false);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for wrong in [
            "",
            "status",
            "status like 'x'",
            "(status eq 'x'",
            "status eq 'x' y",
            "f(status,'x')",
            "'x' eq status",
            "status eq 'x",
        ] {
            assert!(Filter::read(wrong).is_err(), "{wrong}");
        }
        assert!(Filter::read(&"(".repeat(5_000)).is_err());
        assert!(Filter::read(&"not ".repeat(1_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z/()', 0-9:and ornot]{0,80}") {
            if let Ok(filter) = Filter::read(&text) {
                filter.fits(&json!({ "a": 1 }));
            }
        }
    }
}
