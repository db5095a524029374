//! Running conditions.

use std::sync::Arc;

use castellan_base::{Node, Object, Span, UnknownKind, UnknownReason, Unresolved, UnresolvedReason, Value};
use castellan_expression::evaluate as evaluate_expression;

use crate::alias::{AliasTable, Route};
use crate::compare::{Operator, compare};
use crate::compile::normalised_locations;
use crate::condition::{Binding, Condition, Field, FieldKind, Formula, Left, Operand, Test};
use crate::definition::Parameter;
use crate::host::PolicyHost;
use crate::path::{Selection, Val, walk_all, walk_one};
use crate::request::EvaluationContext;
use crate::trace::{TraceKind, TraceNode};
use crate::truth::Truth;

/// Most conditions and array elements that one evaluation looks at.
pub(crate) const BUDGET: u64 = 2_000_000;

/// The element that a count looks at.
#[derive(Clone, Debug)]
pub(crate) struct Slot<'a> {
    pub(crate) binding: Binding,
    pub(crate) value: Val<'a>,
}

/// What all evaluations of one request share.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// The resource that the verdict is about, also while a related one is looked at.
    pub(crate) judged: &'a Node,
    pub(crate) parameters: Option<&'a Object>,
    pub(crate) declared: &'a [Parameter],
    pub(crate) context: &'a EvaluationContext,
    pub(crate) aliases: &'a AliasTable,
}

/// One condition tree against one resource.
pub(crate) struct Evaluator<'a> {
    pub(crate) resource: &'a Node,
    pub(crate) around: Surroundings<'a>,
    pub(crate) slots: Vec<Slot<'a>>,
    /// Why the current result is unknown; emptied when something else decides.
    pub(crate) reasons: Vec<UnknownReason>,
    pub(crate) budget: u64,
    /// Finished nodes of the group under way, when tracing.
    pub(crate) trace: Option<Vec<TraceNode>>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(resource: &'a Node, around: Surroundings<'a>, trace: bool) -> Evaluator<'a> {
        Evaluator {
            resource,
            around,
            slots: Vec::new(),
            reasons: Vec::new(),
            budget: BUDGET,
            trace: trace.then(Vec::new),
        }
    }

    /// Takes one step of the budget.
    fn step(&mut self) -> bool {
        if self.budget == 0 {
            return false;
        }
        self.budget -= 1;
        true
    }

    pub(crate) fn exhausted(&mut self) -> Truth {
        self.budget = 0;
        self.unknown(UnknownReason {
            kind: UnknownKind::NotEvaluable,
            message: "the rule looks at too many array elements of this resource".to_owned(),
            next_step: String::new(),
        })
    }

    fn unknown(&mut self, reason: UnknownReason) -> Truth {
        // A handful of reasons tells the story; a large array must not repeat one a thousand times.
        if self.reasons.len() < 16 {
            self.reasons.push(reason);
        }
        Truth::Unknown
    }

    pub(crate) fn condition(&mut self, condition: &'a Condition) -> Truth {
        if !self.step() {
            return self.exhausted();
        }
        match condition {
            Condition::AllOf(parts) => self.group(parts, TraceKind::AllOf, Truth::False),
            Condition::AnyOf(parts) => self.group(parts, TraceKind::AnyOf, Truth::True),
            Condition::Not(inner) => {
                let outer = self.open();
                let result = !self.condition(inner);
                self.close(outer, TraceKind::Not, result);
                result
            }
            Condition::Test(test) => self.test(test),
        }
    }

    /// Sets aside the trace of the surrounding group.
    fn open(&mut self) -> Option<Vec<TraceNode>> {
        self.trace.as_mut().map(std::mem::take)
    }

    fn close(&mut self, outer: Option<Vec<TraceNode>>, kind: TraceKind, result: Truth) {
        if let (Some(mut outer), Some(children)) = (outer, self.trace.take()) {
            outer.push(TraceNode::group(kind, result, children));
            self.trace = Some(outer);
        }
    }

    fn group(&mut self, parts: &'a [Condition], kind: TraceKind, deciding: Truth) -> Truth {
        let outer = self.open();
        let reasons = self.reasons.len();
        let mut total = !deciding;
        for part in parts {
            let result = self.condition(part);
            if result == deciding {
                self.reasons.truncate(reasons);
                total = deciding;
                break;
            }
            if result == Truth::Unknown {
                total = Truth::Unknown;
            }
        }
        self.close(outer, kind, total);
        total
    }

    fn test(&mut self, test: &'a Test) -> Truth {
        match &test.left {
            Left::Field(field) => self.field_test(test, field),
            Left::DynamicField(formula) => self.dynamic_field(test, formula),
            Left::Value(operand) => {
                let left = self.operand(operand);
                let right = self.operand(&test.right);
                self.compare(test, None, &left, &right)
            }
            Left::Count(count) => self.count(test, count),
        }
    }

    fn field_test(&mut self, test: &'a Test, field: &Field) -> Truth {
        let mut right = self.operand(&test.right);
        if matches!(field.kind, FieldKind::Location) && !matches!(test.right, Operand::Constant(_)) {
            right = right.node().map_or(Val::Missing, |node| Val::Own(normalised_locations(node)));
        }
        if !field.many {
            let left = self.field_value(field);
            return self.compare(test, Some(field), &left, &right);
        }
        match self.select(field) {
            Ok(selection) => self.every(test, field, &selection, &right),
            Err(()) => self.exhausted(),
        }
    }

    /// A field with `[*]` outside a count: every selected value must satisfy the condition. An empty array satisfies
    /// any; an array that is not there is compared as one missing value.
    fn every(&mut self, test: &'a Test, field: &Field, selection: &Selection<'a>, right: &Val<'a>) -> Truth {
        let outer = self.open();
        let reasons = self.reasons.len();
        let mut total = Truth::True;
        if selection.missing_array {
            total = self.compare(test, Some(field), &Val::Missing, right);
        }
        if let Some(array) = &selection.unknown_array {
            total = total.and(self.unknown_array(test, field, array, right));
        }
        for value in &selection.values {
            if total == Truth::False {
                break;
            }
            if !self.step() {
                total = self.exhausted();
                break;
            }
            total = total.and(self.compare(test, Some(field), value, right));
        }
        if total.is_known() {
            self.reasons.truncate(reasons);
        }
        self.close(outer, TraceKind::AllOf, total);
        total
    }

    /// The elements of an array that is not known may satisfy the condition or not; there may be none.
    fn unknown_array(&mut self, test: &Test, field: &Field, array: &Val<'a>, right: &Val<'a>) -> Truth {
        if let Some(unresolved) = array.node().and_then(Node::as_unresolved) {
            let reason = reason_of(unresolved, Some(field));
            self.unknown(reason);
        }
        if self.trace.is_some() {
            let expected = right.node().unwrap_or(&Node::NULL);
            self.record(test, Some(field), array.node(), expected, Truth::Unknown);
        }
        Truth::Unknown
    }

    fn dynamic_field(&mut self, test: &'a Test, formula: &'a Formula) -> Truth {
        let name = self.formula(formula);
        let Some(text) = name.as_str() else {
            let right = Val::Missing;
            let left = if name.as_unresolved().is_some() { name } else { Node::string("") };
            return self.compare(test, None, &Val::Own(left), &right);
        };
        let bindings: Vec<Binding> = formula.scope.to_vec();
        let field = crate::field::resolve(text, self.around.aliases, &bindings);
        self.field_test(test, &field)
    }

    /// Compares and records.
    pub(crate) fn compare(
        &mut self,
        test: &Test,
        field: Option<&Field>,
        left: &Val<'_>,
        right: &Val<'_>,
    ) -> Truth {
        let actual = left.node();
        let expected = right.node().unwrap_or(&Node::NULL);
        let result = match compare(test.operator, actual, expected) {
            Ok(Truth::Unknown) => {
                let cause = [actual, Some(expected)].into_iter().flatten().find_map(first_unresolved);
                let reason = cause.map_or_else(|| self.vague(test), |cause| reason_of(cause, field));
                self.unknown(reason)
            }
            Ok(known) => known,
            Err(_) => self.mismatch(test, actual, expected),
        };
        if self.trace.is_some() {
            self.record(test, field, actual, expected, result);
        }
        result
    }

    fn vague(&self, test: &Test) -> UnknownReason {
        UnknownReason {
            kind: UnknownKind::NotEvaluable,
            message: format!("the condition `{}` cannot be evaluated", test.operator.as_str()),
            next_step: String::new(),
        }
    }

    fn mismatch(&mut self, test: &Test, actual: Option<&Node>, expected: &Node) -> Truth {
        let kind = actual.map_or("nothing", |node| node.value.type_name());
        let message =
            format!("`{}` cannot compare {kind} with {}", test.operator.as_str(), expected.value.type_name());
        self.unknown(UnknownReason { kind: UnknownKind::NotEvaluable, message, next_step: String::new() })
    }

    fn record(
        &mut self,
        test: &Test,
        field: Option<&Field>,
        actual: Option<&Node>,
        expected: &Node,
        result: Truth,
    ) {
        let path = field.map(|field| self.path_of(field));
        let nearest = || self.resource.get("properties").map_or(self.resource.span, |node| node.span);
        let span = actual.map_or_else(nearest, |node| node.span.or(self.resource.span));
        let node = TraceNode {
            kind: if matches!(test.left, Left::Count(_)) { TraceKind::Count } else { TraceKind::Condition },
            result,
            alias: field.map(|field| Arc::clone(&field.text)),
            path,
            operator: Some(test.operator.as_str().into()),
            actual: actual.cloned(),
            expected: Some(expected.clone()),
            span,
            children: Vec::new(),
        };
        if let Some(trace) = &mut self.trace {
            trace.push(node);
        }
    }

    pub(crate) fn record_count(
        &mut self,
        test: &Test,
        field: Option<&Field>,
        actual: &Node,
        expected: Option<&Node>,
        result: Truth,
    ) {
        if self.trace.is_some() {
            self.record(test, field, Some(actual), expected.unwrap_or(&Node::NULL), result);
        }
    }

    pub(crate) fn path_of(&self, field: &Field) -> Arc<str> {
        match &field.kind {
            FieldKind::Path(routes) | FieldKind::Bound { routes, .. } => match self.route(routes) {
                Some(route) => Arc::clone(&route.path),
                None => Arc::clone(&field.text),
            },
            FieldKind::Tag(name) => format!("tags.{name}").into(),
            _ => Arc::clone(&field.text),
        }
    }

    // Fields.

    /// The route for this resource's type; `None` when the alias belongs to another type.
    fn route<'r>(&self, routes: &'r [Route]) -> Option<&'r Route> {
        if let [Route { owner: None, .. }] = routes {
            return routes.first();
        }
        let Some(own) = self.resource.get("type").and_then(Node::as_str) else { return routes.first() };
        routes.iter().find(|route| route.owner.as_deref().is_none_or(|owner| owner.eq_ignore_ascii_case(own)))
    }

    /// The resource's API version, as far as it matters for aliases.
    fn api_version(&self) -> Option<&'a str> {
        let requested = self.around.context.request_context.as_ref().and_then(|node| node.get("apiVersion"));
        self.resource.get("apiVersion").or(requested).and_then(Node::as_str)
    }

    fn steps<'r>(&self, route: &'r Route) -> &'r [crate::path::Segment] {
        if route.versions.is_empty() {
            return &route.steps;
        }
        let Some(version) = self.api_version() else { return &route.steps };
        let listed = route
            .versions
            .iter()
            .find(|candidate| candidate.api_versions.iter().any(|known| known.eq_ignore_ascii_case(version)));
        listed.map_or(&route.steps, |listed| &listed.steps)
    }

    /// The value of a field without a free `[*]`.
    pub(crate) fn field_value(&self, field: &Field) -> Val<'a> {
        match &field.kind {
            FieldKind::Type => Val::of(self.resource.get("type")),
            FieldKind::Name => Val::of(self.resource.get("name")),
            FieldKind::FullName => self.full_name(),
            FieldKind::Location => match self.resource.get("location") {
                Some(node) if node.as_str().is_some_and(|text| text.contains(' ')) => {
                    Val::Own(normalised_locations(node))
                }
                found => Val::of(found),
            },
            FieldKind::Tag(name) => match self.resource.get("tags") {
                Some(tags) if tags.as_unresolved().is_some() => Val::Ref(tags),
                tags => Val::of(tags.and_then(|tags| tags.get(name))),
            },
            FieldKind::Path(routes) => match self.route(routes) {
                Some(route) => walk_one(Val::Ref(self.resource), self.steps(route), route.style, true),
                None => Val::Missing,
            },
            FieldKind::Bound { slot, routes } => match (self.slots.get(*slot), self.route(routes)) {
                (Some(slot), Some(route)) => {
                    walk_one(slot.value.clone(), self.steps(route), route.style, false)
                }
                _ => Val::Missing,
            },
        }
    }

    fn full_name(&self) -> Val<'a> {
        if let Some(node) = self.resource.get("fullName") {
            return Val::Ref(node);
        }
        let id = self.resource.get("id").and_then(Node::as_str);
        match id.and_then(|id| id.parse::<castellan_base::ResourceId>().ok()) {
            Some(id) => Val::Own(Node::string(id.full_name())),
            None => Val::of(self.resource.get("name")),
        }
    }

    /// The values of a field with a free `[*]`.
    pub(crate) fn select(&mut self, field: &Field) -> Result<Selection<'a>, ()> {
        let (start, routes, at_top) = match &field.kind {
            FieldKind::Path(routes) => (Val::Ref(self.resource), routes, true),
            FieldKind::Bound { slot, routes } => {
                (self.slots.get(*slot).map_or(Val::Missing, |slot| slot.value.clone()), routes, false)
            }
            _ => return Ok(Selection { values: vec![self.field_value(field)], ..Selection::default() }),
        };
        let Some(route) = self.route(routes) else {
            return Ok(Selection { missing_array: true, ..Selection::default() });
        };
        let steps = self.steps(route);
        let mut budget = self.budget;
        let selection = walk_all(start, steps, route.style, at_top, &mut budget);
        self.budget = budget;
        selection
    }

    /// Where the count of a field starts and which steps it takes.
    pub(crate) fn start<'r>(&self, field: &'r Field) -> Option<(Val<'a>, &'r Route, bool)> {
        match &field.kind {
            FieldKind::Path(routes) => Some((Val::Ref(self.resource), self.route(routes)?, true)),
            FieldKind::Bound { slot, routes } => {
                Some((self.slots.get(*slot)?.value.clone(), self.route(routes)?, false))
            }
            _ => None,
        }
    }

    pub(crate) fn route_steps<'r>(&self, route: &'r Route) -> &'r [crate::path::Segment] {
        self.steps(route)
    }

    // Values.

    pub(crate) fn operand(&mut self, operand: &'a Operand) -> Val<'a> {
        match operand {
            Operand::Constant(node) => Val::Ref(node),
            Operand::Parameter { name, span } => self.parameter(name, *span),
            Operand::Field(field) => Val::Own(self.field_function(field)),
            Operand::Formula(formula) => Val::Own(self.formula(formula)),
            Operand::Array(parts, span) => {
                let items = parts.iter().map(|part| self.owned(part)).collect();
                Val::Own(Value::array(items).at(*span))
            }
            Operand::Object(parts, span) => {
                let object = parts.iter().map(|(key, part)| (Arc::clone(key), self.owned(part))).collect();
                Val::Own(Value::object(object).at(*span))
            }
        }
    }

    pub(crate) fn owned(&mut self, operand: &'a Operand) -> Node {
        self.operand(operand).node().cloned().unwrap_or(Node::NULL)
    }

    pub(crate) fn parameter(&self, name: &str, span: Span) -> Val<'a> {
        if let Some(given) = self.around.parameters.and_then(|parameters| parameters.get(name)) {
            return Val::Ref(given);
        }
        let declared =
            self.around.declared.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
        match declared.and_then(|parameter| parameter.default.as_ref()) {
            Some(default) => Val::Ref(default),
            None => {
                let unresolved =
                    Unresolved::new(UnresolvedReason::MissingParameter, format!("parameters('{name}')"))
                        .with_hint(format!("give the policy parameter `{name}` a value"));
                Val::Own(Value::unresolved(unresolved).at(span))
            }
        }
    }

    /// `field()` means the judged resource also where a related one is looked at, but for the element of a count.
    pub(crate) fn field_function(&mut self, field: &Field) -> Node {
        let bound = matches!(field.kind, FieldKind::Bound { .. });
        if bound || std::ptr::eq(self.resource, self.around.judged) {
            return self.field_as_value(field);
        }
        Evaluator::new(self.around.judged, self.around, false).field_as_value(field)
    }

    /// What `field()` gives: nothing becomes an empty text, a name with `[*]` an array.
    pub(crate) fn field_as_value(&mut self, field: &Field) -> Node {
        if !field.starred {
            return self.field_value(field).node().cloned().unwrap_or_else(|| Node::string(""));
        }
        let values = if field.many {
            match self.select(field) {
                Ok(Selection { unknown_array: Some(array), .. }) => {
                    return array.node().cloned().unwrap_or(Node::NULL);
                }
                Ok(selection) => selection.values,
                Err(()) => {
                    let unresolved =
                        Unresolved::new(UnresolvedReason::Invalid, format!("field('{}')", field.text))
                            .with_hint("the rule looks at too many array elements of this resource");
                    return Value::unresolved(unresolved).at(self.resource.span);
                }
            }
        } else {
            vec![self.field_value(field)]
        };
        let mut items = Vec::with_capacity(values.len());
        items.extend(values.iter().filter_map(|value| value.node().cloned()));
        Value::array(items).at(self.resource.span)
    }

    pub(crate) fn formula(&mut self, formula: &'a Formula) -> Node {
        let expr = Arc::clone(&formula.expr);
        let mut host = PolicyHost { evaluator: self, formula };
        evaluate_expression(&expr, &mut host)
    }
}

/// The first unresolved value in a tree.
pub(crate) fn first_unresolved(node: &Node) -> Option<&Unresolved> {
    match &node.value {
        Value::Unresolved(unresolved) => Some(unresolved),
        Value::Array(items) => items.iter().find_map(first_unresolved),
        Value::Object(object) => object.iter().find_map(|member| first_unresolved(&member.value)),
        _ => None,
    }
}

pub(crate) fn reason_of(unresolved: &Unresolved, field: Option<&Field>) -> UnknownReason {
    let kind = match unresolved.reason {
        UnresolvedReason::NotCollected => UnknownKind::NotCollected,
        UnresolvedReason::Invalid => UnknownKind::NotEvaluable,
        _ => UnknownKind::Unresolved,
    };
    let what = field.map_or(String::new(), |field| format!("`{}` is not known: ", field.text));
    let message = if unresolved.reason == UnresolvedReason::Invalid {
        format!("{what}`{}` has no value: {}", unresolved.expression, unresolved.hint)
    } else {
        format!("{what}`{}` ({})", unresolved.expression, unresolved.reason.as_str())
    };
    let next_step =
        if kind == UnknownKind::NotEvaluable { String::new() } else { unresolved.hint.to_string() };
    UnknownReason { kind, message, next_step }
}

/// How many elements satisfy a condition: at least `low`; at most `high`, or any number when that is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) low: i64,
    pub(crate) high: Option<i64>,
}

impl Bounds {
    /// Compares a number known to lie within the bounds.
    pub(crate) fn compare(self, operator: Operator, wanted: f64) -> Truth {
        #[allow(clippy::cast_precision_loss)]
        let (low, high) = (self.low as f64, self.high.map_or(f64::INFINITY, |high| high as f64));
        let decide = |yes: bool, no: bool| match (yes, no) {
            (true, _) => Truth::True,
            (_, true) => Truth::False,
            _ => Truth::Unknown,
        };
        match operator {
            Operator::Greater => decide(low > wanted, high <= wanted),
            Operator::GreaterOrEquals => decide(low >= wanted, high < wanted),
            Operator::Less => decide(high < wanted, low >= wanted),
            Operator::LessOrEquals => decide(high <= wanted, low > wanted),
            #[allow(clippy::float_cmp)] // Whole numbers.
            Operator::Equals => decide(low == wanted && high == wanted, wanted < low || wanted > high),
            Operator::NotEquals => !self.compare(Operator::Equals, wanted),
            _ => Truth::Unknown,
        }
    }
}
