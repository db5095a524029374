//! Credentials by reference: read when first needed, kept until they may have changed, never shown.
//!
//! *Invariant (single flight):* however many requests wait for a credential, it is fetched once at a time. While the old
//! one can still be used, nobody waits. Those who wait for a fetch that fails share its failure.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use castellan_base::System;
use http::HeaderValue;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::azure;
use super::client::HttpClient;
use super::config::AzureConfig;

/// Longest secret, in bytes.
const LONGEST: usize = 64 << 10;
/// How often a file is read again.
const FILE: Duration = Duration::from_secs(2);
/// The pause after a refresh that failed while the old secret can be used.
const AGAIN: Duration = Duration::from_secs(5);
/// A credential that an upstream refused is fetched anew at most this often.
const DOUBT: Duration = Duration::from_secs(10);
/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(10);
/// How long before its end a token is fetched anew.
const EARLY: Duration = Duration::from_secs(300);

/// The audience of tokens for Azure's models.
const MODELS: &str = "https://cognitiveservices.azure.com";

/// Where a credential comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reference {
    None,
    Env(String),
    File(PathBuf),
    /// The vault's host, and the path of the secret with its version, where there is one.
    KeyVault(String, String),
    ManagedIdentity {
        audience: String,
        client_id: Option<String>,
    },
}

impl Reference {
    pub(crate) fn read(text: &str, client_id: Option<&str>) -> Result<Reference, &'static str> {
        let client_id = client_id.map(str::to_owned);
        if text == "none" {
            return Ok(Reference::None);
        }
        if text == "managed-identity" {
            return Ok(Reference::ManagedIdentity { audience: MODELS.to_owned(), client_id });
        }
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Reference::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Reference::File(PathBuf::from(path))),
            Some(("managed-identity", audience)) if !audience.is_empty() => {
                Ok(Reference::ManagedIdentity { audience: audience.to_owned(), client_id })
            }
            Some(("keyvault", url)) => azure::vault(url).map(|(host, path)| Reference::KeyVault(host, path)),
            _ => Err("it begins with none of the known schemes"),
        }
    }

    /// True when what comes is a token and not a key.
    pub(crate) fn is_token(&self) -> bool {
        matches!(self, Reference::ManagedIdentity { .. })
    }
}

/// A credential as it goes into headers. Its `Debug` shows nothing.
#[derive(Clone)]
pub(crate) struct Secret {
    pub(crate) plain: HeaderValue,
    pub(crate) bearer: HeaderValue,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl Secret {
    pub(super) fn new(text: &str) -> Result<Secret, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty");
        }
        let header = |text: &str| -> Result<HeaderValue, &'static str> {
            let mut value =
                HeaderValue::from_str(text).map_err(|_| "it has characters that a header cannot have")?;
            value.set_sensitive(true);
            Ok(value)
        };
        let bearer = Zeroizing::new(format!("Bearer {text}"));
        Ok(Secret { plain: header(text)?, bearer: header(&bearer)? })
    }
}

/// A secret with the time for which it can be used.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) secret: Secret,
    /// After this it should be fetched anew.
    pub(super) fresh: Option<Duration>,
    /// After this it cannot be used.
    pub(super) usable: Option<Duration>,
}

impl Fetched {
    /// A token that lasts so long.
    pub(super) fn token(secret: Secret, lifetime: Duration) -> Fetched {
        let early = EARLY.min(lifetime / 3);
        Fetched {
            secret,
            fresh: Some(lifetime.saturating_sub(early)),
            usable: Some(lifetime.saturating_sub(MARGIN.min(lifetime / 10))),
        }
    }
}

/// What fetching needs.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) system: Arc<dyn System>,
    pub(crate) http: HttpClient,
    pub(crate) azure: AzureConfig,
}

/// One credential, shared by all members that refer to it.
pub(crate) struct Credential {
    reference: Reference,
    source: Source,
    cached: RwLock<Option<Cached>>,
    /// One who fetches, and what came of the last fetch that failed, with when.
    fetching: tokio::sync::Mutex<Option<(Instant, String)>>,
    is_refreshing: AtomicBool,
    /// Fetches the tokens that key vaults want.
    vault_token: Option<Arc<Credential>>,
}

#[derive(Clone)]
struct Cached {
    secret: Secret,
    fetched: Instant,
    fresh_until: Option<Instant>,
    usable_until: Option<Instant>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Credential({:?})", self.reference)
    }
}

impl Credential {
    pub(crate) fn new(reference: Reference, source: Source) -> Arc<Credential> {
        let vault_token = matches!(reference, Reference::KeyVault(..)).then(|| {
            let audience = azure::VAULT_AUDIENCE.to_owned();
            Credential::new(Reference::ManagedIdentity { audience, client_id: None }, source.clone())
        });
        Arc::new(Credential {
            reference,
            source,
            cached: RwLock::new(None),
            fetching: tokio::sync::Mutex::new(None),
            is_refreshing: AtomicBool::new(false),
            vault_token,
        })
    }

    /// The secret; `None` where there is none to be had because none is wanted.
    pub(crate) async fn secret(self: &Arc<Credential>) -> Result<Option<Secret>, String> {
        if self.reference == Reference::None {
            return Ok(None);
        }
        let now = Instant::now();
        if let Some(cached) = self.cached() {
            if cached.fresh_until.is_none_or(|until| now < until) {
                return Ok(Some(cached.secret));
            }
            if cached.usable_until.is_none_or(|until| now < until) {
                self.refresh();
                return Ok(Some(cached.secret));
            }
        }
        let mut failed = self.fetching.lock().await;
        // Who held it before may have fetched it.
        if let Some(cached) = self.cached()
            && cached.fresh_until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(Some(cached.secret));
        }
        // Those who waited for a fetch that failed do not fetch one after another.
        if let Some((_, why)) = failed.as_ref().filter(|(at, _)| *at >= now) {
            return Err(why.clone());
        }
        match Box::pin(self.fetch()).await {
            Ok(fetched) => {
                let secret = fetched.secret.clone();
                self.keep(fetched);
                Ok(Some(secret))
            }
            Err(why) => {
                *failed = Some((Instant::now(), why.clone()));
                Err(why)
            }
        }
    }

    /// An upstream refused this secret: the next request fetches it anew, unless that has just been done.
    /// True when it is worth trying again.
    pub(super) fn doubt(&self) -> bool {
        if matches!(self.reference, Reference::None | Reference::Env(_)) {
            return false;
        }
        let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_old = cached.as_ref().is_some_and(|cached| now.duration_since(cached.fetched) >= DOUBT);
        if is_old {
            *cached = None;
        }
        is_old
    }

    fn cached(&self) -> Option<Cached> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, fetched: Fetched) {
        let now = Instant::now();
        let cached = Cached {
            secret: fetched.secret,
            fetched: now,
            fresh_until: fetched.fresh.map(|length| now + length),
            usable_until: fetched.usable.map(|length| now + length),
        };
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(cached);
    }

    /// Fetches in the background, once at a time.
    fn refresh(self: &Arc<Credential>) {
        if self.is_refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let credential = Arc::clone(self);
        tokio::spawn(async move {
            match Box::pin(credential.fetch()).await {
                Ok(fetched) => credential.keep(fetched),
                Err(_) => credential.postpone(),
            }
            credential.is_refreshing.store(false, Ordering::Release);
        });
    }

    fn postpone(&self) {
        if let Some(cached) = self.cached.write().unwrap_or_else(PoisonError::into_inner).as_mut() {
            cached.fresh_until = Some(Instant::now() + AGAIN);
        }
    }

    async fn fetch(&self) -> Result<Fetched, String> {
        match &self.reference {
            Reference::None => Err("there is none".to_owned()),
            Reference::Env(name) => {
                let text = self.source.system.env(name);
                let text = Zeroizing::new(text.ok_or_else(|| format!("the variable `{name}` is not set"))?);
                let secret =
                    Secret::new(&text).map_err(|reason| format!("the variable `{name}`: {reason}"))?;
                Ok(Fetched { secret, fresh: None, usable: None })
            }
            Reference::File(path) => {
                let bytes = read(&self.source, path.clone()).await?;
                let text =
                    std::str::from_utf8(&bytes).map_err(|_| format!("`{}` is no text", path.display()))?;
                let secret = Secret::new(text).map_err(|reason| format!("`{}`: {reason}", path.display()))?;
                Ok(Fetched { secret, fresh: Some(FILE), usable: None })
            }
            Reference::ManagedIdentity { audience, client_id } => {
                azure::token(&self.source, audience, client_id.as_deref()).await
            }
            Reference::KeyVault(host, path) => {
                let token = match &self.vault_token {
                    Some(token) => Box::pin(token.secret()).await?,
                    None => None,
                };
                let token = token.ok_or("there is no token for the vault")?;
                azure::secret(&self.source, host, path, &token).await
            }
        }
    }
}

/// Reads a small file away from the runtime's own threads.
pub(super) async fn read(source: &Source, path: PathBuf) -> Result<Zeroizing<Vec<u8>>, String> {
    let system = Arc::clone(&source.system);
    let shown = path.display().to_string();
    let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    let read = tokio::task::spawn_blocking(move || system.read(&path, limit)).await;
    match read {
        Ok(Ok(bytes)) => Ok(Zeroizing::new(bytes)),
        Ok(Err(error)) => Err(format!("`{shown}` cannot be read: {error}")),
        Err(_) => Err(format!("`{shown}` was not read, because the program ends")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let read = |text| Reference::read(text, None);
        assert_eq!(read("none"), Ok(Reference::None));
        assert_eq!(read("env:A"), Ok(Reference::Env("A".to_owned())));
        assert_eq!(read("file:/a:b"), Ok(Reference::File("/a:b".into())));
        assert!(read("managed-identity").unwrap().is_token());
        for wrong in [
            "sk-12345",
            "env:",
            "keyvault:http://x.vault.azure.net/secrets/s",
            "keyvault:https://evil.example/secrets/s",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_shown() {
        let secret = Secret::new("sk-12345\n").unwrap();
        assert!(!format!("{secret:?} {:?} {:?}", secret.plain, secret.bearer).contains("sk-12345"));
        assert!(Secret::new(" ").is_err());
        assert!(Secret::new("a\nb").is_err());
    }
}
