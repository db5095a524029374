//! Test servers and fixtures, for tests alone.
//!
//! * [`MemorySystem`] is a [`castellan_base::System`] without a machine: files in memory, a clock that stands where it
//!   was put, a scripted environment and scripted programs.
//! * [`fake_arm`] is Azure Resource Manager and its token endpoints over real HTTP, with a small estate, with paging
//!   and with faults that a test switches on.
//!
//! ```
//! use castellan_base::System;
//! use castellan_testkit::MemorySystem;
//!
//! let system = MemorySystem::default()
//!     .at("2026-11-21T10:00:00Z")
//!     .with_env("AZURE_CLIENT_ID", "app")
//!     .with_file("estate/main.json", "{}")
//!     .with_program("az account show", r#"{"id":"s"}"#);
//! assert_eq!(system.env("AZURE_CLIENT_ID").as_deref(), Some("app"));
//! assert_eq!(system.read_dir("estate".as_ref()).unwrap().len(), 1);
//! assert_eq!(system.run("az", &["account", "show"]).unwrap().code, Some(0));
//! assert_eq!(system.runs(), ["az account show"]);
//! ```

// Fixtures are JSON that is written here; a wrong one has to stop the test that uses it.
#![allow(clippy::indexing_slicing)]

pub mod fake_arm;
mod memory_system;

pub use memory_system::MemorySystem;
