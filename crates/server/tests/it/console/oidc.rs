//! Signing in at a real OpenID provider, `oidc-provider` from npm, which `tools/oidc` installs.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};

use super::site::{Answer, Site, TOKEN, Wanted, Who};

const BEGIN: &str = "/api/v1/session/oidc";
const CALLBACK: &str = "/api/v1/session/oidc/callback";

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
    fn start(callback: &str) -> Option<Provider> {
        let clients = std::env::var_os("CASTELLAN_CLIENTS").map(PathBuf::from);
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/castellan/clients"));
        let modules = clients.or_else(home)?.join("oidc/node_modules");
        if !modules.join("oidc-provider").exists() {
            eprintln!("skipped: no `oidc-provider`; run `tools/oidc`, which installs it with node and npm");
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/oidc_provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(&modules).arg(callback);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                eprintln!("skipped: node cannot be started: {error}");
                return None;
            }
        };
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Json = serde_json::from_str(&line).unwrap();
        Some(Provider { child, issuer: told["issuer"].as_str().unwrap().to_owned() })
    }
}

/// A port that was free a moment ago: the provider has to know the address before the server listens.
fn port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn start() -> Option<(Site, Provider)> {
    let address = port();
    let provider = Provider::start(&format!("http://{address}{CALLBACK}"))?;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "only for tests: +&\n").unwrap();
    let text = format!(
        "[console.oidc]\nissuer = \"{}\"\nclient_id = \"console\"\nclient_secret = \"file:{}\"\nurl = \"http://{address}\"\n\
         label = \"Harbour Mutual\"\nallow_loopback_http = true\n\
         roles = {{ administrator = [\"castellan-admin\"], reader = [\"castellan-reader\"] }}\n",
        provider.issuer,
        secret.path().display(),
    );
    let config = castellan_server::console::read(&text).unwrap();
    Some((Site::start(Wanted { config, address: Some(address), ..Wanted::default() }).await, provider))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_go_over_the_provider_and_come_back() {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/console");
    if !std::path::Path::new("/usr/bin/chromium").exists() {
        eprintln!("skipped: no Chromium; get it with: apt-get install chromium");
        return;
    }
    let Some((site, provider)) = start().await else { return };
    let mut command = tokio::process::Command::new(tool);
    command.args(["--test", "test/oidc.test.mjs"]).env("CONSOLE_OIDC", &provider.issuer);
    let ran = command.env("CONSOLE_URL", &site.url).env("CONSOLE_TOKEN", TOKEN).output().await.unwrap();
    let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(69) {
        eprintln!("skipped: {told}");
        return;
    }
    let passed = told.lines().filter(|line| line.starts_with("ok ") && !line.contains("# SKIP")).count();
    assert!(ran.status.success() && passed == 5, "{told}");
}

/// A browser: its cookies, by the host that set them.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<(String, String), String>,
}

impl Browser {
    async fn get(&mut self, site: &Site, url: &str) -> (u16, String, Vec<String>) {
        let host = url.split('/').nth(2).unwrap().to_owned();
        let own = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let sent: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let request =
            site.client.get(url).header("cookie", sent.join("; ")).header("sec-fetch-site", "cross-site");
        let answer = request.send().await.unwrap();
        let mut set = Vec::new();
        for cookie in answer.headers().get_all("set-cookie") {
            let text = cookie.to_str().unwrap();
            set.push(text.to_owned());
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert((host.clone(), name.to_owned()), value.to_owned());
        }
        let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        (answer.status().as_u16(), location.unwrap_or_default(), set)
    }

    fn cookie(&self, name: &str) -> String {
        let found = self.cookies.iter().find(|((_, known), _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// From the button to where the provider sends the browser back.
    async fn follow_to_callback(&mut self, site: &Site, provider: &Provider) -> String {
        let begun = site.ask_with(&Who::Nobody, "GET", BEGIN, None, &[]).await;
        assert_eq!(begun.status, 302, "{begun:?}");
        let host = site.url.split('/').nth(2).unwrap().to_owned();
        let (name, value) = begun.header("set-cookie").split(';').next().unwrap().split_once('=').unwrap();
        self.cookies.insert((host, name.to_owned()), value.to_owned());
        let mut url = begun.header("location").to_owned();
        for _ in 0..12 {
            let (status, to, _) = self.get(site, &url).await;
            assert!((300..400).contains(&status), "{status} at {url}");
            url = if to.starts_with('/') { format!("{}{to}", provider.issuer) } else { to };
            if url.starts_with(&site.url) {
                return url;
            }
        }
        panic!("the provider leads in circles")
    }
}

async fn as_account(site: &Site, provider: &Provider, account: &str) {
    site.client.get(format!("{}/as?account={account}", provider.issuer)).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_sign_in_with_the_role_that_the_provider_tells() {
    let Some((site, provider)) = start().await else { return };
    let nobody = site.ask(&Who::Nobody, "GET", "/api/v1/session", None).await.json();
    assert_eq!(nobody["oidc"], json!({ "enabled": true, "label": "Harbour Mutual" }));
    for (account, role) in [("ann", "administrator"), ("ben", "reader")] {
        as_account(&site, &provider, account).await;
        let mut browser = Browser::default();
        let callback = browser.follow_to_callback(&site, &provider).await;
        let (status, to, set) = browser.get(&site, &callback).await;
        assert_eq!((status, to.as_str()), (302, "/"), "{account}");
        assert!(
            set.iter()
                .any(|cookie| cookie.starts_with("castellan_session=") && cookie.contains("SameSite=Strict"))
        );
        assert!(
            set.iter().any(|cookie| cookie.starts_with("castellan_oidc=;") && cookie.contains("Max-Age=0"))
        );
        let cookie = format!("castellan_session={}", browser.cookie("castellan_session"));
        let session = site
            .ask(&Who::Session { cookie, csrf: String::new() }, "GET", "/api/v1/session", None)
            .await
            .json();
        assert_eq!(
            (&session["name"], &session["role"], &session["way"]),
            (&json!(format!("{account}@harbour.example")), &json!(role), &json!("oidc"))
        );
        // A code counts once.
        let (_, to, _) = browser.get(&site, &callback).await;
        assert_eq!(to, "/#problem=expired");
    }
    for (account, problem) in [("eve", "role"), ("nobody", "denied")] {
        as_account(&site, &provider, account).await;
        let mut browser = Browser::default();
        let callback = browser.follow_to_callback(&site, &provider).await;
        let (_, to, set) = browser.get(&site, &callback).await;
        assert_eq!(to, format!("/#problem={problem}"), "{account}");
        assert!(!set.iter().any(|cookie| cookie.starts_with("castellan_session=")));
    }
    let settings = site.ask(&Site::bearer(), "GET", "/api/v1/settings", None).await;
    assert!(
        settings.body.contains("access_denied") && !settings.body.contains("only for tests"),
        "{settings:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_where_it_was_asked_for() {
    let Some((site, provider)) = start().await else { return };
    let begun = site.ask(&Who::Nobody, "GET", BEGIN, None).await;
    let cookie = begun.header("set-cookie");
    for flag in ["HttpOnly", "SameSite=Lax", "Path=/api/v1/session/oidc", "Max-Age=600"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    for member in [
        "code_challenge_method=S256",
        "response_type=code",
        "nonce=",
        "state=",
        "scope=openid%20profile%20email",
    ] {
        assert!(begun.header("location").contains(member), "{begun:?}");
    }
    let (mut one, mut other) = (Browser::default(), Browser::default());
    let (to_one, to_other) =
        (one.follow_to_callback(&site, &provider).await, other.follow_to_callback(&site, &provider).await);
    let member = |url: &str, name: &str| {
        let (_, rest) = url.split_once(&format!("{name}=")).unwrap();
        rest.split('&').next().unwrap().to_owned()
    };
    let problem = async |browser: &mut Browser, url: &str| browser.get(&site, url).await.1;
    // Somebody else's answer, in this browser and in none.
    assert_eq!(problem(&mut one, &to_other).await, "/#problem=expired");
    assert_eq!(problem(&mut Browser::default(), &to_other).await, "/#problem=expired");
    let state = member(&to_one, "state");
    let wrong = to_one.replace(&state, &"0".repeat(64));
    assert_eq!(problem(&mut one, &wrong).await, "/#problem=expired");
    // This browser began, and was given somebody else's code: the verifier of PKCE does not fit it.
    let injected = to_one.replace(&member(&to_one, "code"), &member(&to_other, "code"));
    assert_eq!(problem(&mut one, &injected).await, "/#problem=refused");
    assert_eq!(problem(&mut one, &to_one).await, "/#problem=expired", "it was used up");
    let mut third = Browser::default();
    let to_third = third.follow_to_callback(&site, &provider).await;
    let issuer = member(&to_third, "iss");
    let elsewhere = to_third.replace(&issuer, "https%3A%2F%2Fevil.example");
    assert_eq!(problem(&mut third, &elsewhere).await, "/#problem=refused");
    let mut late = Browser::default();
    let to_late = late.follow_to_callback(&site, &provider).await;
    site.clock.forward(601);
    assert_eq!(problem(&mut late, &to_late).await, "/#problem=expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_not_there_is_told() {
    let address = port();
    let text = format!(
        "[console.oidc]\nissuer = \"http://{}\"\nclient_id = \"c\"\nurl = \"http://{address}\"\nallow_loopback_http = true\n\
         roles = {{ reader = [\"*\"] }}\n",
        port(),
    );
    let config = castellan_server::console::read(&text).unwrap();
    let site = Site::start(Wanted { config, address: Some(address), ..Wanted::default() }).await;
    let answer: Answer = site.ask(&Who::Nobody, "GET", BEGIN, None).await;
    assert_eq!((answer.status, answer.header("location")), (302, "/#problem=unreachable"));
    let told = site.ask(&Site::bearer(), "GET", "/api/v1/settings", None).await.json();
    let problems = told["problems"].as_array().unwrap();
    assert!(problems.iter().any(|problem| problem.as_str().unwrap().contains("metadata")), "{told}");
}
