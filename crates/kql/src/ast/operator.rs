//! Operators and their clauses.

use super::{ColumnDeclaration, Expr, Name, Parameter, Schema, Script};
use crate::span::Span;
use crate::value::ScalarType;

/// A step of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// What it does.
    pub kind: OperatorKind,
    /// From its name to its end.
    pub span: Span,
}

/// `name = value` after an operator: `kind=inner`, `hint.strategy=shuffle`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The name: `hint.strategy`.
    pub name: Name,
    /// The value; several only where a list is taken, as in `ycolumns = a, b`.
    pub values: Vec<Expr>,
}

/// `a`, `b = expression`, `(c, d) = expression`
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The names; none where the expression gives the name.
    pub names: Vec<Name>,
    /// The expression.
    pub value: Expr,
}

/// `expression asc nulls first`
#[derive(Clone, Debug, PartialEq)]
pub struct Ordering {
    /// What is ordered by; with a name in `top-nested` and `project-reorder`.
    pub value: Column,
    /// `asc` or `desc`, where written.
    pub is_ascending: Option<bool>,
    /// `nulls first` or `nulls last`, where written.
    pub nulls_first: Option<bool>,
    /// `granny-asc` and `granny-desc` of `project-reorder`: numbers in names count as numbers.
    pub is_granny: bool,
}

/// The operators. Legacy spellings have the kind of today's.
#[derive(Clone, Debug, PartialEq)]
pub enum OperatorKind {
    /// `as name`
    As {
        /// Options.
        options: Vec<Setting>,
        /// The name.
        name: Name,
    },
    /// `assert-schema (a: long)`
    AssertSchema(Schema),
    /// `consume`
    Consume(Vec<Setting>),
    /// `count`, `count as name`
    Count(Option<Name>),
    /// `datatable (a: long) [1, 2]`
    Datatable {
        /// The columns.
        schema: Schema,
        /// The cells, row by row.
        cells: Vec<Expr>,
    },
    /// `distinct a, b`, `distinct *`
    Distinct {
        /// Options.
        options: Vec<Setting>,
        /// The columns.
        columns: Vec<Column>,
    },
    /// `evaluate plugin(...) : schema`
    Evaluate {
        /// Options.
        options: Vec<Setting>,
        /// The plugin and its arguments.
        call: Expr,
        /// What it gives.
        schema: Option<Schema>,
    },
    /// `extend a = 1`
    Extend(Vec<Column>),
    /// `externaldata (a: string) ["url"] with (format = "csv")`
    ExternalData {
        /// The columns.
        schema: Schema,
        /// The places.
        sources: Vec<Expr>,
        /// How to read.
        properties: Vec<Setting>,
    },
    /// `facet by a with (...)`
    Facet {
        /// The columns.
        columns: Vec<Expr>,
        /// What happens to the rows behind each value.
        with: Option<Box<Expr>>,
    },
    /// `find`
    Find(Box<Find>),
    /// `fork name = (...) (...)`
    Fork(Vec<ForkBranch>),
    /// `getschema`
    GetSchema(Vec<Setting>),
    /// `graph-mark-components`
    GraphMarkComponents(Vec<Setting>),
    /// `graph-match`
    GraphMatch(Box<GraphMatch>),
    /// `graph-shortest-paths`
    GraphShortestPaths(Box<GraphMatch>),
    /// `graph-to-table nodes as N, edges as E`
    GraphToTable(Vec<GraphTable>),
    /// `graph-where-nodes predicate`
    GraphWhereNodes(Expr),
    /// `graph-where-edges predicate`
    GraphWhereEdges(Expr),
    /// `invoke f(...)`
    Invoke(Expr),
    /// `join kind=inner (T) on a`
    Join {
        /// Options, `kind` among them.
        options: Vec<Setting>,
        /// The right side.
        right: Expr,
        /// What is compared.
        on: Vec<Expr>,
    },
    /// `lookup kind=leftouter (T) on a`
    Lookup {
        /// Options, `kind` among them.
        options: Vec<Setting>,
        /// The right side.
        right: Expr,
        /// What is compared.
        on: Vec<Expr>,
    },
    /// `macro-expand`
    MacroExpand {
        /// Options.
        options: Vec<Setting>,
        /// The entity group.
        group: Expr,
        /// The name for each member.
        name: Name,
        /// What happens to each.
        body: Script,
    },
    /// `make-graph source --> target with ...`
    MakeGraph(Box<MakeGraph>),
    /// `make-series`
    MakeSeries(Box<MakeSeries>),
    /// `mv-apply a = b to typeof(long) on (...)`
    MvApply {
        /// Options.
        options: Vec<Setting>,
        /// What is expanded.
        columns: Vec<ExpandedColumn>,
        /// At most so many.
        limit: Option<Expr>,
        /// The pipeline for each row.
        body: Expr,
    },
    /// `mv-expand a to typeof(long) limit 5`
    MvExpand {
        /// Options: `kind`, `bagexpansion`, `with_itemindex`.
        options: Vec<Setting>,
        /// What is expanded.
        columns: Vec<ExpandedColumn>,
        /// At most so many rows for each.
        limit: Option<Expr>,
    },
    /// `parse` and `parse-where`
    Parse {
        /// True for `parse-where`.
        is_filter: bool,
        /// Options: `kind`, `flags`.
        options: Vec<Setting>,
        /// The text.
        value: Expr,
        /// The pattern.
        pattern: Vec<ParsePart>,
    },
    /// `parse-kv value as (a: long) with (...)`
    ParseKv {
        /// The text.
        value: Expr,
        /// The keys.
        schema: Schema,
        /// How to read.
        properties: Vec<Setting>,
    },
    /// `partition by a (...)`
    Partition {
        /// Options.
        options: Vec<Setting>,
        /// The column.
        by: Expr,
        /// Legacy `in (...)`: the values of the column that count.
        within: Option<Expr>,
        /// What happens to each part.
        body: Expr,
    },
    /// `print a = 1`
    Print(Vec<Column>),
    /// `project a, b = c`
    Project(Vec<Column>),
    /// `project-away a, b*`
    ProjectAway(Vec<Expr>),
    /// `project-by-names a, b*`
    ProjectByNames(Vec<Expr>),
    /// `project-keep a, b*`
    ProjectKeep(Vec<Expr>),
    /// `project-rename a = b`
    ProjectRename(Vec<Column>),
    /// `project-reorder a, b* asc`
    ProjectReorder(Vec<Ordering>),
    /// `project-smart a`, a legacy spelling
    ProjectSmart(Vec<Column>),
    /// `range a from 1 to 5 step 1`
    Range {
        /// The column.
        name: Name,
        /// The first value.
        from: Expr,
        /// The last value.
        to: Expr,
        /// The distance.
        step: Expr,
    },
    /// `reduce by a with (...)`
    Reduce {
        /// Options.
        options: Vec<Setting>,
        /// The text.
        by: Expr,
        /// How.
        properties: Vec<Setting>,
    },
    /// `render timechart with (...)`
    Render {
        /// The chart.
        chart: Name,
        /// Its properties.
        properties: Vec<Setting>,
    },
    /// `sample 5`
    Sample(Expr),
    /// `sample-distinct 5 of a`
    SampleDistinct {
        /// How many.
        count: Expr,
        /// Of what.
        of: Expr,
    },
    /// `scan`
    Scan(Box<Scan>),
    /// `search`
    Search {
        /// Options: `kind`.
        options: Vec<Setting>,
        /// The tables; all when empty.
        tables: Vec<Expr>,
        /// What is looked for.
        predicate: Expr,
    },
    /// `serialize a = 1`
    Serialize(Vec<Column>),
    /// `sort by a desc`
    Sort {
        /// Options.
        options: Vec<Setting>,
        /// The order.
        by: Vec<Ordering>,
    },
    /// `summarize a by b`
    Summarize {
        /// Options.
        options: Vec<Setting>,
        /// The aggregates.
        aggregates: Vec<Column>,
        /// The groups.
        by: Vec<Column>,
    },
    /// `take 5`
    Take {
        /// Options.
        options: Vec<Setting>,
        /// How many.
        count: Expr,
    },
    /// `top 5 by a`
    Top {
        /// Options.
        options: Vec<Setting>,
        /// How many.
        count: Expr,
        /// The order.
        by: Vec<Ordering>,
    },
    /// `top-hitters 5 of a by b`
    TopHitters {
        /// How many.
        count: Expr,
        /// Of what.
        of: Expr,
        /// Weighed by what.
        by: Option<Expr>,
    },
    /// `top-nested 5 of a by b, ...`
    TopNested(Vec<TopNested>),
    /// `union T, U`
    Union {
        /// Options: `kind`, `withsource`, `isfuzzy`.
        options: Vec<Setting>,
        /// The tables.
        tables: Vec<Expr>,
    },
    /// `where predicate`
    Where {
        /// Options.
        options: Vec<Setting>,
        /// Which rows stay.
        predicate: Expr,
    },
    /// An operator that does not exist; a diagnostic says so.
    Unknown(Name),
}

/// A column of `mv-expand` and `mv-apply`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpandedColumn {
    /// The column.
    pub column: Column,
    /// `to typeof(type)`
    pub to: Option<ScalarType>,
}

/// A part of the pattern of `parse`.
#[derive(Clone, Debug, PartialEq)]
pub enum ParsePart {
    /// `*`
    Skip(Span),
    /// `"text"`
    Text(Expr),
    /// `name: type`
    Column(ColumnDeclaration),
}

/// `find`.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    /// Options: `withsource`, `datascope`.
    pub options: Vec<Setting>,
    /// The tables; all when empty.
    pub tables: Vec<Expr>,
    /// What is looked for.
    pub predicate: Expr,
    /// `project`; none for `project-smart` and when left out.
    pub project: Option<Vec<FindColumn>>,
    /// `project-away`
    pub project_away: Vec<Expr>,
}

/// A column of `find`'s `project`.
#[derive(Clone, Debug, PartialEq)]
pub enum FindColumn {
    /// `name: type`
    Column(ColumnDeclaration),
    /// `pack(*)`, `pack_all()`
    Pack(Span),
}

/// `name = (pipeline)` of `fork`.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkBranch {
    /// The name.
    pub name: Option<Name>,
    /// The pipeline, whose source is the fork's.
    pub body: Expr,
}

/// `graph-match` and `graph-shortest-paths`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphMatch {
    /// Options: `cycles`, `output`.
    pub options: Vec<Setting>,
    /// The patterns.
    pub patterns: Vec<Vec<GraphElement>>,
    /// `where`
    pub predicate: Option<Expr>,
    /// `project`
    pub project: Vec<Column>,
}

/// A node or an edge of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum GraphElement {
    /// `(name)`
    Node {
        /// The name, where there is one.
        name: Option<Name>,
        /// Where it stands.
        span: Span,
    },
    /// `-[name*1..3]->`, `<-[name]-`, `--`
    Edge {
        /// The name, where there is one.
        name: Option<Name>,
        /// How many in a row.
        hops: Option<(Expr, Expr)>,
        /// The direction.
        direction: EdgeDirection,
        /// Where it stands.
        span: Span,
    },
}

/// The direction of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeDirection {
    /// `-->`
    Right,
    /// `<--`
    Left,
    /// `--`
    Any,
}

/// A result of `graph-to-table`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphTable {
    /// True for `edges`.
    pub is_edges: bool,
    /// `as name`
    pub name: Option<Name>,
    /// Options: `with_node_id`, ...
    pub options: Vec<Setting>,
}

/// `make-graph`.
#[derive(Clone, Debug, PartialEq)]
pub struct MakeGraph {
    /// Options.
    pub options: Vec<Setting>,
    /// The column with the source node's id.
    pub source: Name,
    /// False for `--`.
    pub is_directed: bool,
    /// The column with the target node's id.
    pub target: Name,
    /// `with T on id`, at most two.
    pub nodes: Vec<GraphNodes>,
    /// `with_node_id = name`
    pub node_id: Option<Name>,
    /// `partitioned-by column (...)`
    pub partition: Option<(Name, Box<Expr>)>,
}

/// `with T on id` of `make-graph`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNodes {
    /// The table of nodes.
    pub table: Expr,
    /// Its id column.
    pub on: Name,
}

/// `make-series`.
#[derive(Clone, Debug, PartialEq)]
pub struct MakeSeries {
    /// Options: `kind`.
    pub options: Vec<Setting>,
    /// The aggregates and what counts where nothing is.
    pub aggregates: Vec<(Column, Option<Expr>)>,
    /// The axis.
    pub on: Column,
    /// The first point.
    pub from: Option<Expr>,
    /// The end, not included (in the legacy `in range(...)` it is the last point).
    pub to: Option<Expr>,
    /// The distance.
    pub step: Expr,
    /// True for `in range(from, to, step)`.
    pub is_range: bool,
    /// The groups.
    pub by: Vec<Column>,
}

/// `scan`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Options: `with_match_id`.
    pub options: Vec<Setting>,
    /// `order by`
    pub order: Vec<Ordering>,
    /// `partition by`
    pub partition: Vec<Expr>,
    /// `declare (name: type = default)`
    pub declare: Vec<Parameter>,
    /// The steps.
    pub steps: Vec<ScanStep>,
}

/// `step name optional output = all: condition => a = b;`
#[derive(Clone, Debug, PartialEq)]
pub struct ScanStep {
    /// The name.
    pub name: Name,
    /// True with `optional`.
    pub is_optional: bool,
    /// `output = all | last | none`
    pub output: Option<Name>,
    /// When a row belongs to the step.
    pub condition: Expr,
    /// What it sets.
    pub assignments: Vec<Column>,
}

/// A level of `top-nested`.
#[derive(Clone, Debug, PartialEq)]
pub struct TopNested {
    /// How many; all without.
    pub count: Option<Expr>,
    /// Of what.
    pub of: Column,
    /// `with others = "name"`
    pub others: Option<Expr>,
    /// The aggregate that orders.
    pub by: Ordering,
}
