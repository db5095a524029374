//! What the tests share: a sink that remembers, and writers of small files.

use std::io::{Cursor, Write};

use castellan_extract::{Limits, Outcome, Part, Skipped, Source, extract};

/// One text, its chunks put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) place: String,
    pub(crate) text: String,
    pub(crate) is_hidden: bool,
    /// The byte of the first chunk.
    pub(crate) byte: Option<u64>,
    pub(crate) chunks: usize,
}

#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) texts: Vec<Text>,
    pub(crate) outcome: Outcome,
}

impl Read {
    /// `place: text` a line, hidden text in brackets.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |text: &Text| {
            let (open, close) = if text.is_hidden { ("[", "]") } else { ("", "") };
            format!("{}: {open}{}{close}", text.place, text.text.trim_end())
        };
        self.texts.iter().map(line).collect()
    }

    /// `place: reason` a line.
    pub(crate) fn skips(&self) -> Vec<String> {
        let line = |skipped: &Skipped| format!("{}: {}", skipped.location, skipped.reason);
        self.outcome.skipped.iter().map(line).collect()
    }

    pub(crate) fn all(&self) -> String {
        self.texts.iter().map(|text| text.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

pub(crate) fn read(name: &str, bytes: &[u8]) -> Read {
    read_within(name, bytes, &Limits::default())
}

pub(crate) fn read_within(name: &str, bytes: &[u8], limits: &Limits<'_>) -> Read {
    read_from(name, &mut Cursor::new(bytes), limits)
}

pub(crate) fn read_from(name: &str, source: &mut dyn Source, limits: &Limits<'_>) -> Read {
    let mut texts: Vec<Text> = Vec::new();
    let mut sink = |part: &Part<'_>| {
        assert!(!part.text.is_empty(), "an empty part at {}", part.location);
        assert!(part.text.len() <= limits.chunk.max(64), "a long chunk at {}", part.location);
        let place = part.location.to_string();
        if part.continues {
            let last = texts.last_mut().expect("a part goes on that never began");
            assert_eq!(last.place, place, "a part goes on somewhere else");
            last.text.push_str(part.text);
            last.chunks += 1;
        } else {
            let byte = part.origin.map(|origin| origin.byte);
            texts.push(Text {
                place,
                text: part.text.to_owned(),
                is_hidden: part.is_hidden,
                byte,
                chunks: 1,
            });
        }
    };
    let outcome = extract(name, source, limits, &mut sink);
    assert_eq!(outcome.coverage.parts, texts.len() as u64, "parts are counted");
    let given: usize = texts.iter().map(|text| text.text.len()).sum();
    assert_eq!(outcome.coverage.text_bytes, given as u64, "text is counted");
    Read { texts, outcome }
}

/// Reads a file and compares its texts, one `place: text` a line.
pub(crate) fn check(name: &str, bytes: &[u8], expected: &[&str]) {
    let read = read(name, bytes);
    assert_eq!(read.lines(), expected, "texts of {name}; skipped: {:?}", read.skips());
}

/// Reads a file and compares what was skipped, one `place: reason` a line.
pub(crate) fn check_skips(name: &str, bytes: &[u8], expected: &[&str]) {
    assert_eq!(read(name, bytes).skips(), expected, "skips of {name}");
}

pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar archive of plain files.
pub(crate) fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in entries {
        archive.extend(tar_header(name, b'0', bytes.len()));
        archive.extend(*bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

pub(crate) fn tar_header(name: &str, kind: u8, size: usize) -> Vec<u8> {
    let mut header = vec![0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}
