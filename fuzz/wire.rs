//! What must hold of the wire for any bytes, for the targets of `castellan-wire` and for the tests of that crate.

use castellan_wire::active::{self, Hosts};
use castellan_wire::edit::{Edit, applied, rewrite};
use castellan_wire::form::Form;
use castellan_wire::frame::{self, Frame, FrameError, Frames, Framing};
use castellan_wire::json::{Bounds, Tree};
use castellan_wire::spotlight::{Marking, Side, noticed, spotlighted};
use castellan_wire::{Api, Direction, Reading, annotate, calls, passages, route, usage};

const NEW: &str = "<X>";

/// A body: what is not edited stays, what is edited is gone, and what is marked is still JSON.
pub(crate) fn json(bytes: &[u8]) {
    let Ok(tree) = Tree::read(bytes, &Bounds::default()) else { return };
    for api in [Api::Chat, Api::Responses, Api::Messages, Api::OllamaGenerate, Api::Embeddings] {
        for direction in [Direction::Request, Direction::Response] {
            let reading = passages(&tree, api, direction);
            read_well(&reading);
            let none = vec![Vec::new(); reading.passages.len()];
            assert_eq!(rewrite(&tree, &reading, &none).as_deref(), Ok(bytes));
            edited(&tree, &reading, api, direction);
            if direction == Direction::Request {
                marked(&tree, &reading, api);
            }
        }
    }
}

fn read_well(reading: &Reading) {
    for passage in &reading.passages {
        assert!(!passage.text.is_empty() || passage.segments.is_empty());
        assert!(passage.segments.iter().all(|segment| passage.text.get(segment.range.clone()).is_some()));
    }
}

fn edited(tree: &Tree<'_>, reading: &Reading, api: Api, direction: Direction) {
    let whole = |length| vec![Edit { range: 0..length, replacement: NEW.to_owned() }];
    let edits: Vec<Vec<Edit>> = reading.passages.iter().map(|passage| whole(passage.text.len())).collect();
    // A name of a member, or JSON inside of a string, is refused instead.
    let Ok(after) = rewrite(tree, reading, &edits) else { return };
    let again = Tree::read(&after, &Bounds::default()).unwrap();
    for passage in passages(&again, api, direction).passages {
        assert!(passage.text.split('\n').all(|line| line == NEW), "{:?} is left", passage.text);
    }
}

fn marked(tree: &Tree<'_>, reading: &Reading, api: Api) {
    for marking in [Marking::Delimit, Marking::Datamark, Marking::Base64] {
        if let Ok(Some(spotlit)) = spotlighted(tree, reading, api, marking, "5bd1f0c6a9e24387") {
            assert!(Tree::read(&spotlit.body, &Bounds::default()).is_ok());
        }
    }
}

fn framed(bytes: &[u8], framing: Framing, step: usize) -> (Vec<Frame>, Result<Option<Frame>, FrameError>) {
    let mut frames = Frames::new(framing);
    let mut all = Vec::new();
    for piece in bytes.chunks(step) {
        match frames.push(piece) {
            Ok(more) => all.extend(more),
            Err(error) => return (all, Err(error)),
        }
    }
    (all, frames.finish())
}

/// A stream: cuts do not matter, no byte is lost, and what is put in place of data is what is read.
pub(crate) fn sse(bytes: &[u8]) {
    for framing in [Framing::Events, Framing::Lines] {
        let whole = framed(bytes, framing, bytes.len().max(1));
        for step in [1, 3, 7] {
            assert_eq!(framed(bytes, framing, step), whole);
        }
        let raw: Vec<u8> = whole.0.iter().flat_map(|frame| frame.raw.clone()).collect();
        assert!(bytes.starts_with(&raw));
        for frame in &whole.0 {
            for api in [Api::Chat, Api::Responses, Api::Messages, Api::OllamaChat] {
                let _ = frame::read(frame, api);
            }
            if !frame.is_empty() {
                let other = frame.with_data(&frame.data, framing);
                let (again, end) = framed(&other.raw, framing, other.raw.len());
                assert_eq!(end, Ok(None));
                assert!(again.iter().map(|frame| &frame.data).eq([&frame.data]), "{again:?} of {frame:?}");
            }
        }
    }
}

/// A form: what is read can be written, and is read again.
pub(crate) fn form(bytes: &[u8]) {
    let _ = Form::read(bytes, "multipart/form-data; boundary=\"a b\"");
    let Ok(form) = Form::read(bytes, "multipart/form-data; boundary=B") else { return };
    assert_eq!(
        form.reading().passages.len() + form.reading().unscanned.len(),
        form.fields.len() + form.texts.len() + form.files.len()
    );
    let is_plain = |name: &str| !name.contains(['"', '\\', '\r', '\n', ';', '=', '*']);
    if form.fields.iter().any(|(name, _)| !is_plain(name)) {
        return;
    }
    let mut body = String::new();
    for (name, value) in &form.fields {
        body.push_str(&format!("--B\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str("--B--");
    let again = Form::read(body.as_bytes(), "multipart/form-data; boundary=B");
    assert_eq!(again.map(|form| form.fields), Ok(form.fields));
}

/// A path: what has an API is what every server reads alike.
pub(crate) fn path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (method, path) = text.split_once(' ').unwrap_or(("POST", text));
    let Some(found) = route(method, path) else { return };
    assert!(Api::ALL.contains(&found.api) && !found.tail.is_empty());
    assert!(!path.contains(['%', '\\', ';']) && !path.contains("//") && !path.contains("/../"));
    assert!(path.trim_end_matches('/').ends_with(&found.tail));
    assert!(found.deployment.as_ref().is_none_or(|name| !name.contains('/') && path.contains(name)));
    assert_eq!(route(method, path.trim_end_matches('/')), Some(found));
}

/// Text that is shown: what goes stands apart and in order, and what stays leads to no stranger.
pub(crate) fn shown(bytes: &[u8]) {
    let Some((flags, Ok(text))) =
        bytes.split_first().map(|(flags, rest)| (*flags, std::str::from_utf8(rest)))
    else {
        return;
    };
    let (bare, is_over) = (flags & 1 == 1, flags & 2 == 2);
    let hosts = Hosts::new(&["docs.example.com", "*.contoso.com"]);
    let found = active::find(text, &hosts, bare, is_over);
    assert!(found.edits.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
    assert!(found.open.is_none_or(|open| !is_over && text.is_char_boundary(open)));
    let until = found.open.unwrap_or(text.len());
    assert!(found.edits.iter().all(|edit| edit.range.end <= until), "{found:?}");
    let stays = applied(text.get(..until).unwrap(), found.edits).unwrap();
    for what in
        ["](https://evil.example", "](//evil.example", "<img src=//evil.example", "<https://evil.example"]
    {
        assert!(!stays.contains(what), "{stays:?} of {text:?}");
    }
}

/// What is told of a body beside its texts, and what is put into it: every call is one, and what was added is still JSON.
pub(crate) fn calls(bytes: &[u8]) {
    let Ok(tree) = Tree::read(bytes, &Bounds::default()) else { return };
    for call in calls::calls(&tree) {
        assert!(!call.path.is_empty() && call.arguments.len() <= bytes.len());
    }
    let _ = (calls::is_whole(&tree), calls::names(&tree), usage::finish(&tree), frame::about(&tree));
    let used = usage::Usage::of(&tree).unwrap_or_default();
    assert_eq!(used.and(used), used);
    let results = annotate::Results { jailbreak: Some((true, false)), ..annotate::Results::default() };
    let annotated = annotate::annotated(&tree, &results, &results).unwrap();
    assert!(Tree::read(&annotated, &Bounds::default()).is_ok());
    for api in Api::ALL.iter().copied() {
        for side in [Side::Start, Side::End] {
            let Ok(body) = noticed(&tree, api, "a \"note\"", side) else { continue };
            let told = Tree::read(&body, &Bounds::default()).unwrap();
            assert!(
                passages(&told, api, Direction::Request)
                    .passages
                    .iter()
                    .any(|text| text.text.contains("a \"note\""))
            );
        }
    }
}
