//! Incidents as automation rules and playbooks see them.

use std::collections::BTreeMap;

use castellan_detect::entity::{Entities, EntityType};
use castellan_detect::incident::Incident;
use castellan_respond::automation::Subject;
use castellan_respond::playbook::{Playbook, Variable, VariableType};

/// The properties of entities that conditions may name. Source: Microsoft Sentinel documentation, "Automation rules
/// reference"; the last four are ours.
const PROPERTIES: [(EntityType, &str, &str); 38] = [
    (EntityType::Account, "AadTenantId", "AccountAadTenantId"),
    (EntityType::Account, "AadUserId", "AccountAadUserId"),
    (EntityType::Account, "NTDomain", "AccountNTDomain"),
    (EntityType::Account, "Name", "AccountName"),
    (EntityType::Account, "ObjectGuid", "AccountObjectGuid"),
    (EntityType::Account, "PUID", "AccountPUID"),
    (EntityType::Account, "Sid", "AccountSid"),
    (EntityType::Account, "UPNSuffix", "AccountUPNSuffix"),
    (EntityType::AzureResource, "ResourceId", "AzureResourceResourceId"),
    (EntityType::CloudApplication, "AppId", "CloudApplicationAppId"),
    (EntityType::CloudApplication, "Name", "CloudApplicationAppName"),
    (EntityType::Dns, "DomainName", "DNSDomainName"),
    (EntityType::File, "Directory", "FileDirectory"),
    (EntityType::File, "Name", "FileName"),
    (EntityType::FileHash, "Value", "FileHashValue"),
    (EntityType::Host, "AzureID", "HostAzureID"),
    (EntityType::Host, "HostName", "HostName"),
    (EntityType::Host, "NTDomain", "HostNTDomain"),
    (EntityType::Host, "NetBiosName", "HostNetBiosName"),
    (EntityType::Host, "OSVersion", "HostOSVersion"),
    (EntityType::IoTDevice, "DeviceId", "IoTDeviceId"),
    (EntityType::IoTDevice, "DeviceName", "IoTDeviceName"),
    (EntityType::Ip, "Address", "IPAddress"),
    (EntityType::Mailbox, "DisplayName", "MailboxDisplayName"),
    (EntityType::Mailbox, "MailboxPrimaryAddress", "MailboxPrimaryAddress"),
    (EntityType::Mailbox, "Upn", "MailboxUPN"),
    (EntityType::MailMessage, "Recipient", "MailMessageRecipient"),
    (EntityType::MailMessage, "SenderIP", "MailMessageSenderIP"),
    (EntityType::MailMessage, "Subject", "MailMessageSubject"),
    (EntityType::Malware, "Category", "MalwareCategory"),
    (EntityType::Malware, "Name", "MalwareName"),
    (EntityType::Process, "CommandLine", "ProcessCommandLine"),
    (EntityType::Process, "ProcessId", "ProcessId"),
    (EntityType::RegistryKey, "Key", "RegistryKey"),
    (EntityType::Url, "Url", "Url"),
    (EntityType::AiAgent, "AgentId", "AgentId"),
    (EntityType::AiModel, "Deployment", "ModelDeploymentName"),
    (EntityType::AiTool, "Name", "ToolName"),
];

/// Variables of playbooks and what of an incident's entities fills them: the first value that there is.
const VARIABLES: [(&str, &[(EntityType, &str)]); 9] = [
    ("__principal__", PRINCIPAL),
    ("__subject__", PRINCIPAL),
    ("__service_principal__", &[(EntityType::Account, "AadUserId"), (EntityType::CloudApplication, "AppId")]),
    ("__agent__", &[(EntityType::AiAgent, "AgentId"), (EntityType::AiAgent, "Name")]),
    ("__model__", &[(EntityType::AiModel, "Deployment"), (EntityType::AiModel, "Name")]),
    ("__tool__", &[(EntityType::AiTool, "Name"), (EntityType::AiTool, "ToolId")]),
    ("__resource__", &[(EntityType::AzureResource, "ResourceId")]),
    ("__address__", &[(EntityType::Ip, "Address")]),
    ("__source__", &[(EntityType::Url, "Url"), (EntityType::File, "Name"), (EntityType::Ip, "Address")]),
];

const PRINCIPAL: &[(EntityType, &str)] = &[
    (EntityType::Account, "AadUserId"),
    (EntityType::Account, "FullName"),
    (EntityType::Account, "Name"),
    (EntityType::AiAgent, "AgentId"),
];

/// An incident by the names that conditions have.
pub(super) fn subject(incident: &Incident) -> Subject {
    let texts = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect::<Vec<String>>();
    let rules = || incident.rules.iter().map(|rule| rule.to_string());
    let mut subject = Subject::default()
        .with("IncidentTitle", [incident.title.as_str()])
        .with("IncidentDescription", [incident.description.as_str()])
        .with("IncidentSeverity", [incident.severity.as_str()])
        .with("IncidentStatus", [incident.status.as_str()])
        .with("IncidentTactics", incident.tactics.iter().map(|tactic| tactic.as_str()))
        .with("IncidentLabel", texts(incident.labels.iter().map(|label| label.name.as_str()).collect()))
        .with("IncidentOwner", [incident.owner.assigned_to.as_str()])
        .with("IncidentProviderName", ["Azure Sentinel"])
        .with("AlertProductNames", ["Azure Sentinel"])
        .with("IncidentUpdatedBySource", [incident.modified_by.as_str()])
        .with("IncidentRelatedAnalyticRuleIds", rules())
        .with("AlertAnalyticRuleIds", rules());
    let entities = incident.entities();
    for (entity, identifier, property) in PROPERTIES {
        let values = values(&entities, entity, identifier);
        if !values.is_empty() {
            subject = subject.with(property, values);
        }
    }
    for (name, values) in details(incident) {
        subject = subject.with_detail(&name, values);
    }
    subject
}

fn values(entities: &Entities, entity: EntityType, identifier: &str) -> Vec<String> {
    let of = entities.list().iter().filter(|known| known.entity == entity);
    of.filter_map(|known| known.value(identifier)).map(str::to_owned).collect()
}

/// Custom details of all alerts by name.
fn details(incident: &Incident) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for firing in incident.in_order() {
        for (name, values) in &firing.alert.details {
            let own = found.entry(name.to_string()).or_default();
            own.extend(values.iter().filter(|value| !own.contains(value)).cloned().collect::<Vec<_>>());
        }
    }
    found
}

/// Values for the variables of a playbook that have to be given, and for its title, case and severity: what an incident
/// is, its entities, and details of its alerts by the same name (`__attempts__` is filled by `Attempts`). What an incident
/// does not say is left out; the playbook is not started then, and says which it lacks.
pub(super) fn variables(playbook: &Playbook, incident: &Incident) -> BTreeMap<String, String> {
    let (entities, details) = (incident.entities(), details(incident));
    let mut given = BTreeMap::new();
    for (name, variable) in playbook.variables.iter().filter(|(_, variable)| !variable.constant) {
        let from_alerts = || of_details(name, variable, &details).or_else(|| of_entities(name, &entities));
        let said = own(name, incident).or_else(|| variable.external.then(from_alerts).flatten());
        given.extend(said.filter(|text| variable.kind.accepts(text)).map(|text| (name.clone(), text)));
    }
    given
}

fn own(name: &str, incident: &Incident) -> Option<String> {
    Some(match name {
        "__title__" => incident.title.clone(),
        "__case__" => incident.number.to_string(),
        // The scale of CACAO: the middle of each quarter.
        "__severity__" => match incident.severity.as_str() {
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
