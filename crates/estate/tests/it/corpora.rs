//! Real templates, where they are at hand.

use std::path::{Path, PathBuf};

use castellan_base::OsSystem;
use castellan_estate::{Estate, InputKind, RelationKind, ScanOptions, Silent, read};

/// The folder of public data, if this machine has it.
pub(crate) fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let found = std::env::var_os("CASTELLAN_CORPORA").map_or(beside, PathBuf::from);
    if found.is_dir() {
        return Some(found);
    }
    eprintln!("skipped: corpora not found");
    None
}

pub(crate) fn foundry_estate(corpora: &Path) -> Estate {
    read(&OsSystem, &[corpora.join("arm/foundry")], &ScanOptions::default(), &Silent)
}

fn variant(corpora: &Path, name: &str) -> Estate {
    read(&OsSystem, &[corpora.join("arm/foundry").join(name)], &ScanOptions::default(), &Silent)
}

#[test]
fn foundry_variants_give_what_they_are_made_of() {
    let Some(corpora) = folder() else { return };
    let all = foundry_estate(&corpora);
    assert!(
        all.inputs.iter().all(|input| input.kind == InputKind::ArmTemplate && input.resources > 0),
        "{:#?}",
        all.inputs
    );
    for (name, deployments, connections) in [
        ("03-custom-dns.json", 1, 0),
        ("10-private-network-basic.json", 1, 0),
        ("16-private-network-standard-agent-apim-setup-preview.json", 1, 3),
        ("31-customer-managed-keys-standard-agent.json", 0, 3),
        ("40-basic-agent-setup.json", 1, 0),
        ("45-basic-agent-bing.json", 1, 1),
    ] {
        let estate = variant(&corpora, name);
        assert_eq!(estate.of_type("Castellan.AI/modelDeployments").count(), deployments, "{name}");
        assert_eq!(estate.of_type("Castellan.AI/connections").count(), connections, "{name}");
        assert!(estate.of_type("Castellan.AI/endpoints").count() >= 1, "{name}");
    }
}

#[test]
fn private_variants_are_private() {
    let Some(corpora) = folder() else { return };
    let estate = variant(&corpora, "10-private-network-basic.json");
    let endpoint = super::properties(&estate, "Castellan.AI/endpoints");
    assert_eq!(endpoint["exposure"], "private", "{endpoint:#}");
    assert_eq!(endpoint["privateEndpoints"], 1, "{endpoint:#}");
    assert!(estate.relations().iter().any(|relation| relation.kind == RelationKind::ReachedThrough));
    let open = variant(&corpora, "40-basic-agent-setup.json");
    assert_eq!(super::properties(&open, "Castellan.AI/endpoints")["exposure"], "internet");
}

#[test]
fn customer_managed_keys_lead_to_a_vault() {
    let Some(corpora) = folder() else { return };
    let estate = variant(&corpora, "31-customer-managed-keys-standard-agent.json");
    // The account is deployed, then updated with its key: one resource.
    assert_eq!(estate.of_type("Microsoft.CognitiveServices/accounts").count(), 1, "{:#?}", estate.inputs);
    let roles = estate.relations().iter().filter(|relation| relation.kind == RelationKind::HasRoleOn).count();
    assert!(roles >= 5, "{roles}");
}
