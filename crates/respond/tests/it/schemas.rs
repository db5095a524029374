//! Our playbooks against the JSON schemas of OASIS, and signatures as well.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "corpora are read where they are, or told to be absent"
)]

use std::path::{Path, PathBuf};

use castellan_respond::Library;
use castellan_respond::sign::{SigningKey, sign};
use serde_json::Value;

use crate::support::Outcome;

fn schemas() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let folder = std::env::var("CASTELLAN_CORPORA").unwrap_or_else(|_| beside.to_owned());
    let folder = Path::new(&folder).join("cacao/schemas");
    let is_there = folder.is_dir();
    if !is_there {
        eprintln!("skipped: {} is not there; set CASTELLAN_CORPORA", folder.display());
    }
    is_there.then_some(folder)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// A validator of one schema of the folder.
fn validator(folder: &Path, name: &str) -> Result<jsonschema::Validator, Box<dyn std::error::Error>> {
    let mut paths = Vec::new();
    files(folder, &mut paths)?;
    let mut options = jsonschema::options().with_draft(jsonschema::Draft::Draft7);
    for path in paths {
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        let id = schema["$id"].as_str().unwrap_or_default().to_owned();
        options = options.with_resource(id, jsonschema::Resource::from_contents(schema)?);
    }
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(name))?)?;
    Ok(options.build(&schema)?)
}

fn problems(validator: &jsonschema::Validator, document: &Value) -> Vec<String> {
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path)).collect()
}

#[test]
fn our_playbooks_are_cacao() -> Outcome {
    let Some(folder) = schemas() else { return Ok(()) };
    assert!(validator(&folder, "playbook.json")?.validate(&serde_json::json!({"type": "playbook"})).is_err());
    let (playbook, command) =
        (validator(&folder, "playbook.json")?, validator(&folder, "commands/manual.json")?);
    let mut count = 0;
    for entry in Library::embedded().iter() {
        let document = entry.playbook.document();
        assert_eq!(problems(&playbook, document), Vec::<String>::new(), "{}", entry.playbook.name);
        let steps = document["workflow"].as_object().ok_or("no workflow")?;
        let commands = steps.values().filter_map(|step| step["commands"].as_array()).flatten();
        for manual in commands.filter(|command| command["type"] == "manual") {
            assert_eq!(problems(&command, manual), Vec::<String>::new(), "{}", entry.playbook.name);
        }
        count += 1;
    }
    assert!(count >= 13, "{count}");
    Ok(())
}

#[test]
fn our_signatures_are_cacao() -> Outcome {
    let Some(folder) = schemas() else { return Ok(()) };
    let key = SigningKey::generate()?;
    for entry in Library::embedded().iter() {
        let mut document = entry.playbook.document().clone();
        sign(&mut document, &key, "us", "2026-11-21T00:00:00Z".parse()?)?;
        assert_eq!(problems(&validator(&folder, "playbook.json")?, &document), Vec::<String>::new());
        assert_eq!(
            problems(&validator(&folder, "data-types/signature.json")?, &document["signatures"][0]),
            Vec::<String>::new()
        );
    }
    Ok(())
}
