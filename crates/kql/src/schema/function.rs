//! Functions of a workspace: parsers, watchlists and what else rules call.

use std::collections::HashSet;
use std::sync::Arc;

use super::MAX_COLUMNS;
use super::columns::{Columns, scalar_type};
use super::later::{Later, Read};
use super::lines::Piece;
use crate::diagnostic::Diagnostic;
use crate::value::ScalarType;

/// A function that a workspace has beside those of the language.
#[derive(Debug)]
pub struct Function {
    pub(super) name: Arc<str>,
    pub(super) parameters: Later<Parameters>,
    pub(super) result: Output,
}

/// What a function gives, its columns perhaps not read yet.
#[derive(Debug)]
pub(super) enum Output {
    Value(ScalarType),
    Rows(Arc<Later<Columns>>),
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns<'f> {
    /// A single value.
    Value(ScalarType),
    /// Rows.
    Rows(&'f Columns),
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: Arc<str>,
    /// What it takes.
    pub kind: ParameterType,
    /// The constant that counts when nothing is given, in the language; without one the parameter has to be given.
    pub default: Option<Arc<str>>,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterType {
    /// A value.
    Value(ScalarType),
    /// Rows with any columns.
    Rows,
}

impl Function {
    /// Its name, case-sensitive.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters.get().0
    }

    /// What it gives.
    pub fn returns(&self) -> Returns<'_> {
        match &self.result {
            Output::Value(scalar_type) => Returns::Value(*scalar_type),
            Output::Rows(columns) => Returns::Rows(columns.get()),
        }
    }
}

/// Parameters in order.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<Parameter>);

impl Read for Parameters {
    /// Reads `a:string b:long=5 t:(*)`.
    fn read(text: Piece<'_>) -> Result<Parameters, Diagnostic> {
        let mut list: Vec<Parameter> = Vec::new();
        let mut seen = HashSet::new();
        for word in text.words() {
            let found = parameter(word)?;
            if !seen.insert(Arc::clone(&found.name)) {
                let message = format!("the parameter `{}` stands here twice", found.name);
                return Err(word.error("duplicate-parameter", message));
            }
            let is_behind_optional = list.last().is_some_and(|before| before.default.is_some());
            if found.default.is_none() && is_behind_optional {
                let message = format!("the parameter `{}` needs a default", found.name);
                let help = "parameters that may be left out come last";
                return Err(word.error("missing-default", message).with_help(help));
            }
            if list.len() == MAX_COLUMNS {
                return Err(
                    word.error("many-parameters", format!("there are at most {MAX_COLUMNS} parameters"))
                );
            }
            list.push(found);
        }
        Ok(Parameters(list))
    }
}

/// `name:type`, `name:type=default`, `name:(*)`
fn parameter(word: Piece<'_>) -> Result<Parameter, Diagnostic> {
    let (declared, default) = match word.split_once('=') {
        Some((declared, default)) => (declared, Some(default)),
        None => (word, None),
    };
    let Some((name, type_name)) = declared.split_once(':') else {
        let message = format!("`{}` has no type", declared.text.escape_default());
        return Err(declared.error("missing-type", message).with_help("write `name:type`"));
    };
    let kind = match type_name.text {
        "(*)" => ParameterType::Rows,
        _ => ParameterType::Value(scalar_type(type_name)?),
    };
    if let Some(default) = default.filter(|default| default.text.is_empty()) {
        return Err(default.error("missing-default", "a default is missing here"));
    }
    Ok(Parameter { name: name.name()?.into(), kind, default: default.map(|default| default.text.into()) })
}
