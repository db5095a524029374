//! Archives and compression, and the documents that are archives within.

use std::io::{Cursor, Write};

use castellan_extract::{Format, Limits, Location, Part, Sink, extract};

use crate::support::{check, check_skips, gzip, read, read_within, tar, tar_header, zip};

#[test]
fn archives_are_read_within_each_other() {
    let inner = zip(&[("notes.txt", b"in the zip"), ("people.csv", b"mail\na@b.org\n")]);
    let archive = gzip(&tar(&[("folder/inner.zip", &inner), ("plain.txt", b"in the tar")]));
    check(
        "backup.tgz",
        &archive,
        &[
            "backup.tar > folder/inner.zip > notes.txt: in the zip",
            "backup.tar > folder/inner.zip > people.csv > row 1 column 1: mail",
            "backup.tar > folder/inner.zip > people.csv > row 2 column 1 (mail): a@b.org",
            "backup.tar > plain.txt: in the tar",
        ],
    );
    let outcome = read("backup.tgz", &archive).outcome;
    assert_eq!((outcome.format, outcome.coverage.entries), (Some(Format::Gzip), 5));
    assert!(outcome.is_complete());
}

/// Names, also of what holds no text or is not read.
struct Names(Vec<String>);

impl Sink for Names {
    fn part(&mut self, _: &Part<'_>) {}

    fn entry(&mut self, location: &Location) {
        self.0.push(location.to_string());
    }
}

#[test]
fn names_within_are_given() {
    let inner = zip(&[("picture.bin", b"\0\x01\x02"), ("empty.txt", b"")]);
    let archive = tar(&[("folder/inner.zip", &inner), ("broken.zip", b"PK\x03\x04 and nothing more")]);
    let mut names = Names(Vec::new());
    extract("backup.tar", &mut Cursor::new(archive), &Limits::default(), &mut names);
    assert_eq!(
        names.0,
        [
            "folder/inner.zip > name",
            "folder/inner.zip > picture.bin > name",
            "folder/inner.zip > empty.txt > name",
            "broken.zip > name",
        ]
    );
}

#[test]
fn every_compression_is_undone() {
    let text = b"packed in something\n".repeat(20);
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    bzip2.write_all(&text).unwrap();
    let cases = [
        ("notes.txt.gz", [gzip(&text), gzip(&text)].concat(), 2),
        ("notes.txt.bz2", bzip2.finish().unwrap(), 1),
        ("notes.txt.zst", zstd::encode_all(text.as_slice(), 3).unwrap(), 1),
    ];
    for (name, bytes, times) in cases {
        let read = read(name, &bytes);
        assert_eq!(read.all().as_bytes(), text.repeat(times), "{name}: {:?}", read.skips());
        assert_eq!(read.texts[0].place, "notes.txt");
    }
    let xz = include_bytes!("../data/notes.txt.xz");
    assert_eq!(read("notes.txt.xz", xz).all(), "packed in xz\n".repeat(20));
}

#[test]
fn tar_knows_long_names_and_says_what_it_leaves_out() {
    let long = format!("{}/file.txt", "folder/".repeat(30));
    let pax = format!("{} path={long}\n", long.len() + 10);
    let mut archive = Vec::new();
    for (kind, name) in [(b'L', format!("{long}\0")), (b'x', pax)] {
        archive.extend(tar_header("meta", kind, name.len()));
        archive.extend(name.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
        archive.extend(tar_header("short", b'0', 4));
        archive.extend(b"text");
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.extend(tar_header("sparse", b'S', 0));
    archive.extend([0; 1024]);
    check("a.tar", &archive, &[&format!("{long}: text"), &format!("{long}: text")]);
    check_skips("a.tar", &archive, &["sparse: not supported: sparse file"]);
}

#[test]
fn a_cut_archive_gives_what_is_there_and_says_so() {
    let archive = tar(&[("one.txt", b"first"), ("two.txt", &[b'x'; 2000])]);
    let cut = read("a.tar", &archive[..2000]);
    assert_eq!(cut.texts[0].text, "first");
    assert_eq!(cut.texts[1].text, "x".repeat(2000 - 1536));
    assert_eq!(cut.skips(), ["text: ends too early"]);
    let noise: Vec<u8> =
        (0..20_000_u32).map(|at| b'a' + (at.wrapping_mul(2_654_435_761) >> 27) as u8 % 26).collect();
    let packed = gzip(&noise);
    let cut = read("a.txt.gz", &packed[..packed.len() / 2]);
    assert!(cut.all().len() > 100 && noise.starts_with(cut.all().as_bytes()));
    assert_eq!(cut.skips(), ["a.txt: ends too early"]);
}

#[test]
fn encrypted_entries_are_refused_by_themselves() {
    let mut archive = zip(&[("open.txt", b"seen"), ("locked.txt", b"unseen")]);
    // The flag of encryption, in the entry's header and in the directory.
    let local = memchr::memmem::rfind(&archive, b"PK\x03\x04").unwrap();
    archive[local + 6] |= 1;
    let central = memchr::memmem::rfind(&archive, b"PK\x01\x02").unwrap();
    archive[central + 8] |= 1;
    check("a.zip", &archive, &["open.txt: seen"]);
    check_skips("a.zip", &archive, &["locked.txt: encrypted"]);
    assert!(!read("a.zip", &archive).outcome.is_complete());
}

const WORD: &str = r#"<w:document xmlns:w="w"><w:body>
    <w:p><w:r><w:t>Card 41</w:t></w:r><w:r><w:t>11</w:t><w:tab/><w:t>x</w:t></w:r></w:p>
    <w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
    <w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>unseen</w:t></w:r><w:del><w:r><w:delText> gone</w:delText></w:r></w:del></w:p>
    <wp:docPr descr="a map"/></w:body></w:document>"#;

#[test]
fn word_documents_give_text_hidden_text_comments_and_properties() {
    let comments = r#"<w:comments><w:comment w:author="Bo"><w:p><w:r><w:t>check</w:t></w:r></w:p></w:comment></w:comments>"#;
    let core = "<cp:coreProperties><dc:creator>Ada</dc:creator></cp:coreProperties>";
    let links = r#"<Relationships><Relationship Target="mailto:a@b.org" TargetMode="External"/><Relationship Target="styles.xml"/></Relationships>"#;
    let document = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", WORD.as_bytes()),
        ("word/comments.xml", comments.as_bytes()),
        ("word/_rels/document.xml.rels", links.as_bytes()),
        ("word/styles.xml", b"<w:styles/>"),
        ("docProps/core.xml", core.as_bytes()),
        ("word/embeddings/inner.csv", b"k,v\n"),
    ]);
    check(
        "a.docx",
        &document,
        &[
            "document: Card 4111\tx\na\tb",
            "document: [unseen gone]",
            "docPr/@descr: a map",
            "comments: check",
            "comment/@author: Bo",
            "Relationship/@Target: mailto:a@b.org",
            "creator: Ada",
            "word/embeddings/inner.csv > row 1 column 1: k",
            "word/embeddings/inner.csv > row 1 column 2: v",
        ],
    );
    let read = read("a.docx", &document);
    assert_eq!(read.outcome.format, Some(Format::Docx));
    assert!(read.outcome.is_complete(), "{:?}", read.skips());
}

#[test]
fn workbooks_give_cells_formulas_and_hidden_sheets() {
    let strings = "<sst><si><t>name</t></si><si><r><t>A</t></r><r><t>da</t></r></si></sst>";
    let book = r#"<workbook><sheets><sheet name="Staff" r:id="r1"/><sheet name="Old" state="hidden" r:id="r2"/></sheets>
        <definedNames><definedName name="rate">0.2</definedName></definedNames></workbook>"#;
    let links = r#"<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/>
        <Relationship Id="r2" Target="/xl/worksheets/sheet2.xml"/></Relationships>"#;
    let sheet = r#"<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1"><v>7</v></c></row>
        <row r="4"><c r="A4" t="s"><v>1</v></c><c r="B4" t="str"><f>A4&amp;"@b"</f><v>Ada@b</v></c>
        <c r="AA4" t="inlineStr"><is><t>in</t></is></c></row></sheetData></worksheet>"#;
    let hidden = r#"<worksheet><sheetData><row><c><v>9</v></c></row></sheetData></worksheet>"#;
    let document = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", links.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ("xl/worksheets/sheet2.xml", hidden.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
    ]);
    check(
        "a.xlsx",
        &document,
        &[
            "sheet name: Staff",
            "sheet name: Old",
            "defined name: rate = 0.2",
            "Staff row 1 column 1: name",
            "Staff row 1 column 3: 7",
            "Staff row 4 column 1 (name): Ada",
            "Staff row 4 column 2: Ada@b",
            "Staff row 4 column 2: [=A4&\"@b\"]",
            "Staff row 4 column 27: in",
            "Old row 1 column 1: [9]",
        ],
    );
}

#[test]
fn presentations_give_slides_and_notes() {
    let slide = "<p:sld><a:p><a:r><a:t>Plan</a:t></a:r><a:br/><a:r><a:t>B</a:t></a:r></a:p></p:sld>";
    let notes = "<p:notes><a:p><a:r><a:t>say it</a:t></a:r></a:p></p:notes>";
    let document = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("ppt/slides/slide12.xml", slide.as_bytes()),
        ("ppt/notesSlides/notesSlide12.xml", notes.as_bytes()),
        ("ppt/media/image1.png", b"\x89PNG\r\n\x1a\n"),
    ]);
    check("a.pptx", &document, &["slide 12: Plan\nB", "notes 12: say it"]);
    check_skips(
        "a.pptx",
        &document,
        &["[Content_Types].xml: no text: formatting", "ppt/media/image1.png: no text: picture"],
    );
}

#[test]
fn opendocument_texts_and_sheets_are_read() {
    let text = r#"<office:document-content><text:p>Hello<text:s text:c="2"/><text:span>A</text:span>da</text:p>
        <text:a xlink:href="mailto:a@b.org"/><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>
        </office:document-content>"#;
    let meta = "<office:meta><dc:creator>Bo</dc:creator></office:meta>";
    let document = zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", text.as_bytes()),
        ("meta.xml", meta.as_bytes()),
    ]);
    check(
        "a.odt",
        &document,
        &["document: Hello  Ada", "document: [gone]", "a/@href: mailto:a@b.org", "creator: Bo"],
    );
    let sheet = r#"<office:document-content><table:table table:name="S"><table:table-row>
        <table:table-cell><text:p>id</text:p></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="1000"/></table:table-row>
        <table:table-row><table:table-cell office:value="4111111111111111"><text:p>4E15</text:p></table:table-cell></table:table-row>
        </table:table></office:document-content>"#;
    let document = zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", sheet.as_bytes()),
    ]);
    check(
        "a.ods",
        &document,
        &["S row 1 column 1: id", "S row 5 column 1 (id): 4E15", "S row 5 column 1 (id): [4111111111111111]"],
    );
    let locked = zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("META-INF/manifest.xml", b"<m><manifest:encryption-data/></m>"),
        ("content.xml", b"\x01\x02"),
    ]);
    assert!(read("a.odt", &locked).skips().contains(&"content.xml: encrypted".to_owned()));
}

#[test]
fn a_part_that_is_broken_does_not_lose_the_others() {
    let document = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/header1.xml", b"<w:hdr><w:p><w:t>kept</w:t></w:p><w:p"),
        ("word/document.xml", WORD.as_bytes()),
    ]);
    let read = read("a.docx", &document);
    assert!(read.all().contains("kept") && read.all().contains("Card 4111"), "{:?}", read.lines());
    assert!(
        read.skips().iter().any(|skip| skip.starts_with("word/header1.xml: corrupt")),
        "{:?}",
        read.skips()
    );
}

#[test]
fn bombs_are_stopped_and_said_to_be_bombs() {
    let limits = Limits { ratio_floor: 1 << 20, ..Limits::default() };
    let zeros = vec![b' '; 64 << 20];
    let packed = gzip(&zeros);
    let found = read_within("a.txt.gz", &packed, &limits);
    assert_eq!(found.skips(), ["a.txt: expands like a decompression bomb"]);
    assert!(found.outcome.coverage.bytes_expanded < 60 << 20);
    let archive = zip(&[("bomb.txt", &zeros), ("after.txt", b"still read")]);
    let found = read_within("a.zip", &archive, &limits);
    assert_eq!(found.skips(), ["bomb.txt: expands like a decompression bomb"]);
    assert!(found.all().ends_with("still read"));
    let limits = Limits { expanded_bytes: 1 << 20, ..Limits::default() };
    let found = read_within("a.zip", &archive, &limits);
    assert!(
        found.skips().contains(&"bomb.txt: beyond the limit of expanded bytes".to_owned()),
        "{:?}",
        found.skips()
    );
    assert!(found.outcome.coverage.bytes_expanded <= (1 << 20) + (64 << 10));
}

#[test]
fn nesting_ends_at_the_limit() {
    let mut archive = zip(&[("core.txt", b"core")]);
    for _ in 0..10 {
        archive = zip(&[("next.zip", &archive)]);
    }
    let found = read("a.zip", &archive);
    assert_eq!(found.texts, []);
    let path = ["next.zip"; 7].join(" > ");
    assert_eq!(found.skips(), [format!("{path}: files nested too deeply")]);
    let deep = Limits { depth: 20, ..Limits::default() };
    assert_eq!(read_within("a.zip", &archive, &deep).all(), "core");
}

#[test]
fn entries_that_lie_over_each_other_are_read_once() {
    // Two entries of the directory that point to the same bytes.
    let mut archive = zip(&[("one.txt", b"shared"), ("two.txt", b"shared")]);
    let central = memchr::memmem::rfind(&archive, b"PK\x01\x02").unwrap();
    archive[central + 42..central + 46].copy_from_slice(&0_u32.to_le_bytes());
    let found = read("a.zip", &archive);
    assert_eq!(found.lines(), ["one.txt: shared"]);
    assert_eq!(found.skips(), ["two.txt: overlaps another entry"]);
}

#[test]
fn too_many_entries_end_the_reading() {
    let names: Vec<String> = (0..50).map(|at| format!("{at}.txt")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    for (name, archive) in [("a.zip", zip(&entries)), ("a.tar", tar(&entries))] {
        let limits = Limits { entries: 10, ..Limits::default() };
        let found = read_within(name, &archive, &limits);
        assert_eq!(found.texts.len(), 10, "{name}");
        assert!(
            found.skips().contains(&"10.txt: beyond the limit of entries".to_owned()),
            "{:?}",
            found.skips()
        );
    }
}

#[test]
fn bytes_before_an_archive_are_said_to_be_unread() {
    for before in [&b"#!/bin/sh\n"[..], b"PK\x03\x04 not an entry"] {
        let archive = [before, &zip(&[("one.txt", b"first")])].concat();
        check("a.zip", &archive, &["one.txt: first"]);
        check_skips("a.zip", &archive, &["text: not supported: bytes before the first entry"]);
    }
}
