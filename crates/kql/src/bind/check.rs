//! Everything that is wrong with a query, and what its names are: for editors, which cannot stop at the first error.
//!
//! The binder runs as always. What is wrong is told, and something that fits everywhere takes its place, so that one
//! mistake is told once.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::environment::{Binding, Environment};
use super::frame::Frame;
use super::operator::Flow;
use super::{Binder, Database, Options, Result};
use crate::ast::{Expr, Function, Parameter, ParameterKind, Script, Statement};
use crate::diagnostic::{Diagnostic, Severity};
use crate::plan::{Field, NamedPlan, Plan, Scalar, ScalarKind, Step};
use crate::span::Span;
use crate::value::ScalarType;

/// Messages after which nothing more is told.
const MOST_TOLD: usize = 100;

/// What is wrong so far.
#[derive(Default)]
pub(super) struct Told {
    /// None where the first error ends the binding.
    list: Option<RefCell<Vec<Diagnostic>>>,
    /// Above zero where an error decides how to go on.
    strict: Cell<usize>,
}

/// Finds what is wrong with a query: every error of names and types that does not follow from another one, also in
/// functions that are never called, and warnings. Syntax errors are in the diagnostics of [`crate::parse`].
///
/// ```
/// use castellan_kql::bind::{Options, Tables, check};
///
/// let script = castellan_kql::parse("print a = nme, b = strlen(1, 2), c = 1").script;
/// let wrong = check(&script, &Tables::default(), &Options::default());
/// let messages: Vec<&str> = wrong.iter().map(|wrong| &*wrong.message).collect();
/// assert_eq!(messages, ["there is no column or variable `nme`", "`strlen` does not take (long, long)"]);
/// ```
pub fn check(script: &Script, database: &dyn Database, options: &Options) -> Vec<Diagnostic> {
    let binder = Binder::collecting(database, options);
    if let Err(error) = binder.script(script, &Environment::default()) {
        binder.tell(error);
    }
    let mut found = binder.told.list.map(RefCell::into_inner).unwrap_or_default();
    found.extend(binder.warnings.into_inner());
    found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.severity));
    found.dedup();
    found
}

/// The names behind a script that may be unfinished: see [`outline`].
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The columns of the last query.
    pub columns: Vec<Field>,
    /// True where there may be more.
    pub is_open: bool,
    /// What `let`, `as` and parameters name, the latest first.
    pub names: Vec<(Arc<str>, Known)>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Known {
    /// A value.
    Value(ScalarType),
    /// Rows with these columns.
    Rows(Vec<Field>),
    /// A graph.
    Graph,
    /// A function.
    Function(Arc<Function>),
    /// Tables by the values of their names.
    Pattern,
}

/// The columns that the last query of a script gives, and the names that it can see, whatever is wrong with it.
/// `parameters` are those of the function whose body the script is, where it is one.
pub fn outline(
    script: &Script,
    parameters: &[Parameter],
    database: &dyn Database,
    options: &Options,
) -> Outline {
    let binder = Binder::collecting(database, options);
    let mut environment = parameters.iter().fold(Environment::default(), |outer, parameter| {
        outer.with(Arc::clone(&parameter.name.text), some_argument(&parameter.kind))
    });
    let mut outline = Outline::default();
    let last = script.statements.len().saturating_sub(1);
    for (at, statement) in script.statements.iter().enumerate() {
        match statement {
            Statement::Query(_) if at < last => {}
            Statement::Query(query) => {
                let flow = binder.flow(query, &environment, None);
                if let Ok(plan) = flow.and_then(|flow| flow.table(query.span)) {
                    outline.columns.clone_from(&plan.columns);
                    outline.is_open = plan.is_open;
                }
            }
            _ => {
                let next = binder.statement(statement, environment.clone(), false);
                environment = next.unwrap_or(environment);
            }
        }
    }
    outline.names = environment.iter().map(|(name, binding)| (Arc::clone(name), known(binding))).collect();
    outline
}

fn known(binding: &Binding) -> Known {
    match binding {
        Binding::Scalar(scalar) => Known::Value(scalar.scalar_type),
        Binding::Table { plan, .. } => Known::Rows(plan.columns.clone()),
        Binding::Graph(_) => Known::Graph,
        Binding::Function { function, .. } => Known::Function(Arc::clone(function)),
        Binding::Pattern { .. } => Known::Pattern,
    }
}

impl<'b> Binder<'b> {
    fn collecting(database: &'b dyn Database, options: &'b Options) -> Binder<'b> {
        let told = Told { list: Some(RefCell::default()), strict: Cell::new(0) };
        Binder { told, ..Binder::new(database, options) }
    }

    /// Whether errors are collected here; not any more once there are many, so that the next one ends the binding.
    pub(super) fn collects(&self) -> bool {
        let has_room = |list: &RefCell<Vec<Diagnostic>>| list.borrow().len() < MOST_TOLD;
        self.told.list.as_ref().is_some_and(has_room) && self.told.strict.get() == 0
    }

    /// What was found, or where errors are collected, something in its place.
    pub(super) fn or_tell<T>(&self, found: Result<T>, instead: impl FnOnce() -> T) -> Result<T> {
        match found {
            // A query without end stays one.
            Err(error) if self.collects() && !matches!(error.code, "too-large" | "too-deep") => {
                self.tell(error);
                Ok(instead())
            }
            found => found,
        }
    }

    /// An error around one that was told, or in its place, follows from it.
    fn tell(&self, error: Diagnostic) {
        let Some(list) = &self.told.list else { return };
        let mut list = list.borrow_mut();
        let holds = |outer: Span, inner: Span| outer.start <= inner.start && inner.end <= outer.end;
        let follows = |known: &Diagnostic| {
            known.severity == Severity::Error
                && holds(error.span, known.span)
                && known.span != Span::default()
        };
        if list.len() < MOST_TOLD && !list.iter().any(follows) {
            list.push(error);
        }
    }

    /// Runs a part whose error decides how to go on.
    pub(super) fn strictly<T>(&self, run: impl FnOnce() -> T) -> T {
        self.told.strict.set(self.told.strict.get() + 1);
        let result = run();
        self.told.strict.set(self.told.strict.get() - 1);
        result
    }

    /// Runs the body of a stored function, whose places are in another text.
    pub(super) fn in_stored<T>(&self, call: Span, run: impl FnOnce() -> Result<T>) -> Result<T> {
        self.strictly(run).map_err(|error| Diagnostic { span: call, ..error })
    }

    /// Runs something to find errors only. That an argument is no constant says nothing where there is none.
    pub(super) fn trying(&self, run: impl FnOnce() -> Result<()>) {
        let Some(list) = &self.told.list else { return };
        let before = list.borrow().len();
        if let Err(error) = run() {
            self.tell(error);
        }
        let mut list = list.borrow_mut();
        let kept = before.min(list.len());
        let tried = list.split_off(kept);
        list.extend(tried.into_iter().filter(|told| told.code != "not-constant"));
    }

    /// What a `let` names that is wrong.
    pub(super) fn some_binding(&self, value: &Expr, environment: &Environment) -> Binding {
        if self.is_tabular(value, Frame::constant(environment)) {
            Binding::Table { plan: open(Vec::new()), is_view: false }
        } else {
            Binding::Scalar(some_value(Frame::constant(environment)))
        }
    }
}

/// Stands for the results of a query that is wrong.
pub(super) fn some_results() -> Vec<NamedPlan> {
    vec![NamedPlan { name: None, plan: open(Vec::new()) }]
}

/// Rows with columns that nobody knows, besides some.
fn open(columns: Vec<Field>) -> Arc<Plan> {
    Arc::new(Plan { step: Step::Rows(Vec::new()), columns, is_open: true })
}

/// A constant that nobody knows.
fn some_constant(scalar_type: ScalarType) -> Scalar {
    Scalar { kind: ScalarKind::Subquery(open(Vec::new())), scalar_type }
}

/// Stands for a value that is wrong.
pub(super) fn some_value(frame: Frame<'_>) -> Scalar {
    if frame.columns.is_empty() && !frame.is_open {
        some_constant(ScalarType::Dynamic)
    } else {
        Scalar::unknown(ScalarType::Dynamic)
    }
}

/// Stands for what an operator gives that is wrong: its input, and perhaps more columns.
pub(super) fn some_rows(input: Option<&Flow>) -> Flow {
    match input {
        Some(Flow::Table(plan)) => Flow::Table(Arc::new(Plan { is_open: true, ..(**plan).clone() })),
        Some(flow) => flow.clone(),
        None => Flow::Table(open(Vec::new())),
    }
}

/// Stands for an argument that is not given.
pub(super) fn some_argument(kind: &ParameterKind) -> Binding {
    match kind {
        ParameterKind::Scalar(scalar_type) => Binding::Scalar(some_constant(*scalar_type)),
        ParameterKind::Table(schema) => {
            let plan = Plan {
                step: Step::Rows(Vec::new()),
                columns: super::project::fields_of(schema),
                is_open: schema.is_open,
            };
            Binding::Table { plan: Arc::new(plan), is_view: false }
        }
    }
}
