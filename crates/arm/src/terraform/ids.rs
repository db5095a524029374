//! The id of every instance: taken where it is known, built from its parts where not.

use std::cell::RefCell;
use std::collections::HashMap;

use castellan_base::{Node, ResourceId};

use super::azapi;
use super::catalogue::{self, Entry, Place};
use super::configuration::{Reference, split, without_keys};
use super::document::{Document, Instance};
use crate::context::DeploymentContext;

/// Parents are followed this deep; cycles end here.
const MAX_DEPTH: usize = 24;

/// How resource groups are typed in ids and by Azure Policy.
pub(super) const RESOURCE_GROUPS: &str = "Microsoft.Resources/subscriptions/resourceGroups";

/// Finds and builds ids. Remembers what it found.
pub(super) struct Ids<'a> {
    document: &'a Document,
    context: &'a DeploymentContext,
    /// The instances of a block in all instances of its module: `module.ai.azurerm_subnet.this`.
    by_keyless_address: HashMap<String, Vec<usize>>,
    /// The instances of a block in one instance of its module: `module.ai["eu"].azurerm_subnet.this`.
    by_block: HashMap<&'a str, Vec<usize>>,
    /// Those of the first that have the same key of their own.
    by_key: HashMap<(String, &'a str), Vec<usize>>,
    by_name: HashMap<&'a str, Vec<usize>>,
    found: RefCell<HashMap<usize, Option<ResourceId>>>,
}

impl<'a> Ids<'a> {
    /// Ids of the instances of a document.
    pub(super) fn new(document: &'a Document, context: &'a DeploymentContext) -> Ids<'a> {
        let mut by_keyless_address: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_block: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut by_key: HashMap<(String, &str), Vec<usize>> = HashMap::new();
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, instance) in document.instances.iter().enumerate() {
            if let Some(name) = instance.attribute("name").and_then(Node::as_str) {
                by_name.entry(name).or_default().push(index);
            }
            let (keyless, key) = (without_keys(&instance.address), instance.key());
            let block = instance.address.strip_suffix(key).unwrap_or(&instance.address);
            by_block.entry(block).or_default().push(index);
            by_key.entry((keyless.clone(), key)).or_default().push(index);
            by_keyless_address.entry(keyless).or_default().push(index);
        }
        Ids { document, context, by_keyless_address, by_block, by_key, by_name, found: RefCell::default() }
    }

    /// The id of the instance at this index; `None` when its type is not mapped and no id is known.
    pub(super) fn id_of(&self, index: usize) -> Option<ResourceId> {
        self.id_within(index, 0)
    }

    fn id_within(&self, index: usize, depth: usize) -> Option<ResourceId> {
        if let Some(known) = self.found.borrow().get(&index) {
            return known.clone();
        }
        if depth > MAX_DEPTH {
            return None;
        }
        let instance = self.document.instances.get(index)?;
        // A cycle comes back here and finds nothing.
        self.found.borrow_mut().insert(index, None);
        let id = self.work_out(instance, depth);
        self.found.borrow_mut().insert(index, id.clone());
        id
    }

    fn work_out(&self, instance: &Instance, depth: usize) -> Option<ResourceId> {
        let known = instance.attribute("id").and_then(Node::as_str).and_then(arm_id);
        if instance.provider() == "azapi" {
            return known.or_else(|| self.azapi(instance, depth));
        }
        let Some(entry) = catalogue::find(&instance.resource_type) else {
            // Settings of a subscription or a group may have its id, and are not it.
            let is_itself = |id: &ResourceId| instance.is_data || is_resource(id);
            return known.filter(|id| instance.provider() == "azurerm" && is_itself(id));
        };
        // Some of the provider's ids are made up from several (`<id>|<name>`): only an id of the type is the id.
        match known {
            Some(id) if id.resource_type().eq_ignore_ascii_case(&entry.arm_type) => Some(id),
            _ => self.build(entry, instance, depth),
        }
    }

    /// The instance that an unknown attribute refers to.
    pub(super) fn target(&self, instance: &Instance, path: &str) -> Option<(usize, Reference)> {
        let reference = self.document.configuration.reference(
            &instance.module,
            &instance.configuration_address(),
            path,
        )?;
        if let Some(index) = self.document.at(&reference.address) {
            return Some((index, reference));
        }
        let keyless = without_keys(&reference.address);
        let block = self.by_block.get(&*reference.address);
        let candidates = block.or_else(|| self.by_keyless_address.get(&keyless))?;
        let key = instance.key();
        let index = match candidates.as_slice() {
            [only] => *only,
            // `subnet[each.key]` prints as `subnet` and `each.key`.
            _ if reference.by_own_key && !key.is_empty() => match block {
                Some(_) => self.document.at(&format!("{}{key}", reference.address))?,
                None => match self.by_key.get(&(keyless, key))?.as_slice() {
                    [only] => *only,
                    _ => return None,
                },
            },
            _ => return None,
        };
        Some((index, reference))
    }

    /// The id that an attribute holds, or that the resource it refers to will have.
    fn id_in(&self, instance: &Instance, attribute: &str, depth: usize) -> Option<ResourceId> {
        let value = instance.attribute(attribute)?;
        if let Some(id) = value.as_str().and_then(arm_id) {
            return Some(id);
        }
        let (index, reference) = self.target(instance, attribute)?;
        let is_id = reference.attribute.is_empty() || reference.attribute == "id";
        let is_name = reference.attribute == "name" || reference.attribute.ends_with("_name");
        if is_id || is_name { self.id_within(index, depth + 1) } else { None }
    }

    /// `/subscriptions/S` for an instance.
    pub(super) fn subscription_scope(&self, instance: &Instance) -> String {
        let configured =
            self.document.configuration.subscription(&instance.module, &instance.configuration_address());
        let subscription = configured.or_else(|| self.context.subscription_id.clone());
        format!("/subscriptions/{}", subscription.as_deref().unwrap_or("{subscription().subscriptionId}"))
    }

    /// `/subscriptions/S/resourceGroups/G` for an instance.
    pub(super) fn group_scope(&self, instance: &Instance, depth: usize) -> String {
        let named = instance.attribute("resource_group_name");
        if let Some(group) = named.and_then(Node::as_str) {
            return format!("{}/resourceGroups/{group}", self.subscription_scope(instance));
        }
        if let Some(id) = self.id_in(instance, "resource_group_id", depth) {
            return id.as_str().to_owned();
        }
        if let Some(id) = named.and_then(|_| self.id_in(instance, "resource_group_name", depth))
            && id.resource_type() == RESOURCE_GROUPS
        {
            return id.as_str().to_owned();
        }
        let group = match named {
            Some(_) => None,
            None => self.context.resource_group.as_deref(),
        };
        format!(
            "{}/resourceGroups/{}",
            self.subscription_scope(instance),
            group.unwrap_or("{resourceGroup().name}")
        )
    }

    fn build(&self, entry: &Entry, instance: &Instance, depth: usize) -> Option<ResourceId> {
        let name = entry.name(instance);
        let arm_type = &*entry.arm_type;
        match &entry.place {
            Place::Group if arm_type == RESOURCE_GROUPS => {
                arm_id(&format!("{}/resourceGroups/{name}", self.subscription_scope(instance)))
            }
            Place::Group => Some(ResourceId::build(&self.group_scope(instance, depth), arm_type, &[&name])),
            Place::Subscription => {
                let scope = self
                    .id_in(instance, "subscription_id", depth)
                    .map_or_else(|| self.subscription_scope(instance), |id| id.as_str().to_owned());
                Some(ResourceId::build(&scope, arm_type, &[&name]))
            }
            Place::Tenant => Some(ResourceId::build("", arm_type, &[&name])),
            Place::Extends(attributes) => {
                Some(ResourceId::build(&self.extended(instance, attributes, depth), arm_type, &[&name]))
            }
            Place::Patch(attributes) => Some(match self.first_id(instance, attributes, depth) {
                Some(id) => id,
                None => {
                    let symbol = self.symbol(instance, attributes);
                    ResourceId::build(&self.group_scope(instance, depth), arm_type, &[&symbol])
                }
            }),
            Place::Child { parent, names } => {
                Some(self.child(entry, instance, (parent, names), &name, depth))
            }
        }
    }

    fn first_id(&self, instance: &Instance, attributes: &[String], depth: usize) -> Option<ResourceId> {
        attributes.iter().find_map(|attribute| self.id_in(instance, attribute, depth))
    }

    /// The scope of an extension resource: a resource, a group, a subscription, or a symbol in their place.
    fn extended(&self, instance: &Instance, attributes: &[String], depth: usize) -> String {
        match self.first_id(instance, attributes, depth) {
            Some(id) => id.as_str().to_owned(),
            None if attributes.iter().any(|name| instance.attribute(name).is_some()) => {
                format!("/{}", self.symbol(instance, attributes))
            }
            None => self.subscription_scope(instance),
        }
    }

    fn symbol(&self, instance: &Instance, attributes: &[String]) -> String {
        let set = attributes.iter().find_map(|name| Some((name, instance.attribute(name)?)));
        match set {
            Some((_, value)) if value.text_or_symbol().is_some() => {
                value.text_or_symbol().unwrap_or_default().to_owned()
            }
            Some((name, _)) => format!("{{{}.{name}}}", instance.address),
            None => {
                format!("{{{}.{}}}", instance.address, attributes.first().map_or("id", String::as_str))
            }
        }
    }

    fn child(
        &self,
        entry: &Entry,
        instance: &Instance,
        (parent, names): (&[String], &[String]),
        name: &str,
        depth: usize,
    ) -> ResourceId {
        if let Some(id) = self.first_id(instance, parent, depth) {
            return below(&id, &entry.arm_type, &entry.via, name, &instance.address);
        }
        let own: Vec<String> =
            names.iter().map(|attribute| self.symbol(instance, std::slice::from_ref(attribute))).collect();
        let has_names = names.iter().any(|attribute| instance.attribute(attribute).is_some());
        let wanted = entry.arm_type.split('/').count().saturating_sub(1);
        let mut segments: Vec<String> = if has_names { own } else { vec![self.symbol(instance, parent)] };
        segments.extend(entry.via.iter().cloned());
        segments.push(name.to_owned());
        while segments.len() < wanted {
            segments.insert(0, format!("{{part {} of {}}}", segments.len(), instance.address));
        }
        // The names alone do not tell the group: the resource that they refer to does.
        if has_names
            && instance.attribute("resource_group_name").is_none()
            && let Some(id) =
                names.first().and_then(|first| self.named_ancestor(instance, entry, first, depth))
        {
            let rest: Vec<String> = segments.iter().skip(1).rev().skip(1).rev().cloned().collect();
            return below(&id, &entry.arm_type, &rest, name, &instance.address);
        }
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        ResourceId::build(&self.group_scope(instance, depth), &entry.arm_type, &segments)
    }

    /// The top-level resource that an attribute names: by reference, or because no other has this name.
    fn named_ancestor(
        &self,
        instance: &Instance,
        entry: &Entry,
        attribute: &str,
        depth: usize,
    ) -> Option<ResourceId> {
        let top: Vec<&str> = entry.arm_type.split('/').take(2).collect();
        let top = top.join("/");
        let is_top = |id: &ResourceId| id.resource_type().eq_ignore_ascii_case(&top);
        if let Some((index, _)) = self.target(instance, attribute) {
            return self.id_within(index, depth + 1).filter(is_top);
        }
        let wanted = instance.attribute(attribute)?.as_str()?;
        let is_same_type = |index: &&usize| {
            let other = self.document.instances.get(**index);
            let entry = other.and_then(|other| catalogue::find(&other.resource_type));
            entry.is_some_and(|entry| *entry.arm_type == *top && !entry.is_patch())
        };
        let mut namesakes = self.by_name.get(wanted)?.iter().filter(is_same_type);
        match (namesakes.next(), namesakes.next()) {
            (Some(only), None) => self.id_within(*only, depth + 1),
            _ => None,
        }
    }

    fn azapi(&self, instance: &Instance, depth: usize) -> Option<ResourceId> {
        if let Some(resource_id) = self.id_in(instance, "resource_id", depth) {
            return Some(resource_id);
        }
        let (arm_type, _) = azapi::split_type(instance)?;
        let name = match instance.attribute("name") {
            Some(name) => name.text_or_symbol().unwrap_or_default().to_owned(),
            None => format!("{{{}.name}}", instance.address),
        };
        let parent = self.id_in(instance, "parent_id", depth);
        if arm_type.eq_ignore_ascii_case("Microsoft.Resources/resourceGroups") {
            let scope = parent.map_or_else(|| self.subscription_scope(instance), |id| id.as_str().to_owned());
            return arm_id(&format!("{scope}/resourceGroups/{name}"));
        }
        let segments = arm_type.split('/').count().saturating_sub(1);
        if segments == 0 {
            return None;
        }
        if let Some(parent) = parent {
            return Some(below(&parent, &arm_type, &[], &name, &instance.address));
        }
        let unknown =
            instance.attribute("parent_id").is_some() || instance.attribute("resource_id").is_some();
        let symbol = format!("{{{}.parent_id}}", instance.address);
        if segments == 1 {
            let scope = if unknown {
                format!("{}/resourceGroups/{{resourceGroup().name}}", self.subscription_scope(instance))
            } else {
                self.group_scope(instance, depth)
            };
            return Some(ResourceId::build(&scope, &arm_type, &[&name]));
        }
        let mut names: Vec<String> =
            (1..segments - 1).map(|part| format!("{{part {part} of {symbol}}}")).collect();
        names.push(symbol);
        names.push(name);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Some(ResourceId::build(&self.group_scope(instance, depth), &arm_type, &names))
    }
}

/// The id of a resource of `arm_type` under `parent`: a child where the parent's type starts the type, else an
/// extension. `via` names what stands between; what it leaves open becomes a symbol of `address`.
fn below(parent: &ResourceId, arm_type: &str, via: &[String], name: &str, address: &str) -> ResourceId {
    let parent_type = parent.resource_type();
    let rest = arm_type
        .get(parent_type.len()..)
        .filter(|rest| rest.starts_with('/') && starts_with_ignoring_case(arm_type, &parent_type));
    let (scope, kinds): (Option<&ResourceId>, &str) = match rest {
        Some(rest) => (Some(parent), rest.trim_start_matches('/')),
        None => (None, arm_type.split_once('/').map_or(arm_type, |(_, kinds)| kinds)),
    };
    let kinds: Vec<&str> = kinds.split('/').collect();
    let mut names: Vec<String> = Vec::with_capacity(kinds.len());
    let between = kinds.len().saturating_sub(1);
    let surplus = via.len().saturating_sub(between);
    names.extend(via.iter().skip(surplus).cloned());
    while names.len() < between {
        names.push(format!("{{part {} of {address}}}", names.len() + 1));
    }
    names.push(name.to_owned());
    match scope {
        Some(parent) => {
            kinds.iter().zip(&names).fold(parent.clone(), |id, (kind, name)| id.child(kind, name))
        }
        None => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            ResourceId::build(parent.as_str(), arm_type, &names)
        }
    }
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// True for the id of a resource, false for that of a tenant, a subscription or a group.
fn is_resource(id: &ResourceId) -> bool {
    !id.resource_type().starts_with("Microsoft.Resources/")
}

/// A text that is an Azure id, not one of the provider's compounds.
fn arm_id(text: &str) -> Option<ResourceId> {
    if text.contains('|') || text.starts_with("//") {
        return None;
    }
    text.parse().ok()
}

/// The last step of an attribute's path without its keys: `identity_ids` for `identity[0].identity_ids[1]`.
pub(super) fn leaf(path: &str) -> &str {
    split(path).last().and_then(|step| step.split('[').next()).unwrap_or_default()
}
