//! No function and no expression fails on any value.

use castellan_kql::Value;
use castellan_kql::value::Dynamic;
use proptest::prelude::*;

/// A few values of each type.
fn values() -> Vec<Value> {
    vec![
        Value::Long(-7),
        Value::Long(i64::MIN),
        Value::Long(i64::MAX),
        Value::Int(i32::MIN),
        Value::Real(f64::NAN),
        Value::Real(1e300),
        Value::string("C:\\a\u{e9}\u{1f600}.exe"),
        Value::DateTime(castellan_kql::value::MAX_DATETIME_TICKS),
        Value::TimeSpan(i64::MIN),
        Value::dynamic(Dynamic::parse(r#"{"a": [1, null, "b"]}"#).unwrap()),
        Value::Null,
        Value::string("0.1"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_function_panics_on_any_value(picks in prop::collection::vec(0_usize..12, 1..6)) {
        let values = values();
        let arguments: Vec<Value> = picks.iter().map(|pick| values[*pick].clone()).collect();
        for function in castellan_kql::functions::all() {
            let _ = function.call(&arguments);
        }
    }

    #[test]
    fn no_expression_panics(picks in prop::collection::vec((0_usize..7, 0_usize..16), 2..8)) {
        let names = ["n", "x", "s", "t", "d", "j", "u"];
        let operators = ["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "and", "or", "=~", "has", "contains", "startswith", "in~"];
        let mut text = String::from("n");
        for (name, operator) in picks {
            text = format!("({text}) {} ({})", operators[operator], names[name]);
        }
        let table = "datatable(n:long, x:real, s:string, t:datetime, d:timespan, j:dynamic, u:long) [-7, real(nan), 'a', datetime(9999-12-31), time(-1d), dynamic([1]), long(null)]";
        let _ = crate::answers::answer(&format!("{table} | extend y = {text}"));
    }
}

/// Values that the documentation prints beside its examples.
#[test]
fn published_values_agree() {
    let cases = [
        (
            "round(geo_distance_2points(-122.407628, 47.578557, -118.275287, 34.019056), 8)",
            "1546754.35197381",
        ),
        ("geo_point_to_s2cell(-80.195829, 25.802215, 8)", "88d9b"),
        ("geo_h3cell_parent('862a1072fffffff')", "852a1073fffffff"),
        ("geo_point_to_geohash(-80.195829, 25.802215, 8)", "dhwfz15h"),
        ("round(convert_angle(1.2, 'Degree', 'Arcminute'), 9)", "72.0"),
        ("round(convert_length(1.2, 'Meter', 'Foot'), 14)", "3.93700787401575"),
        ("round(welch_test(20.82, 7.867428571, 15, 22.986666667, 3.812666667, 15), 3)", "0.021"),
        ("parse_xml('<e name=\"value\">text</e>').e['#text']", "text"),
        ("parse_user_agent('Mozilla/5.0 AdobeAIR/2.5.1', 'browser').Browser.Family", "AdobeAIR"),
        ("punycode_domain_from_string('xn--Lin-8na.Celtchair.org')", "L\u{fa}in.Celtchair.org"),
        (
            "datetime_utc_to_local(datetime(2020-02-03 04:02:20), 'US/Pacific')",
            "2020-02-02T20:02:20.0000000Z",
        ),
        (
            "gzip_decompress_from_base64_string('H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==')",
            "1234567890qwertyuiop",
        ),
        ("zlib_decompress_from_base64_string('eJwLSS0uUSguKcrMS1cwNDIGACxqBQ4=')", "Test string 123"),
        ("series_seasonal(dynamic([1, 3, 5, 1, 3, 5, 2, 4, 6]), 3)", "[1.0,3.0,5.0,1.0,3.0,5.0,1.0,3.0,5.0]"),
        ("series_decompose_anomalies(dynamic([1, 1, 1, 1, 9, 1, 1, 1]), 1.5)", "[0,0,0,0,1,0,0,0]"),
        ("estimate_data_size(tolong(1), '1234567890')", "18"),
    ];
    for (expression, expected) in cases {
        let answer = crate::answers::answer(&format!("print x = {expression}")).unwrap();
        assert_eq!(answer.rows[0][0].to_text(), expected, "{expression}");
    }
}
