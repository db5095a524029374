//! Setting a variable: an action that touches nothing but the run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::catalogue::{ActionSpec, Undo, required};
use super::{Action, ActionError, Call, Outputs, Probe};

const SPEC: ActionSpec = ActionSpec {
    name: "run.set",
    summary: "gives a text to a variable of the run",
    inputs: &[required("value", "the text")],
    outputs: &["value"],
    undo: Undo::Restores("nothing outside of the run was changed"),
    probe: "nothing to look at",
    permission: "",
};

/// Gives a text to a variable, which the step names among its outputs.
pub(super) struct Set;

impl Action for Set {
    fn spec(&self) -> &ActionSpec {
        &SPEC
    }

    fn target(&self, _: &Call<'_>) -> String {
        "the run".to_owned()
    }

    fn change(&self, call: &Call<'_>) -> String {
        format!("a variable becomes `{}`", call.shown("value"))
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        let is_secret = call.inputs.get("value").is_some_and(crate::playbook::Resolved::has_secret);
        if is_secret {
            return Err(ActionError::refused(
                "a secret is not copied into a variable; use the variable that refers to it",
            ));
        }
        Ok(Value::Null)
    }

    fn perform(&self, call: &Call<'_>, _: &Value) -> Result<Outputs, ActionError> {
        Ok(BTreeMap::from([("value".to_owned(), call.shown("value"))]))
    }

    fn probe(&self, _: &Call<'_>, _: &Value) -> Result<Probe, ActionError> {
        Ok(Probe::Repeatable)
    }

    fn undo(&self, _: &Call<'_>, _: &Value) -> Result<(), ActionError> {
        Ok(())
    }
}
