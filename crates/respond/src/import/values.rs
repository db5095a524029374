//! Values of a workflow as variables of a playbook.

use std::collections::BTreeMap;

use castellan_base::{Node, Object, Value as Base};
use serde_json::{Map, Value, json};

use super::expression::{Expression, Piece, parse, pieces};

/// The variables that a playbook needs.
#[derive(Debug, Default)]
pub(super) struct Values {
    variables: BTreeMap<String, Value>,
    /// Secrets by the action that reads them.
    secrets: BTreeMap<String, String>,
    /// Variables for what actions give, and whether a step sets them.
    results: BTreeMap<String, bool>,
}

/// A name as CACAO has it.
fn named(text: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric();
    let inner: String =
        text.chars().map(|letter| if is_part(letter) { letter } else { '_' }).take(150).collect();
    let inner = inner.trim_matches('_');
    let first = if inner.starts_with(|first: char| first.is_ascii_alphabetic()) { "" } else { "v" };
    format!("__{first}{inner}__")
}

impl Values {
    fn insert(&mut self, name: String, variable: Value) -> String {
        self.variables.entry(name.clone()).or_insert(variable);
        name
    }

    /// A variable of the workflow by its type there.
    pub(super) fn variable(&mut self, name: &str, kind: &str) -> String {
        let kind = match kind.to_ascii_lowercase().as_str() {
            "boolean" => "boolean",
            "integer" => "integer",
            "float" => "float",
            "array" => "list",
            "object" => "dictionary",
            _ => "string",
        };
        self.insert(
            named(name),
            json!({"type": kind, "description": format!("The variable `{name}` of the Logic App.")}),
        )
    }

    /// A variable of the workflow that was declared before, or is a text.
    pub(super) fn declared(&mut self, name: &str) -> String {
        self.variable(name, "string")
    }

    /// Gives a variable its first value.
    pub(super) fn set(&mut self, name: &str, text: String) {
        if let Some(variable) = self.variables.get_mut(name).and_then(Value::as_object_mut) {
            variable.insert("value".to_owned(), json!(text));
        }
    }

    /// What an action gives.
    pub(super) fn result(&mut self, action: &str) -> String {
        let name = named(&format!("result_{action}"));
        self.results.entry(name.clone()).or_insert(false);
        self.insert(name, json!({"type": "string", "description": format!("What `{action}` gave.")}))
    }

    /// Says that a step sets what an action gives. Returns the variable, if anything uses it.
    pub(super) fn sets_result(&mut self, action: &str) -> Option<String> {
        let name = named(&format!("result_{action}"));
        let is_set = self.results.get_mut(&name)?;
        *is_set = true;
        Some(name)
    }

    /// The item of a loop.
    pub(super) fn item(&mut self, action: &str) -> String {
        self.insert(
            named(&format!("item_{action}")),
            json!({"type": "string", "description": format!("The item of `{action}`.")}),
        )
    }

    /// A secret of a key vault, which has to be where Castellan runs.
    pub(super) fn secret(&mut self, action: &str, name: &str) -> String {
        let variable = named(&format!("secret_{name}"));
        let environment = name.to_ascii_uppercase().replace('-', "_");
        self.secrets.insert(action.to_owned(), variable.clone());
        let description = format!("The secret `{name}` of the key vault.");
        self.insert(variable, json!({"type": "secret", "value": format!("secret:env:{environment}"), "description": description}))
    }

    /// What whoever starts the playbook gives.
    fn given(&mut self, name: &str, kind: &str, description: &str) -> String {
        self.insert(named(name), json!({"type": kind, "external": true, "description": description}))
    }

    /// All variables as a playbook has them.
    pub(super) fn document(&mut self) -> Value {
        // What no step sets has to be given, or the playbook would stop where it is used.
        for (name, _) in self.results.iter().filter(|(_, is_set)| !**is_set) {
            if let Some(variable) = self.variables.get_mut(name).and_then(Value::as_object_mut) {
                variable.insert("external".to_owned(), json!(true));
            }
        }
        Value::Object(std::mem::take(&mut self.variables).into_iter().collect())
    }

    /// A value as a text with variables in it.
    pub(super) fn text_of(&mut self, node: &Node) -> Result<String, String> {
        match &node.value {
            Base::Null => Ok(String::new()),
            Base::String(text) => self.text(text),
            Base::Object(object) => self.members(object).map(|members| Value::Object(members).to_string()),
            Base::Array(items) => {
                let items: Result<Vec<Value>, String> = items.iter().map(|item| self.json_of(item)).collect();
                items.map(|items| Value::Array(items).to_string())
            }
            _ => Ok(node.to_json().to_string()),
        }
    }

    fn members(&mut self, object: &Object) -> Result<Map<String, Value>, String> {
        object.iter().map(|member| Ok((member.key.to_string(), self.json_of(&member.value)?))).collect()
    }

    fn json_of(&mut self, node: &Node) -> Result<Value, String> {
        match &node.value {
            Base::String(text) if matches!(&**text, "@false" | "@true") => Ok(json!(&**text == "@true")),
            Base::String(text) => self.text(text).map(Value::from),
            Base::Object(object) => self.members(object).map(Value::Object),
            Base::Array(items) => {
                items.iter().map(|item| self.json_of(item)).collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            _ => Ok(node.to_json()),
        }
    }

    /// A text of the workflow as a text with variables in it.
    pub(super) fn text(&mut self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        for piece in pieces(text)? {
            match piece {
                Piece::Plain(plain) => out.push_str(&plain),
                Piece::Expression(expression) => out.push_str(&self.value(&expression)?),
            }
        }
        Ok(out)
    }

    /// What an expression is, as text with variables.
    fn value(&mut self, expression: &Expression) -> Result<String, String> {
        let (name, arguments, members) = match expression {
            Expression::Text(text) | Expression::Number(text) => return Ok(text.clone()),
            Expression::Flag(flag) => return Ok(flag.to_string()),
            Expression::Call(name, arguments, members) => {
                (name.as_str(), arguments.as_slice(), members.as_slice())
            }
        };
        let of = match arguments {
            [Expression::Text(of)] => of.as_str(),
            _ => "",
        };
        let variable = match name {
            "concat" => return arguments.iter().map(|argument| self.value(argument)).collect(),
            "string" if arguments.len() == 1 => {
                return arguments.first().map_or(Ok(String::new()), |argument| self.value(argument));
            }
            "variables" if members.is_empty() => self.declared(of),
            "parameters" => self.given(&format!("parameter_{of}"), "string", "A parameter of the Logic App."),
            "triggerBody" | "triggerOutputs" => self.of_trigger(members, "string"),
            "item" => self.member("item", members),
            "items" => {
                let whole = self.item(of);
                if members.is_empty() { whole } else { self.member(&format!("item_{of}"), members) }
            }
            "body" | "outputs" | "actions" => match self.secrets.get(of) {
                Some(secret) => secret.clone(),
                None if members.iter().all(|member| member == "body") => self.result(of),
                None => self.member(&format!("result_{of}"), members),
            },
            other => return Err(format!("the function `{other}` is not mapped")),
        };
        Ok(format!("{variable}:value"))
    }

    /// A member of something that only the run knows: given from outside.
    fn member(&mut self, of: &str, members: &[String]) -> String {
        let last = members.last().map(String::as_str).unwrap_or_default();
        self.given(&format!("{of}_{last}"), "string", &format!("`{last}` of `{of}` in the Logic App."))
    }

    /// A property of the incident or alert.
    fn of_trigger(&mut self, members: &[String], kind: &str) -> String {
        let dull = ["object", "properties", "body", "Entity", "additionalData"];
        let last: Vec<&str> =
            members.iter().map(String::as_str).filter(|member| !dull.contains(member)).collect();
        let name =
            if last.is_empty() { "incident".to_owned() } else { format!("incident_{}", last.join("_")) };
        self.given(&name, kind, &format!("`{}` of the incident or alert.", members.join(".")))
    }

    /// A list for a loop.
    pub(super) fn list(&mut self, node: &Node) -> Result<String, String> {
        let text = node.as_str().ok_or("its list is no expression")?;
        let whole = text.strip_prefix('@').ok_or("its list is no expression")?;
        let Expression::Call(name, arguments, members) =
            parse(whole.trim_start_matches('{').trim_end_matches('}'))?
        else {
            return Err("its list is a plain value".to_owned());
        };
        let of = match arguments.as_slice() {
            [Expression::Text(of)] => of.clone(),
            _ => String::new(),
        };
        let variable = match name.as_str() {
            "variables" => self.variable(&of, "array"),
            "triggerBody" | "triggerOutputs" => self.of_trigger(&members, "list"),
            "body" | "outputs" => {
                let last = members.last().cloned().unwrap_or_default();
                self.given(
                    &format!("list_{of}_{last}"),
                    "list",
                    &format!("The list that `{of}` gave in the Logic App."),
                )
            }
            other => return Err(format!("the function `{other}` is not mapped")),
        };
        Ok(format!("{variable}:value"))
    }

    /// A condition as STIX patterns have it.
    pub(super) fn condition(&mut self, node: &Node) -> Result<String, String> {
        match &node.value {
            Base::String(text) => {
                let whole = text.strip_prefix('@').ok_or("a condition that is a plain text")?;
                self.call_condition(&parse(whole)?)
            }
            Base::Object(object) => {
                let terms: Result<Vec<String>, String> =
                    object.iter().map(|member| self.term(&member.key, &member.value)).collect();
                joined(terms?, "AND")
            }
            _ => Err("a condition of a form that is not known".to_owned()),
        }
    }

    fn term(&mut self, operator: &str, node: &Node) -> Result<String, String> {
        match operator {
            "and" | "or" => {
                let items = node.as_array().unwrap_or_default();
                let terms: Result<Vec<String>, String> =
                    items.iter().map(|item| self.condition(item)).collect();
                joined(terms?, if operator == "and" { "AND" } else { "OR" })
            }
            "not" => Ok(format!("NOT ({})", self.condition(node)?)),
            _ => {
                let [left, right] = node.as_array().unwrap_or_default() else {
                    return Err(format!("`{operator}` does not compare two values"));
                };
                let (left, right) = (self.operand_of(left)?, self.operand_of(right)?);
                compare(operator, &left, &right)
            }
        }
    }

    fn call_condition(&mut self, expression: &Expression) -> Result<String, String> {
        let Expression::Call(name, arguments, _) = expression else {
            return Err("a condition that compares nothing".to_owned());
        };
        match (name.as_str(), arguments.as_slice()) {
            ("and" | "or", terms) => {
                let terms: Result<Vec<String>, String> =
                    terms.iter().map(|term| self.call_condition(term)).collect();
                joined(terms?, if name == "and" { "AND" } else { "OR" })
            }
            ("not", [inner]) => Ok(format!("NOT ({})", self.call_condition(inner)?)),
            ("empty", [inner]) => compare("equals", &self.operand(inner)?, "''"),
            (operator, [left, right]) => {
                let (left, right) = (self.operand(left)?, self.operand(right)?);
                compare(operator, &left, &right)
            }
            (other, _) => Err(format!("the function `{other}` is not mapped")),
        }
    }

    fn operand_of(&mut self, node: &Node) -> Result<String, String> {
        match &node.value {
            Base::String(text) => match pieces(text)?.as_slice() {
                [Piece::Expression(expression)] => self.operand(expression),
                [] => Ok("''".to_owned()),
                [Piece::Plain(plain)] => Ok(quoted(plain)),
                _ => Err("a comparison with a text that is put together".to_owned()),
            },
            Base::Null => Ok("''".to_owned()),
            Base::Int(_) | Base::Float(_) | Base::Bool(_) => Ok(node.to_json().to_string()),
            _ => Err("a comparison with a list or an object".to_owned()),
        }
    }

    fn operand(&mut self, expression: &Expression) -> Result<String, String> {
        match expression {
            Expression::Text(text) => Ok(quoted(text)),
            Expression::Number(number) => Ok(number.clone()),
            Expression::Flag(flag) => Ok(flag.to_string()),
            Expression::Call(..) => {
                let text = self.value(expression)?;
                let is_one = crate::playbook::Text::parse(&text).as_variable().is_some();
                if is_one {
                    Ok(text)
                } else {
                    Err("a comparison with a text that is put together".to_owned())
                }
            }
        }
    }
}

fn joined(terms: Vec<String>, word: &str) -> Result<String, String> {
    match terms.as_slice() {
        [] => Err("a condition without terms".to_owned()),
        [one] => Ok(one.clone()),
        several => Ok(format!("({})", several.join(&format!(" {word} ")))),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn compare(operator: &str, left: &str, right: &str) -> Result<String, String> {
    let sign = match operator {
        "equals" => "=",
        "greater" => ">",
        "greaterOrEquals" => ">=",
        "less" => "<",
        "lessOrEquals" => "<=",
        "contains" | "startsWith" | "endsWith" => return like(operator, left, right),
        other => return Err(format!("the comparison `{other}` is not mapped")),
    };
    Ok(format!("{left} {sign} {right}"))
}

fn like(operator: &str, left: &str, right: &str) -> Result<String, String> {
    let text = right.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    let text = text.filter(|text| !text.contains(['%', '_']));
    let text = text.ok_or_else(|| format!("`{operator}` with something else than a plain text"))?;
    Ok(match operator {
        "startsWith" => format!("{left} LIKE '{text}%'"),
        "endsWith" => format!("{left} LIKE '%{text}'"),
        _ => format!("{left} LIKE '%{text}%'"),
    })
}
