//! Real templates: compiled AI Foundry samples whose file names say the intended posture.

use std::path::PathBuf;

use castellan_arm::{DeploymentContext, Expansion, expand_template};
use castellan_base::{Level, Resource};

use crate::document;

fn corpus() -> Option<PathBuf> {
    let given = std::env::var("CASTELLAN_CORPORA").map(PathBuf::from).ok();
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let root = given.unwrap_or(beside).join("arm/foundry");
    if !root.is_dir() {
        eprintln!("skipped: corpora not found; set CASTELLAN_CORPORA");
        return None;
    }
    Some(root)
}

fn expand(name: &str) -> Option<Expansion> {
    let text = std::fs::read_to_string(corpus()?.join(format!("{name}.json"))).unwrap();
    Some(expand_template(&document(&text), None, &DeploymentContext::default()))
}

fn first<'a>(expansion: &'a Expansion, kind: &str) -> &'a Resource {
    expansion.resources.iter().find(|resource| resource.is_type(kind)).unwrap()
}

#[test]
fn every_variant_expands_without_an_error() {
    let expected = [
        ("03-custom-dns", 3),
        ("10-private-network-basic", 13),
        ("16-private-network-standard-agent-apim-setup-preview", 37),
        ("31-customer-managed-keys-standard-agent", 18),
        ("40-basic-agent-setup", 3),
        ("45-basic-agent-bing", 5),
    ];
    for (name, count) in expected {
        let Some(expansion) = expand(name) else { return };
        let errors: Vec<_> =
            expansion.diagnostics.iter().filter(|found| found.level == Level::Error).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let ids: Vec<&str> = expansion.resources.iter().map(|resource| resource.id.as_str()).collect();
        assert_eq!(expansion.resources.len(), count, "{name}: {ids:#?}");
    }
}

#[test]
fn private_network_is_private() {
    let Some(expansion) = expand("10-private-network-basic") else { return };
    let account = first(&expansion, "Microsoft.CognitiveServices/accounts");
    assert_eq!(account.at_path("properties.publicNetworkAccess").unwrap().as_str(), Some("Disabled"));
    let endpoint = first(&expansion, "Microsoft.Network/privateEndpoints");
    let connections =
        endpoint.at_path("properties.privateLinkServiceConnections").unwrap().as_array().unwrap();
    let target = connections[0].at_path("properties.privateLinkServiceId").unwrap().text_or_symbol().unwrap();
    assert_eq!(target, account.id.as_str());
}

#[test]
fn customer_managed_keys_arrive_with_the_update() {
    let Some(expansion) = expand("31-customer-managed-keys-standard-agent") else { return };
    let accounts =
        expansion.resources.iter().filter(|found| found.is_type("Microsoft.CognitiveServices/accounts"));
    let sources: Vec<_> =
        accounts.map(|account| account.at_path("properties.encryption.keySource")).collect();
    let key_source = sources.iter().flatten().next().unwrap();
    assert_eq!(key_source.as_str(), Some("Microsoft.KeyVault"));
}
