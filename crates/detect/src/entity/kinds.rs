//! Types of entities, their identifiers, and which of these are strong.

use serde::{Deserialize, Serialize};

/// The longest value that is kept, in bytes.
pub const MAX_VALUE: usize = 2_048;

/// A type of entity. The last three are ours: Microsoft Sentinel has none for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)] // The names are those of the reference.
pub enum EntityType {
    Account,
    Host,
    Ip,
    Url,
    AzureResource,
    CloudApplication,
    Dns,
    File,
    FileHash,
    Malware,
    Process,
    RegistryKey,
    RegistryValue,
    SecurityGroup,
    Mailbox,
    MailCluster,
    MailMessage,
    SubmissionMail,
    IoTDevice,
    AiAgent,
    AiModel,
    AiTool,
}

/// A type with what is known of it.
struct Known {
    entity: EntityType,
    /// As rules write it.
    name: &'static str,
    /// As alerts write it.
    json: &'static str,
    /// Its identifiers, the most telling first.
    identifiers: &'static [&'static str],
    /// Sets of identifiers of which each says what the entity is.
    strong: &'static [&'static [&'static str]],
}

const KNOWN: [Known; 22] = [
    Known {
        entity: EntityType::Account,
        name: "Account",
        json: "account",
        identifiers: &[
            "FullName",
            "Name",
            "UPNSuffix",
            "NTDomain",
            "DnsDomain",
            "AadUserId",
            "AadTenantId",
            "Sid",
            "PUID",
            "ObjectGuid",
            "DisplayName",
            "CloudAppAccountId",
            "IsDomainJoined",
        ],
        strong: &[
            &["AadUserId"],
            &["Sid"],
            &["Name", "UPNSuffix"],
            &["Name", "NTDomain"],
            &["Name", "DnsDomain"],
            &["PUID"],
            &["ObjectGuid"],
        ],
    },
    Known {
        entity: EntityType::Host,
        name: "Host",
        json: "host",
        identifiers: &[
            "FullName",
            "HostName",
            "DnsDomain",
            "NTDomain",
            "NetBiosName",
            "AzureID",
            "OMSAgentID",
            "OSFamily",
            "OSVersion",
            "IsDomainJoined",
        ],
        strong: &[
            &["AzureID"],
            &["HostName", "DnsDomain"],
            &["HostName", "NTDomain"],
            &["NetBiosName", "DnsDomain"],
            &["NetBiosName", "NTDomain"],
            &["OMSAgentID"],
        ],
    },
    Known {
        entity: EntityType::Ip,
        name: "IP",
        json: "ip",
        identifiers: &["Address", "AddressScope"],
        strong: &[&["Address"]],
    },
    Known { entity: EntityType::Url, name: "URL", json: "url", identifiers: &["Url"], strong: &[&["Url"]] },
    Known {
        entity: EntityType::AzureResource,
        name: "AzureResource",
        json: "azure-resource",
        identifiers: &["ResourceId"],
        strong: &[&["ResourceId"]],
    },
    Known {
        entity: EntityType::CloudApplication,
        name: "CloudApplication",
        json: "cloud-application",
        identifiers: &["Name", "AppId", "InstanceName", "InstanceId", "SaasId"],
        strong: &[&["AppId"], &["Name"]],
    },
    Known {
        entity: EntityType::Dns,
        name: "DNS",
        json: "dns",
        identifiers: &["DomainName", "DnsServerIp", "HostIpAddress"],
        strong: &[&["DomainName"]],
    },
    Known {
        entity: EntityType::File,
        name: "File",
        json: "file",
        identifiers: &["Name", "Directory"],
        strong: &[&["Directory", "Name"]],
    },
    Known {
        entity: EntityType::FileHash,
        name: "FileHash",
        json: "filehash",
        identifiers: &["Value", "Algorithm"],
        strong: &[&["Value"]],
    },
    Known {
        entity: EntityType::Malware,
        name: "Malware",
        json: "malware",
        identifiers: &["Name", "Category"],
        strong: &[&["Name"]],
    },
    Known {
        entity: EntityType::Process,
        name: "Process",
        json: "process",
        identifiers: &["CommandLine", "ProcessId", "CreationTimeUtc", "ElevationToken"],
        strong: &[&["ProcessId", "CreationTimeUtc"]],
    },
    Known {
        entity: EntityType::RegistryKey,
        name: "RegistryKey",
        json: "registry-key",
        identifiers: &["Key", "Hive"],
        strong: &[&["Hive", "Key"]],
    },
    Known {
        entity: EntityType::RegistryValue,
        name: "RegistryValue",
        json: "registry-value",
        identifiers: &["Name", "Value", "ValueType", "Key"],
        strong: &[&["Key", "Name"]],
    },
    Known {
        entity: EntityType::SecurityGroup,
        name: "SecurityGroup",
        json: "security-group",
        identifiers: &["DistinguishedName", "SID", "ObjectGuid"],
        strong: &[&["DistinguishedName"], &["SID"], &["ObjectGuid"]],
    },
    Known {
        entity: EntityType::Mailbox,
        name: "Mailbox",
        json: "mailbox",
        identifiers: &[
            "MailboxPrimaryAddress",
            "DisplayName",
            "Upn",
            "ExternalDirectoryObjectId",
            "RiskLevel",
        ],
        strong: &[&["MailboxPrimaryAddress"], &["ExternalDirectoryObjectId"]],
    },
    Known {
        entity: EntityType::MailCluster,
        name: "MailCluster",
        json: "mailCluster",
        identifiers: &[
            "Query",
            "Source",
            "NetworkMessageIds",
            "CountByDeliveryStatus",
            "CountByThreatType",
            "CountByProtectionStatus",
            "Threats",
            "QueryTime",
            "MailCount",
            "IsVolumeAnomaly",
            "ClusterSourceIdentifier",
            "ClusterSourceType",
            "ClusterQueryStartTime",
            "ClusterQueryEndTime",
            "ClusterGroup",
        ],
        strong: &[&["Query", "Source"]],
    },
    Known {
        entity: EntityType::MailMessage,
        name: "MailMessage",
        json: "mailMessage",
        identifiers: &[
            "NetworkMessageId",
            "Recipient",
            "InternetMessageId",
            "Subject",
            "Sender",
            "P1Sender",
            "P1SenderDisplayName",
            "P1SenderDomain",
            "P2Sender",
            "P2SenderDisplayName",
            "P2SenderDomain",
            "SenderIP",
            "Urls",
            "Threats",
            "ReceivedDate",
            "BodyFingerprintBin1",
            "BodyFingerprintBin2",
            "BodyFingerprintBin3",
            "BodyFingerprintBin4",
            "BodyFingerprintBin5",
            "AntispamDirection",
            "DeliveryAction",
            "DeliveryLocation",
            "Language",
            "ThreatDetectionMethods",
        ],
        strong: &[&["NetworkMessageId", "Recipient"]],
    },
    Known {
        entity: EntityType::SubmissionMail,
        name: "SubmissionMail",
        json: "SubmissionMail",
        identifiers: &[
            "SubmissionId",
            "NetworkMessageId",
            "Recipient",
            "Submitter",
            "Sender",
            "SenderIp",
            "Subject",
            "Timestamp",
            "SubmissionDate",
            "ReportType",
        ],
        strong: &[&["SubmissionId", "NetworkMessageId", "Recipient", "Submitter"]],
    },
    Known {
        entity: EntityType::IoTDevice,
        name: "IoTDevice",
        json: "iotdevice",
        identifiers: &[
            "DeviceId",
            "DeviceName",
            "IoTHub",
            "IoTSecurityAgentId",
            "MacAddress",
            "SerialNumber",
        ],
        strong: &[&["IoTHub", "DeviceId"], &["DeviceId"]],
    },
    Known {
        entity: EntityType::AiAgent,
        name: "AIAgent",
        json: "ai-agent",
        identifiers: &["AgentId", "Name", "BlueprintId", "Platform"],
        strong: &[&["AgentId"], &["Platform", "Name"]],
    },
    Known {
        entity: EntityType::AiModel,
        name: "AIModel",
        json: "ai-model",
        identifiers: &["Name", "Deployment", "Provider", "ResourceId"],
        strong: &[&["ResourceId", "Deployment"], &["Provider", "Name"]],
    },
    Known {
        entity: EntityType::AiTool,
        name: "AITool",
        json: "ai-tool",
        identifiers: &["Name", "Server", "ToolId"],
        strong: &[&["Server", "Name"], &["ToolId"]],
    },
];

impl EntityType {
    /// All of them.
    pub const ALL: [EntityType; 22] = {
        let mut all = [EntityType::Account; 22];
        let mut at = 0;
        while at < 22 {
            // The bound of the loop is the length of both.
            #[allow(clippy::indexing_slicing)]
            {
                all[at] = KNOWN[at].entity;
            }
            at += 1;
        }
        all
    };

    fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.entity == self)
    }

    /// The name as rules write it: `IP`.
    pub fn name(self) -> &'static str {
        self.known().map_or("", |known| known.name)
    }

    /// The name as alerts write it: `ip`, `azure-resource`.
    pub fn json_name(self) -> &'static str {
        self.known().map_or("", |known| known.json)
    }

    /// Its identifiers, the most telling first.
    pub fn identifiers(self) -> &'static [&'static str] {
        self.known().map_or(&[], |known| known.identifiers)
    }

    /// Sets of identifiers of which each says what the entity is.
    pub fn strong(self) -> &'static [&'static [&'static str]] {
        self.known().map_or(&[], |known| known.strong)
    }

    /// The type of a name, as rules or as alerts write it, whatever its case; and whether rules write it so.
    pub fn named(name: &str) -> Option<(EntityType, bool)> {
        let plain = |text: &str| text.replace(['-', '_', ' '], "").to_lowercase();
        let wanted = plain(name);
        let alike = |known: &&Known| plain(known.name) == wanted || plain(known.json) == wanted;
        KNOWN.iter().find(alike).map(|known| (known.entity, known.name == name))
    }

    /// The identifier of a name, whatever its case.
    pub fn identifier(self, name: &str) -> Option<&'static str> {
        self.identifiers().iter().copied().find(|known| known.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_known_once() {
        for entity in EntityType::ALL {
            assert_eq!(EntityType::named(entity.name()), Some((entity, true)));
            assert_eq!(EntityType::named(entity.json_name()).map(|found| found.0), Some(entity));
            assert!(
                entity
                    .strong()
                    .iter()
                    .flat_map(|set| set.iter())
                    .all(|part| entity.identifier(part).is_some())
            );
        }
        assert_eq!(EntityType::named("Fish"), None);
    }
}
