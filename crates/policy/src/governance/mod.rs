//! Initiatives, assignments and exemptions: which definitions reach a resource, and with what parameters.
//!
//! ```
//! use castellan_base::Node;
//! use castellan_policy::governance::{Assignment, Governance};
//!
//! let document = serde_json::json!({
//!     "id": "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a",
//!     "properties": {"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/d",
//!         "parameters": {"effect": {"value": "Deny"}}}
//! });
//! let mut governance = Governance::default();
//! governance.assignments.push(Assignment::parse(&Node::from_json(&document)).unwrap());
//! let resource = Node::from_json(&serde_json::json!({
//!     "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Search/searchServices/x",
//!     "type": "Microsoft.Search/searchServices"
//! }));
//! let reached = governance.reaching(&resource, None);
//! assert_eq!(reached[0].parameters.get("effect").and_then(Node::as_str), Some("Deny"));
//! ```

mod document;
mod resolve;

pub use document::{
    Assignment, Exemption, ExemptionCategory, Initiative, Message, Override, Reference, Selector,
    SelectorKind,
};
pub use resolve::{Governance, Reached, Rollup};
