//! The instances of a plan or a state.

use std::collections::HashMap;
use std::sync::Arc;

use castellan_base::{Diagnostic, Member, Node, Object, Origin, Span, Unresolved, UnresolvedReason, Value};

use super::configuration::Configuration;

/// Modules nested deeper than this are not read.
const MAX_MODULE_DEPTH: usize = 64;

/// One instance of a resource or data source.
#[derive(Debug)]
pub(super) struct Instance {
    /// The full address: `module.ai["eu"].azurerm_subnet.this[0]`.
    pub(super) address: String,
    /// The address of the module instance it stands in; empty for the root module.
    pub(super) module: String,
    /// The Terraform type: `azurerm_subnet`.
    pub(super) resource_type: Arc<str>,
    /// The name in the configuration: `this`.
    pub(super) name: Arc<str>,
    /// True for a data source.
    pub(super) is_data: bool,
    /// The attributes; unknown and secret ones are unresolved.
    pub(super) values: Node,
    /// Where the instance is described.
    pub(super) span: Span,
}

impl Instance {
    /// `azurerm` for `azurerm_subnet`.
    pub(super) fn provider(&self) -> &str {
        self.resource_type.split('_').next().unwrap_or_default()
    }

    /// The address in its module and without instance keys: `data.azurerm_subnet.this`.
    pub(super) fn configuration_address(&self) -> String {
        let prefix = if self.is_data { "data." } else { "" };
        format!("{prefix}{}.{}", self.resource_type, self.name)
    }

    /// The instance key with its brackets, `["eu"]` or `[0]`; empty without `count` and `for_each`.
    pub(super) fn key(&self) -> &str {
        let start = self.module.len() + usize::from(!self.module.is_empty());
        let end = start + self.configuration_address().len();
        self.address.get(end..).unwrap_or_default()
    }

    /// An attribute that is set or unknown.
    pub(super) fn attribute(&self, name: &str) -> Option<&Node> {
        self.values.get(name).filter(|value| !value.is_null())
    }
}

/// Everything read from a plan or a state.
#[derive(Debug)]
pub(super) struct Document {
    /// The instances in the order of the file.
    pub(super) instances: Vec<Instance>,
    /// Plan or state.
    pub(super) origin: Origin,
    /// The configuration that a plan carries along.
    pub(super) configuration: Configuration,
    /// What could not be read.
    pub(super) diagnostics: Vec<Diagnostic>,
    by_address: HashMap<String, usize>,
}

/// What `terraform show -json` prints.
pub(super) fn is_printed(doc: &Node) -> bool {
    let has_root = |key: &str| doc.at_path(&format!("{key}.root_module")).is_some();
    let has_version = doc.get("terraform_version").is_some() || doc.get("format_version").is_some();
    let is_list = doc.get("resource_changes").is_some_and(|changes| changes.as_array().is_some());
    has_version && (has_root("planned_values") || has_root("values") || is_list)
}

/// A raw state file.
pub(super) fn is_raw_state(doc: &Node) -> bool {
    doc.get("version").and_then(Node::as_i64) == Some(4)
        && doc.get("resources").is_some_and(|resources| resources.as_array().is_some())
        && (doc.get("lineage").is_some() || doc.get("terraform_version").is_some())
}

impl Document {
    /// Reads whatever of the three forms `doc` has.
    pub(super) fn read(doc: &Node) -> Document {
        let is_plan = doc.get("planned_values").is_some() || doc.get("resource_changes").is_some();
        let origin = if is_plan { Origin::TerraformPlan } else { Origin::TerraformState };
        let mut document = Document {
            instances: Vec::new(),
            origin,
            configuration: Configuration::read(doc),
            diagnostics: Vec::new(),
            by_address: HashMap::new(),
        };
        if is_plan {
            document.plan(doc);
        } else if is_raw_state(doc) {
            document.raw_state(doc);
        } else if let Some(root) = doc.at_path("values.root_module") {
            document.module(root, &HashMap::new(), 0, false);
        }
        if doc.get("errored").and_then(Node::as_bool) == Some(true) {
            let message = "the plan ended with an error and is incomplete";
            let help = "mend the configuration and plan again";
            document.diagnostics.push(Diagnostic::warning(doc.span, message).with_help(help));
        }
        document
    }

    /// The instance at a full address.
    pub(super) fn at(&self, address: &str) -> Option<usize> {
        self.by_address.get(address).copied()
    }

    fn add(&mut self, instance: Instance) {
        if !self.by_address.contains_key(&instance.address) {
            self.by_address.insert(instance.address.clone(), self.instances.len());
            self.instances.push(instance);
        }
    }

    fn plan(&mut self, doc: &Node) {
        let mut changes: HashMap<&str, &Node> = HashMap::new();
        for change in items(doc.get("resource_changes")) {
            // A deposed object is the old half of a replacement and is on its way out.
            if let (Some(address), None) = (text(change, "address"), change.get("deposed")) {
                changes.entry(address).or_insert(change);
            }
        }
        if let Some(root) = doc.at_path("planned_values.root_module") {
            self.module(root, &changes, 0, false);
        }
        for change in items(doc.get("resource_changes")) {
            if change.get("deposed").is_none() && !is_leaving(change) {
                self.change(change);
            }
        }
        // Data sources that were read while planning stand in the prior state alone.
        if let Some(root) = doc.at_path("prior_state.values.root_module") {
            self.module(root, &HashMap::new(), 0, true);
        }
    }

    /// The resources of a module and of the modules in it.
    fn module(&mut self, module: &Node, changes: &HashMap<&str, &Node>, depth: usize, only_data: bool) {
        if depth > MAX_MODULE_DEPTH {
            let message = format!("modules nested more than {MAX_MODULE_DEPTH} deep are not read");
            self.diagnostics.push(Diagnostic::warning(module.span, message));
            return;
        }
        let module_address = text(module, "address").unwrap_or_default();
        for resource in items(module.get("resources")) {
            let change = text(resource, "address").and_then(|address| changes.get(address).copied());
            if change.is_some_and(is_leaving) || only_data && text(resource, "mode") != Some("data") {
                continue;
            }
            self.resource(resource, change, module_address);
        }
        for child in items(module.get("child_modules")) {
            self.module(child, changes, depth + 1, only_data);
        }
    }

    fn resource(&mut self, resource: &Node, change: Option<&Node>, module: &str) {
        let Some(address) = text(resource, "address") else { return };
        let after = change.and_then(|change| change.at_path("change.after"));
        let Some(values) = resource.get("values").or(after) else { return };
        let sensitive = [
            resource.get("sensitive_values"),
            change.and_then(|change| change.at_path("change.after_sensitive")),
        ];
        let unknown = change.and_then(|change| change.at_path("change.after_unknown"));
        self.instance(resource, address, module, overlay_all(values, unknown, &sensitive, address));
    }

    /// A change without planned values, as trimmed plans have it.
    fn change(&mut self, change: &Node) {
        let Some(address) = text(change, "address") else { return };
        if self.by_address.contains_key(address) {
            return;
        }
        let Some(values) = change.at_path("change.after") else { return };
        let sensitive = [change.at_path("change.after_sensitive"), None];
        let values = overlay_all(values, change.at_path("change.after_unknown"), &sensitive, address);
        let module = text(change, "module_address").unwrap_or_default();
        self.instance(change, address, module, values);
    }

    fn instance(&mut self, head: &Node, address: &str, module: &str, values: Node) {
        let (Some(resource_type), Some(name)) = (text(head, "type"), text(head, "name")) else { return };
        self.add(Instance {
            address: address.to_owned(),
            module: module.to_owned(),
            resource_type: resource_type.into(),
            name: name.into(),
            is_data: text(head, "mode") == Some("data"),
            values,
            span: head.span,
        });
    }

    fn raw_state(&mut self, doc: &Node) {
        for resource in items(doc.get("resources")) {
            let (Some(resource_type), Some(name)) = (text(resource, "type"), text(resource, "name")) else {
                continue;
            };
            let module = text(resource, "module").unwrap_or_default();
            let dot = if module.is_empty() { "" } else { "." };
            let data = if text(resource, "mode") == Some("data") { "data." } else { "" };
            for instance in items(resource.get("instances")) {
                let Some(attributes) = instance.get("attributes") else { continue };
                if instance.get("deposed").is_some() {
                    continue;
                }
                let key = match instance.get("index_key").map(|key| &key.value) {
                    Some(Value::String(key)) => format!("[{}]", serde_json::Value::from(&**key)),
                    Some(Value::Int(key)) => format!("[{key}]"),
                    _ => String::new(),
                };
                let address = format!("{module}{dot}{data}{resource_type}.{name}{key}");
                let secret = secret_paths(instance.get("sensitive_attributes"));
                let attributes = without_secrets(attributes, resource_type, &address);
                let values = overlay_all(&attributes, None, &[Some(&secret), None], &address);
                let head = Node { value: resource.value.clone(), span: instance.span };
                self.instance(&head, &address, module, values);
            }
        }
    }
}

/// True when nothing of the resource will be left in Terraform's hands.
fn is_leaving(change: &Node) -> bool {
    let actions = change.at_path("change.actions").and_then(Node::as_array).unwrap_or_default();
    let leaves = |action: &Node| matches!(action.as_str(), Some("delete" | "forget"));
    !actions.is_empty() && actions.iter().all(leaves)
}

/// The paths of a raw state's `sensitive_attributes` as a tree of `true`s. Only the first step is kept where a path goes
/// through a list, so that rather too much than too little counts as secret.
fn secret_paths(paths: Option<&Node>) -> Node {
    let mut tree = Object::new();
    for path in items(paths) {
        let first = path.as_array().and_then(<[Node]>::first);
        if let Some(name) = first.and_then(|step| text(step, "value")) {
            tree.insert(name, Node::from_value(Value::Bool(true)));
        }
    }
    Node::from_value(Value::object(tree))
}

/// Attributes that the provider declares as secret. A raw state only marks what the configuration makes secret, so these
/// are told by their names, rather too many than too few.
const SECRET_ENDINGS: [&str; 14] = [
    "password",
    "access_key",
    "account_key",
    "shared_key",
    "primary_key",
    "secondary_key",
    "instrumentation_key",
    "private_key",
    "connection_string",
    "client_secret",
    "_secret",
    "sas_token",
    "kube_config_raw",
    "kube_admin_config_raw",
];

/// The attributes of a raw state's instance with the secrets hidden.
fn without_secrets(node: &Node, inside: &str, path: &str) -> Node {
    match &node.value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(index, item)| without_secrets(item, inside, &format!("{path}[{index}]")));
            Value::array(items.collect()).at(node.span)
        }
        Value::Object(members) => {
            let mut object = Object::new();
            for member in members.iter() {
                let path = format!("{path}.{}", member.key);
                // `value` of a `secret` block, of a Key Vault secret, of a named value of API Management.
                let is_value = &*member.key == "value"
                    && (inside.ends_with("secret") || inside == "azurerm_api_management_named_value");
                let is_secret = is_value || SECRET_ENDINGS.iter().any(|ending| member.key.ends_with(ending));
                let value = match (is_secret, &member.value.value) {
                    (true, Value::String(text)) if !text.is_empty() => hide(&member.value, &path),
                    _ => without_secrets(&member.value, &member.key, &path),
                };
                object.push(Member { value, ..member.clone() });
            }
            Value::object(object).at(node.span)
        }
        _ => node.clone(),
    }
}

fn overlay_all(values: &Node, unknown: Option<&Node>, sensitive: &[Option<&Node>; 2], address: &str) -> Node {
    let mut overlaid = values.clone();
    for marks in sensitive.iter().flatten() {
        overlaid = overlay(&overlaid, marks, address, UnresolvedReason::Sensitive);
    }
    match unknown {
        Some(marks) => overlay(&overlaid, marks, address, UnresolvedReason::AfterApply),
        None => overlaid,
    }
}

/// `values` with an unresolved value wherever `marks` has `true`. `path` names the value in messages.
fn overlay(values: &Node, marks: &Node, path: &str, reason: UnresolvedReason) -> Node {
    match &marks.value {
        Value::Bool(true) if reason == UnresolvedReason::Sensitive => hide(values, path),
        Value::Bool(true) => unresolved(reason, path, marks.span),
        Value::Object(members) => overlay_members(values, members, path, reason),
        Value::Array(marks) => {
            let known = values.as_array().unwrap_or_default();
            let item = |index: usize| {
                let value = known.get(index).unwrap_or(&Node::NULL);
                match marks.get(index) {
                    Some(mark) => overlay(value, mark, &format!("{path}[{index}]"), reason),
                    None => value.clone(),
                }
            };
            if known.is_empty() && marks.iter().all(|mark| !has_mark(mark)) {
                return values.clone();
            }
            // A hidden list may be marked whole; only a list can take marks by item.
            if values.as_unresolved().is_some() {
                return values.clone();
            }
            let length = if reason == UnresolvedReason::AfterApply {
                known.len().max(marks.len())
            } else {
                known.len()
            };
            Value::array((0..length).map(item).collect()).at(values.span.or(Span::NONE))
        }
        _ => values.clone(),
    }
}

fn overlay_members(values: &Node, marks: &Object, path: &str, reason: UnresolvedReason) -> Node {
    let known = match &values.value {
        Value::Object(known) => known,
        Value::Null if reason == UnresolvedReason::AfterApply => &Arc::new(Object::new()),
        _ => return values.clone(),
    };
    if marks.iter().all(|mark| !has_mark(&mark.value)) {
        return values.clone();
    }
    let mut overlaid = (**known).clone();
    for mark in marks.iter().filter(|mark| has_mark(&mark.value)) {
        let value = known.get(&mark.key).unwrap_or(&Node::NULL);
        if value.is_null() && reason == UnresolvedReason::Sensitive {
            continue;
        }
        let value = overlay(value, &mark.value, &format!("{path}.{}", mark.key), reason);
        overlaid.insert(mark.key.clone(), value);
    }
    Value::object(overlaid).at(values.span)
}

/// True when a tree of marks has a `true` in it.
fn has_mark(marks: &Node) -> bool {
    match &marks.value {
        Value::Bool(mark) => *mark,
        Value::Array(items) => items.iter().any(has_mark),
        Value::Object(members) => members.iter().any(|member| has_mark(&member.value)),
        _ => false,
    }
}

/// Secret texts become unresolved. Switches and numbers stay: they are no secrets, and whole blocks are marked.
fn hide(value: &Node, path: &str) -> Node {
    match &value.value {
        Value::String(_) => unresolved(UnresolvedReason::Sensitive, path, value.span),
        Value::Array(items) => {
            let hidden =
                items.iter().enumerate().map(|(index, item)| hide(item, &format!("{path}[{index}]")));
            Value::array(hidden.collect()).at(value.span)
        }
        Value::Object(members) => {
            let mut hidden = Object::new();
            for member in members.iter() {
                let value = hide(&member.value, &format!("{path}.{}", member.key));
                hidden.push(Member { value, ..member.clone() });
            }
            Value::object(hidden).at(value.span)
        }
        _ => value.clone(),
    }
}

fn unresolved(reason: UnresolvedReason, path: &str, span: Span) -> Node {
    let hint = match reason {
        UnresolvedReason::AfterApply => "known after apply; scan the state or the deployed resource",
        _ => "Terraform hides this value",
    };
    Value::unresolved(Unresolved::new(reason, path).with_hint(hint)).at(span)
}

/// The items of a list, none for anything else.
pub(super) fn items(node: Option<&Node>) -> &[Node] {
    node.and_then(Node::as_array).unwrap_or_default()
}

/// A string member.
pub(super) fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key).and_then(Node::as_str)
}
