//! Pins: a definition that a person, a signature or a first use has vouched for, by its hash.
//!
//! What a model reads of a tool decides what it does with it, so a definition that changes after it was looked at is as
//! good as code that changes. A definition is hashed as a whole in its canonical form (`jcs`), under its server's id and
//! its name. *Invariant (fail closed):* a definition is usable only if its hash is the pinned one and nothing about it
//! waits for a person; drift stays quarantined when the server goes back to the old definition, until somebody decides.
//! *Invariant (a new name is no new start):* a known definition under another name is quarantined like a changed one.

mod diff;
mod store;

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::jcs::{self, Integers};
use crate::json::{Kind as JsonKind, Value};

pub use diff::{Change, diff, render};
pub use store::{
    Decision, DecisionError, Observation, Origin, Pin, PinError, Quarantine, Record, ServerPins, Settings,
    State, Store, Trust,
};

/// What is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A tool.
    Tool,
    /// A prompt.
    Prompt,
    /// A resource, by its URI.
    Resource,
    /// A template of resources, by its URI template.
    Template,
    /// What a server says of itself: its instructions, under the empty name.
    Server,
}

impl Kind {
    /// The member that names a definition of this kind.
    #[must_use]
    pub fn name_member(self) -> &'static str {
        match self {
            Kind::Resource => "uri",
            Kind::Template => "uriTemplate",
            _ => "name",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Tool => "tool",
            Kind::Prompt => "prompt",
            Kind::Resource => "resource",
            Kind::Template => "resource template",
            Kind::Server => "server",
        })
    }
}

/// A definition as it was listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// What is defined.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The canonical form of all of it.
    pub canonical: String,
    /// The hash of that.
    pub hash: String,
    /// The hash of all but its names, which finds it again under another name.
    pub body: String,
    /// The definition.
    pub value: Value,
}

impl Definition {
    /// Reads a definition out of a listing. Top-level members in `ignored` do not count.
    ///
    /// # Errors
    /// If it is no object or has no name.
    pub fn read(kind: Kind, value: &Value, ignored: &[String]) -> Result<Definition, String> {
        let member = kind.name_member();
        let name = match kind {
            Kind::Server => "",
            _ => value.get(member).and_then(Value::as_str).ok_or(format!("a {kind} has no `{member}`"))?,
        };
        if !value.is_object() || (name.is_empty() && kind != Kind::Server) || name.len() > 1024 {
            return Err(format!("a {kind} is an object whose `{member}` has 1 to 1024 bytes"));
        }
        let value = without(value, |key| ignored.iter().any(|other| other == key));
        let canonical = jcs::canonical(&value, Integers::Exact);
        let body = without(&value, |key| key == "title" || key == member || key == "name");
        Ok(Definition {
            kind,
            name: name.to_owned(),
            hash: hash(&canonical),
            body: hash(&jcs::canonical(&body, Integers::Exact)),
            canonical,
            value,
        })
    }
}

fn without(value: &Value, left_out: impl Fn(&str) -> bool) -> Value {
    let members = value.members().iter().filter(|member| !left_out(&member.key)).cloned().collect();
    Value { span: value.span, kind: JsonKind::Object(members) }
}

/// SHA-256 of a canonical form, as `sha256:` and 64 hexadecimal digits.
#[must_use]
pub fn hash(canonical: &str) -> String {
    let digest = Sha256::digest(canonical.as_bytes());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}
