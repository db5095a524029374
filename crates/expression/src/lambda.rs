//! Functions that take a lambda: they evaluate its body once an item.

use std::sync::Arc;

use castellan_base::{Node, Object, Value};

use crate::evaluate::{Evaluator, NOWHERE, invalid, propagate};
use crate::expr::{Expr, ExprKind};
use crate::functions::ARRAY_LIMIT;

/// A lambda's variables and body.
struct Lambda<'e> {
    variables: Vec<Arc<str>>,
    body: &'e Expr,
}

/// `lambda('a', 'b', body)`.
fn lambda(expr: &Expr) -> Option<Lambda<'_>> {
    let ExprKind::Call { name, namespace: None, args } = &expr.kind else { return None };
    let (body, variables) = args.split_last().filter(|_| name.eq_ignore_ascii_case("lambda"))?;
    let name_of = |variable: &Expr| match &variable.kind {
        ExprKind::Literal(Value::String(name)) => Some(Arc::clone(name)),
        _ => None,
    };
    Some(Lambda { variables: variables.iter().map(name_of).collect::<Option<_>>()?, body })
}

impl Evaluator<'_> {
    fn apply(&mut self, lambda: &Lambda<'_>, values: &[Node]) -> Node {
        let depth = self.variables.len();
        self.variables.extend(lambda.variables.iter().cloned().zip(values.iter().cloned()));
        let result = self.node(lambda.body);
        self.variables.truncate(depth);
        result
    }
}

/// Calls a lambda function; `None` when the name is not one of them.
pub(crate) fn call(evaluator: &mut Evaluator<'_>, expr: &Expr, name: &str, args: &[Expr]) -> Option<Node> {
    if !matches!(name, "filter" | "map" | "mapvalues" | "reduce" | "sort" | "toobject" | "groupby") {
        return None;
    }
    Some(outcome(evaluator, expr, name, args).unwrap_or_else(|message| invalid(expr, message)))
}

fn outcome(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    name: &str,
    args: &[Expr],
) -> Result<Node, &'static str> {
    let (first, others) = args.split_first().ok_or("arguments are missing")?;
    let input = evaluator.node(first);
    if let Some(unknown) = input.as_unresolved() {
        return Ok(propagate(expr, name, std::slice::from_ref(&input), unknown));
    }
    let lambda_at = |index: usize| others.get(index).and_then(lambda).ok_or("a lambda is missing");
    if name == "mapvalues" {
        let object = input.as_object().ok_or("the first argument has to be an object")?;
        let lambda = lambda_at(0)?;
        let mut mapped = Object::new();
        for member in object.iter() {
            let value = evaluator.apply(&lambda, std::slice::from_ref(&member.value));
            mapped.insert(Arc::clone(&member.key), value);
        }
        return Ok(Value::object(mapped).at(expr.span));
    }
    let items = input.as_array().ok_or("the first argument has to be an array")?;
    if items.len() > ARRAY_LIMIT {
        return Err("the array is too long");
    }
    match name {
        "map" => Ok(map(evaluator, expr, items, &lambda_at(0)?)),
        "filter" => filter(evaluator, expr, items, &lambda_at(0)?),
        "reduce" => {
            let mut folded = evaluator.node(others.first().ok_or("a start value is missing")?);
            let lambda = lambda_at(1)?;
            for (index, item) in items.iter().enumerate() {
                folded = evaluator.apply(&lambda, &[folded, item.clone(), position(index)]);
            }
            Ok(folded)
        }
        "sort" => sort(evaluator, expr, items, &lambda_at(0)?),
        "toobject" => to_object(evaluator, expr, items, &lambda_at(0)?, lambda_at(1).ok().as_ref()),
        _ => group_by(evaluator, expr, items, &lambda_at(0)?),
    }
}

fn position(index: usize) -> Node {
    Value::Int(i64::try_from(index).unwrap_or(i64::MAX)).at(NOWHERE)
}

fn map(evaluator: &mut Evaluator<'_>, expr: &Expr, items: &[Node], lambda: &Lambda<'_>) -> Node {
    let rounds = items.iter().enumerate();
    let mapped =
        rounds.map(|(index, item)| evaluator.apply(lambda, &[item.clone(), position(index)])).collect();
    Value::array(mapped).at(expr.span)
}

fn filter(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    items: &[Node],
    lambda: &Lambda<'_>,
) -> Result<Node, &'static str> {
    let mut kept = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let keep = evaluator.apply(lambda, &[item.clone(), position(index)]);
        match &keep.value {
            Value::Bool(true) => kept.push(item.clone()),
            Value::Bool(false) => {}
            // Whether the item stays is not known, so neither is the array.
            Value::Unresolved(unknown) => {
                return Ok(propagate(expr, "filter", std::slice::from_ref(&keep), unknown));
            }
            _ => return Err("the lambda has to give a boolean"),
        }
    }
    Ok(Value::array(kept).at(expr.span))
}

/// A stable merge sort, since the comparison may be unknown and must be able to stop it.
fn sort(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    items: &[Node],
    lambda: &Lambda<'_>,
) -> Result<Node, &'static str> {
    let mut runs: Vec<Vec<Node>> = items.iter().map(|item| vec![item.clone()]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            let Some(right) = pairs.next() else {
                merged.push(left);
                break;
            };
            match merge(evaluator, expr, left, right, lambda)? {
                Ok(run) => merged.push(run),
                Err(unknown) => return Ok(unknown),
            }
        }
        runs = merged;
    }
    Ok(Value::array(runs.pop().unwrap_or_default()).at(expr.span))
}

/// Merges two sorted runs, or gives the unresolved value that kept it from doing so.
fn merge(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    left: Vec<Node>,
    right: Vec<Node>,
    lambda: &Lambda<'_>,
) -> Result<Result<Vec<Node>, Node>, &'static str> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        let before = evaluator.apply(lambda, &[second.clone(), first.clone()]);
        match &before.value {
            Value::Bool(true) => merged.extend(right.next()),
            Value::Bool(false) => merged.extend(left.next()),
            Value::Unresolved(unknown) => {
                return Ok(Err(propagate(expr, "sort", std::slice::from_ref(&before), unknown)));
            }
            _ => return Err("the lambda has to give a boolean"),
        }
    }
    merged.extend(left);
    merged.extend(right);
    Ok(Ok(merged))
}

fn to_object(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    items: &[Node],
    key: &Lambda<'_>,
    value: Option<&Lambda<'_>>,
) -> Result<Node, &'static str> {
    let mut object = Object::new();
    for item in items {
        let name = evaluator.apply(key, std::slice::from_ref(item));
        let name = name.text_or_symbol().ok_or("the key lambda has to give a string")?;
        let member = match value {
            Some(lambda) => evaluator.apply(lambda, std::slice::from_ref(item)),
            None => item.clone(),
        };
        object.insert(name, member);
    }
    Ok(Value::object(object).at(expr.span))
}

fn group_by(
    evaluator: &mut Evaluator<'_>,
    expr: &Expr,
    items: &[Node],
    key: &Lambda<'_>,
) -> Result<Node, &'static str> {
    let mut groups: Vec<(Arc<str>, Vec<Node>)> = Vec::new();
    for item in items {
        let name = evaluator.apply(key, std::slice::from_ref(item));
        let name = name.text_or_symbol().ok_or("the key lambda has to give a string")?;
        match groups.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, group)) => group.push(item.clone()),
            None => groups.push((name.into(), vec![item.clone()])),
        }
    }
    let members = groups.into_iter().map(|(name, group)| (name, Value::array(group).at(expr.span)));
    Ok(Value::object(Object::from_iter(members)).at(expr.span))
}
