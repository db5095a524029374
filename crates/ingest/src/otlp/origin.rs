//! The resource and the scope that records come from, worked out once for all of them.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::any::{Attributes, value};
use crate::json::{Object, cut};
use crate::problem::Problems;

/// Longest name that columns of origin keep, in bytes.
const MAX_NAME: usize = 1_024;

/// Columns that all records of a scope share.
pub(crate) struct Origin {
    /// `ResourceAttributes`, `RoleName`, `ServiceName` and their like, as members without braces.
    pub(crate) resource: Vec<u8>,
    /// `ServiceVersion` and `SDKVersion`, which `AppGenAIContent` lacks, and `ResourceAttributes`.
    pub(crate) software: Vec<u8>,
    /// `ScopeName` and `ScopeVersion`.
    pub(crate) scope: Vec<u8>,
    /// `DeploymentEnvironmentName` and `K8s...`, which `OTelLogs` alone has.
    pub(crate) deployment: Vec<u8>,
    /// The scope's attributes as an object, or nothing.
    pub(crate) scope_attributes: Vec<u8>,
    pub(crate) scope_name: String,
    pub(crate) service_name: String,
    pub(crate) service_instance: String,
    /// Where the resource names a host.
    pub(crate) host: String,
    /// `_ResourceId` and `_SubscriptionId`, where the resource names one of Azure.
    pub(crate) azure: Vec<u8>,
}

impl Origin {
    pub(crate) fn read(
        resource: Option<&Resource>,
        scope: Option<&InstrumentationScope>,
        problems: &mut Problems,
    ) -> Origin {
        let attributes = Attributes::of(resource.map_or(&[], |resource| &resource.attributes), problems);
        let text = |key: &str| cut(attributes.text(key).unwrap_or_default(), MAX_NAME);
        let (name, namespace) = (text("service.name"), text("service.namespace"));
        let role = match (namespace, name) {
            ("", name) => name.to_owned(),
            (namespace, name) => format!("{namespace}.{name}"),
        };
        let instance = first(&attributes, &["service.instance.id", "host.name"]);
        let resource_columns = members(|row| {
            row.text("RoleName", &role);
            row.text("ServiceName", name);
            row.text("ServiceNamespace", namespace);
            row.text("ServiceInstanceId", instance);
        });
        let software = members(|row| {
            row.text("ServiceVersion", text("service.version"));
            row.text("SDKVersion", &sdk(&attributes));
            if !attributes.is_empty() {
                object(row.key("ResourceAttributes"), &attributes, problems);
            }
        });
        let deployment = members(|row| {
            let environment = first(&attributes, &["deployment.environment.name", "deployment.environment"]);
            row.text("DeploymentEnvironmentName", environment);
            row.text("K8sContainerName", text("k8s.container.name"));
            row.text("K8sNamespaceName", text("k8s.namespace.name"));
            row.text("K8sPodName", text("k8s.pod.name"));
        });
        let scope_columns = members(|row| {
            row.text("ScopeName", cut(scope.map_or("", |scope| &scope.name), MAX_NAME));
            row.text("ScopeVersion", cut(scope.map_or("", |scope| &scope.version), MAX_NAME));
        });
        let mut scope_attributes = Vec::new();
        if let Some(scope) = scope.filter(|scope| !scope.attributes.is_empty()) {
            let of_scope = Attributes::of(&scope.attributes, problems);
            object(&mut scope_attributes, &of_scope, problems);
        }
        Origin {
            resource: resource_columns,
            software,
            scope: scope_columns,
            deployment,
            scope_attributes,
            scope_name: cut(scope.map_or("", |scope| &scope.name), MAX_NAME).to_owned(),
            service_name: name.to_owned(),
            service_instance: instance.to_owned(),
            host: text("host.name").to_owned(),
            azure: azure(first(&attributes, &["cloud.resource_id", "azure.resource.id"])),
        }
    }
}

/// `_ResourceId` is in lower case, as Azure Monitor writes it.
fn azure(id: &str) -> Vec<u8> {
    let lower = id.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("/subscriptions/") else { return Vec::new() };
    let subscription = rest.split('/').next().unwrap_or_default();
    members(|row| {
        row.text("_ResourceId", &lower);
        row.text("_SubscriptionId", subscription);
    })
}

/// As the exporters of Azure Monitor write it: language, name and version.
fn sdk(attributes: &Attributes<'_>) -> String {
    let text = |key: &str| cut(attributes.text(key).unwrap_or_default(), MAX_NAME);
    let parts = [text("telemetry.sdk.language"), text("telemetry.sdk.name"), text("telemetry.sdk.version")];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(":")
}

/// The first of several attributes that is a text.
pub(crate) fn first<'a>(attributes: &Attributes<'a>, keys: &[&str]) -> &'a str {
    keys.iter().find_map(|key| attributes.text(key)).map_or("", |text| cut(text, MAX_NAME))
}

fn object(out: &mut Vec<u8>, attributes: &Attributes<'_>, problems: &mut Problems) {
    let mut object = Object::begin(out);
    for attribute in attributes.iter() {
        value(object.key(&attribute.key), attribute.value.as_ref(), problems);
    }
    object.end();
}

/// Members of an object without its braces.
pub(crate) fn members(write: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut row = Object::begin(&mut out);
    write(&mut row);
    out.split_off(1)
}
