//! Rules of task adherence, read from `content/shield/adherence.yaml`.

use std::collections::HashSet;
use std::sync::LazyLock;

use castellan_base::{Diagnostic, Limits, Node, Sources, Span, yaml};

use super::words::{Phrases, folded, words};

/// A kind of action that must have been asked for.
#[derive(Clone, Debug)]
pub struct Action {
    /// Unique.
    pub id: String,
    /// A request and a tool that it does not ask for.
    pub examples: Vec<Example>,
    /// A request and a tool that it asks for, or that does no such thing.
    pub counterexamples: Vec<Example>,
    pub(super) verbs: Phrases,
    pub(super) nouns: Phrases,
    pub(super) commands: Vec<String>,
    pub(super) asked: Phrases,
    pub(super) targets: Vec<String>,
}

/// A request and a tool that was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What the user said.
    pub request: String,
    /// The name of the tool.
    pub tool: String,
    /// Its arguments, as JSON.
    pub arguments: String,
}

/// All rules.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Actions, the gravest first.
    pub actions: Vec<Action>,
    pub(super) harmless: Phrases,
    pub(super) prohibitions: Phrases,
    pub(super) prohibitions_behind: Phrases,
    pub(super) exclusives: Phrases,
    pub(super) exclusive_to: Phrases,
    pub(super) limits: Phrases,
    pub(super) consents: Phrases,
    pub(super) referring: Phrases,
    pub(super) addressing: Phrases,
    pub(super) question_words: Phrases,
    pub(super) questions: Phrases,
    pub(super) articles: HashSet<String>,
    pub(super) amounts: HashSet<String>,
}

#[allow(clippy::expect_used)] // The rules are part of the program, and reading them is a test.
static PRODUCT: LazyLock<Rules> = LazyLock::new(|| {
    Rules::read("adherence.yaml", include_str!("../../../../content/shield/adherence.yaml"))
        .expect("the rules of the product can be read")
});

impl Rules {
    /// The rules of the product.
    pub fn product() -> &'static Rules {
        &PRODUCT
    }

    /// Reads rules from YAML. A fault is told with its place.
    pub fn read(name: &str, text: &str) -> Result<Rules, String> {
        let mut sources = Sources::default();
        let source = sources.add(name, text);
        let read = yaml::parse(text, source, &Limits::default()).and_then(|root| rules(&root));
        read.map_err(|problem| {
            let place = sources.locate(problem.span).map(|place| place.to_string()).unwrap_or_default();
            format!("{place}: {}", problem.message)
        })
    }
}

fn rules(root: &Node) -> Result<Rules, Diagnostic> {
    let actions = list(root, "actions")?.iter().map(action).collect::<Result<Vec<Action>, Diagnostic>>()?;
    Ok(Rules {
        actions,
        harmless: phrases(root, "harmless")?,
        prohibitions: phrases(root, "prohibitions")?,
        prohibitions_behind: phrases(root, "prohibitions_behind")?,
        exclusives: phrases(root, "exclusives")?,
        exclusive_to: phrases(root, "exclusive_to")?,
        limits: phrases(root, "limits")?,
        consents: phrases(root, "consents")?,
        referring: phrases(root, "referring")?,
        addressing: phrases(root, "addressing")?,
        question_words: phrases(root, "question_words")?,
        questions: phrases(root, "questions")?,
        articles: texts(root, "articles")?.into_iter().collect(),
        amounts: texts(root, "amounts")?.into_iter().collect(),
    })
}

fn action(node: &Node) -> Result<Action, Diagnostic> {
    let (examples, counterexamples) = (examples(node, "examples")?, examples(node, "counterexamples")?);
    if examples.is_empty() || counterexamples.is_empty() {
        return Err(fault(node.span, "an action needs an example and a counterexample"));
    }
    Ok(Action {
        id: text(node, "id")?,
        examples,
        counterexamples,
        verbs: phrases(node, "verbs")?,
        nouns: phrases(node, "nouns")?,
        commands: texts(node, "commands")?.iter().map(|command| folded(command)).collect(),
        asked: phrases(node, "asked")?,
        targets: texts(node, "targets")?,
    })
}

fn examples(node: &Node, key: &str) -> Result<Vec<Example>, Diagnostic> {
    let example = |node: &Node| {
        let arguments = node.get("arguments").and_then(Node::as_str).unwrap_or("{}").to_owned();
        Ok(Example { request: text(node, "request")?, tool: text(node, "tool")?, arguments })
    };
    list(node, key)?.iter().map(example).collect()
}

fn fault(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(span, message.into())
}

fn list<'a>(node: &'a Node, key: &str) -> Result<&'a [Node], Diagnostic> {
    node.get(key).and_then(Node::as_array).ok_or_else(|| fault(node.span, format!("`{key}` is not a list")))
}

fn text(node: &Node, key: &str) -> Result<String, Diagnostic> {
    let text = node.get(key).and_then(Node::as_str);
    text.map(str::to_owned).ok_or_else(|| fault(node.span, format!("`{key}` is not a text")))
}

fn texts(node: &Node, key: &str) -> Result<Vec<String>, Diagnostic> {
    let text =
        |item: &Node| item.text_or_symbol().map(str::to_owned).ok_or_else(|| fault(item.span, "not a text"));
    list(node, key)?.iter().map(text).collect()
}

/// Each text as its words.
fn phrases(node: &Node, key: &str) -> Result<Phrases, Diagnostic> {
    let phrases: Vec<Vec<String>> = texts(node, key)?.iter().map(|text| words(&folded(text))).collect();
    match phrases.iter().any(Vec::is_empty) {
        true => Err(fault(node.span, format!("an item of `{key}` has no word"))),
        false => Ok(Phrases::new(phrases)),
    }
}
