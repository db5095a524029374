//! What stands beside an estate: a gate's configuration and analytics rules, as the coverage of layers wants them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_detect::check::report;
use castellan_gateway::config::{self, Config};
use castellan_gateway::guard::{Profile, Profiles};
use castellan_posture::coverage::{GateFacts, GateModel, GateRule, RuleFacts};
use serde::Deserialize;

use crate::detect::Read;
use crate::output::read_text;

/// Largest configuration, in bytes.
const LARGEST: u64 = 1 << 20;

/// What `castellan.toml` says of coverage, beside `[gate]`.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    coverage: Fronts,
}

/// `[coverage]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fronts {
    /// Workloads by name or id that are asked through a model of the gate, by its alias.
    fronts: BTreeMap<String, Vec<String>>,
}

/// What a gate's configuration says.
///
/// Errors: a file or profiles that cannot be used.
pub(crate) fn gate_facts(path: &Path, system: &dyn System) -> Result<GateFacts> {
    let text = read_text(path, LARGEST, system)?;
    let named = || format!("`{}` cannot be used", path.display());
    let file: File = toml::from_str(&text).with_context(named)?;
    of_config(&config::read(&text).with_context(named)?, &file.coverage.fronts, system)
}

fn of_config(
    config: &Config,
    fronts: &BTreeMap<String, Vec<String>>,
    system: &dyn System,
) -> Result<GateFacts> {
    let mut profiles = Profiles::builtin()?;
    if let Some(folder) = &config.guardrails {
        profiles = profiles.with_folder(folder, system)?;
    }
    let by_id: BTreeMap<&str, &Profile> =
        profiles.all().map(|profile| (profile.id.as_str(), &**profile)).collect();
    let mut facts = GateFacts {
        authenticates: !config.anonymous
            && (config.keys.is_some() || !config.issuer.is_empty() || !config.certificate.is_empty()),
        limits: !config.limits.rules.is_empty(),
        ..GateFacts::default()
    };
    for (alias, pool) in &config.upstreams.models {
        let own = config.model_profiles.get(alias);
        let names: BTreeSet<&String> = config.profiles.iter().chain(own.into_iter().flatten()).collect();
        let rules =
            names.iter().filter_map(|name| by_id.get(name.as_str())).flat_map(|profile| rules(profile));
        let members =
            pool.members.iter().filter_map(|member| Some((host(&member.url)?, member.model.clone())));
        facts.models.push(GateModel {
            alias: alias.clone(),
            members: members.collect(),
            fronts: fronts.get(alias).into_iter().flatten().cloned().collect(),
            rules: rules.collect(),
        });
    }
    facts.servers = config.mcp.iter().flat_map(|mcp| mcp.addresses()).filter_map(host).collect();
    Ok(facts)
}

fn rules(profile: &Profile) -> impl Iterator<Item = GateRule> + '_ {
    profile.rules.iter().map(|rule| GateRule {
        name: format!("{}/{}", profile.id, rule.id),
        check: rule.check.as_str().to_owned(),
        points: rule.points.iter().map(|point| point.as_str().to_owned()).collect(),
        action: rule.action.as_str().to_owned(),
    })
}

fn host(url: &str) -> Option<String> {
    let url: reqwest::Url = url.parse().ok()?;
    url.host_str().map(str::to_ascii_lowercase)
}

/// What rules watch.
pub(crate) fn rule_facts(read: &Read) -> Vec<RuleFacts> {
    let made = report(&read.rules, &read.schemas, &read.sources);
    let of =
        |(rule, checked): (&castellan_detect::rule::Rule, &castellan_detect::check::Checked)| RuleFacts {
            id: rule.id.to_string(),
            name: rule.name.to_string(),
            tables: checked.tables.iter().map(ToString::to_string).collect(),
            enabled: rule.enabled,
        };
    read.rules.iter().zip(&made.rules).map(of).collect()
}
