//! What was found becomes alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use castellan_base::{Sources, Ticks};
use castellan_detect::entity::Entities;
use castellan_detect::rule::{Rule, Severity, read::read};
use castellan_detect::run::{Alert, Details, Identity, MAX_IDENTITIES};
use uuid::Uuid;

use super::search::Match;

const RULES: &str = include_str!("../../../../content/intel/rules.yaml");

/// The id of the rule whose alerts are about what arrives.
pub const LIVE: &str = "6f6b2c0e-5b5c-4a53-9c9f-1f8a2f7d1c01";
/// The id of the rule whose alerts are about the past.
pub const RETRO: &str = "6f6b2c0e-5b5c-4a53-9c9f-1f8a2f7d1c02";

/// A rule of `content/intel`: the one whose alerts matches become.
pub fn rule(id: &str) -> Option<&'static Rule> {
    static LOADED: OnceLock<Vec<Rule>> = OnceLock::new();
    // A test reads them; there is nothing to report.
    let rules = LOADED.get_or_init(|| read("rules.yaml", RULES, &mut Sources::default()).rules);
    rules.iter().find(|rule| &*rule.id == id)
}

/// All matches of an indicator's value in a run.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The id of the indicator.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How sure its creator is.
    pub confidence: Option<u8>,
    /// The value.
    pub value: String,
    /// The kind of what stands in rows.
    pub kind: &'static str,
    /// The tables and columns in which it was found.
    pub places: BTreeSet<String>,
    /// What stands in rows, some of it.
    pub seen: BTreeSet<String>,
    /// How many events.
    pub results: u64,
    /// Which ones, the first of them.
    pub identities: Vec<Identity>,
    /// The first event.
    pub start: Option<Ticks>,
    /// The last one.
    pub end: Option<Ticks>,
    /// Whom and what they are about.
    pub entities: Entities,
}

/// The most values of rows that are told of one indicator.
const MAX_SEEN: usize = 20;

/// What a run over a time found: memory grows with the indicators that were found, not with events.
#[derive(Clone, Debug, Default)]
pub struct Run {
    found: BTreeMap<(String, String), Found>,
}

impl Run {
    /// Takes a match in.
    pub fn take(&mut self, table: &str, found: Match<'_>) {
        let key = (found.named.id.to_owned(), found.value.clone());
        let own = self.found.entry(key).or_insert_with(|| Found {
            id: found.named.id.to_owned(),
            name: found.named.name.to_owned(),
            confidence: found.named.confidence,
            value: found.value.clone(),
            kind: found.kind.name(),
            ..Found::default()
        });
        own.results += 1;
        own.start = Some(own.start.map_or(found.time, |start| start.min(found.time)));
        own.end = Some(own.end.map_or(found.time, |end| end.max(found.time)));
        own.places.extend(found.columns.iter().map(|column| format!("{table}.{column}")));
        if own.seen.len() < MAX_SEEN {
            own.seen.insert(found.seen);
        }
        if own.identities.len() < MAX_IDENTITIES {
            own.identities.push(found.row);
        }
        found.about.into_iter().for_each(|entity| own.entities.add(entity));
    }

    /// Takes all of another run in.
    pub fn join(&mut self, other: Run) {
        for (key, found) in other.found {
            match self.found.get_mut(&key) {
                None => {
                    self.found.insert(key, found);
                }
                Some(own) => {
                    own.results += found.results;
                    own.start = [own.start, found.start].into_iter().flatten().min();
                    own.end = own.end.max(found.end);
                    own.places.extend(found.places);
                    let room = MAX_SEEN.saturating_sub(own.seen.len());
                    own.seen.extend(found.seen.into_iter().take(room));
                    let room = MAX_IDENTITIES.saturating_sub(own.identities.len());
                    own.identities.extend(found.identities.into_iter().take(room));
                    found.entities.list().iter().cloned().for_each(|entity| own.entities.add(entity));
                }
            }
        }
    }

    /// What was found, in the order of ids.
    pub fn found(&self) -> impl Iterator<Item = &Found> {
        self.found.values()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

/// Alerts of a rule of `content/intel` for what a run over a time found: one for each indicator and value. The same run
/// gives the same ids.
pub fn alerts(rule: &Rule, run: &Run, from: Ticks, until: Ticks) -> Vec<Alert> {
    run.found().map(|found| alert(rule, found, from, until)).collect()
}

fn alert(rule: &Rule, found: &Found, from: Ticks, until: Ticks) -> Alert {
    let key = [&*rule.id, &found.id, &found.value, &from.to_string(), &until.to_string()].join("\u{1f}");
    let called = if found.name.is_empty() { &found.id } else { &found.name };
    let mut details = Details::default();
    let mut tell = |name: &str, value: String| details.add(&Arc::from(name), value);
    tell("IndicatorId", found.id.clone());
    tell("IndicatorName", found.name.clone());
    tell("Observable", found.value.clone());
    tell("ObservableKind", found.kind.to_owned());
    tell("Confidence", found.confidence.map(|confidence| confidence.to_string()).unwrap_or_default());
    found.places.iter().for_each(|place| tell("Column", place.clone()));
    found.seen.iter().for_each(|seen| tell("Seen", seen.clone()));
    let about: Vec<&str> = found.places.iter().map(String::as_str).collect();
    let context = BTreeMap::from([
        ("Query Start Time UTC", from.to_string()),
        ("Query End Time UTC", until.to_string()),
        ("Analytic Rule Name", rule.name.to_string()),
        ("Analytic Rule Ids", serde_json::json!([&*rule.id]).to_string()),
        ("Threat Intelligence Indicator", found.id.clone()),
    ]);
    let confidence = found.confidence.map(|confidence| format!(" with confidence {confidence}"));
    Alert {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()),
        rule: Arc::clone(&rule.id),
        rule_name: Arc::clone(&rule.name),
        name: format!("{}: {}", rule.name, found.value),
        description: format!(
            "{} `{called}` names `{}`{}; {} events have it in {}.",
            rule.description,
            found.value,
            confidence.unwrap_or_default(),
            found.results,
            about.join(", ")
        ),
        severity: severity(rule, found.confidence),
        tactics: rule.tactics.clone(),
        techniques: Vec::new(),
        raised: until,
        start: found.start.unwrap_or(from),
        end: found.end.unwrap_or(until),
        entities: found.entities.clone(),
        details,
        results: found.results,
        identities: found.identities.clone(),
        properties: BTreeMap::new(),
        context: Arc::new(context),
    }
}

/// The surer the creator of an indicator is, the worse is a match.
fn severity(rule: &Rule, confidence: Option<u8>) -> Severity {
    match confidence {
        None => rule.severity,
        Some(80..) => Severity::High,
        Some(40..) => Severity::Medium,
        Some(_) => Severity::Low,
    }
}
