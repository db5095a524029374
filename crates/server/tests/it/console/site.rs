//! A server with a console that has everything, and people who ask it.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use castellan_base::{DirEntry, OsSystem, ProgramOutput, System, Ticks};
use castellan_gateway::Listener;
use castellan_gateway::record::{Full, Recorder};
use castellan_lake::Lake;
use castellan_query::{Engine, Settings};
use castellan_server::console::{Console, ConsoleConfig, Hub, Opened, Options, Parts, Role};
use castellan_server::{Bounds, Config, Gate, Queries, Refusal, Server, Tables, Token, incidents};
use reqwest::Method;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::document::conforms;
use super::parts::Told;
use crate::client::free;

pub(crate) const TOKEN: &str = "a-long-token-of-tests-0123456789";

/// A clock that can be put forward.
#[derive(Default)]
pub(crate) struct Clock(AtomicI64);

impl Clock {
    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds * Ticks::PER_SECOND, Ordering::Relaxed);
    }
}

impl System for Clock {
    fn now(&self) -> Ticks {
        OsSystem.now().checked_add(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        OsSystem.read(path, limit)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OsSystem.write(path, bytes)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        OsSystem.read_dir(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        OsSystem.is_dir(path)
    }

    fn exists(&self, path: &Path) -> bool {
        OsSystem.exists(path)
    }

    fn env(&self, name: &str) -> Option<String> {
        OsSystem.env(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<ProgramOutput> {
        OsSystem.run(program, arguments)
    }
}

struct OfLake(Arc<Lake>);

#[async_trait]
impl Tables for OfLake {
    async fn engine(&self, settings: Settings) -> Result<Engine, Refusal> {
        Ok(self.0.engine(settings))
    }
}

struct Nowhere;

impl Recorder for Nowhere {
    fn record(&self, _: &'static str, _: Vec<serde_json::Map<String, Json>>) -> Result<(), Full> {
        Ok(())
    }
}

/// A server, and what is behind it.
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) console: Console,
    pub(crate) clock: Arc<Clock>,
    pub(crate) told: Arc<Told>,
    pub(crate) hub: Hub,
    pub(crate) lake: Arc<Lake>,
    pub(crate) gate_url: String,
    pub(crate) client: reqwest::Client,
    _stop: oneshot::Sender<()>,
    _folder: TempDir,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    Nobody,
    Bearer(String),
    Session { cookie: String, csrf: String },
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    pub(crate) fn code(&self) -> String {
        serde_json::from_str::<Json>(&self.body)
            .ok()
            .and_then(|told| told["error"]["code"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// How a site differs from the usual one.
pub(crate) struct Wanted {
    pub(crate) token: Option<&'static str>,
    pub(crate) config: ConsoleConfig,
    pub(crate) is_secure: bool,
    pub(crate) address: Option<std::net::SocketAddr>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted { token: Some(TOKEN), config: ConsoleConfig::default(), is_secure: false, address: None }
    }
}

impl Site {
    pub(crate) async fn usual() -> Site {
        Site::start(Wanted::default()).await
    }

    pub(crate) async fn start(wanted: Wanted) -> Site {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(Clock::default());
        let lake = crate::intake::lake(&folder).await;
        let desk = crate::incidents::desk(&folder, None);
        let token = wanted.token.map(|token| Token::new(token).unwrap());
        let address = wanted.address.unwrap_or_else(free);
        let config = Config { address, token: token.clone(), ..Config::default() };
        let gate = Gate::new(&config);
        let tables = Arc::new(OfLake(Arc::clone(&lake)));
        let queries = Queries::new(tables, gate.clone(), Bounds::default()).unwrap();
        let opened = opened(&folder).await;
        let gate_url = format!("http://{}", opened.1.address);
        let (told, hub) = (Arc::new(Told::default()), Hub::default());
        let (followed, of) = (hub.clone(), Arc::clone(&lake));
        tokio::spawn(followed.follow(of, Arc::clone(&clock) as Arc<dyn System>));
        tokio::spawn(opened.0.run(std::future::pending(), |_| {}));
        let parts = Parts {
            queries: Some(queries),
            incidents: Some(incidents::Face::new(desk, gate.clone(), incidents::Options::default())),
            opened: Some(opened.1),
            orders: None,
            estate: Some(Arc::clone(&told) as _),
            rules: Some(Arc::clone(&told) as _),
            settings: Some(Arc::clone(&told) as _),
            hub: Some(hub.clone()),
        };
        let options = Options { token, is_secure: wanted.is_secure, is_demo: false, config: wanted.config };
        let console = Console::new(gate.clone(), options, parts, Arc::clone(&clock) as _).unwrap();
        let others = castellan_server::presidio::router(castellan_detectors::engine(), gate);
        let server = Server::bind(config, others).await.unwrap().with_console(&console);
        let url = format!("http://{}", server.address());
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        let client = reqwest::Client::builder().pool_max_idle_per_host(0);
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Site { url, console, clock, told, hub, lake, gate_url, client, _stop: stop, _folder: folder }
    }

    /// The answer to a request, which is one that the document describes.
    pub(crate) async fn ask(&self, who: &Who, method: &str, path: &str, body: Option<Json>) -> Answer {
        self.ask_with(who, method, path, body, &[]).await
    }

    pub(crate) async fn ask_with(
        &self,
        who: &Who,
        method: &str,
        path: &str,
        body: Option<Json>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let url = format!("{}{path}", self.url);
        let mut request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        match who {
            Who::Nobody => {}
            Who::Bearer(token) => request = request.header("authorization", format!("Bearer {token}")),
            Who::Session { cookie, csrf } => {
                request = request.header("cookie", cookie);
                if !csrf.is_empty() {
                    request = request.header("x-castellan-csrf", csrf);
                }
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers: HashMap<String, String> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        if headers.get("content-type").is_some_and(|kind| kind == "text/event-stream") {
            return Answer { status, headers, body: String::new() };
        }
        let body = response.text().await.unwrap();
        let kind = headers.get("content-type").map_or("", String::as_str);
        if method != "HEAD" {
            conforms(method, path, status, kind, &body);
        }
        Answer { status, headers, body }
    }

    /// Somebody who has just signed in with a role.
    pub(crate) async fn sign_in(&self, role: Role) -> Who {
        let code = self.console.invite("ann", role).unwrap();
        self.redeem(json!({ "code": code })).await.unwrap()
    }

    /// Signs in with a token or a code; the answer where that does not work.
    pub(crate) async fn redeem(&self, body: Json) -> Result<Who, Answer> {
        let answer = self.ask(&Who::Nobody, "POST", "/api/v1/session", Some(body)).await;
        if answer.status != 204 {
            return Err(answer);
        }
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let who = Who::Session { cookie: cookie.clone(), csrf: String::new() };
        let session = self.ask(&who, "GET", "/api/v1/session", None).await;
        assert_eq!(session.status, 200, "{session:?}");
        Ok(Who::Session { cookie, csrf: session.json()["csrf"].as_str().unwrap().to_owned() })
    }

    pub(crate) fn bearer() -> Who {
        Who::Bearer(TOKEN.to_owned())
    }
}

/// A gate before a stub.
async fn opened(folder: &TempDir) -> (Listener, Opened) {
    let stub = castellan_gateway::stub::Stub::bind(free(), castellan_gateway::stub::Options::default())
        .await
        .unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("pepper"), "11".repeat(32)).unwrap();
    let text = format!(
        "[gate]\nlisten = \"127.0.0.1:0\"\nkeys = {:?}\npepper = \"file:{}\"\norders = {:?}\n\
         [[gate.limits.rules]]\nname = \"calls\"\nper = [\"key\"]\nunit = \"requests\"\nwindow = \"hour\"\nlimit = 1000\n\
         [gate.upstreams.models.stub]\nmembers = [{{ url = \"{}/v1\" }}]\n",
        path("keys.json"),
        path("pepper"),
        path("orders.json"),
        stub.url(),
    );
    // It answers as long as the test runs.
    std::mem::forget(stub);
    let config = castellan_gateway::config::read(&text).unwrap();
    let gate = castellan_gateway::Gate::new(config, Arc::new(OsSystem), Arc::new(Nowhere)).unwrap();
    let listener = Listener::bind(Arc::new(gate)).await.unwrap();
    let opened = Opened { gate: Arc::clone(listener.gate()), address: listener.address() };
    (listener, opened)
}
