//! What becomes of rows.

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_lake::{Append, Error, Form, Key, MisfitReason};

use crate::support::{Outcome, append, open, query, quiet, value};

#[tokio::test]
async fn rows_are_seen_at_once_and_after_every_step() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    let rows = r#"[{"ResultType": "50126", "UserPrincipalName": "ann@example.com", "IsInteractive": true,
        "LocationDetails": {"city": "Bern"}, "DurationMs": 12}, {"ResultType": 0}]"#;
    assert_eq!(append(&lake, "SigninLogs", rows).await?.rows, 2);
    let text = "SigninLogs | extend City = tostring(LocationDetails.city) | sort by ResultType desc
        | project ResultType, UserPrincipalName, City, Type, TenantId, Same = TimeGenerated == ingestion_time()";
    let tenant = "00000000-0000-0000-0000-000000000000";
    let expected = [
        ["50126", "ann@example.com", "Bern", "SigninLogs", tenant, "True"],
        ["0", "", "", "SigninLogs", tenant, "True"],
    ];
    assert_eq!(query(&lake, text).await?, expected, "from memory");
    drop(lake);
    let lake = open(folder.path()).await?;
    assert_eq!(query(&lake, text).await?, expected, "from the log");
    lake.flush().await?;
    assert_eq!(
        lake.tables().iter().map(|table| (table.rows, table.rows_in_memory)).collect::<Vec<_>>(),
        [(2, 0)]
    );
    assert_eq!(query(&lake, text).await?, expected, "from files");
    append(&lake, "SigninLogs", r#"[{"ResultType": "1"}]"#).await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "3", "from both");
    lake.close().await?;
    let lake = open(folder.path()).await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "3", "from files alone");
    Ok(())
}

/// The language has no null texts: what nobody said is empty, equal to other empty texts and different from all others.
#[tokio::test]
async fn texts_that_nobody_said_are_empty() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    for place in ["memory", "a file without the column", "a file with the column"] {
        append(&lake, "SigninLogs", r#"[{"ResultType": "1"}]"#).await?;
        if place == "a file with the column" {
            append(&lake, "SigninLogs", r#"[{"UserPrincipalName": "ann"}]"#).await?;
        }
        if place != "memory" {
            lake.flush().await?;
        }
        for (condition, holds) in [
            ("isempty(UserPrincipalName)", true),
            ("UserPrincipalName == ''", true),
            ("UserPrincipalName != 'bob'", true),
            ("UserPrincipalName !in ('bob', 'cid')", true),
            ("UserPrincipalName in ('', 'bob')", true),
            ("UserPrincipalName !has 'bob'", true),
            ("strlen(UserPrincipalName) == 0", true),
            ("not(UserPrincipalName == 'bob')", true),
            ("isnotempty(UserPrincipalName)", false),
            ("UserPrincipalName == 'bob'", false),
        ] {
            let text = format!("SigninLogs | where ResultType == '1' | where not({condition}) | count");
            assert_eq!(value(&lake, &text).await? == "0", holds, "not({condition}) in {place}");
            let text = format!("SigninLogs | where ResultType == '1' and ({condition}) | count");
            let count = value(&lake, &text).await?;
            assert_eq!(count != "0", holds, "{condition} in {place}: {count}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn answers_have_the_columns_of_the_table_and_no_others() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    lake.create_table("App_CL", vec![Column::new("Count", ScalarType::Long)]).await?;
    append(&lake, "App_CL", r#"{"Count": 7}"#).await?;
    let answers = lake
        .engine(castellan_query::Settings::default())
        .query("App_CL")
        .await
        .map_err(|e| format!("{e:?}"))?;
    let names: Vec<String> = answers
        .answers
        .iter()
        .flat_map(|answer| answer.columns.iter().map(|column| column.name.to_string()))
        .collect();
    assert_eq!(names, ["Count", "TimeGenerated", "TenantId", "Type", "_ResourceId", "_TimeReceived"]);
    Ok(())
}

#[tokio::test]
async fn values_fit_or_are_told() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    let columns = vec![
        Column::new("N", ScalarType::Long),
        Column::new("B", ScalarType::Bool),
        Column::new("T", ScalarType::DateTime),
        Column::new("G", ScalarType::Guid),
        Column::new("R", ScalarType::Real),
        Column::new("S", ScalarType::String),
        Column::new("D", ScalarType::Dynamic),
        Column::new("I", ScalarType::Int),
        Column::new("P", ScalarType::TimeSpan),
        Column::new("X", ScalarType::Decimal),
    ];
    lake.create_table("Kinds_CL", columns).await?;
    let rows = r#"[
        {"N": "12", "B": "true", "T": "2026-01-02T03:04:05.1234567Z", "G": "0A1B2C3D-0000-1111-2222-333344445555",
         "R": "1.5", "S": {"a": 1}, "D": "{\"b\": [1, 2]}", "I": 5.0, "P": "1.02:03:04", "X": 1.50},
        {"N": 1.5, "B": 7, "T": "yesterday", "G": "x", "R": true, "S": null, "D": "plain", "I": 3000000000, "P": "?", "X": {}},
        {"Unknown": 1, "N": 3, "N": 4}]"#;
    let appended = append(&lake, "Kinds_CL", rows).await?;
    let told: Vec<(String, MisfitReason)> =
        appended.misfits.iter().map(|misfit| (misfit.column.clone(), misfit.reason)).collect();
    for column in ["N", "B", "T", "G", "R", "I", "P", "X"] {
        assert!(told.contains(&(column.to_owned(), MisfitReason::WrongType)), "{column}: {told:?}");
    }
    assert!(told.contains(&("Unknown".to_owned(), MisfitReason::NoColumn)));
    assert!(told.contains(&("N".to_owned(), MisfitReason::Twice)));
    let text = "Kinds_CL | where B | project N, T, G, R, S, tostring(D.b[1]), I, P, X";
    let expected = [[
        "12",
        "2026-01-02T03:04:05.1234560Z",
        "0a1b2c3d-0000-1111-2222-333344445555",
        "1.5",
        "{\"a\": 1}",
        "2",
        "5",
        "1.02:03:04",
        "1.5",
    ]];
    assert_eq!(query(&lake, text).await?, expected);
    lake.flush().await?;
    assert_eq!(query(&lake, text).await?, expected, "from files");
    assert_eq!(query(&lake, "Kinds_CL | where N > 2 | summarize count(), max(N)").await?, [["2", "12"]]);
    Ok(())
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_refused_with_their_place() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    let refused = append(&lake, "SigninLogs", "[{\"a\": 1}, {\"b\": }]").await;
    assert!(matches!(refused, Err(Error::Rows { row: 2, offset: 17, .. })), "{refused:?}");
    assert!(matches!(append(&lake, "SigninLogs", "[1]").await, Err(Error::Rows { row: 1, .. })));
    assert!(matches!(
        append(&lake, "SigninLog", "[]").await,
        Err(Error::UnknownTable { nearest: Some(_), .. })
    ));
    let lines = b"{\"ResultType\": \"1\"}\nnonsense\n\xff\xfe\n{\"ResultType\": \"2\"}\n";
    let appended = lake.append("SigninLogs", lines, Form::Lines, Append::default()).await?;
    assert_eq!((appended.rows, appended.refused.iter().map(|row| row.row).collect()), (2, vec![2, 3]));
    assert_eq!(value(&lake, "SigninLogs | count").await?, "2");
    Ok(())
}

#[tokio::test]
async fn a_repeated_call_adds_nothing_even_after_a_restart() -> Outcome {
    let folder = tempfile::tempdir()?;
    let key = Some(Key::of(&[b"sender", b"1"]));
    let how = Append { key, ..Append::default() };
    for round in 0..3 {
        let lake = open(folder.path()).await?;
        for again in 0..2 {
            let appended = lake.append("SigninLogs", b"[{}]", Form::Array, how.clone()).await?;
            assert_eq!(appended.is_repeated, round + again > 0);
        }
        if round == 1 {
            lake.close().await?;
        }
    }
    let lake = open(folder.path()).await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "1");
    Ok(())
}

#[tokio::test]
async fn tables_grow_by_columns_and_never_change_them() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    lake.create_table("App_CL", vec![Column::new("Count", ScalarType::Long)]).await?;
    append(&lake, "App_CL", r#"{"Count": 1}"#).await?;
    lake.flush().await?;
    let how = Append { adds_columns: true, ..Append::default() };
    let rows =
        br#"[{"Count": 2, "User": "ann", "Score": 1.5, "When": "2026-01-02T00:00:00Z", "More": {"a": 1}}]"#;
    lake.append("App_CL", rows, Form::Array, how).await?;
    let text = "App_CL | sort by Count asc | project Count, User, Score, When, tostring(More.a)";
    let expected = [["1", "", "", "", ""], ["2", "ann", "1.5", "2026-01-02T00:00:00.0000000Z", "1"]];
    assert_eq!(query(&lake, text).await?, expected);
    let changed = lake.create_table("App_CL", vec![Column::new("User", ScalarType::Long)]).await;
    assert!(matches!(changed, Err(Error::TypeChanged { .. })), "{changed:?}");
    drop(lake);
    let lake = open(folder.path()).await?;
    assert_eq!(query(&lake, text).await?, expected, "after a restart");
    lake.flush().await?;
    assert_eq!(query(&lake, text).await?, expected, "from files");
    Ok(())
}

#[tokio::test]
async fn times_far_from_now_are_those_of_receipt_unless_they_are_kept() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    let row = br#"[{"TimeGenerated": "2001-01-01T00:00:00Z"}]"#;
    let appended = lake.append("SigninLogs", row, Form::Array, Append::default()).await?;
    assert_eq!(appended.misfits.first().map(|misfit| misfit.reason), Some(MisfitReason::FarTime));
    lake.append("SigninLogs", row, Form::Array, Append { keeps_times: true, ..Append::default() }).await?;
    assert_eq!(value(&lake, "SigninLogs | where TimeGenerated < datetime(2002-01-01) | count").await?, "1");
    Ok(())
}

#[tokio::test]
async fn one_process_writes_and_others_read() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    append(&lake, "SigninLogs", "[{}]").await?;
    assert!(matches!(open(folder.path()).await, Err(Error::Locked { .. })));
    let reader = castellan_lake::Lake::open_for_reading(folder.path(), quiet()).await?;
    assert_eq!(value(&reader, "SigninLogs | count").await?, "1");
    assert!(matches!(append(&reader, "SigninLogs", "[{}]").await, Err(Error::Closed(_))));
    let empty = tempfile::tempdir()?;
    assert!(castellan_lake::Lake::open_for_reading(empty.path(), quiet()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn roles_hold_for_tables_of_a_lake() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    append(&lake, "SigninLogs", r#"[{"ResultType": "0", "UserPrincipalName": "ann"}, {"ResultType": "1"}]"#)
        .await?;
    append(&lake, "AuditLogs", r#"[{"OperationName": "x"}]"#).await?;
    let rows = castellan_query::Seen {
        rows: Some("ResultType == '1'".to_owned()),
        hidden_columns: vec!["UserPrincipalName".to_owned()],
        ..Default::default()
    };
    let role = castellan_query::Access::default()
        .with("SigninLogs", rows)
        .with("AuditLogs", castellan_query::Seen::nothing());
    let engine =
        lake.engine(castellan_query::Settings::default()).restrict(&role).map_err(|e| format!("{e:?}"))?;
    let count = engine.query("union * | count").await.map_err(|e| format!("{e:?}"))?;
    let values: Vec<_> = count
        .answers
        .iter()
        .map(|answer| answer.values())
        .collect::<Result<_, _>>()
        .map_err(|e| format!("{e:?}"))?;
    assert_eq!(values, [[[castellan_kql::Value::Long(1)]]]);
    assert!(engine.query("AuditLogs").await.is_err());
    assert!(engine.query("SigninLogs | project UserPrincipalName").await.is_err());
    let wrong = castellan_query::Seen { rows: Some("Nowhere == 1".to_owned()), ..Default::default() };
    let role = castellan_query::Access::default().with("SigninLogs", wrong);
    assert!(lake.engine(castellan_query::Settings::default()).restrict(&role).is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_beside_a_writer_misses_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = std::sync::Arc::new(open(folder.path()).await?);
    let writer = {
        let lake = std::sync::Arc::clone(&lake);
        tokio::spawn(async move {
            for _ in 0..60 {
                append(&lake, "SigninLogs", "[{}, {}]").await?;
                lake.flush().await?;
            }
            Ok::<(), Error>(())
        })
    };
    let mut last = 0;
    while !writer.is_finished() {
        match castellan_lake::Lake::open_for_reading(folder.path(), quiet()).await {
            Ok(reader) => {
                let count: u64 = value(&reader, "SigninLogs | count").await?.parse()?;
                assert!(count >= last && count.is_multiple_of(2), "{count} rows after {last}");
                last = count;
            }
            // Files go while they are read.
            Err(Error::Busy { .. } | Error::Storage { .. } | Error::Delta { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    writer.await??;
    assert!(last > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_is_closed_in_the_middle_of_its_upkeep() -> Outcome {
    let folder = tempfile::tempdir()?;
    for round in 1..=15_u32 {
        let options = castellan_lake::Options {
            upkeep: true,
            flush_after: std::time::Duration::ZERO,
            flush_bytes: 1,
            ..quiet()
        };
        let lake = castellan_lake::Lake::open(folder.path(), options).await?;
        for _ in 0..10 {
            append(&lake, "SigninLogs", "[{}]").await?;
            tokio::time::sleep(std::time::Duration::from_micros(u64::from(round) * 700)).await;
        }
        lake.close().await?;
        let lake = open(folder.path()).await?;
        assert_eq!(value(&lake, "SigninLogs | count").await?, (round * 10).to_string());
    }
    Ok(())
}
