//! Incidents as automation rules see them.

use castellan_detect::entity::EntityType;
use castellan_detect::incident::Incident;
use castellan_respond::automation::Subject;

use crate::playbook::about::{details, values};

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
