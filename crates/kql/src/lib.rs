//! The Kusto query language, as Azure Monitor and Microsoft Sentinel speak it: no engine behind it, no I/O.
//!
//! [`value`] has the scalar values and how they are read, written, converted and compared.
//!
//! ```
//! use castellan_kql::value::{ScalarType, Value};
//!
//! let text = Value::string("2024-01-02 03:04");
//! assert_eq!(text.convert(ScalarType::DateTime).to_text(), "2024-01-02T03:04:00.0000000Z");
//! ```

pub mod value;
