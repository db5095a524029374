//! Plugins.

mod activity;
mod intersect;
mod lookup;
mod narrow;
mod near;
mod pattern;
mod pivot;
mod places;
mod rolling;
mod schema;
mod sequence;
mod unpack;

use std::sync::Arc;

use super::{Result, Row, Run, failure};
use crate::plan::{Field, Plan, Plugin, Scalar, ScalarKind};
use crate::value::Value;

/// The columns of a plugin on these rows.
pub(super) fn columns(input: &Plan, plugin: &Plugin, rows: &[Row]) -> Result<Vec<Field>> {
    match plugin.row.name {
        "bag_unpack" => Ok(unpack::columns(input, plugin, rows)),
        "pivot" => pivot::columns(input, plugin, rows),
        name => Err(failure("unsupported", format!("the columns of `{name}` have to be given"))),
    }
}

/// A call of a plugin.
struct Call<'c, 'r> {
    run: &'c Run<'r>,
    /// The plan with the columns that come out.
    plan: &'c Plan,
    input: &'c Plan,
    plugin: &'c Plugin,
}

impl Call<'_, '_> {
    /// The values given for an argument, ready for rows.
    fn scalars(&self, name: &str) -> Result<Vec<Scalar>> {
        self.plugin.scalars(name).map(|scalar| self.run.ready(scalar)).collect()
    }

    /// The value given for an argument.
    fn scalar(&self, name: &str) -> Result<Option<Scalar>> {
        self.plugin.scalars(name).next().map(|scalar| self.run.ready(scalar)).transpose()
    }

    /// The value given for an argument that cannot be left out.
    fn required(&self, name: &str) -> Result<Scalar> {
        let missing = || failure("argument-count", format!("the argument `{name}` is missing"));
        self.scalar(name)?.ok_or_else(missing)
    }

    /// The constant given for an argument.
    fn constant(&self, name: &str) -> Result<Option<Value>> {
        self.plugin.scalars(name).next().map(|scalar| self.run.constant(scalar)).transpose()
    }

    /// The whole number given for an argument.
    fn whole(&self, name: &str) -> Result<Option<usize>> {
        let value = self.constant(name)?.and_then(|value| value.to_i64());
        Ok(value.map(|number| usize::try_from(number).unwrap_or(0)))
    }

    /// The column given for an argument.
    fn column(&self, name: &str) -> Option<usize> {
        self.plugin.scalars(name).find_map(|scalar| match scalar.kind {
            ScalarKind::Column(at) => Some(at),
            _ => None,
        })
    }
}

impl Run<'_> {
    pub(super) fn plugin(&self, plan: &Plan, input: &Arc<Plan>, plugin: &Plugin) -> Result<Vec<Row>> {
        let rows = self.plan(input)?;
        let call = Call { run: self, plan, input, plugin };
        match plugin.row.name {
            "active_users_count" => activity::active::rows(&call, rows),
            "activity_counts_metrics" => activity::counts::rows(&call, rows),
            "activity_engagement" => activity::engagement::rows(&call, rows),
            "activity_metrics" => activity::metrics::rows(&call, rows),
            "autocluster" => pattern::cluster::rows(&call, &rows),
            "bag_unpack" => Ok(unpack::rows(plan, input, plugin, rows)),
            "basket" => pattern::basket::rows(&call, &rows),
            "dcount_intersect" => intersect::rows(&call, rows),
            "diffpatterns" => pattern::difference::rows(&call, &rows),
            "geo_line_lookup" | "geo_polygon_lookup" => places::rows(&call, rows),
            "ipv4_lookup" | "ipv6_lookup" => lookup::rows(&call, rows),
            "narrow" => narrow::rows(&call, &rows),
            "new_activity_metrics" => activity::cohort::rows(&call, rows),
            "pivot" => pivot::rows(&call, rows),
            "rolling_percentile" => rolling::rows(&call, rows),
            "rows_near" => near::rows(&call, rows),
            "schema_merge" => schema::rows(&call, &rows),
            "sequence_detect" => sequence::rows(&call, rows),
            "session_count" => activity::session::rows(&call, rows),
            "sliding_window_counts" => activity::sliding::rows(&call, rows),
            name => Err(failure("unsupported", format!("the plugin `{name}` is not supported"))),
        }
    }
}

/// A count as the language has it.
fn long(count: usize) -> Value {
    Value::Long(i64::try_from(count).unwrap_or(i64::MAX))
}
