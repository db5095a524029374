//! Tests that stand in rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Diagnostic, Member, Node, Ticks};
use castellan_kql::ScalarType;

use super::fields::{Fields, as_placed};
use crate::rule::{Expected, ExpectedEntity, Fixture, Severity};

type Told = Vec<Diagnostic>;
/// Columns of tables.
type Columns = BTreeMap<Arc<str>, Vec<(Arc<str>, ScalarType)>>;
type Row = serde_json::Map<String, serde_json::Value>;

/// The tests of a rule. One that is malformed is an error: a test that does not run must not look like one that passed.
pub(super) fn read(items: &[Node], told: &mut Told) -> Vec<Fixture> {
    items.iter().filter_map(|item| fixture(item, told)).collect()
}

fn fixture(item: &Node, told: &mut Told) -> Option<Fixture> {
    let fields =
        Fields::new(item, "a fixture", &["name", "now", "tables", "columns", "watchlists", "alerts"], told)?;
    let now = match fields.placed("now", told) {
        None => None,
        Some(written) => match written.text.parse::<Ticks>() {
            Ok(ticks) => Some(ticks),
            Err(error) => return fault(told, item, format!("`now`: {error}")),
        },
    };
    let (tables, watchlists) = match (lists(&fields, "tables"), lists(&fields, "watchlists")) {
        (Ok(tables), Ok(watchlists)) => (tables, watchlists),
        (Err(message), _) | (_, Err(message)) => return fault(told, item, message),
    };
    let columns = match columns(&fields) {
        Ok(columns) => columns,
        Err(message) => return fault(told, item, message),
    };
    let Some(said) = fields.get("alerts") else {
        return fault(
            told,
            item,
            "`alerts` is missing: say how many there are, or what they are like".to_owned(),
        );
    };
    let alerts: Vec<Expected> =
        said.as_array().unwrap_or_default().iter().filter_map(|node| expected(node, told)).collect();
    let count = match (said.as_i64().and_then(|count| usize::try_from(count).ok()), said.as_array()) {
        (Some(count), _) => count,
        (None, Some(list)) if list.len() == alerts.len() => list.len(),
        _ => return fault(told, item, "`alerts` has to be a number or a list of alerts".to_owned()),
    };
    let name = fields.text("name", told).unwrap_or_else(|| "(no name)".into());
    Some(Fixture { name, now, tables, columns, watchlists, count, alerts, span: item.span })
}

fn fault(told: &mut Told, item: &Node, message: String) -> Option<Fixture> {
    told.push(Diagnostic::error(item.span, format!("the fixture cannot be run: {message}")));
    None
}

/// Rows by the name of what they are of.
fn lists(fields: &Fields<'_>, name: &str) -> Result<BTreeMap<Arc<str>, Vec<Row>>, String> {
    let mut found = BTreeMap::new();
    for member in members(fields.get(name), name)? {
        let rows = rows(&member.value).ok_or_else(|| format!("`{}` has to be a list of rows", member.key))?;
        found.insert(member.key.clone(), rows);
    }
    Ok(found)
}

/// The members of what has to be an object where it is there.
fn members<'n>(node: Option<&'n Node>, name: &str) -> Result<impl Iterator<Item = &'n Member>, String> {
    match node.map(|node| (node.as_object(), node)) {
        Some((None, node)) => Err(format!("`{name}` has to be an object, not {}", node.value.type_name())),
        other => Ok(other.and_then(|(object, _)| object).into_iter().flatten()),
    }
}

fn rows(node: &Node) -> Option<Vec<Row>> {
    node.as_array()?.iter().map(|row| row.to_json().as_object().cloned()).collect()
}

fn columns(fields: &Fields<'_>) -> Result<Columns, String> {
    let mut found = BTreeMap::new();
    for member in members(fields.get("columns"), "columns")? {
        let mut list = Vec::new();
        for (name, node) in members(Some(&member.value), &member.key)?.map(|own| (&own.key, &own.value)) {
            let word = node.as_str().unwrap_or_default();
            let scalar_type =
                ScalarType::named(word).ok_or_else(|| format!("`{word}` is no type of a column"))?;
            list.push((name.clone(), scalar_type));
        }
        found.insert(member.key.clone(), list);
    }
    Ok(found)
}

fn expected(node: &Node, told: &mut Told) -> Option<Expected> {
    let known = &["name", "severity", "entities", "details", "results"];
    let fields = Fields::new(node, "an expected alert", known, told)?;
    let severity = fields.placed("severity", told);
    if let Some(written) = severity.as_ref().filter(|written| Severity::named(&written.text).is_none()) {
        told.push(Diagnostic::error(written.span, format!("`{}` is no severity", written.text)));
        return None;
    }
    let mut entities = Vec::new();
    for item in fields.items("entities") {
        let own = Fields::new(item, "an expected entity", &["type", "values"], told)?;
        let values = texts(own.get("values"), told);
        if values.is_empty() {
            told.push(Diagnostic::error(
                item.span,
                "an expected entity needs `values`: any one would pass otherwise",
            ));
            return None;
        }
        entities.push(ExpectedEntity { entity: own.text("type", told)?, values });
    }
    let results = match fields.get("results").map(|node| (node.as_i64(), node)) {
        None => None,
        Some((count, node)) => {
            let count = count.and_then(|count| u64::try_from(count).ok());
            if count.is_none() {
                told.push(Diagnostic::error(node.span, "`results` has to be a number of results"));
                return None;
            }
            count
        }
    };
    if let Some(node) = fields.get("details").filter(|node| node.as_object().is_none()) {
        told.push(Diagnostic::error(node.span, "`details` has to be an object"));
        return None;
    }
    Some(Expected {
        name: fields.text("name", told),
        severity: severity.and_then(|written| Some(Severity::named(&written.text)?.0)),
        entities,
        details: texts(fields.get("details"), told),
        results,
        span: Some(node.span),
    })
}

fn texts(node: Option<&Node>, told: &mut Told) -> BTreeMap<Arc<str>, Arc<str>> {
    let members = node.and_then(Node::as_object).into_iter().flatten();
    members
        .filter_map(|member| Some((member.key.clone(), as_placed(&member.key, &member.value, told)?.text)))
        .collect()
}
