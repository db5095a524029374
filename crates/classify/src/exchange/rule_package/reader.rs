//! Reads rule packages.

use std::sync::Arc;

use castellan_base::{Diagnostic, SourceId, Sources, Span};
use regex_syntax::ParserBuilder;
use roxmltree::{Document, Node, ParsingOptions};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::exchange::kebab;
use crate::exchange::rule_package::{LONGEST, NAMESPACE, Package, Read};
use crate::rule::{
    Affinity, Boundary, Category, Detector, Element, ElementId, ElementKind, Evidence, KeywordGroup,
    MatchStyle, Pattern, Proximity, Rules, Term,
};

/// Most XML nodes of a package.
const MOST_NODES: u32 = 2_000_000;
/// Deepest nesting of `Any`.
const DEEPEST: u32 = 16;

/// Reads a rule package. `known` are rules whose elements stand for Microsoft's functions.
///
/// An entity with a fault is left out, and a diagnostic says what, where and why; the rest is read.
pub fn read(sources: &Sources, file: SourceId, known: &Rules) -> Read {
    let mut read = Read::default();
    let Some(text) = sources.text(file) else { return read };
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(&text, options) {
        Ok(document) => document,
        Err(error) => {
            let at = offset(&text, error.pos());
            let message = format!("the rule package is no XML: {error}");
            read.problems.push(Diagnostic::error(Span::new(file, at, at), message));
            return read;
        }
    };
    let mut reader = Reader { file, known, read, names: FxHashMap::default(), titles: FxHashMap::default() };
    reader.package(document.root_element());
    reader.read
}

/// The byte at a line and column, which count from 1, columns in characters.
fn offset(text: &str, place: roxmltree::TextPos) -> usize {
    let line_start = match place.row {
        0 | 1 => 0,
        row => text.match_indices('\n').nth(row as usize - 2).map_or(text.len(), |(at, _)| at + 1),
    };
    let line = text.get(line_start..).unwrap_or_default();
    line_start
        + line.char_indices().nth(place.col.saturating_sub(1) as usize).map_or(line.len(), |(at, _)| at)
}

/// A fault: where, what and what to do.
type Fault = (Span, String, &'static str);

struct Reader<'a> {
    file: SourceId,
    known: &'a Rules,
    read: Read,
    /// Elements by name; those that are left out with the reason.
    names: FxHashMap<Arc<str>, Result<ElementId, String>>,
    /// Names and descriptions by GUID.
    titles: FxHashMap<String, (Arc<str>, Arc<str>)>,
}

impl Reader<'_> {
    fn span(&self, node: Node<'_, '_>) -> Span {
        let range = node.range();
        Span::new(self.file, range.start, range.end)
    }

    fn problem(&mut self, (span, message, help): Fault) {
        self.read.problems.push(Diagnostic::error(span, message).with_help(help));
    }

    fn package(&mut self, root: Node<'_, '_>) {
        if !root.tag_name().name().eq_ignore_ascii_case("RulePackage") {
            let message = format!("`{}` is no rule package", root.tag_name().name());
            self.problem((self.span(root), message, "the root element is `RulePackage`"));
            return;
        }
        if root.tag_name().namespace() != Some(NAMESPACE) {
            let message = format!("the namespace is not `{NAMESPACE}`; it is read all the same");
            self.read.problems.push(Diagnostic::warning(self.span(root), message));
        }
        if let Some(pack) = child(root, "RulePack") {
            self.read.package = describe(pack);
            if child(pack, "Encryption").is_some() {
                let message = "the rules of the package are encrypted".to_owned();
                self.problem((self.span(pack), message, "export the package without encryption"));
            }
        }
        let Some(rules) = child(root, "Rules") else { return };
        // Entities may stand inside of `Version` elements, which say for which engine they are.
        let mut parts: Vec<Node<'_, '_>> = Vec::new();
        for node in elements(rules) {
            match node.tag_name().name() {
                "Version" => parts.extend(elements(node)),
                _ => parts.push(node),
            }
        }
        for node in &parts {
            self.declaration(*node);
        }
        for node in parts {
            match node.tag_name().name() {
                "Entity" => self.entity(node),
                "Affinity" => self.affinity(node),
                _ => {}
            }
        }
    }

    /// Reads an element, or the names of entities.
    fn declaration(&mut self, node: Node<'_, '_>) {
        let kind = node.tag_name().name();
        let element = match kind {
            "Entity" | "Affinity" => return,
            "LocalizedStrings" => return self.localized(node),
            "Regex" => self.regex(node),
            "Keyword" => Ok(keywords(node)),
            "Function" => Err("it is a function, which only Microsoft's engine has".to_owned()),
            _ => Err(format!("`{kind}` has no counterpart here")),
        };
        let Some(id) = node.attribute("id") else {
            let message = format!("a `{kind}` has no `id`");
            return self.problem((self.span(node), message, "give it one"));
        };
        let name: Arc<str> = id.into();
        if self.names.contains_key(&name) {
            let message = format!("`{name}` is declared twice");
            return self.problem((self.span(node), message, "remove one of the two"));
        }
        let added = element.map(|kind| {
            let mut element = Element::new(name.clone(), kind, self.span(node));
            element.boundary = Boundary::None;
            if let ElementKind::Regex { pattern } = &element.kind
                && is_unlimited(pattern)
            {
                element.max_length = Some(LONGEST);
                let message =
                    format!("`{name}` does not limit its matches; they have at most {LONGEST} bytes here");
                self.read.problems.push(Diagnostic::note(element.span, message));
            }
            self.add(element)
        });
        self.names.insert(name, added);
    }

    fn add(&mut self, element: Element) -> ElementId {
        let id = ElementId::new(self.read.rules.elements.len());
        self.read.rules.elements.push(element);
        id
    }

    fn regex(&self, node: Node<'_, '_>) -> Result<ElementKind, String> {
        let unknown = node.attributes().find(|attribute| attribute.name() != "id");
        if let Some(attribute) = unknown {
            return Err(format!("its `{}` have no counterpart here", attribute.name()));
        }
        let pattern = node.text().unwrap_or_default();
        if pattern.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(ElementKind::Regex { pattern: pattern.into() })
    }

    fn localized(&mut self, node: Node<'_, '_>) {
        for resource in elements(node).filter(|node| node.tag_name().name() == "Resource") {
            let text = |name: &str| {
                let all = || elements(resource).filter(|node| node.tag_name().name() == name);
                let chosen =
                    all().find(|node| node.attribute("default") == Some("true")).or_else(|| all().next());
                chosen.and_then(|node| node.text()).map(str::trim).unwrap_or_default().into()
            };
            let id = resource.attribute("idRef").unwrap_or_default().to_ascii_lowercase();
            self.titles.insert(id, (text("Name"), text("Description")));
        }
    }

    fn entity(&mut self, node: Node<'_, '_>) {
        match self.detector(node) {
            Ok(detector) => self.read.rules.detectors.push(detector),
            Err((span, message, help)) => {
                let id = node.attribute("id").unwrap_or("?");
                self.problem((span, format!("the entity `{id}` is left out: {message}"), help));
            }
        }
    }

    fn detector(&mut self, node: Node<'_, '_>) -> Result<Detector, Fault> {
        let guid: Arc<str> = node.attribute("id").ok_or_else(|| self.lacks(node, "id"))?.into();
        let (title, description) = self.titles.get(&guid.to_ascii_lowercase()).cloned().unwrap_or_default();
        let mut patterns = Vec::new();
        for part in elements(node) {
            if part.tag_name().name() != "Pattern" {
                let message =
                    format!("it holds a `{}`, which has no counterpart here", part.tag_name().name());
                return Err((self.span(part), message, "only `Pattern` is read"));
            }
            patterns.push(self.pattern(part)?);
        }
        if patterns.is_empty() {
            return Err((self.span(node), "it has no `Pattern`".to_owned(), "add one"));
        }
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.confidence));
        Ok(Detector {
            id: self.free_id(&title, &guid),
            version: 1,
            title: if title.is_empty() { guid.clone() } else { title },
            category: Category::Custom,
            description,
            presidio: None,
            frameworks: Vec::new(),
            references: Vec::new(),
            proximity: self.proximity(node, "patternsProximity")?,
            recommended: self.level(node, "recommendedConfidence", Some(75))?,
            workload: node.attribute("workload").map(Into::into),
            patterns,
            examples: Vec::new(),
            span: self.span(node),
            guid: Some(guid),
        })
    }

    /// A kebab-case id from a title that no other detector has.
    fn free_id(&self, title: &str, guid: &str) -> Arc<str> {
        let id = kebab(title);
        let taken = self.read.rules.detectors.iter().any(|detector| detector.id == id);
        if id.is_empty() || taken { guid.to_ascii_lowercase().into() } else { id }
    }

    fn pattern(&mut self, node: Node<'_, '_>) -> Result<Pattern, Fault> {
        let mut primary = None;
        let mut evidence = Vec::new();
        for part in elements(node) {
            if part.tag_name().name() == "IdMatch" {
                let again = primary.replace(self.reference(part)?).is_some();
                if again {
                    return Err((self.span(part), "a pattern has two `IdMatch`".to_owned(), "keep one"));
                }
            } else {
                evidence.push(self.evidence(part, 0)?);
            }
        }
        let primary = primary.ok_or_else(|| {
            (
                self.span(node),
                "a pattern has no `IdMatch`".to_owned(),
                "an `Affinity` has none; an entity needs one",
            )
        })?;
        let confidence = self.level(node, "confidenceLevel", None)?;
        Ok(Pattern { confidence, primary, evidence, span: self.span(node) })
    }

    fn evidence(&mut self, node: Node<'_, '_>, depth: u32) -> Result<Evidence, Fault> {
        match node.tag_name().name() {
            "Match" => Ok(Evidence::Match {
                element: self.reference(node)?,
                min: self.number(node, "minCount")?.unwrap_or(1).max(1),
                unique: node.attribute("uniqueResults").is_some_and(|value| value == "true" || value == "1"),
            }),
            "Any" if depth < DEEPEST => {
                let max = self.number(node, "maxMatches")?;
                let min = self.number(node, "minMatches")?.unwrap_or(if max == Some(0) { 0 } else { 1 });
                let of =
                    elements(node).map(|part| self.evidence(part, depth + 1)).collect::<Result<_, _>>()?;
                Ok(Evidence::Any { min, max, of })
            }
            "Any" => Err((self.span(node), "`Any` is nested too deeply".to_owned(), "write fewer levels")),
            other => {
                let message = format!("it holds a `{other}`, which has no counterpart here");
                Err((self.span(node), message, "`Match` and `Any` are read"))
            }
        }
    }

    /// The element that `idRef` names.
    fn reference(&mut self, node: Node<'_, '_>) -> Result<ElementId, Fault> {
        let name = node.attribute("idRef").ok_or_else(|| self.lacks(node, "idRef"))?;
        match self.names.get(name) {
            Some(Ok(id)) => return Ok(*id),
            Some(Err(reason)) => {
                return Err((
                    self.span(node),
                    format!("it needs `{name}`: {reason}"),
                    "declare it differently",
                ));
            }
            None => {}
        }
        let known = self.known.elements.iter().find(|element| element.function.as_deref() == Some(name));
        let Some(element) = known.cloned() else {
            let message = format!("it needs `{name}`, which is neither in the package nor known here");
            return Err((self.span(node), message, "declare it in the package"));
        };
        let id = self.add(element);
        self.names.insert(name.into(), Ok(id));
        Ok(id)
    }

    fn affinity(&mut self, node: Node<'_, '_>) {
        match self.combination(node) {
            Ok(affinity) => self.read.rules.affinities.push(affinity),
            Err((span, message, help)) => {
                let id = node.attribute("id").unwrap_or("?");
                self.problem((span, format!("the affinity `{id}` is left out: {message}"), help));
            }
        }
    }

    fn combination(&mut self, node: Node<'_, '_>) -> Result<Affinity, Fault> {
        let guid: Arc<str> = node.attribute("id").ok_or_else(|| self.lacks(node, "id"))?.into();
        let (title, _) = self.titles.get(&guid.to_ascii_lowercase()).cloned().unwrap_or_default();
        let mut evidence = Vec::new();
        for part in elements(node).filter(|part| part.tag_name().name() == "Evidence") {
            let of = elements(part).map(|part| self.evidence(part, 0)).collect::<Result<Vec<_>, _>>()?;
            evidence.push((self.level(part, "confidenceLevel", None)?, of));
        }
        Ok(Affinity {
            id: self.free_id(&title, &guid),
            title: if title.is_empty() { guid.clone() } else { title },
            proximity: self.proximity(node, "evidencesProximity")?,
            threshold: self.level(node, "thresholdConfidenceLevel", Some(75))?,
            evidence,
            workload: node.attribute("workload").map(Into::into),
            span: self.span(node),
            guid: Some(guid),
        })
    }

    fn lacks(&self, node: Node<'_, '_>, name: &str) -> Fault {
        (self.span(node), format!("a `{}` has no `{name}`", node.tag_name().name()), "add it")
    }

    fn number(&self, node: Node<'_, '_>, name: &str) -> Result<Option<u32>, Fault> {
        let Some(text) = node.attribute(name) else { return Ok(None) };
        let number = text.trim().parse().ok();
        let message = || format!("`{name}` is `{text}`, no whole number");
        number.map(Some).ok_or_else(|| (self.span(node), message(), "change it"))
    }

    fn level(&self, node: Node<'_, '_>, name: &str, fallback: Option<u8>) -> Result<u8, Fault> {
        let number = self.number(node, name)?;
        let level =
            number.and_then(|number| u8::try_from(number).ok()).filter(|level| (1..=100).contains(level));
        match (number, level.or(fallback)) {
            (None, Some(level)) => Ok(level),
            (Some(_), Some(_)) if level.is_some() => Ok(level.unwrap_or(75)),
            _ => Err((
                self.span(node),
                format!("`{name}` is no confidence from 1 to 100"),
                "65, 75 and 85 are customary",
            )),
        }
    }

    fn proximity(&self, node: Node<'_, '_>, name: &str) -> Result<Proximity, Fault> {
        if node.attribute(name).is_some_and(|value| value.eq_ignore_ascii_case("unlimited")) {
            return Ok(Proximity::Unlimited);
        }
        match self.number(node, name)? {
            None => Ok(Proximity::DEFAULT),
            Some(characters) if (1..=Proximity::LONGEST).contains(&characters) => {
                Ok(Proximity::Characters(characters))
            }
            Some(characters) => {
                let message =
                    format!("`{name}` is {characters}; it can be 1 to {}, or unlimited", Proximity::LONGEST);
                Err((self.span(node), message, "use a smaller distance, or `unlimited`"))
            }
        }
    }
}

fn elements<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(Node::is_element)
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    elements(node).find(|child| child.tag_name().name() == name)
}

fn keywords(node: Node<'_, '_>) -> ElementKind {
    let groups = elements(node).filter(|node| node.tag_name().name() == "Group").map(|group| KeywordGroup {
        style: match group.attribute("matchStyle") {
            Some("string") => MatchStyle::String,
            _ => MatchStyle::Word,
        },
        terms: elements(group)
            .map(|term| Term {
                text: term.text().unwrap_or_default().trim().into(),
                case_sensitive: term
                    .attribute("caseSensitive")
                    .is_some_and(|value| value == "true" || value == "1"),
            })
            .filter(|term| !term.text.is_empty())
            .collect(),
    });
    ElementKind::Keywords { groups: groups.collect() }
}

fn is_unlimited(pattern: &str) -> bool {
    let parsed = ParserBuilder::new().unicode(false).utf8(false).nest_limit(64).build().parse(pattern);
    parsed.is_ok_and(|hir| hir.properties().maximum_len().is_none())
}

fn describe(pack: Node<'_, '_>) -> Package {
    let attribute =
        |name: &str, key: &str| child(pack, name).and_then(|node| node.attribute(key)).unwrap_or_default();
    let version = ["major", "minor", "build", "revision"];
    let details = child(pack, "Details");
    let localized = details.and_then(|details| child(details, "LocalizedDetails"));
    let text = |name: &str| {
        let node = localized.and_then(|localized| child(localized, name));
        node.and_then(|node| node.text()).map(str::trim).unwrap_or_default().into()
    };
    Package {
        id: pack.attribute("id").unwrap_or_default().into(),
        version: version.map(|part| attribute("Version", part).parse().unwrap_or(0)),
        publisher: attribute("Publisher", "id").into(),
        language: details.and_then(|details| details.attribute("defaultLangCode")).unwrap_or("en-us").into(),
        publisher_name: text("PublisherName"),
        name: text("Name"),
        description: text("Description"),
    }
}

/// Names that are used, so that a writer can declare each once.
pub(super) fn used(rules: &Rules) -> FxHashSet<ElementId> {
    let patterns = rules.detectors.iter().flat_map(|detector| &detector.patterns);
    let affinities = rules.affinities.iter().flat_map(|affinity| &affinity.evidence);
    let primaries = patterns.clone().map(|pattern| pattern.primary);
    let evidence =
        patterns.flat_map(|pattern| &pattern.evidence).chain(affinities.flat_map(|(_, part)| part));
    primaries.chain(evidence.flat_map(Evidence::elements)).collect()
}
