//! How a verdict came about.

use std::sync::Arc;

use castellan_base::{Evidence, Node, Span, UnknownReason};
use serde::Serialize;
use serde::ser::SerializeMap;

use crate::truth::Truth;

/// What a [`TraceNode`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TraceKind {
    /// All children must hold. Children after the deciding one were not evaluated.
    AllOf,
    /// One child must hold. Children after the deciding one were not evaluated.
    AnyOf,
    /// The child must not hold.
    Not,
    /// A comparison.
    Condition,
    /// How many elements satisfy a condition.
    Count,
    /// Whether a related resource exists.
    Existence,
}

/// One condition of the rule and what came of it.
#[derive(Clone, Debug)]
pub struct TraceNode {
    /// What it is.
    pub kind: TraceKind,
    /// What came of it.
    pub result: Truth,
    /// The field as the rule writes it.
    pub alias: Option<Arc<str>>,
    /// Where that leads in the resource.
    pub path: Option<Arc<str>>,
    /// The comparison: `equals`.
    pub operator: Option<Arc<str>>,
    /// What was found; `None` when nothing was.
    pub actual: Option<Node>,
    /// What it was compared with.
    pub expected: Option<Node>,
    /// Where the value that was found stands.
    pub span: Span,
    /// Parts.
    pub children: Vec<TraceNode>,
}

impl TraceNode {
    pub(crate) fn group(kind: TraceKind, result: Truth, children: Vec<TraceNode>) -> TraceNode {
        TraceNode {
            kind,
            result,
            alias: None,
            path: None,
            operator: None,
            actual: None,
            expected: None,
            span: Span::NONE,
            children,
        }
    }
}

/// How a verdict came about: the condition tree, the related resources looked at, and why it is unknown if it is.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The `if` block.
    pub condition: TraceNode,
    /// The search for a related resource, if there was one.
    pub existence: Option<TraceNode>,
    /// Why the verdict is unknown.
    pub reason: Option<UnknownReason>,
}

impl Trace {
    /// The comparisons that decided, those on the resource type left out unless there are no others.
    pub fn evidence(&self) -> Vec<Evidence> {
        let mut found = Vec::new();
        deciding(&self.condition, &mut found);
        if let Some(existence) = &self.existence {
            deciding(existence, &mut found);
        }
        let telling: Vec<&TraceNode> =
            found.iter().copied().filter(|node| node.alias.as_deref() != Some("type")).collect();
        let chosen = if telling.is_empty() { &found } else { &telling };
        chosen.iter().map(|node| evidence_of(node)).collect()
    }
}

fn evidence_of(node: &TraceNode) -> Evidence {
    let operator = node.operator.clone().unwrap_or_else(|| "exists".into());
    Evidence {
        path: node.path.clone().or_else(|| node.alias.clone()).unwrap_or_else(|| "value".into()),
        alias: node.alias.clone().filter(|alias| alias.contains('/')),
        actual: node.actual.clone(),
        operator: if node.kind == TraceKind::Count { format!("count {operator}").into() } else { operator },
        expected: node.expected.clone().unwrap_or(Node::NULL),
        span: node.span,
    }
}

fn deciding<'t>(node: &'t TraceNode, into: &mut Vec<&'t TraceNode>) {
    match node.kind {
        TraceKind::Condition | TraceKind::Count => into.push(node),
        TraceKind::Not => node.children.iter().for_each(|child| deciding(child, into)),
        TraceKind::AllOf | TraceKind::AnyOf => {
            let same = node.children.iter().filter(|child| child.result == node.result);
            // A conjunction is true through all its parts and false through any one; a disjunction the other way.
            let one = (node.kind == TraceKind::AllOf && node.result == Truth::False)
                || (node.kind == TraceKind::AnyOf && node.result == Truth::True);
            same.take(if one { 1 } else { usize::MAX }).for_each(|child| deciding(child, into));
        }
        TraceKind::Existence => {
            into.push(node);
            node.children.iter().for_each(|child| deciding(child, into));
        }
    }
}

impl Serialize for TraceNode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("result", &self.result)?;
        let texts = [("alias", &self.alias), ("path", &self.path), ("operator", &self.operator)];
        for (key, value) in texts {
            if let Some(value) = value {
                map.serialize_entry(key, value)?;
            }
        }
        if matches!(self.kind, TraceKind::Condition | TraceKind::Count) {
            if let Some(actual) = &self.actual {
                map.serialize_entry("actual", actual)?;
            }
            if let Some(expected) = &self.expected {
                map.serialize_entry("expected", expected)?;
            }
        }
        if !self.span.is_none() {
            map.serialize_entry("at", &[self.span.start, self.span.end])?;
        }
        if !self.children.is_empty() {
            map.serialize_entry("conditions", &self.children)?;
        }
        map.end()
    }
}

impl Serialize for Trace {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("if", &self.condition)?;
        if let Some(existence) = &self.existence {
            map.serialize_entry("existence", existence)?;
        }
        if let Some(reason) = &self.reason {
            map.serialize_entry("reason", reason)?;
        }
        map.end()
    }
}
