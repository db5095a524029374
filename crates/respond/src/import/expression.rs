//! Expressions of workflows, as far as they only name values: `@{variables('x')}`, `triggerBody()?['a']?['b']`.
//!
//! Whatever computes is refused with the function's name, since a playbook has nothing that computes.

/// How deep calls may nest.
const DEEPEST: usize = 16;

/// An expression that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Text(String),
    Number(String),
    Flag(bool),
    /// A call, and the members that are taken from what it gives.
    Call(String, Vec<Expression>, Vec<String>),
}

/// One piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Plain(String),
    Expression(Expression),
}

/// Reads a text of a workflow: an expression as a whole (`@...`), or plain text with `@{...}` in it.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    if text.starts_with("@@") {
        return Ok(vec![Piece::Plain(text.get(1..).unwrap_or_default().to_owned())]);
    }
    if let Some(whole) = text.strip_prefix('@').filter(|rest| !rest.starts_with('{')) {
        return Ok(vec![Piece::Expression(parse(whole)?)]);
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("@{") {
        let (plain, from) = rest.split_at(start);
        if !plain.is_empty() {
            found.push(Piece::Plain(plain.to_owned()));
        }
        let mut parser = Parser { text: from, offset: 2 };
        found.push(Piece::Expression(parser.expression(0)?));
        parser.expect('}')?;
        rest = from.get(parser.offset..).unwrap_or_default();
    }
    if !rest.is_empty() {
        found.push(Piece::Plain(rest.to_owned()));
    }
    Ok(found)
}

/// Reads one expression without its `@`.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { text, offset: 0 };
    let expression = parser.expression(0)?;
    parser.blank();
    if parser.offset < text.len() {
        return Err(format!("the expression `{text}` goes on where it should end"));
    }
    Ok(expression)
}

struct Parser<'t> {
    text: &'t str,
    offset: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn blank(&mut self) {
        self.offset += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, letter: char) -> bool {
        self.blank();
        let found = self.rest().starts_with(letter);
        self.offset += usize::from(found) * letter.len_utf8();
        found
    }

    fn expect(&mut self, letter: char) -> Result<(), String> {
        if self.take(letter) { Ok(()) } else { Err(format!("`{letter}` is missing in `{}`", self.text)) }
    }

    fn expression(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > DEEPEST {
            return Err("the expression is nested too deep".to_owned());
        }
        self.blank();
        if self.rest().starts_with('\'') {
            return self.literal().map(Expression::Text);
        }
        let is_part = |letter: &char| letter.is_ascii_alphanumeric() || "_.-".contains(*letter);
        let word: String = self.rest().chars().take_while(is_part).collect();
        self.offset += word.len();
        if !self.take('(') {
            return match word.as_str() {
                "true" | "false" => Ok(Expression::Flag(word == "true")),
                number if number.parse::<f64>().is_ok() => Ok(Expression::Number(word)),
                _ => Err(format!("`{word}` is neither a value nor a function")),
            };
        }
        let mut arguments = Vec::new();
        if !self.take(')') {
            loop {
                arguments.push(self.expression(depth + 1)?);
                if !self.take(',') {
                    break;
                }
            }
            self.expect(')')?;
        }
        Ok(Expression::Call(word, arguments, self.members()?))
    }

    fn members(&mut self) -> Result<Vec<String>, String> {
        let mut members = Vec::new();
        loop {
            let before = self.offset;
            self.take('?');
            if !self.take('[') {
                self.offset = before;
                return Ok(members);
            }
            self.blank();
            if self.rest().starts_with('\'') {
                members.push(self.literal()?);
            } else {
                let index: String = self.rest().chars().take_while(char::is_ascii_digit).collect();
                if index.is_empty() {
                    return Err(format!("a member is computed in `{}`", self.text));
                }
                self.offset += index.len();
                members.push(index);
            }
            self.expect(']')?;
        }
    }

    /// A text in single quotes; two of them are one.
    fn literal(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1).peekable();
        while let Some((at, letter)) = letters.next() {
            if letter != '\'' {
                text.push(letter);
            } else if letters.peek().is_some_and(|(_, next)| *next == '\'') {
                text.push('\'');
                letters.next();
            } else {
                self.offset += at + 1;
                return Ok(text);
            }
        }
        Err(format!("a text has no end in `{}`", self.text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(name: &str, argument: &str, members: &[&str]) -> Expression {
        let arguments =
            if argument.is_empty() { Vec::new() } else { vec![Expression::Text(argument.to_owned())] };
        Expression::Call(
            name.to_owned(),
            arguments,
            members.iter().map(|member| (*member).to_owned()).collect(),
        )
    }

    #[test]
    fn texts_with_expressions() {
        assert_eq!(pieces("plain"), Ok(vec![Piece::Plain("plain".to_owned())]));
        assert_eq!(pieces("@@home"), Ok(vec![Piece::Plain("@home".to_owned())]));
        let whole = pieces("@triggerBody()?['object']?['a''b'][0]");
        assert_eq!(whole, Ok(vec![Piece::Expression(call("triggerBody", "", &["object", "a'b", "0"]))]));
        let mixed = pieces("to @{variables('x')}!");
        let expected = [
            Piece::Plain("to ".to_owned()),
            Piece::Expression(call("variables", "x", &[])),
            Piece::Plain("!".to_owned()),
        ];
        assert_eq!(mixed, Ok(expected.to_vec()));
        assert!(pieces("@{variables('x'").is_err() && pieces("@variables('x') x").is_err());
        assert!(pieces(&format!("@{}", "f(".repeat(100))).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "[@{}()'a?\\[\\],0\u{e9} ]{0,40}") {
            let _ = pieces(&text);
        }
    }
}
