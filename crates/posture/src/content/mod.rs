//! Built-in content: checks, framework packs, the secure score's controls and the model catalogue.
//!
//! Content is data, written as YAML under `content/` and embedded in the binary. A check is metadata around an ordinary
//! Azure Policy rule, with the change that fixes a violation and examples of what it must say. People can lay their own
//! folder of the same layout on top with [`Content::load_dir`].
//!
//! Reading never fails as a whole: a file that cannot be used is left out and a [`Diagnostic`] says why and where.
//!
//! ```
//! use castellan_posture::content::Content;
//!
//! let content = Content::embedded();
//! let check = content.check("ai-services-key-access").unwrap();
//! assert!(check.frameworks.iter().any(|id| id.pack() == "mcsb:v2"));
//! ```

mod check;
mod framework;
pub(crate) mod reader;
mod score;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use castellan_base::{Diagnostic, FrameworkId, Limits, Node, Sources, Span, System, yaml};
use rust_embed::RustEmbed;

pub use check::{
    Addition, Assignment, AttackSurface, Category, Check, Example, Expectation, Fix, TerraformFix,
};
pub use framework::{Control, Framework};
pub use score::ScoreControl;

/// The checks, compiled in. `content/` has more than is read here, so that its parts are named one by one.
#[derive(RustEmbed)]
#[folder = "../../content/policies"]
#[prefix = "policies/"]
struct Policies;

/// The framework packs, compiled in.
#[derive(RustEmbed)]
#[folder = "../../content/frameworks"]
#[prefix = "frameworks/"]
struct Frameworks;

/// The files of `content/` that stand alone.
const FILES: [(&str, &str); 2] = [
    ("score.yaml", include_str!("../../../../content/score.yaml")),
    ("models.yaml", include_str!("../../../../content/models.yaml")),
];

/// Everything that the judgement needs besides the estate itself.
#[derive(Debug)]
pub struct Content {
    /// The files that were read; spans of definitions, fixes and diagnostics point here.
    pub sources: Sources,
    /// Checks, by id.
    pub checks: Vec<Check>,
    /// Framework packs, by [`Framework::pack`].
    pub frameworks: Vec<Framework>,
    /// Controls of the classic secure score, in the order of `score.yaml`.
    pub score_controls: Vec<ScoreControl>,
    /// The model catalogue as written: `{as_of, source, models: [{publisher, format, name, version, lifecycle,
    /// retirement?, replacement?}]}`, dates as `YYYY-MM-DD`. Null when there is none.
    pub models: Node,
    /// What could not be used, and why.
    pub diagnostics: Vec<Diagnostic>,
}

impl Default for Content {
    fn default() -> Self {
        Content {
            sources: Sources::default(),
            checks: Vec::new(),
            frameworks: Vec::new(),
            score_controls: Vec::new(),
            models: Node::NULL,
            diagnostics: Vec::new(),
        }
    }
}

impl Content {
    /// The content that is built into the binary.
    pub fn embedded() -> Content {
        let mut content = Content::default();
        content.read_embedded::<Frameworks>();
        for (path, text) in FILES {
            content.read_file(path, text.as_bytes());
        }
        content.read_embedded::<Policies>();
        content.finish();
        content
    }

    /// Lays a folder with the layout of `content/` on top. A check, pack, score control or catalogue of the same id
    /// replaces the one that is there; everything else stays.
    pub fn load_dir(&mut self, system: &dyn System, folder: &Path) {
        let mut found = false;
        for part in ["policies", "frameworks"] {
            let Ok(entries) = system.read_dir(&folder.join(part)) else { continue };
            for entry in entries.into_iter().filter(|entry| !entry.is_dir) {
                let name = entry.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if name.ends_with(".yaml") || name.ends_with(".yml") {
                    found = true;
                    self.read_from(system, &entry.path, &format!("{part}/{name}"));
                }
            }
        }
        for name in ["score.yaml", "models.yaml"] {
            let path = folder.join(name);
            if system.exists(&path) {
                found = true;
                self.read_from(system, &path, name);
            }
        }
        if !found {
            let message = format!("no content in `{}`", folder.display());
            let help = "put checks into `policies/` and framework packs into `frameworks/`";
            self.diagnostics.push(Diagnostic::warning(Span::NONE, message).with_help(help));
        }
        self.finish();
    }

    /// The check with an id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|check| &*check.id == id)
    }

    /// The pack `framework:edition` (or `framework` alone where there are no editions).
    pub fn framework(&self, pack: &str) -> Option<&Framework> {
        self.frameworks.iter().find(|framework| framework.pack() == pack)
    }

    /// The control that an id names, if a pack defines it.
    pub fn control(&self, id: &FrameworkId) -> Option<&Control> {
        self.framework(id.pack())?.control(id.control())
    }

    /// The secure score control with an id.
    pub fn score_control(&self, id: &str) -> Option<&ScoreControl> {
        self.score_controls.iter().find(|control| &*control.id == id)
    }

    fn read_from(&mut self, system: &dyn System, path: &Path, role: &str) {
        match system.read(path, Limits::default().bytes) {
            Ok(bytes) => self.read_as(&path.display().to_string(), role, &bytes),
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", path.display());
                self.diagnostics.push(Diagnostic::error(Span::NONE, message));
            }
        }
    }

    fn read_embedded<F: RustEmbed>(&mut self) {
        let mut paths: Vec<Cow<'static, str>> = F::iter().collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| path.ends_with(".yaml")) {
            if let Some(file) = F::get(&path) {
                self.read_file(&path, &file.data);
            }
        }
    }

    fn read_file(&mut self, path: &str, bytes: &[u8]) {
        self.read_as(path, path, bytes);
    }

    /// Reads one file. `role` is its path inside the content folder, which says what it holds.
    fn read_as(&mut self, path: &str, role: &str, bytes: &[u8]) {
        let text: Arc<str> = String::from_utf8_lossy(bytes).into();
        let source = self.sources.add(path, Arc::clone(&text));
        let document = match yaml::parse(&text, source, &Limits::default()) {
            Ok(document) => document,
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic);
                return;
            }
        };
        let file = role.rsplit('/').next().unwrap_or(role);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        if role.starts_with("policies/") {
            if let Some(found) = check::read(&document, stem, &mut self.diagnostics) {
                replace(&mut self.checks, found, |left, right| left.id == right.id);
            }
        } else if role.starts_with("frameworks/") {
            if let Some(found) = framework::read(&document, stem, &mut self.diagnostics) {
                replace(&mut self.frameworks, found, |left, right| left.pack() == right.pack());
            }
        } else if role == "score.yaml" {
            for found in score::read(&document, &mut self.diagnostics) {
                replace(&mut self.score_controls, found, |left, right| left.id == right.id);
            }
        } else if role == "models.yaml" {
            self.models = document;
        } else {
            let help = "known are `policies/`, `frameworks/`, `score.yaml` and `models.yaml`";
            let message = format!("`{role}` is no content file");
            self.diagnostics.push(Diagnostic::warning(document.span, message).with_help(help));
        }
    }

    /// Sorts, and reports references that lead nowhere. Runs again after each folder, so it keeps no state.
    fn finish(&mut self) {
        self.checks.sort_by(|left, right| left.id.cmp(&right.id));
        self.frameworks.sort_by_key(Framework::pack);
        let mut dangling = Vec::new();
        for check in &self.checks {
            for id in check.frameworks.iter().filter(|id| self.control(id).is_none()) {
                let message = format!("check `{}` maps to `{id}`, which no framework pack defines", check.id);
                dangling.push(Diagnostic::error(check.span, message));
            }
            if self.score_control(&check.control).is_none() {
                let message =
                    format!("check `{}` counts to `{}`, which is no score control", check.id, check.control);
                dangling.push(Diagnostic::error(check.span, message));
            }
        }
        dangling.retain(|diagnostic| !self.diagnostics.contains(diagnostic));
        self.diagnostics.append(&mut dangling);
    }
}

fn replace<T>(items: &mut Vec<T>, item: T, same: impl Fn(&T, &T) -> bool) {
    match items.iter_mut().find(|existing| same(existing, &item)) {
        Some(existing) => *existing = item,
        None => items.push(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(role: &str, text: &str) -> Content {
        let mut content = Content::default();
        content.read_as(role, role, text.as_bytes());
        content
    }

    fn complaints(role: &str, text: &str) -> Vec<String> {
        let content = read(role, text);
        assert!(content.checks.is_empty() && content.frameworks.is_empty());
        let complaint = |diagnostic: &Diagnostic| {
            let place = content.sources.locate(diagnostic.span).map(|place| place.to_string());
            format!("{}: {}", place.unwrap_or_default(), diagnostic.message)
        };
        content.diagnostics.iter().map(complaint).collect()
    }

    const CHECK: &str = "id: a\nversion: 1\ntitle: t\nseverity: low\ncategory: data\ncontrol: c\nrisk: r\n\
        remediation: m\nframeworks: [x:y]\nattack_surface: [data]\npolicy: {policyRule: {if: {}}}\n";

    #[test]
    fn a_check_is_read_and_replaced_by_a_later_one() {
        let mut content = read("policies/a.yaml", CHECK);
        assert_eq!((content.diagnostics.len(), content.checks.len()), (0, 1));
        content.read_as("mine.yaml", "policies/a.yaml", CHECK.replace("low", "high").as_bytes());
        let severities: Vec<&str> = content.checks.iter().map(|check| check.severity.as_str()).collect();
        assert_eq!(severities, ["high"]);
        content.finish();
        content.finish();
        assert_eq!(
            content.diagnostics.len(),
            2,
            "the unknown framework and the unknown score control, once each"
        );
    }

    #[test]
    fn faults_are_positioned() {
        let file = "policies/a.yaml";
        let misspelt = complaints(file, &CHECK.replace("severity: low", "severity: lo\nseverty: low"));
        assert_eq!(
            misspelt[0],
            "policies/a.yaml:4:11: `lo` is no severity; known are info, low, medium, high, critical"
        );
        assert_eq!(misspelt[1], "policies/a.yaml:5:1: `severty` is no known member here");
        assert_eq!(complaints(file, "[1]"), ["policies/a.yaml:1:1: a check has to be an object, not array"]);
        assert_eq!(
            complaints("policies/b.yaml", CHECK),
            ["policies/b.yaml:1:1: the check `a` has to stand in `a.yaml`"]
        );
        let twice =
            "id: f\ntitle: t\npublisher: p\nurl: u\ncontrols: [{id: A, title: a}, {id: A, title: b}]\n";
        assert_eq!(complaints("frameworks/f.yaml", twice), ["frameworks/f.yaml:5:31: `A` stands here twice"]);
        assert_eq!(complaints("other.yaml", "a: 1"), ["other.yaml:1:1: `other.yaml` is no content file"]);
        assert_eq!(complaints(file, "{").len(), 1);
    }

    #[test]
    fn unresolved_values_can_be_written() {
        let example = "examples:\n- {name: n, expect: unknown, resource: {type: T, properties: {a: {$unresolved: p}}}}\n";
        let content = read("policies/a.yaml", &format!("{CHECK}{example}"));
        let value = content.checks[0].examples[0].resource.at_path("properties.a").unwrap();
        assert_eq!(&*value.as_unresolved().unwrap().expression, "p");
    }
}
