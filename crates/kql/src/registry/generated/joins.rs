//! The family `joins`.

// Derived from data/registry by `cargo xtask generate`; do not edit.

use super::*;

pub(in crate::registry) static ROWS: [Row; 9] = [
    Row { name: "innerunique", kind: K::Join, signatures: &[], syntax: None, doc: "The default: of the left rows with equal keys one is kept, then joined with every right row that matches.", example: "datatable(k:long) [1, 1] | join kind=innerunique (datatable(k:long) [1]) on k", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "inner", kind: K::Join, signatures: &[], syntax: None, doc: "A row for each pair of left and right rows whose keys match.", example: "datatable(k:long) [1, 1] | join kind=inner (datatable(k:long) [1]) on k", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "leftouter", kind: K::Join, signatures: &[], syntax: None, doc: "As inner, and the left rows without a match with nulls (empty texts) on the right.", example: "datatable(k:long) [1, 2] | join kind=leftouter (datatable(k:long) [1]) on k", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "rightouter", kind: K::Join, signatures: &[], syntax: None, doc: "As inner, and the right rows without a match with nulls (empty texts) on the left.", example: "datatable(k:long) [1, 2] | join kind=rightouter (datatable(k:long) [1]) on k", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "fullouter", kind: K::Join, signatures: &[], syntax: None, doc: "As inner, and the rows of both sides without a match.", example: "datatable(k:long) [1, 2] | join kind=fullouter (datatable(k:long) [1]) on k", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "leftsemi", kind: K::Join, signatures: &[], syntax: None, doc: "The left rows that have a match; left columns alone.", example: "datatable(k:long) [1, 2] | join kind=leftsemi (datatable(k:long) [1]) on k", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "leftanti", kind: K::Join, signatures: &[], syntax: None, doc: "The left rows that have no match; left columns alone.", example: "datatable(k:long) [1, 2] | join kind=leftanti (datatable(k:long) [1]) on k", result: None, legacy: &["anti", "leftantisemi"], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "rightsemi", kind: K::Join, signatures: &[], syntax: None, doc: "The right rows that have a match; right columns alone.", example: "datatable(k:long) [1, 2] | join kind=rightsemi (datatable(k:long) [1]) on k", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "rightanti", kind: K::Join, signatures: &[], syntax: None, doc: "The right rows that have no match; right columns alone.", example: "datatable(k:long) [1, 2] | join kind=rightanti (datatable(k:long) [1]) on k", result: None, legacy: &["rightantisemi"], column: None, columns: &[], schema: None, azure_monitor: true },
];
