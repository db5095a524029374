//! Rules as resources: templates, nested templates, content templates, and what the API gives.
//!
//! Source: Microsoft.SecurityInsights/alertRules, alertRuleTemplates and contentTemplates of Azure Resource Manager.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node};

use super::Loaded;
use super::definition::{self, Named};
use super::template::Scope;
use crate::rule::Placed;

/// How deeply templates lie in templates.
const MAX_DEPTH: usize = 12;

/// Kinds of rules of Microsoft Sentinel that have no query: the product decides what they find.
const WITHOUT_QUERY: [&str; 5] = [
    "Fusion",
    "MicrosoftSecurityIncidentCreation",
    "ThreatIntelligence",
    "MLBehaviorAnalytics",
    "AnomalySecurityMLAnalytics",
];

/// Whether a document is of this form.
pub(super) fn is_template(document: &Node) -> bool {
    let has = |name: &str| document.get(name).is_some();
    document.as_array().is_some()
        || (has("resources") && !has("query"))
        || (has("properties") && !has("query"))
        || document.get("value").is_some_and(|value| value.as_array().is_some())
}

pub(super) fn read(document: &Node, loaded: &mut Loaded) {
    let mut walk = Walk { loaded, others: 0 };
    walk.template(document, 0);
    if walk.loaded.rules.is_empty() && walk.others == 0 && walk.loaded.diagnostics.is_empty() {
        let help = "rules are resources of the type `Microsoft.SecurityInsights/alertRules`";
        let error = Diagnostic::error(document.span, "there is no analytics rule among the resources");
        loaded.diagnostics.push(error.with_help(help));
    }
}

struct Walk<'l> {
    loaded: &'l mut Loaded,
    /// Rules that cannot be run here.
    others: usize,
}

impl Walk<'_> {
    fn template(&mut self, template: &Node, depth: usize) {
        if depth > MAX_DEPTH {
            let message = format!("templates lie more than {MAX_DEPTH} deep in each other");
            let error = Diagnostic::error(template.span, message);
            self.loaded.diagnostics.push(error.with_help("what lies deeper is not read"));
            return;
        }
        let scope = Scope::of(template);
        if let Some(items) = template.as_array() {
            return items.iter().for_each(|item| self.resource(item, scope, depth));
        }
        let lists = ["resources", "value"].iter().filter_map(|name| template.get(name));
        let mut found = false;
        for list in lists {
            found = true;
            for item in list.as_array().unwrap_or_default() {
                self.resource(item, scope, depth);
            }
            // Symbolic names make an object of resources.
            for member in list.as_object().into_iter().flatten() {
                self.resource(&member.value, scope, depth);
            }
        }
        if !found {
            self.resource(template, scope, depth);
        }
    }

    fn resource(&mut self, resource: &Node, scope: Scope<'_>, depth: usize) {
        let text = |name: &str| resource.get(name).and_then(Node::as_str).unwrap_or_default();
        let kind = text("type").rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        match kind.as_str() {
            "alertrules" | "alertruletemplates" => self.rule(resource, scope),
            // What the API gives without a type, and rules by themselves.
            "" if resource.at_path("properties.query").is_some() => self.rule(resource, scope),
            _ => {
                for path in ["properties.template", "properties.mainTemplate", "properties.packagedContent"] {
                    if let Some(inner) = resource.at_path(path).filter(|inner| inner.as_object().is_some()) {
                        self.template(inner, depth + 1);
                    }
                }
                for child in resource.get("resources").and_then(Node::as_array).unwrap_or_default() {
                    self.resource(child, scope, depth);
                }
            }
        }
    }

    fn rule(&mut self, resource: &Node, scope: Scope<'_>) {
        let own = scope.resolved(resource);
        let kind = own.get("kind").filter(|node| node.as_str().is_some());
        if let Some(word) = kind.and_then(Node::as_str).filter(|kind| WITHOUT_QUERY.contains(kind)) {
            let message = format!("a rule of the kind `{word}` has no query of its own");
            let help = "what it finds is decided by the product that it is of; it is not run here";
            self.loaded.diagnostics.push(Diagnostic::warning(resource.span, message).with_help(help));
            self.others += 1;
            return;
        }
        let Some(properties) = own.get("properties").cloned() else {
            let error = Diagnostic::error(resource.span, "the rule has no `properties`");
            self.loaded.diagnostics.push(error.with_help("it is left out"));
            return;
        };
        let named = Named {
            id: id(resource, &own),
            kind: kind.and_then(|node| Some(Placed { text: node.as_str()?.into(), span: node.span })),
        };
        if let Some(rule) = definition::read(&properties, named, &mut self.loaded.diagnostics) {
            self.loaded.rules.push(rule);
        }
    }
}

/// The last GUID in the name or the id, in the text of an expression too.
fn id(resource: &Node, resolved: &Node) -> Option<Arc<str>> {
    let places = [resolved.get("name"), resource.get("name"), resolved.get("id"), resource.get("id")];
    let texts = places.into_iter().flatten().filter_map(|node| match node.as_unresolved() {
        Some(unresolved) => Some(&*unresolved.expression),
        None => node.as_str(),
    });
    let mut names = Vec::new();
    for text in texts {
        // The id of a resource has its subscription's GUID in it, which is not the rule's.
        let own = if text.starts_with('[') { text } else { text.rsplit('/').next().unwrap_or(text) };
        if let Some(found) = last_guid(own) {
            return Some(found.into());
        }
        if !text.starts_with('[') && !text.is_empty() {
            names.push(text);
        }
    }
    names.first().and_then(|name| name.rsplit('/').next()).map(Into::into)
}

fn last_guid(text: &str) -> Option<&str> {
    const LENGTH: usize = 36;
    let starts = (0..=text.len().checked_sub(LENGTH)?).rev();
    starts.filter_map(|at| text.get(at..at + LENGTH)).find(|part| is_guid(part))
}

fn is_guid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}
