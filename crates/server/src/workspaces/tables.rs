//! Tables: their columns, and how long they keep rows.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_lake::{Retention, TableInfo, TableSchema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, Place, Service, json_of};

/// Columns that every table has and that nobody declares. Source: Azure Monitor, standard columns.
const STANDARD: [&str; 5] = ["TenantId", "Type", "_ResourceId", "_TimeReceived", "TimeGenerated"];

/// A table as a request has it. Members that say nothing here are left alone.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    schema: Option<Schema>,
    retention_in_days: Option<i64>,
    total_retention_in_days: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Schema {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    columns: Vec<Declared>,
}

#[derive(Debug, Deserialize)]
struct Declared {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

pub(super) fn list(service: &Service, place: &Place<'_>) -> Value {
    let tables = service.lake.tables();
    json!({ "value": tables.iter().map(|table| told(&table.schema, table.retention, place)).collect::<Vec<_>>() })
}

/// A table that is here, or that content declares.
pub(super) fn get(service: &Service, place: &Place<'_>, name: &str) -> Result<Response, Failure> {
    let schema = service.lake.schema(name)?;
    Ok(json_of(&told(&schema, retention(service, &schema), place)))
}

fn retention(service: &Service, schema: &TableSchema) -> Retention {
    let tables = service.lake.tables();
    let known = tables.iter().find(|table: &&TableInfo| table.schema.name() == schema.name());
    known.map_or(Retention::Default, |table| table.retention)
}

pub(super) async fn put(
    service: &Service,
    place: &Place<'_>,
    name: &str,
    request: Request,
) -> Result<Response, Failure> {
    let (asked, _place) = service.gate.read::<Asked>(request, StatusCode::BAD_REQUEST).await?;
    let properties = asked.properties;
    let kept = days(&properties)?;
    if let Some(schema) = properties.schema {
        if schema.name.as_deref().is_some_and(|said| said != name) {
            return Err(Failure::bad(format!("the schema is of another table than `{name}`")));
        }
        let columns = schema.columns.iter().filter(|column| !STANDARD.contains(&column.name.as_str()));
        let columns = columns.map(|column| Ok(Column::new(column.name.as_str(), kind(column)?)));
        service.lake.create_table(name, columns.collect::<Result<_, Failure>>()?).await?;
    }
    if let Some(kept) = kept {
        service.lake.set_retention(name, kept).await?;
    }
    get(service, place, name)
}

pub(super) async fn delete(service: &Service, name: &str) -> Result<Response, Failure> {
    service.lake.drop_table(name).await?;
    Ok(StatusCode::OK.into_response())
}

/// How long rows are to be kept: the longer of both times, since rows that the service archives are read here as others.
fn days(properties: &Properties) -> Result<Option<Retention>, Failure> {
    let said = [properties.retention_in_days, properties.total_retention_in_days];
    let Some(most) = said.into_iter().flatten().max() else { return Ok(None) };
    match most {
        // Source: Azure Monitor, tables: -1 is what the workspace says.
        -1 => Ok(Some(Retention::Default)),
        days => {
            let days = days.to_string().parse().map_err(Failure::bad)?;
            Ok(Some(days))
        }
    }
}

fn kind(column: &Declared) -> Result<ScalarType, Failure> {
    // The service writes `boolean` and `dateTime`.
    let name = match column.kind.to_ascii_lowercase().as_str() {
        "boolean" => "bool".to_owned(),
        other => other.to_owned(),
    };
    ScalarType::named(&name).ok_or_else(|| {
        let message = format!(
            "`{}` is no type of a column (`{}`); those are string, int, long, real, boolean, dateTime, guid, dynamic",
            column.kind, column.name
        );
        Failure::bad(message)
    })
}

fn told(schema: &TableSchema, retention: Retention, place: &Place<'_>) -> Value {
    let name = schema.name();
    let is_custom = name.ends_with("_CL");
    let column = |column: &Column| json!({ "name": &*column.name, "type": type_name(column.scalar_type) });
    let (standard, own): (Vec<&Column>, Vec<&Column>) =
        schema.columns().iter().partition(|column| !is_custom || STANDARD.contains(&&*column.name));
    let days = match retention {
        Retention::Days(days) => Some(days),
        Retention::Default | Retention::Forever => None,
    };
    let is_default = retention == Retention::Default;
    json!({
        "id": format!("{}/tables/{name}", place.id), "name": &**name,
        "type": "Microsoft.OperationalInsights/workspaces/tables",
        "properties": {
            "plan": "Analytics", "provisioningState": "Succeeded",
            "retentionInDays": days, "totalRetentionInDays": days, "archiveRetentionInDays": 0,
            "retentionInDaysAsDefault": is_default, "totalRetentionInDaysAsDefault": is_default,
            // What the numbers cannot say.
            "retention": retention.to_string(),
            "schema": {
                "name": &**name, "tableType": if is_custom { "CustomLog" } else { "Microsoft" },
                "tableSubType": "DataCollectionRuleBased", "solutions": ["LogManagement"],
                "columns": own.into_iter().map(column).collect::<Vec<_>>(),
                "standardColumns": standard.into_iter().map(column).collect::<Vec<_>>(),
            },
        },
    })
}

/// The name of a type as the service writes it.
fn type_name(scalar_type: ScalarType) -> &'static str {
    match scalar_type {
        ScalarType::Bool => "boolean",
        ScalarType::DateTime => "dateTime",
        other => other.name(),
    }
}
