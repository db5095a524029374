//! Files that lie, end early or never: whatever comes, an outcome comes back within the limits.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use castellan_extract::{Limits, Part, Reason, extract};
use proptest::prelude::*;

use crate::support::{gzip, read, read_from, read_within, tar, zip};
use crate::{binary, mail};

/// A small file of every format.
fn fixtures() -> Vec<(&'static str, Vec<u8>)> {
    let batch = binary::batch();
    let word = r#"<w:document><w:p><w:r><w:t>text</w:t></w:r></w:p><w:del><w:delText>x</w:delText></w:del></w:document>"#;
    let sheet = r#"<worksheet><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><f>1+1</f><v>2</v></c></row></worksheet>"#;
    let odf = "<d><table:table><table:table-row><table:table-cell><text:p>cell</text:p></table:table-cell></table:table-row></table:table></d>";
    let notebook = r#"{"cells": [{"source": ["a\n", "b"], "outputs": [{"data": {"text/html": "<p>x"}}]}]}"#;
    let inner = zip(&[("a.csv", b"k,v\n1,2\n"), ("b.json", br#"{"a": ["x", 1]}"#)]);
    vec![
        ("a.txt", "plain caf\u{e9}\n".repeat(20).into()),
        ("a.csv", b"name;mail\n\"Ada \"\"A\"\"\";a@b.org\n\n3;4\n".to_vec()),
        ("a.json", br#"{"a": [1, "\ud83d\ude00", {"b": null}], "c": "text"} // end"#.to_vec()),
        ("a.jsonl", b"{\"a\": 1}\nbad\n[\"x\"]\n".to_vec()),
        ("a.ipynb", notebook.into()),
        ("a.xml", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a k='v'>&b;<![CDATA[x]]><!--c--></a>".to_vec()),
        ("a.html", b"<html><p hidden>x<b>y</b><table><td>1<script>z</script><a href='u'>t</a>&amp;".to_vec()),
        ("a.rtf", br"{\rtf1\ansi{\fonttbl{\f0\fcharset204 A;}}\f0 \'cf\u8364? {\v h}{\*\x y}\bin3 abc\par}".to_vec()),
        ("a.eml", b"Subject: =?utf-8?q?a=C3=A9?=\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\nYWJj\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n--b--\n".to_vec()),
        ("a.mbox", b"From a 1:1\nSubject: x\n\ny\n\nFrom b 2:2\nSubject: z\n\nw\n".to_vec()),
        ("a.msg", mail::outlook()),
        ("a.xls", mail::workbook()),
        ("a.pdf", binary::pdf()),
        ("a.parquet", binary::parquet(&batch, 2)),
        ("a.arrow", binary::arrow(&batch, true, Some(arrow_ipc::CompressionType::LZ4_FRAME))),
        ("a.arrows", binary::arrow(&batch, false, Some(arrow_ipc::CompressionType::ZSTD))),
        ("a.sqlite", include_bytes!("../data/people.sqlite").to_vec()),
        ("a.png", binary::png()),
        ("a.zip", inner.clone()),
        ("a.docx", zip(&[("[Content_Types].xml", b"<T/>"), ("word/document.xml", word.as_bytes())])),
        ("a.xlsx", zip(&[("[Content_Types].xml", b"<T/>"), ("xl/worksheets/sheet1.xml", sheet.as_bytes()), ("xl/sharedStrings.xml", b"<sst><si><t>s</t></si></sst>")])),
        ("a.ods", zip(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", odf.as_bytes())])),
        ("a.tar", tar(&[("a.txt", b"text"), ("b.zip", &inner)])),
        ("a.tgz", gzip(&tar(&[("a.txt", b"text"), ("b.zip", &inner)]))),
        ("a.xz", include_bytes!("../data/notes.txt.xz").to_vec()),
        ("a.zst", zstd::encode_all(&b"text ".repeat(100)[..], 3).unwrap()),
    ]
}

/// Panics of decoders are contained; ones of our own are told apart by the file that they come from.
static OWN_PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn watch_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|location| location.file().to_owned()).unwrap_or_default();
            if place.contains("crates/extract/src") {
                OWN_PANICS.lock().unwrap().push(info.to_string());
            }
            // What a decoder of others says is of no use in a test that breaks files on purpose.
            if !place.contains(".cargo/registry") && !place.contains("/library/") {
                before(info);
            }
        }));
    });
}

const SMALL: u64 = 1 << 20;

fn small<'a>() -> Limits<'a> {
    Limits {
        text_bytes: SMALL,
        expanded_bytes: 4 * SMALL,
        memory: 1 << 20,
        entries: 100,
        chunk: 256,
        listed: 50,
        ..Limits::default()
    }
}

fn holds(name: &str, bytes: &[u8]) {
    let read = read_within(name, bytes, &small());
    let coverage = read.outcome.coverage;
    assert!(coverage.text_bytes <= SMALL, "{name}: {coverage:?}");
    assert!(coverage.bytes_expanded <= 4 * SMALL + (16 << 20), "{name}: {coverage:?}");
    assert!(read.outcome.skipped.len() <= 50 && read.outcome.notes.len() <= 50, "{name}");
    assert_eq!(*OWN_PANICS.lock().unwrap(), [""; 0], "{name}");
}

#[test]
fn every_fixture_is_whole() {
    for (name, bytes) in fixtures() {
        let read = read(name, &bytes);
        assert!(!read.texts.is_empty(), "{name}: {:?}", read.outcome);
        let skips: Vec<String> = read
            .skips()
            .into_iter()
            .filter(|skip| !skip.contains("no text") && !skip.contains("object in RTF"))
            .collect();
        assert_eq!(skips, [""; 0], "{name}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_gives_an_outcome() {
    watch_panics();
    for (name, bytes) in fixtures() {
        let step = (bytes.len() / 60).max(1);
        for length in (0..bytes.len()).step_by(step) {
            holds(name, &bytes[..length]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_gives_an_outcome(
        which in 0..26_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        other in 0..26_usize,
    ) {
        watch_panics();
        let fixtures = fixtures();
        let (name, mut bytes) = fixtures[which % fixtures.len()].clone();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        holds(name, &bytes);
        // Content under a name that promises something else.
        holds(fixtures[other % fixtures.len()].0, &bytes);
    }

    #[test]
    fn any_bytes_give_an_outcome(bytes in prop::collection::vec(any::<u8>(), 0..400), which in 0..26_usize) {
        watch_panics();
        let fixtures = fixtures();
        let (name, start) = &fixtures[which % fixtures.len()];
        holds(name, &bytes);
        // Noise behind a start that is recognised.
        holds(name, &[&start[..start.len().min(64)], &bytes].concat());
    }

    /// However long chunks are, and however little a read gives, the texts are the same.
    #[test]
    fn chunks_and_reads_change_nothing(which in 0..26_usize, chunk in 64..200_usize, piece in 1..100_usize) {
        let fixtures = fixtures();
        let (name, bytes) = &fixtures[which % fixtures.len()];
        let limits = Limits { chunk, ..Limits::default() };
        let mut slow = Slow { inner: Cursor::new(bytes), piece };
        let texts = |read: crate::support::Read| read.texts.into_iter().map(|text| (text.place, text.text)).collect::<Vec<_>>();
        prop_assert_eq!(texts(read_from(name, &mut slow, &limits)), texts(read(name, bytes)));
    }
}

/// A source that gives a few bytes at a time.
struct Slow<'a> {
    inner: Cursor<&'a Vec<u8>>,
    piece: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.piece);
        self.inner.read(&mut buffer[..length])
    }
}

impl Seek for Slow<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// A source that never ends, of one line again and again.
struct Endless<'a> {
    line: &'a [u8],
    at: u64,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in buffer.iter_mut() {
            *byte = self.line[(self.at % self.line.len() as u64) as usize];
            self.at += 1;
        }
        Ok(buffer.len())
    }
}

impl Seek for Endless<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => (1_u64 << 60).saturating_add_signed(back),
            SeekFrom::Current(step) => self.at.saturating_add_signed(step),
        };
        Ok(self.at)
    }
}

#[test]
fn what_never_ends_is_ended() {
    let lines: [(&str, &[u8]); 5] = [
        ("a.txt", b"a line of text\n"),
        ("a.csv", b"one,two,three\n"),
        ("a.jsonl", b"{\"a\": \"text\"}\n"),
        ("a.json", b"[\"a\", 1, {\"b\": "),
        ("a.mbox", b"From a 1:1\nSubject: x\n\ny\n\n"),
    ];
    for (name, line) in lines {
        let mut source = Endless { line, at: 0 };
        let limits = Limits { text_bytes: SMALL, ..Limits::default() };
        let outcome = extract(name, &mut source, &limits, &mut |_: &Part<'_>| {});
        assert!(outcome.coverage.text_bytes <= SMALL, "{name}");
        assert!(outcome.coverage.bytes_read < 40 * SMALL, "{name}: {:?}", outcome.coverage);
        assert!(!outcome.is_complete(), "{name}");
        // A caller who says stop is heard, whatever is being read.
        let asked = AtomicUsize::new(0);
        let stop = || asked.fetch_add(1, Ordering::Relaxed) > 10;
        let limits = Limits { stop: &stop, ..Limits::default() };
        let outcome = extract(name, &mut source, &limits, &mut |_: &Part<'_>| {});
        assert_eq!(outcome.skipped.last().unwrap().reason, Reason::Stopped, "{name}");
        assert!(outcome.coverage.bytes_read < 16 * SMALL, "{name}: {:?}", outcome.coverage);
    }
}

#[test]
fn a_source_that_fails_is_said_to_be_unreadable() {
    struct Failing(u64);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 >= 100_000 {
                return Err(io::Error::other("the disk is gone"));
            }
            let length = buffer.len().min(1000);
            buffer[..length].fill(b'x');
            self.0 += length as u64;
            Ok(length)
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0 = if let SeekFrom::Start(at) = to { at } else { 200_000 };
            Ok(self.0)
        }
    }
    let read = read_from("a.txt", &mut Failing(0), &Limits::default());
    assert_eq!(read.skips(), ["text: unreadable: the disk is gone"]);
    assert!(read.all().len() >= 100_000, "what came before is given");
}

/// An archive that holds itself: the classic one of 2010 by hand is not needed, a name that loops does as well.
#[test]
fn an_archive_of_many_levels_and_many_copies_is_bounded() {
    let mut archive = zip(&[("core.txt", &b"0".repeat(1 << 16))]);
    for _ in 0..5 {
        let names: Vec<String> = (0..16).map(|at| format!("{at}.zip")).collect();
        let entries: Vec<(&str, &[u8])> =
            names.iter().map(|name| (name.as_str(), archive.as_slice())).collect();
        archive = zip(&entries);
    }
    let limits = Limits { entries: 2000, expanded_bytes: 16 << 20, ..Limits::default() };
    let read = read_within("42.zip", &archive, &limits);
    assert!(read.outcome.coverage.entries <= 2001, "{:?}", read.outcome.coverage);
    assert!(read.outcome.coverage.bytes_expanded <= (16 << 20) + (1 << 16));
    assert!(!read.outcome.is_complete());
}

#[test]
fn a_panic_of_the_caller_is_the_callers() {
    let panicked = std::panic::catch_unwind(|| {
        extract("a.txt", &mut Cursor::new("text"), &Limits::default(), &mut |_: &Part<'_>| panic!("mine"))
    });
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"mine"));
}
