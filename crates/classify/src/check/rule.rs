//! The checks of one element, ready to run.

use std::sync::Arc;

use crate::check::texts::{MOST_BLANKS, Texts};
use crate::check::{Checks, NamedCheck, numbers, placeholder};
use crate::rule::{Check, Target};

/// Checks with their names looked up.
#[derive(Default)]
pub(crate) struct Compiled {
    steps: Vec<Step>,
}

/// A check with what it needs to run.
struct Step {
    check: Check,
    named: Option<NamedCheck>,
    /// The texts of the check in lower case, sorted: some lists are of a hundred.
    texts: Texts,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
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
            steps.push(Step { texts: Texts::of(check), check: check.clone(), named });
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
        // Looked at once, and only where a check is in code.
        let mut read = None;
        let mut readable = || *read.get_or_insert_with(|| std::str::from_utf8(value).ok());
        let failing = self.steps.iter().find(|step| match (&step.named, &step.check) {
            (Some(named), _) => !readable().is_some_and(|value| named(value)),
            (None, Check::Not(_)) => step.texts.has(value),
            (None, Check::NotMatching { target: Target::Match, expressions }) => {
                expressions.is_match(text.get(whole.0..whole.1).unwrap_or_default())
            }
            (None, Check::Edge { side, required, .. }) => step.texts.touch(value, *side) != *required,
            (None, Check::Beside { side, required, .. }) => {
                step.texts.stand_beside(text, (start, end), *side) != *required
            }
            (None, check) => !passes(check, value),
        });
        failing.map(|step| step.check.name())
    }

    /// The names of all checks.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.check.name())
    }

    /// How many bytes beside the match the checks may look at.
    pub(crate) fn reach(&self) -> usize {
        let texts = self.steps.iter().filter_map(|step| match &step.check {
            Check::Beside { texts, .. } => texts.iter().map(|text| text.len()).max(),
            _ => None,
        });
        texts.max().map_or(0, |longest| longest + MOST_BLANKS)
    }
}

fn passes(check: &Check, value: &[u8]) -> bool {
    match check {
        // These were looked up.
        Check::Named(_) | Check::Not(_) | Check::Edge { .. } | Check::Beside { .. } => false,
        Check::Modulus(rule) => numbers::modulus(value, rule),
        Check::Date { format, offset } => numbers::date(value, *format, *offset),
        Check::Entropy(least) => entropy(value) * 100.0 >= f64::from(*least),
        Check::Mix { classes, min } => mix(value, *classes) >= *min,
        Check::NotPlaceholder => !placeholder::is_placeholder(value),
        Check::NotRepeated => !repeated(value),
        Check::NotMatching { expressions, .. } => !expressions.is_match(value),
    }
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
