//! Lifecycles of models, from data.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Ticks};
use rustc_hash::FxHashMap;

/// What is known of one version of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueModel {
    /// Who made it: `OpenAI`.
    pub publisher: Arc<str>,
    /// The format in deployments: `OpenAI`, `Meta`.
    pub format: Arc<str>,
    /// The name in deployments: `gpt-4o`.
    pub name: Arc<str>,
    /// The version; empty when the entry speaks of all versions.
    pub version: Arc<str>,
    /// `ga`, `preview`, `deprecated` or `retired`, as of the catalogue's date.
    pub lifecycle: Arc<str>,
    /// The day from which it answers no more, if one is set: `2026-10-14`.
    pub retirement: Option<Arc<str>>,
}

impl CatalogueModel {
    /// `ga`, `preview`, `deprecated` or `retired` at a given time: the catalogue's word, unless the retirement day has
    /// come since.
    pub fn lifecycle_at(&self, now: Ticks) -> &str {
        let retired = self.retirement.as_deref().and_then(|day| day.parse::<Ticks>().ok());
        if retired.is_some_and(|day| day <= now) { "retired" } else { &self.lifecycle }
    }
}

/// Known models by name and version.
#[derive(Clone, Debug, Default)]
pub struct ModelCatalogue {
    as_of: Option<Arc<str>>,
    models: Vec<CatalogueModel>,
    by_name: FxHashMap<String, Vec<usize>>,
}

impl ModelCatalogue {
    /// Reads `{as_of, models: [{publisher, format, name, version, lifecycle, retirement}]}`. An entry without a name is
    /// reported and left out.
    pub fn parse(document: &Node) -> (ModelCatalogue, Vec<Diagnostic>) {
        let mut catalogue = ModelCatalogue { as_of: scalar(document.get("as_of")), ..Default::default() };
        let mut diagnostics = Vec::new();
        let Some(models) = document.get("models").and_then(Node::as_array) else {
            diagnostics.push(Diagnostic::error(document.span, "the model catalogue has no list `models`"));
            return (catalogue, diagnostics);
        };
        for entry in models {
            let text = |key: &str| scalar(entry.get(key)).unwrap_or_default();
            let name = text("name");
            if name.is_empty() {
                diagnostics.push(Diagnostic::error(entry.span, "this model has no `name`"));
                continue;
            }
            catalogue.add(CatalogueModel {
                publisher: text("publisher"),
                format: text("format"),
                name,
                version: text("version"),
                lifecycle: text("lifecycle"),
                retirement: scalar(entry.get("retirement")),
            });
        }
        (catalogue, diagnostics)
    }

    fn add(&mut self, model: CatalogueModel) {
        self.by_name.entry(model.name.to_ascii_lowercase()).or_default().push(self.models.len());
        self.models.push(model);
    }

    /// The day the catalogue was compiled: `2026-11-01`.
    pub fn as_of(&self) -> Option<&str> {
        self.as_of.as_deref()
    }

    /// All models.
    pub fn models(&self) -> &[CatalogueModel] {
        &self.models
    }

    /// The entry for a deployment's model. `format` may be unknown. Without a version only an entry that speaks of all
    /// versions matches, because which version the service picks is not known.
    pub fn find(&self, format: Option<&str>, name: &str, version: Option<&str>) -> Option<&CatalogueModel> {
        let positions = self.by_name.get(&name.to_ascii_lowercase())?;
        let named = positions.iter().filter_map(|position| self.models.get(*position));
        let same_format = |model: &&CatalogueModel| {
            format.is_none_or(|format| model.format.is_empty() || model.format.eq_ignore_ascii_case(format))
        };
        let candidates: Vec<&CatalogueModel> = named.filter(same_format).collect();
        let version = version.unwrap_or_default();
        let exact = candidates
            .iter()
            .find(|model| !version.is_empty() && model.version.eq_ignore_ascii_case(version));
        exact.or_else(|| candidates.iter().find(|model| model.version.is_empty())).copied()
    }
}

/// A scalar as text: YAML reads an unquoted `0613` as a number and a date as a string.
fn scalar(node: Option<&Node>) -> Option<Arc<str>> {
    let node = node?;
    if let Some(text) = node.as_str() {
        return Some(text.into());
    }
    node.as_i64().map(|number| number.to_string().into())
}
