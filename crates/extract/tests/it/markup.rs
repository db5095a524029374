//! XML, HTML, RTF.

use crate::support::{check, check_skips, read};

#[test]
fn xml_gives_texts_attributes_and_comments() {
    let xml = "<?xml version=\"1.0\"?><!-- note --><order id=\"7\"><to mail='a&amp;b'>Ada &lt;&#66;o&gt;</to>\
               <![CDATA[raw <x>]]></order>";
    check(
        "a.xml",
        xml.as_bytes(),
        &[
            "comment:  note",
            "/order/@id: 7",
            "/order/to/@mail: a&b",
            "/order/to: Ada <Bo>",
            "/order: raw <x>",
        ],
    );
}

#[test]
fn entities_are_not_expanded() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"secret\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>";
    check(
        "a.xml",
        bomb.as_bytes(),
        &["comment: l [<!ENTITY a \"secret\"><!ENTITY b \"&a;&a;\">]", "/l: &b;"],
    );
}

#[test]
fn what_is_no_xml_is_given_as_text() {
    check("a.xml", b"<a>one<b>two</b><!-- three", &["/a: one", "/a/b: two", "text: <!-- three"]);
    let deep = format!("{}core", "<a>".repeat(100_000));
    assert!(read("a.xml", deep.as_bytes()).all().contains("core"));
}

#[test]
fn a_page_gives_what_is_seen_and_what_is_not() {
    let page = "<!DOCTYPE html><html><head><title>Staff</title><style>p{}</style></head><body>\
                <p>card 41<b>11</b> 1111<p>next&nbsp;one<!-- todo --><div style='display: none'>hid<i>den</i></div>\
                <a href='mailto:a@b.org' class=c>mail</a><img alt='a map'><script>key='k'</script>\
                <table><tr><td>a<td>b</table></body></html>";
    check(
        "a.html",
        page.as_bytes(),
        &[
            "text: Staff\ncard 4111 1111\nnext\u{a0}one\nmail\na\tb",
            "script: [p{}]",
            "comment: [ todo]",
            "text: [hidden]",
            "a/@href: mailto:a@b.org",
            "img/@alt: a map",
            "script: [key='k']",
        ],
    );
}

#[test]
fn a_page_may_nest_deeply_and_end_anywhere() {
    let deep = format!("{}core", "<div>".repeat(200_000));
    assert!(read("a.html", deep.as_bytes()).all().contains("core"));
    check("a.html", b"<html>seen <div hidden>not seen", &["text: seen", "text: [not seen]"]);
}

#[test]
fn rtf_gives_text_in_its_encodings() {
    let rtf = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Cyr;}}
{\info{\title Plan}{\author Ada}}{\*\generator Word;}{\header top}
caf\'e9 \u8364?5\par {\f1 \'cf\'f0\'e8\'e2\'e5\'f2}\tab {\v unseen}{\b bold}\line
{\field{\*\fldinst HYPERLINK mailto:a@b.org}{\fldrslt link}}{\footnote below}{\pict\pngblip 89504e47}}";
    check(
        "a.rtf",
        rtf.as_bytes(),
        &[
            "text: caf\u{e9} \u{20ac}5\n\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}\tbold\nlink",
            "text: [unseenHYPERLINK mailto:a@b.org]",
            "title: Plan",
            "author: Ada",
            "header: top",
            "footnote: below",
        ],
    );
    check_skips("a.rtf", rtf.as_bytes(), &["pictures: no text: image"]);
}

#[test]
fn a_document_may_say_how_it_is_encoded() {
    let czech = "p\u{159}\u{ed}li\u{161} \u{17e}lu\u{165}ou\u{10d}k\u{fd}";
    let cases = [
        ("a.xml", format!("<?xml version='1.0' encoding='ISO-8859-2'?><a>{czech}</a>")),
        ("a.html", format!("<html><meta charset=iso-8859-2><p>{czech}")),
    ];
    for (name, document) in cases {
        let bytes = encoding_rs::ISO_8859_2.encode(&document).0;
        let read = read(name, &bytes);
        assert!(read.all().contains(czech), "{name}: {}", read.all());
        assert_eq!(read.outcome.notes, []);
    }
}
