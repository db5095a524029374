//! Servers of the Model Context Protocol behind the gate: what outlasts a request.
//!
//! The state machine of `castellan_mcp::proxy` says what is to be done; this module has what it takes to do it: the
//! client for servers that are reached by HTTP (`http`), programs that are servers (`stdio`), tokens and credentials
//! for them (`token`), the file of pins (`pins`) and the guardrails (`guard`). `proxy::mcp` drives it for a request.
//!
//! *Invariant (nobody waits for another's server):* the state machine is locked for its own steps alone, which do no I/O.

mod config;
mod guard;
mod http;
mod pins;
mod shown;
mod stdio;
mod token;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use castellan_base::{System, Ticks};
use castellan_mcp::oauth::Subject;
use castellan_mcp::proxy::{Outgoing, Place, Proxy};
use castellan_mcp::taint::Flows;
use futures_util::stream::BoxStream;

use crate::gate::GateError;
use crate::upstream::{self, Credential, HttpClient, Reference, Source, client};

pub use castellan_mcp::pin::{Decision, Kind, Store};
pub use config::{McpBounds, McpConfig, ToolConfig};
pub(crate) use guard::{Scanned, definition, scan};
pub use pins::{PinFile, PinsError, Ruled, Waiting, waiting};
pub use shown::{Listed, Named, described, difference, found, listed, ruled};

/// Servers behind the gate.
pub struct Mcp {
    pub(crate) config: McpConfig,
    /// Their ids, the most trusted first.
    pub(crate) servers: Vec<String>,
    proxy: Mutex<Proxy>,
    pins: PinFile,
    stamp: Mutex<pins::Stamp>,
    /// Whether pins have changed since they were written.
    is_dirty: AtomicBool,
    system: Arc<dyn System>,
    http: HttpClient,
    tokens: token::Tokens,
    credentials: BTreeMap<String, Arc<Credential>>,
    programs: stdio::Programs,
}

impl std::fmt::Debug for Mcp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Mcp").field("servers", &self.servers).finish_non_exhaustive()
    }
}

/// For whom a server is asked.
#[derive(Clone, Debug)]
pub(crate) struct For {
    /// The principal's id.
    pub(crate) principal: String,
    /// The client's session.
    pub(crate) session: String,
    /// The token that the client showed, for grants that exchange it.
    pub(crate) subject: Option<Subject>,
    /// When that ends.
    pub(crate) until: Option<Ticks>,
    /// The gate's own span, as W3C Trace Context has it.
    pub(crate) trace: String,
}

/// Something that a server said.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) server: String,
    pub(crate) status: u16,
    pub(crate) session: Option<String>,
    pub(crate) heard: Heard,
}

/// What it said.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message, or nothing where none was due; with the id of its event.
    Message(Vec<u8>, Option<String>),
    /// That it is still there.
    Alive,
    /// No more, and not all.
    Broken(String),
}

/// What servers say, as it comes. Dropped, they are told, or see, that nobody listens.
pub(crate) type Pieces = BoxStream<'static, Piece>;

impl Mcp {
    pub(crate) fn new(
        config: McpConfig,
        upstreams: &upstream::Config,
        system: Arc<dyn System>,
    ) -> Result<Mcp, GateError> {
        let fault = |why: &dyn std::fmt::Display| GateError::Access(format!("`mcp`: {why}"));
        let flows = match &config.flows {
            None => Flows::built_in(),
            Some(path) => {
                let bytes = system.read(path, 1 << 20);
                let bytes = bytes.map_err(|error| fault(&format!("`{}`: {error}", path.display())))?;
                Flows::read(&path.display().to_string(), &String::from_utf8_lossy(&bytes))
            }
        };
        let flows = flows.map_err(|error| fault(&error))?;
        let pins = PinFile::new(&config.pins);
        let stamp = pins.stamp();
        let mut store = pins.read(&*system).map_err(|error| fault(&error))?;
        let mut is_dirty = false;
        if let Some(path) = &config.presets {
            let at = |why: String| fault(&format!("`{}`: {why}", path.display()));
            let bytes = system.read(path, 16 << 20).map_err(|error| at(error.to_string()))?;
            let limits = castellan_mcp::json::Limits { bytes: bytes.len(), ..Default::default() };
            let document =
                castellan_mcp::json::parse(&bytes, &limits).map_err(|error| at(error.to_string()))?;
            is_dirty = store.preset(&document, system.now()).map_err(|error| at(error.to_string()))? > 0;
        }
        let http = client(upstreams)?;
        let source =
            Source { system: Arc::clone(&system), http: http.clone(), azure: upstreams.azure.clone() };
        let credentials = credentials(&config, &source).map_err(|error| fault(&error))?;
        let servers = config.proxy.servers.iter().map(|server| server.id.clone()).collect();
        let proxy = Proxy::new(config.proxy.clone(), store, flows).map_err(|error| fault(&error))?;
        let programs = stdio::Programs::new(config.bounds);
        Ok(Mcp {
            config,
            servers,
            proxy: Mutex::new(proxy),
            pins,
            stamp: Mutex::new(stamp),
            is_dirty: AtomicBool::new(is_dirty),
            system,
            http,
            tokens: token::Tokens::default(),
            credentials,
            programs,
        })
    }

    /// A step of the state machine.
    pub(crate) fn step<T>(&self, step: impl FnOnce(&mut Proxy) -> T) -> T {
        step(&mut self.proxy.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn silence(&self) -> Duration {
        Duration::from_millis(self.config.bounds.silence_ms)
    }

    /// Definitions that wait for a person, with what changes and the hash that a decision has to name.
    pub fn pins(&self) -> Vec<Waiting> {
        self.step(|proxy| waiting(proxy.pins()))
    }

    /// Approves a definition: it may be used from the next request on.
    ///
    /// # Errors
    /// When nothing waits, when it has changed since it was seen, and when the file cannot be kept.
    pub fn approve(&self, ruled: &Ruled) -> Result<(), PinsError> {
        self.decide(Decision::Approve, ruled)
    }

    /// Refuses a definition. What was pinned before may be used again once the server returns to it.
    ///
    /// # Errors
    /// As for [`Mcp::approve`].
    pub fn reject(&self, ruled: &Ruled) -> Result<(), PinsError> {
        self.decide(Decision::Reject, ruled)
    }

    fn decide(&self, decision: Decision, ruled: &Ruled) -> Result<(), PinsError> {
        self.step(|proxy| {
            pins::decide(proxy.pins_mut(), decision, ruled, self.system.now())?;
            proxy.forget_listings(&ruled.server);
            Ok::<(), PinsError>(())
        })?;
        self.noted();
        self.keep()
    }

    /// Pins may have changed.
    pub(crate) fn noted(&self) {
        self.is_dirty.store(true, Ordering::Release);
    }

    /// Writes pins that have changed. It waits for the disk.
    ///
    /// # Errors
    /// When it fails: they are written with the next change, or when the gate looks at its files.
    pub fn keep(&self) -> Result<(), PinsError> {
        if !self.is_dirty.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let written = self.pins.write(&*self.system, |there| self.taken(there).0);
        match written {
            Ok(stamp) => {
                *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
                Ok(())
            }
            Err(error) => {
                self.noted();
                Err(error)
            }
        }
    }

    /// Takes decisions over that stand in the file, and gives what holds then.
    fn taken(&self, there: &Store) -> (Store, Vec<String>) {
        self.step(|proxy| {
            let (changed, problems) = pins::merge(proxy.pins_mut(), there, &self.servers);
            changed.iter().for_each(|server| proxy.forget_listings(server));
            (proxy.pins().clone(), problems)
        })
    }

    /// Looks whether somebody else has decided, writes what has changed, and ends programs that nobody uses.
    pub(crate) fn reload(&self) -> Vec<String> {
        self.programs.reap();
        let seen = self.pins.stamp();
        let is_other = *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) != seen;
        let mut problems = Vec::new();
        if is_other {
            match self.pins.read(&*self.system) {
                Ok(there) => {
                    problems.extend(self.taken(&there).1);
                    *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) = seen;
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        problems.extend(self.keep().err().map(|error| error.to_string()));
        problems
    }

    /// Asks a server, by whatever way it is reached.
    ///
    /// # Errors
    /// Why it cannot be asked, without anything secret.
    pub(crate) async fn open(&self, outgoing: &Outgoing, whom: &For) -> Result<Pieces, String> {
        let server = self.config.server(&outgoing.server).ok_or("it is not configured")?;
        match &server.at {
            Place::Http(url) => self.over_http(server, url, outgoing, whom).await,
            Place::Stdio { program, arguments, environment } => {
                let mut values = BTreeMap::new();
                for (name, value) in environment {
                    let plain = match self.credentials.get(&format!("{}/{name}", server.id)) {
                        None => value.clone(),
                        Some(credential) => secret(credential).await?,
                    };
                    values.insert(name.clone(), plain);
                }
                let path = self.system.env("PATH");
                let start = stdio::Start { program, arguments, environment: values, path };
                self.programs.ask(outgoing, whom, start).await
            }
        }
    }

    /// A client's session is over.
    pub(crate) fn ended(&self, principal: &str, session: &str) {
        self.programs.end(principal, session);
    }

    /// A server failed for somebody: what was begun there is begun anew.
    pub(crate) fn failed(&self, server: &str, whom: &For) {
        self.programs.failed(server, whom);
    }
}

/// Credentials that the configuration names, by `SERVER`, `SERVER/NAME` (of the environment) and `SERVER?secret` or
/// `SERVER?assertion` (at a token endpoint).
fn credentials(config: &McpConfig, source: &Source) -> Result<BTreeMap<String, Arc<Credential>>, String> {
    let mut credentials = BTreeMap::new();
    for server in &config.proxy.servers {
        let id = &server.id;
        let mut add = |key: String, text: &str| -> Result<(), String> {
            let reference = Reference::read(text, None).map_err(|why| {
                format!(
                    "a credential of the server `{id}` is no reference (`env:NAME`, `file:PATH`, ...): {why}"
                )
            })?;
            credentials.insert(key, Credential::new(reference, source.clone()));
            Ok(())
        };
        if let Some(text) = &server.credential {
            add(id.clone(), text)?;
        }
        if let Some(token) = &server.token {
            token.client_secret.iter().try_for_each(|text| add(format!("{id}?secret"), text))?;
            token.client_assertion.iter().try_for_each(|text| add(format!("{id}?assertion"), text))?;
        }
        if let Place::Stdio { environment, .. } = &server.at {
            for (name, text) in environment {
                // What has no scheme of a reference is a plain text.
                if Reference::read(text, None).is_ok() && text != "none" {
                    add(format!("{id}/{name}"), text)?;
                }
            }
        }
    }
    Ok(credentials)
}

/// The text of a credential.
async fn secret(credential: &Arc<Credential>) -> Result<String, String> {
    let secret = credential.secret().await?.ok_or("there is no credential")?;
    let text = secret.plain.to_str().map_err(|_| "a credential has characters that cannot be passed on")?;
    Ok(text.to_owned())
}
