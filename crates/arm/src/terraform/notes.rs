//! What was left out, said once for each type.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::{Diagnostic, ResourceId, Span};

use super::document::Instance;

/// How many addresses a message names.
const NAMED: usize = 3;

#[derive(Debug)]
struct Seen {
    span: Span,
    addresses: Vec<String>,
}

/// Collects what the tables do not cover.
#[derive(Debug, Default)]
pub(super) struct Notes {
    attributes: BTreeMap<String, (Span, BTreeSet<String>)>,
    types: BTreeMap<String, Seen>,
    actions: BTreeMap<String, Seen>,
    providers: BTreeMap<String, Seen>,
    broken: Vec<Diagnostic>,
}

impl Notes {
    /// Attributes that are set and not mapped.
    pub(super) fn attributes(&mut self, instance: &Instance, names: Vec<String>) {
        if !names.is_empty() {
            let known = self.attributes.entry(instance.resource_type.to_string());
            known.or_insert_with(|| (instance.span, BTreeSet::new())).1.extend(names);
        }
    }

    /// A resource that cannot be placed: its type is not mapped, or its type says nothing.
    pub(super) fn unusable(&mut self, instance: &Instance) {
        if instance.is_data {
            return;
        }
        if &*instance.resource_type == "azapi_resource" {
            let message = format!("`{}` has no usable `type`", instance.address);
            let help = "write it as `Provider/type@version`";
            self.broken.push(Diagnostic::warning(instance.span, message).with_help(help));
        } else if instance.provider() == "azapi" {
            see(&mut self.actions, instance);
        } else {
            see(&mut self.types, instance);
        }
    }

    /// A resource of another azapi kind, which acts and declares nothing.
    pub(super) fn action(&mut self, instance: &Instance) {
        see(&mut self.actions, instance);
    }

    /// A change to a resource that this file does not declare.
    pub(super) fn patch(&mut self, instance: &Instance, id: &ResourceId) {
        let address = &instance.address;
        let message =
            format!("`{address}` changes `{id}`, which this file does not declare, so it is not judged");
        let help = "scan an export of the resource too";
        self.broken.push(Diagnostic::note(instance.span, message).with_help(help));
    }

    /// A body that is neither an object nor JSON text of one.
    pub(super) fn unreadable_body(&mut self, instance: &Instance) {
        let message = format!("the `body` of `{}` is no JSON object and was not read", instance.address);
        let help = "write it with `jsonencode`, or as an object";
        self.broken.push(Diagnostic::warning(instance.span, message).with_help(help));
    }

    /// A resource of a provider that does not manage Azure's resources.
    pub(super) fn other_provider(&mut self, instance: &Instance) {
        let seen = self.providers.entry(instance.provider().to_owned());
        seen.or_insert_with(|| Seen { span: instance.span, addresses: Vec::new() })
            .addresses
            .push(instance.address.clone());
    }

    /// All of it as messages.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.broken;
        for (resource_type, seen) in self.types {
            let message = format!(
                "`{resource_type}` is not mapped to Azure's resources and was not scanned: {}",
                list(&seen.addresses)
            );
            let help = "scan an export of it instead: `az resource show --ids <id>`, or declare it with `azapi_resource`";
            diagnostics.push(Diagnostic::warning(seen.span, message).with_help(help));
        }
        for (resource_type, (span, names)) in self.attributes {
            let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
            let message = format!("`{resource_type}`: not mapped and not judged: {}", names.join(", "));
            diagnostics.push(Diagnostic::note(span, message));
        }
        for (resource_type, seen) in self.actions {
            let message = format!(
                "`{resource_type}` declares no resource and was not scanned: {}",
                list(&seen.addresses)
            );
            diagnostics.push(Diagnostic::note(seen.span, message));
        }
        for (provider, seen) in self.providers {
            let message = format!(
                "resources of provider `{provider}` are not Azure's and were not scanned: {}",
                list(&seen.addresses)
            );
            diagnostics.push(Diagnostic::note(seen.span, message));
        }
        diagnostics
    }
}

fn see(table: &mut BTreeMap<String, Seen>, instance: &Instance) {
    let seen = table.entry(instance.resource_type.to_string());
    seen.or_insert_with(|| Seen { span: instance.span, addresses: Vec::new() })
        .addresses
        .push(instance.address.clone());
}

fn list(addresses: &[String]) -> String {
    let named: Vec<String> = addresses.iter().take(NAMED).map(|address| format!("`{address}`")).collect();
    match addresses.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
