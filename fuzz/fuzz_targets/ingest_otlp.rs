//! Requests of OTLP: any bytes are refused or give rows that are JSON, each record a row or rejected.
#![no_main]

use castellan_base::Ticks;
use castellan_ingest::Taken;
use castellan_ingest::otlp::{self, Encoding};
use libfuzzer_sys::fuzz_target;

fn are_json(taken: &Taken) {
    for rows in &taken.rows {
        let lines = std::str::from_utf8(&rows.lines).unwrap();
        assert_eq!(lines.lines().count(), rows.count);
        for line in lines.lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(row.get("TimeGenerated").is_some());
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let received: Ticks = "2026-11-22T12:00:00Z".parse().unwrap();
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        for read in [otlp::logs, otlp::traces, otlp::metrics] {
            if let Ok(taken) = read(bytes, encoding, received) {
                are_json(&taken);
            }
        }
    }
});
