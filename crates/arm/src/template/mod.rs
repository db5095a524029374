//! ARM templates: a deployment is a *scope* with parameters, variables and declared resources. Names and ids of all
//! declared resources are worked out first, bodies on demand, so that `reference()` to another resource of the same
//! template, or to the outputs of a nested deployment, is followed wherever it points.

mod functions;
mod identity;
mod instances;
mod scope;
mod values;

use castellan_base::Node;

use crate::context::{DeploymentContext, Expansion};
use scope::{Placement, Scope, Session};

/// True for an ARM template: an object with a template schema, or with `contentVersion` and `resources`.
pub fn is_template(document: &Node) -> bool {
    let Some(object) = document.as_object() else { return false };
    let schema = object.get("$schema").and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
    let names_template = schema.contains("deploymenttemplate.json");
    let looks_like_one = object.get("contentVersion").is_some() && schema.is_empty();
    (names_template || looks_like_one) && object.get("resources").is_some()
}

/// True for a parameters file: an object with a parameters schema, or with `contentVersion` and `parameters` alone.
pub fn is_parameters(document: &Node) -> bool {
    let Some(object) = document.as_object() else { return false };
    let schema = object.get("$schema").and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
    let names_parameters = schema.contains("deploymentparameters.json");
    let looks_like_one = object.get("contentVersion").is_some() && object.get("resources").is_none();
    object.get("parameters").is_some_and(|parameters| parameters.as_object().is_some())
        && (names_parameters || (schema.is_empty() && looks_like_one))
}

/// Expands a template to the resources that a deployment would create.
///
/// `parameters` is a parameters file, or an object of `{name: {value}}`. Never fails: what cannot be used is told in
/// [`Expansion::diagnostics`], and the rest is still expanded.
pub fn expand_template(template: &Node, parameters: Option<&Node>, context: &DeploymentContext) -> Expansion {
    let session = Session::new(context.now);
    let placement = Placement::root(template, context);
    let given = parameters.map(|file| file.get("parameters").unwrap_or(file).clone());
    let scope = Scope::new(&session, template.clone(), given, placement, None, 0);
    scope.check_parameters();
    let mut expansion = Expansion::default();
    scope.collect(&mut expansion);
    expansion.outputs = scope.outputs();
    expansion.diagnostics = session.take_diagnostics();
    expansion
}
