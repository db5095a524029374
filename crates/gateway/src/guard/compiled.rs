//! Profiles made ready: what has to be looked at in a text of each point.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use castellan_base::{Sources, System};
use castellan_classify::Engine;
use castellan_classify::rule::Category;
use castellan_wire::{Matter, Point};

use super::asset::{self, Asset, What};
use super::content;
use super::profile::{Action, Check, Notice, Profile, Rule, Spotlight, Streaming, read};
use super::transform::Prepared;

/// Largest file of a profile, in bytes.
const LARGEST: u64 = 1 << 20;

/// Why profiles cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfilesError {
    /// A file has faults.
    #[error("the guardrail profile `{file}` has faults: {fault}")]
    Fault {
        /// The file.
        file: String,
        /// What is wrong.
        fault: String,
    },
    /// A profile is named that does not exist.
    #[error("there is no guardrail profile `{name}`; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// A rule names a detector that does not exist.
    #[error("the rule `{rule}` names the detector `{detector}`, which is none")]
    Detector {
        /// The rule.
        rule: String,
        /// The detector.
        detector: String,
    },
    /// A rule names a file that profiles which are built in do not have.
    #[error("the rule `{rule}` names a file; put its profile into the folder of `guardrails`")]
    File {
        /// The rule.
        rule: String,
    },
    /// Profiles tokenise, and nothing says what with.
    #[error("the guardrail profiles {profiles} tokenise; add `[gate.tokens]` with a `key`")]
    NoTokens {
        /// The profiles.
        profiles: String,
    },
}

/// All profiles that there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Profiles {
    by_id: BTreeMap<String, Arc<Profile>>,
    /// Files that they name.
    assets: BTreeMap<PathBuf, Asset>,
}

impl Profiles {
    /// Those that are built in.
    ///
    /// # Errors
    /// When one of them has faults.
    pub fn builtin() -> Result<Profiles, ProfilesError> {
        let mut by_id = BTreeMap::new();
        for (file, profile) in content::profiles() {
            let profile =
                profile.map_err(|fault| ProfilesError::Fault { file, fault: fault.message.clone() })?;
            by_id.insert(profile.id.clone(), Arc::new(profile));
        }
        Ok(Profiles { by_id, assets: BTreeMap::new() })
    }

    /// With the YAML files of a folder on top: one with the same id takes the place of what was there.
    ///
    /// # Errors
    /// When a file cannot be read, or has faults.
    pub fn with_folder(mut self, folder: &Path, system: &dyn System) -> Result<Profiles, ProfilesError> {
        let fault =
            |path: &Path, fault: String| ProfilesError::Fault { file: path.display().to_string(), fault };
        let entries = system.read_dir(folder).map_err(|error| fault(folder, error.to_string()))?;
        for entry in
            entries.iter().filter(|entry| entry.path.extension().is_some_and(|ending| ending == "yaml"))
        {
            let bytes =
                system.read(&entry.path, LARGEST).map_err(|error| fault(&entry.path, error.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|error| fault(&entry.path, error.to_string()))?;
            let mut sources = Sources::default();
            let source = sources.add(entry.path.display().to_string(), text.clone());
            let profile = read(&text, source).map_err(|found| {
                let place = sources.locate(found.span).map(|place| format!("{place}: ")).unwrap_or_default();
                fault(&entry.path, format!("{place}{}", found.message))
            })?;
            for rule in &profile.rules {
                let asset =
                    asset::read(&rule.check, folder, system).map_err(|why| fault(&entry.path, why))?;
                let named = asset::named(&rule.check).map(Path::to_owned);
                self.assets.extend(named.zip(asset));
            }
            self.by_id.insert(profile.id.clone(), Arc::new(profile));
        }
        Ok(self)
    }

    /// All of them, by their ids.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.by_id.values()
    }

    /// Makes some of them ready to be used together.
    ///
    /// # Errors
    /// When one does not exist, or names detectors that do not.
    pub fn select(&self, names: &[&str], engine: &Engine) -> Result<Selected, ProfilesError> {
        let mut selected = Selected::default();
        for name in names {
            let profile = self.by_id.get(*name).ok_or_else(|| ProfilesError::Unknown {
                name: (*name).to_owned(),
                known: self.by_id.keys().cloned().collect::<Vec<_>>().join(", "),
            })?;
            selected.add(profile, engine, &self.assets)?;
        }
        Ok(selected)
    }
}

/// A rule made ready.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    /// `profile/rule`.
    pub(super) name: Arc<str>,
    pub(super) check: Check,
    pub(super) action: Action,
    pub(super) on_failure: Action,
    /// For sensitive data: which detectors of the engine count.
    pub(super) detectors: Arc<[bool]>,
    /// Whether what it tokenises is turned back in answers.
    pub(super) restores: bool,
    /// What becomes of texts.
    pub(super) transforms: Arc<[Prepared]>,
    /// The file that its check names.
    pub(super) asset: Option<Asset>,
    /// For how many seconds a request waits for a person.
    pub(super) wait: u16,
}

/// Profiles that hold together.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// Their ids and versions.
    pub names: Vec<String>,
    rules: BTreeMap<Point, Vec<Ready>>,
    /// What is asked of requests as a whole.
    whole: Vec<Ready>,
    notices: Vec<Notice>,
    streaming: Option<Streaming>,
    spotlight: Spotlight,
    distrusts_system: bool,
}

impl Selected {
    fn add(
        &mut self,
        profile: &Profile,
        engine: &Engine,
        assets: &BTreeMap<PathBuf, Asset>,
    ) -> Result<(), ProfilesError> {
        let name = format!("{}@{}", profile.id, profile.version);
        if self.names.contains(&name) {
            return Ok(());
        }
        self.names.push(name);
        for rule in &profile.rules {
            let ready = Ready::new(&profile.id, rule, engine, assets)?;
            if rule.check.is_of_request(&rule.points) {
                self.whole.push(ready);
                continue;
            }
            for point in &rule.points {
                self.rules.entry(*point).or_default().push(ready.clone());
            }
        }
        self.notices.extend(profile.notices.iter().cloned());
        let streaming = profile.stream;
        self.streaming = Some(self.streaming.map_or(streaming, |known| known.and(streaming)));
        self.spotlight = self.spotlight.max(profile.spotlight);
        self.distrusts_system |= !profile.trust_system;
        Ok(())
    }

    /// These profiles and others.
    #[must_use]
    pub fn and(&self, other: &Selected) -> Selected {
        let mut both = self.clone();
        if other.names.iter().all(|name| both.names.contains(name)) {
            return both;
        }
        both.names.extend(other.names.iter().filter(|name| !self.names.contains(name)).cloned());
        for (point, rules) in &other.rules {
            let known = both.rules.entry(*point).or_default();
            let new = rules.iter().filter(|rule| !known.iter().any(|known| known.name == rule.name)).cloned();
            let new: Vec<Ready> = new.collect();
            known.extend(new);
        }
        let is_new = |rule: &&Ready| !self.whole.iter().any(|known| known.name == rule.name);
        both.whole.extend(other.whole.iter().filter(is_new).cloned());
        let is_new = |notice: &&Notice| !self.notices.contains(notice);
        both.notices.extend(other.notices.iter().filter(is_new).cloned());
        both.streaming = match (self.streaming, other.streaming) {
            (Some(one), Some(another)) => Some(one.and(another)),
            (one, another) => one.or(another),
        };
        both.spotlight = both.spotlight.max(other.spotlight);
        both.distrusts_system |= other.distrusts_system;
        both
    }

    /// The same with harm blocked from a severity on, as an order of a playbook says.
    #[must_use]
    pub fn tightened(&self, severity: u8) -> Selected {
        let mut strict = self.clone();
        let level = Some(severity);
        let rule = Ready {
            name: "order/tighten".into(),
            check: Check::Harm { hate: level, sexual: level, violence: level, self_harm: level },
            action: Action::Block,
            on_failure: Action::Block,
            detectors: Arc::default(),
            restores: false,
            transforms: Arc::default(),
            asset: None,
            wait: 0,
        };
        for point in [Point::User, Point::ToolResult, Point::Document, Point::Output] {
            strict.rules.entry(point).or_default().push(rule.clone());
        }
        strict
    }

    /// The same without looking for attacks, for single words: no instruction fits into one, and what was trained on texts
    /// cannot say what one is.
    #[must_use]
    pub(crate) fn for_words(&self) -> Selected {
        let mut words = self.clone();
        let stays = |rule: &Ready| !matches!(rule.check, Check::Attack { .. });
        words.rules.values_mut().for_each(|rules| rules.retain(stays));
        words
    }

    pub(super) fn at(&self, point: Point) -> &[Ready] {
        self.rules.get(&point).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether nothing is looked at at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether anything of answers is looked at.
    pub fn looks_at_answers(&self) -> bool {
        [Point::Output, Point::Reasoning, Point::ToolCall, Point::ToolResult, Point::Document]
            .iter()
            .any(|point| !self.at(*point).is_empty())
    }

    /// Whether an answer may be changed.
    pub fn redacts(&self) -> bool {
        self.rules.values().flatten().any(|rule| rule.action.changes())
    }

    /// Whether something becomes tokens.
    pub(crate) fn tokenises(&self) -> bool {
        self.rules.values().flatten().any(|rule| rule.action == Action::Tokenise)
    }

    /// What is asked of requests as a whole.
    pub(super) fn of_requests(&self) -> &[Ready] {
        &self.whole
    }

    /// Whether requests are looked at as a whole, too.
    pub(crate) fn looks_at_requests(&self) -> bool {
        !self.whole.is_empty()
    }

    /// Rules about arguments of tools as a whole.
    pub(super) fn of_calls(&self) -> impl Iterator<Item = &Ready> {
        self.at(Point::ToolCall).iter().filter(|rule| matches!(rule.check, Check::Schema { .. }))
    }

    /// Whether arguments of tools are looked at as a whole.
    pub(crate) fn looks_at_calls(&self) -> bool {
        self.of_calls().next().is_some()
    }

    /// Whether texts of a point can be looked at only once they are whole.
    pub(super) fn needs_whole(&self, point: Point) -> bool {
        let needs = |rule: &Ready| {
            matches!(rule.check, Check::Schema { .. }) || rule.transforms.iter().any(Prepared::needs_whole)
        };
        self.at(point).iter().any(needs)
    }

    /// What the model is told beside the application's own instructions.
    pub(crate) fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// For how many seconds a request that rules put before a person waits for one.
    pub(crate) fn wait(&self, rules: &[&str]) -> u16 {
        let all = self.rules.values().flatten().chain(&self.whole);
        let named = all.filter(|rule| rules.contains(&&*rule.name));
        named.map(|rule| rule.wait).max().unwrap_or_default()
    }

    /// How streams are looked at.
    pub fn streaming(&self) -> Streaming {
        self.streaming.unwrap_or_default()
    }

    /// How texts of others are marked.
    pub fn spotlight(&self) -> Spotlight {
        self.spotlight
    }

    /// Where a text of the application's own instructions is judged.
    pub fn point(&self, point: Point) -> Point {
        if point == Point::System && self.distrusts_system { Point::User } else { point }
    }

    /// What follows for something that cannot be looked into, and the rule that says so.
    pub(super) fn unscanned(&self, matter: Matter, point: Point) -> (Action, Option<Arc<str>>) {
        let rules = self.at(point).iter().filter(|rule| match &rule.check {
            Check::Unscanned { matters } => matters.contains(&matter),
            _ => false,
        });
        rules
            .max_by_key(|rule| rule.action)
            .map_or((Action::Allow, None), |rule| (rule.action, Some(Arc::clone(&rule.name))))
    }
}

impl Ready {
    fn new(
        profile: &str,
        rule: &Rule,
        engine: &Engine,
        assets: &BTreeMap<PathBuf, Asset>,
    ) -> Result<Ready, ProfilesError> {
        let asset = asset::named(&rule.check).map(|name| assets.get(name).cloned());
        if asset.as_ref().is_some_and(Option::is_none) {
            return Err(ProfilesError::File { rule: rule.id.clone() });
        }
        Ok(Ready {
            name: format!("{profile}/{}", rule.id).into(),
            check: rule.check.clone(),
            action: rule.action,
            on_failure: rule.on_failure,
            detectors: detectors(rule.check.clone(), &rule.id, engine)?,
            restores: rule.restore,
            transforms: rule.transform.iter().map(Prepared::new).collect(),
            asset: asset.flatten(),
            wait: rule.wait_seconds,
        })
    }

    /// Its category.
    pub(super) fn category(&self) -> Option<(&castellan_shield::harm::NamedCategory, blake3::Hash)> {
        match &self.asset {
            Some(Asset { what: What::Category(category), hash }) => Some((category, *hash)),
            _ => None,
        }
    }

    /// Its schema.
    pub(super) fn schema(&self) -> Option<&castellan_mcp::arguments::Schema> {
        match &self.asset {
            Some(Asset { what: What::Schema(schema), .. }) => Some(schema),
            _ => None,
        }
    }
}

/// For each detector of the engine, whether a check is about it.
fn detectors(check: Check, rule: &str, engine: &Engine) -> Result<Arc<[bool]>, ProfilesError> {
    let Check::Sensitive { categories, detectors, .. } = check else { return Ok(Arc::default()) };
    if let Some(detector) = detectors.iter().find(|id| engine.rules().detector(id).is_none()) {
        return Err(ProfilesError::Detector { rule: rule.to_owned(), detector: detector.clone() });
    }
    let categories: Vec<Category> = categories.iter().filter_map(|name| Category::from_name(name)).collect();
    let is_all = categories.is_empty() && detectors.is_empty();
    let counts = engine.rules().detectors.iter().map(|detector| {
        is_all
            || categories.contains(&detector.category)
            || detectors.iter().any(|id| id.eq_ignore_ascii_case(&detector.id))
    });
    Ok(counts.collect())
}
