//! `castellan gate approvals`.

use std::path::Path;

use anyhow::Result;
use castellan_access::approval::{Approval, ApprovalStore};
use castellan_base::{System, Ticks};
use serde_json::{Value, json};

use super::{grants, named, read, show};
use crate::Ending;
use crate::arguments::GateApprovalsCommand;
use crate::output::complain;

pub(super) fn run(command: &GateApprovalsCommand, path: &Path, system: &dyn System) -> Result<Ending> {
    let config = read(path, system)?;
    let file = named(config.approvals.as_ref(), "approvals", path)?;
    let store = ApprovalStore::open(file, config.approval_rules.clone())?;
    let now = system.now();
    let decided = match command {
        GateApprovalsCommand::List { json } => {
            let rows: Vec<Value> = store.list().iter().map(|approval| row(approval, now)).collect();
            let columns = ["id", "who", "what", "why", "stage", "until", "request", "decided"];
            return show(&rows, &columns, *json, system);
        }
        GateApprovalsCommand::Approve(decision) => {
            store.approve(&decision.id, &grants::by(decision), &decision.reason, now)?
        }
        GateApprovalsCommand::Deny(decision) => {
            store.deny(&decision.id, &grants::by(decision), &decision.reason, now)?
        }
    };
    complain(&format!("approval {} is {}", decided.id, decided.stage(now).as_str()));
    Ok(Ending::Fine)
}

fn row(approval: &Approval, now: Ticks) -> Value {
    let said = approval.said.iter().map(|said| {
        let word = if said.yes { "yes" } else { "no" };
        format!("{word} by {}: {}", said.by_shown, said.reason)
    });
    json!({
        "id": approval.id,
        "who": approval.who_shown,
        "what": approval.what,
        "why": approval.why,
        "stage": approval.stage(now).as_str(),
        "until": approval.end().to_string(),
        "request": approval.request,
        "digest": approval.digest,
        "decided": said.collect::<Vec<_>>().join("; "),
    })
}
