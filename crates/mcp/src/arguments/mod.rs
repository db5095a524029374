//! Arguments of tools: checked against the pinned schema, against rules of the configuration, and laid flat for policies.

mod record;
mod rule;
mod schema;

pub use record::{Fact, Record, record};
pub use rule::{Must, Rule, Rules, Violated};
pub use schema::{Checked, Schema, SchemaError, Violation};
