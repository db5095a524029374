//! Rules in whatever form they come.

use castellan_base::{Diagnostic, Limits, Node, SourceId, Sources, Span, json, yaml};

use crate::exchange::{gitleaks, presidio, rule_package};
use crate::rule::{self, Rules};

/// Bounds for telling what a file is. The readers have bounds of their own.
const LIMITS: Limits = Limits { bytes: 64 << 20, depth: 192, values: 2_000_000 };

/// What rules can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML as in `content/detectors`.
    Detectors,
    /// Microsoft's XML.
    RulePackage,
    /// Presidio's registry in YAML.
    PresidioYaml,
    /// Presidio's recognisers in JSON.
    PresidioJson,
    /// A configuration of gitleaks in TOML.
    Gitleaks,
}

impl Format {
    /// Every format with what messages call it.
    pub const ALL: [(Format, &'static str); 5] = [
        (Format::Detectors, "detectors of this product (YAML)"),
        (Format::RulePackage, "a rule package of Microsoft Purview (XML)"),
        (Format::PresidioYaml, "recognisers of Presidio (YAML)"),
        (Format::PresidioJson, "recognisers of Presidio (JSON)"),
        (Format::Gitleaks, "a configuration of gitleaks (TOML)"),
    ];

    /// What messages call it.
    pub fn as_str(self) -> &'static str {
        Format::ALL.iter().find(|(format, _)| *format == self).map_or("", |(_, name)| name)
    }
}

/// Reads rules in any form that this crate knows, told apart by content and not by name. What a rule package or Presidio
/// calls by a name of its own is taken from `known`, the product's detectors.
///
/// A file that is none of them, or might be two, gives no rules and a diagnostic that says why.
///
/// ```
/// use castellan_base::Sources;
/// use castellan_classify::exchange::read_any;
///
/// let mut sources = Sources::default();
/// let file = sources.add("rules", "[[rules]]\nid = 'badge'\nregex = '''badge_[a-z0-9]{12}'''\n");
/// let known = castellan_detectors::engine();
/// let (rules, problems) = read_any(&sources, file, known.rules());
/// assert!(problems.is_empty() && rules.detectors.len() == 1);
/// ```
pub fn read_any(sources: &Sources, file: SourceId, known: &Rules) -> (Rules, Vec<Diagnostic>) {
    match recognise(sources, file) {
        Ok(Format::Detectors) => rule::read(sources, &[file]),
        Ok(Format::RulePackage) => {
            let read = rule_package::read(sources, file, known);
            (read.rules, read.problems)
        }
        Ok(Format::PresidioYaml) => presidio::read(sources, file, known),
        Ok(Format::PresidioJson) => presidio::read_json(sources, file, known),
        Ok(Format::Gitleaks) => gitleaks::read(sources, file),
        Err(problem) => (Rules::default(), vec![problem]),
    }
}

/// Tells which form the rules of a file have.
///
/// # Errors
/// Why it is not known, with what to do.
pub fn recognise(sources: &Sources, file: SourceId) -> Result<Format, Diagnostic> {
    let text = sources.text(file).unwrap_or_default();
    let start = Span::new(file, 0, 0);
    let content = text.trim_start_matches('\u{feff}').trim_start();
    if content.starts_with('<') {
        return Ok(Format::RulePackage);
    }
    if content.starts_with(['{', '['])
        && let Ok(document) = json::parse(&text, file, &LIMITS)
    {
        return by_members(&document, Format::PresidioJson);
    }
    let toml = gitleaks::document(&text, file);
    let yaml = yaml::parse(&text, file, &LIMITS);
    let is_toml = toml.as_ref().is_ok_and(has_rules);
    match (is_toml, yaml) {
        (true, Ok(document)) if document.as_object().is_some() => {
            let message = "the file is TOML and YAML at once";
            Err(Diagnostic::error(start, message).with_help("write it so that it is only one of them"))
        }
        (true, _) => Ok(Format::Gitleaks),
        (false, Ok(document)) if document.as_object().is_some() => {
            by_members(&document, Format::PresidioYaml)
        }
        (false, yaml) => {
            // A header of a table says that it was to be TOML.
            let is_header = |line: &str| line.starts_with('[') && line.trim_end().ends_with(']');
            let problem = match (content.lines().any(is_header), toml, yaml) {
                (true, Err(problem), _) | (false, _, Err(problem)) => problem,
                (_, toml, _) => unknown(toml.as_ref().unwrap_or(&Node::NULL), start),
            };
            Err(problem)
        }
    }
}

fn has_rules(document: &Node) -> bool {
    let has = |key: &&str| document.as_object().is_some_and(|object| object.get(key).is_some());
    ["rules", "allowlist", "allowlists", "extend"].iter().any(has)
}

fn by_members(document: &Node, presidio: Format) -> Result<Format, Diagnostic> {
    let has = |key: &&str| document.as_object().is_some_and(|object| object.get(key).is_some());
    let ours = ["detectors", "elements", "affinities"].iter().any(has);
    match (ours, presidio::is_registry(document)) {
        (true, false) => Ok(Format::Detectors),
        (false, true) => Ok(presidio),
        (true, true) => {
            let message = "the file has members of this product's detectors and of Presidio's recognisers";
            Err(Diagnostic::error(document.span, message).with_help("part it into two"))
        }
        (false, false) => Err(unknown(document, document.span)),
    }
}

fn unknown(document: &Node, span: Span) -> Diagnostic {
    let members: Vec<String> = document
        .as_object()
        .map(|object| object.iter().take(5).map(|member| format!("`{}`", member.key)).collect())
        .unwrap_or_default();
    let message = match members.is_empty() {
        true => "the file holds no rules".to_owned(),
        false => format!("the file is of no known form: its members are {}", members.join(", ")),
    };
    let forms: Vec<&str> = Format::ALL.iter().map(|(_, name)| *name).collect();
    Diagnostic::error(span, message).with_help(format!("give {}", forms.join(", or ")))
}
