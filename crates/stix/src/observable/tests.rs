use proptest::prelude::*;

use super::*;

fn check(kind: Kind, text: &str, expected: Option<&str>) {
    assert_eq!(kind.normal(text).as_deref(), expected, "{kind:?} {text}");
}

#[test]
fn values_have_one_form() {
    check(Kind::Ip, "::ffff:10.0.0.1", Some("10.0.0.1"));
    check(Kind::Ip, "203.0.113.7:443", Some("203.0.113.7"));
    check(Kind::Ip, "203[.]0[.]113[.]7", Some("203.0.113.7"));
    check(Kind::Ip, "[2001:DB8::1]:443", Some("2001:db8::1"));
    check(Kind::Ip, "fe80::1%eth0", Some("fe80::1"));
    check(Kind::Ip, "203.0.113.9/24", Some("203.0.113.0/24"));
    check(Kind::Ip, "203.0.113.9/32", Some("203.0.113.9"));
    check(Kind::Ip, "2001:db8:1::/33", Some("2001:db8::/33"));
    check(Kind::Ip, "0.0.0.0/0", Some("0.0.0.0/0"));
    check(Kind::Ip, "203.0.113.9/33", None);
    check(Kind::Ip, "443", None);
    check(Kind::Domain, "*.Evil.Example.", Some("evil.example"));
    check(Kind::Domain, "evil(dot)example", Some("evil.example"));
    check(Kind::Domain, "evil[DOT]example", Some("evil.example"));
    check(Kind::Domain, "localhost", None);
    check(Kind::Domain, "10.0.0.1", None);
    check(Kind::Domain, "a b.example", None);
    check(Kind::Url, "http://evil.example", Some("evil.example/"));
    check(Kind::Url, "HXXP://evil[.]example/%7Ea%2f?q=%41#x", Some("evil.example/~a%2F?q=A"));
    check(Kind::Url, "https://user:pw@evil.example:8443/", Some("evil.example:8443/"));
    check(Kind::Url, "evil.example/a", Some("evil.example/a"));
    check(Kind::Url, "http://[2001:db8::1]:80/x", Some("[2001:db8::1]/x"));
    check(Kind::Url, "http://evil.example?x=1", Some("evil.example/?x=1"));
    check(Kind::Url, "evil.example", None);
    check(Kind::Url, "javascript://%0aalert(1)", None);
    check(Kind::Hash, "D41D8CD98F00B204E9800998ECF8427E", Some("d41d8cd98f00b204e9800998ecf8427e"));
    check(Kind::Hash, "d41d", None);
    check(Kind::Email, "Ann <MAILTO@Evil[.]example>", Some("mailto@evil.example"));
    check(Kind::Email, "a[at]evil.example", Some("a@evil.example"));
    check(Kind::Email, "evil.example", None);
    check(Kind::File, "/tmp/A.sh", Some("a.sh"));
    check(Kind::File, "C:\\", None);
    check(Kind::Thumbprint, "AB:".repeat(20).trim_end_matches(':'), Some(&"ab".repeat(20)));
    check(Kind::Agent, "  EvilBot/1.0 ", Some("evilbot/1.0"));
    check(Kind::Agent, &"x".repeat(MAX_VALUE + 1), None);
}

#[test]
fn kinds_are_guessed() {
    let of = |text: &str| Kind::guess(text).map(|found| (found.kind, found.value));
    let some = |kind, value: &str| Some((kind, value.to_owned()));
    assert_eq!(of("hxxp://evil[.]example/a"), some(Kind::Url, "http://evil.example/a"));
    assert_eq!(of("10.0.0.0/8"), some(Kind::Ip, "10.0.0.0/8"));
    assert_eq!(of("evil.example/a"), some(Kind::Url, "evil.example/a"));
    assert_eq!(of("evil[.]example"), some(Kind::Domain, "evil.example"));
    assert_eq!(of("a@evil.example"), some(Kind::Email, "a@evil.example"));
    assert_eq!(of(&"a".repeat(64)), some(Kind::Hash, &"a".repeat(64)));
    assert_eq!(of("nothing"), None);
}

#[test]
fn hosts_of_addresses_of_the_web() {
    assert_eq!(host_of("evil.example:8443/a:b"), "evil.example");
    assert_eq!(host_of("[2001:db8::1]:8080/x"), "2001:db8::1");
}

#[test]
fn ranges_contain() {
    let range = |text: &str| Range::parse(text).unwrap();
    assert!(range("10.0.0.0/8").contains(range("10.2.0.0/16")));
    assert!(!range("10.2.0.0/16").contains(range("10.0.0.0/8")));
    assert!(range("::/0").contains(range("2001:db8::1")));
    assert!(!range("0.0.0.0/0").contains(range("2001:db8::1")));
}

proptest! {
    #[test]
    fn a_normal_form_stays(text in "\\PC{0,40}", at in 0..Kind::ALL.len()) {
        let kind = Kind::ALL[at];
        if let Some(normal) = kind.normal(&text) {
            // An address of the web without its scheme is read as one all the same.
            prop_assert_eq!(kind.normal(&normal), Some(normal.clone()), "{}", normal);
        }
    }

    #[test]
    fn addresses_of_the_web_stay(text in "(hxxp|https?|ftp)://[a-zA-Z0-9.-]{1,20}(:[0-9]{0,5})?(/[\\x21-\\x7e]{0,20})?") {
        if let Some(normal) = Kind::Url.normal(&text) {
            prop_assert_eq!(Kind::Url.normal(&normal), Some(normal.clone()), "{}", normal);
        }
    }

    #[test]
    fn what_was_made_harmless_is_meant(name in "[a-z]{1,8}\\.[a-z]{2,5}") {
        let harmless = format!("hxxp://{}/x", name.replace('.', "[.]"));
        prop_assert_eq!(refang(&harmless).into_owned(), format!("http://{name}/x"));
    }
}
