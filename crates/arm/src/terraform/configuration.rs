//! The configuration that a plan carries along: which expressions refer to what.
//!
//! A plan does not print expressions, only the names in them, longest first:
//! `["azurerm_cognitive_account.ai.id", "azurerm_cognitive_account.ai"]`. From an expression with one such name the
//! referenced resource is known; from one with several nothing can be concluded.

use std::collections::HashMap;

use castellan_base::Node;

use super::document::{items, text};

/// Variables and outputs are followed through this many modules.
const MAX_STEPS: usize = 32;

/// What an expression refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The resource's address, with the module instance and as many instance keys as the expression tells.
    pub(super) address: String,
    /// The attribute, `id` or `identity[0].principal_id`; empty for the whole resource.
    pub(super) attribute: String,
    /// True when the expression picks the instance with the same key as its own.
    pub(super) by_own_key: bool,
}

/// The configuration of all modules, found by module path and address.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    root: Option<Node>,
    variables: Option<Node>,
    providers: Option<Node>,
    resources: HashMap<(String, String), Node>,
}

impl Configuration {
    /// The configuration of a plan; a state has none.
    pub(super) fn read(doc: &Node) -> Configuration {
        let mut configuration = Configuration {
            root: doc.at_path("configuration.root_module").cloned(),
            variables: doc.get("variables").cloned(),
            providers: doc.at_path("configuration.provider_config").cloned(),
            resources: HashMap::new(),
        };
        if let Some(root) = configuration.root.clone() {
            configuration.index(&root, String::new(), 0);
        }
        configuration
    }

    fn index(&mut self, module: &Node, path: String, depth: usize) {
        if depth > MAX_STEPS {
            return;
        }
        for resource in items(module.get("resources")) {
            if let Some(address) = text(resource, "address") {
                self.resources.insert((path.clone(), address.to_owned()), resource.clone());
            }
        }
        for call in module.get("module_calls").and_then(Node::as_object).into_iter().flatten() {
            if let Some(called) = call.value.get("module") {
                self.index(called, join(&path, &call.key), depth + 1);
            }
        }
    }

    /// The configuration block of a resource.
    fn resource(&self, module: &str, address: &str) -> Option<&Node> {
        self.resources.get(&(module_path(module), address.to_owned()))
    }

    fn module(&self, module: &str) -> Option<&Node> {
        let mut node = self.root.as_ref()?;
        for name in module_path(module).split('/').filter(|name| !name.is_empty()) {
            node = node.get("module_calls")?.get(name)?.get("module")?;
        }
        Some(node)
    }

    /// The subscription that the provider of a resource is configured for, where the configuration says it.
    pub(super) fn subscription(&self, module: &str, address: &str) -> Option<String> {
        let key = self.resource(module, address).and_then(|resource| text(resource, "provider_config_key"));
        let provider = address.split('_').next().unwrap_or_default();
        let provider = self.providers.as_ref()?.get(key.unwrap_or(provider))?;
        let expression = provider.at_path("expressions.subscription_id")?;
        if let Some(constant) = text(expression, "constant_value") {
            return Some(constant.to_owned());
        }
        let variable = items(expression.get("references")).first()?.as_str()?.strip_prefix("var.")?;
        let value = self.variables.as_ref()?.get(variable)?.get("value")?.as_str()?;
        Some(value.to_owned())
    }

    /// What the expression at `path` (`identity[0].identity_ids`) of a resource refers to, if to one thing alone.
    pub(super) fn reference(&self, module: &str, address: &str, path: &str) -> Option<Reference> {
        let expressions = self.resource(module, address)?.get("expressions")?;
        let expression = expression_at(expressions, path)?;
        self.only_reference(module, expression, 0)
    }

    fn only_reference(&self, module: &str, expression: &Node, depth: usize) -> Option<Reference> {
        if depth > MAX_STEPS {
            return None;
        }
        let names: Vec<&str> = items(expression.get("references")).iter().filter_map(Node::as_str).collect();
        let is_own_key = |name: &str| matches!(name, "each.key" | "count.index");
        let by_own_key = names.iter().any(|name| is_own_key(name));
        let mut found: Option<Reference> = None;
        for name in names.iter().filter(|name| !is_own_key(name)) {
            let longer = |other: &&str| {
                other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('['))
            };
            if names.iter().any(longer) {
                continue;
            }
            let mut reference = self.follow(module, name, depth)?;
            reference.by_own_key |= by_own_key;
            match &found {
                Some(other) if *other != reference => return None,
                _ => found = Some(reference),
            }
        }
        found
    }

    fn follow(&self, module: &str, name: &str, depth: usize) -> Option<Reference> {
        let parts = split(name);
        match *parts.first()? {
            "var" => {
                let variable = without_keys(parts.get(1)?);
                let (caller, call) = split_last_module(module)?;
                let expressions = self.module(caller)?.get("module_calls")?.get(call)?.get("expressions")?;
                self.only_reference(caller, expressions.get(&variable)?, depth + 1)
            }
            "module" => {
                let call = parts.get(1)?;
                let output = without_keys(parts.get(2)?);
                let dot = if module.is_empty() { "" } else { "." };
                let inner = format!("{module}{dot}module.{call}");
                let outputs = self.module(&inner)?.get("outputs")?;
                self.only_reference(&inner, outputs.get(&output)?.get("expression")?, depth + 1)
            }
            "local" | "path" | "terraform" | "self" | "each" | "count" => None,
            "data" => reference(module, &parts, 3),
            _ => reference(module, &parts, 2),
        }
    }
}

fn reference(module: &str, parts: &[&str], length: usize) -> Option<Reference> {
    let dot = if module.is_empty() { "" } else { "." };
    let own = parts.get(..length)?.join(".");
    let attribute = parts.get(length..)?.join(".");
    Some(Reference { address: format!("{module}{dot}{own}"), attribute, by_own_key: false })
}

/// The expression that gives the value at a path: the deepest node on the way that has references of its own.
fn expression_at<'a>(expressions: &'a Node, path: &str) -> Option<&'a Node> {
    let mut node = expressions;
    for step in split(path) {
        let (name, keys) = step.split_once('[').map_or((step, ""), |(name, keys)| (name, keys));
        node = node.get(name)?;
        if node.get("references").is_some() {
            return Some(node);
        }
        for key in keys.split('[').filter(|key| !key.is_empty()) {
            // A single block is printed as an object by some versions, as a list of one by others.
            let Some(blocks) = node.as_array() else { continue };
            node = blocks.get(key.trim_end_matches(']').parse::<usize>().ok()?)?;
        }
    }
    node.get("references").is_some().then_some(node)
}

/// A dotted address split at the dots outside brackets and quotes.
pub(super) fn split(address: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    let is_dot = |character: char| {
        let was_escaped = std::mem::take(&mut escaped);
        match character {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == '.' && depth == 0 && !quoted
    };
    address.split(is_dot).collect()
}

/// An address without instance keys: `module.ai.azurerm_subnet.this`.
pub(super) fn without_keys(address: &str) -> String {
    let names: Vec<&str> =
        split(address).into_iter().map(|part| part.split('[').next().unwrap_or_default()).collect();
    names.join(".")
}

/// `ai/net` for `module.ai["eu"].module.net[0]`.
fn module_path(module: &str) -> String {
    let keyless = without_keys(module);
    let names: Vec<&str> = keyless.split('.').filter(|part| *part != "module").collect();
    names.join("/")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// The calling module and the name of the call: `("module.ai", "net")` for `module.ai.module.net[0]`.
fn split_last_module(module: &str) -> Option<(&str, &str)> {
    let call = *split(module).last()?;
    let name = call.split('[').next()?;
    let caller = module.strip_suffix(call)?.strip_suffix("module.")?;
    Some((caller.trim_end_matches('.'), name))
}
