//! `castellan gate grants`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use castellan_access::Pattern;
use castellan_access::grant::{Ask, Grant, GrantStore, Subject};
use castellan_access::principal::{Display, Kind, Method, Principal};
use castellan_base::{System, Ticks};
use serde_json::{Value, json};

use super::{issued, named, read, show};
use crate::Ending;
use crate::arguments::{GateGrantArguments, GateGrantsCommand};
use crate::output::complain;

pub(super) fn run(command: &GateGrantsCommand, path: &Path, system: &dyn System) -> Result<Ending> {
    let config = read(path, system)?;
    let store = GrantStore::open(named(config.grants.as_ref(), "grants", path)?, config.grant_rules.clone())?;
    let now = system.now();
    let decided = match command {
        GateGrantsCommand::List { json } => {
            let rows: Vec<Value> = store.list().iter().map(|grant| row(grant, now)).collect();
            return show(
                &rows,
                &["id", "who", "what", "stage", "approvals", "until", "reason"],
                *json,
                system,
            );
        }
        GateGrantsCommand::Ask { key, model, tool, reason, lasts } => {
            let keys = issued::open(path, system)?;
            let record = keys.list().into_iter().find(|record| record.id == *key);
            let record = record
                .with_context(|| format!("there is no key `{key}`; `castellan gate keys list` shows them"))?;
            let seconds = u32::try_from(lasts.as_secs()).unwrap_or(u32::MAX);
            let ask =
                Ask { subject: subject(model.as_deref(), tool.as_deref())?, reason: reason.clone(), seconds };
            store.ask(&record.principal(), ask, now)?
        }
        GateGrantsCommand::Approve(decision) => {
            store.approve(&decision.id, &by(decision), &decision.reason, now)?
        }
        GateGrantsCommand::Deny(decision) => {
            store.deny(&decision.id, &by(decision), &decision.reason, now)?
        }
        GateGrantsCommand::Revoke(decision) => {
            store.revoke(&decision.id, &by(decision), &decision.reason, now)?
        }
    };
    complain(&format!("grant {} is {}", decided.id, decided.stage(now).as_str()));
    Ok(Ending::Fine)
}

/// Who decides, as whoever can write the file says: names on a command line are claims, and the trail says where they were made.
pub(super) fn by(decision: &GateGrantArguments) -> Principal {
    let mut principal =
        Principal::new(Kind::User, Method::None, "castellan gate grants", decision.by.clone());
    principal.display = Display { name: Some(decision.by.clone()), ..Display::default() };
    principal
}

fn subject(model: Option<&str>, tool: Option<&str>) -> Result<Subject> {
    match (model, tool.map(|tool| tool.split_once('/'))) {
        (Some(model), _) => Ok(Subject::Model { model: Pattern::new(model) }),
        (None, Some(Some((server, tool)))) => {
            Ok(Subject::Tool { server: server.to_owned(), tool: Pattern::new(tool) })
        }
        _ => bail!("a tool is named as SERVER/TOOL"),
    }
}

fn row(grant: &Grant, now: Ticks) -> Value {
    let what = match &grant.ask.subject {
        Subject::Model { model } => format!("model {}", model.as_str()),
        Subject::Tool { server, tool } => format!("tool {server}/{}", tool.as_str()),
        Subject::Label { label } => format!("label {label}"),
    };
    json!({
        "id": grant.id,
        "who": grant.who_shown,
        "what": what,
        "stage": grant.stage(now).as_str(),
        "approvals": format!("{} of {}", grant.approved_by.len(), grant.approvals),
        "until": grant.end().to_string(),
        "reason": grant.ask.reason,
    })
}
