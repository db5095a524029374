//! A graph from the rows of its tables.

use std::collections::HashMap;

use super::{Built, Edge, Node};
use crate::interpret::{Result, Row, Run};
use crate::plan::{Graph, GraphChange, Plan, typed};
use crate::value::{Key, Value};

/// Nodes by their ids.
struct Nodes<'g> {
    graph: &'g Graph,
    by_id: HashMap<Key, usize>,
    nodes: Vec<Node>,
    /// How many columns a node has before anything marks it.
    width: usize,
    /// The column of the id, where there is one.
    id_column: Option<usize>,
}

impl<'g> Nodes<'g> {
    fn new(graph: &'g Graph) -> Nodes<'g> {
        let is_mark = |change: &&GraphChange| matches!(change, GraphChange::MarkComponents { .. });
        let marks = graph.changes.iter().filter(is_mark).count();
        let width = graph.node_columns.len().saturating_sub(marks);
        let id_column = match graph.nodes.first() {
            Some((plan, at)) => {
                let name = plan.columns.get(*at).map(|field| &field.name);
                graph.node_columns.iter().position(|field| Some(&field.name) == name)
            }
            None => (width > 0).then_some(0),
        };
        Nodes { graph, by_id: HashMap::new(), nodes: Vec::new(), width, id_column }
    }

    /// The node of an id; a fresh one, with nothing but its id, when none is known.
    fn node(&mut self, id: &Value) -> usize {
        let fresh = self.nodes.len();
        let at = *self.by_id.entry(Key::of(id)).or_insert(fresh);
        if at == fresh {
            let columns = self.graph.node_columns.iter().take(self.width);
            let mut row: Row = columns.clone().map(|field| Value::empty(field.scalar_type)).collect();
            let place = self.id_column.and_then(|at| Some((row.get_mut(at)?, columns.clone().nth(at)?)));
            if let Some((cell, field)) = place {
                *cell = typed(id.clone(), field.scalar_type);
            }
            self.nodes.push(Node { row, id: id.clone() });
        }
        at
    }

    /// The rows of a table. A row of an id that is known fills what is empty.
    fn table(&mut self, plan: &Plan, id: usize, rows: Vec<Row>) {
        let place = |name: &str| self.graph.node_columns.iter().position(|known| &*known.name == name);
        let places: Vec<Option<usize>> = plan.columns.iter().map(|field| place(&field.name)).collect();
        for row in rows {
            let id = row.get(id).cloned().unwrap_or_default();
            let at = self.node(&id);
            let Some(node) = self.nodes.get_mut(at) else { continue };
            for (value, place) in row.into_iter().zip(&places) {
                let field = place.and_then(|place| self.graph.node_columns.get(place));
                let cell = place.and_then(|place| node.row.get_mut(place));
                let (Some(field), Some(cell)) = (field, cell) else { continue };
                if *cell == Value::empty(field.scalar_type) {
                    *cell = typed(value, field.scalar_type);
                }
            }
        }
    }
}

impl Built {
    /// Finds the edges of each node anew and drops edges without their nodes: `places` says where nodes have gone.
    fn relink(&mut self, places: Option<&[Option<usize>]>) {
        if let Some(places) = places {
            let place = |at: usize| places.get(at).copied().flatten();
            self.edges.retain_mut(|edge| match (place(edge.source), place(edge.target)) {
                (Some(source), Some(target)) => {
                    (edge.source, edge.target) = (source, target);
                    true
                }
                _ => false,
            });
        }
        self.leaving = vec![Vec::new(); self.nodes.len()];
        self.arriving = vec![Vec::new(); self.nodes.len()];
        for (at, edge) in self.edges.iter().enumerate() {
            if let Some(list) = self.leaving.get_mut(edge.source) {
                list.push(at);
            }
            if let Some(list) = self.arriving.get_mut(edge.target) {
                list.push(at);
            }
        }
    }

    /// How many edges come into a node and go out of it. Without a direction both are the edges that it has.
    fn degrees(&self, at: usize) -> (usize, usize) {
        let count = |lists: &[Vec<usize>]| lists.get(at).map_or(0, Vec::len);
        let (into, out) = (count(&self.arriving), count(&self.leaving));
        if self.is_directed {
            return (into, out);
        }
        let all = self.hops(at, None).count();
        (all, all)
    }

    /// A node's columns with its degrees and its id, as expressions see it.
    fn seen(&self, at: usize) -> Row {
        let (into, out) = self.degrees(at);
        let long = |count: usize| Value::Long(i64::try_from(count).unwrap_or(i64::MAX));
        let Some(node) = self.nodes.get(at) else { return Row::new() };
        node.row.iter().cloned().chain([long(into), long(out), node.id.clone()]).collect()
    }

    fn keep_nodes(&mut self, keep: &[bool]) {
        let mut kept = 0;
        let place = |keep: &bool| {
            keep.then(|| {
                kept += 1;
                kept - 1
            })
        };
        let places: Vec<Option<usize>> = keep.iter().map(place).collect();
        let mut at = 0;
        self.nodes.retain(|_| {
            at += 1;
            keep.get(at - 1) == Some(&true)
        });
        self.relink(Some(&places));
    }
}

impl Run<'_> {
    /// Computes the tables of a graph, links them and makes the changes.
    pub(super) fn built(&self, graph: &Graph) -> Result<Built> {
        let mut nodes = Nodes::new(graph);
        for (plan, id) in &graph.nodes {
            nodes.table(plan, *id, self.plan(plan)?);
        }
        let mut edges = Vec::new();
        for row in self.plan(&graph.edges)? {
            let end = |at: usize| row.get(at).cloned().unwrap_or_default();
            let (source, target) = (nodes.node(&end(graph.source)), nodes.node(&end(graph.target)));
            edges.push(Edge { source, target, row });
        }
        let mut built = Built {
            nodes: nodes.nodes,
            edges,
            leaving: Vec::new(),
            arriving: Vec::new(),
            is_directed: graph.is_directed,
        };
        built.relink(None);
        for change in &graph.changes {
            self.change(&mut built, change)?;
        }
        let rows: Vec<Row> = (0..built.nodes.len()).map(|at| built.seen(at)).collect();
        for (node, row) in built.nodes.iter_mut().zip(rows) {
            node.row = row;
        }
        Ok(built)
    }

    fn change(&self, built: &mut Built, change: &GraphChange) -> Result<()> {
        match change {
            GraphChange::WhereNodes(predicate) => {
                let predicate = self.ready(predicate)?;
                let is_kept = |at: usize| self.value(&predicate, &built.seen(at)) == Value::Bool(true);
                let keep: Vec<bool> = (0..built.nodes.len()).map(is_kept).collect();
                built.keep_nodes(&keep);
            }
            GraphChange::WhereEdges(predicate) => {
                let predicate = self.ready(predicate)?;
                built.edges.retain(|edge| self.value(&predicate, &edge.row) == Value::Bool(true));
                built.relink(None);
            }
            GraphChange::MarkComponents { is_strong } => {
                let numbers = if *is_strong { built.strong_components() } else { built.weak_components() };
                for (node, number) in built.nodes.iter_mut().zip(numbers) {
                    node.row.push(Value::Long(i64::try_from(number).unwrap_or(i64::MAX)));
                }
            }
        }
        self.count(built.nodes.len())
    }
}
