//! Text edits that set members of an object in a JSON file and leave every other byte as it is.

use castellan_base::{Node, Object, Span, Value as NodeValue};
use serde_json::{Map, Value};

use super::path::Step;

/// What to set in one object of a file: a tree of members, with a value at each leaf.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wanted {
    members: Vec<(String, Want)>,
    each: Option<Box<Wanted>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Want {
    Inside(Wanted),
    Exactly(Value),
}

/// Replaces the bytes `start..end` by a text. An insertion has `start == end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) text: String,
}

impl Wanted {
    /// Adds a value to set. False when it contradicts what is already to be set there.
    pub(crate) fn add(&mut self, path: &[Step], value: &Value) -> bool {
        match path {
            [] => false,
            [Step::Each, rest @ ..] => self.each.get_or_insert_with(Box::default).add(rest, value),
            [Step::Member(name), rest @ ..] => {
                let known = self.members.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name));
                match (known, rest) {
                    (None, []) => self.members.push((name.clone(), Want::Exactly(value.clone()))),
                    (None, rest) => {
                        let mut inside = Wanted::default();
                        let added = inside.add(rest, value);
                        self.members.push((name.clone(), Want::Inside(inside)));
                        return added;
                    }
                    (Some((_, Want::Inside(inside))), rest @ [_, ..]) => return inside.add(rest, value),
                    (Some((_, Want::Exactly(set))), []) => return set == value,
                    (Some((_, _)), _) => return false,
                }
                true
            }
        }
    }

    /// The members as JSON, for where nothing is there yet. `None` when it needs elements that are not there.
    fn to_json(&self) -> Option<Value> {
        if self.each.is_some() {
            return None;
        }
        let mut map = Map::new();
        for (name, want) in &self.members {
            let value = match want {
                Want::Exactly(value) => value.clone(),
                Want::Inside(inside) => inside.to_json()?,
            };
            map.insert(name.clone(), value);
        }
        Some(Value::Object(map))
    }
}

/// The edits that make `node`, which stands in `text`, hold what is wanted; an error says what stands in the way.
pub(crate) fn edits(text: &str, node: &Node, wanted: &Wanted) -> Result<Vec<Edit>, String> {
    let mut found = Vec::new();
    collect(text, node, wanted, &mut found)?;
    Ok(found)
}

fn collect(text: &str, node: &Node, wanted: &Wanted, edits: &mut Vec<Edit>) -> Result<(), String> {
    if let Some(each) = &wanted.each {
        let items = node.as_array().ok_or_else(|| instead_of("a list", node))?;
        for item in items {
            collect(text, item, each, edits)?;
        }
    }
    if wanted.members.is_empty() {
        return Ok(());
    }
    let object = node.as_object().ok_or_else(|| instead_of("an object", node))?;
    let mut missing: Vec<(String, Value)> = Vec::new();
    for (name, want) in &wanted.members {
        let present =
            object.member(name).filter(|member| !member.value.is_null() || matches!(want, Want::Exactly(_)));
        match (present, want) {
            (Some(member), Want::Exactly(value)) => {
                if member.value.to_json() != *value {
                    edits.push(replacement(text, member.value.span, value));
                }
            }
            (Some(member), Want::Inside(inside)) => collect(text, &member.value, inside, edits)?,
            (None, want) => {
                let value = match want {
                    Want::Exactly(value) => Some(value.clone()),
                    Want::Inside(inside) => inside.to_json(),
                };
                let value =
                    value.ok_or_else(|| format!("`{name}` is missing, and so are the elements to change"))?;
                match object.member(name) {
                    // `null` stands in the place of the object to make.
                    Some(null) => edits.push(replacement(text, null.value.span, &value)),
                    None => missing.push((name.clone(), value)),
                }
            }
        }
    }
    if !missing.is_empty() {
        edits.push(insertion(text, node.span, object, &missing)?);
    }
    Ok(())
}

fn instead_of(wanted: &str, node: &Node) -> String {
    match &node.value {
        NodeValue::String(expression) => {
            format!("the file has `{}` where {wanted} would have to be changed", shorten(expression))
        }
        other => format!("the file has {} where {wanted} would have to be changed", other.type_name()),
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

fn offsets(span: Span) -> (usize, usize) {
    let wide = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    (wide(span.start), wide(span.end))
}

fn replacement(text: &str, span: Span, value: &Value) -> Edit {
    let (start, end) = offsets(span);
    Edit { start, end, text: render(value, &margin_at(text, start)) }
}

/// The white space with which the line of an offset begins.
fn margin_at(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|character| matches!(character, ' ' | '\t')).collect()
}

/// True when only white space stands before the offset on its line.
fn begins_line(text: &str, offset: usize) -> bool {
    let before = text.get(..offset).unwrap_or_default();
    before.contains('\n') && before.rsplit('\n').next().is_some_and(|line| line.trim().is_empty())
}

/// JSON with the lines after the first indented by `margin`.
fn render(value: &Value, margin: &str) -> String {
    let is_container = value.is_object() || value.is_array();
    if !is_container {
        return value.to_string();
    }
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    pretty.replace('\n', &format!("\n{margin}"))
}

/// Members after the last one of an object, in the object's own layout.
fn insertion(text: &str, span: Span, object: &Object, missing: &[(String, Value)]) -> Result<Edit, String> {
    let (start, end) = offsets(span);
    let name = |key: &str| Value::String(key.to_owned()).to_string();
    let Some(last) = object.iter().last() else {
        let margin = margin_at(text, start);
        let lines: Vec<String> = missing
            .iter()
            .map(|(key, value)| {
                format!("\n{margin}  {}: {}", name(key), render(value, &format!("{margin}  ")))
            })
            .collect();
        return Ok(Edit { start, end, text: format!("{{{}\n{margin}}}", lines.join(",")) });
    };
    let (key_start, _) = offsets(last.key_span);
    let (_, value_end) = offsets(last.value.span);
    if last.key_span.is_none() || value_end > end || value_end < start {
        return Err("the object's members do not stand in the file as they are".to_owned());
    }
    let own_lines = begins_line(text, key_start);
    let margin = margin_at(text, key_start);
    let mut inserted = String::new();
    for (key, value) in missing {
        if own_lines {
            inserted.push_str(&format!(",\n{margin}{}: {}", name(key), render(value, &margin)));
        } else {
            inserted.push_str(&format!(", {}: {value}", name(key)));
        }
    }
    Ok(Edit { start: value_end, end: value_end, text: inserted })
}

/// The text with all edits applied. Edits must not overlap; those that do are left out, later ones first.
pub(crate) fn apply(text: &str, edits: &mut Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.start, edit.end));
    edits.dedup();
    let mut last_end = 0;
    edits.retain(|edit| {
        let fits = edit.start >= last_end;
        if fits {
            last_end = edit.end;
        }
        fits
    });
    let mut result = String::with_capacity(text.len() + 64);
    let mut copied = 0;
    for edit in edits.iter() {
        result.push_str(text.get(copied..edit.start).unwrap_or_default());
        result.push_str(&edit.text);
        copied = edit.end;
    }
    result.push_str(text.get(copied..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use castellan_base::{Limits, Sources, json as reader};
    use serde_json::json;

    use super::super::path::steps;
    use super::*;

    fn check(text: &str, sets: &[(&str, Value)], expected: &str) {
        let mut sources = Sources::default();
        let source = sources.add("a.json", text);
        let node = reader::parse(text, source, &Limits::default()).unwrap();
        let mut wanted = Wanted::default();
        for (path, value) in sets {
            assert!(wanted.add(&steps(path), value));
        }
        let mut edits = edits(text, &node, &wanted).unwrap();
        assert_eq!(apply(text, &mut edits), expected);
    }

    #[test]
    fn values_are_replaced_and_members_inserted_in_place() {
        let text = "{\n  // kept\n  \"properties\": {\n    \"a\": \"[parameters('a')]\"\n  }\n}\n";
        let expected = "{\n  // kept\n  \"properties\": {\n    \"a\": true,\n    \"acls\": {\n      \"x\": \"Deny\",\n      \"y\": 1\n    }\n  }\n}\n";
        check(
            text,
            &[
                ("Properties.A", json!(true)),
                ("properties.acls.x", json!("Deny")),
                ("properties.acls.y", json!(1)),
            ],
            expected,
        );
        check("{\"a\": 1}", &[("b", json!([1]))], "{\"a\": 1, \"b\": [1]}");
        check("{}", &[("b", json!(2))], "{\n  \"b\": 2\n}");
        check("{\"a\": 1,}", &[("b", json!(2))], "{\"a\": 1, \"b\": 2,}");
        check("{\"p\": null}", &[("p.b", json!(2))], "{\"p\": {\n  \"b\": 2\n}}");
        check(
            "{\"r\": [{\"on\": false}, {}]}",
            &[("r[*].on", json!(true))],
            "{\"r\": [{\"on\": true}, {\n  \"on\": true\n}]}",
        );
    }

    #[test]
    fn an_expression_in_the_way_is_named() {
        let text = "{\"properties\": \"[variables('all')]\"}";
        let node = reader::parse(text, castellan_base::SourceId::NONE, &Limits::default()).unwrap();
        let mut wanted = Wanted::default();
        wanted.add(&steps("properties.a"), &json!(1));
        assert!(edits(text, &node, &wanted).unwrap_err().contains("[variables('all')]"));
        assert!(!wanted.add(&steps("properties.a"), &json!(2)));
    }
}
