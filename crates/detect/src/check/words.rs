//! Words that are from lists: techniques, entries of ATLAS and OWASP.

use castellan_base::{Diagnostic, FrameworkId};

use crate::coverage::frameworks;
use crate::rule::{Rule, is_technique};

/// Checks the words of a rule.
pub(super) fn check(rule: &Rule, told: &mut Vec<Diagnostic>) {
    for technique in &rule.techniques {
        if !is_technique(&technique.text) {
            let message = format!("`{}` is no id of a technique", technique.text);
            let help = "ids of ATT&CK are written `T1078` and `T1078.004`";
            told.push(Diagnostic::error(technique.span, message).with_help(help));
        }
    }
    if rule.tactics.is_empty() && !rule.techniques.is_empty() {
        let span = rule.techniques.first().map_or(rule.span, |technique| technique.span);
        let help = "name the tactic as well: coverage counts by tactics";
        told.push(Diagnostic::warning(span, "the rule has techniques and no tactic").with_help(help));
    }
    for entry in &rule.atlas {
        if frameworks::atlas(&entry.text).is_none() {
            let message = format!("`{}` is no id of MITRE ATLAS", entry.text);
            told.push(Diagnostic::error(entry.span, message).with_help("write it as `AML.T0051`"));
        }
    }
    for entry in &rule.owasp {
        let title = entry.text.parse::<FrameworkId>().ok().and_then(|id| frameworks::owasp(&id));
        if title.is_none() {
            let message = format!("`{}` is no entry of OWASP's lists", entry.text);
            told.push(Diagnostic::error(entry.span, message).with_help("write it as `owasp-llm:2025:LLM01`"));
        }
    }
}
