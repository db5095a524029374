//! Which table a category belongs to, as `content/tables/diagnostics.csv` says.
//!
//! A line: `category,resource_type,table,base,renames`. The type is that of the resource, or `*`. `base` is the path to
//! the object whose members fill columns of their names; `renames` are `PATH=COLUMN`, of which the first that has a value
//! counts. Steps of a path are parted by `>`; one that leads into a text reads it as JSON.

use std::borrow::Cow;

use serde_json::{Map, Value};

const ROUTES: &str = include_str!("../../../../content/tables/diagnostics.csv");

pub(super) struct Route {
    category: String,
    kind: String,
    pub(super) table: String,
    pub(super) base: Vec<String>,
    pub(super) renames: Vec<(Vec<String>, String)>,
}

pub(super) struct Routes(Vec<Route>);

impl Routes {
    pub(super) fn built_in() -> Routes {
        Routes(ROUTES.lines().skip(1).filter_map(read).collect())
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|route| route.table.as_str())
    }

    /// The route of a category. One that names the type of the resource counts before one that does not.
    pub(super) fn of(&self, category: &str, kind: &str) -> Option<&Route> {
        let mut fitting = self.0.iter().filter(|route| route.category.eq_ignore_ascii_case(category));
        let exact = fitting.clone().find(|route| route.kind.eq_ignore_ascii_case(kind));
        exact.or_else(|| fitting.find(|route| route.kind == "*"))
    }
}

fn read(line: &str) -> Option<Route> {
    let mut cells = line.splitn(5, ',');
    let (category, kind, table) =
        (cells.next()?.to_owned(), cells.next()?.to_owned(), cells.next()?.to_owned());
    let base = path(cells.next()?);
    let renames = cells.next()?.split_ascii_whitespace().map(|rename| {
        let (from, to) = rename.rsplit_once('=')?;
        Some((path(from), to.to_owned()))
    });
    Some(Route { category, kind, table, base, renames: renames.collect::<Option<_>>()? })
}

fn path(text: &str) -> Vec<String> {
    text.split('>').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

/// The value at a path; empty ones count as absent.
pub(super) fn at<'a>(record: &'a Map<String, Value>, path: &[String]) -> Option<Cow<'a, Value>> {
    let (first, rest) = path.split_first()?;
    let mut value = Cow::Borrowed(super::member(record, first)?);
    if rest.is_empty() {
        return usable(value);
    }
    for step in rest {
        value = below(value, step)?;
    }
    // What the last step leads to may be an object in a text as well.
    usable(value)
}

fn usable(value: Cow<'_, Value>) -> Option<Cow<'_, Value>> {
    let parsed = match value.as_ref() {
        Value::Null => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) if text.trim_start().starts_with('{') => serde_json::from_str(text).ok(),
        _ => None,
    };
    Some(parsed.map_or(value, Cow::Owned))
}

fn below<'a>(value: Cow<'a, Value>, step: &str) -> Option<Cow<'a, Value>> {
    match usable(value)? {
        Cow::Borrowed(Value::Object(object)) => super::member(object, step).map(Cow::Borrowed),
        Cow::Owned(Value::Object(object)) => super::member(&object, step).cloned().map(Cow::Owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let routes = Routes::built_in();
        assert_eq!(routes.0.len(), ROUTES.lines().count() - 1);
        assert_eq!(routes.of("signinlogs", "microsoft.aadiam").unwrap().table, "SigninLogs");
        let vault = routes.of("AuditEvent", "microsoft.keyvault/vaults").unwrap();
        assert_eq!(vault.table, "AZKVAuditLogs");
        assert!(routes.of("AuditEvent", "microsoft.other/things").is_none());
    }
}
