//! Reading playbooks: what is wrong is told where it stands, and nothing makes the reader give up.

use castellan_base::{Level, Sources};
use castellan_respond::Library;
use castellan_respond::playbook::{self, to_yaml};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Outcome, does, id, playbook};

/// The errors of a playbook with their places.
fn errors(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let reading = playbook::read("p", text, &mut sources);
    assert_eq!(
        reading.playbook.is_none(),
        reading.diagnostics.iter().any(|found| found.level == Level::Error)
    );
    let told = reading.diagnostics.into_iter().filter(|found| found.level == Level::Error).map(|found| {
        let place = sources.locate(found.span).map(|place| place.to_string()).unwrap_or_default();
        format!("{place} {}", found.message)
    });
    told.collect()
}

fn plain() -> Value {
    playbook("127.0.0.1:1", &id("action", 1), json!({(id("action", 1)): does("it", &id("end", 1))}), false)
}

fn check(change: impl FnOnce(&mut Value), expected: &str) {
    let mut document = plain();
    change(&mut document);
    for text in [document.to_string(), to_yaml(&document)] {
        let errors = errors(&text);
        assert!(errors.iter().any(|error| error.contains(expected)), "{expected}: {errors:?}");
        assert!(errors.iter().all(|error| error.starts_with("p:")), "{errors:?}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    assert_eq!(errors(&plain().to_string()), Vec::<String>::new());
    let action = id("action", 1);
    check(|p| p["spec_version"] = json!("cacao-1.1"), "`spec_version` has to be `cacao-2.0`");
    check(|p| p["id"] = json!("playbook--1"), "`playbook--1` is no identifier");
    check(|p| p["workflow_start"] = json!(id("end", 1)), "no start step");
    check(
        |p| p["workflow"][&action]["on_success"] = json!(id("end", 9)),
        "which is no step of this playbook",
    );
    check(|p| p["workflow"][&action]["on_completion"] = json!(id("end", 1)), "not both");
    check(|p| p["workflow"][&action]["agent"] = json!(id("http-api", 9)), "is not defined");
    check(|p| p["workflow"][&action]["commands"] = json!([]), "needs `commands`");
    check(
        |p| p["workflow"][&action]["commands"][0]["command"] = json!("GET /__who__:value"),
        "`__who__` is not declared",
    );
    check(
        |p| p["playbook_variables"]["__n__"] = json!({"type": "integer", "value": "many"}),
        "not of the variable's type",
    );
    check(|p| p["playbook_variables"]["n"] = json!({"type": "integer"}), "no name of a variable");
    check(
        |p| p["playbook_variables"]["__s__"] = json!({"type": "secret", "value": "hunter2"}),
        "not of the variable's type",
    );
    check(|p| p["extension_definitions"] = json!({}), "used and not declared");
    check(|p| p["workflow"][&action]["type"] = json!("end"), "says that it is of type `end`");
}

#[test]
fn secrets_in_the_open_are_refused_and_not_repeated() {
    let mut document = plain();
    document["playbook_variables"]["__s__"] = json!({"type": "secret", "value": "hunter2"});
    document["authentication_info_definitions"] = json!({
        (id("http-basic", 1)): {"type": "http-basic", "user_id": "u", "password": "hunter3"},
    });
    let errors = errors(&document.to_string());
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().all(|error| !error.contains("hunter")), "{errors:?}");
}

#[test]
fn yaml_has_lines_and_a_member_twice_is_refused() {
    let yaml = to_yaml(&plain()).replace("name: a test\n", "name: a test\nname: another\n");
    let errors = errors(&yaml);
    assert_eq!(errors, ["p:5:1 `name` stands here twice"]);
}

/// JSON and YAML say the same, unknown properties included.
#[test]
fn built_in_playbooks_are_one_to_one() -> Outcome {
    for entry in Library::embedded().iter() {
        let mut document = entry.playbook.document().clone();
        document["x_unknown"] = json!({"kept": [1, 2.5, null, "\u{20ac}"]});
        let mut sources = Sources::default();
        let again = playbook::read("again", &to_yaml(&document), &mut sources).playbook.ok_or("not read")?;
        assert_eq!(again.document(), &document);
        assert_ne!(again.digest(), entry.playbook.digest());
    }
    Ok(())
}

/// The places of a document's values.
fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                pointers(member, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(at);
}

fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!(["a"])),
        "[ -~\u{e9}]{0,12}".prop_map(Value::from),
        Just(json!("__x__:value")),
        Just(json!("action--00000000-0000-4000-8000-000000000001")),
    ]
}

proptest! {
    #[test]
    fn any_change_is_read_or_told(which in 0_usize..64, changes in prop::collection::vec((any::<prop::sample::Index>(), odd()), 1..4)) {
        let library = Library::embedded();
        let count = library.iter().count();
        let entry = library.iter().nth(which % count).map(|entry| entry.playbook.document().clone());
        let mut document = entry.unwrap_or_default();
        for (index, value) in changes {
            let mut places = Vec::new();
            pointers(&document, String::new(), &mut places);
            let place = index.get(&places).clone();
            if let Some(target) = document.pointer_mut(&place) {
                *target = value;
            }
        }
        let _ = errors(&document.to_string());
    }

    #[test]
    fn any_text_is_read_or_told(text in "[{}\\[\\]:,\"a_ \n0-]{0,60}") {
        let _ = errors(&text);
    }
}
