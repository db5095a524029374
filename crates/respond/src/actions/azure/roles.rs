//! Taking a role away.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::catalogue::{ActionSpec, Undo, required};
use super::super::{Action, ActionError, Call, Outputs, Probe};
use super::{AzureConnection, done, is_of_type, needed};

const SPEC: ActionSpec = ActionSpec {
    name: "azure.remove-role",
    summary: "removes a role assignment",
    inputs: &[required("assignment", "the role assignment's id")],
    outputs: &["principal", "role"],
    undo: Undo::Restores("the same principal gets the same role at the same scope, under the same id"),
    probe: "the role assignment is gone",
    permission: "Microsoft.Authorization/roleAssignments/delete, and write for the undo",
};

const TYPE: &str = "Microsoft.Authorization/roleAssignments";
const API_VERSION: &str = "2022-04-01";
/// What a role assignment is made of.
const KEPT: [&str; 7] = [
    "principalId",
    "principalType",
    "roleDefinitionId",
    "condition",
    "conditionVersion",
    "description",
    "delegatedManagedIdentityResourceId",
];

pub(super) struct RemoveRole {
    azure: Arc<AzureConnection>,
}

impl RemoveRole {
    pub(super) fn new(azure: Arc<AzureConnection>) -> RemoveRole {
        RemoveRole { azure }
    }

    fn id(call: &Call<'_>) -> Result<String, ActionError> {
        let id = call.text("assignment")?;
        // The scope before it may be a resource, so the last provider counts.
        let last = id.to_ascii_lowercase().rfind("/providers/").and_then(|at| id.get(at..));
        if last.is_some_and(|last| is_of_type(last, TYPE)) {
            return Ok(id);
        }
        Err(ActionError::refused(format!("`{id}` is no role assignment")))
    }
}

impl Action for RemoveRole {
    fn spec(&self) -> &ActionSpec {
        &SPEC
    }

    fn target(&self, call: &Call<'_>) -> String {
        call.shown("assignment")
    }

    fn change(&self, _: &Call<'_>) -> String {
        "the role assignment is removed".to_owned()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        let id = RemoveRole::id(call)?;
        let Some(assignment) = self.azure.get_arm(call, &id, API_VERSION)? else {
            return Ok(json!({"absent": true}));
        };
        // Without these two it could not be given back.
        for member in ["/properties/principalId", "/properties/roleDefinitionId"] {
            needed(&assignment, member, &id)?;
        }
        let properties = needed(&assignment, "/properties", &id)?;
        let kept: Map<String, Value> = KEPT
            .iter()
            .filter_map(|name| {
                Some(((*name).to_owned(), properties.get(*name).filter(|value| !value.is_null())?.clone()))
            })
            .collect();
        Ok(json!({"properties": kept}))
    }

    fn perform(&self, call: &Call<'_>, before: &Value) -> Result<Outputs, ActionError> {
        let answer = self.azure.arm(call, Method::DELETE, &RemoveRole::id(call)?, API_VERSION, None)?;
        if answer.status != 404 {
            done(&answer)?;
        }
        let text = |name: &str| before.pointer(&format!("/properties/{name}")).and_then(Value::as_str);
        let outputs = [("principal", text("principalId")), ("role", text("roleDefinitionId"))];
        Ok(outputs
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect())
    }

    fn probe(&self, call: &Call<'_>, before: &Value) -> Result<Probe, ActionError> {
        let is_there = self.azure.get_arm(call, &RemoveRole::id(call)?, API_VERSION)?.is_some();
        Ok(match (is_there, before.get("absent").is_some()) {
            (true, _) => Probe::NotInEffect("the role assignment is there".to_owned()),
            (false, true) => Probe::Repeatable,
            (false, false) => Probe::InEffect(BTreeMap::new()),
        })
    }

    fn undo(&self, call: &Call<'_>, before: &Value) -> Result<(), ActionError> {
        let Some(properties) = before.get("properties") else { return Ok(()) };
        let body = json!({"properties": properties});
        let answer = self.azure.arm(call, Method::PUT, &RemoveRole::id(call)?, API_VERSION, Some(&body))?;
        // A conflict says that the assignment is there.
        if answer.status == 409 { Ok(()) } else { done(&answer) }
    }
}
