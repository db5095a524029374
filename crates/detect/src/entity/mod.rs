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

    /// Texts of which one in common says that two entities are the same. Empty where it has no strong identifier.
    pub fn strong(&self) -> Vec<String> {
        let sets = self.entity.strong().iter();
        let key = |identifiers: &&[&str]| {
            let values = identifiers.iter().map(|identifier| self.value(identifier));
            let values: Option<Vec<String>> = values.map(|value| value.map(str::to_lowercase)).collect();
            Some(format!("{}/{}={}", self.entity.json_name(), identifiers.join("+"), values?.join("\u{1f}")))
        };
        sets.filter_map(key).collect()
    }

    /// What identifies it: its first strong identifier, or else all that is known of it.
    pub fn identity(&self) -> String {
        self.strong().into_iter().next().unwrap_or_else(|| {
            let all = self.values.iter().map(|(name, value)| format!("{name}={}", value.to_lowercase()));
            format!("{}/{}", self.entity.json_name(), all.collect::<Vec<_>>().join("\u{1f}"))
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
    fn nothing_is_no_entity() {
        assert_eq!(Entity::new(EntityType::Account, [("FullName", "  ")]), None);
        assert_eq!(Entity::new(EntityType::Ip, []), None);
    }

    proptest! {
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
