//! TLS and logins, and the examples of the documentation.

use std::path::Path;
use std::sync::Arc;

use castellan_base::OsSystem;
use castellan_server::intake::kafka::Kafka;
use serde_json::json;
use tempfile::TempDir;

use super::super::{lake, listener};
use super::{Cluster, Reader, config};
use crate::contentsafety::Certificate;

const TOPIC: &str = "[[topics]]\ntopic = \"numbers\"\ntable = \"Numbers_CL\"\n";

/// Puts what asks for TLS or a login before a cluster that has ten messages.
fn guarded(certificate: Option<&Certificate>, asks: bool) -> Option<Cluster> {
    let mut cluster = Cluster::mock()?;
    cluster.create("numbers", 2);
    cluster.count("numbers", 0, 10, 2, "none");
    let file = |name| certificate.map(|certificate| certificate.file(name));
    let front =
        json!({ "do": "front", "certificate": file("cert.pem"), "key": file("key.pem"), "asks": asks });
    cluster.brokers = cluster.ask(front).split(',').map(str::to_owned).collect();
    Some(cluster)
}

fn login(mechanism: &str, user: &str, more: &str) -> String {
    format!(
        "[sasl]\nmechanism = \"{mechanism}\"\nuser = \"{user}\"\npassword = {{ file = \"password\" }}\n{more}\n"
    )
}

/// Reads with a login; waits for what is told where it is refused.
async fn check(cluster: &Cluster, security: &str, password: &str, refused: Option<&str>) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("password"), format!("{password}\n")).unwrap();
    let reader = Reader::start(&folder, &config(cluster, &format!("{security}{TOPIC}"))).await;
    match refused {
        None => reader.has("Numbers_CL | summarize strcat(count(), ' ', sum(n))", "10 45").await,
        Some(reason) => reader.told(reason).await,
    }
    assert!(!reader.told.lock().unwrap().iter().any(|line| line.contains(password)), "a password was told");
    reader.end().await;
}

const PASSWORD: &str = "s3cret, with a comma";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_are_those_that_brokers_know() {
    let Some(cluster) = guarded(None, true) else { return };
    for mechanism in ["scram-sha-256", "scram-sha-512"] {
        check(&cluster, &login(mechanism, "ann", ""), PASSWORD, None).await;
        let refused = "refuses the login: the name or the password is wrong";
        check(&cluster, &login(mechanism, "ann", ""), "another", Some(refused)).await;
    }
    check(&cluster, &login("plain", "ann", "unencrypted = true"), PASSWORD, None).await;
    check(&cluster, "", PASSWORD, Some("broke off")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_hubs_login_goes_over_tls() {
    let certificate = Certificate::new("kafka");
    let Some(cluster) = guarded(Some(&certificate), true) else { return };
    let tls = format!("[tls]\nca = {:?}\n", certificate.file("cert.pem"));
    let string = "Endpoint=sb://harbour/;SharedAccessKey=AbC=";
    check(&cluster, &format!("{tls}{}", login("plain", "$ConnectionString", "")), string, None).await;
    check(&cluster, &format!("{tls}{}", login("scram-sha-512", "ann", "")), PASSWORD, None).await;
    // Whoever shows a certificate that nobody trusts gets no password.
    let other = Certificate::new("kafka-other");
    let tls = format!("[tls]\nca = {:?}\n", other.file("cert.pem"));
    let refused = "cannot be reached: invalid peer certificate";
    check(&cluster, &format!("{tls}{}", login("plain", "ann", "")), PASSWORD, Some(refused)).await;
    // What does not speak TLS where it is expected breaks off.
    check(&cluster, "", PASSWORD, Some("it is tried again")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_of_the_documentation_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    let example = root.join("examples/lake/kafka.toml");
    let kafka = Kafka::open(&example, &OsSystem, Arc::clone(&lake), listener().0).await.unwrap();
    assert_eq!(
        kafka.describe(),
        "agent-calls, app-events, insights-logs, otel-traces of harbour (localhost:9092)"
    );
    let page = std::fs::read_to_string(root.join("docs/intake.md")).unwrap();
    let block = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = folder.path().join("kafka.toml");
    std::fs::write(&file, block.replace("EVENT_HUBS", "PATH")).unwrap();
    let kafka = Kafka::open(&file, &OsSystem, lake, listener().0).await.unwrap();
    assert!(kafka.describe().contains("harbour.servicebus.windows.net:9093"));
}
