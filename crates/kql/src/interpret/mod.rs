//! A plain engine: plans over rows of values, a step at a time, in memory.
//!
//! It is what compiled plans are checked against, and it runs what has no faster form: small tables, the bodies of
//! `mv-apply` and `partition`, graphs, `scan`. It says nothing in any order that the language does not promise, but the
//! same plan over the same rows always gives the same rows.
//!
//! ```
//! use castellan_kql::bind::{Options, Tables, bind};
//! use castellan_kql::interpret::{Limits, NoTables, run};
//! use castellan_kql::Value;
//!
//! let script = castellan_kql::parse("range x from 1 to 4 step 1 | summarize total = sum(x) by odd = x % 2 == 1").script;
//! let bound = bind(&script, &Tables::default(), &Options::default()).unwrap();
//! let rows = run(&bound.results[0].plan, &NoTables, &Limits::default()).unwrap();
//! assert_eq!(rows, [[Value::Bool(true), Value::Long(4)], [Value::Bool(false), Value::Long(6)]]);
//! ```

mod expand;
mod graph;
mod group;
mod join;
mod nested;
mod parse;
mod plugin;
mod reduce;
mod scan;
mod series;
mod sort;
mod window;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

pub use parse::TextReader;

use crate::diagnostic::Diagnostic;
use crate::plan::{Field, Plan, Scalar, ScalarKind, Step, random};
use crate::span::Span;
use crate::value::{Dynamic, ScalarType, Value};

/// A row: a value for each column.
pub type Row = Vec<Value>;

/// Where rows of tables come from.
pub trait Source {
    /// The rows of a table, with its columns in order.
    fn rows(&self, table: &str) -> Result<Vec<Row>>;

    /// The rows of `externaldata`.
    fn external(
        &self,
        sources: &[Arc<str>],
        properties: &[(Arc<str>, Value)],
        columns: &[Field],
    ) -> Result<Vec<Row>> {
        let _ = (sources, properties, columns);
        Err(failure("external-data", "`externaldata` is not allowed here".to_owned()))
    }
}

/// No tables at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTables;

impl Source for NoTables {
    fn rows(&self, table: &str) -> Result<Vec<Row>> {
        Err(failure("unknown-table", format!("there is no table `{table}`")))
    }
}

/// What a run may cost.
#[derive(Clone, Copy)]
pub struct Limits<'l> {
    /// The most rows that all steps together may make.
    pub rows: usize,
    /// Asked now and then; the run ends when it says so, with the reason.
    pub stop: Option<&'l dyn Fn() -> Option<String>>,
    /// Where `rand()` and `sample` begin: the same seed gives the same rows.
    pub seed: u64,
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Limits { rows: 50_000_000, stop: None, seed: 0 }
    }
}

/// From how many bytes on a value is large.
const LARGE: usize = 4 << 10;

/// How many bytes all large values of a run may have together.
const MOST_LARGE: usize = 4 << 30;

/// About how many bytes a value takes, without what lies in the items of its items.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Dynamic(dynamic) => match &**dynamic {
            Dynamic::Array(items) => items.len() * size_of::<Dynamic>(),
            Dynamic::Bag(members) => members.len() * 2 * size_of::<Dynamic>(),
            _ => 0,
        },
        _ => 0,
    }
}

/// Errors have no place in the query: it was found in order when it was bound.
pub type Result<T> = std::result::Result<T, Diagnostic>;

/// An error of a run.
pub fn failure(code: &'static str, message: String) -> Diagnostic {
    Diagnostic::error(code, Span::default(), message)
}

/// The rows that a plan gives.
///
/// Errors: a table that there is not, a limit that is reached, and steps that cannot be computed on these rows.
pub fn run(plan: &Arc<Plan>, source: &dyn Source, limits: &Limits<'_>) -> Result<Vec<Row>> {
    run_over(plan, source, limits, Vec::new())
}

/// The rows that a plan over [`Step::Part`] gives for these rows.
///
/// Errors: as [`run`].
pub fn run_over(
    plan: &Arc<Plan>,
    source: &dyn Source,
    limits: &Limits<'_>,
    part: Vec<Row>,
) -> Result<Vec<Row>> {
    let run = Run {
        source,
        limits: *limits,
        made: RefCell::default(),
        parts: RefCell::new(vec![Arc::new(part)]),
        rows: Cell::new(0),
        values: Cell::new(0),
        is_over: Cell::new(false),
        large: Cell::new(0),
        random: Cell::new(limits.seed ^ random::STEP),
    };
    run.plan(plan)
}

struct Run<'r> {
    source: &'r dyn Source,
    limits: Limits<'r>,
    /// What was computed once for all: subqueries and `materialize`.
    made: RefCell<HashMap<*const Plan, Arc<Vec<Row>>>>,
    parts: RefCell<Vec<Arc<Vec<Row>>>>,
    rows: Cell<usize>,
    /// How many values were computed, and whether the run is over.
    values: Cell<u32>,
    is_over: Cell<bool>,
    large: Cell<usize>,
    random: Cell<u64>,
}

/// After so many values somebody is asked whether the run may go on.
const VALUES: u32 = 64;

impl Run<'_> {
    fn plan(&self, plan: &Arc<Plan>) -> Result<Vec<Row>> {
        let rows = self.step(plan)?;
        self.count(rows.len())?;
        Ok(rows)
    }

    /// Counts rows that were made.
    fn count(&self, rows: usize) -> Result<()> {
        self.rows.set(self.rows.get().saturating_add(rows));
        if self.rows.get() > self.limits.rows {
            let message = format!("the query makes more than {} rows on its way", self.limits.rows);
            return Err(failure("too-many-rows", message));
        }
        match self.limits.stop.and_then(|stop| stop()) {
            Some(reason) => Err(failure("stopped", reason)),
            None => Ok(()),
        }
    }

    /// A row, unless its large values and those before it are more than memory has room for.
    fn measured(&self, row: Row) -> Result<Row> {
        let large: usize = row.iter().map(size).filter(|size| *size > LARGE).sum();
        self.large.set(self.large.get().saturating_add(large));
        if self.large.get() > MOST_LARGE {
            let message =
                format!("the query makes more than {} GiB of large values on its way", MOST_LARGE >> 30);
            return Err(failure("too-large-values", message));
        }
        Ok(row)
    }

    /// Asks now and then whether the run may go on.
    fn is_late(&self) -> bool {
        self.values.set(self.values.get().wrapping_add(1));
        if self.values.get().is_multiple_of(VALUES) && self.limits.stop.is_some_and(|stop| stop().is_some()) {
            self.is_over.set(true);
        }
        self.is_over.get()
    }

    fn step(&self, plan: &Arc<Plan>) -> Result<Vec<Row>> {
        match &plan.step {
            Step::Table(name) => self.source.rows(name),
            Step::Rows(rows) => Ok(rows.clone()),
            Step::Part => Ok(self.parts.borrow().last().map(|part| (**part).clone()).unwrap_or_default()),
            Step::External { sources, properties } => {
                self.source.external(sources, properties, &plan.columns)
            }
            Step::Materialize(input) => self.once(input).map(|rows| (*rows).clone()),
            Step::Range { from, to, step } => self.range(from, to, step),
            Step::Filter { input, predicate } => {
                let predicate = self.ready(predicate)?;
                let mut rows = self.plan(input)?;
                rows.retain(|row| self.value(&predicate, row) == Value::Bool(true));
                Ok(rows)
            }
            Step::Project { input, values } => {
                let values = self.all_ready(values)?;
                let rows = self.plan(input)?;
                rows.iter().map(|row| self.measured(self.values(&values, row))).collect()
            }
            Step::Union(inputs) => {
                let mut rows = Vec::new();
                for input in inputs {
                    rows.extend(self.plan(input)?);
                }
                Ok(rows)
            }
            Step::Take { input, count } => {
                let count = self.number(count)?;
                let mut rows = self.plan(input)?;
                rows.truncate(count);
                Ok(rows)
            }
            Step::Sample { input, count } => self.sample(input, count),
            Step::Sort { input, by } => self.sort(input, by),
            Step::Aggregate { input, keys, aggregates } => self.aggregate(input, keys, aggregates),
            Step::Join { kind, left, right, on } => self.join(*kind, left, right, on),
            Step::Window { input, calls } => self.window(input, calls),
            Step::Expand { input, kept, columns, limit, bags_as_arrays, with_index } => {
                self.expand(input, kept, columns, limit.as_ref(), *bags_as_arrays, *with_index)
            }
            Step::Apply { input, kept, columns, limit, with_index, body } => {
                self.apply(input, kept, columns, limit.as_ref(), *with_index, body)
            }
            Step::Partition { input, by, body } => self.partition(input, by, body),
            Step::Parse { input, parse, is_filter } => self.parse(plan, input, parse, *is_filter),
            Step::Series(series) => self.series(series),
            Step::TopNested { input, levels } => self.top_nested(input, levels),
            Step::Scan(scan) => self.scan(scan),
            Step::Plugin { input, plugin } => self.plugin(plan, input, plugin),
            Step::GraphMatch { graph, pattern } => self.graph_match(graph, pattern),
            Step::GraphShortestPaths { graph, pattern, all } => {
                self.graph_shortest_paths(graph, pattern, *all)
            }
            Step::GraphNodes { graph, with_id } => self.graph_nodes(graph, *with_id),
            Step::GraphEdges { graph, with_source, with_target } => {
                self.graph_edges(graph, *with_source, *with_target)
            }
            Step::Reduce { input, by, threshold, characters } => {
                self.reduce(input, by, *threshold, characters)
            }
        }
    }

    /// The rows of a plan, computed once, or once for each part that it reads.
    fn once(&self, plan: &Arc<Plan>) -> Result<Arc<Vec<Row>>> {
        let key = Arc::as_ptr(plan);
        if let Some(rows) = self.made.borrow().get(&key) {
            return Ok(Arc::clone(rows));
        }
        let rows = Arc::new(self.plan(plan)?);
        if plan.reads_part() {
            return Ok(rows);
        }
        self.made.borrow_mut().insert(key, Arc::clone(&rows));
        Ok(rows)
    }

    /// A value with its subqueries computed.
    fn ready(&self, scalar: &Scalar) -> Result<Scalar> {
        let waits =
            |part: &Scalar| matches!(part.kind, ScalarKind::Subquery(_) | ScalarKind::MembershipOf { .. });
        if !scalar.any(&waits) {
            return Ok(scalar.clone());
        }
        scalar.rebuilt(&mut |part| {
            Ok(match &part.kind {
                ScalarKind::Subquery(plan) => {
                    let rows = self.once(plan)?;
                    let value = rows.first().and_then(|row| row.first()).cloned();
                    Scalar::literal(value.unwrap_or(Value::empty(part.scalar_type)), part.scalar_type)
                }
                ScalarKind::MembershipOf { value, operator, table } => {
                    let scalar_type =
                        table.columns.first().map_or(ScalarType::Dynamic, |field| field.scalar_type);
                    let rows = self.once(table)?;
                    let items = rows.iter().filter_map(|row| row.first().cloned());
                    let items = items.map(|value| Scalar::literal(value, scalar_type)).collect();
                    let kind = ScalarKind::Membership { value: value.clone(), operator: *operator, items };
                    Scalar { kind, scalar_type: part.scalar_type }
                }
                _ => part.folded(),
            })
        })
    }

    fn all_ready(&self, scalars: &[Scalar]) -> Result<Vec<Scalar>> {
        scalars.iter().map(|scalar| self.ready(scalar)).collect()
    }

    /// The value in a row. Once the run is over everything is null: a step then ends soon, and [`Run::count`] says why.
    fn value(&self, scalar: &Scalar, row: &[Value]) -> Value {
        if self.is_late() {
            return Value::empty(scalar.scalar_type);
        }
        let is_volatile = |part: &Scalar| matches!(part.kind, ScalarKind::Volatile(_));
        if !scalar.any(&is_volatile) {
            return scalar.evaluate(row);
        }
        let drawn = scalar.rebuilt::<std::convert::Infallible>(&mut |part| {
            Ok(match &part.kind {
                ScalarKind::Volatile(what) => Scalar::literal(what.drawn(|| self.draw()), part.scalar_type),
                _ => part,
            })
        });
        match drawn {
            Ok(scalar) => scalar.evaluate(row),
            Err(never) => match never {},
        }
    }

    fn values(&self, scalars: &[Scalar], row: &[Value]) -> Row {
        scalars.iter().map(|scalar| self.value(scalar, row)).collect()
    }

    /// A count that is the same for every row.
    fn number(&self, count: &Scalar) -> Result<usize> {
        let value = self.constant(count)?;
        Ok(value.to_i64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
    }

    /// A value that is the same for every row.
    fn constant(&self, scalar: &Scalar) -> Result<Value> {
        Ok(self.value(&self.ready(scalar)?, &[]))
    }

    fn draw(&self) -> u64 {
        let state = self.random.get().wrapping_add(random::STEP);
        self.random.set(state);
        random::mixed(state)
    }

    /// Reservoir sampling, in the order of the rows.
    fn sample(&self, input: &Arc<Plan>, count: &Scalar) -> Result<Vec<Row>> {
        let count = self.number(count)?;
        let rows = self.plan(input)?;
        let mut kept: Vec<usize> = Vec::new();
        for at in 0..rows.len() {
            if kept.len() < count {
                kept.push(at);
                continue;
            }
            let place = usize::try_from(self.draw() % (at as u64 + 1)).unwrap_or(usize::MAX);
            if let Some(place) = kept.get_mut(place) {
                *place = at;
            }
        }
        kept.sort_unstable();
        Ok(kept.into_iter().filter_map(|at| rows.get(at).cloned()).collect())
    }

    fn range(&self, from: &Scalar, to: &Scalar, step: &Scalar) -> Result<Vec<Row>> {
        let (from, to, step) = (self.constant(from)?, self.constant(to)?, self.constant(step)?);
        let points = series::points(&from, Some(&to), &step, true)?;
        Ok(points.into_iter().map(|point| vec![point]).collect())
    }
}

/// The columns that the data decide for a plugin, which is the last step of the plan.
///
/// Errors: as [`run`], of what is below the plugin; and a plugin whose columns no data decide.
pub fn discover(plan: &Arc<Plan>, source: &dyn Source, limits: &Limits<'_>) -> Result<Vec<Field>> {
    let Step::Plugin { input, plugin } = &plan.step else {
        return Err(failure("unsupported", "only a plugin has columns that the data decide".to_owned()));
    };
    let rows = run(input, source, limits)?;
    plugin_columns(input, plugin, &rows)
}

/// The columns of a plugin on rows of its input.
///
/// Errors: a plugin whose columns no data decide.
pub fn plugin_columns(input: &Plan, plugin: &crate::plan::Plugin, rows: &[Row]) -> Result<Vec<Field>> {
    plugin::columns(input, plugin, rows)
}

/// The points of `range`, both ends included.
///
/// Errors: too many points.
pub fn points(from: &Value, to: &Value, step: &Value) -> Result<Vec<Value>> {
    series::points(from, Some(to), step, true)
}
