//! What a search for a pattern looks at: the graph, the pattern, and what is known of the two.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::condition::{Condition, Element, Ready};
use super::{Built, Hop};
use crate::interpret::{Result, Row, Run};
use crate::plan::{Combine, PathValue};
use crate::value::{Dynamic, Value};

/// How many steps are counted at a time.
const TICKS: usize = 256;

/// A graph and a pattern in it.
pub(super) struct Scene<'s, 'r> {
    run: &'s Run<'r>,
    pub(super) built: &'s Built,
    pub(super) ready: &'s Ready,
    /// For each node of the pattern which nodes of the graph it can be.
    pub(super) candidates: Vec<Vec<bool>>,
    /// What `all(...)` said of an edge or a node of the graph.
    known: RefCell<HashMap<(usize, usize), bool>>,
    ticks: Cell<usize>,
}

impl<'s, 'r> Scene<'s, 'r> {
    pub(super) fn new(run: &'s Run<'r>, built: &'s Built, ready: &'s Ready) -> Scene<'s, 'r> {
        let known = RefCell::default();
        let mut scene = Scene { run, built, ready, candidates: Vec::new(), known, ticks: Cell::new(0) };
        scene.candidates = (0..ready.nodes).map(|node| scene.candidates_of(node)).collect();
        scene
    }

    fn candidates_of(&self, node: usize) -> Vec<bool> {
        let conditions: Vec<&Condition> =
            self.ready.conditions.iter().filter(|condition| only_of(condition, node)).collect();
        let mut row = self.empty_row();
        let fits = |at: usize| {
            self.put_node(&mut row, node, at);
            conditions.iter().all(|condition| self.holds(condition, &row))
        };
        (0..self.built.nodes.len()).map(fits).collect()
    }

    /// The conditions that candidates do not meet by themselves.
    pub(super) fn open_conditions(&self) -> impl Iterator<Item = &'s Condition> {
        self.ready.conditions.iter().filter(|condition| {
            !matches!(condition.needs.first(), Some(Element::Node(node)) if only_of(condition, *node))
        })
    }

    pub(super) fn is_candidate(&self, node: usize, at: usize) -> bool {
        self.candidates.get(node).and_then(|list| list.get(at)) == Some(&true)
    }

    /// Counts a step of the search.
    pub(super) fn tick(&self) -> Result<()> {
        self.ticks.set(self.ticks.get() + 1);
        if self.ticks.get() < TICKS {
            return Ok(());
        }
        self.run.count(self.ticks.replace(0))
    }

    /// A row for expressions, with nothing in it.
    pub(super) fn empty_row(&self) -> Row {
        vec![Value::Null; self.ready.paths_start + self.ready.paths.len()]
    }

    pub(super) fn put_node(&self, row: &mut Row, node: usize, at: usize) {
        put(row, node * self.ready.node_width, self.built.node_row(at));
    }

    pub(super) fn put_edge(&self, row: &mut Row, edge: usize, at: usize) {
        if let Some(start) = self.ready.edge_starts.get(edge).copied().flatten() {
            put(row, start, self.built.edge_row(at));
        }
    }

    /// Puts in what is asked of the path of an edge: by conditions, or by the outputs alone.
    pub(super) fn put_paths(&self, row: &mut Row, edge: usize, hops: &[Hop], from_left: bool, asked: bool) {
        for (at, path) in self.ready.paths.iter().enumerate().filter(|(_, path)| path.edge == edge) {
            if self.ready.asked.get(at) == Some(&asked)
                && let Some(cell) = row.get_mut(self.ready.paths_start + at)
            {
                *cell = self.path_value(path, hops, from_left);
            }
        }
    }

    /// `map`, `all` or `any` over a path, from the left of the pattern to the right.
    fn path_value(&self, path: &PathValue, hops: &[Hop], from_left: bool) -> Value {
        let mut values: Vec<Value> = if path.over_nodes {
            let inner = hops.get(..hops.len().saturating_sub(1)).unwrap_or_default();
            inner.iter().map(|hop| self.run.value(&path.value, self.built.node_row(hop.node))).collect()
        } else {
            hops.iter().map(|hop| self.run.value(&path.value, self.built.edge_row(hop.edge))).collect()
        };
        if !from_left {
            values.reverse();
        }
        let is_true = |value: &Value| *value == Value::Bool(true);
        match path.combine {
            Combine::Map => Value::dynamic(Dynamic::Array(values.iter().map(Dynamic::from_value).collect())),
            Combine::All => Value::Bool(values.iter().all(is_true)),
            Combine::Any => Value::Bool(values.iter().any(is_true)),
        }
    }

    /// Whether a path of an edge may use an edge of the graph, by what has to hold all along.
    pub(super) fn may_use(&self, edge: usize, at: usize) -> bool {
        self.all_along(edge, false, at)
    }

    /// Whether a path of an edge may lead through a node of the graph.
    pub(super) fn may_pass(&self, edge: usize, at: usize) -> bool {
        self.all_along(edge, true, at)
    }

    fn all_along(&self, edge: usize, over_nodes: bool, at: usize) -> bool {
        let pruned = self.ready.pruned.iter().filter_map(|path| Some((*path, self.ready.paths.get(*path)?)));
        let mut relevant = pruned.filter(|(_, path)| path.edge == edge && path.over_nodes == over_nodes);
        relevant.all(|(number, path)| {
            *self.known.borrow_mut().entry((number, at)).or_insert_with(|| {
                let row = if over_nodes { self.built.node_row(at) } else { self.built.edge_row(at) };
                self.run.value(&path.value, row) == Value::Bool(true)
            })
        })
    }

    pub(super) fn holds(&self, condition: &Condition, row: &[Value]) -> bool {
        self.run.value(&condition.scalar, row) == Value::Bool(true)
    }

    pub(super) fn outputs(&self, row: &[Value]) -> Row {
        self.run.values(&self.ready.outputs, row)
    }
}

/// Whether a condition is about one node alone.
fn only_of(condition: &Condition, node: usize) -> bool {
    condition.needs.len() == 1 && condition.needs.contains(&Element::Node(node))
}

fn put(row: &mut Row, start: usize, values: &[Value]) {
    for (cell, value) in row.iter_mut().skip(start).zip(values) {
        *cell = value.clone();
    }
}
