//! By what alerts are linked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entity::{Entity, EntityType};

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // The names are the things.
pub enum KeyKind {
    Trace,
    Operation,
    Session,
    Conversation,
    Credential,
    Agent,
    Account,
    Host,
    Resource,
    Model,
    Tool,
    Application,
    Ip,
    Url,
    Domain,
    File,
    Hash,
    Mail,
    Device,
    Process,
    Registry,
    Group,
    Malware,
    /// Something that has a name, of which there may be several.
    Name,
}

impl KeyKind {
    /// All of them.
    pub const ALL: &'static [KeyKind] = &[
        KeyKind::Trace,
        KeyKind::Operation,
        KeyKind::Session,
        KeyKind::Conversation,
        KeyKind::Credential,
        KeyKind::Agent,
        KeyKind::Account,
        KeyKind::Host,
        KeyKind::Resource,
        KeyKind::Model,
        KeyKind::Tool,
        KeyKind::Application,
        KeyKind::Ip,
        KeyKind::Url,
        KeyKind::Domain,
        KeyKind::File,
        KeyKind::Hash,
        KeyKind::Mail,
        KeyKind::Device,
        KeyKind::Process,
        KeyKind::Registry,
        KeyKind::Group,
        KeyKind::Malware,
        KeyKind::Name,
    ];

    /// The word in `content/correlation.yaml`, which people read in sentences as well.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyKind::Trace => "trace",
            KeyKind::Operation => "operation",
            KeyKind::Session => "session",
            KeyKind::Conversation => "conversation",
            KeyKind::Credential => "credential",
            KeyKind::Agent => "agent",
            KeyKind::Account => "account",
            KeyKind::Host => "host",
            KeyKind::Resource => "resource",
            KeyKind::Model => "model",
            KeyKind::Tool => "tool",
            KeyKind::Application => "application",
            KeyKind::Ip => "address",
            KeyKind::Url => "link",
            KeyKind::Domain => "domain",
            KeyKind::File => "file",
            KeyKind::Hash => "hash",
            KeyKind::Mail => "mail",
            KeyKind::Device => "device",
            KeyKind::Process => "process",
            KeyKind::Registry => "registry",
            KeyKind::Group => "group",
            KeyKind::Malware => "malware",
            KeyKind::Name => "name",
        }
    }

    /// The kind of a word.
    pub fn named(word: &str) -> Option<KeyKind> {
        KeyKind::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    fn of(entity: EntityType) -> KeyKind {
        match entity {
            EntityType::Account | EntityType::Mailbox => KeyKind::Account,
            EntityType::Host => KeyKind::Host,
            EntityType::Ip => KeyKind::Ip,
            EntityType::Url => KeyKind::Url,
            EntityType::AzureResource => KeyKind::Resource,
            EntityType::CloudApplication => KeyKind::Application,
            EntityType::Dns => KeyKind::Domain,
            EntityType::File => KeyKind::File,
            EntityType::FileHash => KeyKind::Hash,
            EntityType::Malware => KeyKind::Malware,
            EntityType::Process => KeyKind::Process,
            EntityType::RegistryKey | EntityType::RegistryValue => KeyKind::Registry,
            EntityType::SecurityGroup => KeyKind::Group,
            EntityType::MailCluster | EntityType::MailMessage | EntityType::SubmissionMail => KeyKind::Mail,
            EntityType::IoTDevice => KeyKind::Device,
            EntityType::AiAgent => KeyKind::Agent,
            EntityType::AiModel => KeyKind::Model,
            EntityType::AiTool => KeyKind::Tool,
        }
    }
}

/// Something by which alerts are linked: a trace, an agent, an address. Two alerts that have one in common may be of one
/// story. It is written as `agent:support`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Key {
    /// What it is.
    pub kind: KeyKind,
    /// Which.
    pub value: Arc<str>,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.value)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> String {
        key.to_string()
    }
}

/// A text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key of an alert; write its kind, a colon and its value, as `agent:support`")]
pub struct NoKey(String);

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Key, NoKey> {
        let (kind, value) = text.split_once(':').ok_or_else(|| NoKey(text.to_owned()))?;
        let kind = KeyKind::named(kind).ok_or_else(|| NoKey(text.to_owned()))?;
        Ok(Key { kind, value: value.into() })
    }
}

impl TryFrom<String> for Key {
    type Error = NoKey;

    fn try_from(text: String) -> Result<Key, NoKey> {
        text.parse()
    }
}

impl Key {
    /// A key of a kind.
    pub fn new(kind: KeyKind, value: impl Into<Arc<str>>) -> Key {
        Key { kind, value: value.into() }
    }

    /// What people read.
    pub fn label(&self) -> String {
        let value = self.value.rsplit_once('=').map_or(&*self.value, |(_, value)| value);
        let join = if self.kind == KeyKind::Account { "@" } else { "/" };
        value.replace('\u{1f}', join)
    }

    /// The keys of an entity: what says which one it is, or else what it is called.
    pub fn of_entity(entity: &Entity) -> Vec<Key> {
        if !links(entity) {
            return Vec::new();
        }
        let strong = entity.strong();
        if strong.is_empty() {
            return vec![Key::new(KeyKind::Name, entity.identity())];
        }
        let kind = KeyKind::of(entity.entity);
        let plain = |text: String| text.split_once('/').map_or(text.clone(), |(_, rest)| rest.to_owned());
        strong.into_iter().map(|text| Key::new(kind, plain(text))).collect()
    }
}

/// What every computer has says nothing.
fn links(entity: &Entity) -> bool {
    if entity.is_everywhere() {
        return false;
    }
    let address = entity.value("Address").filter(|_| entity.entity == EntityType::Ip);
    let Some(address) = address.and_then(|text| text.parse::<std::net::IpAddr>().ok()) else { return true };
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// Which incidents have which keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::incident) struct Index {
    of_key: BTreeMap<Key, BTreeSet<u32>>,
    of_incident: BTreeMap<u32, BTreeSet<Key>>,
}

impl Index {
    pub(in crate::incident) fn add<'k>(&mut self, incident: u32, keys: impl Iterator<Item = &'k Key>) {
        for key in keys {
            let is_new = self.of_incident.entry(incident).or_default().insert(key.clone());
            if is_new {
                self.of_key.entry(key.clone()).or_default().insert(incident);
            }
        }
    }

    pub(in crate::incident) fn remove(&mut self, incident: u32) {
        for key in self.of_incident.remove(&incident).unwrap_or_default() {
            if let Some(incidents) = self.of_key.get_mut(&key) {
                incidents.remove(&incident);
                if incidents.is_empty() {
                    self.of_key.remove(&key);
                }
            }
        }
    }

    /// The incidents that have a key.
    pub(super) fn incidents(&self, key: &Key) -> Option<&BTreeSet<u32>> {
        self.of_key.get(key)
    }

    /// How many incidents have keys.
    pub(super) fn len(&self) -> usize {
        self.of_incident.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back() {
        for kind in KeyKind::ALL {
            let key = Key::new(*kind, "a:b=c");
            assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
        }
        assert!("agent".parse::<Key>().is_err() && "fish:a".parse::<Key>().is_err());
    }

    #[test]
    fn what_every_host_has_is_no_key() {
        let ip = |address| Entity::new(EntityType::Ip, [("Address", address)]).unwrap();
        assert!(Key::of_entity(&ip("127.0.0.1")).is_empty());
        assert_eq!(Key::of_entity(&ip("198.51.100.7"))[0].label(), "198.51.100.7");
        let system =
            Entity::new(EntityType::Account, [("FullName", "NT AUTHORITY\\SYSTEM"), ("Sid", "S-1-5-18")]);
        assert!(Key::of_entity(&system.unwrap()).is_empty());
        let ann = Entity::new(EntityType::Account, [("FullName", "ann@contoso.com")]).unwrap();
        assert_eq!(Key::of_entity(&ann)[0].label(), "ann@contoso.com");
    }
}
