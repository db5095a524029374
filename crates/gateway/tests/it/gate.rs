//! A gate in front of an upstream, as tests need it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use castellan_base::OsSystem;
use castellan_gateway::record::{Full, Recorder};
use castellan_gateway::{Gate, Listener, config};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full as Whole};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value};

/// Keeps rows, and can be full.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Mutex<Vec<(&'static str, Map<String, Value>)>>,
    pub(crate) is_full: std::sync::atomic::AtomicBool,
    /// Whether rows are refused though there seemed to be room.
    pub(crate) loses: std::sync::atomic::AtomicBool,
}

impl Rows {
    pub(crate) fn of(&self, table: &str) -> Vec<Map<String, Value>> {
        self.rows
            .lock()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name == table)
            .map(|(_, row)| row.clone())
            .collect()
    }

    /// Everything that was recorded, as text.
    pub(crate) fn text(&self) -> String {
        format!("{:?}", self.rows.lock().unwrap())
    }

    /// The last decision, once there are so many.
    pub(crate) async fn decision(&self, number: usize) -> Map<String, Value> {
        super::support::until(|| self.of("CastellanGateDecisions").len() >= number).await;
        self.of("CastellanGateDecisions").pop().unwrap()
    }
}

impl Recorder for Rows {
    fn record(&self, table: &'static str, rows: Vec<Map<String, Value>>) -> Result<(), Full> {
        if self.loses.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(Full);
        }
        self.rows.lock().unwrap().extend(rows.into_iter().map(|row| (table, row)));
        Ok(())
    }

    fn has_room(&self) -> bool {
        !self.is_full.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// A gate that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) rows: Arc<Rows>,
    pub(crate) gate: Arc<Gate>,
    client: Client<HttpConnector, Whole<Bytes>>,
    /// Has it stop, once it is dropped or told.
    pub(crate) stop: Option<tokio::sync::oneshot::Sender<()>>,
    /// Ends when it has stopped.
    pub(crate) ended: tokio::task::JoinHandle<()>,
}

/// An answer that came as a whole.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }
}

/// A gate with `gate` in front of one upstream that serves everything.
pub(crate) async fn running(upstream: SocketAddr, gate: &str) -> Running {
    let head = if gate.contains("anonymous") || gate.contains("keys =") { "" } else { "anonymous = true\n" };
    let (own, tables) = gate.split_at(gate.find('[').unwrap_or(gate.len()));
    let (own, tables) = if own.contains('=')
        && tables.starts_with('[')
        && !tables.starts_with("[[")
        && !tables.starts_with("[gate")
    {
        (gate, "")
    } else {
        (own, tables)
    };
    let text = format!(
        "[gate]\nlisten = \"127.0.0.1:0\"\n{head}{own}\n{tables}\n[gate.upstreams]\nmodels.\"*\".members = [{{ url = \"http://{upstream}\", form = \"ollama\" }}]\n"
    );
    configured(&text).await
}

/// A gate with a whole configuration.
pub(crate) async fn configured(text: &str) -> Running {
    let config = config::read(text).unwrap();
    let rows = Arc::new(Rows::default());
    let recorder: Arc<dyn Recorder> = Arc::clone(&rows) as Arc<dyn Recorder>;
    let gate = Gate::new(config, Arc::new(OsSystem), recorder).unwrap();
    let gate = Arc::new(gate);
    let listener = Listener::bind(Arc::clone(&gate)).await.unwrap();
    let address = listener.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopping = async move {
        let _ = stopped.await;
    };
    let ended = tokio::spawn(listener.run(stopping, |_| {}));
    let client = Client::builder(TokioExecutor::new()).build_http();
    Running { address, rows, gate, client, stop: Some(stop), ended }
}

impl Running {
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Got {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.client.request(request.body(Whole::new(body.into())).unwrap()).await.unwrap();
        let (head, mut body) = answer.into_parts();
        let mut bytes = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            bytes.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
        }
        Got { status: head.status.as_u16(), headers: head.headers, body: bytes.into() }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string()).await
    }
}

/// Virtual keys of some owners in a folder: what the configuration says of them, and the keys.
pub(crate) fn keys(folder: &std::path::Path, owners: &[&str]) -> (String, Vec<String>) {
    let pepper = "11".repeat(32);
    std::fs::write(folder.join("pepper"), &pepper).unwrap();
    let path = folder.join("keys.json");
    let hash = *blake3::Hash::from_hex(&pepper).unwrap().as_bytes();
    let store =
        castellan_access::key::KeyStore::open(&path, castellan_access::key::Pepper::new(hash)).unwrap();
    let issue = |owner: &&str| {
        let issue = castellan_access::key::Issue {
            owner: (*owner).to_owned(),
            name: "app".to_owned(),
            scopes: castellan_access::key::Scopes::all_models(),
            by: "tests".to_owned(),
            ..castellan_access::key::Issue::default()
        };
        store.issue(issue, castellan_base::System::now(&OsSystem)).unwrap().key.reveal().to_owned()
    };
    let issued = owners.iter().map(issue).collect();
    let pepper = folder.join("pepper");
    (format!("keys = {path:?}\npepper = \"file:{}\"", pepper.display()), issued)
}
