//! What a detector is: the model that every other part of the crate reads, compiles, imports or exports.
//!
//! It is the model of Microsoft's sensitive information types, so that a rule package goes in and comes out without
//! loss: a [`Detector`] has [`Pattern`]s, each with a confidence, one primary match and supporting [`Evidence`]; what
//! matches is an [`Element`], named once and used by many. `content/detectors/README.md` describes the YAML form.
//!
//! * [`read`] reads YAML files into [`Rules`], and says what it had to leave out.
//! * [`Check`] is what a match has to pass beyond its expression: checksums, dates, exclusions.

mod check;
mod element;
mod evidence;
mod expressions;
pub(crate) mod fields;
mod reader;

use std::sync::Arc;

use castellan_base::Span;
use serde::{Deserialize, Serialize};

pub use check::{Check, DateFormat, Modulus, Position, Side, Target};
pub use element::{Boundary, Dictionary, Element, ElementId, ElementKind, KeywordGroup, MatchStyle, Term};
pub use evidence::{Evidence, Proximity};
pub use expressions::Expressions;
pub use reader::read;

/// Longest name of a type in a text.
const LONGEST_LABEL: usize = 64;

/// Everything a scanner is compiled from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Expressions, keyword lists, dictionaries and functions, in the order they were declared. [`ElementId`]s are
    /// places in this list.
    pub elements: Vec<Element>,
    /// Detectors that find something.
    pub detectors: Vec<Detector>,
    /// Combinations of evidence, over a whole document or within a distance.
    pub affinities: Vec<Affinity>,
}

impl Rules {
    /// The element that `id` names; `None` for an id of other rules.
    pub fn element(&self, id: ElementId) -> Option<&Element> {
        self.elements.get(id.index())
    }

    /// Adds other rules. A detector or affinity of theirs takes the place of one with the same id.
    ///
    /// ```
    /// use castellan_base::Sources;
    /// use castellan_classify::rule::{Rules, read};
    ///
    /// let rules = |regex: &str| {
    ///     let text = format!("detectors: [{{ id: badge, title: Badge, category: custom, elements: {{ e: {{ regex: '{regex}' }} }},
    ///       patterns: [{{ confidence: 75, primary: e }}] }}]");
    ///     let mut sources = Sources::default();
    ///     let file = sources.add("badge.yaml", text);
    ///     read(&sources, &[file]).0
    /// };
    /// let mut all = rules(r"B-\d{8}");
    /// all.extend(rules(r"C-\d{8}"));
    /// assert_eq!((all.detectors.len(), all.detectors[0].patterns[0].primary.index()), (1, 1));
    /// ```
    pub fn extend(&mut self, other: Rules) {
        let offset = self.elements.len();
        self.detectors.retain(|own| !other.detectors.iter().any(|new| new.id.eq_ignore_ascii_case(&own.id)));
        self.affinities
            .retain(|own| !other.affinities.iter().any(|new| new.id.eq_ignore_ascii_case(&own.id)));
        self.elements.extend(other.elements);
        self.detectors.extend(other.detectors.into_iter().map(|mut detector| {
            for pattern in &mut detector.patterns {
                pattern.primary = pattern.primary.moved(offset);
                pattern.evidence.iter_mut().for_each(|evidence| evidence.move_elements(offset));
            }
            detector
        }));
        self.affinities.extend(other.affinities.into_iter().map(|mut affinity| {
            let parts = affinity.evidence.iter_mut().flat_map(|(_, parts)| parts);
            parts.for_each(|evidence| evidence.move_elements(offset));
            affinity
        }));
    }

    /// The detector with this id or GUID, without regard to ASCII case.
    pub fn detector(&self, id: &str) -> Option<&Detector> {
        self.detectors.iter().find(|detector| {
            detector.id.eq_ignore_ascii_case(id)
                || detector.guid.as_deref().is_some_and(|guid| guid.eq_ignore_ascii_case(id))
        })
    }
}

/// One sensitive information type (`Entity` in a rule package).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Detector {
    /// Kebab-case name, unique among all rules: `us-social-security-number`.
    pub id: Arc<str>,
    /// The GUID that rule packages know it by.
    pub guid: Option<Arc<str>>,
    /// Grows whenever the detector comes to find something else.
    pub version: u32,
    /// The name people read.
    pub title: Arc<str>,
    /// What kind of thing it finds.
    pub category: Category,
    /// What it finds, in a sentence or two. May be empty.
    pub description: Arc<str>,
    /// What Presidio calls the same entity: `US_SSN`.
    pub presidio: Option<Arc<str>>,
    /// Framework ids that speak about this kind of data.
    pub frameworks: Vec<Arc<str>>,
    /// Where the format is described.
    pub references: Vec<Arc<str>>,
    /// How far evidence may stand from the primary match.
    pub proximity: Proximity,
    /// The confidence, 1 to 100, from which its publisher recommends to act on it.
    pub recommended: u8,
    /// The `workload` attribute of a rule package, kept for export.
    pub workload: Option<Arc<str>>,
    /// At least one; highest confidence first.
    pub patterns: Vec<Pattern>,
    /// Texts with what has to be found in them.
    #[serde(skip)]
    pub examples: Vec<Example>,
    /// Where the detector stands.
    #[serde(skip, default = "nowhere")]
    pub span: Span,
}

impl Detector {
    /// The name of what is found as texts have it in its place, of at most 64 bytes: `PAYMENT_CARD`.
    pub fn label(&self) -> Arc<str> {
        let capital = |byte: u8| {
            if byte.is_ascii_alphanumeric() { char::from(byte.to_ascii_uppercase()) } else { '_' }
        };
        self.id.bytes().take(LONGEST_LABEL).map(capital).collect::<String>().into()
    }
}

/// One way to recognise a detector's entity, with how sure it makes us.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pattern {
    /// 1 to 100. 65, 75 and 85 are customary for low, medium and high.
    pub confidence: u8,
    /// What is found (`IdMatch`).
    pub primary: ElementId,
    /// What must stand nearby. All of it must hold.
    pub evidence: Vec<Evidence>,
    /// Where the pattern stands.
    #[serde(skip, default = "nowhere")]
    pub span: Span,
}

/// Evidence without a primary match: a combination that makes a document, or a stretch of it, sensitive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Affinity {
    /// Kebab-case name.
    pub id: Arc<str>,
    /// The GUID that rule packages know it by.
    pub guid: Option<Arc<str>>,
    /// The name people read.
    pub title: Arc<str>,
    /// All evidence must stand within a stretch of this length that begins with a piece of it. What must not stand there
    /// must not stand as far before it either.
    pub proximity: Proximity,
    /// The confidence, 1 to 100, that the evidence must reach together.
    pub threshold: u8,
    /// Each with the confidence that it contributes.
    pub evidence: Vec<(u8, Vec<Evidence>)>,
    /// The `workload` attribute of a rule package, kept for export.
    pub workload: Option<Arc<str>>,
    /// Where the affinity stands.
    #[serde(skip, default = "nowhere")]
    pub span: Span,
}

/// A text with what its detector must find in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The text, without marks.
    pub text: Arc<str>,
    /// Byte ranges that must be found, in order, and nothing else. Empty for a counterexample.
    pub spans: Vec<(usize, usize)>,
    /// The confidence that each finding must have, where the example says so.
    pub confidence: Option<u8>,
    /// Where the example stands.
    pub span: Span,
}

/// The place of what was not read from a file of rules.
fn nowhere() -> Span {
    Span::NONE
}

/// Kinds of sensitive data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Category {
    /// Keys, tokens, passwords, connection strings.
    Credential,
    /// Cards, accounts, bank codes.
    Financial,
    /// National and other identification numbers of people.
    NationalId,
    /// Tax and business numbers.
    TaxId,
    /// Passports.
    Passport,
    /// Driving licences.
    DriversLicense,
    /// Health insurance numbers, medical terms.
    Health,
    /// E-mail addresses, telephone numbers.
    Contact,
    /// IP and MAC addresses, URLs, host names.
    Network,
    /// Names of people.
    Person,
    /// Postal addresses and places.
    Address,
    /// Dates of birth, beliefs and other personal data.
    Personal,
    /// Anything that the publisher did not sort.
    Custom,
}

impl Category {
    /// Every category with its kebab-case name.
    pub const ALL: [(Category, &'static str); 13] = [
        (Category::Credential, "credential"),
        (Category::Financial, "financial"),
        (Category::NationalId, "national-id"),
        (Category::TaxId, "tax-id"),
        (Category::Passport, "passport"),
        (Category::DriversLicense, "drivers-license"),
        (Category::Health, "health"),
        (Category::Contact, "contact"),
        (Category::Network, "network"),
        (Category::Person, "person"),
        (Category::Address, "address"),
        (Category::Personal, "personal"),
        (Category::Custom, "custom"),
    ];

    /// The kebab-case name.
    pub fn as_str(self) -> &'static str {
        Category::ALL.iter().find(|(category, _)| *category == self).map_or("custom", |(_, name)| name)
    }

    /// The category of this name.
    pub fn from_name(name: &str) -> Option<Category> {
        Category::ALL.iter().find(|(_, known)| *known == name).map(|(category, _)| *category)
    }
}
