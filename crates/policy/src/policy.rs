//! Compiled policies and their verdicts.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Object, UnknownKind, UnknownReason, Value, Verdict};

use crate::alias::AliasTable;
use crate::compile::Compiler;
use crate::condition::{Condition, Operand};
use crate::definition::{Definition, Mode, Parameter};
use crate::effect::EffectFamily;
use crate::evaluate::{Evaluator, Surroundings, first_unresolved};
use crate::path::Val;
use crate::request::{EvaluationContext, ExistenceScope, Outcome, Related, RelatedQuery, Request};
use crate::trace::{Trace, TraceKind, TraceNode};
use crate::truth::Truth;
use crate::types::{self, Asked};

/// A definition, compiled. Immutable and shareable between threads.
#[derive(Debug)]
pub struct Policy {
    id: Arc<str>,
    name: Arc<str>,
    display_name: Arc<str>,
    mode: Mode,
    is_static: bool,
    parameters: Vec<Parameter>,
    condition: Condition,
    effect: Operand,
    family: EffectFamily,
    existence: Option<Existence>,
    details: Option<Operand>,
    /// Types that the rule names.
    named_types: Vec<Node>,
    /// Whether it can hold for types that it does not name.
    open: bool,
    aliases: AliasTable,
}

/// The related resource that an `*IfNotExists` effect asks for.
#[derive(Debug)]
struct Existence {
    resource_type: Operand,
    name: Option<Operand>,
    resource_group: Option<Operand>,
    scope: Option<Operand>,
    condition: Option<Condition>,
}

impl Policy {
    /// Compiles a definition.
    ///
    /// # Errors
    /// One diagnostic for each condition that is not of the language, expression that does not parse, or function that
    /// policies cannot use.
    pub fn compile(definition: &Definition, aliases: &AliasTable) -> Result<Policy, Vec<Diagnostic>> {
        let mut compiler = Compiler::new(aliases);
        let condition = compiler.condition(&definition.condition);
        let effect_node = definition.then.get("effect").cloned().unwrap_or(Node::NULL);
        let effect = compiler.operand(&effect_node);
        let details_node = definition.then.get("details");
        let family = family(&effect, details_node, &definition.parameters);
        check_effect(&mut compiler, effect.as_ref(), &effect_node);
        let existence = match (family, details_node) {
            (EffectFamily::IfNotExists, Some(details)) => existence(&mut compiler, details),
            (EffectFamily::IfNotExists, None) => {
                let message = "this effect needs `details` with the `type` of the related resource";
                compiler.diagnostics.push(Diagnostic::error(definition.then.span, message));
                None
            }
            _ => None,
        };
        // Details of the other families hold templates of other languages; only the operations are of this one.
        let details = match (family, details_node) {
            (EffectFamily::Condition | EffectFamily::Protect, Some(details)) if operations_only(details) => {
                compiler.operand(details)
            }
            _ => None,
        };
        let diagnostics = compiler.diagnostics;
        let (Some(condition), Some(effect), true) = (condition, effect, diagnostics.is_empty()) else {
            return Err(diagnostics);
        };
        let mut named_types = Vec::new();
        types::named(&condition, &mut named_types);
        let open = types::concerns(&condition, Asked::Other, None, &[]) != Truth::False;
        Ok(Policy {
            id: Arc::clone(&definition.id),
            name: Arc::clone(&definition.name),
            display_name: Arc::clone(&definition.display_name),
            mode: definition.mode.clone(),
            is_static: definition.is_static,
            parameters: definition.parameters.clone(),
            condition,
            effect,
            family,
            existence,
            details,
            named_types,
            open,
            aliases: aliases.clone(),
        })
    }

    /// The definition's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The definition's name, a GUID for built-ins.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name for people.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// Where the definition applies.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// What kind of effect it has; a parameter can change the effect within its kind or disable it.
    pub fn effect_family(&self) -> EffectFamily {
        self.family
    }

    /// What assignments may set.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The resource types that the rule can speak about; `None` when it can speak about types it does not name.
    pub fn resource_types(&self) -> Option<Vec<&str>> {
        (!self.open).then(|| self.concerned().collect())
    }

    /// Whether the rule can speak about types it does not name.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Named types for which the rule can hold.
    pub(crate) fn concerned(&self) -> impl Iterator<Item = &str> {
        self.named_types
            .iter()
            .filter(|node| types::concerns(&self.condition, Asked::Type(node), None, &[]) != Truth::False)
            .filter_map(Node::as_str)
    }

    /// Named types for which the rule cannot hold.
    pub(crate) fn excluded(&self) -> impl Iterator<Item = &str> {
        self.named_types
            .iter()
            .filter(|node| types::concerns(&self.condition, Asked::Type(node), None, &[]) == Truth::False)
            .filter_map(Node::as_str)
    }

    /// Judges a resource.
    pub fn evaluate(&self, request: &Request<'_>) -> Outcome {
        self.evaluate_as(request, None)
    }

    /// Judges a resource under another effect than the definition's, as an assignment's override asks for.
    pub fn evaluate_as(&self, request: &Request<'_>, effect: Option<&str>) -> Outcome {
        let around = Surroundings {
            judged: request.resource,
            parameters: request.parameters,
            declared: &self.parameters,
            context: request.context,
            aliases: &self.aliases,
        };
        if let Some(outcome) = self.out_of_reach(request) {
            return outcome;
        }
        let mut evaluator = Evaluator::new(request.resource, around, request.trace);
        let effect = match effect {
            Some(changed) => Val::Own(Node::string(changed)),
            None => evaluator.operand(&self.effect),
        };
        let effect_text = effect.node().and_then(Node::as_str);
        let family = effect_text.map(EffectFamily::of);
        if family == Some(Some(EffectFamily::Disabled)) {
            return Outcome::bare(Verdict::NotApplicable);
        }
        let result = evaluator.condition(&self.condition);
        let mut trace = evaluator.trace.take().and_then(|mut nodes| nodes.pop()).map(|condition| Trace {
            condition,
            existence: None,
            reason: None,
        });
        let (verdict, holds) = match result {
            Truth::False => (self.not_held(request), false),
            Truth::Unknown => (Verdict::Unknown(reason(&evaluator.reasons)), false),
            Truth::True => match family {
                Some(Some(family)) => self.held(family, request, around, trace.as_mut()),
                Some(None) => {
                    (not_evaluable(format!("`{}` is no effect", effect_text.unwrap_or_default())), false)
                }
                None => (unknown_effect(effect.node()), false),
            },
        };
        let details = match (&self.details, holds && request.trace) {
            (Some(details), true) => Some(evaluator.owned(details)),
            _ => None,
        };
        if let (Some(trace), Verdict::Unknown(reason)) = (&mut trace, &verdict) {
            trace.reason = Some(reason.clone());
        }
        let effect = match effect.node().map(|node| &node.value) {
            Some(Value::String(text)) if holds => Some(Arc::clone(text)),
            _ => None,
        };
        Outcome { verdict, effect, trace, details }
    }

    /// Definitions that cannot be judged from resources, and resources that the mode leaves out.
    fn out_of_reach(&self, request: &Request<'_>) -> Option<Outcome> {
        let resource_type = request.resource.get("type").and_then(Node::as_str).unwrap_or_default();
        let verdict = match &self.mode {
            _ if self.is_static => self.unless_foreign(
                request,
                "Microsoft attests this control; there is nothing to evaluate in a resource",
                "read the provider's audit reports, or record an attestation",
            ),
            Mode::Data(mode) => {
                let own = resource_type.get(..mode.len()).is_some_and(|head| head.eq_ignore_ascii_case(mode));
                if own {
                    return None;
                }
                self.unless_foreign(
                    request,
                    &format!(
                        "the mode {mode} judges objects of a data plane, which the resource does not carry"
                    ),
                    "see what Azure Policy reports for this definition: `az policy state list`",
                )
            }
            Mode::Indexed if crate::modes::is_untracked(resource_type, &self.aliases) => {
                Verdict::NotApplicable
            }
            Mode::All | Mode::Indexed => return None,
        };
        Some(Outcome::bare(verdict))
    }

    fn unless_foreign(&self, request: &Request<'_>, message: &str, next_step: &str) -> Verdict {
        match self.not_held(request) {
            Verdict::NotApplicable => Verdict::NotApplicable,
            _ => Verdict::Unknown(UnknownReason {
                kind: UnknownKind::NotEvaluable,
                message: message.to_owned(),
                next_step: next_step.to_owned(),
            }),
        }
    }

    /// The verdict where the condition does not hold: the rule is about this type, or it is not.
    fn not_held(&self, request: &Request<'_>) -> Verdict {
        let Some(resource_type) = request.resource.get("type") else { return Verdict::Compliant };
        let asked = Asked::Type(resource_type);
        match types::concerns(&self.condition, asked, request.parameters, &self.parameters) {
            Truth::False => Verdict::NotApplicable,
            _ => Verdict::Compliant,
        }
    }

    /// The verdict where the condition holds, and whether the effect applies.
    fn held(
        &self,
        family: EffectFamily,
        request: &Request<'_>,
        around: Surroundings<'_>,
        trace: Option<&mut Trace>,
    ) -> (Verdict, bool) {
        match family {
            EffectFamily::Condition => (Verdict::NonCompliant, true),
            EffectFamily::Disabled => (Verdict::NotApplicable, false),
            EffectFamily::Protect => (Verdict::Compliant, true),
            EffectFamily::Manual => {
                let reason = UnknownReason {
                    kind: UnknownKind::NotEvaluable,
                    message: "somebody has to attest this control".to_owned(),
                    next_step: "record an attestation: `az policy attestation create`".to_owned(),
                };
                (Verdict::Unknown(reason), true)
            }
            EffectFamily::IfNotExists => self.existence(request, around, trace),
        }
    }

    fn existence(
        &self,
        request: &Request<'_>,
        around: Surroundings<'_>,
        trace: Option<&mut Trace>,
    ) -> (Verdict, bool) {
        let Some(existence) = &self.existence else {
            return (not_evaluable("the definition names no related resource".to_owned()), false);
        };
        let mut evaluator = Evaluator::new(request.resource, around, false);
        let name = existence.name.as_ref().map(|operand| evaluator.owned(operand));
        let group = existence.resource_group.as_ref().map(|operand| evaluator.owned(operand));
        let scope = existence.scope.as_ref().map(|operand| evaluator.owned(operand));
        let resource_type = evaluator.owned(&existence.resource_type);
        for part in [Some(&resource_type), scope.as_ref()].into_iter().flatten() {
            if let Some(unknown) = part.as_unresolved() {
                return (Verdict::Unknown(crate::evaluate::reason_of(unknown, None)), false);
            }
        }
        let scope = match scope.as_ref().and_then(Node::as_str) {
            Some(text) if text.eq_ignore_ascii_case("subscription") => ExistenceScope::Subscription,
            _ => ExistenceScope::ResourceGroup,
        };
        let resource_type = resource_type.as_str().unwrap_or_default();
        let query = RelatedQuery {
            resource: request.resource,
            resource_type,
            name: name.as_ref().and_then(Node::text_or_symbol),
            scope,
            resource_group: group.as_ref().and_then(Node::text_or_symbol),
        };
        let related = match request.related.related(&query) {
            Related::Known(related) => related,
            Related::NotCollected { message, next_step } => {
                let reason = UnknownReason { kind: UnknownKind::NotCollected, message, next_step };
                return (Verdict::Unknown(reason), false);
            }
        };
        search(existence.condition.as_ref(), resource_type, &related, around, trace)
    }
}

/// Looks for a related resource that satisfies the existence condition.
fn search(
    condition: Option<&Condition>,
    resource_type: &str,
    related: &[&Node],
    around: Surroundings<'_>,
    trace: Option<&mut Trace>,
) -> (Verdict, bool) {
    let mut children = Vec::new();
    let mut total = Truth::False;
    let mut reasons = Vec::new();
    for candidate in related {
        let mut evaluator = Evaluator::new(candidate, around, trace.is_some());
        let result = condition.map_or(Truth::True, |condition| evaluator.condition(condition));
        children.extend(evaluator.trace.take().into_iter().flatten());
        reasons.extend(evaluator.reasons);
        total = total.or(result);
        if total == Truth::True {
            break;
        }
    }
    if let Some(trace) = trace {
        let mut node = TraceNode::group(TraceKind::Existence, total, children);
        node.path = Some(resource_type.into());
        node.operator = Some("exists".into());
        node.expected = Some(Node::from_value(Value::Bool(true)));
        node.actual = related.first().map(|found| (*found).clone());
        trace.existence = Some(node);
    }
    match total {
        Truth::True => (Verdict::Compliant, false),
        Truth::False => (Verdict::NonCompliant, true),
        Truth::Unknown => (Verdict::Unknown(reason(&reasons)), false),
    }
}

impl Outcome {
    fn bare(verdict: Verdict) -> Outcome {
        Outcome { verdict, effect: None, trace: None, details: None }
    }
}

fn not_evaluable(message: String) -> Verdict {
    Verdict::Unknown(UnknownReason { kind: UnknownKind::NotEvaluable, message, next_step: String::new() })
}

fn unknown_effect(effect: Option<&Node>) -> Verdict {
    match effect.and_then(first_unresolved) {
        Some(unresolved) => Verdict::Unknown(crate::evaluate::reason_of(unresolved, None)),
        None => not_evaluable("the effect is no text".to_owned()),
    }
}

/// The first reason, preferring what can be collected or passed over what cannot be evaluated at all.
fn reason(reasons: &[UnknownReason]) -> UnknownReason {
    let best = reasons.iter().find(|reason| reason.kind != UnknownKind::NotEvaluable).or(reasons.first());
    best.cloned().unwrap_or(UnknownReason {
        kind: UnknownKind::NotEvaluable,
        message: "the condition cannot be evaluated".to_owned(),
        next_step: String::new(),
    })
}

/// The family that a definition belongs to whatever its parameters say: fixed by the default and the details.
fn family(effect: &Option<Operand>, details: Option<&Node>, declared: &[Parameter]) -> EffectFamily {
    let of = |text: &str| EffectFamily::of(text).filter(|family| *family != EffectFamily::Disabled);
    let has = |key: &str| details.is_some_and(|details| details.get(key).is_some());
    let by_shape = || match details {
        _ if has("existenceCondition") => EffectFamily::IfNotExists,
        _ if has("type") && !has("operations") => EffectFamily::IfNotExists,
        _ if has("defaultState") => EffectFamily::Manual,
        _ => EffectFamily::Condition,
    };
    match effect {
        Some(Operand::Constant(node)) => node.as_str().and_then(of).unwrap_or_else(by_shape),
        Some(Operand::Parameter { name, .. }) => {
            let parameter = declared.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
            let named = parameter
                .into_iter()
                .flat_map(|parameter| parameter.default.iter().chain(&parameter.allowed));
            named.filter_map(Node::as_str).find_map(of).unwrap_or_else(by_shape)
        }
        _ => by_shape(),
    }
}

fn check_effect(compiler: &mut Compiler<'_>, effect: Option<&Operand>, node: &Node) {
    let Some(Operand::Constant(constant)) = effect else { return };
    match constant.as_str() {
        Some(text) if EffectFamily::of(text).is_some() => {}
        Some(text) => {
            compiler.diagnostics.push(Diagnostic::error(node.span, format!("`{text}` is no effect")))
        }
        None => compiler.diagnostics.push(Diagnostic::error(node.span, "`effect` must be a string")),
    }
}

/// Details in which all expressions are of the policy language: those of `append` and `modify`.
fn operations_only(details: &Node) -> bool {
    details.as_array().is_some() || details.get("operations").is_some()
}

fn existence(compiler: &mut Compiler<'_>, details: &Node) -> Option<Existence> {
    let Some(resource_type) = details.get("type") else {
        compiler
            .diagnostics
            .push(Diagnostic::error(details.span, "`details` needs the `type` of the related resource"));
        return None;
    };
    let mut part = |key: &str| details.get(key).and_then(|node| compiler.operand(node));
    let (name, resource_group, scope) = (part("name"), part("resourceGroupName"), part("existenceScope"));
    Some(Existence {
        resource_type: compiler.operand(resource_type)?,
        name,
        resource_group,
        scope,
        condition: match details.get("existenceCondition") {
            Some(condition) => Some(compiler.condition(condition)?),
            None => None,
        },
    })
}

impl<'a> Request<'a> {
    /// A request without parameters or trace.
    pub fn new(
        resource: &'a Node,
        related: &'a dyn crate::request::RelatedResources,
        context: &'a EvaluationContext,
    ) -> Request<'a> {
        Request { resource, parameters: None, related, context, trace: false }
    }

    /// The same with parameter values.
    #[must_use]
    pub fn with_parameters(mut self, parameters: &'a Object) -> Request<'a> {
        self.parameters = Some(parameters);
        self
    }

    /// The same with a trace.
    #[must_use]
    pub fn traced(mut self) -> Request<'a> {
        self.trace = true;
        self
    }
}
