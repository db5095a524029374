//! The part of JSON Schema 2020-12 that tools use, checked within bounds.
//!
//! Annotations are left alone. A keyword that would assert something and is not known here is told, never passed over in
//! silence; what to do then is the configuration's. `$ref` stays within the document.

use std::cell::Cell;
use std::collections::HashSet;

use regex::Regex;

use crate::jcs::{self, Integers};
use crate::json::{Kind, Value, push_step};

/// Most subschemas.
const MOST_SCHEMAS: usize = 10_000;
/// Most steps of one check.
const MOST_STEPS: usize = 200_000;
/// Deepest nesting of checks.
const DEEPEST: usize = 128;
/// Most violations that are told.
const MOST_VIOLATIONS: usize = 32;
/// Largest compiled pattern, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// Keywords that assert something and are not checked here.
const UNSUPPORTED: &[&str] = &[
    "$dynamicRef",
    "$recursiveRef",
    "contains",
    "maxContains",
    "minContains",
    "dependentSchemas",
    "dependencies",
    "unevaluatedItems",
    "unevaluatedProperties",
    "additionalItems",
    "contentSchema",
];

/// What an instance breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer to the value.
    pub path: String,
    /// The keyword.
    pub keyword: &'static str,
    /// What it asks for. The value is not in it.
    pub message: String,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What is broken, at most 32.
    pub violations: Vec<Violation>,
    /// Whether the check was broken off, since schema and instance together take too many steps.
    pub exhausted: bool,
}

impl Checked {
    /// Whether everything holds and was looked at.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && !self.exhausted
    }
}

/// Why a schema is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A `$schema` that is not known here.
    #[error("the dialect `{0}` is not known; 2020-12, 2019-09 and draft-07 are")]
    Dialect(String),
    /// Too many subschemas, or nested too deep.
    #[error("the schema is too large")]
    TooLarge,
    /// A keyword whose value is not what the keyword takes.
    #[error("`{path}` is not what the keyword takes")]
    Invalid {
        /// JSON pointer to it.
        path: String,
    },
}

/// A schema, ready to check arguments.
#[derive(Clone, Debug)]
pub struct Schema {
    root: Value,
    patterns: Vec<(String, Regex)>,
    unsupported: Vec<String>,
}

impl Schema {
    /// Prepares a schema.
    ///
    /// # Errors
    /// If it is of an unknown dialect, too large or malformed.
    pub fn new(root: &Value) -> Result<Schema, SchemaError> {
        let dialect = root.get("$schema").and_then(Value::as_str).map(|name| name.trim_end_matches('#'));
        let known = ["/draft/2020-12/schema", "/draft/2019-09/schema", "/draft-07/schema"];
        if let Some(name) = dialect.filter(|name| !known.iter().any(|end| name.ends_with(end))) {
            return Err(SchemaError::Dialect(name.to_owned()));
        }
        let mut schema = Schema { root: root.clone(), patterns: Vec::new(), unsupported: Vec::new() };
        let mut count = 0;
        schema.prepare(root, &mut String::new(), 0, &mut count)?;
        Ok(schema)
    }

    /// JSON pointers to keywords that assert something and are not checked: unknown ones, patterns that only other
    /// languages have, references that lead nowhere.
    #[must_use]
    pub fn unsupported(&self) -> &[String] {
        &self.unsupported
    }

    fn prepare(
        &mut self,
        schema: &Value,
        path: &mut String,
        depth: usize,
        count: &mut usize,
    ) -> Result<(), SchemaError> {
        *count += 1;
        if *count > MOST_SCHEMAS || depth > DEEPEST {
            return Err(SchemaError::TooLarge);
        }
        if matches!(schema.kind, Kind::Bool(_)) {
            return Ok(());
        }
        if !schema.is_object() {
            return Err(SchemaError::Invalid { path: path.clone() });
        }
        for member in schema.members() {
            let length = path.len();
            push_step(path, &member.key);
            self.keyword(&member.key, &member.value, path, depth, count)?;
            path.truncate(length);
        }
        Ok(())
    }

    fn keyword(
        &mut self,
        key: &str,
        value: &Value,
        path: &mut String,
        depth: usize,
        count: &mut usize,
    ) -> Result<(), SchemaError> {
        let invalid = |path: &String| Err(SchemaError::Invalid { path: path.clone() });
        match key {
            "properties" | "patternProperties" | "$defs" | "definitions" => {
                if !value.is_object() {
                    return invalid(path);
                }
                for member in value.members() {
                    let length = path.len();
                    push_step(path, &member.key);
                    if key == "patternProperties" {
                        self.pattern(&member.key, path);
                    }
                    self.prepare(&member.value, path, depth + 1, count)?;
                    path.truncate(length);
                }
            }
            "items" if matches!(value.kind, Kind::Array(_)) => self.unsupported.push(path.clone()),
            "items" | "additionalProperties" | "propertyNames" | "not" | "if" | "then" | "else" => {
                self.prepare(value, path, depth + 1, count)?;
            }
            "anyOf" | "oneOf" | "allOf" | "prefixItems" => {
                if value.items().is_empty() {
                    return invalid(path);
                }
                for (place, item) in value.items().iter().enumerate() {
                    let length = path.len();
                    push_step(path, &place.to_string());
                    self.prepare(item, path, depth + 1, count)?;
                    path.truncate(length);
                }
            }
            "pattern" => match value.as_str() {
                Some(pattern) => self.pattern(pattern, path),
                None => return invalid(path),
            },
            "$ref" if value.as_str().and_then(|to| resolve(&self.root, to)).is_none() => {
                self.unsupported.push(path.clone());
            }
            "type" if !is_type(value) => return invalid(path),
            "required" | "enum" if !matches!(value.kind, Kind::Array(_)) => return invalid(path),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | "minLength"
            | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
                if value.as_f64().is_none() =>
            {
                return invalid(path);
            }
            other if UNSUPPORTED.contains(&other) => self.unsupported.push(path.clone()),
            _ => {}
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &str, path: &str) {
        if self.patterns.iter().any(|(known, _)| known == pattern) {
            return;
        }
        match regex::RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build() {
            Ok(regex) if self.patterns.len() < 256 => self.patterns.push((pattern.to_owned(), regex)),
            _ => self.unsupported.push(path.to_owned()),
        }
    }

    /// Checks an instance.
    #[must_use]
    pub fn check(&self, instance: &Value) -> Checked {
        let check = Check { schema: self, steps: Cell::new(0), exhausted: Cell::new(false) };
        let mut violations = Vec::new();
        check.value(&self.root, instance, &mut String::new(), 0, &mut violations);
        violations.truncate(MOST_VIOLATIONS);
        Checked { violations, exhausted: check.exhausted.get() }
    }
}

fn is_type(value: &Value) -> bool {
    let known = |value: &Value| {
        let names = ["null", "boolean", "object", "array", "number", "string", "integer"];
        value.as_str().is_some_and(|name| names.contains(&name))
    };
    known(value) || (!value.items().is_empty() && value.items().iter().all(known))
}

/// What a reference within the document leads to.
fn resolve<'a>(root: &'a Value, to: &str) -> Option<&'a Value> {
    let fragment = to.strip_prefix('#')?;
    if fragment.is_empty() {
        return Some(root);
    }
    fragment.strip_prefix('/')?.split('/').try_fold(root, |value, step| {
        let step = step.replace("~1", "/").replace("~0", "~");
        match &value.kind {
            Kind::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => value.get(&step),
        }
    })
}

struct Check<'a> {
    schema: &'a Schema,
    steps: Cell<usize>,
    exhausted: Cell<bool>,
}

impl Check<'_> {
    fn value(
        &self,
        schema: &Value,
        value: &Value,
        path: &mut String,
        depth: usize,
        out: &mut Vec<Violation>,
    ) {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST_STEPS || depth > DEEPEST {
            self.exhausted.set(true);
            return;
        }
        if schema.as_bool() == Some(false) {
            fail(out, path, "false", "nothing may stand here");
        }
        for member in schema.members() {
            if out.len() >= MOST_VIOLATIONS || self.exhausted.get() {
                return;
            }
            let keyword = &member.value;
            match &*member.key {
                "type" => kind(keyword, value, path, out),
                "enum" if !keyword.items().iter().any(|one| one.same(value)) => {
                    fail(out, path, "enum", "one of the listed values");
                }
                "const" if !keyword.same(value) => fail(out, path, "const", "the one value that is allowed"),
                "$ref" => {
                    if let Some(target) = keyword.as_str().and_then(|to| resolve(&self.schema.root, to)) {
                        self.value(target, value, path, depth + 1, out);
                    }
                }
                "allOf" => {
                    keyword.items().iter().for_each(|part| self.value(part, value, path, depth + 1, out))
                }
                "anyOf" if !keyword.items().iter().any(|part| self.holds(part, value, path, depth)) => {
                    fail(out, path, "anyOf", "what at least one of the alternatives asks for");
                }
                "oneOf" => {
                    let held = keyword.items().iter().filter(|part| self.holds(part, value, path, depth));
                    if held.count() != 1 {
                        fail(out, path, "oneOf", "what exactly one of the alternatives asks for");
                    }
                }
                "not" if self.holds(keyword, value, path, depth) => fail(out, path, "not", "something else"),
                "if" => {
                    let branch = if self.holds(keyword, value, path, depth) { "then" } else { "else" };
                    if let Some(branch) = schema.get(branch) {
                        self.value(branch, value, path, depth + 1, out);
                    }
                }
                key => match &value.kind {
                    Kind::String(text) => self.text(key, keyword, text, path, out),
                    Kind::Number(_) => number(key, keyword, value.as_f64().unwrap_or_default(), path, out),
                    Kind::Array(items) => self.items(schema, key, keyword, items, path, depth, out),
                    Kind::Object(_) => self.members(schema, key, keyword, value, path, depth, out),
                    _ => {}
                },
            }
        }
    }

    fn holds(&self, schema: &Value, value: &Value, path: &mut String, depth: usize) -> bool {
        let mut inner = Vec::new();
        self.value(schema, value, path, depth + 1, &mut inner);
        inner.is_empty()
    }

    fn matches(&self, pattern: &str, text: &str) -> bool {
        let known = self.schema.patterns.iter().find(|(known, _)| known == pattern);
        known.is_none_or(|(_, regex)| regex.is_match(text))
    }

    fn text(&self, key: &str, keyword: &Value, text: &str, path: &str, out: &mut Vec<Violation>) {
        match key {
            "minLength" | "maxLength" => bound(key, keyword, text.chars().count(), path, out),
            "pattern" if !keyword.as_str().is_some_and(|pattern| self.matches(pattern, text)) => {
                fail(out, path, "pattern", "a text of the pattern");
            }
            _ => {}
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn items(
        &self,
        schema: &Value,
        key: &str,
        keyword: &Value,
        items: &[Value],
        path: &mut String,
        depth: usize,
        out: &mut Vec<Violation>,
    ) {
        let prefix = schema.get("prefixItems").map_or(0, |prefix| prefix.items().len());
        let each: Vec<(usize, &Value, &Value)> = match key {
            "minItems" | "maxItems" => return bound(key, keyword, items.len(), path, out),
            "uniqueItems" if keyword.as_bool() == Some(true) => {
                let mut seen = HashSet::new();
                if !items.iter().all(|item| seen.insert(jcs::canonical(item, Integers::Exact))) {
                    fail(out, path, "uniqueItems", "an array without two equal items");
                }
                return;
            }
            "prefixItems" => keyword
                .items()
                .iter()
                .zip(items)
                .enumerate()
                .map(|(at, (part, item))| (at, part, item))
                .collect(),
            "items" if !matches!(keyword.kind, Kind::Array(_)) => {
                items.iter().enumerate().skip(prefix).map(|(at, item)| (at, keyword, item)).collect()
            }
            _ => return,
        };
        for (at, part, item) in each {
            let length = path.len();
            push_step(path, &at.to_string());
            self.value(part, item, path, depth + 1, out);
            path.truncate(length);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn members(
        &self,
        schema: &Value,
        key: &str,
        keyword: &Value,
        value: &Value,
        path: &mut String,
        depth: usize,
        out: &mut Vec<Violation>,
    ) {
        let mut at = |name: &str, part: &Value, inner: &Value, out: &mut Vec<Violation>| {
            let length = path.len();
            push_step(path, name);
            self.value(part, inner, path, depth + 1, out);
            path.truncate(length);
        };
        match key {
            "properties" => {
                for member in value.members() {
                    if let Some(part) = keyword.get(&member.key) {
                        at(&member.key, part, &member.value, out);
                    }
                }
            }
            "patternProperties" => {
                for member in value.members() {
                    for part in keyword.members().iter().filter(|part| self.matches(&part.key, &member.key)) {
                        at(&member.key, &part.value, &member.value, out);
                    }
                }
            }
            "additionalProperties" => {
                for member in value.members() {
                    let is_named =
                        schema.get("properties").is_some_and(|named| named.get(&member.key).is_some());
                    let patterns = schema.get("patternProperties").map(Value::members).unwrap_or_default();
                    if !is_named && !patterns.iter().any(|part| self.matches(&part.key, &member.key)) {
                        at(&member.key, keyword, &member.value, out);
                    }
                }
            }
            "propertyNames" => {
                for member in value.members() {
                    at(&member.key, keyword, &Value::string(&member.key), out);
                }
            }
            "required" => {
                for name in keyword.items().iter().filter_map(Value::as_str) {
                    if value.get(name).is_none() {
                        fail(out, path, "required", &format!("an object with `{name}`"));
                    }
                }
            }
            "dependentRequired" => {
                for rule in keyword.members().iter().filter(|rule| value.get(&rule.key).is_some()) {
                    let mut names = rule.value.items().iter().filter_map(Value::as_str);
                    if let Some(name) = names.find(|name| value.get(name).is_none()) {
                        fail(out, path, "dependentRequired", &format!("`{name}` beside `{}`", rule.key));
                    }
                }
            }
            "minProperties" | "maxProperties" => bound(key, keyword, value.members().len(), path, out),
            _ => {}
        }
    }
}

fn fail(out: &mut Vec<Violation>, path: &str, keyword: &'static str, wanted: &str) {
    out.push(Violation { path: path.to_owned(), keyword, message: format!("has to be {wanted}") });
}

fn kind(keyword: &Value, value: &Value, path: &str, out: &mut Vec<Violation>) {
    let is = |name: &str| {
        let is_whole = || value.as_f64().is_some_and(|number| number.fract() == 0.0);
        name == value.type_name() || (name == "integer" && value.type_name() == "number" && is_whole())
    };
    let names: Vec<&str> = match keyword.as_str() {
        Some(name) => vec![name],
        None => keyword.items().iter().filter_map(Value::as_str).collect(),
    };
    if !names.iter().any(|name| is(name)) {
        fail(out, path, "type", &format!("of the type {}", names.join(" or ")));
    }
}

fn bound(key: &str, keyword: &Value, actual: usize, path: &str, out: &mut Vec<Violation>) {
    let limit = keyword.as_f64().unwrap_or_default();
    #[allow(clippy::cast_precision_loss)]
    let actual = actual as f64;
    let keys = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];
    let Some(name) = keys.into_iter().find(|name| *name == key) else { return };
    if name.starts_with("min") && actual < limit {
        fail(out, path, name, &format!("of at least {limit}"));
    }
    if name.starts_with("max") && actual > limit {
        fail(out, path, name, &format!("of at most {limit}"));
    }
}

fn number(key: &str, keyword: &Value, actual: f64, path: &str, out: &mut Vec<Violation>) {
    let Some(limit) = keyword.as_f64() else { return };
    let (name, holds) = match key {
        "minimum" => ("minimum", actual >= limit),
        "maximum" => ("maximum", actual <= limit),
        "exclusiveMinimum" => ("exclusiveMinimum", actual > limit),
        "exclusiveMaximum" => ("exclusiveMaximum", actual < limit),
        "multipleOf" => {
            let parts = actual / limit;
            (
                "multipleOf",
                limit > 0.0 && (parts - parts.round()).abs() <= f64::EPSILON * parts.abs().max(1.0),
            )
        }
        _ => return,
    };
    if !holds {
        fail(out, path, name, &format!("a number that {name} {limit} allows"));
    }
}
