//! The searches of a Sigma rule and the condition over them, as one condition in KQL.

use std::collections::BTreeMap;

use castellan_base::{Diagnostic, Node, Span, Value};

use super::condition::{Condition, fits, parse};
use super::item::{Modifiers, joined};
use super::source::Entry;
use crate::check::Schemas;

/// Members of `detection` that are no searches.
const OTHERS: [&str; 2] = ["condition", "timeframe"];

/// The most values that places may stand for in one line.
const MAX_VALUES: usize = 10_000;

/// How deeply searches are nested.
const MAX_DEPTH: usize = 16;

/// Puts a detection into KQL.
pub(super) struct Detection<'d> {
    pub(super) node: &'d Node,
    pub(super) entry: &'d Entry,
    pub(super) schemas: &'d Schemas,
    /// The values that places stand for.
    pub(super) placeholders: &'d BTreeMap<String, Vec<String>>,
}

impl Detection<'_> {
    /// The condition in KQL. Several conditions count as one of them.
    ///
    /// Errors: the first thing that cannot be put into KQL, with its place.
    pub(super) fn condition(&self) -> Result<String, Diagnostic> {
        let Some(node) = self.node.get("condition") else {
            let error = Diagnostic::error(self.node.span, "the detection has no `condition`");
            return Err(error.with_help("name the searches that have to fit, as `condition: selection`"));
        };
        let list = node.as_array().unwrap_or(std::slice::from_ref(node));
        let mut all = Vec::new();
        for one in list {
            let Some(text) = one.as_str() else {
                return Err(Diagnostic::error(one.span, "`condition` has to be a text"));
            };
            all.push(self.of(&parse(text, one.span)?, one.span)?);
        }
        Ok(joined(all, " or "))
    }

    fn of(&self, condition: &Condition, span: Span) -> Result<String, Diagnostic> {
        let list = |parts: &[Condition], word: &str| -> Result<String, Diagnostic> {
            let all: Result<Vec<String>, Diagnostic> = parts.iter().map(|part| self.of(part, span)).collect();
            Ok(joined(all?, word))
        };
        match condition {
            Condition::Search(name) => match self.search(name) {
                Some(node) => self.value(node, 0),
                None => Err(self.unknown(name, span)),
            },
            Condition::Of { all, pattern } => {
                let members = self.node.as_object().into_iter().flatten();
                let own =
                    members.filter(|member| !OTHERS.contains(&&*member.key) && fits(pattern, &member.key));
                let made: Result<Vec<String>, Diagnostic> =
                    own.map(|member| self.value(&member.value, 0)).collect();
                match made? {
                    parts if parts.is_empty() => Err(self.unknown(pattern, span)),
                    parts => Ok(joined(parts, if *all { " and " } else { " or " })),
                }
            }
            Condition::Not(inner) => Ok(format!("not({})", self.of(inner, span)?)),
            Condition::And(parts) => list(parts, " and "),
            Condition::Or(parts) => list(parts, " or "),
        }
    }

    fn search(&self, name: &str) -> Option<&Node> {
        let object = self.node.as_object()?;
        object
            .iter()
            .find(|member| *member.key == *name && !OTHERS.contains(&name))
            .map(|member| &member.value)
    }

    fn unknown(&self, name: &str, span: Span) -> Diagnostic {
        let members = self.node.as_object().into_iter().flatten();
        let known: Vec<&str> =
            members.map(|member| &*member.key).filter(|key| !OTHERS.contains(key)).collect();
        let message = format!("there is no search `{name}`");
        Diagnostic::error(span, message).with_help(format!("there are {}", known.join(", ")))
    }

    /// A map is all of its lines; a list is one of its items.
    fn value(&self, node: &Node, depth: usize) -> Result<String, Diagnostic> {
        if depth > MAX_DEPTH {
            return Err(Diagnostic::error(
                node.span,
                format!("searches are nested more than {MAX_DEPTH} deep"),
            ));
        }
        if let Some(object) = node.as_object() {
            let all: Result<Vec<String>, Diagnostic> =
                object.iter().map(|member| self.line(&member.key, member.key_span, &member.value)).collect();
            return match all? {
                parts if parts.is_empty() => Err(Diagnostic::error(node.span, "the search is empty")),
                parts => Ok(joined(parts, " and ")),
            };
        }
        let items = node.as_array().unwrap_or(std::slice::from_ref(node));
        let mut all = Vec::new();
        for item in items {
            if item.as_object().is_some() || item.as_array().is_some() {
                all.push(self.value(item, depth + 1)?);
            } else {
                let plain = Modifiers::read(["contains"].into_iter(), item.span)?;
                all.push(plain.anywhere(std::slice::from_ref(item), item.span)?);
            }
        }
        match all {
            parts if parts.is_empty() => Err(Diagnostic::error(node.span, "the search is empty")),
            parts => Ok(joined(parts, " or ")),
        }
    }

    /// `field|modifier|modifier: values`
    fn line(&self, key: &str, span: Span, values: &Node) -> Result<String, Diagnostic> {
        let mut words = key.split('|');
        let name = words.next().unwrap_or_default();
        let modifiers = Modifiers::read(words, span)?;
        let given = values.as_array().unwrap_or(std::slice::from_ref(values));
        let expanded = if modifiers.is_expanded { Some(self.expanded(given)?) } else { None };
        let list = expanded.as_deref().unwrap_or(given);
        if name.is_empty() {
            return modifiers.anywhere(list, span);
        }
        let field = self.entry.field(name, span, self.schemas)?;
        if !modifiers.is_reference {
            return modifiers.condition(&field, list, span);
        }
        let mut all = Vec::new();
        for value in list {
            let Some(other) = value.as_str() else {
                return Err(Diagnostic::error(value.span, "`fieldref` takes the name of a field"));
            };
            let other = self.entry.field(other, value.span, self.schemas)?;
            all.push(modifiers.reference(&field, &other, value.span)?);
        }
        Ok(modifiers.references(all))
    }

    /// Values with those of a list in the place of each `%name%`.
    ///
    /// Errors: a name that no list has, and more values than a search may have.
    fn expanded(&self, values: &[Node]) -> Result<Vec<Node>, Diagnostic> {
        let mut made = Vec::new();
        for value in values {
            let text = value.as_str().unwrap_or_default();
            let name = text.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                made.push(value.clone());
                continue;
            };
            let Some(list) = self.placeholders.get(name) else {
                let message = format!("no list is known for the place `{text}`");
                let help = "add `- { placeholder: NAME, values: [...] }` to a file of log sources, or put the values in";
                return Err(Diagnostic::error(value.span, message).with_help(help));
            };
            if made.len() + list.len() > MAX_VALUES {
                let message = format!("`{text}` and others stand for more than {MAX_VALUES} values");
                return Err(Diagnostic::error(value.span, message).with_help("use a watchlist"));
            }
            made.extend(
                list.iter().map(|own| Node { value: Value::String(own.as_str().into()), span: value.span }),
            );
        }
        Ok(made)
    }
}
