//! What rows of tables have to meet for a query to see them.
//!
//! Conditions that stand above a table, and projections between them, are carried down to it: the query gives the same over
//! the rows that meet them alone. What depends on the time of the query is left out, since it holds in one run and not in
//! the next; the query asks for it again in each run.

use std::sync::Arc;

use castellan_kql::ast::{BinaryKind, MembershipOperator};
use castellan_kql::plan::{JoinKind, ParseStep, Plan, Scalar, ScalarKind, Step};

use super::implied::Parts;
use super::source::Source;

/// Places in a plan that are looked at. Plans that are read twice by plans that are read twice have no end otherwise.
const MAX_PLACES: usize = 2_000;
/// Parts of a condition beyond which it is not carried through a projection.
const MAX_PARTS: usize = 200;

/// What rows of a table have to meet at one place of a plan: all of these conditions, over the table's columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Need {
    /// The table.
    pub(super) table: Arc<str>,
    /// The conditions; none where all rows are seen.
    pub(super) conditions: Vec<Scalar>,
}

/// What a plan reads.
#[derive(Clone, Debug)]
pub(super) struct Reads {
    /// What rows have to meet at each place where it reads a table.
    pub(super) needs: Vec<Need>,
    /// Where its results come from; places are numbers of `needs`.
    pub(super) source: Source,
}

/// What a plan reads; nothing for plans with too many places.
pub(super) fn reads(plan: &Arc<Plan>) -> Option<Reads> {
    let mut walk = Walk { needs: Vec::new(), places: 0 };
    let source = walk.plan(plan, Vec::new())?;
    Some(Reads { needs: walk.needs, source })
}

/// The same without what differs between two times of the query.
pub(super) fn lasting(first: Vec<Need>, second: &[Need]) -> Option<Vec<Need>> {
    if first.len() != second.len() {
        return None;
    }
    let both = first.into_iter().zip(second);
    both.map(|(need, other)| {
        let is_same = need.table == other.table && need.conditions.len() == other.conditions.len();
        let pairs = need.conditions.into_iter().zip(&other.conditions);
        let conditions = pairs.filter(|(one, two)| one == *two).map(|(one, _)| one).collect();
        is_same.then_some(Need { table: need.table, conditions })
    })
    .collect()
}

struct Walk {
    needs: Vec<Need>,
    places: usize,
}

impl Walk {
    /// Goes down with the conditions that rows of a plan have to meet.
    fn plan(&mut self, plan: &Arc<Plan>, mut above: Vec<Scalar>) -> Option<Source> {
        self.places += 1;
        if self.places > MAX_PLACES {
            return None;
        }
        let mut asked: Vec<(*const Plan, Source)> = Vec::new();
        for subquery in plan.step.subqueries() {
            let source = self.plan(&subquery, Vec::new())?;
            asked.push((Arc::as_ptr(&subquery), source));
        }
        match &plan.step {
            Step::Table(name) => {
                self.needs.push(Need { table: Arc::clone(name), conditions: above });
                Some(Source::Place(self.needs.len() - 1))
            }
            Step::Filter { input, predicate } => {
                let mut all: Vec<Source> = Vec::new();
                let wanted = members(predicate);
                all.extend(asked.into_iter().filter(|(of, _)| wanted.contains(of)).map(|(_, source)| source));
                conjuncts(predicate, &mut above);
                all.push(self.plan(input, above)?);
                Some(Source::All(all))
            }
            Step::Project { input, values } => {
                let below = above.iter().filter_map(|condition| carried(condition, values)).collect();
                self.plan(input, below)
            }
            Step::Parse { input, parse, .. } => {
                let first = input.columns.len();
                let below = above.iter().filter_map(|condition| match parse {
                    ParseStep::Pattern { value, .. } if !value.any(&is_of_more) => {
                        Parts { whole: value, first }.implied(condition)
                    }
                    _ => (!condition.any(&|part| reads_from(part, first))).then(|| condition.clone()),
                });
                let below = below.filter(|condition| size(condition) <= MAX_PARTS).collect();
                self.plan(input, below)
            }
            Step::Sort { input, .. } | Step::Materialize(input) => self.plan(input, above),
            Step::Union(parts) => {
                let parts: Option<_> = parts.iter().map(|part| self.plan(part, above.clone())).collect();
                Some(Source::Some(parts?))
            }
            step => {
                let inputs: Option<Vec<Source>> =
                    step.inputs().into_iter().map(|input| self.plan(input, Vec::new())).collect();
                Some(combined(step, inputs?))
            }
        }
    }
}

/// Where results of a step come from that carries no conditions down.
fn combined(step: &Step, inputs: Vec<Source>) -> Source {
    match (step, inputs.as_slice()) {
        (Step::Expand { .. }, _) => Source::All(inputs),
        (Step::Aggregate { keys, .. }, _) if !keys.is_empty() => Source::All(inputs),
        (Step::Join { kind, .. }, [left, right]) => match kind {
            JoinKind::Inner | JoinKind::InnerUnique | JoinKind::LeftSemi | JoinKind::RightSemi => {
                Source::All(inputs)
            }
            JoinKind::LeftOuter | JoinKind::LeftAnti => left.clone(),
            JoinKind::RightOuter | JoinKind::RightAnti => right.clone(),
            JoinKind::FullOuter => Source::Some(inputs),
        },
        _ => Source::Open,
    }
}

/// The tables in which a value has to be for a condition to hold.
fn members(condition: &Scalar) -> Vec<*const Plan> {
    match &condition.kind {
        ScalarKind::Binary { operator, left, right } if operator.kind == BinaryKind::And => {
            let mut found = members(left);
            found.extend(members(right));
            found
        }
        ScalarKind::MembershipOf {
            operator: MembershipOperator::In { is_negated: false, .. },
            table,
            ..
        } => {
            vec![Arc::as_ptr(table)]
        }
        _ => Vec::new(),
    }
}

/// The parts of a condition that all have to hold, as far as they depend on the row alone.
fn conjuncts(condition: &Scalar, found: &mut Vec<Scalar>) {
    match &condition.kind {
        ScalarKind::Binary { operator, left, right } if operator.kind == BinaryKind::And => {
            conjuncts(left, found);
            conjuncts(right, found);
        }
        _ if condition.any(&is_of_more) => {}
        _ => found.push(condition.clone()),
    }
}

/// A condition over what a projection gives, as one over what it is made of.
fn carried(condition: &Scalar, values: &[Scalar]) -> Option<Scalar> {
    let below = condition.over(values).folded();
    (!below.any(&is_of_more) && size(&below) <= MAX_PARTS).then_some(below)
}

fn size(scalar: &Scalar) -> usize {
    1 + scalar.operands().into_iter().map(size).sum::<usize>()
}

fn reads_from(part: &Scalar, width: usize) -> bool {
    matches!(part.kind, ScalarKind::Column(at) if at >= width)
}

/// Whether a value depends on more than its row.
pub(super) fn is_of_more(part: &Scalar) -> bool {
    part.is_unknown()
        || matches!(
            part.kind,
            ScalarKind::Volatile(_) | ScalarKind::Subquery(_) | ScalarKind::MembershipOf { .. }
        )
}

#[cfg(test)]
mod tests {
    use castellan_kql::bind::{Options, bind};
    use castellan_kql::parse;

    use super::*;
    use crate::check::Schemas;

    fn found(query: &str, now: i64) -> Vec<Need> {
        let options = Options { now, ..Options::default() };
        let bound = bind(&parse(query).script, &Schemas::default(), &options).unwrap();
        reads(&bound.results[0].plan).unwrap().needs
    }

    /// The conditions at each table, as texts.
    fn check(query: &str, expected: &[(&str, usize)]) {
        let hour = 36_000_000_000;
        let now = Options::default().now;
        let lasting = lasting(found(query, now), &found(query, now + 7 * hour)).unwrap();
        let counts: Vec<(&str, usize)> =
            lasting.iter().map(|need| (&*need.table, need.conditions.len())).collect();
        assert_eq!(counts, expected, "{query}");
    }

    #[test]
    fn conditions_come_down_to_tables() {
        check("SigninLogs", &[("SigninLogs", 0)]);
        check("SigninLogs | where ResultType == '50126' and UserId != ''", &[("SigninLogs", 2)]);
        check(
            "SigninLogs | extend U = tolower(UserPrincipalName) | where U has 'admin' | summarize count() by U",
            &[("SigninLogs", 1)],
        );
        check(
            "SigninLogs | summarize n = count() by UserId | where n > 3 and UserId != ''",
            &[("SigninLogs", 0)],
        );
        check(
            "union (SigninLogs | where UserId == 'a'), (AuditLogs | project UserId = Id) | where UserId startswith 'a'",
            &[("SigninLogs", 2), ("AuditLogs", 1)],
        );
        check(
            "Syslog | parse SyslogMessage with * '(' Name ')' * | where isnotempty(Name) and Name has_any ('a.example', 'b')",
            &[("Syslog", 1)],
        );
        check(
            "Syslog | parse-kv SyslogMessage as (Name: string) | where Name == 'a' and HostName == 'b'",
            &[("Syslog", 1)],
        );
        check(
            "SigninLogs | where UserId in ((AuditLogs | where Category == 'x' | project Id)) and ResultType == '0'",
            &[("AuditLogs", 1), ("SigninLogs", 1)],
        );
    }

    #[test]
    fn what_depends_on_the_time_is_left_to_the_query() {
        check("SigninLogs | where TimeGenerated > ago(1h) and ResultType == '0'", &[("SigninLogs", 1)]);
        check("SigninLogs | where rand() > 0.5 and ResultType == '0'", &[("SigninLogs", 1)]);
    }
}
