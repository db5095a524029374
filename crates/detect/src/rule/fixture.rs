//! Tests that a rule carries with it.
//!
//! ```yaml
//! fixtures:
//!   - name: an order to forget all orders
//!     now: 2026-11-21T10:00:00Z
//!     tables:
//!       AppGenAIContent:
//!         - { TimeGenerated: 2026-11-21T09:58:00Z, InputMessages: "..." }
//!     alerts:
//!       - severity: High
//!         entities:
//!           - { type: Account, values: { FullName: ann@contoso.com } }
//!   - name: an honest question
//!     tables: { AppGenAIContent: [ { TimeGenerated: 2026-11-21T09:58:00Z } ] }
//!     alerts: 0
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Span, Ticks};

use super::Severity;

/// Events, and the alerts that they make.
#[derive(Clone, Debug, PartialEq)]
pub struct Fixture {
    /// What is tried.
    pub name: Arc<str>,
    /// The time of the run; shortly after the last event where nothing is said.
    pub now: Option<Ticks>,
    /// Rows by table. What a row does not have is empty.
    pub tables: BTreeMap<Arc<str>, Vec<serde_json::Map<String, serde_json::Value>>>,
    /// Columns that a table has beside those that are known, or other types: `Count:long`.
    pub columns: BTreeMap<Arc<str>, Vec<(Arc<str>, castellan_kql::ScalarType)>>,
    /// Items of watchlists by alias. The first member of the first item is searched by.
    pub watchlists: BTreeMap<Arc<str>, Vec<serde_json::Map<String, serde_json::Value>>>,
    /// How many alerts there are.
    pub count: usize,
    /// What is said of them; there may be fewer than alerts.
    pub alerts: Vec<Expected>,
    /// Where it stands.
    pub span: Span,
}

/// What an alert has to be like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// Its name.
    pub name: Option<Arc<str>>,
    /// Its severity.
    pub severity: Option<Severity>,
    /// Entities that it has; it may have more.
    pub entities: Vec<ExpectedEntity>,
    /// Details that it has; it may have more.
    pub details: BTreeMap<Arc<str>, Arc<str>>,
    /// How many results it stands for.
    pub results: Option<u64>,
    /// Where it stands.
    pub span: Option<Span>,
}

/// What an entity has to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedEntity {
    /// Its type.
    pub entity: Arc<str>,
    /// Identifiers and their values.
    pub values: BTreeMap<Arc<str>, Arc<str>>,
}
