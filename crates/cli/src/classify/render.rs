//! Findings and the certificate, for people and for programs.

use std::collections::BTreeMap;

use anyhow::Result;
use castellan_base::System;
use castellan_classify::Engine;
use serde_json::{Value as Json, json};

use super::certificate::Certificate;
use super::file::{Found, Report};
use crate::arguments::{ClassifyArguments, ClassifyFormat};
use crate::output::{inert_lines, stdout_is_terminal, to_file_or_stdout, width};
use crate::tables::plain;

/// A person is shown so many findings; files have all.
const SHOWN: usize = 200;

pub(super) fn write(
    reports: &[Report],
    certificate: &Certificate,
    engine: &Engine,
    arguments: &ClassifyArguments,
    system: &dyn System,
) -> Result<()> {
    let for_people = arguments.output.is_none() && stdout_is_terminal();
    let format = arguments.format.unwrap_or(match for_people {
        true => ClassifyFormat::Table,
        false => ClassifyFormat::Json,
    });
    let text = match format {
        ClassifyFormat::Table => table(reports, certificate, engine, width(system)),
        ClassifyFormat::Json => json(reports, certificate)?,
        ClassifyFormat::Jsonl => jsonl(reports, certificate),
        ClassifyFormat::Csv => csv(reports)?,
    };
    to_file_or_stdout(system, arguments.output.as_deref(), text.as_bytes())
}

fn all(reports: &[Report]) -> impl Iterator<Item = (&Report, &Found)> {
    reports.iter().flat_map(|report| report.findings.iter().map(move |found| (report, found)))
}

fn table(reports: &[Report], certificate: &Certificate, engine: &Engine, width: usize) -> String {
    let mut text = String::new();
    if certificate.findings > 0 {
        let rows = all(reports).take(SHOWN).map(|(report, found)| {
            let place = match found.line {
                Some(line) => format!("{}:{line}", report.path),
                None => format!("{} ({})", report.path, found.location),
            };
            let checks = if found.checks.is_empty() { "-".to_owned() } else { found.checks.join(", ") };
            vec![inert_lines(&place), found.detector.to_string(), found.confidence.to_string(), checks]
        });
        text.push_str(&plain(&["where", "type", "confidence", "passed"], rows, width));
        if certificate.findings > SHOWN {
            text.push_str(&format!("the first {SHOWN} of {}\n", certificate.findings));
        }
        text.push('\n');
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, found) in all(reports) {
            *counts.entry(&found.detector).or_default() += 1;
        }
        let title = |id: &str| {
            let detector = engine.rules().detector(id).map(|own| &own.title);
            let combination = || engine.rules().affinities.iter().find(|own| *own.id == *id);
            detector.or_else(|| Some(&combination()?.title)).map_or("", |title| title).to_owned()
        };
        let rows = counts.iter().map(|(id, count)| vec![(*id).to_owned(), title(id), count.to_string()]);
        text.push_str(&plain(&["type", "finds", "count"], rows, width));
        text.push('\n');
    }
    let rows: Vec<Vec<String>> = (reports.iter())
        .flat_map(|report| report.misses.iter().map(move |miss| (report, miss)))
        .take(SHOWN)
        .map(|(report, miss)| {
            let place = format!("{} ({}, bytes {}-{})", report.path, miss.location, miss.start, miss.end);
            vec![inert_lines(&place), miss.detector.to_string(), miss.reason.clone()]
        })
        .collect();
    if !rows.is_empty() {
        text.push_str(&plain(&["nearly found", "type", "why not"], rows, width));
        text.push('\n');
    }
    text.push_str(&inert_lines(&certificate.text()));
    text
}

fn line(report: &Report, found: &Found) -> Json {
    let mut json = found.json();
    if let Some(members) = json.as_object_mut() {
        members.insert("path".to_owned(), Json::from(report.path.as_str()));
    }
    json
}

/// What is nearly found, with its file.
fn misses(reports: &[Report]) -> impl Iterator<Item = Json> {
    reports.iter().flat_map(|report| {
        report.misses.iter().map(|miss| {
            let mut json = miss.json();
            if let Some(members) = json.as_object_mut() {
                members.insert("path".to_owned(), Json::from(report.path.as_str()));
            }
            json
        })
    })
}

fn json(reports: &[Report], certificate: &Certificate) -> Result<String> {
    let findings: Vec<Json> = all(reports).map(|(report, found)| line(report, found)).collect();
    let mut value = json!({ "findings": findings });
    let misses: Vec<Json> = misses(reports).collect();
    if let (Some(members), false) = (value.as_object_mut(), misses.is_empty()) {
        members.insert("misses".to_owned(), Json::Array(misses));
    }
    if let Some(members) = value.as_object_mut() {
        members.insert("certificate".to_owned(), certificate.json());
    }
    let mut text = serde_json::to_string_pretty(&value)?;
    text.push('\n');
    Ok(text)
}

fn jsonl(reports: &[Report], certificate: &Certificate) -> String {
    let mut text = String::new();
    for (report, found) in all(reports) {
        text.push_str(&format!("{}\n", line(report, found)));
    }
    for miss in misses(reports) {
        text.push_str(&format!("{}\n", json!({ "miss": miss })));
    }
    text.push_str(&format!("{}\n", json!({ "certificate": certificate.json() })));
    text
}

fn csv(reports: &[Report]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "path",
        "location",
        "line",
        "byte",
        "start",
        "end",
        "type",
        "confidence",
        "validated",
    ])?;
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    for (report, found) in all(reports) {
        writer.write_record([
            report.path.as_str(),
            &found.location,
            &number(found.line),
            &number(found.byte),
            &found.start.to_string(),
            &found.end.to_string(),
            &found.detector,
            &found.confidence.to_string(),
            &found.validated.to_string(),
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
