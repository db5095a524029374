//! The Azure Policy language, three-valued, with a trace.
//!
//! A [`Definition`] is read from its document and compiled to a [`Policy`]; [`Policy::evaluate`] judges one resource.
//! [`PolicyIndex`] finds the policies that can apply to a type at all, [`governance`] says which assignments reach a
//! resource, and [`batch`] does everything for one JSON line.
//!
//! *Invariant (unknown is an answer):* conditions are true, false or unknown by Kleene's logic. A value that cannot be
//! known before deployment, or was never collected, makes a condition unknown unless something else decides it; the
//! verdict is then [`castellan_base::Verdict::Unknown`] with the reason. Finding out more never turns a definite
//! verdict into another one.
//!
//! Choices where the documentation leaves room:
//!
//! * A condition on `alias[*]` outside a count must hold for every element. It holds for an empty array. An array that
//!   is not there is compared as one missing value: `equals` fails, `notEquals` holds.
//! * An alias of another resource type than the judged one has no value, as if the property were missing.
//! * `modify` and `append` count as not compliant where the condition holds, whatever the operations would change.
//! * `denyAction` protects and never makes a resource non-compliant; `disabled` is not applicable.
//!
//! ```
//! use castellan_base::{Node, Verdict};
//! use castellan_policy::{AliasTable, ClosedWorld, Definition, EvaluationContext, Policy, Request};
//!
//! let document = serde_json::json!({
//!     "if": {"allOf": [
//!         {"field": "type", "equals": "Microsoft.CognitiveServices/accounts"},
//!         {"field": "Microsoft.CognitiveServices/accounts/disableLocalAuth", "notEquals": true}
//!     ]},
//!     "then": {"effect": "audit"}
//! });
//! let definition = Definition::parse(&Node::from_json(&document)).unwrap();
//! let policy = Policy::compile(&definition, &AliasTable::builtin()).unwrap();
//!
//! let resource = Node::from_json(&serde_json::json!({
//!     "type": "Microsoft.CognitiveServices/accounts", "properties": {"disableLocalAuth": false}
//! }));
//! let context = EvaluationContext::default();
//! let outcome = policy.evaluate(&Request::new(&resource, &ClosedWorld(&[]), &context).traced());
//! assert_eq!(outcome.verdict, Verdict::NonCompliant);
//! let evidence = outcome.trace.unwrap().evidence();
//! assert_eq!(&*evidence[0].path, "properties.disableLocalAuth");
//! ```

mod alias;
pub mod batch;
mod compare;
mod compile;
mod condition;
mod count;
mod definition;
mod effect;
mod evaluate;
mod field;
pub mod governance;
mod host;
mod index;
mod modes;
mod path;
mod policy;
mod related;
mod request;
mod trace;
mod truth;
mod types;

pub use alias::AliasTable;
pub use compare::Operator;
pub use definition::{Definition, Mode, Parameter};
pub use effect::EffectFamily;
pub use index::PolicyIndex;
pub use policy::Policy;
pub use request::{
    ClosedWorld, EvaluationContext, ExistenceScope, NothingCollected, Outcome, Related, RelatedQuery,
    RelatedResources, Request,
};
pub use trace::{Trace, TraceKind, TraceNode};
pub use truth::Truth;
