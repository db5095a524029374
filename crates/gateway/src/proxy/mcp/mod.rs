//! The Model Context Protocol in the stack: `/mcp`, with all servers that whoever asks may reach, and `/mcp/SERVER`.
//!
//! It goes through the same stages as other requests: who asks, whether they may, orders of playbooks, guardrails in both
//! directions, a row for what happened. What is between is `castellan_mcp::proxy`, a state machine, which [`drive`] does the
//! work for. All of it is one future that belongs to the answer: when the client goes, it is dropped, and with it whatever
//! is asked of a server.

mod body;
mod decide;
mod drive;
mod told;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use castellan_access::grant::Held;
use castellan_access::policy::{Action, Asked as Question, Circumstances, Resource};
use castellan_access::principal::{Kind, Method as Shown, Verified};
use castellan_access::token::{Cloud, IssuerConfig, IssuerKind};
use castellan_mcp::oauth::{Challenge, Secret, Subject, metadata, metadata_path};
use castellan_mcp::transport::{Reason, error_body};
use http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Response, Uri};
use hyper::body::Incoming;

use super::body::GateBody;
use super::exchange::Exchange;
use super::identify::{self, Peer};
use super::stop::Stop;
use super::{Served, body as bodies, meter};
use crate::config::Bounds;
use crate::gate::Gate;
use crate::mcp::{For, Mcp};
use crate::record;

/// Where metadata of protected resources lie (RFC 9728).
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// A request whose sender is known.
pub(super) struct Called {
    mcp: Arc<Mcp>,
    verified: Arc<Verified>,
    head: Parts,
    bytes: Bytes,
    servers: Vec<String>,
    whom: For,
}

/// The address of a path: all servers, or one.
fn place(path: &str) -> Option<Option<&str>> {
    match path.strip_prefix("/mcp")? {
        "" | "/" => Some(None),
        rest => rest.strip_prefix('/').filter(|id| !id.contains('/')).map(Some),
    }
}

/// Whether a path is one of these.
pub(super) fn is_for(path: &str) -> bool {
    match path.strip_prefix(METADATA) {
        Some("" | "/") => true,
        Some(rest) => place(rest).is_some(),
        None => place(path).is_some(),
    }
}

/// Identifies and reads a request.
pub(super) async fn served(
    exchange: &mut Exchange,
    mcp: &Arc<Mcp>,
    peer: &Peer,
    head: Parts,
    body: Incoming,
) -> Result<Served, Stop> {
    let gate = Arc::clone(&exchange.gate);
    exchange.decision.api = "mcp";
    exchange.decision.dialect = "mcp";
    exchange.decision.mcp = Some(record::Mcp::default());
    let path = head.uri.path().to_owned();
    let base = base(&gate, mcp, &head);
    if let Some(rest) = path.strip_prefix(METADATA) {
        exchange.is_silent = true;
        return Ok(Served::Whole(described(&gate, mcp, &head, &format!("{base}{}", resource(rest)))));
    }
    let verified = identify::verified(&gate, peer, &head.headers).await;
    let verified = verified.map_err(|stop| challenged(stop, mcp, &base, &path))?;
    exchange.decision.principal = Some(Arc::clone(&verified));
    meter::enter(exchange, &verified.principal).map_err(spoken)?;
    let most = mcp.config.proxy.transport.body_bytes.min(gate.config.bounds.request_bytes);
    let bounds = Bounds { request_bytes: most, ..gate.config.bounds };
    let read = bodies::whole(body, &bounds, &head.headers, &gate.room, &mut exchange.held).await;
    let bytes = read.map_err(spoken)?;
    let servers = reachable(exchange, mcp, &verified, place(&path).flatten());
    let principal = &verified.principal;
    let whom = For {
        principal: principal.id(),
        session: String::new(),
        subject: subject(&verified, &head),
        until: principal.credential.expires,
        trace: exchange.traceparent(),
    };
    Ok(Served::Mcp(Box::new(Called { mcp: Arc::clone(mcp), verified, head, bytes, servers, whom })))
}

/// Answers it.
pub(super) async fn answered(exchange: Exchange, called: Called) -> Response<GateBody> {
    body::answered(drive::Driver::new(exchange, called)).await
}

/// The token that a principal showed, to be exchanged for one that a server takes.
fn subject(verified: &Verified, head: &Parts) -> Option<Subject> {
    let principal = &verified.principal;
    if !matches!(principal.method, Shown::Token | Shown::BoundToken) {
        return None;
    }
    let (scheme, token) = head.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let is_delegated = matches!(principal.kind, Kind::User | Kind::AgentUser);
    scheme.eq_ignore_ascii_case("bearer").then(|| Subject { token: Secret::new(token.trim()), is_delegated })
}

/// The servers of an address that a principal may reach, the most trusted first.
fn reachable(exchange: &Exchange, mcp: &Mcp, verified: &Verified, only: Option<&str>) -> Vec<String> {
    let asked = mcp.servers.iter().filter(|id| only.is_none_or(|only| only == *id));
    asked.filter(|id| may_reach(exchange, mcp, verified, id)).cloned().collect()
}

fn may_reach(exchange: &Exchange, mcp: &Mcp, verified: &Verified, id: &str) -> bool {
    let gate = &exchange.gate;
    let now = gate.now();
    let mut question = Question::by(verified, Action::List, server(mcp, id), now);
    question.circumstances = circumstances(exchange);
    let decision = gate.policies.decide(&question);
    if decision.allow || !decision.policies.is_empty() {
        return decision.allow;
    }
    // Whoever was granted a tool of a server may get there.
    let Some(grants) = &gate.grants else { return false };
    mcp.step(|proxy| {
        let pins = proxy.pins().server(id).and_then(|pins| pins.pins.get(&castellan_mcp::pin::Kind::Tool));
        let mut names = pins.into_iter().flat_map(|pins| pins.keys());
        names.any(|name| !grants.held(&verified.principal, &Resource::tool(id, name), now).ids.is_empty())
    })
}

/// A server as policies see it.
fn server(mcp: &Mcp, id: &str) -> Resource {
    let labels = mcp.config.server_labels.get(id).cloned().unwrap_or_default();
    Resource::McpServer { name: id.to_owned(), labels }
}

/// A tool as policies see it.
fn tool(mcp: &Mcp, server: &str, name: &str) -> Resource {
    let (server, name) = (server.to_owned(), name.to_owned());
    match mcp.config.tool(&server, &name) {
        // Of what nothing is said, nothing good is believed.
        None => Resource::Tool { server, name, labels: Vec::new(), read_only: false, destructive: true },
        Some(entry) => Resource::Tool {
            server,
            name,
            labels: entry.labels.clone(),
            read_only: entry.read_only,
            destructive: entry.destructive,
        },
    }
}

fn circumstances(exchange: &Exchange) -> Circumstances {
    Circumstances {
        ip: exchange.decision.address,
        api: "mcp".to_owned(),
        session: exchange.decision.session.clone(),
        ..Circumstances::default()
    }
}

fn held(gate: &Gate, verified: &Verified, resource: &Resource) -> Held {
    let now = gate.now();
    gate.grants.as_ref().map_or_else(Held::default, |grants| grants.held(&verified.principal, resource, now))
}

/// The path of a resource by the rest of its metadata's path.
fn resource(rest: &str) -> &str {
    match rest {
        "" | "/" => "/mcp",
        rest => rest,
    }
}

/// Where clients reach the gate. What a request says of that is believed on loopback alone.
fn base(gate: &Gate, mcp: &Mcp, head: &Parts) -> String {
    if let Some(address) = &mcp.config.address {
        return address.clone();
    }
    let scheme = if gate.config.tls.is_some() { "https" } else { "http" };
    let said = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let said = said.or_else(|| head.uri.authority().map(|authority| authority.as_str()));
    let is_local = |said: &&str| {
        let uri = said.parse::<Uri>().ok();
        let host = uri.as_ref().and_then(Uri::host).map(|host| host.trim_matches(['[', ']']));
        host.is_some_and(|host| {
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        })
    };
    let host = said.filter(is_local).map_or_else(|| gate.config.listen.to_string(), str::to_owned);
    format!("{scheme}://{host}")
}

/// The metadata of a resource.
fn described(gate: &Gate, mcp: &Mcp, head: &Parts, resource: &str) -> Response<GateBody> {
    if head.method != http::Method::GET {
        return bodies::text(405, "text/plain", "GET\n");
    }
    let issuers: Vec<String> = gate.config.issuer.iter().flat_map(issuers).collect();
    let text = metadata(resource, &issuers, &mcp.config.scopes, Some("Castellan gate"));
    bodies::text(200, "application/json", &text)
}

/// Authorisation servers by their issuers' names.
fn issuers(config: &IssuerConfig) -> Vec<String> {
    let login = match config.cloud {
        Cloud::Public => "https://login.microsoftonline.com",
        Cloud::Government => "https://login.microsoftonline.us",
        Cloud::China => "https://login.partner.microsoftonline.cn",
    };
    match config.kind {
        IssuerKind::Oidc => config.issuer.clone().into_iter().collect(),
        IssuerKind::Entra => config.tenants.iter().map(|tenant| format!("{login}/{tenant}/v2.0")).collect(),
    }
}

/// The refusal of somebody who is not known, with where to get a token.
fn challenged(stop: Stop, mcp: &Mcp, base: &str, path: &str) -> Stop {
    let mut stop = spoken(stop);
    if stop.refusal.status == 401 {
        let is_missing = stop.word == castellan_access::token::Refusal::NoCredential.word();
        let challenge = match is_missing {
            true => Challenge::Missing,
            false => Challenge::Invalid { description: stop.word.clone() },
        };
        let url = format!("{base}{}", metadata_path(path));
        stop.headers.retain(|(name, _)| *name != WWW_AUTHENTICATE.as_str());
        stop.headers.push(("www-authenticate", challenge.header(&url, &mcp.config.scopes)));
    }
    stop
}

/// A refusal as JSON-RPC says it.
fn spoken(mut stop: Stop) -> Stop {
    let code = match stop.refusal.status {
        401 | 403 => Reason::Forbidden.code(),
        503 => Reason::SessionsFull.code(),
        _ => Reason::NotAMessage.code(),
    };
    stop.body = Some(error_body(None, code, &stop.refusal.message, None));
    stop
}
