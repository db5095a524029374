//! How fast each format is read, in bytes of the file a second.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{Cursor, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use castellan_extract::{Limits, Part, extract};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

const ROWS: usize = 50_000;

fn rows(line: impl Fn(usize) -> String) -> Vec<u8> {
    (0..ROWS).map(line).collect::<String>().into_bytes()
}

fn batch() -> RecordBatch {
    let text = |prefix: &str| (0..ROWS).map(|at| format!("{prefix} {at} of some length")).collect::<Vec<_>>();
    let numbers: Int64Array = (0..ROWS as i64).collect();
    RecordBatch::try_from_iter([
        ("name", Arc::new(StringArray::from(text("name"))) as ArrayRef),
        ("address", Arc::new(StringArray::from(text("a longer address in some street"))) as ArrayRef),
        ("number", Arc::new(numbers) as ArrayRef),
    ])
    .unwrap()
}

fn parquet_file() -> Vec<u8> {
    let compression = parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::default());
    let properties =
        parquet::file::properties::WriterProperties::builder().set_compression(compression).build();
    let mut bytes = Vec::new();
    let batch = batch();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow_file() -> Vec<u8> {
    let mut bytes = Vec::new();
    let batch = batch();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn packed(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (part, content) in [("[Content_Types].xml", &b"<Types/>"[..]), (name, bytes)] {
        writer.start_file(part, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn pdf() -> Vec<u8> {
    let content: String =
        (0..ROWS).map(|at| format!("BT /F1 9 Tf 1 {at} Td (line {at} of a page) Tj ET\n")).collect();
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>".to_owned(),
        format!("<</Length {}>>\nstream\n{content}\nendstream", content.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.7\n");
    let mut table = String::from("xref\n0 6\n0000000000 65535 f \n");
    for (at, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", at + 1));
    }
    let start = file.len();
    file.push_str(&format!("{table}trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n{start}\n%%EOF"));
    file.into_bytes()
}

fn file(name: &str) -> Vec<u8> {
    match name {
        "a.txt" => rows(|at| format!("line {at} of a log with some words and user{at}@example.org in it\n")),
        "a.latin.txt" => rows(|at| format!("Zeile {at} \u{fc}ber Stra\u{df}en\n")).iter().copied().filter(|byte| *byte != 0xC3).collect(),
        "a.csv" => rows(|at| format!("{at},\"Name, {at}\",user{at}@example.org,some street {at}\n")),
        "a.jsonl" => rows(|at| format!("{{\"id\": {at}, \"user\": {{\"mail\": \"user{at}@example.org\", \"name\": \"Name {at}\"}}}}\n")),
        "a.xml" => rows(|at| format!("<row id=\"{at}\"><mail>user{at}@example.org</mail><name>Name {at}</name></row>\n")),
        "a.html" => rows(|at| format!("<tr><td class=c>{at}<td><a href=\"mailto:user{at}@example.org\">Name {at}</a></tr>\n")),
        "a.rtf" => [&b"{\\rtf1 "[..], &rows(|at| format!("{{\\b line}} {at} caf\\'e9 and more words\\par\n")), b"}"].concat(),
        "a.mbox" => rows(|at| format!("From a{at} 1:1\nSubject: mail {at}\nFrom: user{at}@example.org\n\nbody of mail {at}\n\n")),
        "a.parquet" => parquet_file(),
        "a.arrow" => arrow_file(),
        "a.pdf" => pdf(),
        "a.docx" => packed("word/document.xml", &rows(|at| format!("<w:p><w:r><w:t>paragraph {at} of a text</w:t></w:r></w:p>"))),
        "a.xlsx" => packed(
            "xl/worksheets/sheet1.xml",
            &[&b"<worksheet>"[..], &rows(|at| format!("<row r=\"{at}\"><c r=\"A{at}\" t=\"str\"><v>text {at}</v></c><c r=\"B{at}\"><v>{at}</v></c></row>")), b"</worksheet>"].concat(),
        ),
        "a.txt.gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&file("a.txt")).unwrap();
            encoder.finish().unwrap()
        }
        _ => include_bytes!("../tests/data/people.sqlite").to_vec(),
    }
}

const NAMES: [&str; 15] = [
    "a.txt",
    "a.latin.txt",
    "a.csv",
    "a.jsonl",
    "a.xml",
    "a.html",
    "a.rtf",
    "a.mbox",
    "a.parquet",
    "a.arrow",
    "a.pdf",
    "a.docx",
    "a.xlsx",
    "a.txt.gz",
    "a.sqlite",
];

#[divan::bench(args = NAMES)]
fn read(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = file(name);
    let limits = Limits { entries: u64::MAX, ..Limits::default() };
    bencher.counter(BytesCount::new(bytes.len())).bench(|| {
        let mut given = 0;
        let mut sink = |part: &Part<'_>| given += part.text.len();
        let outcome = extract(name, &mut Cursor::new(&bytes), &limits, &mut sink);
        assert!(given > 0, "{outcome:?}");
        given
    });
}
