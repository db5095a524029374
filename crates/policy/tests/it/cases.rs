use castellan_base::Node;
use castellan_policy::{AliasTable, batch};
use serde_json::{Value as Json, json};

use crate::support::{corpora, files, parse_json, read};

/// A case that is answered otherwise than the corpus expects, and the documentation that settles it.
const DISAGREEMENTS: [(&str, &str); 2] = [
    (
        "parse_errors/guid_compile_error",
        "definition-structure-policy-rule, policy functions: all template functions but a list that does not name guid()",
    ),
    (
        "parse_errors/uniquestring_compile_error",
        "the same list does not name uniqueString(); 23 built-in definitions use it",
    ),
];

/// What the engine says of a case: `Ok(effect)` or `Err(error code)`.
fn answer(case: &Node, shared: Option<&str>, aliases: &AliasTable) -> Result<(Option<String>, Json), String> {
    let rule =
        case.get("policy_definition").or(case.get("policy_rule")).and_then(Node::as_str).or(shared).unwrap();
    let definition = parse_json(rule)?;
    let mut line = json!({"id": 1, "definition": definition.to_json()});
    let mut resource = case.get("resource").map_or(json!({}), Node::to_json);
    // What the cases were written against where they give no context.
    let surroundings = json!({
        "subscription": {"subscriptionId": "00000000-0000-0000-0000-000000000000"},
        "resourceGroup": {"name": "myRG", "location": "eastus"}
    });
    let mut context = case.get("context").map_or(surroundings, Node::to_json);
    if let Some(request) = case.get("request_context") {
        context["requestContext"] = request.to_json();
    }
    if let Some(version) = case.get("api_version") {
        resource["apiVersion"] = version.to_json();
        if context.get("requestContext").is_none() {
            context["requestContext"] = json!({"apiVersion": version.to_json()});
        }
    }
    line["resource"] = resource;
    line["context"] = context;
    if let Some(parameters) = case.get("parameters") {
        line["parameters"] = parameters.to_json();
    }
    let responses = case.get("host_await").and_then(Node::as_array).unwrap_or_default();
    let related = responses.iter().filter_map(|item| item.get("response")).filter(|node| !node.is_null());
    line["related"] = related.map(Node::to_json).collect();
    let answer: Json = serde_json::from_str(&batch::line(&line.to_string(), aliases)).unwrap();
    if let Some(error) = answer.get("error") {
        return Err(error.to_string());
    }
    Ok((answer.get("effect").and_then(Json::as_str).map(str::to_owned), answer))
}

#[test]
fn the_evaluation_cases_agree() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("azure-policy-cases");
    let (mut agreed, mut differing) = (0, Vec::new());
    for path in files(folder.join("cases"), "yaml") {
        let document = read(&path);
        let mut aliases = AliasTable::builtin();
        if let Some(name) = document.get("aliases").and_then(Node::as_str) {
            aliases.load(&read(&folder.join("aliases").join(name))).unwrap();
        }
        let shared = document.get("policy_definition").and_then(Node::as_str);
        for case in document.get("cases").and_then(Node::as_array).unwrap() {
            let note = case.get("note").and_then(Node::as_str).unwrap();
            let name = format!("{}/{note}", path.file_stem().unwrap().to_str().unwrap());
            let wants_error = case.get("want_parse_error").or(case.get("want_compile_error")).is_some();
            let wanted = case.get("want_effect").and_then(Node::as_str);
            let answer = answer(case, shared, &aliases);
            let right = match &answer {
                Err(_) => wants_error,
                Ok((effect, _)) => !wants_error && effect.as_deref() == wanted,
            };
            if right {
                agreed += 1;
            } else {
                differing.push((name, format!("wanted {wanted:?} (error: {wants_error}), got {answer:?}")));
            }
        }
    }
    for (name, detail) in &differing {
        eprintln!("{name}: {detail}");
    }
    eprintln!("{agreed} agree, {} differ", differing.len());
    let found: Vec<&str> = differing.iter().map(|(name, _)| &**name).collect();
    let expected: Vec<&str> = DISAGREEMENTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, expected);
}
