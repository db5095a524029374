//! The family `statements`.

// Derived from data/registry by `cargo xtask generate`; do not edit.

use super::*;

pub(in crate::registry) static ROWS: [Row; 6] = [
    Row { name: "let", kind: K::Statement, signatures: &[], syntax: Some("let NAME = SCALAR | TABULAR | (PARAMETERS) { BODY } | view () { BODY }"), doc: "A name for a value, a table or a function for the rest of the query. Parameters may be tabular, `(T:(a:long, *))`, and scalar ones may have defaults.", example: "let top_n = (T:(x:long), n:long = 2) { T | top n by x }; top_n(range x from 1 to 5 step 1)", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "set", kind: K::Statement, signatures: &[], syntax: Some("set OPTION [= VALUE]"), doc: "An option of the request, such as `notruncation` or `query_now`. Options that are not known are kept and have no effect.", example: "set notruncation; print 1", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "declare query_parameters", kind: K::Statement, signatures: &[], syntax: Some("declare query_parameters ( NAME : TYPE [= DEFAULT], ... )"), doc: "Parameters whose values come with the request.", example: "declare query_parameters(limit:long = 10); range x from 1 to limit step 1", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "declare pattern", kind: K::Statement, signatures: &[], syntax: Some("declare pattern NAME = (PARAMETERS) [ [PATH] ] { (VALUES) [. [PATH]] = { BODY } ; ... }"), doc: "A table that is chosen by literal arguments.", example: "declare pattern app = (name:string) { (\"a\") = { print 1 }; }; app(\"a\")", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "alias", kind: K::Statement, signatures: &[], syntax: Some("alias database NAME = cluster(ADDRESS) . database(NAME)"), doc: "A short name for a database.", example: "alias database D = cluster(\"help\").database(\"Samples\"); database(\"D\").StormEvents | take 1", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "restrict", kind: K::Statement, signatures: &[], syntax: Some("restrict access to ( ENTITY, ... )"), doc: "From here on the query sees only the tables and functions named; wildcards are allowed.", example: "let t = range x from 1 to 2 step 1; restrict access to (t); t", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
];
