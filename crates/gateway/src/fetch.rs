//! Fetches documents of issuers: metadata and keys.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::timeout;

use crate::upstream::{Config, ConfigError, HttpClient, client};

/// Largest document, in bytes.
const LARGEST: usize = 1 << 20;
/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client for documents of issuers.
#[derive(Clone)]
pub(crate) struct Fetcher(HttpClient);

impl Fetcher {
    pub(crate) fn new(config: &Config) -> Result<Fetcher, ConfigError> {
        client(config).map(Fetcher)
    }

    /// A document; redirects are not followed.
    pub(crate) async fn get(&self, url: &str) -> Result<Bytes, String> {
        let request = Request::get(url).header("accept", "application/json").body(Full::default());
        let request = request.map_err(|error| error.to_string())?;
        let fetched = async {
            let answer = self.0.request(request).await.map_err(|error| error.to_string())?;
            if answer.status() != StatusCode::OK {
                return Err(format!("it answers {}", answer.status()));
            }
            let body = Limited::new(answer.into_body(), LARGEST).collect().await;
            Ok(body.map_err(|error| error.to_string())?.to_bytes())
        };
        timeout(PATIENCE, fetched).await.map_err(|_| "it took too long".to_owned())?
    }
}
