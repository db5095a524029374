//! Plain text in every encoding, CSV, JSON, notebooks.

use castellan_extract::{Format, Limits, Oddity};

use crate::support::{check, read, read_within};

fn utf16(text: &str, is_big: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() })
        .collect()
}

#[test]
fn text_is_read_in_any_encoding() {
    let text = "caf\u{e9} \u{1f600} stra\u{df}e\nsecond line\n";
    let utf32: Vec<u8> = text.chars().flat_map(|character| (character as u32).to_le_bytes()).collect();
    let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("utf-8", text.into()),
        ("utf-8 with a mark", marked(b"\xEF\xBB\xBF", text.into())),
        ("utf-16le with a mark", marked(b"\xFF\xFE", utf16(text, false))),
        ("utf-16be with a mark", marked(b"\xFE\xFF", utf16(text, true))),
        ("utf-16le", utf16(text, false)),
        ("utf-16be", utf16(text, true)),
        ("utf-32le with a mark", marked(b"\xFF\xFE\0\0", utf32.clone())),
        ("utf-32le", utf32),
    ];
    for (name, bytes) in cases {
        let read = read("a.txt", &bytes);
        assert_eq!(read.all(), text, "{name}");
        assert!(read.outcome.is_complete() && read.outcome.notes.is_empty(), "{name}: {:?}", read.outcome);
    }
}

#[test]
fn legacy_encodings_are_guessed_and_said_to_be() {
    let german = "Die M\u{fc}ller stra\u{df}e ist f\u{fc}r \u{c4}rzte ge\u{f6}ffnet.\n".repeat(4);
    let russian = "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}, \u{43c}\u{438}\u{440}! \u{41a}\u{430}\u{43a} \u{434}\u{435}\u{43b}\u{430}?\n".repeat(4);
    let japanese =
        "\u{3053}\u{308c}\u{306f}\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{6587}\u{7ae0}\u{3067}\u{3059}\u{3002}\n"
            .repeat(4);
    let cases = [
        (german, encoding_rs::WINDOWS_1252),
        (russian, encoding_rs::WINDOWS_1251),
        (japanese, encoding_rs::SHIFT_JIS),
    ];
    for (text, encoding) in cases {
        let bytes = encoding.encode(&text).0;
        let read = read("a.txt", &bytes);
        assert_eq!(read.all(), text, "{}", encoding.name());
        let notes: Vec<&Oddity> = read.outcome.notes.iter().map(|note| &note.what).collect();
        assert_eq!(notes, [&Oddity::GuessedEncoding { encoding: encoding.name() }]);
    }
}

#[test]
fn bytes_that_are_not_ascii_may_come_late() {
    let mut bytes = b"plain line\n".repeat(20_000);
    bytes.extend("M\u{fc}nchen".as_bytes());
    assert!(read("a.log", &bytes).all().ends_with("M\u{fc}nchen"));
    let mut bytes = b"plain line\n".repeat(20_000);
    bytes.extend(encoding_rs::WINDOWS_1252.encode("Gr\u{fc}\u{df}e aus M\u{fc}nchen").0.iter());
    assert!(read("a.log", &bytes).all().ends_with("Gr\u{fc}\u{df}e aus M\u{fc}nchen"));
}

#[test]
fn invalid_bytes_are_replaced_and_noted() {
    let bytes = ["\u{e9}\u{e8}\u{ea}\u{eb}".repeat(20).as_bytes(), b" x\xFFy "].concat();
    let read = read("a.txt", &bytes);
    assert!(read.all().contains("x\u{fffd}y"), "{}", read.all());
    assert_eq!(read.outcome.notes[0].what, Oddity::InvalidText { encoding: "UTF-8" });
}

/// Every character's byte and line, as a part says it, against the file.
#[test]
fn offsets_lead_back_to_bytes_and_lines() {
    let text = "first\nzw\u{e9}i \u{1f600} two\nthird \u{df} line\n".repeat(500);
    let cases: [(Vec<u8>, &str); 3] = [
        (text.clone().into(), "utf-8"),
        ([&b"\xFF\xFE"[..], &utf16(&text, false)].concat(), "utf-16"),
        (text.replace('\u{1f600}', "x").chars().map(|c| c as u8).collect(), "latin"),
    ];
    for (bytes, name) in cases {
        let limits = Limits { chunk: 100, ..Limits::default() };
        let mut seen = 0;
        let mut sink = |part: &castellan_extract::Part<'_>| {
            for (at, character) in part.text.char_indices() {
                let byte = part.byte_at(at).unwrap() as usize;
                let line = part.line_at(at).unwrap() as usize;
                let wide = u16::from_le_bytes([bytes[byte], bytes.get(byte + 1).copied().unwrap_or(0)]);
                let found = match name {
                    "utf-8" => bytes[byte..].starts_with(character.encode_utf8(&mut [0; 4]).as_bytes()),
                    "utf-16" => wide == character.encode_utf16(&mut [0; 2])[0],
                    _ => u32::from(bytes[byte]) == character as u32,
                };
                assert!(found, "{name}: {character:?} is not at byte {byte}");
                let before = bytes[..byte].iter().filter(|byte| **byte == b'\n').count();
                assert_eq!(line, before + 1, "{name}: the line of byte {byte}");
                seen += 1;
            }
        };
        castellan_extract::extract("a.txt", &mut std::io::Cursor::new(&bytes), &limits, &mut sink);
        assert!(seen > 10_000, "{name}");
    }
}

#[test]
fn what_is_no_text_is_said_to_be_none() {
    let noise: Vec<u8> = (0..4096_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(read("a.bin", &noise).skips(), ["text: not supported: unknown binary"]);
    assert_eq!(read("a", b"\x7FELF\x02\x01\x01\0\0\0\0\0").skips(), ["text: no text: program"]);
    assert_eq!(read("a.txt", b"").outcome.format, Some(Format::Empty));
    // Zeros that padded a log are no reason to leave it unread.
    let padded = [&b"a line of a log that was cut\n".repeat(4)[..], &[0; 64]].concat();
    assert!(read("a.log", &padded).all().starts_with("a line of a log"));
}

#[test]
fn cells_know_their_row_column_and_name() {
    let csv = "name;mail\r\nAda;ada@example.org\r\n\"Bell; \"\"Bo\"\"\";\"two\nlines\"\r\n";
    check(
        "a.csv",
        csv.as_bytes(),
        &[
            "row 1 column 1: name",
            "row 1 column 2: mail",
            "row 2 column 1 (name): Ada",
            "row 2 column 2 (mail): ada@example.org",
            "row 3 column 1 (name): Bell; \"Bo\"",
            "row 3 column 2 (mail): two\nlines",
        ],
    );
    let read = read("a.csv", csv.as_bytes());
    assert_eq!(read.outcome.coverage.rows, 3);
    for text in read.texts.iter().filter(|text| !text.text.contains('"')) {
        let from = text.byte.unwrap() as usize;
        assert!(csv[from..].starts_with(&text.text), "{text:?}");
    }
}

#[test]
fn the_delimiter_is_found_and_a_table_without_names_has_none() {
    for delimiter in [",", ";", "\t", "|"] {
        let csv = format!("1{delimiter}ada@example.org\n2{delimiter}bo@example.org\n");
        let read = read("a.csv", csv.as_bytes());
        assert_eq!(read.lines()[3], "row 2 column 2: bo@example.org", "{delimiter:?}");
    }
    check("a.tsv", b"a,b\tc\n", &["row 1 column 1: a,b", "row 1 column 2: c"]);
}

#[test]
fn a_cell_longer_than_a_chunk_comes_in_several() {
    let long = "x".repeat(1000);
    let csv = format!("a,b\n\"{long}\",\u{e9}{long}\n");
    let limits = Limits { chunk: 64, ..Limits::default() };
    let read = read_within("a.csv", csv.as_bytes(), &limits);
    assert_eq!(read.texts[2].text, long);
    assert_eq!(read.texts[3].text, format!("\u{e9}{long}"));
    assert!(read.texts[2].chunks > 10);
}

#[test]
fn json_gives_names_strings_and_numbers_with_their_paths() {
    let json =
        r#"{"users": [{"mail": "a\u0040b.org", "age": 41}, {"mail": "c", "it's": [true, null, -1.5e3]}]}"#;
    check(
        "a.json",
        json.as_bytes(),
        &[
            "$.users (name): users",
            "$.users[0].mail (name): mail",
            "$.users[0].mail: a@b.org",
            "$.users[0].age (name): age",
            "$.users[0].age: 41",
            "$.users[1].mail: c",
            "$.users[1]['it\\'s'] (name): it's",
            "$.users[1]['it\\'s'][2]: -1.5e3",
        ],
    );
    let read = read("a.json", json.as_bytes());
    for text in read.texts.iter().filter(|text| !text.text.contains('@')) {
        assert!(json[text.byte.unwrap() as usize..].starts_with(&text.text), "{text:?}");
    }
}

#[test]
fn escapes_are_undone() {
    let json = r#"["\ud83d\ude00 \"q\" \\ \/ \n\t", "\ud83d alone", "\ud83d\n"]"#;
    let read = read("a.json", json.as_bytes());
    let texts: Vec<&str> = read.texts.iter().map(|text| text.text.as_str()).collect();
    assert_eq!(texts, ["\u{1f600} \"q\" \\ / \n\t", "\u{fffd} alone", "\u{fffd}\n"]);
}

#[test]
fn json_lines_count_records_and_survive_a_bad_line() {
    let lines = "{\"a\": 1}\nnot json at all\n{\"a\": \"x\"}\n";
    check(
        "a.jsonl",
        lines.as_bytes(),
        &["record 1 $.a (name): a", "record 1 $.a: 1", "text: not json at all", "record 3 $.a: x"],
    );
    let read = read("a.jsonl", lines.as_bytes());
    assert_eq!(read.outcome.coverage.rows, 3);
    assert_eq!(read.outcome.notes[0].what, Oddity::ReadAsText { byte: Some(9) });
}

#[test]
fn what_is_no_json_is_given_as_text() {
    check("a.json", b"{\"a\": \"x\", b: secret}", &["$.a (name): a", "$.a: x", "text: b: secret}"]);
    check("a.json", b"{\"a\": tru, \"b\": 1}", &["$.a (name): a", "text: tru, \"b\": 1}"]);
    check("a.json", b"{\"a\": \"cut", &["$.a (name): a", "$.a: cut"]);
    let commented = "{ // key of Ada\n \"a\": /* two */ 1, }";
    check(
        "a.json",
        commented.as_bytes(),
        &["comment:  key of Ada", "$.a (name): a", "comment:  two", "$.a: 1"],
    );
    let deep = format!("{}\"core\"", "[".repeat(100_000));
    assert!(read("a.json", deep.as_bytes()).all().contains("core"));
}

#[test]
fn content_decides_where_the_name_does_not() {
    let cases: [(&str, &[u8], Format); 9] = [
        ("a", b"{\"k\": [1, 2]}", Format::Json),
        ("a", b"{\"k\": 1}\n{\"k\": 2}\n", Format::JsonLines),
        ("a.log", b"[2024-01-01] started\n[2024-01-02] done\n", Format::Text),
        ("a", b"<?xml version=\"1.0\"?><a/>", Format::Xml),
        ("a", b"<!DOCTYPE html><p>x", Format::Html),
        ("a", b"From: a\nTo: b\nSubject: c\n\nhi", Format::Mail),
        ("a.py", b"x = {1: 2}\n", Format::Text),
        ("a.csv", b"plain", Format::Csv),
        ("a.json", b"just words", Format::Text),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(
            read(name, bytes).outcome.format,
            Some(expected),
            "{name} {:?}",
            String::from_utf8_lossy(bytes)
        );
    }
    let read = read("picture.png", b"just words");
    let mismatch = Oddity::ExtensionMismatch { named: Format::Image, found: Format::Text };
    assert_eq!(read.outcome.notes[0].what, mismatch);
}

#[test]
fn notebooks_keep_the_lines_of_a_cell_together() {
    let notebook = r##"{"cells": [
        {"cell_type": "code", "source": ["key = (\n", "  'abc')"], "metadata": {"tags": ["t"]}, "outputs": [
            {"output_type": "stream", "text": ["one\n", "two"]},
            {"output_type": "display_data", "data": {"image/png": "aGk=", "text/html": ["<b>bold</b>"]}},
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["tb"]}]},
        {"cell_type": "markdown", "source": "# Title"}], "metadata": {"author": "Ada", "n": 4111111111111111}, "nbformat": 4}"##;
    check(
        "a.ipynb",
        notebook.as_bytes(),
        &[
            "cell 1: key = (\n  'abc')",
            "cell 1: t",
            "cell 1 output: one\ntwo",
            "text/html: bold",
            "cell 1 output: E\nv\ntb",
            "cell 2: # Title",
            "metadata: 4111111111111111\nAda",
        ],
    );
    assert_eq!(read("a.ipynb", notebook.as_bytes()).skips(), ["cell 1 output: no text: image"]);
}
