//! What the machine knows: facts, entities, the score, alerts.

use crate::case::{Alert, Case, name};
use std::collections::BTreeSet;

use super::page::{badge, code, escape, line, moment, table};
use crate::export::tactic;

/// Rows of a table that are written out; the rest is counted.
pub(super) const ROWS: usize = 500;

/// The cards at the top.
pub(super) fn facts(case: &Case) -> String {
    let owner = if case.owner.is_empty() { "nobody yet".to_owned() } else { escape(&case.owner) };
    let verdict = if case.classification.is_empty() {
        "<p class=\"soft\">open</p>".to_owned()
    } else {
        let more = [&case.classification_reason, &case.classification_comment];
        let more: String = more
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| format!("<p class=\"soft\">{}</p>", escape(text)))
            .collect();
        format!("<p class=\"figure\">{}</p>{more}", escape(&case.classification))
    };
    let done = case.tasks.iter().filter(|task| task.is_done).count();
    let tactics: String = case
        .tactics
        .iter()
        .map(|each| format!("<span class=\"label\">{}</span> ", escape(tactic::known(*each).name)))
        .collect();
    let techniques: BTreeSet<&String> =
        case.techniques.iter().chain(case.alerts.iter().flat_map(|alert| &alert.techniques)).collect();
    let techniques: Vec<String> = techniques.into_iter().map(|each| code(each)).collect();
    format!(
        "<section class=\"cards\">\
         <div class=\"card\"><b>Alerts</b><p class=\"figure\">{}</p><p class=\"soft\">{}, {}</p></div>\
         <div class=\"card\"><b>Owner</b><p class=\"figure\">{owner}</p><p class=\"soft\">{done} of {} tasks done</p></div>\
         <div class=\"card\"><b>Verdict</b>{verdict}</div>\
         <div class=\"card wide\"><b>Tactics and techniques</b><p>{tactics}</p><p class=\"soft\">{}</p></div></section>\n",
        case.alert_count(),
        counted(case.alerts.iter().map(|alert| alert.results).sum(), "result", "results"),
        counted(u64::try_from(case.entities.len()).unwrap_or(u64::MAX), "entity", "entities"),
        case.tasks.len(),
        techniques.join(" "),
    )
}

pub(super) fn entities(case: &Case) -> String {
    let rows: Vec<Vec<String>> = case
        .entities
        .iter()
        .take(ROWS)
        .map(|node| {
            let values = node.entity.values.iter();
            let values: Vec<String> =
                values.map(|(identifier, value)| format!("{identifier}: {}", line(value, 200))).collect();
            vec![
                escape(node.entity.entity.name()),
                escape(&line(&name(&node.entity), 200)),
                escape(&values.join("; ")),
                node.alerts.len().to_string(),
            ]
        })
        .collect();
    let unlisted: u64 = case.alerts.iter().map(|alert| alert.entities_not_listed).sum();
    let table = table(&["type", "entity", "identifiers", "alerts"], &rows, "The alerts name no entity.");
    format!("{table}{}{}", more(case.entities.len()), note(unlisted, "entities had no place in their alerts"))
}

/// How many rows there are beyond those that are written out.
pub(super) fn more(count: usize) -> String {
    note(
        u64::try_from(count.saturating_sub(ROWS)).unwrap_or(u64::MAX),
        "more; the JSON of the API has them all",
    )
}

fn note(count: u64, words: &str) -> String {
    if count == 0 { String::new() } else { format!("<p class=\"soft\">{count} {}</p>\n", escape(words)) }
}

/// Why these alerts are one incident.
pub(super) fn score(case: &Case) -> String {
    let rows: Vec<Vec<String>> = case
        .links
        .iter()
        .take(ROWS)
        .map(|link| {
            let alert = case.alerts.iter().find(|alert| alert.id == link.alert);
            let title = alert.map_or(link.alert.as_str(), |alert| alert.name.as_str());
            vec![format!("+{}", link.weight), escape(&line(title, 120)), escape(&link.reason)]
        })
        .collect();
    let none = "Nothing had to link these alerts: there is one, or their rule puts them together.";
    let sum =
        if rows.is_empty() { String::new() } else { format!("<p>The sum is <b>{}</b>.</p>\n", case.score()) };
    let table = table(&["weight", "alert", "why it belongs here"], &rows, none);
    format!("<h2 id=\"score\">Why this is one incident</h2>\n{sum}{table}{}", more(case.links.len()))
}

pub(super) fn alerts(case: &Case) -> String {
    let mut out = format!("<h2 id=\"alerts\">Alerts ({})</h2>\n", case.alerts.len());
    for alert in case.alerts.iter().take(ROWS) {
        out.push_str(&one(alert));
    }
    out.push_str(&more(case.alerts.len()));
    out.push_str(&note(
        case.alerts_not_listed,
        "alerts more are counted and not listed; `SecurityAlert` has them",
    ));
    out
}

fn one(alert: &Alert) -> String {
    let details: Vec<Vec<String>> = alert
        .details
        .iter()
        .map(|(name, values)| vec![escape(name), escape(&line(&values.join(", "), 1_000))])
        .collect();
    let details = if details.is_empty() { String::new() } else { table(&["detail", "values"], &details, "") };
    let entities: Vec<String> = alert
        .entities
        .iter()
        .take(50)
        .map(|entity| format!("{} {}", escape(entity.entity.name()), code(&line(&name(entity), 120))))
        .collect();
    let entities = if entities.is_empty() { "no entities".to_owned() } else { entities.join(", ") };
    format!(
        "<details open><summary>{}<span class=\"title\">{}</span><span class=\"soft\">{}{}</span></summary><div>\
         <p>{}</p><p class=\"soft\">{} to {} &middot; {} &middot; rule {} &middot; alert {}</p><p>{entities}</p>{details}</div></details>\n",
        badge(alert.severity),
        escape(&line(&alert.name, 200)),
        if alert.count > 1 { format!("{} times &middot; ", alert.count) } else { String::new() },
        moment(alert.start),
        escape(&alert.description),
        moment(alert.start),
        moment(alert.end),
        counted(alert.results, "result", "results"),
        code(&alert.rule),
        code(&alert.id),
    )
}

/// A number with its word.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
