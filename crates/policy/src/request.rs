//! What an evaluation is given and what it answers.

use std::sync::Arc;

use castellan_base::{Node, Object, Ticks, Verdict};

use crate::trace::Trace;

/// Facts about the surroundings of a resource, for the policy functions.
#[derive(Clone, Debug, Default)]
pub struct EvaluationContext {
    /// The time, for `utcNow()`; unknown when absent.
    pub now: Option<Ticks>,
    /// What `subscription()` gives; ids are taken from the resource id when absent.
    pub subscription: Option<Node>,
    /// What `resourceGroup()` gives; name and id are taken from the resource id when absent.
    pub resource_group: Option<Node>,
    /// What `requestContext()` gives: `{"apiVersion": ...}`.
    pub request_context: Option<Node>,
    /// What `policy()` gives: `{"assignmentId", "definitionId", ...}`.
    pub policy: Option<Node>,
}

/// One evaluation: a resource against a compiled policy.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The resource as ARM's GET returns it: `{id, name, type, location, kind, sku, identity, tags, properties}`.
    pub resource: &'a Node,
    /// Parameter values by name, without the `{"value": ...}` wrapping; defaults fill in the rest.
    pub parameters: Option<&'a Object>,
    /// Answers what other resources there are.
    pub related: &'a dyn RelatedResources,
    /// The surroundings.
    pub context: &'a EvaluationContext,
    /// Whether to record which conditions decided, and the operations of `modify` and `append`. Costs time.
    pub trace: bool,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the policy says of the resource.
    pub verdict: Verdict,
    /// The effect as the definition or its parameter spells it, where the condition holds; `None` where it does not.
    pub effect: Option<Arc<str>>,
    /// How it was decided, when asked for.
    pub trace: Option<Trace>,
    /// The `then.details` with their expressions evaluated, when a trace was asked for and the effect applies.
    pub details: Option<Node>,
}

/// Where an `*IfNotExists` effect looks for the related resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExistenceScope {
    /// The resource's own resource group, or below or on the resource itself. The default.
    #[default]
    ResourceGroup,
    /// The whole subscription.
    Subscription,
}

/// A question for related resources.
#[derive(Clone, Copy, Debug)]
pub struct RelatedQuery<'a> {
    /// The resource that is judged.
    pub resource: &'a Node,
    /// The type looked for.
    pub resource_type: &'a str,
    /// Only resources of this name (the last part or the full name, `*` allowed); any when absent.
    pub name: Option<&'a str>,
    /// Where to look.
    pub scope: ExistenceScope,
    /// Only in this resource group; the judged resource's own when absent and the scope is the group.
    pub resource_group: Option<&'a str>,
}

/// The answer to a [`RelatedQuery`].
#[derive(Clone, Debug)]
pub enum Related<'a> {
    /// These and no others.
    Known(Vec<&'a Node>),
    /// Nobody looked; the verdict will be unknown.
    NotCollected {
        /// What is missing, in words.
        message: String,
        /// The command that collects it.
        next_step: String,
    },
}

/// Something that knows about other resources than the judged one.
pub trait RelatedResources {
    /// The resources that the query asks for.
    fn related<'s>(&'s self, query: &RelatedQuery<'_>) -> Related<'s>;
}

/// Knows of no other resource, and says that nobody looked.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingCollected;

impl RelatedResources for NothingCollected {
    fn related<'s>(&'s self, query: &RelatedQuery<'_>) -> Related<'s> {
        Related::NotCollected {
            message: format!("resources of type {} were not collected", query.resource_type),
            next_step: format!("export resources of type {} and scan them along", query.resource_type),
        }
    }
}

/// A closed world: these resources and the judged one are all there is.
#[derive(Clone, Copy, Debug)]
pub struct ClosedWorld<'r>(pub &'r [Node]);

impl RelatedResources for ClosedWorld<'_> {
    fn related<'s>(&'s self, query: &RelatedQuery<'_>) -> Related<'s> {
        Related::Known(self.0.iter().filter(|node| crate::related::matches(query, node)).collect())
    }
}
