//! What an incident says to a playbook: values of its variables.

use std::collections::BTreeMap;

use castellan_detect::entity::{Entities, Entity, EntityType};
use castellan_detect::incident::Incident;
use castellan_respond::playbook::{Playbook, Variable, VariableType};
use serde_json::Value;

/// Variables of playbooks and what of an incident's entities fills them: the first value that there is. `__subject__` is for
/// people; what an action is about has a variable that says what it is.
const VARIABLES: [(&str, &[(EntityType, &str)]); 10] = [
    ("__principal__", PRINCIPAL),
    ("__who__", PRINCIPAL),
    (
        "__subject__",
        &[
            (EntityType::Account, "AadUserId"),
            (EntityType::Account, "FullName"),
            (EntityType::Account, "Name"),
            (EntityType::AiAgent, "AgentId"),
            (EntityType::AiAgent, "Name"),
            (EntityType::AiTool, "Name"),
            (EntityType::AiModel, "Deployment"),
            (EntityType::AiModel, "Name"),
            (EntityType::AzureResource, "ResourceId"),
            (EntityType::Ip, "Address"),
        ],
    ),
    ("__service_principal__", &[(EntityType::Account, "AadUserId"), (EntityType::CloudApplication, "AppId")]),
    ("__agent__", &[(EntityType::AiAgent, "AgentId"), (EntityType::AiAgent, "Name")]),
    ("__model__", &[(EntityType::AiModel, "Deployment"), (EntityType::AiModel, "Name")]),
    ("__tool__", &[(EntityType::AiTool, "Name"), (EntityType::AiTool, "ToolId")]),
    ("__resource__", &[(EntityType::AzureResource, "ResourceId")]),
    ("__address__", &[(EntityType::Ip, "Address")]),
    ("__source__", &[(EntityType::Url, "Url"), (EntityType::File, "Name"), (EntityType::Ip, "Address")]),
];

const PRINCIPAL: &[(EntityType, &str)] =
    &[(EntityType::Account, "AadUserId"), (EntityType::Account, "FullName"), (EntityType::Account, "Name")];

/// An incident, as far as playbooks ask.
pub(crate) struct About {
    title: String,
    number: String,
    severity: String,
    entities: Entities,
    /// Custom details of all alerts by name.
    details: BTreeMap<String, Vec<String>>,
}

impl About {
    /// What an incident says.
    pub(crate) fn of(incident: &Incident) -> About {
        About {
            title: incident.title.clone(),
            number: incident.number.to_string(),
            severity: incident.severity.as_str().to_owned(),
            entities: incident.entities(),
            details: details(incident),
        }
    }

    /// The same out of the JSON that `castellan incident show` gives; what is not in it is not said.
    pub(crate) fn read(case: &Value) -> About {
        let text = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
        let mut about = About {
            title: text("title"),
            number: case["number"].to_string(),
            severity: text("severity"),
            entities: Entities::default(),
            details: BTreeMap::new(),
        };
        for node in case["entities"].as_array().into_iter().flatten() {
            let kind = node["kind"].as_str().and_then(EntityType::named);
            let given = node["values"].as_object().into_iter().flatten();
            let given = given.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
            if let Some(entity) = kind.and_then(|(kind, _)| Entity::new(kind, given)) {
                about.entities.add(entity);
            }
        }
        for alert in case["alerts"].as_array().into_iter().flatten() {
            for (name, values) in alert["details"].as_object().into_iter().flatten() {
                let own = about.details.entry(name.clone()).or_default();
                own.extend(
                    values.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned),
                );
            }
        }
        about
    }
}

/// Values for the variables of a playbook that have to be given, and for its title, case and severity: what an incident
/// is, its entities, and details of its alerts by the same name (`__attempts__` is filled by `Attempts`). What an incident
/// does not say is left out; the playbook is not started then, and says which it lacks.
pub(crate) fn variables(playbook: &Playbook, about: &About) -> BTreeMap<String, String> {
    let mut given = BTreeMap::new();
    for (name, variable) in playbook.variables.iter().filter(|(_, variable)| !variable.constant) {
        let from_alerts =
            || of_details(name, variable, &about.details).or_else(|| of_entities(name, &about.entities));
        let said = own(name, about).or_else(|| variable.external.then(from_alerts).flatten());
        given.extend(said.filter(|text| variable.kind.accepts(text)).map(|text| (name.clone(), text)));
    }
    given
}

fn own(name: &str, about: &About) -> Option<String> {
    Some(match name {
        "__title__" => about.title.clone(),
        "__case__" => about.number.clone(),
        // The scale of CACAO: the middle of each quarter.
        "__severity__" => match about.severity.as_str() {
            "High" => "88",
            "Medium" => "63",
            "Low" => "38",
            _ => "13",
        }
        .to_owned(),
        _ => return None,
    })
}

fn of_details(name: &str, variable: &Variable, details: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let plain =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let wanted = plain(name);
    let (_, values) = details.iter().find(|(known, _)| plain(known) == wanted)?;
    match variable.kind {
        VariableType::List => serde_json::to_string(values).ok(),
        _ => values.first().cloned(),
    }
}

fn of_entities(name: &str, entities: &Entities) -> Option<String> {
    let (_, sources) = VARIABLES.iter().find(|(known, _)| *known == name)?;
    sources.iter().find_map(|(entity, identifier)| values(entities, *entity, identifier).into_iter().next())
}

/// The values of an identifier of all entities of a type.
pub(crate) fn values(entities: &Entities, entity: EntityType, identifier: &str) -> Vec<String> {
    let of = entities.list().iter().filter(|known| known.entity == entity);
    of.filter_map(|known| value(known, identifier)).collect()
}

/// An identifier of an entity. The name of an account is kept in parts, and the gate knows the whole.
fn value(entity: &Entity, identifier: &str) -> Option<String> {
    let part = |identifier: &str| entity.value(identifier);
    if (entity.entity, identifier) != (EntityType::Account, "FullName") || part("FullName").is_some() {
        return part(identifier).map(str::to_owned);
    }
    match (part("Name")?, part("UPNSuffix"), part("NTDomain")) {
        (name, Some(suffix), _) => Some(format!("{name}@{suffix}")),
        (name, None, Some(domain)) => Some(format!("{domain}\\{name}")),
        (name, None, None) => Some(name.to_owned()),
    }
}

/// Custom details of all alerts by name.
pub(crate) fn details(incident: &Incident) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for firing in incident.in_order() {
        for (name, values) in &firing.alert.details {
            let own = found.entry(name.to_string()).or_default();
            own.extend(values.iter().filter(|value| !own.contains(value)).cloned().collect::<Vec<_>>());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use castellan_respond::Library;
    use serde_json::json;

    use super::*;
    use crate::detect::Read;

    /// Whatever rule raises an incident, the playbook that the rule names is there and can be started: no variable of it that
    /// has to be given is one of which the rule's alerts say nothing.
    #[test]
    fn rules_give_what_their_playbooks_want() {
        let library = Library::embedded();
        let mut read = Read::default();
        read.built_in();
        let mut wrong = Vec::new();
        for rule in &read.rules {
            let Some(name) = rule.playbook.as_deref() else { continue };
            let Some(entry) = library.find(name) else {
                wrong.push(format!("{}: there is no playbook `{name}`", rule.name));
                continue;
            };
            let mapped = rule.entities.iter().flat_map(|mapping| {
                mapping.fields.iter().map(|field| (mapping.entity, field.identifier.text.to_string()))
            });
            let entities = mapped.filter_map(|(kind, identifier)| {
                Entity::new(kind, [(identifier.as_str(), "0b1c2d3e-0000-4000-8000-000000000001")])
            });
            let mut about = About::read(&json!({ "title": "t", "number": 1, "severity": "High" }));
            entities.for_each(|entity| about.entities.add(entity));
            about.details =
                rule.details.iter().map(|detail| (detail.name.to_string(), vec!["1".to_owned()])).collect();
            let given = variables(&entry.playbook, &about);
            let lacking = entry.playbook.variables.iter().filter(|(name, variable)| {
                variable.external && variable.value.is_none() && !given.contains_key(*name)
            });
            wrong.extend(lacking.map(|(lacking, _)| format!("{}: `{name}` wants {lacking}", rule.name)));
        }
        assert!(read.rules.iter().filter(|rule| rule.playbook.is_some()).count() > 90);
        assert_eq!(wrong, Vec::<String>::new());
    }

    /// The JSON of an incident says what the incident says.
    #[test]
    fn an_incident_is_read_from_its_json() {
        let case = json!({
            "number": 7, "title": "Key used elsewhere", "severity": "High",
            "entities": [
                { "kind": "Account", "label": "ann@contoso.com", "values": { "Name": "ann", "UPNSuffix": "contoso.com" } },
                { "kind": "AzureResource", "label": "a", "values": { "ResourceId": "/subscriptions/s" } },
            ],
            "alerts": [{ "details": { "Fingerprint": ["b3:77"] } }],
        });
        let library = Library::embedded();
        let leaked = &library.find("leaked-model-key").unwrap().playbook;
        let given = variables(leaked, &About::read(&case));
        let said = |name: &str| given.get(name).map(String::as_str);
        assert_eq!(said("__title__"), Some("Key used elsewhere"));
        assert_eq!(said("__case__"), Some("7"));
        assert_eq!(said("__subject__"), Some("ann@contoso.com"));
        assert_eq!(said("__resource__"), Some("/subscriptions/s"));
        assert_eq!(said("__fingerprint__"), Some("b3:77"));
        assert_eq!(said("__severity__"), Some("88"));
    }
}
