//! Summary rules. Source: Azure Monitor, `summaryLogs`.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use castellan_kql::value::parse_datetime;
use castellan_lake::rows::micros_of_ticks;
use castellan_lake::{Definition, Summary};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, Place, Service, json_of};

#[derive(Debug, Deserialize)]
struct Asked {
    properties: Properties,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    is_active: Option<bool>,
    rule_definition: Rule,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    query: String,
    bin_size: u32,
    destination_table: String,
    #[serde(default)]
    bin_delay: Option<u32>,
    #[serde(default)]
    bin_start_time: Option<String>,
    #[serde(default)]
    time_selector: Option<String>,
}

pub(super) fn list(service: &Service, place: &Place<'_>) -> Value {
    let definitions = service.lake.definitions();
    let summaries = definitions.iter().filter_map(|definition| match definition {
        Definition::Summary(summary) => Some(told(summary, place)),
        Definition::Materialized(_) => None,
    });
    json!({ "value": summaries.collect::<Vec<_>>() })
}

fn find(service: &Service, name: &str) -> Result<Summary, Failure> {
    let found = service.lake.definitions().into_iter().find_map(|definition| match definition {
        Definition::Summary(summary) if summary.name == name => Some(summary),
        _ => None,
    });
    found.ok_or_else(|| Failure::missing(format!("there is no summary rule `{name}`")))
}

pub(super) fn get(service: &Service, place: &Place<'_>, name: &str) -> Result<Response, Failure> {
    Ok(json_of(&told(&find(service, name)?, place)))
}

pub(super) async fn put(
    service: &Service,
    place: &Place<'_>,
    name: &str,
    request: Request,
) -> Result<Response, Failure> {
    let (asked, _place) = service.gate.read::<Asked>(request, StatusCode::BAD_REQUEST).await?;
    let (properties, rule) =
        (asked.properties.description.unwrap_or_default(), asked.properties.rule_definition);
    let known = find(service, name).ok();
    let summary = Summary {
        name: name.to_owned(),
        description: properties,
        query: rule.query,
        destination_table: rule.destination_table,
        bin_size: rule.bin_size,
        bin_delay: rule.bin_delay,
        // Without a new beginning a rule goes on as it began.
        bin_start_time: rule.bin_start_time.or_else(|| known.as_ref()?.bin_start_time.clone()),
        time_selector: rule.time_selector,
        is_active: asked.properties.is_active.unwrap_or(true),
        modified: 0,
    };
    service.lake.define(Definition::Summary(summary)).await?;
    get(service, place, name)
}

pub(super) fn delete(service: &Service, name: &str) -> Result<Response, Failure> {
    find(service, name)?;
    service.lake.undefine(name)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Has a rule run or rest.
pub(super) async fn switch(service: &Service, name: &str, is_active: bool) -> Result<Response, Failure> {
    let summary = Summary { is_active, ..find(service, name)? };
    service.lake.define(Definition::Summary(summary)).await?;
    // The clients of the service know each of both by one status alone.
    Ok(if is_active { StatusCode::ACCEPTED } else { StatusCode::OK }.into_response())
}

#[derive(Debug, Deserialize)]
struct Retry {
    properties: RetryProperties,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetryProperties {
    retry_bin_start_time: String,
}

pub(super) async fn retry(service: &Service, name: &str, request: Request) -> Result<Response, Failure> {
    let (asked, _place) = service.gate.read::<Retry>(request, StatusCode::BAD_REQUEST).await?;
    find(service, name)?;
    let text = asked.properties.retry_bin_start_time;
    let start = parse_datetime(&text).map(micros_of_ticks);
    let start =
        start.ok_or_else(|| Failure::bad(format!("`retryBinStartTime` is `{text}`, which is no time")))?;
    service.lake.retry_bin(name, start).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

fn told(summary: &Summary, place: &Place<'_>) -> Value {
    json!({
        "id": format!("{}/summaryLogs/{}", place.id, summary.name), "name": summary.name,
        "type": "Microsoft.OperationalInsights/workspaces/summaryLogs",
        "properties": {
            "ruleType": "User", "displayName": summary.name, "description": summary.description,
            "isActive": summary.is_active, "statusCode": if summary.is_active { Value::Null } else { "UserAction".into() },
            "provisioningState": "Succeeded",
            "ruleDefinition": {
                "query": summary.query, "binSize": summary.bin_size, "binDelay": summary.bin_delay,
                "binStartTime": summary.bin_start_time, "timeSelector": summary.time_selector.as_deref().unwrap_or("TimeGenerated"),
                "destinationTable": summary.destination_table,
            },
        },
    })
}
