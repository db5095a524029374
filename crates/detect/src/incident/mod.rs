//! Incidents: alerts that people look at together, as rows of `SecurityIncident`.
//!
//! [`Incidents`] is what there is. It is made by [`Change`]s alone: alerts ([`Incidents::decide_alert`]) and commands
//! ([`Incidents::decide`]) are decided into changes, and [`Incidents::apply`] is the only thing that changes it. So the
//! changes of an incident are its audit trail, and all changes in their order make the same state again. The caller keeps
//! the changes, or snapshots of the state, or both.
//!
//! A rule's `incidentConfiguration` says whether its alerts make incidents and which of them come together, as in
//! Microsoft Sentinel. Where it leaves an alert alone, [`correlate`] looks for an incident of other rules that it belongs
//! to. Nothing is cut: alerts that say the same are counted in one [`Firing`]. What a person says stays: the severity of
//! the alerts is kept beside. Each change gives a row, so that the table keeps the history; the last row of an incident is
//! how it is now. Sources: Microsoft Sentinel documentation, "Create incidents from alerts", "Audit and track changes to
//! incident tasks" and the columns of `SecurityIncident`.
//!
//! Closed incidents stay at hand until [`Incidents::decide_archive`] says that they were closed for long enough; open ones
//! stay as long as they are open, unless [`Incidents::decide_room`] has to make room.
//!
//! ```
//! use castellan_detect::incident::{By, Command, IncidentError, Incidents, Order};
//!
//! let mut incidents = Incidents::default();
//! let order = Order::Comment { text: "Seen.".to_owned() };
//! let command = Command { incident: 1, seen: None, by: By::Person("ann@contoso.com".to_owned()), order };
//! assert_eq!(incidents.command(&command, "2026-11-21".parse()?), Err(IncidentError::Unknown(1)));
//! # Ok::<(), castellan_base::ParseTicksError>(())
//! ```

mod change;
mod command;
pub mod correlate;
mod decide;
mod evolve;
mod group;
mod model;
mod record;
mod row;
mod state;
mod take;
mod title;

pub use change::{By, Change, FieldChange, MergeProposal, What};
pub use command::{Command, IncidentError, MAX_COMMENT, MAX_LISTED, MAX_WORDS, Order, Update};
pub use model::{
    Classification, Comment, Evidence, Firing, Incident, Label, Owner, Reason, Status, Task, Verdict,
};
pub use record::{AlertRecord, MAX_KEPT_ENTITIES, MAX_KEPT_VALUES, MAX_KEYS, Repeat};
pub use row::{MAX_ROW_IDS, incident_columns, incident_row};
pub use state::{Incidents, MAX_FIRINGS, MAX_GROUPS, MAX_IDS, Unfit};
pub use take::Became;
