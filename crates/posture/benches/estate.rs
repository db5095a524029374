//! A whole estate, start to report: `cargo bench -p castellan-posture`.
//!
//! 10,000 resources against the built-in checks, and against all public Azure Policy definitions when the corpora are
//! there (`CASTELLAN_CORPORA`, or beside the repository). The definitions are read from disk within the measured time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    missing_docs
)]

use std::path::PathBuf;

use castellan_base::{Node, OsSystem};
use castellan_estate::{Estate, ScanOptions};
use castellan_policy::AliasTable;
use castellan_posture::{AssessOptions, Content, Format, PolicyPack, Report, assess, report};
use divan::Bencher;
use serde_json::json;

const RESOURCES: usize = 10_000;

fn main() {
    divan::main();
}

/// Types that estates are made of, in turn.
const TYPES: [&str; 12] = [
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Search/searchServices",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.Web/sites",
    "Microsoft.Compute/virtualMachines",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Sql/servers",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.ContainerService/managedClusters",
    "Microsoft.DocumentDB/databaseAccounts",
];

fn estate() -> Estate {
    let documents: Vec<Node> = (0..RESOURCES)
        .map(|index| {
            let kind = TYPES[index % TYPES.len()];
            let id = format!(
                "/subscriptions/s{}/resourceGroups/rg{}/providers/{kind}/r{index}",
                index % 3,
                index % 50
            );
            Node::from_json(&json!({
                "id": id, "name": format!("r{index}"), "type": kind, "location": "westeurope",
                "kind": "OpenAI", "sku": { "name": "S0" }, "tags": { "env": "prod" },
                "properties": {
                    "publicNetworkAccess": if index % 2 == 0 { "Enabled" } else { "Disabled" },
                    "disableLocalAuth": index % 3 == 0,
                    "networkAcls": { "defaultAction": "Deny", "ipRules": [{ "value": "10.0.0.0/8" }] },
                    "minimumTlsVersion": "TLS1_2",
                    "encryption": { "keySource": "Microsoft.Storage" },
                    "siteConfig": { "minTlsVersion": "1.2", "http20Enabled": true },
                },
            }))
        })
        .collect();
    Estate::from_documents("bench", &documents, Vec::new(), &ScanOptions::default())
}

fn options() -> AssessOptions {
    AssessOptions::at("2026-11-21".parse().unwrap())
}

fn report_of(estate: &Estate, content: &Content, pack: Option<&PolicyPack>) -> usize {
    let assessment = assess(estate, content, pack, &options());
    let mut bytes = Vec::new();
    report::write(Format::Json, &Report::new(&assessment, estate), &mut bytes).unwrap();
    bytes.len()
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn built_in_checks(bencher: Bencher<'_, '_>) {
    let estate = estate();
    bencher.bench(|| report_of(&estate, &Content::embedded(), None));
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn public_definitions(bencher: Bencher<'_, '_>) {
    let corpora = std::env::var("CASTELLAN_CORPORA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")),
        PathBuf::from,
    );
    let folder = corpora.join("azure-policy");
    if !folder.is_dir() {
        eprintln!("skipped: corpora not found");
        return;
    }
    let estate = estate();
    bencher.bench(|| {
        let pack = PolicyPack::load_dir(&OsSystem, &folder, &AliasTable::builtin()).unwrap();
        report_of(&estate, &Content::default(), Some(&pack))
    });
}
