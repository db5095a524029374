//! Where the events of a log source are.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use castellan_base::{Diagnostic, Limits, Node, Sources, Span, yaml};
use castellan_kql::ScalarType;
use castellan_kql::bind::{Database, Shape};
use castellan_kql::nearest;

use crate::check::Schemas;
use crate::entity::EntityType;
use crate::literal::quoted;

const BUILT_IN: &str = include_str!("../../../../content/sigma/logsources.yaml");

/// Which tables the events of log sources are in: `content/sigma`, and what is laid on top of it.
#[derive(Clone, Debug, Default)]
pub struct LogSources {
    entries: Vec<Entry>,
    /// The values that places as `%admins%` stand for, by name.
    pub(super) placeholders: BTreeMap<String, Vec<String>>,
}

/// A log source and its table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    source: Vec<(String, String)>,
    pub(super) table: String,
    pub(super) condition: Option<String>,
    fields: Vec<(String, String)>,
    pub(super) entities: Vec<(EntityType, String, String)>,
}

impl LogSources {
    /// What `content/sigma` holds.
    pub fn built_in() -> &'static LogSources {
        static SOURCES: OnceLock<LogSources> = OnceLock::new();
        // A test reads it; there is nothing to report.
        SOURCES.get_or_init(|| LogSources::read("logsources.yaml", BUILT_IN, &mut Sources::default()).0)
    }

    /// Reads a file of this form. Entries that are malformed are left out and told.
    pub fn read(name: &str, text: &str, sources: &mut Sources) -> (LogSources, Vec<Diagnostic>) {
        let source = sources.add(name, text);
        let limits = Limits { bytes: 8 << 20, depth: 32, values: 200_000 };
        let document = match yaml::parse(text, source, &limits) {
            Ok(document) => document,
            Err(error) => return (LogSources::default(), vec![error]),
        };
        let (mut entries, mut placeholders, mut told) = (Vec::new(), BTreeMap::new(), Vec::new());
        for node in document.as_array().unwrap_or_default() {
            if let Some((name, values)) = placeholder(node) {
                placeholders.insert(name, values);
                continue;
            }
            match entry(node) {
                Some(entry) => entries.push(entry),
                None => {
                    let message =
                        "a log source needs `source` and `table`, a place `placeholder` and `values`";
                    let error = Diagnostic::error(node.span, message);
                    told.push(error.with_help("it is left out"));
                }
            }
        }
        (LogSources { entries, placeholders }, told)
    }

    /// Those of another file on top: what fits there counts first.
    #[must_use]
    pub fn under(&self, upper: LogSources) -> LogSources {
        let mut entries = upper.entries;
        entries.extend(self.entries.iter().cloned());
        let mut placeholders = self.placeholders.clone();
        placeholders.extend(upper.placeholders);
        LogSources { entries, placeholders }
    }

    /// The entry for a rule's `logsource`.
    ///
    /// Errors: there is none.
    pub(super) fn find(&self, logsource: &Node) -> Result<&Entry, Diagnostic> {
        let word = |name: &str| logsource.get(name).and_then(Node::as_str).unwrap_or_default();
        let fits =
            |entry: &&Entry| entry.source.iter().all(|(name, value)| word(name).eq_ignore_ascii_case(value));
        self.entries.iter().find(fits).ok_or_else(|| {
            let said: Vec<String> = ["product", "category", "service"]
                .into_iter()
                .filter(|name| !word(name).is_empty())
                .map(|name| format!("{name} `{}`", word(name)))
                .collect();
            let message = format!("no table is known for the log source of {}", said.join(", "));
            let help = "add it to a file of log sources, as `content/sigma/README.md` describes";
            Diagnostic::error(logsource.span, message).with_help(help)
        })
    }
}

/// A place and the values that it stands for.
fn placeholder(node: &Node) -> Option<(String, Vec<String>)> {
    let name = node.get("placeholder")?.as_str()?;
    let values = node.get("values")?.as_array()?.iter();
    let values: Option<Vec<String>> = values.map(|value| value.as_str().map(str::to_owned)).collect();
    Some((name.to_owned(), values.filter(|values| !values.is_empty())?))
}

fn entry(node: &Node) -> Option<Entry> {
    let pairs = |node: &Node| -> Vec<(String, String)> {
        let members = node.as_object().into_iter().flatten();
        members
            .filter_map(|member| Some((member.key.to_string(), member.value.as_str()?.to_owned())))
            .collect()
    };
    let entity = |node: &Node| {
        let word = |name: &str| node.get(name).and_then(Node::as_str);
        Some((
            EntityType::named(word("type")?)?.0,
            word("identifier")?.to_owned(),
            word("column")?.to_owned(),
        ))
    };
    Some(Entry {
        source: Some(pairs(node.get("source")?)).filter(|source| !source.is_empty())?,
        table: node.get("table")?.as_str()?.to_owned(),
        condition: node.get("where").and_then(Node::as_str).map(str::to_owned),
        fields: node.get("fields").map(pairs).unwrap_or_default(),
        entities: node
            .get("entities")
            .and_then(Node::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(entity)
            .collect(),
    })
}

/// A field in KQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// A column or an expression.
    pub(super) text: String,
    /// Its type.
    pub(super) scalar_type: ScalarType,
}

impl Field {
    /// The field as a string.
    pub(super) fn as_text(&self) -> String {
        if self.scalar_type == ScalarType::String {
            self.text.clone()
        } else {
            format!("tostring({})", self.text)
        }
    }
}

/// A column whose name may need brackets.
pub(super) fn column(name: &str) -> String {
    let is_plain = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_plain { name.to_owned() } else { format!("[{}]", quoted(name)) }
}

impl Entry {
    /// A field of a rule in KQL.
    ///
    /// Errors: the table has no column for it.
    pub(super) fn field(&self, name: &str, span: Span, schemas: &Schemas) -> Result<Field, Diagnostic> {
        let shape = schemas.table(&self.table).unwrap_or_default();
        if let Some((_, text)) = self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Ok(match typed(&shape, text) {
                Some(scalar_type) => Field { text: column(text), scalar_type },
                None => Field { text: text.clone(), scalar_type: ScalarType::String },
            });
        }
        let own = shape.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        if let Some(own) = own {
            return Ok(Field { text: column(&own.name), scalar_type: own.scalar_type });
        }
        if let Some(field) = member(&shape, name) {
            return Ok(field);
        }
        let known = shape.columns.iter().map(|column| &*column.name);
        let near = nearest(name, known.chain(self.fields.iter().map(|(known, _)| known.as_str())));
        let message = format!("`{}` has no column for the field `{name}`", self.table);
        let help = match near {
            Some(near) => format!("did you mean `{near}`? else add it to the log source"),
            None => "add it to the `fields` of the log source".to_owned(),
        };
        Err(Diagnostic::error(span, message).with_help(help))
    }

    /// Whether the table has a column.
    pub(super) fn has(&self, name: &str, schemas: &Schemas) -> bool {
        schemas.table(&self.table).is_some_and(|shape| typed(&shape, name).is_some())
    }
}

fn typed(shape: &Shape, name: &str) -> Option<ScalarType> {
    shape.columns.iter().find(|column| *column.name == *name).map(|column| column.scalar_type)
}

/// `a.b.c` of a column that holds bags.
fn member(shape: &Shape, name: &str) -> Option<Field> {
    let (first, path) = name.split_once('.')?;
    let is_it = |column: &&castellan_kql::plan::Field| column.name.eq_ignore_ascii_case(first);
    let own = shape.columns.iter().find(is_it).filter(|column| column.scalar_type == ScalarType::Dynamic)?;
    let members: String = path.split('.').map(|part| format!("[{}]", quoted(part))).collect();
    Some(Field { text: format!("tostring({}{members})", column(&own.name)), scalar_type: ScalarType::String })
}

#[cfg(test)]
mod tests {
    use castellan_kql::bind::{Options, bind};
    use castellan_kql::parse;

    use super::*;

    #[test]
    fn every_built_in_entry_binds() {
        let (sources, told) = LogSources::read("l", BUILT_IN, &mut Sources::default());
        assert!(told.is_empty() && sources.entries.len() >= 20, "{told:?}");
        let schemas = Schemas::default();
        for entry in &sources.entries {
            let mut query =
                format!("{} | where {}", entry.table, entry.condition.as_deref().unwrap_or("true"));
            for (name, _) in &entry.fields {
                let field = entry.field(name, Span::NONE, &schemas).unwrap();
                query.push_str(&format!(" and isnotempty({})", field.as_text()));
            }
            for (_, _, own) in &entry.entities {
                assert!(entry.has(own, &schemas), "{}: {own}", entry.table);
            }
            let bound = bind(&parse(&query).script, &schemas, &Options::default());
            assert!(bound.is_ok(), "{query}: {:?}", bound.err());
        }
    }
}
