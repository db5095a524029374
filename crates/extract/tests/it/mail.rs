//! Mail, mailboxes, Outlook messages.

use std::io::{Cursor, Write};

use castellan_extract::Format;

use crate::support::{check, check_skips, read, zip};

const MESSAGE: &str = "From: =?utf-8?q?Ad=C3=A1?= <ada@example.org>\r\n\
    Subject: =?utf-8?B?UGxh?=\r\n =?utf-8?B?bg==?= two\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=\"b 1\"\r\n\r\n\
    before\r\n\
    --b 1\r\n\
    Content-Type: multipart/alternative; boundary=\"b 1x\"\r\n\r\n\
    --b 1x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    caf=E9 and a long =\r\nline\r\n\
    --b 1x\r\nContent-Type: text/html\r\n\r\n<p>caf&eacute;</p>\r\n\
    --b 1x--\r\n\
    --b 1\r\n\
    Content-Type: text/csv; name=\"x.csv\"\r\nContent-Transfer-Encoding: base64\r\n\
    Content-Disposition: attachment;\r\n filename*0*=utf-8''r%C3%A9;\r\n filename*1=\"port.csv\"\r\n\r\n\
    bWFpbAph\r\nQGIub3JnCg==\r\n\
    --b 1\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nforwarded\r\n\
    --b 1--\r\nafter\r\n";

#[test]
fn a_message_gives_headers_bodies_and_attachments() {
    check(
        "a.eml",
        MESSAGE.as_bytes(),
        &[
            "From: Ad\u{e1} <ada@example.org>",
            "Subject: Plan two",
            "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=\"b 1\"",
            "preamble: [before]",
            "part 1.1: caf\u{e9} and a long line",
            "part 1.2.html: caf\u{e9}",
            "r\u{e9}port.csv > filename: r\u{e9}port.csv",
            "r\u{e9}port.csv > row 1 column 1: mail",
            "r\u{e9}port.csv > row 2 column 1 (mail): a@b.org",
            "part 3.eml > Subject: inner",
            "part 3.eml: forwarded",
            "epilogue: [after]",
        ],
    );
    assert!(read("a.eml", MESSAGE.as_bytes()).outcome.is_complete());
}

#[test]
fn a_message_can_hold_an_archive() {
    use base64::Engine;
    let archive = base64::engine::general_purpose::STANDARD.encode(zip(&[("notes.txt", b"inside")]));
    let message = format!(
        "Subject: s\nFrom: a\nTo: b\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n{archive}\n"
    );
    assert_eq!(
        read("a", message.as_bytes()).lines()[5..],
        ["a.zip > filename: a.zip", "a.zip > notes.txt: inside"]
    );
}

#[test]
fn what_is_encrypted_or_cut_is_said_to_be() {
    let encrypted = "Subject: s\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nsecret\n--b--\n";
    check_skips("a.eml", encrypted.as_bytes(), &["body: encrypted"]);
    let cut = "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nkept";
    check_skips("a.eml", cut.as_bytes(), &["body: ends too early"]);
    assert!(read("a.eml", cut.as_bytes()).all().contains("kept"));
}

#[test]
fn parts_may_nest_only_so_far() {
    let mut message = String::from("Subject: s\n");
    for at in 0..1000 {
        message.push_str(&format!("Content-Type: multipart/mixed; boundary=b{at}\n\n--b{at}\n"));
    }
    let skips = read("a.eml", message.as_bytes()).skips();
    assert_eq!(skips[0], "body: elements nested too deeply");
}

#[test]
fn a_mailbox_is_read_a_message_at_a_time() {
    let mailbox = "From ada@example.org Mon Jan 1 00:00:00 2024\nSubject: one\n\nFrom here it is text.\n\n\
        From bo@example.org Tue Jan 2 00:00:00 2024\nSubject: two\n\nbody\n";
    check(
        "a.mbox",
        mailbox.as_bytes(),
        &[
            "message 1 > envelope: From ada@example.org Mon Jan 1 00:00:00 2024",
            "message 1 > Subject: one",
            "message 1: From here it is text.",
            "message 2 > envelope: From bo@example.org Tue Jan 2 00:00:00 2024",
            "message 2 > Subject: two",
            "message 2: body",
        ],
    );
}

pub(crate) fn outlook() -> Vec<u8> {
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let attachment = "/__attach_version1.0_#00000000";
    let recipient = "/__recip_version1.0_#00000000";
    let inner = format!("{attachment}/__substg1.0_3701000D");
    for storage in [attachment, recipient, &inner] {
        compound.create_storage(storage).unwrap();
    }
    let streams = [
        ("/__properties_version1.0".to_owned(), vec![0; 32]),
        ("/__substg1.0_0037001F".to_owned(), wide("Plan")),
        ("/__substg1.0_1000001F".to_owned(), wide("the body")),
        ("/__substg1.0_10130102".to_owned(), b"<p>the page".to_vec()),
        (format!("{recipient}/__substg1.0_3003001E"), b"bo@example.org".to_vec()),
        (format!("{attachment}/__substg1.0_3707001F"), wide("a.csv")),
        (format!("{attachment}/__substg1.0_37010102"), b"k,v\n".to_vec()),
        (format!("{inner}/__substg1.0_0037001F"), wide("forwarded")),
    ];
    for (path, bytes) in streams {
        compound.create_stream(path).unwrap().write_all(&bytes).unwrap();
    }
    compound.into_inner().into_inner()
}

#[test]
fn outlook_messages_are_read() {
    check(
        "a.msg",
        &outlook(),
        &[
            "Subject: Plan",
            "text: the body",
            "text: the page",
            "Address: bo@example.org",
            "a.csv > filename: a.csv",
            "a.csv > row 1 column 1: k",
            "a.csv > row 1 column 2: v",
            "a.csv > Subject: forwarded",
        ],
    );
    assert_eq!(read("a.msg", &outlook()).outcome.format, Some(Format::OutlookMessage));
}

/// A record of BIFF8.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
}

pub(crate) fn workbook() -> Vec<u8> {
    let begin = record(0x0809, &[0, 6, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let sheet_name =
        |start: u32| record(0x0085, &[&start.to_le_bytes()[..], &[1, 0, 5, 0], b"Staff"].concat());
    // Two strings, the second cut by a continuation in its characters.
    let strings =
        record(0x00FC, &[&[2, 0, 0, 0, 2, 0, 0, 0][..], &[4, 0, 0], b"name", &[6, 0, 0], b"Ada"].concat());
    let rest = record(
        0x003C,
        &[&[1][..], &"\u{15f}\u{131}n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()]
            .concat(),
    );
    let end = record(0x000A, &[]);
    let globals =
        |start| [begin.clone(), sheet_name(start), strings.clone(), rest.clone(), end.clone()].concat();
    let start = globals(0).len() as u32;
    let label = |row: u8, index: u8| record(0x00FD, &[row, 0, 0, 0, 0, 0, index, 0, 0, 0]);
    let number =
        record(0x0203, &[&[1, 0, 1, 0, 0, 0][..], &4_111_111_111_111_111_f64.to_le_bytes()].concat());
    let several = record(
        0x00BD,
        &[
            &[2, 0, 0, 0][..],
            &[0, 0],
            &(7_u32 << 2 | 2).to_le_bytes(),
            &[0, 0],
            &(150_u32 << 2 | 3).to_le_bytes(),
            &[1, 0],
        ]
        .concat(),
    );
    let formula = record(0x0006, &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0]);
    let result = record(0x0207, &[&[2, 0, 0][..], b"ok"].concat());
    let stream =
        [globals(start), begin, label(0, 0), label(1, 1), number, several, formula, result, end].concat();
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    compound.create_stream("/Workbook").unwrap().write_all(&stream).unwrap();
    compound.into_inner().into_inner()
}

#[test]
fn excel_97_workbooks_are_read() {
    check(
        "a.xls",
        &workbook(),
        &[
            "sheet name: Staff",
            "Staff row 1 column 1: [name]",
            "Staff row 2 column 1 (name): [Ada\u{15f}\u{131}n]",
            "Staff row 2 column 2: [4111111111111111]",
            "Staff row 3 column 1 (name): [7]",
            "Staff row 3 column 2: [1.5]",
            "Staff row 4 column 1 (name): [ok]",
        ],
    );
}

#[test]
fn other_compound_files_are_refused_with_the_reason() {
    let cases = [
        ("/WordDocument", "a.doc", "text: not supported: Word or PowerPoint 97"),
        ("/EncryptedPackage", "a.docx", "text: encrypted"),
        ("/Something", "a.msi", "text: not supported: compound file"),
    ];
    for (stream, name, expected) in cases {
        let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        compound.create_stream(stream).unwrap().write_all(b"x").unwrap();
        let bytes = compound.into_inner().into_inner();
        check_skips(name, &bytes, &[expected]);
        assert_eq!(read(name, &bytes).outcome.notes, []);
    }
}

#[test]
fn headers_without_end_cost_little() {
    let words = format!("Subject: {}\n\nbody\n", "=?a?Q?b ".repeat(200_000));
    assert!(read("a.eml", words.as_bytes()).all().ends_with("body\n"));
    let parameters = format!("Subject: x\nContent-Type: text/html; {}\n\n<p>body\n", "a=b;".repeat(200_000));
    let read = read("a.eml", parameters.as_bytes());
    assert!(read.all().ends_with("body "), "{}", read.all().len());
    assert_eq!(read.outcome.format, Some(Format::Mail));
}
