//! The Foundry variants: what each finds is what its name promises.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Desk, corpora};

/// A variant, the checks that its name says are met, and those that it leaves violated.
const VARIANTS: [(&str, &[&str], &[&str]); 6] = [
    (
        "03-custom-dns.json",
        &["ai-services-custom-subdomain"],
        &["ai-services-network-access", "ai-services-private-link", "public-endpoint-with-keys"],
    ),
    (
        "10-private-network-basic.json",
        &["ai-services-network-access", "ai-services-private-link", "public-endpoint-behind-nothing"],
        &["ai-services-customer-managed-key", "ai-services-diagnostic-logs"],
    ),
    (
        "16-private-network-standard-agent-apim-setup-preview.json",
        &[
            "ai-services-network-access",
            "ai-services-private-link",
            "public-endpoint-behind-nothing",
            "storage-network-access",
            "cosmos-network-access",
            "foundry-project-data-stores-entra-id",
        ],
        &["ai-services-customer-managed-key", "ai-services-diagnostic-logs"],
    ),
    (
        "31-customer-managed-keys-standard-agent.json",
        &["ai-services-customer-managed-key", "foundry-project-data-stores-entra-id"],
        &["ai-services-network-access", "ai-services-private-link"],
    ),
    (
        "40-basic-agent-setup.json",
        &["ai-services-key-access", "foundry-project-managed-identity"],
        &["ai-services-network-access", "ai-services-customer-managed-key"],
    ),
    (
        // Grounding with Bing goes by a key that all projects share.
        "45-basic-agent-bing.json",
        &["foundry-project-managed-identity"],
        &["connection-stored-credential", "connection-shared-credential", "ai-services-network-access"],
    ),
];

#[test]
fn findings_match_what_the_name_promises() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("arm/foundry");
    let files: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = VARIANTS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(files, known, "every variant stands in the table");
    for (name, met, violated) in VARIANTS {
        let path = folder.join(name).display().to_string();
        let ran = Desk::new().run(&["scan", &path, "--as-of", "2026-11-21"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}");
        let report = ran.json();
        assert_eq!(report["diagnostics"].as_array().unwrap().len(), 0, "{name}: {:#}", report["diagnostics"]);
        let counts = |id: &str| -> Value {
            let checks = report["checks"].as_array().unwrap();
            checks.iter().find(|check| check["id"] == id).unwrap()["counts"].clone()
        };
        for id in met {
            let counts = counts(id);
            assert!(counts["compliant"].as_u64() > Some(0), "{name}: {id} is not met: {counts}");
            assert_eq!(counts["nonCompliant"], 0, "{name}: {id} is violated");
        }
        for id in violated {
            assert!(counts(id)["nonCompliant"].as_u64() > Some(0), "{name}: {id} is not violated");
        }
    }
}
