//! From results to alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use castellan_base::Ticks;
use uuid::Uuid;

use super::alert::{Alert, Details, MAX_IDENTITIES};
use super::evaluate::Evaluation;
use super::format::shortened;
use super::identity::{Identity, identity};
use super::overrides::Row;
use crate::entity::Entities;
use crate::rule::duration::format;
use crate::rule::{Grouping, Kind, Rule};

/// The alerts that results make, in the order in which their first rows come: all results, or those of the numbers in
/// `part`.
///
/// Results that would make alerts which nobody could tell apart make one, with their number: a rule that raises an alert
/// for each result may find the same a thousand times. There is no bound on how many alerts there are.
pub fn alerts(rule: &Rule, evaluation: &Evaluation, part: Option<&BTreeSet<u64>>) -> Vec<Alert> {
    let context = Arc::new(context(rule, evaluation));
    let mut groups =
        Groups { rule, evaluation, context, alerts: Vec::new(), places: BTreeMap::new(), sums: Vec::new() };
    let is_in = |number: u64| part.is_none_or(|part| part.contains(&number));
    // Batches that an evaluation gave have its columns.
    let _ = evaluation.results.each(|number, values| {
        if is_in(number) {
            groups.add(&values);
        }
    });
    if groups.alerts.is_empty() && evaluation.results.count() == 0 {
        // A rule that is about what is not there has no row to show.
        groups.add_empty();
    }
    groups.finish()
}

struct Groups<'r> {
    rule: &'r Rule,
    evaluation: &'r Evaluation,
    context: Arc<BTreeMap<&'static str, String>>,
    alerts: Vec<Alert>,
    /// Where the alert is that looks like a result's.
    places: BTreeMap<String, usize>,
    /// How each alert looks, and the results that it stands for.
    sums: Vec<(String, Sum)>,
}

/// A digest of results that is the same in whatever order they come.
#[derive(Default)]
struct Sum {
    words: [u64; 4],
    results: u64,
}

impl Sum {
    fn add(&mut self, id: &Identity) {
        let digest = blake3::hash(id.as_bytes());
        let (words, _) = digest.as_bytes().as_chunks::<8>();
        for (sum, word) in self.words.iter_mut().zip(words) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*word));
        }
        self.results += 1;
    }
}

impl Groups<'_> {
    fn add(&mut self, values: &[castellan_kql::Value]) {
        let row = Row { results: &self.evaluation.results, values };
        let id = identity(values, self.evaluation.keys.as_deref());
        let looks = match self.rule.grouping {
            Grouping::SingleAlert => String::new(),
            Grouping::AlertPerResult => looks(self.rule, &row),
        };
        let at = match self.places.get(&looks) {
            Some(at) => *at,
            None => {
                self.alerts.push(self.first(Some(&row)));
                self.sums.push((looks.clone(), Sum::default()));
                self.places.insert(looks, self.alerts.len() - 1);
                self.alerts.len() - 1
            }
        };
        if let (Some(alert), Some((_, sum))) = (self.alerts.get_mut(at), self.sums.get_mut(at)) {
            sum.add(&id);
            take(alert, self.rule, &row, id);
        }
    }

    fn add_empty(&mut self) {
        let alert = self.first(None);
        self.alerts.push(alert);
        self.sums.push((String::new(), Sum::default()));
    }

    /// An alert that stands for no result yet; its texts are of the first.
    fn first(&self, row: Option<&Row<'_>>) -> Alert {
        let (rule, window) = (self.rule, &self.evaluation.window);
        Alert {
            id: Uuid::nil(),
            rule: Arc::clone(&rule.id),
            rule_name: Arc::clone(&rule.name),
            name: row.map_or_else(|| rule.name.to_string(), |row| row.name(rule)),
            description: row.map_or_else(|| rule.description.to_string(), |row| row.description(rule)),
            severity: row.map_or(rule.severity, |row| row.severity(rule)),
            tactics: row.map_or_else(|| rule.tactics.clone(), |row| row.tactics(rule)),
            techniques: rule.techniques.iter().map(|technique| Arc::clone(&technique.text)).collect(),
            raised: window.until,
            start: Ticks::MAX,
            end: Ticks::MIN,
            entities: Entities::default(),
            details: Details::default(),
            results: 0,
            identities: Vec::new(),
            properties: row.map(|row| row.properties(rule)).unwrap_or_default(),
            context: Arc::clone(&self.context),
        }
    }

    fn finish(self) -> Vec<Alert> {
        let window = self.evaluation.window;
        let from = window.from.or(window.received_from).unwrap_or(window.until);
        let mut alerts = self.alerts;
        for (alert, (looks, sum)) in alerts.iter_mut().zip(&self.sums) {
            if alert.end < alert.start {
                (alert.start, alert.end) = (from, window.until);
            }
            alert.id = id(&alert.rule, (from, window.until), looks, sum);
        }
        alerts
    }
}

/// Adds what a result says to its alert.
fn take(alert: &mut Alert, rule: &Rule, row: &Row<'_>, id: Identity) {
    alert.results += 1;
    if alert.identities.len() < MAX_IDENTITIES && !alert.identities.contains(&id) {
        alert.identities.push(id);
    }
    row.entities(rule, &mut alert.entities);
    for detail in &rule.details {
        if let Some(text) = row.text(&detail.column.text) {
            alert.details.add(&detail.name, shortened(&text).into_owned());
        }
    }
    if let Some((start, end)) = row.span() {
        alert.start = alert.start.min(start);
        alert.end = alert.end.max(end);
    }
    // The worst of several counts.
    alert.severity = alert.severity.max(row.severity(rule));
}

/// All that somebody sees of the alert that a result makes.
fn looks(rule: &Rule, row: &Row<'_>) -> String {
    let mut entities = Entities::default();
    row.entities(rule, &mut entities);
    let mut text = format!("{}\u{1f}{}\u{1f}{}", row.name(rule), row.description(rule), row.severity(rule));
    // Writing to a text cannot fail.
    let _ = write!(text, "\u{1f}{:?}\u{1f}{:?}", row.tactics(rule), row.properties(rule));
    for entity in entities.list() {
        let _ = write!(text, "\u{1f}{}", entity.identity());
    }
    for detail in &rule.details {
        let _ = write!(text, "\u{1f}{}={}", detail.name, row.text(&detail.column.text).unwrap_or_default());
    }
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// The same for the same rule, window and results, in whatever order those come.
fn id(rule: &str, (from, until): (Ticks, Ticks), looks: &str, sum: &Sum) -> Uuid {
    let [a, b, c, d] = sum.words;
    let results = sum.results;
    let text = format!(
        "{rule}\u{1f}{}\u{1f}{}\u{1f}{looks}\u{1f}{a:x}.{b:x}.{c:x}.{d:x}\u{1f}{results}",
        from.get(),
        until.get()
    );
    Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes())
}

/// What a rule was run with, by the names that alerts of Microsoft Sentinel have for it.
fn context(rule: &Rule, evaluation: &Evaluation) -> BTreeMap<&'static str, String> {
    let window = &evaluation.window;
    let from = window.from.or(window.received_from);
    let mut context = BTreeMap::from([
        ("Query", rule.query.text.to_string()),
        ("Query End Time UTC", window.until.to_string()),
        ("Query Start Time UTC", from.map(|from| from.to_string()).unwrap_or_default()),
        ("Search Query Results Overall Count", evaluation.results.count().to_string()),
        ("Trigger Operator", rule.trigger.operator.to_string()),
        ("Trigger Threshold", rule.trigger.threshold.to_string()),
        ("Event Grouping", rule.grouping.to_string()),
        ("Analytic Rule Name", rule.name.to_string()),
        ("Analytic Rule Ids", serde_json::json!([&*rule.id]).to_string()),
        (
            "Data Sources",
            serde_json::json!(evaluation.tables.iter().map(|name| &**name).collect::<Vec<_>>()).to_string(),
        ),
    ]);
    if rule.kind == Kind::Scheduled {
        context.insert("Query Period", format(rule.period));
        context.insert("Query Frequency", format(rule.frequency));
    }
    context
}
