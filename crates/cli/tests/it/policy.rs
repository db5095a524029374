//! `castellan policy --batch`: a line in, a line out.

use serde_json::{Value, json};

use crate::Desk;

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn case(id: &str, local: &Value) -> Value {
    json!({
        "id": id,
        "definition": {"if": {"field": "Microsoft.CognitiveServices/accounts/disableLocalAuth", "notEquals": true},
            "then": {"effect": "audit"}},
        "resource": {"type": "Microsoft.CognitiveServices/accounts", "name": "a", "properties": {"disableLocalAuth": local}}
    })
}

#[test]
fn every_line_is_answered_in_its_place() {
    let input = [
        case("one", &json!(false)).to_string(),
        "{ this is not JSON".to_owned(),
        String::new(),
        json!({"id": 7, "resource": {}}).to_string(),
        case("two", &json!(true)).to_string(),
    ];
    let ran = Desk::new().pipe(&["policy", "--batch", "-"], &input.join("\n"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let answers = lines(&ran.out);
    assert_eq!(answers.len(), 4, "{answers:#?}");
    assert_eq!((&answers[0]["id"], &answers[0]["verdict"]), (&json!("one"), &json!("non-compliant")));
    assert_eq!(answers[0]["effect"], "audit");
    assert!(answers[0]["trace"].to_string().contains("properties.disableLocalAuth"), "{:#}", answers[0]);
    assert!(answers[1]["error"]["message"].is_string());
    assert_eq!(answers[2]["id"], 7);
    assert!(answers[2]["error"]["code"].is_string());
    assert_eq!((&answers[3]["id"], &answers[3]["verdict"]), (&json!("two"), &json!("compliant")));
    assert!(answers[3]["effect"].is_null());
}

#[test]
fn aliases_of_your_own_come_on_top() {
    let line = json!({
        "id": 1,
        "definition": {"if": {"field": "Contoso.Models/hosts/door", "equals": "open"}, "then": {"effect": "deny"}},
        "resource": {"type": "Contoso.Models/hosts", "name": "h", "properties": {"entrance": {"door": "open"}}}
    })
    .to_string();
    let desk = Desk::new();
    let aliases = json!([{"namespace": "Contoso.Models", "resourceTypes": [{"resourceType": "hosts", "aliases": [
        {"name": "Contoso.Models/hosts/door", "defaultPath": "properties.entrance.door", "paths": []}]}]}]);
    desk.file("aliases.json", &aliases.to_string());
    let with = desk.pipe(&["policy", "--batch", "-", "--aliases", "aliases.json"], &line);
    assert_eq!(lines(&with.out)[0]["verdict"], "non-compliant", "{}", with.out);
    let without = desk.pipe(&["policy", "--batch", "-"], &line);
    assert_eq!(lines(&without.out)[0]["verdict"], "compliant", "{}", without.out);
    desk.file("broken.json", "[{]");
    let broken = desk.pipe(&["policy", "--batch", "-", "--aliases", "broken.json"], &line);
    assert_eq!(broken.code, 2);
    assert!(broken.err.contains("broken.json:1:"), "{}", broken.err);
}

#[test]
fn related_resources_and_context_are_heard() {
    let definition = json!({"if": {"field": "type", "equals": "Microsoft.CognitiveServices/accounts"},
        "then": {"effect": "auditIfNotExists", "details": {"type": "Microsoft.Insights/diagnosticSettings"}}});
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a";
    let account = json!({"type": "Microsoft.CognitiveServices/accounts", "name": "a", "id": id});
    let setting = json!({"type": "Microsoft.Insights/diagnosticSettings", "name": "d",
        "id": format!("{id}/providers/Microsoft.Insights/diagnosticSettings/d")});
    let tagged =
        json!({"if": {"value": "[resourceGroup().tags.env]", "equals": "prod"}, "then": {"effect": "audit"}});
    let input = [
        json!({"id": 1, "definition": definition, "resource": account, "related": [setting]}),
        json!({"id": 2, "definition": definition, "resource": account, "related": []}),
        json!({"id": 3, "definition": tagged, "resource": account, "context": {"resourceGroup": {"tags": {"env": "prod"}}}}),
    ];
    let input: Vec<String> = input.iter().map(Value::to_string).collect();
    let answers = lines(&Desk::new().pipe(&["policy", "--batch", "-"], &input.join("\n")).out);
    let verdicts: Vec<&str> = answers.iter().map(|answer| answer["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["compliant", "non-compliant", "non-compliant"], "{answers:#?}");
}

#[test]
fn ten_thousand_lines_keep_their_order() {
    let input: Vec<String> =
        (0..10_000).map(|number| case(&number.to_string(), &json!(number % 2 == 0)).to_string()).collect();
    let desk = Desk::new();
    desk.file("cases.jsonl", &input.join("\n"));
    let answers = lines(&desk.run(&["policy", "--batch", "cases.jsonl"]).out);
    assert_eq!(answers.len(), 10_000);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer["id"], number.to_string());
        assert_eq!(answer["verdict"], if number % 2 == 0 { "compliant" } else { "non-compliant" });
    }
}
