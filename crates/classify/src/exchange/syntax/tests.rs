use proptest::prelude::*;

use super::{Dialect, translate, without_lead};

fn check(dialect: Dialect, pattern: &str, expected: &str) {
    let found = translate(pattern, dialect).map_or_else(|error| error, |translated| translated.text);
    assert_eq!(found, expected, "{pattern}");
}

/// What an expression matches once it is translated.
fn check_match(dialect: Dialect, pattern: &str, text: &str, expected: bool) {
    let translated = translate(pattern, dialect).unwrap().text;
    let regex = regex::bytes::RegexBuilder::new(&translated).unicode(false).build().unwrap();
    assert_eq!(regex.is_match(text.as_bytes()), expected, "{pattern} as {translated} on {text:?}");
}

#[test]
fn what_is_the_same_stays() {
    for dialect in [Dialect::Go, Dialect::Python] {
        check(dialect, r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b");
        check(dialect, r"(?i)\w+?=x{2,}$", r"(?i)\w+?=x{2,}$");
        check(dialect, "[[:alnum:]_]{3,4}", "[[:alnum:]_]{3,4}");
    }
}

#[test]
fn what_reads_otherwise_is_rewritten() {
    let go = Dialect::Go;
    check(go, r"\Qa.b\E\z", r"a\.b\z");
    check(go, r"[\x60'\w.-]", r"[`'0-9A-Za-z_\.\-]");
    check(go, "^\\${x}$", r"^\$\{x\}$");
    check(go, r"[a[b]", r"[a\[b]");
    check(go, r"\<a\>\/", "<a>/");
    check(go, r"a\s", r"a[\t\n\x0C\r ]");
    check(go, r"\101", "A");
    check(go, "(?P<name>a)(?<other>b)", "(a)(b)");
    check(go, "[\u{e9}a]", "(?u:[\u{e9}a])");
    check(go, r"\p{Greek}\pN", r"(?u:\p{Greek})(?u:\p{N})");
    check(Dialect::Python, r"(?u)a{,3}\Z", r"a{0,3}\z");
    check(Dialect::Python, "a(?#remark)b", "ab");
}

#[test]
fn it_matches_what_it_did() {
    let go = Dialect::Go;
    check_match(go, "^[a&&b]$", "&", true);
    check_match(go, "^[]a]$", "]", true);
    check_match(go, "^[^]a]$", "]", false);
    check_match(go, "^[a~~b]$", "~", true);
    check_match(go, r"^[\w-]$", "-", true);
    check_match(go, r"^[\D]$", "5", false);
    check_match(go, r"^[[:^digit:]]$", "5", false);
    check_match(go, "^[\u{e0}-\u{ff}]$", "\u{e9}", true);
    check_match(go, r"^\s$", "\u{b}", false);
    check_match(Dialect::Python, r"^\s$", "\u{b}", true);
    check_match(go, "^a{,3}$", "a{,3}", true);
    check_match(Dialect::Python, "^a{,3}$", "aa", true);
}

#[test]
fn what_has_no_counterpart_is_refused() {
    let python = Dialect::Python;
    check(
        python,
        r"(?<!\d)\d",
        "look-around has no counterpart; say what may stand around it with `boundary` (before character 3)",
    );
    check(python, r"(a)\1", "back-references have no counterpart (before character 6)");
    check(python, "a++", "two quantifiers in a row have no counterpart (before character 3)");
    check(
        python,
        "a(?i)b",
        "flags stand at the beginning, or in a group of their own, `(?i:...)` (before character 6)",
    );
    check(python, "(?x)a b", "the flag `x` has no counterpart (before character 4)");
    check(python, "(?:abc){e<=1}", "approximate matches have no counterpart (before character 9)");
    check(Dialect::Go, r"a\Z", "`\\Z` has no counterpart (before character 4)");
    check(Dialect::Go, "[a", "a class is not closed");
    check(Dialect::Go, "a)", "`)` closes nothing (before character 3)");
}

#[test]
fn groups_are_named_and_alternatives_are_parted() {
    let translated = translate("(?i)(a)(b)|(c)d", Dialect::Go).unwrap();
    assert_eq!(translated.group_count(), 3);
    assert_eq!(translated.with_values(|group| group != 2), "(?i)(?P<value>a)(b)|(?P<value2>c)d");
    let parts: Vec<String> =
        translated.alternatives().iter().map(|part| part.with_values(|_| true)).collect();
    assert_eq!(parts, ["(?i)(?P<value>a)(?P<value2>b)", "(?i)(?P<value>c)d"]);
}

#[test]
fn what_it_may_begin_with_is_taken_away() {
    assert_eq!(without_lead(r"(?i)[\w.-]{0,50}?(?:key)=(a)"), "(?i)(?:key)=(a)");
    assert_eq!(without_lead(r"[a]*?(?i:[b]{0,9}?(?:c)d)e"), "(?i:(?:c)d)e");
    assert_eq!(without_lead("[a]{1,9}?b"), "[a]{1,9}?b");
    assert_eq!(without_lead("[a]{0,9}b"), "[a]{0,9}b");
    assert_eq!(without_lead("(?:[a]??b|c)d"), "(?:[a]??b|c)d");
    assert_eq!(without_lead("(?:[a]??b)+d"), "(?:[a]??b)+d");
}

proptest! {
    /// Any text is translated or refused.
    #[test]
    fn no_text_is_too_odd(pattern in r#"([\[\](){}|*+?^$.\\<>:=!&~a-zA-Z0-9, -]|\\.|\PC){0,40}"#) {
        for dialect in [Dialect::Go, Dialect::Python] {
            if let Ok(translated) = translate(&pattern, dialect) {
                let _ = translated.with_values(|group| group % 2 == 0);
                let _ = without_lead(&translated.text);
                for part in translated.alternatives() {
                    let _ = part.with_values(|_| true);
                }
            }
        }
    }
}
