//! Where rows come from.

use std::sync::Arc;

use super::database::{Database, Declaration, Gives, Qualifier, Shape, Stored};
use super::environment::{Binding, Environment};
use super::frame::Frame;
use super::operator::Flow;
use super::restrict::Visible;
use super::scalar::suggest;
use super::{Binder, Result};
use crate::ast::{Argument, Expr, ExprKind, Query};
use crate::diagnostic::Diagnostic;
use crate::library;
use crate::plan::{Field, Plan, Scalar, Step};
use crate::registry::{self, Kind};
use crate::span::Span;

/// Functions that give rows.
const TABLE_FUNCTIONS: [&str; 6] =
    ["table", "materialize", "totable", "materialized_view", "external_table", "stored_query_result"];

/// Functions that lead to another database.
const QUALIFIERS: [&str; 7] = ["cluster", "database", "workspace", "app", "resource", "adx", "arg"];

/// A table of one row and one column, as `print` gives.
pub(super) fn single(scalar: Scalar) -> Arc<Plan> {
    let columns = vec![Field::new("print_0", scalar.scalar_type)];
    let one = Plan::new(Step::Rows(vec![Vec::new()]), Vec::new());
    Plan::new(Step::Project { input: one, values: vec![scalar] }, columns)
}

/// The rows of a table, or of a function that is known by its columns only.
pub(super) fn stored(name: &Arc<str>, shape: Shape) -> Arc<Plan> {
    let Shape { columns, is_open } = shape;
    Arc::new(Plan { step: Step::Table(Arc::clone(name)), columns, is_open })
}

impl Binder<'_> {
    /// The table that an expression stands for; `None` when it is a value.
    pub(super) fn table_of(&self, expr: &Expr, frame: Frame<'_>) -> Result<Option<Arc<Plan>>> {
        if !self.is_tabular(expr, frame) {
            return Ok(None);
        }
        self.table(expr, frame.environment).map(Some)
    }

    /// The table that an expression stands for.
    pub(super) fn table(&self, expr: &Expr, environment: &Environment) -> Result<Arc<Plan>> {
        self.flow(expr, environment, None)?.table(expr.span)
    }

    /// Whether an expression stands for rows and not for a value.
    pub(super) fn is_tabular(&self, expr: &Expr, frame: Frame<'_>) -> bool {
        match &expr.kind {
            ExprKind::Query(query) => match (&query.source, query.operators.as_slice()) {
                (Some(source), []) => self.is_tabular(source, frame),
                _ => true,
            },
            ExprKind::Name(name) => {
                if frame.position(name).is_some() {
                    return false;
                }
                match frame.environment.find(name) {
                    Some(Binding::Table { .. } | Binding::Graph(_)) => true,
                    Some(Binding::Scalar(_)) => false,
                    Some(Binding::Function { function, environment }) => {
                        self.gives_rows(function, environment)
                    }
                    Some(Binding::Pattern { .. }) => true,
                    None => {
                        let database = self.visible(frame.environment);
                        known_table(&database, name).is_some() || database.function(name).is_some()
                    }
                }
            }
            ExprKind::Member { base, .. } | ExprKind::Index { base, .. } => {
                self.is_qualified(expr) || is_pattern(base, frame.environment)
            }
            ExprKind::Call { callee, .. } => match &callee.kind {
                ExprKind::Name(name) => match frame.environment.find(name) {
                    Some(Binding::Function { function, environment }) => {
                        self.gives_rows(function, environment)
                    }
                    Some(Binding::Pattern { .. }) => true,
                    _ => self.is_table_function(name, frame.environment),
                },
                ExprKind::Member { base, .. } => self.is_qualified(base),
                _ => false,
            },
            _ => false,
        }
    }

    fn is_table_function(&self, name: &str, environment: &Environment) -> bool {
        if TABLE_FUNCTIONS.contains(&name) {
            return true;
        }
        if registry::find(name).is_some_and(|row| row.kind.is_function()) {
            return false;
        }
        match stored_function(&self.visible(environment), name) {
            Some(Stored::Function(function)) => self.gives_rows(&function, &Environment::default()),
            Some(Stored::Declared(Declaration { gives, .. })) => matches!(gives, Gives::Rows(_)),
            None => name == "_GetWatchlist",
        }
    }

    /// Whether the last statement of a function gives rows. Its own names count, with parameters as what they are.
    pub(super) fn gives_rows(&self, function: &crate::ast::Function, environment: &Environment) -> bool {
        use crate::ast::{ParameterKind, Statement};
        let mut inner = environment.clone();
        for parameter in &function.parameters {
            let binding = match &parameter.kind {
                ParameterKind::Scalar(scalar_type) => {
                    Binding::Scalar(Scalar::literal(crate::Value::Null, *scalar_type))
                }
                ParameterKind::Table(_) => {
                    Binding::Table { plan: Plan::new(Step::Rows(Vec::new()), Vec::new()), is_view: false }
                }
            };
            inner = inner.with(Arc::clone(&parameter.name.text), binding);
        }
        let Some((last, before)) = function.body.statements.split_last() else { return false };
        for statement in before {
            if let Statement::Let { name, value } = statement {
                let binding = match &value.kind {
                    ExprKind::Function(function) => Binding::Function {
                        function: Arc::new((**function).clone()),
                        environment: inner.clone(),
                    },
                    _ if self.is_tabular(value, Frame::constant(&inner)) => {
                        Binding::Table { plan: Plan::new(Step::Rows(Vec::new()), Vec::new()), is_view: false }
                    }
                    _ => Binding::Scalar(Scalar::literal(crate::Value::Null, crate::ScalarType::Dynamic)),
                };
                inner = inner.with(Arc::clone(&name.text), binding);
            }
        }
        match last {
            Statement::Query(query) => self.is_tabular(query, Frame::constant(&inner)),
            _ => false,
        }
    }

    /// `workspace("a").T`, `database("a")`
    pub(super) fn is_qualified(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Member { base, .. } => self.is_qualified(base),
            ExprKind::Call { callee, .. } => match &callee.kind {
                ExprKind::Name(name) => QUALIFIERS.contains(&&**name),
                ExprKind::Member { base, .. } => self.is_qualified(base),
                _ => false,
            },
            _ => false,
        }
    }

    /// What an expression gives: rows, a graph, or several tables. `part` is what a pipeline without a source starts from.
    pub(super) fn flow(
        &self,
        expr: &Expr,
        environment: &Environment,
        part: Option<&Arc<Plan>>,
    ) -> Result<Flow> {
        self.count_work(expr.span)?;
        if let Some(reference) = self.pattern_reference(expr, environment)? {
            return self.pattern_rows(&reference, environment);
        }
        match &expr.kind {
            ExprKind::Query(query) => self.query(expr, query, environment, part),
            ExprKind::Name(name) => self.named(expr, name, environment),
            ExprKind::Call { callee, arguments } => self.table_call(expr, callee, arguments, environment),
            ExprKind::Member { base, name } if self.is_qualified(base) => {
                let path = self.qualifiers(base, environment)?;
                let database = self.database_at(base, &path, environment)?;
                self.table_in(&database, expr, &name.text).map(Flow::Table)
            }
            ExprKind::Function(function) => {
                self.table_function(expr, function, environment, &[], Frame::constant(environment))
            }
            // The syntax is wrong, which was told.
            ExprKind::Error if self.collects() => Ok(super::check::some_rows(None)),
            _ => Err(Diagnostic::error("not-tabular", expr.span, "a table is expected here")),
        }
    }

    fn query(
        &self,
        expr: &Expr,
        query: &Query,
        environment: &Environment,
        part: Option<&Arc<Plan>>,
    ) -> Result<Flow> {
        let mut environment = environment.clone();
        let mut flow = match &query.source {
            Some(source) => {
                let found = self.flow(source, &environment, part);
                Some(self.or_tell(found, || super::check::some_rows(None))?)
            }
            None => part.map(|part| Flow::Table(Arc::clone(part))),
        };
        for operator in &query.operators {
            self.count_work(operator.span)?;
            let input = flow.clone();
            let found = self.operator(operator, flow, &mut environment);
            let found = self.or_tell(found, || super::check::some_rows(input.as_ref()))?;
            if let Flow::Table(plan) = &found {
                self.check_height(plan, operator.span)?;
            }
            flow = Some(found);
        }
        flow.ok_or_else(|| Diagnostic::error("not-tabular", expr.span, "a table is expected here"))
    }

    fn named(&self, expr: &Expr, name: &Arc<str>, environment: &Environment) -> Result<Flow> {
        match environment.find(name) {
            Some(Binding::Table { plan, .. }) => return Ok(Flow::Table(Arc::clone(plan))),
            Some(Binding::Graph(graph)) => return Ok(Flow::Graph(Arc::clone(graph))),
            Some(Binding::Function { function, environment }) => {
                return self.table_function(expr, function, environment, &[], Frame::constant(environment));
            }
            Some(Binding::Scalar(_)) => {
                return Err(Diagnostic::error(
                    "not-tabular",
                    expr.span,
                    format!("`{name}` is a value, not a table"),
                ));
            }
            // A pattern alone, without the values of a case.
            Some(Binding::Pattern { .. }) => {
                let message =
                    format!("`{name}` is a pattern, and gives a table for values: `{name}(\"value\")`");
                return Err(Diagnostic::error("not-tabular", expr.span, message));
            }
            None => {}
        }
        self.table_in(&self.visible(environment), expr, name).map(Flow::Table)
    }

    /// A table or a function without arguments of a database.
    fn table_in(&self, database: &dyn Database, expr: &Expr, name: &Arc<str>) -> Result<Arc<Plan>> {
        self.stored_in(database, expr, name, &[], Frame::constant(&Environment::default()))
    }

    /// The same with arguments for the function.
    fn stored_in(
        &self,
        database: &dyn Database,
        expr: &Expr,
        name: &Arc<str>,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<Arc<Plan>> {
        if let Some((name, shape)) = known_table(database, name).filter(|_| arguments.is_empty()) {
            return Ok(stored(&name, shape));
        }
        match stored_function(database, name) {
            Some(function) => self.stored_rows(expr, name, &function, arguments, frame)?.table(expr.span),
            None => Err(unknown_table(database, expr, name)),
        }
    }

    fn table_call(
        &self,
        expr: &Expr,
        callee: &Expr,
        arguments: &[Argument],
        environment: &Environment,
    ) -> Result<Flow> {
        let frame = Frame::constant(environment);
        let name = match &callee.kind {
            ExprKind::Name(name) => name,
            // database("a").table("T"), workspace("a").f()
            ExprKind::Member { base, name } if self.is_qualified(base) => {
                let path = self.qualifiers(base, environment)?;
                let database = self.database_at(base, &path, environment)?;
                if let ("table", [table]) = (&*name.text, arguments) {
                    let table: Arc<str> = self.literal(&table.value, frame)?.to_text().into();
                    return self.table_in(&database, expr, &table).map(Flow::Table);
                }
                return self.stored_in(&database, expr, &name.text, arguments, frame).map(Flow::Table);
            }
            _ => return Err(Diagnostic::error("not-tabular", expr.span, "a table is expected here")),
        };
        if let Some(Binding::Function { function, environment }) = environment.find(name) {
            return self.table_function(expr, function, environment, arguments, frame);
        }
        match (&**name, arguments) {
            ("table" | "materialized_view", [table, ..]) => {
                let table: Arc<str> = self.literal(&table.value, frame)?.to_text().into();
                return self.table_in(&self.visible(environment), expr, &table).map(Flow::Table);
            }
            ("materialize", [table, ..]) => {
                let plan = self.table(&table.value, environment)?;
                let columns = plan.columns.clone();
                return Ok(Flow::Table(Plan::new(Step::Materialize(plan), columns)));
            }
            ("totable", [table]) => return self.table(&table.value, environment).map(Flow::Table),
            _ => {}
        }
        if let Some(function) = stored_function(&self.visible(environment), name) {
            return self.stored_rows(expr, name, &function, arguments, frame);
        }
        self.database_call(callee, name, arguments, frame).map(Flow::Table)
    }

    /// A function that the database itself answers.
    fn database_call(
        &self,
        callee: &Expr,
        name: &Arc<str>,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<Arc<Plan>> {
        let is_known = registry::find(name).is_some_and(|row| row.kind.is_function());
        if !is_known {
            let constants: Result<Vec<crate::Value>> = self
                .strictly(|| arguments.iter().map(|argument| self.literal(&argument.value, frame)).collect());
            if let Ok(constants) = &constants
                && let Some(plan) = self.visible(frame.environment).call(name, constants)
            {
                return Ok(plan);
            }
        }
        if let Some(error) = refused(name, callee.span) {
            return Err(error);
        }
        let (code, message) = match registry::find_kind(name, Kind::Scalar) {
            Some(row) if TABLE_FUNCTIONS.contains(&row.name) => {
                ("unsupported", format!("`{name}` is not supported here"))
            }
            Some(_) => ("not-tabular", format!("`{name}` gives a value, and a table is expected here")),
            None => {
                let message = format!("there is no function `{name}` that gives a table");
                let diagnostic = Diagnostic::error("unknown-function", callee.span, message);
                return Err(suggest(diagnostic, registry::nearest(name)));
            }
        };
        Err(Diagnostic::error(code, callee.span, message))
    }

    /// The path that `workspace("a")` and the like are, with what names of databases stand for. It is empty for the
    /// query's own database: `database()`, and this one by its name.
    pub(super) fn qualifiers(&self, expr: &Expr, environment: &Environment) -> Result<Vec<Qualifier>> {
        let mut qualifiers = Vec::new();
        let mut next = Some(expr);
        while let Some(part) = next.take() {
            let ExprKind::Call { callee, arguments } = &part.kind else { break };
            let kind = match &callee.kind {
                ExprKind::Name(kind) => kind,
                ExprKind::Member { base, name } => {
                    next = Some(base);
                    &name.text
                }
                _ => break,
            };
            let name = match arguments.first() {
                Some(name) => self.literal(&name.value, Frame::constant(environment))?.to_text(),
                None => String::new(),
            };
            qualifiers.insert(0, Qualifier { kind: kind.to_string(), name });
        }
        let [Qualifier { kind, name }] = qualifiers.as_slice() else { return Ok(qualifiers) };
        if kind != "database" {
            return Ok(qualifiers);
        }
        let is_own = name.is_empty() || *name == self.options.database;
        match environment.alias(name) {
            Some(path) => Ok(path.to_vec()),
            None => Ok(if is_own { Vec::new() } else { qualifiers }),
        }
    }

    /// The database that a path leads to.
    fn database_at<'v>(
        &'v self,
        expr: &Expr,
        path: &'v [Qualifier],
        environment: &'v Environment,
    ) -> Result<Visible<'v>> {
        if path.is_empty() {
            return Ok(self.visible(environment));
        }
        let found = self.database.elsewhere(path).ok_or_else(|| {
            let place: Vec<String> =
                path.iter().map(|part| format!("{} \"{}\"", part.kind, part.name)).collect();
            let message = format!("{} cannot be reached from here", place.join(", "));
            Diagnostic::error("elsewhere", expr.span, message)
                .with_help("name the table alone to read it from this database")
        })?;
        Ok(self.visible_in(found, path, environment))
    }
}

/// Whether an expression is a pattern with its values, the path behind it not yet read.
fn is_pattern(expr: &Expr, environment: &Environment) -> bool {
    let ExprKind::Call { callee, .. } = &expr.kind else { return false };
    matches!(&callee.kind, ExprKind::Name(name)
        if matches!(environment.find(name), Some(Binding::Pattern { .. })))
}

/// A table of the database with its own name: the one that is asked for, or one of Resource Graph in another case.
pub(super) fn known_table(database: &dyn Database, name: &str) -> Option<(Arc<str>, Shape)> {
    if let Some(shape) = database.table(name) {
        return Some((name.into(), shape));
    }
    if !crate::schema::resource_graph::has(name) {
        return None;
    }
    let names = database.table_names();
    let mut alike = names.iter().filter(|known| known.eq_ignore_ascii_case(name));
    let found = alike.next().filter(|_| alike.next().is_none())?;
    Some((Arc::clone(found), database.table(found)?))
}

/// A function of the database, or of the library beside the language.
pub(super) fn stored_function(database: &dyn Database, name: &str) -> Option<Stored> {
    database.function(name).or_else(|| library::find(name)?.function().map(Stored::Function))
}

/// What is said of a documented function that cannot be here.
pub(super) fn refused(name: &str, span: Span) -> Option<Diagnostic> {
    let needs = library::refused(name)?;
    let message = format!("`{name}` needs {needs}, which does not run here");
    Some(Diagnostic::error("unsupported", span, message))
}

fn unknown_table(database: &dyn Database, expr: &Expr, name: &str) -> Diagnostic {
    let names = database.table_names();
    let near = crate::nearest::nearest(name, names.iter().map(|known| &**known));
    suggest(Diagnostic::error("unknown-table", expr.span, format!("there is no table `{name}`")), near)
}
