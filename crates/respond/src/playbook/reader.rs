//! Taking members out of a positioned document. What is missing or of the wrong type is told with its place.

use castellan_base::{Diagnostic, Node, Object, Span, Ticks, Value};

/// Gathers what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A member by its exact name: CACAO tells upper case from lower.
pub(crate) fn member<'n>(object: &'n Object, key: &str) -> Option<&'n Node> {
    object.iter().find(|member| &*member.key == key).map(|member| &member.value)
}

impl Reader {
    pub(crate) fn error(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(span, message).with_help(help));
    }

    pub(crate) fn warning(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::warning(span, message).with_help(help));
    }

    pub(crate) fn object<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n Object> {
        let object = node.as_object();
        if object.is_none() {
            let found = node.value.type_name();
            self.error(node.span, format!("{what} has to be an object, not {found}"), "");
        }
        object
    }

    pub(crate) fn text_of(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            Value::String(text) => Some(text.to_string()),
            other => {
                let message = format!("{what} has to be a text, not {}", other.type_name());
                self.error(node.span, message, "put the value in quotes");
                None
            }
        }
    }

    pub(crate) fn text(&mut self, object: &Object, key: &str) -> Option<String> {
        let node = member(object, key)?;
        self.text_of(node, &format!("`{key}`"))
    }

    pub(crate) fn required(&mut self, object: &Object, key: &str, span: Span) -> Option<String> {
        if member(object, key).is_none() {
            self.error(span, format!("`{key}` is missing"), format!("add `{key}`"));
        }
        self.text(object, key)
    }

    pub(crate) fn flag(&mut self, object: &Object, key: &str) -> Option<bool> {
        let node = member(object, key)?;
        let flag = node.as_bool();
        if flag.is_none() {
            self.error(node.span, format!("`{key}` has to be true or false"), "");
        }
        flag
    }

    /// A whole number within bounds.
    pub(crate) fn whole(&mut self, object: &Object, key: &str, least: u64, most: u64) -> Option<u64> {
        let node = member(object, key)?;
        let number = node.as_i64().and_then(|number| u64::try_from(number).ok());
        let fitting = number.filter(|number| (least..=most).contains(number));
        if fitting.is_none() {
            self.error(node.span, format!("`{key}` has to be a whole number from {least} to {most}"), "");
        }
        fitting
    }

    pub(crate) fn texts(&mut self, object: &Object, key: &str) -> Vec<String> {
        let Some(node) = member(object, key) else { return Vec::new() };
        let Some(items) = node.as_array() else {
            self.error(node.span, format!("`{key}` has to be a list of texts"), "");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.text_of(item, &format!("each of `{key}`"))).collect()
    }

    pub(crate) fn time(&mut self, object: &Object, key: &str) -> Option<Ticks> {
        let node = member(object, key)?;
        let text = self.text_of(node, &format!("`{key}`"))?;
        let time = text.parse::<Ticks>().ok().filter(|_| text.ends_with('Z'));
        if time.is_none() {
            self.error(node.span, format!("`{text}` is no time of CACAO"), "write 2026-11-21T10:00:00.000Z");
        }
        time
    }

    /// Tells members that nothing here knows, which are kept but do nothing.
    pub(crate) fn known(&mut self, object: &Object, what: &str, known: &[&str]) {
        for member in object.iter().filter(|member| !known.contains(&&*member.key)) {
            let message = format!("`{}` is no property of {what}", member.key);
            self.warning(member.key_span, message, "it is kept and has no effect; check the spelling");
        }
    }
}

/// Tells members that a document has twice: what is signed must not be read in two ways.
pub(crate) fn repeated(node: &Node, reader: &mut Reader) {
    match &node.value {
        Value::Array(items) => items.iter().for_each(|item| repeated(item, reader)),
        Value::Object(object) => {
            let mut seen = std::collections::BTreeSet::new();
            for member in object.iter() {
                if !seen.insert(&*member.key) {
                    let message = format!("`{}` stands here twice", member.key);
                    reader.error(member.key_span, message, "remove one of the two");
                }
                repeated(&member.value, reader);
            }
        }
        _ => {}
    }
}
