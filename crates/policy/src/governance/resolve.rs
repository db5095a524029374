//! Which definitions reach a resource.

use std::sync::Arc;

use castellan_base::{Node, Object, ResourceId, Ticks, Unresolved, UnresolvedReason, Value, Verdict};
use castellan_expression::{Expr, FunctionError, Host, Source, classify, evaluate, parse};

use crate::definition::Parameter;
use crate::governance::document::{Assignment, Exemption, Initiative, Reference, Selector, SelectorKind};

/// All governance documents of an estate.
#[derive(Clone, Debug, Default)]
pub struct Governance {
    /// Assignments.
    pub assignments: Vec<Assignment>,
    /// Initiatives.
    pub initiatives: Vec<Initiative>,
    /// Exemptions.
    pub exemptions: Vec<Exemption>,
}

/// A definition that reaches a resource.
#[derive(Clone, Debug)]
pub struct Reached<'g> {
    /// Through this assignment.
    pub assignment: &'g Assignment,
    /// Through this reference, when an initiative is assigned.
    pub reference: Option<&'g Reference>,
    /// The definition's id.
    pub definition: &'g str,
    /// Its parameter values.
    pub parameters: Object,
    /// The effect that an override sets; pass it to [`crate::Policy::evaluate_as`].
    pub effect: Option<&'g str>,
    /// The exemption in force; a verdict of non-compliant or unknown then becomes exempt.
    pub exemption: Option<&'g Exemption>,
    /// What to tell people.
    pub message: Option<&'g str>,
}

impl Reached<'_> {
    /// The verdict with the exemption applied. What is compliant or not concerned needs none.
    pub fn settle(&self, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::NonCompliant | Verdict::Unknown(_) if self.exemption.is_some() => Verdict::Exempt,
            other => other,
        }
    }
}

impl Governance {
    /// The definitions that reach a resource. `now` decides which exemptions are over; without it those with an end
    /// exempt nothing.
    pub fn reaching(&self, resource: &Node, now: Option<Ticks>) -> Vec<Reached<'_>> {
        let id =
            resource.get("id").and_then(Node::text_or_symbol).and_then(|id| id.parse::<ResourceId>().ok());
        let Some(id) = id else { return Vec::new() };
        let mut reached = Vec::new();
        for assignment in &self.assignments {
            let excluded = assignment.not_scopes.iter().any(|scope| id.is_within(scope));
            let covered = assignment.scope.as_str() == "/" || id.is_within(&assignment.scope);
            if excluded || !covered || !any_group(&assignment.selectors, resource) {
                continue;
            }
            match self
                .initiatives
                .iter()
                .find(|initiative| same_definition(&initiative.id, &assignment.definition))
            {
                Some(initiative) => {
                    let members = initiative.references.iter();
                    reached.extend(members.map(|reference| {
                        let parameters = member_parameters(initiative, reference, assignment);
                        self.reach(assignment, Some(reference), parameters, resource, &id, now)
                    }));
                }
                None => {
                    let parameters = assignment.parameters.clone();
                    reached.push(self.reach(assignment, None, parameters, resource, &id, now));
                }
            }
        }
        reached
    }

    fn reach<'g>(
        &'g self,
        assignment: &'g Assignment,
        reference: Option<&'g Reference>,
        parameters: Object,
        resource: &Node,
        id: &ResourceId,
        now: Option<Ticks>,
    ) -> Reached<'g> {
        let name = reference.map_or("", |reference| &*reference.id);
        let applies =
            |selectors: &[Selector]| selectors.iter().all(|selector| selects(selector, resource, name));
        let changed = assignment.overrides.iter().find(|change| applies(&change.selectors));
        let named = assignment
            .messages
            .iter()
            .find(|message| !message.reference.is_empty() && message.reference.eq_ignore_ascii_case(name));
        let general = || assignment.messages.iter().find(|message| message.reference.is_empty());
        let exemption = self.exemptions.iter().find(|exemption| {
            let in_force = match (exemption.expires, now) {
                (None, _) => true,
                (Some(end), Some(now)) => now < end,
                (Some(_), None) => false,
            };
            let about = exemption.references.is_empty()
                || exemption.references.iter().any(|reference| reference.eq_ignore_ascii_case(name));
            in_force
                && about
                && exemption.assignment.eq_ignore_ascii_case(&assignment.id)
                && id.is_within(&exemption.scope)
                && any_group(&exemption.selectors, resource)
        });
        Reached {
            assignment,
            reference,
            definition: reference.map_or(&assignment.definition, |reference| &reference.definition),
            parameters,
            effect: changed.map(|change| &*change.effect),
            exemption,
            message: named.or_else(general).map(|message| &*message.text),
        }
    }
}

/// Ids are equal, or one is the bare name at the end of the other.
fn same_definition(left: &str, right: &str) -> bool {
    let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    left.eq_ignore_ascii_case(right)
        || (!(left.contains('/') && right.contains('/')) && last(left) == last(right))
}

fn any_group(groups: &[Vec<Selector>], resource: &Node) -> bool {
    groups.is_empty()
        || groups.iter().any(|group| group.iter().all(|selector| selects(selector, resource, "")))
}

fn selects(selector: &Selector, resource: &Node, reference: &str) -> bool {
    let own = |key: &str| resource.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let value = match selector.kind {
        SelectorKind::Location => own("location").replace(' ', ""),
        SelectorKind::Type => own("type"),
        SelectorKind::Reference => reference.to_owned(),
        SelectorKind::WithoutLocation => {
            let without = matches!(own("location").as_str(), "" | "global");
            let wanted = selector.within.first().is_none_or(|text| text.eq_ignore_ascii_case("true"));
            return without == wanted;
        }
        SelectorKind::Other => return true,
    };
    let listed =
        |list: &[Arc<str>]| list.iter().any(|item| item.replace(' ', "").eq_ignore_ascii_case(&value));
    (selector.within.is_empty() || listed(&selector.within)) && !listed(&selector.without)
}

/// The values that an initiative passes to one of its definitions.
fn member_parameters(initiative: &Initiative, reference: &Reference, assignment: &Assignment) -> Object {
    let mut host = InitiativeHost { declared: &initiative.parameters, given: &assignment.parameters };
    let members = reference.parameters.iter();
    members.map(|member| (Arc::clone(&member.key), resolved(&member.value, &mut host, 0))).collect()
}

/// A value with its expressions evaluated. Nesting is bounded by the reader; the check guards values made otherwise.
fn resolved(node: &Node, host: &mut InitiativeHost<'_>, depth: usize) -> Node {
    match &node.value {
        Value::String(text) => match classify(text) {
            Source::Literal(literal) => Value::string(&*literal).at(node.span),
            Source::Expression(expression) => match parse(expression, node.span) {
                Ok(expr) => evaluate(&expr, host),
                Err(error) => {
                    let unresolved =
                        Unresolved::new(UnresolvedReason::Invalid, expression).with_hint(error.message);
                    Value::unresolved(unresolved).at(node.span)
                }
            },
        },
        Value::Array(items) if depth < 64 => {
            Value::array(items.iter().map(|item| resolved(item, host, depth + 1)).collect()).at(node.span)
        }
        Value::Object(object) if depth < 64 => {
            let members = object.iter();
            let object =
                members.map(|member| (Arc::clone(&member.key), resolved(&member.value, host, depth + 1)));
            Value::object(object.collect()).at(node.span)
        }
        _ => node.clone(),
    }
}

struct InitiativeHost<'a> {
    declared: &'a [Parameter],
    given: &'a Object,
}

impl Host for InitiativeHost<'_> {
    fn call(
        &mut self,
        _: Option<&str>,
        name: &str,
        args: &[Node],
        expr: &Expr,
    ) -> Option<Result<Node, FunctionError>> {
        if !name.eq_ignore_ascii_case("parameters") {
            return None;
        }
        let wanted = args.first().and_then(Node::as_str).unwrap_or_default();
        let declared = || self.declared.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(wanted));
        let found = self.given.get(wanted).or_else(|| declared()?.default.as_ref());
        Some(Ok(found.cloned().unwrap_or_else(|| {
            let unresolved = Unresolved::new(UnresolvedReason::MissingParameter, expr.to_string())
                .with_hint(format!("give the initiative parameter `{wanted}` a value in the assignment"));
            Value::unresolved(unresolved).at(expr.span)
        })))
    }

    fn now(&self) -> Option<Ticks> {
        None
    }
}

/// Compliance of a resource or a set of definitions, rolled up as Azure does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    /// How many are compliant.
    pub compliant: usize,
    /// How many are not.
    pub non_compliant: usize,
    /// How many are exempt.
    pub exempt: usize,
    /// How many cannot be told.
    pub unknown: usize,
}

impl Rollup {
    /// Counts verdicts; what is not applicable has no state.
    pub fn of<'v>(verdicts: impl IntoIterator<Item = &'v Verdict>) -> Rollup {
        let mut rollup = Rollup::default();
        for verdict in verdicts {
            match verdict {
                Verdict::Compliant => rollup.compliant += 1,
                Verdict::NonCompliant => rollup.non_compliant += 1,
                Verdict::Exempt => rollup.exempt += 1,
                Verdict::Unknown(_) => rollup.unknown += 1,
                Verdict::NotApplicable => {}
            }
        }
        rollup
    }

    /// The state that stands for all: the first there is of non-compliant, compliant, exempt, unknown. `None` when
    /// nothing applies.
    pub fn state(self) -> Option<&'static str> {
        let ranked = [
            (self.non_compliant, "non-compliant"),
            (self.compliant, "compliant"),
            (self.exempt, "exempt"),
            (self.unknown, "unknown"),
        ];
        ranked.iter().find(|(count, _)| *count > 0).map(|(_, state)| *state)
    }

    /// Azure's compliance percentage: compliant, exempt and unknown over all. Azure counts unknown in; look at
    /// [`Rollup::unknown`] beside it.
    pub fn azure_percentage(self) -> Option<f64> {
        let good = self.compliant + self.exempt + self.unknown;
        let total = good + self.non_compliant;
        #[allow(clippy::cast_precision_loss)]
        let percentage = (total > 0).then(|| good as f64 * 100.0 / total as f64);
        percentage
    }
}
