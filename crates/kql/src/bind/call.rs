//! Calls in scalar expressions.

use std::sync::Arc;

use super::environment::Binding;
use super::frame::{Frame, Gather};
use super::scalar::suggest;
use super::types::{Given, fits, returned};
use super::{Binder, Result};
use crate::ast::{Argument, Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::functions;
use crate::plan::{Field, Scalar, ScalarKind, Volatile};
use crate::registry::{self, Kind, Returns, Row, Signature};
use crate::span::Span;
use crate::value::{Dynamic, ScalarType, Value};

/// A call whose place and arguments are known.
pub(super) struct Call<'c> {
    pub(super) expr: &'c Expr,
    pub(super) name: &'c Arc<str>,
    pub(super) arguments: &'c [Argument],
}

impl Binder<'_> {
    pub(super) fn call(
        &self,
        expr: &Expr,
        callee: &Expr,
        arguments: &[Argument],
        frame: Frame<'_>,
    ) -> Result<Scalar> {
        self.count_work(expr.span)?;
        let ExprKind::Name(name) = &callee.kind else {
            let message = "this cannot be called in a scalar expression";
            return Err(Diagnostic::error("not-scalar", callee.span, message));
        };
        if let Some(Binding::Function { function, environment }) = frame.environment.find(name) {
            return self.scalar_function(expr, function, environment, arguments, frame);
        }
        let call = Call { expr, name, arguments };
        if let Some(scalar) = self.special(&call, frame)? {
            return Ok(scalar);
        }
        match registry::find_kind(name, Kind::Scalar) {
            Some(row) => self.built_in(&call, row, frame),
            None => self.gathered(&call, callee, frame),
        }
    }

    /// Functions that need more than the values of their arguments.
    fn special(&self, call: &Call<'_>, frame: Frame<'_>) -> Result<Option<Scalar>> {
        let first = call.arguments.first().map(|argument| &argument.value);
        let text = |value: &str| Scalar::literal(Value::string(value), ScalarType::String);
        Ok(Some(match (&**call.name, first) {
            ("now" | "ago", _) => self.clock(call, frame)?,
            ("toscalar", Some(table)) => self.first_value(table, frame)?,
            ("column_ifexists" | "columnifexists", Some(name)) => self.column_or(call, name, frame)?,
            ("iscolumnexists", Some(name)) => {
                let name = self.literal(name, frame)?.to_text();
                Scalar::literal(Value::Bool(frame.position(&name).is_some()), ScalarType::Bool)
            }
            ("pack_all", _) => self.pack_all(call, frame)?,
            ("bag_pack_columns", Some(_)) => self.pack_columns(call, frame)?,
            ("pack_array", Some(Expr { kind: ExprKind::Star, .. })) => {
                let arguments = columns(frame.columns).collect();
                named_call("pack_array", arguments, ScalarType::Dynamic)
            }
            ("rand", _) => self.random(call, frame)?,
            ("new_guid", _) => {
                Scalar { kind: ScalarKind::Volatile(Volatile::Guid), scalar_type: ScalarType::Guid }
            }
            ("assert", Some(condition)) => self.assertion(call, condition, frame)?,
            ("bin_auto", Some(value)) => self.bin_auto(call, value, frame)?,
            ("column_names_of", Some(table)) => self.column_names(table, frame)?,
            ("ingestion_time", _) => {
                match frame.position("$IngestionTime").or(frame.position("_TimeReceived")) {
                    Some(at) => Scalar::column(at, ScalarType::DateTime),
                    None => Scalar::literal(Value::Null, ScalarType::DateTime),
                }
            }
            ("current_database", _) => text(&self.options.database),
            ("current_principal", _) => text(&self.options.principal),
            ("current_principal_details", _) => {
                let id = Dynamic::String(self.options.principal.as_str().into());
                let bag = Dynamic::Bag([("UserPrincipalName".into(), id)].into_iter().collect());
                Scalar::literal(Value::dynamic(bag), ScalarType::Dynamic)
            }
            _ => return Ok(None),
        }))
    }

    fn clock(&self, call: &Call<'_>, frame: Frame<'_>) -> Result<Scalar> {
        let now = Scalar::literal(Value::datetime(self.options.now), ScalarType::DateTime);
        let Some(offset) = call.arguments.first() else {
            return if &**call.name == "now" { Ok(now) } else { Err(self.no_signature(call, &[])) };
        };
        let offset = self.scalar(&offset.value, frame)?;
        if !matches!(offset.scalar_type, ScalarType::TimeSpan | ScalarType::Dynamic) {
            return Err(self.no_signature(call, &[Given::Value(offset.scalar_type)]));
        }
        let kind = if &**call.name == "now" {
            crate::ast::BinaryKind::Add
        } else {
            crate::ast::BinaryKind::Subtract
        };
        Ok(operation(kind, now, offset.cast(ScalarType::TimeSpan), ScalarType::DateTime))
    }

    /// `toscalar(T)`; of a value the value itself.
    fn first_value(&self, argument: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        match self.table_of(argument, frame)? {
            Some(plan) => Ok(self.single_value(&plan)),
            None => self.scalar(argument, frame),
        }
    }

    /// `column_ifexists("name", default)`
    fn column_or(&self, call: &Call<'_>, name: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        let text = match &name.kind {
            // The name may also stand there itself.
            ExprKind::Name(column) if frame.position(column).is_some() => column.to_string(),
            _ => self.literal(name, frame)?.to_text(),
        };
        if frame.position(&text).is_some() {
            let column = Expr { kind: ExprKind::Name(Arc::from(text.as_str())), span: call.expr.span };
            return self.scalar(&column, frame);
        }
        let Some(default) = call.arguments.get(1) else { return Err(self.no_signature(call, &[])) };
        self.scalar(&default.value, frame)
    }

    fn pack_all(&self, call: &Call<'_>, frame: Frame<'_>) -> Result<Scalar> {
        let ignores = match call.arguments.first() {
            Some(flag) => self.literal(&flag.value, frame)?.to_bool().unwrap_or(false),
            None => false,
        };
        let pairs = frame.columns.iter().zip(columns(frame.columns));
        Ok(packed(pairs, ignores))
    }

    fn pack_columns(&self, call: &Call<'_>, frame: Frame<'_>) -> Result<Scalar> {
        let values: Vec<Scalar> = call
            .arguments
            .iter()
            .map(|argument| self.scalar(&argument.value, frame))
            .collect::<Result<_>>()?;
        let fields: Vec<Field> = call
            .arguments
            .iter()
            .map(|argument| {
                Field::new(super::names::auto_name(&argument.value).unwrap_or_default(), ScalarType::Dynamic)
            })
            .collect();
        Ok(packed(fields.iter().zip(values), false))
    }

    fn random(&self, call: &Call<'_>, frame: Frame<'_>) -> Result<Scalar> {
        let below = match call.arguments.first() {
            Some(count) => self.literal(&count.value, frame)?.to_i64().filter(|count| *count > 1),
            None => None,
        };
        Ok(Scalar { kind: ScalarKind::Volatile(Volatile::Random(below)), scalar_type: ScalarType::Real })
    }

    fn assertion(&self, call: &Call<'_>, condition: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        if self.literal(condition, frame)?.to_bool() == Some(true) {
            return Ok(Scalar::literal(Value::Bool(true), ScalarType::Bool));
        }
        let message = match call.arguments.get(1) {
            Some(message) => self.literal(&message.value, frame)?.to_text(),
            None => String::new(),
        };
        Err(Diagnostic::error("assertion", call.expr.span, format!("the query asserts otherwise: {message}")))
    }

    /// `bin_auto(value)` with the size that `set query_bin_auto_size` gave.
    fn bin_auto(&self, call: &Call<'_>, value: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        let setting = |name: &str| {
            let settings = self.settings.borrow();
            settings.iter().rev().find(|(known, _)| &**known == name).map(|(_, value)| value.clone())
        };
        let Some(size) = setting("query_bin_auto_size") else {
            let message = "`bin_auto()` needs the size of bins";
            return Err(Diagnostic::error("no-bin-size", call.expr.span, message)
                .with_help("write `set query_bin_auto_size = 1h;` before the query, or use bin()"));
        };
        let value = self.scalar(value, frame)?;
        let scalar_type = value.scalar_type;
        let literal = |value: Value| {
            let scalar_type = value.scalar_type().unwrap_or(scalar_type);
            Scalar::literal(value, scalar_type)
        };
        let mut arguments = vec![value, literal(size)];
        let name = match setting("query_bin_auto_at") {
            Some(at) => {
                arguments.push(literal(at));
                "bin_at"
            }
            None => "bin",
        };
        Ok(named_call(name, arguments, scalar_type))
    }

    fn column_names(&self, table: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        let Some(plan) = self.table_of(table, frame)? else {
            return Err(Diagnostic::error("not-tabular", table.span, "a table is expected here"));
        };
        let names = plan.columns.iter().map(|column| Dynamic::String(Arc::clone(&column.name))).collect();
        Ok(Scalar::literal(Value::dynamic(Dynamic::Array(names)), ScalarType::Dynamic))
    }

    /// A function of values.
    fn built_in(&self, call: &Call<'_>, row: &'static Row, frame: Frame<'_>) -> Result<Scalar> {
        let (signature, arguments, given) = self.arguments(call, row, frame)?;
        let Some(scalar_type) = returned(row, signature, &given) else {
            let message =
                format!("`{}` gives several columns and stands alone in `extend` or `project`", row.name);
            return Err(Diagnostic::error("not-scalar", call.expr.span, message));
        };
        let function = implementation(row, call.expr.span)?;
        Ok(Scalar { kind: ScalarKind::Call { function, arguments }, scalar_type }.folded())
    }

    /// The arguments of a call and the signature that takes them.
    pub(super) fn arguments(
        &self,
        call: &Call<'_>,
        row: &'static Row,
        frame: Frame<'_>,
    ) -> Result<(&'static Signature, Vec<Scalar>, Vec<Given>)> {
        let mut scalars = Vec::with_capacity(call.arguments.len());
        let mut given = Vec::with_capacity(call.arguments.len());
        for argument in call.arguments {
            let (scalar, seen) = self.argument(&argument.value, frame)?;
            scalars.extend(scalar);
            given.push(seen);
        }
        match row.signatures.iter().find(|signature| fits(signature, &given)) {
            Some(signature) => Ok((signature, scalars, given)),
            None => Err(self.no_signature(call, &given)),
        }
    }

    fn argument(&self, expr: &Expr, frame: Frame<'_>) -> Result<(Option<Scalar>, Given)> {
        Ok(match &expr.kind {
            // A type as an argument goes by its name.
            ExprKind::TypeOf(schema) => {
                let named = schema.columns.first().and_then(|column| column.scalar_type);
                let scalar_type = named.unwrap_or(ScalarType::Dynamic);
                let name = Scalar::literal(Value::string(scalar_type.name()), ScalarType::String);
                (Some(name), Given::Type(scalar_type))
            }
            ExprKind::Star => (None, Given::Star),
            _ => {
                let scalar = self.scalar(expr, frame)?;
                let scalar_type = scalar.scalar_type;
                (Some(scalar), Given::Value(scalar_type))
            }
        })
    }

    pub(super) fn no_signature(&self, call: &Call<'_>, given: &[Given]) -> Diagnostic {
        const MOST_TYPES: usize = 8;
        let mut types: Vec<&str> = given.iter().take(MOST_TYPES).map(|given| given.name()).collect();
        if given.len() > MOST_TYPES {
            types.push("...");
        }
        let message = format!("`{}` does not take ({})", call.name, types.join(", "));
        let diagnostic = Diagnostic::error("no-signature", call.expr.span, message);
        match registry::find(call.name) {
            Some(row) => diagnostic.with_help(format!("write {}", row.usage().replace('\n', " or "))),
            None => diagnostic,
        }
    }

    /// Aggregates and window functions, where they may stand; stored functions; and names that there are not.
    fn gathered(&self, call: &Call<'_>, callee: &Expr, frame: Frame<'_>) -> Result<Scalar> {
        if let Gather::Graph(pattern) = frame.gather
            && let Some(row) = registry::find_kind(call.name, Kind::Graph)
        {
            return self.graph_function(call, row, frame, pattern);
        }
        if let Some(row) = registry::find_kind(call.name, Kind::Aggregate) {
            return match frame.gather {
                Gather::Aggregates { calls, before, .. } => {
                    self.gather_aggregate(call, row, frame, calls, before)
                }
                _ => Err(misplaced(call, "an aggregate", "`summarize`")),
            };
        }
        if let Some(row) = registry::find_kind(call.name, Kind::Window) {
            return match frame.gather {
                Gather::Windows(calls) => self.gather_window(call, row, frame, calls),
                _ => Err(misplaced(call, "a window function", "`extend` or `where` on rows in order")),
            };
        }
        if registry::find_kind(call.name, Kind::Graph).is_some() {
            return Err(misplaced(call, "a graph function", "`graph-match`"));
        }
        if let Some(stored) = super::source::stored_function(&self.visible(frame.environment), call.name) {
            return self.stored_value(call.expr, &stored, call.arguments, frame);
        }
        Err(super::source::refused(call.name, callee.span).unwrap_or_else(|| {
            let message = format!("there is no function `{}`", call.name);
            let diagnostic = Diagnostic::error("unknown-function", callee.span, message);
            suggest(diagnostic, registry::nearest(call.name))
        }))
    }
}

fn misplaced(call: &Call<'_>, what: &str, place: &str) -> Diagnostic {
    let message = format!("`{}` is {what} and belongs into {place}", call.name);
    Diagnostic::error("misplaced-function", call.expr.span, message)
}

/// How a function of the registry is computed.
///
/// Errors: the language has it, this program does not.
pub(super) fn implementation(row: &Row, span: Span) -> Result<&'static functions::ScalarFunction> {
    functions::find(row.name).ok_or_else(|| {
        Diagnostic::error("unsupported", span, format!("`{}` is not supported", row.name))
            .with_help("docs/kql.md lists what is")
    })
}

/// A call of a function that there is.
pub(super) fn named_call(name: &str, arguments: Vec<Scalar>, scalar_type: ScalarType) -> Scalar {
    match functions::find(name) {
        Some(function) => Scalar { kind: ScalarKind::Call { function, arguments }, scalar_type }.folded(),
        None => Scalar::literal(Value::Null, scalar_type),
    }
}

/// An operation between two values.
pub(super) fn operation(
    kind: crate::ast::BinaryKind,
    left: Scalar,
    right: Scalar,
    scalar_type: ScalarType,
) -> Scalar {
    let operator = crate::ast::BinaryOperator { kind, is_negated: false, is_case_sensitive: true };
    let kind = ScalarKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
    Scalar { kind, scalar_type }.folded()
}

/// Each column as a value.
pub(super) fn columns(fields: &[Field]) -> impl Iterator<Item = Scalar> + '_ {
    fields.iter().enumerate().map(|(at, field)| Scalar::column(at, field.scalar_type))
}

/// A bag of values by the names of columns.
fn packed<'a>(pairs: impl Iterator<Item = (&'a Field, Scalar)>, ignores_empty: bool) -> Scalar {
    let key = |field: &Field| Scalar::literal(Value::string(Arc::clone(&field.name)), ScalarType::String);
    let arguments: Vec<Scalar> = pairs.flat_map(|(field, value)| [key(field), value]).collect();
    if arguments.is_empty() {
        return Scalar::literal(Value::dynamic(Dynamic::Bag(Default::default())), ScalarType::Dynamic);
    }
    let bag = named_call("bag_pack", arguments, ScalarType::Dynamic);
    if ignores_empty { named_call("$bag_without_empty", vec![bag], ScalarType::Dynamic) } else { bag }
}

/// The columns of a call that gives several; `None` for other calls.
pub(super) fn output_columns(
    row: &Row,
    signature: &Signature,
    given: &[Given],
    names: &[Option<String>],
) -> Option<Vec<Field>> {
    let first = names.first().and_then(Option::as_deref).unwrap_or_default();
    match signature.returns {
        Returns::Tuple => {
            let name = |column: &registry::OutputColumn| column.name.replace("{0}", first);
            Some(row.columns.iter().map(|column| Field::new(name(column), column.scalar)).collect())
        }
        Returns::Arrays => {
            let is_array = |given: &&Given| matches!(given, Given::Value(ScalarType::Dynamic));
            let arrays = given.iter().filter(is_array).count();
            let name = |at: usize| match names.get(at) {
                Some(Some(name)) => format!("{name}_sorted"),
                _ => format!("{}_{at}", row.name),
            };
            (arrays > 1).then(|| (0..arrays).map(|at| Field::new(name(at), ScalarType::Dynamic)).collect())
        }
        _ => None,
    }
}
