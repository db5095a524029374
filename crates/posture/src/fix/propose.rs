//! One fix for one resource, in every form.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use castellan_base::{Node, Resource, ResourceId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::path::{Step, steps};
use super::{bicep, shell, terraform};
use crate::content::Fix;

/// A fix filled in for one resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// What to do to the resource's ARM body, after RFC 6902. Paths start at the resource.
    pub patch: Vec<PatchOperation>,
    /// The members to set, merged into one ARM snippet, with related resources to add after it. May be empty.
    pub arm: String,
    /// The same in Bicep.
    pub bicep: String,
    /// The same in Terraform: `azurerm` where a mapping is known, `azapi` otherwise.
    pub terraform: String,
    /// The same as an `az` command line for a POSIX shell.
    pub az: String,
    /// What a person has to decide first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
}

/// One operation of a JSON patch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PatchOperation {
    /// `add` or `replace`.
    pub op: &'static str,
    /// A JSON pointer from the resource's root.
    pub path: String,
    /// The value.
    pub value: Value,
}

/// Fills `{key}` placeholders; borrowed when there was none that `value_of` knows.
pub(crate) fn substitute<'a>(text: &'a str, value_of: &dyn Fn(&str) -> Option<String>) -> Cow<'a, str> {
    let mut filled = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after.split_once('}').and_then(|(key, tail)| Some((value_of(key)?, tail)));
        match value {
            Some((value, tail)) => {
                changed = true;
                filled.push_str(&value);
                rest = tail;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    if !changed {
        return Cow::Borrowed(text);
    }
    filled.push_str(rest);
    Cow::Owned(filled)
}

/// The value of a placeholder: `name`, `resourceGroup`, `subscription`, `id`, `parent` (the parent resource's name),
/// `parentId`, `location`.
pub(crate) fn placeholder(key: &str, id: &ResourceId, body: Option<&Node>) -> Option<String> {
    Some(match key {
        "name" => id.name().to_owned(),
        "id" => id.as_str().to_owned(),
        "resourceGroup" => id.resource_group()?.to_owned(),
        "subscription" => id.subscription()?.to_owned(),
        "parent" => id.parent()?.name().to_owned(),
        "parentId" => id.parent()?.as_str().to_owned(),
        "location" => body?.get("location")?.text_or_symbol()?.to_owned(),
        _ => return None,
    })
}

/// Fills placeholders in every string of a tree.
pub(crate) fn fill_tree(json: &Value, value_of: &dyn Fn(&str) -> Option<String>) -> Value {
    match json {
        Value::String(text) => Value::String(substitute(text, value_of).into_owned()),
        Value::Array(items) => Value::Array(items.iter().map(|item| fill_tree(item, value_of)).collect()),
        Value::Object(members) => Value::Object(
            members.iter().map(|(key, member)| (key.clone(), fill_tree(member, value_of))).collect(),
        ),
        other => other.clone(),
    }
}

/// Fills in a fix. `id` is the resource to change; `resource` is what was read of it, if anything was. `None` when the
/// fix says nothing that could be filled in.
pub fn propose(fix: &Fix, id: &ResourceId, resource: Option<&Resource>) -> Option<Proposal> {
    let body = resource.map(|resource| &resource.body);
    let value_of = |key: &str| placeholder(key, id, body);
    let resource_type = id.resource_type();
    let api_version = resource.and_then(|resource| resource.api_version.as_deref());
    let type_and_version = format!("{resource_type}@{}", api_version.unwrap_or("<apiVersion>"));
    let sets: Vec<(Vec<Step>, Value)> =
        fix.set.iter().map(|set| (steps(&set.path), fill_tree(&set.value.to_json(), &value_of))).collect();
    let mut merged = Value::Object(Map::new());
    for (path, value) in &sets {
        merge(&mut merged, path, value);
    }
    let mut proposal = Proposal {
        patch: sets.iter().flat_map(|(path, value)| operations(path, value, body)).collect(),
        arm: String::new(),
        bicep: String::new(),
        terraform: String::new(),
        az: String::new(),
        note: fix.note.clone(),
    };
    if !sets.is_empty() {
        proposal.arm = pretty(&merged);
        proposal.bicep = bicep::resource("fixed", &type_and_version, id.name(), &merged);
        proposal.terraform = terraform::update_resource(id.name(), &type_and_version, id.as_str(), &merged);
        proposal.az = update_command(id, &sets);
    }
    if let Some(addition) = &fix.add {
        add(&mut proposal, &fill_tree(&addition.body.to_json(), &value_of), id);
    }
    if !fix.terraform.is_empty() {
        proposal.terraform = terraform::attributes(&fix.terraform, id.name());
    }
    if let Some(template) = &fix.az {
        proposal.az = shell::fill(template, &value_of);
    }
    let says_something = !proposal.arm.is_empty()
        || !proposal.az.is_empty()
        || !proposal.terraform.is_empty()
        || proposal.note.is_some();
    says_something.then_some(proposal)
}

fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}

/// Sets a value in a tree. An `[*]` step becomes an array of one, which stands for every element.
pub(crate) fn merge(tree: &mut Value, path: &[Step], value: &Value) {
    match path {
        [] => *tree = value.clone(),
        [Step::Member(name), rest @ ..] => {
            if !tree.is_object() {
                *tree = Value::Object(Map::new());
            }
            if let Some(members) = tree.as_object_mut() {
                let existing = members.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
                let key = existing.unwrap_or_else(|| name.clone());
                merge(members.entry(key).or_insert(Value::Null), rest, value);
            }
        }
        [Step::Each, rest @ ..] => {
            if tree.as_array().is_none_or(Vec::is_empty) {
                *tree = Value::Array(vec![Value::Null]);
            }
            if let Some(first) = tree.as_array_mut().and_then(|items| items.first_mut()) {
                merge(first, rest, value);
            }
        }
    }
}

/// The operations that set a value. Where objects on the way are missing, the first of them is added with the rest in
/// it, because RFC 6902 refuses to add into what is not there.
fn operations(path: &[Step], value: &Value, body: Option<&Node>) -> Vec<PatchOperation> {
    let mut operations = Vec::new();
    walk(path, value, body, String::new(), &mut operations);
    operations
}

fn walk(path: &[Step], value: &Value, at: Option<&Node>, pointer: String, found: &mut Vec<PatchOperation>) {
    match path {
        [] => found.push(PatchOperation { op: "replace", path: pointer, value: value.clone() }),
        [Step::Member(name), rest @ ..] => {
            let member = at.and_then(|node| node.as_object()).and_then(|object| object.member(name));
            let key = member.map_or(name.as_str(), |member| &member.key);
            let inner = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            match member {
                Some(member) if !member.value.is_null() => {
                    walk(rest, value, Some(&member.value), inner, found)
                }
                _ => {
                    let mut nested = Value::Null;
                    merge(&mut nested, rest, value);
                    found.push(PatchOperation { op: "add", path: inner, value: nested });
                }
            }
        }
        [Step::Each, rest @ ..] => {
            for (index, item) in at.and_then(Node::as_array).unwrap_or_default().iter().enumerate() {
                walk(rest, value, Some(item), format!("{pointer}/{index}"), found);
            }
        }
    }
}

fn update_command(id: &ResourceId, sets: &[(Vec<Step>, Value)]) -> String {
    let mut command = format!("az resource update --ids {}", shell::quote(id.as_str()));
    let mut settable = 0;
    for (path, value) in sets {
        let members: Option<Vec<&str>> = path
            .iter()
            .map(|step| match step {
                Step::Member(name) => Some(name.as_str()),
                Step::Each => None,
            })
            .collect();
        let Some(members) = members else { continue };
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        settable += 1;
        let _ = write!(command, " --set {}", shell::quote(&format!("{}={text}", members.join("."))));
    }
    if settable == sets.len() { command } else { String::new() }
}

/// A related resource to add, after what is to be set.
fn add(proposal: &mut Proposal, addition: &Value, id: &ResourceId) {
    let text = |key: &str| addition.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    let mut body = Map::new();
    for (key, value) in addition.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "type" | "apiVersion" | "name") {
            body.insert(key.clone(), value.clone());
        }
    }
    let body = Value::Object(body);
    let separate = |text: &mut String| {
        if !text.is_empty() {
            text.push('\n');
        }
    };
    separate(&mut proposal.arm);
    proposal.arm.push_str(&pretty(addition));
    let type_and_version = format!("{}@{}", text("type"), text("apiVersion"));
    separate(&mut proposal.bicep);
    proposal.bicep.push_str(&bicep::resource("added", &type_and_version, name, &body));
    separate(&mut proposal.terraform);
    let resource_id = format!("{}/providers/{}/{name}", id.as_str(), text("type"));
    proposal.terraform.push_str(
        &terraform::update_resource(name, &type_and_version, &resource_id, &body)
            .replacen("azapi_update_resource", "azapi_resource", 1)
            .replacen(
                &format!("resource_id = {}", terraform::string(&resource_id)),
                &format!(
                    "name        = {}\n  parent_id   = {}",
                    terraform::string(name),
                    terraform::string(id.as_str())
                ),
                1,
            ),
    );
    if proposal.az.is_empty() {
        let url = format!("{resource_id}?api-version={}", text("apiVersion"));
        let request =
            json!({ "properties": addition.get("properties").cloned().unwrap_or_else(|| json!({})) });
        proposal.az = format!(
            "az rest --method put --url {} --body {}",
            shell::quote(&url),
            shell::quote(&request.to_string())
        );
    }
}

#[cfg(test)]
mod tests {
    use castellan_base::Node;

    use super::*;
    use crate::content::Assignment;

    fn fix(sets: &[(&str, Value)]) -> Fix {
        let set = sets
            .iter()
            .map(|(path, value)| Assignment { path: (*path).into(), value: Node::from_json(value) })
            .collect();
        Fix { set, ..Fix::default() }
    }

    #[test]
    fn a_missing_parent_is_added_whole() {
        let body = Node::from_json(&json!({"properties": {"rules": [{"on": false}, {}], "mode": "x"}}));
        let ops = |path: &str| operations(&steps(path), &json!(true), Some(&body));
        let paths = |path: &str| {
            ops(path).iter().map(|one| format!("{} {} {}", one.op, one.path, one.value)).collect::<Vec<_>>()
        };
        assert_eq!(paths("properties.Mode"), ["replace /properties/mode true"]);
        assert_eq!(paths("properties.acls.deny"), [r#"add /properties/acls {"deny":true}"#]);
        assert_eq!(
            paths("properties.rules[*].on"),
            ["replace /properties/rules/0/on true", "add /properties/rules/1/on true"]
        );
    }

    #[test]
    fn every_form_is_filled_and_quoted() {
        let id: ResourceId =
            "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/it's"
                .parse()
                .unwrap();
        let mut change =
            fix(&[("properties.disableLocalAuth", json!(true)), ("properties.acls.action", json!("Deny"))]);
        let proposal = propose(&change, &id, None).unwrap();
        assert!(
            proposal
                .az
                .contains("'\\''s' --set properties.disableLocalAuth=true --set properties.acls.action=Deny"),
            "{}",
            proposal.az
        );
        assert!(proposal.bicep.contains("name: 'it\\'s'"), "{}", proposal.bicep);
        assert!(proposal.terraform.contains("azapi_update_resource"), "{}", proposal.terraform);
        assert!(proposal.arm.contains("\"disableLocalAuth\": true"));
        change.az = Some("az cognitiveservices account update --name {name} -g {resourceGroup}".into());
        assert!(propose(&change, &id, None).unwrap().az.ends_with("--name 'it'\\''s' -g rg"));
        assert_eq!(propose(&Fix::default(), &id, None), None);
    }
}
