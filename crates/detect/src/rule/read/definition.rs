//! One rule: the members of a YAML file, which are also those of the properties of a resource.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node};
use uuid::Uuid;

use super::fields::{Fields, as_placed};
use super::settings::{details, entities, entity_columns, grouping, incident, overrides};
use super::{MAX_QUERY, fixture};
use crate::rule::duration::{self, MINUTE};
use crate::rule::{Connector, Kind, Operator, Placed, Rule, Severity, Tactic, Trigger};

/// Members of a rule. The second part are names that Resource Manager has for the same, the third our own.
const KNOWN: &[&str] = &[
    "id",
    "name",
    "description",
    "kind",
    "enabled",
    "query",
    "queryFrequency",
    "queryPeriod",
    "triggerOperator",
    "triggerThreshold",
    "severity",
    "tactics",
    "relevantTechniques",
    "subTechniques",
    "entityMappings",
    "sentinelEntitiesMappings",
    "customDetails",
    "alertDetailsOverride",
    "eventGroupingSettings",
    "incidentConfiguration",
    "suppressionDuration",
    "suppressionEnabled",
    "requiredDataConnectors",
    "version",
    "status",
    "tags",
    "metadata",
    // Resource Manager
    "displayName",
    "techniques",
    "templateVersion",
    "alertRuleTemplateName",
    "lastModifiedUtc",
    "startTimeUtc",
    "alertRulesCreatedByTemplateCount",
    "createdDateUTC",
    "lastUpdatedDateUTC",
    // ours
    "atlas",
    "owasp",
    "triage",
    "playbook",
    "fixtures",
];

/// What stands around a rule's properties.
#[derive(Default)]
pub(super) struct Named {
    pub(super) id: Option<Arc<str>>,
    pub(super) kind: Option<Placed>,
}

type Told = Vec<Diagnostic>;

/// A rule; none where there is no query.
pub(super) fn read(node: &Node, named: Named, told: &mut Told) -> Option<Rule> {
    let fields = Fields::new(node, "a rule", KNOWN, told)?;
    let query = query(&fields, told)?;
    let name = fields.text("name", told).or_else(|| fields.text("displayName", told)).unwrap_or_else(|| {
        told.push(Diagnostic::warning(fields.span, "the rule has no name").with_help("give it a `name`"));
        "(no name)".into()
    });
    let kind = kind(&fields, named.kind, told);
    let (frequency, period) = times(&fields, kind, told);
    Some(Rule {
        id: named.id.or_else(|| fields.text("id", told)).unwrap_or_else(|| derived_id(&name, &query.text)),
        description: description(&fields, told),
        kind,
        enabled: fields.flag("enabled", told).unwrap_or(true),
        frequency,
        period,
        trigger: trigger(&fields, told),
        severity: word("severity", fields.get("severity"), Severity::named, told).unwrap_or_else(|| {
            tell_default(&fields, "severity", "Medium", told);
            Severity::Medium
        }),
        tactics: tactics(&fields, told),
        techniques: techniques(&fields, told),
        atlas: fields.texts("atlas", told),
        owasp: fields.texts("owasp", told),
        entities: entities(&fields, told),
        entity_columns: entity_columns(&fields, told),
        details: details(&fields, told),
        overrides: overrides(&fields, told),
        grouping: grouping(&fields, told),
        incident: incident(&fields, told),
        suppression: suppression(&fields, told),
        connectors: connectors(&fields, told),
        version: fields
            .text("version", told)
            .or_else(|| fields.text("templateVersion", told))
            .unwrap_or_default(),
        status: fields.text("status", told).unwrap_or_default(),
        tags: tags(&fields),
        triage: fields.texts("triage", told).into_iter().map(|placed| placed.text).collect(),
        playbook: fields.text("playbook", told),
        fixtures: fixture::read(fields.items("fixtures"), told).into(),
        span: fields.span,
        name,
        query,
    })
}

fn query(fields: &Fields<'_>, told: &mut Told) -> Option<Placed> {
    let Some(node) = fields.get("query") else {
        let help = "it cannot be run; a rule that was moved says where to in its description";
        told.push(Diagnostic::error(fields.span, "the rule has no query").with_help(help));
        return None;
    };
    let Some(text) = node.as_str().filter(|text| !text.trim().is_empty()) else {
        let message = format!("`query` has to be a text, not {}", node.value.type_name());
        told.push(Diagnostic::error(node.span, message).with_help("the rule cannot be run"));
        return None;
    };
    if text.len() > MAX_QUERY {
        let message = format!("the query has {} bytes; at most {MAX_QUERY} are read", text.len());
        told.push(Diagnostic::error(node.span, message).with_help("the rule cannot be run"));
        return None;
    }
    Some(Placed { text: text.into(), span: node.span })
}

/// An id that stays the same as long as the rule does.
fn derived_id(name: &str, query: &str) -> Arc<str> {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("castellan-rule\u{1f}{name}\u{1f}{query}").as_bytes())
        .to_string()
        .into()
}

/// Descriptions in the wild stand in quotes inside a block, which are no part of them.
fn description(fields: &Fields<'_>, told: &mut Told) -> Arc<str> {
    let text = fields.text("description", told).unwrap_or_default();
    let bare = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(&text);
    bare.trim().into()
}

fn kind(fields: &Fields<'_>, around: Option<Placed>, told: &mut Told) -> Kind {
    let own = fields.placed("kind", told).or(around);
    let Some(written) = own else {
        // Rules from before there were kinds.
        tell_default(fields, "kind", "Scheduled", told);
        return Kind::Scheduled;
    };
    named("kind", &written, Kind::named, told).unwrap_or_else(|| {
        told.push(Diagnostic::warning(written.span, "the rule runs as `Scheduled`"));
        Kind::Scheduled
    })
}

/// Frequency and period. Rules in near real time have none: they look at what came in since they ran.
fn times(fields: &Fields<'_>, kind: Kind, told: &mut Told) -> (i64, i64) {
    if kind == Kind::NearRealTime {
        return (MINUTE, MINUTE);
    }
    let frequency = duration_of(fields, "queryFrequency", told);
    let period = duration_of(fields, "queryPeriod", told);
    let hour = 60 * MINUTE;
    let frequency = frequency.or(period).unwrap_or_else(|| {
        tell_default(fields, "queryFrequency", "1h", told);
        hour
    });
    (frequency, period.unwrap_or(frequency))
}

pub(super) fn duration_of(fields: &Fields<'_>, name: &str, told: &mut Told) -> Option<i64> {
    let written = fields.placed(name, told)?;
    let ticks = duration::parse(&written.text).filter(|ticks| *ticks > 0);
    if ticks.is_none() {
        let message = format!("`{name}` is `{}`, which is no duration", written.text);
        let help = "write it as `5m`, `1h`, `14d` or `PT1H`; it is left out";
        told.push(Diagnostic::warning(written.span, message).with_help(help));
    }
    ticks
}

fn tell_default(fields: &Fields<'_>, name: &str, value: &str, told: &mut Told) {
    let message = format!("the rule does not say its `{name}`; `{value}` counts");
    told.push(Diagnostic::warning(fields.span, message).with_help(format!("write `{name}: {value}`")));
}

fn trigger(fields: &Fields<'_>, told: &mut Told) -> Trigger {
    let operator = word("triggerOperator", fields.get("triggerOperator"), Operator::named, told);
    let threshold = fields.placed("triggerThreshold", told).and_then(|written| {
        let number = written.text.parse::<u64>().ok();
        if number.is_none() {
            let message = format!("`triggerThreshold` is `{}`, which is no count", written.text);
            told.push(Diagnostic::warning(written.span, message).with_help("0 counts"));
        }
        number
    });
    let default = Trigger::default();
    Trigger {
        operator: operator.unwrap_or(default.operator),
        threshold: threshold.unwrap_or(default.threshold),
    }
}

/// A word of a member, whatever its case.
pub(super) fn word<T: Copy + std::fmt::Display>(
    name: &str,
    node: Option<&Node>,
    find: fn(&str) -> Option<(T, bool)>,
    told: &mut Told,
) -> Option<T> {
    let written = as_placed(name, node?, told).filter(|written| !written.text.is_empty())?;
    named(name, &written, find, told)
}

pub(super) fn named<T: Copy + std::fmt::Display>(
    name: &str,
    written: &Placed,
    find: fn(&str) -> Option<(T, bool)>,
    told: &mut Told,
) -> Option<T> {
    let found = find(&written.text);
    match found {
        None => {
            let message = format!("`{}` is no {name}", written.text);
            told.push(Diagnostic::warning(written.span, message).with_help("it is left out"));
        }
        Some((meant, false)) => {
            let message = format!("`{}` is taken for the {name} `{meant}`", written.text);
            told.push(Diagnostic::warning(written.span, message).with_help(format!("write `{meant}`")));
        }
        Some((_, true)) => {}
    }
    found.map(|(meant, _)| meant)
}

fn tactics(fields: &Fields<'_>, told: &mut Told) -> Vec<Tactic> {
    let mut found: Vec<Tactic> = Vec::new();
    for written in fields.texts("tactics", told) {
        if let Some(tactic) = named("tactic", &written, Tactic::named, told)
            && !found.contains(&tactic)
        {
            found.push(tactic);
        }
    }
    found
}

fn techniques(fields: &Fields<'_>, told: &mut Told) -> Vec<Placed> {
    let mut found: Vec<Placed> = Vec::new();
    for name in ["relevantTechniques", "techniques", "subTechniques"] {
        for written in fields.texts(name, told) {
            if !found.iter().any(|known| known.text == written.text) {
                found.push(written);
            }
        }
    }
    found
}

/// How long the rule rests. A duration alone turns nothing on.
fn suppression(fields: &Fields<'_>, told: &mut Told) -> Option<i64> {
    let duration = duration_of(fields, "suppressionDuration", told);
    let is_on = fields.flag("suppressionEnabled", told).unwrap_or(false);
    if is_on && duration.is_none() {
        tell_default(fields, "suppressionDuration", "5h", told);
    }
    is_on.then(|| duration.unwrap_or(5 * 60 * MINUTE))
}

fn connectors(fields: &Fields<'_>, told: &mut Told) -> Vec<Connector> {
    let items = fields.items("requiredDataConnectors").iter().filter(|item| !item.is_null());
    let connector = |item| {
        let own = Fields::new(item, "a data connector", &["connectorId", "dataTypes"], told)?;
        let tables = own.texts("dataTypes", told).into_iter().map(|placed| placed.text).collect();
        Some(Connector { id: own.text("connectorId", told).unwrap_or_default(), tables })
    };
    items.filter_map(connector).collect()
}

/// Words, and the names and values of bags, which stand beside them in the wild.
fn tags(fields: &Fields<'_>) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    for item in fields.items("tags") {
        match (item.as_str(), item.as_object()) {
            (Some(text), _) => found.push(text.into()),
            (None, Some(object)) => found.extend(object.iter().filter_map(|member| {
                let value = member.value.as_str()?;
                Some(format!("{}:{value}", member.key).into())
            })),
            _ => {}
        }
    }
    found
}
