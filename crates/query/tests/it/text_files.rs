//! Tables whose rows are text: their columns, and that large ones give what small ones do.

use std::io::Write;
use std::path::Path;

use castellan_kql::interpret::Row;
use castellan_query::{Engine, Error, Limits, Progress, Settings};

use crate::agree::text;

async fn engine(path: &Path) -> Result<Engine, Error> {
    let mut engine = Engine::new(Settings { threads: 4, seed: Some(0), ..Settings::default() });
    engine.add_path("T", path, &[], &Progress::default()).await?;
    Ok(engine)
}

async fn rows(engine: &Engine, query: &str) -> Vec<String> {
    let answers = engine.query(query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    let rows: Vec<Row> = answers.answers[0].values().unwrap();
    rows.iter().map(text).collect()
}

/// The columns of a file with their types.
async fn columns(name: &str, content: &[u8]) -> Result<String, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let engine = engine(&path).await?;
    let (_, columns) = engine.tables().next().unwrap();
    let columns: Vec<String> =
        columns.iter().map(|column| format!("{}:{}", column.name, column.scalar_type)).collect();
    Ok(columns.join(" "))
}

#[tokio::test]
async fn types_hold_for_all_values_of_a_column() {
    let lines = br#"{"l": 1, "r": 1, "b": true, "t": "2026-11-21T10:00:00Z", "s": "a", "d": {"x": 1}, "n": null}
{"l": 2, "r": 1.5, "b": false, "t": "2026-11-21T10:00:00.1234567Z", "s": "2026-11-21T10:00:00Z", "d": [1], "m": 1}
{"m": "x"}"#;
    let expected = "l:long r:real b:bool t:datetime s:string d:dynamic n:string m:dynamic";
    assert_eq!(columns("a.jsonl", lines).await.unwrap(), expected);
    let array = format!("[{}]", String::from_utf8_lossy(lines).replace('\n', ","));
    assert_eq!(columns("a.json", array.as_bytes()).await.unwrap(), expected);
}

#[tokio::test]
async fn cells_are_read_as_what_all_of_a_column_are() {
    let cells = b"l,r,b,t,s,d,p,e,l,\n1,1,true,2026-11-21T10:00:00Z,a,{},007,,9,z\n-2,.5,FALSE,2026-11-21 10:00:00,1,[1],1,,8,y\n3\n";
    assert_eq!(
        columns("a.csv", cells).await.unwrap(),
        "l:long r:real b:bool t:datetime s:string d:dynamic p:string e:string l1:long Column10:string"
    );
}

#[tokio::test]
async fn the_last_of_two_members_of_one_name_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, "{\"a\": 1, \"a\": 2}\n\n{\"b\": 3}\n").unwrap();
    let engine = engine(&path).await.unwrap();
    let found = rows(&engine, "T | project s = strcat(a, '|', b)").await;
    assert_eq!(found, ["String(\"2|\")", "String(\"|3\")"]);
}

#[tokio::test]
async fn what_is_no_row_is_said_with_its_place() {
    for (name, content, place) in [
        ("a.jsonl", "{\"a\": 1}\n{\"a\": \n", "line 2"),
        ("a.jsonl", "{\"a\": 1}\n7\n", "line 2"),
        ("a.jsonl", "{\"a\": 1} {\"a\": 2}\n", "line 1"),
        ("a.json", "[{\"a\": 1}, 7]", "an object"),
        ("a.json", "[{\"a\": 1}", "EOF"),
    ] {
        let error = columns(name, content.as_bytes()).await.unwrap_err();
        assert_eq!(error.code, "file");
        assert!(error.message.contains(place), "{error}");
    }
}

/// A file with so many rows, the numbers of which are known.
fn write(path: &Path, rows: usize) {
    let file = std::fs::File::create(path).unwrap();
    let is = |ending: &str| path.extension().unwrap() == ending;
    let mut out: Box<dyn Write> = if is("gz") {
        Box::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()))
    } else if is("zst") {
        Box::new(zstd::stream::write::Encoder::new(file, 1).unwrap().auto_finish())
    } else {
        Box::new(std::io::BufWriter::new(file))
    };
    let is_csv = path.to_str().unwrap().contains(".csv");
    if is_csv {
        writeln!(out, "n,User,Text").unwrap();
    }
    for n in 0..rows {
        let text = "with, a \\\"quote\\\" and more words behind it ".repeat(n % 7);
        match is_csv {
            true => writeln!(out, "{n},user{},\"{}\"", n % 11, text.replace("\\\"", "\"\"")).unwrap(),
            false => {
                writeln!(out, "{{\"n\": {n}, \"User\": \"user{}\", \"Text\": \"{text}\"}}", n % 11).unwrap()
            }
        }
    }
}

/// The queries that both sizes have to answer alike, by the number of rows.
async fn holds(path: &Path, count: usize) {
    let engine = engine(path).await.unwrap();
    let sum = count * (count - 1) / 2;
    let found = rows(&engine, "T | summarize c = count(), s = sum(n), d = count_distinct(n)").await;
    assert_eq!(found, [format!("Long({count}) | Long({sum}) | Long({count})")], "{}", path.display());
    let words = (0..count).filter(|n| n % 7 > 0).count();
    let found = rows(&engine, "T | where Text has 'quote' and Text contains '\"quote\"' | count").await;
    assert_eq!(found, [format!("Long({words})")], "{}", path.display());
    assert_eq!(rows(&engine, "T | where n == 12345 | project User").await, ["String(\"user3\")"]);
    assert_eq!(rows(&engine, "T | take 3 | count").await, ["Long(3)"]);
    assert_eq!(rows(&engine, "T | where n < 0").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_give_what_small_ones_do() {
    let folder = tempfile::tempdir().unwrap();
    for (name, count) in [
        ("small.jsonl", 20_000),
        ("large.jsonl", 700_000),
        ("large.csv", 700_000),
        ("large.jsonl.gz", 700_000),
        ("large.csv.zst", 700_000),
    ] {
        let path = folder.path().join(name);
        write(&path, count);
        holds(&path, count).await;
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_files_is_one_table() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jsonl", "b.jsonl.gz", "c.ndjson"] {
        write(&folder.path().join(name), 14_000);
    }
    let engine = engine(folder.path()).await.unwrap();
    assert_eq!(rows(&engine, "T | count").await, ["Long(42000)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_is_not_read_as_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    write(&path, 700_000);
    let engine = engine(&path).await.unwrap();
    write(&path, 600_000);
    let error = engine.query("T | count").await.unwrap_err();
    assert_eq!(error.code, "file", "{error}");
    assert!(error.message.contains("has changed"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_read_within_the_time_of_a_query() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    write(&path, 200_000);
    let limits = Limits { time: std::time::Duration::from_millis(1), ..Limits::default() };
    let mut engine = Engine::new(Settings { limits, ..Settings::default() });
    let error = engine.add_path("T", &path, &[], &Progress::default()).await.unwrap_err();
    assert_eq!(error.code, "stopped", "{error}");
}

#[tokio::test]
async fn progress_counts_the_rows_of_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    write(&path, 10_000);
    let engine = engine(&path).await.unwrap();
    let watch = castellan_query::Watch::default();
    engine.query_watched("T | where n > 5 | count", watch.clone()).await.unwrap();
    assert_eq!((watch.progress.rows(), watch.progress.expected()), (10_000, 10_000));
}
