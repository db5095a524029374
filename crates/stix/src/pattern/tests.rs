use proptest::prelude::*;

use super::*;

/// What is read, written back.
fn check(text: &str, expected: &str) {
    let pattern = Pattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(pattern.to_string(), expected, "{text}");
    assert_eq!(Pattern::parse(expected), Ok(pattern), "{text}");
}

fn check_wrong(text: &str, at: usize, part: &str) {
    let error = Pattern::parse(text).unwrap_err();
    assert!(error.message.contains(part) && error.at == at, "{text}: {error}");
}

#[test]
fn patterns_come_back() {
    let same = |text: &str| check(text, text);
    same("[ipv4-addr:value = '198.51.100.1/32' OR ipv4-addr:value = '203.0.113.33/32']");
    same("[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']");
    same(
        "[email-message:from_ref.value MATCHES '.+\\\\@example\\\\.com$' AND file:name MATCHES '^Final Report.+\\\\.exe$']",
    );
    same("[process:pid IN (1, -2, 3.5, 4.0, true, t'2026-01-01T00:00:00Z', h'0a', b'QQ==')]");
    same("[network-traffic:dst_ref.value ISSUBSET '2001:db8::/32'] WITHIN 300 SECONDS");
    same("([file:name = 'a'] AND [file:name = 'b']) WITHIN 1.5 SECONDS REPEATS 5 TIMES");
    same("[a:b = 1] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'");
    same("[a:b = 'x'] FOLLOWEDBY [a:b = 'y'] OR [a:b = 'z'] FOLLOWEDBY [a:b != 'w']");
    same("([a:b = 'x'] FOLLOWEDBY [a:b = 'y']) AND ([a:b = 'z'] OR [a:b = 'w'])");
    same("[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0 AND NOT EXISTS file:name]");
    same("[a:b[0].c NOT LIKE '%it\\'s\\\\%' AND (a:c = 1 OR a:c = 2) AND a:d NOT IN ()]");
    same("[a:'b c'.d ISSUPERSET '10.0.0.0/8']");
    check("[ a : b == 'x' and a:c <> 'y' /* why */ ] // end", "[a:b = 'x' AND a:c != 'y']");
    check("(([a:b = 1]))", "[a:b = 1]");
    check("([a:b = 1] WITHIN 5 SECONDS) REPEATS 2 TIMES", "[a:b = 1] WITHIN 5 SECONDS REPEATS 2 TIMES");
    check("[a:b=+5 OR a:b=.5]", "[a:b = 5 OR a:b = 0.5]");
    check("[a:b = 1] AND [a:b = 2] OR [a:b = 3]", "[a:b = 1] AND [a:b = 2] OR [a:b = 3]");
    check(
        "[a:b = 1] START '2026-01-01T00:00:00Z' STOP '2026-02-01T00:00:00Z'",
        "[a:b = 1] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'",
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    check_wrong("", 1, "`[` or `(`");
    check_wrong("[a:b = 'x'", 8, "`]`");
    check_wrong("[a:b = 'x", 10, "does not end");
    check_wrong("[a:b = x]", 8, "a value is expected");
    check_wrong("[a:b-c = 1]", 4, "between `'`");
    check_wrong("[a:b > true]", 12, "no order");
    check_wrong("[a:b = 1] WITHIN -5 SECONDS", 21, "above 0");
    check_wrong("[a:b = t'today']", 8, "the time is none");
    check_wrong("[a:b = 1] [a:b = 2]", 11, "the end is expected");
    check_wrong("[a:b = 99999999999999999999]", 8, "no number");
    check_wrong(&format!("{}[a:b = 1]", "(".repeat(100)), 66, "nested");
    check_wrong(&"x".repeat(MAX_LENGTH + 1), 1, "bytes");
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        "\\PC{0,12}".prop_map(Literal::Text),
        any::<i64>().prop_map(Literal::Integer),
        (-1.0e9..1.0e9).prop_map(Literal::Float),
        any::<bool>().prop_map(Literal::Bool),
        Just(Literal::Time("2026-11-21T10:00:00Z".to_owned())),
        "([0-9a-f]{2}){0,4}".prop_map(Literal::Hex),
    ]
}

fn test() -> impl Strategy<Value = Comparison> {
    let operator = prop_oneof![
        literal().prop_map(Operator::Equal),
        literal().prop_map(Operator::NotEqual),
        any::<i64>().prop_map(|number| Operator::Less(Literal::Integer(number))),
        prop::collection::vec(literal(), 0..4).prop_map(Operator::In),
        "\\PC{0,12}".prop_map(Operator::Like),
        "\\PC{0,12}".prop_map(Operator::IsSubset),
        Just(Operator::Exists),
    ];
    let step = prop_oneof![
        "\\PC{1,8}".prop_map(PathStep::Key),
        any::<u32>().prop_map(PathStep::Index),
        Just(PathStep::Any)
    ];
    let path = ("[a-z][a-z0-9-]{0,8}", "\\PC{1,8}", prop::collection::vec(step, 0..3)).prop_map(
        |(object, first, rest)| {
            let steps = std::iter::once(PathStep::Key(first)).chain(rest).collect();
            ObjectPath { object, steps }
        },
    );
    (path, any::<bool>(), operator)
        .prop_map(|(path, negated, operator)| Comparison::Test(Test { path, negated, operator }))
}

fn comparison() -> impl Strategy<Value = Comparison> {
    test().prop_recursive(3, 12, 4, |inner| {
        let parts = prop::collection::vec(inner, 2..4);
        prop_oneof![parts.clone().prop_map(Comparison::And), parts.prop_map(Comparison::Or)]
    })
}

fn observation() -> impl Strategy<Value = Observation> {
    comparison().prop_map(Observation::Of).prop_recursive(3, 8, 3, |inner| {
        let parts = prop::collection::vec(inner.clone(), 2..4);
        let qualifier =
            prop_oneof![(1_u64..100).prop_map(Qualifier::Repeats), (0.1..100.0).prop_map(Qualifier::Within)];
        let qualified = (inner, prop::collection::vec(qualifier, 1..3)).prop_map(|(of, mut more)| match of {
            Observation::Qualified(of, mut own) => {
                own.append(&mut more);
                Observation::Qualified(of, own)
            }
            other => Observation::Qualified(Box::new(other), more),
        });
        prop_oneof![
            parts.clone().prop_map(Observation::And),
            parts.clone().prop_map(Observation::Or),
            parts.prop_map(Observation::FollowedBy),
            qualified,
        ]
    })
}

proptest! {
    #[test]
    fn every_pattern_comes_back(observation in observation()) {
        let pattern = Pattern { observation };
        let text = pattern.to_string();
        prop_assert_eq!(Pattern::parse(&text), Ok(pattern), "{}", text);
    }

    #[test]
    fn no_text_is_too_much(text in "[\\[\\]()a-z:.'= ANDORNT*0-9/\\\\]{0,60}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern));
        }
    }
}
