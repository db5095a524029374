//! Graph operators.

use std::cell::RefCell;
use std::sync::Arc;

use super::call::Call;
use super::environment::Environment;
use super::frame::{Frame, Gather, Group};
use super::join::option;
use super::names::Names;
use super::operator::Flow;
use super::{Binder, Result};
use crate::ast::{
    EdgeDirection, Expr, ExprKind, GraphElement, GraphMatch, GraphTable, MakeGraph, Operator, OperatorKind,
    Setting,
};
use crate::diagnostic::Diagnostic;
use crate::plan::{
    Combine, Cycles, Field, Graph, GraphChange, GraphPattern, NamedPlan, PathValue, PatternEdge, Plan,
    Scalar, Step,
};
use crate::registry::Row;
use crate::value::ScalarType;

/// The most hops of an edge.
const MOST_HOPS: usize = 64;

/// What expressions over a pattern can name, and what they ask of its paths.
pub(super) struct Pattern<'p> {
    graph: &'p Graph,
    /// Names of edges of several hops, with their positions.
    paths: Vec<(Arc<str>, usize)>,
    /// Where the values of paths begin in the row.
    start: usize,
    values: RefCell<Vec<PathValue>>,
    /// Inside `map(inner_nodes(e), ...)` a node without a name is the one at hand: its row begins here.
    node: Option<usize>,
}

impl Binder<'_> {
    /// Operators on a graph; `None` for operators on rows.
    pub(super) fn graph_operator(
        &self,
        operator: &Operator,
        flow: &Flow,
        environment: &Environment,
    ) -> Result<Option<Flow>> {
        let is_graph = matches!(
            operator.kind,
            OperatorKind::GraphMatch(_)
                | OperatorKind::GraphShortestPaths(_)
                | OperatorKind::GraphMarkComponents(_)
                | OperatorKind::GraphToTable(_)
                | OperatorKind::GraphWhereNodes(_)
                | OperatorKind::GraphWhereEdges(_)
        );
        if !is_graph {
            return Ok(None);
        }
        let Flow::Graph(graph) = flow else {
            return Err(Diagnostic::error(
                "not-a-graph",
                operator.span,
                "this operator needs a graph before it",
            )
            .with_help("make one with `make-graph source --> target`"));
        };
        Ok(Some(match &operator.kind {
            OperatorKind::GraphMatch(pattern) => {
                Flow::Table(self.graph_match(graph, pattern, environment)?)
            }
            OperatorKind::GraphShortestPaths(pattern) => {
                Flow::Table(self.shortest_paths(operator, graph, pattern, environment)?)
            }
            OperatorKind::GraphMarkComponents(options) => {
                Flow::Graph(Arc::new(self.components(graph, options)?))
            }
            OperatorKind::GraphToTable(tables) => to_tables(graph, tables),
            OperatorKind::GraphWhereNodes(predicate) => {
                let row = graph.node_row();
                let predicate = self.of_element(graph, &row, Some(0), predicate, environment)?;
                Flow::Graph(changed(graph, GraphChange::WhereNodes(predicate)))
            }
            OperatorKind::GraphWhereEdges(predicate) => {
                let predicate = self.of_element(graph, &graph.edges.columns, None, predicate, environment)?;
                Flow::Graph(changed(graph, GraphChange::WhereEdges(predicate)))
            }
            _ => return Ok(None),
        }))
    }

    /// A condition on a node or an edge.
    fn of_element(
        &self,
        graph: &Graph,
        row: &[Field],
        node: Option<usize>,
        predicate: &Expr,
        environment: &Environment,
    ) -> Result<Scalar> {
        let pattern =
            Pattern { graph, paths: Vec::new(), start: row.len(), values: RefCell::default(), node };
        let gather = Gather::Graph(&pattern);
        self.condition(predicate, Frame { gather, ..Frame::new(row, false, environment) })
    }

    pub(super) fn make_graph(
        &self,
        input: &Arc<Plan>,
        make: &MakeGraph,
        environment: &Environment,
    ) -> Result<Graph> {
        if let Some((name, _)) = &make.partition {
            return Err(Diagnostic::error("unsupported", name.span, "`partitioned-by` is not supported")
                .with_help("filter the edges with `where` and make a graph of each part"));
        }
        let position = |plan: &Plan, name: &crate::ast::Name| {
            plan.position(&name.text).ok_or_else(|| {
                let message = format!("there is no column `{}`", name.text);
                Diagnostic::error("unknown-name", name.span, message)
            })
        };
        let (source, target) = (position(input, &make.source)?, position(input, &make.target)?);
        let mut nodes = Vec::new();
        let mut node_columns: Vec<Field> = Vec::new();
        for table in &make.nodes {
            let plan = self.table(&table.table, environment)?;
            let id = position(&plan, &table.on)?;
            for field in &plan.columns {
                if !node_columns.iter().any(|known| known.name == field.name) {
                    node_columns.push(field.clone());
                }
            }
            nodes.push((plan, id));
        }
        if let Some(name) = &make.node_id {
            let scalar_type = input.columns.get(source).map_or(ScalarType::String, |field| field.scalar_type);
            node_columns.insert(0, Field::new(Arc::clone(&name.text), scalar_type));
        }
        let is_directed = make.is_directed;
        Ok(Graph {
            edges: Arc::clone(input),
            source,
            target,
            nodes,
            node_columns,
            is_directed,
            changes: Vec::new(),
        })
    }

    fn components(&self, graph: &Arc<Graph>, options: &[Setting]) -> Result<Graph> {
        let name = option(options, "with_component_id").unwrap_or_else(|| "ComponentId".to_owned());
        let is_strong = option(options, "kind").as_deref() == Some("strong");
        let mut graph = (**graph).clone();
        graph.node_columns.push(Field::new(name, ScalarType::Long));
        graph.changes.push(GraphChange::MarkComponents { is_strong });
        Ok(graph)
    }

    fn graph_match(
        &self,
        graph: &Arc<Graph>,
        found: &GraphMatch,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let (pattern, columns) = self.pattern(graph, found, environment)?;
        let step = Step::GraphMatch { graph: Arc::clone(graph), pattern: Box::new(pattern) };
        Ok(Plan::new(step, columns))
    }

    fn shortest_paths(
        &self,
        operator: &Operator,
        graph: &Arc<Graph>,
        found: &GraphMatch,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let (pattern, columns) = self.pattern(graph, found, environment)?;
        if pattern.edges.len() != 1 || pattern.edges.iter().any(|edge| edge.hops.is_none()) {
            let message = "a shortest path is one edge of several hops between two nodes";
            return Err(Diagnostic::error("path-pattern", operator.span, message)
                .with_help("write `graph-shortest-paths (a)-[path*1..5]->(b)`"));
        }
        let all = option(&found.options, "output").as_deref() == Some("all");
        let step = Step::GraphShortestPaths { graph: Arc::clone(graph), pattern: Box::new(pattern), all };
        Ok(Plan::new(step, columns))
    }

    fn pattern(
        &self,
        graph: &Graph,
        found: &GraphMatch,
        environment: &Environment,
    ) -> Result<(GraphPattern, Vec<Field>)> {
        let (nodes, edges, edge_names) = self.elements(found, environment)?;
        let node_row = graph.node_row();
        let mut groups: Vec<Group> = Vec::new();
        for (at, name) in nodes.iter().enumerate() {
            let Some(name) = name else { continue };
            groups.push(Group {
                name: Arc::clone(name),
                offset: at * node_row.len(),
                columns: node_row.clone(),
            });
        }
        let mut offset = nodes.len() * node_row.len();
        let mut paths = Vec::new();
        for (at, (edge, name)) in edges.iter().zip(&edge_names).enumerate() {
            match (&edge.hops, name) {
                (None, name) => {
                    if let Some(name) = name {
                        let columns = graph.edges.columns.clone();
                        groups.push(Group { name: Arc::clone(name), offset, columns });
                    }
                    offset += graph.edges.columns.len();
                }
                (Some(_), Some(name)) => paths.push((Arc::clone(name), at)),
                (Some(_), None) => {}
            }
        }
        let named = Pattern { graph, paths, start: offset, values: RefCell::default(), node: None };
        let gather = Gather::Graph(&named);
        let frame = Frame { groups: &groups, gather, ..Frame::constant(environment) };
        let predicate =
            found.predicate.as_ref().map(|predicate| self.condition(predicate, frame)).transpose()?;
        let mut names = Names::default();
        let (mut outputs, mut columns) = (Vec::new(), Vec::new());
        for item in &found.project {
            for output in self.outputs(item, frame)? {
                let name = names.or_numbered(output.given.as_deref().or(output.own.as_deref()));
                columns.push(Field { name, scalar_type: output.value.scalar_type });
                outputs.push(output.value);
            }
        }
        if found.project.is_empty() {
            for group in &groups {
                for (at, field) in
                    group.columns.iter().enumerate().filter(|(_, field)| !field.name.starts_with('$'))
                {
                    columns.push(Field::new(
                        names.unique(&format!("{}_{}", group.name, field.name)),
                        field.scalar_type,
                    ));
                    outputs.push(Scalar::column(group.offset + at, field.scalar_type));
                }
            }
        }
        let cycles = match option(&found.options, "cycles").as_deref() {
            Some("all") => Cycles::All,
            Some("none") => Cycles::None,
            _ => Cycles::UniqueEdges,
        };
        let paths = named.values.into_inner();
        Ok((GraphPattern { nodes: nodes.len(), edges, predicate, outputs, paths, cycles }, columns))
    }

    /// The nodes with their names, and the edges with theirs.
    #[allow(clippy::type_complexity)]
    fn elements(
        &self,
        found: &GraphMatch,
        environment: &Environment,
    ) -> Result<(Vec<Option<Arc<str>>>, Vec<PatternEdge>, Vec<Option<Arc<str>>>)> {
        let mut nodes: Vec<Option<Arc<str>>> = Vec::new();
        let (mut edges, mut edge_names) = (Vec::new(), Vec::new());
        for sequence in &found.patterns {
            let mut last: Option<usize> = None;
            let mut open: Option<(Option<bool>, Option<(usize, usize)>, Option<Arc<str>>)> = None;
            for element in sequence {
                match element {
                    GraphElement::Node { name, .. } => {
                        let known = name.as_ref().and_then(|name| {
                            nodes.iter().position(|known| known.as_ref() == Some(&name.text))
                        });
                        let at = known.unwrap_or_else(|| {
                            nodes.push(name.as_ref().map(|name| Arc::clone(&name.text)));
                            nodes.len() - 1
                        });
                        if let (Some(left), Some((is_forward, hops, name))) = (last, open.take()) {
                            edges.push(PatternEdge { left, right: at, is_forward, hops });
                            edge_names.push(name);
                        }
                        last = Some(at);
                    }
                    GraphElement::Edge { name, hops, direction, span } => {
                        let is_forward = match direction {
                            EdgeDirection::Right => Some(true),
                            EdgeDirection::Left => Some(false),
                            EdgeDirection::Any => None,
                        };
                        let hops = match hops {
                            None => None,
                            Some((least, most)) => Some(self.hops(*span, least, most, environment)?),
                        };
                        open = Some((is_forward, hops, name.as_ref().map(|name| Arc::clone(&name.text))));
                    }
                }
            }
        }
        Ok((nodes, edges, edge_names))
    }

    fn hops(
        &self,
        span: crate::Span,
        least: &Expr,
        most: &Expr,
        environment: &Environment,
    ) -> Result<(usize, usize)> {
        let number = |expr: &Expr| -> Result<usize> {
            let value = self.literal(expr, Frame::constant(environment))?;
            Ok(value.to_i64().and_then(|number| usize::try_from(number).ok()).unwrap_or(usize::MAX))
        };
        let (least, most) = (number(least)?, number(most)?);
        if least > most || most > MOST_HOPS || most == 0 {
            let message = format!("an edge has at least 0 and at most {MOST_HOPS} hops");
            return Err(Diagnostic::error("hops", span, message));
        }
        Ok((least, most))
    }

    /// `map(e, x)`, `all(e, x)`, `any(e, x)`, `node_degree_in(n)`, `node_id(n)`
    pub(super) fn graph_function(
        &self,
        call: &Call<'_>,
        row: &'static Row,
        frame: Frame<'_>,
        pattern: &Pattern<'_>,
    ) -> Result<Scalar> {
        let combine = match row.name {
            "map" => Combine::Map,
            "all" => Combine::All,
            "any" => Combine::Any,
            "node_degree_in" => return self.of_node(call, frame, pattern, "$in", ScalarType::Long),
            "node_degree_out" => return self.of_node(call, frame, pattern, "$out", ScalarType::Long),
            "node_id" => return self.of_node(call, frame, pattern, "$id", pattern.graph.id_type()),
            _ => {
                let message = format!("`{}` is not supported", row.name);
                return Err(Diagnostic::error("unsupported", call.expr.span, message));
            }
        };
        let [element, value] = call.arguments else { return Err(self.no_signature(call, &[])) };
        let (name, over_nodes) = match &element.value.kind {
            ExprKind::Name(name) => (name, false),
            ExprKind::Call { callee, arguments } => match (&callee.kind, arguments.as_slice()) {
                (ExprKind::Name(function), [inner]) if &**function == "inner_nodes" => {
                    match &inner.value.kind {
                        ExprKind::Name(name) => (name, true),
                        _ => return Err(self.no_signature(call, &[])),
                    }
                }
                _ => return Err(self.no_signature(call, &[])),
            },
            _ => return Err(self.no_signature(call, &[])),
        };
        let Some((_, edge)) = pattern.paths.iter().find(|(known, _)| known == name) else {
            let message = format!("`{name}` is no edge of several hops");
            return Err(Diagnostic::error("unknown-name", element.value.span, message)
                .with_help("write it as `-[name*1..5]->`"));
        };
        let node_row = pattern.graph.node_row();
        let columns = if over_nodes { &node_row } else { &pattern.graph.edges.columns };
        let inner = Pattern {
            graph: pattern.graph,
            paths: Vec::new(),
            start: columns.len(),
            values: RefCell::default(),
            node: over_nodes.then_some(0),
        };
        let gather = Gather::Graph(&inner);
        let inside = Frame { gather, ..Frame::new(columns, false, frame.environment) };
        let value = match combine {
            Combine::Map => self.scalar(&value.value, inside)?,
            Combine::All | Combine::Any => self.condition(&value.value, inside)?,
        };
        let scalar_type = if combine == Combine::Map { ScalarType::Dynamic } else { ScalarType::Bool };
        let mut values = pattern.values.borrow_mut();
        values.push(PathValue { edge: *edge, over_nodes, value, combine });
        Ok(Scalar::column(pattern.start + values.len() - 1, scalar_type))
    }

    fn of_node(
        &self,
        call: &Call<'_>,
        frame: Frame<'_>,
        pattern: &Pattern<'_>,
        column: &str,
        scalar_type: ScalarType,
    ) -> Result<Scalar> {
        let start = match call.arguments.first().map(|argument| &argument.value.kind) {
            None => pattern.node,
            Some(ExprKind::Name(name)) => frame.group(name).map(|group| group.offset),
            Some(_) => None,
        };
        let at = pattern.graph.node_row().iter().position(|field| &*field.name == column);
        match start.zip(at) {
            Some((start, at)) => Ok(Scalar::column(start + at, scalar_type)),
            None => Err(Diagnostic::error("unknown-name", call.expr.span, "this is no node of the pattern")),
        }
    }
}

fn changed(graph: &Arc<Graph>, change: GraphChange) -> Arc<Graph> {
    let mut graph = (**graph).clone();
    graph.changes.push(change);
    Arc::new(graph)
}

/// `graph-to-table nodes as N, edges as E`
fn to_tables(graph: &Arc<Graph>, tables: &[GraphTable]) -> Flow {
    let plans: Vec<NamedPlan> = tables
        .iter()
        .map(|table| {
            let name = table.name.as_ref().map(|name| Arc::clone(&name.text));
            let plan = if table.is_edges { edges_of(graph, table) } else { nodes_of(graph, table) };
            NamedPlan { name, plan }
        })
        .collect();
    match <[NamedPlan; 1]>::try_from(plans) {
        Ok([single]) => Flow::Table(single.plan),
        Err(several) => Flow::Several(several),
    }
}

fn nodes_of(graph: &Arc<Graph>, table: &GraphTable) -> Arc<Plan> {
    let id = option(&table.options, "with_node_id");
    let mut columns: Vec<Field> = id.iter().map(|name| Field::new(name.as_str(), ScalarType::Long)).collect();
    columns.extend(graph.node_columns.iter().cloned());
    Plan::new(Step::GraphNodes { graph: Arc::clone(graph), with_id: id.is_some() }, columns)
}

fn edges_of(graph: &Arc<Graph>, table: &GraphTable) -> Arc<Plan> {
    let source = option(&table.options, "with_source_id");
    let target = option(&table.options, "with_target_id");
    let mut columns: Vec<Field> =
        source.iter().chain(&target).map(|name| Field::new(name.as_str(), ScalarType::Long)).collect();
    columns.extend(graph.edges.columns.iter().cloned());
    let step = Step::GraphEdges {
        graph: Arc::clone(graph),
        with_source: source.is_some(),
        with_target: target.is_some(),
    };
    Plan::new(step, columns)
}
