//! Conditions of rules, and whether they hold.

use super::subject::{Happening, Subject};

/// How texts are compared, without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The same text.
    Equals,
    /// The text is in it.
    Contains,
    /// It begins with the text.
    StartsWith,
    /// It ends with the text.
    EndsWith,
}

impl Operator {
    /// The operator of a word, and whether the word negates it.
    pub(super) fn parse(word: &str) -> Option<(Operator, bool)> {
        let (bare, negated) = word.strip_prefix("Not").map_or((word, false), |bare| (bare, true));
        let operator = match bare {
            "Equals" => Operator::Equals,
            "Contains" => Operator::Contains,
            "StartsWith" => Operator::StartsWith,
            "EndsWith" => Operator::EndsWith,
            _ => return None,
        };
        Some((operator, negated))
    }

    fn holds(self, value: &str, wanted: &str) -> bool {
        let (value, wanted) = (value.to_lowercase(), wanted.to_lowercase());
        match self {
            Operator::Equals => value == wanted,
            Operator::Contains => value.contains(&wanted),
            Operator::StartsWith => value.starts_with(&wanted),
            Operator::EndsWith => value.ends_with(&wanted),
        }
    }
}

/// A test of one property. It holds when any value is as one of those that are wanted; negated, when none is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyTest {
    /// The property.
    pub property: String,
    /// How it is compared.
    pub operator: Operator,
    /// True for the opposite.
    pub negated: bool,
    /// With what.
    pub wanted: Vec<String>,
}

impl PropertyTest {
    fn any(&self, values: &[String]) -> bool {
        values.iter().any(|value| self.wanted.iter().any(|wanted| self.operator.holds(value, wanted)))
    }

    fn holds(&self, values: &[String]) -> bool {
        self.any(values) != self.negated
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Of a property as it is.
    Property(PropertyTest),
    /// The property has another value than before.
    Changed(String),
    /// The property was so before the update, and is not any more.
    ChangedFrom(PropertyTest),
    /// The property is so since the update, and was not before.
    ChangedTo(PropertyTest),
    /// The update added something of this kind.
    Added(String),
    /// Of the values of a property one by one: of any of them (`false`), or of all (`true`).
    Items(PropertyTest, bool),
    /// Of a custom detail by its key.
    Detail(String, PropertyTest),
    /// All of these.
    All(Vec<Condition>),
    /// Any of these.
    Any(Vec<Condition>),
}

impl Condition {
    /// Whether the condition holds. `now` is the subject as rules before have left it.
    pub(super) fn holds(&self, now: &Subject, happening: &Happening) -> bool {
        let before = happening.before.as_ref();
        match self {
            Condition::Property(test) => test.holds(now.values(&test.property)),
            Condition::Changed(property) => {
                before.is_some_and(|before| differs(before, &happening.subject, property))
            }
            Condition::ChangedFrom(test) => before.is_some_and(|before| {
                differs(before, &happening.subject, &test.property)
                    && test.holds(before.values(&test.property))
            }),
            Condition::ChangedTo(test) => before.is_some_and(|before| {
                differs(before, &happening.subject, &test.property)
                    && test.holds(happening.subject.values(&test.property))
            }),
            Condition::Added(kind) => happening.added.iter().any(|added| added.eq_ignore_ascii_case(kind)),
            Condition::Items(test, all) => {
                let values = now.values(&test.property);
                let of_one = |value: &String| test.holds(std::slice::from_ref(value));
                if *all { !values.is_empty() && values.iter().all(of_one) } else { values.iter().any(of_one) }
            }
            Condition::Detail(key, test) => {
                let found = now.details().iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
                test.holds(found.map(|(_, values)| values.as_slice()).unwrap_or_default())
            }
            Condition::All(inner) => inner.iter().all(|condition| condition.holds(now, happening)),
            Condition::Any(inner) => inner.iter().any(|condition| condition.holds(now, happening)),
        }
    }
}

fn differs(before: &Subject, now: &Subject, property: &str) -> bool {
    before.values(property) != now.values(property)
}
