//! Sigma rules and correlations as rules of ours, with a query in KQL.
//!
//! What a Sigma rule says of events becomes a condition over the table that its log source is in ([`LogSources`], data in
//! `content/sigma`). What cannot be put into KQL is refused with its place: a query that finds something else would be worse than
//! none. Source: Sigma specification 2.
//!
//! | correlation | query |
//! |---|---|
//! | `event_count`, `value_count` | events or values of a group in the time span, against the condition |
//! | `value_sum`, `value_avg`, `value_percentile`, `value_median` | the same of numbers |
//! | `temporal` | groups in which all rules fired, or as many as the condition says |
//! | `temporal_ordered` | groups in which they fired in their order |
//!
//! A correlation looks at its time span each time it runs, which is several times in a span: what happens within
//! five sixths of the span is seen together in one of its runs.
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_detect::check::Schemas;
//! use castellan_detect::sigma::{LogSources, read};
//!
//! let text = "title: Shadow copies deleted\nlogsource: { product: windows, category: process_creation }\nlevel: high\n\
//!     detection:\n  selection: { Image|endswith: '\\vssadmin.exe', CommandLine|contains|all: [delete, shadows] }\n\
//!     \x20 condition: selection\n";
//! let loaded = read("a.yml", text, LogSources::built_in(), &Schemas::default(), &mut Sources::default());
//! assert_eq!(
//!     &*loaded.rules[0].query.text,
//!     "DeviceProcessEvents\n| where ActionType == 'ProcessCreated'\n| where (FolderPath endswith '\\\\vssadmin.exe' and \
//!     (ProcessCommandLine contains 'delete' and ProcessCommandLine contains 'shadows'))"
//! );
//! ```

mod condition;
mod correlation;
mod detection;
mod encode;
mod item;
mod made;
mod pattern;
mod source;

use std::collections::BTreeMap;

use castellan_base::{Diagnostic, Limits, Node, Sources, yaml};

use crate::check::Schemas;
use crate::rule::Rule;
use crate::rule::read::Loaded;
use detection::Detection;
use source::Entry;

pub use source::LogSources;

/// The largest file, in bytes.
const MAX_FILE: u64 = 8 << 20;

/// A Sigma rule, ready to be put into a query.
struct Base<'d> {
    node: &'d Node,
    entry: &'d Entry,
    /// What of its events counts, in KQL.
    condition: String,
    /// Whether it is a rule of its own as well.
    is_rule: bool,
}

impl Base<'_> {
    /// The rows that it finds.
    fn query(&self) -> String {
        let own = self.entry.condition.as_ref().map(|text| format!("\n| where {text}")).unwrap_or_default();
        format!("{}{own}\n| where {}", self.entry.table, self.condition)
    }
}

/// The longest condition that is made of a rule, in bytes.
const MAX_QUERY: usize = 1 << 20;

/// Reads the Sigma rules of a text. Rules that correlations of the text refer to raise no alerts themselves, unless the
/// correlation says `generate: true`.
pub fn read(
    name: &str,
    text: &str,
    log_sources: &LogSources,
    schemas: &Schemas,
    sources: &mut Sources,
) -> Loaded {
    read_all(&[(name, text)], log_sources, schemas, sources)
}

/// The same of several texts, of which correlations may refer to rules of others.
pub fn read_all(
    files: &[(&str, &str)],
    log_sources: &LogSources,
    schemas: &Schemas,
    sources: &mut Sources,
) -> Loaded {
    let mut loaded = Loaded::default();
    let limits = Limits { bytes: MAX_FILE, depth: 64, values: 500_000 };
    let mut documents = Vec::new();
    for (name, text) in files {
        let source = sources.add(*name, *text);
        match yaml::parse_all(text, source, &limits) {
            Ok(list) => documents.extend(list.into_iter().filter(|document| !document.is_null())),
            Err(error) => loaded.diagnostics.push(error.with_help("mend the file: nothing of it is used")),
        }
    }
    let (mut bases, mut correlations) = (Vec::new(), Vec::new());
    for document in &documents {
        if document.get("correlation").is_some() {
            correlations.push(document);
            continue;
        }
        match base(document, log_sources, schemas) {
            Ok(base) => bases.push(base),
            Err(diagnostic) => loaded.diagnostics.push(diagnostic),
        }
    }
    let names = named(&bases);
    let mut used = Vec::new();
    let mut rules: Vec<Rule> = Vec::new();
    for document in correlations {
        match correlation::rule(document, &bases, &names, schemas, &mut loaded.diagnostics) {
            Ok((rule, hidden)) => {
                used.extend(hidden);
                rules.push(rule);
            }
            Err(diagnostic) => {
                // Rules that were written to be counted are not let loose on single events.
                used.extend(correlation::referred(document, &names));
                loaded.diagnostics.push(diagnostic);
            }
        }
    }
    for at in used {
        if let Some(base) = bases.get_mut(at) {
            base.is_rule = false;
        }
    }
    for base in bases.iter().filter(|base| base.is_rule) {
        loaded.rules.push(made::rule(base.node, base.query(), base.entry, schemas, &mut loaded.diagnostics));
    }
    loaded.rules.extend(rules);
    loaded
}

/// Where rules are, by name, id and title.
fn named(bases: &[Base<'_>]) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for member in ["title", "id", "name"] {
        for (at, base) in bases.iter().enumerate() {
            if let Some(name) = base.node.get(member).and_then(Node::as_str) {
                names.insert(name.to_owned(), at);
            }
        }
    }
    names
}

fn base<'d>(
    document: &'d Node,
    log_sources: &'d LogSources,
    schemas: &Schemas,
) -> Result<Base<'d>, Diagnostic> {
    if let Some(action) = document.get("action") {
        let error = Diagnostic::error(action.span, "`action` is not part of Sigma 2");
        return Err(error.with_help("write each rule as a document of its own"));
    }
    let part = |name: &str| {
        document.get(name).ok_or_else(|| {
            let error = Diagnostic::error(document.span, format!("the rule has no `{name}`"));
            error.with_help("it is left out; a Sigma rule has `logsource` and `detection`")
        })
    };
    let entry = log_sources.find(part("logsource")?)?;
    let node = part("detection")?;
    if let Some(timeframe) = node.get("timeframe") {
        let error = Diagnostic::error(timeframe.span, "`timeframe` means nothing without an aggregation");
        return Err(error.with_help("write a correlation with `timespan` instead"));
    }
    let placeholders = &log_sources.placeholders;
    let condition = Detection { node, entry, schemas, placeholders }.condition()?;
    if condition.len() > MAX_QUERY {
        let message =
            format!("the rule becomes a query of {} bytes; at most {MAX_QUERY} are run", condition.len());
        return Err(Diagnostic::error(node.span, message).with_help("split it, or use a watchlist"));
    }
    Ok(Base { node: document, entry, condition, is_rule: true })
}
