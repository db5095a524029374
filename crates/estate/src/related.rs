//! Answers about related resources, including "what was read does not say".

use castellan_base::{Existence, Origin, Resource, ResourceId};
use rustc_hash::FxHashSet;

use crate::estate::{Coverage, Estate, Related, RelatedQuery, RelatedScope};

impl Estate {
    /// The resources of a type that belong to a resource.
    ///
    /// A template, a plan or a manifest is a closed world: it says everything about the resources it declares, so what
    /// it does not mention will not exist. An export or a state is open: what it does not hold counts as absent only
    /// where the estate shows that such children of this parent were listed ([`crate::Coverage`], or because another
    /// child of the type is there). A resource that a template merely refers to (`existing`) is as open as an export.
    ///
    /// Child types and the extension types that Azure keeps below each resource are looked for under the resource;
    /// other types in its resource group or subscription. A template never speaks for a whole resource group, so
    /// nothing found there is "not collected".
    pub fn related<'s>(&'s self, query: &RelatedQuery<'_>) -> Related<'s> {
        let resource = query.resource;
        let below = is_child_type(&resource.resource_type, query.resource_type)
            || (is_extension_type(query.resource_type) && query.scope == RelatedScope::ResourceGroup);
        let parent = if below { resource.id.clone() } else { scope_of(query) };
        let found =
            if below { self.children_as_seen_by(resource, query) } else { self.in_scope(&parent, query) };
        if !found.is_empty() || self.is_covered(resource, &parent, query.resource_type, below) {
            return Related::Known(found);
        }
        let failed = self.statement(&parent, query.resource_type, below).map(|statement| &statement.reason);
        let message = match failed.filter(|reason| !reason.is_empty()) {
            Some(reason) => {
                format!("`{}` under `{}` could not be listed: {reason}", query.resource_type, parent.name())
            }
            None => format!("no list of `{}` under `{}` was read", query.resource_type, parent.name()),
        };
        Related::NotCollected { message, next_step: collect_command(&parent, query.resource_type, below) }
    }

    /// The children of a resource: those that the same account of reality describes, or else any.
    fn children_as_seen_by<'s>(&'s self, resource: &Resource, query: &RelatedQuery<'_>) -> Vec<&'s Resource> {
        let parent = &resource.id;
        let mut direct: Vec<&Resource> = self
            .descendants(parent, &resource.resource_type, query.resource_type)
            .into_iter()
            .filter(|child| child.is_type(query.resource_type) && has_name(child, query.name))
            .collect();
        if is_symbolic(parent) {
            // The same symbol in another file is another resource.
            direct.retain(|child| child.span.source == resource.span.source);
        }
        distinct(direct)
    }

    /// Children, or children's children when the type is further down.
    fn descendants(&self, parent: &ResourceId, parent_type: &str, wanted: &str) -> Vec<&Resource> {
        let parent_depth = parent_type.matches('/').count();
        let wanted_depth = wanted.matches('/').count();
        let steps =
            if is_child_type(parent_type, wanted) { wanted_depth.saturating_sub(parent_depth) } else { 1 };
        let mut level: Vec<&Resource> = self.contained(parent).collect();
        for _ in 1..steps {
            level = level.iter().flat_map(|child| self.contained(&child.id)).collect();
        }
        level
    }

    fn in_scope(&self, scope: &ResourceId, query: &RelatedQuery<'_>) -> Vec<&Resource> {
        let all = self.of_type(query.resource_type);
        let found = all.filter(|other| {
            other.id.is_within(scope)
                && has_name(other, query.name)
                && (!is_symbolic(&other.id) || other.span.source == query.resource.span.source)
        });
        distinct(found.collect())
    }

    fn is_covered(&self, resource: &Resource, parent: &ResourceId, wanted: &str, below: bool) -> bool {
        if is_made_at_run_time(wanted) {
            return self.statement(parent, wanted, below).is_some_and(|statement| statement.complete);
        }
        let declared = resource.origin.is_declared() && !matches!(resource.existence, Existence::Referenced);
        if (declared && below) || resource.origin == Origin::Derived {
            return true;
        }
        // A list that broke off says so, whatever it had given by then.
        match self.statement(parent, wanted, below) {
            Some(statement) => statement.complete,
            None => below && self.children(parent, wanted).next().is_some(),
        }
    }

    /// What was said about a list: about this type under this parent, or about everything in the subscription.
    fn statement(&self, parent: &ResourceId, wanted: &str, below: bool) -> Option<&Coverage> {
        let exact = self.listed.get(&(parent.clone(), wanted.to_ascii_lowercase()));
        if below || exact.is_some() {
            return exact;
        }
        let subscription = parent.subscription()?;
        let subscription: ResourceId = format!("/subscriptions/{subscription}").parse().ok()?;
        let own = self.listed.get(&(subscription.clone(), wanted.to_ascii_lowercase()));
        let top_level = wanted.matches('/').count() == 1;
        own.or_else(|| self.listed.get(&(subscription, "*".to_owned())).filter(|_| top_level))
    }
}

/// True for what no template declares: Azure makes it while the resource runs, so a declaration says nothing of it.
fn is_made_at_run_time(resource_type: &str) -> bool {
    const MADE_AT_RUN_TIME: [&str; 3] = [
        "Microsoft.Security/assessments",
        "Microsoft.Security/assessments/subAssessments",
        "Microsoft.GuestConfiguration/guestConfigurationAssignments",
    ];
    MADE_AT_RUN_TIME.iter().any(|known| known.eq_ignore_ascii_case(resource_type))
}

/// True when some part of the id is not known before deployment.
pub(crate) fn is_symbolic(id: &ResourceId) -> bool {
    id.as_str().contains('{')
}

fn distinct(resources: Vec<&Resource>) -> Vec<&Resource> {
    let mut seen = FxHashSet::default();
    resources.into_iter().filter(|resource| seen.insert((&resource.id, resource.span.source))).collect()
}

fn is_child_type(parent: &str, child: &str) -> bool {
    let start = child.get(..parent.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(parent))
        && child.get(parent.len()..).is_some_and(|rest| rest.starts_with('/'))
}

/// Extension types that are always looked for on the resource itself. From the Azure Policy documentation of
/// `details.type` and the providers' own type lists.
fn is_extension_type(resource_type: &str) -> bool {
    const EXTENSIONS: [&str; 9] = [
        "Microsoft.Insights/diagnosticSettings",
        "Microsoft.Authorization/locks",
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.GuestConfiguration/guestConfigurationAssignments",
        "Microsoft.Security/assessments",
        "Microsoft.Security/advancedThreatProtectionSettings",
        "Microsoft.Security/defenderForStorageSettings",
        "Microsoft.Security/pricings",
        "Microsoft.Network/networkSecurityPerimeterAssociations",
    ];
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(resource_type))
        || resource_type
            .get(.."Castellan.AI/".len())
            .is_some_and(|start| start.eq_ignore_ascii_case("Castellan.AI/"))
}

fn scope_of(query: &RelatedQuery<'_>) -> ResourceId {
    let id = &query.resource.id;
    let Some(subscription) = id.subscription() else { return id.clone() };
    let group = query.resource_group.or_else(|| id.resource_group());
    let text = match (query.scope, group) {
        (RelatedScope::ResourceGroup, Some(group)) => {
            format!("/subscriptions/{subscription}/resourceGroups/{group}")
        }
        _ => format!("/subscriptions/{subscription}"),
    };
    text.parse().unwrap_or_else(|_| id.clone())
}

fn has_name(resource: &Resource, pattern: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    glob(pattern, resource.name()) || (pattern.contains('/') && glob(pattern, &resource.id.full_name()))
}

/// `*` stands for any text, `?` for one character; letters match in either case.
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().map(|c| c.to_ascii_lowercase()).collect();
    let text: Vec<char> = text.chars().map(|c| c.to_ascii_lowercase()).collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                p += 1;
                t += 1;
            }
            _ => {
                // Let the last star swallow one character more and try again.
                let Some((star_p, star_t)) = star else { return false };
                p = star_p + 1;
                t = star_t + 1;
                star = Some((star_p, star_t + 1));
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

fn collect_command(parent: &ResourceId, wanted: &str, below: bool) -> String {
    if wanted.eq_ignore_ascii_case("Microsoft.Insights/diagnosticSettings") {
        return format!("az monitor diagnostic-settings list --resource {}", parent.as_str());
    }
    if is_extension_type(wanted) {
        return format!(
            "az rest --method get --url \"{}/providers/{wanted}?api-version=API_VERSION\"",
            parent.as_str()
        );
    }
    if below {
        let segment = wanted.rsplit('/').next().unwrap_or(wanted);
        return format!(
            "az rest --method get --url \"{}/{segment}?api-version=API_VERSION\"",
            parent.as_str()
        );
    }
    let kind = wanted.to_ascii_lowercase();
    format!("az graph query -q \"resources | where type =~ '{kind}'\" --first 1000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("A?C", "abc", true),
            ("a*d", "abc", false),
            ("", "a", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
        assert!(
            is_child_type("A/b", "a/B/c") && !is_child_type("A/b", "A/bc") && !is_child_type("A/b", "A/b")
        );
    }
}
