//! Recognisers by patterns and lists.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Span};

use crate::engine::anchor::anchor;
use crate::engine::expression::Expression;
use crate::exchange::kebab;
use crate::exchange::presidio::{CONTEXT, LONGEST};
use crate::exchange::syntax::{Dialect, translate};
use crate::rule::fields::{Fields, Problems};
use crate::rule::{
    Boundary, Category, Detector, Element, ElementId, ElementKind, Evidence, KeywordGroup, MatchStyle,
    Pattern, Proximity, Rules, Term,
};

/// Longest term, in bytes.
const LONGEST_TERM: usize = 256;
/// What a context word adds to a score, and what the score is then at least, in hundredths.
const BOOST: (u8, u8) = (35, 40);

/// Why a recogniser is left out: where, what and what to do.
type Fault = (Span, String, &'static str);

/// The flags of Python's `re` that decide something here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    ignore_case: bool,
    lines: bool,
    dot_all: bool,
}

impl Flags {
    /// Reads the number that Python knows the flags by. The error is one that has no counterpart.
    pub(super) fn new(number: u32) -> Result<Flags, String> {
        // Locale, Unicode, debugging and ASCII decide nothing.
        let known = 2 | 4 | 8 | 16 | 32 | 128 | 256;
        if number & !known != 0 {
            return Err(format!("the flags {number} hold some that have no counterpart, such as `VERBOSE`"));
        }
        let set = |bit: u32| number & bit != 0;
        Ok(Flags { ignore_case: set(2), lines: set(8), dot_all: set(16) })
    }

    fn prefix(self) -> String {
        let flags = [(self.ignore_case, 'i'), (self.lines, 'm'), (self.dot_all, 's')];
        let set: String = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).collect();
        if set.is_empty() { set } else { format!("(?{set})") }
    }
}

/// Adds a recogniser to rules. Nothing is added where it has a fault.
pub(super) fn recogniser(
    node: &Node,
    name: &str,
    flags: Flags,
    rules: &mut Rules,
    problems: &mut Problems,
) -> Result<(), Fault> {
    let what = format!("the recogniser `{name}`");
    let before = problems.count();
    let not_understood =
        || (node.span, "what it says is not understood".to_owned(), "see the message before");
    let mut fields = Fields::of(node, &what, problems).ok_or_else(not_understood)?;
    for key in ["name", "type", "enabled", "supported_language", "country_code", "version", "class_name"] {
        fields.get(key);
    }
    let flags = match fields.number("global_regex_flags", (0, 1 << 20), problems) {
        Some(number) => {
            Flags::new(number).map_err(|reason| (node.span, reason, "26 is what Presidio uses"))?
        }
        None => flags,
    };
    let entity = entity(&mut fields, problems)?;
    let context = context(&mut fields, problems)?;
    let mut parts = Vec::new();
    for pattern in fields.items("patterns") {
        parts.push(expression(pattern, flags, problems)?);
    }
    let words = fields.texts("deny_list", problems);
    words.iter().try_for_each(|word| usable(word, node.span))?;
    let words = terms(&words, flags);
    let score = fields.get("deny_list_score").map_or(Ok(100), |node| confidence(node, "deny_list_score"))?;
    if problems.count() > before {
        return Err(not_understood());
    }
    for (key, span) in fields.others() {
        problems.list.push(Diagnostic::warning(span, format!("`{key}` of {what} is not read")));
    }
    if !words.is_empty() && score > 0 {
        let kind = ElementKind::Keywords { groups: words };
        parts.push(Part { kind, unlimited: false, slow: false, confidence: score, span: node.span });
    }
    parts.retain(|part| part.confidence > 0);
    if parts.is_empty() {
        let reason = "it has neither `patterns` nor a `deny_list` that can score".to_owned();
        return Err((node.span, reason, "add one of them"));
    }
    let id = free_id(name, &entity, rules).ok_or((
        node.span,
        "another one has nearly the same name".to_owned(),
        "rename one of the two",
    ))?;
    let context = (!context.is_empty()).then(|| {
        let terms = context.into_iter().map(|text| Term { text, case_sensitive: false }).collect();
        let groups = vec![KeywordGroup { style: MatchStyle::String, terms }];
        add(Element::new(format!("{id}/context"), ElementKind::Keywords { groups }, node.span), rules)
    });
    let mut patterns = Vec::new();
    for (place, part) in parts.into_iter().enumerate() {
        patterns.extend(part.patterns(&format!("{id}/{}", place + 1), context, rules, problems));
    }
    rules.detectors.push(detector(id, name, entity, patterns, node.span));
    Ok(())
}

/// Something that a recogniser matches by.
struct Part {
    kind: ElementKind,
    unlimited: bool,
    slow: bool,
    confidence: u8,
    span: Span,
}

impl Part {
    /// The pattern that holds alone, and the one that holds with context.
    fn patterns(
        self,
        name: &str,
        context: Option<ElementId>,
        rules: &mut Rules,
        problems: &mut Problems,
    ) -> Vec<Pattern> {
        let (confidence, span) = (self.confidence, self.span);
        let mut element = Element::new(name, self.kind, span);
        if matches!(element.kind, ElementKind::Regex { .. }) {
            element.boundary = Boundary::None;
        }
        element.slow = self.slow;
        if self.unlimited {
            element.max_length = Some(LONGEST);
            let message =
                format!("`{name}` does not limit its matches; they have at most {LONGEST} bytes here");
            problems.list.push(Diagnostic::note(span, message));
        }
        let primary = add(element, rules);
        let mut patterns = Vec::new();
        if let Some(context) = context {
            let confidence = confidence.saturating_add(BOOST.0).clamp(BOOST.1, 100);
            let evidence = vec![Evidence::once(context)];
            patterns.push(Pattern { confidence, primary, evidence, span });
        }
        patterns.push(Pattern { confidence, primary, evidence: Vec::new(), span });
        patterns
    }
}

fn add(element: Element, rules: &mut Rules) -> ElementId {
    let id = ElementId::new(rules.elements.len());
    rules.elements.push(element);
    id
}

fn detector(id: Arc<str>, name: &str, entity: Arc<str>, mut patterns: Vec<Pattern>, span: Span) -> Detector {
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.confidence));
    let highest = patterns.first().map_or(75, |pattern| pattern.confidence);
    Detector {
        id,
        guid: None,
        version: 1,
        title: name.into(),
        category: Category::Custom,
        description: "".into(),
        presidio: Some(entity),
        frameworks: Vec::new(),
        references: Vec::new(),
        proximity: Proximity::Characters(CONTEXT),
        recommended: highest.min(75),
        workload: None,
        patterns,
        examples: Vec::new(),
        span,
    }
}

/// An id from the recogniser's name, or from that and its entity.
fn free_id(name: &str, entity: &str, rules: &Rules) -> Option<Arc<str>> {
    let both = format!("{name} {entity}");
    let free = |id: &Arc<str>| !id.is_empty() && rules.detectors.iter().all(|detector| detector.id != *id);
    [name, &both].into_iter().map(kebab).find(free)
}

fn entity(fields: &mut Fields<'_>, problems: &mut Problems) -> Result<Arc<str>, Fault> {
    let mut entities = fields.texts("supported_entity", problems);
    entities.extend(fields.texts("supported_entities", problems));
    entities.dedup();
    match entities.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err((fields.span, "it has no `supported_entity`".to_owned(), "add one, such as `BADGE`")),
        _ => Err((
            fields.span,
            "it has several entities, of which any match is one".to_owned(),
            "write a recogniser for each",
        )),
    }
}

/// The context words of all languages.
fn context(fields: &mut Fields<'_>, problems: &mut Problems) -> Result<Vec<Arc<str>>, Fault> {
    let mut words = fields.texts("context", problems);
    for language in fields.items("supported_languages") {
        if language.as_str().is_some() {
            continue;
        }
        let Some(mut language) = Fields::of(language, "a language", problems) else { continue };
        language.get("language");
        words.extend(language.texts("context", problems));
    }
    words.iter().try_for_each(|word| usable(word, fields.span))?;
    let mut words: Vec<Arc<str>> = words.iter().map(|word| word.trim().into()).collect();
    words.sort_unstable();
    words.dedup();
    Ok(words)
}

/// Whether a word can be looked for.
fn usable(word: &str, span: Span) -> Result<(), Fault> {
    if word.trim().is_empty() || word.len() > LONGEST_TERM {
        let reason = format!("a word is empty or has more than {LONGEST_TERM} bytes");
        return Err((span, reason, "change or remove it"));
    }
    Ok(())
}

/// The words of a list, as groups that match as words, and those without letters anywhere.
fn terms(words: &[Arc<str>], flags: Flags) -> Vec<KeywordGroup> {
    let group = |style: MatchStyle| {
        let wanted = words.iter().filter(|word| {
            let is_word = word.chars().any(char::is_alphanumeric);
            is_word == (style == MatchStyle::Word)
        });
        let terms: Vec<Term> = wanted
            .map(|word| Term { text: word.trim().into(), case_sensitive: !flags.ignore_case })
            .collect();
        (!terms.is_empty()).then_some(KeywordGroup { style, terms })
    };
    [MatchStyle::Word, MatchStyle::String].into_iter().filter_map(group).collect()
}

/// A score as a confidence; 0 never scores.
fn confidence(node: &Node, key: &str) -> Result<u8, Fault> {
    match node.as_f64() {
        Some(score) if score <= 0.0 => Ok(0),
        Some(score) if score <= 1.0 => Ok(((score * 100.0).round() as u8).max(1)),
        _ => Err((node.span, format!("`{key}` is no number from 0 to 1"), "change the number")),
    }
}

fn expression(node: &Node, flags: Flags, problems: &mut Problems) -> Result<Part, Fault> {
    let not_understood =
        || (node.span, "a pattern is not understood".to_owned(), "write `name`, `regex` and `score`");
    let mut fields = Fields::of(node, "a pattern", problems).ok_or_else(not_understood)?;
    fields.get("name");
    let span = fields.get("regex").map_or(node.span, |regex| regex.span);
    let regex = fields.required_text("regex", problems).ok_or_else(not_understood)?;
    let score = fields.get("score").ok_or_else(not_understood)?;
    let confidence = confidence(score, "score")?;
    for (key, span) in fields.others() {
        problems.list.push(Diagnostic::warning(span, format!("`{key}` of a pattern is not read")));
    }
    let help = "write it otherwise, or as a detector; content/detectors/README.md says how";
    let refused = |reason: String| (span, reason, help);
    let translated = translate(&regex, Dialect::Python).map_err(refused)?;
    let pattern = format!("{}{}", flags.prefix(), translated.text);
    let expression = Expression::new(&pattern, Boundary::None, Some(LONGEST)).map_err(refused)?;
    Ok(Part {
        unlimited: expression.hir().properties().maximum_len().is_none_or(|longest| longest > 32_768),
        slow: anchor(expression.hir(), Boundary::None, false).is_err(),
        kind: ElementKind::Regex { pattern: pattern.into() },
        confidence,
        span,
    })
}
