//! The canonical form against the samples of RFC 8785.

use castellan_mcp::jcs::{Integers, canonical, number};
use castellan_mcp::json::{Limits, parse};
use proptest::prelude::*;

fn check(text: &str, expected: &str) {
    let value = parse(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(canonical(&value, Integers::EcmaScript), expected);
}

#[test]
fn the_sample_of_section_3_2_2() {
    check(
        "{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],\
         \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\", \"literals\": [null, true, false]}",
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
         \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
    );
}

#[test]
fn members_are_sorted_by_utf_16() {
    check(
        "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\
         \"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\",\
         \"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
         \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
         \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
    );
}

/// Appendix B: the bits of a double and how it is written.
#[test]
fn the_numbers_of_appendix_b() {
    let table: &[(u64, &str)] = &[
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, expected) in table {
        let text = format!("{:e}", f64::from_bits(*bits));
        assert_eq!(number(&text), *expected, "{bits:016x}");
    }
}

#[test]
fn large_integers_stay_apart_in_pins() {
    let hash = |text: &str| canonical(&parse(text.as_bytes(), &Limits::default()).unwrap(), Integers::Exact);
    assert_ne!(hash("[9007199254740993]"), hash("[9007199254740992]"));
    assert_eq!(hash("[18446744073709551615]"), "[18446744073709551615]");
    assert_eq!(hash("[1.0]"), hash("[1]"));
}

proptest! {
    #[test]
    fn canonical_is_idempotent_and_ignores_order(keys in proptest::collection::btree_map(".{0,6}", any::<f64>(), 0..6)) {
        let finite: Vec<(String, f64)> = keys.into_iter().filter(|(_, number)| number.is_finite()).collect();
        let write = |pairs: &mut dyn Iterator<Item = &(String, f64)>| {
            let members: Vec<String> =
                pairs.map(|(key, number)| format!("{}:{number:e}", serde_json::to_string(key).unwrap())).collect();
            format!("{{{}}}", members.join(","))
        };
        let read = |text: &str| parse(text.as_bytes(), &Limits::default()).unwrap();
        let once = canonical(&read(&write(&mut finite.iter())), Integers::EcmaScript);
        let turned = canonical(&read(&write(&mut finite.iter().rev())), Integers::EcmaScript);
        prop_assert_eq!(&once, &turned);
        prop_assert_eq!(&once, &canonical(&read(&once), Integers::EcmaScript));
    }

    #[test]
    fn numbers_come_back(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
        let written = number(&format!("{value:e}"));
        prop_assert_eq!(written.parse::<f64>().unwrap(), value);
    }
}
