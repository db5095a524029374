//! The gate as people see it who look after it, and what it would do with a text. No secret is in it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::PoisonError;

use castellan_access::key::KeyStore;
use castellan_access::policy::Effect;
use castellan_classify::Engine;
use castellan_respond::actions::Orders;
use castellan_wire::{Passage, Point, edit};
use serde::Serialize;

use crate::config::{Config, Content};
use crate::gate::Gate;
use crate::guard::{Action, Check, Judgement, Memory, Profile, ProfilesError, Selected};
use crate::limit::Kind;
use crate::upstream::{Form, Standing};

/// How a gate stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Whether there is one.
    pub open: bool,
    /// Where it listens.
    pub listen: Option<String>,
    /// Whether connections are encrypted.
    pub tls: bool,
    /// Whether clients without a credential are served.
    pub anonymous: bool,
    /// Whether there are virtual keys.
    pub keys: bool,
    /// Whether orders can be given.
    pub orders: bool,
    /// How much of texts is recorded: `none`, `redacted`, `full`.
    pub record: &'static str,
    /// Profiles that hold for all requests.
    pub active_profiles: Vec<String>,
    /// All profiles.
    pub profiles: Vec<ProfileView>,
    /// Models and where they are served.
    pub models: Vec<ModelView>,
    /// Limits.
    pub limits: Vec<LimitView>,
    /// Policies.
    pub policies: Vec<PolicyView>,
}

/// A guardrail profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileView {
    id: String,
    title: String,
    description: String,
    version: u32,
    active: bool,
    models: Vec<String>,
    rules: Vec<RuleView>,
}

/// A rule of a profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleView {
    id: String,
    check: &'static str,
    points: Vec<Point>,
    action: Action,
    on_failure: Action,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelView {
    alias: String,
    provider: String,
    members: Vec<MemberView>,
}

/// A server of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberView {
    name: String,
    host: String,
    model: Option<String>,
    form: &'static str,
    weight: u32,
    priority: u32,
    state: &'static str,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitView {
    name: String,
    per: Vec<&'static str>,
    only: BTreeMap<&'static str, Vec<String>>,
    unit: &'static str,
    window: &'static str,
    limit: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<f64>,
    kind: &'static str,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyView {
    id: String,
    effect: &'static str,
    text: String,
}

/// What profiles would do with a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What was found.
    pub judgement: Judgement,
    /// The text as it would pass, where something of it goes.
    pub changed: Option<String>,
    /// Where what was found stands, in bytes, for each hit of the judgement, where that is known.
    pub ranges: Vec<Vec<Range<usize>>>,
    /// The profiles, with their versions.
    pub profiles: Vec<String>,
}

impl Gate {
    /// What it was made of.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Virtual keys, where there are some.
    pub fn keys(&self) -> Option<&KeyStore> {
        self.keys.as_ref()
    }

    /// Orders that it keeps to, where it was told where they are.
    pub fn orders(&self) -> Option<&Orders> {
        self.orders.as_ref()
    }

    /// How it stands. Members of pools are asked, so that it has to be called on a runtime of `tokio`.
    pub fn view(&self) -> View {
        let config = &self.config;
        View {
            open: true,
            listen: Some(config.listen.to_string()),
            tls: config.tls.is_some(),
            anonymous: config.anonymous,
            keys: self.keys.is_some(),
            orders: self.orders.is_some(),
            record: match config.record.content {
                Content::None => "none",
                Content::Redacted => "redacted",
                Content::Full => "full",
            },
            active_profiles: config.profiles.clone(),
            profiles: self.profiles(|profile| profile_view(profile, config)),
            models: self.models(),
            limits: config.limits.rules.iter().map(limit_view).collect(),
            policies: self.policies.list().into_iter().map(policy_view).collect(),
        }
    }

    fn models(&self) -> Vec<ModelView> {
        let models = self.config.upstreams.models.iter();
        models
            .map(|(alias, pool)| {
                let standing = self.upstreams.standing(alias);
                let member = |(number, member): (usize, &crate::upstream::MemberConfig)| {
                    let name = member.name.clone().unwrap_or_else(|| format!("{alias}/{number}"));
                    let state = standing.iter().find(|(known, _)| **known == *name);
                    MemberView {
                        host: host(&member.url),
                        model: member.model.clone(),
                        form: form(member.form),
                        weight: member.weight,
                        priority: member.priority,
                        state: state.map_or("closed", |(_, standing)| word(*standing)),
                        name,
                    }
                };
                let members = pool.members.iter().enumerate().map(member).collect();
                ModelView { alias: alias.clone(), provider: self.provider(alias).to_owned(), members }
            })
            .collect()
    }

    /// What profiles would do with a text: those that hold for all requests, or these. Nothing is recorded.
    ///
    /// # Errors
    /// A profile that does not exist.
    pub fn try_text(
        &self,
        point: Point,
        text: &str,
        profiles: Option<&[String]>,
    ) -> Result<Trial, ProfilesError> {
        let selected = match profiles {
            None => self.selected("", std::iter::empty())?,
            Some(names) => self.chosen(names)?,
        };
        let passage = Passage { point, path: "text".to_owned(), text: text.to_owned(), segments: Vec::new() };
        let (judgement, changes) = self.inspector.passage(&passage, &selected, &mut Memory::new("trial"));
        let passes_changed = !judgement.action.stops() && !changes.edits.is_empty();
        let changed = passes_changed.then(|| edit::applied(text, changes.edits).ok()).flatten();
        let ranges = ranges(self.inspector.engine(), &judgement, text);
        Ok(Trial { judgement, changed, ranges, profiles: selected.names.clone() })
    }

    fn chosen(&self, names: &[String]) -> Result<std::sync::Arc<Selected>, ProfilesError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let guard = self.guard.read().unwrap_or_else(PoisonError::into_inner);
        guard.profiles.select(&names, self.inspector.engine()).map(std::sync::Arc::new)
    }

    fn profiles<T>(&self, each: impl Fn(&Profile) -> T) -> Vec<T> {
        let guard = self.guard.read().unwrap_or_else(PoisonError::into_inner);
        guard.profiles.all().map(|profile| each(profile)).collect()
    }
}

/// Where detectors found what hits are about. Other checks do not tell places.
fn ranges(engine: &Engine, judgement: &Judgement, text: &str) -> Vec<Vec<Range<usize>>> {
    let is_sensitive = |check: &str| check == "sensitive";
    if !judgement.hits.iter().any(|hit| is_sensitive(hit.check)) {
        return vec![Vec::new(); judgement.hits.len()];
    }
    let findings = engine.scan(text);
    let id = |detector: usize| engine.rules().detectors.get(detector).map(|detector| detector.id.to_string());
    let of = |what: &str| {
        let own = findings.iter().filter(|finding| id(finding.detector).as_deref() == Some(what));
        own.map(castellan_classify::Finding::range).collect()
    };
    let hits = judgement.hits.iter();
    hits.map(|hit| if is_sensitive(hit.check) { of(&hit.what) } else { Vec::new() }).collect()
}

fn profile_view(profile: &Profile, config: &Config) -> ProfileView {
    let rule = |rule: &crate::guard::Rule| RuleView {
        id: rule.id.clone(),
        check: Check::as_str(&rule.check),
        points: rule.points.clone(),
        action: rule.action,
        on_failure: rule.on_failure,
    };
    let for_models = config.model_profiles.iter().filter(|(_, names)| names.contains(&profile.id));
    ProfileView {
        id: profile.id.clone(),
        title: profile.title.clone(),
        description: profile.description.clone(),
        version: profile.version,
        active: config.profiles.contains(&profile.id),
        models: for_models.map(|(model, _)| model.clone()).collect(),
        rules: profile.rules.iter().map(rule).collect(),
    }
}

fn limit_view(rule: &crate::limit::Rule) -> LimitView {
    use crate::limit::{Dimension, Window};
    let dimension = |dimension: &Dimension| match dimension {
        Dimension::Principal => "principal",
        Dimension::Key => "key",
        Dimension::Model => "model",
        Dimension::Application => "application",
        Dimension::Server => "server",
        Dimension::Tool => "tool",
    };
    LimitView {
        name: rule.name.clone(),
        per: rule.per.iter().map(dimension).collect(),
        only: rule.only.iter().map(|(own, values)| (dimension(own), values.clone())).collect(),
        unit: rule.unit.as_str(),
        window: match rule.window {
            Window::Minute => "minute",
            Window::Hour => "hour",
            Window::Day => "day",
            Window::Month => "month",
        },
        limit: rule.limit,
        burst: rule.burst,
        kind: match rule.kind() {
            Kind::Rate => "rate",
            Kind::Quota => "quota",
        },
    }
}

fn policy_view(listed: castellan_access::policy::Listed) -> PolicyView {
    PolicyView {
        id: listed.decided.id.to_string(),
        effect: match listed.decided.effect {
            Effect::Permit => "permit",
            Effect::Forbid => "forbid",
        },
        text: listed.text,
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Closed => "closed",
        Standing::Open => "open",
        Standing::HalfOpen => "half-open",
        Standing::Resting => "resting",
        Standing::Down => "down",
    }
}

fn form(form: Form) -> &'static str {
    match form {
        Form::OpenAi => "openai",
        Form::Azure => "azure",
        Form::AzureV1 => "azure-v1",
        Form::Anthropic => "anthropic",
        Form::Ollama => "ollama",
    }
}

/// The host of an address, with its port: paths may hold what is nobody's business.
pub(crate) fn host(url: &str) -> String {
    let uri: Option<http::Uri> = url.parse().ok();
    let authority = uri.as_ref().and_then(http::Uri::authority);
    authority
        .map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default().to_owned())
        .unwrap_or_default()
}
