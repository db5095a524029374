//! Functions, their parameters, and schemas.

use super::{Parser, Read};
use crate::ast::{ColumnDeclaration, Expr, ExprKind, Function, Parameter, ParameterKind, Schema};
use crate::lexer::{Token, TokenKind};
use crate::span::Span;
use crate::value::ScalarType;

/// The positions of the brackets that begin a function, `(parameters) {`, in order. One pass over all tokens: looking
/// ahead from every bracket would take time in proportion to the square of the text.
pub(super) fn function_starts(tokens: &[Token]) -> Vec<usize> {
    let (mut open, mut starts, mut last_stop) = (Vec::new(), Vec::new(), None);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Sign("(" | "[" | "{") => open.push(at),
            TokenKind::Sign(")" | "]" | "}") => {
                let Some(start) = open.pop() else { continue };
                let is_bracket = tokens.get(start).is_some_and(|token| token.kind == TokenKind::Sign("("));
                let has_body = tokens.get(at + 1).is_some_and(|next| next.kind == TokenKind::Sign("{"));
                // Parameters hold neither pipelines nor statements.
                if is_bracket && has_body && last_stop < Some(start) {
                    starts.push(start);
                }
            }
            TokenKind::Sign(";" | "|") => last_stop = Some(at),
            _ => {}
        }
    }
    starts.sort_unstable();
    starts
}

impl Parser<'_> {
    /// True before `(parameters) {`: the brackets close and a brace follows.
    pub(super) fn is_function(&self) -> bool {
        self.functions.binary_search(&self.at).is_ok()
    }

    pub(super) fn function(&mut self, start: Span, is_view: bool) -> Read<Expr> {
        let parameters = self.parameters()?;
        self.expect("{")?;
        let body = self.deeper(|parser| Ok(parser.script(TokenKind::Sign("}"))))?;
        let end = self.expect("}")?;
        let function = Function { is_view, parameters, body };
        Ok(Expr { kind: ExprKind::Function(Box::new(function)), span: start.to(end) })
    }

    /// `(name: type = default, ...)`, also empty.
    pub(super) fn parameters(&mut self) -> Read<Vec<Parameter>> {
        self.expect("(")?;
        let parameters = if self.is_sign(")") { Vec::new() } else { self.list(Self::parameter)? };
        self.expect(")")?;
        Ok(parameters)
    }

    pub(super) fn parameter(&mut self) -> Read<Parameter> {
        let name = self.name()?;
        self.expect(":")?;
        let kind = if self.is_sign("(") {
            ParameterKind::Table(self.schema()?)
        } else {
            ParameterKind::Scalar(self.scalar_type()?)
        };
        let default = if self.eat("=") { Some(self.expression()?) } else { None };
        Ok(Parameter { name, kind, default })
    }

    /// `(a: long, b: string, *)`
    pub(super) fn schema(&mut self) -> Read<Schema> {
        self.expect("(")?;
        let schema = self.columns_until(")")?;
        self.expect(")")?;
        Ok(schema)
    }

    fn columns_until(&mut self, end: &str) -> Read<Schema> {
        let mut schema = Schema::default();
        while !self.is_sign(end) {
            if self.eat("*") {
                schema.is_open = true;
                schema.before_star = schema.columns.len();
            } else {
                schema.columns.push(self.column_declaration()?);
            }
            if !self.eat(",") {
                break;
            }
        }
        Ok(schema)
    }

    /// `name: type`, or the name alone.
    pub(super) fn column_declaration(&mut self) -> Read<ColumnDeclaration> {
        let name = self.name()?;
        let scalar_type = if self.eat(":") { Some(self.scalar_type()?) } else { None };
        Ok(ColumnDeclaration { name, scalar_type })
    }

    pub(super) fn scalar_type(&mut self) -> Read<ScalarType> {
        let token = self.peek();
        let known = self.word().and_then(ScalarType::named);
        match known {
            Some(scalar_type) => {
                self.advance();
                Ok(scalar_type)
            }
            None if token.kind == TokenKind::Word => {
                let message = format!("there is no type `{}`", self.text(token));
                self.tell(crate::Diagnostic::error("unknown-type", token.span, message).with_help(
                    "use bool, int, long, real, decimal, string, datetime, timespan, guid or dynamic",
                ));
                Err(super::Failed)
            }
            None => self.unexpected("a type"),
        }
    }

    /// `typeof(long)` and `typeof(a: long, *)` behind the word.
    pub(super) fn type_of(&mut self, start: Span) -> Read<Expr> {
        self.expect("(")?;
        let is_single = self.word().is_some() && self.ahead(1).kind == TokenKind::Sign(")");
        let schema = if is_single {
            let span = self.peek().span;
            let scalar_type = Some(self.scalar_type()?);
            let name = crate::ast::Name { text: "".into(), span };
            Schema { columns: vec![ColumnDeclaration { name, scalar_type }], ..Schema::default() }
        } else if self.is_sign("(") {
            self.schema()?
        } else {
            self.columns_until(")")?
        };
        let end = self.expect(")")?;
        Ok(Expr { kind: ExprKind::TypeOf(schema), span: start.to(end) })
    }
}
