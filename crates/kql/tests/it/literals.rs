//! Constants, each as the value that it is.

use castellan_kql::ast::{ExprKind, OperatorKind, Script, Statement};
use castellan_kql::value::{Dynamic, TICKS_PER_DAY, TICKS_PER_SECOND};
use castellan_kql::{ScalarType, Value, parse};

/// The expressions of `print`, read without complaint.
pub(crate) fn printed(script: &Script) -> Vec<ExprKind> {
    let Some(Statement::Query(query)) = script.statements.last() else { panic!("no query: {script:?}") };
    let ExprKind::Query(query) = &query.kind else { panic!("no pipeline: {script:?}") };
    let OperatorKind::Print(columns) = &query.operators[0].kind else { panic!("no print: {script:?}") };
    columns.iter().map(|column| column.value.kind.clone()).collect()
}

fn constant(text: &str) -> (Value, ScalarType) {
    let query = format!("print {text}");
    let parsed = parse(&query);
    assert!(parsed.diagnostics.is_empty(), "{text}: {:?}", parsed.diagnostics);
    match printed(&parsed.script).swap_remove(0) {
        ExprKind::Literal { value, scalar_type } => (value, scalar_type),
        other => panic!("{text} is no constant: {other:?}"),
    }
}

fn check(text: &str, value: Value, scalar_type: ScalarType) {
    assert_eq!(constant(text), (value, scalar_type), "{text}");
}

#[test]
fn whole_numbers() {
    for (text, number) in [
        ("0", 0),
        ("9223372036854775807", i64::MAX),
        ("0xff", 255),
        ("0XFFFFFFFFFFFFFFFF", -1),
        ("long(17)", 17),
        ("long(-17)", -17),
        ("long(0x1F)", 31),
        ("-3", -3),
    ] {
        check(text, Value::Long(number), ScalarType::Long);
    }
    check("int(7)", Value::Int(7), ScalarType::Int);
    check("int(-2147483648)", Value::Int(i32::MIN), ScalarType::Int);
    check("int(null)", Value::Null, ScalarType::Int);
    check("long(null)", Value::Null, ScalarType::Long);
}

#[test]
fn reals() {
    for (text, number) in [
        ("1.0", 1.0),
        ("0.25", 0.25),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("1.5e+2", 150.0),
        ("1.", 1.0),
        ("real(1)", 1.0),
        ("real(-0.5)", -0.5),
        ("double(2.5)", 2.5),
        ("real(+inf)", f64::INFINITY),
        ("real(-inf)", f64::NEG_INFINITY),
    ] {
        check(text, Value::Real(number), ScalarType::Real);
    }
    assert!(matches!(constant("real(nan)").0, Value::Real(number) if number.is_nan()));
    check("real(null)", Value::Null, ScalarType::Real);
    check("decimal(1.25)", Value::string("1.25").convert(ScalarType::Decimal), ScalarType::Decimal);
    check("decimal(1e3)", Value::string("1000").convert(ScalarType::Decimal), ScalarType::Decimal);
    check("decimal(null)", Value::Null, ScalarType::Decimal);
}

#[test]
fn booleans() {
    for (text, flag) in [
        ("true", true),
        ("false", false),
        ("bool(true)", true),
        ("bool(0)", false),
        ("boolean(false)", false),
    ] {
        check(text, Value::Bool(flag), ScalarType::Bool);
    }
    check("bool(null)", Value::Null, ScalarType::Bool);
}

#[test]
fn timespans() {
    let minute = 60 * TICKS_PER_SECOND;
    for (spellings, ticks) in [
        ("1d 1day 24h 24hours 1440m time(1) timespan(1d) time(1.00:00:00)", TICKS_PER_DAY),
        ("2h 2hr 2hrs 2hour 2hours 120min time(02:00) timespan(0.02:00:00)", 120 * minute),
        ("3m 3min 3minute 3minutes 180s 180sec 180second 180seconds", 3 * minute),
        ("5ms 5milli 5millis 5millisec 5millisecs 5millisecond 5milliseconds", 50_000),
        ("6micro 6micros 6microsec 6microsecs 6microsecond 6microseconds", 60),
        ("7tick 7ticks time(7ticks)", 7),
        ("1.5h time(1:30) timespan(01:30:00.0000000)", 90 * minute),
        ("time(-1d) -1d timespan(-1.00:00:00)", -TICKS_PER_DAY),
    ] {
        for spelling in spellings.split(' ') {
            check(spelling, Value::TimeSpan(ticks), ScalarType::TimeSpan);
        }
    }
    check("time(null)", Value::Null, ScalarType::TimeSpan);
    check("time(0.12:34:56.7)", Value::TimeSpan(452_967_000_000), ScalarType::TimeSpan);
}

#[test]
fn datetimes() {
    let expected = Value::string("2024-01-02T03:04:05Z").convert(ScalarType::DateTime);
    for text in [
        "datetime(2024-01-02 03:04:05)",
        "datetime(2024-01-02T03:04:05Z)",
        "datetime(\"2024-01-02T03:04:05Z\")",
        "datetime('2024-01-02 03:04:05.0000000')",
        "datetime( 2024-01-02T04:04:05+01:00 )",
        "date(2024-01-02 03:04:05)",
    ] {
        check(text, expected.clone(), ScalarType::DateTime);
    }
    check("datetime(null)", Value::Null, ScalarType::DateTime);
    check("datetime(2024)", Value::string("2024-01-01").convert(ScalarType::DateTime), ScalarType::DateTime);
}

#[test]
fn guids() {
    let guid = Value::Guid(0x74be_27de_1e4e_49d9_b579_fe0b_331d_3642);
    for text in [
        "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
        "guid('74be27de-1e4e-49d9-b579-fe0b331d3642')",
        "guid(74BE27DE1E4E49D9B579FE0B331D3642)",
        "uuid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
        "uniqueid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
    ] {
        check(text, guid.clone(), ScalarType::Guid);
    }
    check("guid(null)", Value::Null, ScalarType::Guid);
    let letters = Value::Guid(0xaebe_27de_1e4e_49d9_b579_fe0b_331d_3642);
    check("guid(aebe27de-1e4e-49d9-b579-fe0b331d3642)", letters, ScalarType::Guid);
}

#[test]
fn strings() {
    for (text, expected) in [
        (r#""a""#, "a"),
        ("'a\"b'", "a\"b"),
        (r#""a\"b\\c\td""#, "a\"b\\c\td"),
        (r"'\u0041\x42\103\U00000044\n\'\0'", "ABCD\n'\0"),
        (r"@'a\b''c'", r"a\b'c"),
        ("```a\n'b' \\n```", "a\n'b' \\n"),
        ("~~~a `b`~~~", "a `b`"),
        ("h'secret'", "secret"),
        ("H\"secret\"", "secret"),
        (r"h@'C:\d'", r"C:\d"),
        ("'a' \"b\" @'c'", "abc"),
        ("'// no comment'", "// no comment"),
        ("''", ""),
        ("'\u{1f600}\u{e9}'", "\u{1f600}\u{e9}"),
    ] {
        check(text, Value::string(expected), ScalarType::String);
    }
    check(r#"@"C:\x\""y""""#, Value::string(r#"C:\x\"y""#), ScalarType::String);
}

#[test]
fn dynamics() {
    let json = |text: &str| Value::dynamic(Dynamic::parse(text).unwrap());
    for (text, expected) in [
        ("dynamic([1, 'a', true, null])", "[1, \"a\", true, null]"),
        ("dynamic({\"a\": {\"b\": [-1.5]}})", "{\"a\": {\"b\": [-1.5]}}"),
        ("dynamic({'a': 'x'})", "{\"a\": \"x\"}"),
        ("dynamic([])", "[]"),
        ("dynamic({})", "{}"),
        ("dynamic(\"a\")", "\"a\""),
        ("dynamic(17)", "17"),
    ] {
        check(text, json(expected), ScalarType::Dynamic);
    }
    check("dynamic(null)", Value::Null, ScalarType::Dynamic);
    let mixed = Dynamic::Array(vec![
        Dynamic::TimeSpan(TICKS_PER_DAY),
        Dynamic::DateTime(0),
        Dynamic::Guid(0x74be_27de_1e4e_49d9_b579_fe0b_331d_3642),
        Dynamic::Array(vec![Dynamic::Long(1)]),
    ]);
    check(
        "dynamic([1d, datetime(0001-01-01), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), dynamic([1])])",
        Value::dynamic(mixed),
        ScalarType::Dynamic,
    );
}

#[test]
fn malformed_constants_are_told() {
    for (text, expected) in [
        ("datetime(2024-13-01)", "`2024-13-01` is no datetime"),
        ("guid(74be)", "`74be` is no guid"),
        ("99999999999999999999", "`99999999999999999999` does not fit into 64 bits"),
        ("'open", "this string is never closed"),
        ("1.5parsec", "`parsec` is no unit of time (use d, h, m, s, ms, microsecond or tick)"),
    ] {
        let query = format!("print {text}");
        let parsed = parse(&query);
        let told: Vec<String> = parsed.diagnostics.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|message| message == expected), "{text}: {told:?}");
    }
}

#[test]
fn times_of_day_are_of_today() {
    for (text, expected) in [
        ("datetime(8:00)", "startofday(now()) + 8h"),
        ("datetime(08:05:30.5)", "startofday(now()) + 29130500ms"),
        ("datetime(\"8:00:00 AM\")", "startofday(now()) + 8h"),
        ("datetime('8:00 pm')", "startofday(now()) + 20h"),
        ("datetime(12:30 AM)", "startofday(now()) + 30m"),
        ("datetime(12:30 PM)", "startofday(now()) + 750m"),
    ] {
        let parsed = parse(&format!("print {text}"));
        assert!(parsed.diagnostics.is_empty(), "{text}: {:?}", parsed.diagnostics);
        assert_eq!(parsed.script.to_string(), format!("print {expected}"));
    }
    for text in [
        "datetime(25:00)",
        "datetime(13:00 PM)",
        "datetime(8:)",
        "datetime(8:00 XM)",
        "dynamic(datetime(8:00))",
    ] {
        assert_eq!(parse(&format!("print {text}")).diagnostics.len(), 1, "{text}");
    }
}
