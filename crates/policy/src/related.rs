//! Which resource answers a query for related resources.

use castellan_base::{Node, ResourceId};

use crate::request::{ExistenceScope, RelatedQuery};

/// True when `candidate` is what the query asks for. A candidate that does not state its type, name or id is taken to
/// match on that point, since whoever listed it did so for a reason.
pub(crate) fn matches(query: &RelatedQuery<'_>, candidate: &Node) -> bool {
    let text = |key: &str| candidate.get(key).and_then(Node::text_or_symbol);
    if text("type").is_some_and(|found| !found.eq_ignore_ascii_case(query.resource_type)) {
        return false;
    }
    if let Some(wanted) = query.name
        && !name_matches(wanted, text("name"), text("id"))
    {
        return false;
    }
    in_scope(query, text("id"))
}

fn name_matches(wanted: &str, name: Option<&str>, id: Option<&str>) -> bool {
    let full = id.and_then(|id| id.parse::<ResourceId>().ok()).map(|id| id.full_name());
    if name.is_none() && full.is_none() {
        return true;
    }
    let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let same = |found: &str| crate::compare::like(found, wanted) || found.eq_ignore_ascii_case(wanted);
    let candidates = [name.map(str::to_owned), full];
    candidates.iter().flatten().any(|found| same(found) || (!wanted.contains('/') && same(&last(found))))
}

fn in_scope(query: &RelatedQuery<'_>, id: Option<&str>) -> bool {
    let own = query.resource.get("id").and_then(Node::text_or_symbol);
    let (Some(own), Some(id)) = (own, id) else { return true };
    let (Ok(own), Ok(id)) = (own.parse::<ResourceId>(), id.parse::<ResourceId>()) else { return true };
    if let Some(group) = query.resource_group {
        return id.resource_group().is_none_or(|found| found.eq_ignore_ascii_case(group));
    }
    let same = |left: Option<&str>, right: Option<&str>| match (left, right) {
        (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
        _ => true,
    };
    if !same(own.subscription(), id.subscription()) {
        return false;
    }
    if query.scope == ExistenceScope::Subscription {
        return true;
    }
    if is_below(query) {
        return id.is_within(&own);
    }
    same(own.resource_group(), id.resource_group())
}

/// True when the type looked for lives under the judged resource: a child type, or one that extends any resource.
fn is_below(query: &RelatedQuery<'_>) -> bool {
    const EXTENSIONS: [&str; 6] = [
        "Microsoft.Insights/diagnosticSettings",
        "Microsoft.GuestConfiguration/guestConfigurationAssignments",
        "Microsoft.Insights/dataCollectionRuleAssociations",
        "Microsoft.Security/assessments",
        "Microsoft.Authorization/locks",
        "Microsoft.Maintenance/configurationAssignments",
    ];
    if EXTENSIONS.iter().any(|name| name.eq_ignore_ascii_case(query.resource_type)) {
        return true;
    }
    let own = query.resource.get("type").and_then(Node::as_str).unwrap_or_default();
    let head = query.resource_type.get(..own.len());
    !own.is_empty()
        && head.is_some_and(|head| head.eq_ignore_ascii_case(own))
        && query.resource_type.get(own.len()..).is_some_and(|rest| rest.starts_with('/'))
}
