//! Poisoned definitions: what has to come to light is in a text that is handed out for scanning, or is found by its form.

use castellan_mcp::inspect::inspect_definition;
use castellan_mcp::json::{Limits, parse};
use castellan_mcp::names::{Named, check};
use castellan_mcp::transport::annotations;
use serde_json::Value;

#[test]
fn every_poisoned_definition_is_exposed() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../data/poisoned.json")).unwrap();
    assert!(cases.len() >= 25);
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let text = case["definition"].to_string();
        let definition = parse(text.as_bytes(), &Limits::default()).unwrap();
        let inspection = inspect_definition(&definition);
        let exposed = match case["by"].as_str().unwrap() {
            "text" => {
                let (path, says) = (case["path"].as_str().unwrap(), case["says"].as_str().unwrap());
                inspection.parts.iter().any(|part| part.path == path && part.text.contains(says))
            }
            "hidden" => {
                let classes: Vec<String> = inspection
                    .hidden_classes()
                    .iter()
                    .map(|class| serde_json::to_value(class).unwrap().as_str().unwrap().to_owned())
                    .collect();
                classes.contains(&case["class"].as_str().unwrap().to_owned())
            }
            "name" => {
                let known =
                    Named { server: "trusted", name: case["beside"].as_str().unwrap_or("other_tool") };
                let own = Named { server: "new", name: case["definition"]["name"].as_str().unwrap() };
                let found = check(&[known, own]);
                let problems: Vec<Value> =
                    found.iter().map(|finding| serde_json::to_value(finding.problem).unwrap()).collect();
                problems.contains(&case["problem"])
            }
            "header" => annotations(definition.get("inputSchema").unwrap()).is_err(),
            other => panic!("{other}"),
        };
        assert!(exposed, "{id}");
    }
}
