//! Reads plans, clocks and drills.

use std::collections::BTreeMap;

use castellan_base::{Level, Node, Object, Span, Ticks};

use super::clock::{Clock, Limit, Stage};
use super::drill::{Drill, Line};
use super::escalation::Rung;
use super::{Handbook, Plan, Role, Template};
use crate::playbook::Text;
use crate::playbook::reader::{Reader, member, repeated};

/// Makes a limit of a count.
type MakeLimit = fn(i64) -> Limit;
/// Makes a line of a minute and a text.
type MakeLine = fn(i64, String) -> Line;

/// The properties of a stage.
const STAGE: [&str; 10] = [
    "id",
    "what",
    "from",
    "hours",
    "days",
    "months",
    "business_days",
    "days_after_year",
    "latest_from",
    "latest_hours",
];

/// The longest time in any unit.
const LONGEST: u64 = 1_000_000;

pub(super) fn add(node: &Node, handbook: &mut Handbook) {
    let mut reader = Reader::default();
    repeated(node, &mut reader);
    if let Some(object) = reader.object(node, "the file") {
        reader.known(object, "a handbook", &["plans", "clocks", "drills"]);
        let clocks = items(object, "clocks", &mut reader, clock);
        let plans = items(object, "plans", &mut reader, plan);
        let drills = items(object, "drills", &mut reader, drill);
        let known: Vec<&str> = handbook.clocks.iter().chain(&clocks).map(|clock| clock.id.as_str()).collect();
        for plan in &plans {
            for clock in plan.clocks.iter().filter(|clock| !known.contains(&clock.as_str())) {
                let message =
                    format!("the plan `{}` looks at the clock `{clock}`, which is not known", plan.id);
                reader.error(node.span, message, "check the spelling, or read the file with the clock first");
            }
        }
        // A clock or a plan that is half read would be silent about what it lacks.
        if reader.diagnostics.iter().all(|diagnostic| diagnostic.level != Level::Error) {
            handbook.clocks.extend(clocks);
            handbook.plans.extend(plans);
            handbook.drills.extend(drills);
        }
    }
    handbook.diagnostics.append(&mut reader.diagnostics);
}

/// The items of a list of objects.
fn items<T>(
    object: &Object,
    key: &str,
    reader: &mut Reader,
    read: fn(&Object, Span, &mut Reader) -> Option<T>,
) -> Vec<T> {
    let Some(node) = member(object, key) else { return Vec::new() };
    let Some(found) = node.as_array() else {
        reader.error(node.span, format!("`{key}` has to be a list"), "");
        return Vec::new();
    };
    let mut all = Vec::new();
    for item in found {
        if let Some(object) = reader.object(item, &format!("each of `{key}`")) {
            all.extend(read(object, item.span, reader));
        }
    }
    all
}

fn clock(object: &Object, span: Span, reader: &mut Reader) -> Option<Clock> {
    let known = ["id", "regulation", "citation", "url", "authority", "applies", "checked", "stages"];
    reader.known(object, "a clock", &known);
    let mut text = |key: &str| reader.required(object, key, span);
    let (id, regulation, citation, url) = (text("id"), text("regulation"), text("citation"), text("url"));
    let (authority, applies, checked) = (text("authority"), text("applies"), text("checked"));
    Some(Clock {
        id: id?,
        regulation: regulation?,
        citation: citation?,
        url: url?,
        authority: authority?,
        applies: applies?,
        checked: checked?,
        stages: items(object, "stages", reader, stage),
    })
}

fn stage(object: &Object, span: Span, reader: &mut Reader) -> Option<Stage> {
    reader.known(object, "a stage", &STAGE);
    let units: [(&str, MakeLimit); 5] = [
        ("hours", Limit::Hours),
        ("days", Limit::Days),
        ("months", Limit::Months),
        ("business_days", Limit::BusinessDays),
        ("days_after_year", Limit::DaysAfterYear),
    ];
    let mut limits = Vec::new();
    for (key, limit) in units {
        let count = reader.whole(object, key, 1, LONGEST).and_then(|count| i64::try_from(count).ok());
        limits.extend(count.map(limit));
    }
    let [limit] = limits.as_slice() else {
        reader.error(
            span,
            "a stage has one of `hours`, `days`, `months`, `business_days` and `days_after_year`",
            "",
        );
        return None;
    };
    let latest_from = reader.text(object, "latest_from");
    let latest_hours =
        reader.whole(object, "latest_hours", 1, LONGEST).and_then(|hours| i64::try_from(hours).ok());
    let latest = match (latest_from, latest_hours) {
        (Some(from), Some(hours)) => Some((from, Limit::Hours(hours))),
        (None, None) => None,
        _ => {
            reader.error(span, "a latest time has both `latest_from` and `latest_hours`", "");
            return None;
        }
    };
    let id = reader.required(object, "id", span);
    let what = reader.required(object, "what", span);
    let from = reader.required(object, "from", span);
    Some(Stage { id: id?, what: what?, from: from?, limit: *limit, latest })
}

fn plan(object: &Object, span: Span, reader: &mut Reader) -> Option<Plan> {
    let known = ["id", "name", "roles", "severities", "ladder", "clocks", "templates", "playbooks"];
    reader.known(object, "a plan", &known);
    let id = reader.required(object, "id", span);
    let name = reader.required(object, "name", span);
    let ladder = items(object, "ladder", reader, rung);
    let roles = items(object, "roles", reader, role);
    for role in ladder.iter().flat_map(|rung| &rung.roles) {
        if !roles.iter().any(|known| known.id == *role) {
            reader.error(
                span,
                format!("the ladder tells `{role}`, which is no role of the plan"),
                "add it to `roles`",
            );
        }
    }
    Some(Plan {
        id: id?,
        name: name?,
        roles,
        severities: items(object, "severities", reader, severity),
        ladder,
        clocks: reader.texts(object, "clocks"),
        templates: items(object, "templates", reader, template),
        playbooks: pairs(object, "playbooks", reader),
    })
}

fn role(object: &Object, span: Span, reader: &mut Reader) -> Option<Role> {
    let id = reader.required(object, "id", span);
    let name = reader.required(object, "name", span);
    let duties = reader.required(object, "duties", span);
    Some(Role { id: id?, name: name?, duties: duties? })
}

fn severity(object: &Object, span: Span, reader: &mut Reader) -> Option<(String, String, usize)> {
    let name = reader.required(object, "name", span);
    let when = reader.required(object, "when", span);
    let first = reader.whole(object, "first_rung", 0, 100).unwrap_or(0);
    Some((name?, when?, usize::try_from(first).unwrap_or(0)))
}

fn rung(object: &Object, span: Span, reader: &mut Reader) -> Option<Rung> {
    let connector = reader.required(object, "connector", span);
    let minutes = reader.whole(object, "minutes", 1, LONGEST).and_then(|minutes| i64::try_from(minutes).ok());
    if minutes.is_none() {
        reader.error(span, "a rung needs `minutes`", "say how long there is to answer");
    }
    Some(Rung { roles: reader.texts(object, "roles"), connector: connector?, minutes: minutes? })
}

fn template(object: &Object, span: Span, reader: &mut Reader) -> Option<Template> {
    let id = reader.required(object, "id", span);
    let audience = reader.required(object, "audience", span);
    let text = reader.required(object, "text", span);
    Some(Template { id: id?, audience: audience?, text: Text::parse(&text?) })
}

fn pairs(object: &Object, key: &str, reader: &mut Reader) -> BTreeMap<String, String> {
    let Some(node) = member(object, key) else { return BTreeMap::new() };
    let Some(found) = reader.object(node, &format!("`{key}`")) else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for entry in found {
        if let Some(text) = reader.text_of(&entry.value, &format!("each of `{key}`")) {
            all.insert(entry.key.to_string(), text);
        }
    }
    all
}

fn drill(object: &Object, span: Span, reader: &mut Reader) -> Option<Drill> {
    reader.known(object, "a drill", &["id", "title", "plan", "begins", "severity", "lines"]);
    let mut text = |key: &str| reader.required(object, key, span);
    let (id, title, plan, severity) = (text("id"), text("title"), text("plan"), text("severity"));
    let begins = reader.time(object, "begins");
    Some(Drill {
        id: id?,
        title: title?,
        plan: plan?,
        begins: begins?,
        severity: severity?,
        lines: items(object, "lines", reader, line),
    })
}

fn line(object: &Object, span: Span, reader: &mut Reader) -> Option<Line> {
    let minute = reader.whole(object, "minute", 0, LONGEST).and_then(|minute| i64::try_from(minute).ok());
    let minute = minute.unwrap_or(0);
    let kinds: [(&str, MakeLine); 5] = [
        ("inject", Line::Inject),
        ("answer", Line::Answer),
        ("moment", Line::Moment),
        ("done", Line::Done),
        ("expect_late", Line::ExpectLate),
    ];
    for (key, line) in kinds {
        if let Some(text) = reader.text(object, key) {
            return Some(line(minute, text));
        }
    }
    if member(object, "expect_told").is_some() {
        return Some(Line::ExpectTold(minute, reader.texts(object, "expect_told")));
    }
    if let Some(stage) = reader.text(object, "expect_due") {
        let at: Option<Ticks> = reader.time(object, "at");
        return Some(Line::ExpectDue(minute, stage, at?));
    }
    if let Some(template) = reader.text(object, "expect_template") {
        return Some(Line::ExpectTemplate(minute, template, pairs(object, "values", reader)));
    }
    reader.error(span, "a line of a drill says nothing that is known", "see the drills that are built in");
    None
}
