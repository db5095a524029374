//! What becomes of a stretch of text, by the type of what it is.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};

use crate::Refusal;
use crate::presidio::anonymizer::cipher::{self, Key};

/// The operator for types that have none of their own.
const DEFAULT: &str = "DEFAULT";

/// Least length of a salt in bytes.
const SHORTEST_SALT: usize = 16;

/// Which of the two services is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Anonymize,
    Deanonymize,
}

/// Operators by type.
pub(super) struct Operators {
    direction: Direction,
    by_type: HashMap<String, Operator>,
}

/// An operator as it was asked for. Its parameters are read when it is first needed, as in Presidio: one for a type that
/// does not occur does no harm.
struct Operator {
    name: String,
    parameters: Map<String, Value>,
}

impl Operators {
    pub(super) fn read(asked: Map<String, Value>, direction: Direction) -> Result<Operators, Refusal> {
        let mut by_type = HashMap::with_capacity(asked.len() + 1);
        for (entity, value) in asked {
            by_type.insert(entity, Operator::read(value)?);
        }
        if direction == Direction::Anonymize && !by_type.contains_key(DEFAULT) {
            let replace = Operator { name: "replace".to_owned(), parameters: Map::new() };
            by_type.insert(DEFAULT.to_owned(), replace);
        }
        Ok(Operators { direction, by_type })
    }

    /// The name of the operator, and what it makes of the text.
    pub(super) fn operate(&self, entity: &str, text: &str) -> Result<(String, String), Refusal> {
        let Some(operator) = self.by_type.get(entity).or_else(|| self.by_type.get(DEFAULT)) else {
            let message = format!("there is no operator for `{entity}`; add one for it, or for `{DEFAULT}`");
            return Err(Refusal::invalid(message));
        };
        let made = match self.direction {
            Direction::Anonymize => operator.anonymize(entity, text)?,
            Direction::Deanonymize => operator.deanonymize(text)?,
        };
        Ok((operator.name.clone(), made))
    }
}

impl Operator {
    fn read(value: Value) -> Result<Operator, Refusal> {
        let Value::Object(mut parameters) = value else {
            return Err(Refusal::invalid("an operator is an object, as `{\"type\": \"replace\"}`"));
        };
        match parameters.remove("type") {
            Some(Value::String(name)) if name == "custom" => {
                Err(Refusal::bad("Custom type anonymizer is not supported"))
            }
            Some(Value::String(name)) if !name.is_empty() => Ok(Operator { name, parameters }),
            _ => Err(Refusal::invalid("Invalid input, operator config must contain operator_name")),
        }
    }

    fn anonymize(&self, entity: &str, text: &str) -> Result<String, Refusal> {
        match self.name.as_str() {
            "replace" => self.replace(entity),
            "redact" => Ok(String::new()),
            "keep" => Ok(text.to_owned()),
            "mask" => self.mask(text),
            "hash" => self.hash(text),
            "encrypt" => cipher::encrypt(&self.key()?, text),
            _ => Err(self.unknown()),
        }
    }

    fn deanonymize(&self, text: &str) -> Result<String, Refusal> {
        match self.name.as_str() {
            "decrypt" => cipher::decrypt(&self.key()?, text),
            "deanonymize_keep" => Ok(text.to_owned()),
            _ => Err(self.unknown()),
        }
    }

    fn unknown(&self) -> Refusal {
        Refusal::invalid(format!("Invalid operator class '{}'.", self.name))
    }

    fn replace(&self, entity: &str) -> Result<String, Refusal> {
        match self.parameters.get("new_value") {
            Some(Value::String(new)) if !new.is_empty() => Ok(new.clone()),
            None => Ok(format!("<{entity}>")),
            Some(value) if is_nothing(value) => Ok(format!("<{entity}>")),
            Some(value) => Err(wrong_type("new_value", "string", value)),
        }
    }

    fn mask(&self, text: &str) -> Result<String, Refusal> {
        let mask = match self.required("masking_char")? {
            Value::String(mask) => mask,
            value => return Err(wrong_type("masking_char", "string", value)),
        };
        if mask.chars().count() > 1 {
            return Err(Refusal::invalid("Invalid input, masking_char must be a character"));
        }
        let wanted = self.required("chars_to_mask")?;
        let wanted = wanted.as_i64().ok_or_else(|| wrong_type("chars_to_mask", "number", wanted))?;
        let from_end = match self.required("from_end")? {
            Value::Bool(from_end) => *from_end,
            value if is_nothing(value) => false,
            value => return Err(wrong_type("from_end", "boolean", value)),
        };
        let length = text.chars().count();
        let masked = usize::try_from(wanted).unwrap_or(0).min(length);
        let shown: String = match from_end {
            true => text.chars().take(length - masked).collect(),
            false => text.chars().skip(masked).collect(),
        };
        let cover = mask.repeat(masked);
        Ok(if from_end { shown + &cover } else { cover + &shown })
    }

    /// The digest of the text and a salt, in hexadecimal. Without a salt it is a random one, which nobody gets to know, so
    /// equal texts do not show.
    fn hash(&self, text: &str) -> Result<String, Refusal> {
        let mut salted = text.as_bytes().to_vec();
        match self.parameters.get("salt") {
            None => salted.extend(cipher::random::<32>()?),
            Some(Value::String(salt)) if salt.len() >= SHORTEST_SALT => salted.extend(salt.bytes()),
            Some(Value::String(_)) => {
                return Err(Refusal::invalid("the salt has fewer than 16 bytes; take a longer one, or none"));
            }
            Some(value) => return Err(wrong_type("salt", "string", value)),
        }
        match self.parameters.get("hash_type") {
            None => Ok(hexadecimal(&Sha256::digest(&salted))),
            Some(Value::String(kind)) if kind == "sha256" => Ok(hexadecimal(&Sha256::digest(&salted))),
            Some(Value::String(kind)) if kind == "sha512" => Ok(hexadecimal(&Sha512::digest(&salted))),
            Some(_) => Err(Refusal::invalid("`hash_type` is neither `sha256` nor `sha512`")),
        }
    }

    fn key(&self) -> Result<Key, Refusal> {
        match self.required("key")? {
            Value::String(key) => Key::new(key.as_bytes()),
            value => Err(wrong_type("key", "string", value)),
        }
    }

    fn required(&self, name: &str) -> Result<&Value, Refusal> {
        let value = self.parameters.get(name).filter(|value| !value.is_null());
        value.ok_or_else(|| Refusal::invalid(format!("Expected parameter {name}")))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What Python takes for false.
pub(in crate::presidio) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn wrong_type(name: &str, expected: &str, value: &Value) -> Refusal {
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Refusal::invalid(format!(
        "Invalid parameter value for {name}. Expecting '{expected}', but got '{actual}'."
    ))
}
