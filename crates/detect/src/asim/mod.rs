//! Functions of a workspace from files: the parsers of ASIM, and one's own.
//!
//! | file | what is read |
//! |---|---|
//! | `.yaml` with `ParserName` and `ParserQuery` | a parser of ASIM, with `ParserParams`; `EquivalentBuiltInParser` is a second name |
//! | `.yaml` with `FunctionName` or `FunctionAlias` and `FunctionQuery` | a parser of a solution |
//! | `.kql` | each `let NAME = (...) { ... };` of it |
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_detect::asim::read;
//! use castellan_query::{Engine, Settings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "ParserName: vimDnsOurs\nParserParams:\n  - { Name: disabled, Type: bool, Default: false }\n\
//!     ParserQuery: |\n  print DnsQuery = 'contoso.com' | where not(disabled)\n";
//! let loaded = read("vimDnsOurs.yaml", text, &mut Sources::default());
//! let mut engine = Engine::new(Settings::default());
//! loaded.add_to(&mut engine);
//! assert_eq!(engine.query("vimDnsOurs(disabled = false) | count").await?.answers[0].rows(), 1);
//! # Ok(())
//! # }
//! ```

use std::path::Path;
use std::sync::Arc;

use castellan_base::{Diagnostic, Limits, Node, SourceId, Sources, Span, System, yaml};
use castellan_kql::ast::{ExprKind, Function, Statement};
use castellan_kql::bind::Stored;
use castellan_kql::{Severity, parse};
use castellan_query::Engine;

use crate::check::Schemas;

/// The largest file, in bytes.
pub const MAX_FILE: u64 = 8 << 20;
/// How deeply folders lie in each other.
const MAX_DEPTH: usize = 16;

/// Functions of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    /// The functions by name, in the order of reading; of two with one name the last counts.
    pub list: Vec<(Arc<str>, Arc<Function>)>,
    /// What is wrong with files.
    pub diagnostics: Vec<Diagnostic>,
}

impl Functions {
    /// Gives the functions to an engine.
    pub fn add_to(&self, engine: &mut Engine) {
        for (name, function) in &self.list {
            engine.add_function(name, Stored::Function(Arc::clone(function)));
        }
    }

    /// Has rules checked against the functions.
    pub fn add_to_schemas(&self, schemas: &mut Schemas) {
        for (name, function) in &self.list {
            schemas.add_function(Arc::clone(name), Stored::Function(Arc::clone(function)));
        }
    }
}

/// Reads all files of a folder and of those in it.
pub fn read_folder(folder: &Path, system: &dyn System, sources: &mut Sources) -> Functions {
    let mut found = Functions::default();
    walk(folder, system, sources, 0, &mut found);
    found
}

fn walk(folder: &Path, system: &dyn System, sources: &mut Sources, depth: usize, found: &mut Functions) {
    let name = folder.to_string_lossy();
    let entries = match system.read_dir(folder) {
        Ok(entries) if depth <= MAX_DEPTH => entries,
        Ok(_) => {
            return found.diagnostics.push(Diagnostic::error(Span::NONE, format!("`{name}` lies too deep")));
        }
        Err(error) => {
            let message = format!("`{name}` cannot be read: {error}");
            return found.diagnostics.push(Diagnostic::error(Span::NONE, message));
        }
    };
    for entry in entries {
        let extension = entry.path.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
        if entry.is_dir {
            walk(&entry.path, system, sources, depth + 1, found);
        } else if matches!(extension.as_deref(), Some("yaml" | "yml" | "kql")) {
            let name = entry.path.to_string_lossy();
            let bytes = system.read(&entry.path, MAX_FILE).map_err(|error| error.to_string());
            match bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())) {
                Ok(text) => {
                    let own = read(&name, &text, sources);
                    found.list.extend(own.list);
                    found.diagnostics.extend(own.diagnostics);
                }
                Err(reason) => {
                    let message = format!("`{name}` cannot be read: {reason}");
                    found.diagnostics.push(Diagnostic::error(Span::NONE, message));
                }
            }
        }
    }
}

/// Reads the functions of a text. The name says what it is.
pub fn read(name: &str, text: &str, sources: &mut Sources) -> Functions {
    let source = sources.add(name, text);
    let mut found = Functions::default();
    let made =
        if name.to_ascii_lowercase().ends_with(".kql") { lets(text, source) } else { parser(text, source) };
    match made {
        Ok(list) => found.list = list,
        Err(diagnostic) => found.diagnostics.push(diagnostic),
    }
    found
}

type Named = Vec<(Arc<str>, Arc<Function>)>;

fn error(source: SourceId, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Span::new(source, 0, 0), message).with_help("the function is left out")
}

/// Each function that a script defines.
fn lets(text: &str, source: SourceId) -> Result<Named, Diagnostic> {
    let parsed = parse(&format!("{text}\n;print 1"));
    if let Some(wrong) = parsed.diagnostics.iter().find(|found| found.severity == Severity::Error) {
        let (start, end) = (wrong.span.start as usize, wrong.span.end as usize);
        return Err(Diagnostic::error(Span::new(source, start, end), wrong.message.clone()));
    }
    let found: Named = parsed
        .script
        .statements
        .into_iter()
        .filter_map(|statement| match statement {
            Statement::Let { name, value } => match value.kind {
                ExprKind::Function(function) => Some((name.text, Arc::new(*function))),
                _ => None,
            },
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(error(source, "the file defines no function: write `let NAME = (parameters) { body };`"));
    }
    Ok(found)
}

/// A parser in YAML.
fn parser(text: &str, source: SourceId) -> Result<Named, Diagnostic> {
    let limits = Limits { bytes: MAX_FILE, depth: 64, values: 100_000 };
    let node = yaml::parse(text, source, &limits)?;
    let word =
        |name: &str| node.get(name).and_then(Node::as_str).map(str::trim).filter(|text| !text.is_empty());
    let names: Vec<&str> = ["ParserName", "EquivalentBuiltInParser", "FunctionName", "FunctionAlias"]
        .into_iter()
        .filter_map(word)
        .collect();
    let query = word("ParserQuery").or_else(|| word("FunctionQuery"));
    let (Some(first), Some(query)) = (names.first(), query) else {
        return Err(error(source, "the file is no parser: it needs `ParserName` and `ParserQuery`"));
    };
    let mut parameters = Vec::new();
    for item in node.get("ParserParams").and_then(Node::as_array).unwrap_or_default() {
        parameters.push(parameter(item).ok_or_else(|| {
            Diagnostic::error(item.span, "a parameter needs `Name` and `Type`")
                .with_help("the function is left out")
        })?);
    }
    if !names.iter().all(|name| is_name(name)) {
        return Err(error(source, format!("`{first}` is no name of a function")));
    }
    let body = query.trim_end().trim_end_matches(';');
    let script = format!("let {first} = ({}) {{\n{body}\n}};", parameters.join(", "));
    let made = lets(&script, SourceId::NONE)
        .map_err(|wrong| error(source, format!("the query of `{first}` is wrong: {}", wrong.message)))?;
    let Some((_, function)) = made.into_iter().next() else {
        return Err(error(source, "there is no function"));
    };
    Ok(names.iter().map(|name| (Arc::from(*name), Arc::clone(&function))).collect())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// `name:type=default`, as functions declare it.
fn parameter(item: &Node) -> Option<String> {
    let text = |name: &str| item.get(name).and_then(Node::as_str).map(str::trim);
    let name = text("Name").filter(|name| is_name(name))?;
    let kind = text("Type")?;
    let written = match kind.strip_prefix("table:") {
        Some(columns) => format!("{name}:{columns}"),
        None => format!("{name}:{kind}"),
    };
    let Some(default) = item.get("Default").filter(|node| !node.is_null()) else { return Some(written) };
    let default = match (default.as_str(), default.as_bool(), default.as_i64()) {
        (Some(text), ..) if kind == "string" && !text.starts_with(['\'', '"']) => {
            crate::literal::quoted(text)
        }
        (Some(text), ..) => text.to_owned(),
        (_, Some(flag), _) => flag.to_string(),
        (_, _, Some(number)) => number.to_string(),
        _ => return None,
    };
    Some(format!("{written}={default}"))
}
