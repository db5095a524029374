//! Identities: users and service principals (agents have those too), through Microsoft Graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::super::catalogue::{ActionSpec, Undo, required};
use super::super::{Action, ActionError, Call, Outputs, Probe};
use super::{AzureConnection, done, found, needed};

const DISABLE_UNDO: Undo = Undo::Restores("the identity is enabled as it was");
const DISABLE_PROBE: &str = "Graph says that the identity is disabled";

const SPECS: [(ActionSpec, &str); 2] = [
    (
        ActionSpec {
            name: "entra.disable-user",
            summary: "disables a user",
            inputs: &[required("user", "the user's object id")],
            outputs: &[],
            undo: DISABLE_UNDO,
            probe: DISABLE_PROBE,
            permission: "User.EnableDisableAccount.All in Microsoft Graph",
        },
        "user",
    ),
    (
        ActionSpec {
            name: "entra.disable-service-principal",
            summary: "disables a service principal: an application or an agent's identity",
            inputs: &[required("service_principal", "the service principal's object id")],
            outputs: &[],
            undo: DISABLE_UNDO,
            probe: DISABLE_PROBE,
            permission: "Application.ReadWrite.All in Microsoft Graph, or owner of the application",
        },
        "service_principal",
    ),
];

const REVOKE: ActionSpec = ActionSpec {
    name: "entra.revoke-sessions",
    summary: "ends a user's sign-in sessions",
    inputs: &[required("user", "the user's object id")],
    outputs: &[],
    undo: Undo::Irreversible("the user signs in again"),
    probe: "sessions count from a later time than before",
    permission: "User.RevokeSessions.All in Microsoft Graph",
};

pub(super) fn actions(azure: &Arc<AzureConnection>) -> Vec<Box<dyn Action>> {
    let disable =
        |(spec, input)| Box::new(Disable { spec, input, azure: Arc::clone(azure) }) as Box<dyn Action>;
    let mut actions: Vec<Box<dyn Action>> = SPECS.into_iter().map(disable).collect();
    actions.push(Box::new(Revoke { azure: Arc::clone(azure) }));
    actions
}

/// The path of an identity.
fn path(call: &Call<'_>, input: &str) -> Result<String, ActionError> {
    let id = call.text(input)?;
    if !crate::playbook::is_uuid(&id) {
        return Err(ActionError::refused(format!("`{id}` is no object id; give the GUID")));
    }
    let collection = if input == "user" { "users" } else { "servicePrincipals" };
    Ok(format!("/v1.0/{collection}/{id}"))
}

fn member(azure: &AzureConnection, call: &Call<'_>, path: &str, name: &str) -> Result<Value, ActionError> {
    let answer = azure.graph(call, Method::GET, path, &format!("?$select=id,{name}"), None)?;
    let identity = found(&answer)?;
    let identity = identity.ok_or_else(|| ActionError::refused(format!("there is no identity `{path}`")))?;
    Ok(needed(&identity, &format!("/{name}"), path)?.clone())
}

struct Disable {
    spec: ActionSpec,
    input: &'static str,
    azure: Arc<AzureConnection>,
}

impl Disable {
    fn set(&self, call: &Call<'_>, enabled: bool) -> Result<(), ActionError> {
        let body = json!({"accountEnabled": enabled});
        let answer = self.azure.graph(call, Method::PATCH, &path(call, self.input)?, "", Some(&body))?;
        done(&answer)
    }
}

impl Action for Disable {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn target(&self, call: &Call<'_>) -> String {
        call.shown(self.input)
    }

    fn change(&self, _: &Call<'_>) -> String {
        "accountEnabled becomes false; no new tokens are issued, those that are out live on until they end"
            .to_owned()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        Ok(json!({"accountEnabled": member(&self.azure, call, &path(call, self.input)?, "accountEnabled")?}))
    }

    fn perform(&self, call: &Call<'_>, _: &Value) -> Result<Outputs, ActionError> {
        self.set(call, false)?;
        Ok(BTreeMap::new())
    }

    fn probe(&self, call: &Call<'_>, before: &Value) -> Result<Probe, ActionError> {
        let now = member(&self.azure, call, &path(call, self.input)?, "accountEnabled")?;
        let was_off = before.get("accountEnabled") == Some(&json!(false));
        Ok(match (now == json!(false), was_off) {
            (true, true) => Probe::Repeatable,
            (true, false) => Probe::InEffect(BTreeMap::new()),
            (false, _) => Probe::NotInEffect("the identity is enabled".to_owned()),
        })
    }

    fn undo(&self, call: &Call<'_>, before: &Value) -> Result<(), ActionError> {
        let was_off = before.get("accountEnabled") == Some(&json!(false));
        if was_off { Ok(()) } else { self.set(call, true) }
    }
}

struct Revoke {
    azure: Arc<AzureConnection>,
}

impl Action for Revoke {
    fn spec(&self) -> &ActionSpec {
        &REVOKE
    }

    fn target(&self, call: &Call<'_>) -> String {
        call.shown("user")
    }

    fn change(&self, _: &Call<'_>) -> String {
        "all sessions end; refresh tokens are worth nothing any more".to_owned()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        Ok(
            json!({"from": member(&self.azure, call, &path(call, "user")?, "signInSessionsValidFromDateTime")?}),
        )
    }

    fn perform(&self, call: &Call<'_>, _: &Value) -> Result<Outputs, ActionError> {
        let path = format!("{}/revokeSignInSessions", path(call, "user")?);
        let answer = self.azure.graph(call, Method::POST, &path, "", Some(&json!({})))?;
        done(&answer)?;
        Ok(BTreeMap::new())
    }

    fn probe(&self, call: &Call<'_>, before: &Value) -> Result<Probe, ActionError> {
        let now = member(&self.azure, call, &path(call, "user")?, "signInSessionsValidFromDateTime")?;
        if before.get("from") == Some(&now) {
            return Ok(Probe::NotInEffect("sessions count from the time that was there before".to_owned()));
        }
        Ok(Probe::InEffect(BTreeMap::new()))
    }

    fn undo(&self, _: &Call<'_>, _: &Value) -> Result<(), ActionError> {
        Err(ActionError::refused(REVOKE.undo.to_string()))
    }
}
