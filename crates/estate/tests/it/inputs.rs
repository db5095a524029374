//! Every shape of input.

use castellan_base::Existence;
use castellan_estate::{GovernanceKind, InputKind, Related, RelatedQuery, RelatedScope};
use serde_json::json;

use super::{ACCOUNT, estate, only, plain, properties};

fn row() -> serde_json::Value {
    json!({"id": ACCOUNT, "name": "ai", "type": "microsoft.cognitiveservices/accounts", "kind": "OpenAI",
        "resourceGroup": "g", "subscriptionId": "s", "identity": null, "properties": {"disableLocalAuth": true}})
}

#[test]
fn every_export_shape_gives_the_same_resource() {
    let keys = ["id", "name", "type", "properties"];
    let columns: Vec<_> = keys.iter().map(|key| json!({"name": key, "type": "string"})).collect();
    let cells: Vec<_> = keys.iter().map(|key| row()[key].clone()).collect();
    let shapes = [
        (
            json!({"totalRecords": 1, "count": 1, "data": [row()], "resultTruncated": "false"}).to_string(),
            InputKind::ResourceGraph,
        ),
        (
            json!({"totalRecords": 1, "count": 1, "data": {"columns": columns, "rows": [cells]}}).to_string(),
            InputKind::ResourceGraph,
        ),
        (
            json!({"count": 1, "data": [row()], "skip_token": null, "total_records": 1}).to_string(),
            InputKind::ResourceGraph,
        ),
        (json!({"Count": 1, "Data": [row()], "SkipToken": null}).to_string(), InputKind::ResourceGraph),
        (json!([row()]).to_string(), InputKind::Resources),
        (json!({"value": [row()]}).to_string(), InputKind::Resources),
        (row().to_string(), InputKind::Resources),
        (format!("{}\n\n{}\n", row(), row()), InputKind::Resources),
    ];
    for (text, kind) in shapes {
        let estate = estate(&[("export.json", &text)]);
        assert_eq!(estate.inputs[0].kind, kind, "{text}");
        assert_eq!(estate.diagnostics, [], "{text}");
        let account = only(&estate, "Microsoft.CognitiveServices/accounts");
        // The type is spelled as the id spells it, and columns that the API does not have are gone.
        assert_eq!(&*account.resource_type, "Microsoft.CognitiveServices/accounts");
        assert!(account.at_path("resourceGroup").is_none() && account.at_path("identity").is_none());
        let flag = account.at_path("properties.disableLocalAuth").unwrap();
        assert_eq!(flag.as_bool(), Some(true));
        assert_eq!(estate.sources.snippet(flag.span), Some("true"), "{text}");
    }
}

#[test]
fn utf16_from_a_shell() {
    let text = json!([row()]).to_string();
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let system = castellan_testkit::MemorySystem::default().with_file("out.txt", bytes);
    let estate =
        castellan_estate::read(&system, &["out.txt".into()], &Default::default(), &castellan_estate::Silent);
    assert_eq!(plain(&estate).len(), 1);
}

#[test]
fn inventories_are_not_evidence() {
    let bare = json!([{"id": ACCOUNT, "name": "ai", "type": "Microsoft.CognitiveServices/accounts", "properties": null}]);
    let estate = estate(&[("list.json", &bare.to_string())]);
    assert_eq!(estate.inputs[0].kind, InputKind::Inventory);
    let properties =
        only(&estate, "Microsoft.CognitiveServices/accounts").at_path("properties.disableLocalAuth").unwrap();
    let unresolved = properties.as_unresolved().unwrap();
    assert_eq!(unresolved.reason.as_str(), "not-collected");
    assert_eq!(&*unresolved.hint, format!("az resource show --ids {ACCOUNT}"));
    // The full description fills the gap, whichever comes first.
    for names in [("a.json", "b.json"), ("b.json", "a.json")] {
        let estate = super::estate(&[(names.0, &bare.to_string()), (names.1, &row().to_string())]);
        let account = only(&estate, "Microsoft.CognitiveServices/accounts");
        assert_eq!(account.at_path("properties.disableLocalAuth").unwrap().as_bool(), Some(true));
    }
}

#[test]
fn flattened_output_is_not_taken_for_the_api() {
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/st";
    let flat = json!([{"id": id, "name": "st", "type": "Microsoft.Storage/storageAccounts", "networkRuleSet": {}, "enableHttpsTrafficOnly": true}]);
    let estate = estate(&[("st.json", &flat.to_string())]);
    assert!(
        only(&estate, "Microsoft.Storage/storageAccounts")
            .at_path("properties.x")
            .unwrap()
            .as_unresolved()
            .is_some()
    );
    assert!(estate.diagnostics[0].message.contains("flattened"), "{:?}", estate.diagnostics);
    // Diagnostic settings keep their names.
    let setting = json!([{"id": format!("{ACCOUNT}/providers/microsoft.insights/diagnosticSettings/d"), "name": "d",
        "type": "Microsoft.Insights/diagnosticSettings", "logs": [{"enabled": true}], "workspaceId": "/subscriptions/s/w"}]);
    let estate = super::estate(&[("d.json", &setting.to_string())]);
    assert_eq!(properties(&estate, "Microsoft.Insights/diagnosticSettings")["logs"][0]["enabled"], true);
}

#[test]
fn missing_pages_are_reported() {
    let page = |ids: &[u8], token: Option<&str>| {
        let rows: Vec<_> =
            ids.iter().map(|id| json!({"id": format!("{ACCOUNT}{id}"), "properties": {}})).collect();
        json!({"totalRecords": 3, "count": rows.len(), "data": rows, "resultTruncated": "true", "$skipToken": token}).to_string()
    };
    let incomplete = estate(&[("1.json", &page(&[1, 2], Some("x")))]);
    assert!(incomplete.diagnostics[0].message.contains("2 of 3 rows"), "{:?}", incomplete.diagnostics);
    let complete = estate(&[("1.json", &page(&[1, 2], Some("x"))), ("2.json", &page(&[3], None))]);
    assert_eq!(complete.diagnostics, []);
    let list = json!({"value": [row()], "nextLink": "https://management.azure.com/next"}).to_string();
    assert!(estate(&[("l.json", &list)]).diagnostics[0].help.contains("https://management.azure.com/next"));
}

#[test]
fn roles_in_both_shapes() {
    let id = format!("{ACCOUNT}/providers/Microsoft.Authorization/roleAssignments/r");
    let inner = json!({"principalId": "p", "roleDefinitionId": "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c", "scope": ACCOUNT});
    let mut flat = inner.clone();
    flat["id"] = json!(id);
    flat["type"] = json!("Microsoft.Authorization/roleAssignments");
    let nested = json!({"id": id, "type": "Microsoft.Authorization/roleAssignments", "properties": inner});
    for shape in [flat, nested] {
        let estate = estate(&[("roles.json", &json!([shape]).to_string())]);
        assert_eq!(estate.inputs[0].kind, InputKind::Roles);
        assert_eq!(properties(&estate, "Microsoft.Authorization/roleAssignments")["principalId"], "p");
        let relation =
            estate.relations().iter().find(|relation| relation.kind.as_str() == "has-role-on").unwrap();
        assert_eq!((&*relation.detail, relation.to.as_str()), ("Contributor", ACCOUNT));
    }
}

#[test]
fn policy_documents() {
    let definition = json!({"properties": {"policyRule": {"if": {}, "then": {}}}});
    let assignment = json!({"id": "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a",
        "type": "Microsoft.Authorization/policyAssignments", "name": "a", "scope": "/subscriptions/s", "policyDefinitionId": "x"});
    let exemption = json!({"id": "/subscriptions/s/providers/Microsoft.Authorization/policyExemptions/e", "properties": {"exemptionCategory": "Waiver"}});
    let state = json!({"resourceId": ACCOUNT, "policyAssignmentId": "a", "complianceState": "Compliant", "policyDefinitionId": "d"});
    let estate = estate(&[
        ("definition.json", &definition.to_string()),
        ("rest.json", &json!([assignment, exemption, state]).to_string()),
    ]);
    let kinds: Vec<_> = estate.governance.iter().map(|document| document.kind).collect();
    use GovernanceKind::{Assignment, ComplianceState, Definition, Exemption};
    assert_eq!(kinds, [Definition, Assignment, Exemption, ComplianceState]);
    let scope = estate.governance[1].document.at_path("properties.scope").unwrap();
    assert_eq!(scope.as_str(), Some("/subscriptions/s"));
    assert!(estate.inputs.iter().all(|input| input.kind == InputKind::Governance), "{:?}", estate.inputs);
}

#[test]
fn what_needs_another_tool_says_which() {
    let estate = estate(&[
        ("main.bicep", "param x string"),
        ("main.tf", "resource \"x\" \"y\" {}"),
        ("bom.json", r#"{"bomFormat": "CycloneDX", "specVersion": "1.6"}"#),
        ("chart/t.yaml", "kind: Pod\nspec: {{ .Values.x }}"),
        ("notes.md", "# hello"),
        ("package.json", r#"{"name": "x"}"#),
        (".git/config.json", "[]"),
        ("node_modules/a.json", "[]"),
    ]);
    assert_eq!(estate.inputs.len(), 6, "{:#?}", estate.inputs);
    assert!(estate.inputs.iter().all(|input| input.kind == InputKind::Unsupported && !input.note.is_empty()));
    let step = |name: &str| &estate.inputs.iter().find(|input| input.path.ends_with(name)).unwrap().next_step;
    assert_eq!(step("main.bicep"), "bicep build in/main.bicep");
    assert!(step("main.tf").contains("terraform show -json"));
    assert!(step("t.yaml").contains("helm template"));
    assert_eq!(estate.diagnostics, []);
}

#[test]
fn open_worlds_do_not_claim_absence() {
    let deployment =
        json!({"id": format!("{ACCOUNT}/deployments/chat"), "properties": {"model": {"name": "m"}}});
    let estate = estate(&[("x.json", &json!([row(), deployment]).to_string())]);
    let account = only(&estate, "Microsoft.CognitiveServices/accounts");
    let ask = |resource_type| {
        estate.related(&RelatedQuery {
            resource: account,
            resource_type,
            name: None,
            scope: RelatedScope::ResourceGroup,
            resource_group: None,
        })
    };
    assert!(
        matches!(ask("Microsoft.CognitiveServices/accounts/deployments"), Related::Known(found) if found.len() == 1)
    );
    let Related::NotCollected { next_step, .. } = ask("Microsoft.Insights/diagnosticSettings") else {
        panic!()
    };
    assert_eq!(next_step, format!("az monitor diagnostic-settings list --resource {ACCOUNT}"));
    assert!(matches!(ask("Microsoft.Network/privateEndpoints"), Related::NotCollected { .. }));
}

#[test]
fn parents_are_inferred_and_statements_close_the_world() {
    use castellan_base::Node;
    use castellan_estate::{Coverage, Estate, ScanOptions};
    let deployment =
        json!({"id": format!("{ACCOUNT}/deployments/chat"), "properties": {"model": {"name": "m"}}});
    let listed = |complete, reason: &str| Coverage {
        parent: ACCOUNT.parse().unwrap(),
        resource_type: "Microsoft.Insights/diagnosticSettings".into(),
        complete,
        reason: reason.to_owned(),
    };
    let collect = |statement| {
        Estate::from_documents(
            "azure:s",
            &[Node::from_json(&deployment)],
            vec![statement],
            &ScanOptions::default(),
        )
    };
    let estate = collect(listed(true, ""));
    let account = only(&estate, "Microsoft.CognitiveServices/accounts");
    assert_eq!(account.existence, Existence::Referenced);
    let query = RelatedQuery {
        resource: account,
        resource_type: "microsoft.insights/diagnosticsettings",
        name: Some("*"),
        scope: RelatedScope::ResourceGroup,
        resource_group: None,
    };
    assert_eq!(estate.related(&query), Related::Known(Vec::new()));
    let failed = collect(listed(false, "403 Forbidden"));
    let Related::NotCollected { message, .. } = failed.related(&query) else { panic!() };
    assert!(message.contains("403 Forbidden"), "{message}");
}
