//! Statements.

use super::{Failed, Parser, Read};
use crate::ast::{ExprKind, Name, Pattern, PatternCase, Script, Statement};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// Statements up to `end`, which is not taken.
    pub(super) fn script(&mut self, end: TokenKind) -> Script {
        let mut script = Script::default();
        loop {
            while self.eat(";") {}
            if self.peek().kind == end || self.peek().kind == TokenKind::End {
                return script;
            }
            let (nesting, start) = (self.nesting, self.at);
            match self.statement() {
                Ok(statement) => {
                    script.statements.push(statement);
                    let is_done =
                        self.is_sign(";") || self.peek().kind == end || self.peek().kind == TokenKind::End;
                    if !is_done {
                        self.unfinished();
                        self.skip_statement(nesting, end);
                    }
                }
                Err(Failed) => {
                    let span = self.peek().span;
                    script.statements.push(Statement::Query(Self::error_at(span)));
                    self.skip_statement(nesting, end);
                }
            }
            if self.at == start {
                self.advance();
            }
        }
    }

    /// Goes behind the statement.
    fn skip_statement(&mut self, nesting: usize, end: TokenKind) {
        loop {
            self.recover(nesting);
            let token = self.peek();
            let is_end = token.kind == end && self.nesting <= nesting;
            if token.kind == TokenKind::End || is_end || token.kind == TokenKind::Sign(";") {
                return;
            }
            self.advance();
        }
    }

    fn statement(&mut self) -> Read<Statement> {
        let next_is_name = matches!(self.ahead(1).kind, TokenKind::Word | TokenKind::Sign("["));
        match self.word() {
            Some("let") if next_is_name => self.let_statement(),
            Some("let") if self.ahead(1).kind == TokenKind::Sign("=") => {
                self.advance();
                self.unexpected("a name")
            }
            Some("set") if next_is_name => self.set_statement(),
            Some("declare") if next_is_name => self.declare_statement(),
            Some("alias") if next_is_name => {
                self.advance();
                self.expect_word("database")?;
                let name = self.name()?;
                self.expect("=")?;
                Ok(Statement::Alias { name, target: self.expression()? })
            }
            Some("restrict") if next_is_name => {
                self.advance();
                self.expect_word("access")?;
                self.expect_word("to")?;
                self.expect("(")?;
                let entities = self.list(Self::name_pattern)?;
                self.expect(")")?;
                Ok(Statement::Restrict(entities))
            }
            _ if self.is_sign("|") => {
                let span = self.peek().span;
                let message = "a query begins with a table, not with `|`";
                self.fail("no-source", span, message)
            }
            _ if self.is_sign(".") => {
                let span = self.peek().span;
                self.fail("management-command", span, "management commands are not part of a query")
            }
            _ if self.begins_without_source() => Ok(Statement::Query(self.pipeline_without_source())),
            _ => Ok(Statement::Query(self.pipeline()?)),
        }
    }

    fn let_statement(&mut self) -> Read<Statement> {
        self.advance();
        let name = self.name()?;
        self.expect("=")?;
        let value = self.pipeline()?;
        if value.kind == ExprKind::Error {
            return Err(Failed);
        }
        Ok(Statement::Let { name, value })
    }

    fn set_statement(&mut self) -> Read<Statement> {
        self.advance();
        let name = self.name()?;
        let value = if self.eat("=") { Some(self.expression()?) } else { None };
        Ok(Statement::Set { name, value })
    }

    fn declare_statement(&mut self) -> Read<Statement> {
        self.advance();
        if self.eat_word("query_parameters") {
            return Ok(Statement::Parameters(self.parameters()?));
        }
        self.expect_word("pattern")?;
        let name = self.name()?;
        if !self.eat("=") {
            let pattern = Pattern { name, parameters: Vec::new(), path: None, cases: Vec::new() };
            return Ok(Statement::Pattern(Box::new(pattern)));
        }
        let parameters = self.parameters()?;
        let path = if self.eat("[") {
            let parameter = self.parameter()?;
            self.expect("]")?;
            Some(parameter)
        } else {
            None
        };
        self.expect("{")?;
        let mut cases = Vec::new();
        while !self.is_sign("}") {
            cases.push(self.pattern_case()?);
            self.eat(";");
        }
        self.expect("}")?;
        Ok(Statement::Pattern(Box::new(Pattern { name, parameters, path, cases })))
    }

    fn pattern_case(&mut self) -> Read<PatternCase> {
        self.expect("(")?;
        let values = self.list(Self::expression)?;
        self.expect(")")?;
        let path = if self.eat(".") {
            self.expect("[")?;
            let path = self.expression()?;
            self.expect("]")?;
            Some(path)
        } else {
            None
        };
        self.expect("=")?;
        self.expect("{")?;
        let body = self.deeper(|parser| Ok(parser.script(TokenKind::Sign("}"))))?;
        self.expect("}")?;
        Ok(PatternCase { values, path, body })
    }

    /// A name behind a word such as `as`, if the word is there.
    pub(super) fn name_after(&mut self, word: &str) -> Read<Option<Name>> {
        if self.eat_word(word) { self.name().map(Some) } else { Ok(None) }
    }
}
