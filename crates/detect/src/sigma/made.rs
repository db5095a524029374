//! What a Sigma rule says beside its detection, as a rule of ours.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node};
use uuid::Uuid;

use super::source::Entry;
use crate::check::Schemas;
use crate::rule::duration::MINUTE;
use crate::rule::{
    EntityMapping, FieldMapping, Grouping, IncidentConfiguration, Kind, Overrides, Placed, Rule, Severity,
    Tactic, Trigger, is_technique,
};

/// How often and how far back a rule without a time span looks.
const HOUR: i64 = 60 * MINUTE;

/// A rule of a document with a query over a table.
pub(super) fn rule(
    node: &Node,
    query: String,
    entry: &Entry,
    schemas: &Schemas,
    told: &mut Vec<Diagnostic>,
) -> Rule {
    let entities = entry.entities.iter().filter(|(_, _, column)| entry.has(column, schemas));
    let mapping =
        |(entity, identifier, column): &(crate::entity::EntityType, String, String)| EntityMapping {
            entity: *entity,
            fields: vec![FieldMapping {
                identifier: Placed::nowhere(identifier.as_str()),
                column: Placed::nowhere(column.as_str()),
            }],
            span: node.span,
        };
    let mut made = plain(node, query, told);
    made.entities = entities.map(mapping).collect();
    made
}

/// A rule of a document with any query.
pub(super) fn plain(node: &Node, query: String, told: &mut Vec<Diagnostic>) -> Rule {
    let text = |name: &str| node.get(name).and_then(Node::as_str).unwrap_or_default();
    let name: Arc<str> = if text("title").is_empty() { "(no title)" } else { text("title") }.into();
    let tags = tags(node);
    let is_over = ["deprecated", "unsupported"].contains(&text("status"));
    if is_over {
        let message = format!("the rule is {}: it is turned off", text("status"));
        told.push(
            Diagnostic::warning(node.span, message).with_help("turn it on if you want it all the same"),
        );
    }
    let id = match text("id") {
        "" => Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("sigma\u{1f}{name}").as_bytes()).to_string().into(),
        id => id.into(),
    };
    Rule {
        id,
        description: text("description").trim().into(),
        kind: Kind::Scheduled,
        enabled: !is_over,
        query: Placed { text: query.into(), span: node.get("detection").unwrap_or(node).span },
        frequency: HOUR,
        period: HOUR,
        trigger: Trigger::default(),
        severity: severity(node, told),
        tactics: tactics(&tags),
        techniques: techniques(node, &tags),
        atlas: atlas(node, &tags),
        owasp: Vec::new(),
        entities: Vec::new(),
        entity_columns: Vec::new(),
        details: Vec::new(),
        overrides: Overrides::default(),
        grouping: Grouping::AlertPerResult,
        incident: IncidentConfiguration::default(),
        suppression: None,
        connectors: Vec::new(),
        version: text("modified").into(),
        status: text("status").into(),
        tags: tags.into_iter().map(Into::into).collect(),
        triage: list(node, "falsepositives")
            .into_iter()
            .map(|text| format!("may be harmless: {text}").into())
            .collect(),
        playbook: None,
        fixtures: Arc::default(),
        span: node.span,
        name,
    }
}

fn list(node: &Node, name: &str) -> Vec<String> {
    let Some(node) = node.get(name) else { return Vec::new() };
    let items = node.as_array().unwrap_or(std::slice::from_ref(node));
    items.iter().filter_map(Node::as_str).map(str::to_owned).collect()
}

fn tags(node: &Node) -> Vec<String> {
    list(node, "tags")
}

/// The severity of a level. There is nothing above high among the severities of alerts.
fn severity(node: &Node, told: &mut Vec<Diagnostic>) -> Severity {
    let Some(level) = node.get("level") else {
        let message = "the rule does not say its `level`; `medium` counts";
        told.push(Diagnostic::warning(node.span, message).with_help("write `level: medium`"));
        return Severity::Medium;
    };
    match level.as_str().unwrap_or_default() {
        "critical" => Severity::High,
        word => Severity::named(word).map_or_else(
            || {
                let message = format!("`{word}` is no level; `medium` counts");
                let help = "levels are informational, low, medium, high and critical";
                told.push(Diagnostic::warning(level.span, message).with_help(help));
                Severity::Medium
            },
            |(severity, _)| severity,
        ),
    }
}

fn tactics(tags: &[String]) -> Vec<Tactic> {
    let mut found = Vec::new();
    for tag in tags.iter().filter_map(|tag| tag.strip_prefix("attack.")) {
        if let Some((tactic, _)) = Tactic::named(tag).filter(|(tactic, _)| !found.contains(tactic)) {
            found.push(tactic);
        }
    }
    found
}

fn techniques(node: &Node, tags: &[String]) -> Vec<Placed> {
    let ids = tags.iter().filter_map(|tag| tag.strip_prefix("attack.")).map(str::to_uppercase);
    let span = node.get("tags").unwrap_or(node).span;
    ids.filter(|id| is_technique(id)).map(|id| Placed { text: id.into(), span }).collect()
}

fn atlas(node: &Node, tags: &[String]) -> Vec<Placed> {
    let ids = tags.iter().filter_map(|tag| tag.strip_prefix("atlas.")).map(str::to_uppercase);
    let span = node.get("tags").unwrap_or(node).span;
    ids.map(|id| Placed { text: id.into(), span }).collect()
}
