//! Where the access token comes from.
//!
//! Read access is all that is ever asked for. `auto` takes the first source that is configured, in this order:
//!
//! 1. `CASTELLAN_AZURE_TOKEN` or `AZURE_ACCESS_TOKEN`: a token as it is;
//! 2. workload identity: `AZURE_FEDERATED_TOKEN_FILE`, `AZURE_CLIENT_ID` and `AZURE_TENANT_ID`;
//! 3. a service principal: `AZURE_CLIENT_SECRET`, `AZURE_CLIENT_ID` and `AZURE_TENANT_ID`;
//! 4. a managed identity whose endpoint the platform names: `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`;
//! 5. the Azure CLI: `az account get-access-token`.
//!
//! The instance metadata service of virtual machines is asked only for `managed`, because elsewhere the address belongs
//! to nobody, or to somebody else.

use std::fmt;
use std::str::FromStr;

use castellan_base::{System, Ticks};
use tokio::sync::Mutex;

use super::secret::Secret;
use super::sources::{self, Source};
use super::transport::Transport;

/// Which sources of a token to consider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// The first that is configured.
    #[default]
    Auto,
    /// A token from the environment.
    Environment,
    /// An application of its own: a federated token file, otherwise a client secret.
    Workload,
    /// A managed identity: the platform's endpoint, otherwise the instance metadata service.
    Managed,
    /// The Azure CLI.
    Cli,
}

/// The modes with the word for each.
const MODES: [(AuthMode, &str); 5] = [
    (AuthMode::Auto, "auto"),
    (AuthMode::Environment, "env"),
    (AuthMode::Workload, "workload"),
    (AuthMode::Managed, "managed"),
    (AuthMode::Cli, "cli"),
];

/// A word that is no way to authenticate.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a way to authenticate; use auto, env, workload, managed or cli")]
pub struct ParseAuthModeError(String);

impl FromStr for AuthMode {
    type Err = ParseAuthModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_ascii_lowercase();
        let word = word.strip_suffix("-identity").unwrap_or(&word);
        let known = MODES.iter().find(|(_, name)| *name == word);
        known.map(|(mode, _)| *mode).ok_or_else(|| ParseAuthModeError(text.to_owned()))
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(MODES.iter().find(|(mode, _)| mode == self).map_or("auto", |(_, name)| name))
    }
}

/// No token could be had.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no access token from {source_name}: {message}; {next_step}")]
pub struct AuthError {
    pub(super) source_name: &'static str,
    pub(super) message: String,
    pub(super) next_step: String,
}

/// An access token and when it ends.
#[derive(Clone, Debug)]
pub(super) struct AccessToken {
    pub(super) secret: Secret,
    /// `None` when the source does not say; such a token is used until it is refused.
    pub(super) expires: Option<Ticks>,
}

/// How long before its end a token is replaced, so that it does not end under way.
const RENEWAL_MARGIN: i64 = 300 * Ticks::PER_SECOND;

/// Obtains access tokens and renews them before they end.
#[derive(Debug)]
pub struct Credential {
    mode: AuthMode,
    current: Mutex<Option<AccessToken>>,
}

impl Credential {
    /// A credential that takes its token from the sources of `mode`, when it is first needed.
    pub fn new(mode: AuthMode) -> Credential {
        Credential { mode, current: Mutex::new(None) }
    }

    /// A token to use now. `audience` is what it is for: `https://management.azure.com`.
    pub(super) async fn token(
        &self,
        system: &dyn System,
        transport: &Transport,
        audience: &str,
    ) -> Result<Secret, AuthError> {
        // The lock is held while a token is fetched, so that many requests at once fetch one token.
        let mut current = self.current.lock().await;
        let renew_at = system.now().checked_add(RENEWAL_MARGIN).unwrap_or(Ticks::MAX);
        if let Some(token) = current.as_ref().filter(|token| token.expires.is_none_or(|end| end > renew_at)) {
            return Ok(token.secret.clone());
        }
        let source = Source::choose(system, self.mode)?;
        let token = sources::fetch(&source, system, transport, audience).await?;
        let secret = token.secret.clone();
        *current = Some(token);
        Ok(secret)
    }

    /// Forgets a token that the service refused, unless another request has replaced it already.
    pub(super) async fn forget(&self, refused: &Secret) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|token| token.secret == *refused) {
            *current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_by_word() {
        for (mode, word) in MODES {
            assert_eq!(word.parse(), Ok(mode));
            assert_eq!(mode.to_string(), word);
        }
        assert_eq!("Managed-Identity".parse(), Ok(AuthMode::Managed));
        assert!("kerberos".parse::<AuthMode>().unwrap_err().to_string().contains("`kerberos`"));
    }
}
