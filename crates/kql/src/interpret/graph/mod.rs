//! Graphs: nodes and edges of tables, patterns in them, and shortest paths.
//!
//! A graph is built from the rows of its tables, changed as its plan says, and then read: as tables again, or by looking
//! for a pattern. Nodes come in the order of their tables; those that only edges name come after them.

mod build;
mod component;
mod condition;
mod find;
mod order;
mod scene;
mod shortest;

use std::sync::Arc;

use super::{Result, Row, Run};
use crate::plan::{Graph, GraphPattern};
use crate::value::Value;

/// A node: what expressions see of it, `$in`, `$out` and `$id` included.
struct Node {
    row: Row,
    id: Value,
}

/// An edge between two nodes.
struct Edge {
    source: usize,
    target: usize,
    row: Row,
}

/// The nodes and edges of a graph, after all changes.
struct Built {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// For each node the edges that start there.
    leaving: Vec<Vec<usize>>,
    /// For each node the edges that end there.
    arriving: Vec<Vec<usize>>,
    is_directed: bool,
}

/// A step along an edge to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hop {
    edge: usize,
    node: usize,
}

/// The list of a node; empty where there is none.
fn list(lists: &[Vec<usize>], node: usize) -> &[usize] {
    lists.get(node).map(Vec::as_slice).unwrap_or_default()
}

impl Built {
    /// The steps from a node: along edges, against them, or both ways when `None`. An edge from a node to itself is one
    /// step, whichever way.
    fn hops(&self, node: usize, is_forward: Option<bool>) -> impl Iterator<Item = Hop> + '_ {
        let is_forward = is_forward.filter(|_| self.is_directed);
        let along = if is_forward == Some(false) { &[] } else { list(&self.leaving, node) };
        let against = if is_forward == Some(true) { &[] } else { list(&self.arriving, node) };
        let is_both = is_forward.is_none();
        let along = along.iter().filter_map(|at| {
            let edge = self.edges.get(*at)?;
            Some(Hop { edge: *at, node: edge.target })
        });
        let against = against.iter().filter_map(move |at| {
            let edge = self.edges.get(*at)?;
            let is_met = is_both && edge.source == edge.target;
            (!is_met).then_some(Hop { edge: *at, node: edge.source })
        });
        along.chain(against)
    }

    fn node_row(&self, at: usize) -> &[Value] {
        self.nodes.get(at).map(|node| node.row.as_slice()).unwrap_or_default()
    }

    fn edge_row(&self, at: usize) -> &[Value] {
        self.edges.get(at).map(|edge| edge.row.as_slice()).unwrap_or_default()
    }

    /// The number of a node: the language's `hash` of its id, as Kusto has it.
    fn number(&self, at: usize) -> Value {
        let id = self.nodes.get(at).map(|node| node.id.clone()).unwrap_or_default();
        crate::functions::find("hash").and_then(|hash| hash.call(&[id])).unwrap_or_default()
    }
}

impl Run<'_> {
    pub(super) fn graph_nodes(&self, graph: &Graph, with_id: bool) -> Result<Vec<Row>> {
        let built = self.built(graph)?;
        let width = graph.node_columns.len();
        let row = |(at, node): (usize, &Node)| -> Row {
            let number = with_id.then(|| built.number(at));
            number.into_iter().chain(node.row.iter().take(width).cloned()).collect()
        };
        Ok(built.nodes.iter().enumerate().map(row).collect())
    }

    pub(super) fn graph_edges(
        &self,
        graph: &Graph,
        with_source: bool,
        with_target: bool,
    ) -> Result<Vec<Row>> {
        let built = self.built(graph)?;
        let row = |edge: &Edge| -> Row {
            let source = with_source.then(|| built.number(edge.source));
            let target = with_target.then(|| built.number(edge.target));
            source.into_iter().chain(target).chain(edge.row.iter().cloned()).collect()
        };
        Ok(built.edges.iter().map(row).collect())
    }

    pub(super) fn graph_match(&self, graph: &Arc<Graph>, pattern: &GraphPattern) -> Result<Vec<Row>> {
        let built = self.built(graph)?;
        let pattern = self.ready_pattern(graph, pattern)?;
        find::rows(&scene::Scene::new(self, &built, &pattern))
    }

    pub(super) fn graph_shortest_paths(
        &self,
        graph: &Arc<Graph>,
        pattern: &GraphPattern,
        all: bool,
    ) -> Result<Vec<Row>> {
        let built = self.built(graph)?;
        let pattern = self.ready_pattern(graph, pattern)?;
        shortest::rows(&scene::Scene::new(self, &built, &pattern), all)
    }
}
