//! Elements in YAML.

use std::sync::Arc;

use castellan_base::Node;

use crate::rule::fields::{Fields, Problems, texts};
use crate::rule::reader::checks;
use crate::rule::{Boundary, Dictionary, Element, ElementKind, KeywordGroup, MatchStyle, Term};

/// Longest match that a rule may allow, in bytes.
const LONGEST: i64 = 32_768;
/// Longest term, in bytes.
const LONGEST_TERM: usize = 256;

const STYLES: [(MatchStyle, &str); 2] = [(MatchStyle::Word, "word"), (MatchStyle::String, "string")];
const CASES: [(bool, &str); 2] = [(true, "sensitive"), (false, "insensitive")];

/// Reads one element; `None` when it has a fault, which is then in `problems`.
pub(super) fn element(name: Arc<str>, node: &Node, problems: &mut Problems) -> Option<Element> {
    let before = problems.count();
    let what = format!("element `{name}`");
    let mut fields = Fields::of(node, &what, problems)?;
    let kind = kind(&mut fields, problems);
    let boundary = fields.choice("boundary", &Boundary::ALL, problems).unwrap_or(Boundary::Word);
    let element = Element {
        boundary,
        max_length: fields.number("max_length", (1, LONGEST), problems),
        checks: checks::checks(fields.items("checks"), problems),
        function: fields.text("function", problems),
        slow: fields.flag("slow", problems),
        span: node.span,
        kind: kind?,
        name,
    };
    fields.finish(problems);
    (problems.count() == before).then_some(element)
}

fn kind(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<ElementKind> {
    let kinds = ["regex", "keywords", "groups", "dictionary"].map(|key| fields.get(key));
    match kinds {
        [Some(_), None, None, None] => Some(ElementKind::Regex { pattern: fields.text("regex", problems)? }),
        [None, Some(_), None, None] => {
            Some(ElementKind::Keywords { groups: vec![group(fields, "keywords", problems)] })
        }
        [None, None, Some(groups), None] => {
            let nodes = groups.as_array().unwrap_or(std::slice::from_ref(groups));
            let mut list = Vec::new();
            for node in nodes {
                let mut part = Fields::of(node, "the group", problems)?;
                list.push(group(&mut part, "terms", problems));
                part.finish(problems);
            }
            Some(ElementKind::Keywords { groups: list })
        }
        [None, None, None, Some(_)] => Some(ElementKind::Dictionary(Dictionary {
            list: fields.text("dictionary", problems)?,
            capitalised: fields.flag("capitalised", problems),
            follow: fields
                .number("follow", (0, 8), problems)
                .and_then(|number| u8::try_from(number).ok())
                .unwrap_or(0),
        })),
        _ => {
            let message = "the element needs exactly one of `regex`, `keywords`, `groups` and `dictionary`";
            problems.error(fields.span, message, "content/detectors/README.md shows each of them");
            None
        }
    }
}

fn group(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems) -> KeywordGroup {
    let style = fields.choice("match", &STYLES, problems).unwrap_or(MatchStyle::Word);
    let case_sensitive = fields.choice("case", &CASES, problems).unwrap_or(false);
    let span = fields.get(key).map_or(fields.span, |node| node.span);
    let mut terms = Vec::new();
    for text in texts(fields.items(key), "the list of terms", problems) {
        let has_word = text.chars().any(char::is_alphanumeric);
        if text.trim() != &*text || text.is_empty() || text.len() > LONGEST_TERM {
            let message =
                format!("`{text}` is empty, longer than {LONGEST_TERM} bytes, or has blanks at its ends");
            problems.error(span, message, "change or remove the term");
        } else if style == MatchStyle::Word && !has_word {
            problems.error(span, format!("`{text}` has no letter or digit"), "use `match: string` for it");
        } else {
            terms.push(Term { text, case_sensitive });
        }
    }
    if terms.is_empty() {
        problems.error(span, "the list has no terms", "add terms, or remove the list");
    }
    KeywordGroup { style, terms }
}
