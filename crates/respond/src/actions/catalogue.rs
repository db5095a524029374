//! All actions by name, with what they take, change and need: data for people, for dry runs and for checks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Action;
use super::azure::{self, AzureConnection};
use super::gate::{self, GateControl};
use super::hosts::Hosts;
use super::http::{self, HttpOptions, Transport};
use super::local;
use super::message::{self, Connector};
use super::redact::Sealed;
use crate::playbook::Resolved;

/// An input of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InputSpec {
    /// Its name.
    pub name: &'static str,
    /// True when it has to be given.
    pub required: bool,
    /// What it is.
    pub help: &'static str,
}

/// An input that has to be given.
pub(super) const fn required(name: &'static str, help: &'static str) -> InputSpec {
    InputSpec { name, required: true, help }
}

/// An input that may be given.
pub(super) const fn optional(name: &'static str, help: &'static str) -> InputSpec {
    InputSpec { name, required: false, help }
}

/// How an action is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "how", rename_all = "kebab-case")]
pub enum Undo {
    /// What was there before is put back.
    Restores(&'static str),
    /// What was said is corrected; it stays said.
    Corrects(&'static str),
    /// It cannot be; what to do instead.
    Irreversible(&'static str),
}

impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undo::Restores(how) => f.write_str(how),
            Undo::Corrects(how) => write!(f, "corrected, not unsaid: {how}"),
            Undo::Irreversible(instead) => write!(f, "cannot be undone: {instead}"),
        }
    }
}

/// What an action takes, changes and needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ActionSpec {
    /// Its name: `gate.block`.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// What it takes.
    pub inputs: &'static [InputSpec],
    /// What it gives.
    pub outputs: &'static [&'static str],
    /// How it is taken back.
    pub undo: Undo,
    /// How it is known that it worked.
    pub probe: &'static str,
    /// What the identity that Castellan runs as needs for it; empty for nothing.
    pub permission: &'static str,
}

impl ActionSpec {
    /// What is wrong with inputs: missing ones, and those that the action does not know.
    pub fn problems(&self, inputs: &BTreeMap<String, Resolved>) -> Vec<String> {
        let missing = self.inputs.iter().filter(|input| input.required && !inputs.contains_key(input.name));
        let mut problems: Vec<String> =
            missing.map(|input| format!("the input `{}` is missing: {}", input.name, input.help)).collect();
        let known = |name: &str| {
            self.inputs.iter().any(|input| match input.name.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => input.name == name,
            })
        };
        // An agent's connector comes along with every action of the step.
        let odd = inputs.keys().filter(|name| !known(name) && *name != "connector");
        problems.extend(odd.map(|name| format!("`{}` has no input `{name}`", self.name)));
        problems
    }
}

/// Actions by name.
#[derive(Default)]
pub struct Catalogue {
    actions: BTreeMap<&'static str, Box<dyn Action>>,
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.actions.keys()).finish()
    }
}

impl Catalogue {
    /// The actions that need no connection of their own: requests and messages to hosts that are allowed.
    pub fn new(hosts: Hosts, connectors: BTreeMap<String, Connector>, options: HttpOptions) -> Catalogue {
        let transport = Arc::new(Transport::new(hosts, options));
        let mut catalogue = Catalogue::default();
        catalogue.add(Box::new(local::Set));
        catalogue.add(Box::new(http::Request::new(Arc::clone(&transport))));
        for action in message::actions(&transport, &Arc::new(connectors)) {
            catalogue.add(action);
        }
        catalogue
    }

    /// With the actions at the gate.
    #[must_use]
    pub fn with_gate(mut self, gate: Arc<dyn GateControl>) -> Catalogue {
        for action in gate::actions(&gate) {
            self.add(action);
        }
        self
    }

    /// With the actions in Azure.
    #[must_use]
    pub fn with_azure(mut self, azure: AzureConnection) -> Catalogue {
        for action in azure::actions(&Arc::new(azure)) {
            self.add(action);
        }
        self
    }

    /// Adds an action; one of the same name is replaced. What it says is redacted.
    pub fn add(&mut self, action: Box<dyn Action>) {
        self.actions.insert(action.spec().name, Box::new(Sealed(action)));
    }

    /// An action by its name.
    pub fn action(&self, name: &str) -> Option<&dyn Action> {
        self.actions.get(name).map(|action| &**action)
    }

    /// What all actions take, change and need, by name.
    pub fn specs(&self) -> impl Iterator<Item = &ActionSpec> {
        self.actions.values().map(|action| action.spec())
    }
}
