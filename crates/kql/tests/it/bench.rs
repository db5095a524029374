//! The queries of the benchmark parse.

use std::path::Path;

#[test]
fn the_queries_of_the_benchmark_parse() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/kql/queries");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "kql") {
            continue;
        }
        let query = std::fs::read_to_string(&path).unwrap();
        let diagnostics = castellan_kql::parse(&query).diagnostics;
        assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", path.display());
        assert!(path.with_extension("sql").is_file(), "{} has no SQL beside it", path.display());
        count += 1;
    }
    assert_eq!(count, 25);
}
