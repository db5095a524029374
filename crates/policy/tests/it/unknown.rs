use castellan_base::{Node, Unresolved, UnresolvedReason, Value, Verdict};
use castellan_policy::{
    AliasTable, ClosedWorld, Definition, EvaluationContext, NothingCollected, Outcome, Policy, Request, Truth,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn policy(document: &Json) -> Policy {
    let definition = Definition::parse(&Node::from_json(document)).unwrap();
    Policy::compile(&definition, &AliasTable::builtin()).unwrap()
}

/// `{"?": symbol}` stands for an unresolved value.
fn node(json: &Json) -> Node {
    if let Some(symbol) = json.get("?").and_then(Json::as_str) {
        let unresolved =
            Unresolved::new(UnresolvedReason::MissingParameter, "parameters('x')").with_symbol(symbol);
        return Node::from_value(Value::unresolved(unresolved));
    }
    match json {
        Json::Array(items) => Node::from_value(Value::array(items.iter().map(node).collect())),
        Json::Object(map) => Node::from_value(Value::object(
            map.iter().map(|(key, value)| (key.as_str(), node(value))).collect(),
        )),
        other => Node::from_json(other),
    }
}

fn judge(condition: &Json, resource: &Json) -> Outcome {
    let policy = policy(&json!({"if": condition, "then": {"effect": "audit"}}));
    let context = EvaluationContext::default();
    policy.evaluate(&Request::new(&node(resource), &ClosedWorld(&[]), &context).traced())
}

fn verdict(condition: &Json, resource: &Json) -> &'static str {
    judge(condition, resource).verdict.as_str()
}

#[test]
fn known_parts_of_a_text_decide_where_they_can() {
    let resource = json!({"properties": {"name": {"?": "kv-{parameters('x')}-prod"}}});
    let cases = [
        (json!({"equals": "kv-a-prod"}), "unknown"),
        (json!({"equals": "sa-a-prod"}), "compliant"),
        (json!({"like": "kv-*"}), "non-compliant"),
        (json!({"like": "sa*"}), "compliant"),
        (json!({"like": "kv-a*"}), "unknown"),
        (json!({"contains": "prod"}), "non-compliant"),
        (json!({"contains": "dev"}), "unknown"),
        (json!({"in": ["a", "b"]}), "compliant"),
        (json!({"exists": true}), "non-compliant"),
    ];
    for (comparison, expected) in cases {
        let mut condition = comparison.clone();
        condition["field"] = json!("properties.name");
        assert_eq!(verdict(&condition, &resource), expected, "{comparison}");
    }
}

#[test]
fn counts_have_bounds() {
    let resource = json!({"properties": {"rules": [{"a": 1}, {"a": {"?": "{parameters('x')}"}}, {"a": 2}]}});
    let count = json!({"field": "rules[*]", "where": {"field": "rules[*].a", "equals": 1}});
    let cases = [
        (json!({"greater": 0}), "non-compliant"),
        (json!({"greater": 1}), "unknown"),
        (json!({"greater": 2}), "compliant"),
        (json!({"equals": 1}), "unknown"),
        (json!({"equals": 3}), "compliant"),
        (json!({"lessOrEquals": 2}), "non-compliant"),
        (json!({"notEquals": 0}), "non-compliant"),
    ];
    for (comparison, expected) in cases {
        let mut condition = comparison.clone();
        condition["count"] = count.clone();
        assert_eq!(verdict(&condition, &resource), expected, "{comparison}");
    }
    let open = json!({"properties": {"rules": {"?": "{parameters('x')}"}}});
    assert_eq!(verdict(&json!({"count": count, "greater": 0}), &open), "unknown");
    assert_eq!(verdict(&json!({"count": count, "greaterOrEquals": 0}), &open), "non-compliant");
}

#[test]
fn what_was_not_collected_is_unknown() {
    let document = json!({
        "if": {"field": "type", "equals": "Microsoft.KeyVault/vaults"},
        "then": {"effect": "auditIfNotExists", "details": {"type": "Microsoft.Insights/diagnosticSettings"}}
    });
    let policy = policy(&document);
    let resource = node(&json!({"type": "Microsoft.KeyVault/vaults"}));
    let context = EvaluationContext::default();
    let open = policy.evaluate(&Request::new(&resource, &NothingCollected, &context));
    assert_eq!((open.verdict.as_str(), open.effect), ("unknown", None));
    let closed = policy.evaluate(&Request::new(&resource, &ClosedWorld(&[]), &context));
    assert_eq!((closed.verdict, closed.effect.as_deref()), (Verdict::NonCompliant, Some("auditIfNotExists")));
    let setting = [node(&json!({"type": "microsoft.insights/diagnosticsettings"}))];
    let there = policy.evaluate(&Request::new(&resource, &ClosedWorld(&setting), &context));
    assert_eq!((there.verdict, there.effect), (Verdict::Compliant, None));
}

#[test]
fn other_types_are_not_concerned() {
    let condition =
        json!({"allOf": [{"field": "type", "in": ["A.B/c", "A.B/d"]}, {"field": "kind", "equals": "x"}]});
    assert_eq!(verdict(&condition, &json!({"type": "a.b/C", "kind": "X"})), "non-compliant");
    assert_eq!(verdict(&condition, &json!({"type": "A.B/c", "kind": "y"})), "compliant");
    assert_eq!(verdict(&condition, &json!({"type": "A.B/e", "kind": "x"})), "not-applicable");
}

#[test]
fn places_are_compared_without_spaces() {
    let condition = json!({"field": "location", "in": ["East US 2"]});
    assert_eq!(verdict(&condition, &json!({"location": "eastus2"})), "non-compliant");
    let condition = json!({"field": "location", "equals": "eastus2"});
    assert_eq!(verdict(&condition, &json!({"location": "East US 2"})), "non-compliant");
}

#[test]
fn hostile_rules_and_resources_are_bounded() {
    let mut deep = json!({"field": "kind", "equals": "x"});
    for _ in 0..1_000 {
        deep = json!({"not": deep});
    }
    let definition =
        Definition::parse(&Node::from_json(&json!({"if": deep, "then": {"effect": "audit"}}))).unwrap();
    assert!(Policy::compile(&definition, &AliasTable::builtin()).is_err());
    let items = vec![json!({"b": 1}); 3_000];
    let bomb = json!({"count": {"field": "a[*]", "where": {"count": {"value": "[field('c[*]')]", "name": "n",
        "where": {"field": "kind", "equals": "y"}}, "greater": 0}}, "greater": 0});
    let outcome = judge(&bomb, &json!({"a": items, "c": items, "kind": "x"}));
    let Verdict::Unknown(reason) = outcome.verdict else { panic!("{:?}", outcome.verdict) };
    assert!(reason.message.contains("too many"), "{}", reason.message);
}

#[test]
fn the_trace_names_what_decided() {
    let condition = json!({"allOf": [
        {"field": "type", "equals": "Microsoft.KeyVault/vaults"},
        {"anyOf": [
            {"field": "Microsoft.KeyVault/vaults/enablePurgeProtection", "exists": false},
            {"field": "Microsoft.KeyVault/vaults/enablePurgeProtection", "equals": false}
        ]}
    ]});
    let resource =
        json!({"type": "Microsoft.KeyVault/vaults", "properties": {"enablePurgeProtection": false}});
    let outcome = judge(&condition, &resource);
    let evidence = outcome.trace.unwrap().evidence();
    assert_eq!(evidence.len(), 1);
    assert_eq!(&*evidence[0].path, "properties.enablePurgeProtection");
    assert_eq!(&*evidence[0].operator, "equals");
}

fn truth() -> impl Strategy<Value = Truth> {
    prop_oneof![Just(Truth::True), Just(Truth::False), Just(Truth::Unknown)]
}

/// A scalar as it may stand in a resource.
fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        (0_i64..4).prop_map(|number| json!(number)),
        "[ab]{0,2}".prop_map(|text| json!(text)),
    ]
}

fn comparison() -> impl Strategy<Value = Json> {
    let operators = prop_oneof![
        Just("equals"),
        Just("notEquals"),
        Just("like"),
        Just("notLike"),
        Just("contains"),
        Just("notContains"),
        Just("less"),
        Just("greaterOrEquals"),
        Just("match"),
    ];
    let plain = (operators, scalar()).prop_map(|(operator, value)| json!({operator: value}));
    let list = proptest::collection::vec(scalar(), 0..3).prop_map(|list| json!({"in": list}));
    let exists = any::<bool>().prop_map(|flag| json!({"exists": flag}));
    prop_oneof![4 => plain, 1 => list, 1 => exists]
}

fn condition() -> impl Strategy<Value = Json> {
    let fields =
        prop_oneof![Just("p.x"), Just("p.y"), Just("p.list[*]"), Just("p.list[*].z"), Just("tags.t")];
    let leaf = (fields, comparison()).prop_map(|(field, mut comparison)| {
        comparison["field"] = json!(field);
        comparison
    });
    let leaf = leaf.boxed();
    let count = (leaf.clone(), 0_i64..4, prop_oneof![Just("equals"), Just("greater"), Just("less")]).prop_map(
        |(filter, number, operator)| json!({"count": {"field": "p.list[*]", "where": filter}, operator: number}),
    );
    prop_oneof![3 => leaf, 1 => count].prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..3).prop_map(|parts| json!({"allOf": parts})),
            proptest::collection::vec(inner.clone(), 1..3).prop_map(|parts| json!({"anyOf": parts})),
            inner.prop_map(|part| json!({"not": part})),
        ]
    })
}

/// A resource and the same with some values not known.
fn resources() -> impl Strategy<Value = (Json, Json)> {
    let element = prop_oneof![scalar(), scalar().prop_map(|z| json!({"z": z}))];
    let parts = (scalar(), scalar(), proptest::collection::vec(element, 0..4), scalar());
    let hidden = proptest::collection::vec(any::<bool>(), 8);
    (parts, hidden).prop_map(|((x, y, list, tag), hidden)| {
        let hide = |at: usize, value: &Json| {
            let hidden = hidden.get(at).copied().unwrap_or(false);
            if hidden { json!({"?": "{parameters('x')}"}) } else { value.clone() }
        };
        let items: Vec<Json> = list.iter().enumerate().map(|(at, item)| hide(4 + at, item)).collect();
        let known = json!({"p": {"x": x, "y": y, "list": list}, "tags": {"t": tag}});
        let list = hide(2, &json!(items));
        let partly =
            json!({"p": {"x": hide(0, &x), "y": hide(1, &y), "list": list}, "tags": {"t": hide(3, &tag)}});
        (known, partly)
    })
}

proptest! {
    #[test]
    fn kleene_laws(a in truth(), b in truth(), c in truth()) {
        prop_assert_eq!(!(a.and(b)), (!a).or(!b));
        prop_assert_eq!(!(a.or(b)), (!a).and(!b));
        prop_assert_eq!(!!a, a);
        prop_assert_eq!(a.and(b), b.and(a));
        prop_assert_eq!(a.or(b), b.or(a));
        prop_assert_eq!(a.and(b.and(c)), a.and(b).and(c));
        prop_assert_eq!(a.or(b.or(c)), a.or(b).or(c));
        prop_assert_eq!(a.and(b.or(c)), a.and(b).or(a.and(c)));
        prop_assert_eq!(a.or(a.and(b)), a);
    }

    #[test]
    fn finding_out_more_never_flips_a_verdict(condition in condition(), (known, partly) in resources()) {
        let before = verdict(&condition, &partly);
        if before != "unknown" {
            let after = verdict(&condition, &known);
            prop_assert!(after == before, "{condition} on {partly}: {before}, then on {known}: {after}");
        }
    }

    #[test]
    fn nothing_makes_the_reader_panic(text in "\\PC{0,60}") {
        let _ = castellan_policy::batch::line(&text, &AliasTable::builtin());
        let line = json!({"id": 1, "definition": {"if": {"field": text, "equals": text}, "then": {"effect": text}},
            "resource": {"name": text}});
        let _ = castellan_policy::batch::line(&line.to_string(), &AliasTable::builtin());
    }
}
