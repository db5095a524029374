//! How a workload stands to a control.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use castellan_base::{Evidence, ResourceId, Verdict};
use castellan_estate::Estate;
use serde_json::{Value, json};

use super::control::EXAMPLE;
use super::facts::strength;
use super::{Control, Example, Facts, GateEvidence, GateFacts, GateModel, State, Workload};
use crate::Assessment;

/// Pieces of evidence that a row lists; those beyond are counted.
const LISTED: usize = 12;
/// Ids that a query names.
const NAMED: usize = 40;

/// What was decided of a workload and a control.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// How it stands.
    pub state: State,
    /// Why, in a sentence or two.
    pub reason: String,
    /// What was looked at: `[{source, name, says, resource?, location?}]`.
    pub evidence: Vec<Value>,
    /// What to do; empty where nothing is to be done.
    pub next: String,
    /// KQL that shows it.
    pub query: String,
}

/// What a source says of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Protects,
    Partly,
    /// It sees it and lets it pass.
    Tells,
    Not,
    Unknown,
}

/// A source, what it says, and why.
struct Source {
    says: Says,
    what: Kind,
    reason: String,
    evidence: Vec<Value>,
    next: Option<String>,
    query: Option<String>,
    /// Two within the source do the same.
    doubled: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Checks,
    Gate,
    Other,
}

/// What checks say of the members of a workload.
#[derive(Default)]
pub(super) struct Said {
    of: BTreeMap<Arc<str>, Vec<OfCheck>>,
}

struct OfCheck {
    verdict: Verdict,
    resource: String,
    place: Option<String>,
    says: String,
}

impl Said {
    /// Those of an assessment.
    pub(super) fn of(workload: &Workload, assessment: &Assessment, estate: &Estate) -> Said {
        let members: BTreeSet<&ResourceId> = workload.members.iter().collect();
        let mut said = Said::default();
        for found in &assessment.findings {
            if !members.contains(&found.finding.resource) {
                continue;
            }
            let accepted = found
                .exemption
                .as_ref()
                .map(|one| format!("accepted by {} until {}", one.approver, one.expires));
            said.of.entry(Arc::clone(&found.finding.check)).or_default().push(OfCheck {
                verdict: found.finding.verdict.clone(),
                resource: found.finding.resource.as_str().to_owned(),
                place: found.finding.location.as_ref().map(ToString::to_string),
                says: accepted.unwrap_or_else(|| told(found.finding.evidence.last())),
            });
        }
        for met in &assessment.met {
            let Some(resource) = estate.resources.get(met.resource) else { continue };
            let Some(check) = assessment.checks.get(met.check) else { continue };
            if members.contains(&resource.id) {
                said.of.entry(Arc::clone(&check.check.id)).or_default().push(OfCheck {
                    verdict: Verdict::Compliant,
                    resource: resource.id.as_str().to_owned(),
                    place: None,
                    says: String::new(),
                });
            }
        }
        said
    }
}

/// An observation in a line.
fn told(evidence: Option<&Evidence>) -> String {
    let Some(evidence) = evidence else { return String::new() };
    let actual =
        evidence.actual.as_ref().map_or_else(|| "not there".to_owned(), |node| node.to_json().to_string());
    let mut line = format!("{} is {actual}", evidence.path);
    if let Some((cut, _)) = line.char_indices().nth(200) {
        line.truncate(cut);
        line.push_str("...");
    }
    line
}

/// How a workload stands to a control; nothing where the control has nothing to say about it.
pub(super) fn decide(control: &Control, workload: &Workload, said: &Said, facts: &Facts) -> Option<Decided> {
    if !control.applies.contains(&workload.kind) {
        return None;
    }
    let sources: Vec<Source> = [
        checks(control, said),
        relations(control, workload),
        gate(control, workload, facts),
        watched(control, facts),
        received(control, facts),
    ]
    .into_iter()
    .flatten()
    .collect();
    if sources.is_empty() {
        return None;
    }
    let state = if control.any { any(control, &sources) } else { all(&sources) };
    Some(Decided {
        state,
        reason: sources.iter().map(|source| source.reason.as_str()).collect::<Vec<_>>().join(" "),
        next: next(control, state, &sources),
        query: query(&sources),
        evidence: sources.into_iter().flat_map(|source| source.evidence).collect(),
    })
}

/// One of the sources is enough.
fn any(control: &Control, sources: &[Source]) -> State {
    let has = |says: Says| sources.iter().any(|source| source.says == says);
    let of = |what: Kind| sources.iter().find(|source| source.what == what).map(|source| source.says);
    match (of(Kind::Checks), of(Kind::Gate)) {
        // Whoever reaches the model past the gate is not held up; whoever comes through it is told, and passes.
        (Some(Says::Not), Some(Says::Protects)) | (Some(Says::Protects), Some(Says::Tells)) => {
            return State::Contradiction;
        }
        (Some(Says::Protects), Some(Says::Protects)) if control.overlaps => return State::Overlap,
        _ => {}
    }
    if has(Says::Protects) {
        let is_doubled = sources.iter().any(|source| source.doubled.is_some());
        return if control.overlaps && is_doubled { State::Overlap } else { State::Covered };
    }
    if has(Says::Partly) || has(Says::Tells) {
        return State::Partial;
    }
    if has(Says::Not) && (!has(Says::Unknown) || of(Kind::Checks) == Some(Says::Not)) {
        return State::Gap;
    }
    State::Unknown
}

/// All of the sources are needed.
fn all(sources: &[Source]) -> State {
    let count = |says: Says| sources.iter().filter(|source| source.says == says).count();
    if count(Says::Protects) == sources.len() {
        return State::Covered;
    }
    if count(Says::Not) > 0 {
        return if count(Says::Not) == sources.len() { State::Gap } else { State::Partial };
    }
    if count(Says::Unknown) > 0 { State::Unknown } else { State::Partial }
}

fn next(control: &Control, state: State, sources: &[Source]) -> String {
    let own = || control.next.to_string();
    match state {
        State::Covered => String::new(),
        State::Contradiction => control.contradiction.as_deref().map_or_else(own, str::to_owned),
        State::Overlap => control.overlap.as_deref().map_or_else(own, str::to_owned),
        State::Gap | State::Partial => own(),
        State::Unknown => {
            let told = sources.iter().filter(|source| source.says == Says::Unknown);
            told.filter_map(|source| source.next.clone()).next().unwrap_or_else(own)
        }
    }
}

/// The query of the source that has most to show.
fn query(sources: &[Source]) -> String {
    let with = sources.iter().filter(|source| source.query.is_some());
    let chosen = with.max_by_key(|source| (source.says != Says::Protects, source.evidence.len()));
    chosen.and_then(|source| source.query.clone()).unwrap_or_default()
}

fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

fn checks(control: &Control, said: &Said) -> Option<Source> {
    let all: Vec<(&Arc<str>, &OfCheck)> = control
        .checks
        .iter()
        .filter_map(|id| Some((id, said.of.get(id)?)))
        .flat_map(|(id, list)| list.iter().map(move |one| (id, one)))
        .collect();
    if all.is_empty() {
        return None;
    }
    let count = |is: fn(&Verdict) -> bool| all.iter().filter(|(_, one)| is(&one.verdict)).count();
    let met = count(|verdict| matches!(verdict, Verdict::Compliant));
    let unknown = count(|verdict| matches!(verdict, Verdict::Unknown(_)));
    let exempt = count(|verdict| matches!(verdict, Verdict::Exempt));
    let open = count(|verdict| matches!(verdict, Verdict::NonCompliant)) + exempt;
    let says = match (met, open, unknown) {
        (0, 0, _) => Says::Unknown,
        (_, 0, 0) => Says::Protects,
        (_, 0, _) => Says::Partly,
        (0, _, _) => Says::Not,
        _ => Says::Partly,
    };
    let is = |one: &OfCheck, words: &str| match &one.verdict {
        Verdict::Compliant => words == "met",
        Verdict::NonCompliant => words == "violated",
        Verdict::Exempt => words == "violated and accepted",
        _ => words == "not to be told",
    };
    let mut parts = Vec::new();
    for words in ["violated", "violated and accepted", "not to be told", "met"] {
        let own: Vec<&(&Arc<str>, &OfCheck)> = all.iter().filter(|(_, one)| is(one, words)).collect();
        let ids: BTreeSet<&str> = own.iter().map(|(id, _)| id.as_ref()).collect();
        // What is met needs no names.
        match (own.len(), words) {
            (0, _) => {}
            (number, "met") => parts.push(format!("{number} met")),
            (number, _) => {
                parts.push(format!("{number} {words} ({})", ids.into_iter().collect::<Vec<_>>().join(", ")))
            }
        }
    }
    let next = all.iter().find_map(|(_, one)| match &one.verdict {
        Verdict::Unknown(reason) if !reason.next_step.is_empty() => Some(reason.next_step.clone()),
        _ => None,
    });
    // What is wrong stands first.
    let mut sorted = all.clone();
    sorted.sort_by_key(|(_, one)| match one.verdict {
        Verdict::NonCompliant => 0,
        Verdict::Exempt => 1,
        Verdict::Unknown(_) => 2,
        _ => 3,
    });
    let mut evidence: Vec<Value> = sorted
        .iter()
        .take(LISTED)
        .map(|(id, one)| {
            let unknown = match &one.verdict {
                Verdict::Unknown(reason) => reason.message.as_str(),
                _ => one.says.as_str(),
            };
            json!({
                "source": "check", "name": id, "verdict": one.verdict.as_str(), "says": unknown, "resource": one.resource,
                "location": one.place,
            })
        })
        .collect();
    if sorted.len() > LISTED {
        evidence.push(json!({ "source": "check", "more": sorted.len() - LISTED }));
    }
    let ids: BTreeSet<&str> = all.iter().map(|(id, _)| id.as_ref()).collect();
    let resources: BTreeSet<&str> = sorted.iter().take(NAMED).map(|(_, one)| one.resource.as_str()).collect();
    Some(Source {
        says,
        what: Kind::Checks,
        reason: format!("Its configuration: {}.", parts.join("; ")),
        evidence,
        next,
        query: Some(format!(
            "CastellanRecommendations\n| where CheckId in ({})\n| where ResourceId in ({})\n| project State, Severity, Title, ResourceName, Location, Evidence",
            list(ids),
            list(resources)
        )),
        doubled: None,
    })
}

fn relations(control: &Control, workload: &Workload) -> Option<Source> {
    if control.relations.is_empty() {
        return None;
    }
    let there: Vec<&str> = control
        .relations
        .iter()
        .map(AsRef::as_ref)
        .filter(|kind| workload.relations.contains(*kind))
        .collect();
    let source = Source {
        says: Says::Protects,
        what: Kind::Other,
        reason: format!("The estate shows that it {}.", there.join(", ").replace('-', " ")),
        evidence: there.iter().map(|kind| json!({ "source": "relation", "name": kind })).collect(),
        next: None,
        query: Some(format!(
            "CastellanRelations\n| where Kind in ({}) and Source in ({})",
            list(there.iter().copied()),
            list(workload.members.iter().take(NAMED).map(ResourceId::as_str))
        )),
        doubled: None,
    };
    // What was not seen may not have been collected; it takes nothing away from what checks say.
    (!there.is_empty()).then_some(source)
}

/// The models of a gate that a workload is asked through.
fn fronting<'g>(gate: &'g GateFacts, workload: &Workload) -> Vec<&'g GateModel> {
    let is_front = |model: &&GateModel| {
        let is_declared =
            model.fronts.contains(&workload.name) || model.fronts.contains(workload.id.as_str());
        let is_reached = model.members.iter().any(|(host, deployment)| {
            let is_named = deployment
                .as_ref()
                .is_none_or(|name| workload.deployments.is_empty() || workload.deployments.contains(name));
            workload.hosts.contains(host) && is_named
        });
        is_declared || is_reached
    };
    gate.models.iter().filter(is_front).collect()
}

fn gate(control: &Control, workload: &Workload, facts: &Facts) -> Option<Source> {
    let wanted = control.gate.as_ref()?;
    let source = |says: Says, reason: &str| Source {
        says,
        what: Kind::Gate,
        reason: reason.to_owned(),
        evidence: Vec::new(),
        next: None,
        query: None,
        doubled: None,
    };
    let Some(gate) = &facts.gate else {
        let next = "name the gate's configuration: castellan scan --gate castellan.toml".to_owned();
        return Some(Source {
            next: Some(next),
            ..source(Says::Unknown, "No gate's configuration was read.")
        });
    };
    if let GateEvidence::Servers = wanted {
        let is_behind = workload.hosts.iter().any(|host| gate.servers.contains(host));
        return Some(match is_behind {
            true => source(Says::Protects, "Its calls go through the gate."),
            false => source(Says::Not, "The gate is not in front of it."),
        });
    }
    let models = fronting(gate, workload);
    if models.is_empty() {
        return Some(source(Says::Not, "The gate is not in front of it."));
    }
    let names: Vec<&str> = models.iter().map(|model| model.alias.as_str()).collect();
    let query = format!(
        "CastellanGateDecisions\n| where ModelName in ({})\n| summarize Requests = count() by Action, ModelName",
        list(names.iter().copied())
    );
    let through = format!("the gate, where it is `{}`,", names.join("`, `"));
    let source = match wanted {
        GateEvidence::Credentials if gate.authenticates => {
            source(Says::Protects, &format!("Whoever comes through {through} shows who they are."))
        }
        GateEvidence::Credentials => {
            source(Says::Not, &format!("Anybody may ask through {through} without a credential."))
        }
        GateEvidence::Limits if gate.limits => {
            source(Says::Protects, &format!("What is asked through {through} is limited."))
        }
        GateEvidence::Limits => {
            source(Says::Not, &format!("What is asked through {through} is not limited."))
        }
        GateEvidence::Servers => return None,
        GateEvidence::Check { check, points, action } => inspected(&models, check, points, action),
    };
    Some(Source { query: Some(query), ..source })
}

/// What the gate's profiles do at the points, for the model for which they do least.
fn inspected(models: &[&GateModel], check: &str, points: &[Arc<str>], action: &str) -> Source {
    let (mut held, mut told, mut open) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut evidence = Vec::new();
    let mut doubled = None;
    for model in models {
        let strongest = model.strongest(check);
        for point in points {
            match strongest.get(point.as_ref()) {
                Some(rule) if strength(&rule.action) >= strength(action) => {
                    held.insert(point.as_ref());
                    evidence.push(json!({
                        "source": "gate", "name": rule.name, "model": model.alias, "point": point, "says": rule.action,
                    }));
                }
                Some(rule) => {
                    told.insert(point.as_ref());
                    evidence.push(json!({
                        "source": "gate", "name": rule.name, "model": model.alias, "point": point, "says": rule.action,
                        "wanted": action,
                    }));
                }
                None => {
                    open.insert(point.as_ref());
                }
            }
            let same: Vec<&str> = model
                .rules
                .iter()
                .filter(|rule| rule.check == check && rule.points.contains(point.as_ref()))
                .filter(|rule| strength(&rule.action) >= strength(action))
                .map(|rule| rule.name.as_str())
                .collect();
            let profiles: BTreeSet<&str> = same.iter().filter_map(|name| name.split('/').next()).collect();
            if profiles.len() > 1 {
                doubled = Some(same.join(", "));
            }
        }
    }
    let (says, reason) = match (held.is_empty(), told.is_empty(), open.is_empty()) {
        (false, true, true) => (Says::Protects, format!("The gate acts on it ({}).", joined(&held))),
        (true, true, _) => (Says::Not, "The gate does not look for it.".to_owned()),
        (true, false, _) => (Says::Tells, format!("The gate only tells of it ({}).", joined(&told))),
        (false, _, _) => {
            let rest: BTreeSet<&str> = told.union(&open).copied().collect();
            (Says::Partly, format!("The gate acts on it in {}, not in {}.", joined(&held), joined(&rest)))
        }
    };
    let reason = match &doubled {
        Some(rules) => format!("{reason} Several profiles do: {rules}."),
        None => reason,
    };
    Source { says, what: Kind::Gate, reason, evidence, next: None, query: None, doubled }
}

fn joined(points: &BTreeSet<&str>) -> String {
    points.iter().copied().collect::<Vec<_>>().join(", ").replace('_', " ")
}

fn watched(control: &Control, facts: &Facts) -> Option<Source> {
    if control.watched.is_empty() {
        return None;
    }
    let empty = Source {
        says: Says::Unknown,
        what: Kind::Other,
        reason: "No analytics rules were read.".to_owned(),
        evidence: Vec::new(),
        next: Some("run it with its rules: castellan up".to_owned()),
        query: None,
        doubled: None,
    };
    let Some(rules) = &facts.rules else { return Some(empty) };
    let is_watched =
        |tables: &BTreeSet<String>| control.watched.iter().any(|table| tables.contains(table.as_ref()));
    let own: Vec<_> = rules.iter().filter(|rule| rule.enabled && is_watched(&rule.tables)).collect();
    let evidence = own
        .iter()
        .take(LISTED)
        .map(|rule| json!({ "source": "rule", "name": rule.name, "id": rule.id }))
        .collect();
    let tables = control.watched.join(", ");
    let arrives = facts.received.as_ref().map(|received| is_watched(received));
    let (says, reason) = match (own.len(), arrives) {
        (0, _) => (Says::Not, format!("No rule watches {tables}.")),
        (count, Some(false)) => (
            Says::Partly,
            format!("{} would see it, but nothing arrives in {tables}.", counted(count, "rule")),
        ),
        (count, _) => (Says::Protects, format!("{} over {tables}.", watch(count))),
    };
    let query = format!(
        "SecurityAlert\n| where AlertName in ({})\n| summarize Alerts = count(), Last = max(TimeGenerated) by AlertName",
        list(own.iter().take(NAMED).map(|rule| rule.name.as_str()))
    );
    Some(Source { says, reason, evidence, next: None, query: (!own.is_empty()).then_some(query), ..empty })
}

fn watch(count: usize) -> String {
    if count == 1 { "1 rule watches".to_owned() } else { format!("{count} rules watch") }
}

/// What rows of other services tell. That some arrive does not say that this workload is among them.
fn received(control: &Control, facts: &Facts) -> Option<Source> {
    if control.received.is_empty() {
        return None;
    }
    let tables = control.received.join(", ");
    let there: Vec<&str> = match &facts.received {
        Some(received) => {
            control.received.iter().map(AsRef::as_ref).filter(|table| received.contains(*table)).collect()
        }
        None => Vec::new(),
    };
    let (says, reason) = match there.is_empty() {
        true => (Says::Unknown, format!("Nothing of {tables} was collected.")),
        false => (
            Says::Partly,
            format!("Rows arrive in {}; which of its data they speak of is not told.", there.join(", ")),
        ),
    };
    Some(Source {
        says,
        what: Kind::Other,
        reason,
        evidence: there.iter().map(|table| json!({ "source": "table", "name": table })).collect(),
        next: Some(control.next.to_string()),
        query: there.first().map(|table| format!("{table}\n| where TimeGenerated > ago(7d)\n| take 100")),
        doubled: None,
    })
}

/// Texts of KQL, separated by commas.
fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    texts.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// A text as KQL writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => written.extend(['\\', letter]),
            letter if letter.is_control() => written.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => written.push(letter),
        }
    }
    written.push('"');
    written
}

/// What comes out for an example.
pub(super) fn of_example(control: &Control, example: &Example) -> Option<State> {
    let id = ResourceId::build("", "Castellan.External/examples", &[EXAMPLE]);
    let workload = Workload {
        name: EXAMPLE.to_owned(),
        kind: example.workload,
        members: vec![id.clone()],
        relations: ["runs-as", "reached-through", "fronted-by", "encrypted-by"]
            .into_iter()
            .filter(|kind| example.relations.iter().any(|own| &**own == *kind))
            .collect(),
        hosts: [EXAMPLE.to_owned()].into(),
        deployments: BTreeSet::new(),
        id,
    };
    let mut said = Said::default();
    for (check, verdict) in &example.checks {
        let verdict = match verdict.as_ref() {
            "compliant" => Verdict::Compliant,
            "non-compliant" => Verdict::NonCompliant,
            "exempt" => Verdict::Exempt,
            _ => Verdict::Unknown(castellan_base::UnknownReason {
                kind: castellan_base::UnknownKind::NotCollected,
                message: String::new(),
                next_step: String::new(),
            }),
        };
        let one = OfCheck { verdict, resource: EXAMPLE.to_owned(), place: None, says: String::new() };
        said.of.entry(Arc::clone(check)).or_default().push(one);
    }
    decide(control, &workload, &said, &example.facts).map(|decided| decided.state)
}
