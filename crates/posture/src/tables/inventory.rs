//! `CastellanInventory`.

use std::collections::BTreeMap;

use castellan_base::{ResourceId, Severity};
use castellan_estate::bom::{Bom, Part};
use serde_json::{Map, Value, json};

use super::{Groups, Row, row};
use crate::report::Report;

/// The parts of the bill of materials, with how many violations each has.
pub(super) fn rows(report: &Report<'_>, bill: &Bom, groups: &Groups) -> Vec<Row> {
    let mut violated: BTreeMap<ResourceId, (usize, Severity)> = BTreeMap::new();
    for found in report.assessment.findings.iter().filter(|found| found.is_violation()) {
        let finding = &found.finding;
        let mut count = |id: &ResourceId| {
            let entry = violated.entry(id.clone()).or_insert((0, finding.severity));
            *entry = (entry.0 + 1, entry.1.max(finding.severity));
        };
        count(&finding.resource);
        if found.source != finding.resource {
            count(&found.source);
        }
    }
    bill.parts.iter().map(|part| of(part, &violated, groups)).collect()
}

fn of(part: &Part, violated: &BTreeMap<ResourceId, (usize, Severity)>, groups: &Groups) -> Row {
    // A derived part stands for what it was derived from, whose violations count what was found of the part too.
    let source = part.id.parent().filter(|_| part.id.resource_type().starts_with("Castellan.AI/"));
    let own = source.and_then(|source| violated.get(&source)).or_else(|| violated.get(&part.id));
    let mut details: Map<String, Value> =
        part.details.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
    for (name, value) in [("version", &part.version), ("publisher", &part.publisher)] {
        if let Some(value) = value {
            details.insert(name.to_owned(), Value::from(value.clone()));
        }
    }
    row(json!({
        "Id": part.id.as_str(), "Name": part.name, "Kind": part.kind.as_str(), "ResourceType": part.id.resource_type(),
        "Workload": groups.workload(&part.id), "Location": part.location.as_ref().map(ToString::to_string),
        "Detail": details, "Violations": own.map_or(0, |(count, _)| *count),
        "WorstSeverity": own.map_or("", |(_, severity)| severity.as_str()),
    }))
}
