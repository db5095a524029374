//! In which order a search goes through a pattern.

use std::collections::BTreeSet;

use super::condition::{Condition, Element};
use super::scene::Scene;

/// What a step finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Find {
    /// A node, wherever it is.
    Start(usize),
    /// An edge from a node that is found, and the node at its other end.
    Edge {
        /// The edge.
        edge: usize,
        /// Whether the node that is found is on the left.
        from_left: bool,
    },
}

/// A step with the conditions that can be tested after it.
pub(super) struct Step<'s> {
    pub(super) find: Find,
    pub(super) conditions: Vec<&'s Condition>,
}

/// The steps: a search begins at the node that the fewest nodes of the graph can be, and takes next an edge that leads
/// from what is found, one between two found nodes first, and one of a single hop before one of several.
pub(super) fn steps<'s>(scene: &Scene<'s, '_>) -> Vec<Step<'s>> {
    let edges = &scene.ready.edges;
    let mut open: BTreeSet<usize> = (0..edges.len()).collect();
    let mut found: BTreeSet<Element> = BTreeSet::new();
    let mut waiting: Vec<&Condition> = scene.open_conditions().collect();
    let mut steps = Vec::new();
    loop {
        let has = |node: usize| found.contains(&Element::Node(node));
        let reachable = open.iter().filter_map(|at| Some((*at, edges.get(*at)?)));
        let reachable = reachable.filter(|(_, edge)| has(edge.left) || has(edge.right));
        let next = reachable.min_by_key(|(_, edge)| {
            let is_between = has(edge.left) && has(edge.right);
            (!is_between, edge.hops.is_some())
        });
        let find = match next {
            Some((at, edge)) => Find::Edge { edge: at, from_left: has(edge.left) },
            None => {
                let count = |node: &usize| {
                    scene.candidates.get(*node).map_or(0, |list| list.iter().filter(|fits| **fits).count())
                };
                let start = (0..scene.ready.nodes).filter(|node| !has(*node)).min_by_key(count);
                let Some(start) = start else { return steps };
                Find::Start(start)
            }
        };
        match find {
            Find::Start(node) => drop(found.insert(Element::Node(node))),
            Find::Edge { edge, .. } => {
                open.remove(&edge);
                let ends = edges.get(edge).map(|edge| [Element::Node(edge.left), Element::Node(edge.right)]);
                found.extend(ends.into_iter().flatten());
                found.insert(Element::Edge(edge));
            }
        }
        let (conditions, later) = waiting.into_iter().partition(|part| part.needs.is_subset(&found));
        waiting = later;
        steps.push(Step { find, conditions });
    }
}
