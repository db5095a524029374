//! Tables that queries fill.

use castellan_kql::value::parse_datetime;
use castellan_lake::{Append, Definition, Error, Form, Lake, Materialized, Options, Summary};

use crate::clock::{Jumping, START};
use crate::support::{Outcome, append, query, quiet, value};

fn micros(text: &str) -> Result<i64, String> {
    let ticks = parse_datetime(text).ok_or(format!("{text} is no time"))?;
    Ok(castellan_lake::rows::micros_of_ticks(ticks))
}

fn hourly() -> Summary {
    Summary {
        name: "failures".to_owned(),
        query:
            "SigninLogs | where ResultType != '0' | summarize Failures = count() by UserPrincipalName; // all"
                .to_owned(),
        destination_table: "Failures_CL".to_owned(),
        bin_size: 60,
        bin_start_time: Some("2026-01-01T00:00:00Z".to_owned()),
        is_active: true,
        ..Summary::default()
    }
}

async fn signins(lake: &Lake, rows: &str) -> Result<(), Error> {
    let how = Append { keeps_times: true, ..Append::default() };
    lake.append("SigninLogs", rows.as_bytes(), Form::Array, how).await.map(|_| ())
}

const ROWS: &str = r#"[
    {"TimeGenerated": "2025-12-31T23:59:59Z", "UserPrincipalName": "early", "ResultType": "1"},
    {"TimeGenerated": "2026-01-01T00:00:00Z", "UserPrincipalName": "ann", "ResultType": "1"},
    {"TimeGenerated": "2026-01-01T00:59:59Z", "UserPrincipalName": "ann", "ResultType": "2"},
    {"TimeGenerated": "2026-01-01T00:30:00Z", "UserPrincipalName": "bob", "ResultType": "0"},
    {"TimeGenerated": "2026-01-01T02:00:00Z", "UserPrincipalName": "bob", "ResultType": "3"}]"#;

const FAILURES: &str = "Failures_CL | project UserPrincipalName, Failures, _RuleName, _BinSize, \
    _BinStartTime | order by _BinStartTime asc, UserPrincipalName asc";

#[tokio::test]
async fn a_summary_has_each_bin_once_whenever_the_process_ends() -> Outcome {
    let folder = tempfile::tempdir()?;
    let clock = Jumping::default();
    let options = || Options { clock: clock.clock(), ..quiet() };
    clock.set(START + 3 * 3_600);
    let lake = Lake::open(folder.path(), options()).await?;
    signins(&lake, ROWS).await?;
    lake.define(Definition::Summary(hourly())).await?;
    // Two bins are over, and the third is waited for: late rows may come.
    let runs = lake.run_definition("failures").await?;
    assert_eq!(runs.iter().map(|run| run.rows).collect::<Vec<_>>(), [1, 0]);
    let first = ["ann", "2", "failures", "60", "2026-01-01T00:00:00.0000000Z"];
    assert_eq!(query(&lake, FAILURES).await?, [first]);
    assert!(lake.run_definition("failures").await?.is_empty());
    drop(lake);
    clock.set(START + 3 * 3_600 + 300);
    let lake = Lake::open(folder.path(), options()).await?;
    assert_eq!(lake.run_definition("failures").await?.len(), 1);
    let third = ["bob", "1", "failures", "60", "2026-01-01T02:00:00.0000000Z"];
    assert_eq!(query(&lake, FAILURES).await?, [first, third]);
    lake.close().await?;
    let lake = Lake::open(folder.path(), options()).await?;
    assert!(lake.run_definition("failures").await?.is_empty());
    assert_eq!(query(&lake, FAILURES).await?, [first, third]);
    let told = "LASummaryLogs | summarize count(), sum(ResultsRecordCount) by RuleName, Status";
    assert_eq!(query(&lake, told).await?, [["failures", "Succeeded", "3", "2"]]);
    Ok(())
}

#[tokio::test]
async fn a_bin_that_is_run_again_takes_the_place_of_its_rows() -> Outcome {
    let folder = tempfile::tempdir()?;
    let clock = Jumping::default();
    clock.set(START + 4 * 3_600);
    let lake = Lake::open(folder.path(), Options { clock: clock.clock(), ..quiet() }).await?;
    signins(&lake, ROWS).await?;
    lake.define(Definition::Summary(hourly())).await?;
    assert_eq!(lake.run_definition("failures").await?.len(), 3);
    let late =
        r#"[{"TimeGenerated": "2026-01-01T00:10:00Z", "UserPrincipalName": "cid", "ResultType": "1"}]"#;
    signins(&lake, late).await?;
    assert_eq!(value(&lake, "Failures_CL | count").await?, "2", "late rows do not change what is there");
    let run = lake.retry_bin("failures", micros("2026-01-01T00:00:00Z")?).await?;
    assert_eq!(run.rows, 2);
    assert_eq!(
        query(&lake, "Failures_CL | project UserPrincipalName, Failures | order by UserPrincipalName asc")
            .await?,
        [["ann", "2"], ["bob", "1"], ["cid", "1"]]
    );
    for wrong in ["2026-01-01T00:30:00Z", "2025-12-31T00:00:00Z", "2026-01-01T03:00:00Z"] {
        assert!(lake.retry_bin("failures", micros(wrong)?).await.is_err(), "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn a_bin_that_fails_is_told_and_does_not_stop_the_others_for_ever() -> Outcome {
    let folder = tempfile::tempdir()?;
    let clock = Jumping::default();
    clock.set(START + 3 * 3_600 + 300);
    let lake = Lake::open(folder.path(), Options { clock: clock.clock(), ..quiet() }).await?;
    signins(&lake, ROWS).await?;
    // A bin with rows of nobody gives more rows than a run may.
    let failing = "SigninLogs | where isempty(UserPrincipalName) | extend k = 1
        | join kind=inner (range x from 1 to 600000 step 1 | extend k = 1) on k | project x";
    let rule = Summary { query: failing.to_owned(), ..hourly() };
    lake.define(Definition::Summary(rule)).await?;
    signins(&lake, r#"[{"TimeGenerated": "2026-01-01T01:00:00Z"}]"#).await?;
    for _ in 0..8 {
        let runs = lake.run_definition("failures").await;
        assert!(runs.is_err(), "{runs:?}");
    }
    assert_eq!(lake.run_definition("failures").await?.len(), 1, "the bin behind it");
    let told =
        "LASummaryLogs | summarize count(), take_any(Message has 'rows') by Status | order by Status asc";
    assert_eq!(query(&lake, told).await?, [["Failed", "8", "True"], ["Succeeded", "2", "False"]]);
    Ok(())
}

#[tokio::test]
async fn a_materialized_table_is_what_its_query_gave_last() -> Outcome {
    let folder = tempfile::tempdir()?;
    let clock = Jumping::default();
    clock.set(START);
    let options = || Options { clock: clock.clock(), ..quiet() };
    let lake = Lake::open(folder.path(), options()).await?;
    signins(&lake, ROWS).await?;
    let table = Materialized {
        name: "Users_CL".to_owned(),
        query: "SigninLogs | summarize Count = count() by UserPrincipalName".to_owned(),
        every: 5,
        ..Materialized::default()
    };
    lake.define(Definition::Materialized(table.clone())).await?;
    let users = "Users_CL | project UserPrincipalName, Count | order by UserPrincipalName asc";
    for round in ["1", "2"] {
        lake.run_definition("Users_CL").await?;
        assert_eq!(query(&lake, users).await?, [["ann", "2"], ["bob", "2"], ["early", round]]);
        signins(&lake, r#"[{"UserPrincipalName": "early", "ResultType": "1"}]"#).await?;
    }
    assert!(matches!(append(&lake, "Users_CL", r#"{"Count": 1}"#).await, Err(Error::Derived { .. })));
    drop(lake);
    let lake = Lake::open(folder.path(), options()).await?;
    assert_eq!(query(&lake, users).await?, [["ann", "2"], ["bob", "2"], ["early", "2"]]);
    assert_eq!(lake.definitions().len(), 1);
    lake.undefine("Users_CL")?;
    assert!(lake.undefine("Users_CL").is_err());
    assert_eq!(value(&lake, "Users_CL | count").await?, "3", "the table stays");
    Ok(())
}

#[tokio::test]
async fn definitions_that_cannot_run_are_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = crate::support::open(folder.path()).await?;
    for query in ["NoSuchTable | count", "SigninLogs | where", "SigninLogs | project Nothing"] {
        let refused = lake.define(Definition::Summary(Summary { query: query.to_owned(), ..hourly() })).await;
        assert!(matches!(refused, Err(Error::Derived { .. })), "{query}: {refused:?}");
    }
    lake.define(Definition::Summary(hourly())).await?;
    let taken = Materialized {
        name: "Failures_CL".to_owned(),
        query: "SigninLogs".to_owned(),
        every: 5,
        ..Materialized::default()
    };
    assert!(lake.define(Definition::Materialized(taken)).await.is_err(), "a summary fills that table");
    assert!(lake.run_definition("nothing").await.is_err());
    Ok(())
}

/// With upkeep nobody has to ask.
#[tokio::test]
async fn a_lake_keeps_up_by_itself() -> Outcome {
    let folder = tempfile::tempdir()?;
    let clock = Jumping::default();
    clock.set(START + 2 * 3_600);
    let options = Options {
        upkeep: true,
        derive_every: std::time::Duration::from_millis(50),
        clock: clock.clock(),
        ..quiet()
    };
    let lake = Lake::open(folder.path(), options).await?;
    signins(&lake, ROWS).await?;
    lake.define(Definition::Summary(hourly())).await?;
    for _ in 0..200 {
        if query(&lake, "Failures_CL | count").await.is_ok_and(|rows| rows == [["1"]]) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Err(format!("no summary was made: {:?}", lake.problems()).into())
}
