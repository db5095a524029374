//! What must stand near a primary match.

use serde::{Deserialize, Serialize};

use crate::rule::ElementId;

/// How far evidence may stand from a primary match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proximity {
    /// Unicode characters before the match's start and after its end. Evidence lies wholly within them.
    Characters(u32),
    /// Anywhere in the document.
    Unlimited,
}

impl Proximity {
    /// What rules without a word about it have.
    pub const DEFAULT: Proximity = Proximity::Characters(300);
    /// The longest distance in characters; whoever needs more says `unlimited`.
    pub const LONGEST: u32 = 8_192;
}

/// A condition on what stands near a primary match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// The element matches nearby (`Match`).
    Match {
        /// What has to match.
        element: ElementId,
        /// How often, at least.
        min: u32,
        /// Whether equal texts count once (`uniqueResults`).
        unique: bool,
    },
    /// Some of these conditions hold (`Any`). `max` 0 says that none may.
    Any {
        /// How many must hold, at least.
        min: u32,
        /// How many may hold, at most.
        max: Option<u32>,
        /// The conditions.
        of: Vec<Evidence>,
    },
}

impl Evidence {
    /// The element matches nearby at least once.
    pub fn once(element: ElementId) -> Evidence {
        Evidence::Match { element, min: 1, unique: false }
    }

    /// Names the same elements where so many others come first.
    pub(crate) fn move_elements(&mut self, offset: usize) {
        match self {
            Evidence::Match { element, .. } => *element = element.moved(offset),
            Evidence::Any { of, .. } => of.iter_mut().for_each(|part| part.move_elements(offset)),
        }
    }

    /// Every element that the condition names, in order, with repetitions.
    pub fn elements(&self) -> Vec<ElementId> {
        match self {
            Evidence::Match { element, .. } => vec![*element],
            Evidence::Any { of, .. } => of.iter().flat_map(Evidence::elements).collect(),
        }
    }
}
