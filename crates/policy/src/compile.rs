//! From documents to conditions that run.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Object, Span, Value};
use castellan_expression::{Expr, ExprKind, Source, classify, parse};

use crate::alias::AliasTable;
use crate::compare::Operator;
use crate::condition::{
    Binding, Condition, Count, Field, FieldKind, Formula, Left, Operand, Over, Scope, Test,
};
use crate::field;
use crate::path::Segment;

/// Deepest nesting of conditions and of values in them.
const DEPTH: usize = 128;

pub(crate) struct Compiler<'a> {
    pub(crate) aliases: &'a AliasTable,
    pub(crate) diagnostics: Vec<Diagnostic>,
    scope: Vec<Binding>,
    depth: usize,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(aliases: &'a AliasTable) -> Compiler<'a> {
        Compiler { aliases, diagnostics: Vec::new(), scope: Vec::new(), depth: 0 }
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(span, message));
    }

    /// Compiles a condition; mistakes go to the diagnostics.
    pub(crate) fn condition(&mut self, node: &Node) -> Option<Condition> {
        if self.depth >= DEPTH {
            self.error(node.span, format!("conditions are nested more than {DEPTH} deep"));
            return None;
        }
        self.depth += 1;
        let condition = self.condition_inner(node);
        self.depth -= 1;
        condition
    }

    fn condition_inner(&mut self, node: &Node) -> Option<Condition> {
        let Some(object) = node.as_object() else {
            self.error(node.span, format!("a condition is an object, not a {}", node.value.type_name()));
            return None;
        };
        for key in ["allOf", "anyOf", "not"] {
            if let Some(inner) = object.get(key) {
                if let Some(other) = object.iter().find(|member| !member.key.eq_ignore_ascii_case(key)) {
                    self.error(other.key_span, format!("`{}` cannot stand beside `{key}`", other.key));
                    return None;
                }
                return self.group(key, inner);
            }
        }
        self.test(node, object)
    }

    fn group(&mut self, key: &str, inner: &Node) -> Option<Condition> {
        if key == "not" {
            return Some(Condition::Not(Box::new(self.condition(inner)?)));
        }
        let Some(items) = inner.as_array() else {
            self.error(inner.span, format!("`{key}` must be an array of conditions"));
            return None;
        };
        // All parts are compiled before giving up, so that every mistake is reported at once.
        let parts: Vec<Option<Condition>> = items.iter().map(|item| self.condition(item)).collect();
        let parts: Box<[Condition]> = parts.into_iter().collect::<Option<_>>()?;
        Some(if key == "allOf" { Condition::AllOf(parts) } else { Condition::AnyOf(parts) })
    }

    fn test(&mut self, node: &Node, object: &Object) -> Option<Condition> {
        let mut left = None;
        let mut comparison = None;
        for member in object {
            let key = &*member.key;
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            let slot_taken = if is("field") || is("value") || is("count") {
                left.replace(member).is_some()
            } else if let Some(operator) = Operator::parse(key) {
                comparison.replace((operator, &member.value)).is_some()
            } else {
                let known: Vec<&str> = Operator::ALL.iter().map(|(name, _)| *name).collect();
                self.diagnostics.push(
                    Diagnostic::error(
                        member.key_span,
                        format!("`{key}` is no condition of the policy language"),
                    )
                    .with_help(format!("use one of {}", known.join(", "))),
                );
                return None;
            };
            if slot_taken {
                self.error(member.key_span, format!("`{key}` is one too many in this condition"));
                return None;
            }
        }
        let Some(left) = left else {
            self.error(node.span, "a condition needs `field`, `value` or `count`");
            return None;
        };
        let Some((operator, right)) = comparison else {
            self.error(node.span, "this condition compares with nothing");
            return None;
        };
        let left = match left.key.to_ascii_lowercase().as_str() {
            "field" => self.left_field(&left.value)?,
            "count" => Left::Count(self.count(&left.value)?),
            _ => Left::Value(self.operand(&left.value)?),
        };
        let right = self.operand(right)?;
        let right = match (&left, right) {
            (Left::Field(Field { kind: FieldKind::Location, .. }), Operand::Constant(node)) => {
                Operand::Constant(normalised_locations(&node))
            }
            (_, right) => right,
        };
        Some(Condition::Test(Box::new(Test { left, operator, right })))
    }

    fn left_field(&mut self, node: &Node) -> Option<Left> {
        let Some(text) = node.as_str() else {
            self.error(node.span, "`field` must be a string");
            return None;
        };
        match classify(text) {
            Source::Literal(name) if name.trim().is_empty() => {
                self.error(node.span, "`field` is empty");
                None
            }
            Source::Literal(name) => Some(Left::Field(self.field(&name))),
            Source::Expression(expression) => Some(Left::DynamicField(self.formula(expression, node.span)?)),
        }
    }

    pub(crate) fn field(&self, name: &str) -> Field {
        field::resolve(name, self.aliases, &self.scope)
    }

    fn count(&mut self, node: &Node) -> Option<Count> {
        let Some(object) = node.as_object() else {
            self.error(node.span, "`count` must be an object with `field` or `value`");
            return None;
        };
        for member in object {
            if !["field", "value", "name", "where"].iter().any(|known| member.key.eq_ignore_ascii_case(known))
            {
                self.error(member.key_span, format!("`{}` is not part of `count`", member.key));
                return None;
            }
        }
        let slot = self.scope.len();
        let over = match (object.get("field"), object.get("value")) {
            (Some(field), None) => self.count_field(field, object)?,
            (None, Some(value)) => self.count_value(value, object)?,
            (Some(_), Some(_)) => {
                self.error(node.span, "`count` takes `field` or `value`, not both");
                return None;
            }
            (None, None) => {
                self.error(node.span, "`count` needs `field` or `value`");
                return None;
            }
        };
        match &over {
            Over::Field { bindings, .. } => self.scope.extend(bindings.iter().cloned()),
            Over::Value { binding, .. } => self.scope.push(binding.clone()),
        }
        let filter = match object.get("where") {
            Some(filter) => {
                let compiled = self.condition(filter);
                self.scope.truncate(slot);
                Some(compiled?)
            }
            None => {
                self.scope.truncate(slot);
                None
            }
        };
        Some(Count { over, filter, slot })
    }

    fn count_field(&mut self, node: &Node, object: &Object) -> Option<Over> {
        if let Some(name) = object.member("name") {
            self.error(name.key_span, "`name` goes with `value`; a counted field is named by its alias");
            return None;
        }
        let Some(text) = node.as_str().filter(|text| text.contains("[*]")) else {
            self.error(node.span, "`count` needs a field with `[*]`");
            return None;
        };
        let field = self.field(text);
        let steps = match &field.kind {
            FieldKind::Path(routes) | FieldKind::Bound { routes, .. } => {
                routes.first().map(|route| &*route.steps).unwrap_or_default()
            }
            _ => &[],
        };
        let levels = steps.iter().filter(|step| **step == Segment::Each).count();
        let mut bindings = field::bindings(text, self.aliases);
        let surplus = bindings.len().saturating_sub(levels);
        bindings.drain(..surplus);
        Some(Over::Field { field, bindings: bindings.into() })
    }

    fn count_value(&mut self, node: &Node, object: &Object) -> Option<Over> {
        let name = match object.get("name") {
            None => "",
            Some(name) => match name.as_str() {
                Some(text) => text,
                None => {
                    self.error(name.span, "`name` must be a string");
                    return None;
                }
            },
        };
        let operand = self.operand(node)?;
        if let Operand::Constant(constant) = &operand
            && constant.as_array().is_none()
        {
            self.error(node.span, "`count` needs an array");
            return None;
        }
        let binding = Binding {
            name: name.to_ascii_lowercase().into(),
            is_alias: false,
            routes: Arc::from(Vec::new()),
        };
        Some(Over::Value { operand, binding })
    }

    /// Compiles a value: constants are lowered, expressions parsed, fields resolved.
    pub(crate) fn operand(&mut self, node: &Node) -> Option<Operand> {
        if self.depth >= DEPTH {
            self.error(node.span, format!("values are nested more than {DEPTH} deep"));
            return None;
        }
        self.depth += 1;
        let operand = self.operand_inner(node);
        self.depth -= 1;
        operand
    }

    fn operand_inner(&mut self, node: &Node) -> Option<Operand> {
        match &node.value {
            Value::String(text) => match classify(text) {
                Source::Literal(literal) => Some(Operand::Constant(Value::string(&*literal).at(node.span))),
                Source::Expression(expression) => self.expression(expression, node.span),
            },
            Value::Array(items) => {
                let parts = items.iter().map(|item| self.operand(item)).collect::<Option<Vec<_>>>()?;
                let constant = parts.iter().map(constant_of).collect::<Option<Vec<_>>>();
                Some(match constant {
                    Some(items) => Operand::Constant(Value::array(items).at(node.span)),
                    None => Operand::Array(parts.into(), node.span),
                })
            }
            Value::Object(object) => {
                let part = |member: &castellan_base::Member| {
                    Some((Arc::clone(&member.key), self.operand(&member.value)?))
                };
                let parts = object.iter().map(part).collect::<Option<Vec<_>>>()?;
                let all_constant = parts.iter().all(|(_, part)| constant_of(part).is_some());
                Some(if all_constant {
                    Operand::Constant(node.clone())
                } else {
                    Operand::Object(parts.into(), node.span)
                })
            }
            _ => Some(Operand::Constant(node.clone())),
        }
    }

    fn expression(&mut self, text: &str, span: Span) -> Option<Operand> {
        let formula = self.formula(text, span)?;
        if let ExprKind::Call { name, namespace: None, args } = &formula.expr.kind
            && let [Expr { kind: ExprKind::Literal(Value::String(argument)), .. }] = args.as_slice()
        {
            if name.eq_ignore_ascii_case("parameters") {
                return Some(Operand::Parameter { name: Arc::clone(argument), span });
            }
            if name.eq_ignore_ascii_case("field") {
                return Some(Operand::Field(self.field(argument)));
            }
        }
        Some(Operand::Formula(formula))
    }

    fn formula(&mut self, text: &str, span: Span) -> Option<Formula> {
        let expr = match parse(text, span) {
            Ok(expr) => expr,
            Err(error) => {
                self.error(span, format!("the expression `{text}` is wrong: {}", error.message));
                return None;
            }
        };
        let mut names = Vec::new();
        let mut problem = None;
        survey(&expr, &mut names, &mut problem);
        if let Some(problem) = problem {
            self.error(span, problem);
            return None;
        }
        let fields = names.iter().map(|name| self.field(name)).collect();
        let scope: Scope = self.scope.clone().into();
        Some(Formula { expr: Arc::new(expr), fields, scope })
    }
}

fn constant_of(operand: &Operand) -> Option<Node> {
    match operand {
        Operand::Constant(node) => Some(node.clone()),
        _ => None,
    }
}

/// `East US 2` and `eastus2` are the same place; values that locations are compared with lose their spaces.
pub(crate) fn normalised_locations(node: &Node) -> Node {
    match &node.value {
        Value::String(text) if text.contains(' ') => Value::string(text.replace(' ', "")).at(node.span),
        Value::Array(items)
            if items.iter().any(|item| item.as_str().is_some_and(|text| text.contains(' '))) =>
        {
            Value::array(items.iter().map(normalised_locations).collect()).at(node.span)
        }
        _ => node.clone(),
    }
}

/// Functions of templates that policies may not use.
const TEMPLATE_ONLY: [&str; 17] = [
    "copyIndex",
    "deployment",
    "environment",
    "extensionResourceId",
    "newGuid",
    "listKeys",
    "listSecrets",
    "list",
    "providers",
    "reference",
    "references",
    "resourceId",
    "subscriptionResourceId",
    "tenantResourceId",
    "managementGroup",
    "tenant",
    "variables",
];

/// Functions that policies add to the language.
pub(crate) const POLICY_FUNCTIONS: [&str; 10] = [
    "parameters",
    "field",
    "current",
    "subscription",
    "resourceGroup",
    "requestContext",
    "policy",
    "addDays",
    "ipRangeContains",
    "utcNow",
];

/// Collects the fields that an expression names literally, and the first function that does not exist.
fn survey(expr: &Expr, names: &mut Vec<Arc<str>>, problem: &mut Option<String>) {
    match &expr.kind {
        ExprKind::Literal(_) => {}
        ExprKind::Member { base, .. } => survey(base, names, problem),
        ExprKind::Index { base, index, .. } => {
            survey(base, names, problem);
            survey(index, names, problem);
        }
        ExprKind::Call { name, namespace, args } => {
            let is = |known: &str| known.eq_ignore_ascii_case(name);
            let exists = POLICY_FUNCTIONS.iter().any(|known| is(known))
                || (castellan_expression::functions::find(name).is_some() || is_special(name));
            if namespace.is_some() || TEMPLATE_ONLY.iter().any(|known| is(known)) {
                problem
                    .get_or_insert_with(|| format!("the function `{name}` cannot be used in a policy rule"));
            } else if !exists {
                problem.get_or_insert_with(|| format!("there is no function `{name}`"));
            }
            if (name.eq_ignore_ascii_case("field") || name.eq_ignore_ascii_case("current"))
                && let Some(Expr { kind: ExprKind::Literal(Value::String(text)), .. }) = args.first()
            {
                names.push(Arc::clone(text));
            }
            args.iter().for_each(|argument| survey(argument, names, problem));
        }
    }
}

/// Functions that the evaluator knows without listing them.
fn is_special(name: &str) -> bool {
    const SPECIAL: [&str; 15] = [
        "if",
        "and",
        "or",
        "coalesce",
        "lambda",
        "lambdaVariables",
        "map",
        "filter",
        "reduce",
        "sort",
        "toObject",
        "groupBy",
        "mapValues",
        "tryGet",
        "tryIndexFromEnd",
    ];
    SPECIAL.iter().any(|known| known.eq_ignore_ascii_case(name))
}
