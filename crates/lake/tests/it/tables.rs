//! Tables as a whole: how long they keep rows, which rows go, and whether they stay.

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_lake::{Append, Deleted, Error, Form, Lake, Retention};

use crate::support::{Outcome, append, open, query, value};

const ROWS: &str = r#"[{"UserPrincipalName": "ann@example.com", "ResultType": "0"},
    {"UserPrincipalName": "bob@example.com", "ResultType": "50126", "LocationDetails": {"city": "Bern"}},
    {"UserPrincipalName": "ann@example.com", "ResultType": "50126"}, {"ResultType": "1"}]"#;

async fn lake_of_users(folder: &std::path::Path) -> Result<Lake, Box<dyn std::error::Error>> {
    let lake = open(folder).await?;
    append(&lake, "SigninLogs", ROWS).await?;
    lake.flush().await?;
    append(&lake, "SigninLogs", ROWS).await?;
    append(&lake, "AuditLogs", r#"[{"Identity": "ann@example.com"}]"#).await?;
    Ok(lake)
}

const USERS: &str = "SigninLogs | summarize count() by UserPrincipalName | order by UserPrincipalName asc";

#[tokio::test]
async fn rows_go_by_a_condition_and_no_others() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = lake_of_users(folder.path()).await?;
    let others =
        "SigninLogs | where UserPrincipalName !startswith 'ann' | order by TimeGenerated asc, ResultType asc";
    let before = query(&lake, others).await?;
    let deleted = lake.delete("SigninLogs", "UserPrincipalName == 'ann@example.com'").await?;
    assert_eq!(deleted, Deleted { rows: 4, files: 2 });
    assert_eq!(query(&lake, USERS).await?, [["", "2"], ["bob@example.com", "2"]]);
    assert_eq!(query(&lake, others).await?, before, "every other row is as it was, in each column");
    assert_eq!(value(&lake, "AuditLogs | count").await?, "1", "other tables have theirs");
    let again = lake.delete("SigninLogs", "UserPrincipalName == 'ann@example.com'").await?;
    assert_eq!(again, Deleted::default());
    drop(lake);
    let lake = open(folder.path()).await?;
    assert_eq!(query(&lake, USERS).await?, [["", "2"], ["bob@example.com", "2"]], "the log brings none back");
    assert_eq!(lake.delete("SigninLogs", "true").await?.rows, 4);
    assert_eq!(value(&lake, "SigninLogs | count").await?, "0");
    Ok(())
}

#[tokio::test]
async fn a_condition_that_cannot_be_told_of_a_row_leaves_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = lake_of_users(folder.path()).await?;
    // `city` is null in most rows: whether it is greater nobody knows.
    assert_eq!(lake.delete("SigninLogs", "tolong(ResultType) > tolong(LocationDetails.city)").await?.rows, 0);
    assert_eq!(lake.delete("SigninLogs", "LocationDetails.city == 'Bern'").await?.rows, 2);
    assert_eq!(value(&lake, "SigninLogs | count").await?, "6");
    Ok(())
}

#[tokio::test]
async fn a_condition_is_an_expression_of_the_table_and_nothing_else() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = lake_of_users(folder.path()).await?;
    for wrong in [
        "",
        "true) | where (true",
        "true // and no more",
        "NoSuchColumn == 1",
        "ResultType",
        "1",
        "ResultType in ((AuditLogs | project Identity))",
        "toscalar(AuditLogs | count) > 0",
        "true; SigninLogs",
    ] {
        let refused = lake.delete("SigninLogs", wrong).await;
        assert!(matches!(refused, Err(Error::Condition { .. })), "`{wrong}`: {refused:?}");
    }
    assert!(matches!(lake.delete("NoSuchTable", "true").await, Err(Error::UnknownTable { .. })));
    assert_eq!(value(&lake, "SigninLogs | count").await?, "8");
    Ok(())
}

#[tokio::test]
async fn each_table_keeps_rows_as_long_as_it_says() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    let old = Append { keeps_times: true, received: Some(1_600_000_000_000_000), ..Append::default() };
    let row = br#"[{"TimeGenerated": "2020-09-13T00:00:00Z"}]"#;
    for table in ["SigninLogs", "AuditLogs"] {
        lake.append(table, row, Form::Array, old.clone()).await?;
        append(&lake, table, "[{}]").await?;
    }
    lake.set_retention("SigninLogs", Retention::Days(90)).await?;
    lake.set_retention("AzureActivity", Retention::Days(30)).await?;
    lake.flush().await?;
    lake.tidy().await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "1");
    assert_eq!(value(&lake, "AuditLogs | count").await?, "2");
    lake.close().await?;
    let lake = open(folder.path()).await?;
    let kept: Vec<_> =
        lake.tables().into_iter().map(|table| (table.schema.name().to_string(), table.retention)).collect();
    let expected = [
        ("AuditLogs", Retention::Default),
        ("AzureActivity", Retention::Days(30)),
        ("SigninLogs", Retention::Days(90)),
    ];
    assert_eq!(kept, expected.map(|(name, kept)| (name.to_owned(), kept)));
    lake.set_retention("SigninLogs", Retention::Default).await?;
    assert!(lake.set_retention("NoSuchTable", Retention::Forever).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_removed_table_is_gone_and_may_be_made_again() -> Outcome {
    let folder = tempfile::tempdir()?;
    let columns = vec![Column::new("Count", ScalarType::Long)];
    let lake = lake_of_users(folder.path()).await?;
    lake.create_table("App_CL", columns.clone()).await?;
    append(&lake, "App_CL", r#"{"Count": 1}"#).await?;
    lake.drop_table("App_CL").await?;
    lake.drop_table("SigninLogs").await?;
    assert!(matches!(lake.drop_table("App_CL").await, Err(Error::UnknownTable { .. })));
    assert_eq!(value(&lake, "SigninLogs | count").await?, "0", "a declared one is there without rows");
    assert!(query(&lake, "App_CL").await.is_err());
    append(&lake, "SigninLogs", r#"[{"ResultType": "new"}]"#).await?;
    lake.create_table("App_CL", vec![Column::new("Count", ScalarType::String)]).await?;
    append(&lake, "App_CL", r#"{"Count": "two"}"#).await?;
    drop(lake);
    for _ in 0..2 {
        let lake = open(folder.path()).await?;
        assert_eq!(query(&lake, "SigninLogs | project ResultType").await?, [["new"]]);
        assert_eq!(query(&lake, "App_CL | project Count").await?, [["two"]]);
        assert_eq!(value(&lake, "AuditLogs | count").await?, "1");
        lake.close().await?;
    }
    // Positions do not come again when nothing but the memory of removed tables is left.
    let lake = open(folder.path()).await?;
    for table in ["SigninLogs", "App_CL", "AuditLogs"] {
        lake.drop_table(table).await?;
    }
    drop(lake);
    let log = folder.path().join("log");
    for entry in std::fs::read_dir(&log)? {
        let path = entry?.path();
        if path.extension().is_some() {
            std::fs::remove_file(path)?;
        }
    }
    let lake = open(folder.path()).await?;
    append(&lake, "SigninLogs", "[{}]").await?;
    drop(lake);
    let lake = open(folder.path()).await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "1");
    Ok(())
}
