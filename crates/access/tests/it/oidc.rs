//! Tokens of a real OpenID provider, `oidc-provider` from npm, which `tools/oidc` installs.
// Starts the provider, which has to run while the test does, and says when there is none.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use castellan_access::principal::Kind;
use castellan_access::token::{
    Algorithm, FetchPlan, IssuerConfig, Issuers, KeysTaken, Outcome, Refusal, Verified,
};
use castellan_base::{OsSystem, System as _};
use serde_json::Value;

use crate::support::encode;

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

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
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
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(&modules).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                eprintln!("skipped: node cannot be started: {error}");
                return None;
            }
        };
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        Some(Provider { child, issuer: told["issuer"].as_str().unwrap().to_owned() })
    }

    fn ask(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let address = self.issuer.strip_prefix("http://").unwrap();
        let path = url.strip_prefix(&self.issuer).unwrap_or(url);
        let mut stream = TcpStream::connect(address).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            request.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let is_chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
        let body = if is_chunked { unchunked(body) } else { body.to_owned() };
        Answer { status, headers, body }
    }

    fn get(&self, url: &str) -> Answer {
        self.ask("GET", url, &[], "")
    }

    fn robot(&self, resource: &str, scope: &str) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode("robot:only-for-tests"));
        let resource = if resource.is_empty() { String::new() } else { format!("&resource={resource}") };
        let body = format!("grant_type=client_credentials&scope={scope}{resource}");
        self.ask("POST", "/token", &[("Authorization", &basic)], &body)
    }

    fn token(&self, resource: &str) -> String {
        self.robot(resource, "gate.invoke").json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Signs a person in, by a browser's steps: authorization code with PKCE. Gives the access token and the ID token.
    fn person(&self) -> (String, String) {
        let verifier = "a".repeat(64);
        let challenge = encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref());
        let callback = format!("{}/callback", self.issuer);
        let mut url = format!(
            "/auth?client_id=desk&response_type=code&scope=openid%20gate.invoke%20gate.call&resource={RESOURCE}\
             &redirect_uri={callback}&code_challenge={challenge}&code_challenge_method=S256&state=s&nonce=n"
        );
        let mut cookies = BTreeMap::new();
        let code = loop {
            let sent =
                cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let answer = self.ask("GET", &url, &[("Cookie", &sent)], "");
            for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
                let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let location = answer.headers.iter().find(|(name, _)| name == "location");
            let Some((_, location)) = location else { panic!("{} {}", answer.status, answer.body) };
            if location.starts_with(&callback) {
                break location.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
            }
            url.clone_from(location);
        };
        let basic = format!("Basic {}", STANDARD.encode("desk:only-for-tests"));
        let body = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={callback}&code_verifier={verifier}&resource={RESOURCE}"
        );
        let tokens = self.ask("POST", "/token", &[("Authorization", &basic)], &body).json();
        let token = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
        (token("access_token"), token("id_token"))
    }

    /// What the gate does with a plan: metadata, then keys.
    fn fetch(&self, issuers: &Issuers, plan: &FetchPlan) -> KeysTaken {
        let metadata = self.get(plan.metadata_url.as_deref().unwrap());
        let keys = issuers.take_metadata(plan, metadata.body.as_bytes()).unwrap();
        issuers.take_keys(plan, self.get(&keys).body.as_bytes(), OsSystem.now()).unwrap()
    }

    fn config(&self) -> IssuerConfig {
        let audiences = [RESOURCE, "https://gate.example/ps", "https://gate.example/es"];
        IssuerConfig {
            allow_loopback_http: true,
            algorithms: vec![Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256],
            ..IssuerConfig::oidc("provider", &self.issuer, &audiences)
        }
    }

    /// Verifies a token, and fetches keys when they are needed.
    fn verify(&self, issuers: &Issuers, token: &str) -> Result<Arc<Verified>, Refusal> {
        for _ in 0..2 {
            match issuers.verify(token, None, OsSystem.now()) {
                Outcome::Verified(verified) => return Ok(verified),
                Outcome::Refused(refusal) => return Err(refusal),
                Outcome::NeedsKeys { plan, .. } => {
                    self.fetch(issuers, &plan);
                }
            }
        }
        panic!("keys are needed again and again")
    }
}

fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        text.push_str(&rest[..length]);
        body = rest[length..].trim_start_matches("\r\n");
        if length == 0 {
            break;
        }
    }
    text
}

#[test]
fn tokens_of_applications_and_people() {
    let Some(provider) = Provider::start() else { return };
    let issuers = Issuers::new(vec![provider.config()]).unwrap();
    let robot = provider.verify(&issuers, &provider.token(RESOURCE)).unwrap();
    assert_eq!((robot.principal.kind, robot.principal.object.as_str()), (Kind::Application, "robot"));
    assert_eq!(
        (robot.principal.scopes.as_slice(), robot.principal.groups.as_slice()),
        (["gate.invoke".to_owned()].as_slice(), ["staff".to_owned()].as_slice())
    );
    assert_eq!(robot.principal.tenant, provider.issuer);
    assert!(robot.principal.credential.id.is_some());
    for other in ["https://gate.example/ps", "https://gate.example/es"] {
        provider.verify(&issuers, &provider.token(other)).unwrap();
    }
    let (access, id_token) = provider.person();
    let ann = provider.verify(&issuers, &access).unwrap();
    assert_eq!((ann.principal.kind, ann.principal.object.as_str()), (Kind::User, "ann"));
    assert_eq!((ann.principal.client.as_deref(), ann.principal.actors.len()), (Some("desk"), 1));
    assert_eq!(ann.principal.scopes, ["gate.invoke", "gate.call"]);
    // What else it gives out is no access token for the gate.
    assert_eq!(provider.verify(&issuers, &id_token), Err(Refusal::Type));
    let opaque = provider.robot("", "").json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(provider.verify(&issuers, &opaque).unwrap_err().word(), "malformed");
    let foreign = provider.token("https://other.example/api");
    assert_eq!(provider.verify(&issuers, &foreign), Err(Refusal::Audience));
    let strict =
        Issuers::new(vec![IssuerConfig { algorithms: vec![Algorithm::Rs256], ..provider.config() }]).unwrap();
    assert_eq!(provider.verify(&strict, &provider.token("https://gate.example/es")), Err(Refusal::Algorithm));
    // A letter of the claims, a letter of the signature.
    for part in [1, 2] {
        let mut parts: Vec<String> = access.split('.').map(str::to_owned).collect();
        let at = parts[part].len() / 2;
        let letter = if parts[part].as_bytes()[at] == b'A' { "B" } else { "A" };
        parts[part].replace_range(at..=at, letter);
        assert!(provider.verify(&issuers, &parts.join(".")).is_err());
    }
    let later = OsSystem.now().checked_add(700 * castellan_base::Ticks::PER_SECOND).unwrap();
    assert!(matches!(issuers.verify(&access, None, later), Outcome::Refused(Refusal::Expired)));
}

#[test]
fn keys_rotate() {
    let Some(provider) = Provider::start() else { return };
    let issuers = Issuers::new(vec![provider.config()]).unwrap();
    let before = provider.token(RESOURCE);
    provider.verify(&issuers, &before).unwrap();
    assert_eq!(provider.get("/rotate").status, 200);
    let after = provider.token(RESOURCE);
    // Keys were fetched a moment ago: an unknown key is not worth a request yet.
    assert!(matches!(issuers.verify(&after, None, OsSystem.now()), Outcome::Refused(Refusal::UnknownKey)));
    let soon = OsSystem.now().checked_add(31 * castellan_base::Ticks::PER_SECOND).unwrap();
    let Outcome::NeedsKeys { plan, lead: true } = issuers.verify(&after, None, soon) else {
        panic!("no keys needed")
    };
    let taken = provider.fetch(&issuers, &plan);
    assert_eq!((taken.added.len(), taken.removed.len()), (2, 2));
    provider.verify(&issuers, &after).unwrap();
    // What the old keys signed is refused at once, though it was verified before.
    assert!(matches!(issuers.verify(&before, None, OsSystem.now()), Outcome::Refused(Refusal::UnknownKey)));
}

#[test]
fn another_issuers_metadata_is_refused() {
    let (Some(one), Some(other)) = (Provider::start(), Provider::start()) else { return };
    let issuers = Issuers::new(vec![one.config()]).unwrap();
    let plan = issuers.due(OsSystem.now()).remove(0);
    let metadata = other.get("/.well-known/openid-configuration");
    assert!(issuers.take_metadata(&plan, metadata.body.as_bytes()).is_err());
    assert_eq!(one.verify(&issuers, &other.token(RESOURCE)), Err(Refusal::Issuer));
}
