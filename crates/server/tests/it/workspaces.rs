//! The management of a workspace: the official client, and what nobody may do.

use std::sync::Arc;

use castellan_lake::{Append, Form, Lake, Retention};
use castellan_query::Settings;
use castellan_server::{Config, Gate, Token, workspaces};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::client::{Running, free, serve};
use crate::intake::lake;
use crate::queries::driven_over;

const ROWS: &[u8] =
    br#"[{"UserPrincipalName": "ann@example.com"}, {"UserPrincipalName": "bob@example.com"}]"#;

async fn filled(folder: &TempDir) -> Arc<Lake> {
    let lake = lake(folder).await;
    lake.append("SigninLogs", ROWS, Form::Array, Append::default()).await.unwrap();
    lake
}

async fn users(lake: &Lake) -> usize {
    let engine = lake.engine(Settings::default());
    engine.query("SigninLogs | distinct UserPrincipalName").await.unwrap().answers[0].rows()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_mgmt_loganalytics_runs_unchanged() {
    let folder = TempDir::new().unwrap();
    let lake = filled(&folder).await;
    let served = Arc::clone(&lake);
    let routes = |config: &Config| workspaces::router(served, Gate::new(config), None);
    let Some(told) = driven_over("loganalytics_management", routes).await else { return };
    let expected = json!({
        "workspace": "00000000-0000-0000-0000-000000000000",
        "made": ["App_CL", 90, [["User", "string"], ["When", "dateTime"]]],
        "wider": [3, 90],
        "tables": [["App_CL", 90], ["SigninLogs", 365]],
        "purge": "completed",
        "rule": ["failures", true, "Failures_CL", "Succeeded"],
        "stopped": false,
        "rules": ["failures"],
        "rules after": [],
        "gone": [404, "ResourceNotFound"],
        "type changed": [400, "InvalidParameter"],
        "no table": [404, "ResourceNotFound"],
    });
    assert_eq!(told, expected);
    assert_eq!(users(&lake).await, 1, "the rows of one are gone");
    let kept: Vec<_> = lake.tables().iter().map(|table| table.retention).collect();
    assert_eq!(kept, [Retention::Days(365)]);
}

const BASE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w";

async fn start(folder: &TempDir, config: Config) -> (Arc<Lake>, Running) {
    let lake = filled(folder).await;
    let routes = workspaces::router(Arc::clone(&lake), Gate::new(&config), None);
    (lake, serve(config, routes).await)
}

async fn usual(folder: &TempDir) -> (Arc<Lake>, Running) {
    start(folder, Config { address: free(), ..Config::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_takes_no_condition_for_anything_else() {
    let folder = TempDir::new().unwrap();
    let (lake, server) = usual(&folder).await;
    let path = format!("{BASE}/purge?api-version=2025-07-01");
    for filter in [
        json!({ "column": "UserPrincipalName", "operator": "==", "value": "\") or (true) //" }),
        json!({ "column": "UserPrincipalName", "operator": "in", "value": ["') or true //", "\\\" or 1==1"] }),
    ] {
        let body = json!({ "table": "SigninLogs", "filters": [filter] });
        let (status, answer) = server.post(&path, &body).await;
        assert_eq!(status, 202, "{answer}");
        let id = answer["operationId"].as_str().unwrap().to_owned();
        let state = finished(&server, &id).await;
        assert_eq!(state, json!({ "status": "completed", "rows": 0 }));
    }
    for body in [
        json!({ "table": "SigninLogs", "filters": [] }),
        json!({ "table": "SigninLogs" }),
        json!({ "table": "SigninLogs", "filters": [{ "column": "x'] or true or ['x", "operator": "==", "value": 1 }] }),
        json!([]),
    ] {
        let (status, answer) = server.post(&path, &body).await;
        assert_eq!(status, 400, "{body}: {answer}");
    }
    assert_eq!(users(&lake).await, 2);
}

async fn finished(server: &Running, id: &str) -> Json {
    for _ in 0..200 {
        let path = format!("{BASE}/operations/{id}?api-version=2025-07-01");
        let (_, answer) = server.get_json(&path).await;
        if answer["status"] != "pending" {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    json!("still pending")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_here_is_told_as_resource_manager_does() {
    let folder = TempDir::new().unwrap();
    let (_lake, server) = usual(&folder).await;
    for (path, status, code) in [
        (format!("{BASE}/tables/Nothing_CL?api-version=1"), 404, "ResourceNotFound"),
        (format!("{BASE}/nothing?api-version=1"), 404, "ResourceNotFound"),
        (format!("{BASE}/tables"), 400, "MissingApiVersionParameter"),
        ("/subscriptions/s/providers/Microsoft.Storage/x?api-version=1".to_owned(), 404, "ResourceNotFound"),
    ] {
        let (found, answer) = server.get_json(&path).await;
        assert_eq!((found, &answer["error"]["code"]), (status, &json!(code)), "{path}");
    }
    // Names of types have no case.
    let (status, answer) = server.get_json(&format!("{}/TABLES?api-version=1", BASE.to_lowercase())).await;
    assert_eq!((status, answer["value"][0]["name"].as_str()), (200, Some("SigninLogs")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_changed_without_the_token() {
    let folder = TempDir::new().unwrap();
    let token = Some(Token::new("a-long-token-for-tests-0123456789").unwrap());
    let (lake, server) = start(&folder, Config { address: free(), token, ..Config::default() }).await;
    let filters = json!([{ "column": "UserPrincipalName", "operator": "==", "value": "ann@example.com" }]);
    let body = json!({ "table": "SigninLogs", "filters": filters });
    let (status, answer) = server.post(&format!("{BASE}/purge?api-version=1"), &body).await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("AuthenticationFailed")));
    assert_eq!(users(&lake).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_queries_fill_are_defined_over_http() {
    let folder = TempDir::new().unwrap();
    let (lake, server) = usual(&folder).await;
    let path = "/api/v1/lake/definitions/Users_CL";
    let query = "SigninLogs | summarize Count = count() by UserPrincipalName";
    let body = json!({ "kind": "materialized", "query": query, "every": 5 });
    let (status, answer) = server.put(path, &body).await;
    assert_eq!((status, &answer["name"]), (200, &json!("Users_CL")), "{answer}");
    let (status, answer) = server.post(&format!("{path}/run"), &json!({})).await;
    assert_eq!((status, &answer["runs"][0]["rows"]), (200, &json!(2)), "{answer}");
    let engine = lake.engine(Settings::default());
    assert_eq!(engine.query("Users_CL").await.unwrap().answers[0].rows(), 2);
    for wrong in [
        json!({ "kind": "materialized", "query": "Nothing", "every": 5 }),
        json!({ "kind": "materialized", "query": query, "every": 0 }),
        json!({ "kind": "other" }),
        json!(7),
    ] {
        assert_eq!(server.put(path, &wrong).await.0, 400, "{wrong}");
    }
    assert_eq!(server.get_json("/api/v1/lake/definitions").await.1["value"][0]["every"], 5);
}
