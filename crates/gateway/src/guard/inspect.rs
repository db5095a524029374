//! A text, or a whole body, held against profiles.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use castellan_classify::redact::{Policy, RedactError, Redactor, Session};
use castellan_classify::{Engine, Finding, Overlap, Selection};
use castellan_shield::attack::Verdict;
use castellan_shield::blocklist::Blocklists;
use castellan_shield::harm::{HARMS, Harms};
use castellan_shield::model::calibration::OperatingPoint;
use castellan_shield::{Shield, Source};
use castellan_wire::annotate::Results;
use castellan_wire::edit::Edit;
use castellan_wire::{Passage, Point, Reading, Unscanned};
use serde::Serialize;

use super::compiled::{Ready, Selected};
use super::looked::{Asked, Looked, Said};
use super::profile::{Action, Check};
use crate::guard::ProfilesError;

/// Entries of the memory of what was looked at: some 10 MB.
const REMEMBERED: usize = 32_768;
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
    /// What goes from each passage, where the action is to redact.
    pub edits: Vec<Vec<Edit>>,
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

    fn hit(&mut self, hit: Hit) {
        self.action = self.action.max(hit.action);
        if self.hits.len() < MOST_HITS {
            self.hits.push(hit);
        }
    }

    /// Both together.
    pub(crate) fn join(&mut self, other: Judgement) {
        self.action = self.action.max(other.action);
        self.hits.extend(other.hits);
        self.hits.truncate(MOST_HITS);
        self.unscanned.extend(other.unscanned);
        self.passages += other.passages;
        self.bytes += other.bytes;
        join(&mut self.results, other.results);
    }
}

fn join(results: &mut Results, other: Results) {
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

/// The engines behind the checks.
#[derive(Debug)]
pub struct Inspector {
    shield: Arc<Shield>,
    engine: Engine,
    redactor: Redactor,
    blocklists: RwLock<Arc<Blocklists>>,
    looked: Looked,
    /// Makes the engines panic, for tests of what follows then.
    #[cfg(test)]
    pub(crate) is_broken: std::sync::atomic::AtomicBool,
}

/// What one text is, by the engines that its rules need.
#[derive(Default)]
struct Seen {
    attack: Vec<(OperatingPoint, Option<Arc<Verdict>>)>,
    harm: Option<Option<Harms>>,
    findings: Option<Option<Arc<Vec<Finding>>>>,
}

impl Inspector {
    /// With the shield and the detectors of the product, or others.
    ///
    /// # Errors
    /// When the detectors cannot be used as guardrails need them.
    pub fn new(shield: Arc<Shield>, engine: &Engine) -> Result<Inspector, ProfilesError> {
        let fault = |fault: String| ProfilesError::Fault { file: "detectors".to_owned(), fault };
        let selection = Selection { overlap: Overlap::All, ..engine.selection().clone() };
        let engine = engine.select(&selection).map_err(fault)?;
        let redactor = Redactor::new(&engine, &Policy::default(), None).map_err(|problems| {
            fault(problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; "))
        })?;
        let blocklists = RwLock::new(Arc::new(Blocklists::default()));
        Ok(Inspector {
            shield,
            engine,
            redactor,
            blocklists,
            looked: Looked::new(REMEMBERED),
            #[cfg(test)]
            is_broken: Default::default(),
        })
    }

    /// The detectors.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Takes other block lists; the next text is held against them.
    pub fn set_blocklists(&self, lists: Blocklists) {
        *self.blocklists.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
    }

    /// Holds a body against profiles.
    pub fn judge(&self, reading: &Reading, profiles: &Selected, session: &mut Session) -> Judgement {
        let mut judgement = Judgement::default();
        for passage in &reading.passages {
            let (one, edits) = self.passage(passage, profiles, session);
            judgement.join(one);
            judgement.edits.push(edits);
        }
        for left in &reading.unscanned {
            judgement.join(unscanned(left.clone(), profiles));
        }
        judgement
    }

    /// Holds one text against profiles: what was found, and what goes from it.
    pub fn passage(
        &self,
        passage: &Passage,
        profiles: &Selected,
        session: &mut Session,
    ) -> (Judgement, Vec<Edit>) {
        let point = profiles.point(passage.point);
        let mut judgement = Judgement { passages: 1, bytes: passage.text.len(), ..Judgement::default() };
        let mut seen = Seen::default();
        let mut redacted: Vec<Finding> = Vec::new();
        for rule in profiles.at(point) {
            self.rule(rule, point, passage, &mut seen, &mut judgement, &mut redacted);
        }
        let has_left = |verdict: &Arc<Verdict>| !verdict.unscanned.is_empty();
        if seen.attack.iter().any(|(_, verdict)| verdict.as_ref().is_some_and(has_left)) {
            let left =
                Unscanned { path: passage.path.clone(), matter: castellan_wire::Matter::Undecoded, point };
            judgement.join(unscanned(left, profiles));
        }
        let edits = || self.edits(&passage.text, redacted, session);
        let edits = match catch_unwind(AssertUnwindSafe(edits)) {
            Ok(Ok(edits)) => edits,
            // What should go and cannot must not pass.
            Ok(Err(_)) | Err(_) => {
                judgement.action = judgement.action.max(Action::Block);
                Vec::new()
            }
        };
        (judgement, edits)
    }

    fn edits(
        &self,
        text: &str,
        mut findings: Vec<Finding>,
        session: &mut Session,
    ) -> Result<Vec<Edit>, RedactError> {
        if findings.is_empty() {
            return Ok(Vec::new());
        }
        findings.sort_by_key(|finding| finding.range().start);
        let redacted = self.redactor.redact(text, &findings, session)?;
        let edit = |item: &castellan_classify::redact::Item| Edit {
            range: item.original.clone(),
            replacement: redacted.text.get(item.start..item.end).unwrap_or_default().to_owned(),
        };
        Ok(redacted.items.iter().map(edit).collect())
    }

    fn rule(
        &self,
        rule: &Ready,
        point: Point,
        passage: &Passage,
        seen: &mut Seen,
        judgement: &mut Judgement,
        redacted: &mut Vec<Finding>,
    ) {
        let told = |what: String, score: f32, count: usize| Hit {
            rule: Arc::clone(&rule.name),
            check: rule.check.as_str(),
            action: rule.action,
            point,
            path: passage.path.clone(),
            what,
            score,
            count,
            decoded: None,
            failed: false,
        };
        let failed = || Hit {
            action: rule.on_failure,
            failed: true,
            ..told("the check could not run".into(), 1.0, 1)
        };
        let blocks = rule.action.stops();
        match &rule.check {
            Check::Attack { operating_point } => {
                let Some(source) = source(point) else { return };
                let Some(verdict) = self.attack(&passage.text, source, (*operating_point).into(), seen)
                else {
                    judgement.hit(failed());
                    return;
                };
                let is_attack = verdict.detected;
                let result = Some((is_attack, is_attack && blocks));
                let attacks = Results {
                    jailbreak: result.filter(|_| !source.is_content()),
                    indirect_attack: result.filter(|_| source.is_content()),
                    ..Results::default()
                };
                join(&mut judgement.results, attacks);
                if is_attack {
                    let what =
                        verdict.subtype.map_or("attack", castellan_shield::attack::Subtype::name).to_owned();
                    let decoded =
                        verdict.decoded.first().map(|payload| payload.text.chars().take(200).collect());
                    judgement
                        .hit(Hit { decoded, ..told(what, verdict.probability, verdict.spans.len().max(1)) });
                }
            }
            Check::Harm { hate, sexual, violence, self_harm } => {
                let Some(harms) = self.harm(&passage.text, seen) else {
                    judgement.hit(failed());
                    return;
                };
                let limits = [hate, sexual, violence, self_harm];
                for ((name, harm), limit) in HARMS.iter().zip(harms.all()).zip(limits) {
                    let Some(limit) = limit else { continue };
                    let is_over = harm.severity >= *limit;
                    let result = (*name, harm.severity, is_over && blocks);
                    join(&mut judgement.results, Results { harms: vec![result], ..Results::default() });
                    if is_over {
                        judgement.hit(told((*name).to_owned(), f32::from(harm.severity) / 7.0, 1));
                    }
                }
            }
            Check::Sensitive { min_confidence, .. } => {
                let Some(findings) = self.findings(&passage.text, seen) else {
                    judgement.hit(failed());
                    return;
                };
                let counts = |finding: &&Finding| {
                    finding.confidence >= *min_confidence
                        && rule.detectors.get(finding.detector).copied().unwrap_or_default()
                };
                let mut kinds: Vec<(usize, u8, usize)> = Vec::new();
                for finding in findings.iter().filter(counts) {
                    match kinds.iter_mut().find(|kind| kind.0 == finding.detector) {
                        Some(kind) => *kind = (kind.0, kind.1.max(finding.confidence), kind.2 + 1),
                        None => kinds.push((finding.detector, finding.confidence, 1)),
                    }
                    if rule.action == Action::Redact {
                        redacted.push(finding.clone());
                    }
                }
                for (detector, confidence, count) in kinds {
                    let id = self.engine.rules().detectors.get(detector).map(|detector| detector.id.clone());
                    let id = id.unwrap_or_default().to_string();
                    let sensitive = vec![(id.clone(), rule.action >= Action::Redact)];
                    join(&mut judgement.results, Results { sensitive, ..Results::default() });
                    judgement.hit(told(id, f32::from(confidence) / 100.0, count));
                }
            }
            Check::Blocklist { lists } => {
                let only: Vec<&str> = lists.iter().map(String::as_str).collect();
                let blocklists = Arc::clone(&self.blocklists.read().unwrap_or_else(PoisonError::into_inner));
                let find = || {
                    self.may_break();
                    blocklists.find(&passage.text, (!only.is_empty()).then_some(only.as_slice()))
                };
                let Ok(found) = catch_unwind(AssertUnwindSafe(find)) else {
                    judgement.hit(failed());
                    return;
                };
                let is_listed = !found.hits.is_empty();
                let result = Some((is_listed, is_listed && blocks));
                join(&mut judgement.results, Results { blocklists: result, ..Results::default() });
                if let Some(first) = found.hits.first() {
                    judgement.hit(told(format!("{}/{}", first.list, first.item), 1.0, found.hits.len()));
                }
            }
            Check::Size { characters } => {
                // A text has at least a quarter as many characters as bytes.
                let is_long = passage.text.len() > *characters && passage.text.chars().count() > *characters;
                if is_long {
                    judgement.hit(told(format!("more than {characters} characters"), 1.0, 1));
                }
            }
            Check::Unscanned { .. } => {}
        }
    }

    #[cfg(not(test))]
    fn may_break(&self) {}

    #[cfg(test)]
    fn may_break(&self) {
        assert!(!self.is_broken.load(std::sync::atomic::Ordering::Relaxed), "a test breaks the engines");
    }

    /// What the shield says; nothing when it fails.
    fn attack(
        &self,
        text: &str,
        source: Source,
        point: OperatingPoint,
        seen: &mut Seen,
    ) -> Option<Arc<Verdict>> {
        if let Some((_, verdict)) = seen.attack.iter().find(|(known, _)| *known == point) {
            return verdict.clone();
        }
        let look = || {
            self.may_break();
            Said::Attack(Arc::new(self.shield.attack_at(text, source, point)))
        };
        let ask = || match self.looked.or(text, Asked::Attack(source, point), look) {
            Said::Attack(verdict) => Some(verdict),
            _ => None,
        };
        let verdict = catch_unwind(AssertUnwindSafe(ask)).ok().flatten();
        seen.attack.push((point, verdict.clone()));
        verdict
    }

    fn harm(&self, text: &str, seen: &mut Seen) -> Option<Harms> {
        let look = || {
            self.may_break();
            Said::Harm(self.shield.harm(text))
        };
        let ask = || match self.looked.or(text, Asked::Harm, look) {
            Said::Harm(harms) => Some(harms),
            _ => None,
        };
        *seen.harm.get_or_insert_with(|| catch_unwind(AssertUnwindSafe(ask)).ok().flatten())
    }

    fn findings(&self, text: &str, seen: &mut Seen) -> Option<Arc<Vec<Finding>>> {
        let look = || {
            self.may_break();
            Said::Findings(Arc::new(self.engine.scan(text)))
        };
        let ask = || match self.looked.or(text, Asked::Findings, look) {
            Said::Findings(findings) => Some(findings),
            _ => None,
        };
        seen.findings.get_or_insert_with(|| catch_unwind(AssertUnwindSafe(ask)).ok().flatten()).clone()
    }
}

/// What follows for something that cannot be looked into.
fn unscanned(left: Unscanned, profiles: &Selected) -> Judgement {
    let mut judgement = Judgement::default();
    let (action, rule) = profiles.unscanned(left.matter, left.point);
    if let Some(rule) = rule {
        judgement.hit(Hit {
            rule,
            check: "unscanned",
            action,
            point: left.point,
            path: left.path.clone(),
            what: left.matter.as_str().to_owned(),
            score: 1.0,
            count: 1,
            decoded: None,
            failed: false,
        });
    }
    judgement.unscanned.push(left);
    judgement
}

/// Who wrote a text, for the shield; nobody where an attack cannot be.
fn source(point: Point) -> Option<Source> {
    match point {
        Point::System => None,
        Point::User => Some(Source::User),
        Point::History => Some(Source::Memory),
        Point::ToolDefinition | Point::ToolResult | Point::ToolCall => Some(Source::ToolResult),
        Point::Document | Point::Output | Point::Reasoning => Some(Source::Document),
    }
}

/// The last place of a text at or before `at` where a character begins.
pub(super) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
