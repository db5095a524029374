//! Resource Manager: authorised requests with retries, and lists with pages.

use std::collections::HashSet;

use castellan_base::System;
use reqwest::header::AUTHORIZATION;
use reqwest::{Method, Url};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::credential::{AuthError, Credential};
use super::failure::Refusal;
use super::retry::{Backoff, Gate};
use super::secret::Secret;
use super::transport::{Answer, ExchangeError, Request, Transport};
use super::{LiveError, LiveOptions};

/// Asks Resource Manager.
pub(super) struct ArmClient<'c> {
    system: &'c dyn System,
    options: &'c LiveOptions,
    credential: &'c Credential,
    transport: Transport,
    endpoint: Url,
    /// What tokens are asked for.
    audience: String,
    /// Invariant (bounded parallelism): a request holds a permit while it is under way.
    permits: Semaphore,
    gate: Gate,
}

/// The items of a list, as far as they could be read.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) items: Vec<Value>,
    /// Why the list is not whole.
    pub(super) refusal: Option<Refusal>,
}

/// What to do after one attempt.
enum Step {
    Done(Value),
    GiveUp(Refusal),
    Again { refusal: Refusal, asked: Option<std::time::Duration>, throttled: bool },
    SignInAgain(Refusal),
}

impl<'c> ArmClient<'c> {
    pub(super) fn new(
        system: &'c dyn System,
        options: &'c LiveOptions,
        credential: &'c Credential,
    ) -> Result<ArmClient<'c>, LiveError> {
        let endpoint = options.endpoint(system)?;
        let origin = endpoint.origin().ascii_serialization();
        let audience = if endpoint.scheme() == "https" { origin } else { super::DEFAULT_ENDPOINT.to_owned() };
        let permits = Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS));
        let transport = Transport::new(options);
        Ok(ArmClient {
            system,
            options,
            credential,
            transport,
            endpoint,
            audience,
            permits,
            gate: Gate::default(),
        })
    }

    /// Obtains the first token, so that a missing credential is one clear error instead of a failure for each request.
    pub(super) async fn sign_in(&self) -> Result<(), AuthError> {
        self.token().await.map(|_| ())
    }

    async fn token(&self) -> Result<Secret, AuthError> {
        self.credential.token(self.system, &self.transport, &self.audience).await
    }

    /// The address of `path` (a resource id and what follows it) at an API version. Refuses a path that would lead
    /// elsewhere than it says.
    fn url(&self, path: &str, api_version: &str) -> Result<Url, Refusal> {
        let is_odd = |segment: &str| matches!(segment, "." | "..") || segment.contains(['\\', '%']);
        if !path.starts_with('/') || path.starts_with("//") || path.split('/').any(is_odd) {
            return Err(Refusal::answer("the service returned an id that cannot be part of an address"));
        }
        let mut url = self.endpoint.clone();
        url.set_path(path);
        url.query_pairs_mut().append_pair("api-version", api_version);
        Ok(url)
    }

    /// One resource, or whatever else stands at `path`.
    pub(super) async fn get(&self, path: &str, api_version: &str) -> Result<Value, Refusal> {
        let url = self.url(path, api_version)?;
        self.call(Method::GET, &url, None).await
    }

    /// A query to a provider that is asked with POST.
    pub(super) async fn post(&self, path: &str, api_version: &str, body: &Value) -> Result<Value, Refusal> {
        let url = self.url(path, api_version)?;
        self.call(Method::POST, &url, Some(&body.to_string())).await
    }

    /// A list with all its pages. A single resource is a list of one.
    pub(super) async fn list(&self, path: &str, api_version: &str) -> Listing {
        let mut listing = Listing::default();
        let first = self.url(path, api_version);
        listing.refusal = match first {
            Ok(url) => self.pages(url, &mut listing.items).await.err(),
            Err(refusal) => Some(refusal),
        };
        listing
    }

    async fn pages(&self, first: Url, items: &mut Vec<Value>) -> Result<(), Refusal> {
        let mut seen = HashSet::new();
        let mut url = first;
        loop {
            if !seen.insert(url.to_string()) {
                return Err(Refusal::answer("the service keeps returning the same `nextLink`"));
            }
            let mut page = self.call(Method::GET, &url, None).await?;
            let next_link = page.get("nextLink").and_then(Value::as_str).unwrap_or_default().to_owned();
            take_items(&mut page, items)?;
            if next_link.is_empty() {
                return Ok(());
            }
            self.check_bounds(seen.len(), items.len())?;
            url = self.follow(&next_link)?;
        }
    }

    /// Refuses to go on after too many pages or items.
    pub(super) fn check_bounds(&self, pages: usize, items: usize) -> Result<(), Refusal> {
        let (most_pages, most_items) = (self.options.pages, self.options.resources);
        if pages >= most_pages {
            return Err(Refusal::bound(format!("there are more than {most_pages} pages")));
        }
        if items > most_items {
            return Err(Refusal::bound(format!("there are more than {most_items} resources")));
        }
        Ok(())
    }

    /// The address of the next page.
    ///
    /// Invariant (the token stays home): only the endpoint's own origin is followed, so that whoever controls a
    /// response does not get the token.
    fn follow(&self, next_link: &str) -> Result<Url, Refusal> {
        let url =
            self.endpoint.join(next_link).map_err(|_| Refusal::answer("`nextLink` is not an address"))?;
        if url.origin() != self.endpoint.origin() || !url.username().is_empty() || url.password().is_some() {
            let host = super::failure::plain(url.host_str().unwrap_or("nowhere"));
            return Err(Refusal::answer(format!(
                "`nextLink` leads to another server, `{host}`; not followed"
            )));
        }
        Ok(url)
    }

    async fn call(&self, method: Method, url: &Url, body: Option<&str>) -> Result<Value, Refusal> {
        let mut backoff = Backoff::new(self.options.retry);
        let mut signed_in_again = false;
        loop {
            let token = self.token().await.map_err(|error| Refusal::credential(&error))?;
            let (refusal, wait) = match self.attempt(method.clone(), url, body, &token).await {
                Step::Done(value) => return Ok(value),
                Step::GiveUp(refusal) => return Err(refusal.redacted(&token)),
                Step::SignInAgain(refusal) if signed_in_again => return Err(refusal.redacted(&token)),
                Step::SignInAgain(_) => {
                    signed_in_again = true;
                    self.credential.forget(&token).await;
                    continue;
                }
                Step::Again { refusal, asked, throttled } => {
                    let wait = backoff.next_wait(asked);
                    if let (true, Some(wait)) = (throttled, wait) {
                        self.gate.close_for(wait);
                    }
                    (refusal, wait)
                }
            };
            let Some(wait) = wait else { return Err(refusal.redacted(&token)) };
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, method: Method, url: &Url, body: Option<&str>, token: &Secret) -> Step {
        // The semaphore is never closed, so acquiring fails never; without a permit the request would still be right.
        let permit = self.permits.acquire().await;
        self.gate.pass().await;
        let bearer = Secret::new(&format!("Bearer {}", token.reveal()));
        let request = Request {
            method,
            url,
            body: body.map(|body| ("application/json", body)),
            secrets: vec![(AUTHORIZATION, bearer)],
            headers: Vec::new(),
        };
        let answer = self.transport.exchange(request, self.system.now()).await;
        drop(permit);
        self.judge(answer)
    }

    fn judge(&self, answer: Result<Answer, ExchangeError>) -> Step {
        let answer = match answer {
            Ok(answer) => answer,
            Err(ExchangeError::Broken(message)) => {
                let refusal = Refusal::connection(&message);
                return Step::Again { refusal, asked: None, throttled: false };
            }
            Err(ExchangeError::TooLarge(limit)) => {
                return Step::GiveUp(Refusal::bound(format!("the answer is larger than {limit} bytes")));
            }
            Err(other) => return Step::GiveUp(Refusal::connection(&other.to_string())),
        };
        if let Some(wait) = answer.quota_wait {
            self.gate.close_for(wait.min(self.options.retry.total_wait));
        }
        match answer.status {
            200..=299 => match serde_json::from_slice(&answer.body) {
                Ok(value) => Step::Done(value),
                Err(error) => {
                    let refusal = Refusal::answer(format!("the answer is not JSON: {error}"));
                    Step::Again { refusal, asked: None, throttled: false }
                }
            },
            401 => Step::SignInAgain(Refusal::status(401, &answer.body)),
            status @ (408 | 429 | 500 | 502..=504) => Step::Again {
                refusal: Refusal::status(status, &answer.body),
                asked: answer.retry_after,
                throttled: status == 429,
            },
            status @ 300..=399 => Step::GiveUp(Refusal::answer(format!(
                "status {status}: the service redirects, and redirects are not followed"
            ))),
            status => Step::GiveUp(Refusal::status(status, &answer.body)),
        }
    }
}

/// Moves the items of a page over. Lists come as `{"value": [..]}`, a few as a bare array; what is neither but has an
/// id or properties is one resource.
fn take_items(page: &mut Value, items: &mut Vec<Value>) -> Result<(), Refusal> {
    if let Value::Array(array) = page {
        items.append(array);
        return Ok(());
    }
    if let Some(Value::Array(array)) = page.get_mut("value") {
        items.append(array);
        return Ok(());
    }
    if page.get("id").is_some() || page.get("properties").is_some() {
        items.push(page.take());
        return Ok(());
    }
    Err(Refusal::answer("the answer is neither a list nor a resource"))
}
