//! Incident response plans: who does what, who is told when nobody answers, which clocks of regulators run, and what is
//! said. Plans, clocks and drills are data; what they say is worked out from the moments that a case has.
//!
//! Nothing here is legal advice: a clock says what its citation says, and whether it applies is for people to decide. A
//! clock whose moment is not known is told as *not started*, never left out.
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//!
//! use castellan_respond::plan::{self, Handbook};
//!
//! let handbook = Handbook::embedded();
//! let gdpr = handbook.clocks.iter().filter(|clock| clock.id == "gdpr");
//! let moments = BTreeMap::from([("aware".to_owned(), "2026-11-21T10:00:00Z".parse()?)]);
//! let due = plan::due(gdpr, &moments, &BTreeSet::new(), "2026-11-22T10:00:00Z".parse()?);
//! assert_eq!(due[0].deadline.unwrap().to_string(), "2026-11-24T10:00:00.0000000Z");
//! assert_eq!(due[0].left_seconds, Some(48 * 3600));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod drill;
mod escalation;
mod read;

use std::collections::BTreeMap;

use castellan_base::{Diagnostic, Limits, Sources, yaml};

use crate::playbook::{Part, Text};

pub use clock::{Clock, Due, Limit, Stage, due};
pub use drill::{Drill, Line, Transcript, rehearse};
pub use escalation::{Notice, Rung, Standing, standing};

/// Who does what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its id: `incident-commander`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub duties: String,
}

/// What is said to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// To whom.
    pub audience: String,
    /// The text, with variables as playbooks have them.
    pub text: Text,
}

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Roles.
    pub roles: Vec<Role>,
    /// What makes an incident how severe: from the most severe on, each with what it takes and the first rung.
    pub severities: Vec<(String, String, usize)>,
    /// Who is told, and who next when nobody answers.
    pub ladder: Vec<Rung>,
    /// The clocks to look at, by id.
    pub clocks: Vec<String>,
    /// What is said.
    pub templates: Vec<Template>,
    /// The playbook for each kind of incident, by the name of its file.
    pub playbooks: BTreeMap<String, String>,
}

impl Plan {
    /// A template filled in.
    ///
    /// Errors: the id when there is no such template, or the variable that has no value.
    pub fn say(&self, template: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
        let found = self.templates.iter().find(|known| known.id == template);
        let found = found.ok_or_else(|| format!("the plan has no template `{template}`"))?;
        let look_up = |name: &str| values.get(name).map(|value| Part::Plain(value.clone()));
        let resolved = found.text.resolve(&look_up);
        resolved.map(|text| text.to_string()).map_err(|name| format!("`{template}` needs `{name}`"))
    }
}

/// Plans, clocks and drills.
#[derive(Debug, Default)]
pub struct Handbook {
    /// Plans.
    pub plans: Vec<Plan>,
    /// Clocks of regulators.
    pub clocks: Vec<Clock>,
    /// Drills.
    pub drills: Vec<Drill>,
    /// The files that were read.
    pub sources: Sources,
    /// What is wrong with them.
    pub diagnostics: Vec<Diagnostic>,
}

const FILES: [(&str, &str); 3] = [
    ("clocks.yaml", include_str!("../../../../content/response/clocks.yaml")),
    ("ai-incident.yaml", include_str!("../../../../content/response/ai-incident.yaml")),
    ("drills.yaml", include_str!("../../../../content/response/drills.yaml")),
];

impl Handbook {
    /// What is built in.
    pub fn embedded() -> Handbook {
        let mut handbook = Handbook::default();
        for (path, text) in FILES {
            handbook.add(path, text);
        }
        handbook
    }

    /// Reads a file with any of `plans`, `clocks` and `drills` and adds what it has.
    pub fn add(&mut self, path: &str, text: &str) {
        let source = self.sources.add(path, text);
        let limits = Limits { bytes: 4 << 20, depth: 32, values: 100_000 };
        match yaml::parse(text, source, &limits) {
            Ok(node) => read::add(&node, self),
            Err(diagnostic) => self.diagnostics.push(diagnostic),
        }
    }

    /// A plan by its id.
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// The clocks that a plan looks at.
    pub fn clocks_of<'h>(&'h self, plan: &'h Plan) -> impl Iterator<Item = &'h Clock> {
        self.clocks.iter().filter(|clock| plan.clocks.contains(&clock.id))
    }
}
