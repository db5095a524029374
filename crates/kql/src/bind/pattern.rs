//! `declare pattern`: names by which a program offers tables that it makes when they are asked for.
//!
//! `App("a").Data` reads as a path, and stands for the body of the case that has these values. A program declares the
//! pattern without cases, sends the query, is told which are asked for, and sends it again with those.

use std::sync::Arc;

use super::environment::{Binding, Environment};
use super::frame::Frame;
use super::operator::Flow;
use super::{Binder, Result};
use crate::ast::{Argument, Expr, ExprKind, ParameterKind, Pattern, PatternCase, Statement};
use crate::diagnostic::Diagnostic;
use crate::plan::Scalar;
use crate::span::Span;
use crate::value::{ScalarType, Value};

/// The parts of `App("a").Data`.
pub(super) struct Reference<'r> {
    name: &'r Arc<str>,
    arguments: &'r [Argument],
    path: Option<Value>,
    span: Span,
}

impl Binder<'_> {
    /// Adds a pattern to the names.
    ///
    /// Errors: parameters that are no texts, and a case with another number of values.
    pub(super) fn declare_pattern(&self, pattern: &Pattern, environment: Environment) -> Result<Environment> {
        for parameter in pattern.parameters.iter().chain(&pattern.path) {
            if !matches!(parameter.kind, ParameterKind::Scalar(ScalarType::String)) {
                let message = "a parameter of a pattern is a string";
                return Err(Diagnostic::error("type-mismatch", parameter.name.span, message));
            }
        }
        for case in &pattern.cases {
            let has_all = case.values.len() == pattern.parameters.len();
            if !has_all || case.path.is_some() != pattern.path.is_some() {
                let span = case.values.first().map_or(pattern.name.span, |value| value.span);
                let message = "a case of a pattern has a value for each of its parameters";
                return Err(Diagnostic::error("argument-count", span, message));
            }
        }
        let binding =
            Binding::Pattern { pattern: Arc::new(pattern.clone()), environment: environment.clone() };
        Ok(environment.with(Arc::clone(&pattern.name.text), binding))
    }

    /// The reference to a pattern that an expression is, if it is one.
    pub(super) fn pattern_reference<'r>(
        &self,
        expr: &'r Expr,
        environment: &Environment,
    ) -> Result<Option<Reference<'r>>> {
        let (call, path) = match &expr.kind {
            ExprKind::Call { .. } => (expr, None),
            ExprKind::Member { base, name } => (&**base, Some(Ok(Value::string(Arc::clone(&name.text))))),
            ExprKind::Index { base, index } => {
                (&**base, Some(self.literal(index, Frame::constant(environment))))
            }
            _ => return Ok(None),
        };
        let ExprKind::Call { callee, arguments } = &call.kind else { return Ok(None) };
        let ExprKind::Name(name) = &callee.kind else { return Ok(None) };
        match environment.find(name) {
            Some(Binding::Pattern { .. }) => {
                Ok(Some(Reference { name, arguments, path: path.transpose()?, span: expr.span }))
            }
            _ => Ok(None),
        }
    }

    /// What a reference to a pattern stands for.
    ///
    /// Errors: `unresolved-pattern` where no case has the values.
    pub(super) fn pattern_rows(&self, reference: &Reference<'_>, environment: &Environment) -> Result<Flow> {
        let Some(Binding::Pattern { pattern, environment: own }) = environment.find(reference.name) else {
            return Err(unresolved(reference, &[]));
        };
        let frame = Frame::constant(environment);
        let values: Vec<Value> = (reference.arguments.iter())
            .map(|argument| self.literal(&argument.value, frame))
            .collect::<Result<_>>()?;
        for case in &pattern.cases {
            if self.is_case(case, &values, reference.path.as_ref(), own)? {
                let inner = with_values(pattern, own, &values, reference.path.as_ref());
                return self.deeper(reference.span, || self.case_rows(case, inner, reference.span));
            }
        }
        Err(unresolved(reference, &values))
    }

    fn is_case(
        &self,
        case: &PatternCase,
        values: &[Value],
        path: Option<&Value>,
        environment: &Environment,
    ) -> Result<bool> {
        let frame = Frame::constant(environment);
        let has = |expr: &Expr, value: &Value| Ok(self.literal(expr, frame)?.to_text() == value.to_text());
        if case.values.len() != values.len() {
            return Ok(false);
        }
        for (expr, value) in case.values.iter().zip(values) {
            if !has(expr, value)? {
                return Ok(false);
            }
        }
        match (&case.path, path) {
            (Some(expr), Some(path)) => has(expr, path),
            (None, None) => Ok(true),
            _ => Ok(false),
        }
    }

    fn case_rows(&self, case: &PatternCase, environment: Environment, span: Span) -> Result<Flow> {
        let mut environment = environment;
        let Some((Statement::Query(last), before)) = case.body.statements.split_last() else {
            return Err(Diagnostic::error("empty-function", span, "this case of the pattern gives nothing"));
        };
        for statement in before {
            environment = self.statement(statement, environment, false)?;
        }
        self.flow(last, &environment, None)
    }
}

/// The parameters of a pattern are values in the bodies of its cases.
fn with_values(pattern: &Pattern, own: &Environment, values: &[Value], path: Option<&Value>) -> Environment {
    let parameters = pattern.parameters.iter().chain(&pattern.path);
    parameters.zip(values.iter().chain(path)).fold(own.clone(), |inner, (parameter, value)| {
        let scalar = Scalar::literal(Value::string(value.to_text()), ScalarType::String);
        inner.with(Arc::clone(&parameter.name.text), Binding::Scalar(scalar))
    })
}

fn unresolved(reference: &Reference<'_>, values: &[Value]) -> Diagnostic {
    let values: Vec<String> = values.iter().map(|value| format!("'{}'", value.to_text())).collect();
    let path = reference.path.as_ref().map_or_else(String::new, |path| format!(".['{}']", path.to_text()));
    let message = format!("no case of the pattern is `{}({}){path}`", reference.name, values.join(", "));
    Diagnostic::error("unresolved-pattern", reference.span, message)
        .with_help("a case is declared as `(\"value\").[\"path\"] = { Table | where ... }`")
}
