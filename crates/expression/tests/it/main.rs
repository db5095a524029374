//! Values of expressions, one line each, and properties that hold for all of them.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use castellan_base::{Node, Span, Ticks, Unresolved, UnresolvedReason, Value};
use castellan_expression::{Expr, FunctionError, Host, evaluate, functions, parse};
use proptest::prelude::*;

/// `unknown('x')` is unresolved, `known('x')` is the string.
struct Fixture;

impl Host for Fixture {
    fn call(
        &mut self,
        _: Option<&str>,
        name: &str,
        args: &[Node],
        expr: &Expr,
    ) -> Option<Result<Node, FunctionError>> {
        match name {
            "unknown" => {
                let unresolved = Unresolved::new(UnresolvedReason::Runtime, expr.to_string());
                Some(Ok(Value::unresolved(unresolved).at(expr.span)))
            }
            "known" => Some(Ok(args.first().cloned().unwrap_or(Node::NULL))),
            _ => None,
        }
    }

    fn now(&self) -> Option<Ticks> {
        "2026-11-21T10:20:30Z".parse().ok()
    }
}

fn value(text: &str) -> Node {
    evaluate(&parse(text, Span::NONE).unwrap_or_else(|error| panic!("{text}: {error}")), &mut Fixture)
}

fn check(cases: &[(&str, serde_json::Value)]) {
    for (text, expected) in cases {
        let found = value(text);
        assert_eq!(&found.to_json(), expected, "{text}: {:?}", found.as_unresolved());
    }
}

macro_rules! cases {
    ($($text:literal => $json:tt);* $(;)?) => { check(&[$(($text, serde_json::json!($json))),*]) };
}

#[test]
fn arrays() {
    cases! {
        "array(1)" => [1]; "concat('a', 'b', 1)" => "ab1"; "concat(createArray(1), createArray(2))" => [1, 2];
        "contains('abc', 'b')" => true; "contains(createArray('a'), 'A')" => false;
        "contains(createObject('One', 1), 'one')" => true; "empty('')" => true; "empty(null())" => true;
        "first('One')" => "O"; "last(createArray(1, 2))" => 2; "flatten(createArray(createArray(1), createArray(2, 3)))" => [1, 2, 3];
        "indexFromEnd(createArray(1, 2, 3), 1)" => 3; "tryIndexFromEnd(createArray(1), 5)" => null;
        "indexOf('TEST', 't')" => 0; "lastIndexOf('TEST', 't')" => 3; "indexOf(createArray('a', 'b'), 'b')" => 1;
        "intersection(createArray(1, 2, 3), createArray(3, 2))" => [2, 3]; "length('abcd')" => 4; "max(1, 5, 3)" => 5;
        "min(createArray(4, 2))" => 2; "range(5, 3)" => [5, 6, 7]; "skip('one two', 4)" => "two"; "take(createArray(1, 2), 1)" => [1];
        "tryGet(createObject('a', createArray(1)), 'a', 0)" => 1; "tryGet(createObject(), 'x')" => null;
        "union(createArray(1, 2), createArray(2, 3))" => [1, 2, 3];
        "union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))" => {"a": {"x": 1, "y": 2}};
        "createArray(1, 2)[1]" => 2; "createObject('a', 1).A" => 1; "createObject('a', 1).?b" => null; "createObject('a', 1)['a']" => 1;
    }
}

#[test]
fn strings_and_numbers() {
    cases! {
        "endsWith('abcdef', 'EF')" => true; "startsWith('abcdef', 'AB')" => true; "format('{0}, {1}!', 'Hi', 3)" => "Hi, 3!";
        "format('{0:N0} {0:D6} {0:X} {{}}', 12345)" => "12,345 012345 3039 {}"; "format('[{0,5}|{0,-5}]', 'ab')" => "[   ab|ab   ]";
        "join(createArray('a', 1), ',')" => "a,1"; "padLeft('12', 5, '0')" => "00012"; "replace('a-b-c', '-', '')" => "abc";
        "split('a,b;c', createArray(',', ';'))" => ["a", "b", "c"]; "string(createArray(1, 'a'))" => "[1,\"a\"]"; "substring('one two', 4, 3)" => "two";
        "toLower('AB')" => "ab"; "toUpper('ab')" => "AB"; "trim(' a ')" => "a"; "'it''s'" => "it's";
        "add(1, 2)" => 3; "div(8, 3)" => 2; "mod(7, 3)" => 1; "mul(5, 3)" => 15; "sub(7, 3)" => 4; "int('4')" => 4; "int(-5)" => (-5);
        "guid('a', 'b')" => "2d796349-8c7e-55ec-9624-54ece82ed031";
    }
}

#[test]
fn logic_objects_dates_and_encodings() {
    cases! {
        "equals('a', 'A')" => false; "equals(1, 1)" => true; "less('Test', 'test')" => true; "greaterOrEquals(2, 2)" => true;
        "not(false())" => true; "bool('true')" => true; "if(true(), 'a', unknown('x'))" => "a"; "coalesce(null(), 'b')" => "b";
        "and(true(), false())" => false; "or(false(), true())" => true;
        "items(createObject('b', 2, 'a', 1))" => [{"key": "a", "value": 1}, {"key": "b", "value": 2}];
        "json('{\"a\": [1, null]}')" => {"a": [1, null]}; "objectKeys(createObject('b', 1, 'a', 2))" => ["a", "b"];
        "shallowMerge(createArray(createObject('a', 1), createObject('a', 2)))" => {"a": 2};
        "utcNow()" => "20261121T102030Z"; "utcNow('yyyy-MM-dd')" => "2026-11-21"; "utcNow('d')" => "11/21/2026"; "utcNow('ddd, d MMM yy')" => "Sat, 21 Nov 26";
        "dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')" => "2023-04-07 14:53:14Z"; "dateTimeAdd('2020-04-07T14:53:14Z', '-P9D', 'yyyy-MM-dd')" => "2020-03-29";
        "dateTimeToEpoch('2022-03-22T00:00:00Z')" => 1647907200; "dateTimeFromEpoch(1647907200)" => "2022-03-22T00:00:00Z";
        "addDays('2026-11-21T00:00:00Z', 10)" => "2026-12-01T00:00:00.0000000Z";
        "base64('one, two, three')" => "b25lLCB0d28sIHRocmVl"; "base64ToString('b25lLCB0d28sIHRocmVl')" => "one, two, three"; "base64ToJson('eyJhIjoxfQ==')" => {"a": 1};
        "dataUriToString('data:;base64,SGVsbG8=')" => "Hello"; "uriComponent('http://a b')" => "http%3A%2F%2Fa%20b"; "uriComponentToString('a%20b')" => "a b";
        "uri('http://contoso.org/firstpath', 'myscript.sh')" => "http://contoso.org/myscript.sh"; "uri('http://contoso.org/firstpath/', 'myscript.sh')" => "http://contoso.org/firstpath/myscript.sh";
    }
}

#[test]
fn networks_and_lambdas() {
    cases! {
        "cidrSubnet('10.144.0.0/20', 24, 1)" => "10.144.1.0/24"; "cidrHost('10.144.3.0/24', 0)" => "10.144.3.1";
        "parseCidr('10.144.0.0/20')" => {"network": "10.144.0.0", "netmask": "255.255.240.0", "cidr": 20, "broadcast": "10.144.15.255", "firstUsable": "10.144.0.1", "lastUsable": "10.144.15.254"};
        "ipRangeContains('10.0.0.0/8', '10.1.2.0/24')" => true; "ipRangeContains('10.0.0.0-10.0.0.9', '10.0.0.10')" => false;
        "map(createArray(1, 2), lambda('n', add(lambdaVariables('n'), 1)))" => [2, 3]; "filter(range(0, 5), lambda('n', greater(lambdaVariables('n'), 2)))" => [3, 4];
        "map(createArray('a', 'b'), lambda('x', 'i', format('{0}{1}', lambdaVariables('x'), lambdaVariables('i'))))" => ["a0", "b1"];
        "reduce(range(1, 4), 0, lambda('sum', 'n', add(lambdaVariables('sum'), lambdaVariables('n'))))" => 10;
        "sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))" => [1, 2, 3];
        "toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', length(lambdaVariables('x'))))" => {"a": 1, "b": 1};
        "groupBy(createArray('aa', 'b', 'ac'), lambda('x', first(lambdaVariables('x'))))" => {"a": ["aa", "ac"], "b": ["b"]};
        "mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))" => {"a": 2};
    }
}

#[test]
fn unknown_stays_unknown_with_its_symbol() {
    let cases = [
        ("concat('a-', unknown('x'))", "a-{unknown('x')}"),
        ("format('{0}-{1}', 'a', unknown('x'))", "a-{unknown('x')}"),
        ("toLower(concat('A-', unknown('X')))", "a-{unknown('X')}"),
        ("toUpper(unknown('x'))", "{toUpper(unknown('x'))}"),
        ("unknown('x').name", "{unknown('x').name}"),
        ("if(unknown('x'), 'a', 'b')", "{if(unknown('x'), 'a', 'b')}"),
        ("uniqueString('a')", "{uniqueString('a')}"),
        ("format('{0}', uniqueString(unknown('x')))", "{uniqueString(unknown('x'))}"),
    ];
    for (text, symbol) in cases {
        assert_eq!(value(text).as_unresolved().map(|found| &*found.symbol), Some(symbol), "{text}");
    }
    cases! {
        "and(unknown('x'), false())" => false; "or(unknown('x'), true())" => true; "if(unknown('x'), 'a', 'a')" => "a";
        "length(createArray(unknown('x'), 1))" => 2; "createArray(unknown('x'), 1)[1]" => 1;
    }
    assert!(value("and(unknown('x'), true())").as_unresolved().is_some());
    assert!(value("equals(createArray(unknown('x')), createArray(1))").as_unresolved().is_some());
}

#[test]
fn mistakes_are_unresolved_and_say_why() {
    let cases = [
        ("nope()", "there is no function `nope`"),
        ("add('a', 1)", "argument 1 has to be a whole number, not string"),
        ("add(1)", "`add` is called as add(a, b)"),
        ("div(1, 0)", "division by zero, or a number beyond 64 bits"),
        ("createObject('a', 1).b", "the object has no member `b`"),
        ("range(0, 1000000)", "`range` counts to 10,000 at most"),
    ];
    for (text, hint) in cases {
        let found = value(text);
        let unresolved = found.as_unresolved().unwrap();
        assert_eq!((unresolved.reason, &*unresolved.hint), (UnresolvedReason::Invalid, hint), "{text}");
    }
}

#[test]
fn bombs_end() {
    let doubling = |rounds: usize| {
        let mut text = "'xxxxxxxxxx'".to_owned();
        for _ in 0..rounds {
            text =
                format!("reduce(range(0, 2000), '', lambda('a', 'b', concat(lambdaVariables('a'), {text})))");
        }
        text
    };
    assert!(value(&doubling(3)).as_unresolved().is_some());
    assert!(parse(&"array(".repeat(1000), Span::NONE).is_err());
    assert!(parse(&format!("a(){}", ".a".repeat(1000)), Span::NONE).is_err());
    for text in ["2 . 2", "2.a", "a().2", "2[0]"] {
        assert!(parse(text, Span::NONE).is_err(), "{text}");
    }
}

#[test]
fn every_function_is_documented_and_found() {
    for function in functions::all() {
        assert!(
            !function.doc.is_empty() && function.signature.starts_with(function.name),
            "{}",
            function.name
        );
        assert!(functions::find(&function.name.to_uppercase()).is_some(), "{}", function.name);
    }
}

fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-z ']{0,6}".prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
        (-99_i64..99).prop_map(|number| number.to_string()),
        Just("unknown('x')".to_owned()),
        Just("true()".to_owned()),
    ];
    let names: Vec<&str> = functions::all().iter().map(|function| function.name).collect();
    leaf.prop_recursive(4, 24, 3, move |inner| {
        (prop::sample::select(names.clone()), prop::collection::vec(inner, 0..4))
            .prop_map(|(name, args)| format!("{name}({})", args.join(", ")))
    })
}

proptest! {
    #[test]
    fn parsing_never_panics(text in ".{0,60}") {
        let _ = parse(&text, Span::NONE);
    }

    #[test]
    fn what_is_printed_parses_to_the_same(text in expressions()) {
        let parsed = parse(&text, Span::NONE).unwrap();
        prop_assert_eq!(parse(&parsed.to_string(), Span::NONE).unwrap(), parsed);
    }

    #[test]
    fn evaluation_never_panics(text in expressions()) {
        let _ = value(&text);
    }
}
