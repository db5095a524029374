//! `graph-shortest-paths`: breadth first from each node that a path can begin at.
//!
//! Conditions on the ends and `all(...)` along the way say which paths there are; the shortest of them count, and what
//! else the condition asks is asked of these. A path comes to no node twice, save that one may come back to where it
//! began when the pattern has the same node at both ends.

use std::collections::{HashMap, HashSet};

use super::Hop;
use super::condition::{Condition, Element};
use super::scene::Scene;
use crate::interpret::{Result, Row};
use crate::plan::PatternEdge;

/// The outputs of each shortest path: of one for each pair of nodes, or of all.
pub(super) fn rows(scene: &Scene<'_, '_>, all: bool) -> Result<Vec<Row>> {
    let Some(edge) = scene.ready.edges.first() else { return Ok(Vec::new()) };
    let (least, most) = edge.hops.unwrap_or((1, 1));
    let count =
        |node: usize| scene.candidates.get(node).map_or(0, |list| list.iter().filter(|fits| **fits).count());
    let from_left = count(edge.left) <= count(edge.right);
    let (from, to) = if from_left { (edge.left, edge.right) } else { (edge.right, edge.left) };
    let conditions: Vec<&Condition> = scene.open_conditions().collect();
    let looks_at_way = conditions.iter().any(|condition| condition.needs.contains(&Element::Edge(0)));
    let is_any = !all && !looks_at_way;
    let search = Search { scene, edge, from, to, from_left, least, most, all, is_any, conditions };
    let mut found = Vec::new();
    for start in (0..scene.built.nodes.len()).filter(|at| scene.is_candidate(from, *at)) {
        search.from(start, &mut found)?;
    }
    Ok(found)
}

struct Search<'f, 's, 'r> {
    scene: &'f Scene<'s, 'r>,
    edge: &'f PatternEdge,
    /// The node of the pattern where paths begin, and the other.
    from: usize,
    to: usize,
    from_left: bool,
    least: usize,
    most: usize,
    all: bool,
    /// Whether any path to a node is as good as another: one is wanted, and no condition looks at the way.
    is_any: bool,
    conditions: Vec<&'s Condition>,
}

/// A path: a hop more than another one, or none at all.
struct Path {
    before: Option<usize>,
    hop: Option<Hop>,
}

/// The paths from one node.
struct Tree {
    start: usize,
    paths: Vec<Path>,
    /// At which length a node was first reached by a path that is long enough.
    reached: HashMap<usize, usize>,
    /// Nodes to which a path was given out.
    given: HashSet<usize>,
}

impl Tree {
    /// The hops of a path in order.
    fn hops(&self, path: usize) -> Vec<Hop> {
        let mut hops = Vec::new();
        let mut next = self.paths.get(path);
        while let Some(path) = next {
            hops.extend(path.hop);
            next = path.before.and_then(|before| self.paths.get(before));
        }
        hops.reverse();
        hops
    }

    fn end(&self, path: usize) -> usize {
        self.paths.get(path).and_then(|path| path.hop).map_or(self.start, |hop| hop.node)
    }

    fn add(&mut self, before: usize, hop: Hop) -> usize {
        self.paths.push(Path { before: Some(before), hop: Some(hop) });
        self.paths.len() - 1
    }
}

impl Search<'_, '_, '_> {
    fn from(&self, start: usize, found: &mut Vec<Row>) -> Result<()> {
        let root = Path { before: None, hop: None };
        let mut tree = Tree { start, paths: vec![root], reached: HashMap::new(), given: HashSet::new() };
        if self.least == 0 {
            tree.reached.insert(start, 0);
            self.arrive(&mut tree, 0, found);
        }
        let mut open = vec![0];
        for length in 1..=self.most {
            let mut longer = Vec::new();
            for path in open {
                self.extend(&mut tree, path, length, &mut longer)?;
            }
            for path in &longer {
                if length >= self.least {
                    self.arrive(&mut tree, *path, found);
                }
            }
            longer.retain(|path| tree.end(*path) != start);
            if longer.is_empty() {
                break;
            }
            open = longer;
        }
        Ok(())
    }

    /// Makes a path a hop longer, each way that leads somewhere new.
    fn extend(&self, tree: &mut Tree, path: usize, length: usize, longer: &mut Vec<usize>) -> Result<()> {
        let place = tree.end(path);
        if length > 1 && !self.scene.may_pass(0, place) {
            return Ok(());
        }
        // A shortest path that is long enough by itself has no node twice; a shorter one is asked.
        let before: Vec<usize> =
            if self.least > 1 { tree.hops(path).iter().map(|hop| hop.node).collect() } else { Vec::new() };
        let is_forward = self.edge.is_forward.map(|is_forward| is_forward == self.from_left);
        for hop in self.scene.built.hops(place, is_forward) {
            self.scene.tick()?;
            let comes_back = hop.node == tree.start && self.from != self.to;
            if comes_back || before.contains(&hop.node) || !self.scene.may_use(0, hop.edge) {
                continue;
            }
            if length >= self.least {
                match tree.reached.get(&hop.node) {
                    Some(first) if *first < length || self.is_any => continue,
                    _ => tree.reached.insert(hop.node, length),
                };
            }
            let path = tree.add(path, hop);
            longer.push(path);
        }
        Ok(())
    }

    /// Gives a path out if it ends where the pattern does.
    fn arrive(&self, tree: &mut Tree, path: usize, found: &mut Vec<Row>) {
        let place = tree.end(path);
        let is_end =
            if self.from == self.to { place == tree.start } else { self.scene.is_candidate(self.to, place) };
        if !is_end || (!self.all && tree.given.contains(&place)) {
            return;
        }
        let hops = tree.hops(path);
        let mut row = self.scene.empty_row();
        self.scene.put_node(&mut row, self.from, tree.start);
        self.scene.put_node(&mut row, self.to, place);
        self.scene.put_paths(&mut row, 0, &hops, self.from_left, true);
        if self.conditions.iter().all(|condition| self.scene.holds(condition, &row)) {
            self.scene.put_paths(&mut row, 0, &hops, self.from_left, false);
            tree.given.insert(place);
            found.push(self.scene.outputs(&row));
        }
    }
}
