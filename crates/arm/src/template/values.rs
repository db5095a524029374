//! Evaluation of the values in a template: strings that are expressions, and `copy` inside objects.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use castellan_base::{Diagnostic, Member, Node, Object, Span, Ticks, Unresolved, UnresolvedReason, Value};
use castellan_expression::{Expr, FunctionError, Host, Source, classify, evaluate};

use super::scope::Scope;

/// Most rounds of one `copy`; Resource Manager allows 800.
const COPY_LIMIT: i64 = 10_000;

/// The named arguments of a user-defined function.
type Arguments = Rc<Vec<(Arc<str>, Node)>>;

/// What surrounds a value: the copies it stands in and, in a user-defined function, its parameters.
#[derive(Clone, Default)]
pub(super) struct Env {
    /// Name and index of each `copy` around the value, innermost last.
    copies: Vec<(Arc<str>, Node)>,
    /// The arguments of the user-defined function that is being evaluated.
    arguments: Option<Arguments>,
    /// How many user-defined functions are under way.
    calls: u32,
}

impl Env {
    /// The same inside one more round of a copy.
    pub(super) fn in_copy(&self, name: Arc<str>, index: Node) -> Env {
        let mut env = self.clone();
        env.copies.push((name, index));
        env
    }
}

/// The number of rounds of a `copy`.
pub(super) enum Rounds {
    Known(i64),
    Unknown(Arc<Unresolved>),
}

impl Scope {
    /// Evaluates a value and everything in it. Parts without expressions stay shared with the template.
    pub(super) fn evaluate(self: &Rc<Scope>, node: &Node, env: &Env) -> Node {
        self.changed(node, env).unwrap_or_else(|| node.clone())
    }

    /// The evaluated value; `None` when it holds no expression.
    fn changed(self: &Rc<Scope>, node: &Node, env: &Env) -> Option<Node> {
        match &node.value {
            Value::String(text) if text.starts_with('[') => Some(self.string(text, node.span, env)),
            Value::Array(items) => {
                let mut copy: Option<Vec<Node>> = None;
                for (index, item) in items.iter().enumerate() {
                    if let Some(new) = self.changed(item, env) {
                        let copy = copy.get_or_insert_with(|| items.as_ref().clone());
                        if let Some(slot) = copy.get_mut(index) {
                            *slot = new;
                        }
                    }
                }
                copy.map(|items| Value::array(items).at(node.span))
            }
            Value::Object(object) => self.object(object, node.span, env),
            _ => None,
        }
    }

    fn string(self: &Rc<Scope>, text: &Arc<str>, span: Span, env: &Env) -> Node {
        match classify(text) {
            Source::Literal(Cow::Borrowed(literal)) if literal.len() == text.len() => {
                Value::String(Arc::clone(text)).at(span)
            }
            Source::Literal(literal) => Value::string(literal.into_owned()).at(span),
            Source::Expression(inner) => {
                let Some(expression) = self.session.expression(text, inner, span) else {
                    let unresolved = Unresolved::new(UnresolvedReason::Invalid, inner);
                    return Value::unresolved(unresolved.with_hint("the expression cannot be read")).at(span);
                };
                let mut evaluation = Evaluation { scope: self.expression_scope(), local: self, env };
                let result = evaluate(&expression, &mut evaluation);
                if let Some(unresolved) = result.as_unresolved()
                    && unresolved.reason == UnresolvedReason::Invalid
                {
                    let message = format!("`{}` has no value: {}", unresolved.expression, unresolved.hint);
                    self.session.report(Diagnostic::warning(span, message));
                }
                Node { value: result.value, span }
            }
        }
    }

    fn object(self: &Rc<Scope>, object: &Object, span: Span, env: &Env) -> Option<Node> {
        let copies = object.get("copy").filter(|copy| is_value_copy(copy));
        let mut evaluated: Option<Object> = None;
        for (index, member) in object.iter().enumerate() {
            let is_copy = copies.is_some() && member.key.eq_ignore_ascii_case("copy");
            let key = if member.key.starts_with('[') {
                let key = self.string(&member.key, member.key_span, env);
                key.text_or_symbol().map(Arc::from)
            } else {
                None
            };
            let value = if is_copy { None } else { self.changed(&member.value, env) };
            if evaluated.is_none() && (is_copy || key.is_some() || value.is_some()) {
                evaluated = Some(object.iter().take(index).cloned().collect_members());
            }
            if let Some(evaluated) = evaluated.as_mut().filter(|_| !is_copy) {
                evaluated.push(Member {
                    key: key.unwrap_or_else(|| Arc::clone(&member.key)),
                    key_span: member.key_span,
                    value: value.unwrap_or_else(|| member.value.clone()),
                });
            }
        }
        for copy in copies.and_then(Node::as_array).into_iter().flatten() {
            let target = evaluated.get_or_insert_with(|| object.clone());
            if let Some(name) = copy.get("name").and_then(Node::as_str) {
                let value = self.copied_array(copy, env);
                target.push(Member { key: name.into(), key_span: copy.span, value });
            }
        }
        evaluated.map(|object| Value::object(object).at(span))
    }

    /// How often a `copy` goes round.
    pub(super) fn rounds(self: &Rc<Scope>, copy: &Node, env: &Env) -> Rounds {
        let count = copy.get("count").map(|count| self.evaluate(count, env));
        match count.as_ref().map(|count| &count.value) {
            Some(Value::Int(count)) if (0..=COPY_LIMIT).contains(count) => Rounds::Known(*count),
            Some(Value::Unresolved(unknown)) => Rounds::Unknown(Arc::clone(unknown)),
            Some(Value::Int(count)) => {
                let message = format!("a copy goes round at most 800 times, not {count}");
                self.session.report(Diagnostic::error(copy.span, message));
                Rounds::Known(0)
            }
            _ => {
                self.session
                    .report(Diagnostic::error(copy.span, "`copy` needs a whole number as its `count`"));
                Rounds::Known(0)
            }
        }
    }

    /// The array that a `copy` of values gives.
    pub(super) fn copied_array(self: &Rc<Scope>, copy: &Node, env: &Env) -> Node {
        let name: Arc<str> = copy.get("name").and_then(Node::as_str).unwrap_or_default().into();
        let Some(input) = copy.get("input") else {
            self.session.report(Diagnostic::error(copy.span, "`copy` needs an `input`"));
            return Value::array(Vec::new()).at(copy.span);
        };
        match self.rounds(copy, env) {
            Rounds::Known(count) => {
                let rounds = (0..count).map(|index| {
                    let env = env.in_copy(Arc::clone(&name), Node::from_value(Value::Int(index)));
                    self.evaluate(input, &env)
                });
                Value::array(rounds.collect()).at(copy.span)
            }
            Rounds::Unknown(unknown) => Value::Unresolved(unknown).at(copy.span),
        }
    }
}

/// True for the `copy` of values: an array of objects with a name and an input.
fn is_value_copy(copy: &Node) -> bool {
    let is_loop = |item: &Node| {
        item.get("name").is_some() && item.get("count").is_some() && item.get("input").is_some()
    };
    copy.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(is_loop))
}

trait CollectMembers {
    fn collect_members(self) -> Object;
}

impl<I: Iterator<Item = Member>> CollectMembers for I {
    fn collect_members(self) -> Object {
        let mut object = Object::new();
        for member in self {
            object.push(member);
        }
        object
    }
}

/// One expression under evaluation.
pub(super) struct Evaluation<'s> {
    /// Whose parameters and variables count.
    pub(super) scope: &'s Rc<Scope>,
    /// The deployment that the expression stands in.
    pub(super) local: &'s Rc<Scope>,
    pub(super) env: &'s Env,
}

impl Evaluation<'_> {
    fn parameter(&self, args: &[Node], expr: &Expr) -> Result<Node, FunctionError> {
        let name = single_name(args, "parameters")?;
        if let Some(arguments) = &self.env.arguments {
            let found = arguments.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            return found
                .map(|(_, value)| value.clone())
                .ok_or_else(|| FunctionError { message: format!("the function has no parameter `{name}`") });
        }
        let found = self.scope.parameter(name, expr.span);
        found.ok_or_else(|| FunctionError { message: format!("the template has no parameter `{name}`") })
    }

    fn variable(&self, args: &[Node], expr: &Expr) -> Result<Node, FunctionError> {
        let name = single_name(args, "variables")?;
        let found = self.scope.variable(name, expr.span);
        found.ok_or_else(|| FunctionError { message: format!("the template has no variable `{name}`") })
    }

    /// `copyIndex()`, `copyIndex(offset)`, `copyIndex('name')`, `copyIndex('name', offset)`.
    fn copy_index(&self, args: &[Node], expr: &Expr) -> Result<Node, FunctionError> {
        let name = args.first().and_then(Node::as_str);
        let found = match name {
            Some(name) => self.env.copies.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name)),
            None => self.env.copies.last(),
        };
        let (_, index) =
            found.ok_or_else(|| FunctionError { message: "there is no such copy around this".into() })?;
        let offset = args.last().and_then(Node::as_i64).unwrap_or(0);
        match index.as_i64() {
            Some(index) => Ok(Value::Int(index.saturating_add(offset)).at(expr.span)),
            None => Ok(index.clone()),
        }
    }

    /// A function that the template defines itself: `functions: [{namespace, members: {name: {parameters, output}}}]`.
    fn user_function(
        &self,
        namespace: &str,
        name: &str,
        args: &[Node],
        expr: &Expr,
    ) -> Result<Node, FunctionError> {
        let error = |message: String| FunctionError { message };
        if self.env.calls > 32 {
            return Err(error("user-defined functions call each other too deeply".to_owned()));
        }
        let spaces = self.scope.template.get("functions").and_then(Node::as_array).unwrap_or_default();
        let space = spaces.iter().find(|space| {
            space
                .get("namespace")
                .and_then(Node::as_str)
                .is_some_and(|known| known.eq_ignore_ascii_case(namespace))
        });
        let function = space.and_then(|space| space.get("members")).and_then(|members| members.get(name));
        let function = function.ok_or_else(|| error(format!("there is no function `{namespace}.{name}`")))?;
        let declared = function.get("parameters").and_then(Node::as_array).unwrap_or_default();
        if declared.len() != args.len() {
            return Err(error(format!("`{namespace}.{name}` takes {} arguments", declared.len())));
        }
        let names = declared.iter().filter_map(|parameter| parameter.get("name").and_then(Node::as_str));
        let arguments = names.map(Arc::from).zip(args.iter().cloned()).collect();
        let output = function.get("output").and_then(|output| output.get("value"));
        let output = output.ok_or_else(|| error(format!("`{namespace}.{name}` has no output")))?;
        let env = Env { copies: Vec::new(), arguments: Some(Rc::new(arguments)), calls: self.env.calls + 1 };
        Ok(Node { value: self.scope.evaluate(output, &env).value, span: expr.span })
    }
}

fn single_name<'a>(args: &'a [Node], function: &str) -> Result<&'a str, FunctionError> {
    match args {
        [name] => name.as_str(),
        _ => None,
    }
    .ok_or_else(|| FunctionError { message: format!("`{function}` takes one name") })
}

impl Host for Evaluation<'_> {
    fn call(
        &mut self,
        namespace: Option<&str>,
        name: &str,
        args: &[Node],
        expr: &Expr,
    ) -> Option<Result<Node, FunctionError>> {
        if let Some(namespace) = namespace {
            return Some(self.user_function(namespace, name, args, expr));
        }
        match name.to_ascii_lowercase().as_str() {
            "parameters" => Some(self.parameter(args, expr)),
            "variables" => Some(self.variable(args, expr)),
            "copyindex" => Some(self.copy_index(args, expr)),
            other => self.deployment_function(other, args, expr),
        }
    }

    fn now(&self) -> Option<Ticks> {
        self.local.session.now
    }

    fn is_partial(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case("reference")
    }

    fn resolve(&mut self, _: &str, args: &[Node], path: &[Node], expr: &Expr) -> Option<Node> {
        Some(self.reference(args, path, expr))
    }
}
