//! Reads configurations.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Span};
use rustc_hash::FxHashMap;

use crate::exchange::gitleaks::allowlist::{Allowed, Lists};
use crate::exchange::gitleaks::regex::{Ready, Wanted, ready};
use crate::exchange::gitleaks::{CONFIDENCE, LONGEST};
use crate::exchange::kebab;
use crate::rule::fields::{Fields, Problems};
use crate::rule::{
    Boundary, Category, Check, Detector, Element, ElementId, ElementKind, Evidence, KeywordGroup, MatchStyle,
    Pattern, Proximity, Rules, Target, Term,
};

/// Most rules of a file.
const MOST_RULES: usize = 10_000;
/// Longest keyword, in bytes.
const LONGEST_KEYWORD: usize = 256;

/// Reads a document.
pub(super) fn read(document: &Node) -> (Rules, Vec<Diagnostic>) {
    let mut reader = Reader::default();
    reader.file(document);
    (reader.rules, reader.problems.list)
}

/// Tells members that nobody asked for, as gitleaks passes over them.
pub(super) fn not_read(fields: Fields<'_>, what: &str, problems: &mut Problems) {
    for (key, span) in fields.others() {
        problems.list.push(Diagnostic::warning(span, format!("`{key}` of {what} is not read")));
    }
}

/// A rule that was read.
struct Rule {
    id: Arc<str>,
    description: Arc<str>,
    /// Its expressions, each with whether its keywords have to be looked for.
    elements: Vec<(ElementId, bool)>,
    keywords: Option<ElementId>,
    required: Vec<Arc<str>>,
    reported: bool,
    span: Span,
}

/// Why a rule is left out: where, what and what to do.
type Fault = (Span, String, &'static str);

#[derive(Default)]
struct Reader {
    rules: Rules,
    problems: Problems,
    read: FxHashMap<Arc<str>, Rule>,
    lists: Lists,
}

impl Reader {
    fn file(&mut self, document: &Node) {
        let Some(mut fields) = Fields::of(document, "the file", &mut self.problems) else { return };
        for key in ["title", "description", "minVersion"] {
            fields.get(key);
        }
        if let Some(extend) = fields.get("extend") {
            let message = "what the file extends is not read";
            let help = "give the extended configuration as a file of its own";
            self.problems.list.push(Diagnostic::warning(extend.span, message).with_help(help));
        }
        let global = self.lists.read(&mut fields, "the file", &mut self.problems);
        let nodes = fields.items("rules");
        not_read(fields, "the file", &mut self.problems);
        if let Some(beyond) = nodes.get(MOST_RULES) {
            let message = format!("the file has {} rules; only the first {MOST_RULES} are read", nodes.len());
            self.problems.error(beyond.span, message, "part it into several");
        }
        let mut order = Vec::new();
        for node in nodes.iter().take(MOST_RULES) {
            if let Some(rule) = self.rule(node, &global) {
                order.push(rule.id.clone());
                self.read.insert(rule.id.clone(), rule);
            }
        }
        for id in order {
            self.detector(&id);
        }
    }

    fn left_out(&mut self, id: &str, (span, reason, help): Fault) {
        self.problems.error(span, format!("the rule `{id}` is left out: {reason}"), help);
    }

    fn rule(&mut self, node: &Node, global: &Allowed) -> Option<Rule> {
        let mut fields = Fields::of(node, "the rule", &mut self.problems)?;
        let id = fields.required_text("id", &mut self.problems)?;
        let read = match self.read.contains_key(&id) {
            true => Err((node.span, "there is another one of this id".into(), "remove one of the two")),
            false => self.parts(node, &id, global),
        };
        read.map_err(|fault| self.left_out(&id, fault)).ok()
    }

    fn parts(&mut self, node: &Node, id: &Arc<str>, global: &Allowed) -> Result<Rule, Fault> {
        let what = format!("the rule `{id}`");
        let before = self.problems.count();
        let not_understood =
            || (node.span, "what it says is not understood".to_owned(), "see the message before");
        let mut fields = Fields::of(node, &what, &mut self.problems).ok_or_else(not_understood)?;
        for key in ["id", "tags"] {
            fields.get(key);
        }
        let description = fields.text("description", &mut self.problems).unwrap_or_default();
        let (path, regex) = (fields.get("path"), fields.get("regex"));
        let pattern = fields.text("regex", &mut self.problems).unwrap_or_default();
        let group = fields.number("secretGroup", (0, 1_000), &mut self.problems).unwrap_or(0);
        let entropy = fields.get("entropy");
        let keywords = fields.texts("keywords", &mut self.problems);
        let reported = !fields.flag("skipReport", &mut self.problems);
        let required = required(fields.items("required"), &mut self.problems)?;
        if self.problems.count() > before {
            return Err(not_understood());
        }
        let allowed = self.lists.read(&mut fields, &what, &mut self.problems);
        not_read(fields, &what, &mut self.problems);
        if let Some(path) = path {
            let reason = "it is for some paths only, and a text has none".to_owned();
            return Err((path.span, reason, "remove `path` to look in every text"));
        }
        let Some(regex) = regex.filter(|_| !pattern.is_empty()) else {
            let help = "a rule that changes one of an extended file is not read";
            return Err((node.span, "it has no `regex`".to_owned(), help));
        };
        let entropy = entropy.map(entropy_check).transpose()?.flatten();
        let allowed = allowed.for_rule(id).chain(global.for_rule(id));
        let checks: Vec<Check> = entropy.into_iter().chain(allowed).collect();
        let keywords = keyword_terms(&keywords, node.span)?;
        let asks_for_match =
            |check: &Check| matches!(check, Check::NotMatching { target: Target::Match, .. });
        let wanted = Wanted {
            regex: &pattern,
            group: usize::try_from(group).unwrap_or(usize::MAX),
            keywords: &keywords,
            whole: checks.iter().any(asks_for_match),
        };
        let help = "write it as a detector of this product; content/detectors/README.md says how";
        let expressions = ready(&wanted).map_err(|reason| (regex.span, reason, help))?;
        let (elements, keywords) = self.elements(id, regex.span, expressions, (&keywords, &checks));
        Ok(Rule { id: id.clone(), description, elements, keywords, required, reported, span: node.span })
    }

    fn elements(
        &mut self,
        id: &str,
        span: Span,
        expressions: Vec<Ready>,
        (keywords, checks): (&[String], &[Check]),
    ) -> (Vec<(ElementId, bool)>, Option<ElementId>) {
        let wants_keywords = !keywords.is_empty() && expressions.iter().any(|ready| !ready.keyed);
        let several = expressions.len() > 1;
        let mut elements = Vec::new();
        for (place, ready) in expressions.into_iter().enumerate() {
            let number = if several { format!("-{}", place + 1) } else { String::new() };
            let kind = ElementKind::Regex { pattern: ready.pattern.into() };
            let mut element = Element::new(format!("{id}/secret{number}"), kind, span);
            element.boundary = Boundary::None;
            element.slow = ready.slow;
            element.checks = checks.to_vec();
            if ready.unlimited {
                element.max_length = Some(LONGEST);
                let message =
                    format!("`{id}` does not limit its matches; they have at most {LONGEST} bytes here");
                self.problems.list.push(Diagnostic::note(span, message));
            }
            elements.push((self.add(element), wants_keywords && !ready.keyed));
        }
        let list = wants_keywords.then(|| {
            let terms =
                keywords.iter().map(|word| Term { text: word.as_str().into(), case_sensitive: false });
            let groups = vec![KeywordGroup { style: MatchStyle::String, terms: terms.collect() }];
            let kind = ElementKind::Keywords { groups };
            self.add(Element::new(format!("{id}/keywords"), kind, span))
        });
        (elements, list)
    }

    fn add(&mut self, element: Element) -> ElementId {
        let id = ElementId::new(self.rules.elements.len());
        self.rules.elements.push(element);
        id
    }

    /// Makes a detector of a rule that is reported.
    fn detector(&mut self, id: &str) {
        let Some(rule) = self.read.get(id).filter(|rule| rule.reported) else { return };
        let name = kebab(id);
        let mut others = Vec::new();
        for other in &rule.required {
            match self.read.get(other) {
                Some(other) => others.extend(other.evidence()),
                None => {
                    let reason = format!("it requires `{other}`, which is not read");
                    return self.left_out(id, (rule.span, reason, "the messages before say why"));
                }
            }
        }
        let patterns: Vec<Pattern> = rule
            .elements
            .iter()
            .map(|(primary, wants_keywords)| Pattern {
                confidence: CONFIDENCE,
                primary: *primary,
                evidence: rule.keyword_evidence(*wants_keywords).chain(others.iter().cloned()).collect(),
                span: rule.span,
            })
            .collect();
        let anywhere = patterns.iter().any(|pattern| !pattern.evidence.is_empty());
        let detector = Detector {
            id: name.clone(),
            guid: None,
            version: 1,
            title: title(id),
            category: Category::Credential,
            description: rule.description.clone(),
            presidio: None,
            frameworks: Vec::new(),
            references: Vec::new(),
            proximity: if anywhere { Proximity::Unlimited } else { Proximity::DEFAULT },
            recommended: CONFIDENCE,
            workload: None,
            patterns,
            examples: Vec::new(),
            span: rule.span,
        };
        if name.is_empty() || self.rules.detectors.iter().any(|known| known.id == name) {
            let reason = "another one has nearly the same id".to_owned();
            return self.left_out(id, (rule.span, reason, "rename one of the two"));
        }
        self.rules.detectors.push(detector);
    }
}

impl Rule {
    fn keyword_evidence(&self, wanted: bool) -> impl Iterator<Item = Evidence> {
        self.keywords.filter(|_| wanted).map(Evidence::once).into_iter()
    }

    /// That the rule matches somewhere.
    fn evidence(&self) -> Vec<Evidence> {
        let wanted = self.elements.iter().any(|(_, wanted)| *wanted);
        let of = self.elements.iter().map(|(element, _)| Evidence::once(*element)).collect();
        self.keyword_evidence(wanted).chain([Evidence::Any { min: 1, max: None, of }]).collect()
    }
}

/// The ids of rules that have to match too.
fn required(nodes: &[Node], problems: &mut Problems) -> Result<Vec<Arc<str>>, Fault> {
    let mut required = Vec::new();
    for node in nodes {
        let no_id = || (node.span, "a requirement has no `id`".to_owned(), "add the id of a rule");
        let mut fields = Fields::of(node, "a requirement", problems).ok_or_else(no_id)?;
        let other = fields.text("id", problems).ok_or_else(no_id)?;
        if fields.get("withinLines").is_some() || fields.get("withinColumns").is_some() {
            let reason = format!("it wants `{other}` within lines or columns, which are not counted here");
            return Err((node.span, reason, "remove the distance to look in the whole text"));
        }
        not_read(fields, "a requirement", problems);
        required.push(other);
    }
    Ok(required)
}

/// The check of an entropy; 0 needs none.
fn entropy_check(node: &Node) -> Result<Option<Check>, Fault> {
    match node.as_f64() {
        Some(bits) if (0.0..=8.0).contains(&bits) => {
            Ok((bits > 0.0).then(|| Check::Entropy(hundredths(bits))))
        }
        _ => Err((node.span, "`entropy` is no number from 0 to 8".to_owned(), "3 to 4 is customary")),
    }
}

/// Keywords in lower case; none where one of them is in every text.
fn keyword_terms(keywords: &[Arc<str>], span: Span) -> Result<Vec<String>, Fault> {
    if keywords.iter().any(|keyword| keyword.len() > LONGEST_KEYWORD) {
        let reason = format!("a keyword has more than {LONGEST_KEYWORD} bytes");
        return Err((span, reason, "shorten it"));
    }
    if keywords.iter().any(|keyword| keyword.is_empty()) {
        return Ok(Vec::new());
    }
    Ok(keywords.iter().map(|keyword| keyword.to_lowercase()).collect())
}

/// Bits in hundredths, rounded down.
fn hundredths(bits: f64) -> u16 {
    (bits * 100.0 + 1e-6).floor() as u16
}

/// `aws-access-token` as people read it: `Aws access token`.
fn title(id: &str) -> Arc<str> {
    let words = id.replace(['-', '_', '.'], " ");
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect::<String>().into(),
        None => id.into(),
    }
}
