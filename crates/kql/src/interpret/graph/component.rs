//! Connected components, numbered in the order in which their first nodes come.

use super::Built;

impl Built {
    /// Components of nodes that edges connect, whatever their direction.
    pub(super) fn weak_components(&self) -> Vec<usize> {
        let mut found: Vec<Option<usize>> = vec![None; self.nodes.len()];
        let mut next = 0;
        for start in 0..self.nodes.len() {
            if found.get(start).is_some_and(Option::is_some) {
                continue;
            }
            let mut open = vec![start];
            while let Some(node) = open.pop() {
                let Some(place @ None) = found.get_mut(node) else { continue };
                *place = Some(next);
                open.extend(self.hops(node, None).map(|hop| hop.node));
            }
            next += 1;
        }
        found.into_iter().flatten().collect()
    }

    /// Components of nodes that reach each other along edges.
    ///
    /// Kosaraju's algorithm: nodes in the order in which a depth-first search leaves them, and then from the last to the
    /// first what reaches them against the edges.
    pub(super) fn strong_components(&self) -> Vec<usize> {
        let mut found: Vec<Option<usize>> = vec![None; self.nodes.len()];
        for (number, start) in self.left_last_first().into_iter().enumerate() {
            let mut open = vec![start];
            while let Some(node) = open.pop() {
                let Some(place @ None) = found.get_mut(node) else { continue };
                *place = Some(number);
                open.extend(self.hops(node, Some(false)).map(|hop| hop.node));
            }
        }
        let mut renumbered: Vec<Option<usize>> = vec![None; self.nodes.len()];
        let mut next = 0;
        let number = |old: usize| {
            let place = renumbered.get_mut(old)?;
            Some(*place.get_or_insert_with(|| {
                next += 1;
                next - 1
            }))
        };
        found.into_iter().flatten().filter_map(number).collect()
    }

    /// The nodes in the order in which a search along edges is done with them, the last first.
    fn left_last_first(&self) -> Vec<usize> {
        let mut is_met = vec![false; self.nodes.len()];
        let mut left = Vec::new();
        for start in 0..self.nodes.len() {
            let mut open = vec![(start, false)];
            while let Some((node, is_done)) = open.pop() {
                if is_done {
                    left.push(node);
                    continue;
                }
                let Some(met @ false) = is_met.get_mut(node) else { continue };
                *met = true;
                open.push((node, true));
                open.extend(self.hops(node, Some(true)).map(|hop| (hop.node, false)));
            }
        }
        left.reverse();
        left
    }
}
