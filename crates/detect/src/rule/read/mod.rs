//! Rules from text: YAML as the repositories of Microsoft Sentinel have it, and Resource Manager's JSON.
//!
//! Reading never fails as a whole. A rule that lacks what it cannot be without (a query) is not given; all else that is
//! missing or strange gives a warning with its place, and counts as if it were not there.
//!
//! | form | how it is known |
//! |---|---|
//! | a rule in YAML | it has `query` |
//! | an ARM template | it has `resources`; rules in nested and in content templates count as well |
//! | a resource, or what the API gives | it has `properties`, or a list `value` of such |
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_detect::rule::read::read;
//!
//! let text = "id: 1b7e3c1c-0000-4000-8000-000000000001\nname: Failed logons\nkind: Scheduled\nseverity: medium\n\
//!     queryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\n\
//!     query: SigninLogs | where ResultType != '0'\ntactics: [CredentialAccess]\n";
//! let mut sources = Sources::default();
//! let loaded = read("rule.yaml", text, &mut sources);
//! assert_eq!(&*loaded.rules[0].name, "Failed logons");
//! assert_eq!(loaded.diagnostics[0].message, "`medium` is taken for the severity `Medium`");
//! ```

mod arm;
mod definition;
mod fields;
mod fixture;
mod folder;
mod settings;
mod template;

use castellan_base::{Diagnostic, Limits, Node, SourceId, Sources, Span, json, yaml};

use super::Rule;

pub(crate) use folder::files;
pub use folder::{MAX_FILES, read_folder};

/// The largest file that is read, in bytes. Rules of Microsoft Sentinel have some kilobytes, templates of a whole
/// solution some megabytes.
pub const MAX_FILE: u64 = 32 << 20;

/// The longest query that is read, in bytes.
pub const MAX_QUERY: usize = 1 << 20;

/// What a file holds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The rules.
    pub rules: Vec<Rule>,
    /// What is wrong or strange, in the order of reading.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    fn of_error(diagnostic: Diagnostic) -> Loaded {
        Loaded { rules: Vec::new(), diagnostics: vec![diagnostic] }
    }
}

/// Bounds of one document.
fn limits() -> Limits {
    Limits { bytes: MAX_FILE, depth: 128, values: 1_000_000 }
}

/// Reads the rules of a text. The name says what it is: `.json` is JSON, all else YAML, of which JSON is a part.
pub fn read(name: &str, text: &str, sources: &mut Sources) -> Loaded {
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_FILE {
        let message = format!("the file has {} bytes; at most {MAX_FILE} are read", text.len());
        let source = sources.add(name, "");
        return Loaded::of_error(Diagnostic::error(Span::new(source, 0, 0), message));
    }
    let source = sources.add(name, text);
    let documents = match documents(name, text, source) {
        Ok(documents) => documents,
        Err(error) => return Loaded::of_error(error.with_help("mend the file: nothing of it is used")),
    };
    let mut loaded = Loaded::default();
    for document in &documents {
        read_document(document, &mut loaded);
    }
    if loaded.rules.is_empty() && loaded.diagnostics.is_empty() {
        let message = "the file holds no analytics rule".to_owned();
        let help = "a rule has `query`, or is a resource of the type `Microsoft.SecurityInsights/alertRules`";
        loaded.diagnostics.push(Diagnostic::error(Span::new(source, 0, 0), message).with_help(help));
    }
    loaded
}

fn documents(name: &str, text: &str, source: SourceId) -> Result<Vec<Node>, Diagnostic> {
    let limits = limits();
    if name.to_ascii_lowercase().ends_with(".json") {
        return json::parse(text, source, &limits).map(|document| vec![document]);
    }
    match yaml::parse_all(text, source, &limits) {
        Ok(documents) => Ok(documents),
        Err(error) => mended(text, source, &limits).ok_or(error),
    }
}

/// Tabs are no indentation in YAML, and rules in the wild have them. Each becomes one blank, so that places stay.
fn mended(text: &str, source: SourceId, limits: &Limits) -> Option<Vec<Node>> {
    if !text.contains('\t') {
        return None;
    }
    yaml::parse_all(&text.replace('\t', " "), source, limits).ok()
}

fn read_document(document: &Node, loaded: &mut Loaded) {
    if document.is_null() {
        return;
    }
    if arm::is_template(document) {
        return arm::read(document, loaded);
    }
    let Some(rule) = definition::read(document, definition::Named::default(), &mut loaded.diagnostics) else {
        return;
    };
    loaded.rules.push(rule);
}
