//! OTLP over HTTP, and diagnostic logs.

use castellan_base::{OsSystem, System as _};
use serde_json::json;

use super::{Site, gzip};

const JSON: (&str, &str) = ("content-type", "application/json");
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

/// A record of now: one from long ago would be told as one whose time is not believed.
fn logs(text: &str) -> String {
    let now = OsSystem.now().unix_nanos().to_string();
    json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [
        { "timeUnixNano": now, "body": { "stringValue": text } }] }] }] })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_protobuf_are_answered_in_kind() {
    let site = Site::plain().await;
    let first = logs("a");
    let told = site.post("/v1/logs", &[JSON, ("content-encoding", "gzip")], gzip(first.as_bytes())).await;
    assert_eq!((told.status, told.json()), (200, json!({})));
    assert_eq!(site.post("/v1/logs", &[JSON], first).await.status, 200);
    assert_eq!(site.value("OTelLogs | where Body == 'a' | count").await, "1", "a repeated body adds nothing");
    let mixed = logs("b").replace("[{\"timeUnixNano\"", "[7,{\"timeUnixNano\"");
    let told = site.post("/v1/logs", &[JSON], mixed).await;
    assert_eq!(
        (told.status, &told.json()["partialSuccess"]["rejectedLogRecords"]),
        (200, &json!("1")),
        "{told:?}"
    );
    // An empty protobuf is a request without records; its answer is empty too.
    for path in ["/v1/logs", "/v1/traces", "/v1/metrics"] {
        let told = site.post(path, &[PROTOBUF], "").await;
        assert_eq!((told.status, told.body.len()), (200, 0), "{path}");
        assert_eq!(told.headers["content-type"], "application/x-protobuf");
        let told = site.post(path, &[PROTOBUF], "\u{7}nothing of the kind").await;
        // google.rpc.Status: the first field is code 3, the second a message.
        assert_eq!((told.status, &told.body[..3]), (400, &b"\x08\x03\x12"[..]), "{path}");
        let told = site.post(path, &[JSON], "{").await;
        assert_eq!((told.status, &told.json()["code"]), (400, &json!(3)), "{path}");
        assert_eq!(site.post(path, &[("content-type", "text/plain")], "{}").await.status, 415);
    }
    assert_eq!(site.value("OTelLogs | count").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn diagnostic_logs_go_to_their_tables() {
    let site = Site::plain().await;
    let body = json!({ "records": [
        { "time": "2026-11-21T00:00:00Z", "category": "SignInLogs", "resourceId": "/tenants/t/providers/Microsoft.aadiam",
          "properties": { "userPrincipalName": "ann@example.com" } },
        { "time": "2026-11-21T00:00:00Z", "category": "Audit",
          "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A" }, 7] });
    for _ in 0..2 {
        let told = site.post("/api/v1/diagnostics", &[JSON], body.to_string()).await;
        assert_eq!((told.status, &told.json()["rejected"]), (200, &json!(1)), "{told:?}");
        assert_eq!(told.json()["tables"], json!({ "SigninLogs": 1, "AzureDiagnostics": 1 }));
    }
    assert_eq!(site.value("SigninLogs | where UserPrincipalName has 'ann' | count").await, "1");
    assert_eq!(site.value("AzureDiagnostics | where Category == 'Audit' | count").await, "1");
    assert_eq!(site.post("/api/v1/diagnostics", &[JSON], "nothing").await.status, 400);
    assert_eq!(site.post("/api/v1/diagnostics", &[("content-type", "text/plain")], "{}").await.status, 415);
}
