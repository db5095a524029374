//! Virtual keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use castellan_access::Pattern;
use castellan_access::key::{Issue, Issued, KeyError, KeyRecord, KeyStore, Revocation, Scopes};
use castellan_base::Ticks;
use castellan_gateway::Gate;
use serde::{Deserialize, Serialize};

use crate::console::failure::Failure;
use crate::console::request::{Caller, Request};
use crate::console::time;

/// How long a key counts beside the one that took its place, where it is not said: an hour.
const OVERLAP: u32 = 3_600;
/// The longest reason of a revocation, in characters.
const LONGEST_REASON: usize = 256;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    id: String,
    lineage: String,
    owner: String,
    name: String,
    labels: BTreeMap<String, String>,
    scopes: Scopes,
    groups: Vec<String>,
    budget: Option<String>,
    issued: Ticks,
    issued_by: String,
    not_before: Option<Ticks>,
    expires: Option<Ticks>,
    last_used: Option<Ticks>,
    replaced_by: Option<String>,
    revoked: Option<Revoked>,
    state: &'static str,
}

#[derive(Serialize)]
struct Revoked {
    at: Ticks,
    by: String,
    reason: String,
}

impl Key {
    fn of(record: KeyRecord, now: Ticks) -> Key {
        let state = if record.revoked.is_some() {
            "revoked"
        } else if record.expires.is_some_and(|until| now >= until) {
            "expired"
        } else if record.not_before.is_some_and(|from| now < from) {
            "future"
        } else {
            "active"
        };
        let revoked = |revocation: Revocation| Revoked {
            at: revocation.at,
            by: revocation.by,
            reason: revocation.reason,
        };
        Key {
            id: record.id,
            lineage: record.lineage,
            owner: record.owner,
            name: record.name,
            labels: record.labels,
            scopes: record.scopes,
            groups: record.groups,
            budget: record.budget,
            issued: record.issued,
            issued_by: record.issued_by,
            not_before: record.not_before,
            expires: record.expires,
            last_used: record.last_used,
            replaced_by: record.replaced_by,
            revoked: record.revoked.map(revoked),
            state,
        }
    }
}

/// A key that was issued, told once.
#[derive(Serialize)]
struct New {
    key: String,
    record: Key,
}

impl New {
    fn response(issued: Issued, now: Ticks) -> Response {
        let told = New { key: issued.key.reveal().to_owned(), record: Key::of(issued.record, now) };
        (StatusCode::CREATED, axum::Json(told)).into_response()
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Failure {
        let message = error.to_string();
        match error {
            KeyError::Unknown(_) => Failure::missing(message),
            KeyError::Ended(_) | KeyError::TooMany => Failure::conflict(message),
            KeyError::Unfit(_) => Failure::bad(message),
            _ => Failure::failed(message),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IssueAsked {
    owner: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    scopes: Option<Named>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    budget: Option<String>,
    #[serde(default, with = "time::optional")]
    not_before: Option<Ticks>,
    #[serde(default, with = "time::optional")]
    expires: Option<Ticks>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Named {
    models: Vec<Pattern>,
    tools: Vec<Pattern>,
    servers: Vec<Pattern>,
    profiles: Vec<Pattern>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeAsked {
    reason: String,
    #[serde(default = "yes")]
    lineage: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RotateAsked {
    #[serde(default)]
    overlap_seconds: Option<u32>,
}

/// The keys of a gate that has some.
fn keys(gate: &Gate) -> Result<&KeyStore, Failure> {
    let nothing = || {
        Failure::conflict(
            "the gate has no virtual keys; name `keys` and `pepper` in `[gate]` of its configuration",
        )
    };
    let keys = gate.keys().ok_or_else(nothing)?;
    // `castellan gate keys` may have changed them meanwhile.
    keys.refresh().map_err(|error| Failure::failed(error.to_string()))?;
    Ok(keys)
}

/// Who issues or ends a key, as its record names them.
fn by(caller: &Caller) -> String {
    format!("console:{}", caller.name).chars().take(256).collect()
}

impl Request {
    pub(in crate::console) async fn list_keys(self) -> Result<Response, Failure> {
        #[derive(Serialize)]
        struct List {
            keys: Vec<Key>,
        }
        let Some(opened) = &self.console.opened else {
            return Ok(axum::Json(List { keys: Vec::new() }).into_response());
        };
        let (gate, now) = (Arc::clone(&opened.gate), self.console.now());
        self.told(move || {
            let Some(_) = gate.keys() else { return Ok(List { keys: Vec::new() }) };
            let listed = keys(&gate)?.list();
            Ok(List { keys: listed.into_iter().map(|record| Key::of(record, now)).collect() })
        })
        .await
    }

    pub(in crate::console) async fn issue_key(self, caller: &Caller) -> Result<Response, Failure> {
        let (gate, by) = (self.opened()?, by(caller));
        let (request, asked) = self.body::<IssueAsked>().await?;
        let now = request.console.now();
        let scopes = asked.scopes.map_or_else(Scopes::all_models, |named| Scopes {
            models: named.models,
            tools: named.tools,
            servers: named.servers,
            profiles: named.profiles,
        });
        let issue = Issue {
            owner: asked.owner,
            name: asked.name,
            labels: asked.labels,
            scopes,
            groups: asked.groups,
            budget: asked.budget,
            not_before: asked.not_before,
            expires: asked.expires,
            by,
        };
        let work = move || Ok::<_, Failure>(keys(&gate)?.issue(issue, now)?);
        Ok(New::response(request.console.gate.aside(work).await?, now))
    }

    pub(in crate::console) async fn revoke_key(self, caller: &Caller) -> Result<Response, Failure> {
        let (gate, id, by) = (self.opened()?, self.part(0), by(caller));
        let (request, asked) = self.body::<RevokeAsked>().await?;
        let length = asked.reason.trim().chars().count();
        if length == 0 || length > LONGEST_REASON {
            return Err(Failure::bad(format!(
                "`reason` has to say why, in at most {LONGEST_REASON} characters"
            )));
        }
        let now = request.console.now();
        request
            .told(move || {
                let keys = keys(&gate)?;
                keys.revoke(&id, asked.lineage, &by, asked.reason.trim(), now)?;
                let record = keys.list().into_iter().find(|record| record.id == id);
                record.map(|record| Key::of(record, now)).ok_or_else(|| KeyError::Unknown(id).into())
            })
            .await
    }

    pub(in crate::console) async fn rotate_key(self, caller: &Caller) -> Result<Response, Failure> {
        let (gate, id, by) = (self.opened()?, self.part(0), by(caller));
        let (request, asked) = self.body::<RotateAsked>().await?;
        let (now, overlap) = (request.console.now(), asked.overlap_seconds.unwrap_or(OVERLAP));
        let work = move || Ok::<_, Failure>(keys(&gate)?.rotate(&id, overlap, &by, now)?);
        Ok(New::response(request.console.gate.aside(work).await?, now))
    }
}
