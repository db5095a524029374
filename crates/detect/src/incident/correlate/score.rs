//! How strongly an alert is linked to incidents.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::Ticks;

use super::settings::{Cause, Side, Weight};
use super::{Correlation, Index, Key, KeyKind, Link, LinkKind, sum};
use crate::incident::model::{Firing, Incident};
use crate::incident::record::AlertRecord;
use crate::rule::Tactic;
use crate::run::Alert;

/// The most incidents that an alert is compared with: those that share the most keys with it.
const MAX_COMPARED: usize = 100;

/// An incident that an alert may belong to.
#[derive(Clone, Debug)]
pub(in crate::incident) struct Candidate {
    pub(in crate::incident) incident: u32,
    pub(in crate::incident) score: u32,
    pub(in crate::incident) links: Vec<Link>,
}

/// How common the keys of an alert are.
struct Seen<'k> {
    /// How many incidents there are.
    all: usize,
    /// How many of them have a key, and with how many of one kind of actor it is seen.
    keys: BTreeMap<&'k Key, (usize, usize)>,
}

impl Correlation {
    /// The keys of an alert: its entities, and details that are known to be keys.
    pub fn keys(&self, alert: &Alert) -> BTreeSet<Key> {
        let entities = alert.entities.list().iter().take(super::super::record::MAX_KEPT_ENTITIES);
        let mut keys: BTreeSet<Key> = entities.flat_map(Key::of_entity).collect();
        for (name, values) in alert.details.iter() {
            if let Some(kind) = self.details.get(&name.to_lowercase()) {
                keys.extend(values.iter().flat_map(|value| items(value)).map(|value| Key::new(*kind, value)));
            }
        }
        keys
    }

    /// What it weighs that a rule groups its own alerts.
    pub(in crate::incident) fn grouped(&self, rule: &str) -> Link {
        Link {
            kind: LinkKind::Rule,
            key: None,
            weight: self.grouping,
            says: format!("The rule `{rule}` says that alerts of this kind come together."),
        }
    }

    /// The open incidents that an alert is linked to, the strongest first; of those that are as strong, the oldest.
    pub(in crate::incident) fn candidates<'i>(
        &self,
        alert: &AlertRecord,
        index: &Index,
        get: impl Fn(u32) -> Option<&'i Incident>,
    ) -> Vec<Candidate> {
        let mut shared: BTreeMap<u32, usize> = BTreeMap::new();
        let mut seen = Seen { all: index.len(), keys: BTreeMap::new() };
        for key in &alert.keys {
            let Some(incidents) = index.incidents(key) else { continue };
            if self.is_common(key, incidents.len()) {
                continue;
            }
            seen.keys
                .insert(key, (incidents.len(), breadth(key, incidents.iter().filter_map(|own| get(*own)))));
            for incident in incidents {
                *shared.entry(*incident).or_default() += 1;
            }
        }
        let mut order: Vec<(usize, u32)> =
            shared.into_iter().map(|(incident, count)| (count, incident)).collect();
        order.sort_by_key(|(count, incident)| (std::cmp::Reverse(*count), std::cmp::Reverse(*incident)));
        let mut found: Vec<Candidate> = order
            .into_iter()
            .take(MAX_COMPARED)
            .filter_map(|(_, number)| get(number))
            .filter(|incident| incident.is_open() && self.is_recent(incident, alert))
            .map(|incident| {
                let links = self.links(alert, incident, &seen);
                Candidate { incident: incident.number, score: sum(&links), links }
            })
            .filter(|candidate| candidate.score > 0)
            .collect();
        found.sort_by_key(|candidate| (std::cmp::Reverse(candidate.score), candidate.incident));
        found
    }

    fn is_common(&self, key: &Key, incidents: usize) -> bool {
        incidents > self.rarity.common && !self.keys.get(&key.kind).is_some_and(|weight| weight.exact)
    }

    fn is_recent(&self, incident: &Incident, alert: &AlertRecord) -> bool {
        gap((alert.from, alert.end), (incident.first_activity, incident.last_activity)) <= self.window
    }

    /// Why an alert belongs to an incident.
    fn links(&self, alert: &AlertRecord, incident: &Incident, seen: &Seen<'_>) -> Vec<Link> {
        // Each kind counts once, with what says most: an entity has several identifiers, and a trace several spans.
        let mut best: BTreeMap<KeyKind, (Link, &Firing)> = BTreeMap::new();
        for firing in incident.firings.values() {
            for key in alert.keys.intersection(&firing.alert.keys) {
                let Some(link) = self.shared(key, alert, firing, seen) else { continue };
                let is_better = best.get(&key.kind).is_none_or(|(known, _)| known.weight < link.weight);
                if is_better {
                    best.insert(key.kind, (link, firing));
                }
            }
        }
        if best.is_empty() {
            return Vec::new();
        }
        let caused = self.caused(alert, incident);
        let mut links: Vec<Link> = best.into_values().map(|(link, _)| link).collect();
        links.extend(caused);
        links.extend(self.further(alert, incident));
        links.sort_by_key(|link| std::cmp::Reverse(link.weight));
        links
    }

    /// What a key that both have weighs; nothing where that rounds to none.
    fn shared(&self, key: &Key, alert: &AlertRecord, firing: &Firing, seen: &Seen<'_>) -> Option<Link> {
        let weight = self.keys.get(&key.kind)?;
        let (incidents, breadth) = *seen.keys.get(key)?;
        let others = incidents.saturating_sub(1);
        let apart = gap((alert.from, alert.end), (firing.alert.from, firing.alert.end));
        let mut value = f64::from(weight.weight) * decay(apart, weight);
        let mut less = Vec::new();
        if !weight.exact {
            value *= self.rare(others, seen.all);
            let named = count(key.kind, alert).max(count(key.kind, &firing.alert));
            value *= self.spread(named.max(breadth));
            less.extend(told(others, breadth.max(named), self.spread));
            if self.strangers.kinds.contains(&key.kind) && strangers(alert, &firing.alert) {
                value *= self.strangers.share;
                less.push("different accounts are involved".to_owned());
            }
        }
        let weight = whole(value);
        let says = said(key, apart, &less);
        (weight > 0).then_some(Link { kind: LinkKind::Shared, key: Some(key.clone()), weight, says })
    }

    /// 1 for what no other incident has, and less the more have it.
    fn rare(&self, others: usize, all: usize) -> f64 {
        let real = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let all = real(all).max(self.rarity.incidents);
        let share = (1.0 + all / (1.0 + real(others))).ln() / (1.0 + all).ln();
        share.clamp(0.0, 1.0).powf(self.rarity.power)
    }

    /// Less than 1 for what is one of many, or is seen with many.
    fn spread(&self, most: usize) -> f64 {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        (f64::from(self.spread) / f64::from(most.max(self.spread))).sqrt()
    }

    /// The strongest of what leads to what.
    fn caused(&self, alert: &AlertRecord, incident: &Incident) -> Option<Link> {
        let mut found: Option<Link> = None;
        for cause in &self.causes {
            let leads = incident.firings.values().find_map(|firing| leads(cause, &firing.alert, alert));
            if let Some(key) = leads
                && found.as_ref().is_none_or(|known| known.weight < cause.weight)
            {
                let says = cause.says.replace("{key}", &format!("`{}`", key.label()));
                found = Some(Link { kind: LinkKind::Cause, key: Some(key), weight: cause.weight, says });
            }
        }
        found
    }

    /// Whether it goes further along ATT&CK than all that was found before it.
    fn further(&self, alert: &AlertRecord, incident: &Incident) -> Option<Link> {
        let furthest = stage(incident.tactics.iter().copied())?;
        let own = stage(alert.tactics.iter().copied())?;
        let is_further = own > furthest && alert.end >= incident.first_activity && self.progress > 0;
        let says = format!("It goes on from {} to {}.", furthest.as_str(), own.as_str());
        is_further.then_some(Link { kind: LinkKind::Progress, key: None, weight: self.progress, says })
    }
}

/// The tactic that is furthest along ATT&CK's matrix. Those of ICS have no place in it.
fn stage(tactics: impl Iterator<Item = Tactic>) -> Option<Tactic> {
    tactics.filter(|tactic| *tactic <= Tactic::Impact).max()
}

/// What an alert and a later one have in common where the first leads to the second.
fn leads(cause: &Cause, first: &AlertRecord, second: &AlertRecord) -> Option<Key> {
    if second.end < first.from || !has(&cause.before, first) || !has(&cause.after, second) {
        return None;
    }
    second.keys.intersection(&first.keys).find(|key| cause.shared.contains(&key.kind)).cloned()
}

fn has(side: &Side, alert: &AlertRecord) -> bool {
    let kinds = side.kinds.is_empty() || alert.keys.iter().any(|key| side.kinds.contains(&key.kind));
    kinds && (side.tactics.is_empty() || side.tactics.iter().any(|tactic| alert.tactics.contains(tactic)))
}

/// Whether both name accounts, and no account is the same.
fn strangers(one: &AlertRecord, other: &AlertRecord) -> bool {
    let accounts = |alert: &'_ AlertRecord| {
        alert.keys.iter().filter(|key| key.kind == KeyKind::Account).cloned().collect::<BTreeSet<Key>>()
    };
    let (one, other) = (accounts(one), accounts(other));
    !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
}

/// The time between two times, in ticks; 0 where they overlap.
fn gap(one: (i64, i64), other: (i64, i64)) -> i64 {
    one.0.saturating_sub(other.1).max(other.0.saturating_sub(one.1)).max(0)
}

fn decay(apart: i64, weight: &Weight) -> f64 {
    let seconds = |ticks: i64| f64::from(u32::try_from(ticks / Ticks::PER_SECOND).unwrap_or(u32::MAX));
    0.5_f64.powf(seconds(apart) / seconds(weight.half_life).max(1.0))
}

/// A weight as a whole number. Weights are at most 10,000 each.
fn whole(value: f64) -> u32 {
    value.round().clamp(0.0, 10_000.0) as u32
}

fn said(key: &Key, apart: i64, less: &[String]) -> String {
    let minutes = apart / crate::rule::duration::MINUTE;
    let when = match minutes {
        0 => "at the same time".to_owned(),
        1..=119 => format!("{minutes} minutes apart"),
        120..=2_879 => format!("{} hours apart", minutes / 60),
        _ => format!("{} days apart", minutes / 1_440),
    };
    let beside =
        if less.is_empty() { String::new() } else { format!("; it says less, since {}", less.join(" and ")) };
    format!("Both are about the {} `{}`, {when}{beside}.", key.kind.as_str(), key.label())
}

/// Why something says less than it could.
fn told(others: usize, seen_with: usize, spread: u32) -> Vec<String> {
    let mut less = Vec::new();
    match others {
        0 => {}
        1 => less.push("another incident has it as well".to_owned()),
        _ => less.push(format!("{others} other incidents have it as well")),
    }
    if seen_with > usize::try_from(spread).unwrap_or(usize::MAX) {
        less.push(format!("it is one of, or is seen with, {seen_with}"));
    }
    less
}

/// With how many agents, accounts or hosts a key is seen, whichever are most: what all use is common, however alerts about
/// it came together.
fn breadth<'i>(key: &Key, incidents: impl Iterator<Item = &'i Incident>) -> usize {
    const ACTORS: [KeyKind; 3] = [KeyKind::Agent, KeyKind::Account, KeyKind::Host];
    let mut actors: BTreeMap<KeyKind, BTreeSet<&Key>> = BTreeMap::new();
    let firings = incidents.flat_map(|incident| incident.firings.values());
    for firing in firings.filter(|firing| firing.alert.keys.contains(key)) {
        for actor in firing.alert.keys.iter().filter(|own| ACTORS.contains(&own.kind) && *own != key) {
            actors.entry(actor.kind).or_default().insert(actor);
        }
    }
    actors.values().map(BTreeSet::len).max().unwrap_or_default()
}

fn count(kind: KeyKind, alert: &AlertRecord) -> usize {
    alert.keys.iter().filter(|own| own.kind == kind).count()
}

/// The values of a detail: a list in JSON is several.
fn items(text: &str) -> Vec<String> {
    let list = text.starts_with('[').then(|| serde_json::from_str::<Vec<String>>(text).ok()).flatten();
    let items = list.unwrap_or_else(|| vec![text.to_owned()]);
    items.into_iter().filter(|item| !item.trim().is_empty()).take(100).collect()
}
