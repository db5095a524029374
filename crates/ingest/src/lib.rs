//! Bytes of telemetry in, rows of event tables out.
//!
//! * [`otlp`]: logs, traces and metrics of OpenTelemetry, as protobuf or JSON, to `OTelLogs`, `OTelSpans`, `OTelEvents`
//!   and `OTelMetrics`.
//! * [`genai`]: what the GenAI conventions of OpenTelemetry and two other dialects say about models, agents and tools,
//!   to `AppGenAIContent` and `ASimAgentEventLogs`. The mapping is data, in `content/genai`.
//! * [`syslog`]: messages of devices, to `Syslog`, and those that carry CEF to `CommonSecurityLog`.
//! * [`diagnostic`]: logs of Azure resources and of Entra, to the table that Azure Monitor has for each category.
//!
//! A reader never fails as a whole over one record: it gives [`Taken`], with the rows, the number of records that were
//! rejected, and what else there is to tell. An error means that nothing could be read at all.
//!
//! *Invariant (nothing is lost in silence):* each record becomes a row of its table or counts as rejected, and each
//! value that was left out, cut or replaced is told as a [`Problem`] (property-tested).
//!
//! *Invariant (content has one place):* texts of prompts and answers are in `AppGenAIContent` alone; where they stood
//! in a span or a log, a marker says where they went.
//!
//! Deliberately absent: clocks (the caller says when bytes were received), files, networks, and tables themselves.
//!
//! ```
//! use castellan_base::Ticks;
//! use castellan_ingest::otlp::{self, Encoding};
//!
//! let body = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
//!     {"timeUnixNano":"1795219200000000000","severityNumber":9,"body":{"stringValue":"started"}}]}]}]}"#;
//! let received: Ticks = "2026-11-21T00:00:01Z".parse().unwrap();
//! let taken = otlp::logs(body, Encoding::Json, received).unwrap();
//! assert_eq!((taken.count("OTelLogs"), taken.rejected), (1, 0));
//! let row = std::str::from_utf8(&taken.rows[0].lines).unwrap();
//! assert!(row.contains(r#""TimeGenerated":"2026-11-21T00:00:00.0000000Z""#), "{row}");
//! assert!(row.contains(r#""Body":"started""#), "{row}");
//! ```

mod cef;
pub mod diagnostic;
pub mod genai;
mod json;
pub mod otlp;
mod problem;
mod rows;
pub mod syslog;
mod times;

pub use problem::{Problem, ProblemKind};
pub use rows::{Rows, Taken};

/// Longest text that one column or one value within a dynamic column keeps, in bytes. What is longer is cut at a
/// character and told.
pub const MAX_TEXT: usize = 1 << 20;
/// Most attributes of one record, resource or scope.
pub const MAX_ATTRIBUTES: usize = 4_096;
/// Most bytes of rows that one request of OTLP gives: what a resource or a metric says stands in each of its rows, so that
/// a small request can ask for very large ones. Records beyond are rejected and told.
pub const MAX_ROWS: usize = 128 << 20;
/// How deeply values within a dynamic column may nest.
pub const MAX_DEPTH: usize = 32;
