//! What a result decides of its alert.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::Ticks;
use castellan_kql::Value;
use castellan_kql::value::Dynamic;

use super::Results;
use super::format::{filled, shortened};
use crate::entity::{Entities, Entity};
use crate::rule::{EntityMapping, Rule, Severity, Tactic};

/// A row of results by the names of its columns.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    pub(super) results: &'r Results,
    pub(super) values: &'r [Value],
}

impl Row<'_> {
    pub(super) fn value(&self, column: &str) -> Option<&Value> {
        self.values.get(self.results.position(column)?)
    }

    /// The text of a column; none where there is no such column.
    pub(super) fn text(&self, column: &str) -> Option<String> {
        self.value(column).map(Value::to_text)
    }

    pub(super) fn name(&self, rule: &Rule) -> String {
        let format = rule.overrides.name.as_ref();
        let made = format.map(|format| filled(&format.text, |column| self.text(column)));
        made.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| rule.name.to_string())
    }

    pub(super) fn description(&self, rule: &Rule) -> String {
        let format = rule.overrides.description.as_ref();
        let made = format.map(|format| filled(&format.text, |column| self.text(column)));
        made.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| rule.description.to_string())
    }

    /// The severity that a column says, or else the rule's.
    pub(super) fn severity(&self, rule: &Rule) -> Severity {
        let column = rule.overrides.severity.as_ref();
        let said = column.and_then(|column| self.text(&column.text));
        said.and_then(|text| Severity::named(text.trim())).map_or(rule.severity, |(severity, _)| severity)
    }

    /// The tactics that a column says, apart by commas or as an array; or else the rule's.
    pub(super) fn tactics(&self, rule: &Rule) -> Vec<Tactic> {
        let column = rule.overrides.tactics.as_ref();
        let texts = column.and_then(|column| self.value(&column.text)).map(list).unwrap_or_default();
        let mut found: Vec<Tactic> = Vec::new();
        for (tactic, _) in texts.iter().filter_map(|text| Tactic::named(text)) {
            if !found.contains(&tactic) {
                found.push(tactic);
            }
        }
        if found.is_empty() { rule.tactics.clone() } else { found }
    }

    pub(super) fn properties(&self, rule: &Rule) -> BTreeMap<Arc<str>, String> {
        let said = rule.overrides.properties.iter().filter_map(|property| {
            let text = self.text(&property.column.text).filter(|text| !text.is_empty())?;
            Some((Arc::clone(&property.property.text), shortened(&text).into_owned()))
        });
        said.collect()
    }

    /// The entities of the row.
    pub(super) fn entities(&self, rule: &Rule, entities: &mut Entities) {
        for mapping in &rule.entities {
            if let Some(entity) = self.entity(mapping) {
                entities.add(entity);
            }
        }
        for column in &rule.entity_columns {
            match self.value(&column.text) {
                Some(Value::Null) | None => {}
                Some(value) => {
                    entities.add_json(&value.to_text());
                }
            }
        }
    }

    fn entity(&self, mapping: &EntityMapping) -> Option<Entity> {
        let values: Vec<(&str, String)> = mapping
            .fields
            .iter()
            .filter_map(|field| {
                let identifier = mapping.entity.identifier(&field.identifier.text)?;
                Some((identifier, single(self.value(&field.column.text)?)))
            })
            .collect();
        Entity::new(mapping.entity, values.iter().map(|(name, value)| (*name, value.as_str())))
    }

    /// The first and the last time of the row's events, as far as its columns say it.
    pub(super) fn span(&self) -> Option<(Ticks, Ticks)> {
        const STARTS: [&str; 5] = ["StartTime", "StartTimeUtc", "firstSeen", "FirstSeen", "TimeGenerated"];
        const ENDS: [&str; 5] = ["EndTime", "EndTimeUtc", "lastSeen", "LastSeen", "TimeGenerated"];
        let time = |names: [&str; 5]| {
            names.into_iter().find_map(|name| match self.value(name)? {
                Value::DateTime(ticks) => Ticks::new(*ticks),
                _ => None,
            })
        };
        let (start, end) = (time(STARTS), time(ENDS));
        let (start, end) = (start.or(end)?, end.or(start)?);
        Some((start.min(end), start.max(end)))
    }
}

/// The text of a value; of a list with one item, the item's.
fn single(value: &Value) -> String {
    if let Value::Dynamic(dynamic) = value
        && let Dynamic::Array(items) = &**dynamic
        && let [item] = items.as_slice()
    {
        return item.to_value().to_text();
    }
    value.to_text()
}

/// The texts of a list, whether it is an array, JSON of one, or words with commas between them.
fn list(value: &Value) -> Vec<String> {
    let parsed = match value {
        Value::Dynamic(dynamic) => Some((**dynamic).clone()),
        other => Dynamic::parse(&other.to_text()),
    };
    match parsed {
        Some(Dynamic::Array(items)) => items.iter().map(|item| item.to_value().to_text()).collect(),
        _ => value.to_text().split([',', ';']).map(|word| word.trim().to_owned()).collect(),
    }
}
