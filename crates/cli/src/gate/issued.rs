//! `castellan gate keys`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use castellan_access::Pattern;
use castellan_access::key::{Issue, Issued, KeyRecord, KeyStore, Scopes};
use castellan_base::{System, Ticks};
use serde_json::{Value, json};

use super::{named, read, show};
use crate::Ending;
use crate::arguments::{GateKeyIssueArguments, GateKeysCommand};
use crate::keys::digits;
use crate::output::{complain, to_stdout};

/// Whose doing it is, in the file: whoever can write it.
const BY: &str = "castellan gate keys";

pub(super) fn run(command: &GateKeysCommand, config: &Path, system: &dyn System) -> Result<Ending> {
    if matches!(command, GateKeysCommand::Pepper) {
        return pepper();
    }
    let store = open(config, system)?;
    let now = system.now();
    match command {
        GateKeysCommand::Pepper => Ok(Ending::Fine),
        GateKeysCommand::Issue(arguments) => told(&store.issue(issue(arguments, now), now)?),
        GateKeysCommand::List { json } => {
            let rows: Vec<Value> = store.list().iter().map(|record| row(record, now)).collect();
            show(
                &rows,
                &["id", "name", "owner", "models", "tools", "state", "expires", "lastUsed"],
                *json,
                system,
            )
        }
        GateKeysCommand::Rotate { id, overlap } => {
            let seconds = u32::try_from(overlap.as_secs()).unwrap_or(u32::MAX);
            told(&store.rotate(id, seconds, BY, now)?)
        }
        GateKeysCommand::Revoke { id, reason, all } => {
            let count = store.revoke(id, *all, BY, reason, now)?;
            complain(&format!("{count} keys ended; the gate refuses them within seconds"));
            Ok(Ending::Fine)
        }
    }
}

/// The keys of a configuration.
pub(super) fn open(path: &Path, system: &dyn System) -> Result<KeyStore> {
    let config = read(path, system)?;
    let file = named(config.keys.as_ref(), "keys", path)?;
    let pepper = castellan_gateway::pepper(config.pepper.as_deref(), system)?;
    Ok(KeyStore::open(file, pepper)?)
}

fn pepper() -> Result<Ending> {
    to_stdout(format!("{}\n", digits()?).as_bytes())?;
    Ok(Ending::Fine)
}

fn patterns(texts: &[String]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text.clone())).collect()
}

fn issue(arguments: &GateKeyIssueArguments, now: Ticks) -> Issue {
    Issue {
        owner: arguments.owner.clone(),
        name: arguments.name.clone(),
        labels: std::collections::BTreeMap::new(),
        scopes: Scopes {
            models: patterns(&arguments.model),
            tools: patterns(&arguments.tool),
            servers: patterns(&arguments.server),
            profiles: Vec::new(),
        },
        groups: arguments.group.clone(),
        budget: arguments.budget.clone(),
        not_before: None,
        expires: arguments.lasts.map(|lasts| later(now, lasts)),
        by: BY.to_owned(),
    }
}

fn later(now: Ticks, lasts: Duration) -> Ticks {
    let ticks = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX).saturating_mul(Ticks::PER_SECOND);
    now.checked_add(ticks).unwrap_or(Ticks::MAX)
}

/// The key goes to standard output alone, so that it can be put where it belongs.
fn told(issued: &Issued) -> Result<Ending> {
    complain(&format!("key {} of {}: it is shown this once", issued.record.id, issued.record.owner));
    to_stdout(format!("{}\n", issued.key.reveal()).as_bytes())?;
    Ok(Ending::Fine)
}

fn row(record: &KeyRecord, now: Ticks) -> Value {
    let texts = |patterns: &[Pattern]| patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(" ");
    let state = record.check(now).err().map_or("counts", |refusal| refusal.word());
    json!({
        "id": record.id,
        "name": record.name,
        "owner": record.owner,
        "models": texts(&record.scopes.models),
        "tools": texts(&record.scopes.tools),
        "servers": texts(&record.scopes.servers),
        "groups": record.groups,
        "budget": record.budget,
        "state": state,
        "issued": record.issued.to_string(),
        "expires": record.expires.map(|at| at.to_string()),
        "lastUsed": record.last_used.map(|at| at.to_string()),
        "revoked": record.revoked.as_ref().map(|revoked| revoked.reason.clone()),
    })
}
