//! Evaluation: total, three-valued, bounded.

use std::sync::Arc;

use castellan_base::{Node, Span, Ticks, Unresolved, UnresolvedReason, Value};

use crate::expr::{Expr, ExprKind};
use crate::functions::{self, FunctionError};
use crate::lambda;

/// Most calls, members and lambda rounds in one evaluation.
const STEPS: u32 = 400_000;
/// Deepest evaluation; a parsed expression is at most 64 deep, lambdas nest within it.
const DEPTH: u32 = 200;

/// What the embedding language adds: parameters, variables, resources, fields.
pub trait Host {
    /// Calls a function of the host; `None` when the host has no such function, so that the built-in one is tried.
    /// Arguments may be unresolved.
    fn call(
        &mut self,
        namespace: Option<&str>,
        name: &str,
        args: &[Node],
        expr: &Expr,
    ) -> Option<Result<Node, FunctionError>>;

    /// The time of the evaluation, for `utcNow`; `None` leaves it unresolved.
    fn now(&self) -> Option<Ticks>;

    /// True for functions whose value is only known in parts: `reference('x').a.b` is then asked for as a whole through
    /// [`Host::resolve`].
    fn is_partial(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// The value at a path of member names and positions below a partial function's value.
    fn resolve(&mut self, name: &str, args: &[Node], path: &[Node], expr: &Expr) -> Option<Node> {
        let _ = (name, args, path, expr);
        None
    }
}

/// Evaluates an expression. Never fails: an error gives an unresolved value with reason
/// [`UnresolvedReason::Invalid`] and the message as its hint.
///
/// Values that come from the host keep their own spans; computed values take the expression's.
pub fn evaluate(expr: &Expr, host: &mut dyn Host) -> Node {
    Evaluator { host, variables: Vec::new(), steps: 0, depth: 0 }.node(expr)
}

/// One evaluation under way.
pub(crate) struct Evaluator<'h> {
    pub(crate) host: &'h mut dyn Host,
    /// Lambda variables, innermost last.
    pub(crate) variables: Vec<(Arc<str>, Node)>,
    steps: u32,
    depth: u32,
}

impl Evaluator<'_> {
    pub(crate) fn node(&mut self, expr: &Expr) -> Node {
        self.steps = self.steps.saturating_add(1);
        if self.steps > STEPS || self.depth > DEPTH {
            return invalid(expr, "the evaluation takes too many steps");
        }
        self.depth += 1;
        let node = match &expr.kind {
            ExprKind::Literal(value) => value.clone().at(expr.span),
            ExprKind::Call { name, namespace, args } => self.call(expr, namespace.as_deref(), name, args),
            ExprKind::Member { base, name, safe } => match self.partial(expr) {
                Some(node) => node,
                None => member(expr, &self.node(base), name, *safe),
            },
            ExprKind::Index { base, index, safe } => match self.partial(expr) {
                Some(node) => node,
                None => {
                    let base = self.node(base);
                    let index = self.node(index);
                    element(expr, &base, &index, *safe)
                }
            },
        };
        self.depth -= 1;
        node
    }

    /// A path below a function that the host resolves as a whole.
    fn partial(&mut self, expr: &Expr) -> Option<Node> {
        let mut keys = Vec::new();
        let mut root = expr;
        loop {
            match &root.kind {
                ExprKind::Member { base, name, .. } => {
                    keys.push(Err(name));
                    root = base;
                }
                ExprKind::Index { base, index, .. } => {
                    keys.push(Ok(index));
                    root = base;
                }
                _ => break,
            }
        }
        let ExprKind::Call { name, namespace: None, args } = &root.kind else { return None };
        if !self.host.is_partial(name) {
            return None;
        }
        let args: Vec<Node> = args.iter().map(|argument| self.node(argument)).collect();
        let path: Vec<Node> = keys
            .into_iter()
            .rev()
            .map(|key| match key {
                Ok(index) => self.node(index),
                Err(name) => Value::String(Arc::clone(name)).at(expr.span),
            })
            .collect();
        self.host.resolve(name, &args, &path, expr)
    }

    fn call(&mut self, expr: &Expr, namespace: Option<&str>, name: &str, args: &[Expr]) -> Node {
        if namespace.is_none()
            && let Some(node) = self.special(expr, name, args)
        {
            return node;
        }
        let values: Vec<Node> = args.iter().map(|argument| self.node(argument)).collect();
        match self.host.call(namespace, name, &values, expr) {
            Some(Ok(node)) => return node,
            Some(Err(error)) => return invalid(expr, &error.message),
            None => {}
        }
        let Some(function) = functions::find(name).filter(|_| namespace.is_none()) else {
            return invalid(expr, &format!("there is no function `{name}`"));
        };
        if let Some(unknown) = function.blocking(&values) {
            return propagate(expr, name, &values, unknown);
        }
        match function.call(&values, expr.span, self.host.now()) {
            Ok(value) => value.at(expr.span),
            Err(error) => invalid(expr, &error.message),
        }
    }

    /// Functions that do not evaluate all their arguments, or not once.
    fn special(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Option<Node> {
        let lower = name.to_ascii_lowercase();
        match (lower.as_str(), args) {
            ("if", [condition, then, otherwise]) => Some(self.choose(expr, condition, then, otherwise)),
            ("and", [_, _, ..]) => Some(self.junction(expr, args, false)),
            ("or", [_, _, ..]) => Some(self.junction(expr, args, true)),
            ("coalesce", [_, ..]) => Some(self.coalesce(expr, args)),
            ("lambdavariables", [variable]) => {
                let wanted = self.node(variable);
                let found = self.variables.iter().rev().find(|(known, _)| {
                    wanted.as_str().is_some_and(|wanted| known.eq_ignore_ascii_case(wanted))
                });
                Some(match found {
                    Some((_, value)) => value.clone(),
                    None => invalid(expr, "no lambda has this variable"),
                })
            }
            _ => lambda::call(self, expr, &lower, args),
        }
    }

    fn choose(&mut self, expr: &Expr, condition: &Expr, then: &Expr, otherwise: &Expr) -> Node {
        let condition = self.node(condition);
        match &condition.value {
            Value::Bool(true) => self.node(then),
            Value::Bool(false) => self.node(otherwise),
            Value::Unresolved(unknown) => {
                let (then, otherwise) = (self.node(then), self.node(otherwise));
                // Whichever way it goes, the value is the same.
                if then.value == otherwise.value && !then.has_unresolved() {
                    return then;
                }
                propagate(expr, "if", &[condition.clone(), then, otherwise], unknown)
            }
            other => invalid(expr, &format!("`if` needs a boolean, not a {}", other.type_name())),
        }
    }

    /// `and` (decided by false) and `or` (decided by true), by Kleene's tables.
    fn junction(&mut self, expr: &Expr, args: &[Expr], deciding: bool) -> Node {
        let mut unknown = None;
        for argument in args {
            let node = self.node(argument);
            match &node.value {
                Value::Bool(flag) if *flag == deciding => return Value::Bool(deciding).at(expr.span),
                Value::Bool(_) => {}
                Value::Unresolved(found) => unknown = unknown.or(Some(Arc::clone(found))),
                other => return invalid(expr, &format!("expected booleans, found a {}", other.type_name())),
            }
        }
        match unknown {
            Some(unknown) => unresolved_like(expr, &unknown, format!("{{{expr}}}")),
            None => Value::Bool(!deciding).at(expr.span),
        }
    }

    fn coalesce(&mut self, expr: &Expr, args: &[Expr]) -> Node {
        for argument in args {
            let node = self.node(argument);
            if !node.is_null() {
                return node;
            }
        }
        Value::Null.at(expr.span)
    }
}

/// An unresolved value for a mistake in the expression.
pub(crate) fn invalid(expr: &Expr, message: &str) -> Node {
    Value::unresolved(Unresolved::new(UnresolvedReason::Invalid, expr.to_string()).with_hint(message))
        .at(expr.span)
}

fn unresolved_like(expr: &Expr, unknown: &Unresolved, symbol: String) -> Node {
    let unresolved = Unresolved {
        reason: unknown.reason,
        expression: expr.to_string().into(),
        symbol: symbol.into(),
        hint: Arc::clone(&unknown.hint),
    };
    Value::unresolved(unresolved).at(expr.span)
}

/// The unresolved result of a function with an unresolved argument; text functions keep the known parts.
pub(crate) fn propagate(expr: &Expr, name: &str, values: &[Node], unknown: &Unresolved) -> Node {
    let partly_known = match name.to_ascii_lowercase().as_str() {
        "concat" => join_symbols(values),
        "format" => format_symbols(values),
        // Names of resources are the same in any case, so the symbol may keep its unknown parts.
        "tolower" => values.first().and_then(Node::text_or_symbol).map(lower_outside_braces),
        _ => None,
    };
    let symbol = partly_known.unwrap_or_else(|| shortened(name, &argument_symbols(values)));
    unresolved_like(expr, unknown, symbol)
}

/// Longest list of arguments that a symbol shows; symbols stand in names and ids, where people read them.
const SYMBOL_ARGUMENTS: usize = 48;

/// `{name(arguments)}`, or `{name#hash}` when that would be unreadable. Equal arguments give equal hashes (FNV-1a).
fn shortened(name: &str, arguments: &str) -> String {
    if arguments.len() <= SYMBOL_ARGUMENTS {
        return format!("{{{name}({arguments})}}");
    }
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = arguments.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    format!("{{{name}#{:012x}}}", hash & 0xffff_ffff_ffff)
}

fn lower_outside_braces(symbol: &str) -> String {
    let mut depth = 0_u32;
    let lower = symbol.chars().map(|character| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 { character.to_ascii_lowercase() } else { character }
    });
    lower.collect()
}

fn join_symbols(values: &[Node]) -> Option<String> {
    values.iter().map(symbol_text).collect()
}

fn symbol_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Int(number) => Some(number.to_string()),
        _ => node.text_or_symbol().map(str::to_owned),
    }
}

/// `format('{0}-pe', unknown)` keeps what stands around the placeholders.
fn format_symbols(values: &[Node]) -> Option<String> {
    let (pattern, args) = values.split_first()?;
    let mut symbol = pattern.as_str()?.to_owned();
    for (index, argument) in args.iter().enumerate().rev() {
        // Only plain placeholders; a format specifier would change the text.
        let placeholder = format!("{{{index}}}");
        if symbol.contains(&placeholder) {
            symbol = symbol.replace(&placeholder, &symbol_text(argument)?);
        } else if symbol.contains(&format!("{{{index}:")) || symbol.contains(&format!("{{{index},")) {
            return None;
        }
    }
    Some(symbol)
}

fn argument_symbols(values: &[Node]) -> String {
    let shown = values.iter().map(|value| match &value.value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Unresolved(unresolved) => {
            let symbol = &unresolved.symbol;
            let inner = symbol.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            inner.filter(|inner| !inner.contains(['{', '}'])).unwrap_or(symbol).to_owned()
        }
        _ => value.to_json().to_string(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn member(expr: &Expr, base: &Node, name: &str, safe: bool) -> Node {
    if let Some(unknown) = base.as_unresolved() {
        let inner = unknown.symbol.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let symbol = inner.map_or_else(|| format!("{{{expr}}}"), |inner| format!("{{{inner}.{name}}}"));
        return unresolved_like(expr, unknown, symbol);
    }
    match base.get(name) {
        Some(found) => found.clone(),
        None if safe => Value::Null.at(expr.span),
        None if base.as_object().is_some() => invalid(expr, &format!("the object has no member `{name}`")),
        None => invalid(expr, &format!("a {} has no members", base.value.type_name())),
    }
}

fn element(expr: &Expr, base: &Node, index: &Node, safe: bool) -> Node {
    if let Some(unknown) = base.as_unresolved().or(index.as_unresolved()) {
        return unresolved_like(expr, unknown, format!("{{{expr}}}"));
    }
    if let Some(name) = index.as_str() {
        return member(expr, base, name, safe);
    }
    let found = index
        .as_i64()
        .and_then(|position| usize::try_from(position).ok())
        .zip(base.as_array())
        .and_then(|(position, items)| items.get(position));
    match found {
        Some(found) => found.clone(),
        None if safe => Value::Null.at(expr.span),
        None => invalid(expr, "the index is outside the array"),
    }
}

/// A host without functions of its own, for expressions that need none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost {
    /// The time of the evaluation.
    pub now: Option<Ticks>,
}

impl Host for NoHost {
    fn call(
        &mut self,
        _: Option<&str>,
        _: &str,
        _: &[Node],
        _: &Expr,
    ) -> Option<Result<Node, FunctionError>> {
        None
    }

    fn now(&self) -> Option<Ticks> {
        self.now
    }
}

/// The span of computed values that belong to no expression.
pub(crate) const NOWHERE: Span = Span::NONE;
