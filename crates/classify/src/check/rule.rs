//! The checks of one element, ready to run.

use std::sync::Arc;

use crate::check::{Checks, NamedCheck, numbers, placeholder};
use crate::rule::{Check, Side, Target};

/// Most blanks between a match and what must, or must not, stand beside it.
const MOST_BLANKS: usize = 3;

/// Checks with their names looked up.
#[derive(Default)]
pub(crate) struct Compiled {
    steps: Vec<(Check, Option<NamedCheck>)>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.steps.iter().map(|(check, _)| check.name())).finish()
    }
}

impl Compiled {
    /// Looks up what the checks name; the error is a name that nobody knows.
    pub(crate) fn new(checks: &[Check], known: &Checks) -> Result<Compiled, Arc<str>> {
        let mut steps = Vec::with_capacity(checks.len());
        for check in checks {
            let named = match check {
                Check::Named(name) => Some(known.find(name).ok_or_else(|| name.clone())?),
                _ => None,
            };
            steps.push((check.clone(), named));
        }
        Ok(Compiled { steps })
    }

    /// The name of the first check that `text[start..end]` does not pass, which is what `text[whole]` found.
    pub(crate) fn failing(
        &self,
        text: &[u8],
        (start, end): (usize, usize),
        whole: (usize, usize),
    ) -> Option<&str> {
        let value = text.get(start..end).unwrap_or_default();
        let failing = self.steps.iter().find(|(check, named)| match named {
            Some(named) => !std::str::from_utf8(value).is_ok_and(|value| named(value)),
            None => match check {
                Check::NotMatching { target: Target::Match, expressions } => {
                    expressions.is_match(text.get(whole.0..whole.1).unwrap_or_default())
                }
                _ => !passes(check, text, (start, end), value),
            },
        });
        failing.map(|(check, _)| check.name())
    }

    /// The names of all checks.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|(check, _)| check.name())
    }

    /// How many bytes beside the match the checks may look at.
    pub(crate) fn reach(&self) -> usize {
        let texts = self.steps.iter().filter_map(|(check, _)| match check {
            Check::Beside { texts, .. } => texts.iter().map(|text| text.len()).max(),
            _ => None,
        });
        texts.max().map_or(0, |longest| longest + MOST_BLANKS)
    }
}

fn passes(check: &Check, text: &[u8], (start, end): (usize, usize), value: &[u8]) -> bool {
    match check {
        Check::Named(_) => false,
        Check::Modulus(rule) => numbers::modulus(value, rule),
        Check::Date { format, offset } => numbers::date(value, *format, *offset),
        Check::Entropy(least) => entropy(value) * 100.0 >= f64::from(*least),
        Check::Mix { classes, min } => mix(value, *classes) >= *min,
        Check::NotPlaceholder => !placeholder::is_placeholder(value),
        Check::Not(texts) => !texts.iter().any(|text| text.as_bytes().eq_ignore_ascii_case(value)),
        Check::Edge { side, required, texts } => {
            texts.iter().any(|text| touches(value, *side, text.as_bytes())) == *required
        }
        Check::Beside { side, required, texts } => {
            let found = match side {
                Side::Start => beside(text.get(..start).unwrap_or_default(), Side::End, texts),
                Side::End => beside(text.get(end..).unwrap_or_default(), Side::Start, texts),
            };
            found == *required
        }
        Check::NotRepeated => !repeated(value),
        Check::NotMatching { expressions, .. } => !expressions.is_match(value),
    }
}

/// Whether `text` begins or ends with `part`, without regard to ASCII case.
fn touches(text: &[u8], side: Side, part: &[u8]) -> bool {
    let edge = match side {
        Side::Start => text.get(..part.len()),
        Side::End => text.len().checked_sub(part.len()).and_then(|at| text.get(at..)),
    };
    edge.is_some_and(|edge| edge.eq_ignore_ascii_case(part))
}

/// Whether one of the texts touches, with up to three blanks left out.
fn beside(text: &[u8], side: Side, texts: &[Arc<str>]) -> bool {
    let mut rest = text;
    for _ in 0..=MOST_BLANKS {
        if texts.iter().any(|part| touches(rest, side, part.as_bytes())) {
            return true;
        }
        rest = match (side, rest) {
            (Side::Start, [b' ' | b'\t' | b'\n' | b'\r', rest @ ..]) => rest,
            (Side::End, [rest @ .., b' ' | b'\t' | b'\n' | b'\r']) => rest,
            _ => return false,
        };
    }
    false
}

/// Shannon entropy in bits a byte.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

fn mix(value: &[u8], [lower, upper, digit, other]: [bool; 4]) -> u8 {
    let occurs = |counts: bool, is: fn(&u8) -> bool| u8::from(counts && value.iter().any(is));
    occurs(lower, u8::is_ascii_lowercase)
        + occurs(upper, u8::is_ascii_uppercase)
        + occurs(digit, u8::is_ascii_digit)
        + occurs(other, |byte| !byte.is_ascii_alphanumeric())
}

/// Whether all letters and digits are the same one.
fn repeated(value: &[u8]) -> bool {
    let mut letters = value.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let first = letters.next();
    letters.all(|byte| Some(byte) == first)
}

#[cfg(test)]
mod tests {
    use super::{Compiled, entropy};
    use crate::check::Checks;
    use crate::rule::{Check, Expressions, Side, Target};

    fn check(check: Check, (before, value, after): (&str, &str, &str), expected: bool) {
        let text = format!("{before}{value}{after}");
        let compiled = Compiled::new(std::slice::from_ref(&check), &Checks::none()).unwrap();
        let range = (before.len(), before.len() + value.len());
        let failing = compiled.failing(text.as_bytes(), range, (0, text.len()));
        assert_eq!(failing.is_none(), expected, "{check:?} {text}");
    }

    #[test]
    fn exclusions() {
        let texts = || vec!["ab".into()];
        check(Check::Not(texts()), ("", "AB", ""), false);
        check(Check::Not(texts()), ("", "abc", ""), true);
        check(Check::Edge { side: Side::Start, required: true, texts: texts() }, ("", "ABc", ""), true);
        check(Check::Edge { side: Side::End, required: false, texts: texts() }, ("", "cab", ""), false);
        check(Check::Beside { side: Side::Start, required: false, texts: texts() }, ("ab  ", "1", ""), false);
        check(
            Check::Beside { side: Side::Start, required: false, texts: texts() },
            ("ab    ", "1", ""),
            true,
        );
        check(Check::Beside { side: Side::End, required: true, texts: texts() }, ("", "1", " ab"), true);
        check(Check::NotRepeated, ("", "111-11", ""), false);
        check(Check::NotRepeated, ("", "111-12", ""), true);
        check(Check::Mix { classes: [true, true, true, false], min: 3 }, ("", "aB1", ""), true);
        check(Check::Mix { classes: [true, true, true, false], min: 3 }, ("", "ab1", ""), false);
        check(Check::Entropy(200), ("", "abcd", ""), true);
        check(Check::Entropy(201), ("", "abcd", ""), false);
    }

    #[test]
    fn expressions_that_may_not_match() {
        let not = |target, pattern: &str| Check::NotMatching {
            target,
            expressions: Expressions::new([pattern]).unwrap().into(),
        };
        check(not(Target::Value, "^b"), ("a", "bc", ""), false);
        check(not(Target::Value, "^c|a"), ("a", "bc", ""), true);
        check(not(Target::Match, "^ab"), ("a", "bc", ""), false);
        check(not(Target::Match, "d"), ("a", "bc", ""), true);
        assert!(Expressions::new(["("]).is_err());
    }

    #[test]
    fn entropy_of_nothing_is_nothing() {
        assert!(entropy(b"").abs() < f64::EPSILON);
    }

    #[test]
    fn a_name_that_nobody_knows_is_an_error() {
        assert_eq!(&*Compiled::new(&[Check::Named("x".into())], &Checks::none()).unwrap_err(), "x");
    }
}
