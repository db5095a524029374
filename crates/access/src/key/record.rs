//! What is known of a virtual key.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

use crate::pattern::{self, Pattern};
use crate::principal::{Credential, Display, Kind, Method, Principal};
use crate::token::Refusal;

/// What a key may be used for. Empty lists allow nothing; `["*"]` allows all of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scopes {
    /// Models by their aliases.
    pub models: Vec<Pattern>,
    /// Tools as `SERVER/TOOL`.
    pub tools: Vec<Pattern>,
    /// MCP servers, with their resources and prompts, and without their tools.
    pub servers: Vec<Pattern>,
    /// Guardrail profiles that it may ask for.
    pub profiles: Vec<Pattern>,
}

impl Scopes {
    /// All models and nothing else.
    pub fn all_models() -> Scopes {
        Scopes { models: vec![Pattern::new("*")], ..Scopes::default() }
    }

    /// True for a model that is in scope.
    pub fn has_model(&self, name: &str) -> bool {
        pattern::any(&self.models, name)
    }

    /// True for a tool that is in scope.
    pub fn has_tool(&self, server: &str, tool: &str) -> bool {
        pattern::any(&self.tools, &format!("{server}/{tool}"))
    }

    /// True for an MCP server that is in scope. Listing tools of a server needs it or one of its tools.
    pub fn has_server(&self, name: &str) -> bool {
        let start = format!("{name}/");
        let has_tools = |pattern: &Pattern| pattern.as_str().starts_with(&start) || pattern.matches(&start);
        pattern::any(&self.servers, name) || self.tools.iter().any(has_tools)
    }

    /// True for a profile that is in scope.
    pub fn has_profile(&self, name: &str) -> bool {
        pattern::any(&self.profiles, name)
    }
}

/// A key's end before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    #[serde(with = "crate::time")]
    pub at: Ticks,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A virtual key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// The id, which stands in the key.
    pub id: String,
    /// The id of the first key that this one stands for after rotations: quotas, policies and grants name that one.
    pub lineage: String,
    /// The keyed digest, in hexadecimal digits.
    pub(super) digest: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for, to people.
    #[serde(default)]
    pub name: String,
    /// Labels, which policies see as `NAME=VALUE`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What it may be used for.
    #[serde(default)]
    pub scopes: Scopes,
    /// Groups that it counts as a member of, for policies.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The budget that pays.
    #[serde(default)]
    pub budget: Option<String>,
    /// When it was issued.
    #[serde(with = "crate::time")]
    pub issued: Ticks,
    /// By whom.
    pub issued_by: String,
    /// From when on it counts.
    #[serde(with = "crate::time::optional", default)]
    pub not_before: Option<Ticks>,
    /// Until when it counts; without end when `None`.
    #[serde(with = "crate::time::optional", default)]
    pub expires: Option<Ticks>,
    /// Its end before its time.
    #[serde(default)]
    pub revoked: Option<Revocation>,
    /// The key that came in its place.
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// When it was last used, to a few minutes.
    #[serde(with = "crate::time::optional", default)]
    pub last_used: Option<Ticks>,
}

impl KeyRecord {
    /// Checks that the key counts at a time.
    pub fn check(&self, now: Ticks) -> Result<(), Refusal> {
        if self.revoked.is_some() {
            return Err(Refusal::Revoked);
        }
        if self.not_before.is_some_and(|from| now < from) {
            return Err(Refusal::NotYetValid);
        }
        if self.expires.is_some_and(|until| now >= until) {
            return Err(Refusal::Expired);
        }
        Ok(())
    }

    /// The principal that the key is.
    pub fn principal(&self) -> Principal {
        let mut principal = Principal::new(Kind::Key, Method::Key, super::TENANT, self.lineage.clone());
        principal.recognised_by = "keys".to_owned();
        principal.display = Display { name: Some(self.owner.clone()), ..Display::default() };
        principal.groups.clone_from(&self.groups);
        principal.labels = self.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        principal.credential =
            Credential { id: Some(self.id.clone()), expires: self.expires, issued: Some(self.issued) };
        principal.key_scopes = Some(self.scopes.clone());
        principal.budget.clone_from(&self.budget);
        principal
    }
}
