//! How fast the built-in tables are there: `cargo bench -p castellan-kql --bench schema`.
//!
//! `find_one_table` is what a query pays that reads one table in a fresh process, `read_every_table` what completion
//! over all columns would.
#![allow(missing_docs)]

use castellan_kql::schema::Catalog;

fn main() {
    divan::main();
}

#[divan::bench]
fn find_one_table() -> Option<usize> {
    let catalog = Catalog::load();
    catalog.table("SigninLogs").map(|table| table.columns().list.len())
}

#[divan::bench]
fn read_every_table() -> usize {
    let catalog = Catalog::load();
    catalog.tables().map(|table| table.columns().list.len()).sum()
}
