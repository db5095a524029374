//! Functions that queries and databases define: their bodies are put in where they are called.

use std::sync::Arc;

use super::database::Stored;
use super::environment::{Binding, Environment};
use super::frame::Frame;
use super::{Binder, Result};
use crate::ast::{Argument, Expr, Function, Parameter, ParameterKind, Schema, Statement};
use crate::diagnostic::Diagnostic;
use crate::plan::{Plan, Scalar};
use crate::span::Span;
use crate::value::ScalarType;

impl Binder<'_> {
    /// A stored function with a body.
    pub(super) fn stored_function(&self, name: &str) -> Option<Arc<Function>> {
        match self.database.function(name)? {
            Stored::Function(function) => Some(function),
            Stored::Declared(_) => None,
        }
    }

    /// The value of a function whose body is a scalar.
    pub(super) fn scalar_function(
        &self,
        call: &Expr,
        function: &Function,
        environment: &Environment,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<Scalar> {
        self.deeper(call.span, || {
            let inner = self.with_arguments(call.span, function, environment, arguments, frame)?;
            let (inner, last) = self.body(function, inner, call.span)?;
            // The row of the call stays visible through the parameters alone.
            let inside = Frame { is_open: frame.is_open, sees_row: true, ..Frame::constant(&inner) };
            self.scalar(last, inside)
        })
    }

    /// The rows of a function whose body is tabular.
    pub(super) fn table_function(
        &self,
        call: &Expr,
        function: &Function,
        environment: &Environment,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<super::operator::Flow> {
        self.deeper(call.span, || {
            let inner = self.with_arguments(call.span, function, environment, arguments, frame)?;
            let (inner, last) = self.body(function, inner, call.span)?;
            self.flow(last, &inner, None)
        })
    }

    /// The statements before the last one, and the last one.
    fn body<'f>(
        &self,
        function: &'f Function,
        environment: Environment,
        call: Span,
    ) -> Result<(Environment, &'f Expr)> {
        let Some((last, before)) = function.body.statements.split_last() else {
            return Err(Diagnostic::error("empty-function", call, "the function has no body"));
        };
        let mut environment = environment;
        for statement in before {
            environment = self.statement(statement, environment)?;
        }
        match last {
            Statement::Query(query) => Ok((environment, query)),
            _ => Err(Diagnostic::error("empty-function", call, "the function's body gives nothing")),
        }
    }

    /// The function's own names with the parameters of a call.
    fn with_arguments(
        &self,
        call: Span,
        function: &Function,
        environment: &Environment,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<Environment> {
        self.count_work(call)?;
        let mut inner = environment.clone();
        let mut positional = arguments.iter().filter(|argument| argument.name.is_none());
        for parameter in &function.parameters {
            let named = arguments
                .iter()
                .find(|argument| argument.name.as_ref().is_some_and(|name| name.text == parameter.name.text));
            let given = named.or_else(|| positional.next()).map(|argument| &argument.value);
            let binding = self.parameter(call, parameter, given, environment, frame)?;
            inner = inner.with(Arc::clone(&parameter.name.text), binding);
        }
        let is_unknown = |argument: &&Argument| {
            let known =
                |name: &crate::ast::Name| function.parameters.iter().any(|one| one.name.text == name.text);
            argument.name.as_ref().is_some_and(|name| !known(name))
        };
        match positional.next().or_else(|| arguments.iter().find(is_unknown)) {
            Some(extra) => {
                let count = function.parameters.len();
                let message = format!("the function takes {count} arguments, and not this one");
                Err(Diagnostic::error("argument-count", extra.value.span, message))
            }
            None => Ok(inner),
        }
    }

    fn parameter(
        &self,
        call: Span,
        parameter: &Parameter,
        given: Option<&Expr>,
        environment: &Environment,
        frame: Frame<'_>,
    ) -> Result<Binding> {
        match (&parameter.kind, given, &parameter.default) {
            (ParameterKind::Scalar(wanted), Some(given), _) => {
                self.scalar_argument(given, *wanted, parameter, frame)
            }
            (ParameterKind::Scalar(wanted), None, Some(default)) => {
                self.scalar_argument(default, *wanted, parameter, Frame::constant(environment))
            }
            (ParameterKind::Table(schema), Some(given), _) => {
                let Some(plan) = self.table_of(given, frame)? else {
                    return Err(Diagnostic::error("not-tabular", given.span, "a table is expected here"));
                };
                check_schema(&plan, schema, given.span)?;
                Ok(Binding::Table { plan, is_view: false })
            }
            (_, None, _) => {
                let message = format!("the function's argument `{}` is missing", parameter.name.text);
                Err(Diagnostic::error("argument-count", call, message))
            }
        }
    }

    fn scalar_argument(
        &self,
        given: &Expr,
        wanted: ScalarType,
        parameter: &Parameter,
        frame: Frame<'_>,
    ) -> Result<Binding> {
        let scalar = self.scalar(given, frame.plain())?;
        let fits = scalar.scalar_type == wanted
            || wanted == ScalarType::Dynamic
            || scalar.scalar_type == ScalarType::Dynamic
            || scalar.scalar_type.is_number() && wanted.is_number()
            || scalar.scalar_type == ScalarType::String && scalar.clone().cast(wanted).as_literal().is_some();
        if !fits {
            let message =
                format!("`{}` is {wanted}, and this is {}", parameter.name.text, scalar.scalar_type);
            return Err(Diagnostic::error("type-mismatch", given.span, message)
                .with_help(format!("convert with to{wanted}()")));
        }
        Ok(Binding::Scalar(scalar.cast(wanted)))
    }
}

/// A table handed over has to have the columns that the function declares.
fn check_schema(plan: &Plan, schema: &Schema, span: Span) -> Result<()> {
    for wanted in &schema.columns {
        let found = plan.columns.iter().find(|column| column.name == wanted.name.text);
        let fits = match (found, wanted.scalar_type) {
            (Some(found), Some(scalar_type)) => found.scalar_type == scalar_type,
            (found, None) => found.is_some(),
            (None, _) => plan.is_open,
        };
        if !fits {
            let wanted_type = wanted.scalar_type.unwrap_or(ScalarType::Dynamic);
            let message = format!("the table has no column `{}` of type {wanted_type}", wanted.name.text);
            return Err(Diagnostic::error("schema-mismatch", span, message));
        }
    }
    Ok(())
}
