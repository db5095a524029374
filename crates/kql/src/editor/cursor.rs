//! Where the cursor stands: the tokens before it and the brackets around it. Text that is being written is seldom a
//! whole query, so that this goes by tokens and not by the tree.

use crate::lexer::{Token, TokenKind, comments, tokens};
use crate::span::Span;

/// Operators that can begin a pipeline.
pub(super) const SOURCES: [&str; 7] =
    ["datatable", "externaldata", "find", "print", "range", "search", "union"];

/// Words before a bracket that is not the bracket of a call.
const WORDS: [&str; 14] = [
    "and",
    "between",
    "!between",
    "by",
    "contains",
    "from",
    "has",
    "on",
    "or",
    "startswith",
    "step",
    "to",
    "where",
    "=~",
];

/// Most brackets inside one another that are looked into: no query that people write has as many.
pub(super) const MAX_LEVELS: usize = 100;

/// A place in a text.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    /// The tokens before the word.
    pub(super) before: Vec<Token>,
    /// The word that is being written; empty where none is.
    pub(super) word: Span,
    /// The brackets that are open, outermost first; the first stands for the text itself.
    pub(super) levels: Vec<Level>,
    /// Whether it is inside a text, a number or a comment, where nothing can be proposed.
    pub(super) is_quiet: bool,
}

/// An open bracket, and the statement or pipeline inside. Numbers are positions of tokens.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) open: Option<usize>,
    /// The first token inside.
    pub(super) first: usize,
    /// The first token of the last statement.
    pub(super) start: usize,
    /// The bars of the last statement.
    pub(super) bars: Vec<usize>,
    /// The commas of the last statement.
    pub(super) commas: usize,
}

/// What stands inside a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Statements: the text itself, or the body of a function.
    Statements,
    /// Rows: the right side of a join, an argument of `materialize`.
    Rows,
    /// A pipeline that goes on with the rows outside: `mv-apply`, `partition`, `fork`.
    Continued,
    /// The arguments of a function.
    Call,
    /// Items of a list, which may be rows: `in (...)`.
    Items,
    /// Names and types.
    Schema,
    /// Properties with values: `with (...)`.
    Properties,
    /// A part of an expression.
    Group,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str, offset: usize) -> Cursor<'t> {
        let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let place = Span::new(offset, offset);
        let (all, _) = tokens(text);
        let touched =
            all.iter().find(|token| token.span.start < place.start && place.start <= token.span.end);
        let at_word = all
            .iter()
            .find(|token| token.kind == TokenKind::Word && token.span.start == place.start)
            .filter(|_| touched.is_none_or(|token| token.kind != TokenKind::Word));
        let word = match touched.filter(|token| token.kind == TokenKind::Word).or(at_word) {
            Some(token) => token.span,
            None => place,
        };
        let is_quiet = touched.is_some_and(|token| is_constant(text, token, place))
            || comments(text).iter().any(|span| span.start < place.start && place.start <= span.end);
        let before: Vec<Token> = all
            .into_iter()
            .filter(|token| token.span.end <= word.start && token.kind != TokenKind::End)
            .collect();
        let levels = levels(&before);
        let is_quiet = is_quiet || levels.len() > MAX_LEVELS;
        let mut cursor = Cursor { text, before, word, levels, is_quiet };
        cursor.join_dashes();
        cursor
    }

    /// `project-aw` behind a bar is one word.
    fn join_dashes(&mut self) {
        let mut count = 0;
        while let [.., first, dash] = self.before.get(..self.before.len() - count).unwrap_or_default() {
            let ends_joined =
                self.before.get(self.before.len() - count).map_or(self.word.start, |next| next.span.start);
            let is_joined = first.kind == TokenKind::Word
                && dash.kind == TokenKind::Sign("-")
                && dash.is_joined
                && dash.span.end == ends_joined;
            if !is_joined {
                break;
            }
            count += 2;
        }
        let kept = self.before.len() - count;
        let begins = kept
            .checked_sub(1)
            .and_then(|at| self.before.get(at))
            .is_none_or(|token| matches!(token.kind, TokenKind::Sign("|" | ";" | "(" | "{")));
        if count > 0 && begins {
            let start = self.before.get(kept).map_or(self.word, |token| token.span);
            self.word = Span { start: start.start, end: self.word.end };
            self.before.truncate(kept);
        }
    }

    /// The text of a token.
    pub(super) fn token_text(&self, at: usize) -> &'t str {
        self.before.get(at).map_or("", |token| token.span.text(self.text))
    }

    pub(super) fn kind(&self, at: usize) -> TokenKind {
        self.before.get(at).map_or(TokenKind::End, |token| token.kind)
    }

    /// The last token before the word.
    pub(super) fn previous(&self) -> Option<usize> {
        self.before.len().checked_sub(1)
    }

    /// The text from one token up to another, without it.
    pub(super) fn between(&self, from: usize, to: usize) -> &'t str {
        let start = self.before.get(from).map_or(self.word.start, |token| token.span.start);
        let end = self.before.get(to).map_or(self.word.start, |token| token.span.start);
        Span { start, end }.text(self.text)
    }

    /// The innermost level whose rows the cursor can see.
    pub(super) fn pipeline(&self) -> usize {
        self.pipeline_within(self.levels.len().saturating_sub(1))
    }

    /// The same from a level outwards.
    pub(super) fn pipeline_within(&self, level: usize) -> usize {
        let is_pipeline = |at: &usize| {
            self.levels.get(*at).is_some_and(|level| !level.bars.is_empty())
                || matches!(self.role(*at), Role::Statements | Role::Rows | Role::Continued)
        };
        (0..=level).rev().find(is_pipeline).unwrap_or(0)
    }

    /// The first token of the pipeline of a level: behind `let name =`.
    pub(super) fn pipeline_start(&self, level: usize) -> usize {
        let Some(level) = self.levels.get(level) else { return 0 };
        let is_let = self.token_text(level.start) == "let";
        let named =
            (level.start..self.before.len()).take(5).find(|at| self.kind(*at) == TokenKind::Sign("="));
        match named.filter(|_| is_let) {
            Some(at) => at + 1,
            None => level.start,
        }
    }

    /// The operator of a level that the cursor is in: its name and the first token behind it. None in a source.
    pub(super) fn operator(&self, level: usize) -> Option<(&'t str, usize)> {
        let last_bar = self.levels.get(level)?.bars.last().copied();
        let start = last_bar.map_or_else(|| self.pipeline_start(level), |bar| bar + 1);
        let (name, next) = self.dashed(start)?;
        let begins = last_bar.is_some() || SOURCES.contains(&name) || self.role(level) == Role::Continued;
        begins.then_some((name, next))
    }

    /// A word with those that dashes join to it, and the token behind.
    fn dashed(&self, start: usize) -> Option<(&'t str, usize)> {
        let first = self.before.get(start).filter(|token| token.kind == TokenKind::Word)?;
        let (mut end, mut next) = (first.span, start + 1);
        while let [dash, word] = self.before.get(next..next + 2).unwrap_or_default() {
            let is_dashed = dash.kind == TokenKind::Sign("-")
                && dash.is_joined
                && word.kind == TokenKind::Word
                && word.is_joined;
            if !is_dashed {
                break;
            }
            (end, next) = (word.span, next + 2);
        }
        Some((first.span.to(end).text(self.text), next))
    }

    /// What stands inside a bracket.
    pub(super) fn role(&self, level: usize) -> Role {
        let Some(open) = self.levels.get(level).and_then(|level| level.open) else { return Role::Statements };
        match self.kind(open) {
            TokenKind::Sign("{") => return Role::Statements,
            TokenKind::Sign("(") => {}
            _ => return Role::Group,
        }
        let Some(outer) = level.checked_sub(1) else { return Role::Group };
        let operator = self.operator(outer);
        let name = operator.map(|(name, _)| name).unwrap_or_default();
        let Some(previous) = open.checked_sub(1) else { return Role::Rows };
        let word = self.token_text(previous);
        let is_first = operator.is_some_and(|(_, next)| next == open);
        let is_value = previous.checked_sub(1).is_some_and(|at| self.kind(at) == TokenKind::Sign("="));
        match self.kind(previous) {
            TokenKind::Word => match word {
                "materialize" | "toscalar" | "totable" | "view" => Role::Rows,
                "in" | "in~" | "!in" | "!in~" | "has_any" | "has_all" => match name {
                    "find" | "search" => Role::Rows,
                    _ => Role::Items,
                },
                "on" if name == "mv-apply" => Role::Continued,
                "with" if name == "facet" => Role::Continued,
                "typeof" | "datatable" | "externaldata" | "query_parameters" => Role::Schema,
                "as" if name == "parse-kv" => Role::Schema,
                "with" => Role::Properties,
                _ if name == "fork" && (is_first || is_value) => Role::Continued,
                _ if name == "partition" && !is_first => Role::Continued,
                _ if matches!(name, "join" | "lookup" | "union") && (is_first || is_value) => Role::Rows,
                _ if WORDS.contains(&word) => Role::Group,
                _ => Role::Call,
            },
            TokenKind::Sign(",") if name == "union" => Role::Rows,
            TokenKind::Sign("=") if name == "fork" => Role::Continued,
            TokenKind::Sign(")") if name == "fork" => Role::Continued,
            TokenKind::Sign("=") if self.pipeline_start(outer) == open => Role::Rows,
            TokenKind::Sign(";" | "(" | "{") if self.pipeline_start(outer) == open => {
                self.role(outer).of_brackets()
            }
            _ => Role::Group,
        }
    }

    /// The name of the function whose arguments the cursor is in, and the position of the argument.
    pub(super) fn call(&self) -> Option<(&'t str, usize)> {
        let pipeline = self.pipeline();
        for at in (0..self.levels.len()).rev() {
            let level = self.levels.get(at)?;
            let name = level.open.and_then(|open| open.checked_sub(1)).map(|name| self.token_text(name));
            let is_call = self.role(at) == Role::Call || matches!(name, Some("materialize" | "toscalar"));
            if let Some(name) = name.filter(|_| is_call) {
                return Some((name, level.commas));
            }
            if at <= pipeline {
                return None;
            }
        }
        None
    }
}

impl Role {
    /// What brackets around a whole pipeline hold.
    fn of_brackets(self) -> Role {
        match self {
            Role::Statements | Role::Rows => Role::Rows,
            _ => Role::Group,
        }
    }
}

/// Inside a text or a number, or behind a text that is not closed.
fn is_constant(text: &str, token: &Token, place: Span) -> bool {
    match token.kind {
        TokenKind::Text => {
            let written = token.span.text(text);
            let is_closed = written.len() > 1 && written.ends_with(['\'', '"', '`', '~']);
            place.start < token.span.end || !is_closed
        }
        TokenKind::Whole | TokenKind::Real | TokenKind::TimeSpan => true,
        _ => false,
    }
}

/// The brackets that are open behind the tokens.
fn levels(tokens: &[Token]) -> Vec<Level> {
    let level = |open: Option<usize>, first| Level { open, first, start: first, bars: Vec::new(), commas: 0 };
    let mut levels = vec![level(None, 0)];
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Sign("(" | "[" | "{") => levels.push(level(Some(at), at + 1)),
            TokenKind::Sign(")" | "]" | "}") if levels.len() > 1 => {
                levels.pop();
            }
            TokenKind::Sign(sign) => {
                // A bracket that was never closed: no pipeline begins with a bar.
                while sign == "|" && levels.len() > 1 && levels.last().is_some_and(|level| level.first == at)
                {
                    levels.pop();
                }
                if let Some(level) = levels.last_mut() {
                    match sign {
                        ";" => {
                            level.start = at + 1;
                            level.bars.clear();
                            level.commas = 0;
                        }
                        "|" => level.bars.push(at),
                        "," => level.commas += 1,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    levels
}
