//! Records of diagnostic settings to rows.

use castellan_ingest::diagnostic::{ColumnType, Error, Mapper};
use castellan_ingest::{ProblemKind, Taken};
use castellan_kql::ScalarType;
use castellan_kql::schema::Catalog;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::check::{fits, received, rows};

fn columns(table: &str) -> Option<Vec<(String, ColumnType)>> {
    let table = Catalog::built_in().table(table)?;
    let column = |column: &castellan_kql::schema::Column| {
        let kind = match column.scalar_type {
            ScalarType::Int => ColumnType::Int,
            ScalarType::Long => ColumnType::Long,
            ScalarType::Real | ScalarType::Decimal => ColumnType::Real,
            ScalarType::Bool => ColumnType::Bool,
            ScalarType::DateTime => ColumnType::Time,
            ScalarType::Dynamic => ColumnType::Dynamic,
            ScalarType::String | ScalarType::Guid | ScalarType::TimeSpan => ColumnType::Text,
        };
        (column.name.to_string(), kind)
    };
    Some(table.columns().list.iter().map(column).collect())
}

fn mapper() -> Mapper {
    Mapper::new(columns)
}

fn take(record: &Value) -> Taken {
    mapper().take(json!({"records": [record]}).to_string().as_bytes(), received()).unwrap()
}

/// The one row, which must be of a table.
fn row(record: &Value, table: &str) -> Value {
    let taken = take(record);
    assert_eq!(taken.count(table), 1, "{:?}", taken.rows.iter().map(|rows| &rows.table).collect::<Vec<_>>());
    rows(&taken, table).remove(0)
}

fn check(record: &Value, table: &str, expected: &[(&str, Value)]) {
    let row = row(record, table);
    for (column, value) in expected {
        assert_eq!(row.get(*column), Some(value), "{table}.{column} in {row}");
    }
}

#[test]
fn signing_in() {
    let record = json!({"time": "2026-11-21T10:00:00.1234567Z", "resourceId": "/tenants/t1/providers/Microsoft.aadiam",
        "operationName": "Sign-in activity", "operationVersion": "1.0", "category": "SignInLogs", "tenantId": "t1",
        "resultType": 50126, "resultDescription": "Invalid username or password.", "durationMs": 0, "callerIpAddress": "192.0.2.1",
        "correlationId": "c1", "identity": "Ada", "Level": 4, "location": "NL", "properties": {
            "id": "s1", "createdDateTime": "2026-11-21T09:59:59Z", "userPrincipalName": "ada@contoso.com", "ipAddress": "192.0.2.1",
            "isInteractive": true, "status": {"errorCode": 50126}, "location": {"city": "Delft"}, "deviceDetail": {"browser": "Edge"},
            "appliedConditionalAccessPolicies": [{"id": "p1"}], "riskEventTypes_v2": [], "processingTimeInMilliseconds": 12}});
    check(
        &record,
        "SigninLogs",
        &[
            ("TimeGenerated", json!("2026-11-21T10:00:00.1234567Z")),
            ("AADTenantId", json!("t1")),
            ("ResultType", json!("50126")),
            ("Location", json!("NL")),
            ("LocationDetails", json!({"city": "Delft"})),
            ("ConditionalAccessPolicies", json!([{"id": "p1"}])),
            ("Status", json!({"errorCode": 50126})),
            ("IsInteractive", json!(true)),
            ("CreatedDateTime", json!("2026-11-21T09:59:59.0000000Z")),
            ("Identity", json!("Ada")),
            ("ProcessingTimeInMilliseconds", json!("12")),
            ("RiskEventTypes_V2", json!("[]")),
        ],
    );
    let mut other = record.clone();
    other["category"] = json!("NonInteractiveUserSignInLogs");
    check(
        &other,
        "AADNonInteractiveUserSignInLogs",
        &[
            ("ConditionalAccessPolicies", json!(r#"[{"id":"p1"}]"#)),
            ("LocationDetails", json!(r#"{"city":"Delft"}"#)),
            ("ProcessingTimeInMs", json!("12")),
        ],
    );
    for (category, table) in [
        ("ServicePrincipalSignInLogs", "AADServicePrincipalSignInLogs"),
        ("ManagedIdentitySignInLogs", "AADManagedIdentitySignInLogs"),
        ("RiskyUsers", "AADRiskyUsers"),
        ("UserRiskEvents", "AADUserRiskEvents"),
        ("AgentRiskEvents", "AADAgentRiskEvents"),
    ] {
        other["category"] = json!(category);
        check(&other, table, &[("CorrelationId", json!("c1"))]);
    }
}

#[test]
fn audits_of_the_directory() {
    let record = json!({"time": "2026-11-21T10:00:00Z", "resourceId": "/tenants/t1/providers/Microsoft.aadiam", "category": "AuditLogs",
        "operationName": "Add app role assignment", "properties": {"id": "a1", "category": "ApplicationManagement", "result": "success",
            "operationType": "Assign", "activityDateTime": "2026-11-21T10:00:00Z",
            "initiatedBy": {"user": {"id": "u1"}}, "targetResources": [{"id": "r1"}]}});
    check(
        &record,
        "AuditLogs",
        &[
            ("Category", json!("ApplicationManagement")),
            ("AADOperationType", json!("Assign")),
            ("InitiatedBy", json!({"user": {"id": "u1"}})),
            ("Result", json!("success")),
        ],
    );
}

#[test]
fn activity_of_subscriptions() {
    let id = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/a";
    let upn = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
    let record = json!({"time": "2026-11-21T10:00:00Z", "resourceId": id, "category": "Administrative", "level": "Information",
        "operationName": "MICROSOFT.COGNITIVESERVICES/ACCOUNTS/LISTKEYS/ACTION", "resultType": "Success", "resultSignature": "Succeeded.",
        "callerIpAddress": "192.0.2.1", "correlationId": "c1",
        "identity": {"authorization": {"action": "x"}, "claims": {upn: "ada@contoso.com", "appid": "app"}},
        "properties": {"statusCode": "OK", "hierarchy": "t/s1"}});
    check(
        &record,
        "AzureActivity",
        &[
            ("OperationNameValue", json!("MICROSOFT.COGNITIVESERVICES/ACCOUNTS/LISTKEYS/ACTION")),
            ("ActivityStatusValue", json!("Success")),
            ("Caller", json!("ada@contoso.com")),
            ("Authorization_d", json!({"action": "x"})),
            ("Authorization", json!(r#"{"action":"x"}"#)),
            ("Hierarchy", json!("t/s1")),
            ("Properties_d", json!({"statusCode": "OK", "hierarchy": "t/s1"})),
            ("ResourceGroup", json!("RG")),
            ("ResourceProviderValue", json!("MICROSOFT.COGNITIVESERVICES")),
            ("SubscriptionId", json!("s1")),
            ("_ResourceId", json!(id.to_lowercase())),
            ("CategoryValue", json!("Administrative")),
        ],
    );
    assert!(take(&record).problems.is_empty(), "{:?}", take(&record).problems);
}

#[test]
fn storage_vaults_clusters_and_gateways() {
    let blob = json!({"time": "2026-11-21T10:00:00Z", "category": "StorageRead", "operationName": "GetBlob", "statusCode": 200,
        "resourceId": "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a/blobServices/default",
        "callerIpAddress": "192.0.2.1:4711", "uri": "https://a.blob.core.windows.net/c/b", "durationMs": 3, "location": "westeurope",
        "identity": {"type": "OAuth", "requester": {"appId": "app", "objectId": "o1"}, "authorization": [{"action": "x"}]},
        "properties": {"accountName": "a", "serverLatencyMs": 2, "objectKey": "/a/c/b", "responseBodySize": 10}});
    check(
        &blob,
        "StorageBlobLogs",
        &[
            ("StatusCode", json!("200")),
            ("AuthenticationType", json!("OAuth")),
            ("RequesterObjectId", json!("o1")),
            ("AuthorizationDetails", json!([{"action": "x"}])),
            ("ServerLatencyMs", json!(2.0)),
            ("ResponseBodySize", json!(10)),
            ("DurationMs", json!(3.0)),
        ],
    );
    assert!(take(&blob).problems.is_empty(), "{:?}", take(&blob).problems);
    let vault = json!({"time": "2026-11-21T10:00:00Z", "category": "AuditEvent", "operationName": "SecretGet", "durationMs": "7",
        "resourceId": "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/V", "identity": {"claim": {"appid": "app"}},
        "properties": {"id": "https://v.vault.azure.net/secrets/s", "httpStatusCode": 200, "isAccessPolicyMatch": true}});
    check(
        &vault,
        "AZKVAuditLogs",
        &[
            ("Id", json!("https://v.vault.azure.net/secrets/s")),
            ("HttpStatusCode", json!(200)),
            ("DurationMs", json!(7)),
            ("Identity", json!({"claim": {"appid": "app"}})),
        ],
    );
    let event = json!({"level": "Metadata", "auditID": "a1", "verb": "get", "requestURI": "/api", "stage": "ResponseComplete",
        "user": {"username": "u"}, "sourceIPs": ["192.0.2.1"], "requestReceivedTimestamp": "2026-11-21T09:59:59.000001Z",
        "stageTimestamp": "2026-11-21T10:00:00Z"});
    let cluster = json!({"time": "2026-11-21T10:00:00Z", "category": "kube-audit", "operationName": "x",
        "resourceId": "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/k",
        "properties": {"log": event.to_string(), "pod": "kube-apiserver-1", "stream": "stdout"}});
    check(
        &cluster,
        "AKSAudit",
        &[
            ("AuditId", json!("a1")),
            ("Level", json!("Metadata")),
            ("User", json!({"username": "u"})),
            ("SourceIps", json!(["192.0.2.1"])),
            ("RequestReceivedTime", json!("2026-11-21T09:59:59.0000010Z")),
            ("StageReceivedTime", json!("2026-11-21T10:00:00.0000000Z")),
            ("PodName", json!("kube-apiserver-1")),
        ],
    );
    let gateway = json!({"time": "2026-11-21T10:00:00Z", "category": "GatewayLlmLogs", "location": "West Europe", "correlationId": "c1",
        "resourceId": "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.ApiManagement/service/g",
        "properties": {"modelName": "gpt-4o", "promptTokens": 12, "requestMessages": "[{\"role\":\"user\"}]", "isStreamCompletion": false}});
    check(
        &gateway,
        "ApiManagementGatewayLlmLog",
        &[
            ("Region", json!("West Europe")),
            ("PromptTokens", json!(12)),
            ("RequestMessages", json!([{"role": "user"}])),
            ("IsStreamCompletion", json!(false)),
        ],
    );
}

#[test]
fn what_has_no_table_of_its_own() {
    let record = json!({"time": "2026-11-21T10:00:00Z", "category": "RequestResponse", "operationName": "ChatCompletions_Create",
        "resourceId": "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A", "durationMs": 412,
        "callerIpAddress": "192.0.2.***", "Tenant": "eastus", "location": "eastus", "resultSignature": 200, "correlationId": "c1",
        "properties": "{\"modelDeploymentName\":\"gpt-4o\"}", "event": "ShoeboxCallResult"});
    let row_of = row(&record, "AzureDiagnostics");
    for (column, value) in [
        ("properties_s", json!("{\"modelDeploymentName\":\"gpt-4o\"}")),
        ("Tenant_s", json!("eastus")),
        ("CallerIPAddress", json!("192.0.2.***")),
        ("ResultSignature", json!("200")),
        ("DurationMs", json!(412)),
        ("Resource", json!("A")),
        ("ResourceGroup", json!("RG")),
        ("ResourceProvider", json!("MICROSOFT.COGNITIVESERVICES")),
        ("ResourceType", json!("ACCOUNTS")),
        ("SubscriptionId", json!("s1")),
        ("event_s", json!("ShoeboxCallResult")),
    ] {
        assert_eq!(row_of.get(column), Some(&value), "{column} in {row_of}");
    }
    let taken = take(&record);
    assert_eq!(taken.problems[0].kind, ProblemKind::UnknownCategory("RequestResponse".into()));
}

/// Columns as rules for key vaults and firewalls in Azure-Sentinel read them.
#[test]
fn columns_are_named_as_public_rules_read_them() {
    let claim = "http://schemas.microsoft.com/identity/claims/objectidentifier";
    let guid = "11111111-2222-3333-4444-555555555555";
    let record = json!({"time": "2026-11-21T10:00:00Z", "category": "Other", "identity": {"claim": {claim: guid, "appid": guid}},
        "properties": {"requestUri": "https://v", "httpStatusCode": 200, "isAccessPolicyMatch": true, "id": "x", "details": {"message": "m"},
            "properties": {"sku": {"Family": "A"}, "enabledForDeployment": false}, "at": "2026-11-21T10:00:00Z", "list": [1]}});
    check(
        &record,
        "AzureDiagnostics",
        &[
            ("identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g", json!(guid)),
            ("identity_claim_appid_g", json!(guid)),
            ("requestUri_s", json!("https://v")),
            ("httpStatusCode_d", json!(200.0)),
            ("isAccessPolicyMatch_b", json!(true)),
            ("details_message_s", json!("m")),
            ("properties_sku_Family_s", json!("A")),
            ("properties_enabledForDeployment_b", json!(false)),
            ("at_t", json!("2026-11-21T10:00:00.0000000Z")),
            ("list_s", json!("[1]")),
        ],
    );
}

#[test]
fn bodies_of_every_form() {
    let record = r#"{"time":"2026-11-21T10:00:00Z","category":"X"}"#;
    for (body, expected, rejected) in [
        (record.to_owned(), 1, 0),
        (format!("[{record},{record},3]"), 2, 1),
        (format!("{record}\r\n\n{record}\nbroken\n"), 2, 1),
        (format!("{{\"records\":[{record}]}}\n{{\"records\":[{record},null]}}"), 2, 1),
        (format!("\u{feff}{{\"records\":[{record}]}}"), 1, 0),
        ("{\"records\":[]}".to_owned(), 0, 0),
    ] {
        let taken = mapper().take(body.as_bytes(), received()).unwrap();
        fits(&taken);
        assert_eq!((taken.count("AzureDiagnostics"), taken.rejected), (expected, rejected), "{body}");
    }
    assert_eq!(mapper().take(b"broken", received()), Err(Error::Json { line: 1, column: 1 }));
}

#[test]
fn what_does_not_fit_is_told() {
    let taken = take(
        &json!({"time": "yesterday", "category": "SignInLogs", "durationMs": "long", "properties": {"brandNew": 1}}),
    );
    fits(&taken);
    let kinds: Vec<_> = taken.problems.iter().map(|problem| &problem.kind).collect();
    assert_eq!(
        kinds,
        [
            &ProblemKind::BadTime("time".into()),
            &ProblemKind::NoTime,
            &ProblemKind::NoColumn("brandNew".into()),
            &ProblemKind::Misfit("DurationMs".into()),
        ]
    );
    let taken =
        take(&json!({"time": "2026-11-21T10:00:00Z", "category": "SignInLogs", "properties": "broken"}));
    assert_eq!(taken.problems[0].kind, ProblemKind::NoColumn("properties".into()));
    let taken = take(&json!({"time": "2026-11-21T10:00:00Z", "category": "kube-audit",
        "resourceId": "/subscriptions/s/resourceGroups/r/providers/Microsoft.ContainerService/managedClusters/k",
        "properties": {"log": "{}", "pod": "p", "stream": "stdout"}}));
    let kinds: Vec<_> = taken.problems.iter().map(|problem| &problem.kind).collect();
    assert_eq!(kinds, [&ProblemKind::NoColumn("stream".into())]);
    let none = Mapper::new(|_| None)
        .take(br#"{"category":"SignInLogs","time":"2026-11-21T10:00:00Z"}"#, received())
        .unwrap();
    assert_eq!(none.problems[0].kind, ProblemKind::UnknownTable("SigninLogs".into()));
    assert_eq!(none.count("AzureDiagnostics"), 1);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("{\"a\":1}")),
        Just(json!("2026-11-21T10:00:00Z")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_record_is_a_row_or_rejected(
        category in prop::sample::select(vec!["SignInLogs", "AuditLogs", "kube-audit", "Administrative", "StorageRead", "GatewayLogs", "X"]),
        members in prop::collection::vec((prop::sample::select(vec!["time", "resourceId", "identity", "location", "durationMs", "level",
            "tenantId", "other"]), any_json()), 0..6),
        properties in prop::collection::vec((prop_oneof![Just("log".to_owned()), Just("status".to_owned()), Just("id".to_owned()),
            Just("location".to_owned()), any::<String>()], any_json()), 0..6),
    ) {
        let mut record: serde_json::Map<String, Value> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        record.insert("category".into(), json!(category));
        record.insert("properties".into(), properties.into_iter().collect());
        let taken = take(&Value::Object(record));
        fits(&taken);
        prop_assert_eq!(taken.rows.iter().map(|rows| rows.count).sum::<usize>(), 1);
    }

    #[test]
    fn any_bytes(bytes in any::<Vec<u8>>()) {
        if let Ok(taken) = mapper().take(&bytes, received()) {
            fits(&taken);
        }
    }
}
