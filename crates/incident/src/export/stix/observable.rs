//! Entities as cyber-observable objects, and as domain objects where the standard has no observable for them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use castellan_detect::entity::{Entity, EntityType};
use serde_json::{Map, Value, json};

use super::Bundle;
use super::id;
use super::objects::Base;
use crate::case::name;

/// Adds the object of an entity; `None` where it says too little to be one.
pub(super) fn entity(base: &Base<'_>, entity: &Entity, bundle: &mut Bundle) -> Option<String> {
    let value = |identifier: &str| entity.value(identifier);
    let single = |kind: &str, property: &str, text: Option<&str>| made(kind, &[(property, text?)], &[]);
    let object = match entity.entity {
        EntityType::Ip => address(value("Address")?)?,
        EntityType::Url => single("url", "value", value("Url"))?,
        EntityType::Dns => single("domain-name", "value", value("DomainName"))?,
        EntityType::Mailbox => {
            let mail = value("MailboxPrimaryAddress").or(value("Upn")).filter(|text| text.contains('@'));
            single("email-addr", "value", mail)?
        }
        EntityType::Account => account(entity)?,
        EntityType::File => single("file", "name", value("Name"))?,
        EntityType::FileHash => hash(value("Value")?, value("Algorithm").unwrap_or_default())?,
        EntityType::RegistryKey => {
            let key = [value("Hive"), value("Key")].into_iter().flatten().collect::<Vec<_>>().join("\\");
            single("windows-registry-key", "key", Some(&key))?
        }
        EntityType::Process => process(entity)?,
        EntityType::CloudApplication | EntityType::AiModel | EntityType::AiTool => software(entity)?,
        EntityType::MailMessage | EntityType::SubmissionMail => mail(entity)?,
        EntityType::AiAgent | EntityType::SecurityGroup => {
            let class = if entity.entity == EntityType::AiAgent { "system" } else { "group" };
            domain(base, "identity", entity, json!({ "identity_class": class }))
        }
        EntityType::Malware => domain(base, "malware", entity, json!({ "is_family": false })),
        EntityType::Host
        | EntityType::AzureResource
        | EntityType::IoTDevice
        | EntityType::RegistryValue
        | EntityType::MailCluster => domain(base, "infrastructure", entity, json!({})),
    };
    Some(bundle.add(object))
}

/// An observable of properties that make its id, and of others.
fn made(kind: &str, contributing: &[(&str, &str)], others: &[(&str, Value)]) -> Option<Value> {
    let properties: BTreeMap<&str, Value> = contributing
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(property, value)| (*property, Value::from(*value)))
        .collect();
    (!properties.is_empty()).then(|| whole(kind, &properties, others))
}

fn whole(kind: &str, contributing: &BTreeMap<&str, Value>, others: &[(&str, Value)]) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), kind.into());
    object.insert("spec_version".to_owned(), "2.1".into());
    object.insert("id".to_owned(), id::observable(kind, contributing).into());
    for (property, value) in
        contributing.iter().chain(others.iter().map(|(property, value)| (property, value)))
    {
        object.insert((*property).to_owned(), value.clone());
    }
    Value::Object(object)
}

/// An address that is one; a text that is none has no object.
fn address(text: &str) -> Option<Value> {
    let kind = match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(_) => "ipv4-addr",
        IpAddr::V6(_) => "ipv6-addr",
    };
    made(kind, &[("value", text)], &[])
}

fn account(entity: &Entity) -> Option<Value> {
    let ids =
        ["AadUserId", "Sid", "ObjectGuid", "PUID"].iter().find_map(|identifier| entity.value(identifier));
    let label = entity.label();
    let shown = entity.value("DisplayName").map(|shown| ("display_name", Value::from(shown)));
    let kind = match entity {
        _ if entity.value("Sid").is_some() || entity.value("NTDomain").is_some() => "windows-domain",
        _ => "",
    };
    let contributing =
        [("user_id", ids.unwrap_or_default()), ("account_login", &label), ("account_type", kind)];
    made("user-account", &contributing, shown.as_slice())
}

/// A file by its hash. The names are those of the standard's vocabulary; the length tells where the alert does not.
fn hash(value: &str, algorithm: &str) -> Option<Value> {
    let plain = algorithm.to_ascii_uppercase().replace(['-', '_'], "");
    let kind = match (plain.as_str(), value.len()) {
        ("MD5", _) | ("", 32) => "MD5",
        ("SHA1", _) | ("", 40) => "SHA-1",
        ("SHA256", _) | ("", 64) => "SHA-256",
        ("SHA512", _) | ("", 128) => "SHA-512",
        _ => return None,
    };
    let lengths = [("MD5", 32), ("SHA-1", 40), ("SHA-256", 64), ("SHA-512", 128)];
    let is_hash = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash || !lengths.contains(&(kind, value.len())) {
        return None;
    }
    let hashes = json!({ kind: value.to_ascii_lowercase() });
    Some(whole("file", &BTreeMap::from([("hashes", hashes)]), &[]))
}

/// A process. The standard derives no id from what it is, so it has one of ours.
fn process(entity: &Entity) -> Option<Value> {
    let mut others = Vec::new();
    others.extend(entity.value("CommandLine").map(|line| ("command_line", Value::from(line))));
    let number = entity.value("ProcessId").and_then(|number| number.parse::<i64>().ok());
    others.extend(number.map(|number| ("pid", Value::from(number))));
    if others.is_empty() {
        return None;
    }
    let mut object = whole("process", &BTreeMap::new(), &others);
    if let Some(members) = object.as_object_mut() {
        members.insert("id".to_owned(), id::own("process", &[&entity.identity()]).into());
    }
    Some(object)
}

fn software(entity: &Entity) -> Option<Value> {
    let own = entity.value("Name").map_or_else(|| entity.label(), str::to_owned);
    let vendor = entity.value("Provider").or(entity.value("Server")).unwrap_or_default();
    if own.is_empty() {
        return None;
    }
    made("software", &[("name", &own), ("vendor", vendor)], &[])
}

fn mail(entity: &Entity) -> Option<Value> {
    let subject = entity.value("Subject")?;
    let id = entity.value("InternetMessageId").map(|id| ("message_id", Value::from(id)));
    let mut others = vec![("is_multipart", Value::Bool(false))];
    others.extend(id);
    made("email-message", &[("subject", subject)], &others)
}

/// A domain object, the same in every incident of this product that names the same entity.
fn domain(base: &Base<'_>, kind: &str, entity: &Entity, more: Value) -> Value {
    let mut rest = json!({ "name": name(entity), "description": entity.entity.name() });
    if let (Some(members), Value::Object(more)) = (rest.as_object_mut(), more) {
        members.extend(more);
    }
    let mut object = base.object(kind, &[], rest);
    if let Some(members) = object.as_object_mut() {
        members.entry("name").or_insert_with(|| entity.identity().into());
        members.insert("id".to_owned(), id::own(kind, &[&entity.identity()]).into());
    }
    object
}
