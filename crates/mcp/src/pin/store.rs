//! The pins of all servers: what was seen, what is usable, what people decided. The caller keeps them as JSON.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

use super::{Change, Definition, Kind, diff};
use crate::jcs::{self, Integers};
use crate::json::{self, Limits, Value};

/// Version of the stored form.
const VERSION: u32 = 1;
/// Most definitions of one kind of one server.
const MOST_DEFINITIONS: usize = 4096;
/// Most decisions that a pin remembers.
const MOST_RECORDS: usize = 32;
/// Most refused definitions that a pin remembers.
const MOST_REJECTED: usize = 64;

/// Whom the first definition of a server is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The first complete listing is pinned as it is; what comes later waits for a person.
    #[default]
    FirstUse,
    /// Nothing is usable that a person did not approve, or a preset has.
    Preset,
}

/// How pins of a server are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whom the first definition is believed: the server, by default.
    pub trust: Trust,
    /// Top-level members of definitions that may change freely, such as `_meta`. None by default.
    pub ignored: Vec<String>,
}

/// How a definition stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "from")]
pub enum State {
    /// Never seen before.
    New,
    /// As it was pinned.
    Pinned,
    /// The name is known, the definition is another.
    Changed,
    /// The definition is known, under this name, which is gone.
    Renamed(String),
    /// The definition is known, under this name, which is still there.
    Copied(String),
    /// It was pinned and is listed no longer.
    Removed,
    /// It was refused by a person.
    Rejected,
    /// It is as pinned now, but was not before, and nobody has decided yet.
    Quarantined,
}

/// What was found about a definition in a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// What is defined.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// Whether it may be shown and used.
    pub usable: bool,
    /// Whether this was not known before: tell somebody.
    pub news: bool,
    /// What changed.
    pub changes: Vec<Change>,
}

/// Who vouched for a pin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by", content = "who")]
pub enum Origin {
    /// It was there first.
    FirstUse,
    /// It was given with the configuration.
    Preset,
    /// This person.
    Person(String),
}

/// A definition that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// Why: new, changed, renamed, copied.
    pub state: State,
    /// What would be pinned, in its canonical form.
    pub proposed: String,
    /// Its hash, which a decision has to name.
    pub hash: String,
    /// The hash without names.
    pub body: String,
    /// Since when, in ticks.
    pub since: i64,
}

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The proposed definition is the pin from now on.
    Approve,
    /// It is not; the old pin, if there is one, is usable again when the server returns to it.
    Reject,
}

/// A decision, for ever after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What was decided.
    pub decision: Decision,
    /// About which hash.
    pub hash: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in ticks.
    pub at: i64,
}

/// What is known about one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pin {
    /// The pinned hash; empty if nothing is pinned yet.
    pub hash: String,
    /// The hash without names.
    pub body: String,
    /// The pinned definition, in its canonical form; empty if only its hash was preset.
    pub definition: String,
    /// Who vouched for it.
    pub origin: Option<Origin>,
    /// When it was pinned, in ticks.
    pub since: i64,
    /// What waits for a person.
    pub quarantine: Option<Quarantine>,
    /// Hashes that were refused.
    pub rejected: BTreeSet<String>,
    /// What was decided, the oldest first.
    pub records: Vec<Record>,
    /// Whether it is listed no longer.
    pub removed: bool,
}

/// The pins of one server: by kind and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerPins {
    /// Kinds whose first complete listing was seen.
    pub seen: BTreeSet<Kind>,
    /// The pins.
    pub pins: BTreeMap<Kind, BTreeMap<String, Pin>>,
}

/// The pins of all servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    version: u32,
    servers: BTreeMap<String, ServerPins>,
}

/// Why stored pins or presets cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Not the stored form.
    #[error("these are no stored pins: {0}; restore the file from a backup, or delete it and approve again")]
    Form(String),
    /// A form of another version.
    #[error("stored pins have version {0}; this program reads version {VERSION}")]
    Version(u32),
    /// The signature of a preset is wrong.
    #[error("the signature of the preset pins is not valid; nothing of them is used")]
    Signature,
}

/// Why a decision cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// Nothing waits under this name.
    #[error("nothing of the server `{server}` under the name `{name}` waits for a decision")]
    NothingWaits {
        /// The server.
        server: String,
        /// The name.
        name: String,
    },
    /// It has changed since the person looked at it.
    #[error("the definition has changed since it was shown: it is `{0}` now; look at it again")]
    Stale(String),
}

impl Store {
    /// No pins.
    #[must_use]
    pub fn new() -> Store {
        Store { version: VERSION, servers: BTreeMap::new() }
    }

    /// The stored form.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads the stored form. Each definition is checked against its hash.
    ///
    /// # Errors
    /// If it is another form or version, or was altered.
    pub fn from_json(stored: serde_json::Value) -> Result<Store, PinError> {
        let version = stored.get("version").and_then(serde_json::Value::as_u64).unwrap_or_default();
        if version != u64::from(VERSION) {
            return Err(PinError::Version(u32::try_from(version).unwrap_or_default()));
        }
        let store: Store =
            serde_json::from_value(stored).map_err(|error| PinError::Form(error.to_string()))?;
        let pins = store.servers.values().flat_map(|server| server.pins.values().flat_map(BTreeMap::iter));
        for (name, pin) in pins {
            let proposed = pin.quarantine.iter().map(|waiting| (&waiting.proposed, &waiting.hash));
            let kept = [(&pin.definition, &pin.hash)].into_iter().chain(proposed);
            for (definition, hash) in kept.filter(|(definition, _)| !definition.is_empty()) {
                if super::hash(definition) != *hash {
                    return Err(PinError::Form(format!("the definition of `{name}` does not have its hash")));
                }
            }
        }
        Ok(store)
    }

    /// Pins hashes that come with the configuration: `{"SERVER": {"tool": {"NAME": "sha256:..."}}}`. An existing pin of
    /// another hash is replaced, since a person wrote the preset.
    ///
    /// # Errors
    /// If the document has another form; then nothing is pinned.
    pub fn preset(&mut self, document: &Value, now: Ticks) -> Result<usize, PinError> {
        let mut found = Vec::new();
        for server in document.members() {
            for kind in server.value.members() {
                let of_kind = serde_json::from_value::<Kind>(serde_json::Value::from(&*kind.key))
                    .map_err(|error| PinError::Form(error.to_string()))?;
                for pin in kind.value.members() {
                    let hash = pin.value.as_str().filter(|hash| is_hash(hash));
                    let hash =
                        hash.ok_or_else(|| PinError::Form(format!("`{}` needs a `sha256:` hash", pin.key)))?;
                    found.push((server.key.to_string(), of_kind, pin.key.to_string(), hash.to_owned()));
                }
            }
        }
        let count = found.len();
        for (server, kind, name, hash) in found {
            let pin = self.pin_mut(&server, kind, &name);
            if pin.hash != hash {
                pin.hash = hash;
                pin.definition.clear();
                pin.body.clear();
                pin.since = now.get();
            }
            pin.origin = Some(Origin::Preset);
        }
        Ok(count)
    }

    /// Pins hashes of a signed document: the signature is over its canonical form (RFC 8785), and `verify` knows the key.
    ///
    /// # Errors
    /// If the signature is not valid or the document has another form; then nothing is pinned.
    pub fn preset_signed(
        &mut self,
        document: &Value,
        signature: &[u8],
        verify: impl FnOnce(&[u8], &[u8]) -> bool,
        now: Ticks,
    ) -> Result<usize, PinError> {
        let canonical = jcs::canonical(document, Integers::EcmaScript);
        if !verify(canonical.as_bytes(), signature) {
            return Err(PinError::Signature);
        }
        self.preset(document, now)
    }

    /// The pins of a server.
    #[must_use]
    pub fn server(&self, id: &str) -> Option<&ServerPins> {
        self.servers.get(id)
    }

    /// All servers of which something is known.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.servers.keys().map(String::as_str)
    }

    /// One pin.
    #[must_use]
    pub fn pin(&self, server: &str, kind: Kind, name: &str) -> Option<&Pin> {
        self.servers.get(server)?.pins.get(&kind)?.get(name)
    }

    /// Everything that waits for a person: server, kind, name and what is proposed.
    pub fn waiting(&self) -> impl Iterator<Item = (&str, Kind, &str, &Quarantine)> {
        self.servers.iter().flat_map(|(server, pins)| {
            pins.pins.iter().flat_map(move |(kind, pins)| {
                pins.iter().filter_map(move |(name, pin)| {
                    Some((server.as_str(), *kind, name.as_str(), pin.quarantine.as_ref()?))
                })
            })
        })
    }

    /// What changes with a definition that waits, for the person who decides.
    #[must_use]
    pub fn proposal(&self, server: &str, kind: Kind, name: &str) -> Option<Vec<Change>> {
        let pin = self.pin(server, kind, name)?;
        let waiting = pin.quarantine.as_ref()?;
        let known = match &waiting.state {
            State::Renamed(from) | State::Copied(from) => self.pin(server, kind, from).unwrap_or(pin),
            _ => pin,
        };
        Some(diff(&parsed(&known.definition), &parsed(&waiting.proposed)))
    }

    fn pin_mut(&mut self, server: &str, kind: Kind, name: &str) -> &mut Pin {
        let server = self.servers.entry(server.to_owned()).or_default();
        server.pins.entry(kind).or_default().entry(name.to_owned()).or_default()
    }

    /// Takes in a listing of one kind and says how each definition stands. `complete` is whether all pages of it are here:
    /// only then is what is missing removed.
    ///
    /// Definitions beyond 4,096, and second ones of one name, are not usable.
    pub fn observe(
        &mut self,
        server: &str,
        kind: Kind,
        settings: &Settings,
        definitions: &[Definition],
        complete: bool,
        now: Ticks,
    ) -> Vec<Observation> {
        let listed: BTreeSet<&str> = definitions.iter().map(|definition| definition.name.as_str()).collect();
        let is_first = self.servers.get(server).is_none_or(|pins| !pins.seen.contains(&kind));
        let believes = is_first && settings.trust == Trust::FirstUse;
        let mut names = BTreeSet::new();
        let mut observations = Vec::new();
        for (place, definition) in definitions.iter().enumerate() {
            // Names that come and go without end are not remembered without end.
            let is_known = self.pin(server, kind, &definition.name).is_some();
            let is_full = !is_known && self.count(server, kind) >= MOST_DEFINITIONS;
            let is_odd = !names.insert(definition.name.as_str()) || place >= MOST_DEFINITIONS || is_full;
            observations.push(if is_odd {
                unusable(definition)
            } else {
                self.judge(server, definition, &listed, believes, now)
            });
        }
        if complete {
            observations.extend(self.gone(server, kind, &listed));
            self.servers.entry(server.to_owned()).or_default().seen.insert(kind);
        }
        observations
    }

    fn count(&self, server: &str, kind: Kind) -> usize {
        self.servers.get(server).and_then(|pins| pins.pins.get(&kind)).map_or(0, BTreeMap::len)
    }

    fn judge(
        &mut self,
        server: &str,
        definition: &Definition,
        listed: &BTreeSet<&str>,
        believes: bool,
        now: Ticks,
    ) -> Observation {
        let kind = definition.kind;
        let twin = self.twin(server, definition, listed);
        let pin = self.pin_mut(server, kind, &definition.name);
        let was_removed = std::mem::take(&mut pin.removed);
        let mut observation = Observation {
            kind,
            name: definition.name.clone(),
            state: State::Pinned,
            usable: false,
            news: was_removed,
            changes: Vec::new(),
        };
        if pin.hash == definition.hash {
            if pin.definition.is_empty() {
                pin.definition.clone_from(&definition.canonical);
                pin.body.clone_from(&definition.body);
            }
            observation.usable = pin.quarantine.is_none();
            if !observation.usable {
                observation.state = State::Quarantined;
            }
            return observation;
        }
        if pin.rejected.contains(&definition.hash) {
            observation.state = State::Rejected;
            return observation;
        }
        let state = match twin {
            _ if !pin.hash.is_empty() => State::Changed,
            Some(state) => state,
            None => State::New,
        };
        if believes && state == State::New && pin.quarantine.is_none() {
            pin.hash.clone_from(&definition.hash);
            pin.body.clone_from(&definition.body);
            pin.definition.clone_from(&definition.canonical);
            pin.origin = Some(Origin::FirstUse);
            pin.since = now.get();
            return Observation { state, usable: true, news: true, ..observation };
        }
        let known = pin.quarantine.as_ref().is_some_and(|waiting| waiting.hash == definition.hash);
        if !known {
            pin.quarantine = Some(Quarantine {
                state: state.clone(),
                proposed: definition.canonical.clone(),
                hash: definition.hash.clone(),
                body: definition.body.clone(),
                since: now.get(),
            });
        }
        let changes = self.proposal(server, kind, &definition.name).unwrap_or_default();
        Observation { state, news: !known, changes, ..observation }
    }

    /// Whether a pinned definition of another name is the same but for its names.
    fn twin(&self, server: &str, definition: &Definition, listed: &BTreeSet<&str>) -> Option<State> {
        let pins = self.servers.get(server)?.pins.get(&definition.kind)?;
        let twins = pins.iter().filter(|(name, pin)| {
            **name != definition.name && !pin.hash.is_empty() && pin.body == definition.body
        });
        let mut names: Vec<&String> = twins.map(|(name, _)| name).collect();
        names.sort_by_key(|name| listed.contains(name.as_str()));
        let name = (*names.first()?).clone();
        Some(if listed.contains(name.as_str()) { State::Copied(name) } else { State::Renamed(name) })
    }

    fn gone(&mut self, server: &str, kind: Kind, listed: &BTreeSet<&str>) -> Vec<Observation> {
        let pins = self.servers.get_mut(server).and_then(|pins| pins.pins.get_mut(&kind));
        let missing = pins.into_iter().flatten().filter(|(name, _)| !listed.contains(name.as_str()));
        missing
            .map(|(name, pin)| {
                let news = !std::mem::replace(&mut pin.removed, true);
                Observation {
                    kind,
                    name: name.clone(),
                    state: State::Removed,
                    usable: false,
                    news,
                    changes: Vec::new(),
                }
            })
            .collect()
    }

    /// Whether a definition may be used: it is pinned, listed, and nothing about it waits.
    #[must_use]
    pub fn is_usable(&self, server: &str, kind: Kind, name: &str) -> bool {
        self.pin(server, kind, name).is_some_and(|pin| {
            !pin.hash.is_empty() && !pin.definition.is_empty() && pin.quarantine.is_none() && !pin.removed
        })
    }

    /// The pinned definition, if nothing about it waits, even if the last listing of somebody else lacked it.
    #[must_use]
    pub fn trusted(&self, server: &str, kind: Kind, name: &str) -> Option<&str> {
        let pin = self.pin(server, kind, name)?;
        let is_trusted = !pin.hash.is_empty() && !pin.definition.is_empty() && pin.quarantine.is_none();
        is_trusted.then_some(pin.definition.as_str())
    }

    /// The pinned definition, if it may be used.
    #[must_use]
    pub fn usable(&self, server: &str, kind: Kind, name: &str) -> Option<Value> {
        let pin = self.pin(server, kind, name).filter(|_| self.is_usable(server, kind, name))?;
        json::parse(pin.definition.as_bytes(), &Limits::default()).ok()
    }

    /// Takes a person's decision on what waits under a name.
    ///
    /// # Errors
    /// If nothing waits, or it is not what the person saw (`record.hash`).
    pub fn decide(
        &mut self,
        server: &str,
        kind: Kind,
        name: &str,
        record: Record,
    ) -> Result<(), DecisionError> {
        let nothing = || DecisionError::NothingWaits { server: server.to_owned(), name: name.to_owned() };
        let pin = self.servers.get_mut(server).and_then(|pins| pins.pins.get_mut(&kind)?.get_mut(name));
        let pin = pin.ok_or_else(nothing)?;
        let waiting = pin.quarantine.take().ok_or_else(nothing)?;
        if waiting.hash != record.hash {
            let hash = waiting.hash.clone();
            pin.quarantine = Some(waiting);
            return Err(DecisionError::Stale(hash));
        }
        if record.decision == Decision::Approve {
            pin.rejected.remove(&waiting.hash);
            pin.hash = waiting.hash;
            pin.body = waiting.body;
            pin.definition = waiting.proposed;
            pin.origin = Some(Origin::Person(record.by.clone()));
            pin.since = record.at;
        } else {
            if pin.rejected.len() >= MOST_REJECTED {
                pin.rejected.pop_first();
            }
            pin.rejected.insert(waiting.hash);
        }
        if pin.records.len() >= MOST_RECORDS {
            pin.records.remove(0);
        }
        pin.records.push(record);
        Ok(())
    }
}

fn unusable(definition: &Definition) -> Observation {
    Observation {
        kind: definition.kind,
        name: definition.name.clone(),
        state: State::Rejected,
        usable: false,
        news: true,
        changes: Vec::new(),
    }
}

fn is_hash(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What a stored definition says; an empty object if there is none.
fn parsed(canonical: &str) -> Value {
    json::parse(canonical.as_bytes(), &Limits::default()).unwrap_or_else(|_| Value::object(Vec::new()))
}
