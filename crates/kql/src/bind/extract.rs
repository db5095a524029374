//! `parse`, `parse-where` and `parse-kv`: texts that come apart into columns.

use std::sync::Arc;

use super::call::named_call;
use super::environment::Environment;
use super::frame::Frame;
use super::join::option;
use super::names::Names;
use super::project::fields_of;
use super::{Binder, Result};
use crate::ast::{Expr, ExprKind, ParsePart, Schema, Setting};
use crate::diagnostic::Diagnostic;
use crate::plan::{Field, ParseMode, ParseStep, Plan, Scalar, Step};
use crate::value::{ScalarType, Value};

impl Binder<'_> {
    pub(super) fn parse(
        &self,
        input: Arc<Plan>,
        is_filter: bool,
        options: &[Setting],
        value: &Expr,
        pattern: &[ParsePart],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let text = as_text(self.scalar(value, frame)?);
        let mode = match option(options, "kind").as_deref() {
            None | Some("simple") => ParseMode::Simple,
            Some("regex") => ParseMode::Regex,
            Some("relaxed") => ParseMode::Relaxed,
            Some(word) => {
                let message = format!("there is no kind `{word}` of parse");
                return Err(Diagnostic::error("parse-kind", value.span, message)
                    .with_help("kinds are simple, regex and relaxed"));
            }
        };
        let flags = option(options, "flags").unwrap_or_default();
        let regex = self.parse_pattern(mode, &flags, pattern, environment)?;
        if let Err(error) = crate::functions::regex(&regex) {
            let message = format!("the pattern is no regular expression: {error}");
            return Err(Diagnostic::error("invalid-regex", value.span, message));
        }
        let parsed: Vec<Field> = pattern
            .iter()
            .filter_map(|part| match part {
                ParsePart::Column(column) => Some(Field::new(
                    Arc::clone(&column.name.text),
                    column.scalar_type.unwrap_or(ScalarType::String),
                )),
                _ => None,
            })
            .collect();
        let step = ParseStep::Pattern { value: text, regex: regex.into(), mode };
        Ok(with_columns(input, step, is_filter, &parsed))
    }

    /// The regular expression with a group `c0`, `c1`, ... for each column.
    fn parse_pattern(
        &self,
        mode: ParseMode,
        flags: &str,
        parts: &[ParsePart],
        environment: &Environment,
    ) -> Result<String> {
        let mut regex = String::new();
        let kept: String = flags.chars().filter(|flag| "imsUx".contains(*flag)).collect();
        regex.push_str(if kept.contains('s') || mode == ParseMode::Regex { "" } else { "(?s)" });
        if !kept.is_empty() {
            regex.push_str(&format!("(?{kept})"));
        }
        regex.push('^');
        let mut columns = 0;
        for (at, part) in parts.iter().enumerate() {
            match part {
                ParsePart::Skip(_) => regex.push_str(lazy(&kept)),
                ParsePart::Text(text) => {
                    let text = self.literal(text, Frame::constant(environment))?.to_text();
                    if mode == ParseMode::Regex {
                        regex.push_str(&format!("(?:{text})"));
                    } else {
                        regex.push_str(&regex::escape(&text));
                    }
                }
                ParsePart::Column(column) => {
                    let before_skip = matches!(parts.get(at + 1), Some(ParsePart::Skip(_)));
                    let scalar_type = column.scalar_type.unwrap_or(ScalarType::String);
                    let inner = group(scalar_type, mode, before_skip, &kept);
                    regex.push_str(&format!("(?P<c{columns}>{inner})"));
                    columns += 1;
                }
            }
        }
        let ends_in_column = matches!(parts.last(), Some(ParsePart::Column(_)));
        if mode != ParseMode::Regex || ends_in_column {
            regex.push('$');
        }
        Ok(regex)
    }

    pub(super) fn parse_kv(
        &self,
        input: Arc<Plan>,
        value: &Expr,
        schema: &Schema,
        properties: &[Setting],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let text = as_text(self.scalar(value, frame)?);
        let constants = |name: &str| -> Result<Option<Vec<Value>>> {
            let Some(setting) = properties.iter().find(|setting| &*setting.name.text == name) else {
                return Ok(None);
            };
            let literal = |value: &Expr| match &value.kind {
                ExprKind::Name(word) if environment.find(word).is_none() => {
                    Ok(Value::string(Arc::clone(word)))
                }
                _ => self.literal(value, Frame::constant(environment)),
            };
            setting.values.iter().map(literal).collect::<Result<Vec<Value>>>().map(Some)
        };
        let text_of = |name: &str| -> Result<Option<Arc<str>>> {
            Ok(constants(name)?.and_then(|values| values.first().map(|value| Arc::from(value.to_text()))))
        };
        let step = match text_of("regex")? {
            Some(regex) => {
                if let Err(error) = crate::functions::regex(&regex) {
                    let message = format!("the pattern is no regular expression: {error}");
                    return Err(Diagnostic::error("invalid-regex", value.span, message));
                }
                ParseStep::KeyValueRegex { value: text, regex }
            }
            None => ParseStep::KeyValue {
                value: text,
                pair_delimiter: text_of("pair_delimiter")?,
                kv_delimiter: text_of("kv_delimiter")?,
                quotes: quotes(constants("quote")?.unwrap_or_default()),
                escape: text_of("escape")?,
                greedy: constants("greedy")?.and_then(|values| values.first()?.to_bool()).unwrap_or(false),
            },
        };
        Ok(with_columns(input, step, false, &fields_of(schema)))
    }
}

fn as_text(value: Scalar) -> Scalar {
    if value.scalar_type == ScalarType::String {
        return value;
    }
    named_call("tostring", vec![value], ScalarType::String)
}

/// As little as possible; with the flag `U` the meanings of `*` and `*?` are exchanged.
fn lazy(flags: &str) -> &'static str {
    if flags.contains('U') { ".*" } else { ".*?" }
}

/// What a column of a type reads.
fn group(scalar_type: ScalarType, mode: ParseMode, before_skip: bool, flags: &str) -> &'static str {
    let is_exact = before_skip || mode == ParseMode::Regex;
    match scalar_type {
        ScalarType::Long | ScalarType::Int if is_exact => r"[-+]?\d+",
        ScalarType::Real | ScalarType::Decimal if is_exact => r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?",
        ScalarType::Guid if is_exact => r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?",
        ScalarType::Bool if is_exact => r"(?i:true|false|0|1)",
        // Nothing stops a text before a gap, and regular expressions are greedy: it reads all that it can.
        _ if mode == ParseMode::Regex => ".*",
        ScalarType::String if before_skip => {
            if flags.contains('U') {
                ".*?"
            } else {
                ".*"
            }
        }
        _ => lazy(flags),
    }
}

/// `quote = '"'`, `quote = ('[', ']')`
fn quotes(values: Vec<Value>) -> Vec<(Arc<str>, Arc<str>)> {
    let texts: Vec<Arc<str>> = values.iter().map(|value| Arc::from(value.to_text())).collect();
    match texts.as_slice() {
        [open, close] => vec![(Arc::clone(open), Arc::clone(close))],
        [both] => {
            let mut characters = both.chars();
            match (characters.next(), characters.next(), characters.next()) {
                (Some(open), Some(close), None) => vec![(open.to_string().into(), close.to_string().into())],
                _ => vec![(Arc::clone(both), Arc::clone(both))],
            }
        }
        _ => Vec::new(),
    }
}

/// The step, and the new columns in the place of those of the same name.
fn with_columns(input: Arc<Plan>, parse: ParseStep, is_filter: bool, parsed: &[Field]) -> Arc<Plan> {
    let width = input.columns.len();
    let mut names = Names::default();
    let step_fields: Vec<Field> = input
        .columns
        .iter()
        .chain(parsed)
        .map(|field| Field { name: names.unique(&field.name), scalar_type: field.scalar_type })
        .collect();
    let mut fields: Vec<(Field, usize)> = input.columns.iter().cloned().zip(0..).collect();
    for (at, field) in parsed.iter().enumerate() {
        match fields.iter_mut().find(|(known, _)| known.name == field.name) {
            Some(known) => *known = (field.clone(), width + at),
            None => fields.push((field.clone(), width + at)),
        }
    }
    let plan = Plan::new(Step::Parse { input, parse, is_filter }, step_fields);
    super::expand::arranged(plan, &fields)
}
