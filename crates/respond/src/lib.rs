//! Response: what is done once something was found.
//!
//! * [`playbook`] reads CACAO 2.0 playbooks from JSON or YAML, with our extensions for approvals, retries, lists and
//!   actions; [`sign`] signs and verifies them; [`Library`] has those that are built in.
//! * [`run`] carries a playbook out durably: whatever happens is on disk before anything follows from it, and a process
//!   that is killed anywhere does nothing twice. [`run::plan`] says what a playbook would do.
//! * [`actions`] is what can be done: at the gate, in Azure, towards people and systems; each with undo and probe.
//!
//! The crate is synchronous. A run never sleeps: what it waits for stands in its [`run::Report`], and whoever drives it
//! resumes it when the time has come. Call it outside of asynchronous tasks, or through `spawn_blocking`.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use castellan_base::OsSystem;
//! use castellan_respond::actions::{Catalogue, Hosts, HttpOptions};
//! use castellan_respond::run::{Folder, Runner, Start, Status};
//! use castellan_respond::{Library, Origin};
//!
//! let playbook = r#"
//! type: playbook
//! spec_version: cacao-2.0
//! id: playbook--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4cff
//! name: Ask somebody
//! created_by: identity--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c00
//! created: "2026-11-21T00:00:00.000Z"
//! modified: "2026-11-21T00:00:00.000Z"
//! playbook_variables:
//!   __who__: { type: string, external: true }
//! workflow_start: start--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c11
//! workflow:
//!   start--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c11:
//!     type: start
//!     on_completion: action--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c12
//!   action--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c12:
//!     type: action
//!     commands: [{ type: manual, command: "Ask __who__:value what happened." }]
//!     agent: individual--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c14
//!     on_completion: end--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c13
//!   end--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c13: { type: end }
//! agent_definitions:
//!   individual--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c14: { type: individual, name: Analyst }
//! "#;
//! let mut library = Library::default();
//! library.add("ask.yaml", playbook, Origin::BuiltIn);
//!
//! let folder = std::env::temp_dir().join(format!("castellan-respond-{}", std::process::id()));
//! let catalogue = Catalogue::new(Hosts::default(), BTreeMap::new(), HttpOptions::default());
//! let runner = Runner {
//!     system: &OsSystem,
//!     library: &library,
//!     catalogue: &catalogue,
//!     folder: Folder::new(&folder),
//!     is_stopped: &|| false,
//! };
//! let start = Start {
//!     variables: BTreeMap::from([("__who__".to_owned(), "Ann".to_owned())]),
//!     by: "ben".to_owned(),
//!     ..Start::default()
//! };
//! let report = runner.start("playbook--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4cff", &start)?;
//! assert_eq!(report.status, Status::Waiting);
//! let path = report.waits[0].path();
//! let report = runner.complete(&report.run, path, "ben", Ok(BTreeMap::new()))?;
//! assert_eq!(report.status, Status::Completed);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod actions;
pub mod automation;
pub mod import;
mod library;
pub mod plan;
pub mod playbook;
pub mod run;
pub mod sign;

pub use library::{Entry, Library, Origin};
