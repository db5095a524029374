//! What a text has to hold for conditions over its parts to hold.
//!
//! `parse Message with * '(' Name ')' * | where Name in~ ('a.example', 'b.example')` sees few messages, but its condition is
//! over a column that the table does not have. Whatever `Name` is, it is a part of `Message`: so `Message` contains one of
//! the two, whatever their case, and that can be asked of the table. More rows may pass than the query sees, never fewer.

use castellan_kql::ast::{BinaryKind, BinaryOperator, MembershipOperator};
use castellan_kql::plan::{Scalar, ScalarKind};
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};

/// Texts beyond which asking for each costs more than it saves.
const MAX_TEXTS: usize = 64;

/// The parts of a text: columns from a place on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'p> {
    /// The text.
    pub(super) whole: &'p Scalar,
    /// The first column that is a part of it; those before are not.
    pub(super) first: usize,
}

impl Parts<'_> {
    /// What has to hold where a condition holds, without its parts of the text; nothing where that says nothing.
    pub(super) fn implied(&self, condition: &Scalar) -> Option<Scalar> {
        if !condition.any(&|part| self.is_part(part)) {
            return Some(condition.clone());
        }
        match &condition.kind {
            ScalarKind::Binary { operator, left, right } => match operator.kind {
                BinaryKind::And => match (self.implied(left), self.implied(right)) {
                    (Some(left), Some(right)) => Some(both(BinaryKind::And, left, right)),
                    (one, other) => one.or(other),
                },
                BinaryKind::Or => Some(both(BinaryKind::Or, self.implied(left)?, self.implied(right)?)),
                kind if holds_right(kind) && !operator.is_negated && self.is_part_of_text(left) => {
                    self.contains(&texts(std::slice::from_ref(right))?)
                }
                _ => None,
            },
            ScalarKind::Membership {
                value,
                operator: MembershipOperator::In { is_negated: false, .. } | MembershipOperator::HasAny,
                items,
            } if self.is_part_of_text(value) => self.contains(&texts(items)?),
            _ => None,
        }
    }

    fn is_part(&self, scalar: &Scalar) -> bool {
        matches!(scalar.kind, ScalarKind::Column(at) if at >= self.first)
    }

    fn is_part_of_text(&self, scalar: &Scalar) -> bool {
        self.is_part(scalar) && scalar.scalar_type == ScalarType::String
    }

    /// That the text contains one of these, whatever its case.
    fn contains(&self, wanted: &[String]) -> Option<Scalar> {
        let tests = wanted.iter().map(|wanted| {
            let wanted = Scalar::literal(Value::string(wanted.as_str()), ScalarType::String);
            both(BinaryKind::Contains, self.whole.clone(), wanted)
        });
        tests.reduce(|one, other| both(BinaryKind::Or, one, other))
    }
}

/// Whether a text of which this holds beside another contains that other, whatever its case.
fn holds_right(kind: BinaryKind) -> bool {
    use BinaryKind as Kind;
    matches!(
        kind,
        Kind::Equal
            | Kind::Has
            | Kind::HasPrefix
            | Kind::HasSuffix
            | Kind::Contains
            | Kind::StartsWith
            | Kind::EndsWith
    )
}

/// The texts that a value is compared with; nothing where they are not known, are too many, or may stand in a part of a
/// text and not in all of it: lower case depends on what follows in some scripts, and the empty text is in all.
fn texts(items: &[Scalar]) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for item in items {
        match item.as_literal()? {
            Value::String(text) => found.push(text.to_string()),
            Value::Dynamic(value) => match &**value {
                Dynamic::String(text) => found.push(text.to_string()),
                Dynamic::Array(items) => {
                    for item in items {
                        let Dynamic::String(text) = item else { return None };
                        found.push(text.to_string());
                    }
                }
                _ => return None,
            },
            _ => return None,
        }
    }
    let is_usable = |text: &String| text.is_ascii() && !text.is_empty();
    (found.len() <= MAX_TEXTS && found.iter().all(is_usable)).then_some(found)
}

/// Two values with an operator between them that says nothing of case.
fn both(kind: BinaryKind, left: Scalar, right: Scalar) -> Scalar {
    let operator = BinaryOperator { kind, is_negated: false, is_case_sensitive: false };
    let kind = ScalarKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
    Scalar { kind, scalar_type: ScalarType::Bool }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use castellan_kql::bind::{Options, bind};
    use castellan_kql::parse;
    use castellan_kql::plan::{Plan, Step};
    use proptest::prelude::*;

    use super::*;
    use crate::check::Schemas;

    /// The condition of a query `Syslog | parse SyslogMessage with * '(' P ')' * | where ...`, and what it implies.
    fn implied(condition: &str) -> (Scalar, Option<Scalar>) {
        let query = format!("Syslog | parse SyslogMessage with * '(' P ')' * | where {condition}");
        let bound = bind(&parse(&query).script, &Schemas::default(), &Options::default()).unwrap();
        let plan: &Arc<Plan> = &bound.results[0].plan;
        let Step::Filter { input, predicate } = &plan.step else { panic!("{plan:?}") };
        let Step::Parse { input, .. } = &input.step else { panic!("{input:?}") };
        let whole = Scalar::column(0, ScalarType::String);
        let implied = Parts { whole: &whole, first: input.columns.len() }.implied(predicate);
        (predicate.clone(), implied)
    }

    #[test]
    fn what_says_nothing_of_the_text_is_left_out() {
        for condition in [
            "P != 'a'",
            "isnotempty(P)",
            "P == ''",
            "P =~ '\u{3a3}'",
            "P has HostName",
            "P !in ('a')",
            "P has_all ('a')",
        ] {
            assert_eq!(implied(condition).1, None, "{condition}");
        }
        let (_, kept) = implied("isnotempty(P) and HostName == 'h' and P has_any ('a.example', 'b')");
        assert!(kept.is_some_and(|kept| !kept.any(&|part| part.is_unknown())));
    }

    const CONDITIONS: [&str; 12] = [
        "P == 'ab'",
        "P =~ 'aB'",
        "P in ('ab', 'k')",
        "P in~ (dynamic(['AB', 'k']))",
        "P has 'ab'",
        "P has_any ('b a', 'k')",
        "P contains 'B' and isnotempty(P)",
        "P startswith_cs 'a'",
        "P endswith 'K'",
        "P hasprefix 'a' or P hassuffix 'b'",
        "P has 'a' or HostName == 'b'",
        "(P has 'a' and HostName == 'b') or P =~ 'kk'",
    ];

    proptest! {
        /// Where a condition holds of a part, what it implies holds of the text.
        #[test]
        fn no_text_is_left_out(
            before in "[aAbBkK \u{212a}\u{130}.]{0,3}", part in "[aAbBkK \u{212a}\u{130}.]{0,4}",
            after in "[aAbBkK \u{212a}\u{130}.]{0,3}", host in "[ab]",
        ) {
            for condition in CONDITIONS {
                let (asked, implied) = implied(condition);
                let implied = implied.unwrap();
                let mut row = vec![Value::string(host.as_str()); 40];
                row[0] = Value::string(format!("{before}{part}{after}"));
                let first = asked_column(&asked);
                row[first] = Value::string(part.as_str());
                let (asked, implied) = (asked.evaluate(&row), implied.evaluate(&row));
                prop_assert!(asked != Value::Bool(true) || implied == Value::Bool(true), "{condition}");
            }
        }
    }

    /// The last column that a condition reads: the part of the text.
    fn asked_column(condition: &Scalar) -> usize {
        let own = match condition.kind {
            ScalarKind::Column(at) => at,
            _ => 0,
        };
        condition.operands().into_iter().map(asked_column).fold(own, usize::max)
    }
}
