//! Actions: what a playbook can do, each with its undo and a probe that shows whether it worked.
//!
//! An [`Action`] is asked in this order, and the journal has a line between any two of these: `prepare` looks at what is
//! there now, so that it can be put back; `perform` acts; `probe` shows whether the effect is there; `undo` takes it back.
//! *Invariant (nothing is done twice):* after a crash between acting and knowing, the probe is asked, never the action.
//!
//! [`Catalogue`] has all actions by name with what they take, change and need. Which hosts may be reached is
//! configuration ([`Hosts`]); playbooks and what they are given cannot widen it.

mod azure;
mod bodies;
mod catalogue;
mod gate;
mod hosts;
mod http;
mod line;
mod local;
mod mail;
mod message;
mod orders;
mod redact;
mod ruling;
mod syslog;

use std::collections::BTreeMap;
use std::time::Duration;

use castellan_base::System;
use serde_json::Value;

use crate::playbook::Resolved;

pub use azure::{AzureConnection, TokenSource};
pub use catalogue::{ActionSpec, Catalogue, InputSpec, Undo};
pub use gate::GateControl;
pub use hosts::{HostError, Hosts};
pub use http::HttpOptions;
pub(crate) use line::encoded;
pub use mail::{MailSettings, MailTls};
pub use message::{Connector, ConnectorKind};
pub use orders::{Measure, Order, OrderError, OrderStore, SubjectKind};
pub use ruling::{Asked, Orders, Ruling};

/// The longest secret that is read from a file, in bytes.
const LONGEST_SECRET: u64 = 64 * 1024;

/// What an action is asked with.
pub struct Call<'c> {
    /// The place in the run.
    pub path: &'c str,
    /// The same for every attempt at this step, and for nothing else.
    pub key: &'c str,
    /// The inputs.
    pub inputs: &'c BTreeMap<String, Resolved>,
    /// How long it may take.
    pub timeout: Duration,
    /// Clock, files for secrets, environment.
    pub system: &'c dyn System,
}

impl Call<'_> {
    /// An input with its secrets; `None` when it is not given or empty.
    pub fn optional(&self, name: &str) -> Result<Option<String>, ActionError> {
        let Some(input) = self.inputs.get(name) else { return Ok(None) };
        let text = input.reveal(&|reference| secret(self.system, reference))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// An input that has to be there.
    pub fn text(&self, name: &str) -> Result<String, ActionError> {
        self.optional(name)?.ok_or_else(|| ActionError::refused(format!("the input `{name}` is missing")))
    }

    /// An input as it may be shown: secrets by reference.
    pub fn shown(&self, name: &str) -> String {
        self.inputs.get(name).map(Resolved::to_string).unwrap_or_default()
    }

    /// A whole number, or what it is when it is not given.
    pub fn number(&self, name: &str, default: u64) -> Result<u64, ActionError> {
        let Some(text) = self.optional(name)? else { return Ok(default) };
        let error = || ActionError::refused(format!("the input `{name}` has to be a whole number"));
        text.parse().map_err(|_| error())
    }

    /// A request line. Its plain values were encoded when it was put together, its secrets are here.
    pub(crate) fn line(&self, name: &str) -> Result<String, ActionError> {
        let missing = || ActionError::refused(format!("the input `{name}` is missing"));
        let input = self.inputs.get(name).ok_or_else(missing)?;
        input.reveal(&|reference| secret(self.system, reference).map(|value| line::encoded(&value)))
    }
}

/// A secret by its reference: `env:NAME` or `file:PATH`. White space around it is removed.
pub(crate) fn secret(system: &dyn System, reference: &str) -> Result<String, ActionError> {
    let found = match reference.split_once(':') {
        Some(("env", name)) => system.env(name),
        Some(("file", path)) => {
            let bytes = system.read(path.as_ref(), LONGEST_SECRET).ok();
            bytes.and_then(|bytes| String::from_utf8(bytes).ok())
        }
        _ => None,
    };
    let found = found.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    found.ok_or_else(|| {
        ActionError::refused(format!("the secret `{reference}` is not there; set it where Castellan runs"))
    })
}

/// Why an action came to nothing, or to nobody knows what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ActionError {
    /// What went wrong and what to do.
    pub message: String,
    /// True when it may have taken effect nevertheless.
    pub perhaps: bool,
    /// True when it may go better another time.
    pub again: bool,
}

impl ActionError {
    /// Nothing happened, and another attempt would end the same.
    pub fn refused(message: impl Into<String>) -> ActionError {
        ActionError { message: message.into(), perhaps: false, again: false }
    }

    /// Nothing happened this time.
    pub fn for_now(message: impl Into<String>) -> ActionError {
        ActionError { message: message.into(), perhaps: false, again: true }
    }

    /// It was asked for and there was no answer: it may have happened.
    pub fn perhaps(message: impl Into<String>) -> ActionError {
        ActionError { message: message.into(), perhaps: true, again: true }
    }
}

/// Whether an effect is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It is; with the outputs that can be told by looking.
    InEffect(BTreeMap<String, String>),
    /// It is not.
    NotInEffect(String),
    /// That cannot be seen, but asking again with the same key does it once.
    Repeatable,
    /// That cannot be seen. A person has to look.
    Unknown(String),
}

/// Outputs by name.
pub type Outputs = BTreeMap<String, String>;

/// One thing that can be done.
pub trait Action: Send + Sync {
    /// What it takes, changes and needs.
    fn spec(&self) -> &ActionSpec;

    /// Secrets that the action uses for a call besides those in its inputs: of a connector. They are kept out of what it
    /// says, as those of inputs are.
    fn secrets(&self, _: &Call<'_>) -> Vec<String> {
        Vec::new()
    }

    /// On what it acts, for people. Secrets do not show.
    fn target(&self, call: &Call<'_>) -> String;

    /// What would be different after it, for people. Secrets do not show.
    fn change(&self, call: &Call<'_>) -> String;

    /// Looks at what is there now: whatever the undo needs. Changes nothing. It goes into the journal as it is, so it holds
    /// no secrets.
    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError>;

    /// Acts.
    fn perform(&self, call: &Call<'_>, before: &Value) -> Result<Outputs, ActionError>;

    /// Looks whether the effect is there. Changes nothing.
    fn probe(&self, call: &Call<'_>, before: &Value) -> Result<Probe, ActionError>;

    /// Takes the effect back. Doing so twice is as doing it once.
    fn undo(&self, call: &Call<'_>, before: &Value) -> Result<(), ActionError>;
}
