//! Arguments: the schema subset against another validator, rules, records.

use castellan_mcp::arguments::{Fact, Must, Rule, Rules, Schema, SchemaError, record};
use castellan_mcp::json::{Limits, Value, parse};
use proptest::prelude::*;
use serde_json::json;

fn value(json: &serde_json::Value) -> Value {
    parse(json.to_string().as_bytes(), &Limits::default()).unwrap()
}

fn check(schema: &serde_json::Value, instance: &serde_json::Value) -> bool {
    Schema::new(&value(schema)).unwrap().check(&value(instance)).holds()
}

#[test]
fn every_keyword_agrees_with_another_validator() {
    let schemas = [
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 1}}, "additionalProperties": false}),
        json!({"type": ["string", "null"], "minLength": 2, "maxLength": 3}),
        json!({"enum": [1, "a", null, {"b": [1.0]}]}),
        json!({"const": 1}),
        json!({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2, "uniqueItems": true}),
        json!({"prefixItems": [{"type": "string"}], "items": {"type": "number"}}),
        json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}),
        json!({"anyOf": [{"type": "string"}, {"exclusiveMaximum": 2}], "not": {"const": 0}}),
        json!({"allOf": [{"$ref": "#/$defs/n"}], "$defs": {"n": {"type": "number", "multipleOf": 0.5}}}),
        json!({"if": {"type": "string"}, "then": {"pattern": "^a"}, "else": {"type": "object"}}),
        json!({"type": "object", "patternProperties": {"^x": {"type": "integer"}}, "propertyNames": {"maxLength": 2}, "minProperties": 1}),
        json!({"dependentRequired": {"a": ["b"]}, "type": "object", "maxProperties": 2}),
        json!({"properties": {"c": {"$ref": "#"}}, "type": "object"}),
        json!({"exclusiveMinimum": 0, "maximum": 3}),
        json!(true),
        json!(false),
        json!({}),
    ];
    let instances = [
        json!(null),
        json!(0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(2),
        json!(3),
        json!(-1),
        json!(true),
        json!(""),
        json!("a"),
        json!("ab"),
        json!("abcd"),
        json!("\u{1f600}\u{1f600}"),
        json!([]),
        json!([1]),
        json!([1, 1.0]),
        json!([1, 2, 3]),
        json!(["a", 1]),
        json!(["a", "b"]),
        json!({}),
        json!({"a": 1}),
        json!({"a": 0}),
        json!({"a": 1, "b": 2}),
        json!({"x": 1}),
        json!({"x": "s"}),
        json!({"xyz": 1}),
        json!({"b": [1]}),
        json!({"c": {"c": 1}}),
        json!({"c": {"c": {}}}),
    ];
    for schema in &schemas {
        let theirs = jsonschema::validator_for(schema).unwrap();
        for instance in &instances {
            // The other validator takes no negative number for a multiple, which JSON Schema does.
            if schema.to_string().contains("multipleOf") && *instance == json!(-1) {
                assert!(check(schema, instance));
                continue;
            }
            assert_eq!(check(schema, instance), theirs.is_valid(instance), "{schema} {instance}");
        }
    }
}

#[test]
fn what_is_not_checked_is_told() {
    let schema = json!({
        "contains": {"type": "string"},
        "properties": {"a": {"pattern": "(?=x)"}, "b": {"$ref": "https://evil.example/s"}, "c": {"$ref": "#/nowhere"}},
    });
    let schema = Schema::new(&value(&schema)).unwrap();
    let expected = ["/contains", "/properties/a/pattern", "/properties/b/$ref", "/properties/c/$ref"];
    assert_eq!(schema.unsupported(), expected);
    let dialect = Schema::new(&value(&json!({"$schema": "http://json-schema.org/draft-03/schema#"})));
    assert!(matches!(dialect, Err(SchemaError::Dialect(_))));
    assert!(Schema::new(&value(&json!({"type": "strnig"}))).is_err());
}

#[test]
fn hostile_schemas_end() {
    // Each level asks the one below twice.
    let mut definitions = serde_json::Map::new();
    for level in 0..40 {
        let next = format!("#/$defs/d{}", level + 1);
        definitions.insert(
            format!("d{level}"),
            json!({"anyOf": [{"allOf": [{"$ref": next}, false]}, {"$ref": next}]}),
        );
    }
    definitions.insert("d40".to_owned(), json!(false));
    let bomb = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    let checked = Schema::new(&value(&bomb)).unwrap().check(&value(&json!(1)));
    assert!(checked.exhausted && !checked.holds());
    let turning = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}});
    assert!(!check(&turning, &json!(1)));
}

fn rule(argument: &str, must: Must) -> Rules {
    let rule = Rule {
        server: None,
        tool: Some("t".to_owned()),
        argument: argument.to_owned(),
        must,
        required: false,
        reason: String::new(),
    };
    Rules::new(vec![rule]).unwrap()
}

#[test]
fn rules_about_arguments() {
    let list = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    let host = || Must { be_on_host: list(&["*.example.com", "one.test"]), ..Must::default() };
    let within = || Must { be_within: Some("/srv/data".to_owned()), ..Must::default() };
    let mail = || Must { end_with: Some("@contoso.com".to_owned()), ..Must::default() };
    let table = [
        ("u", host(), json!({"u": "https://a.example.com/x"}), true),
        ("u", host(), json!({"u": "https://example.com/x"}), false),
        ("u", host(), json!({"u": "https://one.test:8443?x"}), true),
        ("u", host(), json!({"u": "https://one.test@evil.test/"}), false),
        ("u", host(), json!({"u": "https://evil.test/#one.test"}), false),
        ("u", host(), json!({"u": "https://evil.test\\one.test"}), false),
        ("u", host(), json!({"u": "https://evilexample.com"}), false),
        ("u", host(), json!({"u": ["https://one.test"]}), false),
        ("p", within(), json!({"p": "/srv/data/a"}), true),
        ("p", within(), json!({"p": "/srv/data/../../etc"}), false),
        ("p", within(), json!({"p": "/srv/database"}), false),
        ("p", within(), json!({"p": "srv/data/a"}), false),
        ("p", within(), json!({"p": "/srv/data/%2e%2e/x"}), false),
        ("to[]", mail(), json!({"to": ["a@contoso.com", "b@CONTOSO.com"]}), true),
        ("to[]", mail(), json!({"to": ["a@contoso.com", "b@evil.test"]}), false),
        ("to[]", mail(), json!({"to": [{"x": "b@evil.test"}]}), false),
        ("to[]", mail(), json!({}), true),
        ("n", Must { be_at_most: Some(5.0), ..Must::default() }, json!({"n": 6}), false),
        ("n", Must { be_at_most: Some(5.0), ..Must::default() }, json!({"n": "x"}), false),
        (
            "n",
            Must { match_pattern: Some("[a-z]+".to_owned()), ..Must::default() },
            json!({"n": "ab1"}),
            false,
        ),
        ("n", Must { be_absent: true, ..Must::default() }, json!({"n": "ab"}), false),
        (
            "n.m",
            Must { be_one_of: list(&["a"]), ..Must::default() },
            json!({"n.m": "a", "n": {"m": "b"}}),
            false,
        ),
    ];
    for (argument, must, arguments, holds) in table {
        let violated = rule(argument, must).check("s", "t", &value(&arguments));
        assert_eq!(violated.is_empty(), holds, "{argument} {arguments} {violated:?}");
        assert!(rule(argument, Must::default()).check("s", "other", &value(&arguments)).is_empty());
    }
}

#[test]
fn records_are_flat_and_bounded() {
    let flat = record(&value(&json!({"a": {"b": 1}, "c": ["x", 2], "d": [{"e": "y"}], "f": null, "g": 1.5})));
    assert_eq!(flat.facts["a.b"], Fact::Long(1));
    assert_eq!(flat.facts["c[]"], Fact::Texts(vec!["x".to_owned(), "2".to_owned()]));
    assert_eq!(flat.facts["d[].e"], Fact::Texts(vec!["y".to_owned()]));
    assert!(!flat.truncated && !flat.ambiguous && !flat.facts.contains_key("f"));
    assert!(record(&value(&json!({"a.b": 1, "a": {"b": 2}}))).ambiguous);
    let many: serde_json::Map<String, serde_json::Value> =
        (0..300).map(|key| (key.to_string(), json!(1))).collect();
    assert!(record(&value(&many.into())).truncated);
}

proptest! {
    #[test]
    fn nothing_panics(text in r#"[\[\]{}",:0-9a-e$.-]{0,60}"#) {
        if let Ok(value) = parse(text.as_bytes(), &Limits::default()) {
            if let Ok(schema) = Schema::new(&value) {
                let _ = schema.check(&value);
            }
            let _ = record(&value);
        }
    }
}
