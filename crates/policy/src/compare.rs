//! The nineteen comparisons, on known and partly known values.

use std::cmp::Ordering;

use castellan_base::{Node, Value};

use crate::truth::Truth;

/// A comparison of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Named as the language names them.
pub enum Operator {
    Equals,
    NotEquals,
    Like,
    NotLike,
    Match,
    MatchInsensitively,
    NotMatch,
    NotMatchInsensitively,
    Contains,
    NotContains,
    In,
    NotIn,
    ContainsKey,
    NotContainsKey,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
    Exists,
}

impl Operator {
    /// All comparisons with their names in the language.
    pub const ALL: [(&'static str, Operator); 19] = [
        ("equals", Operator::Equals),
        ("notEquals", Operator::NotEquals),
        ("like", Operator::Like),
        ("notLike", Operator::NotLike),
        ("match", Operator::Match),
        ("matchInsensitively", Operator::MatchInsensitively),
        ("notMatch", Operator::NotMatch),
        ("notMatchInsensitively", Operator::NotMatchInsensitively),
        ("contains", Operator::Contains),
        ("notContains", Operator::NotContains),
        ("in", Operator::In),
        ("notIn", Operator::NotIn),
        ("containsKey", Operator::ContainsKey),
        ("notContainsKey", Operator::NotContainsKey),
        ("less", Operator::Less),
        ("lessOrEquals", Operator::LessOrEquals),
        ("greater", Operator::Greater),
        ("greaterOrEquals", Operator::GreaterOrEquals),
        ("exists", Operator::Exists),
    ];

    /// The comparison of a name, in any case.
    pub fn parse(name: &str) -> Option<Operator> {
        Operator::ALL
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, operator)| *operator)
    }

    /// The name in the language.
    pub fn as_str(self) -> &'static str {
        Operator::ALL.iter().find(|(_, operator)| *operator == self).map_or("", |(name, _)| name)
    }

    /// The positive form and whether this is its negation.
    fn positive(self) -> (Operator, bool) {
        match self {
            Operator::NotEquals => (Operator::Equals, true),
            Operator::NotLike => (Operator::Like, true),
            Operator::NotMatch => (Operator::Match, true),
            Operator::NotMatchInsensitively => (Operator::MatchInsensitively, true),
            Operator::NotContains => (Operator::Contains, true),
            Operator::NotIn => (Operator::In, true),
            Operator::NotContainsKey => (Operator::ContainsKey, true),
            other => (other, false),
        }
    }
}

/// A comparison of values of types that cannot be compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TypeMismatch;

/// Compares. `actual` is `None` when there is nothing to compare.
pub(crate) fn compare(
    operator: Operator,
    actual: Option<&Node>,
    expected: &Node,
) -> Result<Truth, TypeMismatch> {
    let (positive, negated) = operator.positive();
    let result = match positive {
        Operator::Exists => exists(actual, expected),
        Operator::Equals => equals(actual, expected),
        Operator::In => within(actual, expected),
        Operator::Contains => contains(actual, expected),
        Operator::ContainsKey => contains_key(actual, expected),
        Operator::Like => with_texts(actual, expected, like, like_symbol),
        Operator::Match => {
            with_texts(actual, expected, |text, pattern| matches(text, pattern, false), no_symbol)
        }
        Operator::MatchInsensitively => {
            with_texts(actual, expected, |text, pattern| matches(text, pattern, true), no_symbol)
        }
        order => ordered(order, actual, expected)?,
    };
    Ok(if negated { !result } else { result })
}

fn is_unknown(node: &Node) -> bool {
    node.as_unresolved().is_some()
}

fn exists(actual: Option<&Node>, expected: &Node) -> Truth {
    let wanted = match &expected.value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        Value::Unresolved(_) => return Truth::Unknown,
        _ => return Truth::False,
    };
    match actual {
        None => Truth::from(!wanted),
        // Text of which a part is known is there; of anything else unresolved not even that can be said.
        Some(Node { value: Value::Unresolved(unknown), .. }) => {
            if known_ends(&unknown.symbol) == ("", "") {
                Truth::Unknown
            } else {
                Truth::from(wanted)
            }
        }
        Some(node) => Truth::from(node.is_null() != wanted),
    }
}

/// What a symbol certainly begins and ends with.
fn known_ends(symbol: &str) -> (&str, &str) {
    let prefix = symbol.split('{').next().unwrap_or_default();
    let suffix = symbol.rsplit('}').next().unwrap_or_default();
    if symbol.contains('{') && symbol.contains('}') { (prefix, suffix) } else { ("", "") }
}

pub(crate) fn equals(actual: Option<&Node>, expected: &Node) -> Truth {
    let Some(actual) = actual else {
        return if is_unknown(expected) { Truth::Unknown } else { Truth::from(expected.is_null()) };
    };
    match (&actual.value, &expected.value) {
        (Value::Unresolved(unknown), Value::String(text))
        | (Value::String(text), Value::Unresolved(unknown)) => {
            let (prefix, suffix) = known_ends(&unknown.symbol);
            let fits = starts_with(text, prefix) && ends_with(text, suffix);
            let long_enough = text.len() >= prefix.len() + suffix.len();
            if fits && long_enough { Truth::Unknown } else { Truth::False }
        }
        (Value::Unresolved(_), _) | (_, Value::Unresolved(_)) => Truth::Unknown,
        (Value::Array(left), Value::Array(right)) => {
            if left.len() != right.len() {
                return Truth::False;
            }
            all(left.iter().zip(right.iter()).map(|(left, right)| equals(Some(left), right)))
        }
        (Value::Object(left), Value::Object(right)) => {
            if left.len() != right.len() {
                return Truth::False;
            }
            all(left.iter().map(|member| match right.get(&member.key) {
                Some(other) => equals(Some(&member.value), other),
                None => Truth::False,
            }))
        }
        (left, right) => Truth::from(same_scalar(left, right)),
    }
}

fn all(results: impl Iterator<Item = Truth>) -> Truth {
    let mut total = Truth::True;
    for result in results {
        total = total.and(result);
        if total == Truth::False {
            break;
        }
    }
    total
}

fn any(results: impl Iterator<Item = Truth>) -> Truth {
    let mut total = Truth::False;
    for result in results {
        total = total.or(result);
        if total == Truth::True {
            break;
        }
    }
    total
}

/// Equality of scalars. A text equals a boolean or number that it spells.
fn same_scalar(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => same_text(left, right),
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Null, Value::Null) => true,
        (Value::Int(left), Value::Int(right)) => left == right,
        (Value::Bool(flag), Value::String(text)) | (Value::String(text), Value::Bool(flag)) => {
            text.eq_ignore_ascii_case(if *flag { "true" } else { "false" })
        }
        (Value::String(text), number @ (Value::Int(_) | Value::Float(_)))
        | (number @ (Value::Int(_) | Value::Float(_)), Value::String(text)) => {
            text.trim().parse::<f64>().ok() == as_number(number)
        }
        (left, right) => match (as_number(left), as_number(right)) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        #[allow(clippy::cast_precision_loss)]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// Ordinal comparison without regard to case.
pub(crate) fn same_text(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
        || (!(left.is_ascii() && right.is_ascii()) && folded(left).eq(folded(right)))
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_uppercase)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    prefix.is_empty()
        || text.get(..prefix.len()).is_some_and(|head| same_text(head, prefix))
        || !text.is_ascii()
}

fn ends_with(text: &str, suffix: &str) -> bool {
    let start = text.len().checked_sub(suffix.len());
    suffix.is_empty()
        || start.and_then(|start| text.get(start..)).is_some_and(|tail| same_text(tail, suffix))
        || !text.is_ascii()
}

fn within(actual: Option<&Node>, expected: &Node) -> Truth {
    match &expected.value {
        Value::Unresolved(_) => Truth::Unknown,
        Value::Array(items) => any(items.iter().map(|item| equals(actual, item))),
        _ => Truth::False,
    }
}

fn contains(actual: Option<&Node>, expected: &Node) -> Truth {
    let Some(actual) = actual else { return Truth::False };
    match (&actual.value, &expected.value) {
        (Value::Unresolved(unknown), Value::String(part)) => {
            let (prefix, suffix) = known_ends(&unknown.symbol);
            let known = contains_text(prefix, part) || contains_text(suffix, part);
            if known && !part.is_empty() { Truth::True } else { Truth::Unknown }
        }
        (Value::Unresolved(_), _) => Truth::Unknown,
        (Value::Array(items), _) => any(items.iter().map(|item| equals(Some(item), expected))),
        (_, Value::Unresolved(_)) => Truth::Unknown,
        (Value::String(text), Value::String(part)) => Truth::from(contains_text(text, part)),
        (Value::String(text), Value::Int(number)) => Truth::from(text.contains(&number.to_string())),
        _ => Truth::False,
    }
}

pub(crate) fn contains_text(text: &str, part: &str) -> bool {
    if part.is_empty() {
        return true;
    }
    if text.is_ascii() && part.is_ascii() {
        return text
            .as_bytes()
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part.as_bytes()));
    }
    let text: String = folded(text).collect();
    let part: String = folded(part).collect();
    text.contains(&part)
}

fn contains_key(actual: Option<&Node>, expected: &Node) -> Truth {
    let Some(actual) = actual else { return Truth::False };
    match (&actual.value, &expected.value) {
        (Value::Unresolved(_), _) | (_, Value::Unresolved(_)) => Truth::Unknown,
        (Value::Object(object), Value::String(key)) => Truth::from(object.get(key).is_some()),
        _ => Truth::False,
    }
}

fn scalar_text(node: &Node) -> Option<std::borrow::Cow<'_, str>> {
    match &node.value {
        Value::String(text) => Some((&**text).into()),
        Value::Int(number) => Some(number.to_string().into()),
        Value::Float(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(if *flag { "true" } else { "false" }.into()),
        _ => None,
    }
}

fn with_texts(
    actual: Option<&Node>,
    expected: &Node,
    test: impl Fn(&str, &str) -> bool,
    symbol: impl Fn(&str, &str) -> Truth,
) -> Truth {
    let Some(actual) = actual else { return Truth::False };
    if let Value::Unresolved(unknown) = &actual.value {
        return expected.as_str().map_or(Truth::Unknown, |pattern| symbol(&unknown.symbol, pattern));
    }
    if is_unknown(expected) {
        return Truth::Unknown;
    }
    match (scalar_text(actual), scalar_text(expected)) {
        (Some(text), Some(pattern)) => Truth::from(test(&text, &pattern)),
        _ => Truth::False,
    }
}

fn no_symbol(_: &str, _: &str) -> Truth {
    Truth::Unknown
}

/// Whether text known by its ends can be like a pattern with one star.
fn like_symbol(symbol: &str, pattern: &str) -> Truth {
    let (prefix, suffix) = known_ends(symbol);
    let mut parts = pattern.split('*');
    let (Some(head), Some(tail), None) = (parts.next(), parts.next(), parts.next()) else {
        return Truth::Unknown;
    };
    if !(symbol.is_ascii() && pattern.is_ascii()) || pattern.contains('?') {
        return Truth::Unknown;
    }
    let conflicts = |left: &str, right: &str| {
        let length = left.len().min(right.len());
        left.get(..length).zip(right.get(..length)).is_some_and(|(left, right)| !same_text(left, right))
    };
    let tails_conflict = {
        let length = suffix.len().min(tail.len());
        let last = |text: &str| text.get(text.len() - length..).unwrap_or_default().to_owned();
        !same_text(&last(suffix), &last(tail))
    };
    if conflicts(prefix, head) || tails_conflict {
        return Truth::False;
    }
    if prefix.len() >= head.len() && suffix.len() >= tail.len() { Truth::True } else { Truth::Unknown }
}

/// `like`: `*` stands for any text and `?`, which the documentation leaves out, for one character; the rest is compared without regard to case.
pub(crate) fn like(text: &str, pattern: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return same_text(text, pattern);
    }
    if text.is_ascii() && pattern.is_ascii() {
        return like_bytes(text.as_bytes(), pattern.as_bytes());
    }
    let text: String = folded(text).collect();
    let pattern: String = folded(pattern).collect();
    like_bytes(text.as_bytes(), pattern.as_bytes())
}

/// Greedy matching with one point to go back to, so that many stars cannot make it slow.
fn like_bytes(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut on) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(at) {
        match pattern.get(on) {
            Some(b'*') => {
                back = Some((at, on));
                on += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted.eq_ignore_ascii_case(byte) => {
                at += 1;
                on += 1;
            }
            _ => {
                let Some((from, star)) = back else { return false };
                at = from + 1;
                on = star + 1;
                back = Some((at, star));
            }
        }
    }
    pattern.get(on..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// `match`: `#` stands for a digit, `?` for a letter, `.` for any character.
fn matches(text: &str, pattern: &str, ignore_case: bool) -> bool {
    let mut characters = text.chars();
    for wanted in pattern.chars() {
        let Some(found) = characters.next() else { return false };
        let fits = match wanted {
            '#' => found.is_ascii_digit(),
            '?' => found.is_alphabetic(),
            '.' => true,
            _ if ignore_case => found.to_lowercase().eq(wanted.to_lowercase()),
            _ => found == wanted,
        };
        if !fits {
            return false;
        }
    }
    characters.next().is_none()
}

fn ordered(operator: Operator, actual: Option<&Node>, expected: &Node) -> Result<Truth, TypeMismatch> {
    let Some(actual) = actual else { return Ok(Truth::False) };
    if is_unknown(actual) || is_unknown(expected) {
        return Ok(Truth::Unknown);
    }
    let ordering = order(actual, expected).ok_or(TypeMismatch)?;
    Ok(Truth::from(holds(operator, ordering)))
}

pub(crate) fn holds(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEquals => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEquals => ordering.is_ge(),
        Operator::NotEquals => ordering.is_ne(),
        _ => ordering.is_eq(),
    }
}

fn order(left: &Node, right: &Node) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) {
        return Some(left.cmp(&right));
    }
    if let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) {
        return left.partial_cmp(&right);
    }
    match (left.as_str(), right.as_str()) {
        (Some(left), Some(right)) => Some(order_texts(left, right)),
        (Some(left), None) => left.trim().parse::<f64>().ok()?.partial_cmp(&right.as_f64()?),
        (None, Some(right)) => left.as_f64()?.partial_cmp(&right.trim().parse::<f64>().ok()?),
        (None, None) => None,
    }
}

/// Dates by time, everything else by characters without regard to case.
fn order_texts(left: &str, right: &str) -> Ordering {
    let date = |text: &str| {
        let looks_like_one = text.len() >= 16 && text.as_bytes().get(4) == Some(&b'-') && text.contains('T');
        if looks_like_one { text.parse::<castellan_base::Ticks>().ok() } else { None }
    };
    match (date(left), date(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => folded(left).cmp(folded(right)),
    }
}
