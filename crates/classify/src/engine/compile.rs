//! From rules to an engine: expressions parsed, anchors found, keywords indexed, and what cannot run left out.

use std::sync::Arc;

use castellan_base::Diagnostic;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::check::{Checks, Compiled};
use crate::engine::anchor::{Anchor, anchor};
use crate::engine::clause::{Clause, union};
use crate::engine::expression::{Expression, Facts};
use crate::engine::index::Gate;
use crate::engine::keyword_builder::{Builder, has_strings};
use crate::engine::keywords::Keywords;
use crate::engine::marks::Marks;
use crate::engine::word_key::Filter;
use crate::rule::{Detector, Element, ElementId, ElementKind, Evidence, Proximity, Rules};

/// Most elements of one engine.
const MOST_ELEMENTS: usize = 60_000;

/// Word lists by name, for elements that are dictionaries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Dictionaries {
    lists: FxHashMap<Arc<str>, Vec<Arc<str>>>,
}

impl Dictionaries {
    /// The same with one more list.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<Arc<str>>,
        words: impl IntoIterator<Item = impl Into<Arc<str>>>,
    ) -> Self {
        self.lists.insert(name.into(), words.into_iter().map(Into::into).collect());
        self
    }

    /// The words of a list.
    pub fn get(&self, name: &str) -> Option<&[Arc<str>]> {
        self.lists.get(name).map(Vec::as_slice)
    }
}

/// How an element is matched.
#[derive(Debug)]
pub(crate) enum Matcher {
    Expression(Box<Expression>),
    /// Terms in the keyword index.
    List(u16),
    /// Cannot be matched; a diagnostic has said why.
    Missing,
}

/// An element, ready to run.
#[derive(Debug)]
pub(crate) struct CompiledElement {
    pub(crate) matcher: Matcher,
    /// Where to look for it as a primary; `None` where nobody needs that.
    pub(crate) anchor: Option<Anchor>,
    pub(crate) checks: Compiled,
    pub(crate) subword: bool,
    /// Whether it is found by [`Shared::names`] where it is a primary.
    pub(crate) name: bool,
}

impl CompiledElement {
    /// Whether it is a list of terms.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.matcher, Matcher::List(_))
    }
}

/// One way for a detector to hold.
#[derive(Debug)]
pub(crate) struct CompiledPattern {
    /// Its place in the detector's patterns.
    pub(crate) place: usize,
    pub(crate) confidence: u8,
    pub(crate) clauses: Vec<Clause>,
    /// Lists of which one must stand nearby.
    pub(crate) gate: Option<Gate>,
}

/// The patterns of a detector that share a primary.
#[derive(Debug)]
pub(crate) struct CompiledUse {
    pub(crate) detector: usize,
    pub(crate) element: usize,
    /// Highest confidence first.
    pub(crate) patterns: Vec<CompiledPattern>,
    /// In characters; `None` for the whole document.
    pub(crate) proximity: Option<usize>,
    /// Whether some pattern names a list with terms that may stand inside of words.
    pub(crate) strings: bool,
}

/// An affinity.
#[derive(Debug)]
pub(crate) struct CompiledAffinity {
    /// Its place among the rules' affinities.
    pub(crate) place: usize,
    pub(crate) threshold: u8,
    /// The length of a stretch that holds all evidence; `None` for the whole document.
    pub(crate) characters: Option<u64>,
    /// Each with its confidence.
    pub(crate) parts: Vec<(u8, Vec<Clause>)>,
}

impl CompiledAffinity {
    /// The elements of all evidence.
    pub(crate) fn elements(&self) -> Vec<ElementId> {
        let mut elements = Vec::new();
        let clauses = self.parts.iter().flat_map(|(_, clauses)| clauses);
        clauses.for_each(|clause| clause.elements(&mut elements));
        elements
    }
}

/// Everything that does not depend on which detectors are asked for.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) rules: Rules,
    pub(crate) elements: Vec<CompiledElement>,
    pub(crate) uses: Vec<CompiledUse>,
    pub(crate) affinities: Vec<CompiledAffinity>,
    pub(crate) keywords: Keywords,
    /// Lists of names that are primaries. They are searched everywhere, but only at words with a capital letter.
    pub(crate) names: Keywords,
    /// Other lists that are primaries, or are counted: searched everywhere.
    pub(crate) terms: Keywords,
    /// The keys of all of these.
    pub(crate) filter: Filter,
    /// The element of each list.
    pub(crate) lists: Vec<usize>,
    /// What redaction leaves, which is no match.
    pub(crate) marks: Marks,
}

/// What compiling an expression works out, but for its automata.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hint {
    facts: Facts,
    anchor: Option<Anchor>,
}

impl Shared {
    /// What was worked out, by element; nothing for those that are no expressions or are left out.
    pub(crate) fn hints(&self) -> Vec<Option<Hint>> {
        let hint = |element: &CompiledElement| match &element.matcher {
            Matcher::Expression(expression) => {
                Some(Hint { facts: expression.facts(), anchor: element.anchor.clone() })
            }
            _ => None,
        };
        self.elements.iter().map(hint).collect()
    }
}

/// How rules are compiled.
#[derive(Clone, Copy, Default)]
pub(crate) struct Means<'a> {
    /// Builds every automaton at once, to learn of those that are too large.
    pub(crate) strictly: bool,
    /// What was worked out before for the same rules, by element.
    pub(crate) hints: &'a [Option<Hint>],
}

/// Compiles rules.
pub(crate) fn compile(
    rules: Rules,
    checks: &Checks,
    dictionaries: &Dictionaries,
    means: Means<'_>,
) -> (Shared, Vec<Diagnostic>) {
    let mut compiler = Compiler {
        problems: Vec::new(),
        builder: Builder::default(),
        names: Builder::capitalised(),
        terms: Builder::default(),
        lists: Vec::new(),
        evidence: evidence(&rules),
    };
    let primaries = primaries(&rules);
    let mut elements = Vec::with_capacity(rules.elements.len());
    for (place, element) in rules.elements.iter().enumerate().take(MOST_ELEMENTS) {
        let primary = primaries.get(place).copied().unwrap_or(false);
        elements.push(compiler.element(place, element, primary, (checks, dictionaries, means)));
    }
    let mut uses = Vec::new();
    for (place, detector) in rules.detectors.iter().enumerate() {
        uses.extend(compiler.detector(place, detector, &rules, &elements));
    }
    let affinities = compiler.affinities(&rules, &elements);
    let (keywords, names, terms) = (compiler.builder.build(), compiler.names.build(), compiler.terms.build());
    let shared = Shared {
        elements,
        uses,
        affinities,
        filter: Keywords::filter_of(&[&keywords, &names, &terms]),
        keywords,
        names,
        terms,
        lists: compiler.lists,
        marks: Marks::of(&rules),
        rules,
    };
    (shared, compiler.problems)
}

/// The list of an element, and whether its terms may stand inside of words; the error is an element that is left out.
fn list_of(
    rules: &Rules,
    elements: &[CompiledElement],
    id: ElementId,
) -> Result<Option<(u16, bool)>, ElementId> {
    match elements.get(id.index()).map(|element| &element.matcher) {
        Some(Matcher::List(list)) => Ok(Some((*list, is_stringy(rules, id)))),
        Some(Matcher::Expression(_)) => Ok(None),
        Some(Matcher::Missing) | None => Err(id),
    }
}

/// Whether an element is a list with terms that may stand inside of words.
fn is_stringy(rules: &Rules, id: ElementId) -> bool {
    match rules.element(id).map(|element| &element.kind) {
        Some(ElementKind::Keywords { groups }) => has_strings(groups),
        _ => false,
    }
}

/// Elements that some pattern or affinity names as evidence.
fn evidence(rules: &Rules) -> FxHashSet<ElementId> {
    let patterns = rules.detectors.iter().flat_map(|detector| &detector.patterns);
    let affinities = rules.affinities.iter().flat_map(|affinity| &affinity.evidence);
    let all =
        patterns.flat_map(|pattern| &pattern.evidence).chain(affinities.flat_map(|(_, evidence)| evidence));
    all.flat_map(Evidence::elements).collect()
}

/// Which elements are searched everywhere: primaries, and evidence that may stand anywhere.
fn primaries(rules: &Rules) -> Vec<bool> {
    let mut primaries = vec![false; rules.elements.len()];
    let patterns = rules.detectors.iter().flat_map(|detector| &detector.patterns);
    let mut found: Vec<ElementId> = patterns.map(|pattern| pattern.primary).collect();
    // Evidence that may stand anywhere is looked for everywhere, and that of affinities, which have no primary.
    let unlimited = rules.detectors.iter().filter(|detector| detector.proximity == Proximity::Unlimited);
    let evidence = unlimited.flat_map(|detector| &detector.patterns).flat_map(|pattern| &pattern.evidence);
    let parts = rules.affinities.iter().flat_map(|affinity| &affinity.evidence).flat_map(|(_, parts)| parts);
    found.extend(evidence.chain(parts).flat_map(Evidence::elements));
    for id in found {
        if let Some(primary) = primaries.get_mut(id.index()) {
            *primary = true;
        }
    }
    primaries
}

struct Compiler {
    problems: Vec<Diagnostic>,
    builder: Builder,
    lists: Vec<usize>,
    names: Builder,
    terms: Builder,
    /// Elements that some pattern names as evidence.
    evidence: FxHashSet<ElementId>,
}

impl Compiler {
    fn problem(&mut self, element: &Element, message: String) {
        let message = format!("element `{}` is left out: {message}", element.name);
        self.problems.push(
            Diagnostic::error(element.span, message).with_help("content/detectors/README.md says more"),
        );
    }

    fn element(
        &mut self,
        place: usize,
        element: &Element,
        primary: bool,
        (known, dictionaries, means): (&Checks, &Dictionaries, Means<'_>),
    ) -> CompiledElement {
        let subword = element.boundary == crate::rule::Boundary::Subword;
        let checks = Compiled::new(&element.checks, known).unwrap_or_else(|name| {
            self.problem(element, format!("there is no check `{name}`"));
            Compiled::default()
        });
        let mut compiled =
            CompiledElement { matcher: Matcher::Missing, anchor: None, checks, subword, name: false };
        if compiled.checks.names().count() != element.checks.len() {
            return compiled;
        }
        let hint = means.hints.get(place).and_then(Option::as_ref);
        match self.matcher(place, element, (primary, dictionaries), hint) {
            Ok(matcher) => {
                compiled.matcher = matcher;
                compiled.name = matches!(&element.kind, ElementKind::Dictionary(list) if list.capitalised);
            }
            Err(message) => self.problem(element, message),
        }
        let Matcher::Expression(expression) = &compiled.matcher else { return compiled };
        if let Some(hint) = hint {
            compiled.anchor.clone_from(&hint.anchor);
            return compiled;
        }
        let anchored = match primary {
            true => anchor(expression.hir(), element.boundary, element.slow).map(Some),
            false => Ok(None),
        };
        let prepared = if means.strictly { expression.prepare() } else { Ok(false) };
        match anchored.and_then(|anchor| prepared.map(|grows| (anchor, grows))) {
            Ok((anchor, grows)) => {
                if grows {
                    let message = format!(
                        "element `{}` has a large automaton and is slow where it begins",
                        element.name
                    );
                    self.problems.push(Diagnostic::warning(element.span, message));
                }
                if matches!(anchor, Some(Anchor::Everywhere(_))) {
                    let message =
                        format!("element `{}` has no anchor and is tried at every byte", element.name);
                    self.problems.push(Diagnostic::warning(element.span, message));
                }
                compiled.anchor = anchor;
            }
            Err(message) => {
                self.problem(element, message);
                compiled.matcher = Matcher::Missing;
            }
        }
        compiled
    }

    fn matcher(
        &mut self,
        place: usize,
        element: &Element,
        (primary, dictionaries): (bool, &Dictionaries),
        hint: Option<&Hint>,
    ) -> Result<Matcher, String> {
        let supports = self.evidence.contains(&ElementId::new(place));
        match &element.kind {
            ElementKind::Regex { pattern } => {
                let expression = match hint {
                    Some(hint) => Expression::known(pattern, element.boundary, &hint.facts),
                    None => Expression::new(pattern, element.boundary, element.max_length)?,
                };
                Ok(Matcher::Expression(Box::new(expression)))
            }
            ElementKind::Keywords { groups } => {
                let list = self.list(place)?;
                if primary {
                    self.terms.add_groups(list, groups);
                }
                if supports {
                    self.builder.add_groups(list, groups);
                }
                Ok(Matcher::List(list))
            }
            ElementKind::Dictionary(dictionary) => {
                let words = dictionaries.get(&dictionary.list).ok_or_else(|| {
                    format!("there is no word list `{}`; supply it to the engine", dictionary.list)
                })?;
                let list = self.list(place)?;
                let (capitalised, follow) = (dictionary.capitalised, dictionary.follow);
                let everywhere = if capitalised { &mut self.names } else { &mut self.terms };
                for word in words {
                    if primary {
                        everywhere.add_entry(list, word, capitalised, follow);
                    }
                    if supports {
                        self.builder.add_entry(list, word, capitalised, follow);
                    }
                }
                Ok(Matcher::List(list))
            }
            ElementKind::Function { name } => Err(format!("nothing here stands for the function `{name}`")),
        }
    }

    fn list(&mut self, place: usize) -> Result<u16, String> {
        let list =
            u16::try_from(self.lists.len()).map_err(|_| "there are too many keyword lists".to_owned())?;
        self.lists.push(place);
        Ok(list)
    }

    fn affinities(&mut self, rules: &Rules, elements: &[CompiledElement]) -> Vec<CompiledAffinity> {
        let list = |id: ElementId| list_of(rules, elements, id);
        let mut compiled = Vec::new();
        for (place, affinity) in rules.affinities.iter().enumerate() {
            let parts: Result<Vec<(u8, Vec<Clause>)>, ElementId> = affinity
                .evidence
                .iter()
                .map(|(confidence, parts)| {
                    let clauses =
                        parts.iter().map(|part| Clause::new(part, &list)).collect::<Result<Vec<_>, _>>()?;
                    Ok((*confidence, clauses))
                })
                .collect();
            let characters = match affinity.proximity {
                Proximity::Characters(characters) => Some(u64::from(characters)),
                Proximity::Unlimited => None,
            };
            match parts {
                Ok(parts) => {
                    let threshold = affinity.threshold;
                    compiled.push(CompiledAffinity { place, threshold, characters, parts });
                }
                Err(missing) => {
                    let name = rules.element(missing).map_or("?", |element| &element.name);
                    let message =
                        format!("affinity `{}` is left out: its element `{name}` is missing", affinity.id);
                    self.problems.push(Diagnostic::error(affinity.span, message));
                }
            }
        }
        compiled
    }

    /// The uses of a detector: none where a pattern names an element that is left out, since the detector would then
    /// find something else than it says.
    fn detector(
        &mut self,
        place: usize,
        detector: &Detector,
        rules: &Rules,
        elements: &[CompiledElement],
    ) -> Vec<CompiledUse> {
        let list = |id: ElementId| list_of(rules, elements, id);
        let mut uses: Vec<CompiledUse> = Vec::new();
        for (number, pattern) in detector.patterns.iter().enumerate() {
            let clauses: Result<Vec<Clause>, ElementId> =
                pattern.evidence.iter().map(|evidence| Clause::new(evidence, &list)).collect();
            let clauses = match list(pattern.primary).and(clauses) {
                Ok(clauses) => clauses,
                Err(missing) => {
                    let name = rules.element(missing).map_or("?", |element| &element.name);
                    let message =
                        format!("detector `{}` is left out: its element `{name}` is missing", detector.id);
                    self.problems.push(Diagnostic::error(pattern.span, message));
                    return Vec::new();
                }
            };
            let gate = clauses.iter().find_map(Clause::gate);
            let compiled = CompiledPattern { place: number, confidence: pattern.confidence, clauses, gate };
            let element = pattern.primary.index();
            match uses.iter_mut().find(|known| known.element == element) {
                Some(known) => known.patterns.push(compiled),
                None => uses.push(CompiledUse {
                    detector: place,
                    strings: false,
                    element,
                    patterns: vec![compiled],
                    proximity: match detector.proximity {
                        Proximity::Characters(characters) => usize::try_from(characters).ok(),
                        Proximity::Unlimited => None,
                    },
                }),
            }
        }
        for known in &mut uses {
            known.patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.confidence));
            let mut clauses = known.patterns.iter().flat_map(|pattern| &pattern.clauses);
            known.strings = clauses.any(Clause::has_strings);
        }
        uses
    }
}

impl CompiledUse {
    /// Lists of which one must stand nearby for any pattern of at least this confidence to hold.
    pub(crate) fn gate(&self, least: u8) -> Option<Gate> {
        union(
            self.patterns
                .iter()
                .filter(|pattern| pattern.confidence >= least)
                .map(|pattern| pattern.gate.clone()),
        )
    }
}
