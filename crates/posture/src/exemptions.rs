//! Exemptions: what somebody with the right to do so has accepted for now.
//!
//! ```yaml
//! exemptions:
//!   - check: ai-services-key-access      # a check, a policy, a category such as `identity`, or "*"
//!     resource: "*/resourceGroups/pilot/*"   # `*` stands for any text, `?` for one character
//!     category: waiver                   # mitigated (fixed by other means) or waiver (risk accepted)
//!     reason: Switched off at the end of the year.
//!     approver: ciso@example.org
//!     expires: 2027-01-31                # the last day on which it counts
//! ```
//!
//! Every member is required. An entry that lacks one, or has one too many, is an error and refuses the whole file: a
//! misspelt expiry must not become an exemption for ever. An expired entry is not applied, and is reported.

use std::path::Path;
use std::sync::Arc;

use castellan_base::{
    Diagnostic, Limits, Location, Node, ResourceId, Sources, Span, System, Ticks, Value, yaml,
};

use crate::glob;

/// The entries of an exemptions file.
#[derive(Debug, Clone, Default)]
pub struct Exemptions {
    entries: Vec<Exemption>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemption {
    /// A check's or a policy's id, a category, or `*`.
    pub check: Arc<str>,
    /// A pattern over resource ids.
    pub resource: Arc<str>,
    /// Why it is accepted.
    pub category: ExemptionCategory,
    /// The reason.
    pub reason: Arc<str>,
    /// Who accepted it.
    pub approver: Arc<str>,
    /// The first moment at which it no longer counts.
    pub expires: Ticks,
    /// Where the entry stands.
    pub location: Option<Location>,
}

/// Why something is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExemptionCategory {
    /// The intent is met by other means.
    Mitigated,
    /// The risk is accepted.
    Waiver,
}

impl ExemptionCategory {
    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            ExemptionCategory::Mitigated => "mitigated",
            ExemptionCategory::Waiver => "waiver",
        }
    }
}

/// The exemption behind an exempt verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedExemption {
    /// Why.
    pub category: ExemptionCategory,
    /// The reason.
    pub reason: Arc<str>,
    /// Who accepted it.
    pub approver: Arc<str>,
    /// Until when.
    pub expires: Ticks,
}

/// What became of the entries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExemptionOutcome {
    /// Entries that were applied, with the number of results that each of them covered.
    pub used: Vec<(Exemption, usize)>,
    /// Entries that matched nothing.
    pub unused: Vec<Exemption>,
    /// Entries past their expiry; not applied.
    pub expired: Vec<Exemption>,
}

/// An exemptions file that was refused.
#[derive(Debug, thiserror::Error)]
#[error("{}", messages.join("\n"))]
pub struct ExemptionsError {
    messages: Vec<String>,
}

const MEMBERS: [&str; 6] = ["check", "resource", "category", "reason", "approver", "expires"];

impl Exemptions {
    /// Reads an exemptions file.
    pub fn load(system: &dyn System, path: &Path) -> Result<Exemptions, ExemptionsError> {
        let shown = path.display().to_string();
        let bytes = system.read(path, Limits::default().bytes).map_err(|error| ExemptionsError {
            messages: vec![format!("cannot read the exemptions `{shown}`: {error}")],
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| ExemptionsError { messages: vec![format!("`{shown}` is not UTF-8")] })?;
        Exemptions::parse(&shown, &text)
    }

    /// These, and others after them.
    #[must_use]
    pub fn and(mut self, others: Exemptions) -> Exemptions {
        self.entries.extend(others.entries);
        self
    }

    /// Reads the text of an exemptions file. `path` is for messages.
    pub fn parse(path: &str, text: &str) -> Result<Exemptions, ExemptionsError> {
        let mut sources = Sources::default();
        let source = sources.add(path, text);
        let mut problems = Vec::new();
        let mut entries = Vec::new();
        match yaml::parse(text, source, &Limits::default()) {
            Err(problem) => problems.push(problem),
            Ok(document) => match document.get("exemptions").and_then(Node::as_array) {
                Some(items) => {
                    entries.extend(items.iter().filter_map(|item| entry(item, &sources, &mut problems)));
                }
                None => problems.push(
                    Diagnostic::error(document.span, "no list `exemptions`")
                        .with_help("start the file with `exemptions:` and list the entries below it"),
                ),
            },
        }
        if problems.is_empty() {
            return Ok(Exemptions { entries });
        }
        let messages = problems
            .into_iter()
            .map(|problem| {
                let place = sources.locate(problem.span).map_or_else(|| path.to_owned(), |at| at.to_string());
                let help =
                    if problem.help.is_empty() { String::new() } else { format!("; {}", problem.help) };
                format!("{place}: {}{help}", problem.message)
            })
            .collect();
        Err(ExemptionsError { messages })
    }

    /// The entries in order.
    pub fn entries(&self) -> &[Exemption] {
        &self.entries
    }

    /// The index of the first entry that covers a result at a time.
    pub(crate) fn find(
        &self,
        check: &str,
        category: &str,
        resource: &ResourceId,
        now: Ticks,
    ) -> Option<usize> {
        self.entries.iter().position(|entry| {
            let names_check = &*entry.check == "*"
                || entry.check.eq_ignore_ascii_case(check)
                || entry.check.eq_ignore_ascii_case(category);
            now < entry.expires && names_check && glob::matches(&entry.resource, resource.as_str())
        })
    }

    /// Sorts the entries by what became of them. `uses` counts results by entry.
    pub(crate) fn outcome(&self, uses: &[usize], now: Ticks) -> ExemptionOutcome {
        let mut outcome = ExemptionOutcome::default();
        for (index, entry) in self.entries.iter().enumerate() {
            let count = uses.get(index).copied().unwrap_or(0);
            if now >= entry.expires {
                outcome.expired.push(entry.clone());
            } else if count == 0 {
                outcome.unused.push(entry.clone());
            } else {
                outcome.used.push((entry.clone(), count));
            }
        }
        outcome
    }
}

impl Exemption {
    pub(crate) fn applied(&self) -> AppliedExemption {
        AppliedExemption {
            category: self.category,
            reason: Arc::clone(&self.reason),
            approver: Arc::clone(&self.approver),
            expires: self.expires,
        }
    }
}

fn entry(node: &Node, sources: &Sources, problems: &mut Vec<Diagnostic>) -> Option<Exemption> {
    let before = problems.len();
    let Some(object) = node.as_object() else {
        problems.push(Diagnostic::error(node.span, "an exemption has to be an object"));
        return None;
    };
    for member in object.iter().filter(|member| !MEMBERS.contains(&&*member.key)) {
        let message = format!("an exemption has no member `{}`", member.key);
        let help = format!("its members are {}", MEMBERS.join(", "));
        problems.push(Diagnostic::error(member.key_span.or(node.span), message).with_help(help));
    }
    let mut text = |key: &str| match object.get(key).map(|value| &value.value) {
        Some(Value::String(found)) if !found.trim().is_empty() => Arc::clone(found),
        _ => {
            let message = format!("this exemption has no `{key}`");
            let help = "every exemption states check, resource, category, reason, approver and expires";
            let span = object.get(key).map_or(node.span, |value| value.span.or(node.span));
            problems.push(Diagnostic::error(span, message).with_help(help));
            "".into()
        }
    };
    let (check, resource, category) = (text("check"), text("resource"), text("category"));
    let (reason, approver, expires) = (text("reason"), text("approver"), text("expires"));
    let place = |key: &str| object.get(key).map_or(Span::NONE, |value| value.span).or(node.span);
    let category = match &*category {
        "mitigated" => ExemptionCategory::Mitigated,
        "waiver" => ExemptionCategory::Waiver,
        other => {
            if !other.is_empty() {
                let message = format!("`{other}` is no category; use mitigated or waiver");
                problems.push(Diagnostic::error(place("category"), message));
            }
            ExemptionCategory::Waiver
        }
    };
    let expires = expiry(&expires).unwrap_or_else(|message| {
        if !expires.is_empty() {
            problems.push(Diagnostic::error(place("expires"), message));
        }
        Ticks::MIN
    });
    let location = sources.locate(node.span);
    (problems.len() == before).then_some(Exemption {
        check,
        resource,
        category,
        reason,
        approver,
        expires,
        location,
    })
}

/// A date counts to its end; a time counts as it stands.
fn expiry(text: &str) -> Result<Ticks, String> {
    let parsed: Ticks = text.parse().map_err(|error: castellan_base::ParseTicksError| error.to_string())?;
    let is_date = text.trim().len() == "2026-11-21".len();
    Ok(if is_date { parsed.checked_add(Ticks::PER_DAY).unwrap_or(Ticks::MAX) } else { parsed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(extra: &str) -> String {
        format!(
            "exemptions:\n  - check: identity\n    resource: '*/rg/*'\n    category: waiver\n    approver: a@b\n    \
             expires: 2026-11-21\n{extra}"
        )
    }

    #[test]
    fn a_date_counts_to_its_end_and_categories_match() {
        let exemptions = Exemptions::parse("e.yaml", &file("    reason: pilot\n")).unwrap();
        let id: ResourceId = "/subscriptions/s/resourceGroups/rg/providers/P/t/n".parse().unwrap();
        let find =
            |category: &str, now: &str| exemptions.find("some-check", category, &id, now.parse().unwrap());
        assert_eq!(find("identity", "2026-11-21T23:59:59Z"), Some(0));
        assert_eq!(find("identity", "2026-11-22"), None);
        assert_eq!(find("network", "2026-11-20"), None);
        let late: Ticks = "2027-01-01".parse().unwrap();
        assert_eq!(exemptions.outcome(&[0], late).expired.len(), 1);
    }

    #[test]
    fn an_entry_without_a_reason_is_refused_with_its_position() {
        let error = Exemptions::parse("e.yaml", &file("")).unwrap_err().to_string();
        assert!(error.starts_with("e.yaml:2:5: this exemption has no `reason`"), "{error}");
        let misspelt =
            Exemptions::parse("e.yaml", &file("    reason: r\n    expire: 2030-01-01\n")).unwrap_err();
        assert!(
            misspelt.to_string().contains("e.yaml:8:5: an exemption has no member `expire`"),
            "{misspelt}"
        );
        assert!(Exemptions::parse("e.yaml", "[]").is_err());
    }
}
