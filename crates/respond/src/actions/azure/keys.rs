//! Making a key anew, so that the old one opens nothing any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::super::catalogue::{ActionSpec, Undo, optional, required};
use super::super::{Action, ActionError, Call, Outputs, Probe};
use super::{AzureConnection, done, is_of_type, read_only};

const SPEC: ActionSpec = ActionSpec {
    name: "azure.rotate-key",
    summary: "makes a key of an AI service anew",
    inputs: &[required("resource", "the account's id"), optional("key", "Key1 or Key2; Key1 when not given")],
    outputs: &["key"],
    undo: Undo::Irreversible(
        "the old key is gone; give the new one to those who need it, from the account itself",
    ),
    probe: "the key is another one than before; only digests are compared",
    permission: "Microsoft.CognitiveServices/accounts/regenerateKey/action and listKeys/action",
};

const TYPE: &str = "Microsoft.CognitiveServices/accounts";
const API_VERSION: &str = "2025-06-01";

pub(super) struct RotateKey {
    azure: Arc<AzureConnection>,
}

impl RotateKey {
    pub(super) fn new(azure: Arc<AzureConnection>) -> RotateKey {
        RotateKey { azure }
    }

    fn subject(call: &Call<'_>) -> Result<(String, String), ActionError> {
        let id = call.text("resource")?;
        if !is_of_type(&id, TYPE) {
            return Err(ActionError::refused(format!("`{id}` is no account of {TYPE}")));
        }
        let key = call.optional("key")?.unwrap_or_else(|| "Key1".to_owned());
        if !matches!(key.as_str(), "Key1" | "Key2") {
            return Err(ActionError::refused(format!("`{key}` is no key; use Key1 or Key2")));
        }
        Ok((id, key))
    }

    /// The digest of the key as it is, salted, so that it says nothing about the key.
    fn digest(&self, call: &Call<'_>) -> Result<String, ActionError> {
        let (id, key) = RotateKey::subject(call)?;
        let answer = self.azure.arm(call, Method::POST, &format!("{id}/listKeys"), API_VERSION, None);
        let answer = answer.map_err(read_only)?;
        done(&answer).map_err(read_only)?;
        let member = key.to_ascii_lowercase();
        let keys = answer.json()?;
        let value = keys.get(&member).and_then(Value::as_str);
        let value = value
            .ok_or_else(|| ActionError::refused(format!("the account has no `{key}`; are keys off?")))?;
        Ok(blake3::hash(format!("{} {value}", call.key).as_bytes()).to_hex().to_string())
    }
}

impl Action for RotateKey {
    fn spec(&self) -> &ActionSpec {
        &SPEC
    }

    fn target(&self, call: &Call<'_>) -> String {
        call.shown("resource")
    }

    fn change(&self, call: &Call<'_>) -> String {
        let key = call.shown("key");
        format!(
            "{} is made anew; whatever uses the old one stops working",
            if key.is_empty() { "Key1" } else { &key }
        )
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        Ok(json!({"digest": self.digest(call)?}))
    }

    fn perform(&self, call: &Call<'_>, _: &Value) -> Result<Outputs, ActionError> {
        let (id, key) = RotateKey::subject(call)?;
        let body = json!({"keyName": key});
        let path = format!("{id}/regenerateKey");
        let answer = self.azure.arm(call, Method::POST, &path, API_VERSION, Some(&body))?;
        // The answer has both keys: it is not read.
        if !answer.is_success() {
            return Err(answer.error());
        }
        Ok(BTreeMap::from([("key".to_owned(), key)]))
    }

    fn probe(&self, call: &Call<'_>, before: &Value) -> Result<Probe, ActionError> {
        let old = before.get("digest").and_then(Value::as_str);
        let now = self.digest(call)?;
        if old == Some(now.as_str()) {
            return Ok(Probe::NotInEffect("the key is the one that was there before".to_owned()));
        }
        Ok(Probe::InEffect(BTreeMap::from([("key".to_owned(), RotateKey::subject(call)?.1)])))
    }

    fn undo(&self, _: &Call<'_>, _: &Value) -> Result<(), ActionError> {
        Err(ActionError::refused(SPEC.undo.to_string()))
    }
}
