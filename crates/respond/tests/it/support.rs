//! What the tests have in common.

use std::collections::BTreeMap;
use std::path::Path;

use castellan_base::System;
use castellan_respond::actions::{Catalogue, Hosts, HttpOptions};
use castellan_respond::playbook::extension;
use castellan_respond::run::{Folder, Runner};
use castellan_respond::{Library, Origin};
use serde_json::{Value, json};

/// What a test returns.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// An id of a step by its type and a number.
pub(crate) fn id(kind: &str, number: usize) -> String {
    format!("{kind}--00000000-0000-4000-8000-{number:012}")
}

/// An action that does NAME at the service, with its probe and undo.
pub(crate) fn does(name: &str, next: &str) -> Value {
    json!({
        "type": "action",
        "name": name,
        "agent": id("http-api", 1),
        "on_success": next,
        "commands": [{"type": "http-api", "command": format!("POST /do/{name}"), "content": "{}"}],
        "step_extensions": {(extension::POLICY): {
            "probe": {"command": format!("GET /done/{name}")},
            "undo": {"command": format!("DELETE /do/{name}")},
        }},
    })
}

/// A playbook of steps, with the service as its agent. The start leads to `first`.
pub(crate) fn playbook(host: &str, first: &str, steps: Value, compensate: bool) -> Value {
    let mut workflow = json!({
        (id("start", 1)): {"type": "start", "on_completion": first},
        (id("end", 1)): {"type": "end"},
    });
    if let (Some(all), Some(own)) = (workflow.as_object_mut(), steps.as_object()) {
        all.extend(own.clone());
    }
    let ids =
        [extension::ACTION, extension::APPROVAL, extension::POLICY, extension::FOR_EACH, extension::RUN];
    let declared: serde_json::Map<String, Value> =
        ids.into_iter().filter_map(|id| Some((id.to_owned(), extension::definition(id)?))).collect();
    json!({
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": id("playbook", 1),
        "name": "a test",
        "created_by": id("identity", 1),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "playbook_variables": {
            "__mode__": {"type": "string", "value": "full"},
            "__items__": {"type": "list", "value": "[\"one\", \"two\"]"},
            "__item__": {"type": "string"},
            "__answer__": {"type": "string"},
            "__key__": {"type": "secret", "value": "secret:env:TEST_KEY"},
        },
        "workflow_start": id("start", 1),
        "workflow": workflow,
        "agent_definitions": {
            (id("http-api", 1)): {
                "type": "http-api", "name": "service", "address": {"url": [format!("http://{host}")]},
            },
        },
        "playbook_extensions": {(extension::RUN): {"on_failure": if compensate { "compensate" } else { "keep" }}},
        "extension_definitions": declared,
    })
}

/// A library of these playbooks, which count as built in.
pub(crate) fn library(playbooks: &[Value]) -> Result<Library, String> {
    let mut library = Library::default();
    for (index, playbook) in playbooks.iter().enumerate() {
        library.add(&format!("{index}.json"), &playbook.to_string(), Origin::BuiltIn);
    }
    let errors: Vec<String> = library
        .diagnostics
        .iter()
        .map(|(path, diagnostic)| format!("{path}: {} {:?}", diagnostic.message, diagnostic.span))
        .collect();
    if errors.is_empty() { Ok(library) } else { Err(errors.join("\n")) }
}

/// The actions that need no connection, for a service.
pub(crate) fn catalogue(host: &str) -> Catalogue {
    Catalogue::new(Hosts::new([host]), BTreeMap::new(), HttpOptions::default())
}

/// Goes on as long as it is asked.
pub(crate) fn go_on() -> bool {
    false
}

/// A runner with journals in a folder.
pub(crate) fn runner<'r>(
    system: &'r dyn System,
    library: &'r Library,
    catalogue: &'r Catalogue,
    folder: &Path,
) -> Runner<'r> {
    Runner { system, library, catalogue, folder: Folder::new(folder), is_stopped: &go_on }
}
