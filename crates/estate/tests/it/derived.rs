//! What is derived, and how it relates.

use castellan_base::{Limits, Node, Sources, Ticks, yaml};
use castellan_estate::{ModelCatalogue, RelationKind, ScanOptions};
use serde_json::json;

use super::{ACCOUNT, estate, estate_with, only, properties};

fn account(properties: serde_json::Value) -> serde_json::Value {
    json!({"id": ACCOUNT, "type": "Microsoft.CognitiveServices/accounts", "kind": "AIServices", "properties": properties})
}

fn deployment(filter: Option<&str>) -> serde_json::Value {
    json!({"id": format!("{ACCOUNT}/deployments/chat"), "sku": {"name": "Standard", "capacity": 1}, "properties": {
        "model": {"format": "OpenAI", "name": "gpt-4o", "version": "2024-05-13"}, "raiPolicyName": filter}})
}

#[test]
fn deployments_join_account_filter_and_lifecycle() {
    let content = "as_of: 2026-11-01\nmodels:\n- {publisher: OpenAI, format: OpenAI, name: gpt-4o, version: 2024-05-13, lifecycle: deprecated, retirement: 2026-10-01}\n- {name: x, version: 0613}\n- {}\n";
    let mut sources = Sources::default();
    let source = sources.add("models.yaml", content);
    let (catalogue, problems) =
        ModelCatalogue::parse(&yaml::parse(content, source, &Limits::default()).unwrap());
    assert_eq!(problems.len(), 1);
    assert!(
        catalogue.find(None, "GPT-4o", None).is_none() && catalogue.find(None, "x", Some("613")).is_some()
    );
    let options = |now: &str| ScanOptions {
        now: now.parse::<Ticks>().unwrap(),
        catalogue: catalogue.clone(),
        ..ScanOptions::default()
    };
    let filter = json!({"id": format!("{ACCOUNT}/raiPolicies/strict"), "properties": {"mode": "Blocking", "contentFilters": [{"name": "Hate", "source": "Prompt"}]}});
    let text =
        json!([account(json!({"publicNetworkAccess": "Disabled"})), deployment(Some("strict")), filter])
            .to_string();
    let estate = estate_with(&[("x.json", &text)], &options("2026-11-21"));
    let found = properties(&estate, "Castellan.AI/modelDeployments");
    assert_eq!(
        found["model"],
        json!({"name": "gpt-4o", "version": "2024-05-13", "format": "OpenAI", "pinned": true,
        "publisher": "OpenAI", "retirementDate": "2026-10-01", "lifecycle": "retired"})
    );
    assert_eq!(
        found["account"],
        json!({"id": ACCOUNT, "name": "ai", "kind": "AIServices", "publicNetworkAccess": "Disabled", "disableLocalAuth": false})
    );
    assert_eq!(found["raiPolicy"]["source"], "custom");
    assert_eq!(found["raiPolicy"]["contentFilters"][0]["name"], "Hate");
    assert_eq!(
        only(&estate, "Castellan.AI/modelDeployments").id.as_str(),
        format!("{ACCOUNT}/deployments/chat/providers/Castellan.AI/modelDeployments/chat")
    );
    let earlier = estate_with(&[("x.json", &text)], &options("2026-01-01"));
    assert_eq!(properties(&earlier, "Castellan.AI/modelDeployments")["model"]["lifecycle"], "deprecated");
    let kinds: Vec<_> = estate.relations().iter().map(|relation| relation.kind).collect();
    assert!(kinds.contains(&RelationKind::UsesFilter) && kinds.contains(&RelationKind::DeploysModel));
}

#[test]
fn filters_that_are_default_or_missing() {
    let with = |name| {
        let estate = estate(&[("x.json", &json!([account(json!({})), deployment(name)]).to_string())]);
        properties(&estate, "Castellan.AI/modelDeployments")["raiPolicy"].clone()
    };
    assert_eq!(with(None)["source"], "none");
    assert_eq!(with(Some("Microsoft.Default"))["contentFilters"].as_array().unwrap().len(), 8);
    assert_eq!(with(Some("Microsoft.DefaultV2"))["contentFilters"].as_array().unwrap().len(), 11);
    let unread = with(Some("strict"));
    assert_eq!(unread["contentFilters"]["reason"], "not-collected");
}

#[test]
fn agents_add_up_their_tools() {
    let reader = json!({"object": "assistant", "id": "a1", "name": "reader", "model": "chat", "instructions": "x", "tools": [
        {"type": "file_search"},
        {"type": "mcp", "server_label": "mail", "server_url": "https://mail.example/mcp", "require_approval": "never"},
        {"type": "connected_agent", "connected_agent": {"id": "a2", "name": "payer"}}]});
    let payer = json!({"object": "agent", "name": "payer", "versions": {"latest": {"definition": {"kind": "prompt", "model": "chat", "instructions": "",
        "tools": [{"type": "openapi", "openapi": {"name": "pay", "auth": {"type": "anonymous"}, "spec": {"servers": [{"url": "https://pay.example"}], "paths": {"/p": {"post": {}}}}}}],
        "rai_config": {"rai_policy_name": "Microsoft.DefaultV2"}}}}});
    let estate = estate(&[("agents.json", &json!({"object": "list", "data": [reader, payer]}).to_string())]);
    let agents: Vec<_> = estate
        .of_type("Castellan.AI/agents")
        .map(|agent| agent.at_path("properties").unwrap().to_json())
        .collect();
    assert_eq!(agents.len(), 2);
    let reader = &agents[0];
    assert_eq!(reader["tools"][0]["kind"], "file_search");
    assert_eq!(reader["tools"][1]["requireApproval"], "never");
    assert!(reader["tools"][1].get("allowedTools").is_none());
    for capability in ["readsPrivateData", "readsUntrustedContent", "sendsOutside", "changesState"] {
        assert_eq!(reader[capability], true, "{capability}");
    }
    assert_eq!(reader["connectedAgents"][0]["name"], "payer");
    let payer = &agents[1];
    assert_eq!((&payer["hasInstructions"], &payer["readsPrivateData"]), (&json!(false), &json!(false)));
    assert_eq!(
        payer["guardrail"],
        json!({"name": "Microsoft.DefaultV2", "jailbreak": true, "indirectAttack": false})
    );
    assert_eq!(payer["source"], "foundry");
    let calls = estate.relations().iter().find(|relation| relation.kind == RelationKind::Calls).unwrap();
    assert!(calls.to.as_str().ends_with("Castellan.AI/agents/payer"), "{calls:?}");
}

#[test]
fn declarative_agents_and_untold_functions() {
    let yaml = "kind: Prompt\nname: helper\nmodel: {id: gpt-4.1}\ninstructions: Help.\ntools:\n- kind: function\n  name: lookup\n- kind: codeInterpreter\n";
    let estate = estate(&[("agent.yaml", yaml)]);
    let agent = properties(&estate, "Castellan.AI/agents");
    assert_eq!((&agent["model"], &agent["source"]), (&json!("gpt-4.1"), &json!("file")));
    assert_eq!(agent["tools"][1]["kind"], "code_interpreter");
    // Nobody knows what a function does, so nobody says that the agent sends nothing outside.
    assert_eq!(agent["sendsOutside"]["reason"], "not-collected");
    assert_eq!(agent["readsUntrustedContent"], true);
}

#[test]
fn connections_and_mcp_servers() {
    let connection = json!({"id": format!("{ACCOUNT}/projects/p/connections/c"), "properties": {"category": "CognitiveSearch", "authType": "ApiKey", "target": "https://s.search.windows.net"}});
    let search = json!({"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Search/searchServices/s", "properties": {}});
    let mcp =
        json!({"mcpServers": {"w": {"url": "http://w.example/mcp"}, "b": {"command": "npx", "args": ["x"]}}});
    let estate = estate(&[
        ("x.json", &json!([connection, search]).to_string()),
        (".vscode/mcp.json", &mcp.to_string()),
    ]);
    let found = properties(&estate, "Castellan.AI/connections");
    assert_eq!((&found["storesCredential"], &found["isSharedToAll"]), (&json!(true), &json!(false)));
    assert_eq!(found["parentType"], "Microsoft.CognitiveServices/accounts/projects");
    assert!(
        estate
            .relations()
            .iter()
            .any(|relation| relation.kind == RelationKind::ConnectsTo && relation.to.name() == "s")
    );
    let names: Vec<_> =
        estate.of_type("Castellan.AI/mcpServers").map(|server| server.name().to_owned()).collect();
    assert_eq!(names, ["w", "b"]);
    let place =
        estate.sources.locate(estate.of_type("Castellan.AI/mcpServers").next().unwrap().span).unwrap();
    assert_eq!(&*place.file, "in/.vscode/mcp.json");
}

#[test]
fn exposure_is_what_is_in_effect() {
    let cases = [
        (json!({}), "internet", true),
        (json!({"publicNetworkAccess": "Disabled"}), "private", false),
        (json!({"networkAcls": {"defaultAction": "Deny", "ipRules": []}}), "selected-networks", false),
        (
            json!({"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "0.0.0.0/0"}]}}),
            "internet",
            true,
        ),
    ];
    for (settings, exposure, open) in cases {
        let estate = estate(&[("x.json", &account(settings.clone()).to_string())]);
        let endpoint = properties(&estate, "Castellan.AI/endpoints");
        assert_eq!(
            (&endpoint["exposure"], &endpoint["openToAll"]),
            (&json!(exposure), &json!(open)),
            "{settings}"
        );
        assert_eq!(endpoint["keyAccess"], true);
        assert_eq!(endpoint["fronted"]["reason"], "not-collected");
    }
    // Supporting services count once an AI service uses them.
    let storage = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/st";
    let store = json!({"id": storage, "properties": {}});
    assert_eq!(estate(&[("x.json", &store.to_string())]).of_type("Castellan.AI/endpoints").count(), 0);
    let workspace = json!({"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w", "properties": {"storageAccount": storage}});
    assert_eq!(
        estate(&[("x.json", &json!([store, workspace]).to_string())])
            .of_type("Castellan.AI/endpoints")
            .count(),
        2
    );
}

const SERVING: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: photos, namespace: ml}
spec:
  template:
    metadata: {labels: {app: photos}}
    spec:
      containers:
      - name: vllm
        image: vllm/vllm-openai:latest
        args: [--model, Qwen/Qwen2.5-VL-7B-Instruct, --trust-remote-code]
        env: [{name: HF_TOKEN, value: hf_x}]
        resources: {limits: {nvidia.com/gpu: "2"}}
        securityContext: {privileged: true, runAsUser: 0}
---
apiVersion: v1
kind: Service
metadata: {name: photos, namespace: ml}
spec: {type: LoadBalancer, selector: {app: photos}}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: ml}
stringData: {password: hunter2}
"#;

#[test]
fn workloads_on_kubernetes() {
    let estate = estate(&[("k.yaml", SERVING)]);
    let found = properties(&estate, "Castellan.AI/workloads");
    let expected = json!({"runtime": "vllm", "image": "vllm/vllm-openai:latest", "imagePinned": false, "imageTag": "latest", "gpu": 2,
        "exposure": "internet", "authentication": false, "serviceAccount": "default", "automountsToken": true, "runsAsRoot": true,
        "privileged": true, "modelPinned": false, "model": "Qwen/Qwen2.5-VL-7B-Instruct", "trustsRemoteCode": true, "namespace": "ml",
        "networkPolicy": false, "storesSecretInEnv": true});
    assert_eq!(found, expected);
    assert_eq!(
        only(&estate, "Kubernetes/apps/Deployment").id.as_str(),
        "/providers/Kubernetes/apps/ml/Deployment/photos"
    );
    let secret = only(&estate, "Kubernetes/core/Secret").body.to_json().to_string();
    assert!(!secret.contains("hunter2"), "{secret}");
}

#[test]
fn every_serving_runtime_is_recognised() {
    let images = [
        ("ghcr.io/huggingface/text-generation-inference:2.0", "tgi"),
        ("ollama/ollama", "ollama"),
        ("nvcr.io/nvidia/tritonserver:24.01-py3", "triton"),
        ("lmsysorg/sglang:v0.4", "sglang"),
        ("ghcr.io/huggingface/text-embeddings-inference:1.5", "tei"),
        ("ghcr.io/ggerganov/llama.cpp:server", "llama-cpp"),
        ("rayproject/ray:2.9", "ray"),
    ];
    for (image, runtime) in images {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{image: '{image}'}}]}}\n"
        );
        assert_eq!(
            properties(&estate(&[("p.yaml", &pod)]), "Castellan.AI/workloads")["runtime"],
            runtime,
            "{image}"
        );
    }
    let kserve = "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: f}\nspec: {predictor: {serviceAccountName: sa, model: {modelFormat: {name: onnx}, storageUri: 'https://m.blob.core.windows.net/m/7'}}}\n";
    let found = properties(&estate(&[("k.yaml", kserve)]), "Castellan.AI/workloads");
    assert_eq!(
        (&found["runtime"], &found["model"], &found["modelPinned"]),
        (&json!("kserve"), &json!("https://m.blob.core.windows.net/m/7"), &json!(true))
    );
    let plain = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: nginx}]}\n";
    assert_eq!(estate(&[("p.yaml", plain)]).of_type("Castellan.AI/workloads").count(), 0);
}

#[test]
fn the_same_name_in_two_manifests_is_two_objects() {
    let estate = estate(&[("dev/k.yaml", SERVING), ("prod/k.yaml", SERVING)]);
    assert_eq!(estate.of_type("Kubernetes/apps/Deployment").count(), 2);
    let ids: std::collections::BTreeSet<_> =
        estate.resources.iter().map(|resource| resource.id.clone()).collect();
    assert_eq!(ids.len(), estate.resources.len());
}

#[test]
fn the_unresolved_stays_unresolved() {
    let bare = json!({"id": ACCOUNT, "type": "Microsoft.CognitiveServices/accounts", "properties": null});
    let estate = estate(&[(
        "x.json",
        &json!([bare, {"id": format!("{ACCOUNT}/deployments/d"), "properties": null}]).to_string(),
    )]);
    let unknown = |kind: &str, path: &str| {
        let node: &Node = only(&estate, kind).at_path(path).unwrap();
        assert!(node.as_unresolved().is_some(), "{kind} {path}: {node:?}");
    };
    unknown("Castellan.AI/endpoints", "properties.exposure");
    unknown("Castellan.AI/modelDeployments", "properties.raiPolicy");
    unknown("Castellan.AI/modelDeployments", "properties.account.publicNetworkAccess");
}
