//! Expressions.
//!
//! Operators with two sides, from the loosest to the tightest: `or`; `and`; equality, `in`, `between`; order; `+ -`;
//! `* / %`; operators on text. Source: the order of rules in the vendor's published grammar.

use super::{Failed, Parser, Read, literals};
use crate::ast::{Argument, BinaryKind, BinaryOperator, Expr, ExprKind, MembershipOperator, Name};
use crate::diagnostic::Diagnostic;
use crate::lexer::TokenKind;

/// How tightly the operators bind.
const OR: u8 = 1;
const AND: u8 = 2;
const EQUALITY: u8 = 3;
const ORDER: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;
const TEXT: u8 = 7;

/// An operator behind a left side.
enum Infix {
    Binary(BinaryOperator, u8),
    Between { is_negated: bool },
    Membership(MembershipOperator),
}

const fn plain(kind: BinaryKind) -> BinaryOperator {
    BinaryOperator { kind, is_negated: false, is_case_sensitive: true }
}

impl Parser<'_> {
    /// An expression without a pipeline.
    pub(super) fn expression(&mut self) -> Read<Expr> {
        self.deeper(|parser| parser.binary(OR))
    }

    fn binary(&mut self, tightness: u8) -> Read<Expr> {
        let (mut left, mut height) = self.measured(Self::unary)?;
        while let Some((infix, tokens)) = self.infix() {
            let binds = match &infix {
                Infix::Binary(_, binds) => *binds,
                Infix::Between { .. } | Infix::Membership(_) => EQUALITY,
            };
            if binds < tightness {
                break;
            }
            (0..tokens).for_each(|_| {
                self.advance();
            });
            let (start, above) = (left.span, height);
            (left, height) = self.measured(|parser| match infix {
                Infix::Binary(operator, binds) => {
                    let right = parser.deeper(|parser| parser.binary(binds + 1))?;
                    let span = left.span.to(right.span);
                    let kind = ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
                    Ok(Expr { kind, span })
                }
                Infix::Between { is_negated } => parser.between(left, is_negated),
                Infix::Membership(operator) => parser.membership(left, operator),
            })?;
            height = height.max(above) + 1;
            self.rise(height, start)?;
        }
        self.rise(height, left.span)?;
        Ok(left)
    }

    /// The operator that comes next and how many tokens it has.
    fn infix(&self) -> Option<(Infix, usize)> {
        let token = self.peek();
        let binary = |kind, is_negated, is_case_sensitive, binds| {
            Some((Infix::Binary(BinaryOperator { kind, is_negated, is_case_sensitive }, binds), 1))
        };
        match token.kind {
            TokenKind::Sign(sign) => match sign {
                "==" => binary(BinaryKind::Equal, false, true, EQUALITY),
                "!=" | "<>" => binary(BinaryKind::Equal, true, true, EQUALITY),
                "=~" => binary(BinaryKind::Equal, false, false, TEXT),
                "!~" => binary(BinaryKind::Equal, true, false, TEXT),
                "<" => binary(BinaryKind::Less, false, true, ORDER),
                "<=" => binary(BinaryKind::LessOrEqual, false, true, ORDER),
                ">" => binary(BinaryKind::Greater, false, true, ORDER),
                ">=" => binary(BinaryKind::GreaterOrEqual, false, true, ORDER),
                "+" => binary(BinaryKind::Add, false, true, SUM),
                "-" => binary(BinaryKind::Subtract, false, true, SUM),
                "*" => binary(BinaryKind::Multiply, false, true, PRODUCT),
                "/" => binary(BinaryKind::Divide, false, true, PRODUCT),
                "%" => binary(BinaryKind::Modulo, false, true, PRODUCT),
                ":" if self.in_search => binary(BinaryKind::Search, false, false, TEXT),
                _ => None,
            },
            TokenKind::Word => self.word_infix(self.text(token)),
            _ => None,
        }
    }

    fn word_infix(&self, word: &str) -> Option<(Infix, usize)> {
        let (base, is_negated) = word.strip_prefix('!').map_or((word, false), |base| (base, true));
        let member = |operator| Some((Infix::Membership(operator), 1));
        match base {
            "or" if !is_negated => return Some((Infix::Binary(plain(BinaryKind::Or), OR), 1)),
            "and" if !is_negated => return Some((Infix::Binary(plain(BinaryKind::And), AND), 1)),
            "between" => return Some((Infix::Between { is_negated }, 1)),
            "in" => return member(MembershipOperator::In { is_negated, is_case_sensitive: true }),
            "in~" => return member(MembershipOperator::In { is_negated, is_case_sensitive: false }),
            "has_any" if !is_negated => return member(MembershipOperator::HasAny),
            "has_all" if !is_negated => return member(MembershipOperator::HasAll),
            "matches" if !is_negated => {
                let next = self.ahead(1);
                let is_regex = next.kind == TokenKind::Word && self.text(next) == "regex";
                return is_regex.then(|| (Infix::Binary(plain(BinaryKind::MatchesRegex), TEXT), 2));
            }
            _ => {}
        }
        let (base, is_case_sensitive) = base.strip_suffix("_cs").map_or((base, false), |base| (base, true));
        let (kind, is_case_sensitive) = match base {
            "has" => (BinaryKind::Has, is_case_sensitive),
            "hasprefix" => (BinaryKind::HasPrefix, is_case_sensitive),
            "hassuffix" => (BinaryKind::HasSuffix, is_case_sensitive),
            "contains" => (BinaryKind::Contains, is_case_sensitive),
            // Legacy spellings.
            "containscs" => (BinaryKind::Contains, true),
            "notcontains" => return legacy_negation(BinaryKind::Contains, false),
            "notcontainscs" => return legacy_negation(BinaryKind::Contains, true),
            "startswith" => (BinaryKind::StartsWith, is_case_sensitive),
            "endswith" => (BinaryKind::EndsWith, is_case_sensitive),
            "like" => (BinaryKind::Like, is_case_sensitive),
            "likecs" => (BinaryKind::Like, true),
            "notlike" => return legacy_negation(BinaryKind::Like, false),
            "notlikecs" => return legacy_negation(BinaryKind::Like, true),
            _ => return None,
        };
        Some((Infix::Binary(BinaryOperator { kind, is_negated, is_case_sensitive }, TEXT), 1))
    }

    fn between(&mut self, value: Expr, is_negated: bool) -> Read<Expr> {
        self.expect("(")?;
        let low = self.expression()?;
        self.expect("..")?;
        let high = self.expression()?;
        let end = self.expect(")")?;
        let span = value.span.to(end);
        let kind = ExprKind::Between {
            value: Box::new(value),
            is_negated,
            low: Box::new(low),
            high: Box::new(high),
        };
        Ok(Expr { kind, span })
    }

    /// The items stand in brackets; a single name or call can stand without.
    fn membership(&mut self, value: Expr, operator: MembershipOperator) -> Read<Expr> {
        let start = value.span;
        let items = if self.eat("(") {
            let items = if self.is_sign(")") { Vec::new() } else { self.items()? };
            self.expect(")")?;
            items
        } else {
            vec![self.deeper(Self::postfix)?]
        };
        let kind = ExprKind::Membership { value: Box::new(value), operator, items };
        Ok(Expr { kind, span: start.to(self.here()) })
    }

    /// Items separated by commas; a comma may stand behind the last one.
    fn items(&mut self) -> Read<Vec<Expr>> {
        let mut items = vec![self.pipeline()?];
        while self.eat(",") {
            if self.is_sign(")") {
                break;
            }
            items.push(self.pipeline()?);
        }
        Ok(items)
    }

    fn unary(&mut self) -> Read<Expr> {
        let token = self.peek();
        let is_minus = match token.kind {
            TokenKind::Sign("-") => true,
            TokenKind::Sign("+") => false,
            _ => return self.postfix(),
        };
        self.advance();
        let operand = self.deeper(Self::unary)?;
        let span = token.span.to(operand.span);
        if let (true, ExprKind::Literal { value, scalar_type }) = (is_minus, &operand.kind)
            && let Some(value) = literals::negated(value)
        {
            return Ok(literals::literal(value, *scalar_type, span));
        }
        Ok(Expr { kind: ExprKind::Unary { is_minus, operand: Box::new(operand) }, span })
    }

    /// A primary expression with calls, members and indices behind it.
    pub(super) fn postfix(&mut self) -> Read<Expr> {
        let (mut expr, mut height) = self.measured(Self::primary)?;
        while self.is_link(&expr) {
            let (start, above) = (expr.span, height);
            (expr, height) = self.measured(|parser| parser.link(expr))?;
            height = height.max(above) + 1;
            self.rise(height, start)?;
        }
        self.rise(height, expr.span)?;
        Ok(expr)
    }

    fn is_link(&self, base: &Expr) -> bool {
        self.is_sign("[") || self.is_sign(".") || self.is_sign("(") && is_callable(base)
    }

    /// A call, an index or a member behind its base.
    fn link(&mut self, base: Expr) -> Read<Expr> {
        let start = base.span;
        let base = Box::new(base);
        if self.is_sign("(") {
            let arguments = self.arguments()?;
            return Ok(Expr {
                kind: ExprKind::Call { callee: base, arguments },
                span: start.to(self.here()),
            });
        }
        if self.is_sign("[") || self.is_index(1) {
            // `split(x, ".").[0]` is in use beside `split(x, ".")[0]`.
            self.eat(".");
            self.advance();
            let index = Box::new(self.expression()?);
            let end = self.expect("]")?;
            return Ok(Expr { kind: ExprKind::Index { base, index }, span: start.to(end) });
        }
        self.advance();
        let name = self.member()?;
        let span = start.to(name.span);
        Ok(Expr { kind: ExprKind::Member { base, name }, span })
    }

    /// True when an index in brackets comes `ahead`, and no name in brackets and quotes.
    fn is_index(&self, ahead: usize) -> bool {
        self.ahead(ahead).kind == TokenKind::Sign("[") && self.ahead(ahead + 1).kind != TokenKind::Text
    }

    /// A member's name; it may be a number or end in a wildcard: `database("d").T*`.
    fn member(&mut self) -> Read<Name> {
        if let Some(name) = self.bracketed_name() {
            return Ok(name);
        }
        let token = self.peek();
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::Whole | TokenKind::TimeSpan)
            || token.kind == TokenKind::Sign("*");
        if !is_name {
            return self.unexpected("the name of a member");
        }
        self.advance();
        let mut span = token.span;
        while self.peek().is_joined && self.is_sign("*") && !self.begins_operand(1) {
            span = span.to(self.advance().span);
        }
        Ok(Name { text: span.text(self.query).into(), span })
    }

    /// True when an operand comes `ahead`, so that a `*` before it multiplies.
    fn begins_operand(&self, ahead: usize) -> bool {
        let token = self.ahead(ahead);
        match token.kind {
            TokenKind::Word => self.word_infix(self.text(token)).is_none(),
            TokenKind::Whole | TokenKind::Real | TokenKind::TimeSpan | TokenKind::Text => true,
            TokenKind::Sign(sign) => matches!(sign, "(" | "[" | "-" | "+"),
            TokenKind::Unknown | TokenKind::End => false,
        }
    }

    /// `(a, name = b)`
    pub(super) fn arguments(&mut self) -> Read<Vec<Argument>> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.is_sign(")") {
            arguments.push(self.argument()?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(arguments)
    }

    fn argument(&mut self) -> Read<Argument> {
        let length = if self.is_sign("[") { 3 } else { 1 };
        let is_named = matches!(self.peek().kind, TokenKind::Word | TokenKind::Sign("["))
            && self.ahead(length).kind == TokenKind::Sign("=");
        let name = if is_named {
            let name = self.name()?;
            self.expect("=")?;
            Some(name)
        } else {
            None
        };
        Ok(Argument { name, value: self.pipeline()? })
    }

    fn primary(&mut self) -> Read<Expr> {
        let token = self.peek();
        match token.kind {
            TokenKind::Whole | TokenKind::Real | TokenKind::TimeSpan | TokenKind::Text => {
                self.plain_literal()
            }
            TokenKind::Word => self.word_expression(),
            TokenKind::Sign("(") if self.is_function() => self.function(token.span, false),
            TokenKind::Sign("(") => {
                self.advance();
                let mut inner = self.pipeline()?;
                if self.is_sign(",") {
                    let span = token.span.to(self.peek().span);
                    let several = Diagnostic::error("several-values", span, "these brackets hold one value");
                    self.tell(several.with_help("compare with several by `in`, `has_any` or `has_all`"));
                    return Err(Failed);
                }
                let end = self.expect(")")?;
                inner.span = token.span.to(end);
                Ok(inner)
            }
            TokenKind::Sign("[") => match self.bracketed_name() {
                Some(name) => Ok(Expr { kind: ExprKind::Name(name.text), span: name.span }),
                None => self.unexpected("an expression"),
            },
            TokenKind::Sign("*") => {
                self.advance();
                let next = self.peek();
                if next.kind == TokenKind::Word && next.is_joined {
                    return Ok(self.wildcard(token.span));
                }
                Ok(Expr { kind: ExprKind::Star, span: token.span })
            }
            _ => self.unexpected("an expression"),
        }
    }

    fn word_expression(&mut self) -> Read<Expr> {
        if let Some(scalar_type) = self.is_typed_literal() {
            return self.typed_literal(scalar_type);
        }
        let token = self.peek();
        if self.is_marked(token) {
            return self.unexpected("an expression");
        }
        let word = self.text(token);
        let is_call = self.ahead(1).kind == TokenKind::Sign("(");
        let boolean =
            |flag| Ok(literals::literal(crate::Value::Bool(flag), crate::ScalarType::Bool, token.span));
        match word {
            "true" | "True" | "TRUE" if !is_call => {
                self.advance();
                return boolean(true);
            }
            "false" | "False" | "FALSE" if !is_call => {
                self.advance();
                return boolean(false);
            }
            "typeof" if is_call => {
                self.advance();
                return self.type_of(token.span);
            }
            "entity_group" if self.ahead(1).kind == TokenKind::Sign("[") => return self.entity_group(),
            "view" if is_call => {
                self.advance();
                if self.is_function() {
                    return self.function(token.span, true);
                }
                return Ok(Expr { kind: ExprKind::Name(word.into()), span: token.span });
            }
            _ => {}
        }
        self.advance();
        Ok(Expr { kind: ExprKind::Name(word.into()), span: token.span })
    }

    /// `entity_group [cluster("c").database("d"), database("e")]`
    fn entity_group(&mut self) -> Read<Expr> {
        let start = self.advance().span;
        self.expect("[")?;
        let members = self.list(Self::expression)?;
        let end = self.expect("]")?;
        Ok(Expr { kind: ExprKind::EntityGroup(members), span: start.to(end) })
    }

    /// `a*b*`, the first token of which is taken.
    fn wildcard(&mut self, start: crate::Span) -> Expr {
        let mut span = start;
        loop {
            let next = self.peek();
            let is_part =
                matches!(next.kind, TokenKind::Word | TokenKind::Whole | TokenKind::Sign("*" | "."));
            if !is_part || !next.is_joined {
                break;
            }
            span = span.to(self.advance().span);
        }
        Expr { kind: ExprKind::Wildcard(span.text(self.query).into()), span }
    }

    /// A name, possibly with wildcards, or a table of another database.
    pub(super) fn name_pattern(&mut self) -> Read<Expr> {
        let (first, second) = (self.peek(), self.ahead(1));
        let is_wildcard = match first.kind {
            TokenKind::Word => second.kind == TokenKind::Sign("*") && second.is_joined,
            TokenKind::Sign("*") => {
                matches!(second.kind, TokenKind::Word | TokenKind::Whole) && second.is_joined
            }
            _ => false,
        };
        if is_wildcard {
            self.advance();
            return Ok(self.wildcard(first.span));
        }
        self.postfix()
    }
}

fn legacy_negation(kind: BinaryKind, is_case_sensitive: bool) -> Option<(Infix, usize)> {
    Some((Infix::Binary(BinaryOperator { kind, is_negated: true, is_case_sensitive }, TEXT), 1))
}

/// Names and members of databases can be called; `1 (2)` is no call.
fn is_callable(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Name(_) | ExprKind::Member { .. })
}
