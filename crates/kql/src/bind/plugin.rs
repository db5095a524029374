//! `evaluate`: plugins.

use std::cell::RefCell;
use std::sync::Arc;

use super::environment::Environment;
use super::frame::{Frame, Gather};
use super::names::Names;
use super::scalar::suggest;
use super::{Binder, Result};
use crate::ast::{Argument, Expr, ExprKind, Schema};
use crate::diagnostic::Diagnostic;
use crate::plan::{Field, Plan, Plugin, PluginArgument, PluginValue, ScalarKind, Step};
use crate::registry::{self, ArgumentType, Kind, Row};
use crate::span::Span;
use crate::value::ScalarType;

/// Plugins that run here.
const SUPPORTED: [&str; 22] = [
    "active_users_count",
    "activity_counts_metrics",
    "activity_engagement",
    "activity_metrics",
    "autocluster",
    "bag_unpack",
    "basket",
    "dcount_intersect",
    "diffpatterns",
    "geo_line_lookup",
    "geo_polygon_lookup",
    "ipv4_lookup",
    "ipv6_lookup",
    "narrow",
    "new_activity_metrics",
    "pivot",
    "rolling_percentile",
    "rows_near",
    "schema_merge",
    "sequence_detect",
    "session_count",
    "sliding_window_counts",
];

/// The plugin of a call, with what is given.
///
/// Errors: there is no such plugin, or it does not run here.
pub(super) fn supported(call: &Expr) -> Result<(&'static Row, &[Argument])> {
    let (name, arguments) = match &call.kind {
        ExprKind::Call { callee, arguments } => match &callee.kind {
            ExprKind::Name(name) => (name, arguments.as_slice()),
            _ => {
                return Err(Diagnostic::error("unknown-plugin", callee.span, "a plugin is expected here"));
            }
        },
        _ => return Err(Diagnostic::error("unknown-plugin", call.span, "a plugin is expected here")),
    };
    let Some(row) = registry::find_kind(name, Kind::Plugin) else {
        let plugins = registry::rows().filter(|row| row.kind == Kind::Plugin).map(|row| row.name);
        let near = crate::nearest::nearest(name, plugins);
        let message = format!("there is no plugin `{name}`");
        return Err(suggest(Diagnostic::error("unknown-plugin", call.span, message), near));
    };
    if !SUPPORTED.contains(&row.name) {
        return Err(Diagnostic::error(
            "unsupported",
            call.span,
            format!("the plugin `{name}` is not supported"),
        ));
    }
    Ok((row, arguments))
}

impl Binder<'_> {
    pub(super) fn evaluate(
        &self,
        span: Span,
        input: Arc<Plan>,
        call: &Expr,
        schema: Option<&Schema>,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let (row, arguments) = supported(call)?;
        // Arguments are tried by one signature after another.
        let plugin = self.strictly(|| self.plugin(call, row, arguments, &input, environment))?;
        let columns = match schema {
            Some(schema) => declared(schema, &input, &plugin),
            None => self.plugin_columns(span, &input, &plugin)?,
        };
        match columns {
            Some(columns) => Ok(super::project::closed(Plan::new(Step::Plugin { input, plugin }, columns))),
            None => Ok(self.discovered(input, plugin)),
        }
    }

    /// The arguments by the plugin's signature.
    fn plugin(
        &self,
        call: &Expr,
        row: &'static Row,
        arguments: &[Argument],
        input: &Plan,
        environment: &Environment,
    ) -> Result<Plugin> {
        let fitting = row
            .signatures
            .iter()
            .map(|signature| self.placed(signature.arguments, arguments, input, environment));
        let mut last = Err(Diagnostic::error(
            "no-signature",
            call.span,
            format!("`{}` takes other arguments", row.name),
        ));
        for placed in fitting {
            match placed {
                Ok(arguments) => return Ok(Plugin { row, arguments }),
                Err(error) => {
                    last = Err(error.with_help(format!("write {}", row.usage().replace('\n', " or "))))
                }
            }
        }
        last
    }

    fn placed(
        &self,
        places: &'static [registry::Argument],
        arguments: &[Argument],
        input: &Plan,
        environment: &Environment,
    ) -> Result<Vec<PluginArgument>> {
        let mut placed = Vec::new();
        let mut next = 0;
        let mut used = 0;
        for argument in arguments {
            let named =
                argument.name.as_ref().and_then(|name| places.iter().find(|place| place.name == &*name.text));
            if let Some(place) = named {
                placed.push(self.plugin_argument(place, argument, input, &placed, environment)?);
                continue;
            }
            // What repeats may have names of its own, which are those of columns.
            if let Some(name) = &argument.name
                && !places.iter().any(|place| place.repeat.is_some())
            {
                let message = format!("the plugin has no argument `{}`", name.text);
                return Err(Diagnostic::error("unknown-argument", name.span, message));
            }
            // A place that repeats keeps taking; one that does not fit and may be left out is passed over.
            let mut unfit = None;
            loop {
                let Some(place) = places.get(next) else {
                    let message = "this is one argument too many";
                    let too_many = Diagnostic::error("argument-count", argument.value.span, message);
                    return Err(unfit.unwrap_or(too_many));
                };
                let most = place.repeat.map_or(1, |(_, most)| usize::from(most));
                if used >= most {
                    (next, used) = (next + 1, 0);
                    continue;
                }
                if is_default(&argument.value) && !place.is_required() {
                    used += 1;
                    break;
                }
                match self.plugin_argument(place, argument, input, &placed, environment) {
                    Ok(value) => {
                        placed.push(value);
                        used += 1;
                        break;
                    }
                    Err(error) if used > 0 || !place.is_required() => {
                        unfit = Some(error);
                        (next, used) = (next + 1, 0);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let is_given = |place: &registry::Argument| placed.iter().any(|argument| argument.name == place.name);
        match places.iter().find(|place| place.is_required() && !is_given(place)) {
            Some(missing) => {
                let message = format!("the argument `{}` is missing", missing.name);
                Err(Diagnostic::error("argument-count", Span::default(), message))
            }
            None => Ok(placed),
        }
    }

    fn plugin_argument(
        &self,
        place: &'static registry::Argument,
        argument: &Argument,
        input: &Plan,
        before: &[PluginArgument],
        environment: &Environment,
    ) -> Result<PluginArgument> {
        let given = &argument.value;
        // What is looked up is a column of the table that was given before.
        let table = before.iter().find_map(|argument| match &argument.value {
            PluginValue::Table(plan) if matches!(place.name, "network" | "line" | "polygon") => Some(&**plan),
            _ => None,
        });
        let input = table.unwrap_or(input);
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let wants = |wanted: ArgumentType| place.types.contains(&wanted);
        let wrong = |found: &str| {
            let message = format!("`{}` is something else than {found}", place.name);
            Diagnostic::error("type-mismatch", given.span, message)
        };
        let value = if wants(ArgumentType::Tabular) {
            PluginValue::Table(self.table(given, environment)?)
        } else if matches!(given.kind, ExprKind::Star) {
            PluginValue::Star
        } else if wants(ArgumentType::Aggregate) {
            PluginValue::Aggregate(self.plugin_aggregate(given, frame)?)
        } else if place.constant {
            let scalar = self.constant(given, frame)?;
            if !place
                .types
                .iter()
                .any(|wanted| wanted.accepts(scalar.scalar_type) || numbers(*wanted, scalar.scalar_type))
            {
                return Err(wrong(scalar.scalar_type.name()));
            }
            PluginValue::Scalar(scalar)
        } else {
            let scalar = self.scalar(given, frame)?;
            let is_column = matches!(scalar.kind, ScalarKind::Column(_));
            if wants(ArgumentType::Column) && !is_column && !input.is_open {
                return Err(wrong("a value that is no column"));
            }
            let accepted = place.types.iter().any(|wanted| {
                wanted.accepts(scalar.scalar_type)
                    || scalar.scalar_type == ScalarType::Dynamic
                    || numbers(*wanted, scalar.scalar_type)
            });
            if !accepted {
                return Err(wrong(scalar.scalar_type.name()));
            }
            PluginValue::Scalar(scalar)
        };
        let name = argument.name.as_ref().map(|name| Arc::clone(&name.text));
        Ok(PluginArgument { name: place.name, given: name, value })
    }

    fn plugin_aggregate(&self, given: &Expr, frame: Frame<'_>) -> Result<crate::plan::Aggregate> {
        let calls = RefCell::new(Vec::new());
        let gather = Gather::Aggregates { calls: &calls, before: 0, keys: &[] };
        self.scalar(given, Frame { gather, ..frame })?;
        match calls.into_inner().as_slice() {
            [aggregate] => Ok(aggregate.clone()),
            _ => Err(Diagnostic::error("not-aggregate", given.span, "a single aggregate is expected here")),
        }
    }

    /// The columns of a plugin without a schema; `None` where the data decide.
    fn plugin_columns(&self, span: Span, input: &Plan, plugin: &Plugin) -> Result<Option<Vec<Field>>> {
        let mut fields = Vec::new();
        match plugin.row.name {
            "bag_unpack" | "pivot" => return Ok(None),
            "dcount_intersect" => {
                fields.extend(input.columns.iter().cloned());
                let count = plugin.arguments.len();
                fields.extend((0..count).map(|at| Field::new(format!("s{at}"), ScalarType::Long)));
            }
            "sequence_detect" => {
                fields.extend(dimensions(plugin, input));
                let timeline = columns_of(plugin, input, "timeline");
                let Some(timeline) = timeline.first() else { return Ok(None) };
                let steps = plugin.arguments.iter().filter(|argument| argument.name == "step");
                for (at, argument) in steps.enumerate() {
                    let step = argument.given.as_deref().map_or(format!("step{at}"), str::to_owned);
                    fields.push(Field::new(format!("{step}_{}", timeline.name), timeline.scalar_type));
                }
                fields.push(Field::new("Duration", ScalarType::TimeSpan));
            }
            "rolling_percentile" => {
                fields.extend(columns_of(plugin, input, "index"));
                fields.extend(dimensions(plugin, input));
                let value = columns_of(plugin, input, "value");
                let text = |name: &str| plugin.constant(name).map(crate::Value::to_text).unwrap_or_default();
                let column = value.first().map_or("", |field| &field.name).to_owned();
                let name = format!("rolling_{}_percentile_{column}_{}", text("bins"), text("percentile"));
                let scalar_type = value.first().map_or(ScalarType::Real, |field| field.scalar_type);
                fields.push(Field::new(name, scalar_type));
            }
            _ => {
                let Some(schema) = plugin.row.schema else {
                    return Err(Diagnostic::error("unsupported", span, "this plugin needs a schema"));
                };
                for part in schema.split(", ") {
                    fields.extend(described(part, plugin, input));
                }
            }
        }
        let mut names = Names::default();
        let named = |field: Field| Field { name: names.unique(&field.name), scalar_type: field.scalar_type };
        Ok(Some(fields.into_iter().map(named).collect()))
    }

    /// A plugin whose columns the data decide: those that were found out, or an open plan.
    fn discovered(&self, input: Arc<Plan>, plugin: Plugin) -> Arc<Plan> {
        let index = self.discoveries.get();
        self.discoveries.set(index + 1);
        if let Some(columns) = self.options.discovered.get(index) {
            return Plan::new(Step::Plugin { input, plugin }, columns.clone());
        }
        let kept = kept_columns(&input, &plugin);
        let plan = Arc::new(Plan { step: Step::Plugin { input, plugin }, columns: kept, is_open: true });
        let mut first = self.undiscovered.borrow_mut();
        if first.is_none() {
            *first = Some(Arc::clone(&plan));
        }
        plan
    }
}

/// `"~"` stands for what an argument is when it is left out.
fn is_default(given: &Expr) -> bool {
    matches!(&given.kind, ExprKind::Literal { value, .. } if value.as_str() == Some("~"))
}

/// A number may stand where another number is asked for.
fn numbers(wanted: ArgumentType, given: ScalarType) -> bool {
    matches!(wanted, ArgumentType::Exact(exact) if exact.is_number()) && given.is_number()
}

/// The columns that are given for an argument.
fn columns_of(plugin: &Plugin, input: &Plan, name: &str) -> Vec<Field> {
    let field = |scalar: &crate::plan::Scalar| match scalar.kind {
        ScalarKind::Column(at) => input.columns.get(at).cloned(),
        _ => None,
    };
    plugin.scalars(name).filter_map(field).collect()
}

fn dimensions(plugin: &Plugin, input: &Plan) -> Vec<Field> {
    columns_of(plugin, input, "dimension")
}

/// The columns that a part of the registry's description means.
fn described(part: &str, plugin: &Plugin, input: &Plan) -> Vec<Field> {
    match part {
        "timeline" => columns_of(plugin, input, "timeline"),
        "dimensions" => dimensions(plugin, input),
        "columns of the input" => input.columns.clone(),
        "columns of the input but split" => {
            let split = columns_of(plugin, input, "split");
            input.columns.iter().filter(|field| !split.contains(field)).cloned().collect()
        }
        "columns of the table" => looked_up(plugin).into_iter().map(|(_, field)| field).collect(),
        "from timeline" | "to timeline" => {
            let prefix = part.split(' ').next().unwrap_or_default();
            let named = |field: Field| Field::new(format!("{prefix}_{}", field.name), field.scalar_type);
            columns_of(plugin, input, "timeline").into_iter().map(named).collect()
        }
        _ => match part.split_once(':') {
            Some((name, scalar_type)) => {
                vec![Field::new(name, ScalarType::named(scalar_type).unwrap_or(ScalarType::Dynamic))]
            }
            None => Vec::new(),
        },
    }
}

/// The columns of a lookup's table that come out, with their positions: the shapes of places only where asked for.
pub(crate) fn looked_up(plugin: &Plugin) -> Vec<(usize, Field)> {
    let Some(table) = plugin.table("table") else { return Vec::new() };
    let shape =
        plugin.scalars("polygon").chain(plugin.scalars("line")).find_map(|scalar| match scalar.kind {
            ScalarKind::Column(at) => Some(at),
            _ => None,
        });
    let is_kept = plugin.constant("return_lookup_key") == Some(&crate::Value::Bool(true));
    let columns = table.columns.iter().cloned().enumerate();
    columns.filter(|(at, _)| is_kept || Some(*at) != shape).collect()
}

/// The columns of the input that stay whatever the data are.
pub(crate) fn kept_columns(input: &Plan, plugin: &Plugin) -> Vec<Field> {
    match plugin.row.name {
        "bag_unpack" => {
            let unpacked = columns_of(plugin, input, "column");
            input.columns.iter().filter(|field| !unpacked.contains(field)).cloned().collect()
        }
        "pivot" => pivot_keys(input, plugin),
        _ => Vec::new(),
    }
}

/// The columns that make a row of `pivot`: those named, or all that are neither turned nor aggregated.
pub(crate) fn pivot_keys(input: &Plan, plugin: &Plugin) -> Vec<Field> {
    let named = columns_of(plugin, input, "key");
    if !named.is_empty() {
        return named;
    }
    let mut used = columns_of(plugin, input, "column");
    for argument in &plugin.arguments {
        if let PluginValue::Aggregate(aggregate) = &argument.value {
            for scalar in aggregate.scalars() {
                if let ScalarKind::Column(at) = scalar.kind {
                    used.extend(input.columns.get(at).cloned());
                }
            }
        }
    }
    input.columns.iter().filter(|field| !used.contains(field)).cloned().collect()
}

/// The columns of a written schema; `*` is the columns that stay.
fn declared(schema: &Schema, input: &Plan, plugin: &Plugin) -> Option<Vec<Field>> {
    let fields = super::project::fields_of(schema);
    if !schema.is_open {
        return Some(fields);
    }
    let (before, after) = fields.split_at(schema.before_star.min(fields.len()));
    let is_written = |field: &Field| fields.iter().any(|written| written.name == field.name);
    let kept = kept_columns(input, plugin).into_iter().filter(|field| !is_written(field));
    Some(before.iter().cloned().chain(kept).chain(after.iter().cloned()).collect())
}
