//! Keeps secrets out of what actions say: the one place through which every message and every output of an action goes
//! before anybody else sees it.
//!
//! *Invariant (no secret in a journal):* a [`Sealed`] action replaces each secret that a call uses, in each form in which
//! a service may repeat it, and only then cuts messages to a length.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::catalogue::ActionSpec;
use super::line::encoded;
use super::{Action, ActionError, Call, Outputs, Probe, secret};
use crate::playbook::Resolved;

/// What stands for a secret.
const MARK: &str = "[redacted]";
/// The longest message in characters.
const LONGEST: usize = 500;

/// An action whose secrets do not show.
pub(super) struct Sealed(pub(super) Box<dyn Action>);

impl Sealed {
    fn secrets(&self, call: &Call<'_>) -> Vec<String> {
        let mut found = self.0.secrets(call);
        let inputs = call.inputs.values().flat_map(Resolved::secrets);
        found.extend(inputs.filter_map(|reference| secret(call.system, reference).ok()));
        if call.inputs.get("password").is_some_and(Resolved::has_secret)
            && let (Ok(user), Ok(Some(password))) = (call.optional("user"), call.optional("password"))
        {
            let pair = format!("{}:{password}", user.unwrap_or_default());
            found.push(STANDARD.encode(pair).trim_end_matches('=').to_owned());
        }
        forms(found)
    }

    fn message(&self, call: &Call<'_>, text: &str) -> String {
        let plain = redacted(text, &self.secrets(call));
        let plain = plain.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        plain.take(LONGEST).collect::<String>().trim_end().to_owned()
    }

    fn error(&self, call: &Call<'_>, error: ActionError) -> ActionError {
        ActionError { message: self.message(call, &error.message), ..error }
    }

    fn outputs(&self, call: &Call<'_>, outputs: Outputs) -> Outputs {
        let secrets = self.secrets(call);
        outputs.into_iter().map(|(name, value)| (name, redacted(&value, &secrets))).collect()
    }
}

/// Each secret in the forms in which it may come back, longest first, so that none leaves a part of another.
fn forms(secrets: Vec<String>) -> Vec<String> {
    let mut all = BTreeSet::new();
    for secret in secrets {
        let json = Value::from(secret.as_str()).to_string();
        let inner = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
        all.insert(inner.unwrap_or_default().to_owned());
        all.insert(encoded(&secret));
        all.insert(STANDARD.encode(&secret).trim_end_matches('=').to_owned());
        all.insert(secret);
    }
    let mut all: Vec<String> = all.into_iter().filter(|form| !form.is_empty()).collect();
    all.sort_by_key(|form| std::cmp::Reverse(form.len()));
    all
}

/// `text` without `forms`, in whichever case.
fn redacted(text: &str, forms: &[String]) -> String {
    let mut out = text.to_owned();
    for form in forms {
        let (lower, wanted) = (out.to_ascii_lowercase(), form.to_ascii_lowercase());
        let mut next = String::new();
        let mut from = 0;
        for (at, _) in lower.match_indices(&wanted) {
            next.push_str(out.get(from..at).unwrap_or_default());
            next.push_str(MARK);
            from = at + wanted.len();
        }
        next.push_str(out.get(from..).unwrap_or_default());
        out = next;
    }
    out
}

impl Action for Sealed {
    fn spec(&self) -> &ActionSpec {
        self.0.spec()
    }

    fn secrets(&self, call: &Call<'_>) -> Vec<String> {
        Sealed::secrets(self, call)
    }

    fn target(&self, call: &Call<'_>) -> String {
        self.0.target(call)
    }

    fn change(&self, call: &Call<'_>) -> String {
        self.0.change(call)
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        self.0.prepare(call).map_err(|error| self.error(call, error))
    }

    fn perform(&self, call: &Call<'_>, before: &Value) -> Result<Outputs, ActionError> {
        match self.0.perform(call, before) {
            Ok(outputs) => Ok(self.outputs(call, outputs)),
            Err(error) => Err(self.error(call, error)),
        }
    }

    fn probe(&self, call: &Call<'_>, before: &Value) -> Result<Probe, ActionError> {
        Ok(match self.0.probe(call, before).map_err(|error| self.error(call, error))? {
            Probe::InEffect(outputs) => Probe::InEffect(self.outputs(call, outputs)),
            Probe::NotInEffect(text) => Probe::NotInEffect(self.message(call, &text)),
            Probe::Unknown(text) => Probe::Unknown(self.message(call, &text)),
            Probe::Repeatable => Probe::Repeatable,
        })
    }

    fn undo(&self, call: &Call<'_>, before: &Value) -> Result<(), ActionError> {
        self.0.undo(call, before).map_err(|error| self.error(call, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_goes() {
        let secrets = forms(vec!["p\"a/ss".to_owned(), "p\"a".to_owned()]);
        for text in [r#"x p"a/ss y"#, r#"x p\"a/ss y"#, "x p%22a%2fss y", "x P\"A/SS y", "x cCJhL3Nz= y"] {
            let out = redacted(text, &secrets);
            assert!(out.starts_with("x [redacted]") && !out.contains("ss"), "{text}: {out}");
        }
        assert_eq!(redacted("\u{e9}p\"a\u{e9}", &secrets), "\u{e9}[redacted]\u{e9}");
    }
}
