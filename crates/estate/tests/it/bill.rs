//! The bill of materials against the CycloneDX schema.

use castellan_base::Ticks;
use castellan_estate::Estate;
use castellan_estate::bom::{CycloneDxOptions, PartKind, bill_of_materials, to_cyclonedx};
use serde_json::json;

use super::{ACCOUNT, corpora::folder, estate};

fn sample() -> Estate {
    let agent = json!({"object": "assistant", "name": "helper", "model": "chat", "instructions": "x", "tools": [
        {"type": "azure_ai_search", "azure_ai_search": {"indexes": [{"index_connection_id": "docs"}]}},
        {"type": "mcp", "server_label": "mail", "server_url": "https://mail.example/mcp"}]});
    let export = json!([
        {"id": ACCOUNT, "kind": "AIServices", "identity": {"type": "SystemAssigned", "principalId": "p1"}, "properties": {}},
        {"id": format!("{ACCOUNT}/deployments/chat"), "properties": {"model": {"format": "OpenAI", "name": "gpt-4o", "version": "1"}, "raiPolicyName": "strict"}},
        {"id": format!("{ACCOUNT}/projects/p/connections/docs"), "properties": {"category": "CognitiveSearch", "authType": "AAD", "target": "https://s.search.windows.net"}},
        {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Search/searchServices/s", "properties": {}},
    ]);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: 'registry.example/vllm:1.0', args: [--model, a/b]}]}\n";
    estate(&[("agent.json", &agent.to_string()), ("export.json", &export.to_string()), ("p.yaml", pod)])
}

#[test]
fn parts_and_links() {
    let bill = bill_of_materials(&sample());
    let kinds = |kind| {
        bill.parts.iter().filter(|part| part.kind == kind).map(|part| part.name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(PartKind::Agent), ["helper"]);
    assert_eq!(kinds(PartKind::Deployment), ["chat"]);
    assert_eq!(kinds(PartKind::Tool), ["azure_ai_search", "mail"]);
    assert_eq!(kinds(PartKind::Model), ["a/b", "gpt-4o"]);
    assert_eq!(kinds(PartKind::Image), ["registry.example/vllm"]);
    let links: Vec<String> = bill
        .links
        .iter()
        .map(|link| {
            format!(
                "{} {} {}",
                bill.part(&link.from).unwrap().name,
                link.kind.as_str(),
                bill.part(&link.to).unwrap().name
            )
        })
        .collect();
    for expected in [
        "helper uses-model chat",
        "chat deploys-model gpt-4o",
        "chat uses-filter strict",
        "azure_ai_search connects-to docs",
        "docs connects-to s",
        "ai contains chat",
        "p uses-image registry.example/vllm",
    ] {
        assert!(links.iter().any(|link| link == expected), "{expected}: {links:#?}");
    }
    assert_eq!(bill.rows().len(), bill.parts.len());
}

#[test]
fn the_document_is_valid_and_reproducible() {
    let options = CycloneDxOptions {
        subject: Some("estate".to_owned()),
        ..CycloneDxOptions::at("2026-11-21".parse::<Ticks>().unwrap())
    };
    let first = to_cyclonedx(&bill_of_materials(&sample()), &options);
    assert_eq!(first, to_cyclonedx(&bill_of_materials(&sample()), &options));
    assert_eq!(first["metadata"]["timestamp"], "2026-11-21T00:00:00Z");
    let model = first["components"]
        .as_array()
        .unwrap()
        .iter()
        .find(|component| component["name"] == "gpt-4o")
        .unwrap();
    assert_eq!(model["type"], "machine-learning-model");
    assert!(model["modelCard"].is_object());
    let empty = to_cyclonedx(&bill_of_materials(&estate(&[])), &options);
    let Some(corpora) = folder() else { return };
    let schema = Schema::load(&corpora.join("cyclonedx"));
    schema.check(&first);
    schema.check(&empty);
    schema.check(&to_cyclonedx(&bill_of_materials(&super::corpora::foundry_estate(&corpora)), &options));
}

struct Schema(jsonschema::Validator);

impl Schema {
    fn load(folder: &std::path::Path) -> Schema {
        let read = |name: &str| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
        };
        let mut options = jsonschema::options();
        for name in ["spdx.schema.json", "jsf-0.82.schema.json", "cryptography-defs.schema.json"] {
            let resource = jsonschema::Resource::from_contents(read(name)).unwrap();
            options = options.with_resource(format!("http://cyclonedx.org/schema/{name}"), resource);
        }
        Schema(options.should_validate_formats(true).build(&read("bom-1.7.schema.json")).unwrap())
    }

    fn check(&self, document: &serde_json::Value) {
        let errors: Vec<String> = self
            .0
            .iter_errors(document)
            .take(5)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        // The schema cannot say that references resolve.
        let mut references = std::collections::BTreeSet::new();
        for list in ["components", "services"] {
            for item in document[list].as_array().unwrap() {
                assert!(references.insert(item["bom-ref"].as_str().unwrap()), "{item}");
            }
        }
        for dependency in document["dependencies"].as_array().unwrap() {
            for target in dependency["dependsOn"].as_array().unwrap() {
                assert!(references.contains(target.as_str().unwrap()), "{target}");
            }
        }
    }
}
