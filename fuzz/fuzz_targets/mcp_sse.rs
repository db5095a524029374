//! Streams of events: chunks do not matter, and what is written is read again.
#![no_main]

use castellan_mcp::transport::{Event, Item, SseReader, write_event};
use libfuzzer_sys::fuzz_target;

fn bare(items: Vec<Item>) -> Vec<Item> {
    let one = |item| match item {
        Item::Event(event) => Item::Event(Event { raw: None, ..event }),
        other => other,
    };
    items.into_iter().map(one).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let whole = SseReader::new(4096).push(bytes);
    let mut reader = SseReader::new(4096);
    let mut pieces = Ok(Vec::new());
    for chunk in bytes.chunks(3) {
        pieces = pieces.and_then(|mut all: Vec<Item>| {
            all.extend(reader.push(chunk)?);
            Ok(all)
        });
    }
    assert_eq!(whole.clone().map(bare), pieces.map(bare));
    for item in whole.unwrap_or_default() {
        let Item::Event(event) = item else { continue };
        let again = SseReader::new(1 << 20).push(&write_event(&event)).unwrap();
        assert!(matches!(&again[..], [Item::Event(found)] if found.data == event.data));
    }
});
