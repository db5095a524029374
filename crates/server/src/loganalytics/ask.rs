//! A question: of what, over which time.

use castellan_base::{OsSystem, System};
use castellan_query::{Access, Seen};
use serde::Deserialize;

use super::prefer::Prefer;
use super::{Service, answer, timespan};
use crate::queries::{Asked, Fault};

/// What is asked, as the service's clients send it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Question {
    /// The query.
    pub(super) query: String,
    /// The time that rows lie in, in ISO 8601.
    pub(super) timespan: Option<String>,
    /// Further workspaces.
    pub(super) workspaces: Option<Vec<String>>,
}

/// Of what it is asked.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// All tables of a workspace.
    Workspace(String),
    /// Rows that a resource, or one in it, has written.
    Resource(String),
}

/// The kind of resource whose rows are all that there are.
const WORKSPACES: &str = "/providers/microsoft.operationalinsights/workspaces/";

/// The longest id of a resource.
const LONGEST_ID: usize = 2_048;

/// The most names of workspaces that one question may have.
const MOST_WORKSPACES: usize = 100;

impl Target {
    /// The resource of an id.
    ///
    /// Errors: what cannot be one.
    pub(super) fn resource(id: &str) -> Result<Target, Fault> {
        let is_plain = |char: char| char.is_alphanumeric() || " /-_.()[]$+@:,".contains(char);
        if id.len() > LONGEST_ID || !id.chars().all(is_plain) {
            return Err(Fault::bad("the id of the resource has characters that no id has"));
        }
        match id.to_ascii_lowercase().split_once(WORKSPACES) {
            Some((_, name)) if !name.contains('/') => Ok(Target::Workspace(name.to_owned())),
            _ => Ok(Target::Resource(id.trim_end_matches('/').to_owned())),
        }
    }

    /// What it takes away.
    fn access(&self) -> Option<Access> {
        let Target::Resource(id) = self else { return None };
        // The characters of an id leave a literal as it is.
        let rows = format!("_ResourceId =~ '{id}' or _ResourceId startswith '{id}/'");
        Some(Access::of_all(Seen { rows: Some(rows), ..Seen::default() }))
    }
}

impl Service {
    /// The answer as the body of a response of at most about `most` bytes.
    ///
    /// Errors: those of the query, and parts of the question that cannot be.
    pub(super) async fn ask(
        &self,
        target: Target,
        question: Question,
        prefer: Prefer,
        most: usize,
    ) -> Result<String, Fault> {
        let mut aliases = question.workspaces.unwrap_or_default();
        if aliases.len() > MOST_WORKSPACES {
            return Err(Fault::bad(format!("there are more than {MOST_WORKSPACES} workspaces")));
        }
        if let Target::Workspace(id) = &target {
            self.known(id)?;
            for other in &aliases {
                self.known(other)?;
            }
            aliases.push(id.clone());
        }
        let time = match question.timespan.as_deref().filter(|text| !text.trim().is_empty()) {
            Some(text) => Some(timespan::read(text, OsSystem.now().get()).map_err(Fault::bad)?),
            None => None,
        };
        let span = time.map(|(from, until)| Access::of_all(Seen::within(from, until)));
        let asked = Asked {
            text: question.query,
            time: prefer.wait,
            accesses: target.access().into_iter().chain(span).collect(),
            aliases,
            ..Asked::default()
        };
        self.queries.run(asked, move |answered| answer::write(&answered, &prefer, most)).await
    }
}
