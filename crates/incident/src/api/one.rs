//! One incident: all of it, orders, views, evidence.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use castellan_base::Ticks;
use castellan_detect::incident::{By, Command, Order};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Asked, Failure, FailureKind, nothing, parameter, summary, text};
use crate::case::{Case, Exhibit};
use crate::desk::Desk;
use crate::evidence::Original;
use crate::export::{ocsf, report, stix};
use crate::graph::graph;
use crate::timeline::timeline;

pub(super) fn answer(desk: &Desk, number: u32, rest: &[&str], asked: &Asked) -> Result<Answer, Failure> {
    match (asked.is_post, rest) {
        (false, []) => Ok(Answer::Json(whole(&desk.case(number)?))),
        (false, ["timeline"]) => Ok(Answer::Json(json!({ "value": timeline(&desk.case(number)?) }))),
        (false, ["graph"]) => drawn(desk, number, asked),
        (false, ["audit"]) => Ok(Answer::Json(json!({ "value": desk.trail(number)? }))),
        (false, ["export"]) => export(desk, number, asked),
        (false, ["evidence"]) => {
            desk.incident(number)?;
            Ok(Answer::Json(json!({ "value": told(&desk.exhibits(number)) })))
        }
        (false, ["evidence", id]) => Ok(Answer::Json(exhibit(&desk.exhibit(number, id)?))),
        (true, ["orders"]) => order(desk, number, asked),
        (true, ["evidence"]) => keep(desk, number, asked),
        (true, ["evidence", id, "reveal"]) => reveal(desk, number, id, asked),
        _ => Err(nothing()),
    }
}

#[derive(Deserialize)]
struct Ordered {
    by: String,
    #[serde(default)]
    seen: Option<u64>,
    order: Order,
}

fn order(desk: &Desk, number: u32, asked: &Asked) -> Result<Answer, Failure> {
    let wrong = |error: serde_json::Error| {
        Failure::bad(format!("this is no order: {error}; docs/incidents.md has them"))
    };
    let Ordered { by, seen, order } = serde_json::from_value(asked.body.clone()).map_err(wrong)?;
    let by = person(&by)?;
    let command = Command { incident: number, seen, by, order };
    let incident = desk.order(&command, None, asked.now)?;
    Ok(Answer::Json(summary(&incident)))
}

/// Who says that they do it. The token is shared, so a name is taken for what it says.
fn person(name: &str) -> Result<By, Failure> {
    let name = name.trim();
    if name.is_empty() || name.len() > 512 {
        return Err(Failure::bad("`by` says nobody; say who does it, in at most 512 bytes"));
    }
    Ok(By::Person(name.to_owned()))
}

fn drawn(desk: &Desk, number: u32, asked: &Asked) -> Result<Answer, Failure> {
    let graph = graph(&desk.case(number)?);
    match parameter(asked, "format").unwrap_or("json") {
        "json" => Ok(Answer::Json(json!(graph))),
        "dot" => Ok(Answer::Text("text/vnd.graphviz", graph.to_dot())),
        "svg" => Ok(Answer::Text("image/svg+xml", report::alone(&graph))),
        other => Err(unknown(other, "json, dot, svg")),
    }
}

fn unknown(format: &str, known: &str) -> Failure {
    Failure::bad(format!("`format` is `{format}`; it is one of {known}"))
}

fn export(desk: &Desk, number: u32, asked: &Asked) -> Result<Answer, Failure> {
    let case = desk.case(number)?;
    match parameter(asked, "format").unwrap_or("json") {
        "json" => Ok(Answer::Json(whole(&case))),
        "ocsf" => Ok(Answer::Json(Value::Array(ocsf::events(&case)))),
        "stix" => Ok(Answer::Json(stix::bundle(&case))),
        "html" => Ok(Answer::Text("text/html; charset=utf-8", report::html(&case))),
        other => Err(unknown(other, "ocsf, stix, html, json")),
    }
}

fn keep(desk: &Desk, number: u32, asked: &Asked) -> Result<Answer, Failure> {
    let said = text(&asked.body, "text");
    if said.is_empty() {
        return Err(Failure::bad("`text` is empty; send the text that is to be kept"));
    }
    let by = person(text(&asked.body, "by"))?;
    let name = by.to_string();
    let kind = Some(text(&asked.body, "kind")).filter(|kind| !kind.is_empty()).unwrap_or("note");
    let source = Some(text(&asked.body, "source")).filter(|source| !source.is_empty()).unwrap_or("by hand");
    let original = Original {
        kind,
        source,
        incident: "",
        alert: text(&asked.body, "alert"),
        by: &name,
        text: said,
        at: asked.now.get(),
        kept: asked.now.get(),
    };
    Ok(Answer::Json(json!({ "value": told(&desk.keep(number, &[original], &by)?) })))
}

fn reveal(desk: &Desk, number: u32, id: &str, asked: &Asked) -> Result<Answer, Failure> {
    if !asked.may_reveal {
        return Err(Failure::new(
            FailureKind::Forbidden,
            "opening evidence needs a permission of its own: send the header `X-Castellan-Reveal` with what the server was \
             given as CASTELLAN_REVEAL_TOKEN",
        ));
    }
    let (by, reason) = (text(&asked.body, "by"), text(&asked.body, "reason"));
    let (found, sealed) = desk.reveal(number, id, by, reason, asked.now)?;
    Ok(Answer::Json(json!({ "exhibit": exhibit(&found), "sealed": STANDARD.encode(sealed) })))
}

/// An incident, with all times as people read them.
fn whole(case: &Case) -> Value {
    let mut whole = json!(case);
    if let Some(members) = whole.as_object_mut() {
        members.insert("evidence".to_owned(), told(&case.evidence));
    }
    whole
}

fn told(exhibits: &[Exhibit]) -> Value {
    Value::Array(exhibits.iter().map(exhibit).collect())
}

fn exhibit(exhibit: &Exhibit) -> Value {
    let mut told = json!(exhibit);
    if let Some(members) = told.as_object_mut() {
        for (name, ticks) in [("at", exhibit.at), ("kept", exhibit.kept)] {
            members.insert(name.to_owned(), json!(Ticks::new(ticks).unwrap_or(Ticks::MIN)));
        }
    }
    told
}
