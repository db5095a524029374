//! The mapping, as it stands in `content/genai`.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value};

const ATTRIBUTES: &str = include_str!("../../../../content/genai/attributes.jsonl");
const EVENTS: &str = include_str!("../../../../content/genai/events.jsonl");

/// Which attribute fills which column, under which conditions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name of the attribute; one that ends in `.*` stands for all below.
    pub attribute: String,
    /// `TABLE.COLUMN`; empty for a mere sign.
    #[serde(default)]
    pub column: String,
    /// How the value becomes one of the column.
    #[serde(default)]
    pub form: Form,
    /// Conditions that all hold.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// The member of an object in text that is meant.
    #[serde(default)]
    pub member: Option<String>,
    /// Texts by value.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// Segments of a flattened name that are left out.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Whether the attribute holds content.
    #[serde(default)]
    pub moves: bool,
    /// Whether the attribute is no sign of GenAI itself.
    #[serde(default)]
    pub weak: bool,
    /// Attributes that fill the column.
    pub positive: Map<String, Value>,
    /// What they fill it with.
    #[serde(default)]
    pub gives: Value,
    /// Attributes that do not fill it so.
    pub negative: Map<String, Value>,
    /// The place of the column among those of its table; `None` for bags and signs.
    #[serde(skip)]
    pub(crate) slot: Option<usize>,
}

/// How a value becomes one of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A text as it is; any other value as JSON.
    #[default]
    Text,
    /// A whole number.
    Long,
    /// A finite number.
    Real,
    /// An array; a single value becomes one of one.
    Array,
    /// Flattened attributes put together again, as JSON in a text.
    List,
    /// Kept under its own name in a dynamic column.
    Bag,
}

/// A condition on the attributes of a record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Condition {
    /// The attribute is there.
    Has(String),
    /// It is not.
    Lacks(String),
    /// It is there and has the text.
    Is(String, String),
    /// It is absent or has another.
    IsNot(String, String),
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(text: String) -> Result<Condition, String> {
        let pair = |sign: &str| text.split_once(sign).map(|(key, value)| (key.to_owned(), value.to_owned()));
        let condition = if let Some((key, value)) = pair("!=") {
            Condition::IsNot(key, value)
        } else if let Some((key, value)) = pair("=") {
            Condition::Is(key, value)
        } else if let Some(key) = text.strip_prefix('!') {
            Condition::Lacks(key.to_owned())
        } else {
            Condition::Has(text.clone())
        };
        let (Condition::Has(key) | Condition::Lacks(key) | Condition::Is(key, _) | Condition::IsNot(key, _)) =
            &condition;
        if key.is_empty() { Err(format!("`{text}` names no attribute")) } else { Ok(condition) }
    }
}

/// Which event fills which column with its body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRule {
    /// Name of the event.
    pub event: String,
    /// `TABLE.COLUMN` for the body; empty where only attributes count.
    #[serde(default)]
    pub column: String,
    /// The role of a message that names none.
    #[serde(default)]
    pub role: String,
    /// Attributes that hold the body where the event has none, as span events do.
    #[serde(default)]
    pub body: Vec<String>,
    /// When the event gets a row in `ASimAgentEventLogs`.
    #[serde(default)]
    pub agent: Agent,
    /// `EventType` of that row.
    #[serde(default)]
    pub event_type: String,
    /// A body that fills the column.
    pub positive: Value,
    /// What it fills it with.
    #[serde(default)]
    pub gives: Value,
    /// The name of an event that does not.
    pub negative: String,
}

/// When an event is one of its own in `ASimAgentEventLogs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agent {
    /// A span tells it.
    #[default]
    Never,
    /// No span tells it.
    Always,
    /// Where it names no span that would.
    WithoutSpan,
}

/// Content that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of {file}: {reason}")]
pub struct RulesError {
    /// Which file of `content/genai`.
    pub file: &'static str,
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// The mapping, prepared for looking up.
#[derive(Debug, Default)]
pub struct Rules {
    all: Vec<Rule>,
    events: HashMap<String, EventRule>,
    exact: HashMap<String, Vec<usize>>,
    /// Prefixes with their dots, and the rules of each.
    prefixes: Vec<(String, Vec<usize>)>,
    /// First segments of the prefixes, to pass by what cannot have one.
    roots: Vec<String>,
    columns: Vec<String>,
}

impl Rules {
    /// What is compiled in.
    pub fn built_in() -> &'static Rules {
        static RULES: OnceLock<Rules> = OnceLock::new();
        // A test reads every line; faulty content would leave no rules at all.
        RULES.get_or_init(|| Rules::parse(ATTRIBUTES, EVENTS).unwrap_or_default())
    }

    /// Reads the two files.
    ///
    /// # Errors
    ///
    /// The first line that is not of their form.
    pub fn parse(attributes: &str, events: &str) -> Result<Rules, RulesError> {
        let mut rules = Rules::default();
        for (line, text) in lines(attributes) {
            let error = |reason| RulesError { file: "attributes.jsonl", line, reason };
            let rule: Rule = serde_json::from_str(text).map_err(|reason| error(reason.to_string()))?;
            rules.add(rule).map_err(error)?;
        }
        for (line, text) in lines(events) {
            let error = |reason: String| RulesError { file: "events.jsonl", line, reason };
            let rule: EventRule = serde_json::from_str(text).map_err(|reason| error(reason.to_string()))?;
            if rules.events.insert(rule.event.clone(), rule).is_some() {
                return Err(error("the event was there before".to_owned()));
            }
        }
        Ok(rules)
    }

    fn add(&mut self, mut rule: Rule) -> Result<(), String> {
        let known = ["", "AppGenAIContent.", "ASimAgentEventLogs."];
        if !rule.column.is_empty() && !known.iter().skip(1).any(|table| rule.column.starts_with(table)) {
            return Err(format!("`{}` is not in one of the two tables of GenAI", rule.column));
        }
        let flattened = rule.attribute.strip_suffix('*');
        if flattened.is_some() != (rule.form == Form::List || (rule.form == Form::Bag && flattened.is_some()))
        {
            return Err("`list` is the form of attributes that end in `.*`".to_owned());
        }
        if rule.moves && !rule.column.starts_with("AppGenAIContent.") {
            return Err("content moves to `AppGenAIContent` alone".to_owned());
        }
        if rule.form != Form::Bag && !rule.column.is_empty() {
            rule.slot = Some(match self.columns.iter().position(|column| *column == rule.column) {
                Some(slot) => slot,
                None => {
                    self.columns.push(rule.column.clone());
                    self.columns.len() - 1
                }
            });
        }
        let place = self.all.len();
        if let Some(prefix) = flattened {
            let root = prefix.split('.').next().unwrap_or_default().to_owned();
            if !self.roots.contains(&root) {
                self.roots.push(root);
            }
            match self.prefixes.iter_mut().find(|(known, _)| known == prefix) {
                Some((_, rules)) => rules.push(place),
                None => self.prefixes.push((prefix.to_owned(), vec![place])),
            }
        } else {
            self.exact.entry(rule.attribute.clone()).or_default().push(place);
        }
        self.all.push(rule);
        Ok(())
    }

    /// All rules for attributes, in the order in which they count.
    pub fn attributes(&self) -> &[Rule] {
        &self.all
    }

    /// All rules for events.
    pub fn events(&self) -> impl Iterator<Item = &EventRule> {
        self.events.values()
    }

    pub(crate) fn event(&self, name: &str) -> Option<&EventRule> {
        self.events.get(name)
    }

    pub(crate) fn rule(&self, place: usize) -> Option<&Rule> {
        self.all.get(place)
    }

    /// Columns in the order of their slots.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Rules for the attribute of a name, and what of the name is below a prefix.
    pub(crate) fn of<'k>(&self, key: &'k str) -> Option<(&[usize], Option<&'k str>)> {
        if let Some(rules) = self.exact.get(key) {
            return Some((rules, None));
        }
        let root = key.split('.').next().unwrap_or_default();
        if !self.roots.iter().any(|known| known == root) {
            return None;
        }
        let below = |prefix: &str| key.strip_prefix(prefix).filter(|rest| !rest.is_empty());
        self.prefixes.iter().find_map(|(prefix, rules)| Some((rules.as_slice(), Some(below(prefix)?))))
    }
}

/// Lines with their numbers; empty ones and those that begin with `#` count for nothing.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(line, text)| (line + 1, text.trim()))
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
}
