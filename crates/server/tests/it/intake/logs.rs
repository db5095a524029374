//! The Logs Ingestion API.

use serde_json::json;

use super::{Site, gzip};

const JSON: (&str, &str) = ("content-type", "application/json");
pub(super) const VERSION: &str = "api-version=2023-01-01";

/// A rule with a transformation, and a second flow for one of its streams.
pub(super) fn rule() -> String {
    json!({
        "location": "eastus", "kind": "Direct", "name": "test",
        "properties": {
            "immutableId": "dcr-test",
            "streamDeclarations": {
                "Custom-Raw": { "columns": [
                    { "name": "Time", "type": "datetime" }, { "name": "Computer", "type": "string" },
                    { "name": "AdditionalContext", "type": "string" }, { "name": "Number", "type": "long" }] },
                "Custom-Small": { "columns": [{ "name": "n", "type": "int" }] },
            },
            "destinations": { "logAnalytics": [{ "workspaceResourceId": "/w", "name": "here" }] },
            "dataFlows": [
                { "streams": ["Custom-Raw"], "destinations": ["here"], "outputStream": "Custom-Raw_CL",
                  "transformKql": "source | where Number != 3 | project TimeGenerated = Time, Computer = toupper(Computer), AdditionalContext, Number" },
                { "streams": ["Custom-Raw"], "destinations": ["here"], "outputStream": "Microsoft-Syslog",
                  "transformKql": "source | where Number == 3 | project TimeGenerated = Time, HostName = Computer, SyslogMessage = 'three'" },
                { "streams": ["Custom-Small"], "destinations": ["here"], "outputStream": "Custom-Small_CL" },
            ],
        },
    })
    .to_string()
}

async fn with_rule() -> Site {
    let config = castellan_server::Config { address: crate::client::free(), ..Default::default() };
    Site::start(config, &[("test.json", &rule())]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_through_the_flows_of_their_stream() {
    let site = with_rule().await;
    let now = castellan_base::System::now(&castellan_base::OsSystem).to_string();
    let rows: Vec<_> =
        (0..5).map(|n| json!({ "Time": now, "Computer": "a", "Number": n, "Other": 1 })).collect();
    let path = format!("/dataCollectionRules/dcr-test/streams/Custom-Raw?{VERSION}");
    let body = serde_json::to_vec(&rows).unwrap();
    let told = site.post(&path, &[JSON, ("x-ms-client-request-id", "one")], body.clone()).await;
    assert_eq!((told.status, told.body.len()), (204, 0), "{told:?}");
    assert_eq!(told.headers["x-castellan-notes"], "Other: 5 left out, there is no such column");
    assert_eq!(told.headers["x-ms-client-request-id"], "one");
    let computers = "Raw_CL | summarize make_set(Computer), count() | project strcat(set_Computer, count_)";
    assert_eq!(site.value(computers).await, r#"["A"]4"#);
    assert_eq!(site.value("Syslog | where SyslogMessage == 'three' and HostName == 'a' | count").await, "1");
    // The same call again, packed: nothing more. Without the id it is another call.
    let packed = [JSON, ("x-ms-client-request-id", "one"), ("content-encoding", "gzip")];
    assert_eq!(site.post(&path, &packed, gzip(&body)).await.status, 204);
    assert_eq!(site.value("union Raw_CL, Syslog | count").await, "5");
    assert_eq!(site.post(&path, &[JSON], body).await.status, 204);
    assert_eq!(site.value("union Raw_CL, Syslog | count").await, "10");
    // The preview's version too.
    let path = "/dataCollectionRules/dcr-test/streams/Custom-Small?api-version=2021-11-01-preview";
    assert_eq!(site.post(path, &[JSON], "[]").await.status, 204);
    assert_eq!(site.post(path, &[JSON], r#"[{"n": 1}, {"n": "2"}, {}]"#).await.status, 204);
    assert_eq!(site.value("Small_CL | summarize sum(n)").await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_rule_takes_rows_as_they_come() {
    let site = Site::plain().await;
    let path = |stream: &str| format!("/dataCollectionRules/dcr-castellan/streams/{stream}?{VERSION}");
    let body = r#"[{"User": "ann", "Count": 2, "Bag": {"a": [1]}}]"#;
    assert_eq!(site.post(&path("Custom-App_CL"), &[JSON], body).await.status, 204);
    assert_eq!(site.value("App_CL | project strcat(User, Count, Bag.a[0])").await, "ann21");
    let body = r#"[{"ResultType": "0", "None": 1}]"#;
    let told = site.post(&path("Microsoft-SigninLogs"), &[JSON], body).await;
    assert_eq!(told.headers["x-castellan-notes"], "None: 1 left out, there is no such column");
    assert_eq!(site.value("SigninLogs | count").await, "1");
    // Values beyond 64 KB are cut and told; those of 64 KB are not.
    let body = json!([{ "Long": "a".repeat(65_537), "Right": "b".repeat(65_536) }]).to_string();
    let told = site.post(&path("Custom-App_CL"), &[JSON], body).await;
    assert_eq!(told.headers["x-castellan-notes"], "Long: 1 cut, they were too long");
    let lengths = "App_CL | where isnotempty(Long) | project strcat(strlen(Long), '/', strlen(Right))";
    assert_eq!(site.value(lengths).await, "65536/65536");
    for (stream, code) in
        [("Custom-App", "InvalidStream"), ("Microsoft-None", "InvalidStream"), ("App_CL", "InvalidStream")]
    {
        assert_eq!(
            site.post(&path(stream), &[JSON], "[{}]").await.code(),
            (400, code.to_owned()),
            "{stream}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_the_form_of_the_service() {
    let site = with_rule().await;
    let good = format!("/dataCollectionRules/dcr-test/streams/Custom-Raw?{VERSION}");
    let check = async |path: &str, headers: &[(&str, &str)], body: Vec<u8>, status: u16, code: &str| {
        let told = site.post(path, headers, body).await;
        assert_eq!(told.code(), (status, code.to_owned()), "{path} {headers:?}");
        assert_eq!(told.headers["x-ms-error-code"], code);
        assert!(told.json()["error"]["message"].as_str().is_some_and(|text| text.len() > 10));
    };
    let other = "/dataCollectionRules/dcr-castellan/streams/Custom-Raw_CL?api-version=2023-01-01";
    check(other, &[JSON], b"[]".to_vec(), 404, "NotFound").await;
    let stream = good.replace("Custom-Raw", "Custom-None");
    check(&stream, &[JSON], b"[]".to_vec(), 400, "InvalidStream").await;
    check(&good.replace("2023", "2024"), &[JSON], b"[]".to_vec(), 400, "UnsupportedApiVersion").await;
    check(&good, &[("content-type", "text/plain")], b"[]".to_vec(), 415, "UnsupportedMediaType").await;
    check(&good, &[JSON, ("content-encoding", "br")], b"[]".to_vec(), 415, "UnsupportedMediaType").await;
    check(&good, &[JSON, ("content-encoding", "gzip")], b"[]".to_vec(), 400, "InvalidPayload").await;
    for body in ["", "{}", "{\"Number\": 1}", "[", "[1]", "[{}", "[{}]x", "[{\"a\": tru}]", "\"x\"", "nul"] {
        check(&good, &[JSON], body.into(), 400, "InvalidJson").await;
    }
    check(&good, &[JSON], b"[{\"Computer\": \"\xff\"}]".to_vec(), 400, "InvalidJson").await;
    let deep = format!("[{{\"AdditionalContext\": {}{}}}]", "[".repeat(5_000), "]".repeat(5_000));
    check(&good, &[JSON], deep.into_bytes(), 400, "InvalidJson").await;
    let large = vec![b' '; (1 << 20) + 1];
    check(&good, &[JSON], large, 413, "ContentLengthLimitExceeded").await;
    let bomb = gzip(&vec![b' '; 64 << 20]);
    check(&good, &[JSON, ("content-encoding", "gzip")], bomb, 413, "ContentLengthLimitExceeded").await;
    assert_eq!(site.post(&good, &[JSON], "[{\"Number\": 1}]").await.status, 204, "nothing else is harmed");
    assert_eq!(site.value("Raw_CL | count").await, "1");
}
