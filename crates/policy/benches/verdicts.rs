//! Verdicts per second over the public built-in definitions: `cargo bench -p castellan-policy`.
//!
//! One iteration judges every resource against every definition; the item count is their product.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

use std::path::PathBuf;

use castellan_base::{Limits, Node, SourceId, json};
use castellan_policy::{
    AliasTable, ClosedWorld, Definition, EvaluationContext, Policy, PolicyIndex, Request,
};
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

fn policies() -> Option<Vec<Policy>> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let corpora =
        named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"));
    let mut folders = vec![corpora.join("azure-policy/policyDefinitions")];
    let aliases = AliasTable::builtin();
    let mut policies = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            eprintln!("SKIPPED: no corpora at {}", folder.display());
            return None;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let node = json::parse(&text, SourceId::NONE, &Limits::default()).unwrap();
            let definition = Definition::parse(&node).unwrap();
            policies.push(Policy::compile(&definition, &aliases).unwrap());
        }
    }
    Some(policies)
}

/// An estate of AI and supporting resources.
fn resources() -> Vec<Node> {
    let types = [
        "Microsoft.CognitiveServices/accounts",
        "Microsoft.CognitiveServices/accounts/deployments",
        "Microsoft.Search/searchServices",
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.Storage/storageAccounts",
        "Microsoft.KeyVault/vaults",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/privateEndpoints",
        "Microsoft.ContainerRegistry/registries",
        "Microsoft.DocumentDB/databaseAccounts",
    ];
    let resource = |(number, resource_type): (usize, &&str)| {
        Node::from_json(&serde_json::json!({
            "id": format!("/subscriptions/s/resourceGroups/g/providers/{resource_type}/r{number}"),
            "name": format!("r{number}"), "type": resource_type, "location": "eastus", "kind": "OpenAI",
            "sku": {"name": "S0"}, "tags": {"env": "prod"}, "identity": {"type": "SystemAssigned"},
            "properties": {"publicNetworkAccess": "Enabled", "disableLocalAuth": false, "networkAcls": {
                "defaultAction": "Allow", "ipRules": [{"value": "1.2.3.4"}], "virtualNetworkRules": []},
                "encryption": {"keySource": "Microsoft.Storage"}, "privateEndpointConnections": []}
        }))
    };
    types.iter().enumerate().map(resource).collect()
}

/// What a scan does: only the definitions that can apply to the type are run.
#[divan::bench(sample_count = 20)]
fn all_pairs_by_index(bencher: divan::Bencher<'_, '_>) {
    let Some(policies) = policies() else { return };
    let (index, resources) = (PolicyIndex::new(policies), resources());
    let context = EvaluationContext::default();
    let pairs = index.policies().len() * resources.len();
    bencher.counter(ItemsCount::new(pairs)).bench_local(|| {
        let mut applicable = 0_usize;
        for resource in &resources {
            let resource_type = resource.get("type").and_then(Node::as_str).unwrap();
            for policy in index.candidates(resource_type) {
                let outcome = policy.evaluate(&Request::new(resource, &ClosedWorld(&[]), &context));
                applicable += usize::from(outcome.verdict != castellan_base::Verdict::NotApplicable);
            }
        }
        applicable
    });
}

/// Every definition run on every resource, without the index.
#[divan::bench(sample_count = 10)]
fn all_pairs_evaluated(bencher: divan::Bencher<'_, '_>) {
    let Some(policies) = policies() else { return };
    let resources = resources();
    let context = EvaluationContext::default();
    bencher.counter(ItemsCount::new(policies.len() * resources.len())).bench_local(|| {
        let mut compliant = 0_usize;
        for resource in &resources {
            for policy in &policies {
                let outcome = policy.evaluate(&Request::new(resource, &ClosedWorld(&[]), &context));
                compliant += usize::from(outcome.verdict == castellan_base::Verdict::Compliant);
            }
        }
        compliant
    });
}

/// Only the pairs that the index leaves: real evaluations.
#[divan::bench(sample_count = 20)]
fn applicable_pairs(bencher: divan::Bencher<'_, '_>) {
    let Some(policies) = policies() else { return };
    let (index, resources) = (PolicyIndex::new(policies), resources());
    let context = EvaluationContext::default();
    let numbers =
        |resource: &Node| index.candidate_numbers(resource.get("type").unwrap().as_str().unwrap()).len();
    let pairs: usize = resources.iter().map(numbers).sum();
    bencher.counter(ItemsCount::new(pairs)).bench_local(|| {
        let mut compliant = 0_usize;
        for resource in &resources {
            for policy in index.candidates(resource.get("type").unwrap().as_str().unwrap()) {
                let outcome = policy.evaluate(&Request::new(resource, &ClosedWorld(&[]), &context));
                compliant += usize::from(outcome.verdict == castellan_base::Verdict::Compliant);
            }
        }
        compliant
    });
}
