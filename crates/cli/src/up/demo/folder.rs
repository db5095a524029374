//! The folder of a demo, and what is put into it before anything starts.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use castellan_access::Pattern;
use castellan_access::key::{Issue, KeyStore, Scopes};
use castellan_base::System;

use crate::arguments::UpArguments;
use crate::keys::digits;
use crate::output::complain;
use crate::up::data::Data;

/// Where the gate listens, unless somebody else does.
const GATE: u16 = 8_800;
/// Who issued the keys.
const BY: &str = "castellan up --demo";

/// The folder of a demo.
pub(super) struct Folder {
    path: PathBuf,
    is_ours: bool,
}

impl Folder {
    /// The one that was named, or a new one that is removed at the end.
    ///
    /// Errors: the system gives no random bytes.
    pub(super) fn of(named: Option<&Path>) -> Result<Folder> {
        match named {
            Some(path) => Ok(Folder { path: path.to_owned(), is_ours: false }),
            None => {
                let random: String = digits()?.chars().take(12).collect();
                Ok(Folder {
                    path: std::env::temp_dir().join(format!("castellan-demo-{random}")),
                    is_ours: true,
                })
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            complain(&format!("warning: `{}` cannot be removed: {error}", self.path.display()));
        }
    }
}

/// A client of the gate.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// Its virtual key.
    pub(super) key: String,
    /// What it asks for.
    pub(super) model: &'static str,
}

/// Who asks the gate.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    /// Applications and people who mean no harm.
    pub(super) calm: Vec<Client>,
    /// People who attack, one after the other.
    pub(super) attackers: Vec<Client>,
}

/// Owner, name, model, and whether they attack.
const CLIENTS: [(&str, &str, &str, bool); 9] = [
    ("claims-portal", "claims portal", "claims-chat", false),
    ("broker-desk", "broker desk", "claims-chat", false),
    ("underwriting-notebook", "underwriting notebook", "underwriting-chat", false),
    ("mia.berg@harbour-mutual.example", "claims handler", "claims-chat", false),
    ("leo.marin@harbour-mutual.example", "claims handler", "claims-chat", false),
    ("sofia.lund@harbour-mutual.example", "underwriter", "underwriting-chat", false),
    ("jonas.weber@harbour-mutual.example", "claims handler", "claims-chat", true),
    ("contractor-17@partner.example", "contractor", "claims-chat", true),
    ("temp.agency@harbour-mutual.example", "temporary staff", "underwriting-chat", true),
];

/// Puts the estate, the gate's configuration, its keys and an automation rule into the folder. What is there stays, but for
/// the configuration, which names this start's stub.
///
/// Errors: files that cannot be written.
pub(super) fn furnish(
    data: &Data,
    stub: &str,
    arguments: &UpArguments,
    system: &dyn System,
) -> Result<Clients> {
    for (name, bytes) in castellan_sample::estate() {
        let path = if name == "exemptions.yaml" {
            data.at("exemptions.yaml")
        } else {
            data.at("estate").join(&*name)
        };
        write(&path, &bytes)?;
    }
    write(&data.at("automation/attackers.json"), AUTOMATION.as_bytes())?;
    write(&data.at("watchlists/ai-canaries@Canary.csv"), CANARIES.as_bytes())?;
    let pepper = data.at("pepper.txt");
    if !system.exists(&pepper) {
        crate::keys::write_new(&pepper, &format!("{}\n", digits()?))?;
    }
    write(&data.at("castellan.toml"), config(data, stub, gate_address(arguments)).as_bytes())?;
    let reference = format!("file:{}", pepper.display());
    let store = KeyStore::open(data.at("keys.json"), castellan_gateway::pepper(Some(&reference), system)?)?;
    let now = system.now();
    // Keys are never shown again: those of an earlier start are ended, and others take their places.
    for record in store.list().iter().filter(|record| record.issued_by == BY && record.revoked.is_none()) {
        store.revoke(&record.id, true, BY, "the demo started again", now)?;
    }
    let mut clients = Clients::default();
    for (owner, name, model, attacks) in CLIENTS {
        let issue = Issue {
            owner: owner.to_owned(),
            name: name.to_owned(),
            scopes: Scopes { models: vec![Pattern::new(model.to_owned())], ..Scopes::default() },
            by: BY.to_owned(),
            ..Issue::default()
        };
        let issued = store.issue(issue, now)?;
        let client = Client { key: issued.key.reveal().to_owned(), model };
        if attacks { clients.attackers.push(client) } else { clients.calm.push(client) }
    }
    Ok(clients)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let named = || format!("cannot write `{}`", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(named)?;
    }
    std::fs::write(path, bytes).with_context(named)
}

/// The usual port, or a free one: where the console takes a free one, and where somebody listens there.
fn gate_address(arguments: &UpArguments) -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, GATE));
    if arguments.listen.port() != 0 && TcpListener::bind(usual).is_ok() {
        return usual;
    }
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn config(data: &Data, stub: &str, listen: SocketAddr) -> String {
    let at = |name: &str| toml::Value::from(data.at(name).display().to_string()).to_string();
    let pepper = toml::Value::from(format!("file:{}", data.at("pepper.txt").display()));
    format!(
        r#"# Written by `castellan up --demo` at each start. The model behind it is a stub, which is no model.

[gate]
listen = "{listen}"
keys = {keys}
pepper = {pepper}
profiles = ["default"]

[gate.model_profiles]
underwriting-chat = ["strict"]

[gate.record]
content = "redacted"

[gate.providers]
claims-chat = "castellan-stub"
underwriting-chat = "castellan-stub"

[gate.upstreams.models.claims-chat]
members = [{{ name = "stub", url = "{stub}", form = "ollama", model = "gpt-4o" }}]

[gate.upstreams.models.underwriting-chat]
members = [{{ name = "stub", url = "{stub}", form = "ollama", model = "gpt-5.4" }}]

[[gate.limits.rules]]
name = "requests of a key"
per = ["key"]
unit = "requests"
window = "minute"
limit = 240

[[gate.limits.rules]]
name = "tokens of a key"
per = ["key"]
unit = "tokens"
window = "day"
limit = 2000000

# Which workloads are asked through which model.
[coverage.fronts]
claims-chat = ["claims-triage", "payout", "harbour-assistant/chat"]
"#,
        keys = at("keys.json"),
    )
}

/// A value that nobody should ever see in an answer.
const CANARIES: &str = "Canary,Planted\nHM-CANARY-7F3A9C21,claims archive\n";

/// Whoever attacks at the gate is blocked there for an hour.
const AUTOMATION: &str = r#"[
  {
    "name": "block-attackers",
    "properties": {
      "displayName": "Block whoever attacks at the gate",
      "order": 1,
      "triggeringLogic": {
        "isEnabled": true,
        "triggersOn": "Incidents",
        "triggersWhen": "Created",
        "conditions": [
          {
            "conditionType": "Property",
            "conditionProperties": {
              "propertyName": "IncidentRelatedAnalyticRuleIds",
              "operator": "Contains",
              "propertyValues": ["cf094e60-0ef2-58d6-82dd-0a6cf6c189d0"]
            }
          }
        ]
      },
      "actions": [
        {
          "order": 1,
          "actionType": "ModifyProperties",
          "actionConfiguration": { "severity": "High", "labels": [{ "labelName": "gate" }] }
        },
        {
          "order": 2,
          "actionType": "RunPlaybook",
          "actionConfiguration": { "logicAppResourceId": "Attacker at the gate" }
        }
      ]
    }
  }
]
"#;
