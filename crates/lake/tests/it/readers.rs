//! Programs of others open the folder: the clients that `tools/clients` installs run `tests/data/read.py`.
#![expect(clippy::disallowed_methods, reason = "another program is started, which is the test")]

use std::path::PathBuf;
use std::process::Command;

use castellan_base::{OsSystem, System as _};

use crate::files::fill;
use crate::support::{Outcome, open};

/// The Python that has the readers.
fn python() -> Option<PathBuf> {
    let clients = OsSystem.env("CASTELLAN_CLIENTS").map(PathBuf::from);
    let clients =
        clients.or_else(|| Some(PathBuf::from(OsSystem.env("HOME")?).join(".cache/castellan/clients")))?;
    Some(clients.join("lake-readers/bin/python")).filter(|python| python.is_file())
}

#[tokio::test]
async fn duckdb_and_the_python_reader_of_delta_lake_open_a_table() -> Outcome {
    let Some(python) = python() else {
        eprintln!("skipped: no readers of Delta Lake; run `tools/clients`, which installs them");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    for part in 0..9 {
        fill(&lake, part * 100, part * 100 + 100).await?;
        lake.flush().await?;
    }
    lake.tidy().await?;
    fill(&lake, 900, 1_000).await?;
    lake.close().await?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/read.py");
    let output = Command::new(python).arg(script).arg(folder.path().join("tables/SigninLogs")).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let expected = serde_json::json!({
        // One commit made the table, nine added rows, three merged those of a day, and one added the last.
        "deltalake": {"rows": 1_000, "versions": 14, "type": "timestamp[us, tz=UTC]", "partitions": ["TimeGeneratedDay"]},
        "duckdb": {
            "rows": 1_000, "users": 1_000, "first": 1_772_323_200_000_000_i64, "last": 1_772_578_800_000_000_i64,
            "third day": "user101@example.com",
        },
    });
    assert_eq!(found, expected);
    Ok(())
}
