//! What goes wrong on the way to an upstream.

use std::time::Duration;

use http::StatusCode;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// An alias without members.
    #[error("`models.{0}` has no member with a weight; add one, or remove the alias")]
    Empty(String),
    /// An address that is none, or one that must not be used.
    #[error("`{member}`: `{url}` is no address of an upstream: {reason}")]
    Url {
        /// The member.
        member: String,
        /// What was written.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A form that needs a model's name.
    #[error("`{0}` is of the form `azure`, which has the deployment in its addresses; name it as `model`")]
    NoDeployment(String),
    /// A credential that is no reference.
    #[error(
        "`{member}`: the credential is no reference ({reason}); write `none`, `env:NAME`, `file:PATH`, \
         `keyvault:https://NAME.vault.azure.net/secrets/SECRET` or `managed-identity`"
    )]
    Credential {
        /// The member.
        member: String,
        /// What is wrong. Never what was written, which may be a key.
        reason: &'static str,
    },
    /// A header that cannot be sent.
    #[error("`{member}`: the header `{header}` cannot be sent: {reason}")]
    Header {
        /// The member.
        member: String,
        /// Its name.
        header: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Certificates that cannot be used.
    #[error("encryption towards upstreams: {0}")]
    Tls(String),
    /// A number out of its range.
    #[error("`{field}` must be {expected}")]
    Number {
        /// Where it stands.
        field: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

/// The phase of an attempt that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The connection, its encryption included.
    Connect,
    /// From the request to the head of the answer.
    FirstByte,
    /// Between two pieces of the body.
    BetweenBytes,
    /// All of it.
    Total,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Phase::Connect => "connecting",
            Phase::FirstByte => "waiting for the first byte",
            Phase::BetweenBytes => "waiting for more of the body",
            Phase::Total => "the whole call",
        })
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No pool has this alias.
    #[error("there is no model `{0}` behind this gate; add it under `upstreams.models`, or ask for another")]
    UnknownModel(String),
    /// A path that no upstream is asked for.
    #[error("the path cannot be sent to an upstream: {0}")]
    Path(&'static str),
    /// A body whose model cannot be named anew.
    #[error("the model cannot be written into the body: {0}")]
    Body(&'static str),
    /// Every member is left alone for now.
    #[error("no upstream of `{alias}` can be asked now; try again later")]
    Unavailable {
        /// The alias.
        alias: String,
        /// When it is worth trying again.
        retry_after: Option<Duration>,
    },
    /// The credential for a member cannot be had.
    #[error("the credential of `{member}` cannot be had: {reason}")]
    Credential {
        /// The member.
        member: String,
        /// Why, without any secret.
        reason: String,
    },
    /// No connection.
    #[error("cannot connect to `{member}`: {reason}")]
    Connect {
        /// The member.
        member: String,
        /// Why.
        reason: String,
    },
    /// The connection ended, or what came was no HTTP.
    #[error("`{member}` broke off before an answer: {reason}")]
    Broken {
        /// The member.
        member: String,
        /// Why.
        reason: String,
    },
    /// A phase took too long.
    #[error("`{member}` took too long: {phase}")]
    Timeout {
        /// The member.
        member: String,
        /// Which phase.
        phase: Phase,
    },
    /// An answer that sends elsewhere, which is never followed, or that changes the protocol.
    #[error("`{member}` answered {status}, which is not followed; check its `url`")]
    Redirect {
        /// The member.
        member: String,
        /// The status.
        status: StatusCode,
    },
}

impl UpstreamError {
    /// The status that tells a client.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            UpstreamError::UnknownModel(_) => StatusCode::NOT_FOUND,
            UpstreamError::Path(_) | UpstreamError::Body(_) => StatusCode::BAD_REQUEST,
            UpstreamError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            UpstreamError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            UpstreamError::Credential { .. }
            | UpstreamError::Connect { .. }
            | UpstreamError::Broken { .. }
            | UpstreamError::Redirect { .. } => StatusCode::BAD_GATEWAY,
        }
    }

    /// When it is worth trying again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            UpstreamError::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// A word for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            UpstreamError::UnknownModel(_) => "unknown_model",
            UpstreamError::Path(_) => "path",
            UpstreamError::Body(_) => "body",
            UpstreamError::Unavailable { .. } => "unavailable",
            UpstreamError::Credential { .. } => "credential",
            UpstreamError::Connect { .. } => "connect",
            UpstreamError::Broken { .. } => "broken",
            UpstreamError::Timeout { .. } => "timeout",
            UpstreamError::Redirect { .. } => "redirect",
        }
    }
}

/// Why a body ended before its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection ended, or what came was no HTTP.
    #[error("`{member}` broke off in the middle of the body: {reason}")]
    Broken {
        /// The member.
        member: String,
        /// Why.
        reason: String,
    },
    /// It took too long.
    #[error("`{member}` took too long: {phase}")]
    Timeout {
        /// The member.
        member: String,
        /// Which phase.
        phase: Phase,
    },
}
