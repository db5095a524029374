//! Analytics rules as Microsoft Sentinel writes them: read, checked, tested, run. Nothing has to be rewritten.
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_detect::rule::read::read;
//! use castellan_detect::run::{Memory, once};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = r#"
//! id: 1b7e3c1c-0000-4000-8000-000000000001
//! name: Many failed logons
//! kind: Scheduled
//! severity: Medium
//! queryFrequency: 1h
//! queryPeriod: 1h
//! triggerOperator: gt
//! triggerThreshold: 0
//! query: Logons | where not(Success) | summarize Failed = count() by User | where Failed >= 2
//! entityMappings:
//!   - entityType: Account
//!     fieldMappings: [ { identifier: FullName, columnName: User } ]
//! "#;
//! let mut sources = Sources::default();
//! let rule = read("rule.yaml", text, &mut sources).rules.remove(0);
//!
//! let rows = serde_json::from_str(r#"[
//!     { "TimeGenerated": "2026-11-21T09:50:00Z", "User": "ann@contoso.com", "Success": false },
//!     { "TimeGenerated": "2026-11-21T09:51:00Z", "User": "ann@contoso.com", "Success": false },
//!     { "TimeGenerated": "2026-11-21T08:59:00Z", "User": "bob@contoso.com", "Success": false }
//! ]"#)?;
//! let mut events = Memory::default();
//! events.add_json("Logons", Vec::new(), &rows)?;
//! let (_, alerts) = once(&rule, &events, "2026-11-21T10:00:00Z".parse()?).await?;
//! assert_eq!(alerts.len(), 1);
//! assert_eq!(alerts[0].entities.list()[0].label(), "ann@contoso.com");
//! # Ok(())
//! # }
//! ```
//!
//! [`load`] reads a folder of rules. [`rule`] says what a rule is and reads it, [`sigma`] makes it of Sigma; [`mod@check`] holds it against the schemas of tables; [`fixtures`] runs the tests
//! that it carries; [`mod@run`] evaluates it once and makes alerts, which are rows of `SecurityAlert`; [`schedule`] says when it
//! runs and counts what comes late once; [`mod@backtest`] runs it over a time that is over; [`mod@coverage`] compares rules with
//! the lists of MITRE and OWASP. [`entity`] is who and what alerts are about.
//!
//! Deliberately absent: the lake and the clock. Where events are is [`run::Events`], what time it is the caller says, and what
//! has to be remembered is [`schedule::State`].

pub mod asim;
pub mod backtest;
pub mod check;
pub mod content;
pub mod coverage;
pub mod entity;
pub mod fixtures;
pub mod health;
pub mod incident;
mod literal;
mod load;
pub mod rule;
pub mod run;
pub mod schedule;
pub mod sigma;
pub mod stream;
pub mod watchlist;

pub use load::load;
