//! Operators: each becomes the steps that it stands for.

use std::sync::Arc;

use super::environment::{Binding, Environment};
use super::frame::Frame;
use super::{Binder, Result};
use crate::ast::{Expr, Name, Operator, OperatorKind, Setting};
use crate::diagnostic::Diagnostic;
use crate::plan::{Field, Graph, NamedPlan, Plan, Scalar, Step};
use crate::span::Span;
use crate::value::{ScalarType, Value};

/// What goes from one operator to the next.
#[derive(Clone, Debug)]
pub(super) enum Flow {
    /// Rows.
    Table(Arc<Plan>),
    /// A graph.
    Graph(Arc<Graph>),
    /// Several tables; nothing follows them.
    Several(Vec<NamedPlan>),
}

impl Flow {
    /// The rows.
    pub(super) fn table(self, span: Span) -> Result<Arc<Plan>> {
        match self {
            Flow::Table(plan) => Ok(plan),
            Flow::Graph(_) => {
                Err(Diagnostic::error("not-tabular", span, "this is a graph, and rows are expected")
                    .with_help("end it with `graph-match ... project ...` or `graph-to-table`"))
            }
            Flow::Several(_) => {
                Err(Diagnostic::error("several-results", span, "nothing can follow several results"))
            }
        }
    }
}

impl Binder<'_> {
    /// An operator over what comes before it. `as` adds to the environment of what follows.
    pub(super) fn operator(
        &self,
        operator: &Operator,
        flow: Option<Flow>,
        environment: &mut Environment,
    ) -> Result<Flow> {
        let span = operator.span;
        if let Some(source) = self.source_operator(operator, flow.as_ref(), environment)? {
            return Ok(Flow::Table(source));
        }
        let flow = flow.ok_or_else(|| {
            Diagnostic::error("no-source", span, "this operator needs rows before it")
                .with_help("begin with a table: `T | ...`")
        })?;
        if let Some(flow) = self.graph_operator(operator, &flow, environment)? {
            return Ok(flow);
        }
        let input = flow.table(span)?;
        match &operator.kind {
            OperatorKind::As { name, .. } => {
                let binding = Binding::Table { plan: Arc::clone(&input), is_view: false };
                *environment = environment.with(Arc::clone(&name.text), binding);
                Ok(Flow::Table(input))
            }
            OperatorKind::Facet { columns, with } => {
                self.facet(&input, columns, with.as_deref(), environment).map(Flow::Several)
            }
            OperatorKind::Fork(branches) => self.fork(&input, branches, environment).map(Flow::Several),
            OperatorKind::MakeGraph(make) => {
                self.make_graph(&input, make, environment).map(|graph| Flow::Graph(Arc::new(graph)))
            }
            _ => self.row_operator(operator, input, environment).map(Flow::Table),
        }
    }

    /// Operators that begin a pipeline.
    fn source_operator(
        &self,
        operator: &Operator,
        flow: Option<&Flow>,
        environment: &Environment,
    ) -> Result<Option<Arc<Plan>>> {
        let frame = Frame::constant(environment);
        Ok(Some(match &operator.kind {
            OperatorKind::Datatable { schema, cells } => self.datatable(schema, cells, frame)?,
            OperatorKind::Print(columns) => self.print(columns, frame)?,
            OperatorKind::Range { name, from, to, step } => self.range(name, [from, to, step], frame)?,
            OperatorKind::ExternalData { schema, sources, properties } => {
                self.external(operator.span, schema, sources, properties, frame)?
            }
            OperatorKind::Union { options, tables } => {
                let first = match flow {
                    Some(flow) => Some(flow.clone().table(operator.span)?),
                    None => None,
                };
                self.union(operator.span, first, options, tables, environment)?
            }
            OperatorKind::Find(find) => self.find(operator.span, find, environment)?,
            OperatorKind::Search { options, tables, predicate } => {
                let first = match flow {
                    Some(flow) => Some(flow.clone().table(operator.span)?),
                    None => None,
                };
                self.search(operator.span, first, options, tables, predicate, environment)?
            }
            OperatorKind::Evaluate { call, .. } if flow.is_none() => {
                super::plugin::supported(call)?;
                return Err(Diagnostic::error("no-source", call.span, "this plugin needs rows before it"));
            }
            _ => return Ok(None),
        }))
    }

    /// Operators on rows.
    fn row_operator(
        &self,
        operator: &Operator,
        input: Arc<Plan>,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let span = operator.span;
        match &operator.kind {
            OperatorKind::Where { predicate, .. } => self.filter(input, predicate, environment),
            OperatorKind::Extend(columns) => self.extend(input, columns, environment),
            OperatorKind::Serialize(columns) => {
                let serialized = serialized(input);
                if columns.is_empty() {
                    Ok(serialized)
                } else {
                    self.extend(serialized, columns, environment)
                }
            }
            OperatorKind::Project(columns) | OperatorKind::ProjectSmart(columns) => {
                self.project(input, columns, environment)
            }
            OperatorKind::ProjectAway(patterns) => self.project_away(input, patterns),
            OperatorKind::ProjectKeep(patterns) => self.project_keep(input, patterns),
            OperatorKind::ProjectByNames(patterns) => self.project_by_names(input, patterns, environment),
            OperatorKind::ProjectRename(columns) => self.project_rename(input, columns),
            OperatorKind::ProjectReorder(columns) => self.project_reorder(input, columns),
            OperatorKind::Distinct { columns, .. } => self.distinct(input, columns, environment),
            OperatorKind::Count(name) => Ok(count(input, name.as_ref())),
            OperatorKind::Summarize { aggregates, by, .. } => {
                self.summarize(span, input, aggregates, by, environment)
            }
            OperatorKind::Sort { by, .. } => self.sort(input, by, environment),
            OperatorKind::Take { count, .. } => self.take(input, count, environment),
            OperatorKind::Top { count, by, .. } => {
                let sorted = self.sort(input, by, environment)?;
                self.take(sorted, count, environment)
            }
            OperatorKind::Sample(count) => {
                let count = self.count(count, environment)?;
                let columns = input.columns.clone();
                Ok(Plan::new(Step::Sample { input, count }, columns))
            }
            OperatorKind::SampleDistinct { count, of } => self.sample_distinct(input, count, of, environment),
            OperatorKind::TopHitters { count, of, by } => {
                self.top_hitters(input, count, of, by.as_ref(), environment)
            }
            OperatorKind::TopNested(levels) => self.top_nested(input, levels, environment),
            OperatorKind::Join { options, right, on } => {
                self.join(span, input, right, on, options, environment)
            }
            OperatorKind::Lookup { options, right, on } => {
                self.lookup(span, input, right, on, options, environment)
            }
            OperatorKind::MvExpand { options, columns, limit } => {
                self.expand(input, options, columns, limit.as_ref(), environment)
            }
            OperatorKind::MvApply { options, columns, limit, body } => {
                self.apply(input, options, columns, limit.as_ref(), body, environment)
            }
            OperatorKind::Parse { is_filter, options, value, pattern } => {
                self.parse(input, *is_filter, options, value, pattern, environment)
            }
            OperatorKind::ParseKv { value, schema, properties } => {
                self.parse_kv(input, value, schema, properties, environment)
            }
            OperatorKind::Partition { by, within, body, .. } => {
                self.partition(input, by, within.as_ref(), body, environment)
            }
            OperatorKind::MakeSeries(series) => self.make_series(span, input, series, environment),
            OperatorKind::Scan(scan) => self.scan(input, scan, environment),
            OperatorKind::Reduce { options, by, properties } => {
                if super::join::option(options, "kind").is_some() {
                    let message = "`reduce kind=source` is not supported";
                    return Err(Diagnostic::error("unsupported", operator.span, message));
                }
                self.reduce(input, by, properties, environment)
            }
            OperatorKind::Evaluate { call, schema, .. } => {
                self.evaluate(span, input, call, schema.as_ref(), environment)
            }
            OperatorKind::Invoke(call) => self.invoke(&input, call, environment),
            OperatorKind::GetSchema(_) => Ok(schema_of(&input)),
            OperatorKind::AssertSchema(schema) => self.assert_schema(span, input, schema),
            OperatorKind::Consume(_) => {
                let columns = input.columns.clone();
                let nothing = Scalar::literal(Value::Bool(false), ScalarType::Bool);
                Ok(Plan::new(Step::Filter { input, predicate: nothing }, columns))
            }
            OperatorKind::Render { chart, properties } => {
                self.render(chart, properties, environment)?;
                Ok(input)
            }
            OperatorKind::MacroExpand { name, .. } => {
                Err(Diagnostic::error("unsupported", name.span, "`macro-expand` is not supported").with_help(
                    "write the body once for each table and put the results together with `union`",
                ))
            }
            // The syntax is wrong, which was told.
            OperatorKind::Unknown(_) if self.collects() => {
                Ok(Arc::new(Plan { is_open: true, ..Arc::unwrap_or_clone(input) }))
            }
            OperatorKind::Unknown(name) => {
                let message = format!("there is no operator `{}`", name.text);
                Err(Diagnostic::error("unknown-operator", name.span, message))
            }
            _ => Err(Diagnostic::error("misplaced-operator", span, "this operator does not go here")),
        }
    }

    fn filter(&self, input: Arc<Plan>, predicate: &Expr, environment: &Environment) -> Result<Arc<Plan>> {
        let (width, columns) = (input.columns.len(), input.columns.clone());
        let (input, predicate) =
            self.with_windows(input, environment, |frame| self.condition(predicate, frame))?;
        let has_windows = input.columns.len() > width;
        let all = input.columns.clone();
        let filtered = Plan::new(Step::Filter { input, predicate }, all);
        if !has_windows {
            return Ok(filtered);
        }
        let values = super::call::columns(&columns).collect();
        Ok(Plan::new(Step::Project { input: filtered, values }, columns))
    }

    /// How many rows: a whole number that is the same for every row.
    pub(super) fn count(&self, count: &Expr, environment: &Environment) -> Result<Scalar> {
        let scalar = self.constant(count, Frame::constant(environment))?;
        if !matches!(
            scalar.scalar_type,
            ScalarType::Int | ScalarType::Long | ScalarType::Dynamic | ScalarType::Real
        ) {
            let message = format!("a whole number is expected here, not {}", scalar.scalar_type);
            return Err(Diagnostic::error("type-mismatch", count.span, message));
        }
        let scalar = scalar.cast(ScalarType::Long);
        if scalar.as_literal().and_then(Value::to_i64).is_some_and(|count| count < 0) {
            return Err(Diagnostic::error("negative-count", count.span, "a count is not negative"));
        }
        Ok(scalar)
    }

    fn take(&self, input: Arc<Plan>, count: &Expr, environment: &Environment) -> Result<Arc<Plan>> {
        let count = self.count(count, environment)?;
        let columns = input.columns.clone();
        Ok(Plan::new(Step::Take { input, count }, columns))
    }

    fn invoke(&self, input: &Arc<Plan>, call: &Expr, environment: &Environment) -> Result<Arc<Plan>> {
        use crate::ast::{Argument, ExprKind};
        let inner =
            environment.with("$piped".into(), Binding::Table { plan: Arc::clone(input), is_view: false });
        let piped = Expr { kind: ExprKind::Name("$piped".into()), span: call.span };
        let first = Argument { name: None, value: piped };
        let (callee, rest) = match &call.kind {
            ExprKind::Call { callee, arguments } => (Box::new((**callee).clone()), arguments.clone()),
            _ => (Box::new(call.clone()), Vec::new()),
        };
        let arguments = std::iter::once(first).chain(rest).collect();
        self.table(&Expr { kind: ExprKind::Call { callee, arguments }, span: call.span }, &inner)
    }

    fn render(&self, chart: &Name, properties: &[Setting], environment: &Environment) -> Result<()> {
        let text = |value: &Expr| match &value.kind {
            crate::ast::ExprKind::Name(word) => Ok(word.to_string()),
            _ => self.literal(value, Frame::constant(environment)).map(|value| value.to_text()),
        };
        let mut read = Vec::new();
        for property in properties {
            let values = property.values.iter().map(text).collect::<Result<Vec<String>>>()?;
            read.push((Arc::clone(&property.name.text), values));
        }
        *self.chart.borrow_mut() =
            Some(crate::plan::Chart { kind: Arc::clone(&chart.text), properties: read });
        Ok(())
    }

    fn assert_schema(&self, span: Span, input: Arc<Plan>, schema: &crate::ast::Schema) -> Result<Arc<Plan>> {
        let wanted = schema.columns.iter().map(|column| (&*column.name.text, column.scalar_type));
        let found = input.columns.iter().map(|column| (&*column.name, Some(column.scalar_type)));
        if input.is_open || wanted.eq(found) {
            return Ok(input);
        }
        let has: Vec<String> =
            input.columns.iter().map(|column| format!("{}: {}", column.name, column.scalar_type)).collect();
        let message = format!("the columns are ({})", has.join(", "));
        Err(Diagnostic::error("schema-mismatch", span, message))
    }

    fn fork(
        &self,
        input: &Arc<Plan>,
        branches: &[crate::ast::ForkBranch],
        environment: &Environment,
    ) -> Result<Vec<NamedPlan>> {
        let branch = |branch: &crate::ast::ForkBranch| {
            let plan = self.flow(&branch.body, environment, Some(input))?.table(branch.body.span)?;
            Ok(NamedPlan { name: branch.name.as_ref().map(|name| Arc::clone(&name.text)), plan })
        };
        branches.iter().map(branch).collect()
    }

    fn facet(
        &self,
        input: &Arc<Plan>,
        columns: &[Expr],
        with: Option<&Expr>,
        environment: &Environment,
    ) -> Result<Vec<NamedPlan>> {
        let mut results = Vec::new();
        for column in columns {
            let found = self.column(column, Frame::new(&input.columns, input.is_open, environment))?;
            let Some(field) = input.columns.get(found).cloned() else { continue };
            let keys = vec![Scalar::column(found, field.scalar_type)];
            let name = Arc::clone(&field.name);
            let counted = super::summarize::counted("count_");
            let columns = vec![field, Field::new("count_", ScalarType::Long)];
            let step = Step::Aggregate { input: Arc::clone(input), keys, aggregates: vec![counted] };
            results.push(NamedPlan { name: Some(name), plan: Plan::new(step, columns) });
        }
        if let Some(with) = with {
            let plan = self.flow(with, environment, Some(input))?.table(with.span)?;
            results.push(NamedPlan { name: None, plan });
        }
        Ok(results)
    }
}

/// The rows as they are in order.
pub(super) fn serialized(input: Arc<Plan>) -> Arc<Plan> {
    let columns = input.columns.clone();
    Plan::new(Step::Window { input, calls: Vec::new() }, columns)
}

fn count(input: Arc<Plan>, name: Option<&Name>) -> Arc<Plan> {
    let name = name.map_or("Count", |name| &name.text);
    let aggregates = vec![super::summarize::counted(name)];
    let columns = vec![Field::new(name, ScalarType::Long)];
    Plan::new(Step::Aggregate { input, keys: Vec::new(), aggregates }, columns)
}

/// `getschema`
fn schema_of(input: &Plan) -> Arc<Plan> {
    let row = |(at, column): (usize, &Field)| {
        vec![
            Value::string(Arc::clone(&column.name)),
            Value::Long(i64::try_from(at).unwrap_or(i64::MAX)),
            Value::string(dotnet_name(column.scalar_type)),
            Value::string(column.scalar_type.name()),
        ]
    };
    let rows = input.columns.iter().enumerate().map(row).collect();
    let columns = vec![
        Field::new("ColumnName", ScalarType::String),
        Field::new("ColumnOrdinal", ScalarType::Long),
        Field::new("DataType", ScalarType::String),
        Field::new("ColumnType", ScalarType::String),
    ];
    Plan::new(Step::Rows(rows), columns)
}

/// The .NET type that holds values of a type, as `getschema` names it.
pub(crate) fn dotnet_name(scalar_type: ScalarType) -> &'static str {
    match scalar_type {
        ScalarType::Bool => "System.SByte",
        ScalarType::Int => "System.Int32",
        ScalarType::Long => "System.Int64",
        ScalarType::Real => "System.Double",
        ScalarType::Decimal => "System.Data.SqlTypes.SqlDecimal",
        ScalarType::String => "System.String",
        ScalarType::DateTime => "System.DateTime",
        ScalarType::TimeSpan => "System.TimeSpan",
        ScalarType::Guid => "System.Guid",
        ScalarType::Dynamic => "System.Object",
    }
}
