//! The recognisers that Presidio brings, and what stands for them here.

use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;

use crate::rule::{Detector, ElementId, Evidence, Pattern, Rules};

static ENTITIES: LazyLock<FxHashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let lines = include_str!("predefined.tsv").lines().filter(|line| !line.starts_with('#'));
    let rows = lines.filter_map(|line| line.split_once('\t'));
    rows.map(|(class, entities)| (class, entities.split_whitespace().collect())).collect()
});

/// The entities that a recogniser of this class finds, none where its model decides; `None` for a class that Presidio
/// does not bring.
pub(super) fn entities(class: &str) -> Option<&'static [&'static str]> {
    ENTITIES.get(class).map(Vec::as_slice)
}

/// Takes detectors over into other rules, with what they need.
pub(super) struct Taking<'a> {
    known: &'a Rules,
    elements: FxHashMap<ElementId, ElementId>,
    taken: Vec<Arc<str>>,
}

impl<'a> Taking<'a> {
    pub(super) fn new(known: &'a Rules) -> Taking<'a> {
        Taking { known, elements: FxHashMap::default(), taken: Vec::new() }
    }

    /// Adds every detector of an entity; false where there is none.
    pub(super) fn entity(&mut self, entity: &str, rules: &mut Rules) -> bool {
        let known = self.known;
        let mut found = false;
        let of_entity =
            known.detectors.iter().filter(|detector| detector.presidio.as_deref() == Some(entity));
        for detector in of_entity {
            found = true;
            if !self.taken.contains(&detector.id) {
                self.taken.push(detector.id.clone());
                self.detector(detector, rules);
            }
        }
        found
    }

    fn detector(&mut self, detector: &Detector, rules: &mut Rules) {
        let mut detector = detector.clone();
        for Pattern { primary, evidence, .. } in &mut detector.patterns {
            *primary = self.element(*primary, rules);
            evidence.iter_mut().for_each(|evidence| self.evidence(evidence, rules));
        }
        rules.detectors.push(detector);
    }

    fn evidence(&mut self, evidence: &mut Evidence, rules: &mut Rules) {
        match evidence {
            Evidence::Match { element, .. } => *element = self.element(*element, rules),
            Evidence::Any { of, .. } => of.iter_mut().for_each(|part| self.evidence(part, rules)),
        }
    }

    fn element(&mut self, id: ElementId, rules: &mut Rules) -> ElementId {
        if let Some(taken) = self.elements.get(&id) {
            return *taken;
        }
        let next = ElementId::new(rules.elements.len());
        rules.elements.extend(self.known.element(id).cloned());
        self.elements.insert(id, next);
        next
    }
}
