//! Reads registries and lists of recognisers.

use castellan_base::{Diagnostic, Node};

use crate::exchange::presidio::custom::{self, Flags};
use crate::exchange::presidio::predefined::{Taking, entities};
use crate::rule::Rules;
use crate::rule::fields::{Fields, Problems};

/// Most recognisers of a file.
const MOST: usize = 10_000;
/// The flags of `re` that Presidio sets: `i`, `m` and `s`.
const FLAGS: u32 = 26;
/// Members of a document that hold recognisers.
pub(super) const LISTS: [&str; 3] = ["recognizers", "ad_hoc_recognizers", "recognizer_registry"];

/// Reads a document.
pub(super) fn read(document: &Node, known: &Rules) -> (Rules, Vec<Diagnostic>) {
    let mut reader =
        Reader { rules: Rules::default(), problems: Problems::default(), taking: Taking::new(known) };
    reader.document(document);
    (reader.rules, reader.problems.list)
}

struct Reader<'a> {
    rules: Rules,
    problems: Problems,
    taking: Taking<'a>,
}

impl Reader<'_> {
    fn document(&mut self, document: &Node) {
        let default = Flags::new(FLAGS).unwrap_or_default();
        if document.as_array().is_some() || !is_registry(document) {
            let one = std::slice::from_ref(document);
            return self.recognisers(document.as_array().unwrap_or(one), default);
        }
        let Some(mut fields) = Fields::of(document, "the file", &mut self.problems) else { return };
        if let Some(registry) = fields.get("recognizer_registry") {
            return self.document(registry);
        }
        let mut flags = default;
        if let Some(number) = fields.number("global_regex_flags", (0, 1 << 20), &mut self.problems) {
            match Flags::new(number) {
                Ok(known) => flags = known,
                Err(reason) => {
                    let span = fields.get("global_regex_flags").map_or(document.span, |node| node.span);
                    let help = "26 is what Presidio uses";
                    return self.problems.error(span, reason, help);
                }
            }
        }
        if let Some(countries) = fields.get("supported_countries") {
            let message = "`supported_countries` is not read: recognisers of all countries are";
            self.problems.list.push(Diagnostic::warning(countries.span, message));
        }
        for key in LISTS {
            self.recognisers(fields.items(key), flags);
        }
    }

    fn recognisers(&mut self, nodes: &[Node], flags: Flags) {
        if let Some(beyond) = nodes.get(MOST) {
            let message = format!("the file has {} recognisers; only the first {MOST} are read", nodes.len());
            self.problems.error(beyond.span, message, "part it into several");
        }
        for node in nodes.iter().take(MOST) {
            match node.as_str() {
                Some(class) => self.predefined(node, class, None),
                None => self.recogniser(node, flags),
            }
        }
    }

    fn recogniser(&mut self, node: &Node, flags: Flags) {
        let Some(mut fields) = Fields::of(node, "the recogniser", &mut self.problems) else { return };
        let Some(name) = fields.text("name", &mut self.problems).or_else(|| {
            // A recogniser that comes with a request may have an entity alone.
            fields.text("supported_entity", &mut self.problems)
        }) else {
            return self.problems.error(node.span, "the recogniser has no `name`", "give it one");
        };
        if fields.get("enabled").and_then(Node::as_bool) == Some(false) {
            return;
        }
        let class = fields.text("class_name", &mut self.problems);
        let made = fields.get("patterns").is_some() || fields.get("deny_list").is_some();
        let is_custom = match fields.text("type", &mut self.problems).as_deref() {
            Some("custom") => true,
            Some("predefined") => false,
            None => class.is_none() && (made || entities(&name).is_none()),
            Some(other) => {
                let message = format!("the recogniser `{name}` is left out: its type `{other}` is not known");
                return self.problems.error(node.span, message, "write `custom` or `predefined`");
            }
        };
        if !is_custom {
            let entity = fields.text("supported_entity", &mut self.problems);
            return self.predefined(node, class.as_deref().unwrap_or(&name), entity.as_deref());
        }
        if let Some(problem) =
            custom::recogniser(node, &name, flags, &mut self.rules, &mut self.problems).err()
        {
            let (span, reason, help) = problem;
            let message = format!("the recogniser `{name}` is left out: {reason}");
            self.problems.error(span, message, help);
        }
    }

    /// Takes over what stands for a recogniser of Presidio's.
    fn predefined(&mut self, node: &Node, class: &str, entity: Option<&str>) {
        let Some(known) = entities(class) else {
            let message = format!("the recogniser `{class}` is left out: Presidio brings none of this name");
            let help = "`type: custom` with `patterns` or a `deny_list` makes one";
            return self.problems.error(node.span, message, help);
        };
        let known = entity.as_ref().map_or(known, std::slice::from_ref);
        if known.is_empty() {
            let message = format!("the recogniser `{class}` is left out: a model decides what it finds");
            let help = "name an entity with `supported_entity` to have what stands for it here";
            self.problems.list.push(Diagnostic::warning(node.span, message).with_help(help));
        }
        let missing: Vec<String> = known
            .iter()
            .filter(|entity| !self.taking.entity(entity, &mut self.rules))
            .map(|entity| format!("`{entity}`"))
            .collect();
        if !missing.is_empty() {
            let message = format!("nothing here stands for {} of `{class}`", missing.join(", "));
            let help = "write a detector with `presidio: ...`; content/detectors/README.md says how";
            self.problems.list.push(Diagnostic::warning(node.span, message).with_help(help));
        }
    }
}

fn is_registry(document: &Node) -> bool {
    document.as_object().is_some_and(|object| LISTS.iter().any(|key| object.get(key).is_some()))
}
