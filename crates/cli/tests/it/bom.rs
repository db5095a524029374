//! `castellan bom`.

use serde_json::Value;

use crate::{Desk, corpora, harbour};

#[test]
fn the_bill_is_valid_cyclonedx() {
    let ran = Desk::new().run(&["bom", &harbour(), "-q", "--format", "cyclonedx"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let bill = ran.json();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.7".into()));
    let components = bill["components"].as_array().unwrap();
    let models: Vec<&Value> =
        components.iter().filter(|component| component["type"] == "machine-learning-model").collect();
    assert!(models.iter().any(|model| model["modelCard"].is_object()), "{models:#?}");
    let known: Vec<&str> =
        components.iter().map(|component| component["bom-ref"].as_str().unwrap()).collect();
    for dependency in bill["dependencies"].as_array().unwrap() {
        for target in dependency["dependsOn"].as_array().into_iter().flatten() {
            let target = target.as_str().unwrap();
            let in_services = bill["services"].to_string().contains(target);
            assert!(known.contains(&target) || in_services, "{target} is nowhere");
        }
    }
    let Some(corpora) = corpora() else { return };
    let read = |name: &str| -> Value {
        let path = corpora.join("cyclonedx").join(name);
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let mut options = jsonschema::options();
    for entry in std::fs::read_dir(corpora.join("cyclonedx")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".json") {
            let schema = read(&name);
            if let Some(id) = schema["$id"].as_str().map(str::to_owned) {
                options = options.with_resource(id, jsonschema::Resource::from_contents(schema).unwrap());
            }
        }
    }
    let validator = options.build(&read("bom-1.7.schema.json")).unwrap();
    let errors: Vec<String> = validator.iter_errors(&bill).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn the_table_names_models_and_agents() {
    let ran = Desk::new().run(&["bom", &harbour(), "-q", "--format", "table"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for name in ["claims-triage", "gpt-4o", "damage-photos"] {
        assert!(ran.out.contains(name), "{name}: {}", ran.out);
    }
}
