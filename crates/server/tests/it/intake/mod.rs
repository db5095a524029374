//! How events come in: clients of others, and what nobody should send.

mod clients;
mod folder;
mod hostile;
#[cfg(feature = "kafka")]
mod kafka;
mod logs;
mod otlp;
mod rules;
mod syslog;

use std::io::Write;
use std::sync::{Arc, Mutex};

use castellan_lake::{Lake, Options};
use castellan_query::Settings;
use castellan_server::intake::{self, Rules, Tell};
use castellan_server::{Config, Gate};
use tempfile::TempDir;

use crate::client::{Running, free, serve};

/// A lake, and a server before it.
pub(crate) struct Site {
    pub(crate) lake: Arc<Lake>,
    pub(crate) server: Running,
    pub(crate) rules: Arc<Rules>,
    /// The folder of the lake, and that of rules within it.
    pub(crate) folder: TempDir,
}

pub(crate) fn quiet() -> Options {
    Options { disk_reserve: 0, upkeep: false, ..Options::default() }
}

pub(crate) async fn lake(folder: &TempDir) -> Arc<Lake> {
    Arc::new(Lake::open(&folder.path().join("lake"), quiet()).await.unwrap())
}

impl Site {
    /// With the built-in rule alone.
    pub(crate) async fn plain() -> Site {
        Site::start(Config { address: free(), ..Config::default() }, &[]).await
    }

    /// With rules, each a name of a file and its text; with the built-in one where there are none.
    pub(crate) async fn start(config: Config, rules: &[(&str, &str)]) -> Site {
        Site::with_options(config, rules, quiet()).await
    }

    pub(crate) async fn with_options(config: Config, rules: &[(&str, &str)], options: Options) -> Site {
        let folder = TempDir::new().unwrap();
        let lake = Arc::new(Lake::open(&folder.path().join("lake"), options).await.unwrap());
        let path = folder.path().join("rules");
        std::fs::create_dir(&path).unwrap();
        for (name, text) in rules {
            std::fs::write(path.join(name), text).unwrap();
        }
        let rules = match rules {
            [] => Rules::built_in(),
            _ => {
                let (rules, told) = Rules::open(&path, &lake).await.unwrap();
                assert_eq!(told, Vec::<String>::new());
                rules
            }
        };
        let rules = Arc::new(rules);
        let routes = intake::router(Arc::clone(&lake), Arc::clone(&rules), Gate::new(&config), loud());
        Site { server: serve(config, routes).await, lake, rules, folder }
    }

    /// The single value of a query, as text.
    pub(crate) async fn value(&self, query: &str) -> String {
        value(&self.lake, query).await
    }

    /// Status, headers and body of the answer to a POST with headers.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Told {
        let mut request = self.server.request(reqwest::Method::POST, path).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Told { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Told {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Status and code of an answer in Azure's form.
    pub(crate) fn code(&self) -> (u16, String) {
        (self.status, self.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    }
}

pub(crate) async fn value(lake: &Lake, query: &str) -> String {
    let answers = lake.engine(Settings::default()).query(query).await.unwrap();
    let rows = answers.answers[0].values().unwrap();
    assert_eq!((rows.len(), rows[0].len()), (1, 1), "{query}: {rows:?}");
    rows[0][0].to_text()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// What is told, where somebody looks when a test fails.
pub(crate) fn loud() -> Tell {
    Arc::new(|line: &str| eprintln!("told: {line}"))
}

/// Keeps what is told.
pub(crate) fn listener() -> (Tell, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&told);
    (Arc::new(move |line: &str| own.lock().unwrap().push(line.to_owned())), told)
}
