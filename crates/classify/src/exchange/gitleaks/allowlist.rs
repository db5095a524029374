//! Allowlists: what is no finding although a rule matches it.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Span};

use crate::exchange::syntax::{Dialect, translate};
use crate::rule::fields::{Fields, Problems};
use crate::rule::{Check, Expressions, Target};

/// Most allowlists of a rule, or of the file.
const MOST: usize = 100;
/// Most memory for the expressions of all allowlists of a file, in bytes.
const MOST_MEMORY: usize = 256 << 20;

/// What allowlists come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed {
    /// Each with the ids of the rules that it is for; all of them when empty.
    pub(super) checks: Vec<(Check, Vec<Arc<str>>)>,
}

/// Reads allowlists, within a bound for all of a file.
#[derive(Debug, Default)]
pub(super) struct Lists {
    memory: usize,
}

impl Allowed {
    /// The checks for one rule.
    pub(super) fn for_rule(&self, id: &str) -> impl Iterator<Item = Check> {
        let wanted = self
            .checks
            .iter()
            .filter(move |(_, rules)| rules.is_empty() || rules.iter().any(|rule| **rule == *id));
        wanted.map(|(check, _)| check.clone())
    }
}

const KINDS: [&str; 4] = ["regexes", "stopwords", "paths", "commits"];

impl Lists {
    /// Reads `allowlist` and `allowlists` of a rule, or of the file. `what` is what messages call it.
    pub(super) fn read(&mut self, fields: &mut Fields<'_>, what: &str, problems: &mut Problems) -> Allowed {
        let mut allowed = Allowed::default();
        let nodes: Vec<&Node> =
            ["allowlist", "allowlists"].iter().flat_map(|key| fields.items(key)).collect();
        if let Some(beyond) = nodes.get(MOST) {
            let message = format!("{what} has {} allowlists; only the first {MOST} are read", nodes.len());
            problems.error(beyond.span, message, "put their entries into fewer");
        }
        for node in nodes.into_iter().take(MOST) {
            self.one(node, what, &mut allowed, problems);
        }
        allowed
    }

    fn one(&mut self, node: &Node, what: &str, allowed: &mut Allowed, problems: &mut Problems) {
        let name = format!("an allowlist of {what}");
        let Some(mut fields) = Fields::of(node, &name, problems) else { return };
        for key in ["description", "title"] {
            fields.get(key);
        }
        let rules = fields.texts("targetRules", problems);
        let target = fields.text("regexTarget", problems);
        let condition = fields.text("condition", problems);
        let [regexes, stopwords, paths, commits] = KINDS.map(|key| fields.texts(key, problems));
        super::reader::not_read(fields, &name, problems);
        let kinds = [&regexes, &stopwords, &paths, &commits].iter().filter(|list| !list.is_empty()).count();
        let all = condition.is_some_and(|it| it.eq_ignore_ascii_case("and") || &*it == "&&");
        if all && kinds > 1 {
            let message = format!("{name} wants several things at once, which is not read: more is found");
            return ignored(node.span, message, problems);
        }
        for (kind, list) in [("paths", &paths), ("commits", &commits)] {
            if !list.is_empty() {
                let message = format!("{name} has `{kind}`, of which a text has none: more is found");
                ignored(node.span, message, problems);
            }
        }
        if !stopwords.is_empty() {
            let words =
                stopwords.iter().filter(|word| !word.is_empty()).map(|word| format!("(?i){}", literal(word)));
            self.add(words.collect(), Target::Value, (node.span, &name, &rules), allowed, problems);
        }
        if regexes.is_empty() {
            return;
        }
        let target = match target.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "secret") => Target::Value,
            Some("match") => Target::Match,
            Some("line") => {
                let message =
                    format!("{name} looks at the line of a match, which is not read: more is found");
                return ignored(node.span, message, problems);
            }
            Some(other) => {
                let message =
                    format!("`regexTarget` of {name} is `{other}`, which is not known: more is found");
                return ignored(node.span, message, problems);
            }
        };
        let translated = regexes.iter().filter_map(|regex| match translate(regex, Dialect::Go) {
            Ok(translated) => Some(translated.text),
            Err(reason) => {
                let message = format!("`{regex}` of {name} cannot be used, so that more is found: {reason}");
                ignored(node.span, message, problems);
                None
            }
        });
        let translated = translated.collect();
        self.add(translated, target, (node.span, &name, &rules), allowed, problems);
    }

    fn add(
        &mut self,
        patterns: Vec<String>,
        target: Target,
        (span, name, rules): (Span, &str, &[Arc<str>]),
        allowed: &mut Allowed,
        problems: &mut Problems,
    ) {
        match Expressions::new(patterns) {
            Ok(expressions) if expressions.patterns().is_empty() => {}
            Ok(expressions) if self.memory.saturating_add(expressions.memory()) > MOST_MEMORY => {
                let message =
                    format!("{name} cannot be used, so that more is found: all allowlists are too large");
                ignored(span, message, problems);
            }
            Ok(expressions) => {
                self.memory += expressions.memory();
                let check = Check::NotMatching { target, expressions: expressions.into() };
                allowed.checks.push((check, rules.to_vec()));
            }
            Err(reason) => {
                ignored(span, format!("{name} cannot be used, so that more is found: {reason}"), problems);
            }
        }
    }
}

/// A literal text as an expression.
fn literal(text: &str) -> String {
    let mut escaped = String::new();
    regex_syntax::escape_into(text, &mut escaped);
    escaped
}

fn ignored(span: Span, message: String, problems: &mut Problems) {
    let help = "exclude such files or findings where the scan is started";
    problems.list.push(Diagnostic::warning(span, message).with_help(help));
}
