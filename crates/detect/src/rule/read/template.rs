//! The little of Resource Manager's template language that templates of rules need.
//!
//! Whole-text expressions that name a parameter or a variable take its value; all else stays as it is written, and is told
//! where it matters.

use castellan_base::{Node, Object, Unresolved, UnresolvedReason, Value};

/// How many names lead from one to the next.
const MAX_STEPS: usize = 8;

/// A template's parameters and variables.
#[derive(Clone, Copy, Default)]
pub(super) struct Scope<'a> {
    parameters: Option<&'a Object>,
    variables: Option<&'a Object>,
}

impl<'a> Scope<'a> {
    /// Of a template.
    pub(super) fn of(template: &'a Node) -> Scope<'a> {
        let object = |name: &str| template.get(name).and_then(Node::as_object);
        Scope { parameters: object("parameters"), variables: object("variables") }
    }

    /// A value with what its names stand for.
    pub(super) fn resolved(self, node: &Node) -> Node {
        match &node.value {
            Value::String(text) => self.text(text, node, MAX_STEPS),
            Value::Array(items) => {
                Value::array(items.iter().map(|item| self.resolved(item)).collect()).at(node.span)
            }
            Value::Object(object) => {
                let mut made = Object::new();
                for member in object.iter() {
                    let value = self.resolved(&member.value);
                    made.push(castellan_base::Member { value, ..member.clone() });
                }
                Value::object(made).at(node.span)
            }
            _ => node.clone(),
        }
    }

    fn text(self, text: &str, node: &Node, steps: usize) -> Node {
        if let Some(literal) = text.strip_prefix("[[") {
            return Value::string(format!("[{literal}")).at(node.span);
        }
        let Some(expression) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return node.clone();
        };
        let next = self.named(expression.trim()).filter(|_| steps > 0);
        match next {
            Some(found) => match found.as_str() {
                Some(inner) => self.text(inner, found, steps - 1),
                // Names within a list or a bag are not followed, so that none can stand for itself.
                None => found.clone(),
            },
            // What begins like an expression and is none: a query over `['My table']`.
            None if !is_call(expression) => node.clone(),
            None => {
                let unresolved = Unresolved::new(UnresolvedReason::Runtime, text);
                Value::unresolved(unresolved).at(node.span)
            }
        }
    }

    fn named(self, expression: &str) -> Option<&'a Node> {
        if let Some(name) = argument(expression, "parameters") {
            return self.parameters?.get(name)?.get("defaultValue");
        }
        self.variables?.get(argument(expression, "variables")?)
    }
}

/// The name in `function('name')`.
fn argument<'e>(expression: &'e str, function: &str) -> Option<&'e str> {
    let (called, rest) = expression.split_once('(')?;
    if !called.trim().eq_ignore_ascii_case(function) {
        return None;
    }
    let name = rest.trim_end().strip_suffix(')')?.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    (!name.contains('\'')).then_some(name)
}

/// Whether a text reads like the call of a function.
fn is_call(expression: &str) -> bool {
    let word = expression.trim_start().split('(').next().unwrap_or_default();
    expression.contains('(') && !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric())
}
