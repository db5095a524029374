//! The functions that policies add to the expression language.

use std::net::IpAddr;
use std::sync::Arc;

use castellan_base::{Node, Object, ResourceId, Span, Ticks, Unresolved, UnresolvedReason, Value};
use castellan_expression::{Expr, FunctionError, Host};

use crate::condition::{Field, Formula};
use crate::evaluate::Evaluator;

pub(crate) struct PolicyHost<'e, 'a> {
    pub(crate) evaluator: &'e mut Evaluator<'a>,
    pub(crate) formula: &'a Formula,
}

impl Host for PolicyHost<'_, '_> {
    fn call(
        &mut self,
        namespace: Option<&str>,
        name: &str,
        args: &[Node],
        expr: &Expr,
    ) -> Option<Result<Node, FunctionError>> {
        if namespace.is_some() {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        let known = match lower.as_str() {
            "parameters" => text_argument(args, name).map(|text| self.parameter(text, expr.span)),
            "field" => text_argument(args, name).map(|text| self.field(text)),
            "current" => self.current(args),
            "subscription" => Ok(self.subscription()),
            "resourcegroup" => Ok(self.resource_group()),
            "requestcontext" => Ok(self.request_context()),
            "policy" => Ok(self.policy()),
            "adddays" => add_days(args, expr.span),
            "utcnow" if args.is_empty() => match self.now() {
                Some(now) => Ok(Value::string(time_text(now)).at(expr.span)),
                None => return None,
            },
            // Templates need an argument here; the policy language does not.
            "concat" if args.is_empty() => Ok(Value::string("").at(expr.span)),
            "iprangecontains" => ip_range_contains(args, expr.span),
            _ => return None,
        };
        Some(match known {
            // An argument that is not known makes the result so, whatever the function expected.
            Err(error) => match args.iter().find(|argument| argument.as_unresolved().is_some()) {
                Some(unknown) => Ok(unknown.clone()),
                None => Err(error),
            },
            Ok(node) => Ok(node),
        })
    }

    fn now(&self) -> Option<Ticks> {
        self.evaluator.around.context.now
    }
}

fn text_argument<'n>(args: &'n [Node], name: &str) -> Result<&'n str, FunctionError> {
    args.first().and_then(Node::as_str).ok_or_else(|| FunctionError::new(format!("`{name}` needs a text")))
}

impl PolicyHost<'_, '_> {
    fn parameter(&self, name: &str, span: Span) -> Node {
        self.evaluator.parameter(name, span).node().cloned().unwrap_or(Node::NULL)
    }

    fn field(&mut self, text: &str) -> Node {
        let found = self.resolved(text);
        self.evaluator.field_function(&found)
    }

    fn resolved(&self, text: &str) -> Field {
        let ready = self.formula.fields.iter().find(|field| field.text.eq_ignore_ascii_case(text));
        match ready {
            Some(field) => field.clone(),
            None => crate::field::resolve(text, self.evaluator.around.aliases, &self.formula.scope),
        }
    }

    /// `current()`, `current('name')`, `current('alias[*]')` and `current('alias[*].member')`.
    fn current(&mut self, args: &[Node]) -> Result<Node, FunctionError> {
        let Some(argument) = args.first() else {
            let innermost = self.evaluator.slots.last();
            return innermost
                .and_then(|slot| slot.value.node().cloned())
                .ok_or_else(|| FunctionError::new("`current` stands outside of a count"));
        };
        let text = argument.as_str().ok_or_else(|| FunctionError::new("`current` needs a text"))?;
        let named =
            self.evaluator.slots.iter().rev().find(|slot| slot.binding.name.eq_ignore_ascii_case(text));
        if let Some(slot) = named {
            return Ok(slot.value.node().cloned().unwrap_or(Node::NULL));
        }
        if !text.contains("[*]") {
            return Err(FunctionError::new(format!("no count around this is named `{text}`")));
        }
        let field = self.resolved(text);
        if field.many {
            return Ok(self.evaluator.field_as_value(&field));
        }
        Ok(self.evaluator.field_value(&field).node().cloned().unwrap_or(Node::NULL))
    }

    fn resource_id(&self) -> Option<ResourceId> {
        self.evaluator.around.judged.get("id")?.text_or_symbol()?.parse().ok()
    }

    fn subscription(&self) -> Node {
        let mut object = Object::new();
        if let Some(subscription) = self.resource_id().as_ref().and_then(ResourceId::subscription) {
            object.insert("id", Node::string(format!("/subscriptions/{subscription}")));
            object.insert("subscriptionId", Node::string(subscription));
        }
        let names = ["id", "subscriptionId", "tenantId", "displayName", "tags"];
        completed(object, self.evaluator.around.context.subscription.as_ref(), &names, "subscription()")
    }

    fn resource_group(&self) -> Node {
        let mut object = Object::new();
        if let Some(id) = self.resource_id()
            && let (Some(subscription), Some(group)) = (id.subscription(), id.resource_group())
        {
            object
                .insert("id", Node::string(format!("/subscriptions/{subscription}/resourceGroups/{group}")));
            object.insert("name", Node::string(group));
        }
        let names = ["id", "name", "type", "location", "tags", "managedBy", "properties"];
        completed(object, self.evaluator.around.context.resource_group.as_ref(), &names, "resourceGroup()")
    }

    fn request_context(&self) -> Node {
        let mut object = Object::new();
        if let Some(version) = self.evaluator.around.judged.get("apiVersion") {
            object.insert("apiVersion", version.clone());
        }
        let names = ["apiVersion", "identity"];
        completed(object, self.evaluator.around.context.request_context.as_ref(), &names, "requestContext()")
    }

    fn policy(&self) -> Node {
        let names = ["assignmentId", "definitionId", "setDefinitionId", "definitionReferenceId"];
        completed(Object::new(), self.evaluator.around.context.policy.as_ref(), &names, "policy()")
    }
}

/// What is given over what was derived; members that a function promises and nobody gave are unresolved.
fn completed(mut object: Object, given: Option<&Node>, promised: &[&str], call: &str) -> Node {
    for member in given.and_then(Node::as_object).into_iter().flatten() {
        object.insert(Arc::clone(&member.key), member.value.clone());
    }
    for name in promised {
        if object.get(name).is_none() {
            let unknown = Unresolved::new(UnresolvedReason::NotCollected, format!("{call}.{name}"))
                .with_hint(format!("pass `{name}` of {call} in the context of the evaluation"));
            object.insert(*name, Node::from_value(Value::unresolved(unknown)));
        }
    }
    Node::from_value(Value::object(object))
}

/// `addDays(dateTime, days)`.
fn add_days(args: &[Node], span: Span) -> Result<Node, FunctionError> {
    let [date, days] = args else {
        return Err(FunctionError::new("`addDays` is called as addDays(dateTime, days)"));
    };
    let date = date.as_str().ok_or_else(|| FunctionError::new("`addDays` needs a date"))?;
    let days = days.as_i64().ok_or_else(|| FunctionError::new("`addDays` needs a whole number of days"))?;
    let start: Ticks = date.parse().map_err(|error| FunctionError::new(format!("{error}")))?;
    let moved = days.checked_mul(Ticks::PER_DAY).and_then(|ticks| start.checked_add(ticks));
    let moved = moved.ok_or_else(|| FunctionError::new("the date leaves the calendar"))?;
    Ok(Value::string(time_text(moved)).at(span))
}

/// A time as policies write it; whole seconds without decimals.
fn time_text(time: Ticks) -> String {
    let text = time.to_string();
    match text.strip_suffix(".0000000Z") {
        Some(seconds) => format!("{seconds}Z"),
        None => text,
    }
}

/// `ipRangeContains(range, targetRange)`: whether every address of the second lies in the first.
fn ip_range_contains(args: &[Node], span: Span) -> Result<Node, FunctionError> {
    let [range, target] = args else {
        return Err(FunctionError::new("`ipRangeContains` is called as ipRangeContains(range, targetRange)"));
    };
    let read = |node: &Node| {
        let text = node.as_str().ok_or_else(|| FunctionError::new("`ipRangeContains` needs texts"))?;
        ip_range(text).ok_or_else(|| FunctionError::new(format!("`{text}` is no address, CIDR or range")))
    };
    let (outer, inner) = (read(range)?, read(target)?);
    let contains = outer.v6 == inner.v6 && outer.first <= inner.first && inner.last <= outer.last;
    Ok(Value::Bool(contains).at(span))
}

struct IpRange {
    v6: bool,
    first: u128,
    last: u128,
}

fn ip_range(text: &str) -> Option<IpRange> {
    let number = |address: &str| -> Option<(bool, u128)> {
        Some(match address.trim().parse().ok()? {
            IpAddr::V4(address) => (false, u128::from(u32::from(address))),
            IpAddr::V6(address) => (true, u128::from(address)),
        })
    };
    if let Some((address, length)) = text.split_once('/') {
        let (v6, address) = number(address)?;
        let width: u32 = if v6 { 128 } else { 32 };
        let free = width.checked_sub(length.trim().parse().ok()?)?;
        let mask = if free >= 128 { u128::MAX } else { (1_u128 << free) - 1 };
        return Some(IpRange { v6, first: address & !mask, last: address | mask });
    }
    if let Some((first, last)) = text.split_once('-') {
        let ((v6, first), (same, last)) = (number(first)?, number(last)?);
        return (v6 == same && first <= last).then_some(IpRange { v6, first, last });
    }
    let (v6, address) = number(text)?;
    Some(IpRange { v6, first: address, last: address })
}
