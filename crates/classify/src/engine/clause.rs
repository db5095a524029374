//! Evidence with its elements looked up.

use crate::engine::index::Gate;
use crate::rule::{ElementId, Evidence};

/// A condition, ready to be judged.
#[derive(Clone, Debug)]
pub(crate) enum Clause {
    /// Terms of a list stand nearby.
    List { element: ElementId, list: u16, strings: bool, min: u32, unique: bool },
    /// An expression matches nearby.
    Expression { element: ElementId, min: u32, unique: bool },
    /// Some of these hold.
    Any { min: u32, max: Option<u32>, of: Vec<Clause> },
}

impl Clause {
    /// Looks up the elements; the error is one that cannot be run. `list` tells the list of an element, and whether its
    /// terms may stand inside of words.
    pub(crate) fn new(
        evidence: &Evidence,
        list: &impl Fn(ElementId) -> Result<Option<(u16, bool)>, ElementId>,
    ) -> Result<Clause, ElementId> {
        match evidence {
            Evidence::Match { element, min, unique } => Ok(match list(*element)? {
                Some((list, strings)) => {
                    Clause::List { element: *element, list, strings, min: *min, unique: *unique }
                }
                None => Clause::Expression { element: *element, min: *min, unique: *unique },
            }),
            Evidence::Any { min, max, of } => {
                let mut of = of.iter().map(|part| Clause::new(part, list)).collect::<Result<Vec<_>, _>>()?;
                // Keywords are known already, expressions have to be run: what is cheap decides first.
                of.sort_by_key(|clause| !clause.is_cheap());
                Ok(Clause::Any { min: *min, max: *max, of })
            }
        }
    }

    fn is_cheap(&self) -> bool {
        match self {
            Clause::List { .. } => true,
            Clause::Expression { .. } => false,
            Clause::Any { of, .. } => of.iter().all(Clause::is_cheap),
        }
    }

    /// Lists of which one must stand nearby for the clause to hold; `None` where it can hold without.
    pub(crate) fn gate(&self) -> Option<Gate> {
        match self {
            // Terms inside of words are not searched before they are needed.
            Clause::List { strings: true, .. } => None,
            Clause::List { list, .. } => {
                let mut gate = Gate::default();
                gate.insert(*list);
                Some(gate)
            }
            Clause::Expression { .. } => None,
            Clause::Any { min: 0, .. } => None,
            Clause::Any { of, .. } => union(of.iter().map(Clause::gate)),
        }
    }

    /// Every element.
    pub(crate) fn elements(&self, found: &mut Vec<ElementId>) {
        match self {
            Clause::List { element, .. } | Clause::Expression { element, .. } => found.push(*element),
            Clause::Any { of, .. } => of.iter().for_each(|clause| clause.elements(found)),
        }
    }

    /// Whether a list with terms that may stand inside of words is named.
    pub(crate) fn has_strings(&self) -> bool {
        match self {
            Clause::List { strings, .. } => *strings,
            Clause::Expression { .. } => false,
            Clause::Any { of, .. } => of.iter().any(Clause::has_strings),
        }
    }
}

/// The union of all gates; `None` where one is missing or there are none.
pub(crate) fn union(gates: impl Iterator<Item = Option<Gate>>) -> Option<Gate> {
    let mut all: Option<Gate> = None;
    for gate in gates {
        let gate = gate?;
        match &mut all {
            Some(all) => all.merge(&gate),
            None => all = Some(gate),
        }
    }
    all
}
