//! The ground floor of Castellan: the few things that every other crate has in common.
//!
//! * **Where things are**: [`ResourceId`] names a resource as Azure does; [`Span`] and [`Sources`] say where in which
//!   file a value stands.
//! * **What was read**: [`Node`] is a JSON value with its position that may be *unresolved*; [`json`] and [`yaml`] read
//!   it from text within [`Limits`]; [`Resource`] is one resource however it was described.
//! * **What is said about it**: [`Severity`], [`Verdict`], [`Evidence`], [`Finding`], [`FrameworkId`], [`Diagnostic`].
//! * **When**: [`Ticks`], 100-ns steps over the years 1 to 9999.
//! * **The outside world**: [`System`], the only door to clock, files, environment and other programs.
//!
//! Nothing here is asynchronous, and nothing but [`OsSystem`] touches the machine.
//!
//! ```
//! use castellan_base::{Limits, Sources, json};
//!
//! let mut sources = Sources::default();
//! let source = sources.add("account.json", "{\n  \"properties\": { \"disableLocalAuth\": false }\n}");
//! let account = json::parse(&sources.text(source).unwrap(), source, &Limits::default()).unwrap();
//! // Property names are case-insensitive, as in Resource Manager, and every value knows its place.
//! let key_access = account.at_path("properties.DISABLELOCALAUTH").unwrap();
//! assert_eq!(key_access.as_bool(), Some(false));
//! assert_eq!(sources.locate(key_access.span).unwrap().to_string(), "account.json:2:39");
//! ```

mod diagnostic;
mod finding;
mod framework;
pub mod json;
mod limits;
mod resource;
mod resource_id;
mod severity;
mod span;
mod system;
mod ticks;
mod value;
pub mod yaml;

pub use diagnostic::{Diagnostic, Level};
pub use finding::{Evidence, Finding, UnknownKind, UnknownReason, Verdict};
pub use framework::{FrameworkId, ParseFrameworkIdError};
pub use limits::Limits;
pub use resource::{Existence, Origin, Resource};
pub use resource_id::{ParseResourceIdError, ResourceId};
pub use severity::{ParseSeverityError, Severity};
pub use span::{Location, SourceId, Sources, Span};
pub use system::{DirEntry, OsSystem, ProgramOutput, System};
pub use ticks::{ParseTicksError, Ticks, civil_from_days};
pub use value::{Member, Node, Object, Unresolved, UnresolvedReason, Value};
