//! Where the results of a query come from, and whether there can be any.

/// Where results come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// From the rows at a place where the plan reads a table.
    Place(usize),
    /// From all of these together: there are none where one of them gives nothing.
    All(Vec<Source>),
    /// From any of these: there are none where all of them give nothing.
    Some(Vec<Source>),
    /// There may be some whatever the tables hold.
    Open,
}

impl Source {
    /// Whether there are no results where the places that `is_empty` names have no rows. Where that is not plain, there
    /// may be some.
    pub(super) fn is_nothing(&self, is_empty: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Source::Place(place) => is_empty(*place),
            Source::All(parts) => parts.iter().any(|part| part.is_nothing(is_empty)),
            Source::Some(parts) => parts.iter().all(|part| part.is_nothing(is_empty)),
            Source::Open => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use castellan_kql::bind::{Options, bind};
    use castellan_kql::parse;

    use crate::check::Schemas;
    use crate::stream::needs::reads;

    /// Where `Syslog` has no rows and other tables have some.
    fn check(query: &str, expected: bool) {
        let schemas = Schemas::default();
        let bound = bind(&parse(query).script, &schemas, &Options::default()).unwrap();
        let reads = reads(&bound.results[0].plan).unwrap();
        let is_empty = |place: usize| &*reads.needs[place].table == "Syslog";
        assert_eq!(reads.source.is_nothing(&is_empty), expected, "{query}");
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
        check("Heartbeat | where Computer in ((Syslog | project Computer))", true);
        check("Heartbeat | where OSType == '' and Computer in ((Syslog | project Computer))", true);
        check("Heartbeat | where OSType == '' or Computer in ((Syslog | project Computer))", false);
        check("Heartbeat | where Computer !in ((Syslog | project Computer))", false);
        check("Heartbeat | where toscalar(Syslog | count) == 0", false);
    }
}
