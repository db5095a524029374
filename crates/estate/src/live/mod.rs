//! Live collection: the resources of Azure subscriptions, read from Resource Graph and Resource Manager.
//!
//! The collection is one queue of requests. It starts with the tables of Resource Graph, which give all top-level
//! resources, role assignments and policies in few pages; every resource whose type stands in the [`catalogue`] adds
//! the requests for what Resource Graph does not know: deployments, content filters, connections, diagnostic settings
//! and so on.
//!
//! **Only reads.** Nothing is ever changed; the one POST is the query to Resource Graph. The role Reader suffices.
//! Secrets of services (keys, connection strings) are never asked for.
//!
//! **Polite.** At most [`LiveOptions::concurrency`] requests are under way. A request that fails for the moment (429,
//! 5xx, a broken connection, half an answer) is tried again after what `Retry-After` says, otherwise with backoff and
//! jitter; a 429 holds every other request back too. Waits, pages, answer sizes and resource counts are bounded.
//!
//! **Careful with the token.** It goes to the endpoint's own origin only: redirects are not followed, nor is a
//! `nextLink` to another server. [`Secret`] keeps it out of logs.
//!
//! **Honest.** What could not be read is a [`Failure`] and makes the [`crate::Coverage`] of its parent incomplete, so that a
//! rule about it answers *unknown*. Only when nothing at all could be read is there an error.
//!
//! ```no_run
//! use castellan_base::OsSystem;
//! use castellan_estate::Silent;
//! use castellan_estate::live::{AuthMode, Credential, LiveOptions, collect_blocking};
//!
//! let options = LiveOptions { target: "azure:tenant".parse()?, ..LiveOptions::default() };
//! let credential = Credential::new(AuthMode::Auto);
//! let collected = collect_blocking(&OsSystem, &options, &credential, &Silent)?;
//! assert!(collected.failures.is_empty(), "coverage says what is missing");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod catalogue;
mod client;
mod collected;
mod collection;
mod credential;
mod document;
mod failure;
mod graph;
mod retry;
mod secret;
mod sources;
mod target;
mod transport;

use std::time::Duration;

use castellan_base::System;
use reqwest::Url;
use serde_json::Value;

pub use collected::Collected;
pub use credential::{AuthError, AuthMode, Credential, ParseAuthModeError};
pub use failure::Failure;
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use target::{ParseTargetError, Target};

use crate::Progress;

use client::ArmClient;
use collection::Collection;

/// Resource Manager of the public cloud.
const DEFAULT_ENDPOINT: &str = "https://management.azure.com";

/// The variable that names another Resource Manager, of a sovereign cloud for example.
const ENDPOINT_VARIABLE: &str = "CASTELLAN_ARM_ENDPOINT";

const SUBSCRIPTIONS_API_VERSION: &str = "2022-12-01";

/// What to collect and within which bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// The subscriptions.
    pub target: Target,
    /// The origin of Resource Manager; `None` for `CASTELLAN_ARM_ENDPOINT`, or without it the public cloud. Anything
    /// but a loopback address has to be `https`.
    pub endpoint: Option<String>,
    /// The most requests under way at once.
    pub concurrency: usize,
    /// When requests are tried again.
    pub retry: RetryPolicy,
    /// The longest that one attempt may take, its answer included.
    pub request_timeout: Duration,
    /// The largest answer in bytes.
    pub response_bytes: usize,
    /// The most pages of one list.
    pub pages: usize,
    /// The most resources altogether.
    pub resources: usize,
    /// Whether to collect Azure Policy's compliance states too, one for each resource and policy.
    pub compliance_states: bool,
}

impl Default for LiveOptions {
    fn default() -> Self {
        LiveOptions {
            target: Target::Tenant,
            endpoint: None,
            concurrency: 8,
            retry: RetryPolicy::default(),
            request_timeout: Duration::from_secs(60),
            response_bytes: 64 * 1024 * 1024,
            pages: 10_000,
            resources: 2_000_000,
            compliance_states: false,
        }
    }
}

impl LiveOptions {
    /// The origin to ask.
    fn endpoint(&self, system: &dyn System) -> Result<Url, LiveError> {
        let text = self.endpoint.clone().or_else(|| system.env(ENDPOINT_VARIABLE));
        let text = text.unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        let is_origin = |url: &Url| {
            let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            bare && url.username().is_empty() && url.password().is_none()
        };
        let url = Url::parse(&text).ok().filter(|url| transport::is_safe(url) && is_origin(url));
        url.ok_or(LiveError::Endpoint { endpoint: text })
    }
}

/// Nothing could be collected.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The endpoint is no origin that a token may be sent to.
    #[error(
        "`{endpoint}` is not an endpoint of Resource Manager; use an origin such as {DEFAULT_ENDPOINT}, with https"
    )]
    Endpoint {
        /// The endpoint as given.
        endpoint: String,
    },
    /// There is no token.
    #[error(transparent)]
    Credential(#[from] AuthError),
    /// The identity sees no subscription.
    #[error(
        "the identity sees no subscription; assign the role Reader on one to it, or sign in to another tenant"
    )]
    NoSubscription,
    /// Every request failed.
    #[error("nothing could be collected; {first}")]
    NothingRead {
        /// The first of the failures.
        first: Box<Failure>,
        /// All failures, `first` included.
        failures: Vec<Failure>,
    },
    /// The asynchronous runtime cannot be started.
    #[error(
        "the runtime for network access cannot be started: {message}; check the limits on open files and threads"
    )]
    Runtime {
        /// What the operating system says.
        message: String,
    },
}

/// Collects what `options` ask for, with a token from `credential`. `progress` counts requests.
///
/// What cannot be read is in [`Collected::failures`]; an error means that nothing could be. The future may be dropped
/// at any point, which ends all requests.
pub async fn collect(
    system: &dyn System,
    options: &LiveOptions,
    credential: &Credential,
    progress: &dyn Progress,
) -> Result<Collected, LiveError> {
    let client = ArmClient::new(system, options, credential)?;
    progress.step(0, None, "access token");
    client.sign_in().await?;
    let (subscriptions, unlisted) = subscriptions(&client, &options.target).await?;
    let mut collected = Collection::new(&client, options, &subscriptions).run(progress).await;
    if options.target == Target::Tenant {
        collected.note_subscriptions(unlisted);
    }
    match collected.failures.first() {
        Some(first) if collected.documents.is_empty() => {
            Err(LiveError::NothingRead { first: Box::new(first.clone()), failures: collected.failures })
        }
        _ => Ok(collected),
    }
}

/// [`collect`] for callers without an asynchronous runtime.
pub fn collect_blocking(
    system: &dyn System,
    options: &LiveOptions,
    credential: &Credential,
    progress: &dyn Progress,
) -> Result<Collected, LiveError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| LiveError::Runtime { message: error.to_string() })?;
    runtime.block_on(collect(system, options, credential, progress))
}

/// The ids of the subscriptions to read, and the failure if the tenant's could not all be listed.
async fn subscriptions(
    client: &ArmClient<'_>,
    target: &Target,
) -> Result<(Vec<String>, Option<Failure>), LiveError> {
    if let Target::Subscriptions(ids) = target {
        return Ok((ids.clone(), None));
    }
    let listing = client.list("/subscriptions", SUBSCRIPTIONS_API_VERSION).await;
    let mut ids = Vec::new();
    for item in &listing.items {
        let id = item.get("subscriptionId").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        if target::is_uuid(&id) && !ids.contains(&id) {
            ids.push(id);
        }
    }
    let failure = listing.refusal.map(|refusal| refusal.of("/subscriptions", "the tenant"));
    match failure {
        Some(first) if ids.is_empty() => {
            let failures = vec![first.clone()];
            Err(LiveError::NothingRead { first: Box::new(first), failures })
        }
        None if ids.is_empty() => Err(LiveError::NoSubscription),
        failure => Ok((ids, failure)),
    }
}
