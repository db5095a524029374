//! The description of the API, to hold answers against.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use castellan_base::{Limits, Sources, yaml};
use jsonschema::Validator;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../../../../docs/api/openapi.yaml");
    let source = Sources::default().add("openapi.yaml", text);
    yaml::parse(text, source, &Limits::default()).unwrap().to_json()
});

/// An operation of the document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    described: Value,
}

/// All operations.
pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for method in ["get", "post", "delete"] {
            let Some(described) = item.get(method) else { continue };
            operations.push(Operation {
                id: described["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                described: described.clone(),
            });
        }
    }
    operations
}

/// The operation of a request: of several paths that fit, the one with the fewest open parts.
pub(crate) fn operation(method: &str, path: &str) -> Option<Operation> {
    let path = path.split('?').next().unwrap();
    let fits = |pattern: &str| {
        let (wanted, found): (Vec<&str>, Vec<&str>) =
            (pattern.split('/').collect(), path.split('/').collect());
        let fits = wanted.len() == found.len()
            && wanted.iter().zip(found).all(|(wanted, found)| wanted.starts_with('{') || *wanted == found);
        fits.then(|| wanted.iter().filter(|part| part.starts_with('{')).count())
    };
    let mut fitting: Vec<(usize, Operation)> =
        operations().into_iter().filter_map(|each| Some((fits(&each.path)?, each))).collect();
    fitting.sort_by_key(|(open, _)| *open);
    let fewest = fitting.first()?.0;
    fitting.into_iter().find(|(open, each)| *open == fewest && each.method == method).map(|(_, each)| each)
}

/// Panics unless an answer is one that the document describes.
pub(crate) fn conforms(method: &str, path: &str, status: u16, kind: &str, body: &str) {
    let Some(operation) = operation(method, path) else { return };
    let responses = &operation.described["responses"];
    let response = responses.get(status.to_string()).or_else(|| responses.get("default"));
    let response = response.unwrap_or_else(|| panic!("{method} {path}: {status} is not described: {body}"));
    let response = resolved(response);
    let Some(content) = response.get("content") else {
        assert!(body.is_empty(), "{method} {path}: {status} has a body: {body}");
        return;
    };
    let essence = kind.split(';').next().unwrap();
    let described = content.get(essence);
    let described = described.unwrap_or_else(|| panic!("{method} {path}: {status} is `{kind}`: {body}"));
    if essence != "application/json" {
        return;
    }
    let value: Value =
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{method} {path}: {error}: {body}"));
    fits(&described["schema"], &value, &format!("{} {status}", operation.id));
}

/// Panics unless a value is what a schema of the document says.
pub(crate) fn is_a(name: &str, value: &Value) {
    fits(&json!({ "$ref": format!("#/components/schemas/{name}") }), value, name);
}

fn fits(schema: &Value, value: &Value, what: &str) {
    static KNOWN: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = *known.entry(schema.to_string()).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        whole["components"] = DOCUMENT["components"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
        Box::leak(Box::new(validator))
    });
    drop(known);
    let problems: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path)).collect();
    assert!(problems.is_empty(), "{what}: {}\n{value:#}", problems.join("\n"));
}

fn resolved(value: &Value) -> &Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(pointer) => DOCUMENT.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => value,
    }
}
