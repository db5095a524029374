//! Reads detectors from YAML. What has a fault is left out with a diagnostic; the rest stands.

mod checks;
mod elements;
mod examples;

use std::sync::Arc;

use castellan_base::{Diagnostic, Limits, Node, SourceId, Sources, Span, yaml};
use rustc_hash::FxHashMap;

use crate::rule::fields::{Fields, Problems};
use crate::rule::{
    Affinity, Category, Detector, ElementId, ElementKind, Evidence, Pattern, Proximity, Rules,
};

/// Deepest nesting of `any` in evidence.
const DEEPEST: u32 = 16;

/// Bounds for one file of detectors.
const LIMITS: Limits = Limits { bytes: 64 << 20, depth: 32, values: 2_000_000 };

/// Reads detectors and what they share from YAML files.
///
/// Elements at the top of a file can be named by detectors in every file, so all files are read together. A detector
/// that has a fault, or names an element that has one, is left out, and a diagnostic says what, where and what to do.
///
/// ```
/// use castellan_base::Sources;
///
/// let mut sources = Sources::default();
/// let file = sources.add("badge.yaml", r"
/// detectors:
///   - id: badge
///     title: Badge number
///     category: custom
///     elements: { number: { regex: 'B-\d{6}' } }
///     patterns: [{ confidence: 75, primary: number }]
///     examples: ['badge {{B-123456}}']
/// ");
/// let (rules, problems) = castellan_classify::rule::read(&sources, &[file]);
/// assert!(problems.is_empty());
/// assert_eq!(&*rules.detectors[0].title, "Badge number");
/// ```
pub fn read(sources: &Sources, files: &[SourceId]) -> (Rules, Vec<Diagnostic>) {
    let mut reader = Reader::default();
    let documents: Vec<Node> = files.iter().filter_map(|file| reader.document(sources, *file)).collect();
    for document in &documents {
        reader.shared_elements(document);
    }
    for document in &documents {
        reader.detectors(document);
    }
    (reader.rules, reader.problems.list)
}

#[derive(Default)]
struct Reader {
    rules: Rules,
    problems: Problems,
    names: FxHashMap<Arc<str>, ElementId>,
    /// Names of elements that have a fault of their own, so that it is not reported again at each use.
    faulty: Vec<Arc<str>>,
    ids: FxHashMap<Arc<str>, Span>,
}

impl Reader {
    fn document(&mut self, sources: &Sources, file: SourceId) -> Option<Node> {
        let text = sources.text(file)?;
        match yaml::parse(&text, file, &LIMITS) {
            Ok(node) => Some(node),
            Err(diagnostic) => {
                self.problems.list.push(diagnostic);
                None
            }
        }
    }

    fn shared_elements(&mut self, document: &Node) {
        let Some(mut fields) = Fields::of(document, "the file", &mut self.problems) else { return };
        let elements = fields.get("elements");
        fields.get("detectors");
        fields.get("affinities");
        fields.finish(&mut self.problems);
        if let Some(elements) = elements {
            self.elements(elements, "");
        }
    }

    /// Reads a mapping of elements. `prefix` is empty, or the detector's id and a slash.
    fn elements(&mut self, node: &Node, prefix: &str) {
        let Some(object) = node.as_object() else {
            let message = format!("`elements` is {}, not a mapping", node.value.type_name());
            self.problems.error(node.span, message, "write `name: { regex: ... }` lines");
            return;
        };
        for member in object.iter() {
            let name: Arc<str> = format!("{prefix}{}", member.key).into();
            if self.names.contains_key(&name) || self.faulty.contains(&name) {
                let message = format!("there is another element `{name}`");
                self.problems.error(member.key_span, message, "give one of the two another name");
                continue;
            }
            match elements::element(name.clone(), &member.value, &mut self.problems) {
                Some(element) => {
                    self.names.insert(name, ElementId::new(self.rules.elements.len()));
                    self.rules.elements.push(element);
                }
                None => self.faulty.push(name),
            }
        }
    }

    fn detectors(&mut self, document: &Node) {
        for node in items(document, "detectors") {
            let before = self.problems.count();
            if let Some(detector) = self.detector(node)
                && self.problems.count() == before
            {
                self.rules.detectors.push(detector);
            }
        }
        for node in items(document, "affinities") {
            let before = self.problems.count();
            if let Some(affinity) = self.affinity(node)
                && self.problems.count() == before
            {
                self.rules.affinities.push(affinity);
            }
        }
    }

    fn detector(&mut self, node: &Node) -> Option<Detector> {
        let mut fields = Fields::of(node, "the detector", &mut self.problems)?;
        let id = self.id(&mut fields)?;
        let what = format!("`{id}`");
        let mut fields = Fields::of(node, &what, &mut self.problems)?;
        fields.get("id");
        if let Some(elements) = fields.get("elements") {
            self.elements(elements, &format!("{id}/"));
        }
        let patterns = self.patterns(&id, &mut fields);
        let recommended = fields.number("recommended", (1, 100), &mut self.problems);
        let highest = patterns.iter().map(|pattern| pattern.confidence).max().unwrap_or(75);
        let examples = examples::examples(&mut fields, &mut self.problems);
        let detector = Detector {
            guid: fields.text("guid", &mut self.problems),
            version: fields.number("version", (1, 1_000_000), &mut self.problems).unwrap_or(1),
            title: fields.required_text("title", &mut self.problems)?,
            category: self.category(&mut fields),
            description: fields.text("description", &mut self.problems).unwrap_or_default(),
            presidio: fields.text("presidio", &mut self.problems),
            frameworks: fields.texts("frameworks", &mut self.problems),
            references: fields.texts("references", &mut self.problems),
            proximity: self.proximity(&mut fields),
            recommended: recommended.and_then(|number| u8::try_from(number).ok()).unwrap_or(highest.min(75)),
            workload: fields.text("workload", &mut self.problems),
            patterns,
            examples,
            span: node.span,
            id,
        };
        fields.finish(&mut self.problems);
        Some(detector)
    }

    fn id(&mut self, fields: &mut Fields<'_>) -> Option<Arc<str>> {
        let span = fields.get("id").map_or(fields.span, |node| node.span);
        let id = fields.required_text("id", &mut self.problems)?;
        let kebab = id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if id.is_empty() || !kebab {
            let help = "use lower-case letters, digits and hyphens: `us-passport`";
            self.problems.error(span, format!("`{id}` is no kebab-case id"), help);
            return None;
        }
        if self.ids.insert(id.clone(), span).is_some() {
            self.problems.error(span, format!("there is another `{id}`"), "give one of the two another id");
            return None;
        }
        Some(id)
    }

    fn category(&mut self, fields: &mut Fields<'_>) -> Category {
        if fields.get("category").is_none() {
            self.problems.error(fields.span, "the detector has no `category`", "add `category: ...`");
        }
        fields.choice("category", &Category::ALL, &mut self.problems).unwrap_or(Category::Custom)
    }

    fn proximity(&mut self, fields: &mut Fields<'_>) -> Proximity {
        let Some(node) = fields.get("proximity") else { return Proximity::DEFAULT };
        if node.as_str() == Some("unlimited") {
            return Proximity::Unlimited;
        }
        let range = (1, i64::from(Proximity::LONGEST));
        let characters = fields.number("proximity", range, &mut self.problems);
        characters.map_or(Proximity::DEFAULT, Proximity::Characters)
    }

    fn patterns(&mut self, id: &str, fields: &mut Fields<'_>) -> Vec<Pattern> {
        let nodes = fields.items("patterns");
        if nodes.is_empty() {
            let help = "add `patterns: [{ confidence: 75, primary: NAME }]`";
            self.problems.error(fields.span, format!("`{id}` has no `patterns`"), help);
        }
        let mut patterns: Vec<Pattern> = nodes.iter().filter_map(|node| self.pattern(id, node)).collect();
        // The first pattern that holds gives a finding its confidence.
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.confidence));
        patterns
    }

    fn pattern(&mut self, id: &str, node: &Node) -> Option<Pattern> {
        let mut fields = Fields::of(node, "the pattern", &mut self.problems)?;
        let confidence = fields.number("confidence", (1, 100), &mut self.problems);
        if fields.get("confidence").is_none() {
            self.problems.error(node.span, "the pattern has no `confidence`", "65, 75 and 85 are customary");
        }
        let span = fields.get("primary").map_or(node.span, |primary| primary.span);
        let name = fields.required_text("primary", &mut self.problems);
        let evidence = self.evidence_list(id, fields.items("evidence"), 0);
        fields.finish(&mut self.problems);
        let primary = self.element_id(id, &name?, span)?;
        if matches!(self.rules.element(primary)?.kind, ElementKind::Function { .. }) {
            self.problems.error(span, "the primary is a function that is not known", "use a regex");
        }
        Some(Pattern { confidence: u8::try_from(confidence?).ok()?, primary, evidence, span: node.span })
    }

    fn evidence_list(&mut self, id: &str, nodes: &[Node], depth: u32) -> Vec<Evidence> {
        nodes.iter().filter_map(|node| self.evidence(id, node, depth)).collect()
    }

    fn evidence(&mut self, id: &str, node: &Node, depth: u32) -> Option<Evidence> {
        if let Some(name) = node.as_str() {
            return self.element_id(id, name, node.span).map(Evidence::once);
        }
        if depth >= DEEPEST {
            let message = format!("evidence is nested deeper than {DEEPEST}");
            self.problems.error(node.span, message, "write fewer levels");
            return None;
        }
        let mut fields = Fields::of(node, "the evidence", &mut self.problems)?;
        let min = fields.number("min", (0, 10_000), &mut self.problems);
        let max = fields.number("max", (0, 10_000), &mut self.problems);
        let unique = fields.flag("unique", &mut self.problems);
        let kinds = ["match", "any", "none"].map(|key| fields.get(key));
        fields.finish(&mut self.problems);
        match kinds {
            [Some(name), None, None] if max.is_none() => {
                let element = self.element_id(id, name.as_str().unwrap_or_default(), name.span)?;
                Some(Evidence::Match { element, min: min.unwrap_or(1).max(1), unique })
            }
            [None, Some(any), None] if !unique => {
                let of = self.evidence_list(id, list(any), depth + 1);
                let fallback = if max == Some(0) { 0 } else { 1 };
                Some(Evidence::Any { min: min.unwrap_or(fallback), max, of })
            }
            [None, None, Some(none)] if min.is_none() && max.is_none() && !unique => {
                let of = self.evidence_list(id, list(none), depth + 1);
                Some(Evidence::Any { min: 0, max: Some(0), of })
            }
            _ => {
                let help = "write a name, `{ match: NAME, min, unique }`, `{ any: [...], min, max }` or `{ none: [...] }`";
                self.problems.error(node.span, "the evidence is of no known form", help);
                None
            }
        }
    }

    /// An element of the detector, or one that is shared.
    fn element_id(&mut self, id: &str, name: &str, span: Span) -> Option<ElementId> {
        let own: Arc<str> = format!("{id}/{name}").into();
        if let Some(element) = self.names.get(&own).or_else(|| self.names.get(name)) {
            return Some(*element);
        }
        let known = self.faulty.iter().any(|faulty| **faulty == *own || **faulty == *name);
        let message = if known {
            format!("the element `{name}` was left out")
        } else {
            format!("there is no element `{name}`")
        };
        self.problems.error(
            span,
            message,
            "declare it in `elements` of the detector, or at the top of a file",
        );
        None
    }

    fn affinity(&mut self, node: &Node) -> Option<Affinity> {
        let mut fields = Fields::of(node, "the affinity", &mut self.problems)?;
        let id = self.id(&mut fields)?;
        let threshold = fields.number("threshold", (1, 100), &mut self.problems).unwrap_or(75);
        let mut evidence = Vec::new();
        for item in fields.items("evidence") {
            let Some(mut part) = Fields::of(item, "the evidence", &mut self.problems) else { continue };
            let confidence = part.number("confidence", (1, 100), &mut self.problems).unwrap_or(75);
            let of = self.evidence_list(&id, part.items("of"), 0);
            part.finish(&mut self.problems);
            evidence.push((u8::try_from(confidence).ok()?, of));
        }
        let affinity = Affinity {
            guid: fields.text("guid", &mut self.problems),
            title: fields.required_text("title", &mut self.problems)?,
            proximity: self.proximity(&mut fields),
            threshold: u8::try_from(threshold).ok()?,
            evidence,
            workload: fields.text("workload", &mut self.problems),
            span: node.span,
            id,
        };
        fields.finish(&mut self.problems);
        Some(affinity)
    }
}

/// The items of a list member of a document.
fn items<'a>(document: &'a Node, key: &str) -> &'a [Node] {
    document.get(key).and_then(Node::as_array).unwrap_or_default()
}

/// The items of a list; anything else stands for a list of one.
fn list(node: &Node) -> &[Node] {
    node.as_array().unwrap_or(std::slice::from_ref(node))
}
