//! Resolving field names.

use std::sync::Arc;

use crate::alias::{AliasTable, Route, VersionedRoute};
use crate::condition::{Binding, Field, FieldKind};
use crate::path::{Segment, Style, segments};

/// Resolves a field name among the counts around it.
pub(crate) fn resolve(text: &str, aliases: &AliasTable, scope: &[Binding]) -> Field {
    let text: Arc<str> = text.trim().into();
    let starred = text.contains("[*]");
    let kind = well_known(&text).unwrap_or_else(|| bound(&text, aliases, scope));
    let routes: &[Route] = match &kind {
        FieldKind::Path(routes) | FieldKind::Bound { routes, .. } => routes,
        _ => &[],
    };
    let many = routes.iter().any(|route| route.steps.contains(&Segment::Each));
    Field { text, kind, many, starred }
}

fn well_known(text: &str) -> Option<FieldKind> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "type" => return Some(FieldKind::Type),
        "name" => return Some(FieldKind::Name),
        "fullname" => return Some(FieldKind::FullName),
        "location" => return Some(FieldKind::Location),
        _ => {}
    }
    tag_name(text).map(|name| FieldKind::Tag(name.into()))
}

/// The tag in `tags.name`, `tags[name]`, `tags['name']`; a quote inside is doubled.
fn tag_name(text: &str) -> Option<String> {
    let head = text.get(..4).filter(|head| head.eq_ignore_ascii_case("tags"))?;
    let rest = text.get(head.len()..)?;
    if let Some(name) = rest.strip_prefix('.') {
        return (!name.is_empty()).then(|| name.to_owned());
    }
    let inner = rest.strip_prefix('[')?.strip_suffix(']')?;
    if inner == "*" {
        return None;
    }
    let quoted = inner.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\''));
    Some(quoted.map_or_else(|| inner.to_owned(), |name| name.replace("''", "'")))
}

/// A path from the innermost count whose alias the name extends, or from the top.
fn bound(text: &str, aliases: &AliasTable, scope: &[Binding]) -> FieldKind {
    let routes = aliases.routes(text);
    let lower = text.to_ascii_lowercase();
    for (slot, binding) in scope.iter().enumerate().rev() {
        if !binding.is_alias || binding.name.is_empty() {
            continue;
        }
        let Some(rest) = lower.strip_prefix(&*binding.name) else { continue };
        if !(rest.is_empty() || rest.starts_with(['.', '['])) {
            continue;
        }
        let tail = text.get(binding.name.len()..).unwrap_or_default();
        let relative = routes.iter().map(|route| below(route, binding, tail)).collect();
        return FieldKind::Bound { slot, routes: relative };
    }
    FieldKind::Path(routes.into())
}

/// The part of a route below the element that a binding stands for.
fn below(route: &Route, binding: &Binding, tail: &str) -> Route {
    let parent = binding.routes.iter().find(|parent| parent.owner == route.owner).or(binding.routes.first());
    let strip = |steps: &[Segment]| -> Option<Box<[Segment]>> {
        let parent = parent?;
        strip_steps(steps, &parent.steps)
            .or_else(|| parent.versions.iter().find_map(|version| strip_steps(steps, &version.steps)))
    };
    let exact = if route.style == Style::Exact { strip(&route.steps) } else { None };
    let style = if exact.is_some() { Style::Exact } else { Style::Naming };
    let versions = route.versions.iter().filter_map(|version| {
        Some(VersionedRoute {
            api_versions: version.api_versions.clone(),
            path: Arc::clone(&version.path),
            steps: strip(&version.steps)?,
        })
    });
    Route {
        owner: None,
        path: Arc::clone(&route.path),
        steps: exact.unwrap_or_else(|| segments(tail).into()),
        style,
        versions: versions.collect(),
    }
}

fn strip_steps(steps: &[Segment], head: &[Segment]) -> Option<Box<[Segment]>> {
    let same = |left: &Segment, right: &Segment| match (left, right) {
        (Segment::Key(left), Segment::Key(right)) => left.eq_ignore_ascii_case(right),
        (left, right) => left == right,
    };
    let first = steps.get(..head.len())?;
    // A parent known only by the naming rule leaves out the leading `properties`.
    if first.iter().zip(head).all(|(left, right)| same(left, right)) {
        return steps.get(head.len()..).map(Into::into);
    }
    match steps.split_first() {
        Some((Segment::Key(key), rest)) if key.eq_ignore_ascii_case("properties") => {
            let first = rest.get(..head.len())?;
            let fits = first.iter().zip(head).all(|(left, right)| same(left, right));
            if fits { rest.get(head.len()..).map(Into::into) } else { None }
        }
        _ => None,
    }
}

/// One binding for each `[*]` of a counted field.
pub(crate) fn bindings(field: &str, aliases: &AliasTable) -> Vec<Binding> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = field.get(from..).and_then(|rest| rest.find("[*]")) {
        from += at + 3;
        let alias = field.get(..from).unwrap_or_default();
        found.push(Binding {
            name: alias.to_ascii_lowercase().into(),
            is_alias: true,
            routes: aliases.routes(alias).into(),
        });
    }
    found
}
