//! `graph-match`: all places in a graph that look like a pattern, by backtracking.

use super::Hop;
use super::order::{Find, Step, steps};
use super::scene::Scene;
use crate::interpret::{Result, Row};
use crate::plan::{Cycles, PatternEdge};

/// The outputs of each place.
///
/// What cycles are allowed counts for the pattern as a whole: with `unique_edges` no two of its edges are the same edge of
/// the graph, with `none` no step comes to a node where the pattern has been.
pub(super) fn rows(scene: &Scene<'_, '_>) -> Result<Vec<Row>> {
    let steps = steps(scene);
    let mut search = Search {
        scene,
        steps: &steps,
        row: scene.empty_row(),
        bound: vec![None; scene.ready.nodes],
        hops: vec![Vec::new(); scene.ready.edges.len()],
        edge_uses: vec![0; scene.built.edges.len()],
        node_uses: vec![0; scene.built.nodes.len()],
        found: Vec::new(),
    };
    search.step(0)?;
    Ok(search.found)
}

/// A search with what is found so far.
struct Search<'f, 's, 'r> {
    scene: &'f Scene<'s, 'r>,
    steps: &'f [Step<'s>],
    row: Row,
    /// The node of the graph for each node of the pattern.
    bound: Vec<Option<usize>>,
    /// The steps along each edge of the pattern, from where it was entered.
    hops: Vec<Vec<Hop>>,
    edge_uses: Vec<u32>,
    node_uses: Vec<u32>,
    found: Vec<Row>,
}

impl<'s> Search<'_, 's, '_> {
    fn step(&mut self, at: usize) -> Result<()> {
        let steps = self.steps;
        let Some(step) = steps.get(at) else {
            self.emit();
            return Ok(());
        };
        match step.find {
            Find::Start(node) => {
                for place in 0..self.scene.built.nodes.len() {
                    if self.scene.is_candidate(node, place) {
                        self.scene.tick()?;
                        use_of(&mut self.node_uses, place, true);
                        self.bind(at, node, place)?;
                        use_of(&mut self.node_uses, place, false);
                    }
                }
                Ok(())
            }
            Find::Edge { edge, from_left } => {
                let Some(pattern) = self.scene.ready.edges.get(edge) else { return Ok(()) };
                let from = if from_left { pattern.left } else { pattern.right };
                match self.bound.get(from).copied().flatten() {
                    Some(place) => self.grow(at, edge, pattern, from_left, place),
                    None => Ok(()),
                }
            }
        }
    }

    /// Follows an edge of the pattern from where its path has come to.
    fn grow(
        &mut self,
        at: usize,
        edge: usize,
        pattern: &PatternEdge,
        from_left: bool,
        place: usize,
    ) -> Result<()> {
        let depth = self.hops.get(edge).map_or(0, Vec::len);
        let (least, most) = pattern.hops.unwrap_or((1, 1));
        if depth >= least {
            self.arrive(at, edge, pattern, from_left, place)?;
        }
        let goes_on = depth < most && (depth == 0 || self.scene.may_pass(edge, place));
        if !goes_on {
            return Ok(());
        }
        let is_forward = pattern.is_forward.map(|is_forward| is_forward == from_left);
        for hop in self.scene.built.hops(place, is_forward) {
            self.scene.tick()?;
            if !self.is_free(hop) || !self.scene.may_use(edge, hop.edge) {
                continue;
            }
            self.take(edge, hop);
            self.grow(at, edge, pattern, from_left, hop.node)?;
            self.untake(edge, hop);
        }
        Ok(())
    }

    /// Ends an edge of the pattern at a node.
    fn arrive(
        &mut self,
        at: usize,
        edge: usize,
        pattern: &PatternEdge,
        from_left: bool,
        place: usize,
    ) -> Result<()> {
        let to = if from_left { pattern.right } else { pattern.left };
        let fits = match self.bound.get(to).copied().flatten() {
            Some(bound) => bound == place,
            None => self.scene.is_candidate(to, place),
        };
        if !fits {
            return Ok(());
        }
        let hops = self.hops.get(edge).map(Vec::as_slice).unwrap_or_default();
        match (pattern.hops, hops) {
            (None, [hop]) => self.scene.put_edge(&mut self.row, edge, hop.edge),
            _ => self.scene.put_paths(&mut self.row, edge, hops, from_left, true),
        }
        self.bind(at, to, place)
    }

    /// Makes a node of the pattern a node of the graph, and goes on with the next step where the conditions allow.
    fn bind(&mut self, at: usize, node: usize, place: usize) -> Result<()> {
        let before = self.bound.get(node).copied().flatten();
        if before.is_none() {
            self.scene.put_node(&mut self.row, node, place);
            self.set_bound(node, Some(place));
        }
        let steps = self.steps;
        let conditions = steps.get(at).map(|step| step.conditions.as_slice()).unwrap_or_default();
        if conditions.iter().all(|condition| self.scene.holds(condition, &self.row)) {
            self.step(at + 1)?;
        }
        if before.is_none() {
            self.set_bound(node, None);
        }
        Ok(())
    }

    fn set_bound(&mut self, node: usize, place: Option<usize>) {
        if let Some(bound) = self.bound.get_mut(node) {
            *bound = place;
        }
    }

    /// Whether a step keeps to the rule about cycles.
    fn is_free(&self, hop: Hop) -> bool {
        match self.scene.ready.cycles {
            Cycles::All => true,
            Cycles::UniqueEdges => self.edge_uses.get(hop.edge) == Some(&0),
            Cycles::None => self.node_uses.get(hop.node) == Some(&0),
        }
    }

    fn take(&mut self, edge: usize, hop: Hop) {
        use_of(&mut self.edge_uses, hop.edge, true);
        use_of(&mut self.node_uses, hop.node, true);
        if let Some(hops) = self.hops.get_mut(edge) {
            hops.push(hop);
        }
    }

    fn untake(&mut self, edge: usize, hop: Hop) {
        use_of(&mut self.edge_uses, hop.edge, false);
        use_of(&mut self.node_uses, hop.node, false);
        if let Some(hops) = self.hops.get_mut(edge) {
            hops.pop();
        }
    }

    fn emit(&mut self) {
        for step in self.steps {
            if let Find::Edge { edge, from_left } = step.find {
                let hops = self.hops.get(edge).map(Vec::as_slice).unwrap_or_default();
                self.scene.put_paths(&mut self.row, edge, hops, from_left, false);
            }
        }
        self.found.push(self.scene.outputs(&self.row));
    }
}

/// Counts a use more or less.
fn use_of(uses: &mut [u32], at: usize, is_more: bool) {
    if let Some(uses) = uses.get_mut(at) {
        *uses = if is_more { *uses + 1 } else { uses.saturating_sub(1) };
    }
}
