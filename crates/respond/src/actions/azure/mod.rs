//! Actions in Azure: through Resource Manager and Microsoft Graph.
//!
//! *Invariant (the token stays home):* a token goes to the two origins of [`AzureConnection`] alone, in the header of a
//! request; ids that would lead elsewhere are refused, and redirects are not followed.

mod graph;
mod keys;
mod property;
mod roles;

use std::sync::Arc;

use reqwest::{Method, Url};
use serde_json::Value;

use super::hosts::Hosts;
use super::http::{Answer, HttpOptions, Outgoing, Transport};
use super::{Action, ActionError, Call};

/// Where access tokens come from.
pub trait TokenSource: Send + Sync {
    /// A token for an audience such as `https://management.azure.com`. The error says what to do.
    fn token(&self, audience: &str) -> Result<String, String>;
}

/// How Azure is reached.
pub struct AzureConnection {
    arm: String,
    graph: String,
    tokens: Box<dyn TokenSource>,
    transport: Transport,
}

impl AzureConnection {
    /// The public cloud.
    pub fn public(tokens: Box<dyn TokenSource>) -> AzureConnection {
        AzureConnection::new("https://management.azure.com", "https://graph.microsoft.com", tokens)
    }

    /// Another cloud, or a server for tests, by the origins of its Resource Manager and Graph.
    pub fn new(arm: &str, graph: &str, tokens: Box<dyn TokenSource>) -> AzureConnection {
        let host = |origin: &str| {
            let url = Url::parse(origin).ok()?;
            let host = url.host_str()?.to_owned();
            Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
        };
        let hosts = Hosts::new([arm, graph].into_iter().filter_map(host));
        let plain = |origin: &str| origin.trim_end_matches('/').to_owned();
        let transport = Transport::new(hosts, HttpOptions::default());
        AzureConnection { arm: plain(arm), graph: plain(graph), tokens, transport }
    }

    /// Asks Resource Manager.
    fn arm(
        &self,
        call: &Call<'_>,
        method: Method,
        path: &str,
        api_version: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ActionError> {
        check_path(path)?;
        self.ask(call, method, &self.arm, &format!("{path}?api-version={api_version}"), body)
    }

    /// Asks Graph.
    fn graph(
        &self,
        call: &Call<'_>,
        method: Method,
        path: &str,
        query: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ActionError> {
        check_path(path)?;
        self.ask(call, method, &self.graph, &format!("{path}{query}"), body)
    }

    fn ask(
        &self,
        call: &Call<'_>,
        method: Method,
        origin: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ActionError> {
        let url = self.transport.check(&format!("{origin}{path}"))?;
        // A server for tests is none that tokens are issued for.
        let audience = match (url.scheme(), origin == self.graph && self.graph != self.arm) {
            ("https", _) => origin,
            (_, true) => "https://graph.microsoft.com",
            (_, false) => "https://management.azure.com",
        };
        let token = self.tokens.token(audience).map_err(ActionError::for_now)?;
        let mut headers = vec![
            ("Authorization".to_owned(), format!("Bearer {token}")),
            ("x-ms-client-request-id".to_owned(), call.key.to_owned()),
        ];
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let body = body.map(Value::to_string);
        let is_read = method == Method::GET;
        let outgoing = Outgoing { method, url, headers, body, timeout: call.timeout };
        let sent = self.transport.send(&outgoing);
        let answer = sent.map_err(|error| if is_read { read_only(error) } else { error })?;
        // A service that repeats the header in its message does not get it into a journal.
        Ok(Answer { body: answer.body.replace(&token, "[redacted]"), ..answer })
    }

    /// The thing at a path; `None` when there is none.
    fn get_arm(&self, call: &Call<'_>, path: &str, api_version: &str) -> Result<Option<Value>, ActionError> {
        found(&self.arm(call, Method::GET, path, api_version, None)?)
    }
}

/// What a GET found. That nothing was changed is certain.
fn found(answer: &Answer) -> Result<Option<Value>, ActionError> {
    match answer.status {
        200..300 => answer.json().map(Some),
        404 => Ok(None),
        _ => Err(read_only(answer.error())),
    }
}

/// An error of a request that only reads.
fn read_only(error: ActionError) -> ActionError {
    ActionError { perhaps: false, ..error }
}

fn done(answer: &Answer) -> Result<(), ActionError> {
    if answer.is_success() { Ok(()) } else { Err(answer.error()) }
}

/// A member that an answer has to have: what is missing is not known, and must not be taken for what was there.
fn needed<'v>(answer: &'v Value, pointer: &str, of: &str) -> Result<&'v Value, ActionError> {
    answer.pointer(pointer).ok_or_else(|| {
        ActionError::for_now(format!(
            "the answer about `{of}` has no `{pointer}`, so what is there is not known"
        ))
    })
}

/// Refuses ids that would lead elsewhere than they say.
fn check_path(path: &str) -> Result<(), ActionError> {
    let is_odd = |segment: &str| {
        let has_odd = segment.bytes().any(|byte| b"\\%?#@".contains(&byte) || byte.is_ascii_control());
        matches!(segment, "." | "..") || has_odd
    };
    if !path.starts_with('/') || path.starts_with("//") || path.len() > 2048 || path.split('/').any(is_odd) {
        return Err(ActionError::refused(format!(
            "`{path}` cannot be part of an address; give an id as Azure writes it"
        )));
    }
    Ok(())
}

/// True when an id is one of a resource type, at its end.
fn is_of_type(id: &str, resource_type: &str) -> bool {
    let lower = id.trim_end_matches('/').to_ascii_lowercase();
    let wanted = format!("/providers/{}/", resource_type.to_ascii_lowercase());
    lower.split_once(&wanted).is_some_and(|(_, name)| !name.is_empty() && !name.contains('/'))
}

/// The actions in Azure.
pub(super) fn actions(azure: &Arc<AzureConnection>) -> Vec<Box<dyn Action>> {
    let mut actions = property::actions(azure);
    actions.push(Box::new(keys::RotateKey::new(Arc::clone(azure))));
    actions.push(Box::new(roles::RemoveRole::new(Arc::clone(azure))));
    actions.extend(graph::actions(azure));
    actions
}
