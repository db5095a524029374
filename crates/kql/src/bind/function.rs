//! Functions that queries and databases define: their bodies are put in where they are called.

use std::sync::Arc;

use super::database::{Declaration, Gives, Stored};
use super::environment::{Binding, Environment};
use super::frame::Frame;
use super::{Binder, Result};
use crate::ast::{Argument, Expr, Function, Parameter, ParameterKind, Schema, Statement};
use crate::diagnostic::Diagnostic;
use crate::plan::{Plan, Scalar};
use crate::span::Span;
use crate::value::ScalarType;

impl Binder<'_> {
    /// The value of a stored function.
    pub(super) fn stored_value(
        &self,
        call: &Expr,
        stored: &Stored,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<Scalar> {
        let environment = Environment::default();
        match stored {
            Stored::Function(function) => self.in_stored(call.span, || {
                self.scalar_function(call, function, &environment, arguments, frame)
            }),
            Stored::Declared(Declaration { parameters, gives }) => {
                self.declared_arguments(call.span, parameters.as_deref(), arguments, frame)?;
                match gives {
                    // Where there is no row, it is a constant.
                    Gives::Value(scalar_type) if frame.columns.is_empty() && !frame.is_open => {
                        Ok(Scalar::literal(crate::Value::Null, *scalar_type))
                    }
                    Gives::Value(scalar_type) => Ok(Scalar::unknown(*scalar_type)),
                    Gives::Rows(_) => Err(Diagnostic::error(
                        "not-scalar",
                        call.span,
                        "this function gives rows, and a value is expected here",
                    )
                    .with_help("take its first value with toscalar()")),
                }
            }
        }
    }

    /// The rows of a stored function.
    pub(super) fn stored_rows(
        &self,
        call: &Expr,
        name: &Arc<str>,
        stored: &Stored,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<super::operator::Flow> {
        match stored {
            Stored::Function(function) => self.in_stored(call.span, || {
                self.table_function(call, function, &Environment::default(), arguments, frame)
            }),
            Stored::Declared(Declaration { parameters, gives }) => {
                self.declared_arguments(call.span, parameters.as_deref(), arguments, frame)?;
                match gives {
                    Gives::Rows(shape) => {
                        Ok(super::operator::Flow::Table(super::source::stored(name, shape.clone())))
                    }
                    Gives::Value(_) => {
                        let message = format!("`{name}` gives a value, and a table is expected here");
                        Err(Diagnostic::error("not-tabular", call.span, message))
                    }
                }
            }
        }
    }

    /// Checks what is given to a function without a body.
    fn declared_arguments(
        &self,
        call: Span,
        parameters: Option<&[Parameter]>,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<()> {
        match parameters {
            Some(parameters) => {
                self.with_arguments(call, parameters, &Environment::default(), arguments, frame).map(|_| ())
            }
            None => Ok(()),
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
            let inner =
                self.with_arguments(call.span, &function.parameters, environment, arguments, frame)?;
            let (inner, last) = self.body(function, inner, call.span, true)?;
            // The row of the call stays visible through the parameters alone.
            let inside = Frame { sees_row: true, ..Frame::constant(&inner) };
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
            let inner =
                self.with_arguments(call.span, &function.parameters, environment, arguments, frame)?;
            let (inner, last) = self.body(function, inner, call.span, false)?;
            self.flow(last, &inner, None)
        })
    }

    /// Binds the body of a function that may never be called, to find what is wrong with it.
    pub(super) fn try_body(&self, function: &Function, environment: &Environment) {
        if !self.collects() {
            return;
        }
        self.trying(|| {
            let inner = function.parameters.iter().fold(environment.clone(), |inner, parameter| {
                inner.with(Arc::clone(&parameter.name.text), super::check::some_argument(&parameter.kind))
            });
            let span = function.parameters.first().map(|parameter| parameter.name.span).unwrap_or_default();
            let (inner, last) = self.body(function, inner, span, true)?;
            let frame = Frame { sees_row: true, ..Frame::constant(&inner) };
            if self.is_tabular(last, frame) {
                self.flow(last, &inner, None).map(|_| ())
            } else {
                self.scalar(last, frame).map(|_| ())
            }
        });
    }

    /// The statements before the last one, and the last one. `sees_row` where parameters may be values of a row.
    fn body<'f>(
        &self,
        function: &'f Function,
        environment: Environment,
        call: Span,
        sees_row: bool,
    ) -> Result<(Environment, &'f Expr)> {
        let Some((last, before)) = function.body.statements.split_last() else {
            return Err(Diagnostic::error("empty-function", call, "the function has no body"));
        };
        let mut environment = environment;
        for statement in before {
            environment = self.statement(statement, environment, sees_row)?;
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
        parameters: &[Parameter],
        environment: &Environment,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<Environment> {
        self.count_work(call)?;
        let mut inner = environment.clone();
        let mut positional = arguments.iter().filter(|argument| argument.name.is_none());
        for parameter in parameters {
            let named = arguments
                .iter()
                .find(|argument| argument.name.as_ref().is_some_and(|name| name.text == parameter.name.text));
            let given = named.or_else(|| positional.next()).map(|argument| &argument.value);
            let binding = self.parameter(call, parameter, given, environment, frame)?;
            inner = inner.with(Arc::clone(&parameter.name.text), binding);
        }
        if let Some(extra) = positional.next() {
            let message = format!("the function takes {} arguments, and not this one", parameters.len());
            return Err(Diagnostic::error("argument-count", extra.value.span, message));
        }
        let names = || parameters.iter().map(|parameter| &*parameter.name.text);
        let mut given = arguments.iter().filter_map(|argument| argument.name.as_ref());
        match given.find(|name| names().all(|known| *known != *name.text)) {
            Some(name) => {
                let message = format!("the function has no argument `{}`", name.text);
                let diagnostic = Diagnostic::error("unknown-argument", name.span, message);
                Err(super::scalar::suggest(diagnostic, crate::nearest::nearest(&name.text, names())))
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
