//! Evaluates policies on resources of an estate, and answers what they ask about other resources.

use std::cell::Cell;

use castellan_base::{
    Existence, Member, Node, Object, Resource, Span, Unresolved, UnresolvedReason, Value, Verdict,
};
use castellan_estate::Estate;
use castellan_policy::{
    EvaluationContext, ExistenceScope, Outcome, Policy, Related, RelatedQuery, RelatedResources, Request,
};

/// A resource made ready for evaluation.
pub(crate) struct Subject<'a> {
    pub(crate) estate: &'a Estate,
    pub(crate) resource: &'a Resource,
    pub(crate) context: &'a EvaluationContext,
    body: Option<Node>,
}

/// Under which terms a policy is evaluated.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms<'a> {
    /// Parameter values; defaults fill in the rest.
    pub(crate) parameters: Option<&'a Object>,
    /// An effect other than the definition's.
    pub(crate) effect: Option<&'a str>,
    /// Whether to record what decided.
    pub(crate) trace: bool,
}

/// What the body of a resource that is only referred to would say, if it had been read.
const UNREAD: [&str; 7] = ["properties", "sku", "kind", "identity", "location", "tags", "zones"];

impl<'a> Subject<'a> {
    pub(crate) fn new(
        estate: &'a Estate,
        resource: &'a Resource,
        context: &'a EvaluationContext,
    ) -> Subject<'a> {
        let is_referenced = matches!(resource.existence, Existence::Referenced);
        let body = is_referenced.then(|| with_unread_members(resource));
        Subject { estate, resource, context, body }
    }

    fn body(&self) -> &Node {
        self.body.as_ref().unwrap_or(&self.resource.body)
    }

    /// Evaluates one policy.
    ///
    /// A related resource that is deployed on a condition may turn out not to exist. Where its existence decides, the
    /// verdict is unknown: neither answer is known to be right.
    pub(crate) fn evaluate(&self, policy: &Policy, terms: &Terms<'_>) -> Outcome {
        let (certain, saw_conditional) = self.once(policy, terms, false);
        if !saw_conditional {
            return certain;
        }
        let (hopeful, _) = self.once(policy, terms, true);
        if certain.verdict == hopeful.verdict {
            return certain;
        }
        let reason = castellan_base::UnknownReason {
            kind: castellan_base::UnknownKind::Unresolved,
            message: "a related resource that decides is deployed on a condition that cannot be known now"
                .to_owned(),
            next_step: "pass the parameters of the deployment with `--parameters FILE`".to_owned(),
        };
        Outcome { verdict: Verdict::Unknown(reason), ..certain }
    }

    fn once(&self, policy: &Policy, terms: &Terms<'_>, count_conditional: bool) -> (Outcome, bool) {
        let neighbours = Neighbours {
            estate: self.estate,
            resource: self.resource,
            count_conditional,
            saw_conditional: Cell::new(false),
        };
        let request = Request {
            resource: self.body(),
            parameters: terms.parameters,
            related: &neighbours,
            context: self.context,
            trace: terms.trace,
        };
        let outcome = policy.evaluate_as(&request, terms.effect);
        (outcome, neighbours.saw_conditional.get())
    }
}

/// Invariant (unknown is a verdict): a resource that is only referred to has properties, they were merely not read.
fn with_unread_members(resource: &Resource) -> Node {
    let mut members = resource.body.as_object().cloned().unwrap_or_default();
    for key in UNREAD {
        if members.get(key).is_some() {
            continue;
        }
        let hint = format!("az resource show --ids {}", resource.id);
        let unread = Unresolved::new(UnresolvedReason::NotCollected, key).with_hint(hint);
        let value = Value::unresolved(unread).at(resource.span);
        members.push(Member { key: key.into(), key_span: Span::NONE, value });
    }
    Value::object(members).at(resource.body.span)
}

/// Answers a policy's question about other resources out of the estate.
struct Neighbours<'a> {
    estate: &'a Estate,
    resource: &'a Resource,
    count_conditional: bool,
    saw_conditional: Cell<bool>,
}

impl RelatedResources for Neighbours<'_> {
    fn related<'s>(&'s self, query: &RelatedQuery<'_>) -> Related<'s> {
        let scope = match query.scope {
            ExistenceScope::ResourceGroup => castellan_estate::RelatedScope::ResourceGroup,
            ExistenceScope::Subscription => castellan_estate::RelatedScope::Subscription,
        };
        let answer = self.estate.related(&castellan_estate::RelatedQuery {
            resource: self.resource,
            resource_type: query.resource_type,
            name: query.name,
            scope,
            resource_group: query.resource_group,
        });
        match answer {
            castellan_estate::Related::NotCollected { message, next_step } => {
                Related::NotCollected { message, next_step }
            }
            castellan_estate::Related::Known(found) => {
                let mut bodies = Vec::with_capacity(found.len());
                for resource in found {
                    let is_conditional = matches!(resource.existence, Existence::Conditional(_));
                    // Parent and child under one condition come and go together.
                    let same_condition = is_conditional && resource.existence == self.resource.existence;
                    if is_conditional && !same_condition {
                        self.saw_conditional.set(true);
                        if !self.count_conditional {
                            continue;
                        }
                    }
                    bodies.push(&resource.body);
                }
                Related::Known(bodies)
            }
        }
    }
}
