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
