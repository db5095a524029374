//! From findings to a text without them.

use std::ops::Range;
use std::sync::Arc;

use castellan_base::Diagnostic;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::engine::{Engine, Finding};
use crate::redact::format::CheckDigits;
use crate::redact::keys::{Key, KeyId, Keyring};
use crate::redact::operator::{Form, HashAlgorithm, HashOptions, Operator, Replacement};
use crate::redact::plan::{Hit, Stretch, stretches};
use crate::redact::policy::{Policy, Rule};
use crate::redact::sealed::{self, Purpose};
use crate::redact::session::Session;
use crate::redact::tokens::{self, Place};
use crate::rule::Detector;

/// Why a text was not redacted. Nothing of it is given out then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// A finding is of another text or of another engine.
    #[error(
        "a finding at bytes {0} to {1} is not of this text; redact what was scanned, with the engine that did"
    )]
    Foreign(usize, usize),
    /// A value could not be sealed.
    #[error("the value at bytes {0} to {1} is too long to be sealed; use `hash` or `replace`")]
    TooLong(usize, usize),
    /// The operator needs a key. A redactor with one is not made without keys.
    #[error("there is no key")]
    NoKey,
    /// Before, something went wrong in this stream.
    #[error("this stream has failed; nothing more of it is passed on")]
    Failed,
}

/// A text with its findings taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted {
    /// The text.
    pub text: String,
    /// What was changed, in order.
    pub items: Vec<Item>,
}

/// A place that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What was done: `mask`, `token`, ...
    pub operator: &'static str,
    /// The type, as replacements write it: `PAYMENT_CARD`.
    pub kind: Arc<str>,
    /// The first byte in the new text.
    pub start: usize,
    /// One past its last byte there.
    pub end: usize,
    /// The bytes of the old text.
    pub original: Range<usize>,
    /// Whether and how it can be turned back.
    pub form: Form,
    /// The key that was used.
    pub key: Option<KeyId>,
}

/// What is done to the findings of one detector.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) label: Arc<str>,
    pub(crate) operator: Operator,
    pub(crate) min_confidence: u8,
}

/// A policy made ready for the detectors of an engine. It is cheap to clone and can be used from many threads at once.
#[derive(Clone, Debug)]
pub struct Redactor {
    pub(crate) engine: Engine,
    keys: Option<Arc<Keyring>>,
    /// By detector.
    pub(crate) kinds: Arc<[Kind]>,
}

impl Redactor {
    /// Makes a policy ready. The engine should tell all findings ([`crate::Overlap::All`]): what it leaves out because
    /// something better overlaps it may reach beyond that.
    ///
    /// # Errors
    /// When the policy names a detector that the engine does not have, or needs keys and there are none.
    pub fn new(
        engine: &Engine,
        policy: &Policy,
        keys: Option<Arc<Keyring>>,
    ) -> Result<Redactor, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        for (name, rule) in &policy.types {
            if engine.rules().detector(name).is_none() {
                let message = format!("there is no detector `{name}`");
                let help = "name a detector that runs, by its id or GUID";
                problems.push(Diagnostic::error(rule.span, message).with_help(help));
            }
        }
        let categories = policy.categories.iter().map(|(_, rule)| rule);
        for rule in policy.types.iter().map(|(_, rule)| rule).chain(categories).chain([&policy.default]) {
            if rule.operator.is_keyed() && keys.is_none() {
                let message = format!("`{}` needs a key", rule.operator.as_str());
                problems.push(Diagnostic::error(rule.span, message).with_help("supply a key"));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let kinds = engine.rules().detectors.iter().map(|detector| kind(detector, policy)).collect();
        Ok(Redactor { engine: engine.clone(), keys, kinds })
    }

    /// Takes findings out of the text that they were found in.
    ///
    /// Findings that overlap are taken out together, by the operator that tells least of all of theirs; findings that
    /// only touch stay apart. Of findings that are kept, or that have too little confidence, no item speaks.
    ///
    /// # Errors
    /// When a finding is not of this text, or a value cannot be sealed.
    pub fn redact(
        &self,
        text: &str,
        findings: &[Finding],
        session: &mut Session,
    ) -> Result<Redacted, RedactError> {
        let mut hits = Vec::new();
        for finding in findings {
            let range = finding.range();
            if text.get(range.clone()).is_none() || self.kinds.get(finding.detector).is_none() {
                return Err(RedactError::Foreign(range.start, range.end));
            }
            hits.extend(self.hit(finding, 0));
        }
        let mut writer =
            Writer { redactor: self, session, output: Vec::with_capacity(text.len()), foreign: 0, base: 0 };
        let mut items = Vec::new();
        let stretches = stretches(&self.kinds, &mut hits, 0);
        writer.write(text.as_bytes(), 0, 0..text.len(), &stretches, &mut items)?;
        // Both what is kept and what is put in are whole characters.
        let text = String::from_utf8(writer.output).map_err(|_| RedactError::Foreign(0, text.len()))?;
        Ok(Redacted { text, items })
    }

    /// What is to be done about a finding, `base` bytes later than it says; nothing when it is kept.
    pub(crate) fn hit(&self, finding: &Finding, base: usize) -> Option<Hit> {
        let kind = self.kinds.get(finding.detector)?;
        let Range { start, end } = finding.range();
        if kind.operator == Operator::Keep || finding.confidence < kind.min_confidence || start >= end {
            return None;
        }
        let check = self.engine.checks(finding).into_iter().find_map(|name| match name {
            "luhn" | "credit-card" | "imei" => Some(CheckDigits::Luhn),
            "iban" => Some(CheckDigits::Iban),
            _ => None,
        });
        Some(Hit {
            start: start + base,
            end: end + base,
            detector: finding.detector,
            confidence: finding.confidence,
            check: check.unwrap_or_default(),
        })
    }
}

/// The rule of the type, else of the category, else the default.
fn kind(detector: &Detector, policy: &Policy) -> Kind {
    let is_named = |name: &str| {
        detector.id.eq_ignore_ascii_case(name)
            || detector.guid.as_deref().is_some_and(|guid| guid.eq_ignore_ascii_case(name))
    };
    let by_type = policy.types.iter().find(|(name, _)| is_named(name)).map(|(_, rule)| rule);
    let by_category =
        || policy.categories.iter().find(|(name, _)| *name == detector.category).map(|(_, rule)| rule);
    let rule: &Rule = by_type.or_else(by_category).unwrap_or(&policy.default);
    Kind {
        label: detector.label(),
        operator: rule.operator.clone(),
        min_confidence: rule.min_confidence.unwrap_or(policy.min_confidence),
    }
}

/// Writes the new text.
pub(crate) struct Writer<'a> {
    pub(crate) redactor: &'a Redactor,
    pub(crate) session: &'a mut Session,
    pub(crate) output: Vec<u8>,
    /// How much of the output was there before and is none of the new text.
    pub(crate) foreign: usize,
    /// How much of the new text was written before.
    pub(crate) base: usize,
}

impl Writer<'_> {
    /// Writes the bytes of `range`, with the stretches in it replaced. `text` begins at `at` in the whole one.
    pub(crate) fn write(
        &mut self,
        text: &[u8],
        at: usize,
        range: Range<usize>,
        stretches: &[Stretch],
        items: &mut Vec<Item>,
    ) -> Result<(), RedactError> {
        let bytes = |from: usize, to: usize| text.get(from - at..to - at).unwrap_or_default();
        let mut place = range.start;
        for stretch in stretches {
            self.output.extend_from_slice(bytes(place, stretch.start));
            let item = self.replace(stretch, bytes(stretch.start, stretch.end))?;
            items.extend(item);
            place = stretch.end;
        }
        self.output.extend_from_slice(bytes(place, range.end));
        Ok(())
    }

    fn replace(&mut self, stretch: &Stretch, value: &[u8]) -> Result<Option<Item>, RedactError> {
        let Some(kind) = self.redactor.kinds.get(stretch.hit.detector) else {
            return Err(RedactError::Foreign(stretch.start, stretch.end));
        };
        let start = self.written();
        let (form, key) = self.apply(kind, stretch, value)?;
        Ok(Some(Item {
            operator: kind.operator.as_str(),
            kind: Arc::clone(&kind.label),
            start,
            end: self.written(),
            original: stretch.start..stretch.end,
            form,
            key,
        }))
    }

    fn apply(
        &mut self,
        kind: &Kind,
        stretch: &Stretch,
        value: &[u8],
    ) -> Result<(Form, Option<KeyId>), RedactError> {
        let too_long = || RedactError::TooLong(stretch.start, stretch.end);
        let label = &*kind.label;
        let mut key = None;
        let mut form = Form::Final;
        let text = match &kind.operator {
            Operator::Keep => String::from_utf8_lossy(value).into_owned(),
            Operator::Remove => String::new(),
            Operator::Mask(mask) => mask.apply(&String::from_utf8_lossy(value), !stretch.exact),
            Operator::Replace(Replacement::Type) => format!("<{label}>"),
            Operator::Replace(Replacement::Text(text)) => text.clone(),
            Operator::Replace(Replacement::Numbered) => match self.session.number(label, value) {
                Some(number) => format!("<{label}_{number}>"),
                None => format!("<{label}>"),
            },
            Operator::Hash(options) => {
                let making = self.key()?;
                key = Some(making.id.clone());
                let place = Place { kind: label, scope: self.session.scope() };
                format!("<{label}:{}>", hash(making, place, *options, value))
            }
            Operator::Encrypt => {
                let making = self.key()?;
                (key, form) = (Some(making.id.clone()), Form::Sealed);
                let scope = self.session.scope();
                sealed::seal(making, Purpose::Encrypt, label, scope, value).ok_or_else(too_long)?
            }
            Operator::Token(options) => {
                let place = Place { kind: label, scope: self.session.scope() };
                // Of several findings together, the form is that of none of them.
                let check = Some(stretch.hit.check).filter(|_| stretch.exact);
                let made = tokens::make(self.key()?, place, check, *options, value);
                let token = made.ok_or_else(too_long)?;
                (key, form) = (Some(token.key), token.form);
                token.text
            }
        };
        self.output.extend_from_slice(text.as_bytes());
        Ok((form, key))
    }

    fn written(&self) -> usize {
        self.base + self.output.len() - self.foreign
    }

    fn key(&self) -> Result<&Key, RedactError> {
        self.redactor.keys.as_deref().map(Keyring::making).ok_or(RedactError::NoKey)
    }
}

/// The keyed hash of a value, its type and its scope, in hexadecimal.
fn hash(key: &Key, place: Place<'_>, options: HashOptions, value: &[u8]) -> String {
    let tweak = place.tweak();
    let length = (tweak.len() as u64).to_le_bytes();
    let parts = [length.as_slice(), &tweak, value];
    let bytes: [u8; 32] = match options.algorithm {
        HashAlgorithm::Blake3 => {
            let mut hasher = blake3::Hasher::new_keyed(&key.hash);
            parts.iter().for_each(|part| {
                hasher.update(part);
            });
            *hasher.finalize().as_bytes()
        }
        HashAlgorithm::HmacSha256 => {
            let Ok(mut hasher) = Hmac::<Sha256>::new_from_slice(key.hash.as_slice()) else {
                // HMAC takes keys of any length.
                return String::new();
            };
            parts.iter().for_each(|part| hasher.update(part));
            hasher.finalize().into_bytes().into()
        }
    };
    bytes.iter().take(usize::from(options.bytes)).map(|byte| format!("{byte:02x}")).collect()
}
