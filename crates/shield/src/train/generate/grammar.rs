//! Context-free grammars that are data, expanded at random.

use std::collections::BTreeMap;

use castellan_base::{Diagnostic, Limits, Node, Sources, Span, yaml};

use super::Pools;
use crate::model::random::Random;
use crate::train::corpus::Text;

/// Deepest nesting of rules.
const DEEPEST: usize = 8;

/// One grammar.
#[derive(Clone, Debug)]
pub struct Grammar {
    id: String,
    kind: String,
    user: Option<bool>,
    document: Option<bool>,
    subtype: Option<String>,
    /// Subtypes of texts whose start uses a rule, by rule.
    subtypes: BTreeMap<String, String>,
    count: usize,
    start: Vec<String>,
    rules: BTreeMap<String, Vec<String>>,
}

/// Reads a file of grammars.
pub fn read(name: &str, text: &str) -> Result<Vec<Grammar>, Diagnostic> {
    let mut sources = Sources::default();
    let source = sources.add(name, text);
    let root = yaml::parse(text, source, &Limits::default())?;
    let list = root
        .get("grammars")
        .and_then(Node::as_array)
        .ok_or_else(|| fault(&root, "`grammars` is not a list"))?;
    list.iter().map(grammar).collect()
}

fn fault(node: &Node, message: &str) -> Diagnostic {
    Diagnostic::error(node.span, message)
}

fn grammar(node: &Node) -> Result<Grammar, Diagnostic> {
    let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let needed = |key: &str| text(key).ok_or_else(|| fault(node, &format!("a grammar needs `{key}`")));
    let mut rules = BTreeMap::new();
    for member in node.get("rules").and_then(Node::as_object).into_iter().flat_map(|object| object.iter()) {
        rules.insert(member.key.to_string(), texts(&member.value)?);
    }
    let mut subtypes = BTreeMap::new();
    for member in node.get("subtypes").and_then(Node::as_object).into_iter().flat_map(|object| object.iter())
    {
        let subtype = member.value.as_str().ok_or_else(|| fault(&member.value, "a subtype is a name"))?;
        subtypes.insert(member.key.to_string(), subtype.to_owned());
    }
    let grammar = Grammar {
        subtypes,
        id: needed("id")?,
        kind: needed("kind")?,
        user: node.get("user").and_then(Node::as_bool),
        document: node.get("document").and_then(Node::as_bool),
        subtype: text("subtype"),
        count: node
            .get("count")
            .and_then(Node::as_i64)
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(100),
        start: texts(node.get("start").ok_or_else(|| fault(node, "a grammar needs `start`"))?)?,
        rules,
    };
    grammar.check(node.span)?;
    Ok(grammar)
}

fn texts(node: &Node) -> Result<Vec<String>, Diagnostic> {
    let list = node.as_array().ok_or_else(|| fault(node, "a rule is a list of texts"))?;
    let text = |item: &Node| item.as_str().map(str::to_owned).ok_or_else(|| fault(item, "not a text"));
    list.iter().map(text).collect()
}

/// Names that are filled from the corpora.
const POOLS: [&str; 3] = ["harmful", "request", "passage"];

impl Grammar {
    /// Every name in braces is a rule of the grammar or a pool; other braces are text.
    fn check(&self, span: Span) -> Result<(), Diagnostic> {
        let known = |name: &str| POOLS.contains(&name) || self.rules.contains_key(name);
        for alternative in self.start.iter().chain(self.rules.values().flatten()) {
            if let Some(name) = names(alternative).find(|name| !known(name)) {
                return Err(Diagnostic::error(
                    span,
                    format!("`{}` uses `{{{name}}}`, which is no rule", self.id),
                ));
            }
        }
        Ok(())
    }

    /// The texts that the grammar makes, without repetition.
    pub fn texts(&self, pools: &Pools, seed: u64) -> Vec<Text> {
        let mut random = Random::named(seed ^ u64::try_from(pools.fold).unwrap_or(0), &self.id);
        let mut made: Vec<(String, Option<String>)> = (0..self.count / super::super::folds::FOLDS)
            .map(|_| {
                let mut text = String::new();
                let start = random.pick(&self.start).map_or("", String::as_str);
                self.expand(start, pools, &mut random, 0, &mut text);
                let of_start = names(start).find_map(|name| self.subtypes.get(name));
                (text.trim().to_owned(), of_start.or(self.subtype.as_ref()).cloned())
            })
            .collect();
        made.sort();
        made.dedup_by(|first, second| first.0 == second.0);
        made.into_iter().map(|(text, subtype)| Text { subtype, ..self.text(text, pools.fold) }).collect()
    }

    fn text(&self, text: String, fold: usize) -> Text {
        Text {
            text,
            origin: format!("grammar {}", self.id),
            licence: "Apache-2.0".to_owned(),
            user: self.user,
            document: self.document,
            kind: self.kind.clone(),
            subtype: self.subtype.clone(),
            span: None,
            held_out: false,
            fold,
        }
    }

    fn expand(&self, template: &str, pools: &Pools, random: &mut Random, depth: usize, out: &mut String) {
        let mut rest = template;
        while let Some((before, name, after)) = next_name(rest) {
            out.push_str(before);
            match name {
                "harmful" => out.push_str(pools.a_harmful(random)),
                "request" => out.push_str(pools.a_request(random)),
                "passage" => out.push_str(pools.a_passage(random)),
                _ => {
                    let chosen =
                        self.rules.get(name).and_then(|rule| random.pick(rule)).map_or("", String::as_str);
                    if depth < DEEPEST {
                        self.expand(chosen, pools, random, depth + 1, out);
                    }
                }
            }
            rest = after;
        }
        out.push_str(rest);
    }
}

/// The text before the first name in braces, the name, and the text after it.
fn next_name(template: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + template.get(from..)?.find('{')?;
        let inner = template.get(open + 1..)?;
        let length = inner.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))?;
        if length > 0 && inner.get(length..)?.starts_with('}') {
            return Some((template.get(..open)?, inner.get(..length)?, inner.get(length + 1..)?));
        }
        from = open + 1;
    }
}

fn names(template: &str) -> impl Iterator<Item = &str> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let (_, name, after) = next_name(rest)?;
        rest = after;
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, expected: &[&str]) {
        let grammars = read("test.yaml", yaml).unwrap();
        let texts = grammars[0].texts(&Pools::default(), 1);
        assert_eq!(texts.iter().map(|text| text.text.as_str()).collect::<Vec<&str>>(), expected);
    }

    #[test]
    fn expands_rules_and_keeps_other_braces() {
        check(
            "grammars: [{ id: a, kind: k, count: 60, start: ['{x} { y } {z'], rules: { x: ['{w}!'], w: [hi, ho] } }]",
            &["hi! { y } {z", "ho! { y } {z"],
        );
    }

    #[test]
    fn an_unknown_name_is_a_fault() {
        let fault = read("test.yaml", "grammars: [{ id: a, kind: k, start: ['{nothing}'] }]").unwrap_err();
        assert!(fault.message.contains("`{nothing}`"), "{}", fault.message);
    }
}
