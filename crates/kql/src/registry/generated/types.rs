//! The family `types`.

// Derived from data/registry by `cargo xtask generate`; do not edit.

use super::*;

pub(in crate::registry) static ROWS: [Row; 10] = [
    Row { name: "bool", kind: K::Type, signatures: &[], syntax: None, doc: "true, false or null. Literals: `true`, `false`, `bool(null)`.", example: "print bool(true)", result: None, legacy: &["boolean"], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "int", kind: K::Type, signatures: &[], syntax: None, doc: "A whole number of 32 bits. Literals: `int(2)`, `int(null)`.", example: "print int(2)", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "long", kind: K::Type, signatures: &[], syntax: None, doc: "A whole number of 64 bits, what a bare number without a point is. Literals: `12`, `0x0f`, `long(-1)`.", example: "print 12", result: Some("12"), legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "real", kind: K::Type, signatures: &[], syntax: None, doc: "A floating-point number of 64 bits; NaN and infinities are values. Literals: `1.5`, `1e10`, `real(nan)`, `real(+inf)`.", example: "print 1.5", result: Some("1.5"), legacy: &["double"], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "decimal", kind: K::Type, signatures: &[], syntax: None, doc: "A decimal number of 34 significant digits. Literals: `decimal(1.0)`, `decimal(null)`.", example: "print decimal(0.1)", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "string", kind: K::Type, signatures: &[], syntax: None, doc: "A UTF-8 text, never null: what is missing is the empty text. Literals in single or double quotes, `@\"verbatim\"`, h\"hidden from logs\", ```lines```.", example: "print \"a\\tb\"", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "datetime", kind: K::Type, signatures: &[], syntax: None, doc: "A moment in UTC, in steps of 100 ns from year 1 to 9999. Literals: `datetime(2024-01-31T10:00:00Z)`, `datetime(null)`.", example: "print datetime(2024-01-31)", result: Some("2024-01-31T00:00:00.0000000Z"), legacy: &["date"], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "timespan", kind: K::Type, signatures: &[], syntax: None, doc: "A span of time in steps of 100 ns. Literals: `2d`, `1.5h`, `10m`, `3s`, `100ms`, `5microsecond`, `1tick`, `time(1.02:03:04)`.", example: "print 1.5h", result: Some("01:30:00"), legacy: &["time"], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "guid", kind: K::Type, signatures: &[], syntax: None, doc: "A 128-bit identifier. Literals: `guid(74be27de-1e4e-49d9-b579-fe0b331d3642)`, `guid(null)`.", example: "print guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", result: Some("74be27de-1e4e-49d9-b579-fe0b331d3642"), legacy: &["uuid", "uniqueid"], column: None, columns: &[], schema: None, azure_monitor: true },
    Row { name: "dynamic", kind: K::Type, signatures: &[], syntax: None, doc: "A value of any other type, an array or a bag of such. A path that leads nowhere gives null. Literals: `dynamic([1, \"a\"])`, `dynamic({\"k\": 1})`.", example: "print dynamic({\"k\": [1, 2]}).k[1]", result: None, legacy: &[], column: None, columns: &[], schema: None, azure_monitor: true },
];
