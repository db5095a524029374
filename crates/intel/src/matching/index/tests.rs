use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn alternative(parts: &[(Kind, &str)]) -> Alternative {
    let parts = parts.iter().map(|(kind, value)| Observable::new(*kind, value).unwrap()).collect();
    Alternative { parts, from: None, until: None }
}

fn add(index: &mut Index, id: &str, alternatives: &[Alternative]) -> Added {
    let (from, until) = ("2026-01-01".parse().unwrap(), "2027-01-01".parse().ok());
    let sign = Sign { id, name: id, confidence: Some(80), alternatives, from, until };
    index.add(&sign, Never::built_in()).unwrap()
}

fn found(index: &Index, kind: Kind, value: &str, time: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let normal = kind.normal(value).unwrap();
    index.find(kind, &normal, time.parse().unwrap(), &mut |named| {
        ids.insert(named.id.to_owned());
    });
    ids
}

fn check(index: &Index, kind: Kind, value: &str, expected: &[&str]) {
    let ids = found(index, kind, value, "2026-06-01");
    assert_eq!(ids.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{value}");
}

#[test]
fn values_are_found() {
    let mut index = Index::default();
    add(&mut index, "a", &[alternative(&[(Kind::Ip, "203.0.113.0/24")])]);
    add(&mut index, "b", &[alternative(&[(Kind::Ip, "203.0.113.7")])]);
    add(&mut index, "c", &[alternative(&[(Kind::Domain, "evil.example")])]);
    add(&mut index, "d", &[alternative(&[(Kind::Url, "http://evil.example/a")])]);
    add(
        &mut index,
        "e",
        &[alternative(&[(Kind::Hash, &"AB".repeat(32))]), alternative(&[(Kind::File, "bad.exe")])],
    );
    add(&mut index, "f", &[alternative(&[(Kind::Ip, "2001:db8::/32")])]);
    check(&index, Kind::Ip, "203.0.113.7", &["a", "b"]);
    check(&index, Kind::Ip, "203.0.114.7", &[]);
    check(&index, Kind::Ip, "2001:db8:1::5", &["f"]);
    check(&index, Kind::Domain, "x.y.evil.example", &["c"]);
    check(&index, Kind::Domain, "notevil.example", &[]);
    check(&index, Kind::Url, "https://evil.example/a", &["c", "d"]);
    check(&index, Kind::Url, "https://203.0.113.7:8080/z", &["a", "b"]);
    check(&index, Kind::Email, "x@mail.evil.example", &["c"]);
    check(&index, Kind::Hash, &"ab".repeat(32), &["e"]);
    check(&index, Kind::File, "C:\\bad.exe", &["e"]);
    assert!(index.retire("c") && !index.retire("c"));
    check(&index, Kind::Domain, "evil.example", &[]);
    assert_eq!(index.indicators(), 5);
}

#[test]
fn the_time_of_the_event_counts() {
    let mut index = Index::default();
    add(&mut index, "a", &[alternative(&[(Kind::Domain, "evil.example")])]);
    for (time, expected) in
        [("2025-12-31T23:59:59Z", 0), ("2026-01-01", 1), ("2026-12-31T23:59:59Z", 1), ("2027-01-01", 0)]
    {
        assert_eq!(found(&index, Kind::Domain, "evil.example", time).len(), expected, "{time}");
    }
}

#[test]
fn what_is_listed_is_never_matched() {
    let mut index = Index::default();
    let values = [
        (Kind::Ip, "10.2.3.4"),
        (Kind::Ip, "0.0.0.0/0"),
        (Kind::Ip, "8.8.8.0/24"),
        (Kind::Domain, "google.com"),
        (Kind::Url, "https://github.com/"),
        (Kind::Url, "http://127.0.0.1/x"),
        (Kind::File, "cmd.exe"),
        (Kind::Hash, "d41d8cd98f00b204e9800998ecf8427e"),
    ];
    for (kind, value) in values {
        let added = add(&mut index, "a", &[alternative(&[(kind, value)])]);
        assert_eq!((added.values, added.never.len()), (0, 1), "{value}");
    }
    assert_eq!(
        add(&mut index, "b", &[alternative(&[(Kind::Url, "https://github.com/evil/x.exe")])]).values,
        1
    );
    assert_eq!(add(&mut index, "c", &[alternative(&[(Kind::Domain, "evil.github.io")])]).values, 1);
    check(&index, Kind::Domain, "github.io", &[]);
}

#[test]
fn a_full_index_says_so() {
    let mut index = Index::new(Bounds { values: 1, text: 1_000 });
    add(&mut index, "a", &[alternative(&[(Kind::Domain, "evil.example")])]);
    let alternatives = [alternative(&[(Kind::Domain, "bad.example")])];
    let sign = Sign {
        id: "b",
        name: "",
        confidence: None,
        alternatives: &alternatives,
        from: Ticks::MIN,
        until: None,
    };
    assert_eq!(index.add(&sign, Never::built_in()), Err(Full(1)));
    check(&index, Kind::Domain, "evil.example", &["a"]);
}

proptest! {
    /// What the index finds is what a look at every range finds.
    #[test]
    fn ranges_are_found_as_by_looking_at_all(ranges in prop::collection::vec((0_u32..64, 20_u8..=32), 1..40), address in 0_u32..64) {
        let base = u32::from(std::net::Ipv4Addr::new(203, 0, 113, 0));
        let mut index = Index::default();
        let mut expected = BTreeSet::new();
        let address = std::net::Ipv4Addr::from(base + address * 4).to_string();
        for (number, (offset, prefix)) in ranges.iter().enumerate() {
            let range = format!("{}/{prefix}", std::net::Ipv4Addr::from(base + offset * 4));
            let id = format!("{number}");
            add(&mut index, &id, &[alternative(&[(Kind::Ip, &range)])]);
            if Range::parse(&range).unwrap().contains(Range::parse(&address).unwrap()) {
                expected.insert(id);
            }
        }
        prop_assert_eq!(found(&index, Kind::Ip, &address, "2026-06-01"), expected);
    }

    #[test]
    fn domains_are_found_as_by_looking_at_all(names in prop::collection::vec("([ab]\\.){1,3}example", 1..20), asked in "([ab]\\.){1,4}example") {
        let mut index = Index::default();
        let mut expected = BTreeSet::new();
        for (number, name) in names.iter().enumerate() {
            let id = format!("{number}");
            add(&mut index, &id, &[alternative(&[(Kind::Domain, name)])]);
            if asked == *name || asked.ends_with(&format!(".{name}")) {
                expected.insert(id);
            }
        }
        prop_assert_eq!(found(&index, Kind::Domain, &asked, "2026-06-01"), expected);
    }
}
