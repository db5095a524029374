//! The console of a server: its pages and their API, over what the server has.

use std::sync::Arc;

use anyhow::{Context, Result};
use castellan_base::{OsSystem, System};
use castellan_server::console::{
    self, Console, ConsoleConfig, Estate, Hub, Opened, Options, Parts, Rules, Settings,
};
use castellan_server::{Config, Gate, Queries, incidents};

use super::ways::Ways;
use crate::arguments::UpArguments;
use crate::output::read_text;

/// Largest configuration, in bytes.
const LARGEST: u64 = 1 << 20;

/// What a console shows beside the lake and the gate.
#[derive(Default)]
pub(super) struct More {
    pub(super) hub: Hub,
    pub(super) estate: Option<Arc<dyn Estate>>,
    pub(super) rules: Option<Arc<dyn Rules>>,
    pub(super) settings: Option<Arc<dyn Settings>>,
    pub(super) is_demo: bool,
}

/// The console of a server with a lake.
///
/// Errors: `[console]` that cannot be used.
pub(super) fn open(
    arguments: &UpArguments,
    config: &Config,
    gate: &Gate,
    (ways, queries): (&mut Ways, Queries),
    (more, face): (More, Option<incidents::Face>),
    system: &dyn System,
) -> Result<Console> {
    let orders = super::configured(arguments, system)?.orders();
    // Whoever sees a part of the tables must not hear of the rest.
    let hub = Some(more.hub).filter(|_| arguments.role.is_none());
    if let Some(hub) = &hub {
        ways.tell_of_events(hub.clone());
    }
    let opened = ways.opened().map(|(gate, address)| Opened { gate: Arc::clone(gate), address });
    let parts = Parts {
        queries: Some(queries),
        incidents: face,
        opened,
        orders,
        estate: more.estate,
        rules: more.rules,
        settings: more.settings,
        hub,
    };
    let options = Options {
        token: config.token.clone(),
        is_secure: config.tls.is_some(),
        is_demo: more.is_demo,
        config: configured(arguments, system)?,
    };
    Console::new(gate.clone(), options, parts, Arc::new(OsSystem)).context("the console cannot be served")
}

/// `[console]` of the file of the gate.
fn configured(arguments: &UpArguments, system: &dyn System) -> Result<ConsoleConfig> {
    let Some(file) = &arguments.gate else { return Ok(ConsoleConfig::default()) };
    let text = read_text(file, LARGEST, system)?;
    console::read(&text).with_context(|| format!("`[console]` of `{}` cannot be used", file.display()))
}
