//! Which detectors stand for which of Presidio's entities.

use std::collections::BTreeMap;

use castellan_classify::Engine;

use crate::presidio::analyzer::Name;

/// Entities and detectors, both ways. A detector says itself which entity it finds (`presidio:` in its file); one that
/// does not is an entity of its own, named by its id: `aws-access-key` is `AWS_ACCESS_KEY`.
#[derive(Debug)]
pub(super) struct Catalogue {
    by_entity: BTreeMap<Name, Vec<String>>,
    by_detector: Vec<Name>,
    lowest_recommended: u8,
}

impl Catalogue {
    pub(super) fn new(engine: &Engine) -> Catalogue {
        let detectors = &engine.rules().detectors;
        let mut by_entity: BTreeMap<Name, Vec<String>> = BTreeMap::new();
        let mut by_detector = Vec::with_capacity(detectors.len());
        for detector in detectors {
            let entity: Name = detector.presidio.clone().unwrap_or_else(|| detector.label());
            by_entity.entry(entity.clone()).or_default().push(detector.id.to_string());
            by_detector.push(entity);
        }
        let lowest_recommended = detectors.iter().map(|detector| detector.recommended).min().unwrap_or(0);
        Catalogue { by_entity, by_detector, lowest_recommended }
    }

    /// Every entity, by name.
    pub(super) fn entities(&self) -> impl Iterator<Item = &str> {
        self.by_entity.keys().map(|name| &**name)
    }

    /// The ids of the detectors that find an entity.
    pub(super) fn detectors(&self, entity: &str) -> Option<&[String]> {
        self.by_entity.get(entity).map(Vec::as_slice)
    }

    /// The entity that a detector finds, by its place among the rules.
    pub(super) fn entity(&self, detector: usize) -> Name {
        self.by_detector.get(detector).cloned().unwrap_or_else(|| "UNKNOWN".into())
    }

    /// The least confidence that any detector recommends to act on.
    pub(super) fn lowest_recommended(&self) -> u8 {
        self.lowest_recommended
    }
}
