//! Types, names and ids of declared resources, in all notations that templates allow.

use castellan_base::ResourceId;

/// The segments of a resource name; a slash inside braces belongs to a symbol.
pub(super) fn split_name(name: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let is_separator = |character: char| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == '/' && depth == 0
    };
    name.split(is_separator).collect()
}

/// The full id of a declared resource.
///
/// `scope` is what the id starts with. Names that are too few for the type (a symbol may stand for several) are filled
/// with symbols, so that the id still tells the type.
pub(super) fn build_id(scope: &str, resource_type: &str, name: &str) -> ResourceId {
    let wanted = resource_type.split('/').count().saturating_sub(1);
    let found: Vec<&str> = split_name(name);
    let missing = wanted.saturating_sub(found.len());
    let fillers: Vec<String> =
        (0..missing).map(|index| format!("{{part {} of {name}}}", index + 1)).collect();
    let mut names: Vec<&str> = Vec::with_capacity(wanted);
    names.extend(fillers.iter().map(String::as_str));
    names.extend(found);
    // Surplus segments stay in the last name, where they are seen.
    ResourceId::build(scope, resource_type, &names)
}

/// The full type and name of a resource that is declared inside its parent.
pub(super) fn within_parent(parent: (&str, &str), own: (&str, &str)) -> (String, String) {
    let (parent_type, parent_name) = parent;
    let (own_type, own_name) = own;
    (format!("{parent_type}/{own_type}"), format!("{parent_name}/{own_name}"))
}

/// True for a type with a provider namespace: `Microsoft.Insights/diagnosticSettings`, not `deployments`.
pub(super) fn is_full_type(resource_type: &str) -> bool {
    resource_type.split_once('/').is_some_and(|(provider, _)| provider.contains('.'))
}
