//! Tables and columns, for editors.

use serde_json::{Value as Json, json};

use crate::queries::{TableSchema, columns};

/// What is known of a workspace.
pub(super) fn of(workspace: &str, tables: &[TableSchema]) -> String {
    let tables: Vec<Json> = tables
        .iter()
        .map(|table| {
            let has_time = table.columns.iter().any(|column| &*column.name == "TimeGenerated");
            json!({
                "id": format!("t/{}", table.name),
                "name": table.name,
                "timespanColumn": has_time.then_some("TimeGenerated"),
                "columns": columns(&table.columns),
            })
        })
        .collect();
    let names: Vec<&Json> = tables.iter().filter_map(|table| table.get("id")).collect();
    json!({
        "tables": tables,
        "workspaces": [{ "id": workspace, "name": workspace, "tables": names }],
        "functions": [],
    })
    .to_string()
}
