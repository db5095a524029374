//! From declarations to resources: ARM templates (compiled Bicep included), Terraform plans and Terraform state.
//!
//! [`expand_template`] evaluates a template the way a deployment would: parameters, variables, copies, conditions,
//! nested deployments. What only a deployment can tell stays *unresolved* and carries its expression; nothing is
//! fetched and nothing is guessed. [`terraform::expand`] does the same for what `terraform show -json` prints.
//!
//! ```
//! use castellan_arm::{DeploymentContext, expand_template};
//! use castellan_base::{Limits, Sources, json};
//!
//! let mut sources = Sources::default();
//! let source = sources.add("main.json", r#"{
//!   "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
//!   "contentVersion": "1.0.0.0",
//!   "parameters": { "prefix": { "type": "string", "defaultValue": "contoso" } },
//!   "resources": [{
//!     "type": "Microsoft.Search/searchServices", "apiVersion": "2025-05-01",
//!     "name": "[format('{0}-search', parameters('prefix'))]",
//!     "properties": { "replicaCount": "[add(1, 1)]", "hostedBy": "[reference('elsewhere').name]" }
//!   }]
//! }"#);
//! let template = json::parse(&sources.text(source).unwrap(), source, &Limits::default()).unwrap();
//! let expansion = expand_template(&template, None, &DeploymentContext::default());
//! let search = &expansion.resources[0];
//! assert_eq!(search.name(), "contoso-search");
//! assert_eq!(search.at_path("properties.replicaCount").unwrap().as_i64(), Some(2));
//! assert!(search.at_path("properties.hostedBy").unwrap().as_unresolved().is_some());
//! assert_eq!(sources.locate(search.span).unwrap().line, 5);
//! ```

mod context;
mod template;
pub mod terraform;

pub use context::{DeploymentContext, Expansion};
pub use template::{expand_template, is_parameters, is_template};
