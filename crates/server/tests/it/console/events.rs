//! Server-sent events: what is told, what is not, and when it ends.

use std::time::Duration;

use castellan_base::{OsSystem, System};
use castellan_lake::{Append, Form};
use castellan_server::console::Role;
use serde_json::{Value as Json, json};

use super::document::is_a;
use super::site::{Site, Who};

/// Events as they come.
struct Listener {
    response: reqwest::Response,
    text: String,
}

impl Listener {
    async fn open(site: &Site, who: &Who, last: Option<&str>) -> Listener {
        let Who::Session { cookie, .. } = who else { panic!() };
        let mut request = site.client.get(format!("{}/api/v1/events", site.url)).header("cookie", cookie);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Listener { response, text: String::new() }
    }

    /// The next event: its id, its kind, its data. Nothing when it is over.
    async fn next(&mut self) -> Option<(String, String, Json)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                };
                let kind = field("event:");
                if kind.is_empty() {
                    continue;
                }
                return Some((field("id:"), kind, serde_json::from_str(&field("data:")).unwrap()));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(40), self.response.chunk()).await.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }
}

async fn append(site: &Site, table: &str, row: Json) {
    let rows = json!([row]).to_string();
    let how = Append { keeps_times: true, ..Append::default() };
    site.lake.append(table, rows.as_bytes(), Form::Array, how).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told_without_what_was_said() {
    let site = Site::usual().await;
    let who = site.sign_in(Role::Reader).await;
    let mut listener = Listener::open(&site, &who, None).await;
    let (_, kind, hello) = listener.next().await.unwrap();
    assert_eq!(kind, "hello");
    is_a("EventHello", &hello);
    let now = OsSystem.now();
    append(&site, "SecurityAlert", json!({ "TimeGenerated": now, "SystemAlertId": "a1", "DisplayName": "Jailbreak", "AlertSeverity": "High", "Description": "SECRET" })).await;
    let (first, kind, alert) = listener.next().await.unwrap();
    assert_eq!((kind.as_str(), &alert["name"]), ("alert", &json!("Jailbreak")));
    is_a("EventAlert", &alert);
    append(&site, "SecurityIncident", json!({ "TimeGenerated": now, "IncidentNumber": 7, "Title": "Jailbreak", "Severity": "High", "Status": "New", "LastModifiedTime": now, "Owner": { "assignedTo": "ann" }, "Description": "SECRET" })).await;
    let (_, kind, incident) = listener.next().await.unwrap();
    assert_eq!(
        (kind.as_str(), &incident["number"], &incident["owner"]),
        ("incident", &json!(7), &json!("ann"))
    );
    is_a("EventIncident", &incident);
    append(&site, "CastellanGateDecisions", json!({ "TimeGenerated": now, "RequestId": "r", "Action": "block", "Stage": "inspect", "ModelName": "m", "PrincipalName": "ben", "Reason": "guardrail_blocked", "Details": "SECRET", "StatusCode": 400, "DurationMs": 2.5,
        "Findings": [{ "rule": "default/attack", "check": "attack", "what": "SECRET", "decoded": "SECRET" }] })).await;
    let (last, kind, decision) = listener.next().await.unwrap();
    assert_eq!(
        (kind.as_str(), &decision["action"], &decision["rules"]),
        ("decision", &json!("block"), &json!(["default/attack"]))
    );
    is_a("EventDecision", &decision);
    for told in [&alert, &incident, &decision] {
        assert!(!told.to_string().contains("SECRET"), "{told}");
    }
    // What is long ago is history, which somebody takes in.
    append(
        &site,
        "CastellanGateDecisions",
        json!({ "TimeGenerated": "2020-01-01T00:00:00Z", "RequestId": "old", "Action": "block" }),
    )
    .await;
    append(
        &site,
        "SecurityAlert",
        json!({ "TimeGenerated": now, "SystemAlertId": "a2", "AlertName": "Next" }),
    )
    .await;
    assert_eq!(listener.next().await.unwrap().2["name"], "Next");
    // Another page goes on behind the first event; one from another time is told that it missed something.
    let mut other = Listener::open(&site, &who, Some(&first)).await;
    assert_eq!(other.next().await.unwrap().1, "hello");
    assert_eq!(other.next().await.unwrap().1, "incident");
    assert_eq!(other.next().await.unwrap().0, last);
    assert_eq!(other.next().await.unwrap().2["name"], "Next");
    let mut lost = Listener::open(&site, &who, Some("0123456789abcdef-3")).await;
    assert_eq!(lost.next().await.unwrap().1, "hello");
    let (_, kind, gap) = lost.next().await.unwrap();
    assert_eq!(kind, "gap");
    is_a("EventGap", &gap);
    site.console.close();
    assert_eq!((listener.next().await, other.next().await), (None, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_once_a_session_has_ended() {
    let site = Site::usual().await;
    let who = site.sign_in(Role::Reader).await;
    let mut listener = Listener::open(&site, &who, None).await;
    assert_eq!(listener.next().await.unwrap().1, "hello");
    assert_eq!(site.ask(&who, "DELETE", "/api/v1/session", None).await.status, 204);
    append(
        &site,
        "SecurityAlert",
        json!({ "TimeGenerated": OsSystem.now(), "SystemAlertId": "a", "AlertName": "x" }),
    )
    .await;
    assert!(listener.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_is_told() {
    let site = Site::usual().await;
    let who = site.sign_in(Role::Reader).await;
    let mut listener = Listener::open(&site, &who, None).await;
    assert_eq!(listener.next().await.unwrap().1, "hello");
    site.hub.posture(Some(OsSystem.now()), None);
    let (_, kind, told) = listener.next().await.unwrap();
    assert_eq!(kind, "posture");
    is_a("EventPosture", &told);
}
