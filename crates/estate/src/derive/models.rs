//! `Castellan.AI/modelDeployments`: a deployment joined with its account, its content filter and the model's lifecycle.

use castellan_base::{Node, Resource, Unresolved, UnresolvedReason, Value};

use super::filters;
use crate::estate::Estate;
use crate::options::ScanOptions;
use crate::shape::{ObjectBuilder, derived, not_collected};

const DEPLOYMENT: &str = "Microsoft.CognitiveServices/accounts/deployments";

pub(super) fn derive(estate: &Estate, resource: &Resource, options: &ScanOptions, into: &mut Vec<Resource>) {
    if !resource.is_type(DEPLOYMENT) {
        return;
    }
    let mut properties = ObjectBuilder::at(resource.span)
        .set("account", account(estate, resource))
        .set("model", model(resource, options));
    if let Some(unknown) = resource.at_path("properties").filter(|node| node.as_unresolved().is_some()) {
        properties =
            properties.set("versionUpgradeOption", unknown.clone()).set("raiPolicy", unknown.clone());
    } else {
        // The service upgrades once the current version expires unless told otherwise.
        properties = match resource.at_path("properties.versionUpgradeOption").filter(|node| !node.is_null())
        {
            Some(option) => properties.set("versionUpgradeOption", option.clone()),
            None => properties.text("versionUpgradeOption", "OnceNewDefaultVersionAvailable"),
        };
        properties = properties.set("raiPolicy", filter(estate, resource));
    }
    properties = properties.copy("sku", resource.at_path("sku"));
    into.push(derived(resource, "modelDeployments", resource.name(), properties.build()));
}

fn account(estate: &Estate, deployment: &Resource) -> Node {
    let Some(id) = deployment.id.parent() else { return Node::NULL };
    let span = deployment.span;
    let account = filters::as_seen_by(estate, &id, deployment);
    let object = ObjectBuilder::at(account.map_or(span, |account| account.span))
        .text("id", id.as_str())
        .text("name", id.name());
    let Some(account) = account else { return object.build() };
    let hint = format!("az resource show --ids {}", id.as_str());
    let bare = matches!(account.existence, castellan_base::Existence::Referenced);
    let of = |path: &str, default: Value| match account.at_path(path) {
        Some(value) if !value.is_null() => value.clone(),
        _ if bare => not_collected(path, &hint, account.span),
        _ => default.at(account.span),
    };
    object
        .copy("kind", account.at_path("kind"))
        .set("publicNetworkAccess", of("properties.publicNetworkAccess", Value::string("Enabled")))
        .set("disableLocalAuth", of("properties.disableLocalAuth", Value::Bool(false)))
        .build()
}

fn model(deployment: &Resource, options: &ScanOptions) -> Node {
    let Some(model) = deployment.at_path("properties.model") else {
        return not_collected("properties.model", "", deployment.span);
    };
    if model.as_unresolved().is_some() {
        return model.clone();
    }
    let version = model.get("version").filter(|version| !version.is_null());
    let mut object = ObjectBuilder::at(model.span)
        .copy("name", model.get("name"))
        .copy("version", version)
        .copy("format", model.get("format"))
        .flag("pinned", version.is_some());
    let text = |key: &str| model.get(key).and_then(Node::as_str);
    let known = text("name").and_then(|name| options.catalogue.find(text("format"), name, text("version")));
    let publisher = model.get("publisher").filter(|publisher| !publisher.is_null());
    object = match (publisher, known) {
        (Some(publisher), _) => object.set("publisher", publisher.clone()),
        (None, Some(known)) if !known.publisher.is_empty() => {
            object.text("publisher", known.publisher.clone())
        }
        // The format names the maker for everything that Azure serves itself.
        (None, _) => object.copy("publisher", model.get("format")),
    };
    let span = version.map_or(model.span, |version| version.span);
    if let Some(known) = known {
        if let Some(day) = &known.retirement {
            object = object.set("retirementDate", Value::string(day.clone()).at(span));
        }
        let lifecycle = known.lifecycle_at(options.now);
        if !lifecycle.is_empty() {
            object = object.set("lifecycle", Value::string(lifecycle).at(span));
        }
    } else {
        let unknown = not_in_catalogue(text("name"), text("version"));
        object = object.set("lifecycle", unknown.clone().at(span)).set("retirementDate", unknown.at(span));
    }
    object.build()
}

/// Nobody knows how long a model is served that the catalogue does not name.
fn not_in_catalogue(name: Option<&str>, version: Option<&str>) -> Value {
    let expression =
        format!("lifecycle of {} {}", name.unwrap_or("the model"), version.unwrap_or("without a version"));
    let hint = match version {
        Some(_) => "add the model to models.yaml in a folder of your own and scan with --content",
        None => "pin the version: which one is served cannot be told from here",
    };
    Value::unresolved(Unresolved::new(UnresolvedReason::NotCollected, expression).with_hint(hint))
}

fn filter(estate: &Estate, deployment: &Resource) -> Node {
    let name = deployment.at_path("properties.raiPolicyName").filter(|name| !name.is_null());
    let account = deployment.id.parent();
    let filter = filters::find(estate, account.as_ref(), deployment, name);
    let span = filter.policy.map_or(name.map_or(deployment.span, |name| name.span), |policy| policy.span);
    let mode = filter.policy.and_then(|policy| policy.at_path("properties.mode"));
    let mut object =
        ObjectBuilder::at(span).copy("name", name).text("source", filter.source).copy("mode", mode);
    // The service blocks in step with the answer unless the policy says otherwise.
    if mode.is_none() && filter.filters.as_unresolved().is_none() {
        object = object.text("mode", "Default");
    }
    object.set("contentFilters", filter.filters).build()
}
