//! Requests over HTTP: the way of all actions to services, and CACAO's `http-api` command.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};

use super::catalogue::{ActionSpec, Undo, optional, required};
use super::hosts::Hosts;
use super::{Action, ActionError, Call, Outputs, Probe};

/// Bounds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpOptions {
    /// The largest answer that is read, in bytes.
    pub response_bytes: usize,
    /// The longest that any request may take.
    pub longest: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        HttpOptions { response_bytes: 1 << 20, longest: Duration::from_secs(120) }
    }
}

/// Sends requests to hosts that are allowed.
pub(crate) struct Transport {
    hosts: Hosts,
    options: HttpOptions,
    /// For HTTPS: honours the proxy and trusts what the machine trusts.
    remote: OnceLock<Client>,
    /// For this machine: no proxy sees it, and no certificates are needed.
    local: OnceLock<Client>,
    runtime: Mutex<Option<Arc<tokio::runtime::Runtime>>>,
}

/// A request.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
    pub(crate) timeout: Duration,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// False when the body broke off, or was longer than what is read.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the service said. An answer that is not whole says nothing: what is missing must not be taken for what is not
    /// there.
    pub(crate) fn json(&self) -> Result<Value, ActionError> {
        if !self.is_whole {
            return Err(ActionError::for_now("the answer broke off, or is longer than what is read"));
        }
        serde_json::from_str(&self.body).map_err(|error| {
            ActionError::for_now(format!("the answer with status {} is no JSON: {error}", self.status))
        })
    }

    /// What a service says of an error, as it says it: it is redacted and cut where all messages are.
    pub(crate) fn told(&self) -> String {
        let json: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let message = json.pointer("/error/message").and_then(Value::as_str);
        format!("status {}: {}", self.status, message.unwrap_or(&self.body).trim())
    }

    /// The answer as an error: whether another attempt may go better is in its status (RFC 9110).
    pub(crate) fn error(&self) -> ActionError {
        let message = self.told();
        match self.status {
            408 | 425 | 429 | 503 => ActionError::for_now(message),
            // A gateway or a server that broke may have done it before.
            500 | 502 | 504 => ActionError::perhaps(message),
            _ => ActionError::refused(message),
        }
    }
}

impl Transport {
    pub(crate) fn new(hosts: Hosts, options: HttpOptions) -> Transport {
        let (remote, local) = (OnceLock::new(), OnceLock::new());
        Transport { hosts, options, remote, local, runtime: Mutex::new(None) }
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The address, when it may be reached.
    pub(crate) fn check(&self, address: &str) -> Result<Url, ActionError> {
        self.hosts.check(address).map_err(|error| ActionError::refused(error.to_string()))
    }

    fn client(&self, url: &Url) -> Result<&Client, ActionError> {
        let is_remote = url.scheme() != "http";
        let slot = if is_remote { &self.remote } else { &self.local };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(20))
            .user_agent(concat!("castellan/", env!("CARGO_PKG_VERSION")));
        let builder = if is_remote { builder } else { builder.no_proxy().tls_certs_only([]) };
        let client = builder.build();
        let client = client.map_err(|error| ActionError::for_now(format!("no HTTP client: {error}")))?;
        Ok(slot.get_or_init(|| client))
    }

    /// Runs something asynchronous to its end. Actions are called on threads of their own, never within a runtime.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> Result<T, ActionError> {
        let mut slot = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = match &*slot {
            Some(runtime) => Arc::clone(runtime),
            None => {
                let made = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
                let made = made.map_err(|error| ActionError::for_now(format!("no runtime: {error}")))?;
                Arc::clone(slot.insert(Arc::new(made)))
            }
        };
        drop(slot);
        Ok(runtime.block_on(future))
    }

    /// Sends a request and reads the answer.
    ///
    /// Errors: [`ActionError::for_now`] when no connection was made, [`ActionError::perhaps`] when there was no answer to
    /// what was sent.
    pub(crate) fn send(&self, outgoing: &Outgoing) -> Result<Answer, ActionError> {
        let url = self.check(outgoing.url.as_str())?;
        let client = self.client(&url)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &outgoing.headers {
            let name = HeaderName::try_from(name.as_str());
            let value = HeaderValue::try_from(value.as_str());
            let (Ok(name), Ok(mut value)) = (name, value) else {
                return Err(ActionError::refused("a header has characters that a header cannot carry"));
            };
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let timeout = outgoing.timeout.min(self.options.longest);
        let mut request = client.request(outgoing.method.clone(), url).headers(headers).timeout(timeout);
        if let Some(body) = &outgoing.body {
            request = request.body(body.clone());
        }
        self.block_on(self.exchange(request))?
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Answer, ActionError> {
        let mut response = request.send().await.map_err(|error| {
            let (is_connect, text) = (error.is_connect(), chain(&error.without_url()));
            if is_connect { ActionError::for_now(text) } else { ActionError::perhaps(text) }
        })?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let is_whole = loop {
            // The status is an answer already; a body that breaks off loses what it would have said.
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                end => break end.is_ok(),
            };
            let room = self.options.response_bytes.saturating_sub(body.len());
            body.extend_from_slice(chunk.get(..chunk.len().min(room)).unwrap_or_default());
            if chunk.len() > room {
                break false;
            }
        };
        Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned(), is_whole })
    }
}

/// An error with its causes, of which the innermost says what went wrong.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

const REQUEST: ActionSpec = ActionSpec {
    name: "http.request",
    summary: "sends a request over HTTP to a host that is allowed",
    inputs: &[
        required("address", "the service: https://HOST[:PORT][/BASE]"),
        required("request", "the request line: METHOD /PATH"),
        optional("header.*", "headers"),
        optional("content", "the body"),
        optional("user", "the user of HTTP Basic"),
        optional("password", "the password of HTTP Basic, a secret"),
        optional("probe", "a request line that answers 2xx when it took effect and 404 when not"),
        optional("probe.content", "the body of the probe"),
        optional("undo", "a request line that takes it back"),
        optional("undo.content", "the body of the undo"),
        optional("keep", "true when the answer's body is wanted; it goes into the journal then"),
        optional("repeatable", "true when the service drops a repeated Idempotency-Key"),
    ],
    outputs: &["body", "status"],
    undo: Undo::Restores("the request that the step names as its undo; without one a person takes it back"),
    probe: "the request that the step names as its probe",
    permission: "",
};

/// CACAO's `http-api` command.
pub(super) struct Request {
    transport: Arc<Transport>,
}

impl Request {
    pub(super) fn new(transport: Arc<Transport>) -> Request {
        Request { transport }
    }

    fn outgoing(
        &self,
        call: &Call<'_>,
        input: &str,
        content: Option<String>,
        purpose: &str,
    ) -> Result<Outgoing, ActionError> {
        let line = call.line(input)?;
        let (method, path) = super::line::read(&line).map_err(ActionError::refused)?;
        let method = Method::from_bytes(method.as_bytes());
        let method = method.map_err(|_| ActionError::refused("the request line has no method"))?;
        let base = self.transport.check(&call.text("address")?)?;
        if base.query().is_some() || base.fragment().is_some() {
            return Err(ActionError::refused("the address has a query; write it behind the path"));
        }
        // The path is put behind the base as text, so that it cannot lead to another host.
        let joined = format!("{}{path}", base.as_str().trim_end_matches('/'));
        let url = self.transport.check(&joined)?;
        if url.origin() != base.origin() {
            return Err(ActionError::refused("the path of the request leads to another host"));
        }
        let mut headers = vec![("Idempotency-Key".to_owned(), format!("{}{purpose}", call.key))];
        for name in call.inputs.keys() {
            if let Some(header) = name.strip_prefix("header.") {
                headers.push((header.to_owned(), call.text(name)?));
            }
        }
        if let Some(user) = call.optional("user")? {
            let password = call.optional("password")?.unwrap_or_default();
            headers.push(("Authorization".to_owned(), crate::run::basic(&user, &password)));
        }
        Ok(Outgoing { method, url, headers, body: content, timeout: call.timeout })
    }
}

impl Action for Request {
    fn spec(&self) -> &ActionSpec {
        &REQUEST
    }

    fn target(&self, call: &Call<'_>) -> String {
        call.shown("address")
    }

    fn change(&self, call: &Call<'_>) -> String {
        format!("sends `{}`", call.shown("request"))
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        self.outgoing(call, "request", None, "")?;
        Ok(Value::Null)
    }

    fn perform(&self, call: &Call<'_>, _: &Value) -> Result<Outputs, ActionError> {
        let outgoing = self.outgoing(call, "request", call.optional("content")?, "")?;
        let is_read = [Method::GET, Method::HEAD].contains(&outgoing.method);
        let answer = self.transport.send(&outgoing)?;
        if !answer.is_success() {
            return Err(answer.error());
        }
        let mut outputs = BTreeMap::from([("status".to_owned(), answer.status.to_string())]);
        // A journal is no place for whatever services answer.
        if call.optional("keep")?.as_deref() == Some("true") {
            // A part of an answer is no answer. What only reads can be asked again; what was done is done.
            if answer.is_whole {
                outputs.insert("body".to_owned(), answer.body);
            } else if is_read {
                return Err(ActionError::for_now("the answer broke off, or is longer than what is read"));
            }
        }
        Ok(outputs)
    }

    fn probe(&self, call: &Call<'_>, _: &Value) -> Result<Probe, ActionError> {
        if call.optional("probe")?.is_none() {
            // Reading again does no harm.
            let is_read = ["GET ", "HEAD "].iter().any(|method| call.shown("request").starts_with(method));
            if is_read || call.optional("repeatable")?.as_deref() == Some("true") {
                return Ok(Probe::Repeatable);
            }
            return Ok(Probe::Unknown("the step names no probe; look at the service itself".to_owned()));
        }
        let answer = self.transport.send(&self.outgoing(
            call,
            "probe",
            call.optional("probe.content")?,
            "-probe",
        )?)?;
        match answer.status {
            200..300 => Ok(Probe::InEffect(BTreeMap::new())),
            404 | 410 => Ok(Probe::NotInEffect(answer.told())),
            _ => Err(ActionError { perhaps: false, ..answer.error() }),
        }
    }

    fn undo(&self, call: &Call<'_>, _: &Value) -> Result<(), ActionError> {
        if call.optional("undo")?.is_none() {
            let what = json!(call.shown("request"));
            return Err(ActionError::refused(format!(
                "the step names no undo for {what}; a person takes it back"
            )));
        }
        let answer =
            self.transport.send(&self.outgoing(call, "undo", call.optional("undo.content")?, "-undo")?)?;
        // What is gone already is undone.
        if answer.is_success() || matches!(answer.status, 404 | 410) { Ok(()) } else { Err(answer.error()) }
    }
}
