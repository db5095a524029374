//! Which patterns a single row of events can decide.

use castellan_base::Ticks;

use crate::observable::{Kind, Meaning, Observable, meaning};
use crate::pattern::{Comparison, Literal, Observation, Operator, Pattern, Qualifier, Test};

/// The most alternatives that a pattern is taken apart into.
pub const MAX_ALTERNATIVES: usize = 20_000;
/// The most values that have to be in one row together.
pub const MAX_PARTS: usize = 8;

/// Values of which all have to be in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The values, each once.
    pub parts: Vec<Observable>,
    /// They count from then on, where the pattern says so.
    pub from: Option<Ticks>,
    /// They do not count then any more.
    pub until: Option<Ticks>,
}

/// Why a part of a pattern is not matched row by row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Reason {
    /// It needs several observations.
    #[error("it needs several observations ({0}), which no single row shows; write an analytics rule for it")]
    Several(&'static str),
    /// A test that no index answers.
    #[error("{0} needs every value to be looked at; write an analytics rule for it")]
    Test(&'static str),
    /// The opposite of something.
    #[error("it says what is not to be there, which every other row fulfils; write an analytics rule for it")]
    Negated,
    /// A property that tables have no columns for.
    #[error("no column of a table holds `{0}`")]
    Property(String),
    /// A value that is none of its kind.
    #[error("`{value}` is no {kind}")]
    Value {
        /// The kind.
        kind: &'static str,
        /// The value.
        value: String,
    },
    /// Too many alternatives, or too many values that belong together.
    #[error("it has too many combinations; split it into several indicators")]
    TooMany,
}

/// What of a pattern is matched row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matchable {
    /// Any of these is a match.
    pub alternatives: Vec<Alternative>,
    /// What is not matched, each reason once.
    pub left_out: Vec<Reason>,
}

impl Matchable {
    fn leaves(reason: Reason) -> Matchable {
        Matchable { alternatives: Vec::new(), left_out: vec![reason] }
    }

    fn takes(&mut self, other: Matchable) {
        for reason in other.left_out {
            if !self.left_out.contains(&reason) {
                self.left_out.push(reason);
            }
        }
        let room = MAX_ALTERNATIVES.saturating_sub(self.alternatives.len());
        if other.alternatives.len() > room && !self.left_out.contains(&Reason::TooMany) {
            self.left_out.push(Reason::TooMany);
        }
        self.alternatives.extend(other.alternatives.into_iter().take(room));
    }
}

/// What of a pattern is matched row by row, and why the rest is not.
///
/// Alternatives are matched although others beside them are not. Values that have to hold for one object together are
/// matched where one row has all of them.
pub fn matchable(pattern: &Pattern) -> Matchable {
    observed(&pattern.observation)
}

fn observed(observation: &Observation) -> Matchable {
    match observation {
        Observation::Of(comparison) => compared(comparison),
        Observation::Or(parts) => {
            let mut all = Matchable::default();
            parts.iter().for_each(|part| all.takes(observed(part)));
            all
        }
        Observation::And(_) => Matchable::leaves(Reason::Several("AND")),
        Observation::FollowedBy(_) => Matchable::leaves(Reason::Several("FOLLOWEDBY")),
        Observation::Qualified(of, qualifiers) => qualified(of, qualifiers),
    }
}

fn qualified(of: &Observation, qualifiers: &[Qualifier]) -> Matchable {
    let mut found = observed(of);
    for qualifier in qualifiers {
        match qualifier {
            // A single observation is always within any time of itself.
            Qualifier::Within(_) | Qualifier::Repeats(1) => {}
            Qualifier::Repeats(_) => return Matchable::leaves(Reason::Several("REPEATS")),
            Qualifier::StartStop { start, stop } => {
                let (start, stop) = (start.parse::<Ticks>().ok(), stop.parse::<Ticks>().ok());
                for alternative in &mut found.alternatives {
                    alternative.from = alternative.from.max(start);
                    alternative.until = match (alternative.until, stop) {
                        (Some(own), Some(stop)) => Some(own.min(stop)),
                        (own, stop) => own.or(stop),
                    };
                }
            }
        }
    }
    found
}

fn compared(comparison: &Comparison) -> Matchable {
    match comparison {
        Comparison::Test(test) => tested(test),
        Comparison::Or(parts) => {
            let mut all = Matchable::default();
            parts.iter().for_each(|part| all.takes(compared(part)));
            all
        }
        Comparison::And(parts) => together(parts),
    }
}

/// All parts have to hold: each way of one with each way of the others.
fn together(parts: &[Comparison]) -> Matchable {
    let mut ways: Option<Vec<Vec<Observable>>> = None;
    for part in parts {
        if is_implied(part) {
            continue;
        }
        let found = compared(part);
        if !found.left_out.is_empty() {
            return Matchable { alternatives: Vec::new(), ..found };
        }
        let Some(before) = ways.take() else {
            ways = Some(found.alternatives.into_iter().map(|alternative| alternative.parts).collect());
            continue;
        };
        if before.len().saturating_mul(found.alternatives.len()) > MAX_ALTERNATIVES {
            return Matchable::leaves(Reason::TooMany);
        }
        let mut all = Vec::new();
        for way in &before {
            for alternative in &found.alternatives {
                let mut parts = way.clone();
                parts.extend(alternative.parts.iter().filter(|part| !way.contains(part)).cloned());
                if parts.len() > MAX_PARTS {
                    return Matchable::leaves(Reason::TooMany);
                }
                all.push(parts);
            }
        }
        ways = Some(all);
    }
    let Some(ways) = ways else { return Matchable::leaves(Reason::Property("type".to_owned())) };
    let alternative = |parts| Alternative { parts, from: None, until: None };
    Matchable { alternatives: ways.into_iter().map(alternative).collect(), left_out: Vec::new() }
}

/// Whether a test says no more than what kind of object is meant, beside others that name a value of it.
fn is_implied(comparison: &Comparison) -> bool {
    let Comparison::Test(Test { path, negated: false, operator: Operator::Equal(_) }) = comparison else {
        return false;
    };
    meaning(path) == Meaning::Type
}

fn tested(test: &Test) -> Matchable {
    if test.negated {
        return Matchable::leaves(Reason::Negated);
    }
    let values: Vec<&str> = match &test.operator {
        Operator::Equal(Literal::Text(text)) | Operator::IsSubset(text) => vec![text],
        Operator::Equal(Literal::Hex(text)) => vec![text],
        Operator::In(values) => values.iter().filter_map(text).collect(),
        Operator::Equal(_) => return Matchable::leaves(Reason::Property(test.path.to_string())),
        Operator::NotEqual(_) => return Matchable::leaves(Reason::Negated),
        Operator::Like(_) => return Matchable::leaves(Reason::Test("LIKE")),
        Operator::Matches(_) => return Matchable::leaves(Reason::Test("MATCHES")),
        Operator::IsSuperset(_) => return Matchable::leaves(Reason::Test("ISSUPERSET")),
        Operator::Exists => return Matchable::leaves(Reason::Test("EXISTS")),
        Operator::Greater(_) | Operator::GreaterOrEqual(_) | Operator::Less(_) | Operator::LessOrEqual(_) => {
            return Matchable::leaves(Reason::Test("an order"));
        }
    };
    let mut all = Matchable::default();
    for value in values {
        all.takes(valued(test, value));
    }
    if let Operator::In(listed) = &test.operator
        && listed.iter().any(|value| text(value).is_none())
    {
        all.takes(Matchable::leaves(Reason::Property(test.path.to_string())));
    }
    all
}

fn text(literal: &Literal) -> Option<&str> {
    match literal {
        Literal::Text(text) | Literal::Hex(text) => Some(text),
        _ => None,
    }
}

fn valued(test: &Test, value: &str) -> Matchable {
    let kind = match meaning(&test.path) {
        Meaning::Value(kind) => kind,
        Meaning::Host if Kind::Ip.normal(value).is_some() => Kind::Ip,
        Meaning::Host => Kind::Domain,
        Meaning::Type | Meaning::Unknown => {
            return Matchable::leaves(Reason::Property(test.path.to_string()));
        }
    };
    // The name of a file that has a folder before it would be matched without the folder.
    let is_cut = kind == Kind::File && value.contains(['/', '\\']);
    match Observable::new(kind, value).filter(|_| !is_cut) {
        Some(observable) => Matchable {
            alternatives: vec![Alternative { parts: vec![observable], from: None, until: None }],
            left_out: Vec::new(),
        },
        None => Matchable::leaves(Reason::Value { kind: kind.name(), value: value.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alternatives as text, values of one joined by `+`, and how many reasons there are.
    fn check(pattern: &str, expected: &[&str], reasons: &[&str]) {
        let found = matchable(&Pattern::parse(pattern).unwrap());
        let shown: Vec<String> = found
            .alternatives
            .iter()
            .map(|one| {
                let parts = one.parts.iter().map(|part| format!("{}={}", part.kind.name(), part.value));
                parts.collect::<Vec<_>>().join("+")
            })
            .collect();
        assert_eq!(shown, expected, "{pattern}");
        assert_eq!(found.left_out.len(), reasons.len(), "{pattern}: {:?}", found.left_out);
        for (reason, part) in found.left_out.iter().zip(reasons) {
            assert!(reason.to_string().contains(part), "{pattern}: {reason}");
        }
    }

    #[test]
    fn equalities_are_matched() {
        check("[ipv4-addr:value = '203.0.113.7']", &["ip=203.0.113.7"], &[]);
        check("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", &["ip=203.0.113.0/24"], &[]);
        check(
            "[url:value IN ('http://a.example/', 'http://b.example/')]",
            &["url=http://a.example/", "url=http://b.example/"],
            &[],
        );
        check(
            "[domain-name:value = 'a.example'] OR [domain-name:value = 'b.example']",
            &["domain=a.example", "domain=b.example"],
            &[],
        );
        check(
            "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'a.example']",
            &["domain=a.example"],
            &[],
        );
        check(
            "[file:name = 'a.exe' AND (file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' OR file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427f')]",
            &[
                "file=a.exe+hash=d41d8cd98f00b204e9800998ecf8427e",
                "file=a.exe+hash=d41d8cd98f00b204e9800998ecf8427f",
            ],
            &[],
        );
        check("[domain-name:value = 'a.example'] WITHIN 5 SECONDS", &["domain=a.example"], &[]);
    }

    #[test]
    fn what_is_not_matched_is_said() {
        check("[ipv4-addr:value = '203.0.113.7'] FOLLOWEDBY [file:name = 'a']", &[], &["FOLLOWEDBY"]);
        check("[domain-name:value = 'a.example'] REPEATS 5 TIMES", &[], &["REPEATS"]);
        check("[file:name LIKE 'a%' OR file:name = 'b.exe']", &["file=b.exe"], &["LIKE"]);
        check("[file:name != 'b.exe']", &[], &["not to be there"]);
        check("[process:pid = 5]", &[], &["no column"]);
        check("[file:size > 5 AND file:name = 'b.exe']", &[], &["an order"]);
        check("[file:hashes.MD5 = 'x']", &[], &["`x` is no hash"]);
        check("[file:name = '/tmp/a']", &[], &["is no file"]);
    }

    #[test]
    fn times_narrow() {
        let text =
            "[domain-name:value = 'a.example'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'";
        let found = matchable(&Pattern::parse(text).unwrap());
        assert_eq!(found.alternatives[0].from, "2026-01-01".parse().ok());
        assert_eq!(found.alternatives[0].until, "2026-02-01".parse().ok());
    }
}
