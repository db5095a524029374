//! From syntax to meaning: names are resolved, values typed, and every operator becomes the steps that it stands for.
//!
//! ```
//! use castellan_kql::bind::{Options, Tables, bind};
//! use castellan_kql::plan::{Field, Step};
//! use castellan_kql::ScalarType;
//!
//! let mut tables = Tables::default();
//! tables.add("SigninLogs", vec![
//!     Field::new("TimeGenerated", ScalarType::DateTime),
//!     Field::new("UserPrincipalName", ScalarType::String),
//! ]);
//! let script = castellan_kql::parse("SigninLogs | summarize count() by bin(TimeGenerated, 1h)").script;
//! let bound = bind(&script, &tables, &Options::default()).unwrap();
//! let plan = &bound.results[0].plan;
//! let columns: Vec<&str> = plan.columns.iter().map(|column| &*column.name).collect();
//! assert_eq!(columns, ["TimeGenerated", "count_"]);
//! assert!(matches!(plan.step, Step::Aggregate { .. }));
//!
//! let script = castellan_kql::parse("SigninLogs | where Usr == 'x'").script;
//! let error = bind(&script, &tables, &Options::default()).unwrap_err();
//! assert_eq!(error.to_string(), "there is no column or variable `Usr`");
//! ```

mod aggregate;
mod call;
mod check;
mod database;
mod environment;
mod expand;
mod extract;
mod frame;
mod function;
mod graph;
mod join;
mod names;
mod nested;
mod operator;
mod pattern;
mod plugin;
mod project;
mod restrict;
mod scalar;
mod scan;
mod search;
mod series;
mod source;
mod statement;
mod summarize;
mod types;
mod union;
mod window;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

pub use check::{Known, Outline, check, outline};
pub use database::{Database, Declaration, Gives, Qualifier, Shape, Stored, Tables};
pub(crate) use names::Names;
pub(crate) use operator::dotnet_name;
pub(crate) use plugin::{kept_columns, looked_up, pivot_keys};

use crate::ast::Script;
use crate::diagnostic::Diagnostic;
use crate::plan::{Chart, Extent, Field, NamedPlan, Plan, Scalar};
use crate::span::Span;
use crate::value::Value;

use environment::Environment;

/// What a query is bound with, besides the tables.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time of the query, in ticks since year 1: what `now()` gives.
    pub now: i64,
    /// Values for `declare query_parameters`, as text.
    pub parameters: Vec<(String, String)>,
    /// Columns that the data decided on, for each plugin without a schema in the order in which they are met. Without
    /// them such a plan stays open.
    pub discovered: Vec<Vec<Field>>,
    /// Who asks, for `current_principal()`.
    pub principal: String,
    /// The name of the database, for `current_database()`.
    pub database: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            now: crate::value::UNIX_EPOCH_TICKS,
            parameters: Vec::new(),
            discovered: Vec::new(),
            principal: String::new(),
            database: "castellan".to_owned(),
        }
    }
}

/// A query with its meaning.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The results: one, or several of `fork`, `facet`, or of several queries.
    pub results: Vec<NamedPlan>,
    /// How to draw the result.
    pub chart: Option<Chart>,
    /// What may be meant differently.
    pub warnings: Vec<Diagnostic>,
    /// Options of `set` statements.
    pub settings: Vec<(Arc<str>, Value)>,
    /// The first plugin whose columns the data decide and [`Options::discovered`] does not have: its plan, with the
    /// plugin as the last step.
    pub undiscovered: Option<Arc<Plan>>,
}

type Result<T> = std::result::Result<T, Diagnostic>;

/// Resolves a query against a database.
///
/// Errors: the first thing that is wrong, with its place. Syntax errors are in the diagnostics of [`crate::parse`]; a
/// script with errors is refused here too.
pub fn bind(script: &Script, database: &dyn Database, options: &Options) -> Result<Bound> {
    let binder = Binder::new(database, options);
    let results = binder.script(script, &Environment::default())?;
    if Extent::of(&results).steps > MAX_STEPS {
        return Err(too_large(Span::default()));
    }
    Ok(Bound {
        results,
        chart: binder.chart.into_inner(),
        warnings: binder.warnings.into_inner(),
        settings: binder.settings.into_inner(),
        undiscovered: binder.undiscovered.into_inner(),
    })
}

/// The deepest nesting of functions that call functions.
const MAX_DEPTH: usize = 48;

/// The most steps and calls that one query may come to, functions inlined.
const MAX_WORK: usize = 200_000;

/// The most steps from a result down to the table farthest away: engines go down by recursion.
const MAX_HEIGHT: usize = 300;

/// The most steps that a query may come to where what it reads twice is counted twice.
const MAX_STEPS: u64 = 50_000;

fn too_large(span: Span) -> Diagnostic {
    Diagnostic::error("too-large", span, "the query is too large once its functions and tables are put in")
}

struct Binder<'b> {
    database: &'b dyn Database,
    options: &'b Options,
    depth: Cell<usize>,
    work: Cell<usize>,
    discoveries: Cell<usize>,
    chart: RefCell<Option<Chart>>,
    warnings: RefCell<Vec<Diagnostic>>,
    settings: RefCell<Vec<(Arc<str>, Value)>>,
    undiscovered: RefCell<Option<Arc<Plan>>>,
    told: check::Told,
    heights: RefCell<HashMap<*const Plan, (Arc<Plan>, usize)>>,
}

impl<'b> Binder<'b> {
    fn new(database: &'b dyn Database, options: &'b Options) -> Binder<'b> {
        Binder {
            told: check::Told::default(),
            heights: RefCell::default(),
            database,
            options,
            depth: Cell::new(0),
            work: Cell::new(0),
            discoveries: Cell::new(0),
            chart: RefCell::default(),
            warnings: RefCell::default(),
            settings: RefCell::default(),
            undiscovered: RefCell::default(),
        }
    }

    fn warn(&self, code: &'static str, span: Span, message: String) {
        let warning =
            Diagnostic { severity: crate::Severity::Warning, ..Diagnostic::error(code, span, message) };
        self.warnings.borrow_mut().push(warning);
    }

    /// Counts a step or call, so that functions which call each other cannot grow without end.
    fn count_work(&self, span: Span) -> Result<()> {
        self.work.set(self.work.get() + 1);
        if self.work.get() > MAX_WORK {
            return Err(too_large(span));
        }
        Ok(())
    }

    /// Counts the parts of a value that is put in where it is named, so that values of values cannot grow without end.
    fn count_parts(&self, scalar: &Scalar, span: Span) -> Result<()> {
        self.count_work(span)?;
        scalar.operands().into_iter().try_for_each(|operand| self.count_parts(operand, span))
    }

    /// Errors: more steps stand below a plan than an engine can go down.
    fn check_height(&self, plan: &Arc<Plan>, span: Span) -> Result<()> {
        if self.height(plan) <= MAX_HEIGHT {
            return Ok(());
        }
        let message = format!("there are more than {MAX_HEIGHT} steps one after another");
        Err(Diagnostic::error("too-deep", span, message))
    }

    /// How many steps stand one below another. Those of former plans are known.
    fn height(&self, plan: &Arc<Plan>) -> usize {
        if let Some((_, height)) = self.heights.borrow().get(&Arc::as_ptr(plan)) {
            return *height;
        }
        let inputs = plan.step.inputs().into_iter().map(|input| self.height(input)).max().unwrap_or(0);
        let values = plan.step.subqueries().iter().map(|plan| self.height(plan)).max().unwrap_or(0);
        let height = 1 + inputs.max(values);
        // The plan is kept, so that no other can have its place in memory.
        self.heights.borrow_mut().insert(Arc::as_ptr(plan), (Arc::clone(plan), height));
        height
    }

    /// Runs something one level deeper.
    fn deeper<T>(&self, span: Span, run: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.depth.get() >= MAX_DEPTH {
            return Err(Diagnostic::error("too-deep", span, "functions call each other too deeply"));
        }
        self.depth.set(self.depth.get() + 1);
        let result = run();
        self.depth.set(self.depth.get() - 1);
        result
    }
}
