//! How the fake changes: resources that are patched, put and deleted, keys that are made anew, and identities of Graph.

use axum::http::Method;
use serde_json::{Value, json};

use super::State;
use super::handler::{Plain, not_found, refusal};

/// True for what only this module answers.
pub(super) fn is_change(method: &Method, path: &str) -> bool {
    method != Method::GET || path.starts_with("/v1.0/")
}

pub(super) fn change(state: &mut State, method: &Method, path: &str, body: &str) -> Plain {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    match method.as_str() {
        "GET" => find(state, path).map_or_else(|| not_found(path), |resource| ok(resource.clone())),
        "PATCH" => patch(state, path, &body),
        "PUT" => put(state, path, body),
        "DELETE" => delete(state, path),
        "POST" => post(state, path, &body),
        _ => refusal(405, "MethodNotAllowed", "The method is not allowed."),
    }
}

fn ok(body: Value) -> Plain {
    Plain { status: 200, body }
}

fn is_at(resource: &Value, path: &str) -> bool {
    resource["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(path))
}

fn find<'s>(state: &'s mut State, path: &str) -> Option<&'s mut Value> {
    state.estate.resources.iter_mut().find(|resource| is_at(resource, path))
}

fn patch(state: &mut State, path: &str, body: &Value) -> Plain {
    let Some(resource) = find(state, path) else { return not_found(path) };
    merge(resource, body);
    // Graph answers a change without a body, Resource Manager with the resource.
    if path.starts_with("/v1.0/") { Plain { status: 204, body: Value::Null } } else { ok(resource.clone()) }
}

/// A merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Some(members) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in members {
        merge(&mut target[name], value);
    }
}

fn put(state: &mut State, path: &str, mut body: Value) -> Plain {
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    body["id"] = json!(path);
    body["name"] = json!(name);
    state.estate.resources.retain(|resource| !is_at(resource, path));
    state.estate.resources.push(body.clone());
    Plain { status: 201, body }
}

fn delete(state: &mut State, path: &str) -> Plain {
    let Some(resource) = find(state, path).cloned() else {
        return Plain { status: 204, body: Value::Null };
    };
    state.estate.resources.retain(|resource| !is_at(resource, path));
    ok(resource)
}

fn post(state: &mut State, path: &str, body: &Value) -> Plain {
    let Some((parent, action)) = path.rsplit_once('/') else { return not_found(path) };
    let Some(resource) = find(state, parent) else { return not_found(parent) };
    let count = |resource: &Value, key: &str| resource["fakeGenerations"][key].as_i64().unwrap_or(0);
    let keys = |resource: &Value| {
        let key = |name: &str| format!("{name}-value-{}", count(resource, name));
        ok(json!({"key1": key("key1"), "key2": key("key2")}))
    };
    match action {
        "listKeys" => keys(resource),
        "regenerateKey" => {
            let name = body["keyName"].as_str().unwrap_or_default().to_lowercase();
            if !matches!(name.as_str(), "key1" | "key2") {
                return refusal(400, "InvalidKey", "The key name is invalid.");
            }
            resource["fakeGenerations"][&name] = json!(count(resource, &name) + 1);
            keys(resource)
        }
        "revokeSignInSessions" => {
            let times = count(resource, "sessions") + 1;
            resource["fakeGenerations"]["sessions"] = json!(times);
            resource["signInSessionsValidFromDateTime"] = json!(format!("2026-11-21T00:00:{times:02}Z"));
            ok(json!({"value": true}))
        }
        _ => not_found(path),
    }
}
