//! Rows of the older table, `ThreatIntelligenceIndicator`.

use castellan_base::Ticks;
use castellan_stix::{Indicator, Kind, Observable};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Writing, digest_name};
use crate::held::Held;

/// When something expires that never does: rules compare this column, and what is empty would never match.
const NEVER: &str = "9999-12-31T00:00:00Z";

/// Phases of Lockheed Martin's kill chain and of ATT&CK, and the columns that say them.
const PHASES: [(&str, &str); 14] = [
    ("reconnaissance", "KillChainReconnaissance"),
    ("weaponization", "KillChainWeaponization"),
    ("resource-development", "KillChainWeaponization"),
    ("delivery", "KillChainDelivery"),
    ("initial-access", "KillChainDelivery"),
    ("exploitation", "KillChainExploitation"),
    ("execution", "KillChainExploitation"),
    ("privilege-escalation", "KillChainExploitation"),
    ("command-and-control", "KillChainC2"),
    ("c2", "KillChainC2"),
    ("actions-on-objectives", "KillChainActions"),
    ("act-on-objectives", "KillChainActions"),
    ("exfiltration", "KillChainActions"),
    ("impact", "KillChainActions"),
];

/// The id of a value of an indicator: the table has one for each.
fn id(indicator: &str, value: &Observable) -> String {
    let key = format!("{indicator}\u{1f}{}\u{1f}{}", value.kind.name(), value.value);
    Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).to_string()
}

pub(super) fn row(indicator: &Indicator, value: &Observable, data: &Value, writing: &Writing) -> Value {
    let is_valid = indicator.valid_until.is_none_or(|until| until > writing.at);
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
    put("TimeGenerated", json!(writing.at.to_string()));
    put("SourceSystem", json!(writing.source));
    put("IndicatorProvider", json!(writing.source));
    put("IndicatorId", json!(id(&indicator.id, value)));
    put("ExternalIndicatorId", json!(indicator.id));
    put("Active", json!(!indicator.revoked && is_valid));
    put("Action", json!("alert"));
    let said = if indicator.description.is_empty() { &indicator.name } else { &indicator.description };
    put("Description", json!(said));
    put("ExpirationDateTime", json!(until(indicator.valid_until)));
    put("Tags", json!(serde_json::to_string(&indicator.labels).unwrap_or_default()));
    put("ThreatType", json!(indicator.types.first().map(String::as_str).unwrap_or("malicious-activity")));
    if let Some(confidence) = indicator.confidence {
        put("ConfidenceScore", json!(confidence));
    }
    if let Some(tlp) = indicator.tlp {
        put("TrafficLightProtocolLevel", json!(tlp.name()));
    }
    let malware = data.get("malware_family").and_then(Value::as_str);
    if let Some(malware) = malware {
        put("MalwareNames", json!(malware));
    }
    for phase in &indicator.phases {
        for (_, column) in PHASES.iter().filter(|(name, _)| *name == phase.phase) {
            put(column, json!(true));
        }
    }
    for (column, text) in columns(value) {
        put(column, json!(text));
    }
    Value::Object(row)
}

pub(super) fn ended(held: &Held, value: &Observable, writing: &Writing) -> Value {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
    put("TimeGenerated", json!(writing.at.to_string()));
    put("SourceSystem", json!(held.source));
    put("IndicatorProvider", json!(held.source));
    put("IndicatorId", json!(id(&held.id, value)));
    put("ExternalIndicatorId", json!(held.id));
    put("Active", json!(false));
    put("Description", json!(held.name));
    put("ExpirationDateTime", json!(until(held.until)));
    for (column, text) in columns(value) {
        put(column, json!(text));
    }
    Value::Object(row)
}

fn until(until: Option<Ticks>) -> String {
    until.map_or_else(|| NEVER.to_owned(), |until| until.to_string())
}

/// The columns that a value stands in.
fn columns(value: &Observable) -> Vec<(&'static str, String)> {
    let text = value.value.clone();
    match value.kind {
        Kind::Ip if text.contains('/') => vec![("NetworkCidrBlock", text)],
        Kind::Ip => vec![("NetworkIP", text)],
        Kind::Domain => vec![("DomainName", text)],
        Kind::Url => vec![("Url", text)],
        Kind::Hash => {
            let name = digest_name(value).unwrap_or_default().replace('-', "");
            vec![("FileHashValue", text), ("FileHashType", name)]
        }
        Kind::Email => vec![("EmailSenderAddress", text)],
        Kind::File => vec![("FileName", text)],
        Kind::Agent => vec![("UserAgent", text)],
        Kind::Thumbprint => vec![("AdditionalInformation", text)],
    }
}
