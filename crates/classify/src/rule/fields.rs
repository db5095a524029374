//! Typed access to the members of a YAML mapping, with a diagnostic for whatever does not fit.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Object, Span};

/// What was wrong so far. Errors are counted so that a reader can tell whether the thing it read is whole.
#[derive(Default)]
pub(crate) struct Problems {
    pub(crate) list: Vec<Diagnostic>,
}

impl Problems {
    pub(crate) fn error(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.list.push(Diagnostic::error(span, message).with_help(help));
    }

    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }
}

/// A mapping of which each member is asked for by name.
pub(crate) struct Fields<'a> {
    object: &'a Object,
    pub(crate) span: Span,
    what: &'a str,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The members of `node`; `what` is what messages call it.
    pub(crate) fn of(node: &'a Node, what: &'a str, problems: &mut Problems) -> Option<Fields<'a>> {
        let Some(object) = node.as_object() else {
            let message = format!("{what} is {}, not a mapping", node.value.type_name());
            problems.error(node.span, message, "write `key: value` lines");
            return None;
        };
        Some(Fields { object, span: node.span, what, known: Vec::new() })
    }

    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.object.get(key).filter(|node| !node.is_null())
    }

    pub(crate) fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<Arc<str>> {
        let node = self.get(key)?;
        let Some(text) = node.as_str() else {
            let message = format!("`{key}` of {} is {}, not text", self.what, node.value.type_name());
            problems.error(node.span, message, "put it in quotes");
            return None;
        };
        Some(text.into())
    }

    pub(crate) fn required_text(&mut self, key: &'static str, problems: &mut Problems) -> Option<Arc<str>> {
        if self.get(key).is_none() {
            problems.error(self.span, format!("{} has no `{key}`", self.what), format!("add `{key}: ...`"));
            return None;
        }
        self.text(key, problems)
    }

    /// A whole number from `low` to `high`.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        (low, high): (i64, i64),
        problems: &mut Problems,
    ) -> Option<u32> {
        let node = self.get(key)?;
        let number = node.as_i64().filter(|number| (low..=high).contains(number));
        if number.is_none() {
            let message = format!("`{key}` of {} is not a whole number from {low} to {high}", self.what);
            problems.error(node.span, message, "change the number");
        }
        number.and_then(|number| u32::try_from(number).ok())
    }

    pub(crate) fn flag(&mut self, key: &'static str, problems: &mut Problems) -> bool {
        let Some(node) = self.get(key) else { return false };
        node.as_bool().unwrap_or_else(|| {
            let message = format!("`{key}` of {} is neither true nor false", self.what);
            problems.error(node.span, message, "write true or false");
            false
        })
    }

    /// One of the named values.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(T, &'static str)],
        problems: &mut Problems,
    ) -> Option<T> {
        let node = self.get(key)?;
        let name = node.as_str().unwrap_or_default();
        let found = choices.iter().find(|(_, known)| *known == name);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(_, known)| format!("`{known}`")).collect();
            let message = format!("`{key}` of {} has the unknown value `{name}`", self.what);
            problems.error(node.span, message, format!("use {}", names.join(", ")));
        }
        found.map(|(value, _)| *value)
    }

    /// A list; a single value stands for a list of one.
    pub(crate) fn items(&mut self, key: &'static str) -> &'a [Node] {
        match self.get(key) {
            None => &[],
            Some(node) => node.as_array().unwrap_or(std::slice::from_ref(node)),
        }
    }

    /// A list of texts; one text stands for a list of one.
    pub(crate) fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Arc<str>> {
        texts(self.items(key), &format!("`{key}` of {}", self.what), problems)
    }

    /// Members that nobody asked for, and where their names stand.
    pub(crate) fn others(self) -> Vec<(Arc<str>, Span)> {
        let unknown = |key: &str| !self.known.iter().any(|known| known.eq_ignore_ascii_case(key));
        let others = self.object.iter().filter(|member| unknown(&member.key));
        others.map(|member| (member.key.clone(), member.key_span)).collect()
    }

    /// Reports members that nobody asked for.
    pub(crate) fn finish(self, problems: &mut Problems) {
        for member in self.object.iter() {
            if !self.known.iter().any(|known| known.eq_ignore_ascii_case(&member.key)) {
                let message = format!("{} has no member `{}`", self.what, member.key);
                problems.error(
                    member.key_span,
                    message,
                    format!("its members are {}", self.known.join(", ")),
                );
            }
        }
    }
}

/// The texts of a list. Numbers are taken for texts, since `[911]` is easily written without quotes.
pub(crate) fn texts(items: &[Node], what: &str, problems: &mut Problems) -> Vec<Arc<str>> {
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        match (item.as_str(), item.as_i64()) {
            (Some(text), _) => texts.push(text.into()),
            (None, Some(number)) => texts.push(number.to_string().into()),
            (None, None) => {
                let message = format!("{what} holds {}, not text", item.value.type_name());
                problems.error(item.span, message, "put it in quotes");
            }
        }
    }
    texts
}
