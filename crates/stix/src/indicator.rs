//! Indicators.

use castellan_base::Ticks;

use crate::object::{Object, Tlp};

/// An indicator: a pattern, and when it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Indicator {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// The pattern, as it stands.
    pub pattern: String,
    /// The language of the pattern: `stix`, `sigma`, `yara`, ...
    pub pattern_type: String,
    /// When it was made.
    pub created: Ticks,
    /// When it was changed last.
    pub modified: Ticks,
    /// It counts from then on.
    pub valid_from: Ticks,
    /// It does not count then any more.
    pub valid_until: Option<Ticks>,
    /// Whether its creator has taken it back.
    pub revoked: bool,
    /// How sure its creator is, from 0 to 100.
    pub confidence: Option<u8>,
    /// What it indicates: `malicious-activity`, ...
    pub types: Vec<String>,
    /// Where in an attack it belongs.
    pub phases: Vec<KillChainPhase>,
    /// Free words.
    pub labels: Vec<String>,
    /// How far it may be passed on.
    pub tlp: Option<Tlp>,
    /// The id of who made it.
    pub creator: String,
}

/// A phase of an attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KillChainPhase {
    /// The model: `mitre-attack`, `lockheed-martin-cyber-kill-chain`.
    pub chain: String,
    /// The phase: `command-and-control`.
    pub phase: String,
}

/// Why an object is no indicator that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// An object of another type.
    #[error("it is no indicator")]
    Other,
    /// Something that has to be there.
    #[error("`{0}` is missing or wrong")]
    Missing(&'static str),
    /// It would stop to count before it begins to.
    #[error("`valid_until` is not later than `valid_from`")]
    Never,
}

impl Indicator {
    /// What an object says as an indicator. Where it does not say since when it counts, it does since it was made.
    ///
    /// Errors: [`Unusable`].
    pub fn of(object: &Object) -> Result<Indicator, Unusable> {
        if object.kind != "indicator" {
            return Err(Unusable::Other);
        }
        let text = |name: &str| object.text(name).unwrap_or_default().to_owned();
        let list = |name: &str| object.texts(name).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let pattern = object.text("pattern").ok_or(Unusable::Missing("pattern"))?;
        let modified = object.time("modified").or_else(|| object.time("created"));
        let modified = modified.ok_or(Unusable::Missing("modified"))?;
        let created = object.time("created").unwrap_or(modified);
        let valid_from = match object.members.get("valid_from") {
            Some(_) => object.time("valid_from").ok_or(Unusable::Missing("valid_from"))?,
            None => created,
        };
        let valid_until = match object.members.get("valid_until").filter(|value| !value.is_null()) {
            Some(_) => Some(object.time("valid_until").ok_or(Unusable::Missing("valid_until"))?),
            None => None,
        };
        if valid_until.is_some_and(|until| until <= valid_from) {
            return Err(Unusable::Never);
        }
        let confidence = object.members.get("confidence").and_then(serde_json::Value::as_u64);
        Ok(Indicator {
            id: object.id.clone(),
            name: text("name"),
            description: text("description"),
            pattern: pattern.to_owned(),
            // STIX 2.0 had one language and did not name it.
            pattern_type: object.text("pattern_type").unwrap_or("stix").to_owned(),
            created,
            modified,
            valid_from,
            valid_until,
            revoked: object.is_revoked(),
            confidence: confidence.and_then(|number| u8::try_from(number.min(100)).ok()),
            types: list("indicator_types"),
            phases: phases(object),
            labels: list("labels"),
            tlp: object.tlp(),
            creator: text("created_by_ref"),
        })
    }

    /// Whether it counts for something that happened at a time.
    pub fn counts_at(&self, time: Ticks) -> bool {
        !self.revoked && self.valid_from <= time && self.valid_until.is_none_or(|until| time < until)
    }
}

fn phases(object: &Object) -> Vec<KillChainPhase> {
    let list = object.members.get("kill_chain_phases").and_then(serde_json::Value::as_array);
    let phase = |value: &serde_json::Value| {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(KillChainPhase { chain: text("kill_chain_name")?, phase: text("phase_name")? })
    };
    list.into_iter().flatten().filter_map(phase).collect()
}
