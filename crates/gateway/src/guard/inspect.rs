//! A text, or a whole body, held against profiles.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use castellan_classify::redact::{Policy, RedactError, Redactor};
use castellan_classify::{Engine, Finding, Overlap, Selection};
use castellan_shield::attack::Verdict;
use castellan_shield::blocklist::Blocklists;
use castellan_shield::harm::{HARMS, Harms};
use castellan_shield::model::calibration::OperatingPoint;
use castellan_shield::second::Allowance;
use castellan_shield::{Shield, Source};
use castellan_wire::annotate::Results;
use castellan_wire::edit::Edit;
use castellan_wire::json::is_document;
use castellan_wire::{Passage, Point, Reading, Unscanned};

use super::change::{Changed, composed, merged};
use super::compiled::{Ready, Selected};
use super::judgement::{Hit, Judgement, join};
use super::looked::{Asked, Looked, Said};
use super::memory::Memory;
use super::profile::{Action, Check};
use super::tokens::TokensConfig;
use super::transform::{Part, Prepared, Transformed, transformed};
use super::whole::Fit;
use crate::aside::aside;
use crate::guard::ProfilesError;
use crate::limit::of_text;

/// Entries of the memory of what was looked at: some 10 MB.
const REMEMBERED: usize = 32_768;
/// Characters of a token, for what of a stream has gone before.
const CHARACTERS_A_TOKEN: usize = 4;
/// The engines behind the checks.
#[derive(Debug)]
pub struct Inspector {
    shield: Arc<Shield>,
    engine: Engine,
    redactor: Redactor,
    /// Makes tokens, where the gate has a key for them.
    tokeniser: Option<Redactor>,
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

/// What the rules of a point say of a text.
#[derive(Default)]
struct Found {
    judgement: Judgement,
    seen: Seen,
    redacted: Vec<Finding>,
    /// What becomes tokens, and whether these come back.
    tokenised: Vec<(Finding, bool)>,
    transforms: Vec<(Arc<str>, Prepared)>,
}

/// A text that rules are held against.
#[derive(Clone, Copy)]
struct Text<'t> {
    point: Point,
    path: &'t str,
    text: &'t str,
    part: Part,
    /// Where tokens of the gate's own making stand: they are no data.
    tokens: &'t [(std::ops::Range<usize>, usize)],
    /// The time that a second tier has.
    allowance: &'t Allowance,
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
            tokeniser: None,
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

    /// The same with what makes tokens.
    ///
    /// # Errors
    /// When the key or its name cannot be used.
    pub(crate) fn with_tokens(self, config: &TokensConfig, secret: &[u8; 32]) -> Result<Inspector, String> {
        let tokeniser = Some(config.redactor(&self.engine, secret)?);
        Ok(Inspector { tokeniser, ..self })
    }

    /// Refuses profiles that tokenise where nothing says what with.
    ///
    /// # Errors
    /// The profiles.
    pub(crate) fn check(&self, profiles: Selected) -> Result<Selected, ProfilesError> {
        if self.tokeniser.is_none() && profiles.tokenises() {
            return Err(ProfilesError::NoTokens { profiles: profiles.names.join(", ") });
        }
        Ok(profiles)
    }

    /// Holds a body against profiles.
    pub fn judge(&self, reading: &Reading, profiles: &Selected, memory: &mut Memory) -> Judgement {
        let mut judgement = Judgement::default();
        for passage in &reading.passages {
            let (one, changed) = self.passage(passage, profiles, memory);
            judgement.join(one);
            judgement.edits.push(changed.edits);
            judgement.restored.push(changed.restored);
        }
        for left in &reading.unscanned {
            judgement.join(unscanned(left.clone(), profiles));
        }
        judgement
    }

    /// Holds one text against profiles: what was found, and what becomes of it.
    pub fn passage(
        &self,
        passage: &Passage,
        profiles: &Selected,
        memory: &mut Memory,
    ) -> (Judgement, Changed) {
        let (mut judgement, mut changed) = self.part(passage, Part::whole(&passage.text), profiles, memory);
        (judgement.passages, judgement.bytes) = (1, passage.text.len());
        // What is no text of its own cannot take a value.
        changed.restored.retain(|edit| {
            let mut over = passage.segments.iter().filter(|segment| {
                segment.range.start < edit.range.end && edit.range.start < segment.range.end
            });
            over.all(|segment| segment.place.kind == castellan_wire::PlaceKind::Text)
        });
        memory.restored += changed.restored.len();
        (judgement, changed)
    }

    /// Holds a part of a text against profiles.
    pub(super) fn part(
        &self,
        passage: &Passage,
        part: Part,
        profiles: &Selected,
        memory: &mut Memory,
    ) -> (Judgement, Changed) {
        let point = profiles.point(passage.point);
        let tokens = memory.tokens(&passage.text);
        let allowance = memory.allowance(&self.shield);
        let text = Text {
            point,
            path: &passage.path,
            text: &passage.text,
            part,
            tokens: &tokens,
            allowance: &allowance,
        };
        let mut found = self.found(text, profiles);
        let transforms = std::mem::take(&mut found.transforms);
        let done = match transforms.is_empty() {
            true => Transformed::default(),
            false => transformed(&transforms, text.text, part),
        };
        for (rule, what, count) in &done.told {
            let hit = Hit {
                rule: Arc::clone(rule),
                check: "transform",
                action: Action::Transform,
                point,
                path: passage.path.clone(),
                what: (*what).to_owned(),
                score: 1.0,
                count: *count,
                decoded: None,
                failed: false,
            };
            found.judgement.hit(hit);
        }
        let mut edits = self.replaced(text, &mut found, memory);
        let mut judgement = found.judgement;
        if !done.edits.is_empty() {
            // What passes is looked at as well: something may show only without what hid it.
            let after = castellan_wire::edit::applied(text.text, done.edits.clone()).unwrap_or_default();
            let tokens = memory.tokens(&after);
            let part = Part { seen: moved(part.seen, &done.edits), ..part };
            let again = Text { text: &after, tokens: &tokens, part, ..text };
            let mut found = self.found(again, profiles);
            let more = self.replaced(again, &mut found, memory);
            judgement.join(found.judgement);
            edits.extend(composed(&done.edits, &more));
        }
        let edits = merged(edits);
        // Of a part, the beginning of the whole has to tell.
        let is_json = !tokens.is_empty()
            && part.is_json
            && (!part.is_over || part.before > 0 || is_document(text.text.as_bytes()));
        let mut restored = memory.restore(&tokens, is_json);
        restored.retain(|value| {
            !edits.iter().any(|edit| edit.range.start < value.range.end && value.range.start < edit.range.end)
        });
        (judgement, Changed { edits, restored, open: done.open })
    }

    /// What the rules of its point find in a text.
    fn found(&self, text: Text<'_>, profiles: &Selected) -> Found {
        let mut found = Found::default();
        for rule in profiles.at(text.point) {
            let before = found.judgement.hits.len();
            self.rule(rule, text, &mut found);
            let is_hit = matches!(rule.check, Check::Any {}) || found.judgement.hits.len() > before;
            if rule.action == Action::Transform && is_hit {
                let prepared = rule.transforms.iter().cloned();
                found.transforms.extend(prepared.map(|one| (Arc::clone(&rule.name), one)));
            }
        }
        let has_left = |verdict: &Arc<Verdict>| !verdict.unscanned.is_empty();
        if found.seen.attack.iter().any(|(_, verdict)| verdict.as_ref().is_some_and(has_left)) {
            let left = Unscanned {
                path: text.path.to_owned(),
                matter: castellan_wire::Matter::Undecoded,
                point: text.point,
            };
            found.judgement.join(unscanned(left, profiles));
        }
        found
    }

    /// What goes from a text and what comes instead.
    fn replaced(&self, text: Text<'_>, found: &mut Found, memory: &mut Memory) -> Vec<Edit> {
        let redacted = std::mem::take(&mut found.redacted);
        let tokenised = std::mem::take(&mut found.tokenised);
        if redacted.is_empty() && tokenised.is_empty() {
            return Vec::new();
        }
        let edits = || self.edits(text.text, redacted, tokenised, memory);
        match catch_unwind(AssertUnwindSafe(edits)) {
            Ok(Ok(edits)) => edits,
            // What should go and cannot must not pass.
            Ok(Err(_)) | Err(_) => {
                found.judgement.action = found.judgement.action.max(Action::Block);
                Vec::new()
            }
        }
    }

    fn edits(
        &self,
        text: &str,
        mut redacted: Vec<Finding>,
        mut tokenised: Vec<(Finding, bool)>,
        memory: &mut Memory,
    ) -> Result<Vec<Edit>, RedactError> {
        // The most restrictive wins: what overlaps with something that is redacted is redacted with it.
        loop {
            let touches = |(finding, _): &mut (Finding, bool)| {
                let own = finding.range();
                self.tokeniser.is_none()
                    || redacted.iter().any(|other| {
                        let other = other.range();
                        other.start < own.end && own.start < other.end
                    })
            };
            let moved: Vec<Finding> = tokenised.extract_if(.., touches).map(|(finding, _)| finding).collect();
            if moved.is_empty() {
                break;
            }
            redacted.extend(moved);
        }
        let mut edits = Vec::new();
        if !redacted.is_empty() {
            redacted.sort_by_key(|finding| finding.range().start);
            let done = self.redactor.redact(text, &redacted, &mut memory.session)?;
            edits.extend(done.items.iter().map(|item| edit(item, &done.text)));
        }
        if let Some(tokeniser) = self.tokeniser.as_ref().filter(|_| !tokenised.is_empty()) {
            tokenised.sort_by_key(|(finding, _)| finding.range().start);
            let findings: Vec<Finding> = tokenised.iter().map(|(finding, _)| finding.clone()).collect();
            let done = tokeniser.redact(text, &findings, &mut memory.session)?;
            for item in &done.items {
                let own = &item.original;
                let mut of = tokenised.iter().filter(|(finding, _)| {
                    let range = finding.range();
                    range.start < own.end && own.start < range.end
                });
                let restores = of.all(|(_, restores)| *restores);
                let edit = edit(item, &done.text);
                memory.keep(&edit.replacement, text.get(own.clone()).unwrap_or_default(), restores);
                edits.push(edit);
            }
        }
        Ok(edits)
    }

    fn rule(&self, rule: &Ready, text: Text<'_>, found: &mut Found) {
        let Text { point, path, text, part, tokens, allowance } = text;
        let Found { judgement, seen, redacted, tokenised, .. } = found;
        let told = |what: String, score: f32, count: usize| Hit {
            rule: Arc::clone(&rule.name),
            check: rule.check.as_str(),
            action: rule.action,
            point,
            path: path.to_owned(),
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
                let Some(verdict) = self.attack(text, source, ((*operating_point).into(), allowance), seen)
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
                if verdict.is_undecided() {
                    judgement.hit(failed());
                }
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
                let Some(harms) = self.harm(text, seen) else {
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
                let Some(findings) = self.findings(text, seen) else {
                    judgement.hit(failed());
                    return;
                };
                let counts = |finding: &&Finding| {
                    finding.confidence >= *min_confidence
                        && rule.detectors.get(finding.detector).copied().unwrap_or_default()
                };
                let is_token = |finding: &&Finding| {
                    let own = finding.range();
                    tokens.iter().any(|(token, _)| token.start <= own.start && own.end <= token.end)
                };
                let mut kinds: Vec<(usize, u8, usize)> = Vec::new();
                for finding in findings.iter().filter(counts).filter(|finding| !is_token(finding)) {
                    if rule.action == Action::Redact {
                        redacted.push(finding.clone());
                    }
                    if rule.action == Action::Tokenise {
                        tokenised.push((finding.clone(), rule.restores));
                    }
                    if part.seen > 0 && finding.range().end <= part.seen {
                        continue;
                    }
                    match kinds.iter_mut().find(|kind| kind.0 == finding.detector) {
                        Some(kind) => *kind = (kind.0, kind.1.max(finding.confidence), kind.2 + 1),
                        None => kinds.push((finding.detector, finding.confidence, 1)),
                    }
                }
                for (detector, confidence, count) in kinds {
                    let id = self.engine.rules().detectors.get(detector).map(|detector| detector.id.clone());
                    let id = id.unwrap_or_default().to_string();
                    let sensitive = vec![(id.clone(), rule.action >= Action::Tokenise)];
                    join(&mut judgement.results, Results { sensitive, ..Results::default() });
                    judgement.hit(told(id, f32::from(confidence) / 100.0, count));
                }
            }
            Check::Blocklist { lists } => {
                let only: Vec<&str> = lists.iter().map(String::as_str).collect();
                let blocklists = Arc::clone(&self.blocklists.read().unwrap_or_else(PoisonError::into_inner));
                let find = || {
                    self.may_break();
                    blocklists.find(text, (!only.is_empty()).then_some(only.as_slice()))
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
            Check::Size { characters, tokens, .. } => {
                // A text has no more characters, and no more tokens, than bytes.
                let is_long = characters.is_some_and(|most| {
                    part.before + text.len() > most && part.before + text.chars().count() > most
                });
                if let Some(most) = characters.filter(|_| is_long) {
                    judgement.hit(told(format!("more than {most} characters"), 1.0, 1));
                }
                let before = (part.before / CHARACTERS_A_TOKEN) as u64;
                if let Some(most) = tokens.filter(|most| before + of_text(text) > *most) {
                    judgement.hit(told(format!("more than {most} tokens"), 1.0, 1));
                }
            }
            Check::Custom { threshold, .. } => match self.custom(rule, text) {
                None => judgement.hit(failed()),
                Some((name, probability)) if probability >= *threshold => {
                    judgement.hit(told(name, probability, 1));
                }
                Some(_) => {}
            },
            // Arguments are looked at as a whole, with their tool's name.
            Check::Schema { .. } if point == Point::ToolCall => {}
            Check::Schema { .. } => match self.fits(rule, text.as_bytes()) {
                Fit::Fits => {}
                Fit::Breaks(what) => judgement.hit(told(what, 1.0, 1)),
                Fit::Failed => judgement.hit(failed()),
            },
            Check::Any {} if rule.action == Action::Transform => {}
            Check::Any {} => judgement.hit(told("a text".to_owned(), 1.0, 1)),
            Check::Unscanned { .. } => {}
        }
    }

    /// What was looked at before.
    pub(super) fn looked(&self) -> &Looked {
        &self.looked
    }

    #[cfg(not(test))]
    pub(super) fn may_break(&self) {}

    #[cfg(test)]
    pub(super) fn may_break(&self) {
        assert!(!self.is_broken.load(std::sync::atomic::Ordering::Relaxed), "a test breaks the engines");
    }

    /// What the shield says; nothing when it fails.
    fn attack(
        &self,
        text: &str,
        source: Source,
        (point, allowance): (OperatingPoint, &Allowance),
        seen: &mut Seen,
    ) -> Option<Arc<Verdict>> {
        if let Some((_, verdict)) = seen.attack.iter().find(|(known, _)| *known == point) {
            return verdict.clone();
        }
        let look = || {
            self.may_break();
            let judge = || self.shield.attack_within(text, source, point, allowance);
            // A second tier takes as long as some thousand texts of the first.
            let verdict = if self.shield.has_second() { aside(judge) } else { judge() };
            Said::Attack(Arc::new(verdict))
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

/// Where a place of a text is after changes; 1 where nothing is left before it, since 0 says that nothing was seen.
fn moved(place: usize, edits: &[Edit]) -> usize {
    if place == 0 {
        return 0;
    }
    let before = edits.iter().filter(|edit| edit.range.end <= place);
    let (gone, come) =
        before.fold((0, 0), |(gone, come), edit| (gone + edit.range.len(), come + edit.replacement.len()));
    (place + come).saturating_sub(gone).max(1)
}

/// A place that was changed, as a change.
fn edit(item: &castellan_classify::redact::Item, text: &str) -> Edit {
    let replacement = text.get(item.start..item.end).unwrap_or_default().to_owned();
    Edit { range: item.original.clone(), replacement }
}

/// What follows for something that cannot be looked into.
pub(super) fn unscanned(left: Unscanned, profiles: &Selected) -> Judgement {
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
