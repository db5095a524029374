//! Every operation once, as it is meant to be called: each answer is one of success that the document describes.

use std::collections::BTreeSet;

use castellan_server::console::Role;
use serde_json::{Value as Json, json};

use super::document::{operation, operations};
use super::site::Site;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_answers_as_described() {
    let site = Site::usual().await;
    let who = site.sign_in(Role::Administrator).await;
    let mut called = BTreeSet::new();
    let mut ask = async |method: &str, path: &str, body: Option<Json>| {
        called.insert(operation(method, path).unwrap().id);
        let answer = site.ask(&who, method, path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer
    };
    ask("GET", "/api/v1/openapi.json", None).await;
    ask("GET", "/api/v1/session", None).await;
    ask("POST", "/api/v1/query", Some(json!({ "query": "print x = 1" }))).await;
    ask("POST", "/api/v1/queries", Some(json!({ "queries": [{ "id": "a", "query": "print x = 1" }] }))).await;
    ask("POST", "/api/v1/query/complete", Some(json!({ "text": "Sign", "offset": 4 }))).await;
    ask("POST", "/api/v1/query/check", Some(json!({ "text": "SigninLogs | wher" }))).await;
    ask("GET", "/api/v1/schema", None).await;
    ask("GET", "/api/v1/incidents?status=open&top=2", None).await;
    for (name, order) in [
        ("comment", json!({ "text": "hm" })),
        ("assign", json!({ "owner": { "assignedTo": "ben" } })),
        ("addTask", json!({ "title": "rotate", "description": "the key" })),
        ("finishTask", json!({ "task": 1 })),
        ("tag", json!({ "names": ["agents"] })),
        ("merge", json!({ "from": [2] })),
        ("update", json!({ "title": "<img src=x onerror=alert(1)>", "severity": "High" })),
        (
            "setStatus",
            json!({ "status": "Closed", "verdict": { "classification": "TruePositive", "reason": "SuspiciousActivity" } }),
        ),
    ] {
        let mut order = order;
        order["order"] = name.into();
        let body = json!({ "by": "mallory", "order": order });
        let told = ask("POST", "/api/v1/incidents/1/orders", Some(body)).await;
        assert!(!told.body.contains("mallory"));
    }
    let case = ask("GET", "/api/v1/incidents/1", None).await;
    assert!(!case.body.contains("mallory"), "who is signed in did it, whatever the body says: {case:?}");
    assert_eq!((&case.json()["comments"][0]["by"], &case.json()["owner"]), (&json!("ann"), &json!("ben")));
    let kept = ask(
        "POST",
        "/api/v1/incidents/3/evidence",
        Some(json!({ "text": "the card is 4111 1111 1111 1111" })),
    )
    .await;
    assert!(!kept.body.contains("4111"));
    let id = kept.json()["value"][0]["id"].as_str().unwrap().to_owned();
    ask("GET", "/api/v1/incidents/3/evidence", None).await;
    ask("GET", &format!("/api/v1/incidents/3/evidence/{id}"), None).await;
    ask("GET", "/api/v1/incidents/3", None).await;
    ask("GET", "/api/v1/incidents/1/timeline", None).await;
    for format in ["json", "dot", "svg"] {
        ask("GET", &format!("/api/v1/incidents/1/graph?format={format}"), None).await;
    }
    for format in ["json", "ocsf", "stix", "html"] {
        ask("GET", &format!("/api/v1/incidents/1/export?format={format}"), None).await;
    }
    ask("GET", "/api/v1/incidents/1/audit", None).await;
    ask("GET", "/api/v1/incidents/audit", None).await;
    ask("GET", "/api/v1/incidents/verify", None).await;
    ask("GET", "/api/v1/incidents/key", None).await;
    ask("GET", "/api/v1/estate", None).await;
    ask("GET", "/api/v1/estate/bom", None).await;
    ask("POST", "/api/v1/estate/scan", None).await;
    ask("GET", "/api/v1/recommendations/r1", None).await;
    ask(
        "POST",
        "/api/v1/recommendations/r1/exempt",
        Some(json!({ "reason": "accepted", "category": "waiver" })),
    )
    .await;
    ask("DELETE", "/api/v1/recommendations/r1/exempt", None).await;
    ask("GET", "/api/v1/gate", None).await;
    let issued = ask("POST", "/api/v1/gate/keys", Some(json!({ "owner": "ann" }))).await.json();
    let key = issued["record"]["id"].as_str().unwrap().to_owned();
    ask("GET", "/api/v1/gate/keys", None).await;
    ask("POST", &format!("/api/v1/gate/keys/{key}/rotate"), Some(json!({}))).await;
    ask("POST", &format!("/api/v1/gate/keys/{key}/revoke"), Some(json!({ "reason": "x" }))).await;
    ask("POST", "/api/v1/gate/try", Some(json!({ "text": "hello", "point": "user" }))).await;
    let order = json!({ "measure": "block", "kind": "agent", "subject": "a", "reason": "x" });
    let order = ask("POST", "/api/v1/gate/orders", Some(order)).await.json();
    ask("GET", "/api/v1/gate/orders", None).await;
    ask("DELETE", &format!("/api/v1/gate/orders/{}", order["id"].as_str().unwrap()), None).await;
    ask("GET", "/api/v1/rules", None).await;
    ask("GET", "/api/v1/rules/one", None).await;
    let rule = json!({ "name": "new", "query": "SigninLogs", "severity": "High" });
    ask("POST", "/api/v1/rules/check", Some(rule.clone())).await;
    ask("POST", "/api/v1/rules", Some(rule)).await;
    ask("DELETE", "/api/v1/rules/new", None).await;
    ask("GET", "/api/v1/settings", None).await;
    ask("GET", "/api/v1/events", None).await;
    ask("DELETE", "/api/v1/session", None).await;
    // Signing in is in every test, the provider and the original of evidence in tests of their own.
    called.extend(["signIn", "beginOidc", "finishOidc", "revealEvidence"].map(str::to_owned));
    let all: BTreeSet<String> = operations().into_iter().map(|operation| operation.id).collect();
    assert_eq!(called, all);
    let acts = site.told.acts.lock().unwrap().join("; ");
    assert_eq!(acts, "scan; exempt r1 by ann: accepted; lift r1 by ann; save new by ann; remove new by ann");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told() {
    let site = Site::usual().await;
    let who = Site::bearer();
    let exempt = "/api/v1/recommendations/r1/exempt";
    for (method, path, body, status) in [
        ("GET", "/api/v1/recommendations/none", None, 404),
        ("POST", exempt, Some(json!({ "reason": "", "category": "waiver" })), 400),
        ("POST", exempt, Some(json!({ "reason": "x", "category": "luck" })), 400),
        (
            "POST",
            exempt,
            Some(json!({ "reason": "x", "category": "waiver", "until": "2020-01-01T00:00:00Z" })),
            400,
        ),
        ("GET", "/api/v1/rules/none", None, 404),
        ("DELETE", "/api/v1/rules/one", None, 404),
        ("POST", "/api/v1/rules", Some(json!({ "name": " ", "query": "x", "severity": "High" })), 400),
        ("POST", "/api/v1/rules", Some(json!({ "name": "a\nb", "query": "x", "severity": "High" })), 400),
        ("POST", "/api/v1/rules", Some(json!({ "name": "a", "query": "x", "severity": "Critical" })), 400),
        ("GET", "/api/v1/incidents/99", None, 404),
        ("GET", "/api/v1/incidents/%2e%2e", None, 404),
        ("POST", "/api/v1/incidents/1/orders", Some(json!({ "order": { "order": "explode" } })), 400),
        ("POST", "/api/v1/incidents/1/evidence/abcd/reveal", Some(json!({ "reason": "x" })), 403),
        ("PUT", "/api/v1/session", None, 405),
        ("GET", "/api/v1/", None, 404),
        ("GET", "/api/v1/session/", None, 404),
        ("GET", "/api/v1/session/oidc", None, 404),
        ("GET", "/api/v1/session/oidc/callback?code=x&state=y", None, 404),
    ] {
        let answer = site.ask(&who, method, path, body.clone()).await;
        assert_eq!(answer.status, status, "{method} {path} {body:?}: {answer:?}");
        assert!(answer.json()["error"]["message"].as_str().is_some_and(|message| message.len() > 5));
    }
    // A program with the token says for whom it acts.
    let order = json!({ "by": "ticket-system", "order": { "order": "comment", "text": "x" } });
    assert_eq!(site.ask(&who, "POST", "/api/v1/incidents/1/orders", Some(order)).await.status, 200);
    let case = site.ask(&who, "GET", "/api/v1/incidents/1", None).await.json();
    assert_eq!(case["comments"][0]["by"], "ticket-system");
}
