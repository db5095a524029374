//! Content filters: which one a deployment applies and what it says.

use castellan_base::{Node, Resource, ResourceId, Span};

use crate::estate::{Estate, World};
use crate::shape::{ObjectBuilder, not_collected};

pub(crate) const RAI_POLICY: &str = "Microsoft.CognitiveServices/accounts/raiPolicies";

/// A content filter by the name that a deployment or an agent gives it.
pub(crate) struct Filter<'e> {
    /// `custom`, `microsoft-default`, or `none` when no filter is named and the service applies its default.
    pub(crate) source: &'static str,
    /// The `raiPolicies` resource, when it was read.
    pub(crate) policy: Option<&'e Resource>,
    /// The list of filters, unresolved when it was not read.
    pub(crate) filters: Node,
}

/// Finds the filter of this name on an account, as `resource` sees it.
pub(crate) fn find<'e>(
    estate: &'e Estate,
    account: Option<&ResourceId>,
    resource: &Resource,
    name: Option<&Node>,
) -> Filter<'e> {
    let Some(named) = name.filter(|name| !name.is_null()) else {
        return Filter { source: "none", policy: None, filters: defaults(true, resource.span) };
    };
    let text = named.text_or_symbol().unwrap_or_default();
    // Agents name the filter by its whole id.
    let by_id = text.parse::<ResourceId>().ok();
    let last = by_id.as_ref().map_or(text, ResourceId::name);
    if last.eq_ignore_ascii_case("Microsoft.Default") || last.eq_ignore_ascii_case("Microsoft.DefaultV2") {
        let second = last.to_ascii_lowercase().ends_with("v2");
        return Filter { source: "microsoft-default", policy: None, filters: defaults(second, named.span) };
    }
    let id = match (&by_id, account) {
        (Some(id), _) => Some(id.clone()),
        (None, Some(account)) => Some(account.child("raiPolicies", last)),
        (None, None) => None,
    };
    let policy = id.as_ref().and_then(|id| as_seen_by(estate, id, resource));
    let filters = policy.and_then(|policy| policy.at_path("properties.contentFilters")).cloned();
    let filters = filters.unwrap_or_else(|| {
        let hint = match &id {
            Some(id) => format!("az resource show --ids {}", id.as_str()),
            None => "az rest --method get --url ACCOUNT_ID/raiPolicies?api-version=2025-06-01".to_owned(),
        };
        not_collected(&format!("raiPolicies/{last}"), &hint, named.span)
    });
    Filter { source: "custom", policy, filters }
}

/// The description of a resource that belongs to the same account of reality, or else any.
pub(crate) fn as_seen_by<'e>(estate: &'e Estate, id: &ResourceId, viewer: &Resource) -> Option<&'e Resource> {
    let rank = |other: &&Resource| {
        let same_file = other.span.source == viewer.span.source;
        let same_world = World::of(other.origin) == World::of(viewer.origin);
        let bare = matches!(other.existence, castellan_base::Existence::Referenced);
        (bare, !same_file, !same_world)
    };
    estate.all(id).min_by_key(rank)
}

/// What Microsoft documents for its default filters: the four harms at medium severity in both directions; the second
/// version adds jailbreak detection, and protected material that is blocked in text and annotated in code.
fn defaults(second: bool, span: Span) -> Node {
    let mut filters = Vec::new();
    for harm in ["Hate", "Sexual", "Violence", "Selfharm"] {
        for direction in ["Prompt", "Completion"] {
            filters.push(entry(harm, direction, true, Some("Medium"), span));
        }
    }
    if second {
        filters.push(entry("Jailbreak", "Prompt", true, None, span));
        filters.push(entry("Protected Material Text", "Completion", true, None, span));
        filters.push(entry("Protected Material Code", "Completion", false, None, span));
    }
    castellan_base::Value::array(filters).at(span)
}

fn entry(name: &str, direction: &str, blocking: bool, severity: Option<&str>, span: Span) -> Node {
    ObjectBuilder::at(span)
        .text("name", name)
        .text("source", direction)
        .flag("enabled", true)
        .flag("blocking", blocking)
        .text_if("severityThreshold", severity)
        .build()
}

/// Whether a list of filters blocks a kind of attack on prompts: true, false, or unresolved.
pub(crate) fn blocks(filters: &Node, name: &str) -> Node {
    use castellan_base::Value;
    if filters.as_unresolved().is_some() {
        return filters.clone();
    }
    let entries = filters.as_array().unwrap_or_default();
    let entry = entries.iter().find(|entry| {
        entry.get("name").and_then(Node::as_str).is_some_and(|other| other.eq_ignore_ascii_case(name))
    });
    let Some(entry) = entry else { return Value::Bool(false).at(filters.span) };
    for key in ["enabled", "blocking"] {
        match entry.get(key) {
            Some(flag) if flag.as_unresolved().is_some() => return flag.clone(),
            Some(flag) if flag.as_bool() == Some(true) => {}
            Some(flag) => return Value::Bool(false).at(flag.span),
            None => return Value::Bool(false).at(entry.span),
        }
    }
    Value::Bool(true).at(entry.span)
}
