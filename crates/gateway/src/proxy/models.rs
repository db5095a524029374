//! Lists of models: the aliases that whoever asks may use, answered by the gate itself.

use castellan_access::grant::Held;
use castellan_access::policy::{Action, Asked as Question, Resource};
use castellan_access::principal::Verified;
use castellan_wire::{Api, Dialect, Route};
use http::Response;
use serde_json::{Value, json};

use super::body::{self, GateBody};
use crate::gate::Gate;

/// The answer to a request for models; nothing for other requests.
pub(super) fn answered(gate: &Gate, verified: &Verified, route: &Route) -> Option<Response<GateBody>> {
    if !matches!(route.api, Api::Models | Api::OllamaModels) {
        return None;
    }
    let models: Vec<&str> =
        gate.upstreams.aliases().into_iter().filter(|alias| may(gate, verified, alias)).collect();
    let (status, value) = match (route.dialect, route.tail.as_str()) {
        (Dialect::Ollama, "version") => (200, json!({"version": env!("CARGO_PKG_VERSION")})),
        (Dialect::Ollama, _) => {
            let models: Vec<Value> = models.iter().map(|name| json!({"name": name, "model": name})).collect();
            (200, json!({"models": models}))
        }
        (_, "models") => {
            let models: Vec<Value> = models.iter().map(|name| model(gate, name)).collect();
            (200, json!({"object": "list", "data": models}))
        }
        (_, tail) => match tail.strip_prefix("models/").filter(|name| models.contains(name)) {
            Some(name) => (200, model(gate, name)),
            None => {
                let error = json!({"message": "there is no such model behind this gate, or you may not ask it", "type": "not_found_error", "code": "model_not_found"});
                (404, json!({"error": error}))
            }
        },
    };
    Some(body::text(status, "application/json", &value.to_string()))
}

fn model(gate: &Gate, name: &str) -> Value {
    json!({"id": name, "object": "model", "created": 0, "owned_by": gate.provider(name)})
}

fn may(gate: &Gate, verified: &Verified, alias: &str) -> bool {
    let resource = Resource::model(alias, gate.provider(alias));
    let now = gate.now();
    let held = gate
        .grants
        .as_ref()
        .map_or_else(Held::default, |grants| grants.held(&verified.principal, &resource, now));
    let mut question = Question::by(verified, Action::List, resource, now);
    question.held = held;
    gate.policies.decide(&question).allow
}
