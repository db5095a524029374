use proptest::prelude::*;

use super::*;

fn refused(body: &str) -> &'static str {
    match Tree::read(body.as_bytes(), &Bounds { depth: 8, values: 20, ..Bounds::default() }) {
        Ok(_) => "",
        Err(error) => error.reason,
    }
}

#[test]
fn values_know_where_they_stand() {
    let body = r#" { "a" : [1, {"b":"x"}, []], "c\u0064" : null } "#;
    let tree = Tree::read(body.as_bytes(), &Bounds::default()).unwrap();
    let paths: Vec<String> = tree.root().items().map(|item| item.path()).collect();
    assert_eq!(paths, ["a", "cd"]);
    let inner = tree.root().get("a").unwrap().items().nth(1).unwrap().get("b").unwrap();
    assert_eq!((inner.path().as_str(), inner.raw()), ("a[1].b", br#""x""#.as_slice()));
    assert_eq!(tree.root().get("cd").unwrap().kind(), Kind::Null);
    assert_eq!(tree.root().get("a").unwrap().items().count(), 3);
}

#[test]
fn what_is_ambiguous_is_refused() {
    for (body, reason) in [
        (r#"{"a":1,"a":2}"#, "two members"),
        (r#"{"a":1,"\u0061":2}"#, "two members"),
        (r#"{"role":"user","Role":"system"}"#, "two members"),
        (r#"{"a":1,"A":2}"#, ""),
        (r#""\ud800""#, "surrogate"),
        (r#""\udc00\ud800""#, "surrogate"),
        (r#""\ud83d\ude00""#, ""),
        ("[1,]", "value is missing"),
        ("[,1]", "value is missing"),
        ("{\"a\":1,}", "no name"),
        ("[1 2]", "comma"),
        ("{} {}", "follows"),
        ("", "value is missing"),
        ("// x\n1", "value is missing"),
        ("01", "number"),
        ("1.", "point"),
        ("\"a\nb\"", "control"),
        ("\"a", "no end"),
        (r#""\x""#, "escape"),
        ("[[[[[[[[[]]]]]]]]]", "deep"),
        ("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "too many values"),
        ("\u{feff}{}", "value is missing"),
    ] {
        let told = refused(body);
        assert!(if reason.is_empty() { told.is_empty() } else { told.contains(reason) }, "{body}: {told}");
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map("[a-z\u{e9}\"]{1,4}", inner, 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

fn same(item: Item<'_>, value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => item.text().as_deref() == Some(text) && item.is(text),
        serde_json::Value::Array(values) => {
            item.items().count() == values.len()
                && item.items().zip(values).all(|(item, value)| same(item, value))
        }
        serde_json::Value::Object(members) => {
            item.items().count() == members.len()
                && members.iter().all(|(name, value)| item.get(name).is_some_and(|item| same(item, value)))
        }
        other => item.raw() == other.to_string().as_bytes(),
    }
}

proptest! {
    #[test]
    fn it_reads_what_serde_writes(value in value(), is_pretty in any::<bool>()) {
        let body = if is_pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        let tree = Tree::read(&body, &Bounds::default()).unwrap();
        prop_assert!(same(tree.root(), &value));
    }

    #[test]
    fn what_it_reads_serde_reads_too(body in prop::collection::vec(prop_oneof![
        Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b','), Just(b':'), Just(b'"'), Just(b'\\'), Just(b'u'), Just(b'1'),
        Just(b'-'), Just(b'.'), Just(b'e'), Just(b' '), Just(b'a'), Just(b'd'), Just(b'8'), Just(b'0')], 0..40)) {
        if Tree::read(&body, &Bounds::default()).is_ok() {
            // Numbers beyond what a double holds are the one thing that serde refuses and a proxy need not.
            let read: Result<serde_json::Value, _> = serde_json::from_slice(&body);
            prop_assert!(read.is_ok() || read.is_err_and(|error| error.to_string().contains("out of range")));
        }
    }

    #[test]
    fn quoting_is_undone_by_reading(text in ".{0,40}") {
        let body = quoted(&text);
        let tree = Tree::read(body.as_bytes(), &Bounds::default()).unwrap();
        let root = tree.root();
        prop_assert_eq!(root.text().unwrap(), text.as_str());
    }
}
