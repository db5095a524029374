//! Objects and JSON.

use castellan_base::{Limits, Object, SourceId, Value, json};

use super::{Call, Function, FunctionError, bounded_array, rows};

pub(super) static FUNCTIONS: &[Function] = rows! { "object":
    "createObject" 0 any Carried create_object, "createObject(key, value, ...)", "An object of the pairs.";
    "items" 1 1 Shallow items, "items(object)", "An array of `{key, value}`, sorted by key.";
    "json" 1 1 Shallow parse_json, "json(text)", "The value that a JSON text stands for.";
    "null" 0 0 Shallow null, "null()", "Null.";
    "objectKeys" 1 1 Shallow object_keys, "objectKeys(object)", "The names of the members, sorted.";
    "shallowMerge" 1 1 Shallow shallow_merge, "shallowMerge(objects)", "One object; later members replace earlier ones.";
};

fn create_object(call: &Call<'_>) -> Result<Value, FunctionError> {
    let mut object = Object::new();
    for (index, pair) in call.args.chunks(2).enumerate() {
        let [key, value] = pair else {
            return Err(FunctionError::new("`createObject` takes pairs of a key and a value"));
        };
        let key = key.text_or_symbol().ok_or_else(|| call.wrong(index * 2, "a string"))?;
        object.insert(key, value.clone());
    }
    Ok(Value::object(object))
}

fn object_of<'a>(call: &'a Call<'_>) -> Result<&'a Object, FunctionError> {
    call.arg(0)?.as_object().ok_or_else(|| call.wrong(0, "an object"))
}

fn items(call: &Call<'_>) -> Result<Value, FunctionError> {
    let mut members: Vec<_> = object_of(call)?.iter().collect();
    members.sort_by_key(|member| member.key.to_lowercase());
    let pair = |member: &castellan_base::Member| {
        let key = call.at(Value::String(member.key.clone()));
        call.at(Value::object(Object::from_iter([("key", key), ("value", member.value.clone())])))
    };
    bounded_array(members.into_iter().map(pair).collect())
}

fn object_keys(call: &Call<'_>) -> Result<Value, FunctionError> {
    let mut keys: Vec<_> = object_of(call)?.iter().map(|member| member.key.clone()).collect();
    keys.sort_by_key(|key| key.to_lowercase());
    call.strings(keys)
}

fn parse_json(call: &Call<'_>) -> Result<Value, FunctionError> {
    let limits = Limits { bytes: 4 << 20, depth: 64, values: 200_000 };
    let parsed = json::parse(call.text(0)?, SourceId::NONE, &limits);
    parsed
        .map(|node| node.value)
        .map_err(|diagnostic| FunctionError::new(format!("no JSON: {}", diagnostic.message)))
}

fn null(_: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Null)
}

fn shallow_merge(call: &Call<'_>) -> Result<Value, FunctionError> {
    let mut merged = Object::new();
    for item in call.array(0)? {
        let object = item.as_object().ok_or_else(|| FunctionError::new("expected an array of objects"))?;
        for member in object.iter() {
            merged.insert(member.key.clone(), member.value.clone());
        }
    }
    Ok(Value::object(merged))
}
