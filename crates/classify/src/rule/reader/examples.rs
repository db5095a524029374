//! Examples and counterexamples in YAML.
//!
//! What an example must find stands between double braces, so that a text and its spans cannot drift apart. A text may
//! be a list of parts: a secret in two parts is not taken for a real one by whoever scans the repository.

use castellan_base::Node;

use crate::rule::Example;
use crate::rule::fields::{Fields, Problems, texts};

const HELP: &str = "mark what has to be found: `SSN {{123-45-6789}}`";

/// Reads both lists of a detector.
pub(super) fn examples(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<Example> {
    let mut examples = Vec::new();
    for (key, marked) in [("examples", true), ("counterexamples", false)] {
        for node in fields.items(key) {
            if let Some(example) = example(node, marked, problems) {
                examples.push(example);
            }
        }
    }
    examples
}

fn example(node: &Node, marked: bool, problems: &mut Problems) -> Option<Example> {
    let mut confidence = None;
    let text = match node.as_object() {
        None => joined(node.as_array().unwrap_or(std::slice::from_ref(node)), problems),
        Some(_) => {
            let mut fields = Fields::of(node, "the example", problems)?;
            let text = joined(fields.items("text"), problems);
            confidence = fields.number("confidence", (1, 100), problems);
            // Why a counterexample is none is for people only.
            fields.text("why", problems);
            fields.finish(problems);
            text
        }
    };
    let Some((text, spans)) = unmark(&text) else {
        problems.error(node.span, "`{{` and `}}` of the example do not pair", HELP);
        return None;
    };
    if text.is_empty() || spans.is_empty() == marked {
        let message = match marked {
            true => "the example marks nothing to find",
            false => "the counterexample is empty, or marks something to find",
        };
        problems.error(node.span, message, HELP);
        return None;
    }
    let confidence = confidence.and_then(|number| u8::try_from(number).ok());
    Some(Example { text: text.into(), spans, confidence, span: node.span })
}

fn joined(nodes: &[Node], problems: &mut Problems) -> String {
    texts(nodes, "the text", problems).concat()
}

/// Takes the marks out of a text and says which byte ranges they held.
fn unmark(marked: &str) -> Option<(String, Vec<(usize, usize)>)> {
    let mut text = String::with_capacity(marked.len());
    let mut spans = Vec::new();
    let mut rest = marked;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, remaining) = after.split_once("}}")?;
        text.push_str(before);
        spans.push((text.len(), text.len() + inside.len()));
        text.push_str(inside);
        rest = remaining;
    }
    text.push_str(rest);
    Some((text, spans))
}

#[cfg(test)]
mod tests {
    use super::unmark;

    #[test]
    fn marks_become_spans() {
        assert_eq!(unmark("a {{b}} c {{de}}"), Some(("a b c de".into(), vec![(2, 3), (6, 8)])));
        assert_eq!(unmark("nothing }} here"), Some(("nothing }} here".into(), vec![])));
        assert_eq!(unmark("a {{b"), None);
    }
}
