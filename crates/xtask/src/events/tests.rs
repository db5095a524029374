use std::collections::HashSet;

use arrow::array::{Array, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn generated(seed: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(&["--out", path, "--rows", "1000", "--seed", &seed.to_string()]).unwrap();
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = TABLES.iter().flat_map(|(table, ..)| {
        (0..FILES).map(move |file| folder.join(table).join(format!("part-{file}.parquet")))
    });
    paths.collect()
}

fn batch(file: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    builder.build().unwrap().next().unwrap().unwrap()
}

#[test]
#[allow(clippy::disallowed_methods)] // The files are the test's own.
fn a_seed_gives_the_same_bytes_again() {
    let (first, second, other) = (generated(1), generated(1), generated(2));
    let bytes = |folder: &tempfile::TempDir| -> Vec<Vec<u8>> {
        files(folder.path()).iter().map(|file| std::fs::read(file).unwrap()).collect()
    };
    assert!(bytes(&first) == bytes(&second));
    assert!(bytes(&first) != bytes(&other));
}

#[test]
fn all_rows_are_there_and_none_is_twice() {
    let folder = generated(1);
    let batches: Vec<RecordBatch> = files(folder.path()).iter().map(|file| batch(file)).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1000);
    let ids: Vec<String> = batches
        .iter()
        .filter_map(|batch| batch.column_by_name("RequestId"))
        .flat_map(|column| column.as_any().downcast_ref::<StringArray>().unwrap().iter().flatten())
        .map(str::to_owned)
        .collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 200);
}

#[test]
fn what_is_dynamic_is_json() {
    let folder = generated(3);
    let mut count = 0;
    for file in files(folder.path()) {
        let batch = batch(&file);
        let schema = batch.schema();
        let dynamic = |index: &usize| schema.field(*index).metadata().contains_key("castellan:type");
        for index in (0..batch.num_columns()).filter(dynamic) {
            let column = batch.column(index).as_any().downcast_ref::<StringArray>().unwrap();
            for text in column.iter().flatten() {
                let value: serde_json::Value = serde_json::from_str(text).unwrap();
                assert!(value.is_object() || value.is_array(), "{text}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 300 * 4 + 100 * 3 + 200 + 400);
}

#[test]
fn unknown_options_are_refused() {
    assert!(run(&["--rows", "10"]).is_err());
    assert!(run(&["--out", "x", "--rows", "many"]).is_err());
    assert!(run(&["--out"]).is_err());
    assert!(run(&["--colour", "red"]).is_err());
}
