//! Which alerts name which entities, as a graph.
//!
//! Alerts of one name are one node, so that a thousand firings of a rule are one node with a count. The form for Graphviz and
//! the picture are drawn from the same nodes and edges.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use castellan_detect::entity::EntityType;
use serde::Serialize;

use crate::case::{Case, name};

/// Alerts, entities, and who names whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// Alerts and entities.
    pub nodes: Vec<Vertex>,
    /// From alerts to entities.
    pub edges: Vec<Edge>,
}

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vertex {
    /// What edges name it by: `a0`, `e3`.
    pub id: String,
    /// `alert`, or the type of the entity as rules write it.
    pub kind: String,
    /// What people call it.
    pub label: String,
    /// How many alerts it stands for or is named by.
    pub count: usize,
    /// Where it stands in a picture.
    #[serde(skip)]
    pub(crate) side: Side,
}

/// An edge of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The id of a node of alerts.
    pub from: String,
    /// The id of an entity's node.
    pub to: String,
    /// How many alerts of the node name the entity.
    pub count: usize,
}

/// The part of a picture that a node stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Those who act.
    Actor,
    /// What was noticed.
    Alert,
    /// What is acted on.
    Thing,
}

fn side(kind: EntityType) -> Side {
    match kind {
        EntityType::Account
        | EntityType::Host
        | EntityType::Ip
        | EntityType::AiAgent
        | EntityType::CloudApplication
        | EntityType::SecurityGroup
        | EntityType::Mailbox
        | EntityType::IoTDevice => Side::Actor,
        _ => Side::Thing,
    }
}

/// The graph of an incident.
pub fn graph(case: &Case) -> Graph {
    let mut names: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<(&str, usize)> = Vec::new();
    let mut group_of = Vec::new();
    for alert in &case.alerts {
        let at = *names.entry(&alert.name).or_insert_with(|| {
            groups.push((&alert.name, 0));
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.1 += usize::try_from(alert.count).unwrap_or(usize::MAX);
        }
        group_of.push(at);
    }
    let alerts = groups.iter().enumerate().map(|(at, (title, count))| Vertex {
        id: format!("a{at}"),
        kind: "alert".to_owned(),
        label: (*title).to_owned(),
        count: *count,
        side: Side::Alert,
    });
    let entities = case.entities.iter().enumerate().map(|(at, node)| Vertex {
        id: format!("e{at}"),
        kind: node.entity.entity.name().to_owned(),
        label: name(&node.entity),
        count: node.alerts.len(),
        side: side(node.entity.entity),
    });
    let nodes = alerts.chain(entities).collect();
    let mut edges: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (entity, node) in case.entities.iter().enumerate() {
        for alert in node.alerts.iter().filter_map(|alert| group_of.get(*alert)) {
            *edges.entry((*alert, entity)).or_default() += 1;
        }
    }
    let edge = |((from, to), count): ((usize, usize), usize)| Edge {
        from: format!("a{from}"),
        to: format!("e{to}"),
        count,
    };
    Graph { nodes, edges: edges.into_iter().map(edge).collect() }
}

impl Graph {
    /// The graph in the language of Graphviz.
    pub fn to_dot(&self) -> String {
        let mut dot =
            String::from("graph incident {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        for node in &self.nodes {
            let shape = if node.side == Side::Alert { "box" } else { "ellipse" };
            let label = quoted(&format!("{}: {}", node.kind, node.label));
            // Writing to a string cannot fail.
            let _ = writeln!(dot, "  {} [shape={shape}, label={label}];", node.id);
        }
        for edge in &self.edges {
            let _ = writeln!(dot, "  {} -- {} [label=\"{}\"];", edge.from, edge.to, edge.count);
        }
        dot.push_str("}\n");
        dot
    }
}

/// A text as Graphviz takes it: a backslash or a quote would end it or begin something else.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn labels_stay_labels() {
        assert_eq!(quoted("a\"]; x [label=\"\\\n"), "\"a\\\"]; x [label=\\\"\\\\ \"");
    }
}
