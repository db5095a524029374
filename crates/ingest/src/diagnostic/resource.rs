//! What a resource id says.

/// Parts of a resource id.
#[derive(Debug, Default)]
pub(super) struct Resource {
    /// As it was sent.
    id: String,
    /// In lower case.
    pub(super) lower: String,
    pub(super) subscription: String,
    group: String,
    provider: String,
    /// Types below the provider, in lower case: `microsoft.storage/storageaccounts/blobservices`.
    pub(super) kind: String,
    name: String,
}

impl Resource {
    pub(super) fn read(id: &str) -> Resource {
        let lower = id.to_ascii_lowercase();
        let steps: Vec<&str> = lower.split('/').filter(|step| !step.is_empty()).collect();
        let behind = |name: &str| {
            let place = steps.iter().position(|step| *step == name)?;
            steps.get(place + 1).copied()
        };
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let provider_place = steps.iter().rposition(|step| *step == "providers").map(|place| place + 1);
        let provider = text(provider_place.and_then(|place| steps.get(place)).copied());
        let below = provider_place.and_then(|place| steps.get(place + 1..)).unwrap_or_default();
        let types: Vec<&str> = below.iter().step_by(2).copied().collect();
        let kind = [provider.as_str()].into_iter().chain(types).collect::<Vec<_>>().join("/");
        Resource {
            id: id.to_owned(),
            subscription: text(behind("subscriptions")),
            group: text(behind("resourcegroups")),
            name: text(steps.last().copied()),
            provider,
            kind,
            lower,
        }
    }

    /// Types alone, without their provider.
    fn types(&self) -> &str {
        self.kind.split_once('/').map_or("", |(_, types)| types)
    }

    /// Columns that tell the resource, in upper case, as Azure Monitor writes them.
    pub(super) fn columns(&self) -> Vec<(&'static str, String)> {
        let columns = [
            ("ResourceId", self.id.to_ascii_uppercase()),
            ("Resource", self.name.to_ascii_uppercase()),
            ("ResourceGroup", self.group.to_ascii_uppercase()),
            ("ResourceProvider", self.provider.to_ascii_uppercase()),
            ("ResourceProviderValue", self.provider.to_ascii_uppercase()),
            ("ResourceType", self.types().to_ascii_uppercase()),
            ("SubscriptionId", self.subscription.clone()),
        ];
        columns.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let resource = Resource::read(
            "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.STORAGE/STORAGEACCOUNTS/A/BLOBSERVICES/DEFAULT",
        );
        assert_eq!(resource.kind, "microsoft.storage/storageaccounts/blobservices");
        assert_eq!(
            (resource.subscription.as_str(), resource.group.as_str(), resource.name.as_str()),
            ("s1", "rg", "default")
        );
        assert_eq!(resource.types(), "storageaccounts/blobservices");
        assert_eq!(Resource::read("/tenants/t1/providers/Microsoft.aadiam").kind, "microsoft.aadiam");
        assert_eq!(Resource::read("").kind, "");
    }
}
