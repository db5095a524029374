//! Issuers, and what they say of a token.

use std::collections::HashMap;
use std::sync::Arc;

use castellan_base::Ticks;
use serde_json::Value;

use super::cache::{Cache, Digest, Entry};
use super::claims::{Claims, Times};
use super::config::{ConfigError, IssuerConfig, IssuerKind, TokenType, is_fetchable};
use super::header::{self, Parts};
use super::keys::{KeySet, KeysError, KeysTaken, LONGEST_SET};
use super::replay::Replay;
use super::slot::{FetchPlan, Need, Slot};
use super::{LONGEST_TOKEN, Refusal, entra, oidc};
use crate::principal::{Method, Verified};
use crate::{strict, time};

/// Verified tokens that are remembered: about 1 KiB each.
const CACHED: usize = 50_000;
/// Tokens for one use that are remembered.
const REMEMBERED: usize = 1_000_000;

/// What comes of a token.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is good.
    Verified(Arc<Verified>),
    /// It is not.
    Refused(Refusal),
    /// Keys have to be fetched before it can be said.
    NeedsKeys {
        /// Which.
        plan: FetchPlan,
        /// True when the caller is to fetch them. Otherwise somebody else was told to: wait for that, and ask again.
        lead: bool,
    },
}

#[derive(Debug)]
struct Issuer {
    config: IssuerConfig,
    /// Places in `Issuers::slots`: for Entra one of each version, in the order of the versions.
    slots: Vec<usize>,
}

/// All issuers that are trusted.
#[derive(Debug)]
pub struct Issuers {
    issuers: Vec<Issuer>,
    slots: Vec<Slot>,
    /// By `iss`, for OpenID Connect.
    by_name: HashMap<String, usize>,
    /// By tenant in lower case, for Entra.
    by_tenant: HashMap<String, usize>,
    cache: Cache,
    replay: Replay,
}

impl Issuers {
    /// Issuers of configurations.
    pub fn new(configs: Vec<IssuerConfig>) -> Result<Issuers, ConfigError> {
        let mut issuers = Issuers {
            issuers: Vec::new(),
            slots: Vec::new(),
            by_name: HashMap::new(),
            by_tenant: HashMap::new(),
            cache: Cache::new(CACHED),
            replay: Replay::new(REMEMBERED),
        };
        for config in configs {
            config.check()?;
            issuers.add(config)?;
        }
        Ok(issuers)
    }

    fn add(&mut self, config: IssuerConfig) -> Result<(), ConfigError> {
        let twice = |what: &str| ConfigError {
            name: config.name.clone(),
            reason: format!("{what} is another issuer's already; which rules hold must be clear"),
        };
        if self.issuers.iter().any(|known| known.config.name == config.name) {
            return Err(twice("its name"));
        }
        let at = self.issuers.len();
        for tenant in &config.tenants {
            if self.by_tenant.insert(tenant.to_ascii_lowercase(), at).is_some() {
                return Err(twice(&format!("tenant `{tenant}`")));
            }
        }
        if let Some(issuer) = &config.issuer
            && self.by_name.insert(issuer.clone(), at).is_some()
        {
            return Err(twice(&format!("`{issuer}`")));
        }
        let slots = plans(&config)
            .into_iter()
            .map(|mut plan| {
                plan.slot = self.slots.len();
                self.slots.push(Slot::new(plan));
                self.slots.len() - 1
            })
            .collect();
        self.issuers.push(Issuer { config, slots });
        Ok(())
    }

    /// Says what a token is worth at a time. `certificate` is the SHA-256 of the certificate that the client showed in
    /// TLS, which a bound token must name.
    pub fn verify(&self, token: &str, certificate: Option<&[u8; 32]>, now: Ticks) -> Outcome {
        if token.is_empty() {
            return Outcome::Refused(Refusal::NoCredential);
        }
        if token.len() > LONGEST_TOKEN {
            return Outcome::Refused(Refusal::TooLong);
        }
        let now = time::unix_seconds(now);
        let digest: Digest = *blake3::hash(token.as_bytes()).as_bytes();
        if let Some(verified) = self.remembered(&digest, now) {
            return match self.check_binding(&verified, certificate) {
                Ok(()) => Outcome::Verified(verified),
                Err(refusal) => Outcome::Refused(refusal),
            };
        }
        self.verify_anew(token, digest, certificate, now).unwrap_or_else(Outcome::Refused)
    }

    fn remembered(&self, digest: &Digest, now: i64) -> Option<Arc<Verified>> {
        let entry = self.cache.get(digest)?;
        let slot = self.slots.get(entry.slot)?;
        let counts = (entry.from..entry.until).contains(&now);
        if counts && slot.epoch() == entry.epoch && slot.is_fresh(now) {
            return Some(entry.verified);
        }
        self.cache.remove(digest);
        None
    }

    fn check_binding(&self, verified: &Verified, certificate: Option<&[u8; 32]>) -> Result<(), Refusal> {
        match (&verified.binding, certificate) {
            (None, _) => Ok(()),
            (Some(bound), Some(shown)) if bound == shown => Ok(()),
            _ => Err(Refusal::Proof),
        }
    }

    fn verify_anew(
        &self,
        token: &str,
        digest: Digest,
        certificate: Option<&[u8; 32]>,
        now: i64,
    ) -> Result<Outcome, Refusal> {
        let parts = header::take_apart(token)?;
        let claims = Claims(&parts.claims);
        claims.check_not_foreign()?;
        let (at, slot_at, tenant) = self.issuer_of(claims)?;
        let (Some(issuer), Some(slot)) = (self.issuers.get(at), self.slots.get(slot_at)) else {
            return Err(Refusal::Issuer);
        };
        if !issuer.config.algorithms.contains(&parts.algorithm) {
            return Err(Refusal::Algorithm);
        }
        check_type(&issuer.config, parts.token_type)?;
        // The epoch is read before the keys: a key that goes away in between makes the entry useless, not the other way.
        let epoch = slot.epoch();
        let keys = slot.keys();
        let is_fresh = slot.is_fresh(now);
        if !is_fresh || keys.of_id(&parts.key_id).is_empty() {
            let missing = if is_fresh { Refusal::UnknownKey } else { Refusal::KeysUnavailable };
            return match slot.need(now) {
                Need::Fetch => Ok(Outcome::NeedsKeys { plan: slot.plan.clone(), lead: true }),
                Need::Wait => Ok(Outcome::NeedsKeys { plan: slot.plan.clone(), lead: false }),
                Need::TooSoon => Err(missing),
            };
        }
        check_signature(&parts, &keys, claims, tenant)?;
        let times = claims.check_times(&issuer.config, now)?;
        let mut verified = judge(claims, &issuer.config, times)?;
        self.check_binding(&verified, certificate)?;
        if verified.binding.is_some() {
            verified.principal.method = Method::BoundToken;
        }
        let skew = i64::from(issuer.config.skew_seconds);
        let until = times.expires.saturating_add(skew);
        let verified = Arc::new(verified);
        if issuer.config.one_use {
            let id = verified.principal.credential.id.as_deref().ok_or(Refusal::MissingClaim("jti"))?;
            self.replay.use_up(at, id, until, now)?;
            return Ok(Outcome::Verified(verified));
        }
        let from = times.not_before.unwrap_or(0).saturating_sub(skew);
        let entry = Entry { verified: Arc::clone(&verified), slot: slot_at, epoch, from, until };
        self.cache.insert(digest, entry);
        Ok(Outcome::Verified(verified))
    }

    /// Which issuer a token names, with which keys, and for Entra which tenant.
    fn issuer_of<'a>(&self, claims: Claims<'a>) -> Result<(usize, usize, Option<&'a str>), Refusal> {
        let name = claims.required("iss")?;
        if let Some(at) = self.by_name.get(name) {
            let slot = self.issuers.get(*at).and_then(|issuer| issuer.slots.first());
            return Ok((*at, *slot.ok_or(Refusal::Issuer)?, None));
        }
        let (tenant, version) = entra::tenant_of(name).ok_or(Refusal::Issuer)?;
        let Some(at) = self.by_tenant.get(&tenant.to_ascii_lowercase()) else {
            // An issuer of Entra whose tenant nobody allowed.
            return Err(if self.by_tenant.is_empty() { Refusal::Issuer } else { Refusal::Tenant });
        };
        let issuer = self.issuers.get(*at).ok_or(Refusal::Issuer)?;
        if name != entra::issuer_of(&issuer.config, tenant, version) {
            return Err(Refusal::Issuer);
        }
        let version_at =
            issuer.config.versions.iter().position(|known| known == version).ok_or(Refusal::Version)?;
        let slot = issuer.slots.get(version_at).ok_or(Refusal::Version)?;
        Ok((*at, *slot, Some(tenant)))
    }

    /// Reads the metadata that a plan names, and says where the keys are.
    pub fn take_metadata(&self, plan: &FetchPlan, bytes: &[u8]) -> Result<String, KeysError> {
        let config = self.config_of(plan)?;
        let unusable =
            |reason: &str| KeysError::Unusable { issuer: plan.issuer.clone(), reason: reason.to_owned() };
        if bytes.len() > LONGEST_SET {
            return Err(KeysError::TooLong { issuer: plan.issuer.clone() });
        }
        let metadata = strict::object(bytes, 16, 20_000).map_err(|_| unusable("the metadata is not JSON"))?;
        let text = |name: &str| metadata.get(name).and_then(Value::as_str);
        let issuer = text("issuer").ok_or_else(|| unusable("the metadata names no issuer"))?;
        if !is_expected_issuer(config, issuer) {
            return Err(unusable("the metadata is that of another issuer"));
        }
        let keys = text("jwks_uri").ok_or_else(|| unusable("the metadata has no `jwks_uri`"))?;
        if !is_fetchable(keys, config.allow_loopback_http) {
            return Err(unusable("`jwks_uri` is no https address"));
        }
        if config.kind == IssuerKind::Entra && !keys.starts_with(&format!("{}/", config.cloud.login())) {
            return Err(unusable("`jwks_uri` is not where Entra has its keys"));
        }
        Ok(keys.to_owned())
    }

    /// Takes keys that were fetched at a time. Keys that are gone end what they signed.
    pub fn take_keys(&self, plan: &FetchPlan, bytes: &[u8], now: Ticks) -> Result<KeysTaken, KeysError> {
        self.config_of(plan)?;
        let slot = self.slots.get(plan.slot).ok_or(KeysError::ForeignPlan)?;
        let now = time::unix_seconds(now);
        match KeySet::read(bytes) {
            Ok((keys, skipped)) => Ok(slot.take(keys, skipped, now)),
            Err(reason) => {
                slot.failed(now);
                Err(KeysError::Unusable { issuer: plan.issuer.clone(), reason })
            }
        }
    }

    /// Says that fetching failed. Keys that are there are used until they are 24 hours old.
    pub fn fetch_failed(&self, plan: &FetchPlan, now: Ticks) {
        if let (Ok(_), Some(slot)) = (self.config_of(plan), self.slots.get(plan.slot)) {
            slot.failed(time::unix_seconds(now));
        }
    }

    /// Keys to fetch at start and ahead of time, so that no request waits for them. Ask every minute or so.
    pub fn due(&self, now: Ticks) -> Vec<FetchPlan> {
        let now = time::unix_seconds(now);
        self.slots.iter().filter(|slot| slot.is_due(now)).map(|slot| slot.plan.clone()).collect()
    }

    /// Names of the configured issuers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().map(|issuer| issuer.config.name.as_str())
    }

    fn config_of(&self, plan: &FetchPlan) -> Result<&IssuerConfig, KeysError> {
        let issuer = self.issuers.iter().find(|issuer| issuer.slots.contains(&plan.slot));
        let is_own = self.slots.get(plan.slot).is_some_and(|slot| slot.plan == *plan);
        issuer.filter(|_| is_own).map(|issuer| &issuer.config).ok_or(KeysError::ForeignPlan)
    }
}

fn check_type(config: &IssuerConfig, token_type: Option<TokenType>) -> Result<(), Refusal> {
    // An access token that names us as its audience was given for something else than to tell who signed in.
    if config.token_type == TokenType::IdToken && token_type == Some(TokenType::AccessToken) {
        return Err(Refusal::Type);
    }
    let must_say = config.kind == IssuerKind::Oidc && config.token_type == TokenType::AccessToken;
    if must_say && token_type != Some(TokenType::AccessToken) { Err(Refusal::Type) } else { Ok(()) }
}

fn check_signature(
    parts: &Parts<'_>,
    keys: &KeySet,
    claims: Claims<'_>,
    tenant: Option<&str>,
) -> Result<(), Refusal> {
    let issuer = claims.required("iss")?;
    let mut fitting = keys
        .of_id(&parts.key_id)
        .iter()
        .filter(|key| key.fits(parts.algorithm) && key.is_for(issuer, tenant))
        .peekable();
    if fitting.peek().is_none() {
        return Err(Refusal::KeyUnfit);
    }
    let is_signed = fitting.any(|key| key.verifies(parts.message, parts.signature, parts.algorithm));
    if is_signed { Ok(()) } else { Err(Refusal::Signature) }
}

/// All that the claims of a signed token must be.
fn judge(claims: Claims<'_>, config: &IssuerConfig, times: Times) -> Result<Verified, Refusal> {
    match config.token_type {
        TokenType::IdToken => claims.check_is_id_token(config)?,
        TokenType::AccessToken | TokenType::Any => claims.check_is_access_token()?,
    }
    let mut principal = match config.kind {
        IssuerKind::Entra => {
            // Before the audience: a token of another tenant is none of ours, whomever it is for.
            entra::check_issuer(claims, config)?;
            claims.check_audience(config)?;
            entra::principal(claims, config)?
        }
        IssuerKind::Oidc => {
            claims.check_audience(config)?;
            oidc::principal(claims, config)?
        }
    };
    let is_known = |client: &String| config.clients.iter().any(|known| known.eq_ignore_ascii_case(client));
    if !config.clients.is_empty() && !principal.client.as_ref().is_some_and(is_known) {
        return Err(Refusal::Client);
    }
    let binding = claims.binding()?;
    if config.bound_only && binding.is_none() {
        return Err(Refusal::Proof);
    }
    principal.recognised_by.clone_from(&config.name);
    principal.credential.expires = Some(time::from_unix_seconds(times.expires));
    principal.credential.issued = times.issued.map(time::from_unix_seconds);
    Ok(Verified::bound(principal, binding))
}

/// Where an issuer's keys are. Entra has one place for each version of its tokens.
fn plans(config: &IssuerConfig) -> Vec<FetchPlan> {
    let plan = |metadata_url: Option<String>, jwks_url: Option<String>| FetchPlan {
        issuer: config.name.clone(),
        metadata_url,
        jwks_url,
        slot: 0,
    };
    let well_known = "/.well-known/openid-configuration";
    match (config.kind, &config.jwks_url, &config.issuer) {
        (IssuerKind::Oidc, Some(keys), _) => vec![plan(None, Some(keys.clone()))],
        (IssuerKind::Oidc, None, issuer) => {
            let issuer = issuer.as_deref().unwrap_or_default().trim_end_matches('/');
            vec![plan(Some(format!("{issuer}{well_known}")), None)]
        }
        (IssuerKind::Entra, ..) => {
            let (login, tenant) = (config.cloud.login(), metadata_tenant(config));
            let query = config.key_application.as_ref().map(|id| format!("?appid={id}")).unwrap_or_default();
            let path = |version: &String| if version == "1.0" { "" } else { "/v2.0" };
            let url = |version: &String| format!("{login}/{tenant}{}{well_known}{query}", path(version));
            config.versions.iter().map(|version| plan(Some(url(version)), None)).collect()
        }
    }
}

/// One tenant has metadata of its own; several have those of all organisations, whose keys name issuers by a template.
fn metadata_tenant(config: &IssuerConfig) -> &str {
    match config.tenants.as_slice() {
        [one] => one,
        _ => "organizations",
    }
}

fn is_expected_issuer(config: &IssuerConfig, issuer: &str) -> bool {
    match config.kind {
        IssuerKind::Oidc => config.issuer.as_deref() == Some(issuer),
        IssuerKind::Entra => {
            let tenants = config.tenants.iter().map(String::as_str).chain(["{tenantid}"]);
            let mut names = tenants.flat_map(|tenant| {
                config.versions.iter().map(move |version| entra::issuer_of(config, tenant, version))
            });
            names.any(|name| name.eq_ignore_ascii_case(issuer))
        }
    }
}
