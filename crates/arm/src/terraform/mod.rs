//! Terraform plans and state as `terraform show -json` prints them.

use castellan_base::{Diagnostic, Node};

use crate::context::{DeploymentContext, Expansion};

/// True for what `terraform show -json` prints, of a plan or of state.
pub fn is_terraform(document: &Node) -> bool {
    document.get("format_version").is_some()
        && (document.get("planned_values").is_some() || document.get("values").is_some())
}

/// Recognises a plan or a state and says that it is not read.
pub fn expand(document: &Node, _context: &DeploymentContext) -> Expansion {
    let mut expansion = Expansion::default();
    let help = "export the resources from Azure, or scan the templates";
    let diagnostic = Diagnostic::warning(document.span, "terraform plans are recognised but not read");
    expansion.diagnostics.push(diagnostic.with_help(help));
    expansion
}
