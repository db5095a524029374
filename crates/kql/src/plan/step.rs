//! The steps.

use std::sync::Arc;

use super::{Field, Graph, GraphPattern, Plan, Scalar, ScalarKind};
use crate::registry::Row;
use crate::value::{ScalarType, Value};

/// What is done to rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The rows of a table of the database.
    Table(Arc<str>),
    /// These rows.
    Rows(Vec<Vec<Value>>),
    /// The numbers or times of `range`, both ends included. The values are the same for every row.
    Range {
        /// The first.
        from: Scalar,
        /// The last.
        to: Scalar,
        /// The distance.
        step: Scalar,
    },
    /// Files from elsewhere.
    External {
        /// Where they are.
        sources: Vec<Arc<str>>,
        /// How to read them: `format`, `ignoreFirstRecord`, ...
        properties: Vec<(Arc<str>, Value)>,
    },
    /// The rows of the part that [`Step::Apply`] or [`Step::Partition`] is at.
    Part,
    /// The same rows, computed once however often they are read: `materialize`.
    Materialize(Arc<Plan>),
    /// Rows for which the predicate is true.
    Filter {
        /// The rows.
        input: Arc<Plan>,
        /// The condition.
        predicate: Scalar,
    },
    /// A value for each column.
    Project {
        /// The rows.
        input: Arc<Plan>,
        /// The values.
        values: Vec<Scalar>,
    },
    /// A row for each group: the keys, then the outputs of the aggregates. Without keys exactly one row.
    Aggregate {
        /// The rows.
        input: Arc<Plan>,
        /// What makes a group.
        keys: Vec<Scalar>,
        /// What is computed of it.
        aggregates: Vec<Aggregate>,
    },
    /// Rows in order.
    Sort {
        /// The rows.
        input: Arc<Plan>,
        /// The order.
        by: Vec<SortKey>,
    },
    /// The first rows; any when there is no order.
    Take {
        /// The rows.
        input: Arc<Plan>,
        /// How many; the same for every row.
        count: Scalar,
    },
    /// Rows drawn at random.
    Sample {
        /// The rows.
        input: Arc<Plan>,
        /// How many; the same for every row.
        count: Scalar,
    },
    /// Two tables side by side: the columns of the left one, then those of the right one, as far as the kind has them.
    Join {
        /// Which rows.
        kind: JoinKind,
        /// The left rows.
        left: Arc<Plan>,
        /// The right rows.
        right: Arc<Plan>,
        /// Values that have to be equal, of a left and of a right row.
        on: Vec<(Scalar, Scalar)>,
    },
    /// All rows of several tables, which have the same columns.
    Union(Vec<Arc<Plan>>),
    /// The columns of the input and the results of window functions, over rows as they are in order.
    Window {
        /// The rows.
        input: Arc<Plan>,
        /// The functions.
        calls: Vec<WindowCall>,
    },
    /// `mv-expand`: a row for each item of arrays and bags. The columns of the input that are kept, then the expanded ones.
    Expand {
        /// The rows.
        input: Arc<Plan>,
        /// The positions of the input's columns that come out.
        kept: Vec<usize>,
        /// What is expanded.
        columns: Vec<Expansion>,
        /// At most so many for each row.
        limit: Option<Scalar>,
        /// Whether a bag gives arrays of key and value instead of bags of one key.
        bags_as_arrays: bool,
        /// Whether the position follows as a last column.
        with_index: bool,
    },
    /// A pipeline over the items of each row: `mv-apply`. The columns of the input that are kept, then those of the body.
    Apply {
        /// The rows.
        input: Arc<Plan>,
        /// The positions of the input's columns that come out.
        kept: Vec<usize>,
        /// As in [`Step::Expand`].
        columns: Vec<Expansion>,
        /// At most so many for each row.
        limit: Option<Scalar>,
        /// Whether the body sees the position of each item as a last column.
        with_index: bool,
        /// Over [`Step::Part`], which has the input's columns and the expanded ones.
        body: Arc<Plan>,
    },
    /// A pipeline over the rows of each value of a key: `partition`.
    Partition {
        /// The rows.
        input: Arc<Plan>,
        /// The key.
        by: Scalar,
        /// Over [`Step::Part`].
        body: Arc<Plan>,
    },
    /// The columns of the input and those that a text comes apart into.
    Parse {
        /// The rows.
        input: Arc<Plan>,
        /// The pattern.
        parse: ParseStep,
        /// Whether rows that do not fit are dropped.
        is_filter: bool,
    },
    /// Series without gaps: a row for each group of the input's first columns; then an array for each value and one for
    /// the axis. The input has a row for each group and bin: keys, axis, values.
    Series(Box<Series>),
    /// `top-nested`.
    TopNested {
        /// The rows.
        input: Arc<Plan>,
        /// The levels.
        levels: Vec<TopLevel>,
    },
    /// `scan`.
    Scan(Box<ScanPlan>),
    /// `reduce`: texts by their common patterns.
    Reduce {
        /// The rows.
        input: Arc<Plan>,
        /// The text.
        by: Scalar,
        /// How alike texts have to be, 0 to 1.
        threshold: f64,
        /// What holds words together.
        characters: String,
    },
    /// `evaluate`.
    Plugin {
        /// The rows.
        input: Arc<Plan>,
        /// Which.
        plugin: Plugin,
    },
    /// `graph-match`: a row for each place in the graph that looks like the pattern.
    GraphMatch {
        /// The graph.
        graph: Arc<Graph>,
        /// The pattern.
        pattern: Box<GraphPattern>,
    },
    /// `graph-shortest-paths`
    GraphShortestPaths {
        /// The graph.
        graph: Arc<Graph>,
        /// The pattern.
        pattern: Box<GraphPattern>,
        /// Whether all shortest paths count, or one for each pair.
        all: bool,
    },
    /// The nodes of a graph: their columns, preceded by a number of their own where asked for.
    GraphNodes {
        /// The graph.
        graph: Arc<Graph>,
        /// Whether the number is asked for.
        with_id: bool,
    },
    /// The edges of a graph: their columns, preceded by the numbers of their nodes where asked for.
    GraphEdges {
        /// The graph.
        graph: Arc<Graph>,
        /// Whether the number of the source is asked for.
        with_source: bool,
        /// Whether the number of the target is asked for.
        with_target: bool,
    },
}

/// Which rows a join gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// Pairs, after one left row of each key was kept.
    InnerUnique,
    /// Pairs.
    Inner,
    /// Pairs, and left rows without one.
    LeftOuter,
    /// Pairs, and right rows without one.
    RightOuter,
    /// Pairs, and rows of both sides without one.
    FullOuter,
    /// Left rows with a partner.
    LeftSemi,
    /// Left rows without a partner.
    LeftAnti,
    /// Right rows with a partner.
    RightSemi,
    /// Right rows without a partner.
    RightAnti,
}

impl JoinKind {
    /// Whether the left side's columns come out.
    pub fn has_left(self) -> bool {
        !matches!(self, JoinKind::RightSemi | JoinKind::RightAnti)
    }

    /// Whether the right side's columns come out.
    pub fn has_right(self) -> bool {
        !matches!(self, JoinKind::LeftSemi | JoinKind::LeftAnti)
    }
}

/// A call of an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Which.
    pub function: AggregateFunction,
    /// Its arguments over the input.
    pub arguments: Vec<Scalar>,
    /// Rows that count, as in `countif`.
    pub filter: Option<Scalar>,
    /// What comes out, most often one column.
    pub outputs: Vec<Field>,
}

/// The aggregates. Their `...if` forms are these with a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum AggregateFunction {
    /// Rows; with an argument those in which it is not null.
    Count,
    /// Different values, counted exactly.
    CountDistinct,
    /// Different values, estimated from many on.
    Dcount,
    /// The sum; 0 of nothing.
    Sum,
    /// The mean; NaN of nothing.
    Average,
    /// The least.
    Minimum,
    /// The greatest.
    Maximum,
    /// The arguments of a row with the greatest first one.
    ArgMax,
    /// The arguments of a row with the least first one.
    ArgMin,
    /// The arguments of any row, preferably not null.
    TakeAny,
    /// An array of the values, of at most so many.
    MakeList {
        /// The most items.
        limit: usize,
        /// Whether nulls are kept.
        with_nulls: bool,
    },
    /// An array of the different values, of at most so many.
    MakeSet {
        /// The most items.
        limit: usize,
    },
    /// A bag of all keys of bags, of at most so many.
    MakeBag {
        /// The most keys.
        limit: usize,
    },
    /// The nearest ranks. Weighted: the second argument says how often the first counts.
    Percentiles {
        /// 0 to 100.
        ranks: Vec<f64>,
        /// Whether there is a weight.
        is_weighted: bool,
        /// Whether they come out as one array.
        as_array: bool,
    },
    /// The standard deviation, of a sample or of a population.
    StandardDeviation {
        /// Of a population.
        of_population: bool,
    },
    /// The variance, of a sample or of a population.
    Variance {
        /// Of a population.
        of_population: bool,
    },
    /// The covariance, of a sample or of a population.
    Covariance {
        /// Of a population.
        of_population: bool,
    },
    /// All bits that all values have.
    BinaryAnd,
    /// All bits that a value has.
    BinaryOr,
    /// Bits that an odd number of values has.
    BinaryXor,
    /// The schema that all values fit.
    BuildSchema,
    /// A sketch for counting different values.
    Hll {
        /// 0 (rough) to 4 (fine).
        accuracy: usize,
    },
    /// Such sketches merged.
    HllMerge,
    /// A sketch for percentiles; the second argument says how often the first counts.
    TDigest,
    /// Such sketches merged.
    TDigestMerge,
}

/// A column of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// What is ordered by.
    pub value: Scalar,
    /// Least first.
    pub is_ascending: bool,
    /// Whether nulls come first.
    pub nulls_first: bool,
}

/// A call of a window function.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowCall {
    /// Which.
    pub function: WindowFunction,
    /// Its arguments over the input.
    pub arguments: Vec<Scalar>,
    /// Its column.
    pub output: Field,
}

/// Window functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowFunction {
    /// The value of a row before.
    Prev,
    /// The value of a row after.
    Next,
    /// The number of the row.
    RowNumber,
    /// The sum so far.
    CumulativeSum,
    /// The rank, without gaps.
    RankDense,
    /// The rank: how many rows have a smaller one.
    RankMin,
    /// The beginning of the session.
    Session,
}

/// A column of `mv-expand`.
#[derive(Clone, Debug, PartialEq)]
pub struct Expansion {
    /// The array or bag.
    pub value: Scalar,
    /// What the items become.
    pub to: ScalarType,
}

/// How `parse` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParseMode {
    /// Texts in between are plain, and all columns have to fit their types or none is set.
    Simple,
    /// Texts in between are regular expressions.
    Regex,
    /// As simple, but columns that do not fit are null alone.
    Relaxed,
}

/// What a text comes apart into.
#[derive(Clone, Debug, PartialEq)]
pub enum ParseStep {
    /// `parse`: a compiled pattern with a group for each column.
    Pattern {
        /// The text.
        value: Scalar,
        /// The regular expression.
        regex: Arc<str>,
        /// How.
        mode: ParseMode,
    },
    /// `parse-kv`
    KeyValue {
        /// The text.
        value: Scalar,
        /// What separates pairs; anything but a letter or a digit without.
        pair_delimiter: Option<Arc<str>>,
        /// What separates a key from its value; anything but a letter or a digit without.
        kv_delimiter: Option<Arc<str>>,
        /// Quotes, opening and closing.
        quotes: Vec<(Arc<str>, Arc<str>)>,
        /// What makes the next character plain.
        escape: Option<Arc<str>>,
        /// Whether a value reaches up to the next key that is asked for.
        greedy: bool,
    },
    /// `parse-kv` with a regular expression of two groups.
    KeyValueRegex {
        /// The text.
        value: Scalar,
        /// The regular expression.
        regex: Arc<str>,
    },
}

/// `make-series`, after bins were aggregated.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// A row for each group and bin: keys, axis, values.
    pub input: Arc<Plan>,
    /// How many keys there are.
    pub keys: usize,
    /// The first point.
    pub from: Option<Scalar>,
    /// The end.
    pub to: Option<Scalar>,
    /// The distance.
    pub step: Scalar,
    /// Whether the end is a point.
    pub includes_end: bool,
    /// What stands where there is nothing.
    pub values: Vec<SeriesValue>,
}

/// A value of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesValue {
    /// What stands where there is nothing.
    pub default: Scalar,
}

/// A level of `top-nested`.
#[derive(Clone, Debug, PartialEq)]
pub struct TopLevel {
    /// How many; all when `None`.
    pub count: Option<Scalar>,
    /// Of what.
    pub value: Scalar,
    /// The name of the rest; none when the rest is dropped.
    pub others: Option<Value>,
    /// What orders.
    pub by: Aggregate,
    /// Greatest first unless said otherwise.
    pub is_ascending: bool,
}

/// `scan`: rows in order go through steps, each of which keeps the last row of its match.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanPlan {
    /// The rows in order.
    pub input: Arc<Plan>,
    /// What separates sequences.
    pub partition: Vec<Scalar>,
    /// What declared columns hold at the start.
    pub defaults: Vec<Value>,
    /// The steps. Their expressions see the row, the declared columns, and after them for each step the columns of the
    /// input and the declared ones.
    pub steps: Vec<ScanStepPlan>,
    /// Whether the number of the match is the last column.
    pub with_match_id: bool,
}

/// A step of `scan`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanStepPlan {
    /// Whether a match may do without it.
    pub is_optional: bool,
    /// Which of its rows come out.
    pub output: ScanOutput,
    /// When a row belongs to it.
    pub condition: Scalar,
    /// What it sets: the position among the declared columns and the value.
    pub assignments: Vec<(usize, Scalar)>,
}

/// Which rows of a step of `scan` come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanOutput {
    /// All.
    All,
    /// The last one.
    Last,
    /// None.
    None,
}

/// A call of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// Which.
    pub row: &'static Row,
    /// What is given.
    pub arguments: Vec<PluginArgument>,
}

/// An argument of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginArgument {
    /// Its name in the registry.
    pub name: &'static str,
    /// The name that the query gives it.
    pub given: Option<Arc<str>>,
    /// What it is.
    pub value: PluginValue,
}

/// What a plugin can be given.
#[derive(Clone, Debug, PartialEq)]
pub enum PluginValue {
    /// A value of a row, or a constant.
    Scalar(Scalar),
    /// A table.
    Table(Arc<Plan>),
    /// An aggregate.
    Aggregate(Aggregate),
    /// `*`
    Star,
}

impl Plugin {
    /// The scalars given for an argument.
    pub fn scalars<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Scalar> {
        self.arguments.iter().filter(move |argument| argument.name == name).filter_map(|argument| {
            match &argument.value {
                PluginValue::Scalar(scalar) => Some(scalar),
                _ => None,
            }
        })
    }

    /// The constant given for an argument.
    pub fn constant<'a>(&'a self, name: &'a str) -> Option<&'a Value> {
        self.scalars(name).next().and_then(Scalar::as_literal)
    }

    /// The table given for an argument.
    pub fn table(&self, name: &str) -> Option<&Arc<Plan>> {
        self.arguments.iter().filter(|argument| argument.name == name).find_map(|argument| {
            match &argument.value {
                PluginValue::Table(plan) => Some(plan),
                _ => None,
            }
        })
    }
}

impl Step {
    /// The plans that it works on.
    pub fn inputs(&self) -> Vec<&Arc<Plan>> {
        match self {
            Step::Table(_) | Step::Rows(_) | Step::Range { .. } | Step::External { .. } | Step::Part => {
                Vec::new()
            }
            Step::Materialize(input)
            | Step::Filter { input, .. }
            | Step::Project { input, .. }
            | Step::Aggregate { input, .. }
            | Step::Sort { input, .. }
            | Step::Take { input, .. }
            | Step::Sample { input, .. }
            | Step::Window { input, .. }
            | Step::Expand { input, .. }
            | Step::Parse { input, .. }
            | Step::TopNested { input, .. }
            | Step::Reduce { input, .. } => vec![input],
            Step::Apply { input, body, .. } | Step::Partition { input, body, .. } => vec![input, body],
            Step::Join { left, right, .. } => vec![left, right],
            Step::Union(inputs) => inputs.iter().collect(),
            Step::Series(series) => vec![&series.input],
            Step::Scan(scan) => vec![&scan.input],
            Step::Plugin { input, plugin } => {
                let tables = plugin.arguments.iter().filter_map(|argument| match &argument.value {
                    PluginValue::Table(plan) => Some(plan),
                    _ => None,
                });
                std::iter::once(input).chain(tables).collect()
            }
            Step::GraphMatch { graph, .. }
            | Step::GraphShortestPaths { graph, .. }
            | Step::GraphNodes { graph, .. }
            | Step::GraphEdges { graph, .. } => graph.inputs(),
        }
    }

    /// The values that it computes.
    pub fn scalars(&self) -> Vec<&Scalar> {
        match self {
            Step::Filter { predicate, .. } => vec![predicate],
            Step::Project { values, .. } => values.iter().collect(),
            Step::Range { from, to, step } => vec![from, to, step],
            Step::Aggregate { keys, aggregates, .. } => {
                keys.iter().chain(aggregates.iter().flat_map(Aggregate::scalars)).collect()
            }
            Step::Sort { by, .. } => by.iter().map(|key| &key.value).collect(),
            Step::Take { count, .. } | Step::Sample { count, .. } => vec![count],
            Step::Join { on, .. } => on.iter().flat_map(|(left, right)| [left, right]).collect(),
            Step::Window { calls, .. } => calls.iter().flat_map(|call| &call.arguments).collect(),
            Step::Expand { columns, limit, .. } | Step::Apply { columns, limit, .. } => {
                columns.iter().map(|column| &column.value).chain(limit).collect()
            }
            Step::Partition { by, .. } | Step::Reduce { by, .. } => vec![by],
            Step::Parse { parse, .. } => match parse {
                ParseStep::Pattern { value, .. }
                | ParseStep::KeyValue { value, .. }
                | ParseStep::KeyValueRegex { value, .. } => vec![value],
            },
            Step::Series(series) => {
                let ends = series.from.iter().chain(&series.to).chain(std::iter::once(&series.step));
                ends.chain(series.values.iter().map(|value| &value.default)).collect()
            }
            Step::TopNested { levels, .. } => levels
                .iter()
                .flat_map(|level| {
                    level.count.iter().chain(std::iter::once(&level.value)).chain(level.by.scalars())
                })
                .collect(),
            Step::Scan(scan) => scan
                .partition
                .iter()
                .chain(scan.steps.iter().flat_map(|step| {
                    std::iter::once(&step.condition).chain(step.assignments.iter().map(|(_, value)| value))
                }))
                .collect(),
            Step::Plugin { plugin, .. } => plugin
                .arguments
                .iter()
                .flat_map(|argument| match &argument.value {
                    PluginValue::Scalar(scalar) => vec![scalar],
                    PluginValue::Aggregate(aggregate) => aggregate.scalars().collect(),
                    _ => Vec::new(),
                })
                .collect(),
            Step::GraphMatch { graph, pattern } | Step::GraphShortestPaths { graph, pattern, .. } => {
                graph.scalars().into_iter().chain(pattern.scalars()).collect()
            }
            Step::GraphNodes { graph, .. } | Step::GraphEdges { graph, .. } => graph.scalars(),
            _ => Vec::new(),
        }
    }

    /// The plans in its values: `toscalar(...)` and `in (...)`.
    pub fn subqueries(&self) -> Vec<Arc<Plan>> {
        fn collect(scalar: &Scalar, found: &mut Vec<Arc<Plan>>) {
            match &scalar.kind {
                ScalarKind::Subquery(plan) => found.push(Arc::clone(plan)),
                ScalarKind::MembershipOf { table, .. } => found.push(Arc::clone(table)),
                _ => {}
            }
            scalar.operands().into_iter().for_each(|operand| collect(operand, found));
        }
        let mut found = Vec::new();
        self.scalars().into_iter().for_each(|scalar| collect(scalar, &mut found));
        found
    }
}

impl Aggregate {
    /// The values that it computes.
    pub fn scalars(&self) -> impl Iterator<Item = &Scalar> {
        self.arguments.iter().chain(&self.filter)
    }
}
