//! Queries that have no results where tables have no rows.

use std::sync::Arc;

use castellan_kql::plan::{JoinKind, Plan, Step};

/// Whether a plan has no results where the tables that `is_empty` names have no rows. Where that is not plain, it may have some.
pub(super) fn gives_nothing(plan: &Arc<Plan>, is_empty: &dyn Fn(&str) -> bool) -> bool {
    let nothing = |plan: &Arc<Plan>| gives_nothing(plan, is_empty);
    match &plan.step {
        Step::Table(table) => is_empty(table),
        Step::Filter { input, .. }
        | Step::Project { input, .. }
        | Step::Sort { input, .. }
        | Step::Parse { input, .. }
        | Step::Expand { input, .. }
        | Step::Materialize(input) => nothing(input),
        Step::Aggregate { input, keys, .. } => !keys.is_empty() && nothing(input),
        Step::Union(parts) => parts.iter().all(nothing),
        Step::Join { kind, left, right, .. } => match kind {
            JoinKind::Inner | JoinKind::InnerUnique | JoinKind::LeftSemi | JoinKind::RightSemi => {
                nothing(left) || nothing(right)
            }
            JoinKind::LeftOuter | JoinKind::LeftAnti => nothing(left),
            JoinKind::RightOuter | JoinKind::RightAnti => nothing(right),
            JoinKind::FullOuter => nothing(left) && nothing(right),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use castellan_kql::bind::{Options, bind};
    use castellan_kql::parse;

    use super::*;
    use crate::check::Schemas;

    /// Where `Syslog` has no rows and other tables have some.
    fn check(query: &str, expected: bool) {
        let schemas = Schemas::default();
        let bound = bind(&parse(query).script, &schemas, &Options::default()).unwrap();
        let is_empty = |table: &str| table == "Syslog";
        assert_eq!(gives_nothing(&bound.results[0].plan, &is_empty), expected, "{query}");
    }

    #[test]
    fn it_is_nothing_only_where_that_is_plain() {
        check("Syslog | where Computer == 'a' | summarize count() by Computer", true);
        check("Syslog | summarize count()", false);
        check("SigninLogs | where AppId == 'a'", false);
        check("union Syslog, SigninLogs", false);
        for (kind, expected) in [
            ("inner", true),
            ("innerunique", true),
            ("leftsemi", true),
            ("rightsemi", true),
            ("leftouter", false),
            ("leftanti", false),
            ("rightouter", true),
            ("rightanti", true),
            ("fullouter", false),
        ] {
            let other = "(Syslog | project Computer)";
            check(&format!("Heartbeat | project Computer | join kind={kind} {other} on Computer"), expected);
        }
        check("let T = materialize(Syslog); T | join kind=leftanti (Heartbeat) on Computer", true);
        check("Heartbeat | where Computer in ((Syslog | project Computer))", false);
    }
}
