//! Reading members of a YAML object into plain types, with a positioned diagnostic for each that does not fit.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Object};

/// An object being read. Remembers which members were asked for, so that misspelt ones can be reported.
pub(crate) struct Reader<'a> {
    object: &'a Object,
    node: &'a Node,
    known: Vec<&'static str>,
    diagnostics: &'a mut Vec<Diagnostic>,
    failed: bool,
}

impl<'a> Reader<'a> {
    /// `None`, and a diagnostic, when `node` is no object.
    pub(crate) fn new(
        node: &'a Node,
        what: &str,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Option<Reader<'a>> {
        let Some(object) = node.as_object() else {
            let message = format!("{what} has to be an object, not {}", node.value.type_name());
            diagnostics.push(Diagnostic::error(node.span, message));
            return None;
        };
        Some(Reader { object, node, known: Vec::new(), diagnostics, failed: false })
    }

    /// Reports a fault at `node`; the object will not be used.
    pub(crate) fn fail(&mut self, node: &Node, message: impl Into<String>) {
        self.failed = true;
        self.diagnostics.push(Diagnostic::error(node.span, message));
    }

    pub(crate) fn diagnostics(&mut self) -> &mut Vec<Diagnostic> {
        self.diagnostics
    }

    /// A member, unless it is absent or null.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.object.get(key).filter(|node| !node.is_null())
    }

    pub(crate) fn required(&mut self, key: &'static str) -> Option<&'a Node> {
        let found = self.optional(key);
        if found.is_none() {
            self.fail(self.node, format!("`{key}` is missing"));
        }
        found
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Arc<str> {
        let node = self.required(key);
        node.and_then(|node| self.as_text(key, node)).unwrap_or_default()
    }

    pub(crate) fn optional_text(&mut self, key: &'static str) -> Option<Arc<str>> {
        let node = self.optional(key)?;
        self.as_text(key, node)
    }

    /// A list of texts; absent is empty.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<(Arc<str>, &'a Node)> {
        let items = self.list(key);
        items.iter().filter_map(|item| Some((self.as_text(key, item)?, item))).collect()
    }

    /// The items of a list; absent is empty.
    pub(crate) fn list(&mut self, key: &'static str) -> &'a [Node] {
        let Some(node) = self.optional(key) else { return &[] };
        if node.as_array().is_none() {
            self.fail(node, format!("`{key}` has to be a list, not {}", node.value.type_name()));
        }
        node.as_array().unwrap_or(&[])
    }

    /// A list, or one value in place of a list of one.
    pub(crate) fn one_or_more(&mut self, key: &'static str) -> &'a [Node] {
        match self.optional(key) {
            None => &[],
            Some(node) => node.as_array().unwrap_or(std::slice::from_ref(node)),
        }
    }

    pub(crate) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        let Some(node) = self.optional(key) else { return default };
        node.as_bool().unwrap_or_else(|| {
            self.fail(node, format!("`{key}` has to be true or false"));
            default
        })
    }

    pub(crate) fn whole_number(&mut self, key: &'static str) -> u32 {
        let Some(node) = self.required(key) else { return 0 };
        node.as_i64().and_then(|number| u32::try_from(number).ok()).unwrap_or_else(|| {
            self.fail(node, format!("`{key}` has to be a whole number that is not negative"));
            0
        })
    }

    /// A member that is one of a set of words.
    pub(crate) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let node = self.required(key)?;
        self.as_word(key, node, words)
    }

    pub(crate) fn as_word<T: Copy>(
        &mut self,
        key: &str,
        node: &Node,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = node.as_str().unwrap_or_default();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.fail(node, format!("`{text}` is no {key}; known are {}", known.join(", ")));
        }
        found
    }

    fn as_text(&mut self, key: &str, node: &Node) -> Option<Arc<str>> {
        match node.as_str() {
            Some(text) if !text.trim().is_empty() => Some(text.trim().into()),
            _ => {
                self.fail(node, format!("`{key}` has to be a text, not {}", node.value.type_name()));
                None
            }
        }
    }

    /// Reports members that nobody asked for. False when the object cannot be used.
    pub(crate) fn finish(mut self) -> bool {
        let unknown: Vec<&castellan_base::Member> = self
            .object
            .iter()
            .filter(|member| !self.known.iter().any(|known| known.eq_ignore_ascii_case(&member.key)))
            .collect();
        for member in unknown {
            self.failed = true;
            let message = format!("`{}` is no known member here", member.key);
            let help = format!("known are {}", self.known.join(", "));
            self.diagnostics.push(Diagnostic::error(member.key_span, message).with_help(help));
        }
        !self.failed
    }
}
