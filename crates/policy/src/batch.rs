//! One JSON line in, one JSON line out.

use castellan_base::{Diagnostic, Limits, Node, Object, Sources, Verdict, json};
use serde_json::{Map, Value as Json};

use crate::alias::AliasTable;
use crate::definition::Definition;
use crate::policy::Policy;
use crate::request::{ClosedWorld, EvaluationContext, Request};

/// Judges one line `{"id", "definition", "parameters"?, "resource", "related"?: [], "context"?: {}}`.
///
/// The answer is `{"id", "verdict", "effect", "trace"}`: the verdict in kebab case; the effect only where the rule's
/// condition holds. A line that cannot be judged gives `{"id", "error": {"code", "message"}}`. `definition` is a full
/// definition or a bare rule; `related` is all there is besides the resource. `context` may hold `utcNow`,
/// `subscription`, `resourceGroup`, `requestContext` and `policy`.
///
/// ```
/// use castellan_policy::{AliasTable, batch};
///
/// let line = r#"{"id":1,"definition":{"if":{"field":"kind","equals":"OpenAI"},"then":{"effect":"audit"}},
///     "resource":{"type":"Microsoft.CognitiveServices/accounts","kind":"openai"}}"#;
/// let answer: serde_json::Value = serde_json::from_str(&batch::line(line, &AliasTable::builtin())).unwrap();
/// assert_eq!(answer["verdict"], "non-compliant");
/// assert_eq!(answer["effect"], "audit");
/// ```
pub fn line(input: &str, aliases: &AliasTable) -> String {
    let mut sources = Sources::default();
    let source = sources.add("line", input);
    let answer = match json::parse(input, source, &Limits::default()) {
        Ok(request) => {
            let id = request.get("id").map_or(Json::Null, Node::to_json);
            match judge(&request, aliases) {
                Ok(mut answer) => {
                    answer.shift_insert(0, "id".to_owned(), id);
                    answer
                }
                Err((code, diagnostics)) => error(id, code, &diagnostics, &sources),
            }
        }
        Err(diagnostic) => error(Json::Null, "invalid-json", &[diagnostic], &sources),
    };
    Json::Object(answer).to_string()
}

fn error(id: Json, code: &str, diagnostics: &[Diagnostic], sources: &Sources) -> Map<String, Json> {
    let told = diagnostics.iter().take(10).map(|diagnostic| match sources.locate(diagnostic.span) {
        Some(place) => format!("{}:{}: {}", place.line, place.column, diagnostic.message),
        None => diagnostic.message.clone(),
    });
    let message = told.collect::<Vec<_>>().join("; ");
    let body = serde_json::json!({"code": code, "message": message});
    Map::from_iter([("id".to_owned(), id), ("error".to_owned(), body)])
}

type Refusal = (&'static str, Vec<Diagnostic>);

fn judge(request: &Node, aliases: &AliasTable) -> Result<Map<String, Json>, Refusal> {
    let missing = |name: &str| {
        ("invalid-request", vec![Diagnostic::error(request.span, format!("the line has no `{name}` object"))])
    };
    let part =
        |name: &str| request.get(name).filter(|node| node.as_object().is_some()).ok_or_else(|| missing(name));
    if request.as_object().is_none() {
        return Err(("invalid-request", vec![Diagnostic::error(request.span, "a line is a JSON object")]));
    }
    let definition = request.get("definition").ok_or_else(|| missing("definition"))?;
    let definition =
        Definition::parse(definition).map_err(|diagnostics| ("invalid-definition", diagnostics))?;
    let policy =
        Policy::compile(&definition, aliases).map_err(|diagnostics| ("invalid-definition", diagnostics))?;
    let resource = part("resource")?;
    let parameters = parameters(request.get("parameters"));
    let mut related = request.get("related").and_then(Node::as_array).unwrap_or_default().to_vec();
    // A definition may ask for the judged resource itself.
    related.push(resource.clone());
    let context = context(request.get("context"));
    let world = ClosedWorld(&related);
    let asked =
        Request { resource, parameters: Some(&parameters), related: &world, context: &context, trace: true };
    let outcome = policy.evaluate(&asked);
    let mut answer = Map::new();
    answer.insert("verdict".to_owned(), Json::from(outcome.verdict.as_str()));
    if let Some(effect) = &outcome.effect {
        answer.insert("effect".to_owned(), Json::from(&**effect));
    }
    answer.insert("trace".to_owned(), trace(&outcome));
    Ok(answer)
}

fn trace(outcome: &crate::request::Outcome) -> Json {
    let recorded = outcome.trace.as_ref().and_then(|trace| serde_json::to_value(trace).ok());
    let mut trace = recorded.unwrap_or_else(|| Json::Object(Map::new()));
    if let (Verdict::Unknown(reason), Some(object)) = (&outcome.verdict, trace.as_object_mut()) {
        object.insert("reason".to_owned(), serde_json::to_value(reason).unwrap_or_default());
    }
    if let (Some(details), Some(object)) = (&outcome.details, trace.as_object_mut()) {
        object.insert("details".to_owned(), details.to_json());
    }
    trace
}

/// Parameter values with the `{"value": ...}` of assignments taken off.
pub fn parameters(given: Option<&Node>) -> Object {
    let unwrap = |node: &Node| match node.as_object() {
        Some(object) if object.len() == 1 => object.get("value").unwrap_or(node).clone(),
        _ => node.clone(),
    };
    let members = given.and_then(Node::as_object).into_iter().flatten();
    members.map(|member| (std::sync::Arc::clone(&member.key), unwrap(&member.value))).collect()
}

fn context(given: Option<&Node>) -> EvaluationContext {
    let get = |name: &str| given.and_then(|given| given.get(name)).cloned();
    EvaluationContext {
        now: get("utcNow").and_then(|node| node.as_str()?.parse().ok()),
        subscription: get("subscription"),
        resource_group: get("resourceGroup"),
        request_context: get("requestContext"),
        policy: get("policy"),
    }
}
