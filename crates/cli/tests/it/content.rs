//! `castellan content`.

use crate::{Desk, OPEN_ACCOUNT};

#[test]
fn every_listed_check_can_be_shown() {
    let desk = Desk::new();
    let listed = desk.run(&["content", "list", "--json"]).json();
    let checks = listed.as_array().or(listed["checks"].as_array()).unwrap();
    assert!(checks.len() >= 58, "{}", checks.len());
    for check in checks {
        let id = check["id"].as_str().unwrap();
        let shown = desk.run(&["content", "show", id]);
        assert_eq!(shown.code, 0, "{id}: {}", shown.err);
        assert!(shown.out.contains("What to do"), "{id}");
    }
    let wrong = desk.run(&["content", "show", "agent-lethal-trifectas"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("agent-lethal-trifecta"), "no help: {}", wrong.err);
}

#[test]
fn added_definitions_are_judged_by_until_they_are_removed() {
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    let definition = r#"{"properties": {"displayName": "No accounts in Sweden", "mode": "All", "policyRule": {
        "if": {"field": "location", "equals": "swedencentral"}, "then": {"effect": "deny"}}}, "name": "no-sweden"}"#;
    desk.file("public/policyDefinitions/Ours/no-sweden.json", definition);
    let scan = || desk.run(&["scan", "main.json", "-q"]).json()["policies"].to_string();
    assert!(!scan().contains("No accounts in Sweden"));
    let added = desk.run(&["content", "add", "azure-policy", "public"]);
    assert_eq!(added.code, 0, "{}", added.err);
    assert!(scan().contains("No accounts in Sweden"));
    // Neither what is added again from where it lies, nor an empty checkout, costs what is installed.
    assert_eq!(desk.run(&["content", "add", "azure-policy", "home/content/azure-policy"]).code, 0);
    std::fs::create_dir_all(desk.path("hollow/policyDefinitions")).unwrap();
    let hollow = desk.run(&["content", "add", "azure-policy", "hollow"]);
    assert_eq!(hollow.code, 2, "{}", hollow.out);
    assert!(scan().contains("No accounts in Sweden"));
    assert_eq!(desk.run(&["content", "remove", "azure-policy"]).code, 0);
    assert!(!scan().contains("No accounts in Sweden"));
    assert_eq!(desk.run(&["content", "add", "azure-policy", "absent"]).code, 2);
}

#[test]
fn tables_and_functions_are_listed_and_shown() {
    let desk = Desk::new();
    let listed = desk.run(&["content", "list", "tables", "--json"]).json();
    let sign_ins = listed.as_array().unwrap().iter().find(|table| table["name"] == "SigninLogs").unwrap();
    let columns = sign_ins["columns"].as_array().unwrap();
    assert!(columns.contains(&serde_json::json!({"name": "TimeGenerated", "type": "datetime"})));
    assert_eq!(sign_ins["open"], false);

    let shown = desk.run(&["content", "show", "SigninLogs"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains("  datetime  TimeGenerated\n"), "{}", shown.out);
    let open = desk.run(&["content", "show", "AzureDiagnostics"]).out;
    assert!(open.ends_with("and columns that are not known\n"), "{open}");

    let list = desk.run(&["content", "list", "functions"]).out;
    assert!(list.contains("_GetWatchlist ") && list.contains("functions."), "{list}");
    let function = desk.run(&["content", "show", "_GetWatchlist"]).out;
    assert!(function.contains("takes watchlistAlias: string\n"), "{function}");
    assert!(function.contains("takes keys: dynamic = dynamic([])\n"), "{function}");
    let functions = desk.run(&["content", "list", "functions", "--json"]).json();
    assert!(functions.as_array().unwrap().iter().any(|function| function["returns"]["type"] == "string"));

    let wrong = desk.run(&["content", "show", "SignInLog"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("near it: SigninLogs"), "{}", wrong.err);
}
