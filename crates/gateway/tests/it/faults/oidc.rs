//! Tokens of a real OpenID provider, `oidc-provider` from npm, which `tools/oidc` installs, at the gate.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use castellan_base::{OsSystem, System as _};
use http::Request;
use http_body_util::{BodyExt as _, Full as Whole};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::super::gate::{Got, Running, configured};
use super::super::support::scripted;
use super::{CHAT, ask};

const RESOURCE: &str = "https://gate.example/api";

struct Provider {
    child: Child,
    issuer: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    fn start() -> Option<Provider> {
        let clients = OsSystem.env("CASTELLAN_CLIENTS").map(PathBuf::from);
        let home = || Some(PathBuf::from(OsSystem.env("HOME")?).join(".cache/castellan/clients"));
        let modules = clients.or_else(home)?.join("oidc/node_modules");
        if !modules.join("oidc-provider").exists() {
            eprintln!("skipped: no `oidc-provider`; run `tools/oidc`, which installs it with node and npm");
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../access/tests/it/provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(&modules).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child =
            command.spawn().map_err(|error| eprintln!("skipped: node cannot be started: {error}")).ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        Some(Provider { child, issuer: told["issuer"].as_str().unwrap().to_owned() })
    }

    /// A token of the application `robot`; one that is no JWT without a resource.
    async fn token(&self, resource: &str) -> String {
        let resource = if resource.is_empty() { String::new() } else { format!("&resource={resource}") };
        let body = format!("grant_type=client_credentials&scope=gate.invoke{resource}");
        let request = Request::post(format!("{}/token", self.issuer))
            .header("authorization", format!("Basic {}", STANDARD.encode("robot:only-for-tests")))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Whole::new(Bytes::from(body)))
            .unwrap();
        let answer = Client::builder(TokioExecutor::new()).build_http().request(request).await.unwrap();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let told: Value = serde_json::from_slice(&bytes).unwrap();
        told["access_token"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
    }

    async fn gate(&self, upstream: &str, folder: &std::path::Path) -> Running {
        std::fs::write(folder.join("p.cedar"), "permit (principal, action, resource);").unwrap();
        configured(&format!(
            "[gate]\nlisten = \"127.0.0.1:0\"\npolicies = {folder:?}\n[[gate.issuer]]\nname = \"provider\"\nkind = \"oidc\"\n\
             issuer = \"{}\"\naudiences = [\"{RESOURCE}\"]\nallow_loopback_http = true\n[gate.upstreams]\n\
             models.\"*\".members = [{{ url = \"{upstream}/v1\" }}]\n",
            self.issuer
        ))
        .await
    }
}

async fn with(gate: &Running, token: &str) -> Got {
    gate.send("POST", CHAT, &[("authorization", &format!("Bearer {token}"))], ask(false).to_string()).await
}

fn challenge(got: &Got) -> &str {
    got.headers.get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_real_provider() {
    let Some(provider) = Provider::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let stub = scripted("rules: []").await;
    let gate = provider.gate(&stub.url(), folder.path()).await;
    let token = provider.token(RESOURCE).await;
    for _ in 0..3 {
        let got = with(&gate, &token).await;
        assert_eq!(got.status, 200, "{}", got.text());
    }
    let row = gate.rows.decision(3).await;
    assert_eq!(row["PrincipalObjectId"], "robot");
    assert_eq!(row["PrincipalTenantId"], provider.issuer.as_str());
    assert_eq!(row["PrincipalKind"], "application");
    assert!(!format!("{:?}", stub.seen()).contains(&token) && !gate.rows.text().contains(&token));
    let none = gate.send("POST", CHAT, &[], ask(false).to_string()).await;
    assert_eq!((none.status, challenge(&none)), (401, "Bearer realm=\"castellan\""));
    let claims = token.split('.').nth(1).unwrap();
    let unsigned = format!("{}.{claims}.", URL_SAFE_NO_PAD.encode("{\"alg\":\"none\",\"typ\":\"at+jwt\"}"));
    let mut forged: Vec<u8> = token.clone().into_bytes();
    let at = token.rfind('.').unwrap() + 10;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    for (what, shown) in [
        ("another audience", provider.token("https://other.example/api").await),
        ("no JWT", provider.token("").await),
        ("unsigned", unsigned),
        ("another signature", String::from_utf8(forged).unwrap()),
    ] {
        let got = with(&gate, &shown).await;
        assert_eq!(got.status, 401, "{what}: {}", got.text());
        assert!(challenge(&got).contains("error=\"invalid_token\""), "{what}: {}", challenge(&got));
        assert_eq!(got.json().pointer("/error/type").and_then(Value::as_str), Some("authentication_error"));
    }
    assert_eq!(stub.requests(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away() {
    let Some(provider) = Provider::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let stub = scripted("rules: []").await;
    let known = provider.gate(&stub.url(), folder.path()).await;
    let token = provider.token(RESOURCE).await;
    assert_eq!(with(&known, &token).await.status, 200);
    let mut provider = provider;
    let _ = provider.child.kill();
    let _ = provider.child.wait();
    // Keys that are known go on; who has none yet lets nobody in.
    assert_eq!(with(&known, &token).await.status, 200);
    let fresh = provider.gate(&stub.url(), folder.path()).await;
    let got = with(&fresh, &token).await;
    assert_eq!(got.status, 503, "{}", got.text());
    assert_eq!(stub.requests(), 2);
}
