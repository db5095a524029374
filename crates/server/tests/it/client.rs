//! A server on a free port, and requests to it over TCP.

use std::net::SocketAddr;

use castellan_server::{Config, Gate, Server, presidio};
use serde_json::Value;
use tokio::sync::oneshot;

/// A server that runs until this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    client: reqwest::Client,
    _stop: oneshot::Sender<()>,
}

/// Any free port of this machine.
pub(crate) fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub(crate) async fn start(config: Config) -> Running {
    let routes = presidio::router(castellan_detectors::engine(), Gate::new(&config));
    serve(config, routes).await
}

pub(crate) async fn serve(config: Config, routes: axum::Router) -> Running {
    let server = Server::bind(config, routes).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    // The server closes a connection whose body it did not read; one that lay in the pool would be taken for open.
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    Running { address, client, _stop: stop }
}

pub(crate) async fn usual() -> Running {
    start(Config { address: free(), ..Config::default() }).await
}

impl Running {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Status and JSON of the answer to a body, whatever it is.
    pub(crate) async fn send(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        self.send_by(reqwest::Method::POST, path, body).await
    }

    async fn send_by(
        &self,
        method: reqwest::Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> (u16, Value) {
        let request = self.request(method, path).header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(path, body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send_by(reqwest::Method::PUT, path, body.to_string()).await
    }

    /// Status and JSON of the answer to a request without a body.
    pub(crate) async fn get_json(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.get(path).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let response = self.request(reqwest::Method::GET, path).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}
