//! Aliases: the names by which policies address parts of a resource.
//!
//! Most follow a rule. `Microsoft.KeyVault/vaults/networkAcls.defaultAction` names the type up to the last slash and
//! then a path below `properties`; what belongs at the top of a resource (`sku`, `identity`, `kind`, ...) is found
//! there, and below an array element a level of `properties` may be left out. The exceptions stand in a table that
//! ships with the crate, and a user's own `az provider list --expand resourceTypes/aliases` goes on top.

use std::sync::{Arc, OnceLock};

use castellan_base::{Diagnostic, Limits, Node, SourceId, json};
use rustc_hash::FxHashMap;

use crate::path::{Segment, Style, segments};

/// Where aliases lead. Cheap to clone.
///
/// ```
/// use castellan_policy::AliasTable;
///
/// let mut aliases = AliasTable::builtin();
/// let mine = serde_json::json!([{"namespace": "Contoso.Shop", "resourceTypes": [{"resourceType": "carts",
///     "aliases": [{"name": "Contoso.Shop/carts/colour", "defaultPath": "properties.paint.colour"}]}]}]);
/// aliases.load(&castellan_base::Node::from_json(&mine)).unwrap();
/// assert_eq!(aliases.path("Contoso.Shop/carts/colour", "Contoso.Shop/carts"), "properties.paint.colour");
/// assert_eq!(aliases.path("Contoso.Shop/carts/size", "Contoso.Shop/carts"), "properties.size");
/// ```
#[derive(Clone, Debug, Default)]
pub struct AliasTable {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    /// By lower-case alias.
    entries: FxHashMap<Box<str>, Vec<Entry>>,
    /// Lower-case types of which the table says whether they take tags and a location.
    tracked: FxHashMap<Box<str>, bool>,
}

#[derive(Clone, Debug)]
struct Entry {
    resource_type: Box<str>,
    path: Arc<str>,
    versions: Vec<Version>,
}

#[derive(Clone, Debug)]
struct Version {
    api_versions: Vec<Box<str>>,
    path: Arc<str>,
}

/// One way that an alias leads into resources of one type.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The type, lower case; `None` for any.
    pub(crate) owner: Option<Box<str>>,
    pub(crate) path: Arc<str>,
    pub(crate) steps: Box<[Segment]>,
    pub(crate) style: Style,
    /// Other paths in other API versions.
    pub(crate) versions: Vec<VersionedRoute>,
}

/// The path of an alias in some API versions.
#[derive(Clone, Debug)]
pub(crate) struct VersionedRoute {
    pub(crate) api_versions: Vec<Box<str>>,
    pub(crate) path: Arc<str>,
    pub(crate) steps: Box<[Segment]>,
}

impl AliasTable {
    /// The naming rule and the exceptions that ship with the crate.
    pub fn builtin() -> AliasTable {
        static TABLE: OnceLock<AliasTable> = OnceLock::new();
        let load = || {
            let mut table = AliasTable::default();
            let text = include_str!("../data/aliases.json");
            if let Ok(node) = json::parse(text, SourceId::NONE, &Limits::default()) {
                table.load_irregular(node.get("irregular").unwrap_or(&node));
            }
            table
        };
        TABLE.get_or_init(load).clone()
    }

    /// Adds the output of `az provider list --expand resourceTypes/aliases` (an array of providers, or one in
    /// `value`), one provider, or a table `{"irregular": {ALIAS: {"type", "path"}}}`. Later entries win.
    ///
    /// # Errors
    /// When the document has none of these shapes.
    pub fn load(&mut self, document: &Node) -> Result<(), Diagnostic> {
        if let Some(irregular) = document.get("irregular") {
            self.load_irregular(irregular);
            return Ok(());
        }
        let providers = document.get("value").unwrap_or(document);
        if let Some(providers) = providers.as_array() {
            providers.iter().for_each(|provider| self.load_provider(provider));
            return Ok(());
        }
        if providers.get("resourceTypes").is_some() {
            self.load_provider(providers);
            return Ok(());
        }
        Err(Diagnostic::error(document.span, "this is no alias table")
            .with_help("pass the output of `az provider list --expand resourceTypes/aliases`"))
    }

    /// How many aliases the table has beyond the naming rule.
    pub fn len(&self) -> usize {
        self.inner.entries.len()
    }

    /// True when only the naming rule applies.
    pub fn is_empty(&self) -> bool {
        self.inner.entries.is_empty()
    }

    /// The path of an alias in a resource type, for people: the naming rule's first choice where no entry exists.
    pub fn path(&self, alias: &str, resource_type: &str) -> String {
        let routes = self.routes(alias);
        let route = routes
            .iter()
            .find(|route| {
                route.owner.as_deref().is_none_or(|owner| owner.eq_ignore_ascii_case(resource_type))
            })
            .or(routes.first());
        route.map_or_else(|| alias.to_owned(), |route| route.path.to_string())
    }

    /// Whether the loaded provider data says that the type takes tags and a location.
    pub(crate) fn tracked(&self, resource_type: &str) -> Option<bool> {
        if self.inner.tracked.is_empty() {
            return None;
        }
        self.inner.tracked.get(resource_type.to_ascii_lowercase().as_str()).copied()
    }

    fn load_irregular(&mut self, table: &Node) {
        let inner = Arc::make_mut(&mut self.inner);
        for member in table.as_object().into_iter().flatten() {
            let path = member.value.get("path").and_then(Node::as_str);
            let resource_type = member.value.get("type").and_then(Node::as_str);
            if let (Some(path), Some(resource_type)) = (path, resource_type) {
                let entry =
                    Entry { resource_type: lower(resource_type), path: path.into(), versions: Vec::new() };
                inner.add(&member.key, entry);
            }
        }
    }

    fn load_provider(&mut self, provider: &Node) {
        let Some(namespace) = provider.get("namespace").and_then(Node::as_str) else { return };
        let inner = Arc::make_mut(&mut self.inner);
        let types = provider.get("resourceTypes").and_then(Node::as_array).unwrap_or_default();
        for described in types {
            let Some(name) = described.get("resourceType").and_then(Node::as_str) else { continue };
            let resource_type = format!("{namespace}/{name}");
            if let Some(capabilities) = described.get("capabilities").and_then(Node::as_str) {
                let tracked =
                    capabilities.contains("SupportsTags") && capabilities.contains("SupportsLocation");
                inner.tracked.insert(lower(&resource_type), tracked);
            }
            for alias in described.get("aliases").and_then(Node::as_array).unwrap_or_default() {
                inner.add_alias(&resource_type, alias);
            }
        }
    }

    /// Where an alias leads. Never empty for a text with a slash.
    pub(crate) fn routes(&self, alias: &str) -> Vec<Route> {
        let key = alias.to_ascii_lowercase();
        if let Some(entries) = self.inner.entries.get(key.as_str()) {
            let mut routes: Vec<Route> = entries.iter().map(route_of_entry).collect();
            // A table may list an alias under the parent type only; the type in its name still owns it.
            let named = route_by_name(alias);
            if named.owner.is_some() && routes.iter().all(|route| route.owner != named.owner) {
                routes.push(named);
            }
            return routes;
        }
        // `A[*].b.c` may be known only through its parent `A`, whose irregular path then leads the way.
        self.through_parent(&key, alias).unwrap_or_else(|| vec![route_by_name(alias)])
    }

    fn through_parent(&self, key: &str, alias: &str) -> Option<Vec<Route>> {
        let slash = key.rfind('/')?;
        let mut end = key.len();
        while let Some(cut) = key.get(..end)?.rfind(['.', '[']).filter(|cut| *cut > slash) {
            end = cut;
            let Some(entries) = self.inner.entries.get(key.get(..end)?) else { continue };
            let rest = alias.get(end..)?;
            let join = |path: &Arc<str>| Arc::<str>::from(format!("{path}{rest}"));
            let extended = entries.iter().map(|entry| Entry {
                resource_type: entry.resource_type.clone(),
                path: join(&entry.path),
                versions: entry
                    .versions
                    .iter()
                    .map(|version| Version {
                        api_versions: version.api_versions.clone(),
                        path: join(&version.path),
                    })
                    .collect(),
            });
            return Some(
                extended.map(|entry| Route { style: Style::Raw, ..route_of_entry(&entry) }).collect(),
            );
        }
        None
    }
}

impl Inner {
    fn add(&mut self, alias: &str, entry: Entry) {
        let entries = self.entries.entry(lower(alias)).or_default();
        match entries.iter_mut().find(|known| known.resource_type == entry.resource_type) {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
    }

    fn add_alias(&mut self, resource_type: &str, alias: &Node) {
        let Some(name) = alias.get("name").and_then(Node::as_str) else { return };
        let listed = alias.get("paths").and_then(Node::as_array).unwrap_or_default();
        let default = alias.get("defaultPath").and_then(Node::as_str);
        let first = || listed.iter().find_map(|item| item.get("path").and_then(Node::as_str));
        let Some(path) = default.or_else(first) else { return };
        let versions: Vec<Version> = listed.iter().filter_map(|item| version_of(item, path)).collect();
        // The naming rule finds these; leaving them out keeps the full public table small and quick to load.
        if versions.is_empty() && follows_naming_rule(name, resource_type, path) {
            return;
        }
        self.add(name, Entry { resource_type: lower(resource_type), path: path.into(), versions });
    }
}

fn version_of(item: &Node, default: &str) -> Option<Version> {
    let path = item.get("path")?.as_str()?;
    if path.eq_ignore_ascii_case(default) {
        return None;
    }
    let listed = item.get("apiVersions")?.as_array()?;
    let api_versions = listed.iter().filter_map(Node::as_str).map(lower).collect();
    Some(Version { api_versions, path: path.into() })
}

fn follows_naming_rule(alias: &str, resource_type: &str, path: &str) -> bool {
    let suffix = alias
        .get(..resource_type.len())
        .filter(|head| head.eq_ignore_ascii_case(resource_type))
        .and_then(|_| alias.get(resource_type.len()..)?.strip_prefix('/'));
    let inner = path.get(.."properties.".len()).filter(|head| head.eq_ignore_ascii_case("properties."));
    match (suffix, inner) {
        (Some(suffix), Some(_)) => {
            path.get("properties.".len()..).is_some_and(|rest| rest.eq_ignore_ascii_case(suffix))
        }
        _ => false,
    }
}

fn lower(text: &str) -> Box<str> {
    text.to_ascii_lowercase().into_boxed_str()
}

fn route_of_entry(entry: &Entry) -> Route {
    let versions = entry.versions.iter().map(|version| VersionedRoute {
        api_versions: version.api_versions.clone(),
        path: Arc::clone(&version.path),
        steps: segments(&version.path).into(),
    });
    Route {
        owner: Some(entry.resource_type.clone()),
        path: Arc::clone(&entry.path),
        steps: segments(&entry.path).into(),
        style: Style::Exact,
        versions: versions.collect(),
    }
}

/// The route that the naming rule gives. The type ends at the last slash before any bracket.
fn route_by_name(alias: &str) -> Route {
    let head = alias.find('[').and_then(|bracket| alias.get(..bracket)).unwrap_or(alias);
    let Some(slash) = head.rfind('/') else {
        return Route {
            owner: None,
            path: alias.into(),
            steps: segments(alias).into(),
            style: Style::Raw,
            versions: Vec::new(),
        };
    };
    let owner = alias.get(..slash).unwrap_or_default();
    let suffix = alias.get(slash + 1..).unwrap_or_default();
    let steps: Box<[Segment]> = segments(suffix).into();
    let at_top = matches!(steps.first(), Some(Segment::Key(key)) if crate::path::is_root_member(key));
    let path = if at_top { suffix.into() } else { format!("properties.{suffix}").into() };
    // `Microsoft.Compute/imagePublisher` names no type, only a provider.
    let owner = owner.contains('/').then(|| lower(owner));
    Route { owner, path, steps, style: Style::Naming, versions: Vec::new() }
}
