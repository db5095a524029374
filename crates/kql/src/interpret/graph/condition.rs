//! The condition of a pattern in parts, each of which is tested as soon as what it asks for is found.

use std::collections::BTreeSet;

use crate::ast::BinaryKind;
use crate::interpret::{Result, Run, failure};
use crate::plan::{Combine, Cycles, Graph, GraphPattern, PathValue, PatternEdge, Scalar, ScalarKind};

/// The most hops that a pattern can come to: a search is that deep.
const MOST_HOPS: usize = 512;

/// A part of a pattern that has columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Element {
    /// A node.
    Node(usize),
    /// An edge of one or several hops.
    Edge(usize),
}

/// A part of the condition.
pub(super) struct Condition {
    pub(super) scalar: Scalar,
    /// What it asks for.
    pub(super) needs: BTreeSet<Element>,
}

/// A pattern whose values are ready.
pub(super) struct Ready {
    pub(super) nodes: usize,
    pub(super) edges: Vec<PatternEdge>,
    pub(super) cycles: Cycles,
    pub(super) outputs: Vec<Scalar>,
    pub(super) paths: Vec<PathValue>,
    /// Without those in `pruned`.
    pub(super) conditions: Vec<Condition>,
    /// Paths of `all(...)` that have to hold by themselves: what breaks one need not be followed further.
    pub(super) pruned: BTreeSet<usize>,
    /// For each path whether conditions ask for it before all of the pattern is found.
    pub(super) asked: Vec<bool>,
    pub(super) node_width: usize,
    /// The column where each edge of one hop begins.
    pub(super) edge_starts: Vec<Option<usize>>,
    pub(super) paths_start: usize,
}

impl Ready {
    /// The elements whose columns a value reads.
    fn needs(&self, scalar: &Scalar) -> BTreeSet<Element> {
        let mut needs = BTreeSet::new();
        self.collect(scalar, &mut needs);
        needs
    }

    fn collect(&self, scalar: &Scalar, needs: &mut BTreeSet<Element>) {
        if let ScalarKind::Column(at) = scalar.kind {
            needs.extend(self.element(at));
        }
        scalar.operands().into_iter().for_each(|operand| self.collect(operand, needs));
    }

    /// The element that a column belongs to.
    fn element(&self, column: usize) -> Option<Element> {
        if column < self.nodes * self.node_width {
            return column.checked_div(self.node_width).map(Element::Node);
        }
        if let Some(path) = column.checked_sub(self.paths_start) {
            return self.paths.get(path).map(|path| Element::Edge(path.edge));
        }
        let starts = self.edge_starts.iter().enumerate();
        let before = starts.filter(|(_, start)| start.is_some_and(|start| start <= column));
        before.max_by_key(|(_, start)| *start).map(|(edge, _)| Element::Edge(edge))
    }

    /// Whether conditions ask for a path.
    fn is_asked(&self, path: usize) -> bool {
        let column = self.paths_start + path;
        let reads = |part: &Scalar| matches!(part.kind, ScalarKind::Column(at) if at == column);
        self.conditions.iter().any(|condition| condition.scalar.any(&reads))
    }
}

impl Run<'_> {
    /// A pattern with its subqueries computed and its condition in parts.
    pub(super) fn ready_pattern(&self, graph: &Graph, pattern: &GraphPattern) -> Result<Ready> {
        let hops: usize = pattern.edges.iter().map(|edge| edge.hops.map_or(1, |(_, most)| most)).sum();
        if hops > MOST_HOPS {
            let message = format!("the pattern comes to {hops} hops, which is more than {MOST_HOPS}");
            return Err(failure("pattern-size", message));
        }
        let (node_width, edge_width) = (graph.node_row().len(), graph.edges.columns.len());
        let mut next = pattern.nodes * node_width;
        let start = |edge: &PatternEdge| {
            edge.hops.is_none().then(|| {
                next += edge_width;
                next - edge_width
            })
        };
        let edge_starts = pattern.edges.iter().map(start).collect();
        let path = |path: &PathValue| Ok(PathValue { value: self.ready(&path.value)?, ..path.clone() });
        let mut ready = Ready {
            nodes: pattern.nodes,
            edges: pattern.edges.clone(),
            cycles: pattern.cycles,
            outputs: self.all_ready(&pattern.outputs)?,
            paths: pattern.paths.iter().map(path).collect::<Result<_>>()?,
            conditions: Vec::new(),
            pruned: BTreeSet::new(),
            asked: Vec::new(),
            node_width,
            edge_starts,
            paths_start: pattern.paths_start(node_width, edge_width),
        };
        let predicate = pattern.predicate.as_ref().map(|predicate| self.ready(predicate)).transpose()?;
        let mut parts = Vec::new();
        if let Some(predicate) = predicate {
            split(predicate, &mut parts);
        }
        for scalar in parts {
            match whole_path(&scalar, &ready) {
                Some(path) => drop(ready.pruned.insert(path)),
                None => ready.conditions.push(Condition { needs: ready.needs(&scalar), scalar }),
            }
        }
        ready.asked = (0..ready.paths.len()).map(|path| ready.is_asked(path)).collect();
        Ok(ready)
    }
}

/// The operands of `and`.
fn split(scalar: Scalar, parts: &mut Vec<Scalar>) {
    match scalar.kind {
        ScalarKind::Binary { operator, left, right } if operator.kind == BinaryKind::And => {
            split(*left, parts);
            split(*right, parts);
        }
        kind => parts.push(Scalar { kind, scalar_type: scalar.scalar_type }),
    }
}

/// The path of a part that is `all(...)` and nothing more.
fn whole_path(scalar: &Scalar, ready: &Ready) -> Option<usize> {
    let ScalarKind::Column(column) = scalar.kind else { return None };
    let path = column.checked_sub(ready.paths_start)?;
    ready.paths.get(path).filter(|path| path.combine == Combine::All).map(|_| path)
}
