//! Streams of syslog: pieces of any size give the frames of the whole, within the bound, and each is one row.
#![no_main]

use castellan_base::Ticks;
use castellan_ingest::syslog::{self, Frames, Peer};
use libfuzzer_sys::fuzz_target;

const LONGEST: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let received: Ticks = "2026-11-22T12:00:00Z".parse().unwrap();
    let Some((&first, rest)) = bytes.split_first() else { return };
    let mut whole = Frames::new(LONGEST);
    let mut frames = whole.push(rest);
    frames.extend(whole.finish());
    let mut pieces = Frames::new(LONGEST);
    let mut again: Vec<_> = rest.chunks(usize::from(first) + 1).flat_map(|piece| pieces.push(piece)).collect();
    again.extend(pieces.finish());
    assert_eq!(frames, again);
    assert!(frames.iter().all(|frame| frame.bytes.len() <= LONGEST));
    let count = frames.len();
    let taken = syslog::messages(frames, Peer::default(), received);
    assert_eq!(taken.rows.iter().map(|rows| rows.count).sum::<usize>(), count);
    for rows in &taken.rows {
        for line in std::str::from_utf8(&rows.lines).unwrap().lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }
});
