//! The parts of a rule that say what becomes of its results.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node};

use super::definition::{duration_of, named, word};
use super::fields::{Fields, as_placed};
use crate::entity::EntityType;
use crate::rule::{
    Detail, EntityMapping, FieldMapping, Grouping, IncidentConfiguration, Matching, Overrides, Placed,
    Property,
};

type Told = Vec<Diagnostic>;

pub(super) fn entities(fields: &Fields<'_>, told: &mut Told) -> Vec<EntityMapping> {
    let items = fields.items("entityMappings").iter().filter(|item| !item.is_null());
    items.filter_map(|item| entity(item, told)).collect()
}

fn entity(item: &Node, told: &mut Told) -> Option<EntityMapping> {
    let mapping = Fields::new(item, "an entity mapping", &["entityType", "fieldMappings"], told)?;
    let written = mapping.placed("entityType", told)?;
    let find = |text: &str| EntityType::named(text).map(|(entity, is_exact)| (Shown(entity), is_exact));
    let Shown(entity) = named("entity type", &written, find, told)?;
    let mut list = Vec::new();
    for node in mapping.items("fieldMappings") {
        let Some(field) = Fields::new(node, "a field mapping", &["identifier", "columnName"], told) else {
            continue;
        };
        match (field.placed("identifier", told), field.placed("columnName", told)) {
            (Some(identifier), Some(column)) => list.push(FieldMapping { identifier, column }),
            _ => {
                let help = "it needs `identifier` and `columnName`; it is left out";
                told.push(Diagnostic::warning(node.span, "the field mapping is not whole").with_help(help));
            }
        }
    }
    if list.is_empty() {
        let help = "it is left out";
        told.push(Diagnostic::warning(item.span, "the entity mapping maps nothing").with_help(help));
        return None;
    }
    Some(EntityMapping { entity, fields: list, span: item.span })
}

/// Shows a type as rules write it.
#[derive(Clone, Copy)]
struct Shown(EntityType);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.0.name())
    }
}

pub(super) fn entity_columns(fields: &Fields<'_>, told: &mut Told) -> Vec<Placed> {
    let items = fields.items("sentinelEntitiesMappings").iter().filter(|item| !item.is_null());
    let column =
        |item| Fields::new(item, "a mapping of entities", &["columnName"], told)?.placed("columnName", told);
    items.filter_map(column).collect()
}

pub(super) fn details(fields: &Fields<'_>, told: &mut Told) -> Vec<Detail> {
    let Some(node) = fields.get("customDetails") else { return Vec::new() };
    // Lists of bags with one member each are met as well.
    let parts = node.as_array().unwrap_or(std::slice::from_ref(node));
    let mut found = Vec::new();
    for part in parts {
        let Some(object) = part.as_object() else {
            let message = format!("`customDetails` has to be an object, not {}", part.value.type_name());
            told.push(Diagnostic::warning(part.span, message).with_help("it is left out"));
            continue;
        };
        for member in object {
            if let Some(column) = as_placed(&member.key, &member.value, told) {
                found.push(Detail { name: member.key.clone(), column });
            }
        }
    }
    found
}

pub(super) fn overrides(fields: &Fields<'_>, told: &mut Told) -> Overrides {
    const KNOWN: &[&str] = &[
        "alertDisplayNameFormat",
        "alertDescriptionFormat",
        "alertTacticsColumnName",
        "alertSeverityColumnName",
        "alertDynamicProperties",
    ];
    let node = fields.get("alertDetailsOverride");
    let Some(own) = node.and_then(|node| Fields::new(node, "`alertDetailsOverride`", KNOWN, told)) else {
        return Overrides::default();
    };
    Overrides {
        name: own.placed("alertDisplayNameFormat", told),
        description: own.placed("alertDescriptionFormat", told),
        tactics: own.placed("alertTacticsColumnName", told),
        severity: own.placed("alertSeverityColumnName", told),
        properties: own
            .items("alertDynamicProperties")
            .iter()
            .filter_map(|item| property(item, told))
            .collect(),
    }
}

fn property(item: &Node, told: &mut Told) -> Option<Property> {
    let own = Fields::new(item, "a dynamic property", &["alertProperty", "value"], told)?;
    Some(Property { property: own.placed("alertProperty", told)?, column: own.placed("value", told)? })
}

pub(super) fn grouping(fields: &Fields<'_>, told: &mut Told) -> Grouping {
    let node = fields.get("eventGroupingSettings");
    let own = node.and_then(|node| Fields::new(node, "`eventGroupingSettings`", &["aggregationKind"], told));
    own.and_then(|own| word("aggregationKind", own.get("aggregationKind"), Grouping::named, told))
        .unwrap_or_default()
}

pub(super) fn incident(fields: &Fields<'_>, told: &mut Told) -> IncidentConfiguration {
    const KNOWN: &[&str] = &[
        "enabled",
        "reopenClosedIncident",
        "lookbackDuration",
        "matchingMethod",
        "groupByEntities",
        "groupByAlertDetails",
        "groupByCustomDetails",
    ];
    let mut made = IncidentConfiguration::default();
    let node = fields.get("incidentConfiguration");
    let around = &["createIncident", "groupingConfiguration"];
    let Some(own) = node.and_then(|node| Fields::new(node, "`incidentConfiguration`", around, told)) else {
        return made;
    };
    made.create = own.flag("createIncident", told).unwrap_or(made.create);
    let inner = own.get("groupingConfiguration");
    let Some(group) = inner.and_then(|node| Fields::new(node, "`groupingConfiguration`", KNOWN, told)) else {
        return made;
    };
    let texts = |name: &str, told: &mut Told| -> Vec<Arc<str>> {
        group.texts(name, told).into_iter().map(|placed| placed.text).collect()
    };
    IncidentConfiguration {
        create: made.create,
        grouped: group.flag("enabled", told).unwrap_or(made.grouped),
        reopen: group.flag("reopenClosedIncident", told).unwrap_or(made.reopen),
        lookback: duration_of(&group, "lookbackDuration", told).unwrap_or(made.lookback),
        matching: word("matchingMethod", group.get("matchingMethod"), Matching::named, told)
            .unwrap_or_default(),
        by_entities: texts("groupByEntities", told),
        by_alert: texts("groupByAlertDetails", told),
        by_details: texts("groupByCustomDetails", told),
    }
}
