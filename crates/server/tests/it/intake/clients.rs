//! Clients of others, unchanged: Azure's for the Logs Ingestion API, OpenTelemetry's SDK over HTTP and gRPC.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use castellan_server::{Config, Gate, Server, Tls, Token, intake};
use serde_json::{Value, json};

use super::Site;
use super::logs::rule;
use crate::client::free;
use crate::contentsafety::{Certificate, KEY};
use crate::peer::python;

/// What a script tells; nothing where its client is not installed.
async fn told(client: &str, script: &str, arguments: Vec<String>) -> Option<Value> {
    let Some(python) = python(client) else {
        eprintln!("skipped: no `{client}`; run `tools/clients`, which installs it");
        return None;
    };
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(script);
    let ran = tokio::task::spawn_blocking(move || {
        Command::new(python).arg(script).args(arguments).output().unwrap()
    });
    let output = ran.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn config(certificate: Option<&Certificate>) -> Config {
    let tls = certificate
        .map(|certificate| Tls::read(&certificate.file("cert.pem"), &certificate.file("key.pem")).unwrap());
    Config { address: free(), tls, token: Some(Token::new(KEY).unwrap()), ..Config::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azures_client_uploads_unchanged() {
    let certificate = Certificate::new("ingestion");
    let site = Site::start(config(Some(&certificate)), &[("test.json", &rule())]).await;
    let endpoint = format!("https://127.0.0.1:{}", site.server.address.port());
    let file = certificate.file("cert.pem").display().to_string();
    let arguments = vec![endpoint, file, KEY.to_owned()];
    let Some(told) = told("monitor-ingestion", "monitor_ingestion.py", arguments).await else { return };
    let expected = json!({
        "scope": "https://monitor.azure.com/.default",
        "stream": [400, "InvalidStream", 3], "rule": [404, "NotFound"],
        "large": [413, "ContentLengthLimitExceeded"], "token": [401, "AuthenticationFailed"],
    });
    assert_eq!(told, expected);
    // One row in 20,000 goes to the other table, and the upload that was repeated counts once.
    let counts = "Raw_CL | summarize rows = count(), numbers = dcount(Number, 4) | project strcat(rows, '/', numbers > 19000)";
    assert_eq!(site.value(counts).await, "20003/True");
    assert_eq!(site.value("Syslog | count").await, "2");
    assert_eq!(site.value("Small_CL | count").await, "150000");
}

async fn has_all_signals(site: &Site) {
    assert_eq!(
        site.value("OTelLogs | where Body == 'careful' and RoleName == 'contoso.travel' | count").await,
        "1"
    );
    assert_eq!(site.value("OTelSpans | where Name == 'chat gpt-4o' | count").await, "1");
    assert_eq!(site.value("OTelMetrics | where Name == 'orders' and IntegerValue == 3 | count").await, "1");
    assert_eq!(site.value("ASimAgentEventLogs | where InputTokensUsed == 12 | count").await, "1");
    assert_eq!(site.value("AppGenAIContent | where InputMessages has 'Capital' | count").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opentelemetry_exports_over_http() {
    let site = Site::start(config(None), &[]).await;
    let arguments = vec!["http".to_owned(), site.server.url(""), KEY.to_owned()];
    let Some(told) = told("otel-grpc", "otlp_export.py", arguments).await else { return };
    assert_eq!(told, json!(["SUCCESS", "SUCCESS", "SUCCESS"]));
    has_all_signals(&site).await;
}

/// Exports over gRPC, and what the exporters gave back.
async fn over_grpc(site: &Site, config: Config, token: &str, certificate: Option<String>) -> Option<Value> {
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let routes = intake::grpc_router(Arc::clone(&site.lake), Gate::new(&config), super::loud());
    let server = Server::bind(config, routes).await.unwrap().with_http2();
    let endpoint = format!("{scheme}://localhost:{}", server.address().port());
    let running = tokio::spawn(server.run(std::future::pending()));
    let mut arguments = vec!["grpc".to_owned(), endpoint, token.to_owned()];
    arguments.extend(certificate);
    let told = told("otel-grpc", "otlp_export.py", arguments).await;
    running.abort();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opentelemetry_exports_over_grpc() {
    let site = Site::plain().await;
    let Some(told) = over_grpc(&site, config(None), KEY, None).await else { return };
    assert_eq!(told, json!(["SUCCESS", "SUCCESS", "SUCCESS"]));
    has_all_signals(&site).await;
    let told = over_grpc(&site, config(None), "not the token at all", None).await.unwrap();
    assert_eq!(told, json!(["FAILURE", "FAILURE", "FAILURE"]));
    has_all_signals(&site).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opentelemetry_exports_over_grpc_with_tls() {
    let site = Site::plain().await;
    let certificate = Certificate::new("grpc");
    let file = certificate.file("cert.pem").display().to_string();
    let Some(told) = over_grpc(&site, config(Some(&certificate)), KEY, Some(file)).await else { return };
    assert_eq!(told, json!(["SUCCESS", "SUCCESS", "SUCCESS"]));
    has_all_signals(&site).await;
}
