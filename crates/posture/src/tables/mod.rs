//! What was found about an estate as rows of tables, so that every number in a report has a query behind it.
//!
//! | table | a row is |
//! |---|---|
//! | `CastellanScores` | the whole estate |
//! | `CastellanRecommendations` | what a check says of a resource that it speaks about |
//! | `CastellanInventory` | a part of the AI bill of materials |
//! | `CastellanRelations` | a relation between two parts |
//! | `CastellanCoverage` | a control of a layer over a workload |
//!
//! Their columns are declared in `content/tables/castellan.csv`. They are derived state: whoever scans again replaces them.

mod inventory;
mod recommendations;

use std::collections::BTreeMap;

use castellan_base::ResourceId;
use castellan_estate::bom::{Bom, bill_of_materials};
use serde_json::{Map, Value, json};

use crate::coverage::{Coverage, Workload, workloads};
use crate::report::Report;

/// A row: values by the names of their columns. Columns that are not there are empty.
pub type Row = Map<String, Value>;

/// A table with its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its rows, in the order in which reports have them.
    pub rows: Vec<Row>,
}

/// All tables of an estate.
pub fn tables(report: &Report<'_>, coverage: &Coverage) -> Vec<Table> {
    let bill = bill_of_materials(report.estate);
    let groups = Groups::of(&workloads(report.estate));
    let filled = [
        ("CastellanScores", vec![scores(report)]),
        ("CastellanRecommendations", recommendations::rows(report, &groups)),
        ("CastellanInventory", inventory::rows(report, &bill, &groups)),
        ("CastellanRelations", relations(&bill)),
        ("CastellanCoverage", coverage.to_json().into_iter().map(row).collect()),
    ];
    let at = Value::from(report.assessment.at.to_string());
    let named = filled.map(|(name, mut rows)| {
        for row in &mut rows {
            row.insert("TimeGenerated".to_owned(), at.clone());
            row.insert("Type".to_owned(), Value::from(name));
        }
        Table { name, rows }
    });
    named.into()
}

/// The members of an object.
fn row(value: Value) -> Row {
    match value {
        Value::Object(members) => members,
        _ => Row::new(),
    }
}

fn scores(report: &Report<'_>) -> Row {
    let assessment = report.assessment;
    let summary = report.summary();
    let controls = &assessment.secure_score.controls;
    let violations =
        |severity: castellan_base::Severity| summary.violations.get(&severity).copied().unwrap_or(0);
    row(json!({
        "SecureScore": controls.iter().map(|control| control.current).sum::<f64>(),
        "SecureScoreMax": controls.iter().map(|control| control.max).sum::<f64>(),
        "SecureScorePercent": assessment.secure_score.percent,
        "RiskScore": assessment.risk.score,
        "RiskScoreUpper": assessment.risk.upper,
        "Critical": violations(castellan_base::Severity::Critical),
        "High": violations(castellan_base::Severity::High),
        "Medium": violations(castellan_base::Severity::Medium),
        "Low": violations(castellan_base::Severity::Low),
        "Info": violations(castellan_base::Severity::Info),
        "Unknown": summary.unknown,
        "Exempt": summary.exempt,
        "Compliant": summary.compliant,
        "Resources": assessment.inventory.resources,
    }))
}

fn relations(bill: &Bom) -> Vec<Row> {
    let link = |link: &castellan_estate::bom::Link| {
        let detail = if link.detail.is_empty() { Value::Null } else { json!({ "detail": link.detail }) };
        row(json!({
            "Source": link.from.as_str(), "Target": link.to.as_str(), "Kind": link.kind.as_str(), "Detail": detail,
        }))
    };
    bill.links.iter().map(link).collect()
}

/// Which workload a resource is counted to: the one that it is, or the first that it belongs to.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    names: BTreeMap<ResourceId, String>,
}

impl Groups {
    /// Those of workloads.
    pub fn of(workloads: &[Workload]) -> Groups {
        let mut names = BTreeMap::new();
        for workload in workloads {
            names.insert(workload.id.clone(), workload.name.clone());
        }
        // What a workload was derived from is the workload too.
        for workload in workloads {
            if let Some(source) = workload.id.parent() {
                names.entry(source).or_insert_with(|| workload.name.clone());
            }
        }
        for workload in workloads {
            for member in &workload.members {
                names.entry(member.clone()).or_insert_with(|| workload.name.clone());
            }
        }
        Groups { names }
    }

    /// The name of a resource's workload; empty where it has none.
    pub fn workload(&self, id: &ResourceId) -> &str {
        self.names.get(id).map_or("", String::as_str)
    }
}
