//! Files that are not as they were written, and rows from anybody.

use std::path::{Path, PathBuf};

use castellan_lake::rows::{Origin, from_json};
use castellan_lake::{Disk as _, Form, Lake, OsDisk, TableSchema};
use proptest::prelude::*;

use crate::files::fill;
use crate::support::{Outcome, append, open, query, quiet, value};

fn origin() -> Origin {
    let resource = Some("/subscriptions/s/x".into());
    Origin { received: 1_800_000_000_000_000, resource, keeps_times: false, longest: Some(100) }
}

/// Text that is nearly rows.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("{\"ResultType\":\"1\"}".to_owned()),
        Just("{\"TimeGenerated\":\"2027-01-01T00:00:00Z\",\"DurationMs\":1e400}".to_owned()),
        Just("\"LocationDetails\":[[{}]]".to_owned()),
        "[\\[\\]{},:\"\\\\\n u0-9eE.+-]{1,6}",
        "\\PC{1,4}",
    ];
    let bytes = prop::collection::vec(any::<u8>(), 0..8);
    (prop::collection::vec(piece, 0..8), bytes).prop_map(|(pieces, bytes)| {
        let mut text = pieces.concat().into_bytes();
        text.extend(bytes);
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_bytes_are_rows_or_refused(text in nearly()) {
        let Some(schema) = TableSchema::declared("SigninLogs") else { return Err(TestCaseError::fail("no table")) };
        for form in [Form::Array, Form::Lines] {
            if let Ok(rows) = from_json(&schema, &text, form, &origin()) {
                let lines = text.split(|byte| *byte == b'\n').count();
                prop_assert!(form == Form::Array || rows.batch.num_rows() + rows.refused.len() <= lines);
            }
        }
    }
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let all = OsDisk.list(folder).unwrap_or_default().into_iter().map(|(path, _)| path);
    all.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> std::io::Result<()> {
    let mut bytes = OsDisk.read(path)?;
    change(&mut bytes);
    std::fs::write(path, bytes)
}

#[tokio::test]
async fn damage_is_told_and_the_rest_is_read() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    for row in 0..5 {
        append(&lake, "SigninLogs", &format!("[{{\"ResultType\": \"{row}\"}}]")).await?;
    }
    drop(lake);
    let logs = files(&folder.path().join("log"), "log");
    let log = logs.first().ok_or("no log")?;
    change(log, |bytes| {
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
    })?;
    let lake = open(folder.path()).await?;
    assert!(
        lake.damages().first().is_some_and(|told| told.contains("not as they were written")),
        "{:?}",
        lake.damages()
    );
    assert_eq!(value(&lake, "SigninLogs | count").await?, "4");
    // What is lost is lost once: the lake goes on.
    append(&lake, "SigninLogs", "[{}]").await?;
    lake.flush().await?;
    drop(lake);
    let lake = open(folder.path()).await?;
    assert_eq!(value(&lake, "SigninLogs | count").await?, "5");
    Ok(())
}

#[tokio::test]
async fn a_torn_end_is_no_damage_and_noise_is_no_log() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    append(&lake, "SigninLogs", "[{}, {}]").await?;
    drop(lake);
    let logs = files(&folder.path().join("log"), "log");
    change(logs.first().ok_or("no log")?, |bytes| {
        bytes.extend([7, 0, 0, 0, 1, 2, 3, 4, 2, 0, 0, 0, 0, 0, 0, 0, 9])
    })?;
    std::fs::write(folder.path().join("log/keys"), b"CSTLKEY1 nonsense")?;
    std::fs::write(folder.path().join("log/note.txt"), b"hello")?;
    let lake = open(folder.path()).await?;
    assert_eq!(lake.damages(), Vec::<String>::new());
    assert_eq!(value(&lake, "SigninLogs | count").await?, "2");
    Ok(())
}

#[tokio::test]
async fn filters_that_are_damaged_or_gone_change_no_answer() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    fill(&lake, 0, 300).await?;
    lake.flush().await?;
    drop(lake);
    let terms = files(&folder.path().join("tables/SigninLogs/_terms"), "terms");
    assert_eq!(terms.len(), 3);
    for (at, path) in terms.iter().enumerate() {
        match at {
            0 => std::fs::remove_file(path)?,
            1 => change(path, |bytes| bytes.truncate(40))?,
            _ => change(path, |bytes| bytes.iter_mut().skip(20).take(30).for_each(|byte| *byte ^= 0xff))?,
        }
    }
    let lake = open(folder.path()).await?;
    let found =
        query(&lake, "SigninLogs | where UserPrincipalName has_any ('user7', 'user8', 'user9') | count")
            .await?;
    assert_eq!(found, [["3"]]);
    Ok(())
}

#[tokio::test]
async fn folders_that_are_no_tables_are_left_alone() -> Outcome {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir_all(folder.path().join("tables/Half_CL/_delta_log"))?;
    std::fs::create_dir_all(folder.path().join("tables/notes"))?;
    let lake = Lake::open(folder.path(), quiet()).await?;
    assert!(lake.tables().is_empty());
    append(&lake, "SigninLogs", "[{}]").await?;
    lake.close().await?;
    Ok(())
}
