//! From signals to a verdict.

use std::cmp::Ordering;
use std::ops::Range;

use super::Subtype;
use super::encoded::{Encoded, Spliced, known_of, spliced};
use super::sentence::FACTS;
use super::signals::{Engine, NAMES, Signals};
use super::verdict::{Evidence, Left, Payload, Tier, Verdict};
use crate::Source;
use crate::codec;
use crate::model::bytes::{Reader, WeightsError, Writer};
use crate::model::calibration::{OperatingPoint, OperatingPoints, Platt};
use crate::model::dense::Dense;
use crate::model::linear::Linear;
use crate::model::tokens::Features;
use crate::rules::Rules;
use crate::second::{Allowance, Asking, Decision, Second};
use crate::view::{self, Budget, UnscannedReason};

/// Bytes that are judged together.
const PIECE: usize = 8000;
/// Bytes that two pieces share.
const OVERLAP: usize = 1000;
/// Shortest decoded payload that can be an attack, in bytes.
const SHORTEST_PAYLOAD: usize = 8;
/// Most decoded payloads of a piece that are judged.
const MOST_PAYLOADS: usize = 24;
/// Most of a decoded payload that is shown, in bytes.
const SHOWN: usize = 2000;
/// Most stretches of evidence that a verdict names.
const MOST_EVIDENCE: usize = 32;
/// Heads of the model of subtypes.
pub const SUBTYPES: usize = Subtype::ALL.len();
/// What a subtype's rule adds to its logit.
const RULE_SAYS: f32 = 1.5;

/// One way in which a text can be an attack: openly, by a machine-made suffix, hidden inside of a document, as a
/// sentence that does not belong there.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Signals to a logit.
    pub dense: Dense,
    /// Brings the logits of all parts to one scale.
    pub platt: Platt,
}

/// Combinations of signals, calibrated: a text is an attack when it is one in any of its ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Judge {
    /// The ways, at most [`MOST_PARTS`].
    pub parts: Vec<Part>,
    /// A logit to a probability.
    pub platt: Platt,
    /// Where to act.
    pub points: OperatingPoints,
}

/// Everything that was trained to find attacks.
#[derive(Clone, Debug)]
pub struct Model {
    /// Texts to signals.
    pub engine: Engine,
    /// For texts of users.
    pub user: Judge,
    /// For content.
    pub content: Judge,
    /// Tells subtypes of attacks apart.
    pub subtypes: Linear<SUBTYPES>,
}

/// Most ways that a judge has.
pub const MOST_PARTS: usize = 8;

impl Judge {
    /// The logit of the way that speaks most for an attack.
    pub fn logit(&self, signals: &[f32]) -> f32 {
        strongest(&self.parts, signals)
    }

    fn write(&self, writer: &mut Writer) {
        writer.number(self.parts.len());
        for part in &self.parts {
            writer.dense(&part.dense);
            writer.platt(&part.platt);
        }
        writer.platt(&self.platt);
        writer.points(&self.points);
    }

    fn read(reader: &mut Reader<'_>, signals: usize) -> Result<Judge, WeightsError> {
        let part =
            |reader: &mut Reader<'_>| Ok(Part { dense: reader.dense(signals)?, platt: reader.platt()? });
        let count = reader.number()?.min(MOST_PARTS);
        let parts = (0..count).map(|_| part(reader)).collect::<Result<_, WeightsError>>()?;
        Ok(Judge { parts, platt: reader.platt()?, points: reader.points()? })
    }
}

/// The largest scaled logit of some parts.
pub fn strongest(parts: &[Part], signals: &[f32]) -> f32 {
    parts.iter().map(|part| part.platt.scaled(part.dense.logit(signals))).fold(f32::MIN, f32::max)
}

impl Model {
    /// Writes the model.
    pub fn write(&self, writer: &mut Writer) {
        writer.linear(&self.engine.linear);
        writer.language(&self.engine.language);
        writer.salad(&self.engine.salad);
        writer.dense(&self.engine.sentences);
        self.user.write(writer);
        self.content.write(writer);
        writer.linear(&self.subtypes);
    }

    /// Reads a model that was trained with as many families of rules.
    pub fn read(reader: &mut Reader<'_>, families: usize) -> Result<Model, WeightsError> {
        let engine = Engine {
            linear: reader.linear()?,
            language: reader.language()?,
            salad: reader.salad()?,
            sentences: reader.dense(FACTS.len())?,
        };
        let signals = NAMES.len() + families;
        let user = Judge::read(reader, signals)?;
        let content = Judge::read(reader, signals)?;
        Ok(Model { engine, user, content, subtypes: reader.linear()? })
    }

    /// Judges a text.
    pub fn judge(&self, rules: &Rules, text: &str, source: Source, point: OperatingPoint) -> Verdict {
        let mut stream = Stream::new(self, rules, source, point);
        stream.push(text);
        stream.finish()
    }

    fn judge_of(&self, source: Source) -> &Judge {
        if source.is_content() { &self.content } else { &self.user }
    }

    /// The subtype that the words of an attack and the rules that it matches speak for most.
    fn subtype(&self, rules: &Rules, text: &str, form: &Signals, source: Source) -> Subtype {
        // In content only the loudest sentences are the attack.
        let (start, end) = if source.is_content() { form.content_window } else { (0, text.len()) };
        let attack = text.get(start..end).unwrap_or(text);
        let mut logits = self.subtypes.logits(&Features::of(attack).hashes);
        for (family, weight) in rules.families.iter().zip(&form.hits.by_family) {
            let place = Subtype::ALL.iter().position(|subtype| *subtype == family.subtype);
            if let Some(logit) = place.and_then(|place| logits.get_mut(place)) {
                *logit += RULE_SAYS * weight;
            }
        }
        if !source.is_content() && form.oddness.most > 2.0 {
            return Subtype::EncodingAttack;
        }
        let scored = Subtype::ALL.into_iter().zip(logits).filter(|(subtype, _)| fits(*subtype, source));
        scored
            .max_by(|first, second| first.1.total_cmp(&second.1))
            .map_or(Subtype::ChangeOfSystemRules, |best| best.0)
    }
}

/// Users do not poison tools, and only they and content that plays a user play roles.
fn fits(subtype: Subtype, source: Source) -> bool {
    let of_user = [
        Subtype::ChangeOfSystemRules,
        Subtype::ConversationMockup,
        Subtype::RolePlay,
        Subtype::EncodingAttack,
        Subtype::InformationGathering,
    ];
    source.is_content() || of_user.contains(&subtype)
}

/// Judges a text that comes in parts, in memory that does not grow with it. Where it is cut makes no difference.
#[derive(Debug)]
pub struct Stream<'a> {
    model: &'a Model,
    rules: &'a Rules,
    source: Source,
    point: OperatingPoint,
    /// What is not judged yet, and where in the whole text it begins.
    rest: String,
    start: usize,
    best: Option<Found>,
    decoded: Vec<Payload>,
    unscanned: Vec<Left>,
    second: Option<Asking<'a>>,
}

/// The strongest form so far.
#[derive(Debug)]
struct Found {
    logit: f32,
    decision: Decision,
    subtype: Option<Subtype>,
    evidence: Vec<Evidence>,
    tier: Tier,
}

impl<'a> Stream<'a> {
    /// Nothing read yet.
    pub fn new(model: &'a Model, rules: &'a Rules, source: Source, point: OperatingPoint) -> Stream<'a> {
        Stream {
            model,
            rules,
            source,
            point,
            rest: String::new(),
            start: 0,
            best: None,
            decoded: Vec::new(),
            unscanned: Vec::new(),
            second: None,
        }
    }

    /// Asks a second tier where this one is not sure.
    #[must_use]
    pub fn with_second(self, second: &'a Second) -> Stream<'a> {
        Stream { second: Some(Asking::new(second)), ..self }
    }

    /// Asks it only as long as a time for several texts lasts.
    #[must_use]
    pub fn within(self, allowance: &'a Allowance) -> Stream<'a> {
        Stream { second: self.second.map(|second| second.within(allowance)), ..self }
    }

    /// Takes the next part of the text.
    pub fn push(&mut self, part: &str) {
        if self.source.is_trusted() {
            return;
        }
        let mut left = part;
        while !left.is_empty() {
            let room = (PIECE + 4).saturating_sub(self.rest.len());
            let taken = floor(left, room.max(4));
            let (now, later) = left.split_at(taken);
            self.rest.push_str(now);
            left = later;
            // A little more than a piece has to be there, so that its end falls at the same place however it came.
            if self.rest.len() >= PIECE + 4 || (self.rest.len() > PIECE && !left.is_empty()) {
                self.piece(false);
            }
        }
    }

    /// The verdict.
    pub fn finish(mut self) -> Verdict {
        if self.source.is_trusted() {
            return Verdict {
                detected: false,
                probability: 0.0,
                subtype: None,
                spans: Vec::new(),
                decoded: Vec::new(),
                tier: Tier::Provenance,
                second: None,
                unscanned: Vec::new(),
            };
        }
        while self.rest.len() > PIECE {
            self.piece(false);
        }
        if self.start == 0 || self.rest.len() > OVERLAP {
            self.piece(true);
        }
        let best = self.best.take();
        let detected = best.as_ref().is_some_and(|found| found.decision.detected);
        let probability = best.as_ref().map_or(0.0, |found| found.decision.probability);
        let second = self.second.and_then(Asking::finish);
        let has_answer = second.as_ref().is_some_and(|asked| asked.probability.is_some());
        // Where nothing was detected although the second tier was asked, it is its word that made the text harmless.
        let otherwise = if has_answer { Tier::Second } else { Tier::Linear };
        let best = best.filter(|_| detected);
        Verdict {
            detected,
            probability,
            subtype: best.as_ref().and_then(|found| found.subtype),
            tier: best.as_ref().map_or(otherwise, |found| found.tier),
            spans: best.map(|found| found.evidence).unwrap_or_default(),
            decoded: self.decoded,
            second,
            unscanned: self.unscanned,
        }
    }

    /// Judges the next piece and keeps what the one after it shares with it.
    fn piece(&mut self, last: bool) {
        let end = if last { self.rest.len() } else { floor(&self.rest, PIECE) };
        let piece = self.rest.get(..end).unwrap_or_default().to_owned();
        self.judge_piece(&piece);
        let kept = if last { end } else { floor(&self.rest, end.saturating_sub(OVERLAP)) };
        self.rest.drain(..kept);
        self.start += kept;
    }

    fn judge_piece(&mut self, piece: &str) {
        let decodings = view::decode(piece, &Budget::default());
        let encoded = Encoded::of(&decodings);
        let visible = encoded.without(piece);
        let plain = view::plain(&visible);
        let content = self.source.is_content();
        let explained = |start: usize, end: usize| encoded.explains(&plain.origin(start..end));
        let form = self.model.engine.see_unexplained(plain.text(), self.rules, content, explained);
        let logit = self.model.judge_of(self.source).logit(&form.values);
        let decision = self.decide(logit, plain.text());
        if self.is_better(logit, decision) {
            // What no verdict will tell is not looked for: most texts are no attacks.
            let details = decision.detected.then(|| {
                let evidence = self.evidence(&form, |place| plain.origin(place));
                (self.model.subtype(self.rules, plain.text(), &form, self.source), evidence)
            });
            let (subtype, evidence) = details.unzip();
            let tier = if decision.is_second { Tier::Second } else { Tier::Linear };
            let evidence = evidence.unwrap_or_default();
            self.best = Some(Found { logit, decision, subtype, evidence, tier });
        }
        if form.is_turned {
            let turned = codec::turned_order(plain.text());
            let whole = 0..turned.text().len();
            self.other_form(turned.text(), 0..piece.len(), &["reversed-words"], whole, &Encoded::default());
        }
        let mut read_in_place = Vec::new();
        if let Some(spliced) = spliced(piece, &decodings) {
            let Spliced { text, span, decoded, codec, known, in_place } = spliced;
            self.other_form(&text, span, &[codec], decoded, &known);
            read_in_place = in_place;
        }
        let start = self.start;
        for left in decodings.unscanned {
            self.unscanned.push(Left::new(left.span.start + start..left.span.end + start, left.reason));
        }
        let is_read =
            |payload: &view::Decoded| payload.chain.len() == 1 && read_in_place.contains(&payload.span);
        let long = |payload: &view::Decoded| payload.view.text().len() >= SHORTEST_PAYLOAD;
        let alone = decodings.payloads.into_iter().filter(|payload| long(payload) && !is_read(payload));
        for (number, payload) in alone.enumerate() {
            if number < MOST_PAYLOADS {
                self.payload(&payload, piece);
            } else {
                let span = payload.span.start + start..payload.span.end + start;
                self.unscanned.push(Left::new(span, UnscannedReason::Payloads));
            }
        }
    }

    fn payload(&mut self, payload: &view::Decoded, piece: &str) {
        let chain: Vec<&'static str> = payload.chain.iter().map(|codec| codec.name).collect();
        let (text, span) = (payload.view.text(), payload.span.clone());
        self.other_form(text, span, &chain, 0..text.len(), &known_of(payload, piece));
    }

    /// Judges what the piece says once `span` of it is decoded; `decoded` is what that reads as. How odd what
    /// is `known` is says nothing.
    fn other_form(
        &mut self,
        text: &str,
        span: Range<usize>,
        chain: &[&'static str],
        decoded: Range<usize>,
        known: &Encoded,
    ) {
        let plain = view::plain(text);
        let content = self.source.is_content();
        let explained = |start: usize, end: usize| known.explains(&plain.origin(start..end));
        let form = self.model.engine.see_unexplained(plain.text(), self.rules, content, explained);
        let logit = self.model.judge_of(self.source).logit(&form.values);
        let decision = self.decide(logit, plain.text());
        let (start, end) = (span.start + self.start, span.end + self.start);
        if decision.detected && self.decoded.len() < MOST_EVIDENCE {
            let probability = decision.probability;
            let shown = view::plain(text.get(decoded).unwrap_or(text));
            let shown = shown.text().get(..floor(shown.text(), SHOWN)).unwrap_or_default().to_owned();
            self.decoded.push(Payload { start, end, chain: chain.to_vec(), text: shown, probability });
        }
        if self.is_better(logit, decision) {
            let evidence = vec![Evidence { start, end, reason: "decoded".to_owned() }];
            let subtype = Some(Subtype::EncodingAttack);
            let tier = if decision.is_second { Tier::Second } else { Tier::Decoded };
            self.best = Some(Found { logit, decision, subtype, evidence, tier });
        }
    }

    /// What holds for a form of the text with this logit.
    fn decide(&mut self, logit: f32, form: &str) -> Decision {
        let judge = self.model.judge_of(self.source);
        let (probability, point) = (judge.platt.probability(logit), judge.points.at(self.point));
        let first = Decision { detected: probability >= point, probability, is_second: false };
        let is_known = self.best.as_ref().is_some_and(|best| best.decision.detected);
        match &mut self.second {
            Some(second) if !is_known => second.decide(first, point, form),
            _ => first,
        }
    }

    /// Whether a form says more than the strongest one so far: an attack before none, then the likelier one.
    fn is_better(&self, logit: f32, decision: Decision) -> bool {
        let said = |decision: Decision, logit: f32| (decision.detected, decision.probability, logit);
        self.best.as_ref().is_none_or(|best| {
            said(decision, logit).partial_cmp(&said(best.decision, best.logit)) == Some(Ordering::Greater)
        })
    }

    /// What speaks for an attack, as bytes of the whole text.
    fn evidence(&self, form: &Signals, origin: impl Fn(Range<usize>) -> Range<usize>) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        let mut add = |start: usize, end: usize, reason: String| {
            let span = origin(start..end);
            if span.start < span.end && evidence.len() < MOST_EVIDENCE {
                evidence.push(Evidence {
                    start: span.start + self.start,
                    end: span.end + self.start,
                    reason,
                });
            }
        };
        let (start, end) = if self.source.is_content() { form.content_window } else { form.user_window };
        add(start, end, "window".to_owned());
        for hit in &form.hits.hits {
            let id = self.rules.rules.get(hit.rule).map_or("", |rule| rule.id.as_str());
            add(hit.start, hit.end, format!("rule {id}"));
        }
        if form.oddness.most > 0.0 {
            add(form.oddness.place.0, form.oddness.place.1, "machine-made text".to_owned());
        }
        evidence.sort_by_key(|item| (item.start, item.end));
        evidence
    }
}

/// The last boundary of characters at or before a byte.
fn floor(text: &str, place: usize) -> usize {
    let mut place = place.min(text.len());
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}
