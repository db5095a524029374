//! What lies in the folder.

use castellan_lake::{Append, Form, Lake};
use castellan_query::arrow::array::AsArray as _;
use castellan_query::arrow::datatypes::TimestampMicrosecondType;

use crate::support::{Outcome, open, query, quiet, value};

/// Rows on three days, each with a word of its own.
pub(crate) async fn fill(lake: &Lake, from: usize, to: usize) -> Outcome {
    let mut rows = String::new();
    for at in from..to {
        let day = 1 + at % 3;
        rows.push_str(&format!(
            "{{\"TimeGenerated\": \"2026-03-0{day}T{:02}:00:00Z\", \"UserPrincipalName\": \"user{at}@example.com\", \"ResultType\": \"{}\"}}\n",
            at % 24,
            at % 5
        ));
    }
    let how = Append { keeps_times: true, ..Append::default() };
    lake.append("SigninLogs", rows.as_bytes(), Form::Lines, how).await?;
    Ok(())
}

#[tokio::test]
async fn files_are_merged_and_the_old_ones_go() -> Outcome {
    let folder = tempfile::tempdir()?;
    let options = castellan_lake::Options { vacuum_after: std::time::Duration::ZERO, ..quiet() };
    let lake = Lake::open(folder.path(), options).await?;
    for part in 0..9 {
        fill(&lake, part * 100, part * 100 + 100).await?;
        lake.flush().await?;
    }
    assert_eq!(lake.tables().first().map(|table| table.files), Some(27));
    let text = "SigninLogs | summarize count(), min(TimeGenerated), max(TimeGenerated), dcount(UserPrincipalName, 4) by ResultType
        | sort by ResultType asc";
    let before = query(&lake, text).await?;
    lake.tidy().await?;
    assert_eq!(lake.tables().first().map(|table| table.files), Some(3));
    assert_eq!(query(&lake, text).await?, before);
    let files = walk(folder.path(), "parquet");
    assert_eq!(files.len(), 3, "{files:?}");
    assert_eq!(walk(folder.path(), "terms").len(), 3);
    drop(lake);
    let lake = open(folder.path()).await?;
    assert_eq!(query(&lake, text).await?, before, "after a restart");
    Ok(())
}

fn walk(folder: &std::path::Path, ending: &str) -> Vec<std::path::PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("_delta_log") {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test]
async fn old_rows_go_when_their_time_is_over() -> Outcome {
    let folder = tempfile::tempdir()?;
    let day = std::time::Duration::from_hours(24);
    let options =
        castellan_lake::Options { retention: Some(day), vacuum_after: std::time::Duration::ZERO, ..quiet() };
    let lake = Lake::open(folder.path(), options).await?;
    let how = Append { keeps_times: true, received: Some(1_000_000_000_000_000), ..Append::default() };
    let old = br#"[{"TimeGenerated": "2001-09-09T00:00:00Z"}]"#;
    lake.append("SigninLogs", old, Form::Array, how).await?;
    lake.append("SigninLogs", b"[{}]", Form::Array, Append::default()).await?;
    lake.flush().await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "2");
    lake.tidy().await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "1");
    assert_eq!(walk(folder.path(), "parquet").len(), 1);
    Ok(())
}

#[tokio::test]
async fn rare_words_are_found_in_few_files() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    for part in 0..5 {
        fill(&lake, part * 100, part * 100 + 100).await?;
        lake.flush().await?;
    }
    // One group for each file, whose number a plan tells.
    let engine = lake.engine(castellan_query::Settings { threads: 64, ..Default::default() });
    let files = async |text: &str| -> Result<usize, Box<dyn std::error::Error>> {
        let plan = engine.explain(text).await.map_err(|error| format!("{error:?}"))?.physical;
        let (_, behind) = plan.split_once("file_groups={").ok_or("no files are read")?;
        Ok(behind.split_once(" group").ok_or(plan.clone())?.0.parse()?)
    };
    assert_eq!(files("SigninLogs | where UserPrincipalName has 'user123'").await?, 1);
    assert_eq!(files("SigninLogs | where UserPrincipalName == 'user123@example.com'").await?, 1);
    assert_eq!(files("SigninLogs | where UserPrincipalName =~ 'USER123@example.com'").await?, 1);
    assert_eq!(
        files("SigninLogs | where UserPrincipalName in ('user123@example.com', 'user321@example.com')")
            .await?,
        2
    );
    assert_eq!(files("SigninLogs | where UserPrincipalName has_any ('user123', 'user321')").await?, 2);
    assert_eq!(files("SigninLogs | where UserPrincipalName has 'user123' or ResultType == '77'").await?, 1);
    assert_eq!(files("SigninLogs | where UserPrincipalName contains 'ser123'").await?, 15);
    assert_eq!(files("SigninLogs | where tolower(UserPrincipalName) has 'user123'").await?, 15);
    assert_eq!(files("SigninLogs | where TimeGenerated between (datetime(2026-03-02) .. 1h)").await?, 5);
    assert_eq!(files("SigninLogs | where not(UserPrincipalName has 'user123')").await?, 15);
    assert_eq!(value(&lake, "SigninLogs | where UserPrincipalName has 'user123' | count").await?, "1");
    Ok(())
}

#[tokio::test]
async fn a_lake_may_be_named_from_where_one_stands() -> Outcome {
    // Tests run in the folder of their crate.
    let folder = tempfile::tempdir_in(".")?;
    let relative = std::path::Path::new(folder.path().file_name().ok_or("no name")?);
    let lake = crate::support::open(relative).await?;
    crate::support::append(&lake, "SigninLogs", "[{}]").await?;
    lake.close().await?;
    let lake = crate::support::open(relative).await?;
    assert_eq!(crate::support::value(&lake, "SigninLogs | count").await?, "1");
    Ok(())
}

/// The times of a file's rows.
fn times(path: &std::path::Path) -> Result<Vec<i64>, Box<dyn std::error::Error>> {
    let file = std::fs::File::open(path)?;
    let reader =
        castellan_query::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mut times = Vec::new();
    for batch in reader.build()? {
        let batch = batch?;
        let column = batch.column_by_name("TimeGenerated").ok_or("no column of times")?;
        times.extend_from_slice(column.as_primitive::<TimestampMicrosecondType>().values());
    }
    Ok(times)
}

/// Files one after the other, overlapping ones, and some within others: each row once, and in order.
#[tokio::test]
async fn merged_files_are_in_the_order_of_time() -> Outcome {
    let folder = tempfile::tempdir()?;
    let options = castellan_lake::Options { vacuum_after: std::time::Duration::ZERO, ..quiet() };
    let lake = Lake::open(folder.path(), options).await?;
    let spans = [
        (0, 9),
        (10, 19),
        (5, 14),
        (0, 40),
        (20, 29),
        (29, 29),
        (28, 33),
        (34, 35),
        (1, 2),
        (3, 3),
        (3, 9),
        (0, 59),
    ];
    let mut expected = Vec::new();
    for (first, last) in spans {
        let rows: Vec<String> = (first..=last)
            .rev()
            .map(|minute| format!("{{\"TimeGenerated\": \"2026-03-01T10:{minute:02}:00Z\"}}"))
            .collect();
        expected.extend((first..=last).map(|minute| 1_772_359_200_000_000 + minute * 60_000_000));
        let how = Append { keeps_times: true, ..Append::default() };
        lake.append("SigninLogs", rows.join("\n").as_bytes(), castellan_lake::Form::Lines, how).await?;
        lake.flush().await?;
    }
    expected.sort_unstable();
    lake.tidy().await?;
    let files = walk(folder.path(), "parquet");
    assert!(files.len() < spans.len(), "{files:?}");
    let mut found = Vec::new();
    for file in &files {
        let times = times(file)?;
        assert!(times.is_sorted(), "{}", file.display());
        found.extend(times);
    }
    found.sort_unstable();
    assert_eq!(found, expected);
    Ok(())
}
