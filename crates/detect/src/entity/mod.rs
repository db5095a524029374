//! Who and what an alert is about: accounts, hosts, addresses, files, agents.
//!
//! An [`Entity`] has a type and identifiers. Values are brought into one form, so that `CONTOSO\ann` and an account of
//! the domain `contoso` with the name `Ann` are the same; [`Entities`] puts together what has a strong identifier in
//! common. Source of types and identifiers: Microsoft Sentinel documentation, "Entity types reference".
//!
//! ```
//! use castellan_detect::entity::{Entities, Entity, EntityType};
//!
//! let mut entities = Entities::default();
//! entities.add(Entity::new(EntityType::Account, [("FullName", "Ann@Contoso.com")]).unwrap());
//! entities.add(Entity::new(EntityType::Account, [("Name", "ann"), ("UPNSuffix", "contoso.com"), ("Sid", "S-1-5-21-1")]).unwrap());
//! assert_eq!(entities.list().len(), 1);
//! assert_eq!(entities.to_json(), r#"[{"$id":"2","Name":"Ann","Sid":"S-1-5-21-1","UPNSuffix":"Contoso.com","Type":"account"}]"#);
//! ```

mod everywhere;
mod form;
mod kinds;
mod set;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use form::cut;
pub use kinds::{EntityType, MAX_VALUE};
pub use set::{Entities, MAX_ENTITIES};

/// Something that an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entity {
    /// Its type.
    pub entity: EntityType,
    /// Identifiers and their values, none of them empty.
    pub values: BTreeMap<Arc<str>, Arc<str>>,
}

impl Entity {
    /// An entity of some identifiers; none where all values are empty. `FullName` comes apart into what it is made of.
    /// Values longer than [`MAX_VALUE`] bytes are cut.
    pub fn new<'v>(
        entity: EntityType,
        values: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> Option<Entity> {
        let mut own = BTreeMap::new();
        for (identifier, value) in values {
            let value = form::cut(value.trim(), MAX_VALUE);
            if !value.is_empty() {
                own.insert(Arc::from(identifier), Arc::from(value));
            }
        }
        form::normalize(entity, &mut own);
        (!own.is_empty()).then_some(Entity { entity, values: own })
    }

    /// The value of an identifier.
    pub fn value(&self, identifier: &str) -> Option<&str> {
        self.values.get(identifier).map(|value| &**value)
    }

    /// Texts of which one in common says that two entities are the same. Empty where it has no strong identifier. What every
    /// computer has, such as the account `SYSTEM`, identifies nothing.
    pub fn strong(&self) -> Vec<String> {
        let key = |identifiers: &[&str], values: Vec<String>| {
            format!("{}/{}={}", self.entity.json_name(), identifiers.join("+"), values.join("\u{1f}"))
        };
        let mut keys = Vec::new();
        for identifiers in self.entity.strong() {
            let values = identifiers.iter().map(|identifier| self.telling(identifier));
            if let Some(values) = values.collect::<Option<Vec<String>>>() {
                keys.push(key(identifiers, values));
            }
        }
        if let Some(full) = self.full_name() {
            keys.extend(full.strong());
        }
        keys
    }

    /// The value of an identifier as it is compared; none where every computer has it.
    fn telling(&self, identifier: &str) -> Option<String> {
        let value = self.value(identifier)?;
        let is_everywhere = match (self.entity, identifier) {
            (EntityType::Account, "Sid") | (EntityType::SecurityGroup, "SID") => everywhere::is_sid(value),
            (EntityType::Account | EntityType::Host, "NTDomain") => everywhere::is_domain(value),
            (EntityType::Host, "HostName" | "NetBiosName") => everywhere::is_host(value),
            _ => false,
        };
        (!is_everywhere).then(|| form::comparable(self, identifier, value))
    }

    /// The entity that a full name names which stands beside another name.
    fn full_name(&self) -> Option<Entity> {
        let full = self.value("FullName")?;
        Entity::new(self.entity, [("FullName", full)])
    }

    /// Whether it is what every computer has: `NT AUTHORITY\\SYSTEM`, `S-1-5-18`, `localhost`.
    pub fn is_everywhere(&self) -> bool {
        let is = |identifier: &str, test: fn(&str) -> bool| self.value(identifier).is_some_and(test);
        let named = match self.entity {
            EntityType::Account => is("Sid", everywhere::is_sid) || is("NTDomain", everywhere::is_domain),
            EntityType::SecurityGroup => is("SID", everywhere::is_sid),
            EntityType::Host => is("HostName", everywhere::is_host) || is("NTDomain", everywhere::is_domain),
            _ => false,
        };
        named && self.strong().is_empty()
    }

    /// What identifies it: its first strong identifier, or else all that is known of it.
    pub fn identity(&self) -> String {
        self.strong().into_iter().next().unwrap_or_else(|| {
            let value = |(name, value): (&Arc<str>, &Arc<str>)| {
                format!("{name}={}", form::comparable(self, name, value))
            };
            format!(
                "{}/{}",
                self.entity.json_name(),
                self.values.iter().map(value).collect::<Vec<_>>().join("\u{1f}")
            )
        })
    }

    /// What people call it.
    pub fn label(&self) -> String {
        let value = |identifier: &str| self.value(identifier).unwrap_or_default();
        let pair = |name: &str, link: &str, behind: &str| match (self.value(name), self.value(behind)) {
            (Some(name), Some(behind)) => Some(format!("{name}{link}{behind}")),
            _ => None,
        };
        let composed = match self.entity {
            EntityType::Account => pair("Name", "@", "UPNSuffix")
                .or_else(|| pair("Name", "@", "DnsDomain"))
                .or_else(|| pair("NTDomain", "\\", "Name")),
            EntityType::Host => {
                pair("HostName", ".", "DnsDomain").or_else(|| pair("NTDomain", "\\", "HostName"))
            }
            EntityType::File => pair("Directory", "\\", "Name"),
            EntityType::RegistryKey => pair("Hive", "\\", "Key"),
            EntityType::FileHash => Some(value("Value").to_owned()).filter(|value| !value.is_empty()),
            _ => None,
        };
        let identifiers = self.entity.identifiers().iter();
        let first = || identifiers.filter_map(|identifier| self.value(identifier)).next().map(str::to_owned);
        composed.or_else(first).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(values: &[(&str, &str)]) -> Entity {
        Entity::new(EntityType::Account, values.iter().copied()).unwrap()
    }

    #[test]
    fn full_names_come_apart() {
        let label = |name: &str| account(&[("FullName", name)]).label();
        assert_eq!(label("ann@contoso.com"), "ann@contoso.com");
        assert_eq!(label("CONTOSO\\ann"), "CONTOSO\\ann");
        assert_eq!(label("ann"), "ann");
        assert_eq!(account(&[("FullName", "CONTOSO\\ann")]).value("NTDomain"), Some("CONTOSO"));
        let id = "aaaaaaaa-2222-3333-4444-555555555555";
        assert_eq!(account(&[("FullName", id)]).strong(), account(&[("AadUserId", id)]).strong());
        let host = Entity::new(EntityType::Host, [("FullName", "web1.contoso.com")]).unwrap();
        assert_eq!((host.value("HostName"), host.value("DnsDomain")), (Some("web1"), Some("contoso.com")));
    }

    #[test]
    fn addresses_have_one_form() {
        let form = |text: &str| {
            let entity = Entity::new(EntityType::Ip, [("Address", text)]).unwrap();
            (entity.value("Address").unwrap().to_owned(), entity.strong().len())
        };
        assert_eq!(form(" 10.0.0.5 "), ("10.0.0.5".to_owned(), 1));
        assert_eq!(form("10.0.0.5:443"), ("10.0.0.5".to_owned(), 1));
        assert_eq!(form("::ffff:10.0.0.5"), ("10.0.0.5".to_owned(), 1));
        assert_eq!(form("2001:DB8:0::1"), ("2001:db8::1".to_owned(), 1));
        assert_eq!(form("[2001:db8::1]:443"), ("2001:db8::1".to_owned(), 1));
        assert_eq!(form("unknown"), ("unknown".to_owned(), 1));
    }

    #[test]
    fn a_full_name_says_what_a_name_does_not() {
        let both = account(&[("Name", "Ann"), ("FullName", "ann@contoso.com")]);
        assert_eq!((both.label(), both.strong().len()), ("Ann@contoso.com".to_owned(), 1));
        let display = account(&[("Name", "Ann Smith"), ("FullName", "ann@contoso.com")]);
        assert_eq!(display.value("Name"), Some("Ann Smith"));
        assert_eq!(display.strong(), both.strong(), "the full name identifies");
        let host =
            Entity::new(EntityType::Host, [("HostName", "web1"), ("FullName", "WEB1.contoso.com")]).unwrap();
        assert_eq!(host.value("DnsDomain"), Some("contoso.com"));
    }

    #[test]
    fn what_every_computer_has_identifies_nothing() {
        for values in [
            &[("Sid", "S-1-5-18")][..],
            &[("FullName", "NT AUTHORITY\\SYSTEM"), ("Sid", "S-1-5-18")],
            &[("FullName", "BUILTIN\\Administrators")],
        ] {
            let entity = account(values);
            assert!(entity.strong().is_empty() && entity.is_everywhere(), "{values:?}");
        }
        let computer = account(&[("Name", "WEB1$"), ("NTDomain", "CONTOSO"), ("Sid", "S-1-5-18")]);
        assert_eq!(computer.strong().len(), 1);
        assert!(!computer.is_everywhere());
    }

    #[test]
    fn case_counts_where_it_does() {
        let is_same = |entity, one: &[(&str, &str)], other: &[(&str, &str)]| {
            let made = |values: &[(&str, &str)]| Entity::new(entity, values.iter().copied()).unwrap();
            made(one).identity() == made(other).identity()
        };
        let file = |directory, name| [("Directory", directory), ("Name", name)];
        assert!(!is_same(EntityType::File, &file("/etc", "Passwd"), &file("/etc", "passwd")));
        assert!(is_same(EntityType::File, &file("C:\\Windows", "CMD.exe"), &file("c:\\windows", "cmd.EXE")));
        assert!(is_same(EntityType::Url, &[("Url", "HTTPS://X.com/a")], &[("Url", "https://x.com/a")]));
        assert!(!is_same(EntityType::Url, &[("Url", "https://x.com/A")], &[("Url", "https://x.com/a")]));
        assert!(!is_same(EntityType::AiAgent, &[("AgentId", "asst_aB")], &[("AgentId", "asst_ab")]));
        let guid = "AAAAAAAA-2222-3333-4444-555555555555";
        assert!(is_same(EntityType::AiAgent, &[("AgentId", guid)], &[("AgentId", &guid.to_lowercase())]));
    }

    #[test]
    fn nothing_is_no_entity() {
        assert_eq!(Entity::new(EntityType::Account, [("FullName", "  ")]), None);
        assert_eq!(Entity::new(EntityType::Ip, []), None);
    }

    proptest! {
        #[test]
        fn names_beside_full_names_come_apart_once(name in "[a-c@.\\\\]{0,6}", full in "[a-c@.\\\\]{0,6}", is_host in any::<bool>()) {
            let (kind, own) = if is_host { (EntityType::Host, "HostName") } else { (EntityType::Account, "Name") };
            if let Some(entity) = Entity::new(kind, [(own, name.as_str()), ("FullName", full.as_str())]) {
                let values: Vec<(&str, &str)> = entity.values.iter().map(|(key, value)| (&**key, &**value)).collect();
                let again = Entity::new(kind, values).unwrap();
                prop_assert_eq!(again, entity);
            }
        }

        #[test]
        fn making_an_entity_again_changes_nothing(name in "\\PC{0,30}", at in 0..EntityType::ALL.len()) {
            let entity_type = EntityType::ALL[at];
            let identifier = entity_type.identifiers()[0];
            if let Some(entity) = Entity::new(entity_type, [(identifier, name.as_str())]) {
                let values: Vec<(&str, &str)> = entity.values.iter().map(|(key, value)| (&**key, &**value)).collect();
                let again = Entity::new(entity_type, values).unwrap();
                prop_assert_eq!(again, entity);
            }
        }
    }
}
