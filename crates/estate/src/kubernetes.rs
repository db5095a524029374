//! Kubernetes objects as resources.
//!
//! An object becomes a resource of type `Kubernetes/<api group>/<Kind>` (`core` for the group without a name) with the id
//! `/providers/Kubernetes/<api group>/<namespace>/<Kind>/<name>` (namespace `-` for objects outside namespaces). Its
//! `properties` are the whole manifest, so that a rule writes `Kubernetes/apps/Deployment/spec.replicas`.

use castellan_base::{
    Existence, Member, Node, Object, Origin, Resource, ResourceId, Unresolved, UnresolvedReason, Value,
};

use crate::shape::{self, ObjectBuilder, segment, text};

/// The objects of a manifest: itself, or the items of a list.
pub(crate) fn objects(document: &Node) -> Vec<Resource> {
    let is_list = text(document, "kind").is_some_and(|kind| kind.ends_with("List"));
    match document.get("items").and_then(Node::as_array).filter(|_| is_list) {
        Some(items) => items.iter().filter_map(object).collect(),
        None => object(document).into_iter().collect(),
    }
}

fn object(document: &Node) -> Option<Resource> {
    let kind = text(document, "kind")?;
    let api_version = text(document, "apiVersion")?;
    let (group, _version) = api_version.split_once('/').unwrap_or(("core", api_version));
    let name = text(document, "metadata.name").or_else(|| text(document, "metadata.generateName"));
    let name = name.unwrap_or("unnamed");
    let namespace = if is_cluster_wide(kind) {
        "-"
    } else {
        text(document, "metadata.namespace").filter(|namespace| !namespace.is_empty()).unwrap_or("default")
    };
    let resource_type = format!("Kubernetes/{group}/{kind}");
    let id = ResourceId::build("", &resource_type, &[&segment(namespace), &segment(name)]);
    let manifest = if kind == "Secret" { without_secrets(document) } else { document.clone() };
    let body = ObjectBuilder::at(document.span)
        .text("id", id.as_str())
        .text("name", name)
        .text("type", resource_type.as_str())
        .text("kind", kind)
        .copy("tags", document.at_path("metadata.labels"))
        .set("properties", manifest)
        .build();
    Some(Resource {
        id,
        resource_type: resource_type.into(),
        api_version: Some(api_version.into()),
        body,
        span: document.span,
        origin: Origin::Kubernetes,
        existence: Existence::Certain,
    })
}

fn is_cluster_wide(kind: &str) -> bool {
    const KINDS: [&str; 12] = [
        "Namespace",
        "Node",
        "PersistentVolume",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "StorageClass",
        "PriorityClass",
        "IngressClass",
        "GatewayClass",
        "ClusterServingRuntime",
        "RuntimeClass",
    ];
    KINDS.contains(&kind)
}

/// The values of a Secret are replaced: nothing that is printed later may show them.
fn without_secrets(document: &Node) -> Node {
    let hide = |key: &str| -> Option<(String, Node)> {
        let values = document.get(key)?;
        let mut hidden = Object::new();
        for member in values.as_object()? {
            let unresolved = Unresolved::new(UnresolvedReason::Sensitive, member.key.as_ref());
            let value = Value::unresolved(unresolved).at(member.value.span);
            hidden.push(Member { key: member.key.clone(), key_span: member.key_span, value });
        }
        Some((key.to_owned(), Value::object(hidden).at(values.span)))
    };
    let hidden: Vec<(String, Node)> = ["data", "stringData"].iter().filter_map(|key| hide(key)).collect();
    shape::with_members(document, hidden.iter().map(|(key, node)| (key.as_str(), node.clone())).collect())
}
