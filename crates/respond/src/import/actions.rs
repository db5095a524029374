//! What each type of action comes down to.

use castellan_base::{Node, Object};
use serde_json::{Map, Value, json};

use super::connector::{self, Connected};
use super::workflow::{Built, Importer};
use crate::playbook::extension;

impl Importer<'_> {
    pub(super) fn initialise(&mut self, inputs: &Node) -> Result<Built, String> {
        let mut open = Vec::new();
        for variable in inputs.get("variables").and_then(Node::as_array).unwrap_or_default() {
            let name = variable.get("name").and_then(Node::as_str).unwrap_or_default();
            let kind = variable.get("type").and_then(Node::as_str).unwrap_or_default();
            let declared = self.values.variable(name, kind);
            let Some(value) = variable.get("value").filter(|value| !value.is_null()) else { continue };
            let text = self.values.text_of(value)?;
            if text.contains(":value") {
                open.push((declared, text))
            } else {
                self.values.set(&declared, text)
            }
        }
        match open.as_slice() {
            [] => Ok(Built::Nothing("its variables are those of the playbook".to_owned())),
            [(variable, text)] => Ok(self.call("run.set", json!({"value": text}), Some(("value", variable)))),
            _ => Err("it computes several variables at once".to_owned()),
        }
    }

    pub(super) fn http(&mut self, inputs: &Node) -> Result<Built, String> {
        let method = inputs.get("method").and_then(Node::as_str).unwrap_or("GET").to_ascii_uppercase();
        let uri = self.values.text_of(inputs.get("uri").unwrap_or(&Node::NULL))?;
        let body = inputs.get("body").map(|body| self.values.text_of(body)).transpose()?;
        if let Some(user) = disables_user(&method, &uri, body.as_deref()) {
            return Ok(self.call("entra.disable-user", json!({"user": user}), None));
        }
        if inputs.get("authentication").is_some() {
            return Err(
                "its authentication is the Logic App's own identity; use an action of Azure, or a secret"
                    .to_owned(),
            );
        }
        let (scheme, rest) = uri.split_once("://").ok_or("its address is computed as a whole")?;
        let (host, path) =
            rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, path.to_owned()));
        if host.contains("__") || scheme != "https" {
            return Err("its host is computed, or it is not reached over HTTPS".to_owned());
        }
        let agent = self.service(host);
        let mut command = json!({"type": "http-api", "command": format!("{method} /{path} HTTP/1.1")});
        let mut headers = Map::new();
        for header in inputs.get("headers").and_then(Node::as_object).into_iter().flat_map(Object::iter) {
            headers.insert(header.key.to_string(), json!([self.values.text_of(&header.value)?]));
        }
        if let Some(members) = command.as_object_mut() {
            if !headers.is_empty() {
                members.insert("headers".to_owned(), Value::Object(headers));
            }
            members.extend(body.map(|body| ("content".to_owned(), json!(body))));
        }
        let step = json!({"commands": [command], "agent": agent});
        Ok(Built::Step("action", step, "a request; name a probe and an undo, and allow the host".to_owned()))
    }

    pub(super) fn connection(&mut self, name: &str, inputs: &Node) -> Result<Built, String> {
        match connector::connected(&connector::name(inputs), inputs) {
            Connected::Action(action, given) => {
                let mut texts = Map::new();
                for (key, value) in given {
                    texts.insert(key.to_owned(), json!(self.values.text(&value)?));
                }
                Ok(self.call(action, Value::Object(texts), None))
            }
            Connected::Secret(secret) => {
                let variable = self.values.secret(name, &secret);
                Ok(Built::Nothing(format!(
                    "the secret is the variable `{variable}`; set it where Castellan runs"
                )))
            }
            Connected::Given(why) => Ok(Built::Nothing(why.to_owned())),
            Connected::ByHand(why) => Err(why),
        }
    }

    pub(super) fn condition(&mut self, node: &Node, end: &str, depth: usize) -> Result<Built, String> {
        let condition = self.values.condition(node.get("expression").unwrap_or(&Node::NULL))?;
        let on_true = self.inner(node.get("actions"), end, depth);
        let on_false = self.inner(node.at_path("else.actions"), end, depth);
        let step = json!({"condition": condition, "on_true": on_true, "on_false": on_false});
        Ok(Built::Step("if-condition", step, "a condition".to_owned()))
    }

    pub(super) fn switch(&mut self, node: &Node, end: &str, depth: usize) -> Result<Built, String> {
        let subject = self.values.text_of(node.get("expression").unwrap_or(&Node::NULL))?;
        let mut cases = Map::new();
        for case in node.get("cases").and_then(Node::as_object).into_iter().flat_map(Object::iter) {
            let value = case.value.get("case").map(|value| self.values.text_of(value)).transpose()?;
            let first = self.inner(case.value.get("actions"), end, depth);
            cases.insert(value.unwrap_or_else(|| case.key.to_string()), json!(first));
        }
        let default = self.inner(node.at_path("default.actions"), end, depth);
        cases.insert("default".to_owned(), json!(default));
        Ok(Built::Step("switch-condition", json!({"switch": subject, "cases": cases}), "a switch".to_owned()))
    }

    pub(super) fn for_each(
        &mut self,
        name: &str,
        node: &Node,
        end: &str,
        depth: usize,
    ) -> Result<Built, String> {
        let list = self.values.list(node.get("foreach").unwrap_or(&Node::NULL))?;
        let variable = self.values.item(name);
        let first = self.inner(node.get("actions"), end, depth);
        let step = json!({
            "condition": "true = true", "on_true": first,
            "step_extensions": {(extension::FOR_EACH): {"list": list, "variable": variable}},
        });
        Ok(Built::Step("if-condition", step, format!("a branch for each item, which `{variable}` holds")))
    }

    pub(super) fn until(&mut self, node: &Node, end: &str, depth: usize) -> Result<Built, String> {
        let condition = self.values.condition(node.get("expression").unwrap_or(&Node::NULL))?;
        let rounds = node.at_path("limit.count").and_then(Node::as_i64).unwrap_or(60).clamp(1, 10_000);
        let first = self.inner(node.get("actions"), end, depth);
        let step = json!({
            "condition": format!("NOT ({condition})"), "on_true": first,
            "step_extensions": {(extension::POLICY): {"most_rounds": rounds}},
        });
        let what = "a loop, which asks before its first round as well".to_owned();
        Ok(Built::Step("while-condition", step, what))
    }
}

/// The user whom a request to Graph disables.
fn disables_user(method: &str, uri: &str, body: Option<&str>) -> Option<String> {
    let user = uri.strip_prefix("https://graph.microsoft.com/v1.0/users/")?;
    let body: Value = serde_json::from_str(body?).ok()?;
    let only = body.as_object()?;
    let disables = only.len() == 1
        && matches!(only.get("accountEnabled"), Some(value) if *value == json!(false) || *value == json!("false"));
    (method == "PATCH" && disables && !user.contains('/')).then(|| user.to_owned())
}
