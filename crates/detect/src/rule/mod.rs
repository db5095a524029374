//! What a rule is, whatever it was written in.
//!
//! [`read`](mod@read) makes it from YAML and from Resource Manager's JSON; [`crate::sigma`] makes it from Sigma.

pub mod duration;
mod fixture;
mod place;
pub mod read;
mod words;

use std::sync::Arc;

use castellan_base::Span;
use serde::Serialize;

pub use fixture::{Expected, ExpectedEntity, Fixture};
pub use words::{Grouping, Kind, Matching, Operator, Severity, Tactic, is_technique};

/// A text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The text.
    pub text: Arc<str>,
    /// Its place in the file.
    pub span: Span,
}

impl Placed {
    /// A text that stands in no file.
    pub fn nowhere(text: impl Into<Arc<str>>) -> Placed {
        Placed { text: text.into(), span: Span::NONE }
    }
}

/// An analytics rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What identifies it: a GUID in rules of Microsoft Sentinel.
    pub id: Arc<str>,
    /// What people call it.
    pub name: Arc<str>,
    /// What it finds, and why that matters.
    pub description: Arc<str>,
    /// When it runs.
    pub kind: Kind,
    /// Whether it runs at all.
    pub enabled: bool,
    /// The query, in KQL.
    pub query: Placed,
    /// The distance of two runs, in ticks of 100 ns.
    pub frequency: i64,
    /// How far back a run looks, in ticks of 100 ns.
    pub period: i64,
    /// How many results make an alert.
    pub trigger: Trigger,
    /// How bad its alerts are.
    pub severity: Severity,
    /// Tactics of ATT&CK.
    pub tactics: Vec<Tactic>,
    /// Techniques of ATT&CK, by id.
    pub techniques: Vec<Placed>,
    /// Techniques of MITRE ATLAS, by id: `AML.T0051`.
    pub atlas: Vec<Placed>,
    /// Entries of OWASP's lists: `owasp-llm:2025:LLM01`.
    pub owasp: Vec<Placed>,
    /// Which columns hold which entities.
    pub entities: Vec<EntityMapping>,
    /// Columns that hold entities as alerts write them, in JSON.
    pub entity_columns: Vec<Placed>,
    /// Names and columns of what alerts tell beside.
    pub details: Vec<Detail>,
    /// What results decide of their alerts.
    pub overrides: Overrides,
    /// Which results make one alert.
    pub grouping: Grouping,
    /// What becomes of alerts.
    pub incident: IncidentConfiguration,
    /// How long a rule rests after an alert, in ticks of 100 ns; nothing where it does not.
    pub suppression: Option<i64>,
    /// Where its tables come from.
    pub connectors: Vec<Connector>,
    /// Its version.
    pub version: Arc<str>,
    /// Its status, as `Available`.
    pub status: Arc<str>,
    /// Free words.
    pub tags: Vec<Arc<str>>,
    /// What to look at when it has raised an alert.
    pub triage: Vec<Arc<str>>,
    /// The playbook that answers it.
    pub playbook: Option<Arc<str>>,
    /// Its own tests, shared since they are larger than all the rest.
    pub fixtures: Arc<[Fixture]>,
    /// Where it stands.
    pub span: Span,
}

/// How many results make an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// How they are compared.
    pub operator: Operator,
    /// With what.
    pub threshold: u64,
}

impl Default for Trigger {
    /// Any result at all.
    fn default() -> Trigger {
        Trigger { operator: Operator::GreaterThan, threshold: 0 }
    }
}

impl Trigger {
    /// Whether so many results make an alert.
    pub fn holds(self, results: u64) -> bool {
        self.operator.holds(results, self.threshold)
    }
}

/// An entity that columns hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityMapping {
    /// Its type, as `Account`.
    pub entity: crate::entity::EntityType,
    /// Identifiers and the columns that hold them.
    pub fields: Vec<FieldMapping>,
    /// Where it stands.
    pub span: Span,
}

/// An identifier and its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMapping {
    /// The identifier, as `FullName`.
    pub identifier: Placed,
    /// The column.
    pub column: Placed,
}

/// Something that alerts tell beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Its name.
    pub name: Arc<str>,
    /// The column.
    pub column: Placed,
}

/// What results decide of their alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The name, with columns in `{{` and `}}`.
    pub name: Option<Placed>,
    /// The description, with columns in the same way.
    pub description: Option<Placed>,
    /// The column of the tactics.
    pub tactics: Option<Placed>,
    /// The column of the severity.
    pub severity: Option<Placed>,
    /// Properties of alerts and the columns that say them.
    pub properties: Vec<Property>,
}

/// A property of alerts that a column says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The property, as `AlertLink`.
    pub property: Placed,
    /// The column.
    pub column: Placed,
}

/// What becomes of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncidentConfiguration {
    /// Whether an alert makes an incident.
    pub create: bool,
    /// Whether alerts come together in one.
    pub grouped: bool,
    /// Whether a closed one is opened again.
    pub reopen: bool,
    /// How old an incident may be that takes an alert, in ticks of 100 ns.
    pub lookback: i64,
    /// Which alerts come together.
    pub matching: Matching,
    /// Types of entities that have to be the same.
    pub by_entities: Vec<Arc<str>>,
    /// Properties of alerts that have to be the same: `DisplayName`, `Severity`.
    pub by_alert: Vec<Arc<str>>,
    /// Details that have to be the same.
    pub by_details: Vec<Arc<str>>,
}

impl Default for IncidentConfiguration {
    /// An incident for each alert. Source: defaults of Microsoft.SecurityInsights/alertRules.
    fn default() -> IncidentConfiguration {
        IncidentConfiguration {
            create: true,
            grouped: false,
            reopen: false,
            lookback: 5 * 60 * duration::MINUTE,
            matching: Matching::default(),
            by_entities: Vec::new(),
            by_alert: Vec::new(),
            by_details: Vec::new(),
        }
    }
}

/// Where tables come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connector {
    /// The connector's id.
    pub id: Arc<str>,
    /// Its tables.
    pub tables: Vec<Arc<str>>,
}
