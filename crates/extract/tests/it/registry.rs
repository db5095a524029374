//! The registry of formats, and the table that is made of it.

use castellan_extract::{FORMATS, markdown_table};

/// `CASTELLAN_WRITE=1 cargo test -p castellan-extract` writes the table anew.
#[test]
fn the_table_of_formats_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/FORMATS.md");
    #[allow(clippy::disallowed_methods, reason = "a test that keeps a file of its own fresh")]
    if std::env::var("CASTELLAN_WRITE").is_ok() {
        std::fs::write(path, markdown_table()).unwrap();
    }
    assert_eq!(
        include_str!("../../FORMATS.md"),
        markdown_table(),
        "FORMATS.md is not what the registry says"
    );
}

#[test]
fn every_format_has_one_row_and_every_extension_one_format() {
    let mut ids: Vec<&str> = FORMATS.iter().map(|info| info.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), FORMATS.len());
    let mut extensions: Vec<&str> = FORMATS.iter().flat_map(|info| info.extensions).copied().collect();
    let count = extensions.len();
    extensions.sort_unstable();
    extensions.dedup();
    assert_eq!(extensions.len(), count, "an extension stands for two formats");
    assert!(FORMATS.iter().all(|info| info.format.info().id == info.id));
}
