//! What more rows do to the results of a query.
//!
//! A result may be told before its window is over when more rows cannot take it back. Of rows that are looked at one by
//! one none is taken back; a group that passed a threshold stays beyond it where what is compared can only rise, as a
//! count does. Whatever is not known to be so is left to the end of the window.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::ast::{BinaryKind, MembershipOperator};
use castellan_kql::plan::{Aggregate, AggregateFunction, JoinKind, Plan, Scalar, ScalarKind, Step};

/// How results come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// Each row by itself.
    Rows,
    /// More rows add results and take none back.
    Groups,
}

/// What becomes of a column of a result when more rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// It stays as it is.
    Fixed,
    /// It stays or rises: a number, a set, a condition that becomes true.
    Rising,
    /// Nothing is known of it.
    Changing,
}

/// Why a query cannot be told before its window is over.
type Reason = &'static str;

const CHANCE: Reason = "it draws by chance";
const TAKEN_BACK: Reason = "more events may take a result back";
const COMPARED: Reason = "it compares a value that may fall when more events come";

/// How the results of a plan come about.
///
/// Errors: why more rows may take results back.
pub(super) fn growth(plan: &Arc<Plan>, is_still: &dyn Fn(&str) -> bool) -> Result<Growth, Reason> {
    let look = Look { is_still };
    if look.is_of_rows(plan) {
        return Ok(Growth::Rows);
    }
    let classes = look.classes(plan)?;
    let has_keys = crate::run::keys(plan).is_some();
    if !has_keys && classes.iter().any(|class| *class != Class::Fixed) {
        return Err("its results change while events come, and nothing tells them apart");
    }
    Ok(Growth::Groups)
}

struct Look<'l> {
    /// Whether nothing arrives in a table of the name, as in a watchlist.
    is_still: &'l dyn Fn(&str) -> bool,
}

impl Look<'_> {
    /// Whether nothing arrives in what a plan reads.
    fn stands_still(&self, plan: &Arc<Plan>) -> bool {
        plan.tables().iter().all(|table| (self.is_still)(table))
    }

    /// Whether a value depends on its row and on what stands still.
    fn is_of_row(&self, scalar: &Scalar) -> bool {
        let own = match &scalar.kind {
            ScalarKind::Volatile(_) => false,
            ScalarKind::Subquery(plan) | ScalarKind::MembershipOf { table: plan, .. } => {
                self.stands_still(plan)
            }
            _ => true,
        };
        own && scalar.operands().into_iter().all(|operand| self.is_of_row(operand))
    }

    /// Whether each row gives its results by itself.
    fn is_of_rows(&self, plan: &Arc<Plan>) -> bool {
        if !plan.step.scalars().into_iter().all(|scalar| self.is_of_row(scalar)) {
            return false;
        }
        match &plan.step {
            Step::Table(_) => true,
            Step::Filter { input, .. }
            | Step::Project { input, .. }
            | Step::Parse { input, .. }
            | Step::Expand { input, .. }
            | Step::Sort { input, .. } => self.is_of_rows(input),
            Step::Union(parts) => parts.iter().all(|part| self.is_of_rows(part)),
            Step::Join { kind, left, right, .. } => {
                let is_beside = matches!(
                    kind,
                    JoinKind::Inner | JoinKind::LeftOuter | JoinKind::LeftSemi | JoinKind::LeftAnti
                );
                is_beside && self.is_of_rows(left) && self.stands_still(right)
            }
            _ => false,
        }
    }

    /// What becomes of each column.
    fn classes(&self, plan: &Arc<Plan>) -> Result<Vec<Class>, Reason> {
        if self.stands_still(plan) {
            return Ok(vec![Class::Fixed; plan.columns.len()]);
        }
        match &plan.step {
            Step::Table(_) => Ok(vec![Class::Fixed; plan.columns.len()]),
            Step::Filter { input, predicate } => {
                let classes = self.classes(input)?;
                match self.class(predicate, &classes)? {
                    Class::Changing => Err(COMPARED),
                    _ => Ok(classes),
                }
            }
            Step::Project { input, values } => {
                let classes = self.classes(input)?;
                values.iter().map(|value| self.class(value, &classes)).collect()
            }
            Step::Sort { input, .. } | Step::Materialize(input) => self.classes(input),
            Step::Aggregate { input, keys, aggregates } => self.aggregate(input, keys, aggregates),
            Step::Union(parts) => self.union(parts, plan.columns.len()),
            Step::Join { kind, left, right, on } => self.join(*kind, left, right, on),
            Step::Expand { input, kept, columns, .. } => {
                let classes = self.classes(input)?;
                let of = |at: &usize| classes.get(*at).copied().unwrap_or(Class::Changing);
                let mut found: Vec<Class> = kept.iter().map(of).collect();
                for column in columns {
                    // Items of a set that grows stay in it.
                    if self.class(&column.value, &classes)? == Class::Changing {
                        return Err(TAKEN_BACK);
                    }
                }
                found.resize(plan.columns.len(), Class::Fixed);
                Ok(found)
            }
            Step::Parse { input, .. } => {
                let mut classes = self.classes(input)?;
                self.all_fixed(plan.step.scalars(), &classes)?;
                classes.resize(plan.columns.len(), Class::Fixed);
                Ok(classes)
            }
            Step::Take { .. } | Step::Sample { .. } => Err("it keeps so many results and no more"),
            Step::Window { .. } => Err("it looks at rows before and behind"),
            _ => Err(TAKEN_BACK),
        }
    }

    fn all_fixed(&self, scalars: Vec<&Scalar>, classes: &[Class]) -> Result<(), Reason> {
        for scalar in scalars {
            if self.class(scalar, classes)? != Class::Fixed {
                return Err(TAKEN_BACK);
            }
        }
        Ok(())
    }

    fn aggregate(
        &self,
        input: &Arc<Plan>,
        keys: &[Scalar],
        aggregates: &[Aggregate],
    ) -> Result<Vec<Class>, Reason> {
        let classes = self.classes(input)?;
        self.all_fixed(keys.iter().collect(), &classes)?;
        let mut found = vec![Class::Fixed; keys.len()];
        for aggregate in aggregates {
            let mut class = rises(&aggregate.function);
            for scalar in aggregate.scalars() {
                if self.class(scalar, &classes)? != Class::Fixed {
                    class = Class::Changing;
                }
            }
            found.extend(aggregate.outputs.iter().map(|_| class));
        }
        Ok(found)
    }

    fn union(&self, parts: &[Arc<Plan>], width: usize) -> Result<Vec<Class>, Reason> {
        let mut found = vec![Class::Fixed; width];
        for part in parts {
            for (class, other) in found.iter_mut().zip(self.classes(part)?) {
                *class = (*class).max(other);
            }
        }
        Ok(found)
    }

    fn join(
        &self,
        kind: JoinKind,
        left: &Arc<Plan>,
        right: &Arc<Plan>,
        on: &[(Scalar, Scalar)],
    ) -> Result<Vec<Class>, Reason> {
        let (left_classes, right_classes) = (self.classes(left)?, self.classes(right)?);
        for (one, other) in on {
            let is_fixed = self.class(one, &left_classes)? == Class::Fixed
                && self.class(other, &right_classes)? == Class::Fixed;
            if !is_fixed {
                return Err(TAKEN_BACK);
            }
        }
        let is_beside_still = self.stands_still(right);
        match kind {
            JoinKind::Inner => {}
            JoinKind::InnerUnique if keeps_all(left, on) => {}
            JoinKind::InnerUnique => return Err("its join keeps one row of each key, and which may change"),
            JoinKind::LeftSemi => return Ok(left_classes),
            JoinKind::RightSemi => return Ok(right_classes),
            JoinKind::LeftOuter if is_beside_still => {}
            JoinKind::LeftAnti if is_beside_still => return Ok(left_classes),
            _ => return Err(TAKEN_BACK),
        }
        Ok(left_classes.into_iter().chain(right_classes).collect())
    }

    fn class(&self, scalar: &Scalar, classes: &[Class]) -> Result<Class, Reason> {
        let of = |part: &Scalar| self.class(part, classes);
        Ok(match &scalar.kind {
            ScalarKind::Literal(_) => Class::Fixed,
            ScalarKind::Column(at) => classes.get(*at).copied().unwrap_or(Class::Changing),
            ScalarKind::Volatile(_) => return Err(CHANCE),
            ScalarKind::Subquery(plan) if self.stands_still(plan) => Class::Fixed,
            ScalarKind::Subquery(_) => Class::Changing,
            ScalarKind::MembershipOf { value, table, .. } if self.stands_still(table) => {
                if of(value)? == Class::Fixed { Class::Fixed } else { Class::Changing }
            }
            ScalarKind::MembershipOf { value, operator, table } => {
                let is_negated = matches!(operator, MembershipOperator::In { is_negated: true, .. });
                let grows = self.classes(table)?.first() == Some(&Class::Fixed);
                let is_rising = of(value)? == Class::Fixed && grows && !is_negated;
                if is_rising && !matches!(operator, MembershipOperator::HasAll) {
                    Class::Rising
                } else {
                    Class::Changing
                }
            }
            ScalarKind::Binary { operator, left, right } => {
                let (left, right) = (of(left)?, of(right)?);
                binary(operator.kind, left, right)
            }
            ScalarKind::Cast(value) => match (of(value)?, scalar.scalar_type) {
                (Class::Rising, ScalarType::Long | ScalarType::Int | ScalarType::Real) => Class::Rising,
                (Class::Fixed, _) => Class::Fixed,
                _ => Class::Changing,
            },
            ScalarKind::Call { function, arguments } => {
                let mut whole = Class::Fixed;
                for argument in arguments {
                    whole = whole.max(of(argument)?);
                }
                let carries =
                    matches!(function.name, "array_length" | "tolong" | "toint" | "todouble" | "toreal");
                if whole == Class::Rising && !carries { Class::Changing } else { whole }
            }
            _ => {
                let mut whole = Class::Fixed;
                for operand in scalar.operands() {
                    whole = whole.max(of(operand)?);
                }
                if whole == Class::Rising { Class::Changing } else { whole }
            }
        })
    }
}

fn binary(operator: BinaryKind, left: Class, right: Class) -> Class {
    let both = left.max(right);
    let rises = match operator {
        BinaryKind::And | BinaryKind::Or | BinaryKind::Add => true,
        BinaryKind::Greater | BinaryKind::GreaterOrEqual => right == Class::Fixed,
        BinaryKind::Less | BinaryKind::LessOrEqual => left == Class::Fixed,
        _ => false,
    };
    if both == Class::Rising && !rises { Class::Changing } else { both }
}

/// What becomes of an aggregate's value when more rows come to its group.
fn rises(function: &AggregateFunction) -> Class {
    match function {
        AggregateFunction::Count
        | AggregateFunction::CountDistinct
        | AggregateFunction::Dcount
        | AggregateFunction::Maximum
        | AggregateFunction::MakeSet { .. }
        | AggregateFunction::MakeList { .. } => Class::Rising,
        _ => Class::Changing,
    }
}

/// Whether the left side has one row of each key, so that keeping one keeps all.
fn keeps_all(left: &Arc<Plan>, on: &[(Scalar, Scalar)]) -> bool {
    let joined: Option<Vec<usize>> = on
        .iter()
        .map(|(one, _)| match one.kind {
            ScalarKind::Column(at) => Some(at),
            _ => None,
        })
        .collect();
    match (crate::run::keys(left), joined) {
        (Some(keys), Some(joined)) => keys.iter().all(|key| joined.contains(key)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use castellan_kql::bind::{Options, bind};
    use castellan_kql::parse;

    use super::*;
    use crate::check::Schemas;

    fn check(query: &str, expected: Option<Growth>) {
        let bound = bind(&parse(query).script, &Schemas::default(), &Options::default()).unwrap();
        let found = growth(&bound.results[0].plan, &|name| name == "still");
        assert_eq!(found.ok(), expected, "{query}: {found:?}");
    }

    #[test]
    fn rows_stand_by_themselves() {
        check("SigninLogs | where ResultType == '0' | extend X = 1 | project X, UserId", Some(Growth::Rows));
        check("union SigninLogs, AADNonInteractiveUserSignInLogs | where UserId != ''", Some(Growth::Rows));
        check(
            "SigninLogs | mv-expand parse_json(tostring(LocationDetails)) | parse UserId with a ':' b",
            Some(Growth::Rows),
        );
        check("SigninLogs | where UserId in ('a', 'b') | sort by TimeGenerated", Some(Growth::Rows));
    }

    #[test]
    fn groups_that_can_only_rise_are_told_early() {
        let early = Some(Growth::Groups);
        check("SigninLogs | summarize n = count() by UserId | where n > 3", early);
        check(
            "SigninLogs | summarize n = dcount(IPAddress), s = make_set(IPAddress) by UserId | where 3 <= n or array_length(s) >= 5",
            early,
        );
        check("SigninLogs | distinct UserId", early);
        check("SigninLogs | where UserId in ((AuditLogs | project Id))", early);
        check(
            "SigninLogs | summarize n = count() by UserId | join kind=inner (AuditLogs | summarize m = count() by UserId = Id) on UserId | where n > 3 and m > 2",
            early,
        );
        check(
            "SigninLogs | summarize n = countif(ResultType != '0') by bin(TimeGenerated, 5m), UserId | where n > 9",
            early,
        );
        check(
            "SigninLogs | summarize n = count() by UserId | join (AuditLogs | summarize by UserId = Id) on UserId",
            early,
        );
    }

    #[test]
    fn what_may_be_taken_back_waits() {
        for query in [
            "SigninLogs | summarize n = count() by UserId | where n < 3",
            "SigninLogs | summarize n = count() by UserId | where n == 3",
            "SigninLogs | summarize n = avg(1.0) by UserId | where n > 3",
            "SigninLogs | summarize n = count() by UserId | project n",
            "SigninLogs | where UserId !in ((AuditLogs | project Id))",
            "SigninLogs | join kind=leftanti (AuditLogs) on $left.UserId == $right.Id",
            "SigninLogs | join (AuditLogs) on $left.UserId == $right.Id",
            "SigninLogs | top 5 by TimeGenerated",
            "SigninLogs | serialize | extend p = prev(UserId)",
            "SigninLogs | summarize n = count() by UserId | where n * -1 > 3",
            "SigninLogs | summarize n = count() by UserId | summarize count() by n",
            "SigninLogs | summarize n = count() by UserId | extend r = iff(n > 3, 'a', 'b') | where r == 'b'",
            "SigninLogs | make-series n = count() on TimeGenerated step 1h by UserId",
        ] {
            check(query, None);
        }
    }
}
