//! `cargo xtask sample-estate COUNT FILE`: a Resource Graph export of any size for measurements, the same every time.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::random::Random;

/// Types in the proportions of an ordinary estate with AI in it.
const TYPES: &[&str] = &[
    "microsoft.storage/storageaccounts",
    "microsoft.compute/virtualmachines",
    "microsoft.network/networkinterfaces",
    "microsoft.network/networksecuritygroups",
    "microsoft.network/virtualnetworks",
    "microsoft.network/privateendpoints",
    "microsoft.keyvault/vaults",
    "microsoft.cognitiveservices/accounts",
    "microsoft.search/searchservices",
    "microsoft.machinelearningservices/workspaces",
    "microsoft.containerregistry/registries",
    "microsoft.containerservice/managedclusters",
    "microsoft.web/sites",
    "microsoft.sql/servers",
    "microsoft.sql/servers/databases",
    "microsoft.documentdb/databaseaccounts",
    "microsoft.dbforpostgresql/flexibleservers",
    "microsoft.apimanagement/service",
    "microsoft.app/containerapps",
    "microsoft.operationalinsights/workspaces",
];

pub(crate) fn write(count: &str, file: &str) -> Result<()> {
    let count: usize = count.parse().with_context(|| format!("`{count}` is not a number of resources"))?;
    let mut random = Random::new(20_261_121);
    let data: Vec<Value> = (0..count).map(|index| resource(index, &mut random)).collect();
    let export = json!({"totalRecords": count, "count": count, "resultTruncated": "false", "data": data});
    std::fs::write(Path::new(file), serde_json::to_string(&export)?)
        .with_context(|| format!("cannot write {file}"))
}

fn resource(index: usize, random: &mut Random) -> Value {
    let resource_type = random.pick(TYPES);
    let subscription = format!("00000000-0000-4000-8000-{:012}", index % 4);
    let group = format!("rg-{}", index % 200);
    let (provider, kinds) = resource_type.split_once('/').unwrap_or((resource_type, ""));
    let name = format!("r{index}");
    let mut id = format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}");
    let segments: Vec<&str> = kinds.split('/').collect();
    for (depth, segment) in segments.iter().enumerate() {
        let own = if depth + 1 == segments.len() { name.clone() } else { format!("parent{}", index % 50) };
        id.push_str(&format!("/{segment}/{own}"));
    }
    json!({
        "id": id,
        "name": name,
        "type": resource_type,
        "kind": random.pick(&["", "OpenAI", "StorageV2", "AIServices", "app"]),
        "location": random.pick(&["swedencentral", "westeurope", "eastus2"]),
        "resourceGroup": group,
        "subscriptionId": subscription,
        "sku": {"name": random.pick(&["Standard_LRS", "S0", "standard", "Premium", "Basic"]), "tier": "Standard"},
        "tags": {"team": random.pick(&["claims", "fraud", "web"]), "env": random.pick(&["prod", "test"])},
        "identity": if random.flag() { json!({"type": "SystemAssigned"}) } else { Value::Null },
        "properties": properties(random),
    })
}

/// Properties that many definitions ask for; a real resource has some twenty to sixty of them.
fn properties(random: &mut Random) -> Value {
    json!({
        "provisioningState": "Succeeded",
        "publicNetworkAccess": random.pick(&["Enabled", "Disabled"]),
        "disableLocalAuth": random.flag(),
        "allowSharedKeyAccess": random.flag(),
        "allowBlobPublicAccess": random.flag(),
        "supportsHttpsTrafficOnly": random.flag(),
        "minimumTlsVersion": random.pick(&["TLS1_0", "TLS1_2"]),
        "httpsOnly": random.flag(),
        "adminUserEnabled": random.flag(),
        "enableRbacAuthorization": random.flag(),
        "enablePurgeProtection": random.flag(),
        "enableSoftDelete": true,
        "softDeleteRetentionInDays": 90,
        "networkAcls": {
            "defaultAction": random.pick(&["Allow", "Deny"]),
            "bypass": "AzureServices",
            "ipRules": [{"value": "203.0.113.7"}, {"value": "198.51.100.0/24"}],
            "virtualNetworkRules": [],
        },
        "encryption": {"keySource": random.pick(&["Microsoft.Storage", "Microsoft.KeyVault"]),
                       "services": {"blob": {"enabled": true}, "file": {"enabled": true}}},
        "siteConfig": {"minTlsVersion": "1.2", "ftpsState": random.pick(&["AllAllowed", "FtpsOnly"]), "http20Enabled": true},
        "storageProfile": {"osDisk": {"osType": "Linux", "managedDisk": {"storageAccountType": "Premium_LRS"}},
                           "imageReference": {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server"}},
        "securityRules": [
            {"name": "ssh", "properties": {"access": "Allow", "direction": "Inbound", "protocol": "Tcp",
             "destinationPortRange": random.pick(&["22", "443", "3389"]), "sourceAddressPrefix": random.pick(&["*", "10.0.0.0/8"])}},
            {"name": "web", "properties": {"access": "Allow", "direction": "Inbound", "protocol": "Tcp",
             "destinationPortRange": "443", "sourceAddressPrefix": "Internet"}},
        ],
        "privateEndpointConnections": if random.flag() {
            json!([{"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}])
        } else { json!([]) },
        "agentPoolProfiles": [{"name": "gpu", "count": 2, "vmSize": "Standard_NC24ads_A100_v4", "enableEncryptionAtHost": random.flag()}],
    })
}
