//! PDF, Parquet, Arrow, SQLite, pictures.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, Decimal128Array, DictionaryArray, Int64Array, ListArray,
    NullArray, RecordBatch, StringArray, StructArray, types::Int32Type,
};
use arrow_schema::{DataType, Field};
use castellan_extract::{Format, Limits};

use crate::support::{check, check_skips, read, read_within};

/// A PDF of those objects, numbered from one; the first is the catalogue.
pub(crate) fn pdf_of(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n%\x80\x80\x80\x80\n".to_vec();
    let mut offsets = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n", at + 1).as_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let count = objects.len() + 1;
    file.extend(
        format!("trailer\n<</Size {count}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF").as_bytes(),
    );
    file
}

pub(crate) fn stream(dictionary: &str, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    let packed = encoder.finish().unwrap();
    let head = format!("<<{dictionary}/Filter/FlateDecode/Length {}>>\nstream\n", packed.len());
    [head.as_bytes(), &packed, b"\nendstream"].concat()
}

pub(crate) fn pdf() -> Vec<u8> {
    let page = "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Annots[8 0 R]\
        /Resources<</Font<</F1 5 0 R/F2 9 0 R>>/XObject<</X1 6 0 R>>>>>>";
    let content =
        b"BT /F1 12 Tf 72 700 Td (Card 41) Tj [(11) -20 (11) -400 (end)] TJ 0 -14 Td (next \\351) Tj ET \
        BT /F2 12 Tf <00010002> Tj ET /X1 Do";
    let map = b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /X def\n\
        1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n\
        2 beginbfchar\n<0001> <0041>\n<0002> <20AC>\nendbfchar\nendcmap\nend\nend\n";
    let objects: Vec<Vec<u8>> = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        page.into(),
        stream("", content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
        stream(
            "/Type/XObject/Subtype/Form/Resources<</XObject<</X1 6 0 R>>/Font<</F1 5 0 R>>>>",
            b"BT /F1 9 Tf (in a form) Tj ET /X1 Do",
        ),
        b"<</Title(Plan)/Author<FEFF004100640061>>>".to_vec(),
        b"<</Type/Annot/Subtype/Link/Contents(a note)/A<</S/URI/URI(mailto:a@b.org)>>>>".to_vec(),
        b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode 10 0 R>>".to_vec(),
        stream("", map),
        stream("/Type/EmbeddedFile", b"name,mail\nAda,ada@example.org\n"),
    ];
    pdf_of(&objects, "/Info 7 0 R")
}

#[test]
fn pdf_gives_pages_forms_notes_properties_and_files() {
    check(
        "a.pdf",
        &pdf(),
        &[
            "page 1: Card 411111 end\nnext \u{e9}\nA\u{20ac}\nin a form",
            "page 1: a note",
            "page 1: mailto:a@b.org",
            "Title: Plan",
            "Author: Ada",
            "embedded file: name,mail\nAda,ada@example.org",
        ],
    );
}

#[test]
fn what_pdf_cannot_tell_is_said() {
    let encrypted = pdf_of(&[b"<</Type/Catalog/Pages 2 0 R>>".to_vec()], "/Encrypt 9 0 R");
    check_skips("a.pdf", &encrypted, &["text: encrypted"]);
    let mut mute = pdf();
    let at = memchr::memmem::find(&mute, b"/ToUnicode 10 0 R").unwrap();
    mute[at..at + 17].fill(b' ');
    let read = read("a.pdf", &mute);
    assert_eq!(read.skips(), ["page 1: not supported: font without a map to Unicode"]);
}

#[test]
fn a_pdf_with_loops_and_bombs_ends() {
    let looped: Vec<Vec<u8>> = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[2 0 R 3 0 R 2 0 R]/Count 3/Parent 2 0 R>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents[4 0 R 4 0 R]/Resources 3 0 R>>".to_vec(),
        stream("", b"BT (seen) Tj ET"),
    ];
    let found = read("a.pdf", &pdf_of(&looped, ""));
    assert!(found.all().contains("seen"), "{found:?}");
    let bomb: Vec<Vec<u8>> = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>".to_vec(),
        stream("", &vec![b' '; 64 << 20]),
    ];
    check_skips("a.pdf", &pdf_of(&bomb, ""), &["page 1: too large to be read whole"]);
}

/// A batch with a column of every kind that matters.
pub(crate) fn batch() -> RecordBatch {
    let lists =
        ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)]), None, Some(vec![])]);
    let address: StructArray = vec![(
        Arc::new(Field::new("city", DataType::Utf8, true)),
        Arc::new(StringArray::from(vec![Some("Bonn"), None, Some("Graz")])) as ArrayRef,
    )]
    .into();
    let codes: DictionaryArray<Int32Type> = vec!["x", "y", "x"].into_iter().collect();
    let amounts = Decimal128Array::from(vec![12345, -5, 0]).with_precision_and_scale(10, 2).unwrap();
    RecordBatch::try_from_iter([
        ("mail", Arc::new(StringArray::from(vec![Some("a@b.org"), None, Some("c@d.org")])) as ArrayRef),
        ("card", Arc::new(Int64Array::from(vec![4_111_111_111_111_111, 2, 3]))),
        ("born", Arc::new(Date32Array::from(vec![0, 1, 19_782]))),
        ("blob", Arc::new(BinaryArray::from(vec![&b"text"[..], &[0xFF, 0], b"more"]))),
        ("list", Arc::new(lists)),
        ("address", Arc::new(address)),
        ("code", Arc::new(codes)),
        ("amount", Arc::new(amounts)),
    ])
    .unwrap()
}

const CELLS: [&str; 22] = [
    "row 1 column 1 (mail): a@b.org",
    "row 3 column 1 (mail): c@d.org",
    "row 1 column 2 (card): 4111111111111111",
    "row 2 column 2 (card): 2",
    "row 3 column 2 (card): 3",
    "row 1 column 3 (born): 1970-01-01",
    "row 2 column 3 (born): 1970-01-02",
    "row 3 column 3 (born): 2024-02-29",
    "row 1 column 4 (blob): text",
    "row 3 column 4 (blob): more",
    "row 1 column 5 (list): 1",
    "row 1 column 5 (list): 2",
    "row 1 column 6 (address.city): Bonn",
    "row 3 column 6 (address.city): Graz",
    "row 1 column 7 (code): x",
    "row 2 column 7 (code): y",
    "row 3 column 7 (code): x",
    "row 1 column 8 (amount): 123.45",
    "row 2 column 8 (amount): -0.05",
    "row 3 column 8 (amount): 0.00",
    "row 4 column 1 (mail): a@b.org",
    "row 6 column 1 (mail): c@d.org",
];

pub(crate) fn parquet(batch: &RecordBatch, groups: usize) -> Vec<u8> {
    let compression = parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::default());
    let properties =
        parquet::file::properties::WriterProperties::builder().set_compression(compression).build();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    for _ in 0..groups {
        writer.write(batch).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    bytes
}

pub(crate) fn arrow(
    batch: &RecordBatch,
    is_file: bool,
    codec: Option<arrow_ipc::CompressionType>,
) -> Vec<u8> {
    let options = arrow_ipc::writer::IpcWriteOptions::default().try_with_compression(codec).unwrap();
    let mut bytes = Vec::new();
    if is_file {
        let schema = batch.schema();
        let mut writer =
            arrow_ipc::writer::FileWriter::try_new_with_options(&mut bytes, &schema, options).unwrap();
        writer.write(batch).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
    } else {
        let schema = batch.schema();
        let mut writer =
            arrow_ipc::writer::StreamWriter::try_new_with_options(&mut bytes, &schema, options).unwrap();
        writer.write(batch).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
    }
    bytes
}

fn cells(read: &crate::support::Read) -> Vec<String> {
    read.lines().into_iter().filter(|line| line.starts_with("row")).collect()
}

#[test]
fn parquet_is_read_by_row_group_and_column() {
    let file = parquet(&batch(), 2);
    let read = read("a.parquet", &file);
    assert_eq!(read.skips(), [""; 0]);
    assert_eq!(cells(&read)[..20], CELLS[..20]);
    assert_eq!(cells(&read)[20..22], CELLS[20..]);
    assert!(read.lines().contains(&"column name: mail".to_owned()));
    assert_eq!((read.outcome.coverage.rows, read.outcome.format), (6, Some(Format::Parquet)));
}

#[test]
fn arrow_is_read_by_batch() {
    let codecs = [None, Some(arrow_ipc::CompressionType::ZSTD), Some(arrow_ipc::CompressionType::LZ4_FRAME)];
    for codec in codecs {
        for is_file in [true, false] {
            let file = arrow(&batch(), is_file, codec);
            let read = read("a.arrow", &file);
            assert_eq!(read.skips(), [""; 0], "{codec:?}");
            assert_eq!(cells(&read)[..20], CELLS[..20], "{codec:?} {is_file}");
            assert_eq!(cells(&read)[20..22], CELLS[20..]);
            assert_eq!(read.outcome.coverage.rows, 6);
        }
    }
}

#[test]
fn a_column_that_lies_about_its_length_costs_nothing() {
    // Nothing stands for as many values as one likes.
    let column: ArrayRef = Arc::new(NullArray::new(1 << 40));
    let batch = RecordBatch::try_from_iter([("nothing", column)]).unwrap();
    assert_eq!(batch.column(0).len(), 1 << 40);
    let read = read("a.arrow", &arrow(&batch, false, None));
    assert_eq!(read.lines(), ["column name: nothing"]);
}

#[test]
fn a_long_value_in_many_rows_is_not_copied_for_each() {
    let long = "x".repeat(1 << 20);
    let column: ArrayRef = Arc::new(StringArray::from(vec![long.as_str(); 200]));
    let batch = RecordBatch::try_from_iter([("same", column)]).unwrap();
    let file = parquet(&batch, 1);
    let limits = Limits { text_bytes: 5 << 20, ..Limits::default() };
    let read = read_within("a.parquet", &file, &limits);
    assert!(read.skips().contains(&"text: beyond the limit of text".to_owned()), "{:?}", read.skips());
}

#[test]
fn databases_give_all_rows_of_all_tables() {
    for file in [&include_bytes!("../data/people.sqlite")[..], include_bytes!("../data/people-utf16.sqlite")]
    {
        let read = read("people.db", file);
        assert_eq!(read.skips(), [""; 0]);
        let lines = read.lines();
        for expected in [
            "people row 1 column 1 (number): 1000",
            "people row 1 column 2 (full name): Person 1",
            "people row 2 column 5 (photo): note 2",
            "people row 40 column 3 (mail): person40@example.org",
            "people row 40 column 4 (weight): 20",
            "codes row 2 column 1: B2",
            "codes row 2 column 2: second",
        ] {
            assert!(lines.contains(&expected.to_owned()), "{expected} is not in {lines:#?}");
        }
        assert!(read.all().contains(&"caf\u{e9} ".repeat(400)));
        assert!(lines[0].starts_with("schema: CREATE TABLE people"));
        assert_eq!((read.outcome.coverage.rows, read.outcome.format), (43, Some(Format::Sqlite)));
    }
}

#[test]
fn a_database_with_a_loop_ends() {
    let mut file = include_bytes!("../data/people.sqlite").to_vec();
    // Every inner page of a table leads to itself.
    for page in 1..file.len() / 512 {
        if file[page * 512] == 5 {
            let own = u32::try_from(page + 1).unwrap().to_be_bytes();
            file[page * 512 + 8..page * 512 + 12].copy_from_slice(&own);
        }
    }
    let read = read("people.db", &file);
    assert!(
        read.skips().contains(&"people: corrupt: the pages of a table form no tree".to_owned()),
        "{:?}",
        read.skips()
    );
}

pub(crate) fn png() -> Vec<u8> {
    let chunk =
        |kind: &[u8], data: &[u8]| [&(data.len() as u32).to_be_bytes()[..], kind, data, &[0; 4]].concat();
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(b"packed").unwrap();
    let packed = [&b"Comment\0\0"[..], &encoder.finish().unwrap()].concat();
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"tEXt", b"Author\0Ada"),
        &chunk(b"zTXt", &packed),
        &chunk(b"iTXt", "Title\0\0\0en\0Titel\0\u{17d}".as_bytes()),
        &chunk(b"IEND", b""),
    ]
    .concat()
}

#[test]
fn pictures_give_what_is_written_beside_them() {
    check("a.png", &png(), &["Author: Ada", "Comment: packed", "Title: \u{17d}"]);
    check_skips("a.png", &png(), &["text: no text: picture"]);
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x3B\x01\x02\0\x09\0\0\0\x1A\0\0\0\0\0\0\0Ada Bell\0";
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><dc:title>Map</dc:title></x:xmpmeta>";
    let segment =
        |kind: u8, data: &[u8]| [&[0xFF, kind][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat();
    let jpeg = [
        &[0xFF, 0xD8][..],
        &segment(0xE1, exif),
        &segment(0xE1, xmp),
        &segment(0xFE, b"a note"),
        &[0xFF, 0xDA, 0, 2],
    ]
    .concat();
    check(
        "a.jpg",
        &jpeg,
        &["EXIF 013B: Ada Bell", "metadata.xmp > /x:xmpmeta/dc:title: Map", "comment: a note"],
    );
}
