//! Conditions: the part of STIX patterning that CACAO uses, comparisons of variables.
//!
//! `__severity__:value >= 70 AND (__kind__:value = 'key' OR NOT __agent__:value IN ('a', 'b'))`, in square brackets or
//! without. What speaks of observations (`ipv4-addr:value`, `FOLLOWEDBY`, `WITHIN`, `REPEATS`, `MATCHES`) is refused with
//! its place, since a playbook has variables and no observations.

mod parser;

use super::variable::Variable;
use parser::Parser;

/// The longest condition in bytes.
const LONGEST: usize = 16 * 1024;

/// A condition that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    root: Expression,
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Not(Box<Expression>),
    Compare(Operand, Comparison, Operand),
    In(Operand, Vec<Operand>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Variable(String),
    Text(String),
    Number(f64),
    Flag(bool),
}

/// Why a condition cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {offset} of the condition)")]
pub struct ConditionError {
    /// Byte offset in the condition.
    pub offset: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A variable without a value decides.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the condition needs `{0}`, which has no value; set it before the step, or give it when the run starts"
)]
pub struct Unset(pub String);

impl Condition {
    /// Reads a condition.
    ///
    /// ```
    /// use castellan_respond::playbook::Condition;
    ///
    /// assert!(Condition::parse("__n__:value > 3").is_ok());
    /// let refused = Condition::parse("[ipv4-addr:value = '10.0.0.1']").unwrap_err();
    /// assert_eq!(refused.offset, 1);
    /// ```
    pub fn parse(text: &str) -> Result<Condition, ConditionError> {
        if text.len() > LONGEST {
            return Err(ConditionError { offset: LONGEST, message: format!("longer than {LONGEST} bytes") });
        }
        let mut parser = Parser::new(text);
        let bracket = parser.take("[");
        let root = parser.any(0)?;
        if bracket && !parser.take("]") {
            return Err(parser.error("expected `]`"));
        }
        if !parser.is_at_end() {
            return Err(parser.error(
                "expected the end; only comparisons of variables joined by AND, OR and NOT can be decided",
            ));
        }
        Ok(Condition { root })
    }

    /// The variables that it names, in order of appearance.
    pub fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.variables(&mut names);
        names
    }

    /// Decides. A variable without a value is an error only where it decides: what is false whatever the variable is,
    /// is false.
    pub fn holds(&self, look_up: &dyn Fn(&str) -> Option<Variable>) -> Result<bool, Unset> {
        self.root.holds(look_up)
    }
}

impl Expression {
    fn variables<'e>(&'e self, names: &mut Vec<&'e str>) {
        match self {
            Expression::Any(terms) | Expression::All(terms) => {
                terms.iter().for_each(|term| term.variables(names));
            }
            Expression::Not(inner) => inner.variables(names),
            Expression::Compare(left, _, right) => {
                left.variable(names);
                right.variable(names);
            }
            Expression::In(left, items) => {
                left.variable(names);
                items.iter().for_each(|item| item.variable(names));
            }
        }
    }

    fn holds(&self, look_up: &dyn Fn(&str) -> Option<Variable>) -> Result<bool, Unset> {
        match self {
            Expression::Any(terms) => settle(terms, look_up, true),
            Expression::All(terms) => settle(terms, look_up, false),
            Expression::Not(inner) => Ok(!inner.holds(look_up)?),
            Expression::Compare(left, comparison, right) => {
                Ok(compare(&left.value(look_up)?, *comparison, &right.value(look_up)?))
            }
            Expression::In(left, items) => {
                let left = left.value(look_up)?;
                for item in items {
                    if compare(&left, Comparison::Equal, &item.value(look_up)?) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

/// `deciding` is what one term makes of all of them: true for OR, false for AND.
fn settle(
    terms: &[Expression],
    look_up: &dyn Fn(&str) -> Option<Variable>,
    deciding: bool,
) -> Result<bool, Unset> {
    let mut unset = None;
    for term in terms {
        match term.holds(look_up) {
            Ok(verdict) if verdict == deciding => return Ok(deciding),
            Ok(_) => {}
            Err(error) => unset = unset.or(Some(error)),
        }
    }
    unset.map_or(Ok(!deciding), Err)
}

/// A value to compare: its text, and its number where it is one.
struct Comparable {
    text: String,
    number: Option<f64>,
}

impl Operand {
    fn variable<'o>(&'o self, names: &mut Vec<&'o str>) {
        if let Operand::Variable(name) = self {
            names.push(name);
        }
    }

    fn value(&self, look_up: &dyn Fn(&str) -> Option<Variable>) -> Result<Comparable, Unset> {
        Ok(match self {
            Operand::Text(text) => Comparable { text: text.clone(), number: None },
            Operand::Number(number) => Comparable { text: number.to_string(), number: Some(*number) },
            Operand::Flag(flag) => Comparable { text: flag.to_string(), number: None },
            Operand::Variable(name) => {
                let variable = look_up(name).ok_or_else(|| Unset(name.clone()))?;
                let text = variable.value.ok_or_else(|| Unset(name.clone()))?;
                let number = if variable.kind.is_number() { text.parse().ok() } else { None };
                Comparable { text, number }
            }
        })
    }
}

fn compare(left: &Comparable, comparison: Comparison, right: &Comparable) -> bool {
    if comparison == Comparison::Like {
        return like(&left.text, &right.text);
    }
    // A number beside a text that reads as one compares as a number: `__count__:value > '10'`.
    let number = |side: &Comparable| side.number.or_else(|| side.text.parse().ok());
    let as_numbers = if left.number.is_some() || right.number.is_some() {
        number(left).zip(number(right)).and_then(|(left, right)| left.partial_cmp(&right))
    } else {
        None
    };
    let order = as_numbers.unwrap_or_else(|| left.text.cmp(&right.text));
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Like => false,
    }
}

/// SQL's LIKE: `%` is any text, `_` any character. Linear in the text for each `%` of the pattern.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut in_pattern) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(at) {
        match pattern.get(in_pattern) {
            Some('%') => {
                retry = Some((in_pattern + 1, at));
                in_pattern += 1;
            }
            Some(wanted) if *wanted == '_' || wanted == letter => {
                at += 1;
                in_pattern += 1;
            }
            _ => {
                let Some((after, from)) = retry else { return false };
                retry = Some((after, from + 1));
                (in_pattern, at) = (after, from + 1);
            }
        }
    }
    pattern.iter().skip(in_pattern).all(|letter| *letter == '%')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::variable::VariableType;
    use super::*;

    fn values(name: &str) -> Option<Variable> {
        let (kind, value) = match name {
            "__n__" => ("integer", Some("7")),
            "__s__" => ("string", Some("prod-7")),
            "__f__" => ("boolean", Some("true")),
            "__unset__" => ("string", None),
            _ => return None,
        };
        Some(Variable {
            kind: VariableType::parse(kind),
            value: value.map(str::to_owned),
            constant: false,
            external: false,
            description: String::new(),
        })
    }

    fn check(text: &str, expected: Result<bool, &str>) {
        let verdict = Condition::parse(text).map(|condition| condition.holds(&values));
        let verdict = match verdict {
            Ok(Ok(verdict)) => Ok(verdict),
            Ok(Err(Unset(name))) => Err(name),
            Err(error) => Err(format!("{}", error.offset)),
        };
        assert_eq!(verdict, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn decides_and_refuses_with_a_place() {
        check("__n__:value > 10", Ok(false));
        check("__n__:value > '6'", Ok(true));
        check("[__s__:value = 'prod-7' AND __f__:value = true]", Ok(true));
        check("__s__:value NOT IN ('a', 'b')", Ok(true));
        check("NOT (__n__:value = 7 OR __n__:value = 8)", Ok(false));
        check("__s__:value LIKE 'prod-%'", Ok(true));
        check("__s__:value LIKE '%_d-_'", Ok(true));
        check("__s__:value like '%x'", Ok(false));
        check("__unset__:value = 'x'", Err("__unset__"));
        check("__unset__:value = 'x' OR __n__:value = 7", Ok(true));
        check("__unset__:value = 'x' AND __n__:value = 8", Ok(false));
        check("[ipv4-addr:value = '10.0.0.1']", Err("1"));
        check("__s__:value MATCHES '^a'", Err("12"));
        check("__n__:value = 7 FOLLOWEDBY __n__:value = 8", Err("16"));
        check("__n__:value = 'open", Err("14"));
        check("", Err("0"));
        check(&"(".repeat(100), Err("32"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]()'_nsf:value=<>! ANDORTIKE0-9.\u{e9}\\\\]{0,60}") {
            if let Ok(condition) = Condition::parse(&text) {
                let _ = condition.holds(&values);
            }
        }

        #[test]
        fn like_is_what_the_definition_says(text in "[ab]{0,8}", pattern in "[ab%_]{0,6}") {
            fn slow(text: &[u8], pattern: &[u8]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some((b'%', rest)) => (0..=text.len()).any(|cut| slow(&text[cut..], rest)),
                    Some((letter, rest)) => text.split_first().is_some_and(|(first, after)| {
                        (*letter == b'_' || letter == first) && slow(after, rest)
                    }),
                }
            }
            prop_assert_eq!(like(&text, &pattern), slow(text.as_bytes(), pattern.as_bytes()));
        }
    }
}
