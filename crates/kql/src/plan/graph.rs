//! Graphs: nodes and edges from tables, and patterns in them.

use std::sync::Arc;

use super::{Field, Plan, Scalar};
use crate::value::ScalarType;

/// A graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// The edges.
    pub edges: Arc<Plan>,
    /// The column of an edge with the id of the node where it starts.
    pub source: usize,
    /// The column of an edge with the id of the node where it ends.
    pub target: usize,
    /// Tables of nodes, each with the column of the id.
    pub nodes: Vec<(Arc<Plan>, usize)>,
    /// The columns of a node: those of all its tables; the id alone where there is no table.
    pub node_columns: Vec<Field>,
    /// Whether edges have a direction.
    pub is_directed: bool,
    /// What `graph-where-nodes`, `graph-where-edges` and `graph-mark-components` do, in order.
    pub changes: Vec<GraphChange>,
}

/// A change of a graph.
#[derive(Clone, Debug, PartialEq)]
pub enum GraphChange {
    /// Only nodes for which this is true stay, with the edges between them. Over [`Graph::node_row`].
    WhereNodes(Scalar),
    /// Only edges for which this is true stay. Over the columns of an edge.
    WhereEdges(Scalar),
    /// Nodes get the number of their component as a further column.
    MarkComponents {
        /// Whether edges count in their direction only.
        is_strong: bool,
    },
}

impl Graph {
    /// The plans that it is made of.
    pub fn inputs(&self) -> Vec<&Arc<Plan>> {
        std::iter::once(&self.edges).chain(self.nodes.iter().map(|(plan, _)| plan)).collect()
    }

    /// The type of a node's id.
    pub fn id_type(&self) -> ScalarType {
        self.edges.columns.get(self.source).map_or(ScalarType::String, |field| field.scalar_type)
    }

    /// What an expression sees of a node: its columns, how many edges come in and go out, and its id.
    pub fn node_row(&self) -> Vec<Field> {
        let mut row = self.node_columns.clone();
        row.push(Field::new("$in", ScalarType::Long));
        row.push(Field::new("$out", ScalarType::Long));
        row.push(Field::new("$id", self.id_type()));
        row
    }

    /// The values that it computes.
    pub fn scalars(&self) -> Vec<&Scalar> {
        self.changes
            .iter()
            .filter_map(|change| match change {
                GraphChange::WhereNodes(scalar) | GraphChange::WhereEdges(scalar) => Some(scalar),
                GraphChange::MarkComponents { .. } => None,
            })
            .collect()
    }
}

/// A pattern: nodes, and edges between them.
///
/// Its expressions see a row: the [`Graph::node_row`] of each node, the columns of each edge of one hop, and the paths.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphPattern {
    /// How many different nodes it has.
    pub nodes: usize,
    /// The edges.
    pub edges: Vec<PatternEdge>,
    /// The condition.
    pub predicate: Option<Scalar>,
    /// The values that come out.
    pub outputs: Vec<Scalar>,
    /// What expressions ask of edges of several hops.
    pub paths: Vec<PathValue>,
    /// Which ways through the graph count.
    pub cycles: Cycles,
}

/// Which ways through a graph count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cycles {
    /// Also those that use an edge twice.
    All,
    /// None that comes to a node twice.
    None,
    /// Those that use every edge once.
    UniqueEdges,
}

/// An edge of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternEdge {
    /// The node on its left.
    pub left: usize,
    /// The node on its right.
    pub right: usize,
    /// Whether it goes from left to right; both ways when `None`.
    pub is_forward: Option<bool>,
    /// The fewest and the most hops; `None` for exactly one, which has columns of its own.
    pub hops: Option<(usize, usize)>,
}

/// `map(...)`, `all(...)` or `any(...)` over an edge of several hops.
#[derive(Clone, Debug, PartialEq)]
pub struct PathValue {
    /// The position of the edge in the pattern.
    pub edge: usize,
    /// Whether it goes over the nodes inside and not over the edges.
    pub over_nodes: bool,
    /// The value for each, over [`Graph::node_row`] or the columns of an edge.
    pub value: Scalar,
    /// What becomes of the values.
    pub combine: Combine,
}

/// What becomes of the values along a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Combine {
    /// An array.
    Map,
    /// Whether all are true.
    All,
    /// Whether one is true.
    Any,
}

impl GraphPattern {
    /// The values that it computes.
    pub fn scalars(&self) -> Vec<&Scalar> {
        let paths = self.paths.iter().map(|path| &path.value);
        self.predicate.iter().chain(&self.outputs).chain(paths).collect()
    }

    /// The column where the paths begin in the row that expressions see.
    pub fn paths_start(&self, node_width: usize, edge_width: usize) -> usize {
        let single = self.edges.iter().filter(|edge| edge.hops.is_none()).count();
        self.nodes * node_width + single * edge_width
    }
}
