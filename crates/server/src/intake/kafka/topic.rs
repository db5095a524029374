//! What a file says of its topics.

use std::collections::BTreeMap;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field;
use castellan_lake::TableSchema;
use serde::Deserialize;
use toml::Spanned;

use super::config::{Wrong, wrong};
use super::shape::{Attribute, Shape, Signal};
use crate::intake::rules::Flow;

/// Most topics of one file.
const TOPICS: usize = 256;

/// A topic as it is written; [`topics`] checks it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicPart {
    topic: Spanned<String>,
    #[serde(default)]
    format: Format,
    table: Option<Spanned<String>>,
    #[serde(default)]
    start: Start,
    columns: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    #[serde(rename = "transformKql")]
    transform: Option<Spanned<String>>,
    attributes: Option<Spanned<BTreeMap<String, Attribute>>>,
    #[serde(default)]
    generation: Option<Spanned<u32>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    #[default]
    Json,
    Diagnostics,
    OtlpLogs,
    OtlpTraces,
    OtlpMetrics,
}

/// Where reading begins when nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Start {
    /// With the oldest message that the broker has.
    #[default]
    Earliest,
    /// With what comes from now on.
    Latest,
}

/// A topic, and what becomes of its messages.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) start: Start,
    pub(super) shape: Shape,
    /// Which topic of its name it is, where its reader says so.
    pub(super) generation: Option<u32>,
}

/// Checks the topics of a file.
///
/// # Errors
/// What is wrong first, with its place.
pub(super) fn topics(parts: &Spanned<Vec<Spanned<TopicPart>>>) -> Result<Vec<Topic>, Wrong> {
    if parts.get_ref().is_empty() || parts.get_ref().len() > TOPICS {
        return Err(wrong(parts, format!("there are 1 to {TOPICS} `[[topics]]`")));
    }
    let mut topics: Vec<Topic> = Vec::new();
    for part in parts.get_ref() {
        let found = topic(part)?;
        if topics.iter().any(|topic| topic.name == found.name) {
            return Err(wrong(&part.get_ref().topic, format!("the topic `{}` is there twice", found.name)));
        }
        topics.push(found);
    }
    Ok(topics)
}

fn topic(spanned: &Spanned<TopicPart>) -> Result<Topic, Wrong> {
    let part = spanned.get_ref();
    let name = part.topic.get_ref();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > 249 || !name.bytes().all(is_plain) {
        let reason = "the name of a topic has 1 to 249 letters, digits, `.`, `_` and `-`";
        return Err(wrong(&part.topic, reason));
    }
    let generation = part.generation.as_ref().map(|number| match number.get_ref() {
        0 => Err(wrong(number, "`generation` counts from 1")),
        number => Ok(*number),
    });
    let shape = shape(spanned)?;
    Ok(Topic { name: name.clone(), start: part.start, shape, generation: generation.transpose()? })
}

fn shape(spanned: &Spanned<TopicPart>) -> Result<Shape, Wrong> {
    let part = spanned.get_ref();
    let signal = match part.format {
        Format::Json => return json(spanned),
        Format::Diagnostics => None,
        Format::OtlpLogs => Some(Signal::Logs),
        Format::OtlpTraces => Some(Signal::Traces),
        Format::OtlpMetrics => Some(Signal::Metrics),
    };
    let at = [
        part.table.as_ref().map(|part| part.span().start),
        part.columns.as_ref().map(|part| part.span().start),
        part.transform.as_ref().map(|part| part.span().start),
        part.attributes.as_ref().map(|part| part.span().start),
    ];
    if let Some(at) = at.into_iter().flatten().min() {
        let reason = "`table`, `columns`, `transformKql` and `attributes` belong to `format = \"json\"`: what is in these \
                      messages says its tables itself";
        return Err((at, reason.to_owned()));
    }
    Ok(signal.map_or(Shape::Diagnostics, Shape::Otlp))
}

fn json(spanned: &Spanned<TopicPart>) -> Result<Shape, Wrong> {
    let part = spanned.get_ref();
    let Some(table) = &part.table else {
        return Err(wrong(spanned, "the topic has no `table` that its rows go to"));
    };
    let name = table.get_ref();
    if !name.ends_with("_CL") && TableSchema::declared(name).is_none() {
        let reason = format!(
            "there is no table `{name}`: those of your own end in `_CL`, and `castellan content list tables` lists the others"
        );
        return Err(wrong(table, reason));
    }
    if name.ends_with("_CL") {
        TableSchema::custom(name, Vec::new()).map_err(|error| wrong(table, error.to_string()))?;
    }
    let attributes = part.attributes.as_ref();
    let attributes = attributes.map(|map| map.get_ref().clone().into_iter().collect()).unwrap_or_default();
    let Some(columns) = &part.columns else {
        return match &part.transform {
            Some(kql) => Err(wrong(kql, "`transformKql` needs `columns`: what it finds in `source`")),
            None => Ok(Shape::Json { table: name.clone(), attributes, flow: None }),
        };
    };
    let Some(kql) = &part.transform else {
        return Err(wrong(columns, "`columns` declares what `transformKql` reads, and there is none"));
    };
    let mut fields = Vec::new();
    for (column, kind) in columns.get_ref() {
        let scalar = ScalarType::named(kind.get_ref()).ok_or_else(|| {
            wrong(kind, "this is no type; write string, int, long, real, boolean, datetime or dynamic")
        })?;
        fields.push(Field::new(column.as_str(), scalar));
    }
    let stream = TableSchema::stream("source", fields).map_err(|error| wrong(columns, error.to_string()))?;
    let flow = Flow::new(name, kql.get_ref(), &stream)
        .map_err(|reason| wrong(kql, format!("`transformKql`, {reason}")))?;
    Ok(Shape::Json { table: name.clone(), attributes, flow: Some(Box::new((stream, flow))) })
}
