//! Incidents as people work on them: kept durably, with sealed evidence and an audit log, and told to others.
//!
//! `castellan-detect` knows what an incident is and which alerts belong together; this crate keeps what it decides, and gives
//! it to people and programs.
//!
//! * [`Desk`] is what people and programs work on, [`api`] what they can ask of it; [`store`] is the disk below.
//! * [`Case`] is an incident with its alerts, entities, tasks, comments, evidence and audit trail.
//! * [`evidence`] keeps texts: redacted in the open, the original sealed to a key that no server has.
//! * [`mod@timeline`] and [`mod@graph`] are two views of a case; [`export`] writes it as OCSF, as STIX and as a report.
//!
//! *Invariant (nothing in the open):* no original of a prompt or an answer is in a file, a row, an export or a message.

pub mod api;
pub mod case;
pub mod desk;
pub mod evidence;
pub mod export;
pub mod graph;
pub mod rows;
pub mod store;
pub mod timeline;

pub use case::Case;
pub use desk::{Desk, DeskError};
