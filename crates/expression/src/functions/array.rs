//! Arrays, and what works on arrays and strings alike.

use castellan_base::{Node, Object, Value};

use super::{ARRAY_LIMIT, Call, Function, FunctionError, bounded_array, bounded_text, rows, same};

pub(super) static FUNCTIONS: &[Function] = rows! { "array":
    "array" 1 1 Carried array, "array(value)", "An array of the value; an array stays itself.";
    "concat" 1 any Shallow concat, "concat(a, ...)", "Strings or arrays joined.";
    "contains" 2 2 Deep contains, "contains(container, item)", "Whether an array, an object or a string holds the item.";
    "createArray" 0 any Carried create_array, "createArray(a, ...)", "An array of the arguments.";
    "empty" 1 1 Shallow empty, "empty(value)", "True for null and for an array, object or string without content.";
    "first" 1 1 Shallow first, "first(value)", "The first item or character.";
    "flatten" 1 1 Shallow flatten, "flatten(arrays)", "The items of an array of arrays.";
    "indexFromEnd" 2 2 Shallow index_from_end, "indexFromEnd(array, position)", "The item counted from the end, from 1.";
    "indexOf" 2 2 Deep index_of, "indexOf(value, item)", "The first position of an item or, in any case, a text; -1 without.";
    "intersection" 2 any Deep intersection, "intersection(a, b, ...)", "What arrays or objects have in common.";
    "last" 1 1 Shallow last, "last(value)", "The last item or character.";
    "lastIndexOf" 2 2 Deep last_index_of, "lastIndexOf(value, item)", "The last position of an item or a text; -1 without.";
    "length" 1 1 Shallow length, "length(value)", "Items, members or characters.";
    "max" 1 any Deep max, "max(a, ...)", "The greatest whole number.";
    "min" 1 any Deep min, "min(a, ...)", "The smallest whole number.";
    "range" 2 2 Shallow range, "range(start, count)", "Whole numbers in a row.";
    "skip" 2 2 Shallow skip, "skip(value, count)", "All but the first items or characters.";
    "take" 2 2 Shallow take, "take(value, count)", "The first items or characters.";
    "tryGet" 2 any Shallow try_get, "tryGet(value, key, ...)", "The item or member at a path, or null.";
    "tryIndexFromEnd" 2 2 Shallow try_index_from_end, "tryIndexFromEnd(array, position)", "Like indexFromEnd, but null outside.";
    "union" 1 any Shallow union, "union(a, ...)", "Arrays without repeats, or objects merged deeply.";
};

fn array(call: &Call<'_>) -> Result<Value, FunctionError> {
    let value = call.arg(0)?;
    Ok(match &value.value {
        Value::Array(_) => value.value.clone(),
        _ => Value::array(vec![value.clone()]),
    })
}

fn create_array(call: &Call<'_>) -> Result<Value, FunctionError> {
    bounded_array(call.args.to_vec())
}

fn concat(call: &Call<'_>) -> Result<Value, FunctionError> {
    if call.args.iter().all(|argument| argument.as_array().is_some()) {
        let items: Vec<Node> = call.args.iter().filter_map(Node::as_array).flatten().cloned().collect();
        return bounded_array(items);
    }
    let mut text = String::new();
    for (index, argument) in call.args.iter().enumerate() {
        match &argument.value {
            Value::String(part) => text.push_str(part),
            Value::Int(number) => text.push_str(&number.to_string()),
            Value::Bool(flag) => text.push_str(if *flag { "True" } else { "False" }),
            Value::Null => {}
            _ => return Err(call.wrong(index, "a string, or all arguments arrays")),
        }
    }
    bounded_text(text)
}

fn contains(call: &Call<'_>) -> Result<Value, FunctionError> {
    let item = call.arg(1)?;
    let found = match &call.arg(0)?.value {
        Value::Array(items) => items.iter().any(|candidate| same(candidate, item)),
        Value::Object(object) => object.get(call.text(1)?).is_some(),
        Value::String(text) => text.contains(call.text(1)?),
        _ => return Err(call.wrong(0, "an array, an object or a string")),
    };
    Ok(Value::Bool(found))
}

fn empty(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(match &call.arg(0)?.value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => return Err(call.wrong(0, "an array, an object or a string")),
    }))
}

fn end_of(call: &Call<'_>, from_start: bool) -> Result<Value, FunctionError> {
    match &call.arg(0)?.value {
        Value::Array(items) => {
            let item = if from_start { items.first() } else { items.last() };
            Ok(item.map_or(Value::Null, |node| node.value.clone()))
        }
        Value::String(text) => {
            let character = if from_start { text.chars().next() } else { text.chars().next_back() };
            Ok(Value::string(character.map(String::from).unwrap_or_default()))
        }
        _ => Err(call.wrong(0, "an array or a string")),
    }
}

fn first(call: &Call<'_>) -> Result<Value, FunctionError> {
    end_of(call, true)
}

fn last(call: &Call<'_>) -> Result<Value, FunctionError> {
    end_of(call, false)
}

fn flatten(call: &Call<'_>) -> Result<Value, FunctionError> {
    let mut items = Vec::new();
    for item in call.array(0)? {
        match &item.value {
            Value::Array(inner) => items.extend(inner.iter().cloned()),
            _ => items.push(item.clone()),
        }
    }
    bounded_array(items)
}

fn from_end<'a>(call: &'a Call<'_>) -> Result<Option<&'a Node>, FunctionError> {
    let items = call.array(0)?;
    let position = usize::try_from(call.int(1)?).ok().filter(|position| *position >= 1);
    Ok(position.and_then(|position| items.len().checked_sub(position)).and_then(|index| items.get(index)))
}

fn index_from_end(call: &Call<'_>) -> Result<Value, FunctionError> {
    let found = from_end(call)?.ok_or_else(|| FunctionError::new("the position is outside the array"))?;
    Ok(found.value.clone())
}

fn try_index_from_end(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(from_end(call)?.map_or(Value::Null, |found| found.value.clone()))
}

fn position(call: &Call<'_>, from_start: bool) -> Result<Value, FunctionError> {
    let found = match &call.arg(0)?.value {
        Value::Array(items) => {
            let item = call.arg(1)?;
            let matches = |candidate: &Node| same(candidate, item);
            if from_start { items.iter().position(matches) } else { items.iter().rposition(matches) }
        }
        Value::String(text) => {
            let (text, part) = (text.to_lowercase(), call.text(1)?.to_lowercase());
            let offset = if from_start { text.find(&part) } else { text.rfind(&part) };
            offset.and_then(|offset| text.get(..offset)).map(|before| before.chars().count())
        }
        _ => return Err(call.wrong(0, "an array or a string")),
    };
    Ok(Value::Int(found.and_then(|found| i64::try_from(found).ok()).unwrap_or(-1)))
}

fn index_of(call: &Call<'_>) -> Result<Value, FunctionError> {
    position(call, true)
}

fn last_index_of(call: &Call<'_>) -> Result<Value, FunctionError> {
    position(call, false)
}

fn intersection(call: &Call<'_>) -> Result<Value, FunctionError> {
    match &call.arg(0)?.value {
        Value::Array(items) => {
            let mut common: Vec<Node> = Vec::new();
            for item in items.iter() {
                let mut others = (1..call.args.len()).map(|index| call.array(index));
                let in_all = others.try_fold(true, |all, other| {
                    other.map(|other| all && other.iter().any(|candidate| same(candidate, item)))
                })?;
                if in_all && !common.iter().any(|known| same(known, item)) {
                    common.push(item.clone());
                }
            }
            bounded_array(common)
        }
        Value::Object(object) => {
            let in_all = |key: &str, value: &Node| {
                call.args
                    .iter()
                    .skip(1)
                    .all(|other| other.get(key).is_some_and(|candidate| same(candidate, value)))
            };
            let mut common = Object::new();
            for member in object.iter().filter(|member| in_all(&member.key, &member.value)) {
                common.push(member.clone());
            }
            Ok(Value::object(common))
        }
        _ => Err(call.wrong(0, "an array or an object")),
    }
}

fn length(call: &Call<'_>) -> Result<Value, FunctionError> {
    let length = match &call.arg(0)?.value {
        Value::Array(items) => items.len(),
        Value::Object(object) => object.len(),
        Value::String(text) => text.chars().count(),
        _ => return Err(call.wrong(0, "an array, an object or a string")),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn numbers(call: &Call<'_>) -> Result<Vec<i64>, FunctionError> {
    let items: Vec<&Node> = match call.args {
        [single] if single.as_array().is_some() => call.array(0)?.iter().collect(),
        several => several.iter().collect(),
    };
    let numbers: Option<Vec<i64>> = items.into_iter().map(Node::as_i64).collect();
    numbers.ok_or_else(|| FunctionError::new("expected whole numbers"))
}

fn max(call: &Call<'_>) -> Result<Value, FunctionError> {
    let greatest = numbers(call)?.into_iter().max();
    greatest.map(Value::Int).ok_or_else(|| FunctionError::new("there is no number"))
}

fn min(call: &Call<'_>) -> Result<Value, FunctionError> {
    let smallest = numbers(call)?.into_iter().min();
    smallest.map(Value::Int).ok_or_else(|| FunctionError::new("there is no number"))
}

fn range(call: &Call<'_>) -> Result<Value, FunctionError> {
    let (start, count) = (call.int(0)?, call.count(1)?);
    let end = i64::try_from(count).ok().and_then(|count| start.checked_add(count));
    match end {
        Some(end) if count <= ARRAY_LIMIT.min(10_000) => {
            bounded_array((start..end).map(|number| call.at(Value::Int(number))).collect())
        }
        _ => Err(FunctionError::new("`range` counts to 10,000 at most")),
    }
}

fn part(call: &Call<'_>, skip: usize, take: usize) -> Result<Value, FunctionError> {
    match &call.arg(0)?.value {
        Value::Array(items) => Ok(Value::array(items.iter().skip(skip).take(take).cloned().collect())),
        Value::String(text) => Ok(Value::string(text.chars().skip(skip).take(take).collect::<String>())),
        _ => Err(call.wrong(0, "an array or a string")),
    }
}

fn skip(call: &Call<'_>) -> Result<Value, FunctionError> {
    part(call, call.count(1)?, usize::MAX)
}

fn take(call: &Call<'_>) -> Result<Value, FunctionError> {
    part(call, 0, call.count(1)?)
}

fn try_get(call: &Call<'_>) -> Result<Value, FunctionError> {
    let mut node = call.arg(0)?;
    for key in call.args.iter().skip(1) {
        let next = match &key.value {
            Value::String(name) => node.get(name),
            Value::Int(position) => {
                let items = node.as_array().unwrap_or_default();
                usize::try_from(*position).ok().and_then(|position| items.get(position))
            }
            _ => return Err(FunctionError::new("keys are names or positions")),
        };
        match next {
            Some(next) => node = next,
            None => return Ok(Value::Null),
        }
    }
    Ok(node.value.clone())
}

fn union(call: &Call<'_>) -> Result<Value, FunctionError> {
    if call.args.iter().all(|argument| argument.as_array().is_some()) {
        let mut items: Vec<Node> = Vec::new();
        for item in call.args.iter().filter_map(Node::as_array).flatten() {
            if items.len() > 10_000 {
                return Err(FunctionError::new("`union` keeps at most 10,000 different items"));
            }
            if !items.iter().any(|known| same(known, item)) {
                items.push(item.clone());
            }
        }
        return bounded_array(items);
    }
    let mut merged = Object::new();
    for index in 0..call.args.len() {
        let object =
            call.arg(index)?.as_object().ok_or_else(|| call.wrong(index, "an object, or all arrays"))?;
        merge(&mut merged, object);
    }
    Ok(Value::object(merged))
}

/// Deep merge of objects; arrays and scalars of the later one replace those of the earlier.
fn merge(target: &mut Object, source: &Object) {
    for member in source.iter() {
        let merged = match (target.get(&member.key).map(|node| &node.value), &member.value.value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let mut inner = (**old).clone();
                merge(&mut inner, new);
                Value::object(inner).at(member.value.span)
            }
            _ => member.value.clone(),
        };
        target.insert(member.key.clone(), merged);
    }
}
