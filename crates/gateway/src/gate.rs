//! Everything that the gate holds, made from a configuration.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use castellan_access::approval::ApprovalStore;
use castellan_access::certificate::Mappings;
use castellan_access::grant::GrantStore;
use castellan_access::key::{KeyStore, Pepper};
use castellan_access::policy::Policies;
use castellan_access::principal::{Principal, Verified};
use castellan_access::token::Issuers;
use castellan_base::{System, Ticks};
use castellan_respond::actions::{OrderStore, Orders};
use castellan_shield::Shield;
use castellan_shield::blocklist::Blocklists;
use zeroize::Zeroizing;

use crate::cache::Cache;
use crate::config::{Bounds, Config};
use crate::fetch::Fetcher;
use crate::guard::{Inspector, Profiles, ProfilesError, Selected};
use crate::held::Room;
use crate::limit::{AtOnce, Limits, Prices};
use crate::mcp::Mcp;
use crate::metrics::Metrics;
use crate::record::Recorder;
use crate::traces::Traces;
use crate::upstream::{self, Upstreams};

/// Why there is no gate.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The shield cannot be used.
    #[error("the shield cannot be used: {0}")]
    Shield(#[from] castellan_shield::ShieldError),
    /// The second tier of the shield cannot be used.
    #[error("`[gate.shield]` cannot be used: {0}")]
    Second(#[from] castellan_encoder::EncoderError),
    /// Guardrail profiles cannot be used.
    #[error(transparent)]
    Profiles(#[from] ProfilesError),
    /// Upstreams cannot be used.
    #[error(transparent)]
    Upstreams(#[from] upstream::ConfigError),
    /// Who may come in cannot be said.
    #[error("`[gate]` cannot be used: {0}")]
    Access(String),
    /// Somebody could reach it without being asked who they are.
    #[error("{0}")]
    Unprotected(String),
}

/// The gate.
pub struct Gate {
    pub(crate) config: Config,
    pub(crate) inspector: Arc<Inspector>,
    pub(crate) upstreams: Upstreams,
    pub(crate) limits: Option<Limits>,
    pub(crate) at_once: Option<AtOnce>,
    pub(crate) cache: Option<Cache>,
    pub(crate) traces: Option<Traces>,
    pub(crate) mcp: Option<Arc<Mcp>>,
    pub(crate) issuers: Issuers,
    pub(crate) keys: Option<KeyStore>,
    pub(crate) certificates: Mappings,
    pub(crate) policies: Policies,
    pub(crate) grants: Option<GrantStore>,
    pub(crate) approvals: Option<ApprovalStore>,
    pub(crate) orders: Option<Orders>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) system: Arc<dyn System>,
    pub(crate) fetcher: Fetcher,
    /// Room for bodies.
    pub(crate) room: Room,
    /// Who shows no credential in a trial.
    pub(crate) nobody: Arc<Verified>,
    /// What it counts.
    pub metrics: Metrics,
    pub(crate) guard: RwLock<Guard>,
    /// When uses of keys were last written down.
    uses_written: Mutex<Instant>,
    /// The hash of the file of block lists as it was last taken in.
    listed: Mutex<Option<blake3::Hash>>,
}

/// Profiles that hold, by model.
pub(crate) struct Guard {
    pub(crate) profiles: Profiles,
    base: Arc<Selected>,
    by_model: BTreeMap<String, Arc<Selected>>,
    /// Combinations that policies asked for, by their names.
    combined: BTreeMap<String, Arc<Selected>>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gate").field("listen", &self.config.listen).finish_non_exhaustive()
    }
}

/// How often it is written down when keys were used.
const USES_EVERY: Duration = Duration::from_secs(300);

/// Most combinations of profiles that are kept ready.
const MOST_COMBINED: usize = 256;

impl Gate {
    /// Makes the gate.
    ///
    /// # Errors
    /// What of the configuration cannot be used.
    pub fn new(
        config: Config,
        system: Arc<dyn System>,
        recorder: Arc<dyn Recorder>,
    ) -> Result<Gate, GateError> {
        check(&config)?;
        let shield = Arc::new(shield(&config, &*system)?);
        let mut inspector = Inspector::new(shield, &castellan_detectors::engine())?;
        if let Some(tokens) = &config.tokens {
            let secret = hex_secret("tokens.key", Some(&tokens.key), &*system)?;
            let told = |why: String| GateError::Access(format!("`[gate.tokens]` cannot be used: {why}"));
            inspector = inspector.with_tokens(tokens, &secret).map_err(told)?;
        }
        let mut listed = None;
        if let Some(path) = &config.blocklists {
            listed = take_blocklists(path, listed, &inspector, &*system)?;
        }
        let guard = guard(&config, &inspector, &*system)?;
        let bounds = &config.bounds;
        let room = Room::new(bounds.held_bytes, Duration::from_millis(bounds.held_wait_ms));
        let metrics = Metrics::new(room.clone());
        let upstreams = Upstreams::new(config.upstreams.clone(), Arc::clone(&system), &metrics.upstreams)?;
        let access = |error: &dyn std::fmt::Display| GateError::Access(error.to_string());
        let issuers = Issuers::new(config.issuer.clone()).map_err(|error| access(&error))?;
        let certificates = Mappings::new(config.certificate.clone()).map_err(|error| access(&error))?;
        let keys = match &config.keys {
            Some(path) => {
                let pepper = pepper(config.pepper.as_deref(), &*system)?;
                Some(KeyStore::open(path, pepper).map_err(|error| access(&error))?)
            }
            None => None,
        };
        let policies = match &config.policies {
            Some(folder) => Policies::open(&*system, folder),
            None if config.anonymous => Policies::for_trials(),
            None => Policies::built_in(),
        };
        let policies = policies.map_err(|error| access(&error))?;
        let grants = config.grants.as_ref().map(|path| GrantStore::open(path, config.grant_rules.clone()));
        let grants = grants.transpose().map_err(|error| access(&error))?;
        let approvals = config.approvals.as_ref();
        let approvals = approvals.map(|path| ApprovalStore::open(path, config.approval_rules.clone()));
        let approvals = approvals.transpose().map_err(|error| access(&error))?;
        let orders = config.orders.as_ref().map(|path| Orders::new(OrderStore::new(path)));
        let limits = limits(&config, &*system)?;
        let at_once = AtOnce::new(config.limits.concurrent.clone()).map_err(|error| access(&error))?;
        let cache = kept(&config, &metrics)?;
        let traces = config.traces.clone().map(|traces| {
            Traces::new(traces, &config.upstreams, Arc::clone(&system), metrics.traces.clone())
        });
        let traces = traces.transpose().map_err(GateError::Access)?;
        let fetcher = Fetcher::new(&config.upstreams)?;
        let mcp = config.mcp.clone().map(|mcp| Mcp::new(mcp, &config.upstreams, Arc::clone(&system)));
        let mcp = mcp.transpose()?.map(Arc::new);
        Ok(Gate {
            inspector: Arc::new(inspector),
            upstreams,
            limits,
            at_once,
            cache,
            traces,
            mcp,
            issuers,
            keys,
            certificates,
            policies,
            grants,
            approvals,
            orders,
            recorder,
            system,
            fetcher,
            room,
            nobody: Arc::new(Verified::new(Principal::anonymous())),
            metrics,
            guard: RwLock::new(guard),
            uses_written: Mutex::new(Instant::now()),
            listed: Mutex::new(listed),
            config,
        })
    }

    /// Servers of the Model Context Protocol behind the gate, to decide about their definitions.
    pub fn mcp(&self) -> Option<&Mcp> {
        self.mcp.as_deref()
    }

    /// Requests that wait for a person, and what was decided, to decide about them.
    pub fn approvals(&self) -> Option<&ApprovalStore> {
        self.approvals.as_ref()
    }

    pub(crate) fn now(&self) -> Ticks {
        self.system.now()
    }

    /// Reads what may have changed again: policies, profiles, block lists, keys, grants. What has faults is told, and what was
    /// read last holds.
    pub fn reload(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(folder) = &self.config.policies
            && let Err(error) = self.policies.reload_folder(&*self.system, folder)
        {
            problems.push(format!("policies: {error}"));
        }
        if let Some(Err(error)) = self.keys.as_ref().map(KeyStore::refresh) {
            problems.push(format!("keys: {error}"));
        }
        if self.uses_are_due()
            && let Some(Err(error)) = self.keys.as_ref().map(KeyStore::flush_uses)
        {
            problems.push(format!("keys: {error}"));
        }
        if let Some(Err(error)) = self.limits.as_ref().map(Limits::flush) {
            problems.push(format!("limits: {error}"));
        }
        if let Some(Err(error)) = self.grants.as_ref().map(GrantStore::refresh) {
            problems.push(format!("grants: {error}"));
        }
        if let Some(Err(error)) = self.approvals.as_ref().map(ApprovalStore::refresh) {
            problems.push(format!("approvals: {error}"));
        }
        problems.extend(self.mcp.iter().flat_map(|mcp| mcp.reload()));
        if self.config.guardrails.is_some() {
            match guard(&self.config, &self.inspector, &*self.system) {
                Ok(read) => {
                    let mut held = self.guard.write().unwrap_or_else(PoisonError::into_inner);
                    // What is ready stays ready where nothing changed.
                    if read.profiles != held.profiles {
                        *held = read;
                        // After the change, so that nobody who sees the new generation sees the old profiles.
                        self.cache.iter().for_each(Cache::turn);
                    }
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        if let Some(path) = &self.config.blocklists {
            let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
            match take_blocklists(path, *listed, &self.inspector, &*self.system) {
                Ok(taken) => {
                    if *listed != taken {
                        self.cache.iter().for_each(Cache::turn);
                    }
                    *listed = taken;
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        problems
    }

    /// Whether it is time to write down when keys were used: the whole file is written for it.
    fn uses_are_due(&self) -> bool {
        let mut written = self.uses_written.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = written.elapsed() >= USES_EVERY;
        if is_due {
            *written = Instant::now();
        }
        is_due
    }

    /// Writes what outlives the process. To be called at the end.
    ///
    /// # Errors
    /// When the disk fails: what was reserved then counts as used.
    pub fn close(&self) -> std::io::Result<()> {
        // When keys were last used is for people to look at; nothing depends on it.
        let _ = self.keys.as_ref().map(KeyStore::flush_uses);
        // What could not be written is pinned anew from the next listing on.
        let _ = self.mcp.as_ref().map(|mcp| mcp.keep());
        self.limits.as_ref().map_or(Ok(()), |limits| limits.close(self.now()))
    }

    /// The profiles that hold for a model, with those that policies oblige to.
    ///
    /// # Errors
    /// When a policy names a profile that does not exist: nothing passes then, rather than passing unguarded.
    pub(crate) fn selected<'n>(
        &self,
        model: &str,
        more: impl Iterator<Item = &'n str> + Clone,
    ) -> Result<Arc<Selected>, ProfilesError> {
        let guard = self.guard.read().unwrap_or_else(PoisonError::into_inner);
        let base = guard.by_model.get(model).unwrap_or(&guard.base);
        if more.clone().next().is_none() {
            return Ok(Arc::clone(base));
        }
        let names: Vec<&str> = more.collect();
        let key = format!("{}\n{}", base.names.join(","), names.join(","));
        if let Some(known) = guard.combined.get(&key) {
            return Ok(Arc::clone(known));
        }
        let more = guard.profiles.select(&names, self.inspector.engine())?;
        let combined = Arc::new(base.and(&self.inspector.check(more)?));
        drop(guard);
        let mut guard = self.guard.write().unwrap_or_else(PoisonError::into_inner);
        if guard.combined.len() < MOST_COMBINED {
            guard.combined.insert(key, Arc::clone(&combined));
        }
        Ok(combined)
    }

    /// Who serves a model.
    pub(crate) fn provider(&self, model: &str) -> &str {
        self.config.providers.get(model).map_or("unknown", String::as_str)
    }
}

fn check(config: &Config) -> Result<(), GateError> {
    let is_local = config.listen.ip().is_loopback();
    if !is_local && config.tls.is_none() {
        let why = format!(
            "`{}` can be reached from other machines, and connections would not be encrypted; add `[gate.tls]`, or listen on 127.0.0.1",
            config.listen
        );
        return Err(GateError::Unprotected(why));
    }
    if !is_local && config.anonymous {
        let why = "`anonymous` lets everybody in, so it holds on loopback alone; issue keys with `castellan gate keys`";
        return Err(GateError::Unprotected(why.to_owned()));
    }
    let Bounds { request_bytes, answer_bytes, held_bytes, .. } = config.bounds;
    if held_bytes < request_bytes.max(answer_bytes) {
        let why = format!(
            "`bounds.held_bytes` ({held_bytes}) is less than one body may have (`request_bytes` {request_bytes}, `answer_bytes` {answer_bytes}), which would never find room"
        );
        return Err(GateError::Access(why));
    }
    let needs_address = config.mcp.as_ref().is_some_and(|mcp| mcp.address.is_none()) && !is_local;
    if needs_address {
        let why = "`mcp.address` is missing: say where clients reach the gate, as https://gate.example";
        return Err(GateError::Access(why.to_owned()));
    }
    if let Some(mcp) = &config.mcp {
        let mut names = mcp.profiles.values().flatten();
        let builtin = Profiles::builtin()?;
        let is_known = |name: &String| builtin.all().any(|profile| profile.id == *name);
        if let Some(name) = names.find(|name| config.guardrails.is_none() && !is_known(name)) {
            let why = format!("`mcp.profiles` names the profile `{name}`, which is none");
            return Err(GateError::Access(why));
        }
    }
    let nobody = config.keys.is_none() && config.issuer.is_empty() && config.certificate.is_empty();
    if nobody && !config.anonymous {
        let why = "nobody could come in: name `keys`, an `[[gate.issuer]]` or a `[[gate.certificate]]`, or set `anonymous = true` for a trial";
        return Err(GateError::Access(why.to_owned()));
    }
    Ok(())
}

/// The shield, with the second tier that was asked for.
fn shield(config: &Config, system: &dyn System) -> Result<Shield, GateError> {
    let shield = Shield::builtin()?;
    match &config.shield {
        Some(setting) => Ok(shield.with_second(setting.second(system)?)),
        None => Ok(shield),
    }
}

/// Answers that are kept, where that is asked for.
fn kept(config: &Config, metrics: &Metrics) -> Result<Option<Cache>, GateError> {
    let Some(cache) = &config.cache else { return Ok(None) };
    let upstreams = *blake3::hash(format!("{:?}", config.upstreams.models).as_bytes()).as_bytes();
    let made = Cache::new(cache.clone(), upstreams, metrics.cache.clone());
    made.map(Some).map_err(|fault| GateError::Access(fault.to_owned()))
}

/// Limits, where there are rules.
fn limits(config: &Config, system: &dyn System) -> Result<Option<Limits>, GateError> {
    if config.limits.rules.is_empty() {
        return Ok(None);
    }
    let fault = |error: &dyn std::fmt::Display| GateError::Access(error.to_string());
    let mut prices = Prices::built_in().map_err(|error| fault(&error))?;
    if let Some(path) = &config.prices {
        let bytes =
            system.read(path, 1 << 20).map_err(|error| fault(&format!("`{}`: {error}", path.display())))?;
        let own = Prices::read(&String::from_utf8_lossy(&bytes))
            .map_err(|error| fault(&format!("`{}`: {error}", path.display())))?;
        prices = own.before(prices);
    }
    Limits::open(config.limits.clone(), prices).map(Some).map_err(|error| fault(&error))
}

fn guard(config: &Config, inspector: &Inspector, system: &dyn System) -> Result<Guard, ProfilesError> {
    let mut profiles = Profiles::builtin()?;
    if let Some(folder) = &config.guardrails {
        profiles = profiles.with_folder(folder, system)?;
    }
    let names = |names: &[String]| -> Result<Selected, ProfilesError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        inspector.check(profiles.select(&names, inspector.engine())?)
    };
    let base = names(&config.profiles)?;
    let mut by_model = BTreeMap::new();
    for (model, more) in &config.model_profiles {
        by_model.insert(model.clone(), Arc::new(base.and(&names(more)?)));
    }
    Ok(Guard { base: Arc::new(base), by_model, combined: BTreeMap::new(), profiles })
}

/// What hashes of virtual keys are keyed with, by its reference.
///
/// # Errors
/// When it is missing, or is not 64 hexadecimal digits.
pub fn pepper(reference: Option<&str>, system: &dyn System) -> Result<Pepper, GateError> {
    hex_secret("pepper", reference, system).map(|secret| Pepper::new(*secret))
}

/// 32 bytes of a secret, by its reference.
fn hex_secret(
    what: &str,
    reference: Option<&str>,
    system: &dyn System,
) -> Result<Zeroizing<[u8; 32]>, GateError> {
    let fault = |why: &str| GateError::Access(format!("`{what}` {why}"));
    let reference = reference
        .ok_or_else(|| fault("is missing: name 64 hexadecimal digits as `env:NAME` or `file:PATH`"))?;
    let text = if let Some(name) = reference.strip_prefix("env:") {
        system.env(name).ok_or_else(|| fault("names a variable that is not set"))?
    } else if let Some(path) = reference.strip_prefix("file:") {
        let bytes = system
            .read(std::path::Path::new(path), 4_096)
            .map_err(|error| fault(&format!("names the file `{path}`, which cannot be read: {error}")))?;
        String::from_utf8(bytes).map_err(|_| fault("is no text"))?
    } else {
        return Err(fault("has to be `env:NAME` or `file:PATH`"));
    };
    let text = Zeroizing::new(text);
    let hash = blake3::Hash::from_hex(text.trim()).map_err(|_| fault("has to be 64 hexadecimal digits"))?;
    Ok(Zeroizing::new(*hash.as_bytes()))
}

/// Takes block lists in, unless they are those of the hash; gives theirs.
fn take_blocklists(
    path: &std::path::Path,
    known: Option<blake3::Hash>,
    inspector: &Inspector,
    system: &dyn System,
) -> Result<Option<blake3::Hash>, ProfilesError> {
    let fault = |fault: String| ProfilesError::Fault { file: path.display().to_string(), fault };
    let bytes = system.read(path, 256 << 20).map_err(|error| fault(error.to_string()))?;
    let hash = Some(blake3::hash(&bytes));
    if hash != known {
        let lists: Blocklists = serde_json::from_slice(&bytes).map_err(|error| fault(error.to_string()))?;
        inspector.set_blocklists(lists);
    }
    Ok(hash)
}
