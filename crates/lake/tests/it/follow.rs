//! A moment, and what comes after it.

use std::sync::Arc;

use castellan_kql::bind::{Options as Times, bind};
use castellan_kql::plan::Step;
use castellan_kql::{Value, parse};
use castellan_lake::{Arrival, Lake};
use castellan_query::arrow::array::{BooleanArray, RecordBatch};
use castellan_query::compiled::{Arrived, Columns, Compiler};
use castellan_query::{Engine, Settings, physical};

use crate::support::{Outcome, append, open, query};

/// A row for each kind of value, and one that says nothing.
const ROWS: &str = r#"[
    {"UserPrincipalName": "ann@contoso.com", "ResultType": "50126", "CreatedDateTime": "2026-11-21T10:00:00.1234567Z",
     "LocationDetails": {"city": "Ulm"}, "IsRisky": true, "DurationMs": 12, "RiskScore": 1.5},
    {},
    {"UserPrincipalName": "bob@contoso.com", "ResultType": "0", "TimeGenerated": "2026-11-20T10:00:00Z"}
]"#;

fn all(arrival: &Arrival) -> Result<RecordBatch, castellan_query::Error> {
    arrival.chosen(&BooleanArray::from(vec![true; arrival.rows()]))
}

/// The rows of arrivals as the language has them.
fn values(engine: &Engine, arrivals: &[Arrival]) -> Result<Vec<Vec<Value>>, Box<dyn std::error::Error>> {
    let table = engine.table("SigninLogs").ok_or("no table")?;
    let conversion = Compiler::default().conversion(&table)?;
    let mut rows = Vec::new();
    for arrival in arrivals {
        assert_eq!(*arrival.schema(), table.schema());
        rows.extend(physical::rows(&conversion.converted(&all(arrival)?)?, table.columns())?);
    }
    Ok(rows)
}

#[tokio::test]
async fn what_arrives_is_what_queries_see() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    append(&lake, "SigninLogs", "[{\"UserPrincipalName\": \"before\"}]").await?;
    let (moment, mut follower) = lake.follow(1 << 20);
    append(&lake, "SigninLogs", ROWS).await?;
    append(&lake, "AuditLogs", "[{\"Category\": \"x\"}]").await?;
    let arrivals = follower.take()?;
    assert_eq!(
        arrivals.iter().map(|arrival| &**arrival.table()).collect::<Vec<_>>(),
        ["SigninLogs", "AuditLogs"]
    );
    let engine = lake.engine(Settings::default());
    let answers = engine.query("SigninLogs | where UserPrincipalName != 'before'").await?;
    let answer = answers.answers.first().ok_or("no answer")?;
    assert_eq!(values(&engine, arrivals.get(..1).ok_or("nothing came")?)?, answer.values()?);
    let answers = moment.engine(Settings::default()).query("SigninLogs | project UserPrincipalName").await?;
    assert_eq!(answers.answers.first().ok_or("no answer")?.values()?, [[Value::string("before")]]);
    Ok(())
}

#[tokio::test]
async fn conditions_hold_as_in_queries() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    let (_moment, mut follower) = lake.follow(1 << 20);
    append(&lake, "SigninLogs", ROWS).await?;
    let arrivals = follower.take()?;
    let arrival = arrivals.first().ok_or("nothing came")?;
    let engine = lake.engine(Settings::default());
    let table = engine.table("SigninLogs").ok_or("no table")?;
    for condition in [
        "ResultType == '50126'",
        "ResultType != '50126'",
        "isempty(UserPrincipalName)",
        "UserPrincipalName has 'ann' or ResultType == '0'",
        "LocationDetails.city =~ 'ulm'",
        "CreatedDateTime >= datetime(2026-11-21T10:00:00Z)",
        "TimeGenerated > datetime(2026-11-20T12:00:00Z)",
        "Type == 'SigninLogs' and isnotempty(TenantId)",
        "strlen(UserPrincipalName) > 3",
    ] {
        let script = parse(&format!("SigninLogs | where {condition}")).script;
        let bound =
            bind(&script, engine.database(), &Times::default()).map_err(castellan_query::Error::from)?;
        let plan = &bound.results.first().ok_or("no plan")?.plan;
        let Step::Filter { predicate, .. } = &plan.step else { return Err("no condition".into()) };
        let holds = Compiler::default().condition(&table, predicate)?.holds(arrival)?;
        let expected = query(&lake, &format!("SigninLogs | where {condition} | count")).await?;
        assert_eq!(vec![vec![holds.true_count().to_string()]], expected, "{condition}");
    }
    Ok(())
}

#[tokio::test]
async fn each_row_is_on_one_side_of_the_moment() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = Arc::new(open(folder.path()).await?);
    let writer = tokio::spawn(write(Arc::clone(&lake)));
    let mut seen = Vec::new();
    for _ in 0..5 {
        tokio::task::yield_now().await;
        let (moment, follower) = lake.follow(1 << 20);
        let answers = moment.engine(Settings::default()).query("SigninLogs | count").await?;
        seen.push((answers.answers.first().ok_or("no answer")?.values()?, follower));
    }
    writer.await??;
    for (before, mut follower) in seen {
        let after: usize = follower.take()?.iter().map(Columns::rows).sum();
        let [row] = before.as_slice() else { return Err("no count".into()) };
        let before = row.first().and_then(Value::to_i64).ok_or("no number")?;
        assert_eq!(usize::try_from(before)? + after, 40);
    }
    Ok(())
}

async fn write(lake: Arc<Lake>) -> Result<(), castellan_lake::Error> {
    for number in 0..40 {
        append(&lake, "SigninLogs", &format!("[{{\"UserPrincipalName\": \"u{number}\"}}]")).await?;
        if number % 10 == 5 {
            lake.flush().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_follower_without_room_is_told() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    let (_moment, mut follower) = lake.follow(10);
    append(&lake, "SigninLogs", ROWS).await?;
    assert!(follower.take().is_err(), "rows that found no room are not passed over in silence");
    let (_moment, mut again) = lake.follow(1 << 20);
    append(&lake, "SigninLogs", ROWS).await?;
    again.wait().await;
    assert_eq!(again.take()?.len(), 1);
    assert_eq!(again.take()?.len(), 0);
    Ok(())
}
