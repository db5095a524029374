//! What profiles say of a body.

use std::sync::Arc;

use castellan_wire::annotate::Results;
use castellan_wire::edit::Edit;
use castellan_wire::{Point, Unscanned};
use serde::Serialize;

use super::profile::Action;

/// Most hits that are told of one body.
const MOST_HITS: usize = 256;

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// `profile/rule`.
    pub rule: Arc<str>,
    /// `attack`, `harm`, ...
    pub check: &'static str,
    /// What follows.
    pub action: Action,
    /// At which point.
    pub point: Point,
    /// Where in the body.
    pub path: String,
    /// What it is: a kind of attack, a harm, a detector, an item of a list.
    pub what: String,
    /// How sure, or how severe: 0 to 1.
    pub score: f32,
    /// How many times.
    pub count: usize,
    /// What was decoded, for attacks that were hidden; at most 200 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoded: Option<String>,
    /// Whether the check could not run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

/// What profiles say of a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// What follows for the whole of it.
    pub action: Action,
    /// What was found.
    pub hits: Vec<Hit>,
    /// What goes from each passage, or is replaced.
    pub edits: Vec<Vec<Edit>>,
    /// Values that come back in each passage in place of their tokens; never recorded.
    pub restored: Vec<Vec<Edit>>,
    /// What was not looked at, whatever follows.
    pub unscanned: Vec<Unscanned>,
    /// Annotations for clients that expect Azure's.
    pub results: Results,
    /// How many texts were looked at, and their bytes.
    pub passages: usize,
    /// Their bytes.
    pub bytes: usize,
}

impl Judgement {
    /// The hit that decided, to tell the client.
    pub fn decisive(&self) -> Option<&Hit> {
        self.hits
            .iter()
            .filter(|hit| hit.action == self.action)
            .max_by(|one, other| one.score.total_cmp(&other.score))
    }

    /// Takes a hit in. What is known already is not told twice: a text may stand within another one, or be looked at again.
    pub(crate) fn hit(&mut self, hit: Hit) {
        self.action = self.action.max(hit.action);
        if let Some(known) = self.hits.iter_mut().find(|known| known.is_same(&hit)) {
            known.count = known.count.max(hit.count);
            known.score = known.score.max(hit.score);
        } else if self.hits.len() < MOST_HITS {
            self.hits.push(hit);
        }
    }

    /// Both together.
    pub(crate) fn join(&mut self, other: Judgement) {
        self.join_rest(&other);
        other.hits.into_iter().for_each(|hit| self.hit(hit));
        self.unscanned.extend(other.unscanned);
    }

    /// With what the next part of a text shows, whose findings are others than those of the parts before.
    pub(super) fn join_part(&mut self, other: Judgement) {
        self.join_rest(&other);
        for hit in other.hits {
            match self.hits.iter_mut().find(|known| known.is_same(&hit) && known.check == "sensitive") {
                Some(known) => {
                    known.count += hit.count;
                    known.score = known.score.max(hit.score);
                }
                None => self.hit(hit),
            }
        }
        for left in other.unscanned {
            if !self.unscanned.contains(&left) {
                self.unscanned.push(left);
            }
        }
    }

    fn join_rest(&mut self, other: &Judgement) {
        self.action = self.action.max(other.action);
        self.passages += other.passages;
        self.bytes += other.bytes;
        join(&mut self.results, other.results.clone());
    }

    /// What the client gets instead: what goes, and values that come back.
    pub(crate) fn for_client(&self) -> Vec<Vec<Edit>> {
        let mut all = self.edits.clone();
        for (edits, restored) in all.iter_mut().zip(&self.restored) {
            edits.extend(restored.iter().cloned());
        }
        all
    }

    /// Whether an answer changes on its way to the client.
    pub(crate) fn is_changed(&self) -> bool {
        self.edits.iter().chain(&self.restored).any(|edits| !edits.is_empty())
    }
}

impl Hit {
    /// Whether another one says the same of the same place.
    pub(crate) fn is_same(&self, other: &Hit) -> bool {
        self.rule == other.rule
            && self.what == other.what
            && self.path == other.path
            && self.point == other.point
            && self.failed == other.failed
    }
}

pub(super) fn join(results: &mut Results, other: Results) {
    for (name, level, filtered) in other.harms {
        match results.harms.iter_mut().find(|harm| harm.0 == name) {
            Some(known) => *known = (name, known.1.max(level), known.2 || filtered),
            None => results.harms.push((name, level, filtered)),
        }
    }
    let either = |one: Option<(bool, bool)>, other: Option<(bool, bool)>| match (one, other) {
        (Some(one), Some(other)) => Some((one.0 || other.0, one.1 || other.1)),
        (one, other) => one.or(other),
    };
    results.jailbreak = either(results.jailbreak, other.jailbreak);
    results.indirect_attack = either(results.indirect_attack, other.indirect_attack);
    results.blocklists = either(results.blocklists, other.blocklists);
    for (kind, filtered) in other.sensitive {
        match results.sensitive.iter_mut().find(|known| known.0 == kind) {
            Some(known) => known.1 |= filtered,
            None => results.sensitive.push((kind, filtered)),
        }
    }
}
