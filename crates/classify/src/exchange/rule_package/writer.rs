//! Writes rule packages.

use std::fmt::Write as _;

use castellan_base::{Diagnostic, Span};
use rustc_hash::FxHashMap;

use crate::exchange::rule_package::reader::used;
use crate::exchange::rule_package::{NAMESPACE, Package, Written};
use crate::rule::{
    Boundary, Element, ElementId, ElementKind, Evidence, KeywordGroup, MatchStyle, Proximity, Rules,
};

/// Writes rules as a package.
///
/// A detector that uses what a package cannot say (checks that are no function of Microsoft's, dictionaries, groups
/// named `value`) is left out with the reason. Boundaries become `\b`, which takes `_` for a letter.
pub fn write(rules: &Rules, package: &Package) -> Written {
    let mut writer = Writer { text: String::new(), problems: Vec::new(), names: FxHashMap::default(), rules };
    writer.package(package);
    Written { text: writer.text, problems: writer.problems }
}

struct Writer<'a> {
    text: String,
    problems: Vec<Diagnostic>,
    /// How elements are named; `None` for one that cannot be written.
    names: FxHashMap<ElementId, Option<String>>,
    rules: &'a Rules,
}

impl Writer<'_> {
    fn line(&mut self, depth: usize, line: &str) {
        // Writing to a text does not fail.
        let _ = writeln!(self.text, "{:1$}{line}", "", 2 * depth);
    }

    fn package(&mut self, package: &Package) {
        self.line(0, r#"<?xml version="1.0" encoding="utf-8"?>"#);
        self.line(0, &format!(r#"<RulePackage xmlns="{NAMESPACE}">"#));
        self.header(package);
        self.line(1, "<Rules>");
        let elements = used(self.rules);
        for (place, element) in self.rules.elements.iter().enumerate() {
            let id = ElementId::new(place);
            if elements.contains(&id) {
                let name = self.name(element);
                self.names.insert(id, name);
            }
        }
        self.entities();
        self.affinities();
        for (place, element) in self.rules.elements.iter().enumerate() {
            if let Some(Some(name)) = self.names.get(&ElementId::new(place)).cloned()
                && element.function.is_none()
            {
                self.element(&name, element);
            }
        }
        self.strings(package);
        self.line(1, "</Rules>");
        self.line(0, "</RulePackage>");
    }

    fn header(&mut self, package: &Package) {
        let [major, minor, build, revision] = package.version;
        self.line(1, &format!(r#"<RulePack id="{}">"#, escape(&package.id)));
        let version = format!(r#"major="{major}" minor="{minor}" build="{build}" revision="{revision}""#);
        self.line(2, &format!("<Version {version}/>"));
        self.line(2, &format!(r#"<Publisher id="{}"/>"#, escape(&package.publisher)));
        let language = escape(&package.language);
        self.line(2, &format!(r#"<Details defaultLangCode="{language}">"#));
        self.line(3, &format!(r#"<LocalizedDetails langcode="{language}">"#));
        let texts = [
            ("PublisherName", &package.publisher_name),
            ("Name", &package.name),
            ("Description", &package.description),
        ];
        for (name, text) in texts {
            self.line(4, &format!("<{name}>{}</{name}>", escape(text)));
        }
        self.line(3, "</LocalizedDetails>");
        self.line(2, "</Details>");
        self.line(1, "</RulePack>");
    }

    /// What an element is called in the package; `None`, and a diagnostic, where it cannot be said.
    fn name(&mut self, element: &Element) -> Option<String> {
        if let Some(function) = &element.function {
            return Some(function.to_string());
        }
        let reason = match &element.kind {
            ElementKind::Function { name } => return Some(name.to_string()),
            ElementKind::Dictionary(_) => Some("a dictionary"),
            _ if !element.checks.is_empty() => Some("checks"),
            ElementKind::Regex { pattern }
                if pattern.contains("?P<value>") || pattern.contains("?<value>") =>
            {
                Some("a group `value`")
            }
            _ => None,
        };
        if let Some(reason) = reason {
            let message = format!("element `{}` has {reason}, which a rule package cannot say", element.name);
            self.problems.push(Diagnostic::error(element.span, message));
            return None;
        }
        let letters =
            element.name.chars().map(|it| if it.is_ascii_alphanumeric() || it == '_' { it } else { '_' });
        // Names of packages that were read are kept; `'` occurs in Microsoft's own.
        Some(if element.name.contains('/') { letters.collect() } else { element.name.to_string() })
    }

    fn can_write(&mut self, what: &str, elements: &[ElementId], span: Span) -> bool {
        let missing = elements.iter().any(|id| self.names.get(id).is_none_or(Option::is_none));
        if missing {
            self.problems.push(Diagnostic::error(
                span,
                format!("{what} is left out: it needs what cannot be written"),
            ));
        }
        !missing
    }

    fn entities(&mut self) {
        for detector in &self.rules.detectors {
            let mut elements: Vec<ElementId> =
                detector.patterns.iter().map(|pattern| pattern.primary).collect();
            let evidence = detector.patterns.iter().flat_map(|pattern| &pattern.evidence);
            elements.extend(evidence.flat_map(Evidence::elements));
            let what = format!("the detector `{}`", detector.id);
            let Some(guid) = &detector.guid else {
                let message = format!("{what} is left out: it has no `guid`");
                self.problems.push(Diagnostic::error(detector.span, message).with_help("give it one"));
                continue;
            };
            if !self.can_write(&what, &elements, detector.span) {
                continue;
            }
            let workload = workload(detector.workload.as_deref());
            let proximity = proximity(detector.proximity);
            self.line(2, &format!(
                r#"<Entity id="{}" patternsProximity="{proximity}" recommendedConfidence="{}"{workload}>"#,
                escape(guid), detector.recommended
            ));
            for pattern in &detector.patterns {
                self.line(3, &format!(r#"<Pattern confidenceLevel="{}">"#, pattern.confidence));
                let primary = self.reference(pattern.primary);
                self.line(4, &format!(r#"<IdMatch idRef="{primary}"/>"#));
                pattern.evidence.iter().for_each(|evidence| self.evidence(4, evidence));
                self.line(3, "</Pattern>");
            }
            self.line(2, "</Entity>");
        }
    }

    fn affinities(&mut self) {
        for affinity in &self.rules.affinities {
            let parts = affinity.evidence.iter().flat_map(|(_, parts)| parts);
            let elements: Vec<ElementId> = parts.flat_map(Evidence::elements).collect();
            let what = format!("the affinity `{}`", affinity.id);
            let Some(guid) = affinity.guid.clone() else { continue };
            if !self.can_write(&what, &elements, affinity.span) {
                continue;
            }
            let workload = workload(affinity.workload.as_deref());
            let proximity = proximity(affinity.proximity);
            self.line(2, &format!(
                r#"<Affinity id="{}" evidencesProximity="{proximity}" thresholdConfidenceLevel="{}"{workload}>"#,
                escape(&guid), affinity.threshold
            ));
            for (confidence, parts) in &affinity.evidence {
                self.line(3, &format!(r#"<Evidence confidenceLevel="{confidence}">"#));
                parts.iter().for_each(|evidence| self.evidence(4, evidence));
                self.line(3, "</Evidence>");
            }
            self.line(2, "</Affinity>");
        }
    }

    fn reference(&self, id: ElementId) -> String {
        self.names.get(&id).and_then(Option::as_deref).map(escape).unwrap_or_default()
    }

    fn evidence(&mut self, depth: usize, evidence: &Evidence) {
        match evidence {
            Evidence::Match { element, min, unique } => {
                let min = if *min == 1 { String::new() } else { format!(r#" minCount="{min}""#) };
                let unique = if *unique { r#" uniqueResults="true""# } else { "" };
                let name = self.reference(*element);
                self.line(depth, &format!(r#"<Match idRef="{name}"{min}{unique}/>"#));
            }
            Evidence::Any { min, max, of } => {
                let max = max.map(|max| format!(r#" maxMatches="{max}""#)).unwrap_or_default();
                self.line(depth, &format!(r#"<Any minMatches="{min}"{max}>"#));
                of.iter().for_each(|part| self.evidence(depth + 1, part));
                self.line(depth, "</Any>");
            }
        }
    }

    fn element(&mut self, name: &str, element: &Element) {
        match &element.kind {
            ElementKind::Regex { pattern } => {
                let pattern = match element.boundary {
                    Boundary::None => pattern.to_string(),
                    _ => {
                        let message = format!("the boundary of `{}` is written as `\\b`", element.name);
                        self.problems.push(Diagnostic::note(element.span, message));
                        format!(r"\b(?:{pattern})\b")
                    }
                };
                self.line(2, &format!(r#"<Regex id="{}">{}</Regex>"#, escape(name), escape(&pattern)));
            }
            ElementKind::Keywords { groups } => {
                self.line(2, &format!(r#"<Keyword id="{}">"#, escape(name)));
                groups.iter().for_each(|group| self.group(group));
                self.line(2, "</Keyword>");
            }
            ElementKind::Dictionary(_) | ElementKind::Function { .. } => {}
        }
    }

    fn group(&mut self, group: &KeywordGroup) {
        let style = match group.style {
            MatchStyle::Word => "word",
            MatchStyle::String => "string",
        };
        self.line(3, &format!(r#"<Group matchStyle="{style}">"#));
        for term in &group.terms {
            let case = if term.case_sensitive { r#" caseSensitive="true""# } else { "" };
            self.line(4, &format!("<Term{case}>{}</Term>", escape(&term.text)));
        }
        self.line(3, "</Group>");
    }

    fn strings(&mut self, package: &Package) {
        let language = escape(&package.language);
        self.line(2, "<LocalizedStrings>");
        let detectors =
            self.rules.detectors.iter().map(|it| (it.guid.clone(), it.title.clone(), it.description.clone()));
        let affinities =
            self.rules.affinities.iter().map(|it| (it.guid.clone(), it.title.clone(), "".into()));
        for (guid, title, description) in detectors.chain(affinities) {
            let Some(guid) = guid else { continue };
            self.line(3, &format!(r#"<Resource idRef="{}">"#, escape(&guid)));
            for (name, text) in [("Name", &title), ("Description", &description)] {
                let text = escape(text);
                self.line(4, &format!(r#"<{name} default="true" langcode="{language}">{text}</{name}>"#));
            }
            self.line(3, "</Resource>");
        }
        self.line(2, "</LocalizedStrings>");
    }
}

fn proximity(proximity: Proximity) -> String {
    match proximity {
        Proximity::Characters(characters) => characters.to_string(),
        Proximity::Unlimited => "unlimited".to_owned(),
    }
}

fn workload(workload: Option<&str>) -> String {
    workload.map(|workload| format!(r#" workload="{}""#, escape(workload))).unwrap_or_default()
}

/// Text for an attribute or an element. What XML cannot hold is dropped.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\r' | '\t' => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            control if control < ' ' => {}
            other => escaped.push(other),
        }
    }
    escaped
}
