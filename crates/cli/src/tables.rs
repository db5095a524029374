//! `castellan content list tables`, `list functions`, and `show` of one of them.

use std::fmt::Write as _;

use anyhow::Result;
use castellan_base::System;
use castellan_kql::library;
use castellan_kql::schema::{Catalog, Columns, Function, ParameterType, Returns, Table};
use comfy_table::{ContentArrangement, presets};
use serde_json::{Value, json};

use crate::output::{to_stdout, width};

/// Lists the tables.
pub(crate) fn list(as_json: bool, system: &dyn System) -> Result<()> {
    let catalog = Catalog::built_in();
    if as_json {
        let tables = catalog.tables();
        return print_json(tables.map(|table| named(table.name(), columns_json(table.columns()))).collect());
    }
    let rows = catalog.tables().map(|table| [table.name().to_owned(), count(table.columns())]);
    print_rows(
        ["table", "columns"],
        rows,
        "tables. `castellan content show TABLE` names the columns.",
        system,
    )
}

/// Lists the functions.
pub(crate) fn list_functions(as_json: bool, system: &dyn System) -> Result<()> {
    let catalog = Catalog::built_in();
    if as_json {
        let stored = library::all().map(|entry| json!({ "name": entry.name(), "usage": entry.usage() }));
        return print_json(
            catalog.functions().map(|function| function_json(function)).chain(stored).collect(),
        );
    }
    let stored = library::all().map(|entry| [entry.name().to_owned(), "defined in KQL".to_owned()]);
    let rows = catalog.functions().map(|function| {
        let gives = match function.returns() {
            Returns::Value(scalar_type) => scalar_type.to_string(),
            Returns::Rows(columns) => count(columns),
        };
        [function.name().to_owned(), gives]
    });
    print_rows(
        ["function", "columns"],
        rows.chain(stored),
        "functions. `castellan content show FUNCTION` explains one.",
        system,
    )
}

/// An aligned table without lines.
pub(crate) fn plain(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, width: usize) -> String {
    let mut table = comfy_table::Table::new();
    table.load_preset(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    format!("{}\n", table.trim_fmt())
}

/// The table or function of a name in words.
pub(crate) fn explain(name: &str) -> Option<String> {
    let catalog = Catalog::built_in();
    let table = catalog.table(name).map(|table| explain_table(table));
    let function = || catalog.function(name).map(|function| explain_function(function));
    let stored = || {
        let entry = library::find(name)?;
        Some(format!("{} (function)\n\n{}", entry.name(), entry.text()))
    };
    table.or_else(function).or_else(stored)
}

/// A table or function that somebody may have meant.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let catalog = Catalog::built_in();
    catalog.nearest_table(name).or_else(|| catalog.nearest_function(name))
}

fn explain_table(table: &Table) -> String {
    format!("{} (table)\n\n{}", table.name(), explain_columns(table.columns()))
}

fn explain_function(function: &Function) -> String {
    let mut text = format!("{} (function)\n\n", function.name());
    for parameter in function.parameters() {
        let default = parameter.default.as_ref().map(|default| format!(" = {default}")).unwrap_or_default();
        let kind = parameter_type(parameter.kind);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  takes {}: {kind}{default}", parameter.name);
    }
    match function.returns() {
        Returns::Value(scalar_type) => {
            let _ = writeln!(text, "  gives {scalar_type}");
        }
        Returns::Rows(columns) => {
            text.push_str(if function.parameters().is_empty() { "" } else { "\n" });
            text.push_str(&explain_columns(columns));
        }
    }
    text
}

fn parameter_type(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::Value(scalar_type) => scalar_type.name(),
        ParameterType::Rows => "rows",
    }
}

fn explain_columns(columns: &Columns) -> String {
    let mut text = String::new();
    for column in &columns.list {
        let _ = writeln!(text, "  {:<9} {}", column.scalar_type.name(), column.name);
    }
    text.push_str(if columns.is_open { "  and columns that are not known\n" } else { "" });
    text
}

/// How many columns there are, with a sign for more.
fn count(columns: &Columns) -> String {
    format!("{}{}", columns.list.len(), if columns.is_open { "+" } else { "" })
}

fn columns_json(columns: &Columns) -> Value {
    let list = columns.list.iter();
    let list: Vec<Value> =
        list.map(|column| json!({"name": &*column.name, "type": column.scalar_type.name()})).collect();
    json!({"columns": list, "open": columns.is_open})
}

/// An object with a name before its other members.
fn named(name: &str, rest: Value) -> Value {
    let mut object = serde_json::Map::new();
    object.insert("name".to_owned(), name.into());
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    Value::Object(object)
}

fn function_json(function: &Function) -> Value {
    let parameters = function.parameters().iter();
    let parameters: Vec<Value> = parameters
        .map(|parameter| {
            let kind = parameter_type(parameter.kind);
            json!({"name": &*parameter.name, "type": kind, "default": parameter.default.as_deref()})
        })
        .collect();
    let returns = match function.returns() {
        Returns::Value(scalar_type) => json!({"type": scalar_type.name()}),
        Returns::Rows(columns) => columns_json(columns),
    };
    json!({"name": function.name(), "parameters": parameters, "returns": returns})
}

fn print_json(values: Vec<Value>) -> Result<()> {
    to_stdout((serde_json::to_string_pretty(&values)? + "\n").as_bytes())
}

fn print_rows(
    header: [&str; 2],
    rows: impl Iterator<Item = [String; 2]>,
    footer: &str,
    system: &dyn System,
) -> Result<()> {
    let mut table = comfy_table::Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width(system)).unwrap_or(u16::MAX));
    table.set_header(header);
    table.add_rows(rows);
    to_stdout(format!("{table}\n{} {footer}\n", table.row_count()).as_bytes())
}
