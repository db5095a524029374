//! Nothing a file holds stops the rest, and nothing panics.

use std::path::PathBuf;

use castellan_estate::{EstateBuilder, InputKind, ScanOptions, Silent, bom, read};
use castellan_testkit::MemorySystem;
use proptest::prelude::*;

#[test]
fn one_bad_file_does_not_stop_the_rest() {
    let good = r#"[{"id": "/subscriptions/s/resourceGroups/g/providers/M.X/y/z", "properties": {}}]"#;
    let deep = "[".repeat(100_000);
    let bomb: String = std::iter::once("apiVersion: &a [x, x, x, x, x, x, x, x, x]\n".to_owned())
        .chain((0..12).map(|level| format!("k{level}: &a [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n")))
        .collect();
    let system = MemorySystem::default()
        .with_file("in/1-broken.json", "{\n  \"a\" 1}")
        .with_file("in/2-deep.json", &deep)
        .with_file("in/3-bomb.yaml", &bomb)
        .with_file("in/4-binary.json", [0x89, b'P', b'N', b'G', 0, 0, 1])
        .with_file("in/5-empty.json", "")
        .with_file("in/6-latin.json", [vec![b' '; 100], vec![0xe9]].concat())
        .with_file("in/7-large.json", vec![b' '; 200_000])
        .with_file("in/9-good.json", good);
    let mut options = ScanOptions::default();
    options.limits.bytes = 150_000;
    let estate = read(&system, &["in".into(), "nowhere".into()], &options, &Silent);
    assert_eq!(estate.inputs.len(), 8);
    let kinds: Vec<_> = estate.inputs.iter().map(|input| input.kind).collect();
    use InputKind::{Broken, Resources, Unsupported};
    assert_eq!(kinds, [Broken, Broken, Broken, Unsupported, Unsupported, Broken, Broken, Resources]);
    assert_eq!(estate.resources.len(), 1);
    let first =
        estate.diagnostics.iter().find_map(|diagnostic| estate.sources.locate(diagnostic.span)).unwrap();
    assert_eq!(first.to_string(), "in/1-broken.json:2:7");
    assert!(
        estate.diagnostics.iter().any(|diagnostic| diagnostic.message.contains("`nowhere` does not exist"))
    );
}

#[test]
fn too_many_files_are_counted() {
    let system =
        (0..20).fold(MemorySystem::default(), |system, n| system.with_file(format!("in/{n}.json"), "[]"));
    let options = ScanOptions { files: 5, ..ScanOptions::default() };
    let estate = read(&system, &["in".into(), "in/0.json".into()], &options, &Silent);
    assert_eq!(estate.inputs.len(), 5);
    assert!(estate.diagnostics[0].message.starts_with("16 files were left out"), "{:?}", estate.diagnostics);
}

#[test]
fn ten_thousand_resources_are_read_in_a_moment() {
    let rows: Vec<_> = (0..10_000)
        .map(|n| {
            let id = format!("/subscriptions/s/resourceGroups/g{}/providers/Microsoft.CognitiveServices/accounts/a{n}", n % 50);
            serde_json::json!({"id": id, "name": format!("a{n}"), "type": "microsoft.cognitiveservices/accounts",
                "properties": {"publicNetworkAccess": "Enabled", "networkAcls": {"defaultAction": "Deny", "ipRules": []}}})
        })
        .collect();
    let mut builder_time = std::time::Duration::ZERO;
    let options = ScanOptions::default();
    let text = serde_json::Value::Array(rows).to_string();
    let start = std::time::Instant::now();
    let mut builder = EstateBuilder::new(&options);
    builder.add_text("rows.json", &text);
    let estate = builder.finish();
    builder_time += start.elapsed();
    assert_eq!(estate.resources.len(), 20_000);
    eprintln!("10,000 resources in {builder_time:?}");
    // Quadratic work would take minutes; a slow machine without optimisation takes seconds.
    assert!(builder_time.as_secs() < 20, "{builder_time:?}");
}

const SEEDS: [&str; 6] = [
    r#"{"mcpServers": {"a": {"command": "npx", "args": ["-y", "x@1"], "env": {"TOKEN": "x"}}, "b": {"url": "http://u:p@[::1]/"}}}"#,
    r#"{"object": "list", "data": [{"object": "assistant", "name": "a", "model": {"id": "m"}, "tools": [{"type": "mcp", "require_approval": {"never": {}}}, {"type": "openapi", "openapi": {"spec": {"paths": {"/": {"post": 1}}}}}]}]}"#,
    r#"[{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a/deployments/d", "properties": {"model": {"name": "x"}, "raiPolicyName": "p"}}, {"id": "/providers/a/b/c/d", "properties": {"principalId": "{reference('/subscriptions/s"}}]"#,
    "{\"totalRecords\": 2, \"data\": {\"columns\": [{\"name\": \"id\"}], \"rows\": [[\"/subscriptions/s\"], []]}}",
    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: serving.kserve.io/v1, kind: InferenceService, metadata: {name: a}, spec: {predictor: {model: {storageUri: 'x://y/1'}}}}\n- {apiVersion: v1, kind: Service, metadata: {}, spec: {selector: {}}}\n",
    "kind: prompt\nname: a\nmodel: m\ninstructions: i\ntools: [{kind: connected_agent, connected_agent: {name: a}}]\n",
];

fn survives(name: &str, text: &[u8]) {
    let system = MemorySystem::default().with_file(name, text);
    let estate = read(&system, &[PathBuf::from(name)], &ScanOptions::default(), &Silent);
    assert_eq!(estate.inputs.len(), 1);
    let bill = bom::bill_of_materials(&estate);
    let _ = bom::to_cyclonedx(&bill, &bom::CycloneDxOptions::at(castellan_base::Ticks::MIN));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), name in "[ab]\\.(json|yaml|txt)") {
        survives(&name, &bytes);
    }

    #[test]
    fn mutated_inputs(seed in 0..SEEDS.len(), at in any::<proptest::sample::Index>(), length in 0..12_usize, with in "[\\[\\]{}\",:'a1/ -]{0,6}") {
        let mut text = SEEDS[seed].as_bytes().to_vec();
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        text.splice(start..end, with.bytes());
        survives(if seed > 3 { "a.yaml" } else { "a.json" }, &text);
    }
}
