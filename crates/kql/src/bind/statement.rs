//! Statements.

use std::sync::Arc;

use super::environment::{Binding, Environment};
use super::frame::Frame;
use super::operator::Flow;
use super::{Binder, Result};
use crate::ast::{Expr, ExprKind, Name, OperatorKind, Parameter, ParameterKind, Script, Statement};
use crate::diagnostic::Diagnostic;
use crate::plan::{NamedPlan, Plan, Scalar, Step};
use crate::schema::resource_graph;
use crate::value::{ScalarType, Value};

impl Binder<'_> {
    /// All statements; the results of the queries among them.
    pub(super) fn script(&self, script: &Script, environment: &Environment) -> Result<Vec<NamedPlan>> {
        let mut environment = environment.clone();
        let mut results = Vec::new();
        for statement in &script.statements {
            match statement {
                Statement::Query(query) => {
                    let found = self.results(query, &environment);
                    results.extend(self.or_tell(found, super::check::some_results)?);
                }
                _ => environment = self.statement(statement, environment, false)?,
            }
        }
        if results.is_empty() {
            let span = crate::span::Span::default();
            return Err(Diagnostic::error("no-query", span, "there is no query to run")
                .with_help("a query follows the `let` statements: a table and operators, as `T | count`"));
        }
        Ok(results)
    }

    fn results(&self, query: &Expr, environment: &Environment) -> Result<Vec<NamedPlan>> {
        if let Some(scalar) = self.as_scalar(query, environment)? {
            return Ok(vec![NamedPlan { name: None, plan: super::source::single(scalar) }]);
        }
        let part = self.default_table(query, environment);
        match self.flow(query, environment, part.as_ref())? {
            Flow::Table(plan) => Ok(vec![NamedPlan { name: None, plan }]),
            Flow::Several(plans) => Ok(plans),
            Flow::Graph(graph) => {
                // A graph as a result is its edges.
                let columns = graph.edges.columns.clone();
                let step = Step::GraphEdges { graph, with_source: false, with_target: false };
                let plan = Plan::new(step, columns);
                Ok(vec![NamedPlan { name: None, plan }])
            }
        }
    }

    /// What a query reads that begins with an operator on rows, where there is Resource Graph.
    fn default_table(&self, query: &Expr, environment: &Environment) -> Option<Arc<Plan>> {
        use OperatorKind as K;
        let ExprKind::Query(inner) = &query.kind else { return None };
        let first = inner.operators.first().filter(|_| inner.source.is_none())?;
        let needs_rows = matches!(
            first.kind,
            K::Where { .. }
                | K::Extend(_)
                | K::Project { .. }
                | K::Summarize { .. }
                | K::Distinct { .. }
                | K::MvExpand { .. }
                | K::ProjectAway(_)
        );
        let database = self.visible(environment);
        let (name, shape) =
            super::source::known_table(&database, resource_graph::DEFAULT).filter(|_| needs_rows)?;
        Some(super::source::stored(&name, shape))
    }

    /// A query that is just a value, as `1 + 1` or the name of a scalar.
    fn as_scalar(&self, query: &Expr, environment: &Environment) -> Result<Option<Scalar>> {
        let ExprKind::Query(inner) = &query.kind else { return Ok(None) };
        let (Some(source), []) = (&inner.source, inner.operators.as_slice()) else { return Ok(None) };
        let is_value = match &source.kind {
            ExprKind::Name(name) => matches!(environment.find(name), Some(Binding::Scalar(_))),
            ExprKind::Literal { .. } | ExprKind::Binary { .. } | ExprKind::Unary { .. } => true,
            _ => false,
        };
        if is_value { self.scalar(source, Frame::constant(environment)).map(Some) } else { Ok(None) }
    }

    /// A statement that is no query. `sees_row` where variables may be values of a row, as in a function's body.
    pub(super) fn statement(
        &self,
        statement: &Statement,
        environment: Environment,
        sees_row: bool,
    ) -> Result<Environment> {
        match statement {
            Statement::Let { name, value } => {
                self.count_work(name.span)?;
                let binding = self.let_value(value, &environment, sees_row);
                let binding = self.or_tell(binding, || self.some_binding(value, &environment))?;
                Ok(environment.with(Arc::clone(&name.text), binding))
            }
            Statement::Set { name, value } => {
                let value = match value {
                    Some(value) => self.setting_value(value, &environment)?,
                    None => Value::Bool(true),
                };
                self.settings.borrow_mut().push((Arc::clone(&name.text), value));
                Ok(environment)
            }
            Statement::Parameters(parameters) => self.query_parameters(parameters, environment),
            Statement::Alias { name, target } => {
                let path = self.qualifiers(target, &environment)?;
                Ok(environment.with_alias(Arc::clone(&name.text), path))
            }
            Statement::Pattern(pattern) => self.declare_pattern(pattern, environment),
            Statement::Restrict(entities) => self.restrict(entities, &environment),
            Statement::Query(query) => {
                Err(Diagnostic::error("misplaced-query", query.span, "a query stands last"))
            }
        }
    }

    /// What a `let` names.
    fn let_value(&self, value: &Expr, environment: &Environment, sees_row: bool) -> Result<Binding> {
        let frame = Frame { sees_row, ..Frame::constant(environment) };
        if let ExprKind::Function(function) = &value.kind {
            let function = Arc::new((**function).clone());
            let is_plain_view = function.is_view && function.parameters.is_empty();
            if is_plain_view
                && let Flow::Table(plan) = self.table_function(value, &function, environment, &[], frame)?
            {
                return Ok(Binding::Table { plan, is_view: true });
            }
            self.try_body(&function, environment);
            return Ok(Binding::Function { function, environment: environment.clone() });
        }
        if let ExprKind::Name(name) = &value.kind
            && let Some(Binding::Function { function, environment }) = environment.find(name)
        {
            return Ok(Binding::Function {
                function: Arc::clone(function),
                environment: environment.clone(),
            });
        }
        if self.is_tabular(value, frame) {
            return Ok(match self.flow(value, environment, None)? {
                Flow::Table(plan) => Binding::Table { plan, is_view: false },
                Flow::Graph(graph) => Binding::Graph(graph),
                Flow::Several(_) => {
                    return Err(Diagnostic::error("several-results", value.span, "a `let` names one table"));
                }
            });
        }
        Ok(Binding::Scalar(self.scalar(value, frame)?))
    }

    /// The value of a `set` statement, where a bare word stands for itself.
    fn setting_value(&self, value: &Expr, environment: &Environment) -> Result<Value> {
        match &value.kind {
            ExprKind::Name(word) if environment.find(word).is_none() => Ok(Value::string(Arc::clone(word))),
            _ => self.literal(value, Frame::constant(environment)),
        }
    }

    fn query_parameters(&self, parameters: &[Parameter], environment: Environment) -> Result<Environment> {
        let mut environment = environment;
        for parameter in parameters {
            let ParameterKind::Scalar(scalar_type) = &parameter.kind else {
                let message = "a parameter of a query is a scalar";
                return Err(Diagnostic::error("type-mismatch", parameter.name.span, message));
            };
            let value = self.parameter_value(parameter, *scalar_type, &environment)?;
            environment = environment.with(Arc::clone(&parameter.name.text), Binding::Scalar(value));
        }
        Ok(environment)
    }

    fn parameter_value(
        &self,
        parameter: &Parameter,
        scalar_type: ScalarType,
        environment: &Environment,
    ) -> Result<Scalar> {
        let Name { text: name, span } = &parameter.name;
        if let Some((_, text)) = self.options.parameters.iter().find(|(known, _)| **known == **name) {
            let value = Value::string(text.as_str()).convert(scalar_type);
            if value.is_null() {
                let message = format!("the value given for `{name}` is no {scalar_type}");
                return Err(Diagnostic::error("parameter-value", *span, message));
            }
            return Ok(Scalar::literal(value, scalar_type));
        }
        match &parameter.default {
            Some(default) => Ok(self.scalar(default, Frame::constant(environment))?.cast(scalar_type)),
            None => {
                Err(Diagnostic::error("parameter-missing", *span, format!("no value is given for `{name}`")))
            }
        }
    }
}
