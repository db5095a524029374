//! A file of rules, as Azure writes them.
//!
//! Read are the resource as the portal and `az rest` export it, the flat form of `az monitor data-collection rule show`,
//! a list of these under `value`, and an ARM template, as long as what counts in it is no expression.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Diagnostic, Limits, Node, Sources, Span, json};
use castellan_kql::ScalarType;
use castellan_kql::plan::Field;
use castellan_lake::TableSchema;

use super::transform::Transform;
use super::{Flow, Rule, Stream};

/// Deepest nesting and most values of a file.
const LIMITS: Limits = Limits { bytes: super::LARGEST, depth: 64, values: 200_000 };

/// What a file holds, and what is to be said about it.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) rules: Vec<Rule>,
    /// Why the file cannot be used, with places.
    pub(super) errors: Vec<String>,
    /// What was left out, with places.
    pub(super) notes: Vec<String>,
}

/// Reads a file; `name` is what stands in messages, and `stem` the id of a rule that says none.
pub(super) fn read(name: &str, stem: &str, text: &str) -> Read {
    let mut sources = Sources::default();
    let source = sources.add(name, text);
    let mut reader = Reader { sources, read: Read::default() };
    match json::parse(text, source, &LIMITS) {
        Ok(document) => reader.document(&document, stem),
        Err(error) => reader.tell(error),
    }
    reader.read
}

struct Reader {
    sources: Sources,
    read: Read,
}

impl Reader {
    fn tell(&mut self, diagnostic: Diagnostic) {
        let text = self.placed(diagnostic.span, &diagnostic.message);
        self.read.errors.push(text);
    }

    fn placed(&self, span: Span, message: &str) -> String {
        match self.sources.locate(span) {
            Some(place) => format!("{place}: {message}"),
            None => message.to_owned(),
        }
    }

    fn error(&mut self, at: &Node, message: impl AsRef<str>) {
        let text = self.placed(at.span, message.as_ref());
        self.read.errors.push(text);
    }

    fn note(&mut self, at: &Node, message: &str) {
        let text = self.placed(at.span, message);
        self.read.notes.push(text);
    }

    fn document(&mut self, document: &Node, stem: &str) {
        let list = document.as_array().or_else(|| document.get("value").and_then(Node::as_array));
        let resources = document.get("resources").and_then(Node::as_array);
        match (list, resources) {
            (Some(rules), _) => rules.iter().for_each(|rule| self.rule(rule, stem)),
            (None, Some(resources)) => {
                let is_rule = |resource: &&Node| {
                    let kind = resource.get("type").and_then(Node::as_str).unwrap_or_default();
                    kind.eq_ignore_ascii_case("Microsoft.Insights/dataCollectionRules")
                };
                resources.iter().filter(is_rule).for_each(|rule| self.rule(rule, stem));
            }
            (None, None) => self.rule(document, stem),
        }
        if self.read.rules.is_empty() && self.read.errors.is_empty() {
            self.error(document, "there is no data collection rule here; export one as JSON");
        }
    }

    fn rule(&mut self, rule: &Node, stem: &str) {
        let properties = rule.get("properties").unwrap_or(rule);
        let own = properties.get("immutableId");
        let id = match own.and_then(Node::as_str) {
            Some(id) => id,
            None => {
                let message = format!("there is no `immutableId`, so the rule is reached as `{stem}`");
                self.note(own.unwrap_or(rule), &message);
                stem
            }
        };
        if !self.is_id(own.unwrap_or(rule), id) {
            return;
        }
        if let Some(sources) = properties.get("dataSources") {
            self.note(sources, "`dataSources` are for agents and are not looked at");
        }
        let before = self.read.errors.len();
        let declared = self.streams(properties);
        let (workspaces, others) = destinations(properties);
        let mut streams: BTreeMap<Arc<str>, Stream> = BTreeMap::new();
        let Some(flows) = properties.get("dataFlows").and_then(Node::as_array) else {
            self.error(rule, "the rule has no `dataFlows`; they say which stream goes where");
            return;
        };
        for flow in flows {
            if self.goes_to_a_workspace(flow, &workspaces, &others) {
                self.flow(flow, &declared, &mut streams);
            }
        }
        if streams.is_empty() && self.read.errors.len() == before {
            self.error(rule, "no flow of the rule goes to a table; send one to a workspace");
        }
        if self.read.errors.len() == before {
            self.read.rules.push(Rule { id: id.into(), streams });
        }
    }

    fn is_id(&mut self, at: &Node, id: &str) -> bool {
        let right =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        let is_right = !id.is_empty() && id.len() <= 128 && id.chars().all(right);
        if !is_right {
            self.error(
                at,
                "the id of the rule is not letters, digits and hyphens; write one in `immutableId`",
            );
        }
        is_right
    }

    fn streams(&mut self, properties: &Node) -> BTreeMap<Arc<str>, TableSchema> {
        let mut found = BTreeMap::new();
        let declared = properties.get("streamDeclarations").and_then(Node::as_object);
        for member in declared.into_iter().flat_map(|declared| declared.iter()) {
            let columns = member.value.get("columns").and_then(Node::as_array);
            let Some(columns) = columns else {
                self.error(&member.value, format!("the stream `{}` has no `columns`", member.key));
                continue;
            };
            let columns = columns.iter().filter_map(|column| self.column(column)).collect();
            match TableSchema::stream(&member.key, columns) {
                Ok(schema) => drop(found.insert(Arc::clone(&member.key), schema)),
                Err(error) => self.error(&member.value, error.to_string()),
            }
        }
        found
    }

    fn column(&mut self, column: &Node) -> Option<Field> {
        let Some(name) = column.get("name").and_then(Node::as_str) else {
            self.error(column, "a column has no `name`");
            return None;
        };
        let kind = column.get("type").and_then(Node::as_str).unwrap_or_default();
        let Some(scalar_type) = ScalarType::named(kind) else {
            let types = "string, int, long, real, boolean, datetime or dynamic";
            self.error(column, format!("the column `{name}` has no type that is known; write {types}"));
            return None;
        };
        Some(Field::new(name, scalar_type))
    }

    fn goes_to_a_workspace(&mut self, flow: &Node, workspaces: &[&str], others: &[&str]) -> bool {
        let names = flow.get("destinations").and_then(Node::as_array).unwrap_or_default();
        let mut goes = false;
        for name in names {
            match name.as_str() {
                Some(text) if workspaces.contains(&text) => goes = true,
                Some(text) if others.contains(&text) => {
                    self.note(name, &format!("`{text}` is no workspace, and nothing is sent to it"));
                }
                _ => self.error(name, "the destination is not declared under `destinations`"),
            }
        }
        if names.is_empty() {
            self.error(flow, "the flow has no `destinations`; name a workspace of the rule");
        }
        goes
    }

    fn flow(
        &mut self,
        flow: &Node,
        declared: &BTreeMap<Arc<str>, TableSchema>,
        streams: &mut BTreeMap<Arc<str>, Stream>,
    ) {
        let names = flow.get("streams").and_then(Node::as_array).unwrap_or_default();
        if names.is_empty() {
            self.error(flow, "the flow has no `streams`; name those that it takes");
        }
        for node in names {
            let Some(name) = node.as_str() else {
                self.error(node, "the name of a stream is a text");
                continue;
            };
            let Some(schema) = declared.get(name).cloned().or_else(|| native(name)) else {
                self.error(node, format!("the stream `{name}` is not declared under `streamDeclarations`"));
                continue;
            };
            let Some(table) = self.table(flow, node, name) else { continue };
            let Some(transform) = self.transform(flow, &schema) else { continue };
            let stream = streams.entry(name.into()).or_insert_with(|| Stream { schema, flows: Vec::new() });
            stream.flows.push(Flow { table, transform });
        }
    }

    /// The table that a flow goes to.
    fn table(&mut self, flow: &Node, stream: &Node, name: &str) -> Option<Arc<str>> {
        let own = flow.get("outputStream");
        let output = own.and_then(Node::as_str).unwrap_or(name);
        match super::table_of(output) {
            Ok(table) => Some(table.into()),
            Err(reason) => {
                self.error(own.unwrap_or(stream), reason);
                None
            }
        }
    }

    fn transform(&mut self, flow: &Node, schema: &TableSchema) -> Option<Transform> {
        let node = flow.get("transformKql");
        let kql = node.and_then(Node::as_str).map_or("source", str::trim);
        let kql = if kql.is_empty() { "source" } else { kql };
        match Transform::new(kql, schema) {
            Ok(transform) => Some(transform),
            Err(wrong) => {
                let (line, column) = wrong.span.line_and_column(kql);
                let message = format!("`transformKql`, line {line}, column {column}: {wrong}");
                self.error(node.unwrap_or(flow), message);
                None
            }
        }
    }
}

/// A stream of a table that Azure Monitor declares, which rules need not declare.
fn native(name: &str) -> Option<TableSchema> {
    let table = TableSchema::declared(name.strip_prefix("Microsoft-")?)?;
    let own =
        |column: &&Field| !matches!(&*column.name, "Type" | "TenantId" | castellan_lake::schema::RECEIVED);
    TableSchema::stream(name, table.columns().iter().filter(own).cloned().collect()).ok()
}

/// Names of the workspaces of a rule, and those of its other destinations.
fn destinations(properties: &Node) -> (Vec<&str>, Vec<&str>) {
    let (mut workspaces, mut others) = (Vec::new(), Vec::new());
    let kinds = properties.get("destinations").and_then(Node::as_object);
    for member in kinds.into_iter().flat_map(|kinds| kinds.iter()) {
        let is_workspace = member.key.eq_ignore_ascii_case("logAnalytics");
        let each = member.value.as_array().map_or(std::slice::from_ref(&member.value), |list| list);
        for name in each.iter().filter_map(|each| each.get("name").and_then(Node::as_str)) {
            if is_workspace { workspaces.push(name) } else { others.push(name) }
        }
    }
    (workspaces, others)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::read;

    const RULE: &str = r#"{"properties": {"immutableId": "dcr-1",
        "streamDeclarations": {"Custom-In": {"columns": [{"name": "a", "type": "string"}]}},
        "destinations": {"logAnalytics": [{"name": "here"}]},
        "dataFlows": [{"streams": ["Custom-In"], "destinations": ["here"], "outputStream": "Custom-Out_CL",
            "transformKql": "source | where a != 'x'"}]}}"#;

    #[test]
    fn a_rule_is_read() {
        let found = read("r.json", "r", RULE);
        assert!(found.rules.len() == 1 && found.errors.is_empty() && found.notes.is_empty(), "{found:?}");
    }

    proptest! {
        #[test]
        fn a_file_gives_rules_or_says_why_not(at in 0..RULE.len(), length in 0_usize..40, new in "[\\PC]{0,12}") {
            let (from, to) = (RULE.floor_char_boundary(at), RULE.floor_char_boundary(at + length));
            let text = format!("{}{new}{}", RULE.get(..from).unwrap(), RULE.get(to..).unwrap());
            let found = read("r.json", "r", &text);
            prop_assert!(found.errors.is_empty() != found.rules.is_empty(), "{:?}", found);
            prop_assert!(found.errors.iter().all(|error| error.starts_with("r.json:")), "{:?}", found.errors);
        }
    }
}
