//! The analytics rules of the product, compiled in: those over events (`content/analytics`) and those over the product's own
//! health (`content/health`), and the watchlists that they read (`content/watchlists`).

use castellan_base::{Sources, Ticks};
use rust_embed::RustEmbed;

use crate::rule::read::{Loaded, read};
use crate::watchlist::{Watchlist, WatchlistError, Watchlists};

#[derive(RustEmbed)]
#[folder = "../../content/analytics"]
struct Analytics;

#[derive(RustEmbed)]
#[folder = "../../content/health"]
struct Health;

/// Reads the rules that are built in. Their files are `built in/analytics/NAME.yaml` and `built in/health/NAME.yaml`.
pub fn built_in(sources: &mut Sources) -> Loaded {
    let mut loaded = Loaded::default();
    take::<Analytics>("analytics", sources, &mut loaded);
    take::<Health>("health", sources, &mut loaded);
    loaded
}

#[derive(RustEmbed)]
#[folder = "../../content/watchlists"]
struct Lists;

/// The watchlists that rules of the product read. They have columns and no items: whoever fills one has a file of the same name
/// in a folder of their own, and until then its rules run and find nothing.
///
/// Errors: a file that is no watchlist; a test makes sure that there is none.
pub fn watchlists() -> Result<Watchlists, WatchlistError> {
    let mut found = Watchlists::default();
    for name in Lists::iter() {
        let Some(file) = Lists::get(&name) else { continue };
        found.add(Watchlist::of_file(&name, &String::from_utf8_lossy(&file.data), Ticks::MIN)?);
    }
    Ok(found)
}

/// What files of rules that are built in are called by.
pub const BUILT_IN: &str = "built in/";

fn take<Files: RustEmbed>(folder: &str, sources: &mut Sources, loaded: &mut Loaded) {
    let mut names: Vec<_> = Files::iter().filter(|name| name.ends_with(".yaml")).collect();
    names.sort();
    for name in names {
        let Some(file) = Files::get(&name) else { continue };
        let own = read(&format!("{BUILT_IN}{folder}/{name}"), &String::from_utf8_lossy(&file.data), sources);
        loaded.rules.extend(own.rules);
        loaded.diagnostics.extend(own.diagnostics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchlists_are_here_and_empty() {
        let found = watchlists().unwrap();
        let names: Vec<&str> = found.iter().map(|list| &*list.alias).collect();
        assert!(names == ["ai-canaries"] && found.iter().all(Watchlist::is_empty));
    }

    #[test]
    fn rules_are_here_and_sound() {
        let loaded = built_in(&mut Sources::default());
        assert!(loaded.diagnostics.is_empty() && loaded.rules.len() > 60, "{:?}", loaded.diagnostics);
    }
}
