//! Reads rules from YAML.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use castellan_base::{Diagnostic, Limits, Node, Sources, Span, yaml};

use super::{Family, Rule, Rules};
use crate::attack::Subtype;

/// Most rules together.
const MOST_RULES: usize = 2000;

/// Reads files of rules, each with its name. A fault in one is told with its place, and nothing is returned.
pub fn read(files: &[(String, String)]) -> Result<Rules, Vec<String>> {
    let mut sources = Sources::default();
    let (mut families, mut rules, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for (name, text) in files {
        let source = sources.add(name.as_str(), text.as_str());
        let read = yaml::parse(text, source, &Limits::default()).and_then(|root| {
            family(&root, families.len()).map(|(family, found)| {
                families.push(family);
                rules.extend(found);
            })
        });
        if let Err(problem) = read {
            faults.push(told(&sources, &problem));
        }
    }
    if rules.len() > MOST_RULES {
        faults.push(format!("more than {MOST_RULES} rules"));
    }
    duplicates(&rules, &mut faults);
    for rule in &rules {
        rule.check(&mut faults);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    build(families, rules)
}

fn told(sources: &Sources, problem: &Diagnostic) -> String {
    let place = sources.locate(problem.span).map(|place| place.to_string()).unwrap_or_default();
    format!("{place}: {}", problem.message)
}

fn duplicates(rules: &[Rule], faults: &mut Vec<String>) {
    let mut ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    ids.sort_unstable();
    for pair in ids.windows(2) {
        if let [first, second] = pair
            && first == second
        {
            faults.push(format!("two rules are called `{first}`"));
        }
    }
}

fn build(families: Vec<Family>, rules: Vec<Rule>) -> Result<Rules, Vec<String>> {
    let mut owners = Vec::new();
    let mut words = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        for word in &rule.words {
            words.push(word.as_str());
            owners.push(index);
        }
    }
    let words = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&words);
    let words = words.map_err(|error| vec![error.to_string()])?;
    Ok(Rules { families, rules, words, owners })
}

fn family(root: &Node, index: usize) -> Result<(Family, Vec<Rule>), Diagnostic> {
    let subtype = text(root, "subtype")?;
    let subtype = Subtype::from_name(&subtype)
        .ok_or_else(|| fault(root.span, format!("`{subtype}` is no subtype of attack")))?;
    let family = Family { id: text(root, "family")?, subtype };
    let list = root
        .get("rules")
        .and_then(Node::as_array)
        .ok_or_else(|| fault(root.span, "`rules` is not a list"))?;
    let rules = list.iter().map(|node| rule(node, index)).collect::<Result<Vec<Rule>, Diagnostic>>()?;
    Ok((family, rules))
}

fn rule(node: &Node, family: usize) -> Result<Rule, Diagnostic> {
    let sources = texts(node, "sources")?;
    let weight =
        node.get("weight").and_then(Node::as_f64).ok_or_else(|| fault(node.span, "a rule needs `weight`"))?;
    for member in node.as_object().into_iter().flat_map(|object| object.iter()) {
        if !KEYS.contains(&&*member.key) {
            return Err(fault(node.span, format!("a rule has no `{}`", member.key)));
        }
    }
    #[allow(clippy::cast_possible_truncation)] // A weight of one or two digits.
    let weight = weight.clamp(0.0, 3.0) as f32;
    Ok(Rule {
        id: text(node, "id")?,
        family,
        weight,
        in_user: sources.is_empty() || sources.iter().any(|source| source == "user"),
        in_content: sources.is_empty() || sources.iter().any(|source| source == "content"),
        examples: texts(node, "examples")?,
        counterexamples: texts(node, "counterexamples")?,
        words: texts(node, "words")?.iter().map(|word| normalised(word)).collect(),
        pattern: node.get("pattern").and_then(Node::as_str).map(normalised),
        compiled: OnceLock::new(),
    })
}

/// Texts are matched without accents, so words and patterns lose theirs.
fn normalised(text: &str) -> String {
    crate::view::plain(text).text().to_owned()
}

const KEYS: [&str; 7] = ["id", "weight", "sources", "words", "pattern", "examples", "counterexamples"];

fn fault(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(span, message.into())
}

fn text(node: &Node, key: &str) -> Result<String, Diagnostic> {
    let text = node.get(key).and_then(Node::as_str);
    text.map(str::to_owned).ok_or_else(|| fault(node.span, format!("`{key}` is missing")))
}

fn texts(node: &Node, key: &str) -> Result<Vec<String>, Diagnostic> {
    let Some(list) = node.get(key) else { return Ok(Vec::new()) };
    let list = list.as_array().ok_or_else(|| fault(list.span, format!("`{key}` is not a list")))?;
    let text = |item: &Node| item.as_str().map(str::to_owned);
    list.iter().map(|item| text(item).ok_or_else(|| fault(item.span, "not a text"))).collect()
}

impl Rule {
    /// Says what is wrong with a rule by itself.
    fn check(&self, faults: &mut Vec<String>) {
        let mut say = |message: &str| faults.push(format!("rule `{}`: {message}", self.id));
        if self.words.is_empty() || self.words.iter().any(|word| word.len() < 2) {
            say("it needs `words`, each of two letters or more");
        }
        if self.words.iter().any(|word| super::find::lowered(word) != *word) {
            say("`words` are written in lower case");
        }
        if self.pattern.is_some() && self.regex().is_none() {
            say("its `pattern` is no regular expression");
        }
        if self.examples.is_empty() || self.counterexamples.is_empty() {
            say("it needs an example and a counterexample");
        }
    }
}
