//! The arguments of the call that is being written.

use super::cursor::{Cursor, MAX_LEVELS};
use super::scope::Scope;
use crate::ast::{Parameter, ParameterKind};
use crate::bind::{Database, Known, Stored};
use crate::registry::{self, Kind, Row};

/// How a function is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The whole call.
    pub label: String,
    /// Its arguments, as they stand in the label.
    pub parameters: Vec<String>,
    /// Which argument is being written; none behind the last one.
    pub active: Option<usize>,
    /// What the function does.
    pub doc: &'static str,
}

/// The call around an offset in bytes. Of several forms the one that still has a place for the argument.
pub fn signature(text: &str, offset: usize, database: &dyn Database) -> Option<Signature> {
    let cursor = Cursor::new(text, offset);
    if cursor.levels.len() > MAX_LEVELS {
        return None;
    }
    let (name, argument) = cursor.call()?;
    let scope = Scope::at(&cursor, database);
    if let Some(Known::Function(function)) = scope.name(name) {
        return Some(of_parameters(name, &function.parameters, argument));
    }
    let plugin = cursor.operator(cursor.pipeline()).is_some_and(|(operator, _)| operator == "evaluate");
    let kinds = [Kind::Scalar, Kind::Aggregate, Kind::Window, Kind::Graph, Kind::Plugin];
    let row = match plugin {
        true => registry::find_kind(name, Kind::Plugin),
        false => kinds.into_iter().find_map(|kind| registry::find_kind(name, kind)),
    };
    if let Some(found) = row.and_then(|row| of_row(row, argument)) {
        return Some(found);
    }
    match database.function(name)? {
        Stored::Function(function) => Some(of_parameters(name, &function.parameters, argument)),
        Stored::Declared(declaration) => {
            Some(of_parameters(name, declaration.parameters.as_deref().unwrap_or_default(), argument))
        }
    }
}

fn of_row(row: &'static Row, argument: usize) -> Option<Signature> {
    let takes = |signature: &&registry::Signature| argument < signature.arity().1;
    let chosen = row.signatures.iter().find(takes).or_else(|| row.signatures.last())?;
    let texts = chosen.parameters();
    let parameters: Vec<String> =
        texts.split(", ").filter(|text| !text.is_empty() && *text != "...").map(str::to_owned).collect();
    let active = active(chosen, argument);
    Some(Signature { label: format!("{}({texts})", row.name), parameters, active, doc: row.doc })
}

/// The place of an argument: those that repeat take turns.
fn active(signature: &registry::Signature, argument: usize) -> Option<usize> {
    let arguments = signature.arguments;
    let head = arguments.iter().take_while(|argument| argument.repeat.is_none()).count();
    let group = arguments.iter().skip(head).take_while(|argument| argument.repeat.is_some()).count();
    if argument < head || group == 0 {
        return (argument < arguments.len()).then_some(argument);
    }
    Some(head + (argument - head) % group)
}

fn of_parameters(name: &str, parameters: &[Parameter], argument: usize) -> Signature {
    let parameters: Vec<String> = parameters.iter().map(written).collect();
    let active = (argument < parameters.len()).then_some(argument);
    Signature { label: format!("{name}({})", parameters.join(", ")), parameters, active, doc: "" }
}

/// A parameter as help shows it.
pub(super) fn written(parameter: &Parameter) -> String {
    let kind = match &parameter.kind {
        ParameterKind::Scalar(scalar_type) => scalar_type.name().to_owned(),
        ParameterKind::Table(_) => "(*)".to_owned(),
    };
    let text = format!("{}: {kind}", parameter.name.text);
    if parameter.default.is_some() { format!("[{text}]") } else { text }
}
