//! Tokens to a tree, by recursive descent; operators with two sides by precedence.
//!
//! An error ends the operator that it stands in and nothing else: the parser goes on behind the next `|`, `;` or closing
//! bracket of the same depth, so that one query can have several messages, each of which counts.

mod expressions;
mod functions;
mod graph;
mod literals;
mod operators;
mod statements;
mod tabular;
mod unfinished;

use crate::ast::{Expr, ExprKind, Name, Script};
use crate::diagnostic::Diagnostic;
use crate::lexer::{Token, TokenKind, tokens};
use crate::span::Span;

/// Expressions and pipelines inside one another.
const MAX_DEPTH: usize = 200;
/// Operators and members in a row, along one path from the root of an expression to a leaf: whatever walks a tree may
/// do so by recursion.
const MAX_HEIGHT: usize = 500;
/// Messages after which a text is no query at all.
const MAX_DIAGNOSTICS: usize = 100;
/// Longest query that is read, in bytes. Azure Monitor's own limit is lower.
const MAX_LENGTH: usize = 4 << 20;

/// What [`parse`] gives.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Parsed {
    /// The tree, with [`ExprKind::Error`] where something could not be read.
    pub script: Script,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a query. Never fails: whatever the text, there is a tree and a list of what is wrong with it.
///
/// ```
/// let parsed = castellan_kql::parse("SigninLogs | summarise count() by UserPrincipalName");
/// assert_eq!(parsed.diagnostics[0].to_string(), "there is no operator `summarise` (did you mean `summarize`?)");
/// assert!(castellan_kql::parse("SigninLogs | where TimeGenerated > ago(1d)").diagnostics.is_empty());
/// ```
pub fn parse(query: &str) -> Parsed {
    if query.len() > MAX_LENGTH {
        let message = format!("a query may have at most {MAX_LENGTH} bytes");
        let diagnostics = vec![Diagnostic::error("too-long", Span::new(0, 0), message)];
        return Parsed { script: Script::default(), diagnostics };
    }
    let (tokens, lexical) = tokens(query);
    let mut parser = Parser {
        query,
        functions: functions::function_starts(&tokens),
        tokens,
        at: 0,
        diagnostics: Vec::new(),
        nesting: 0,
        depth: 0,
        constants: Vec::new(),
        height: 0,
        in_search: false,
    };
    let script = parser.script(TokenKind::End);
    let (mut diagnostics, constants) = (parser.diagnostics, parser.constants);
    diagnostics.extend(lexical.into_iter().filter(|told| !is_inside(&constants, told.span)));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    diagnostics.truncate(MAX_DIAGNOSTICS);
    Parsed { script, diagnostics }
}

/// True where one of the ranges, which stand in order, holds the span.
fn is_inside(ranges: &[Span], span: Span) -> bool {
    let next = ranges.partition_point(|range| range.start <= span.start);
    next.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| span.end <= range.end)
}

/// The reason stands in the diagnostics already.
#[derive(Debug)]
struct Failed;

type Read<T> = Result<T, Failed>;

struct Parser<'q> {
    query: &'q str,
    tokens: Vec<Token>,
    /// Positions of the brackets that begin a function.
    functions: Vec<usize>,
    at: usize,
    diagnostics: Vec<Diagnostic>,
    /// Open brackets before the next token.
    nesting: usize,
    depth: usize,
    /// The insides of typed constants, which are not made of tokens: what the lexer says of them does not count.
    constants: Vec<Span>,
    /// The height of the highest expression since this was last set to 0.
    height: usize,
    /// True where `column: term` is an expression.
    in_search: bool,
}

impl<'q> Parser<'q> {
    fn peek(&self) -> Token {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> Token {
        let end = Token {
            kind: TokenKind::End,
            span: Span::new(self.query.len(), self.query.len()),
            is_joined: false,
        };
        self.tokens.get(self.at + count).copied().unwrap_or(end)
    }

    fn text(&self, token: Token) -> &'q str {
        token.span.text(self.query)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek();
        match token.kind {
            TokenKind::Sign("(" | "[" | "{") => self.nesting += 1,
            TokenKind::Sign(")" | "]" | "}") => self.nesting = self.nesting.saturating_sub(1),
            TokenKind::End => return token,
            _ => {}
        }
        self.at += 1;
        token
    }

    /// The end of the last token.
    fn here(&self) -> Span {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or_else(Span::default, |token| token.span)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek().kind, TokenKind::Sign(found) if found == sign)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Read<Span> {
        if self.is_sign(sign) {
            return Ok(self.advance().span);
        }
        self.unexpected(&format!("`{sign}`"))
    }

    /// The next word, if it is one.
    fn word(&self) -> Option<&'q str> {
        let token = self.peek();
        (token.kind == TokenKind::Word).then(|| self.text(token))
    }

    fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    fn expect_word(&mut self, word: &str) -> Read<Span> {
        if self.is_word(word) {
            return Ok(self.advance().span);
        }
        self.unexpected(&format!("`{word}`"))
    }

    /// Words joined by minus signs without blanks, `project-away`, and how many tokens they are.
    fn dashed_word(&self) -> Option<(&'q str, usize)> {
        let first = self.peek();
        if first.kind != TokenKind::Word {
            return None;
        }
        let (mut count, mut end) = (1, first.span);
        loop {
            let (dash, next) = (self.ahead(count), self.ahead(count + 1));
            let is_dash = dash.kind == TokenKind::Sign("-") && dash.is_joined;
            if !is_dash || next.kind != TokenKind::Word || !next.is_joined {
                return Some((first.span.to(end).text(self.query), count));
            }
            end = next.span;
            count += 2;
        }
    }

    fn eat_dashed(&mut self, word: &str) -> bool {
        match self.dashed_word() {
            Some((found, count)) if found == word => {
                (0..count).for_each(|_| {
                    self.advance();
                });
                true
            }
            _ => false,
        }
    }

    /// Says what was expected and gives up on the current operator.
    fn unexpected<T>(&mut self, expected: &str) -> Read<T> {
        let token = self.peek();
        let found = match token.kind {
            TokenKind::End => "the query ends".to_owned(),
            TokenKind::Unknown => return Err(Failed),
            _ => format!("found `{}`", shortened(self.text(token))),
        };
        self.fail("unexpected-token", token.span, format!("expected {expected}, {found}"))
    }

    fn fail<T>(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> Read<T> {
        self.tell(Diagnostic::error(code, span, message));
        Err(Failed)
    }

    fn tell(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Goes to the next `|`, `;` or closing bracket that is nested as deep as `nesting`, or to the end.
    fn recover(&mut self, nesting: usize) {
        loop {
            let token = self.peek();
            let is_stop = match token.kind {
                TokenKind::End => return,
                TokenKind::Sign("|" | ";" | ")" | "]" | "}") => self.nesting <= nesting,
                _ => false,
            };
            if is_stop {
                return;
            }
            self.advance();
        }
    }

    /// Runs a part that can hold parts of its own kind.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.deeper_by(1, read)
    }

    /// The same of a part that takes as much stack as several others.
    fn deeper_by<T>(&mut self, levels: usize, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth + levels > MAX_DEPTH {
            let span = self.peek().span;
            return self.fail("too-deep", span, format!("nested more than {} deep", MAX_DEPTH / levels));
        }
        self.depth += levels;
        let read = read(self);
        self.depth -= levels;
        read
    }

    /// Runs a part and says how high the expressions in it are.
    fn measured<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<(T, usize)> {
        let before = std::mem::take(&mut self.height);
        let read = read(self);
        let height = std::mem::replace(&mut self.height, before);
        read.map(|read| (read, height))
    }

    /// Takes note of an expression, if it is not too high.
    fn rise(&mut self, height: usize, span: Span) -> Read<()> {
        if height > MAX_HEIGHT {
            return self.fail("too-deep", span, format!("more than {MAX_HEIGHT} operators in a row"));
        }
        self.height = self.height.max(height);
        Ok(())
    }

    /// A name: a word, or any text in brackets and quotes.
    fn name(&mut self) -> Read<Name> {
        let token = self.peek();
        if token.kind == TokenKind::Word && !self.is_marked(token) {
            self.advance();
            return Ok(Name { text: self.text(token).into(), span: token.span });
        }
        if let Some(name) = self.bracketed_name() {
            return Ok(name);
        }
        self.unexpected("a name")
    }

    /// True for `!has` and `in~`, which are words but can be no names.
    fn is_marked(&self, token: Token) -> bool {
        self.text(token).starts_with('!') || self.text(token).ends_with('~')
    }

    /// `['a name']`
    fn bracketed_name(&mut self) -> Option<Name> {
        let is_name = self.is_sign("[")
            && self.ahead(1).kind == TokenKind::Text
            && self.ahead(2).kind == TokenKind::Sign("]");
        if !is_name {
            return None;
        }
        let start = self.advance().span;
        let text = self.advance();
        let end = self.advance().span;
        Some(Name { text: literals::unquoted(self.text(text)).into(), span: start.to(end) })
    }

    /// Items separated by commas, at least one.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn error_at(span: Span) -> Expr {
        Expr { kind: ExprKind::Error, span }
    }
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{short}...") } else { short }
}
