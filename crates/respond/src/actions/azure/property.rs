//! Properties of resources: key access off, network access off, reading without a name off.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::catalogue::{ActionSpec, Undo, required};
use super::super::{Action, ActionError, Call, Outputs, Probe};
use super::{AzureConnection, done, is_of_type, needed};

/// A type of resource and what is set there.
struct Setting {
    resource_type: &'static str,
    api_version: &'static str,
    /// Members of `properties` with what they are set to.
    values: &'static [(&'static str, &'static str)],
}

const KEYS_OFF: [Setting; 3] = [
    Setting {
        resource_type: "Microsoft.CognitiveServices/accounts",
        api_version: "2025-06-01",
        values: &[("disableLocalAuth", "true")],
    },
    Setting {
        resource_type: "Microsoft.Search/searchServices",
        api_version: "2025-05-01",
        values: &[("disableLocalAuth", "true")],
    },
    Setting {
        resource_type: STORAGE,
        api_version: "2024-01-01",
        values: &[("allowSharedKeyAccess", "false")],
    },
];

const NETWORK_OFF: [Setting; 5] = [
    Setting {
        resource_type: "Microsoft.CognitiveServices/accounts",
        api_version: "2025-06-01",
        values: &[("publicNetworkAccess", "\"Disabled\"")],
    },
    Setting {
        resource_type: "Microsoft.MachineLearningServices/workspaces",
        api_version: "2025-06-01",
        values: &[("publicNetworkAccess", "\"Disabled\"")],
    },
    Setting {
        resource_type: "Microsoft.Search/searchServices",
        api_version: "2025-05-01",
        values: &[("publicNetworkAccess", "\"disabled\"")],
    },
    Setting {
        resource_type: STORAGE,
        api_version: "2024-01-01",
        values: &[("publicNetworkAccess", "\"Disabled\"")],
    },
    Setting {
        resource_type: "Microsoft.KeyVault/vaults",
        api_version: "2024-11-01",
        values: &[("publicNetworkAccess", "\"Disabled\"")],
    },
];

const NAMELESS_OFF: [Setting; 1] = [Setting {
    resource_type: STORAGE,
    api_version: "2024-01-01",
    values: &[("allowBlobPublicAccess", "false")],
}];

const STORAGE: &str = "Microsoft.Storage/storageAccounts";

const SPECS: [(ActionSpec, &[Setting]); 3] = [
    (
        ActionSpec {
            name: "azure.disable-keys",
            summary: "turns access by keys off at an AI service, a search service or a storage account",
            inputs: &[required("resource", "the resource's id")],
            outputs: &[],
            undo: Undo::Restores("access by keys is set to what it was"),
            probe: "the resource says that keys are off",
            permission: "write on the resource, for example Cognitive Services Contributor",
        },
        &KEYS_OFF,
    ),
    (
        ActionSpec {
            name: "azure.isolate-network",
            summary: "closes a resource to public networks; private endpoints stay",
            inputs: &[required("resource", "the resource's id")],
            outputs: &[],
            undo: Undo::Restores("public network access is set to what it was"),
            probe: "the resource says that public network access is off",
            permission: "write on the resource",
        },
        &NETWORK_OFF,
    ),
    (
        ActionSpec {
            name: "azure.disable-public-blobs",
            summary: "ends reading without a name in all containers of a storage account",
            inputs: &[required("resource", "the id of the account, or of what it holds")],
            outputs: &[],
            undo: Undo::Restores("public reading is allowed or not as it was"),
            probe: "the account says that public reading is off",
            permission: "write on the account",
        },
        &NAMELESS_OFF,
    ),
];

pub(super) fn actions(azure: &Arc<AzureConnection>) -> Vec<Box<dyn Action>> {
    let action = |(spec, settings)| {
        Box::new(SetProperty { spec, settings, azure: Arc::clone(azure) }) as Box<dyn Action>
    };
    SPECS.into_iter().map(action).collect()
}

struct SetProperty {
    spec: ActionSpec,
    settings: &'static [Setting],
    azure: Arc<AzureConnection>,
}

impl SetProperty {
    /// The id of the resource that has the property, and what is set there.
    fn setting<'i>(&self, id: &'i str) -> Result<(&'i str, &'static Setting), ActionError> {
        let id = account(id);
        let found = self.settings.iter().find(|setting| is_of_type(id, setting.resource_type));
        found.map(|setting| (id, setting)).ok_or_else(|| {
            let known: Vec<&str> = self.settings.iter().map(|setting| setting.resource_type).collect();
            ActionError::refused(format!("`{id}` is none of {}", known.join(", ")))
        })
    }

    fn properties(&self, call: &Call<'_>) -> Result<(&'static Setting, Value), ActionError> {
        let id = call.text("resource")?;
        let (id, setting) = self.setting(&id)?;
        let resource = self.azure.get_arm(call, id, setting.api_version)?;
        let resource =
            resource.ok_or_else(|| ActionError::refused(format!("there is no resource `{id}`")))?;
        let properties = needed(&resource, "/properties", id)?.clone();
        Ok((setting, properties))
    }

    fn patch(&self, call: &Call<'_>, values: Map<String, Value>) -> Result<(), ActionError> {
        let id = call.text("resource")?;
        let (id, setting) = self.setting(&id)?;
        let body = json!({"properties": values});
        let answer = self.azure.arm(call, Method::PATCH, id, setting.api_version, Some(&body))?;
        done(&answer)
    }
}

/// The storage account of a container or of its service for blobs, as logs name them; any other id as it is.
fn account(id: &str) -> &str {
    let lower = id.to_ascii_lowercase();
    let inside = lower.find("/blobservices/default").filter(|at| {
        let rest = lower.get(at + "/blobservices/default".len()..).unwrap_or_default();
        let name = rest.strip_prefix("/containers/").unwrap_or_default();
        rest.is_empty()
            || (!name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-$".contains(&byte)))
    });
    inside.and_then(|at| id.get(..at)).filter(|account| is_of_type(account, STORAGE)).unwrap_or(id)
}

fn wanted(setting: &Setting) -> Map<String, Value> {
    let value = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    setting.values.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect()
}

impl Action for SetProperty {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn target(&self, call: &Call<'_>) -> String {
        call.shown("resource")
    }

    fn change(&self, call: &Call<'_>) -> String {
        match self.setting(&call.shown("resource")) {
            Ok((_, setting)) => {
                let change = |(name, value): &(&str, &str)| format!("properties.{name} becomes {value}");
                setting.values.iter().map(change).collect::<Vec<_>>().join(", ")
            }
            Err(error) => error.message,
        }
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        let (setting, properties) = self.properties(call)?;
        let old = |(name, _): &(&str, &str)| {
            ((*name).to_owned(), properties.get(*name).cloned().unwrap_or_default())
        };
        Ok(Value::Object(setting.values.iter().map(old).collect()))
    }

    fn perform(&self, call: &Call<'_>, _: &Value) -> Result<Outputs, ActionError> {
        let wanted = wanted(self.setting(&call.text("resource")?)?.1);
        self.patch(call, wanted)?;
        Ok(BTreeMap::new())
    }

    fn probe(&self, call: &Call<'_>, before: &Value) -> Result<Probe, ActionError> {
        let (setting, properties) = self.properties(call)?;
        let wanted = wanted(setting);
        if before == &Value::Object(wanted.clone()) {
            // It was so before: nothing to prove, nothing to take back.
            return Ok(Probe::Repeatable);
        }
        let differs = wanted.iter().find(|(name, value)| properties.get(*name) != Some(*value));
        Ok(match differs {
            None => Probe::InEffect(BTreeMap::new()),
            Some((name, _)) => {
                let found = properties.get(name).cloned().unwrap_or_default();
                Probe::NotInEffect(format!("the resource has {name} at {found}"))
            }
        })
    }

    fn undo(&self, call: &Call<'_>, before: &Value) -> Result<(), ActionError> {
        let old = before.as_object().cloned().unwrap_or_default();
        let id = call.text("resource")?;
        let (_, setting) = self.setting(&id)?;
        // A property that was not there has the service's default, which is open for each of these but reading without a
        // name: that was allowed by default once and is not any more, so it stays off.
        let open = |name: &str| match name {
            "disableLocalAuth" | "allowBlobPublicAccess" => json!(false),
            "allowSharedKeyAccess" => json!(true),
            _ if setting.resource_type.starts_with("Microsoft.Search") => json!("enabled"),
            _ => json!("Enabled"),
        };
        let values = old.into_iter().map(|(name, value)| {
            let value = if value.is_null() { open(&name) } else { value };
            (name, value)
        });
        self.patch(call, values.collect())
    }
}
