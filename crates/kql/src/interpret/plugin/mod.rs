//! Plugins.

mod unpack;

use std::sync::Arc;

use super::{Result, Row, Run, failure};
use crate::plan::{Field, Plan, Plugin};

/// The columns of a plugin on these rows.
pub(super) fn columns(input: &Plan, plugin: &Plugin, rows: &[Row]) -> Result<Vec<Field>> {
    match plugin.row.name {
        "bag_unpack" => Ok(unpack::columns(input, plugin, rows)),
        name => Err(failure("unsupported", format!("the columns of `{name}` have to be given"))),
    }
}

impl Run<'_> {
    pub(super) fn plugin(&self, plan: &Plan, input: &Arc<Plan>, plugin: &Plugin) -> Result<Vec<Row>> {
        let rows = self.plan(input)?;
        match plugin.row.name {
            "bag_unpack" => Ok(unpack::rows(plan, input, plugin, rows)),
            name => Err(failure("unsupported", format!("the plugin `{name}` is not supported"))),
        }
    }
}
