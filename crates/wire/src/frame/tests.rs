use proptest::prelude::*;

use super::*;

fn events(parts: &[&[u8]]) -> Vec<Frame> {
    let mut frames = Frames::new(Framing::Events);
    parts.iter().flat_map(|part| frames.push(part).unwrap()).collect()
}

#[test]
fn line_ends_of_every_kind() {
    for text in [
        "event: a\ndata: 1\ndata: 2\n\n",
        "event: a\r\ndata: 1\r\ndata: 2\r\n\r\n",
        "event:a\rdata:1\rdata:2\r\rx",
    ] {
        let frames = events(&[text.as_bytes()]);
        assert_eq!(frames.len(), 1, "{text:?}");
        let Some(frame) = frames.first() else { return };
        assert_eq!((frame.event.as_deref(), frame.data.as_slice()), (Some("a"), b"1\n2".as_slice()));
    }
}

#[test]
fn comments_and_ids_stay() {
    let frames = events(&[b": ping\n\n", b"id: 7\ndata: {\"a\":1}\n\n"]);
    let [ping, other] = frames.as_slice() else { panic!("{frames:?}") };
    assert!(ping.is_empty());
    assert_eq!(other.with_data(b"{}", Framing::Events).raw, b"id: 7\ndata: {}\n\n");
}

#[test]
fn a_torn_event_is_told() {
    let mut frames = Frames::new(Framing::Events);
    assert_eq!(frames.push(b"data: {\"a\"").unwrap(), []);
    assert_eq!(frames.finish(), Err(FrameError::Torn));
    let mut lines = Frames::new(Framing::Lines);
    assert_eq!(lines.push(b"{\"a\":1}").unwrap(), []);
    assert_eq!(lines.finish().unwrap().unwrap().data, b"{\"a\":1}");
}

fn channels(api: Api, data: &str) -> Vec<(String, String)> {
    let frame = Frame { raw: Vec::new(), event: None, data: data.as_bytes().to_vec() };
    let read = read(&frame, api).unwrap();
    let text = |at: usize| read.reading.passages[at].text.clone();
    read.deltas.iter().map(|delta| (delta.channel.clone(), text(delta.passage))).collect()
}

#[test]
fn channels_are_told_by_numbers_not_places() {
    let chat = r#"{"choices":[{"index":2,"delta":{"content":"a","tool_calls":[{"index":3,"function":{"name":"f","arguments":"{\"x"}}]}}]}"#;
    let told = channels(Api::Chat, chat);
    assert!(told.contains(&("choice 2 content".into(), "a".into())), "{told:?}");
    assert!(told.contains(&("choice 2 call 3 function.arguments".into(), "{\"x".into())), "{told:?}");
    let response = r#"{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"b"}"#;
    assert_eq!(
        channels(Api::Responses, response),
        [("item 1 part 0 0 response.output_text".into(), "b".into())]
    );
    let message =
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{"}}"#;
    assert_eq!(channels(Api::Messages, message), [("block 4 partial_json".into(), "{".into())]);
    let line = r#"{"model":"m","message":{"role":"assistant","content":"c"},"done":false}"#;
    assert_eq!(channels(Api::OllamaChat, line), [("line message.content".into(), "c".into())]);
}

#[test]
fn other_data_takes_the_place_of_every_line_of_it() {
    let frames = events(&[b"\xef\xbb\xbfdata: {\nevent: e\ndata: \"a\":1}\n: c\n\n"]);
    assert_eq!(frames[0].data, b"{\n\"a\":1}");
    let other = frames[0].with_data(b"{\n\"b\":2}", Framing::Events);
    assert_eq!(String::from_utf8(other.raw).unwrap(), "event: e\n: c\ndata: {\ndata: \"b\":2}\n\n");
}

#[test]
fn ends_name_what_they_end() {
    let ends = |api, data: &str| {
        let frame = Frame { raw: Vec::new(), event: None, data: data.as_bytes().to_vec() };
        read(&frame, api).unwrap().ends
    };
    assert_eq!(
        ends(Api::Chat, r#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#),
        ["choice 1 "]
    );
    assert_eq!(ends(Api::Chat, "[DONE]"), [""]);
    assert_eq!(ends(Api::Messages, r#"{"type":"content_block_stop","index":2}"#), ["block 2 "]);
    let done = r#"{"type":"response.output_text.done","output_index":1,"content_index":0,"text":"b"}"#;
    assert_eq!(ends(Api::Responses, done), ["item 1 part 0 0 response.output_text"]);
}

proptest! {
    #[test]
    fn where_a_stream_is_cut_does_not_matter(
        lines in prop::collection::vec("(data: [a-c]{0,4}|: x|event: e|)(\n|\r\n|\r)", 0..20), cuts in prop::collection::vec(0_usize..80, 0..6)
    ) {
        let text: Vec<u8> = lines.concat().into_bytes();
        let whole = events(&[&text]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        let cut = events(&parts);
        prop_assert_eq!(&whole, &cut);
        let raw: Vec<u8> = whole.iter().flat_map(|frame| frame.raw.clone()).collect();
        prop_assert!(text.starts_with(&raw));
    }
}
