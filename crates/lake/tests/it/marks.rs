//! How far sources of rows are taken in.

use castellan_lake::{Append, Form, Lake, Mark};

use crate::support::{Outcome, open, query, value};

async fn take(lake: &Lake, source: &str, offset: i64, rows: &str) -> Result<bool, castellan_lake::Error> {
    let how = Append { mark: Some(Mark { source: source.into(), offset }), ..Append::default() };
    Ok(lake.append("SigninLogs", rows.as_bytes(), Form::Array, how).await?.is_repeated)
}

#[tokio::test]
async fn a_source_goes_on_where_it_was_wherever_its_rows_are() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    assert_eq!(lake.mark("SigninLogs", "queue/0").await?, None);
    assert!(!take(&lake, "queue/0", 4, r#"[{"ResultType": "a"}, {"ResultType": "b"}]"#).await?);
    assert!(!take(&lake, "queue/1", 9, r#"[{"ResultType": "c"}]"#).await?);
    assert!(take(&lake, "queue/0", 4, r#"[{"ResultType": "again"}]"#).await?);
    assert!(take(&lake, "queue/0", 3, r#"[{"ResultType": "again"}]"#).await?);
    assert_eq!(lake.mark("SigninLogs", "queue/0").await?, Some(4), "in memory");
    drop(lake);
    let lake = open(folder.path()).await?;
    assert_eq!(lake.mark("SigninLogs", "queue/0").await?, Some(4), "from the log");
    lake.close().await?;
    let lake = open(folder.path()).await?;
    assert_eq!(lake.mark("SigninLogs", "queue/0").await?, Some(4), "from the commit");
    assert_eq!(lake.mark("SigninLogs", "queue/1").await?, Some(9), "each source has its own");
    assert_eq!(lake.mark("AuditLogs", "queue/0").await?, None, "each table has its own");
    assert!(take(&lake, "queue/0", 4, r#"[{"ResultType": "again"}]"#).await?);
    assert!(!take(&lake, "queue/0", 5, r#"[{"ResultType": "d"}]"#).await?);
    assert_eq!(
        query(&lake, "SigninLogs | project ResultType | order by ResultType asc").await?,
        [["a"], ["b"], ["c"], ["d"]]
    );
    Ok(())
}

#[tokio::test]
async fn what_brought_no_rows_is_taken_in_all_the_same() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    assert!(!take(&lake, "queue/0", 7, "[]").await?);
    assert_eq!(value(&lake, "SigninLogs | count").await?, "0");
    drop(lake);
    let lake = open(folder.path()).await?;
    assert_eq!(lake.mark("SigninLogs", "queue/0").await?, Some(7), "from the log");
    lake.close().await?;
    let lake = open(folder.path()).await?;
    assert_eq!(lake.mark("SigninLogs", "queue/0").await?, Some(7), "from the commit");
    assert_eq!(value(&lake, "SigninLogs | count").await?, "0");
    Ok(())
}
