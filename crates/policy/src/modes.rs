//! Which resource types the mode `Indexed` leaves out.

use crate::alias::AliasTable;

/// Types that take neither tags nor a location, as the resource providers document them. A type that is not listed is
/// taken to have both, so that a definition is rather evaluated once too often.
const UNTRACKED: &str = include_str!("../data/untracked-types.txt");

/// True when resources of the type have no tags or no location. Provider data that the user loaded goes first.
pub(crate) fn is_untracked(resource_type: &str, aliases: &AliasTable) -> bool {
    if let Some(tracked) = aliases.tracked(resource_type) {
        return !tracked;
    }
    listed().any(|known| known.eq_ignore_ascii_case(resource_type))
}

fn listed() -> impl Iterator<Item = &'static str> {
    UNTRACKED.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}
