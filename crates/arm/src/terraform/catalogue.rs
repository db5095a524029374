//! The tables that say where Resource Manager has what an `azurerm_*` resource declares.
//!
//! They are data (`data/terraform/*.yaml`), one entry for each type of the provider:
//!
//! ```yaml
//! azurerm_cognitive_deployment:
//!   type: Microsoft.CognitiveServices/accounts/deployments
//!   api: "2025-06-01"
//!   parent: [cognitive_account_id]       # where it stands; see below
//!   attributes:
//!     rai_policy_name: properties.raiPolicyName
//!     version_upgrade_option: {to: properties.versionUpgradeOption, default: OnceNewDefaultVersionAvailable}
//!     model: {to: properties.model, block: {format: format, name: name, version: version}}
//!   example: {input: {...}, output: {...}}
//! ```
//!
//! *Place*: `in: subscription` or `in: tenant` (a resource group when silent); `parent` names the attributes that hold
//! the parent's id, `names` those that hold the parents' names; `via` names fixed segments in between; `extends` is for
//! extension resources and `patch` for types that only change the resource that the attribute names. `name` is the
//! attribute with the name (`name` when silent), or a constant after `=`.
//!
//! *Attributes*: `old|new` gives both names of a renamed attribute; a second name that no attribute has maps the first
//! one once more (`key_vault_key_id|key_version`). An attribute is a path, several of them, `~` (known and of no
//! consequence) or an object with `to` and what follows. `a.b[].c` is a member of the only item of a list.
//! * `default`: what the *provider* sends when the attribute is not set;
//! * `not: true`, `words: {true: Enabled}` (with `"*": ~`, any other word is not mapped), `objects: key`, `first`, `list`,
//!   `json`, `text`, `keys`, `format`, `join`, `split`, `epoch`, `present`, `before` and `after` a separator (or several
//!   in turn): see `Step` in `transform`;
//! * `block` for a single nested block, `list` with attributes for repeated ones;
//! * `and`: another attribute whose text follows, with `join` between the two;
//! * `when: {attribute: value}`: only in blocks in which another attribute has this value.
//!
//! A member whose name has dots in it stands between single quotes in a path. Lists of blocks with the same path are
//! joined. `fixed` are properties that the provider always sends.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use castellan_base::{Limits, Node, SourceId, Value, yaml};

use super::document::Instance;
use super::transform::{Step, Word};

/// The tables' files.
const FILES: &[&str] = &[
    include_str!("../../data/terraform/ai.yaml"),
    include_str!("../../data/terraform/machine-learning.yaml"),
    include_str!("../../data/terraform/data.yaml"),
    include_str!("../../data/terraform/databases.yaml"),
    include_str!("../../data/terraform/compute.yaml"),
    include_str!("../../data/terraform/apps.yaml"),
    include_str!("../../data/terraform/network.yaml"),
    include_str!("../../data/terraform/gateway.yaml"),
    include_str!("../../data/terraform/management.yaml"),
];

/// Where a resource stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a resource group.
    Group,
    /// In a subscription.
    Subscription,
    /// In the tenant.
    Tenant,
    /// In the resource whose id stands in `parent`, or whose names stand in `names`.
    Child { parent: Vec<String>, names: Vec<String> },
    /// On the resource whose id stands in one of these.
    Extends(Vec<String>),
    /// It changes the resource whose id stands in one of these.
    Patch(Vec<String>),
}

/// What becomes of an attribute.
#[derive(Debug)]
pub(super) enum Shape {
    /// A value that goes through some steps.
    Value(Vec<Step>),
    /// One nested block.
    Block(Vec<Attribute>),
    /// Repeated blocks, which become a list.
    List(Vec<Attribute>),
}

/// One attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    /// Its names, old and new.
    pub(super) names: Vec<String>,
    /// The paths it goes to; none when it is of no consequence.
    pub(super) to: Vec<String>,
    /// How.
    pub(super) shape: Shape,
    /// What the provider sends when it is not set.
    pub(super) default: Option<Node>,
    /// An attribute whose text follows this one's, and what stands between the two.
    pub(super) and: Option<(String, String)>,
    /// Only where another attribute of the block has this value.
    pub(super) when: Option<(String, Node)>,
}

/// One type of the provider.
#[derive(Debug)]
pub(super) struct Entry {
    /// Resource Manager's type.
    pub(super) arm_type: Arc<str>,
    /// The API version whose shape the properties have.
    pub(super) api_version: Arc<str>,
    /// Where it stands.
    pub(super) place: Place,
    /// Fixed names between parent and name.
    pub(super) via: Vec<String>,
    name: String,
    /// Properties that the provider always sends.
    pub(super) fixed: Vec<(String, Node)>,
    /// The attributes.
    pub(super) attributes: Vec<Attribute>,
}

impl Entry {
    /// True for a type that only changes another resource.
    pub(super) fn is_patch(&self) -> bool {
        matches!(self.place, Place::Patch(_))
    }

    /// True for an attribute that the id is built from.
    pub(super) fn placed_by(&self, attribute: &str) -> bool {
        let placed = match &self.place {
            Place::Child { parent, names } => parent.iter().chain(names).any(|name| name == attribute),
            Place::Extends(names) | Place::Patch(names) => names.iter().any(|name| name == attribute),
            Place::Group | Place::Subscription | Place::Tenant => attribute == "subscription_id",
        };
        placed || self.name == attribute
    }

    /// The last segment of the id, a symbol where it is not known.
    pub(super) fn name(&self, instance: &Instance) -> String {
        if let Some(constant) = self.name.strip_prefix('=') {
            return constant.to_owned();
        }
        let known = instance.attribute(&self.name).and_then(Node::text_or_symbol);
        known.map_or_else(|| format!("{{{}.{}}}", instance.address, self.name), str::to_owned)
    }
}

/// An entry's own test: attributes in, resource out.
#[derive(Clone, Debug)]
pub struct Example {
    /// The Terraform type.
    pub terraform_type: String,
    /// The attributes, as a plan has them.
    pub input: Node,
    /// The resource without `id`, `name` and `type`.
    pub output: Node,
}

#[derive(Debug, Default)]
struct Tables {
    entries: HashMap<String, Entry>,
    examples: Vec<Example>,
    problems: Vec<String>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = Tables::default();
        for text in FILES {
            match yaml::parse(text, SourceId::NONE, &Limits::default()) {
                Ok(document) => tables.add(&document),
                Err(error) => tables.problems.push(error.message),
            }
        }
        tables
    })
}

/// The entry of a Terraform type.
pub(super) fn find(terraform_type: &str) -> Option<&'static Entry> {
    tables().entries.get(terraform_type)
}

/// The examples of all mapped `azurerm_*` types, or what is wrong with the tables.
///
/// Every entry has exactly one, so this is also the list of what is mapped.
pub fn examples() -> Result<&'static [Example], &'static [String]> {
    let tables = tables();
    if tables.problems.is_empty() { Ok(&tables.examples) } else { Err(&tables.problems) }
}

impl Tables {
    fn add(&mut self, document: &Node) {
        for member in document.as_object().into_iter().flatten() {
            let name = member.key.to_string();
            match entry(&member.value) {
                Ok(entry) if !self.entries.contains_key(&name) => {
                    self.entries.insert(name.clone(), entry);
                }
                Ok(_) => self.problems.push(format!("`{name}` stands twice")),
                Err(problem) => self.problems.push(format!("`{name}`: {problem}")),
            }
            match (member.value.at_path("example.input"), member.value.at_path("example.output")) {
                (Some(input), Some(output)) => self.examples.push(Example {
                    terraform_type: name,
                    input: input.clone(),
                    output: output.clone(),
                }),
                _ => self.problems.push(format!("`{name}` has no example")),
            }
        }
    }
}

fn entry(node: &Node) -> Result<Entry, String> {
    const MEMBERS: [&str; 12] = [
        "type",
        "api",
        "in",
        "parent",
        "names",
        "via",
        "extends",
        "patch",
        "name",
        "fixed",
        "attributes",
        "example",
    ];
    let members = node.as_object().ok_or("has to be an object")?;
    if let Some(stranger) = members.iter().find(|member| !MEMBERS.contains(&&*member.key)) {
        return Err(format!("`{}` is no member of an entry", stranger.key));
    }
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    let place = match text("in") {
        _ if node.get("patch").is_some() => Place::Patch(texts(node.get("patch"))),
        _ if node.get("extends").is_some() => Place::Extends(texts(node.get("extends"))),
        _ if node.get("parent").is_some() || node.get("names").is_some() => {
            Place::Child { parent: texts(node.get("parent")), names: texts(node.get("names")) }
        }
        Some("subscription") => Place::Subscription,
        Some("tenant") => Place::Tenant,
        None => Place::Group,
        Some(other) => return Err(format!("`{other}` is no place")),
    };
    let fixed = node.get("fixed").and_then(Node::as_object).into_iter().flatten();
    Ok(Entry {
        arm_type: text("type").ok_or("needs a `type`")?.into(),
        api_version: text("api").ok_or("needs an `api`")?.into(),
        place,
        via: texts(node.get("via")),
        name: text("name").unwrap_or("name").to_owned(),
        fixed: fixed.map(|member| (member.key.to_string(), member.value.clone())).collect(),
        attributes: attributes(node.get("attributes"))?,
    })
}

fn texts(node: Option<&Node>) -> Vec<String> {
    match node.map(|node| &node.value) {
        Some(Value::String(text)) => vec![text.to_string()],
        Some(Value::Array(items)) => items.iter().filter_map(Node::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn attributes(node: Option<&Node>) -> Result<Vec<Attribute>, String> {
    let members = node.and_then(Node::as_object).into_iter().flatten();
    members
        .map(|member| {
            attribute(&member.key, &member.value).map_err(|problem| format!("`{}`: {problem}", member.key))
        })
        .collect()
}

fn attribute(names: &str, node: &Node) -> Result<Attribute, String> {
    let names: Vec<String> = names.split('|').map(str::to_owned).collect();
    let plain = |to: Vec<String>| Attribute {
        names: names.clone(),
        to,
        shape: Shape::Value(Vec::new()),
        default: None,
        and: None,
        when: None,
    };
    let members = match &node.value {
        Value::Null => return Ok(plain(Vec::new())),
        Value::String(_) | Value::Array(_) => return Ok(plain(texts(Some(node)))),
        Value::Object(members) => members,
        _ => return Err("has to be a path, `~` or an object".to_owned()),
    };
    let mut attribute = plain(texts(node.get("to")));
    let mut steps = Vec::new();
    for member in members.iter() {
        let text = || member.value.as_str().unwrap_or_default().to_owned();
        match &*member.key {
            "to" => {}
            "default" => attribute.default = Some(member.value.clone()),
            "and" => attribute.and = Some((text(), String::new())),
            "when" => {
                let condition = member.value.as_object().and_then(|members| members.iter().next());
                let condition = condition.ok_or("`when` needs an attribute and a value")?;
                attribute.when = Some((condition.key.to_string(), condition.value.clone()));
            }
            "block" => attribute.shape = Shape::Block(attributes(Some(&member.value))?),
            "list" if member.value.as_object().is_some() => {
                attribute.shape = Shape::List(attributes(Some(&member.value))?);
            }
            "list" => steps.push(Step::List),
            "not" => steps.push(Step::Not),
            "words" => {
                let words = member.value.as_object().into_iter().flatten();
                let words = words.map(|word| (word.key.to_string(), Word(word.value.clone()))).collect();
                steps.push(Step::Words(words));
            }
            "objects" => steps.push(Step::Objects(text())),
            "first" => steps.push(Step::First),
            "json" => steps.push(Step::Json),
            "text" => steps.push(Step::Text),
            "keys" => steps.push(Step::Keys),
            "before" => steps.push(Step::Before(text())),
            "after" => steps.extend(texts(Some(&member.value)).into_iter().map(Step::After)),
            "format" => steps.push(Step::Format(text())),
            "join" => steps.push(Step::Join(text())),
            "split" => steps.push(Step::Split(text())),
            "epoch" => steps.push(Step::Epoch),
            "present" => steps.push(Step::Present(text())),
            other => return Err(format!("`{other}` is no step")),
        }
    }
    if let (Some((_, separator)), Some(Step::Join(between))) = (&mut attribute.and, steps.last()) {
        separator.clone_from(between);
        steps.pop();
    }
    if !steps.is_empty() {
        attribute.shape = Shape::Value(steps);
    }
    Ok(attribute)
}
