//! Azure resource ids.
//!
//! ```
//! use castellan_base::ResourceId;
//!
//! let id: ResourceId = "/subscriptions/S/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/ai/deployments/gpt"
//!     .parse()
//!     .unwrap();
//! assert_eq!(id.resource_type(), "Microsoft.CognitiveServices/accounts/deployments");
//! assert_eq!(id.name(), "gpt");
//! assert_eq!(id.parent().unwrap().name(), "ai");
//! assert_eq!(id, id.as_str().to_uppercase().parse().unwrap());
//! ```

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The id of a resource, a resource group, a subscription, a management group or the tenant (`/`).
///
/// Invariant (resource id): ids compare, hash and sort without regard to ASCII case, as Resource Manager does. The
/// spelling is kept for display. Unknown parts stand in braces (`{parameters('name')}`); a slash inside braces does
/// not split a segment.
#[derive(Clone)]
pub struct ResourceId {
    text: Arc<str>,
    lower: Arc<str>,
}

/// A text that is no resource id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a resource id; it has to start with `/`, as in `/subscriptions/...`")]
pub struct ParseResourceIdError(String);

impl FromStr for ResourceId {
    type Err = ParseResourceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim().trim_end_matches('/');
        if !text.trim().starts_with('/') || trimmed.contains(char::is_control) {
            return Err(ParseResourceIdError(text.to_owned()));
        }
        Ok(ResourceId::from_text(if trimmed.is_empty() { "/" } else { trimmed }))
    }
}

impl ResourceId {
    fn from_text(text: &str) -> ResourceId {
        let text: Arc<str> = text.into();
        let lower = if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            text.to_ascii_lowercase().into()
        } else {
            Arc::clone(&text)
        };
        ResourceId { text, lower }
    }

    /// The id of a resource of `resource_type` (`Provider/type/child`) with one name per type segment, under `scope`
    /// (a resource group, a subscription, another resource for extension resources, or `""` for the tenant).
    pub fn build(scope: &str, resource_type: &str, names: &[&str]) -> ResourceId {
        let mut text = scope.trim_end_matches('/').to_owned();
        let mut segments = resource_type.split('/');
        text.push_str("/providers/");
        text.push_str(segments.next().unwrap_or_default());
        for (segment, name) in segments.zip(names) {
            text.push('/');
            text.push_str(segment);
            text.push('/');
            text.push_str(name);
        }
        ResourceId::from_text(&text)
    }

    /// A child of this resource.
    #[must_use]
    pub fn child(&self, segment: &str, name: &str) -> ResourceId {
        ResourceId::from_text(&format!("{}/{segment}/{name}", self.text.trim_end_matches('/')))
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id in lower case: the form to use as a key.
    pub fn key(&self) -> &str {
        &self.lower
    }

    /// The segments between slashes; a slash inside braces does not split.
    pub fn segments(&self) -> Vec<&str> {
        split_segments(&self.text)
    }

    /// Offset of the last `/providers/` outside braces.
    fn provider_offset(&self) -> Option<usize> {
        let mut depth = 0_u32;
        let mut found = None;
        for (offset, byte) in self.lower.bytes().enumerate() {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                b'/' if depth == 0
                    && self.lower.get(offset..).is_some_and(|rest| rest.starts_with("/providers/")) =>
                {
                    found = Some(offset);
                }
                _ => {}
            }
        }
        found
    }

    fn provider_part(&self) -> Option<Vec<&str>> {
        let offset = self.provider_offset()?;
        let rest = self.text.get(offset + "/providers/".len()..)?;
        let segments = split_segments(rest);
        (segments.len() >= 3).then_some(segments)
    }

    /// The full type: `Microsoft.CognitiveServices/accounts/deployments`. Containers give
    /// `Microsoft.Resources/subscriptions/resourceGroups`, `Microsoft.Resources/subscriptions` or
    /// `Microsoft.Resources/tenants`.
    pub fn resource_type(&self) -> String {
        let Some(segments) = self.provider_part() else {
            return match self.segments().len() {
                0 => "Microsoft.Resources/tenants",
                1 | 2 => "Microsoft.Resources/subscriptions",
                _ => "Microsoft.Resources/subscriptions/resourceGroups",
            }
            .to_owned();
        };
        let mut resource_type = String::new();
        for (index, segment) in segments.iter().enumerate() {
            if index == 0 {
                resource_type.push_str(segment);
            } else if index % 2 == 1 {
                resource_type.push('/');
                resource_type.push_str(segment);
            }
        }
        resource_type
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.segments().last().copied().unwrap_or_default()
    }

    /// The names of the resource and its parents, joined by slashes: `account/deployment`.
    pub fn full_name(&self) -> String {
        let Some(segments) = self.provider_part() else { return self.name().to_owned() };
        let names: Vec<&str> = segments.iter().skip(2).step_by(2).copied().collect();
        names.join("/")
    }

    /// What contains this resource: the parent resource, the extended resource of an extension resource, the resource
    /// group, the subscription; `None` for a subscription, a tenant-level resource and the tenant.
    pub fn parent(&self) -> Option<ResourceId> {
        let scope = match self.provider_part() {
            Some(segments) if segments.len() > 3 => {
                let name = segments.last()?.len();
                let kind = segments.get(segments.len() - 2)?.len();
                self.text.get(..self.text.len() - name - kind - 2)?
            }
            Some(_) => self.text.get(..self.provider_offset()?)?,
            None if self.segments().len() > 2 => {
                let segments = self.segments();
                let tail: usize = segments.iter().skip(2).map(|segment| segment.len() + 1).sum();
                self.text.get(..self.text.len() - tail)?
            }
            None => return None,
        };
        (!scope.is_empty()).then(|| ResourceId::from_text(scope))
    }

    /// The subscription's id, if the resource is in one.
    pub fn subscription(&self) -> Option<&str> {
        self.container("subscriptions", 0)
    }

    /// The resource group's name, if the resource is in one.
    pub fn resource_group(&self) -> Option<&str> {
        self.container("resourcegroups", 2)
    }

    fn container(&self, word: &str, index: usize) -> Option<&str> {
        let segments = self.segments();
        let named = segments.get(index).is_some_and(|segment| segment.eq_ignore_ascii_case(word));
        if named { segments.get(index + 1).copied() } else { None }
    }

    /// True when `self` is `scope` or lies under it.
    pub fn is_within(&self, scope: &ResourceId) -> bool {
        let scope_key = scope.key().trim_end_matches('/');
        self.lower.strip_prefix(scope_key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn split_segments(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let is_separator = |character: char| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == '/' && depth == 0
    };
    text.split(is_separator).filter(|segment| !segment.is_empty()).collect()
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for ResourceId {}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lower.hash(state);
    }
}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.lower.cmp(&other.lower)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceId({})", self.text)
    }
}

impl Serialize for ResourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> ResourceId {
        text.parse().unwrap()
    }

    #[test]
    fn containers_and_extensions() {
        let subscription = id("/subscriptions/S");
        let group = id("/subscriptions/S/resourceGroups/rg/");
        assert_eq!(group.parent(), Some(subscription.clone()));
        assert_eq!(subscription.parent(), None);
        assert_eq!(group.resource_type(), "Microsoft.Resources/subscriptions/resourceGroups");
        let account = ResourceId::build(group.as_str(), "Microsoft.CognitiveServices/accounts", &["ai"]);
        let setting = ResourceId::build(account.as_str(), "Microsoft.Insights/diagnosticSettings", &["d"]);
        assert_eq!(setting.resource_type(), "Microsoft.Insights/diagnosticSettings");
        assert_eq!(setting.parent(), Some(account.clone()));
        assert_eq!(account.parent(), Some(group.clone()));
        assert_eq!(account.child("projects", "p").full_name(), "ai/p");
        assert!(setting.is_within(&group) && !id("/subscriptions/S2").is_within(&subscription));
        assert_eq!((account.subscription(), account.resource_group()), (Some("S"), Some("rg")));
    }

    #[test]
    fn braces_keep_unknown_segments_whole() {
        let account =
            id("/subscriptions/{subscription().id}/resourceGroups/{a/providers/b}/providers/M.X/y/{z('/')}");
        assert_eq!(account.resource_type(), "M.X/y");
        assert_eq!(account.name(), "{z('/')}");
    }

    proptest! {
        #[test]
        fn never_panics(text in "/[a-z{}/]{0,40}(/providers/)?[a-z{}/.]{0,20}") {
            if let Ok(id) = text.parse::<ResourceId>() {
                let _ = (id.resource_type(), id.full_name(), id.parent(), id.resource_group());
            }
        }

        #[test]
        fn parents_contain_their_children(names in prop::collection::vec("[a-z]{1,5}", 2..5)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let kinds = vec!["t"; names.len()].join("/");
            let child = ResourceId::build("/subscriptions/s", &format!("P/{kinds}"), &names);
            let parent = child.parent().unwrap();
            prop_assert!(child.is_within(&parent));
            prop_assert_eq!(parent.full_name(), names[..names.len() - 1].join("/"));
        }
    }
}
