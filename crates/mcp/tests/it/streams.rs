//! Streams of events and lines, in whatever chunks they come.

use castellan_mcp::transport::{Event, Item, LineReader, SseError, SseReader, line, write_event};
use proptest::prelude::*;

fn items(chunks: &[&[u8]]) -> Result<Vec<Item>, SseError> {
    let mut reader = SseReader::new(1 << 16);
    let mut all = Vec::new();
    for chunk in chunks {
        all.extend(reader.push(chunk)?);
    }
    reader.finish()?;
    Ok(all)
}

fn events(text: &str) -> Vec<Event> {
    let found = items(&[text.as_bytes()]).unwrap();
    found
        .into_iter()
        .filter_map(|item| if let Item::Event(event) = item { Some(event) } else { None })
        .collect()
}

#[test]
fn events_are_read_as_the_standard_has_it() {
    let found = events("\u{feff}event: message\nid: 7\ndata: {\ndata:}\n\n: hello\n\ndata\n\nretry: 10\n\n");
    assert_eq!(found[0].data, "{\n}");
    assert_eq!(found[0].id.as_deref(), Some("7"));
    assert_eq!(found[0].raw, None);
    assert_eq!(found[1].data, "");
    assert_eq!(found[2].retry, Some(10));
    let kept = events("event: message\r\ndata: 1\r\n\r\n");
    assert_eq!(kept[0].bytes(), b"event: message\r\ndata: 1\r\n\r\n");
}

#[test]
fn what_clients_ignore_is_not_passed_on() {
    let found = events(": outside\n\nsecret: x\ndata: 1\n: inside\n\nevent: two words\ndata: 2\n\n");
    assert_eq!(String::from_utf8(found[0].bytes()).unwrap(), "data: 1\n\n");
    assert_eq!(String::from_utf8(found[1].bytes()).unwrap(), "data: 2\n\n");
    assert_eq!(items(&[b": alive\r\n"]).unwrap(), [Item::KeepAlive]);
}

#[test]
fn bounds_and_ends() {
    assert_eq!(items(&[b"data: cut"]), Err(SseError::Cut));
    assert_eq!(items(&[b"data: \xff\n\n"]), Err(SseError::NotUtf8));
    let mut reader = SseReader::new(8);
    assert_eq!(reader.push(b"data: 123456789"), Err(SseError::TooLong(8)));
    let mut reader = LineReader::new(4);
    assert!(reader.push(b"12345").is_err());
    let mut reader = LineReader::new(40);
    assert_eq!(reader.push(b"{}\r\n\n [1]\n{").unwrap(), [b"{}".to_vec(), b" [1]".to_vec()]);
    assert!(reader.finish().is_err());
    assert_eq!(line(b"{\r\n\"a\":\"\\n\"}"), b"{  \"a\":\"\\n\"}\n");
}

proptest! {
    #[test]
    fn chunks_do_not_matter(text in "(data: [a-z{}]{0,5}|id: 1|event: m|:c|x: y|)(\r|\n|\r\n|)((data: b|:|)(\r|\n|\r\n)){0,6}", cut in 0usize..40) {
        let cut = cut.min(text.len());
        let (head, tail) = text.as_bytes().split_at(cut);
        let bare = |items: Result<Vec<Item>, SseError>| items.map(|items| items.into_iter().map(|item| match item {
            Item::Event(event) => Item::Event(Event { raw: None, ..event }),
            other => other,
        }).collect::<Vec<_>>());
        prop_assert_eq!(bare(items(&[text.as_bytes()])), bare(items(&[head, tail])));
    }

    #[test]
    fn written_events_come_back(data in "[^\0\u{feff}]{0,40}") {
        let event = Event { event: Some("message".to_owned()), data: data.clone(), ..Event::default() };
        let bytes = write_event(&event);
        let found = items(&[&bytes]).unwrap();
        let expected = data.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert!(matches!(&found[..], [Item::Event(event)] if event.data == expected));
    }

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut reader = SseReader::new(64);
        let _ = reader.push(&bytes);
        let mut reader = LineReader::new(64);
        let _ = reader.push(&bytes);
    }
}
